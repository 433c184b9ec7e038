package primitive

// edPoint is a point of edwards25519 in extended coordinates, x = X/Z, y = Y/Z and x·y = T/Z, all tight.
type edPoint struct{ x, y, z, t edElement }

// edAddend is a point in the form in which it is added: y + x, y - x and 2d·x·y, all tight.
type edAddend struct{ plus, minus, product edElement }

// double sets p = 2p (RFC 8032 §5.1.4).
func (p *edPoint) double() {
	var a, b, c, e, f, g, h edElement
	a.square(&p.x)
	b.square(&p.y)
	c.square(&p.z)
	e.combine(&p.x, 1, &p.y, 1)
	e.square(&e)
	h.plus(&a, &b)
	e.combine(&h, 1, &e, -1)
	g.minus(&a, &b)
	f.combine(&c, 2, &g, 1)
	p.x.mul(&e, &f)
	p.y.mul(&g, &h)
	p.t.mul(&e, &h)
	p.z.mul(&f, &g)
}

// add sets p = p + a, or p - a when subtract is set. The formulas hold for all points (RFC 8032 §5.1.4).
func (p *edPoint) add(addend *edAddend, subtract bool) {
	plus, minus := &addend.plus, &addend.minus
	if subtract {
		plus, minus = minus, plus
	}
	var a, b, c, e, f, g, h edElement
	a.minus(&p.y, &p.x)
	a.mul(&a, minus)
	b.plus(&p.y, &p.x)
	b.mul(&b, plus)
	c.mul(&p.t, &addend.product)
	if subtract {
		c.negate(&c)
	}
	e.minus(&b, &a)
	h.plus(&b, &a)
	f.combine(&p.z, 2, &c, -1)
	g.combine(&p.z, 2, &c, 1)
	p.x.mul(&e, &f)
	p.y.mul(&h, &g)
	p.t.mul(&h, &e)
	p.z.mul(&f, &g)
}

// decode reads a point (RFC 8032 §5.1.3) and reports whether there is one. As crypto/ed25519 does, it takes a y that is not
// below p for what it is modulo p, and the sign of an x that is 0 for nothing.
func (p *edPoint) decode(b *[32]byte) bool {
	y := limbsOfLittle(b)
	y[8] &= edTopMask
	p.y, p.z = edElement(y), edOne
	var yy, u, v edElement
	yy.square(&p.y)
	u.combine(&yy, 1, &edOne, -1)
	v.mul(&yy, &edD)
	v.combine(&v, 1, &edOne, 1)
	if !p.x.root(&u, &v) {
		return false
	}
	if b[31]>>7 == 1 {
		p.x.combine(&p.x, -1, &p.x, 0)
	}
	p.t.mul(&p.x, &p.y)
	return true
}

// isEncoded reports whether b is the encoding of p (RFC 8032 §5.1.2), which is just one.
func (p *edPoint) isEncoded(b []byte) bool {
	if len(b) != 32 {
		return false
	}
	var inverse, x, y edElement
	inverse.invert(&p.z)
	x.mul(&p.x, &inverse)
	y.mul(&p.y, &inverse)
	odd, want := x.canonical(), y.canonical()
	got := limbsOfLittle((*[32]byte)(b))
	want[8] |= odd[0] & 1 << edTopBits
	return got == want
}

// negate sets p = -p.
func (p *edPoint) negate() {
	p.x.combine(&p.x, -1, &p.x, 0)
	p.t.combine(&p.t, -1, &p.t, 0)
}

// limbsOfLittle reads a little-endian number.
func limbsOfLittle(b *[32]byte) limbs {
	var big [32]byte
	for i, v := range b {
		big[len(b)-1-i] = v
	}
	return limbsOf(&big)
}

// edNormalize writes points in the form in which they are added, with one inversion for all of them. The three slices are of
// the same length; products is scratch memory.
func edNormalize(to []edAddend, from []edPoint, products []edElement) {
	if len(to) != len(from) || len(products) != len(from) {
		return
	}
	product := edOne
	for i := range from {
		products[i] = product
		product.mul(&product, &from[i].z)
	}
	product.invert(&product)
	var inverse, x, y edElement
	for i := len(from) - 1; i >= 0; i-- {
		inverse.mul(&product, &products[i])
		product.mul(&product, &from[i].z)
		x.mul(&from[i].x, &inverse)
		y.mul(&from[i].y, &inverse)
		to[i].plus.combine(&y, 1, &x, 1)
		to[i].minus.combine(&y, 1, &x, -1)
		x.mul(&x, &y)
		to[i].product.mul(&x, &edD2)
	}
}

// edTable holds d·2^(rows·j)·P for each odd d below 2^(width-1), as table does.
type edTable struct {
	width  int
	points []edAddend
}

// newEdTable makes the table of a point.
func newEdTable(base *edPoint, width int) *edTable {
	per := 1 << (width - 2)
	extended := make([]edPoint, combs*per)
	products := make([]edElement, combs*per)
	doubles := make([]edAddend, combs)
	t := &edTable{width: width, points: make([]edAddend, combs*per)}

	// The first point of each comb, and its double.
	firsts := make([]edPoint, 2*combs)
	p := *base
	for j := range combs {
		firsts[j] = p
		p.double()
		firsts[combs+j] = p
		for i := 1; i < rows && j+1 < combs; i++ {
			p.double()
		}
	}
	edNormalize(doubles, firsts[combs:], products[:combs])

	for j := range combs {
		p = firsts[j]
		for i := range per {
			if i > 0 {
				p.add(&doubles[j], false)
			}
			extended[j*per+i] = p
		}
	}
	edNormalize(t.points, extended, products)
	return t
}

// accumulate adds the digits of one row to p.
func (t *edTable) accumulate(p *edPoint, d *digits, row int) {
	per := 1 << (t.width - 2)
	for j := range combs {
		switch digit := int(d[j*rows+row]); {
		case digit > 0:
			p.add(&t.points[j*per+digit>>1], false)
		case digit < 0:
			p.add(&t.points[j*per+(-digit)>>1], true)
		}
	}
}
