package primitive

// element is an integer modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1, the prime of P-256 (SP 800-186 §3.2.1.3), held as
// a·2^261 (Montgomery form).
//
// An element is tight when limbs 0 to 7 are in [0, 2^29) and its value is between -p/8 and p + p/8, which leaves each class two
// representations at most. Every method gives a tight element, except for plus, minus and negate, whose limbs are in
// (-2^29, 2^30) when their operands are tight.
type element [9]int32

var (
	elementOne = element{0x20, 0x0, 0x0, 0x1fffc000, 0x1fffffff, 0x1fffffff, 0x1f7fffff, 0x3ffffff, 0x0}
	// elementR2 is 2^522 mod p, by which a number enters Montgomery form.
	elementR2 = element{0xc00, 0x0, 0x1fff0000, 0x1fdfffff, 0x1fbfffff, 0x1fffffff, 0x1fffffff, 0x1ffffffe, 0x13}
)

// mul sets z = a·b/2^261. One of both may be the sum of two tight elements, and both may be a difference.
//
// The product is summed up a column at a time. Montgomery's quotient digit is the column's low bits themselves, since
// p = -1 mod 2^29, and adding its multiple of p takes shifts only.
func (z *element) mul(a, b *element) {
	a0, a1, a2, a3, a4 := int64(a[0]), int64(a[1]), int64(a[2]), int64(a[3]), int64(a[4])
	a5, a6, a7, a8 := int64(a[5]), int64(a[6]), int64(a[7]), int64(a[8])
	b0, b1, b2, b3, b4 := int64(b[0]), int64(b[1]), int64(b[2]), int64(b[3]), int64(b[4])
	b5, b6, b7, b8 := int64(b[5]), int64(b[6]), int64(b[7]), int64(b[8])
	c := a0 * b0
	q0 := c & limbMask
	c = c>>limbBits + a0*b1 + a1*b0
	q1 := c & limbMask
	c = c>>limbBits + a0*b2 + a1*b1 + a2*b0
	q2 := c & limbMask
	c = c>>limbBits + a0*b3 + a1*b2 + a2*b1 + a3*b0 + q0<<9
	q3 := c & limbMask
	c = c>>limbBits + a0*b4 + a1*b3 + a2*b2 + a3*b1 + a4*b0 + q1<<9
	q4 := c & limbMask
	c = c>>limbBits + a0*b5 + a1*b4 + a2*b3 + a3*b2 + a4*b1 + a5*b0 + q2<<9
	q5 := c & limbMask
	c = c>>limbBits + a0*b6 + a1*b5 + a2*b4 + a3*b3 + a4*b2 + a5*b1 + a6*b0 + q3<<9 + q0<<18
	q6 := c & limbMask
	c = c>>limbBits + a0*b7 + a1*b6 + a2*b5 + a3*b4 + a4*b3 + a5*b2 + a6*b1 + a7*b0 + q4<<9 + q1<<18 - q0<<21
	q7 := c & limbMask
	c = c>>limbBits + a0*b8 + a1*b7 + a2*b6 + a3*b5 + a4*b4 + a5*b3 + a6*b2 + a7*b1 + a8*b0 + q5<<9 + q2<<18 - q1<<21 + q0<<24
	q8 := c & limbMask
	c = c>>limbBits + a1*b8 + a2*b7 + a3*b6 + a4*b5 + a5*b4 + a6*b3 + a7*b2 + a8*b1 + q6<<9 + q3<<18 - q2<<21 + q1<<24
	z[0] = int32(c & limbMask)
	c = c>>limbBits + a2*b8 + a3*b7 + a4*b6 + a5*b5 + a6*b4 + a7*b3 + a8*b2 + q7<<9 + q4<<18 - q3<<21 + q2<<24
	z[1] = int32(c & limbMask)
	c = c>>limbBits + a3*b8 + a4*b7 + a5*b6 + a6*b5 + a7*b4 + a8*b3 + q8<<9 + q5<<18 - q4<<21 + q3<<24
	z[2] = int32(c & limbMask)
	c = c>>limbBits + a4*b8 + a5*b7 + a6*b6 + a7*b5 + a8*b4 + q6<<18 - q5<<21 + q4<<24
	z[3] = int32(c & limbMask)
	c = c>>limbBits + a5*b8 + a6*b7 + a7*b6 + a8*b5 + q7<<18 - q6<<21 + q5<<24
	z[4] = int32(c & limbMask)
	c = c>>limbBits + a6*b8 + a7*b7 + a8*b6 + q8<<18 - q7<<21 + q6<<24
	z[5] = int32(c & limbMask)
	c = c>>limbBits + a7*b8 + a8*b7 - q8<<21 + q7<<24
	z[6] = int32(c & limbMask)
	c = c>>limbBits + a8*b8 + q8<<24
	z[7] = int32(c & limbMask)
	z[8] = int32(c >> limbBits)
}

// square sets z = a·a/2^261, where a is tight or a difference of two tight elements.
func (z *element) square(a *element) {
	a0, a1, a2, a3, a4 := int64(a[0]), int64(a[1]), int64(a[2]), int64(a[3]), int64(a[4])
	a5, a6, a7, a8 := int64(a[5]), int64(a[6]), int64(a[7]), int64(a[8])
	c := a0 * a0
	q0 := c & limbMask
	c = c>>limbBits + a0*a1<<1
	q1 := c & limbMask
	c = c>>limbBits + a0*a2<<1 + a1*a1
	q2 := c & limbMask
	c = c>>limbBits + (a0*a3+a1*a2)<<1 + q0<<9
	q3 := c & limbMask
	c = c>>limbBits + (a0*a4+a1*a3)<<1 + a2*a2 + q1<<9
	q4 := c & limbMask
	c = c>>limbBits + (a0*a5+a1*a4+a2*a3)<<1 + q2<<9
	q5 := c & limbMask
	c = c>>limbBits + (a0*a6+a1*a5+a2*a4)<<1 + a3*a3 + q3<<9 + q0<<18
	q6 := c & limbMask
	c = c>>limbBits + (a0*a7+a1*a6+a2*a5+a3*a4)<<1 + q4<<9 + q1<<18 - q0<<21
	q7 := c & limbMask
	c = c>>limbBits + (a0*a8+a1*a7+a2*a6+a3*a5)<<1 + a4*a4 + q5<<9 + q2<<18 - q1<<21 + q0<<24
	q8 := c & limbMask
	c = c>>limbBits + (a1*a8+a2*a7+a3*a6+a4*a5)<<1 + q6<<9 + q3<<18 - q2<<21 + q1<<24
	z[0] = int32(c & limbMask)
	c = c>>limbBits + (a2*a8+a3*a7+a4*a6)<<1 + a5*a5 + q7<<9 + q4<<18 - q3<<21 + q2<<24
	z[1] = int32(c & limbMask)
	c = c>>limbBits + (a3*a8+a4*a7+a5*a6)<<1 + q8<<9 + q5<<18 - q4<<21 + q3<<24
	z[2] = int32(c & limbMask)
	c = c>>limbBits + (a4*a8+a5*a7)<<1 + a6*a6 + q6<<18 - q5<<21 + q4<<24
	z[3] = int32(c & limbMask)
	c = c>>limbBits + (a5*a8+a6*a7)<<1 + q7<<18 - q6<<21 + q5<<24
	z[4] = int32(c & limbMask)
	c = c>>limbBits + a6*a8<<1 + a7*a7 + q8<<18 - q7<<21 + q6<<24
	z[5] = int32(c & limbMask)
	c = c>>limbBits + a7*a8<<1 - q8<<21 + q7<<24
	z[6] = int32(c & limbMask)
	c = c>>limbBits + a8*a8 + q8<<24
	z[7] = int32(c & limbMask)
	z[8] = int32(c >> limbBits)
}

// combine sets z = i·a + j·b, where i and j are at most 8 in magnitude, a and b tight or one sum or difference of such.
func (z *element) combine(a *element, i int64, b *element, j int64) {
	// What is above 2^256 goes first, as a multiple m of p.
	top := int64(a[8])*i + int64(b[8])*j
	m := top >> 24
	c := int64(a[0])*i + int64(b[0])*j + m
	z[0] = int32(c & limbMask)
	c = c>>limbBits + int64(a[1])*i + int64(b[1])*j
	z[1] = int32(c & limbMask)
	c = c>>limbBits + int64(a[2])*i + int64(b[2])*j
	z[2] = int32(c & limbMask)
	c = c>>limbBits + int64(a[3])*i + int64(b[3])*j - m<<9
	z[3] = int32(c & limbMask)
	c = c>>limbBits + int64(a[4])*i + int64(b[4])*j
	z[4] = int32(c & limbMask)
	c = c>>limbBits + int64(a[5])*i + int64(b[5])*j
	z[5] = int32(c & limbMask)
	c = c>>limbBits + int64(a[6])*i + int64(b[6])*j - m<<18
	z[6] = int32(c & limbMask)
	c = c>>limbBits + int64(a[7])*i + int64(b[7])*j + m<<21
	z[7] = int32(c & limbMask)
	z[8] = int32(c>>limbBits + top - m<<24)
}

// plus sets z = a + b without carrying.
func (z *element) plus(a, b *element) {
	for i := range z {
		z[i] = a[i] + b[i]
	}
}

// minus sets z = a - b without carrying.
func (z *element) minus(a, b *element) {
	for i := range z {
		z[i] = a[i] - b[i]
	}
}

// negate sets z = -a without carrying.
func (z *element) negate(a *element) {
	for i := range z {
		z[i] = -a[i]
	}
}

// isZero reports whether a tight element is 0 modulo p: then it is 0 or p itself.
func (z *element) isZero() bool {
	return z[0] == 0 && *z == element{} || z[0] == limbMask && *z == element(p256Prime.n)
}

// invert sets z = 1/a, and 0 for 0.
func (z *element) invert(a *element) {
	canonical := limbs(*a)
	if a[8] < 0 {
		canonical.add(&p256Prime.n)
	}
	if !canonical.below(&p256Prime.n) {
		canonical.sub(&p256Prime.n)
	}
	p256Prime.invert(&canonical, &canonical)
	// The inverse of a·R is 1/(a·R), and R²/R of it, twice, is R/a.
	*z = element(canonical)
	z.enter(z)
	z.enter(z)
}

// enter sets z to the Montgomery form of a number below 2^257.
func (z *element) enter(a *element) { z.mul(a, &elementR2) }
