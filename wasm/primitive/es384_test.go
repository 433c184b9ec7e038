package primitive_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// wideCurve is a curve in both worlds.
type wideCurve struct {
	name         string
	ours, theirs token.Algorithm
	curve        elliptic.Curve
	size         int
	digest       func([]byte) []byte
}

var wideCurves = []wideCurve{
	{"ES384", primitive.ES384, token.ES384, elliptic.P384(), 48, func(b []byte) []byte { d := sha512.Sum384(b); return d[:] }},
	{"ES512", primitive.ES512, token.ES512, elliptic.P521(), 66, func(b []byte) []byte { d := sha512.Sum512(b); return d[:] }},
}

// wideKey is a public key in both worlds.
type wideKey struct {
	curve        *wideCurve
	private      *ecdsa.PrivateKey // nil for one of a vector
	ours, theirs token.Primitive
}

func (c *wideCurve) key(t testing.TB, public *ecdsa.PublicKey) wideKey {
	t.Helper()
	key, err := token.NewECDSAKey("k", public)
	if err != nil {
		t.Fatal(err)
	}
	k := wideKey{curve: c}
	if k.ours, err = c.ours.Primitive(key); err != nil {
		t.Fatal(err)
	}
	if k.theirs, err = c.theirs.Primitive(key); err != nil {
		t.Fatal(err)
	}
	return k
}

// private returns the key of a scalar.
func (c *wideCurve) private(t testing.TB, d *big.Int) wideKey {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(c.curve, d.FillBytes(make([]byte, c.size)))
	if err != nil {
		t.Fatal(err)
	}
	k := c.key(t, &private.PublicKey)
	k.private = private
	return k
}

// check verifies in both worlds, which have to agree, and returns what both say.
func (k *wideKey) check(t testing.TB, input, signature []byte) bool {
	t.Helper()
	ours, theirs := k.ours.Verify(input, signature), k.theirs.Verify(input, signature)
	if ours != theirs {
		t.Fatalf("%s: input %x, signature %x: accepted %v, crypto/ecdsa %v", k.curve.name, input, signature, ours, theirs)
	}
	return theirs
}

// sign signs with a secret.
func (k *wideKey) sign(input []byte, secret *big.Int) []byte {
	n := k.curve.curve.Params().N
	x, _ := k.curve.curve.ScalarBaseMult(secret.Bytes()) //nolint:staticcheck // nothing else takes the secret
	r := x.Mod(x, n)
	s := new(big.Int).Mul(r, k.private.D) //nolint:staticcheck // likewise
	s.Add(s, new(big.Int).SetBytes(k.curve.digest(input)))
	s.Mul(s, new(big.Int).ModInverse(secret, n)).Mod(s, n)
	return k.curve.pair(r, s)
}

func (c *wideCurve) pair(r, s *big.Int) []byte {
	return append(r.FillBytes(make([]byte, c.size)), s.FillBytes(make([]byte, c.size))...)
}

// scalars are private keys and secrets at which something begins or ends.
func (c *wideCurve) scalars() []*big.Int {
	n := c.curve.Params().N
	list := []*big.Int{plus(n, -1), plus(n, -2), new(big.Int).Rsh(n, 1), plus(new(big.Int).Rsh(n, 1), 1)}
	for i := range int64(9) {
		list = append(list, big.NewInt(i+1))
	}
	for _, bit := range []uint{28, 56, 128, 380} {
		list = append(list, new(big.Int).Lsh(big.NewInt(1), bit), plus(new(big.Int).Lsh(big.NewInt(1), bit), -1))
	}
	return list
}

func TestWide_AgreesWithStandardLibrary(t *testing.T) {
	for i := range wideCurves {
		c := &wideCurves[i]
		t.Run(c.name, func(t *testing.T) {
			r := chance(uint64(i))
			n, p := c.curve.Params().N, c.curve.Params().P
			edges := []*big.Int{
				big.NewInt(0), big.NewInt(1), big.NewInt(2), plus(n, -1), n, plus(n, 1), plus(p, -1), p, plus(p, 1),
				new(big.Int).Sub(p, n), plus(new(big.Int).Sub(p, n), -1), new(big.Int).Rsh(n, 1),
				plus(new(big.Int).Lsh(big.NewInt(1), uint(8*c.size)), -1),
			}
			list := c.scalars()
			for range 8 {
				list = append(list, plus(random(r, plus(n, -1)), 1))
			}
			accepted := 0
			for at, d := range list {
				k := c.private(t, d)
				for _, secret := range []*big.Int{list[len(list)-1-at], d, plus(random(r, plus(n, -1)), 1)} {
					input := make([]byte, r.IntN(300))
					for i := range input {
						input[i] = byte(r.Uint32())
					}
					good := k.sign(input, secret)
					if !k.check(t, input, good) {
						t.Fatalf("private key %x, secret %x: a good signature is refused", d, secret)
					}
					accepted++
					// n - s is as good; what differs in a bit, is cut or has another length is not.
					s := new(big.Int).SetBytes(good[c.size:])
					if !k.check(t, input, c.pair(new(big.Int).SetBytes(good[:c.size]), new(big.Int).Sub(n, s))) {
						t.Fatal("the twin of a good signature is refused")
					}
					bad := slices.Clone(good)
					bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
					if k.check(t, input, bad) || k.check(t, append(input, 0), good) {
						t.Fatal("a forged signature is accepted")
					}
					for _, b := range [][]byte{nil, good[:c.size], good[:len(good)-1], append(slices.Clone(good), 0), append([]byte{0}, good...)} {
						if k.check(t, input, b) {
							t.Fatalf("%d bytes are accepted", len(b))
						}
					}
				}
				edge := edges[at%len(edges)]
				for _, other := range edges {
					k.check(t, []byte("edge"), c.pair(edge, other))
				}
			}
			if accepted < len(list) {
				t.Errorf("%d good signatures", accepted)
			}
		})
	}
}

// TestWide_infinity has both multiples add up to nothing: with the private key d, R = -e/d for the digest e of an input.
func TestWide_infinity(t *testing.T) {
	for i := range wideCurves {
		c := &wideCurves[i]
		n := c.curve.Params().N
		for _, d := range []*big.Int{big.NewInt(1), big.NewInt(2), plus(n, -1), big.NewInt(12345)} {
			k := c.private(t, d)
			input := []byte("nothing")
			e := new(big.Int).SetBytes(c.digest(input))
			r := new(big.Int).Mul(e.Neg(e), new(big.Int).ModInverse(d, n))
			r.Mod(r, n)
			for _, s := range []*big.Int{big.NewInt(1), big.NewInt(7), plus(n, -1), r} {
				if k.check(t, input, c.pair(r, s)) {
					t.Errorf("%s: the point at infinity is accepted", c.name)
				}
			}
		}
	}
}

func TestWide_keys(t *testing.T) {
	for i := range wideCurves {
		c, other := &wideCurves[i], &wideCurves[1-i]
		key, err := token.NewECDSAKey("k", &other.private(t, big.NewInt(5)).private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ours.Primitive(key); err == nil {
			t.Errorf("%s takes a key of %s", c.name, other.name)
		}
		if _, err := c.ours.Primitive(nil); err == nil {
			t.Errorf("%s takes no key for one", c.name)
		}
	}
}

func TestWide_allocations(t *testing.T) {
	for i := range wideCurves {
		c := &wideCurves[i]
		k := c.private(t, big.NewInt(99))
		input := []byte("input")
		good := k.sign(input, big.NewInt(77))
		forged := slices.Clone(good)
		forged[len(forged)-1] ^= 1
		if n := testing.AllocsPerRun(10, func() {
			if !k.ours.Verify(input, good) || k.ours.Verify(input, forged) {
				t.Fatal("wrong verdict")
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", c.name, n)
		}
	}
}

// TestWycheproof_Wide runs the groups for P-384 and P-521 with signatures in the form of JWS.
func TestWycheproof_Wide(t *testing.T) {
	for i, name := range []string{"ecdsa_secp384r1_sha384_p1363_test.json", "ecdsa_secp521r1_sha512_p1363_test.json"} {
		c := &wideCurves[i]
		f := readWycheproof(t, name)
		run := 0
		for _, g := range f.TestGroups {
			point := append([]byte{4}, c.pair(g.PublicKey.WX.number(), g.PublicKey.WY.number())...)
			public, err := ecdsa.ParseUncompressedPublicKey(c.curve, point)
			if err != nil {
				t.Fatal(err)
			}
			k := c.key(t, public)
			for _, tc := range g.Tests {
				run++
				if got := k.check(t, tc.Msg, tc.Sig); got != (tc.Result == "valid") {
					t.Errorf("%s %d %s: accepted %v, want %s", name, tc.ID, tc.Comment, got, tc.Result)
				}
			}
		}
		if run != f.NumberOfTests || run < 200 {
			t.Errorf("%s: %d of %d vectors", name, run, f.NumberOfTests)
		}
	}
}

func FuzzWide(f *testing.F) {
	f.Add(false, []byte("key"), []byte("secret"), []byte("input"), []byte{}, []byte{})
	f.Add(true, []byte{1}, []byte{1}, []byte{}, []byte{0, 0, 1}, []byte{})
	f.Fuzz(func(t *testing.T, second bool, private, secret, input, flips, instead []byte) {
		c := &wideCurves[0]
		if second {
			c = &wideCurves[1]
		}
		n := c.curve.Params().N
		scalar := func(b []byte) *big.Int {
			x := new(big.Int).SetBytes(b)
			return plus(x.Mod(x, plus(n, -1)), 1)
		}
		k := c.private(t, scalar(private))
		signature := k.sign(input, scalar(secret))
		k.check(t, input, signature)
		for i, b := range flips {
			signature[i%len(signature)] ^= b
		}
		k.check(t, input, signature)
		k.check(t, input, instead)
		if len(instead) >= 2*c.size {
			k.check(t, input, instead[:2*c.size])
			k.check(t, input, append(signature[:c.size:c.size], instead[:c.size]...))
		}
	})
}
