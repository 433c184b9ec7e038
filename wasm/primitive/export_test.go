package primitive

import (
	"math/big"

	"github.com/hexward/hexward/core/token"
)

// What the tests see of the insides.

// Element is an integer modulo p.
type Element = element

// The methods of Element under names that tests can call.
func Mul(a, b *Element) (z Element)                                { z.mul(a, b); return z }
func Square(a *Element) (z Element)                                { z.square(a); return z }
func Combine(a *Element, i int64, b *Element, j int64) (z Element) { z.combine(a, i, b, j); return z }
func Plus(a, b *Element) (z Element)                               { z.plus(a, b); return z }
func Minus(a, b *Element) (z Element)                              { z.minus(a, b); return z }
func Negate(a *Element) (z Element)                                { z.negate(a); return z }
func Invert(a *Element) (z Element)                                { z.invert(a); return z }
func Enter(a *Element) (z Element)                                 { z.enter(a); return z }
func IsZero(a *Element) bool                                       { return a.isZero() }
func LimbsOf(b *[32]byte) Element                                  { return Element(limbsOf(b)) }

// Ring is the integers modulo an odd number.
type Ring = ring

// The rings of the curves' orders and primes.
var Rings = map[string]*Ring{"P-256 order": &p256Order, "P-256 prime": &p256Prime, "edwards25519 order": &edOrder, "edwards25519 prime": &edPrime}

// Mul returns a·b/2^261.
func (m *Ring) Mul(a, b *Element) Element {
	var z limbs
	x, y := limbs(*a), limbs(*b)
	m.mul(&z, &x, &y)
	return Element(z)
}

// Invert returns 1/a.
func (m *Ring) Invert(a *Element) (Element, bool) {
	z := limbs(*a)
	ok := m.invert(&z, &z)
	return Element(z), ok
}

// N returns the modulus.
func (m *Ring) N() Element { return Element(m.n) }

// Split returns the signed digits of a number.
func Split(k *Element, width int) []int8 {
	var d digits
	words := limbs(*k)
	d.split(&words, width)
	return d[:]
}

// ECDSAKey verifies signatures over digests.
type ECDSAKey struct {
	short *ecdsaKey
	wide  *wideKey
}

// NewECDSAKey returns the key of a point on the curve whose coordinates are as long.
func NewECDSAKey(x, y []byte) (k ECDSAKey) {
	switch len(x) {
	case p384.size:
		k.wide = newWideKey(&p384, x, y)
	case p521.size:
		k.wide = newWideKey(&p521, x, y)
	default:
		k.short = newECDSAKey((*[32]byte)(x), (*[32]byte)(y))
	}
	return k
}

// Verify verifies R || S over a digest as long as a coordinate.
func (k ECDSAKey) Verify(digest, signature []byte) bool {
	if k.wide != nil {
		return k.wide.verify(new(wideWork), digest, signature)
	}
	return k.short.verify(new(curveWork), (*[32]byte)(digest), signature)
}

// RSAKey verifies signatures over digests.
type RSAKey struct{ k *rsaKey }

// NewRSAKey returns the key for digests of size bytes, and whether there is one.
func NewRSAKey(n, e []byte, size int, pss bool) (RSAKey, bool) {
	k := newRSAKey(n, e, hash(size), pss)
	return RSAKey{k}, k != nil
}

// Verify verifies a signature over digest.
func (k RSAKey) Verify(digest, signature []byte) bool {
	work, ok := k.k.works.Get().(*rsaWork)
	return ok && k.k.verify(work, digest, signature)
}

// Power returns a^e mod n for an odd n and an a below it.
func Power(n, a []byte, e uint32) []byte {
	m := newModulus(n)
	z, base, entered := m.number(), m.number(), m.number()
	m.read(base, a)
	m.power(z, base, entered, e, m.columns())
	out := make([]byte, len(n))
	m.write(out, z)
	return out
}

// Product returns a·b/R for numbers below 2n, or a²/R when b is nil, and the exponent of R.
func Product(n, a, b []byte) (product *big.Int, r int) {
	m := newModulus(n)
	load := func(bytes []byte) []uint32 {
		z, v := m.number(), new(big.Int).SetBytes(bytes)
		for i := range m.width {
			z[i] = uint32(new(big.Int).Rsh(v, uint(i*digitBits)).Uint64() & digitMask)
		}
		return z
	}
	z := load(a)
	if b == nil {
		m.square(z, m.columns())
	} else {
		m.multiply(z, load(b), m.columns())
	}
	product = new(big.Int)
	for i := len(z) - 1; i >= 0; i-- {
		product.Add(product.Lsh(product, digitBits), new(big.Int).SetUint64(uint64(z[i])))
	}
	return product, m.width * digitBits
}

// EdElement is an integer modulo 2^255 - 19.
type EdElement = edElement

// The methods of EdElement under names that tests can call.
func EdMul(a, b *EdElement) (z EdElement) { z.mul(a, b); return z }
func EdSquare(a *EdElement) (z EdElement) { z.square(a); return z }
func EdCombine(a *EdElement, i int64, b *EdElement, j int64) (z EdElement) {
	z.combine(a, i, b, j)
	return z
}
func EdPlus(a, b *EdElement) (z EdElement)          { z.plus(a, b); return z }
func EdMinus(a, b *EdElement) (z EdElement)         { z.minus(a, b); return z }
func EdNegate(a *EdElement) (z EdElement)           { z.negate(a); return z }
func EdInvert(a *EdElement) (z EdElement)           { z.invert(a); return z }
func EdCanonical(a *EdElement) Element              { return Element(a.canonical()) }
func EdRoot(u, v *EdElement) (z EdElement, ok bool) { ok = z.root(u, v); return z, ok }
func EdReduce(b *[64]byte) Element                  { return Element(edReduce(b)) }

// EdKey verifies signatures over inputs; that of no point verifies none.
type EdKey struct{ k *edKey }

// NewEdKey returns the key with an encoding.
func NewEdKey(public *[32]byte) EdKey { return EdKey{newEdKey(public)} }

// Verify verifies a signature over input.
func (k EdKey) Verify(input, signature []byte) bool {
	return k.k != nil && k.k.Verify(input, signature)
}

// SHA2 returns the hash of parts, of 32, 48 or 64 bytes.
func SHA2(size int, parts ...[]byte) []byte {
	var h hasher
	h.reset(hash(size))
	for _, part := range parts {
		h.write(part)
	}
	return h.sum(new([64]byte))
}

// NewHMACKey returns the key for a secret of any length.
func NewHMACKey(secret []byte, size int) token.Primitive { return newHMACKey(secret, hash(size)) }

// WideSum returns a + b and a - b below n, for a modulus of 384 or 521 bits and numbers below 2n, as ECDSA computes them.
func WideSum(n []byte, a, b *big.Int) (total, rest *big.Int) {
	m := newModulus(n)
	load := func(v *big.Int) (z wide) {
		for i := range m.width {
			z[i] = uint32(new(big.Int).Rsh(v, uint(i*digitBits)).Uint64() & digitMask)
		}
		return z
	}
	number := func(z *wide) *big.Int {
		v := new(big.Int)
		for i := len(z) - 1; i >= 0; i-- {
			v.Add(v.Lsh(v, digitBits), new(big.Int).SetUint64(uint64(z[i])))
		}
		return v
	}
	x, y := load(a), load(b)
	var z wide
	sum(m, &z, &x, &y)
	total = number(&z)
	difference(m, &z, &x, &y)
	return total, number(&z)
}
