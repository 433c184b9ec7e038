package primitive_test

import (
	"crypto/ecdsa"
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

// ecdsaKey is a public key in both worlds.
type ecdsaKey struct {
	curve  *curve
	ours   primitive.ECDSAKey
	theirs *ecdsa.PublicKey
}

func newECDSAKey(q *oraclePoint) ecdsaKey {
	xy := q.curve.pair(q.x, q.y)
	return ecdsaKey{q.curve, primitive.NewECDSAKey(xy[:q.curve.size], xy[q.curve.size:]), q.public()}
}

// check verifies in both worlds, which have to agree, and returns what both say. A digest is the number e, of no more bits than
// the order has.
func (k ecdsaKey) check(t *testing.T, e *big.Int, signature []byte) bool {
	t.Helper()
	size := k.curve.size
	digest := e.FillBytes(make([]byte, size))
	// The standard library takes the leftmost bits of what is longer than the order.
	left := new(big.Int).Lsh(e, uint(8*size-k.curve.bits)).FillBytes(make([]byte, size))
	theirs := false
	if len(signature) == 2*size {
		theirs = ecdsa.Verify(k.theirs, left, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	}
	if ours := k.ours.Verify(digest, signature); ours != theirs {
		point, err := k.theirs.Bytes()
		t.Fatalf("key %x (%v), digest %x, signature %x: accepted %v, crypto/ecdsa %v", point, err, digest, signature, ours, theirs)
	}
	return theirs
}

// eachCurve runs a test for each curve.
func eachCurve(t *testing.T, test func(t *testing.T, c *curve)) {
	t.Helper()
	for _, c := range curves {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

func TestECDSA_AgreesWithStandardLibrary(t *testing.T) { eachCurve(t, ecdsaAgreesWithStandardLibrary) }

func ecdsaAgreesWithStandardLibrary(t *testing.T, c *curve) {
	t.Helper()
	r := chance(1)
	size, accepted := c.size, 0
	rounds := 40
	if c != p256 {
		rounds = 8 // the others are ten times slower
	}
	for range rounds {
		d := plus(random(r, plus(c.n, -1)), 1)
		key := newECDSAKey(c.g.times(d))
		for range 3 {
			e := random(r, new(big.Int).Lsh(big.NewInt(1), uint(c.bits)))
			sr, ss := c.sign(d, plus(random(r, plus(c.n, -1)), 1), e)
			good := c.pair(sr, ss)
			if !key.check(t, e, good) {
				t.Fatal("refused a good signature")
			}
			accepted++
			if !key.check(t, e, c.pair(sr, new(big.Int).Sub(c.n, ss))) {
				t.Fatal("refused the twin of a good signature")
			}
			for range 8 {
				forged := append([]byte(nil), good...)
				forged[r.IntN(2*size)] ^= 1 << r.IntN(8)
				if key.check(t, e, forged) {
					t.Fatal("accepted a forged signature")
				}
			}
			bit := r.IntN(c.bits)
			if key.check(t, new(big.Int).SetBit(e, bit, e.Bit(bit)^1), good) {
				t.Fatal("accepted another digest")
			}
			for _, other := range [][]byte{
				nil,
				{},
				good[:1], good[:size], good[:2*size-1], append(good[:2*size:2*size], 0), append([]byte{0}, good...),
				append(append([]byte{0}, good[:size]...), append([]byte{0}, good[size:]...)...),
				append(good[size:2*size:2*size], good[:size]...), append(good[:2*size:2*size], good...), make([]byte, 2*size),
			} {
				if key.check(t, e, other) {
					t.Fatalf("accepted %x", other)
				}
			}
		}
	}
	if accepted != 3*rounds {
		t.Fatalf("%d good signatures", accepted)
	}
}

// TestECDSA_Fringe verifies every pair of numbers at a boundary under keys that make sums of equal and opposite points, and
// under a key that makes the pair good.
func TestECDSA_Fringe(t *testing.T) { eachCurve(t, ecdsaFringe) }

func ecdsaFringe(t *testing.T, c *curve) {
	t.Helper()
	r := chance(2)
	accepted := 0
	keys := []ecdsaKey{}
	for _, d := range []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3), plus(c.n, -1), plus(c.n, -2), new(big.Int).Rsh(c.n, 1), number("1000000000")} {
		keys = append(keys, newECDSAKey(c.g.times(d)))
	}
	list := c.fringe()
	for i, a := range list {
		for j, b := range list {
			if c != p256 && (i+j)%3 != 0 {
				continue // a third will do where each takes ten times as long
			}
			for _, key := range []ecdsaKey{keys[(i+j)%len(keys)], keys[r.IntN(len(keys))]} {
				e := list[r.IntN(len(list))]
				if e.BitLen() <= c.bits && key.check(t, e, c.pair(a, b)) {
					accepted++
				}
			}
		}
	}
	good := 0
	for _, a := range list {
		if a.Sign() == 0 || a.Cmp(c.n) >= 0 {
			continue
		}
		point := c.withX(a)
		if point == nil {
			continue
		}
		for range 4 {
			s := list[1+r.IntN(len(list)-1)]
			e := list[r.IntN(len(list))]
			if new(big.Int).Mod(s, c.n).Sign() == 0 || e.BitLen() > c.bits {
				continue
			}
			q := c.keyFor(point, a, s, e)
			if q == nil {
				continue
			}
			if want := s.Cmp(c.n) < 0; newECDSAKey(q).check(t, e, c.pair(a, s)) != want {
				t.Errorf("r %x, s %x, e %x: want %v", a, s, e, want)
			}
			good++
		}
	}
	if good < 20 {
		t.Errorf("only %d good pairs", good)
	}
}

// TestECDSA_CoordinateAboveOrder has a point whose x coordinate is n or more, which a signer meets once in 2^128 signatures.
func TestECDSA_CoordinateAboveOrder(t *testing.T) { eachCurve(t, ecdsaCoordinateAboveOrder) }

func ecdsaCoordinateAboveOrder(t *testing.T, c *curve) {
	t.Helper()
	r := chance(3)
	tried := 0
	gap := new(big.Int).Sub(c.p, c.n)
	for _, low := range []*big.Int{big.NewInt(1), big.NewInt(0x1000), new(big.Int).Rsh(gap, 1), plus(gap, -40)} {
		for d := int64(0); d < 40; d++ {
			short := plus(low, d)
			x := new(big.Int).Add(c.n, short)
			point := c.withX(x)
			if point == nil || x.Cmp(c.p) >= 0 {
				continue
			}
			s, e := plus(random(r, plus(c.n, -1)), 1), random(r, c.n)
			key := newECDSAKey(c.keyFor(point, short, s, e))
			if !key.check(t, e, c.pair(short, s)) {
				t.Errorf("refused x = n + %x", short)
			}
			if key.check(t, e, c.pair(x, s)) {
				t.Errorf("accepted r = n + %x", short)
			}
			tried++
			break
		}
	}
	// r + n - p in place of r: the coordinate must not wrap.
	for d := int64(0); d < 40; d++ {
		x := big.NewInt(d)
		point, long := c.withX(x), new(big.Int).Add(gap, x)
		if point == nil {
			continue
		}
		s, e := plus(random(r, plus(c.n, -1)), 1), random(r, c.n)
		if newECDSAKey(c.keyFor(point, long, s, e)).check(t, e, c.pair(long, s)) {
			t.Errorf("accepted r = p - n + %d for the x coordinate %d", d, d)
		}
		tried++
	}
	if tried < 15 {
		t.Errorf("only %d points", tried)
	}
}

// TestECDSA_SumsOfEqualPoints has scalars whose sum meets equal and opposite points on the way, and infinity at its end.
func TestECDSA_SumsOfEqualPoints(t *testing.T) { eachCurve(t, ecdsaSumsOfEqualPoints) }

func ecdsaSumsOfEqualPoints(t *testing.T, c *curve) {
	t.Helper()
	r := chance(4)
	refused, accepted := 0, 0
	power := func(bit int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(bit)) }
	keys := []*big.Int{
		big.NewInt(1), big.NewInt(2), random(r, c.n), plus(c.n, -1), big.NewInt(31), plus(c.n, -2), power(33),
		new(big.Int).Rsh(plus(c.n, 1), 1), new(big.Int).ModInverse(power(33), c.n),
	}
	scalars := []*big.Int{
		big.NewInt(1), big.NewInt(2), big.NewInt(15), big.NewInt(16), big.NewInt(17), plus(c.n, -1), power(c.bits - 1), random(r, c.n),
		plus(c.n, -2), big.NewInt(3), power(32), power(33),
	}
	leastRefused, leastAccepted := 100, 1000
	if c != p256 {
		keys, scalars = keys[:4], scalars[:8]
		leastRefused, leastAccepted = 90, 300
	}
	for _, d := range keys {
		key := newECDSAKey(c.g.times(d))
		for _, u2 := range scalars {
			same := new(big.Int).Mul(u2, d)
			same.Mod(same, c.n)
			for _, u1 := range append(scalars[:len(scalars):len(scalars)], big.NewInt(0), same, new(big.Int).Sub(c.n, same), new(big.Int).Mod(new(big.Int).Lsh(same, 1), c.n)) {
				sum := c.g.times(new(big.Int).Add(u1, same))
				if sum == nil {
					// Any r: the sum is infinity, whose coordinate must not be taken for something.
					for _, sr := range []*big.Int{big.NewInt(1), c.g.x, random(r, c.n)} {
						sr = new(big.Int).Mod(sr, c.n)
						s := new(big.Int).Mul(sr, new(big.Int).ModInverse(u2, c.n))
						s.Mod(s, c.n)
						e := new(big.Int).Mul(u1, s)
						if key.check(t, e.Mod(e, c.n), c.pair(sr, s)) {
							t.Errorf("accepted infinity: d %x, u1 %x, u2 %x", d, u1, u2)
						}
						refused++
					}
					continue
				}
				sr := new(big.Int).Mod(sum.x, c.n)
				s := new(big.Int).Mul(sr, new(big.Int).ModInverse(u2, c.n))
				s.Mod(s, c.n)
				e := new(big.Int).Mul(u1, s)
				if !key.check(t, e.Mod(e, c.n), c.pair(sr, s)) {
					t.Errorf("refused d %x, u1 %x, u2 %x", d, u1, u2)
				}
				accepted++
			}
		}
	}
	if refused < leastRefused || accepted < leastAccepted {
		t.Errorf("%d refused and %d accepted", refused, accepted)
	}
}

func TestECDSA_Primitive(t *testing.T) { eachCurve(t, ecdsaPrimitive) }

func ecdsaPrimitive(t *testing.T, c *curve) {
	t.Helper()
	q := c.g.times(big.NewInt(77))
	key, err := token.NewECDSAKey("", q.public())
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.ours.Primitive(key)
	if err != nil {
		t.Fatal(err)
	}
	input := []byte("eyJhbGciOiJFUzI1NiJ9.e30")
	r, s := c.sign(big.NewInt(77), big.NewInt(99), new(big.Int).SetBytes(c.sum(input)))
	good := c.pair(r, s)
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
	if _, err := c.ours.Primitive(nil); !errors.Is(err, token.ErrKeyMismatch) {
		t.Errorf("nil: %v", err)
	}
	for _, other := range curves {
		key, err := token.NewECDSAKey("", other.g.times(big.NewInt(5)).public())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ours.Primitive(key); c != other && !errors.Is(err, token.ErrKeyMismatch) {
			t.Errorf("a key for %s: %v", other.name, err)
		}
	}
}

// FuzzECDSA holds verdicts against crypto/ecdsa. A signature is made good before what is fuzzed is mixed into it.
func FuzzECDSA(f *testing.F) {
	for i, c := range curves {
		f.Add(byte(i), []byte("key"), []byte("secret"), []byte("digest"), []byte{}, []byte{})
		f.Add(byte(i), []byte{1}, []byte{1}, []byte{}, []byte{0, 0, 1}, []byte{})
		f.Add(byte(i), []byte{2}, c.n.Bytes(), c.n.Bytes(), []byte{}, c.pair(plus(c.n, -1), plus(c.n, -1)))
	}
	f.Fuzz(func(t *testing.T, which byte, private, secret, hash, flips, instead []byte) {
		c := curves[int(which)%len(curves)]
		scalar := func(b []byte) *big.Int {
			n := new(big.Int).SetBytes(b)
			return plus(n.Mod(n, plus(c.n, -1)), 1)
		}
		digest := make([]byte, c.size)
		copy(digest, hash)
		e := new(big.Int).SetBytes(digest)
		e.Rsh(e, uint(8*c.size-c.bits))
		d := scalar(private)
		key := newECDSAKey(c.g.times(d))
		r, s := c.sign(d, scalar(secret), e)
		if r.Sign() == 0 || s.Sign() == 0 {
			return
		}
		signature := c.pair(r, s)
		if !key.check(t, e, signature) {
			t.Fatal("refused a good signature")
		}
		for i, b := range flips {
			signature[i%len(signature)] ^= b
		}
		key.check(t, e, signature)
		key.check(t, e, instead)
		if size := c.size; len(instead) == 2*size {
			key.check(t, e, append(signature[:size:size], instead[size:]...))
			key.check(t, e, append(instead[:size:size], signature[size:]...))
		}
	})
}
