package primitive

// A multiple k·P of a point that is known beforehand is summed up from combs·2^(width-2) points that are kept for it: k is
// written with signed odd digits below 2^(width-1), of which at most one in width is not zero, and cut into combs parts of
// rows digits. All parts are summed up in the same rows-1 doublings.
const (
	combs     = 8
	rows      = 33 // combs·rows ≥ 257, the length of the digits of a number below 2^256
	positions = combs * rows

	keyWidth  = 5 // for a public key: 64 points
	baseWidth = 6 // for the generator: 128 points
)

// table holds d·2^(rows·j)·P for each odd d below 2^(width-1), at [j<<(width-2) | d>>1].
type table struct {
	width  int
	points []affine
}

// newTable makes the table of a point on the curve. Since the group's order is a prime above every d, no sum on the way is
// one of equal points, nor infinity.
func newTable(base *affine, width int) *table {
	per := 1 << (width - 2)
	jacobian := make([]point, combs*per)
	products := make([]element, combs*per)
	t := &table{width: width, points: make([]affine, combs*per)}

	// The first point of each comb, and its double.
	var p point
	p.set(base)
	var firsts [2 * combs]affine
	for j := range combs {
		jacobian[2*j] = p
		p.double()
		jacobian[2*j+1] = p
		for i := 1; i < rows && j+1 < combs; i++ {
			p.double()
		}
	}
	normalize(firsts[:], jacobian[:2*combs], products[:2*combs])

	for j := range combs {
		p.set(&firsts[2*j])
		for i := range per {
			if i > 0 {
				p.add(&firsts[2*j+1], false)
			}
			jacobian[j*per+i] = p
		}
	}
	normalize(t.points, jacobian, products)
	return t
}

// digits is a number as the sum of digits[i]·2^i.
type digits [positions]int8

// split writes a number below 2^256, of nine limbs in [0, 2^29), with digits that are zero or odd and below 2^(width-1) in
// magnitude, of which no two are nearer than width to each other.
func (d *digits) split(k *limbs, width int) {
	*d = digits{}
	carry := int32(0)
	for i := 0; i < limbBits*len(k); {
		at, low := i/limbBits, i%limbBits
		window := k[at] >> low
		if window&1 == carry {
			i++
			continue
		}
		if low+width > limbBits && at+1 < len(k) {
			window |= k[at+1] << (limbBits - low)
		}
		window = window&(1<<width-1) + carry
		carry = window >> (width - 1) & 1
		d[i] = int8(window - carry<<width)
		i += width
	}
}

// accumulate adds the digits of one row to p.
func (t *table) accumulate(p *point, d *digits, row int) {
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
