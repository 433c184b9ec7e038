package primitive

import "math/big"

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
func LimbsOf(b *[32]byte) Element                                  { return limbsOf(b) }
func MulOrder(a, b *Element) (z Element)                           { z.mulOrder(a, b); return z }
func InvertOrder(a *Element) (z Element, ok bool)                  { ok = z.invertOrder(a); return z, ok }

// Split returns the signed digits of a number.
func Split(k *Element, width int) []int8 {
	var d digits
	d.split(k, width)
	return d[:]
}

// ECDSAKey verifies signatures over digests.
type ECDSAKey struct{ k *ecdsaKey }

// NewECDSAKey returns the key of a point on P-256.
func NewECDSAKey(x, y *[32]byte) ECDSAKey { return ECDSAKey{newECDSAKey(x, y)} }

// Verify verifies R || S over digest.
func (k ECDSAKey) Verify(digest *[32]byte, signature []byte) bool {
	return k.k.verify(digest, signature)
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
