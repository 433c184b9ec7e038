package primitive_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// verification is a good signature and what verifies it: here, and in the standard library.
type verification struct {
	name             string
	key              *token.Key
	ours, theirs     token.Algorithm
	primitive        token.Primitive
	input, signature []byte
}

// cases returns one signature of each algorithm over what a token of usual length signs.
func cases(tb testing.TB) (list []verification) {
	tb.Helper()
	input := []byte(strings.Repeat("eyJhbGciOiJFUzI1", 24))
	add := func(ours, theirs token.Algorithm, suffix string, key *token.Key, err error, signature []byte) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		p, err := ours.Primitive(key)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, verification{ours.Name() + suffix, key, ours, theirs, p, input, signature})
	}
	d := big.NewInt(0x123456789)
	for _, c := range curves {
		r, s := c.sign(d, new(big.Int).Rsh(c.n, 3), new(big.Int).SetBytes(c.sum(input)))
		key, err := token.NewECDSAKey("", c.g.times(d).public())
		add(c.ours, c.theirs, "", key, err, c.pair(r, s))
	}
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	key, err := token.NewEd25519Key("", private.Public().(ed25519.PublicKey))
	add(primitive.EdDSA, token.EdDSA, "", key, err, ed25519.Sign(private, input))
	for _, a := range hmacAlgorithms {
		secret := make([]byte, 64)
		key, err := token.NewHMACKey("", a.ours.Name(), secret)
		add(a.ours, a.theirs, "", key, err, sumOf(hmac.New(a.hash.New, secret), input))
	}
	for _, a := range rsaAlgorithms {
		for _, bits := range []int{2048, 4096} {
			k := newRSAKey(chance(21), bits, 65537, a.hash)
			key, err := token.NewRSAKey("", a.ours.Name(), &rsa.PublicKey{N: k.n, E: int(k.e)})
			add(a.ours, a.theirs, "-"+strconv.Itoa(bits), key, err, signRSA(k, a.pss, input))
		}
	}
	return list
}

func BenchmarkVerify(b *testing.B) {
	for _, c := range cases(b) {
		theirs, err := c.theirs.Primitive(c.key)
		if err != nil {
			b.Fatal(err)
		}
		for _, side := range []struct {
			name      string
			primitive token.Primitive
		}{{"primitive", c.primitive}, {"standard", theirs}} {
			b.Run(c.name+"/"+side.name, func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					if !side.primitive.Verify(c.input, c.signature) {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}

func BenchmarkPrimitive(b *testing.B) {
	for _, c := range cases(b) {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				if _, err := c.ours.Primitive(c.key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
