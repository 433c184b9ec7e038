package primitive_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// chance returns random numbers that are the same in each run.
func chance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6878)) }

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic(hex)
	}
	return n
}

func random(r *rand.Rand, below *big.Int) *big.Int {
	b := make([]byte, len(below.Bytes())+8)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	n := new(big.Int).SetBytes(b)
	return n.Mod(n, below)
}

func plus(n *big.Int, d int64) *big.Int { return new(big.Int).Add(n, big.NewInt(d)) }

// bytes32 returns a number below 2^256 as bytes.
func bytes32(n *big.Int) (b [32]byte) {
	n.FillBytes(b[:])
	return b
}

// pair returns R || S.
func pair(r, s *big.Int) []byte {
	a, b := bytes32(r), bytes32(s)
	return append(a[:], b[:]...)
}

// ecdsaKey is a public key in both worlds.
type ecdsaKey struct {
	ours   primitive.ECDSAKey
	theirs *ecdsa.PublicKey
}

func newECDSAKey(q *oraclePoint) ecdsaKey {
	x, y := bytes32(q.x), bytes32(q.y)
	return ecdsaKey{primitive.NewECDSAKey(&x, &y), publicKey(q)}
}

// publicKey returns a point as the standard library has it.
func publicKey(q *oraclePoint) *ecdsa.PublicKey {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, pair(q.x, q.y)...))
	if err != nil {
		panic(err)
	}
	return key
}

// check verifies in both worlds, which have to agree, and returns what both say.
func (k ecdsaKey) check(t *testing.T, digest [32]byte, signature []byte) bool {
	t.Helper()
	theirs := false
	if len(signature) == 64 {
		theirs = ecdsa.Verify(k.theirs, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	if ours := k.ours.Verify(&digest, signature); ours != theirs {
		point, err := k.theirs.Bytes()
		t.Fatalf("key %x (%v), digest %x, signature %x: accepted %v, crypto/ecdsa %v", point, err, digest, signature, ours, theirs)
	}
	return theirs
}

// sign makes a signature over e with the private key d and the secret k.
func sign(d, k, e *big.Int) (r, s *big.Int) {
	r = new(big.Int).Mod(curveG.times(k).x, curveN)
	s = new(big.Int).Mul(r, d)
	s.Add(s, e).Mul(s, new(big.Int).ModInverse(k, curveN)).Mod(s, curveN)
	return r, s
}

// fringe is numbers at which something begins or ends.
func fringe() []*big.Int {
	gap := new(big.Int).Sub(curveP, curveN)
	top := new(big.Int).Lsh(big.NewInt(1), 256)
	half := new(big.Int).Rsh(curveN, 1)
	list := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2), big.NewInt(3)}
	for _, around := range []*big.Int{gap, half, curveN, curveP} {
		for d := int64(-2); d <= 2; d++ {
			list = append(list, plus(around, d))
		}
	}
	for _, bit := range []uint{28, 29, 31, 32, 58, 64, 128, 232, 255} {
		list = append(list, new(big.Int).Lsh(big.NewInt(1), bit))
	}
	return append(list, plus(top, -1), plus(top, -2))
}

func TestES256_AgreesWithStandardLibrary(t *testing.T) {
	r := chance(1)
	accepted := 0
	for range 40 {
		d := plus(random(r, plus(curveN, -1)), 1)
		key := newECDSAKey(curveG.times(d))
		for range 3 {
			e := random(r, new(big.Int).Lsh(big.NewInt(1), 256))
			sr, ss := sign(d, plus(random(r, plus(curveN, -1)), 1), e)
			good := pair(sr, ss)
			if !key.check(t, bytes32(e), good) {
				t.Fatal("refused a good signature")
			}
			accepted++
			if !key.check(t, bytes32(e), pair(sr, new(big.Int).Sub(curveN, ss))) {
				t.Fatal("refused the twin of a good signature")
			}
			for range 8 {
				forged := append([]byte(nil), good...)
				forged[r.IntN(64)] ^= 1 << r.IntN(8)
				if key.check(t, bytes32(e), forged) {
					t.Fatal("accepted a forged signature")
				}
			}
			digest := bytes32(e)
			digest[r.IntN(32)] ^= 1 << r.IntN(8)
			if key.check(t, digest, good) {
				t.Fatal("accepted another digest")
			}
			for _, other := range [][]byte{
				nil,
				{},
				good[:1], good[:32], good[:63], append(good[:64:64], 0), append([]byte{0}, good...),
				append(append([]byte{0}, good[:32]...), append([]byte{0}, good[32:]...)...),
				append(good[32:64:64], good[:32]...), append(good[:64:64], good...), make([]byte, 64),
			} {
				if key.check(t, bytes32(e), other) {
					t.Fatalf("accepted %x", other)
				}
			}
		}
	}
	if accepted != 120 {
		t.Fatalf("%d good signatures", accepted)
	}
}

// TestES256_Fringe verifies every pair of numbers at a boundary under keys that make sums of equal and opposite points, and
// under a key that makes the pair good.
func TestES256_Fringe(t *testing.T) {
	r := chance(2)
	accepted := 0
	keys := []ecdsaKey{}
	for _, d := range []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3), plus(curveN, -1), plus(curveN, -2), new(big.Int).Rsh(curveN, 1), number("1000000000")} {
		keys = append(keys, newECDSAKey(curveG.times(d)))
	}
	list := fringe()
	for i, a := range list {
		for j, b := range list {
			for _, key := range []ecdsaKey{keys[(i+j)%len(keys)], keys[r.IntN(len(keys))]} {
				e := list[r.IntN(len(list))]
				if e.BitLen() <= 256 && key.check(t, bytes32(e), pair(a, b)) {
					accepted++
				}
			}
		}
	}
	good := 0
	for _, a := range list {
		if a.Sign() == 0 || a.Cmp(curveN) >= 0 {
			continue
		}
		point := pointWithX(a)
		if point == nil {
			continue
		}
		for range 4 {
			s := list[1+r.IntN(len(list)-1)]
			e := list[r.IntN(len(list))]
			if new(big.Int).Mod(s, curveN).Sign() == 0 {
				continue
			}
			q := keyFor(point, a, s, e)
			if q == nil {
				continue
			}
			if want := s.Cmp(curveN) < 0; newECDSAKey(q).check(t, bytes32(e), pair(a, s)) != want {
				t.Errorf("r %x, s %x, e %x: want %v", a, s, e, want)
			}
			good++
		}
	}
	if good < 20 {
		t.Errorf("only %d good pairs", good)
	}
}

// TestES256_CoordinateAboveOrder has a point whose x coordinate is n or more, which a signer meets once in 2^128 signatures.
func TestES256_CoordinateAboveOrder(t *testing.T) {
	r := chance(3)
	tried := 0
	gap := new(big.Int).Sub(curveP, curveN)
	for _, low := range []*big.Int{big.NewInt(1), big.NewInt(0x1000), new(big.Int).Rsh(gap, 1), plus(gap, -40)} {
		for d := int64(0); d < 40; d++ {
			short := plus(low, d)
			x := new(big.Int).Add(curveN, short)
			point := pointWithX(x)
			if point == nil || x.Cmp(curveP) >= 0 {
				continue
			}
			s, e := plus(random(r, plus(curveN, -1)), 1), random(r, curveN)
			key := newECDSAKey(keyFor(point, short, s, e))
			if !key.check(t, bytes32(e), pair(short, s)) {
				t.Errorf("refused x = n + %x", short)
			}
			if key.check(t, bytes32(e), pair(x, s)) {
				t.Errorf("accepted r = n + %x", short)
			}
			tried++
			break
		}
	}
	// r + n - p in place of r: the coordinate must not wrap.
	for d := int64(0); d < 40; d++ {
		x := big.NewInt(d)
		point, long := pointWithX(x), new(big.Int).Add(gap, x)
		if point == nil {
			continue
		}
		s, e := plus(random(r, plus(curveN, -1)), 1), random(r, curveN)
		if newECDSAKey(keyFor(point, long, s, e)).check(t, bytes32(e), pair(long, s)) {
			t.Errorf("accepted r = p - n + %d for the x coordinate %d", d, d)
		}
		tried++
	}
	if tried < 15 {
		t.Errorf("only %d points", tried)
	}
}

// TestES256_SumsOfEqualPoints has scalars whose sum meets equal and opposite points on the way, and infinity at its end.
func TestES256_SumsOfEqualPoints(t *testing.T) {
	r := chance(4)
	refused, accepted := 0, 0
	for _, d := range []*big.Int{
		big.NewInt(1), big.NewInt(2), big.NewInt(31), plus(curveN, -1), plus(curveN, -2), new(big.Int).Lsh(big.NewInt(1), 33), new(big.Int).Rsh(plus(curveN, 1), 1),
		new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), 33), curveN), random(r, curveN),
	} {
		key := newECDSAKey(curveG.times(d))
		scalars := []*big.Int{
			big.NewInt(1), big.NewInt(2), big.NewInt(3), big.NewInt(15), big.NewInt(16), big.NewInt(17), plus(curveN, -1), plus(curveN, -2),
			new(big.Int).Lsh(big.NewInt(1), 32), new(big.Int).Lsh(big.NewInt(1), 33), new(big.Int).Lsh(big.NewInt(1), 255), random(r, curveN),
		}
		for _, u2 := range scalars {
			same := new(big.Int).Mul(u2, d)
			same.Mod(same, curveN)
			for _, u1 := range append(scalars, big.NewInt(0), same, new(big.Int).Sub(curveN, same), new(big.Int).Mod(new(big.Int).Lsh(same, 1), curveN)) {
				sum := curveG.times(new(big.Int).Add(u1, same))
				if sum == nil {
					// Any r: the sum is infinity, whose coordinate must not be taken for something.
					for _, sr := range []*big.Int{big.NewInt(1), curveG.x, random(r, curveN)} {
						sr = new(big.Int).Mod(sr, curveN)
						s := new(big.Int).Mul(sr, new(big.Int).ModInverse(u2, curveN))
						s.Mod(s, curveN)
						e := new(big.Int).Mul(u1, s)
						if key.check(t, bytes32(e.Mod(e, curveN)), pair(sr, s)) {
							t.Errorf("accepted infinity: d %x, u1 %x, u2 %x", d, u1, u2)
						}
						refused++
					}
					continue
				}
				sr := new(big.Int).Mod(sum.x, curveN)
				s := new(big.Int).Mul(sr, new(big.Int).ModInverse(u2, curveN))
				s.Mod(s, curveN)
				e := new(big.Int).Mul(u1, s)
				if !key.check(t, bytes32(e.Mod(e, curveN)), pair(sr, s)) {
					t.Errorf("refused d %x, u1 %x, u2 %x", d, u1, u2)
				}
				accepted++
			}
		}
	}
	if refused < 100 || accepted < 1000 {
		t.Errorf("%d refused and %d accepted", refused, accepted)
	}
}

func TestES256_Primitive(t *testing.T) {
	q := curveG.times(big.NewInt(77))
	key, err := token.NewECDSAKey("", publicKey(q))
	if err != nil {
		t.Fatal(err)
	}
	p, err := primitive.ES256.Primitive(key)
	if err != nil {
		t.Fatal(err)
	}
	input := []byte("eyJhbGciOiJFUzI1NiJ9.e30")
	digest := sha256.Sum256(input)
	r, s := sign(big.NewInt(77), big.NewInt(99), new(big.Int).SetBytes(digest[:]))
	good := pair(r, s)
	if !p.Verify(input, good) || p.Verify(input[1:], good) || p.Verify(input, good[1:]) || p.Verify(nil, nil) {
		t.Error("wrong verdict")
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				if !p.Verify(input, good) || p.Verify(input[1:], good) {
					t.Error("wrong verdict among goroutines")
				}
			}
		})
	}
	wait.Wait()
	if _, err := primitive.ES256.Primitive(nil); !errors.Is(err, token.ErrKeyMismatch) {
		t.Errorf("nil: %v", err)
	}
	p384, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 47), 1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := token.NewECDSAKey("", &p384.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := primitive.ES256.Primitive(other); !errors.Is(err, token.ErrKeyMismatch) {
		t.Errorf("P-384: %v", err)
	}
}

// FuzzES256 holds verdicts against crypto/ecdsa. A signature is made good before what is fuzzed is mixed into it.
func FuzzES256(f *testing.F) {
	f.Add([]byte("key"), []byte("secret"), []byte("digest"), []byte{}, []byte{})
	f.Add([]byte{1}, []byte{1}, []byte{}, []byte{0, 0, 1}, []byte{})
	f.Add([]byte{2}, curveN.Bytes(), curveN.Bytes(), []byte{}, pair(plus(curveN, -1), plus(curveN, -1)))
	f.Fuzz(func(t *testing.T, private, secret, hash, flips, instead []byte) {
		scalar := func(b []byte) *big.Int {
			n := new(big.Int).SetBytes(b)
			return plus(n.Mod(n, plus(curveN, -1)), 1)
		}
		var digest [32]byte
		copy(digest[:], hash)
		d := scalar(private)
		key := newECDSAKey(curveG.times(d))
		r, s := sign(d, scalar(secret), new(big.Int).SetBytes(digest[:]))
		if r.Sign() == 0 || s.Sign() == 0 {
			return
		}
		signature := pair(r, s)
		if !key.check(t, digest, signature) {
			t.Fatal("refused a good signature")
		}
		for i, b := range flips {
			signature[i%64] ^= b
		}
		key.check(t, digest, signature)
		key.check(t, digest, instead)
		if len(instead) == 64 {
			key.check(t, digest, append(signature[:32:32], instead[32:]...))
			key.check(t, digest, append(instead[:32:32], signature[32:]...))
		}
	})
}
