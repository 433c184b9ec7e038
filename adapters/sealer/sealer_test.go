package sealer_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

// A sealed value and a derived key as they were when the format was fixed, for
// the master key of 32 letters a.
const (
	formatSealed  = "0155c62e9426b78ab445b767e10b3b45bc0709e2f230cf811e0346a48de5824eed5035a2ca27708dc8ff9489d1852cac"
	formatDerived = "182b3990b9f8713bdbcc9351dd6da68a8b32e22751c51eb90dd63128df138cc4"
)

// master returns a different master key for each letter.
func master(letter byte) []byte { return bytes.Repeat([]byte{letter}, sealer.KeySize) }

func newSealer(t *testing.T, current []byte, previous ...[]byte) *sealer.Sealer {
	t.Helper()
	s, err := sealer.New(current, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	porttest.Sealer(t, func(t *testing.T) (ports.Sealer, ports.Sealer) {
		return newSealer(t, master('a')), newSealer(t, master('b'))
	})
}

func TestNew_refuses_wrong_length(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := sealer.New(make([]byte, size)); err == nil {
			t.Errorf("a key of %d bytes was taken", size)
		}
		if _, err := sealer.New(master('a'), make([]byte, size)); err == nil {
			t.Errorf("a previous key of %d bytes was taken", size)
		}
	}
}

func TestOpen_after_change_of_master(t *testing.T) {
	place := []byte("row 7")
	before := newSealer(t, master('a'))
	sealed, err := before.Seal([]byte("secret"), place)
	if err != nil {
		t.Fatal(err)
	}
	after := newSealer(t, master('c'), master('b'), master('a'))
	plain, err := after.Open(sealed, place)
	if err != nil || string(plain) != "secret" {
		t.Fatalf("the new sealer opened %q, %v", plain, err)
	}
	sealed, err = after.Seal([]byte("newer"), place)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Open(sealed, place); !errors.Is(err, sealer.ErrKey) {
		t.Errorf("the former sealer answered %v to a value under the new key, want ErrKey", err)
	}
	if plain, err := newSealer(t, master('c')).Open(sealed, place); err != nil || string(plain) != "newer" {
		t.Errorf("the new key alone opened %q, %v", plain, err)
	}
}

func TestOpen_errors(t *testing.T) {
	s := newSealer(t, master('a'))
	good, err := s.Seal([]byte("secret"), []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	for _, tt := range []struct {
		name   string
		sealed []byte
		want   error
	}{
		{"empty", nil, sealer.ErrBroken},
		{"too short", good[:sealer.Overhead-1], sealer.ErrBroken},
		{"shortened", good[:len(good)-1], sealer.ErrBroken},
		{"extended", append(bytes.Clone(good), 0), sealer.ErrBroken},
		{"version", changed(0), sealer.ErrBroken},
		{"key id", changed(1), sealer.ErrKey},
		{"nonce", changed(5), sealer.ErrBroken},
		{"ciphertext", changed(17), sealer.ErrBroken},
		{"tag", changed(len(good) - 1), sealer.ErrBroken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plain, err := s.Open(tt.sealed, []byte("place"))
			if !errors.Is(err, tt.want) || plain != nil {
				t.Errorf("got %q, %v; want %v", plain, err, tt.want)
			}
		})
	}
}

// TestOpen_format holds the format against a value that was sealed once: what
// lies in databases must open for ever.
func TestOpen_format(t *testing.T) {
	sealed, err := hex.DecodeString(formatSealed)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := newSealer(t, master('a')).Open(sealed, []byte("place"))
	if err != nil || string(plain) != "the plain value" {
		t.Errorf("got %q, %v", plain, err)
	}
	if got := len(sealed) - len(plain); got != sealer.Overhead {
		t.Errorf("overhead is %d bytes, want %d", got, sealer.Overhead)
	}
}

func TestDerive(t *testing.T) {
	a := sealer.Derive(master('a'), "one")
	got := []bool{
		len(a) == 32,
		bytes.Equal(a, sealer.Derive(master('a'), "one")),
		bytes.Equal(a, sealer.Derive(master('a'), "two")),
		bytes.Equal(a, sealer.Derive(master('b'), "one")),
		bytes.Equal(a, master('a')),
	}
	if diff := cmp.Diff([]bool{true, true, false, false, false}, got); diff != "" {
		t.Error(diff)
	}
	// The derivation is fixed for ever: cookies and sealed values hang on it.
	if got := hex.EncodeToString(a); got != formatDerived {
		t.Errorf("got %s, want %s", got, formatDerived)
	}
}

func ExampleSealer() {
	s, err := sealer.New(bytes.Repeat([]byte{1}, sealer.KeySize)) // from LoadOrCreateKey
	if err != nil {
		panic(err)
	}
	sealed, err := s.Seal([]byte("upstream token"), []byte("session 7"))
	if err != nil {
		panic(err)
	}
	plain, err := s.Open(sealed, []byte("session 7"))
	fmt.Println(string(plain), err)
	_, err = s.Open(sealed, []byte("session 8"))
	fmt.Println(errors.Is(err, sealer.ErrBroken))
	// Output:
	// upstream token <nil>
	// true
}

func FuzzOpen(f *testing.F) {
	s, err := sealer.New(master('a'), master('b'))
	if err != nil {
		f.Fatal(err)
	}
	good, err := hex.DecodeString(formatSealed) // workers are processes: a new one would differ in each
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte("place"))
	f.Add(good[:20], []byte(""))
	f.Add([]byte{}, []byte("place"))
	f.Fuzz(func(t *testing.T, sealed, associated []byte) {
		_, err := s.Open(sealed, associated)
		if same := bytes.Equal(sealed, good) && string(associated) == "place"; same != (err == nil) {
			t.Errorf("opened %x for %q: %v", sealed, associated, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s, err := sealer.New(master('a'))
	if err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(plain, []byte("place")); err != nil {
			b.Fatal(err)
		}
	}
}
