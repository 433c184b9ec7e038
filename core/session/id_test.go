package session_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	keyA = bytes.Repeat([]byte{'a'}, session.SealKeySize)
	keyB = bytes.Repeat([]byte{'b'}, session.SealKeySize)
	keyC = bytes.Repeat([]byte{'c'}, 2*session.SealKeySize)
)

// chance is a stream of bytes that never repeats within a test.
type chance struct{ next byte }

func (c *chance) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.next
		c.next++
	}
	return len(p), nil
}

func seal(t testing.TB, key []byte, previous ...[]byte) *session.Seal {
	t.Helper()
	s, err := session.NewSeal(key, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mint(t testing.TB, s *session.Seal) (string, session.Hash) {
	t.Helper()
	cookie, hash, err := s.Mint(&chance{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return cookie, hash
}

// wantRefused wants an Unauthenticated fault that says nothing about what was
// shown.
func wantRefused(t *testing.T, err error, code, shown string) {
	t.Helper()
	if fault.KindOf(err) != fault.Unauthenticated || fault.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
	if err != nil && len(shown) > 8 && strings.Contains(err.Error(), shown[:8]) {
		t.Errorf("%v shows what was presented", err)
	}
}

func TestNewSeal(t *testing.T) {
	tests := []struct {
		name string
		keys [][]byte
		want bool // whether it is refused
	}{
		{name: "one key", keys: [][]byte{keyA}},
		{name: "a longer key", keys: [][]byte{keyC}},
		{name: "with previous ones", keys: [][]byte{keyA, keyB, keyC}},
		{name: "no key", keys: [][]byte{nil}, want: true},
		{name: "short key", keys: [][]byte{keyA[:31]}, want: true},
		{name: "short previous key", keys: [][]byte{keyA, keyB[:31]}, want: true},
		{name: "empty previous key", keys: [][]byte{keyA, {}}, want: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := session.NewSeal(test.keys[0], test.keys[1:]...)
			if (err != nil) != test.want || (s == nil) != test.want {
				t.Errorf("got %v, %v", s, err)
			}
			if err != nil && strings.Contains(err.Error(), "aaaa") {
				t.Errorf("%v shows the key", err)
			}
		})
	}
}

// A seal must not sign with what is left of a key that its owner wiped.
func TestNewSeal_copies(t *testing.T) {
	key := bytes.Clone(keyA)
	s := seal(t, key)
	clear(key)
	cookie, _ := mint(t, s)
	if _, err := seal(t, keyA).Check(cookie); err != nil {
		t.Errorf("signed with another key than it was given: %v", err)
	}
	if _, err := seal(t, make([]byte, session.SealKeySize)).Check(cookie); err == nil {
		t.Error("signed with zeros")
	}
}

func TestSeal_Mint(t *testing.T) {
	s := seal(t, keyA)
	random := &chance{}
	cookie, hash, err := s.Mint(random, noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(cookie) != session.CookieLength {
		t.Errorf("the cookie has %d characters, not %d", len(cookie), session.CookieLength)
	}
	if strings.Trim(cookie, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("the cookie needs quotes: %s", cookie)
	}
	again, other, err := s.Mint(random, noon)
	if err != nil {
		t.Fatal(err)
	}
	if again == cookie || other == hash {
		t.Error("two ids are the same")
	}
	same, otherTime, err := s.Mint(&chance{}, noon.Add(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if same == cookie || otherTime == hash {
		t.Error("the time of issue is not part of the id")
	}
	for _, before := range []time.Time{{}, time.UnixMilli(-1)} {
		if cookie, _, err := s.Mint(&chance{}, before); err != nil || len(cookie) != session.CookieLength {
			t.Errorf("at %v: %q, %v", before, cookie, err)
		}
	}
}

func TestSeal_Mint_withoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name   string
		random io.Reader
		want   error
	}{
		{"none", strings.NewReader(""), io.EOF},
		{"too little", strings.NewReader("only a little"), io.ErrUnexpectedEOF},
		{"broken", iotest.ErrReader(broken), broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			cookie, hash, err := seal(t, keyA).Mint(test.random, noon)
			if !errors.Is(err, test.want) || cookie != "" || hash != (session.Hash{}) {
				t.Errorf("got %q, %x, %v, want %v", cookie, hash, err, test.want)
			}
		})
	}
	t.Run("in small pieces", func(t *testing.T) {
		cookie, _, err := seal(t, keyA).Mint(iotest.OneByteReader(&chance{}), noon)
		if want, _ := mint(t, seal(t, keyA)); err != nil || cookie != want {
			t.Errorf("got %q, %v, want %q", cookie, err, want)
		}
	})
}

func TestSeal_Check(t *testing.T) {
	cookie, hash := mint(t, seal(t, keyA))
	tests := []struct {
		name    string
		seal    *session.Seal
		cookie  string
		refused bool
	}{
		{name: "its own", seal: seal(t, keyA), cookie: cookie},
		{name: "of a previous key", seal: seal(t, keyB, keyA), cookie: cookie},
		{name: "of the key before", seal: seal(t, keyB, keyC, keyA), cookie: cookie},
		{name: "of another key", seal: seal(t, keyB), cookie: cookie, refused: true},
		{name: "of other keys", seal: seal(t, keyB, keyC), cookie: cookie, refused: true},
		{name: "empty", seal: seal(t, keyA), refused: true},
		{name: "one character less", seal: seal(t, keyA), cookie: cookie[1:], refused: true},
		{name: "one character less at the end", seal: seal(t, keyA), cookie: cookie[:len(cookie)-1], refused: true},
		{name: "one character more", seal: seal(t, keyA), cookie: cookie + "A", refused: true},
		{name: "padding", seal: seal(t, keyA), cookie: cookie[:len(cookie)-1] + "=", refused: true},
		{name: "more padding", seal: seal(t, keyA), cookie: cookie + "=", refused: true},
		{name: "a line break within", seal: seal(t, keyA), cookie: cookie[:10] + "\n" + cookie[11:], refused: true},
		{name: "line breaks only", seal: seal(t, keyA), cookie: strings.Repeat("\r\n", session.CookieLength/2), refused: true},
		{name: "quotes", seal: seal(t, keyA), cookie: `"` + cookie + `"`, refused: true},
		{name: "zeros", seal: seal(t, keyA), cookie: strings.Repeat("A", session.CookieLength), refused: true},
		{name: "twice", seal: seal(t, keyA), cookie: cookie + cookie, refused: true},
		{name: "a megabyte", seal: seal(t, keyA), cookie: strings.Repeat("A", 1<<20), refused: true},
		{name: "not ASCII", seal: seal(t, keyA), cookie: strings.Repeat("é", session.CookieLength/2), refused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.seal.Check(test.cookie)
			if test.refused {
				wantRefused(t, err, "session_unknown", test.cookie)
				hash := session.Hash{}
				if got != hash {
					t.Errorf("got %x with an error", got)
				}
				return
			}
			if err != nil || got != hash {
				t.Errorf("got %x, %v, want %x", got, err, hash)
			}
		})
	}
}

// Every bit of a cookie counts, and there is one way to write it.
func TestSeal_Check_tampered(t *testing.T) {
	s := seal(t, keyA, keyB)
	cookie, _ := mint(t, s)
	b, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := s.Check(base64.RawURLEncoding.EncodeToString(b)); err == nil {
			t.Errorf("accepted with bit %d turned", bit)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	text := []byte(cookie)
	for i, c := range text {
		for other := range 256 {
			if text[i] = byte(other); byte(other) == c {
				continue
			}
			if _, err := s.Check(string(text)); err == nil {
				t.Errorf("accepted with %q for %q at %d", byte(other), c, i)
			}
		}
		text[i] = c
	}
	if _, err := s.Check(string(text)); err != nil {
		t.Errorf("the cookie itself: %v", err)
	}
}

func TestSeal_Check_allocates(t *testing.T) {
	s := seal(t, keyA, keyB)
	cookie, want := mint(t, s)
	old, _ := mint(t, seal(t, keyB))
	bad := "A" + cookie[1:]
	for name, c := range map[string]string{"good": cookie, "of the previous key": old, "bad": bad, "short": "x"} {
		n := testing.AllocsPerRun(1000, func() {
			_, _ = s.Check(c)
		})
		if n != 0 && !raced {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if got, err := s.Check(cookie); err != nil || got != want {
		t.Errorf("got %x, %v", got, err)
	}
}

func TestSeal_parallel(t *testing.T) {
	s := seal(t, keyA, keyB)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			random := &chance{next: byte(i * 31)}
			for range 200 {
				cookie, want, err := s.Mint(random, noon)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Check(cookie); err != nil || got != want {
					t.Errorf("got %x, %v, want %x", got, err, want)
				}
			}
		})
	}
	wait.Wait()
}

func FuzzSeal_Check(f *testing.F) {
	s := seal(f, keyA, keyB)
	cookie, _ := mint(f, s)
	old, _ := mint(f, seal(f, keyB))
	foreign, _ := mint(f, seal(f, keyC))
	for _, c := range []string{cookie, old, foreign, "", cookie[:95] + "\n", strings.Repeat("A", session.CookieLength)} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, c string) {
		h, err := s.Check(c)
		if err == nil && c != cookie && c != old {
			t.Errorf("accepted a forged cookie: %q", c)
		}
		if err != nil && (h != session.Hash{} || fault.KindOf(err) != fault.Unauthenticated) {
			t.Errorf("got %x, %v", h, err)
		}
	})
}

func BenchmarkSeal_Check(b *testing.B) {
	s := seal(b, keyA)
	cookie, _ := mint(b, s)
	for name, c := range map[string]string{"good": cookie, "forged": "A" + cookie[1:], "malformed": "!" + cookie[1:]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = s.Check(c)
			}
		})
	}
}

func BenchmarkSeal_Mint(b *testing.B) {
	s, random := seal(b, keyA), &chance{}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Mint(random, noon); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleSeal() {
	key := []byte("thirty-two bytes or more, secret")
	seal, err := session.NewSeal(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	random := rand.NewChaCha8([32]byte{}) // in a program crypto/rand.Reader
	cookie, stored, err := seal.Mint(random, time.Unix(1772366400, 0))
	fmt.Println(len(cookie), err)

	hash, err := seal.Check(cookie)
	fmt.Println(hash == stored, err)

	_, err = seal.Check("A" + cookie[1:])
	fmt.Println(fault.CodeOf(err))
	// Output:
	// 96 <nil>
	// true <nil>
	// session_unknown
}
