package primitive

// edElement is an integer modulo p = 2^255 - 19 (RFC 8032 §5.1).
//
// An element is tight when limbs 0 and 2 to 7 are in [0, 2^29), limb 1 is in [-2^16, 2^29 + 2^16), and its value is between
// -2^240 and 2^255 + 2^240. Every method gives a tight element, except for plus, minus and negate, whose limbs are in
// (-2^29 - 2^17, 2^30 + 2^17) when their operands are tight.
type edElement [9]int32

const (
	edFold    = 19 << 6 // 2^261 mod p
	edTopBits = 255 - 8*limbBits
	edTopMask = 1<<edTopBits - 1
)

var (
	edOne = edElement{1}
	// edD and edD2 are d and 2d of the curve's equation.
	edD  = edElement{0x135978a3, 0xf5a6e50, 0x10762add, 0x149a82, 0x1e898007, 0x3cbbbc, 0x19ce331d, 0x1dc56dff, 0x52036c}
	edD2 = edElement{0x6b2f159, 0x1eb4dca1, 0xec55ba, 0x293505, 0x1d13000e, 0x797779, 0x139c663a, 0x1b8adbff, 0x2406d9}
	// edRootM1 is a square root of -1.
	edRootM1 = edElement{0xa0ea0b0, 0x770d93a, 0xbf91e31, 0x6300d5a, 0x1d7a72f4, 0x4c9efd, 0x1c2cad34, 0x1009f83b, 0x2b8324}
	// edPrime is p.
	edPrime = ring{
		n:       limbs{0x1fffffed, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x7fffff},
		inverse: 0x179435e5,
		r2:      limbs{0x169000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0},
	}
	// edOrder is L, the order of the base point.
	edOrder = ring{
		n:       limbs{0x1cf5d3ed, 0x9318d2, 0x1de73596, 0x1df3bd45, 0x14d, 0x0, 0x0, 0x0, 0x100000},
		inverse: 0xdab81e5,
		r2:      limbs{0xb5f9d12, 0x1e141b17, 0x158d7f3d, 0x143f3757, 0x1972d781, 0x42feb7c, 0x1ceec73d, 0x1e184d1e, 0x5046d},
	}
	// edOrderLow and edOrderHigh are 2^261 and 2^517 mod L: products with them are a mod L and a·2^256 mod L.
	edOrderLow  = limbs{0x114df9ed, 0x1a617303, 0xf7c098c, 0x16793167, 0x1ffd656e, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0xfffff}
	edOrderHigh = limbs{0x8c914a5, 0x20c3580, 0x1b47c606, 0x153fad37, 0x1ccb96fa, 0x1d217f5b, 0x1ee77639, 0xdf0c268, 0x32823}
	// edBase is the base point B.
	edBase = edPoint{
		x: edElement{0xf25d51a, 0xab16b04, 0x969ecb2, 0x198ec12a, 0xdc5c692, 0x1118feeb, 0xffb0293, 0x1a79adca, 0x216936},
		y: edElement{0x6666658, 0x13333333, 0x19999999, 0xccccccc, 0x6666666, 0x13333333, 0x19999999, 0xccccccc, 0x666666},
		z: edElement{1},
		t: edElement{0x5b7dda3, 0xef4559d, 0x1454bd5b, 0x13f00ee, 0x1e37d20f, 0x7473255, 0x19959ba9, 0x1faf16e, 0x67875f},
	}
)

// mul sets z = a·b. The limbs of one may be three times as large as tight ones, or those of both a sum of two and a difference.
//
// Columns from 2^261 on are carried first and come back times 1,216.
func (z *edElement) mul(a, b *edElement) {
	a0, a1, a2, a3, a4 := int64(a[0]), int64(a[1]), int64(a[2]), int64(a[3]), int64(a[4])
	a5, a6, a7, a8 := int64(a[5]), int64(a[6]), int64(a[7]), int64(a[8])
	b0, b1, b2, b3, b4 := int64(b[0]), int64(b[1]), int64(b[2]), int64(b[3]), int64(b[4])
	b5, b6, b7, b8 := int64(b[5]), int64(b[6]), int64(b[7]), int64(b[8])
	c := a1*b8 + a2*b7 + a3*b6 + a4*b5 + a5*b4 + a6*b3 + a7*b2 + a8*b1
	h0 := c & limbMask
	c = c>>limbBits + a2*b8 + a3*b7 + a4*b6 + a5*b5 + a6*b4 + a7*b3 + a8*b2
	h1 := c & limbMask
	c = c>>limbBits + a3*b8 + a4*b7 + a5*b6 + a6*b5 + a7*b4 + a8*b3
	h2 := c & limbMask
	c = c>>limbBits + a4*b8 + a5*b7 + a6*b6 + a7*b5 + a8*b4
	h3 := c & limbMask
	c = c>>limbBits + a5*b8 + a6*b7 + a7*b6 + a8*b5
	h4 := c & limbMask
	c = c>>limbBits + a6*b8 + a7*b7 + a8*b6
	h5 := c & limbMask
	c = c>>limbBits + a7*b8 + a8*b7
	h6 := c & limbMask
	c = c>>limbBits + a8*b8
	h7, h8 := c&limbMask, c>>limbBits
	c = a0*b0 + edFold*h0
	z0 := c & limbMask
	c = c>>limbBits + a0*b1 + a1*b0 + edFold*h1
	z[1] = int32(c & limbMask)
	c = c>>limbBits + a0*b2 + a1*b1 + a2*b0 + edFold*h2
	z[2] = int32(c & limbMask)
	c = c>>limbBits + a0*b3 + a1*b2 + a2*b1 + a3*b0 + edFold*h3
	z[3] = int32(c & limbMask)
	c = c>>limbBits + a0*b4 + a1*b3 + a2*b2 + a3*b1 + a4*b0 + edFold*h4
	z[4] = int32(c & limbMask)
	c = c>>limbBits + a0*b5 + a1*b4 + a2*b3 + a3*b2 + a4*b1 + a5*b0 + edFold*h5
	z[5] = int32(c & limbMask)
	c = c>>limbBits + a0*b6 + a1*b5 + a2*b4 + a3*b3 + a4*b2 + a5*b1 + a6*b0 + edFold*h6
	z[6] = int32(c & limbMask)
	c = c>>limbBits + a0*b7 + a1*b6 + a2*b5 + a3*b4 + a4*b3 + a5*b2 + a6*b1 + a7*b0 + edFold*h7
	z[7] = int32(c & limbMask)
	c = c>>limbBits + a0*b8 + a1*b7 + a2*b6 + a3*b5 + a4*b4 + a5*b3 + a6*b2 + a7*b1 + a8*b0 + edFold*h8
	z[8] = int32(c & edTopMask)
	z0 += 19 * (c >> edTopBits)
	z[0] = int32(z0 & limbMask)
	z[1] += int32(z0 >> limbBits)
}

// square sets z = a·a, where a is tight or a difference of two tight elements.
func (z *edElement) square(a *edElement) {
	a0, a1, a2, a3, a4 := int64(a[0]), int64(a[1]), int64(a[2]), int64(a[3]), int64(a[4])
	a5, a6, a7, a8 := int64(a[5]), int64(a[6]), int64(a[7]), int64(a[8])
	c := (a1*a8 + a2*a7 + a3*a6 + a4*a5) << 1
	h0 := c & limbMask
	c = c>>limbBits + (a2*a8+a3*a7+a4*a6)<<1 + a5*a5
	h1 := c & limbMask
	c = c>>limbBits + (a3*a8+a4*a7+a5*a6)<<1
	h2 := c & limbMask
	c = c>>limbBits + (a4*a8+a5*a7)<<1 + a6*a6
	h3 := c & limbMask
	c = c>>limbBits + (a5*a8+a6*a7)<<1
	h4 := c & limbMask
	c = c>>limbBits + a6*a8<<1 + a7*a7
	h5 := c & limbMask
	c = c>>limbBits + a7*a8<<1
	h6 := c & limbMask
	c = c>>limbBits + a8*a8
	h7, h8 := c&limbMask, c>>limbBits
	c = a0*a0 + edFold*h0
	z0 := c & limbMask
	c = c>>limbBits + a0*a1<<1 + edFold*h1
	z[1] = int32(c & limbMask)
	c = c>>limbBits + a0*a2<<1 + a1*a1 + edFold*h2
	z[2] = int32(c & limbMask)
	c = c>>limbBits + (a0*a3+a1*a2)<<1 + edFold*h3
	z[3] = int32(c & limbMask)
	c = c>>limbBits + (a0*a4+a1*a3)<<1 + a2*a2 + edFold*h4
	z[4] = int32(c & limbMask)
	c = c>>limbBits + (a0*a5+a1*a4+a2*a3)<<1 + edFold*h5
	z[5] = int32(c & limbMask)
	c = c>>limbBits + (a0*a6+a1*a5+a2*a4)<<1 + a3*a3 + edFold*h6
	z[6] = int32(c & limbMask)
	c = c>>limbBits + (a0*a7+a1*a6+a2*a5+a3*a4)<<1 + edFold*h7
	z[7] = int32(c & limbMask)
	c = c>>limbBits + (a0*a8+a1*a7+a2*a6+a3*a5)<<1 + a4*a4 + edFold*h8
	z[8] = int32(c & edTopMask)
	z0 += 19 * (c >> edTopBits)
	z[0] = int32(z0 & limbMask)
	z[1] += int32(z0 >> limbBits)
}

// combine sets z = i·a + j·b, where i and j are at most 4 in magnitude, a and b tight or one sum or difference of such.
func (z *edElement) combine(a *edElement, i int64, b *edElement, j int64) {
	// What is above 2^255 goes first, and comes back times 19.
	last := int64(a[8])*i + int64(b[8])*j
	top := last >> edTopBits
	c := int64(a[0])*i + int64(b[0])*j + 19*top
	z[0] = int32(c & limbMask)
	c = c>>limbBits + int64(a[1])*i + int64(b[1])*j
	z[1] = int32(c & limbMask)
	c = c>>limbBits + int64(a[2])*i + int64(b[2])*j
	z[2] = int32(c & limbMask)
	c = c>>limbBits + int64(a[3])*i + int64(b[3])*j
	z[3] = int32(c & limbMask)
	c = c>>limbBits + int64(a[4])*i + int64(b[4])*j
	z[4] = int32(c & limbMask)
	c = c>>limbBits + int64(a[5])*i + int64(b[5])*j
	z[5] = int32(c & limbMask)
	c = c>>limbBits + int64(a[6])*i + int64(b[6])*j
	z[6] = int32(c & limbMask)
	c = c>>limbBits + int64(a[7])*i + int64(b[7])*j
	z[7] = int32(c & limbMask)
	z[8] = int32(c>>limbBits + last - top<<edTopBits)
}

// plus sets z = a + b without carrying.
func (z *edElement) plus(a, b *edElement) {
	for i := range z {
		z[i] = a[i] + b[i]
	}
}

// minus sets z = a - b without carrying.
func (z *edElement) minus(a, b *edElement) {
	for i := range z {
		z[i] = a[i] - b[i]
	}
}

// negate sets z = -a without carrying.
func (z *edElement) negate(a *edElement) {
	for i := range z {
		z[i] = -a[i]
	}
}

// canonical returns a tight element as a number below p.
func (z *edElement) canonical() limbs {
	x := limbs(*z)
	x.add(&limbs{})
	if x[8] < 0 {
		x.add(&edPrime.n)
	}
	if !x.below(&edPrime.n) {
		x.sub(&edPrime.n)
	}
	return x
}

// invert sets z = 1/a for a tight element, and 0 for 0.
func (z *edElement) invert(a *edElement) {
	x := a.canonical()
	edPrime.invert(&x, &x)
	*z = edElement(x)
}

// equal reports whether a = b for tight elements.
func (z *edElement) equal(b *edElement) bool {
	var d edElement
	d.combine(z, 1, b, -1)
	return d.canonical() == limbs{}
}

// root sets z to the root of u/v that is even, for tight elements, and reports whether there is one; 0 for u = 0.
func (z *edElement) root(u, v *edElement) bool {
	// RFC 8032 §5.1.3: the candidate is u·v³·(u·v⁷)^((p-5)/8), and (p-5)/8 is 2^252 - 3.
	var v3, base, power edElement
	v3.square(v)
	v3.mul(&v3, v)
	base.square(&v3)
	base.mul(&base, v)
	base.mul(&base, u)
	power = base
	for i := 250; i >= 0; i-- {
		power.square(&power)
		if i != 1 {
			power.mul(&power, &base)
		}
	}
	power.mul(&power, &v3)
	power.mul(&power, u)
	var check, negative edElement
	check.square(&power)
	check.mul(&check, v)
	if !check.equal(u) {
		negative.combine(u, -1, u, 0)
		if !check.equal(&negative) {
			return false
		}
		power.mul(&power, &edRootM1)
	}
	root := power.canonical()
	if root[0]&1 == 1 {
		power.combine(&power, -1, &power, 0)
	}
	*z = power
	return true
}
