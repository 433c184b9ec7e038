package primitive

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
