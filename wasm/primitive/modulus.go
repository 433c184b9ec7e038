package primitive

import "math/bits"

const (
	digitBits = 28
	digitMask = 1<<digitBits - 1

	// lazyRows is how many products of two digits are summed up in a column before it is carried: 64 bits hold 255 of 56
	// bits and a carry. A row adds one product to a column, or twice one when a number is squared; all rows of a square add
	// width of them, and the quotient's as many again.
	lazyRows = 240
)

// modulus is an odd integer n of bits bits, and what Montgomery arithmetic modulo it needs. Numbers are held in width digits
// of 28 bits, least significant first, followed by four zeros; width is a multiple of 4, and 2^(28·width) is R. Since R is
// above 4n, a product of two numbers below 2n is below 2n again, and only a result has to be brought below n.
type modulus struct {
	bits, width int
	n           []uint32
	inverse     uint64   // -1/n mod 2^28
	r2          []uint32 // R² mod n, by which a number enters Montgomery form
}

// newModulus reads a big-endian odd number without leading zeros.
func newModulus(b []byte) *modulus {
	m := &modulus{bits: 8 * len(b)}
	for top := b[0]; top&0x80 == 0; top <<= 1 {
		m.bits--
	}
	m.width = ((m.bits+2+digitBits-1)/digitBits + 3) &^ 3
	m.n = m.number()
	m.read(m.n, b)
	inverse := uint32(1)
	for range 5 { // Newton's iteration doubles the number of correct bits
		inverse *= 2 - m.n[0]*inverse
	}
	m.inverse = uint64(-inverse & digitMask)

	// R mod n is 2^bits - n, doubled as often as is missing; then R² is 2^(28·width) in Montgomery form.
	m.r2 = m.number()
	m.r2[m.bits/digitBits] = 1 << (m.bits % digitBits)
	m.reduce(m.r2)
	for range m.width*digitBits - m.bits {
		m.double(m.r2)
	}
	columns := m.columns()
	exponent := m.width * digitBits
	for i := bits.Len(uint(exponent)) - 1; i >= 0; i-- {
		m.square(m.r2, columns)
		if exponent>>i&1 == 1 {
			m.double(m.r2)
		}
	}
	m.reduce(m.r2)
	return m
}

// number returns memory for one number.
func (m *modulus) number() []uint32 { return make([]uint32, m.width+4) }

// columns returns memory for the columns of a product.
func (m *modulus) columns() []uint64 { return make([]uint64, 2*m.width+4) }

// read reads a big-endian number of at most as many bytes as the modulus has.
func (m *modulus) read(z []uint32, b []byte) {
	var held uint64
	count, at := 0, 0
	for i := len(b) - 1; i >= 0; i-- {
		held |= uint64(b[i]) << count
		count += 8
		if count >= digitBits {
			z[at] = uint32(held & digitMask)
			at++
			held >>= digitBits
			count -= digitBits
		}
	}
	for ; at < len(z); at++ {
		z[at] = uint32(held)
		held = 0
	}
}

// write writes a number below n to as many bytes as the modulus has.
func (m *modulus) write(b []byte, a []uint32) {
	var held uint64
	count, at := 0, 0
	for i := len(b) - 1; i >= 0; i-- {
		if count < 8 && at < len(a) {
			held |= uint64(a[at]) << count
			count += digitBits
			at++
		}
		b[i] = byte(held)
		held >>= 8
		count -= 8
	}
}

// below reports whether a is below n.
func (m *modulus) below(a []uint32) bool {
	for i := m.width - 1; i >= 0; i-- {
		if a[i] != m.n[i] {
			return a[i] < m.n[i]
		}
	}
	return false
}

// reduce brings a number below 4n below n.
func (m *modulus) reduce(a []uint32) {
	for range 3 {
		if m.below(a) {
			return
		}
		borrow := int64(0)
		for i, n := range m.n[:m.width] {
			borrow += int64(a[i]) - int64(n)
			a[i] = uint32(borrow & digitMask)
			borrow >>= digitBits
		}
	}
}

// double sets a to 2a below n, for an a below 2n.
func (m *modulus) double(a []uint32) {
	carry := uint32(0)
	for i := range m.width {
		carry |= a[i] << 1
		a[i] = carry & digitMask
		carry >>= digitBits
	}
	m.reduce(a)
}

// square sets a to a²/R, for an a below 2n.
//
// Four digits at a time are multiplied with all that are above them.
func (m *modulus) square(a []uint32, columns []uint64) {
	clear(columns)
	width := m.width
	for i := 0; i+4 <= width; i += 4 {
		if i > 0 && i%(lazyRows/2) == 0 {
			carry(columns)
		}
		a0, a1, a2, a3 := uint64(a[i]), uint64(a[i+1]), uint64(a[i+2]), uint64(a[i+3])
		t := columns[2*i : i+width+3]
		t[0] += a0 * a0
		t[1] += a0 * a1 << 1
		t[2] += a0*a2<<1 + a1*a1
		t[3] += (a0*a3 + a1*a2) << 1
		t[4] += a1*a3<<1 + a2*a2
		t[5] += a2 * a3 << 1
		t[6] += a3 * a3
		if i+4 == width {
			break
		}
		a0, a1, a2, a3 = a0<<1, a1<<1, a2<<1, a3<<1
		x, y, z := uint64(a[i+4]), uint64(a[i+5]), uint64(a[i+6])
		t[4] += a0 * x
		t[5] += a0*y + a1*x
		t[6] += a0*z + a1*y + a2*x
		accumulate(t[7:], a[i+4:], a0, a1, a2, a3)
	}
	if width > lazyRows/2 {
		carry(columns)
	}
	m.montgomery(a, columns)
}

// multiply sets a to a·b/R, for an a and a b below 2n.
func (m *modulus) multiply(a, b []uint32, columns []uint64) {
	clear(columns)
	for i := 0; i+4 <= m.width; i += 4 {
		if i > 0 && i%lazyRows == 0 {
			carry(columns)
		}
		a0, a1, a2, a3 := uint64(a[i]), uint64(a[i+1]), uint64(a[i+2]), uint64(a[i+3])
		t := columns[i : i+m.width+3]
		x, y, z := uint64(b[0]), uint64(b[1]), uint64(b[2])
		t[0] += a0 * x
		t[1] += a0*y + a1*x
		t[2] += a0*z + a1*y + a2*x
		accumulate(t[3:], b, a0, a1, a2, a3)
	}
	if m.width > lazyRows/2 {
		carry(columns)
	}
	m.montgomery(a, columns)
}

// accumulate adds the products of four digits and a number to columns: column k gets d0·b[k+3] + d1·b[k+2] + d2·b[k+1] +
// d3·b[k].
func accumulate(columns []uint64, b []uint32, d0, d1, d2, d3 uint64) {
	n := len(columns)
	if len(b) < n+3 {
		return
	}
	x1, x2, x3 := uint64(b[2]), uint64(b[1]), uint64(b[0])
	b = b[3 : 3+n]
	columns = columns[:n]
	k := 3
	for ; k < len(columns) && k < len(b); k += 4 {
		y3 := uint64(b[k-3])
		columns[k-3] += d0*y3 + d1*x1 + d2*x2 + d3*x3
		y2 := uint64(b[k-2])
		columns[k-2] += d0*y2 + d1*y3 + d2*x1 + d3*x2
		y1 := uint64(b[k-1])
		columns[k-1] += d0*y1 + d1*y2 + d2*y3 + d3*x1
		x1 = uint64(b[k])
		columns[k] += d0*x1 + d1*y1 + d2*y2 + d3*y3
		x2, x3 = y1, y2
	}
	for k -= 3; k < n; k++ {
		x0 := uint64(b[k])
		columns[k] += d0*x0 + d1*x1 + d2*x2 + d3*x3
		x1, x2, x3 = x0, x1, x2
	}
}

// carry brings all columns below 2^28 but the last.
func carry(columns []uint64) {
	c := uint64(0)
	for i, column := range columns {
		c += column
		columns[i] = c & digitMask
		c >>= digitBits
	}
}

// montgomery sets z to the number that the columns hold, divided by R.
func (m *modulus) montgomery(z []uint32, columns []uint64) {
	width, n, inverse := m.width, m.n, m.inverse
	n0, n1, n2, n3 := uint64(n[0]), uint64(n[1]), uint64(n[2]), uint64(n[3])
	for i := 0; i+4 <= width; i += 4 {
		t := columns[i : i+width+4]
		if i > 0 && i%lazyRows == 0 {
			carry(columns[i:])
		}
		// The four digits of the quotient that clear the lowest four columns.
		c := t[0]
		q0 := c * inverse & digitMask
		c = (c+q0*n0)>>digitBits + t[1] + q0*n1
		q1 := c * inverse & digitMask
		c = (c+q1*n0)>>digitBits + t[2] + q0*n2 + q1*n1
		q2 := c * inverse & digitMask
		c = (c+q2*n0)>>digitBits + t[3] + q0*n3 + q1*n2 + q2*n1
		q3 := c * inverse & digitMask
		t[4] += (c + q3*n0) >> digitBits
		accumulate(t[4:], n[1:], q0, q1, q2, q3)
	}
	c := uint64(0)
	for i := range width {
		c += columns[width+i]
		z[i] = uint32(c & digitMask)
		c >>= digitBits
	}
}

// power sets z to a^e mod n, for an a below n and an odd e from 3 on; entered is memory for a number.
func (m *modulus) power(z, a, entered []uint32, e uint32, columns []uint64) {
	copy(z, a)
	m.multiply(z, m.r2, columns)
	copy(entered, z)
	for i := bits.Len32(e) - 2; i > 0; i-- {
		m.square(z, columns)
		if e>>i&1 == 1 {
			m.multiply(z, entered, columns)
		}
	}
	m.square(z, columns)
	m.multiply(z, a, columns) // the last factor is not in Montgomery form, and then neither is the product
	m.reduce(z)
}
