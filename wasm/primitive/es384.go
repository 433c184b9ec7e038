package primitive

import (
	"sync"

	"github.com/hexward/hexward/core/token"
)

// ECDSA with P-384 and SHA-384, and with P-521 and SHA-512 (RFC 7518 §3.4, FIPS 186-5 §6.4.2). These are rare, so they are made
// of the arithmetic for RSA and small, and not as fast as ES256.
var (
	ES384 token.Algorithm = wideScheme{"ES384", &p384}
	ES512 token.Algorithm = wideScheme{"ES512", &p521}
)

type wideScheme struct {
	name  string
	curve *wideCurve
}

func (a wideScheme) Name() string { return a.name }

func (a wideScheme) Primitive(k *token.Key) (token.Primitive, error) {
	if k == nil || k.Algorithm() != a.name {
		return nil, token.ErrKeyMismatch
	}
	x, y := k.Parameter("x"), k.Parameter("y")
	if len(x) != a.curve.size || len(y) != a.curve.size {
		return nil, token.ErrKeyMalformed
	}
	return newWideKey(a.curve, x, y), nil
}

// wideCurve is y² = x³ - 3x + b modulo p, of prime order n (SP 800-186 §3.2.1.4 and §3.2.1.5); b is not needed to add points.
type wideCurve struct {
	size                   int // bytes of a coordinate
	hash                   hash
	prime, order           string // big-endian, as are the next
	generatorX, generatorY string

	once sync.Once
	p, n *modulus
	base *wideTable
}

var p384 = wideCurve{
	size: 48,
	hash: hash384,
	prime: "" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff",
	order: "" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",

	generatorX: "" +
		"\xaa\x87\xca\x22\xbe\x8b\x05\x37\x8e\xb1\xc7\x1e\xf3\x20\xad\x74\x6e\x1d\x3b\x62\x8b\xa7\x9b\x98" +
		"\x59\xf7\x41\xe0\x82\x54\x2a\x38\x55\x02\xf2\x5d\xbf\x55\x29\x6c\x3a\x54\x5e\x38\x72\x76\x0a\xb7",
	generatorY: "" +
		"\x36\x17\xde\x4a\x96\x26\x2c\x6f\x5d\x9e\x98\xbf\x92\x92\xdc\x29\xf8\xf4\x1d\xbd\x28\x9a\x14\x7c" +
		"\xe9\xda\x31\x13\xb5\xf0\xb8\xc0\x0a\x60\xb1\xce\x1d\x7e\x81\x9d\x7a\x43\x1d\x7c\x90\xea\x0e\x5f",
}

var p521 = wideCurve{
	size: 66,
	hash: hash512,
	prime: "" +
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	order: "" +
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc" +
		"\x01\x48\xf7\x09\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38\x64\x09",
	generatorX: "" +
		"\x00\xc6\x85\x8e\x06\xb7\x04\x04\xe9\xcd\x9e\x3e\xcb\x66\x23\x95\xb4\x42\x9c\x64\x81\x39" +
		"\x05\x3f\xb5\x21\xf8\x28\xaf\x60\x6b\x4d\x3d\xba\xa1\x4b\x5e\x77\xef\xe7\x59\x28\xfe\x1d" +
		"\xc1\x27\xa2\xff\xa8\xde\x33\x48\xb3\xc1\x85\x6a\x42\x9b\xf9\x7e\x7e\x31\xc2\xe5\xbd\x66",
	generatorY: "" +
		"\x01\x18\x39\x29\x6a\x78\x9a\x3b\xc0\x04\x5c\x8a\x5f\xb4\x2c\x7d\x1b\xd9\x98\xf5\x44\x49" +
		"\x57\x9b\x44\x68\x17\xaf\xbd\x17\x27\x3e\x66\x2c\x97\xee\x72\x99\x5e\xf4\x26\x40\xc5\x50" +
		"\xb9\x01\x3f\xad\x07\x61\x35\x3c\x70\x86\xa2\x72\xc2\x40\x88\xbe\x94\x76\x9f\xd1\x66\x50",
}

// prepare makes what all keys of the curve share.
func (c *wideCurve) prepare() {
	c.p, c.n = newModulus([]byte(c.prime)), newModulus([]byte(c.order))
	c.base = c.newTable([]byte(c.generatorX), []byte(c.generatorY))
}

// wide is a number as a modulus has it, of up to 20 digits and three zeros, below twice the modulus.
type wide [23]uint32

// set and is take the place of = and ==, which TinyGo writes out digit by digit.
func (z *wide) set(x *wide) { copy(z[:], x[:]) }

func (z *wide) is(x *wide) bool {
	for i, digit := range x {
		if z[i] != digit {
			return false
		}
	}
	return true
}

var wideZero wide

// widePoint is a point in Jacobian coordinates, whose numbers are in Montgomery form: x/z², y/z³.
type widePoint struct {
	x, y, z  wide
	infinity bool
}

func (p *widePoint) set(q *widePoint) {
	p.x.set(&q.x)
	p.y.set(&q.y)
	p.z.set(&q.z)
	p.infinity = q.infinity
}

// wideTable is the first multiples of a point, from itself on.
type wideTable [1<<wideWindow - 1]widePoint

// wideWindow is how many bits of a scalar are looked at at a time.
const wideWindow = 4

// wideWork is memory for one verification.
type wideWork struct {
	columns [43]uint64
	point   widePoint
	t       [7]wide
	r, s, e wide
	u1, u2  [66]byte
	hash    hasher
	digest  [hash512]byte
}

// wideKey is a public key with the multiples that verification needs.
type wideKey struct {
	curve *wideCurve
	table *wideTable
	works sync.Pool // of *wideWork
}

// newWideKey returns the key of a point on the curve, given by coordinates of its size.
func newWideKey(c *wideCurve, x, y []byte) *wideKey {
	c.once.Do(c.prepare)
	k := &wideKey{curve: c, table: c.newTable(x, y)}
	k.works.New = func() any { return new(wideWork) }
	k.works.Put(new(wideWork)) // so that the first signature allocates nothing
	return k
}

func (c *wideCurve) newTable(x, y []byte) *wideTable {
	table, work := new(wideTable), new(wideWork)
	first := &table[0]
	c.p.read(first.x[:], x)
	c.p.read(first.y[:], y)
	first.z[0] = 1
	for _, coordinate := range []*wide{&first.x, &first.y, &first.z} {
		work.multiply(c.p, coordinate, coordinate, nil)
	}
	for i := 1; i < len(table); i++ {
		table[i].set(&table[i-1])
		c.add(&table[i], first, work)
	}
	return table
}

func (k *wideKey) Verify(input, signature []byte) bool {
	work, ok := k.works.Get().(*wideWork)
	if !ok {
		return false
	}
	work.hash.reset(k.curve.hash)
	work.hash.write(input)
	good := k.verify(work, work.hash.sum(&work.digest), signature)
	k.works.Put(work)
	return good
}

// verify reports whether signature is R || S over digest, which is no longer than the order, both in [1, n-1].
func (k *wideKey) verify(w *wideWork, digest, signature []byte) bool {
	c, n := k.curve, k.curve.n
	if len(signature) != 2*c.size {
		return false
	}
	n.read(w.r[:], signature[:c.size])
	n.read(w.s[:], signature[c.size:])
	if w.r.is(&wideZero) || w.s.is(&wideZero) || !n.below(w.r[:]) || !n.below(w.s[:]) {
		return false
	}
	n.read(w.e[:], digest)
	c.invert(&w.s, w) // in Montgomery form, so that its products with others are not
	w.multiply(n, &w.e, &w.e, &w.s)
	n.reduce(w.e[:])
	n.write(w.u1[:c.size], w.e[:n.width])
	w.multiply(n, &w.e, &w.r, &w.s)
	n.reduce(w.e[:])
	n.write(w.u2[:c.size], w.e[:n.width])

	p := &w.point
	p.infinity = true
	for i := range 2 * c.size { // half a byte at a time
		if i > 0 {
			for range wideWindow {
				c.double(p, w)
			}
		}
		shift := 4 - i%2*4
		if window := w.u1[i/2] >> shift & 15; window > 0 {
			c.add(p, &c.base[window-1], w)
		}
		if window := w.u2[i/2] >> shift & 15; window > 0 {
			c.add(p, &k.table[window-1], w)
		}
	}
	return !p.infinity && c.hasX(p, &w.r, w)
}

// hasX reports whether p's x coordinate is r modulo n, for an r in [1, n-1].
func (c *wideCurve) hasX(p *widePoint, r *wide, w *wideWork) bool {
	zz, x := &w.t[0], &w.t[1]
	w.multiply(c.p, zz, &p.z, &p.z)
	c.p.reduce(p.x[:])
	for range 2 {
		w.multiply(c.p, x, r, nil)
		w.multiply(c.p, x, x, zz)
		c.p.reduce(x[:])
		if x.is(&p.x) {
			return true
		}
		// The other number below p that is r modulo n, if there is one.
		carry := uint32(0)
		for i := range c.p.width {
			carry += r[i] + c.n.n[i]
			r[i] = carry & digitMask
			carry >>= digitBits
		}
		if !c.p.below(r[:]) {
			return false
		}
	}
	return false
}

// invert sets s, in [1, n-1], to its inverse modulo n in Montgomery form: s^(n-2), by Fermat.
func (c *wideCurve) invert(s *wide, w *wideWork) {
	n, power := c.n, &w.t[0]
	w.multiply(n, s, s, nil)
	power.set(s)
	for i := n.bits - 2; i >= 0; i-- {
		w.multiply(n, power, power, power)
		digit := n.n[i/digitBits]
		if i < digitBits {
			digit -= 2 // the lowest digits of both orders are greater
		}
		if digit>>(i%digitBits)&1 == 1 {
			w.multiply(n, power, power, s)
		}
	}
	s.set(power)
}

// multiply sets z to x·y/R modulo m, below 2m; a nil y is R², by which x enters Montgomery form.
func (w *wideWork) multiply(m *modulus, z, x, y *wide) {
	if z == y {
		x, y = y, x
	}
	z.set(x)
	if y == nil {
		m.multiply(z[:m.width+3], m.r2, w.columns[:2*m.width+3])
		return
	}
	m.multiply(z[:m.width+3], y[:m.width+3], w.columns[:2*m.width+3])
}

// sum sets z to x + y modulo m, and difference to x - y, below m.
func sum(m *modulus, z, x, y *wide) {
	carry := uint32(0)
	for i := range m.width {
		carry += x[i] + y[i]
		z[i] = carry & digitMask
		carry >>= digitBits
	}
	m.reduce(z[:])
}

func difference(m *modulus, z, x, y *wide) {
	carry := int64(0)
	for i := range m.width {
		carry += int64(x[i]) + 2*int64(m.n[i]) - int64(y[i])
		z[i] = uint32(carry & digitMask)
		carry >>= digitBits
	}
	m.reduce(z[:])
}

// double sets p to 2p. No point of these curves is its own negative.
func (c *wideCurve) double(p *widePoint, w *wideWork) {
	if p.infinity {
		return
	}
	m := c.p
	delta, gamma, beta, alpha, t := &w.t[0], &w.t[1], &w.t[2], &w.t[3], &w.t[4]
	w.multiply(m, delta, &p.z, &p.z)
	w.multiply(m, gamma, &p.y, &p.y)
	w.multiply(m, beta, &p.x, gamma)
	difference(m, alpha, &p.x, delta) // alpha = 3(x - z²)(x + z²)
	sum(m, t, &p.x, delta)
	w.multiply(m, alpha, alpha, t)
	sum(m, t, alpha, alpha)
	sum(m, alpha, alpha, t)
	sum(m, t, &p.y, &p.z) // z' = (y + z)² - y² - z² = 2yz
	w.multiply(m, t, t, t)
	difference(m, t, t, gamma)
	difference(m, &p.z, t, delta)
	sum(m, beta, beta, beta) // 4xy²
	sum(m, beta, beta, beta)
	w.multiply(m, t, alpha, alpha) // x' = alpha² - 8xy²
	difference(m, t, t, beta)
	difference(m, &p.x, t, beta)
	difference(m, beta, beta, &p.x) // y' = alpha(4xy² - x') - 8y⁴
	w.multiply(m, &p.y, alpha, beta)
	w.multiply(m, gamma, gamma, gamma)
	sum(m, gamma, gamma, gamma)
	sum(m, gamma, gamma, gamma)
	sum(m, gamma, gamma, gamma)
	difference(m, &p.y, &p.y, gamma)
}

// add sets p to p + q, whatever both are.
func (c *wideCurve) add(p, q *widePoint, w *wideWork) {
	if q.infinity {
		return
	}
	if p.infinity {
		p.set(q)
		return
	}
	m := c.p
	zz1, zz2, u1, h, s1, r, t := &w.t[0], &w.t[1], &w.t[2], &w.t[3], &w.t[4], &w.t[5], &w.t[6]
	w.multiply(m, zz1, &p.z, &p.z)
	w.multiply(m, zz2, &q.z, &q.z)
	w.multiply(m, u1, &p.x, zz2)
	w.multiply(m, h, &q.x, zz1)
	difference(m, h, h, u1)
	w.multiply(m, s1, &p.y, &q.z)
	w.multiply(m, s1, s1, zz2)
	w.multiply(m, r, &q.y, &p.z)
	w.multiply(m, r, r, zz1)
	difference(m, r, r, s1)
	if h.is(&wideZero) {
		if r.is(&wideZero) {
			c.double(p, w)
		} else {
			p.infinity = true
		}
		return
	}
	w.multiply(m, &p.z, &p.z, &q.z)
	w.multiply(m, &p.z, &p.z, h)
	w.multiply(m, zz1, h, h)   // h²
	w.multiply(m, u1, u1, zz1) // v = u1·h²
	w.multiply(m, zz1, zz1, h) // h³
	w.multiply(m, t, r, r)     // x' = r² - h³ - 2v
	difference(m, t, t, zz1)
	difference(m, t, t, u1)
	difference(m, &p.x, t, u1)
	difference(m, u1, u1, &p.x) // y' = r(v - x') - s1·h³
	w.multiply(m, &p.y, r, u1)
	w.multiply(m, s1, s1, zz1)
	difference(m, &p.y, &p.y, s1)
}
