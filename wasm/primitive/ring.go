package primitive

import "math/bits"

// Numbers of 256 bits are held as nine signed limbs of 29 bits: WebAssembly has no product wider than 64 bits, and nine
// products of 58 bits still fit one, so that carries are needed once a column and not once a product.
const (
	limbBits = 29
	limbMask = 1<<limbBits - 1
)

// ring is the integers modulo an odd n between 2^252 and 2^256. Its numbers are limbs in [0, 2^29), not in Montgomery form
// unless a comment says otherwise.
type ring struct {
	n       limbs
	inverse int64 // 1/n mod 2^29
	r2      limbs // 2^522 mod n, by which a number enters Montgomery form
}

// limbs is a number of nine limbs of 29 bits, least significant first.
type limbs [9]int32

// mul sets z = a·b/2^261 mod n, below n, where a is below 2^256 and b below n.
func (m *ring) mul(z, a, b *limbs) {
	var quotient [9]int64
	c := int64(0)
	for k := 0; k < 9; k++ {
		for i := 0; i <= k; i++ {
			c += int64(a[i]) * int64(b[k-i])
		}
		for i := 0; i < k; i++ {
			c -= quotient[i] * int64(m.n[k-i])
		}
		q := c * m.inverse & limbMask
		quotient[k] = q
		c = (c - q*int64(m.n[0])) >> limbBits
	}
	var product limbs
	for k := 9; k < 17; k++ {
		for i := k - 8; i < 9; i++ {
			c += int64(a[i])*int64(b[k-i]) - quotient[i]*int64(m.n[k-i])
		}
		product[k-9] = int32(c & limbMask)
		c >>= limbBits
	}
	product[8] = int32(c)
	if c < 0 { // it is above -n and below n
		product.add(&m.n)
	}
	*z = product
}

// add sets z = z + a with carries; z may be negative.
func (z *limbs) add(a *limbs) {
	c := int64(0)
	for i := range 8 {
		c += int64(z[i]) + int64(a[i])
		z[i] = int32(c & limbMask)
		c >>= limbBits
	}
	z[8] += int32(c) + a[8]
}

// matrix is what a batch of limbBits division steps does to f and g: 2^29·(f, g) = (u·f + v·g, q·f + r·g).
type matrix struct{ u, v, q, r int64 }

// invert sets z = 1/a mod n for an a below n, and 0 for 0, by the division steps of Bernstein and Yang ("Fast constant-time gcd
// computation and modular inversion", 2019), in variable time: f = n and g = a are brought to ±1 and 0 by steps that look at
// their low bits only, while d and e follow with d·a = f and e·a = g mod n. It
// reports false when that takes too long, which it cannot.
func (m *ring) invert(z, a *limbs) bool {
	f, g := m.n, *a
	var d limbs
	e := limbs{1}
	delta := int32(1)
	// 741 steps are enough for numbers below 2^256; most need 530.
	for range 741/limbBits + 1 {
		var t matrix
		delta = t.steps(delta, int64(f[0])|int64(f[1])<<limbBits, int64(g[0])|int64(g[1])<<limbBits)
		t.follow(m, &d, &e)
		t.apply(&f, &g)
		if g == (limbs{}) {
			break
		}
	}
	if g != (limbs{}) {
		return false
	}
	if f[8] < 0 { // f is -1, so that d is -1/a
		for i := range d {
			d[i] = -d[i]
		}
		d.add(&limbs{})
	}
	for range 2 {
		if d[8] < 0 {
			d.add(&m.n)
		}
	}
	if !d.below(&m.n) {
		d.sub(&m.n)
	}
	*z = d
	return true
}

// sub sets z = z - a with carries.
func (z *limbs) sub(a *limbs) {
	c := int64(0)
	for i := range 8 {
		c += int64(z[i]) - int64(a[i])
		z[i] = int32(c & limbMask)
		c >>= limbBits
	}
	z[8] += int32(c) - a[8]
}

// steps does limbBits division steps on the low bits of f and g and returns the new delta.
func (t *matrix) steps(delta int32, f, g int64) int32 {
	u, v, q, r := int64(1), int64(0), int64(0), int64(1)
	left := limbBits
	for {
		zeros := bits.TrailingZeros64(uint64(g) | 1<<left)
		g >>= zeros
		u <<= zeros
		v <<= zeros
		delta += int32(zeros)
		left -= zeros
		if left == 0 {
			break
		}
		if delta > 0 {
			delta = -delta
			f, g = g, -f
			u, q = q, -u
			v, r = r, -v
		}
		// Steps without a swap follow; w·f clears up to six low bits of g for as many of them at once.
		limit := min(1-int(delta), left, 6)
		w := f * g * (f*f - 2) & (1<<limit - 1)
		g += f * w
		q += u * w
		r += v * w
	}
	t.u, t.v, t.q, t.r = u, v, q, r
	return delta
}

// apply sets f and g to what the steps make of them; limbs 0 to 7 are in [0, 2^29) before and after.
func (t *matrix) apply(f, g *limbs) {
	cf := (t.u*int64(f[0]) + t.v*int64(g[0])) >> limbBits
	cg := (t.q*int64(f[0]) + t.r*int64(g[0])) >> limbBits
	for i := 1; i < 9; i++ {
		fi, gi := int64(f[i]), int64(g[i])
		cf += t.u*fi + t.v*gi
		cg += t.q*fi + t.r*gi
		f[i-1] = int32(cf & limbMask)
		g[i-1] = int32(cg & limbMask)
		cf >>= limbBits
		cg >>= limbBits
	}
	f[8], g[8] = int32(cf), int32(cg)
}

// follow does to d and e modulo n what apply does to f and g. Both stay above -2n and below n.
func (t *matrix) follow(m *ring, d, e *limbs) {
	// A multiple of n makes both sums divisible by 2^29, after negative numbers were raised by n.
	var md, me int64
	if d[8] < 0 {
		md, me = t.u, t.q
	}
	if e[8] < 0 {
		md, me = md+t.v, me+t.r
	}
	cd := t.u*int64(d[0]) + t.v*int64(e[0])
	ce := t.q*int64(d[0]) + t.r*int64(e[0])
	md -= (cd*m.inverse + md) & limbMask
	me -= (ce*m.inverse + me) & limbMask
	cd = (cd + md*int64(m.n[0])) >> limbBits
	ce = (ce + me*int64(m.n[0])) >> limbBits
	for i := 1; i < 9; i++ {
		di, ei, ni := int64(d[i]), int64(e[i]), int64(m.n[i])
		cd += t.u*di + t.v*ei + md*ni
		ce += t.q*di + t.r*ei + me*ni
		d[i-1] = int32(cd & limbMask)
		e[i-1] = int32(ce & limbMask)
		cd >>= limbBits
		ce >>= limbBits
	}
	d[8], e[8] = int32(cd), int32(ce)
}

// limbsOf reads a big-endian number.
func limbsOf(b *[32]byte) (z limbs) {
	for i := range z {
		first, low := limbBits*i/8, limbBits*i%8
		var bits uint64
		for j := first; j < first+5 && j < len(b); j++ {
			bits |= uint64(b[len(b)-1-j]) << (8 * (j - first))
		}
		z[i] = int32(bits >> low & limbMask)
	}
	return z
}

// below reports whether a number of nine limbs in [0, 2^29) is below another.
func (z *limbs) below(a *limbs) bool {
	for i := len(z) - 1; i >= 0; i-- {
		if z[i] != a[i] {
			return z[i] < a[i]
		}
	}
	return false
}
