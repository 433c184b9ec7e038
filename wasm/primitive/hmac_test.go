package primitive_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"errors"
	"hash"
	"testing"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// hmacAlgorithms are the algorithms beside those that they replace.
var hmacAlgorithms = []struct {
	ours, theirs token.Algorithm
	hash         crypto.Hash
}{
	{primitive.HS256, token.HS256, crypto.SHA256},
	{primitive.HS384, token.HS384, crypto.SHA384},
	{primitive.HS512, token.HS512, crypto.SHA512},
}

func sumOf(h hash.Hash, b []byte) []byte {
	h.Write(b)
	return h.Sum(nil)
}

func TestSHA2(t *testing.T) {
	r := chance(43)
	for _, a := range hmacAlgorithms {
		for length := range 600 {
			b := randomBytes(r, length)
			first, second := r.IntN(length+1), r.IntN(length+1)
			if first > second {
				first, second = second, first
			}
			if got, want := primitive.SHA2(a.hash.Size(), b[:first], b[first:second], b[second:]), sumOf(a.hash.New(), b); !bytes.Equal(got, want) {
				t.Fatalf("%v of %d bytes cut at %d and %d: %x, want %x", a.hash, length, first, second, got, want)
			}
		}
		long := randomBytes(r, 100000)
		if got, want := primitive.SHA2(a.hash.Size(), long[:99999], long[99999:]), sumOf(a.hash.New(), long); !bytes.Equal(got, want) {
			t.Errorf("%v of 100,000 bytes: %x, want %x", a.hash, got, want)
		}
	}
}

func TestHMAC_AgreesWithStandardLibrary(t *testing.T) {
	r := chance(44)
	for _, a := range hmacAlgorithms {
		for length := range 300 {
			secret, input := randomBytes(r, length), randomBytes(r, r.IntN(700))
			key := primitive.NewHMACKey(secret, a.hash.Size())
			good := sumOf(hmac.New(a.hash.New, secret), input)
			if !key.Verify(input, good) {
				t.Fatalf("%v: refused a good MAC with a key of %d bytes", a.hash, length)
			}
			for i := range good {
				forged := bytes.Clone(good)
				forged[i] ^= 1 << r.IntN(8)
				if key.Verify(input, forged) {
					t.Fatalf("%v: accepted a change of byte %d", a.hash, i)
				}
			}
			for _, other := range [][]byte{nil, {}, good[:len(good)-1], good[:16], append(bytes.Clone(good), 0), make([]byte, len(good))} {
				if key.Verify(input, other) {
					t.Fatalf("%v: accepted %x", a.hash, other)
				}
			}
			if key.Verify(append(bytes.Clone(input), 0), good) {
				t.Fatalf("%v: accepted another input", a.hash)
			}
		}
	}
}

func TestHMAC_Primitive(t *testing.T) {
	r := chance(45)
	for _, a := range hmacAlgorithms {
		t.Run(a.ours.Name(), func(t *testing.T) {
			secret := randomBytes(r, 64)
			key, err := token.NewHMACKey("", a.ours.Name(), secret)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := a.ours.Primitive(key)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := a.theirs.Primitive(key)
			if err != nil {
				t.Fatal(err)
			}
			for length := range 300 {
				input := randomBytes(r, length)
				good := sumOf(hmac.New(a.hash.New, secret), input)
				if !ours.Verify(input, good) || !theirs.Verify(input, good) || ours.Verify(input, good[1:]) {
					t.Fatal("wrong verdict")
				}
			}
			for _, other := range hmacAlgorithms {
				if _, err := other.ours.Primitive(key); errors.Is(err, token.ErrKeyMismatch) != (other.ours != a.ours) {
					t.Errorf("%s: %v", other.ours.Name(), err)
				}
			}
			if _, err := a.ours.Primitive(nil); !errors.Is(err, token.ErrKeyMismatch) {
				t.Errorf("nil: %v", err)
			}
		})
	}
}

// FuzzHMAC holds verdicts against crypto/hmac.
func FuzzHMAC(f *testing.F) {
	f.Add(uint8(0), []byte("secret"), []byte("input"), []byte{})
	f.Add(uint8(1), make([]byte, 129), make([]byte, 111), []byte{1})
	f.Add(uint8(2), []byte{}, []byte{}, make([]byte, 64))
	f.Fuzz(func(t *testing.T, which uint8, secret, input, instead []byte) {
		a := hmacAlgorithms[int(which)%len(hmacAlgorithms)]
		key := primitive.NewHMACKey(secret, a.hash.Size())
		good := sumOf(hmac.New(a.hash.New, secret), input)
		if !key.Verify(input, good) {
			t.Fatalf("%v: refused a good MAC", a.hash)
		}
		if key.Verify(input, instead) != bytes.Equal(good, instead) {
			t.Fatalf("%v: wrong verdict for %x", a.hash, instead)
		}
	})
}
