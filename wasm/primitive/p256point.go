package primitive

// point is a point of P-256 in Jacobian coordinates, x = X/Z² and y = Y/Z³, all tight; or the point at infinity.
type point struct {
	x, y, z  element
	infinity bool
}

// affine is a point other than infinity by its coordinates, which are tight.
type affine struct{ x, y element }

var (
	// p256Prime is p of SP 800-186 §3.2.1.3.
	p256Prime = ring{
		n:       limbs{0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1ff, 0x0, 0x0, 0x40000, 0x1fe00000, 0xffffff},
		inverse: 0x1fffffff,
		r2:      limbs{0xc00, 0x0, 0x1fff0000, 0x1fdfffff, 0x1fbfffff, 0x1fffffff, 0x1fffffff, 0x1ffffffe, 0x13},
	}
	// p256Order is n, the number of points.
	p256Order = ring{
		n:       limbs{0x1c632551, 0x1dce5617, 0x5e7a13c, 0xdf55b4e, 0x1ffffbce, 0x1fffffff, 0x3ffff, 0x1fe00000, 0xffffff},
		inverse: 0x11ff43b1,
		r2:      limbs{0x148d9ef5, 0xf4e7f75, 0x14c6a651, 0x3f8b765, 0x165861f1, 0x1256d7d8, 0x1c185b23, 0xd4cab0f, 0x84b655},
	}
	// p256Gap is p - n: an r below it also stands for the x coordinate r + n.
	p256Gap = limbs{0x39cdaae, 0x231a9e8, 0x1a185ec3, 0x120aa6b1, 0x431, 0x0, 0x0, 0x0, 0x0}
)

var generator = affine{
	x: element{0x15228783, 0x730d418, 0xdb00bcf, 0x57f11fb, 0xa20eb75, 0x12b77622, 0x330fdb9, 0x1af4dd57, 0x120bee},
	y: element{0x12aac150, 0x125357ce, 0xf22e6ef, 0xe390e86, 0x64b1695, 0x88dd21f, 0x2a97443, 0x2962176, 0xae3fe3},
}

// set makes p the affine point a.
func (p *point) set(a *affine) {
	p.x, p.y, p.z, p.infinity = a.x, a.y, elementOne, false
}

// double sets p = 2p. No point has order 2, so only infinity doubles to infinity.
func (p *point) double() {
	if p.infinity {
		return
	}
	var delta, gamma, beta, alpha, t, u element
	delta.square(&p.z)
	gamma.square(&p.y)
	beta.mul(&p.x, &gamma)
	t.combine(&p.x, 3, &delta, -3)
	u.plus(&p.x, &delta)
	alpha.mul(&u, &t) // 3(X-Z²)(X+Z²)
	u.plus(&p.y, &p.y)
	p.z.mul(&u, &p.z) // 2YZ
	t.square(&alpha)
	p.x.combine(&t, 1, &beta, -8)
	t.combine(&beta, 4, &p.x, -1)
	t.mul(&t, &alpha)
	u.square(&gamma)
	p.y.combine(&t, 1, &u, -8)
}

// add sets p = p + a, or p - a when subtract is set.
func (p *point) add(a *affine, subtract bool) {
	ay := a.y
	if subtract {
		ay.negate(&a.y)
	}
	if p.infinity {
		p.x, p.z, p.infinity = a.x, elementOne, false
		p.y.combine(&ay, 1, &ay, 0)
		return
	}
	var zz, h, r, hh, hhh, v, t element
	zz.square(&p.z)
	h.mul(&a.x, &zz)
	h.combine(&h, 1, &p.x, -1)
	r.mul(&zz, &p.z)
	r.mul(&r, &ay)
	r.combine(&r, 1, &p.y, -1)
	if h.isZero() {
		// The same x: p = a or p = -a.
		if r.isZero() {
			p.double()
		} else {
			p.infinity = true
		}
		return
	}
	hh.square(&h)
	hhh.mul(&hh, &h)
	v.mul(&p.x, &hh)
	p.z.mul(&p.z, &h)
	t.square(&r)
	t.minus(&t, &hhh)
	p.x.combine(&t, 1, &v, -2)
	t.minus(&v, &p.x)
	t.mul(&t, &r)
	hhh.mul(&hhh, &p.y)
	p.y.combine(&t, 1, &hhh, -1)
}

// normalize writes points other than infinity by their coordinates, with one inversion for all of them. The three slices
// are of the same length; products is scratch memory.
func normalize(to []affine, from []point, products []element) {
	if len(to) != len(from) || len(products) != len(from) || len(from) == 0 {
		return
	}
	product := elementOne
	for i := range from {
		products[i] = product
		product.mul(&product, &from[i].z)
	}
	product.invert(&product)
	var inverse, square element
	for i := len(from) - 1; i >= 0; i-- {
		inverse.mul(&product, &products[i])
		product.mul(&product, &from[i].z)
		square.square(&inverse)
		to[i].x.mul(&from[i].x, &square)
		square.mul(&square, &inverse)
		to[i].y.mul(&from[i].y, &square)
	}
}
