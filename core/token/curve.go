package token

// This file tells points of the supported curves from other bytes when a key is loaded. It needs no cryptographic
// package, so a program that lets its host verify signatures links none. It handles public values only and is not
// constant-time.

const maxLimbs = 17 // 544 bits, for P-521

// limbs is a number below a field's prime, least significant limb first.
type limbs [maxLimbs]uint32

// field is the integers modulo an odd prime, in Montgomery form with 32-bit limbs.
type field struct {
	n   int    // limbs in use
	inv uint32 // -p^-1 mod 2^32
	p   limbs
	one limbs
}

// newField returns the field of the prime p, given as big-endian bytes.
func newField(p []byte) *field {
	f := &field{n: (len(p) + 3) / 4}
	f.p.read(p)
	f.inv = 1
	for range 5 { // Newton's iteration doubles the number of correct bits
		f.inv *= 2 - f.p[0]*f.inv
	}
	f.inv = -f.inv
	f.one[0] = 1
	f.enter(&f.one)
	return f
}

// read sets x, which is zero, to what at most 68 big-endian bytes hold.
func (x *limbs) read(b []byte) {
	for i := 0; i < len(b) && i < 4*maxLimbs; i++ {
		x[i/4] |= uint32(b[len(b)-1-i]) << (i % 4 * 8)
	}
}

// load sets x, which is zero, to the number that big-endian bytes hold, in Montgomery form. It reports false, and x is not to
// be used, for one that is not below p.
func (f *field) load(x *limbs, b []byte) bool {
	x.read(b)
	if len(b) > 4*f.n || !f.less(x) {
		return false
	}
	f.enter(x)
	return true
}

// enter sets x to x·2^(32n) mod p.
func (f *field) enter(x *limbs) {
	for range 32 * f.n {
		f.add(x, x)
	}
}

// less reports whether x < p.
func (f *field) less(x *limbs) bool {
	for i := f.n - 1; i >= 0; i-- {
		if x[i] != f.p[i] {
			return x[i] < f.p[i]
		}
	}
	return false
}

// reduce subtracts p from carry·2^(32n) + x when that is not below p already.
func (f *field) reduce(x *limbs, carry uint32) {
	if carry == 0 && f.less(x) {
		return
	}
	var borrow uint64
	for i := range f.n {
		d := uint64(x[i]) - uint64(f.p[i]) - borrow
		x[i], borrow = uint32(d), d>>63
	}
}

// add sets x to x + y mod p.
func (f *field) add(x, y *limbs) {
	var carry uint64
	for i := range f.n {
		carry += uint64(x[i]) + uint64(y[i])
		x[i] = uint32(carry)
		carry >>= 32
	}
	f.reduce(x, uint32(carry))
}

// sub sets x to x - y mod p, as x + (p - y).
func (f *field) sub(x, y *limbs) {
	var negative limbs
	var borrow uint64
	for i := range f.n {
		d := uint64(f.p[i]) - uint64(y[i]) - borrow
		negative[i], borrow = uint32(d), d>>63
	}
	f.add(x, &negative)
}

// mul sets z to x·y·2^(-32n) mod p, which is the product in Montgomery form.
func (f *field) mul(z, x, y *limbs) {
	var t limbs
	var top uint64
	for i := range f.n {
		var c uint64
		for j := range f.n {
			c += uint64(t[j]) + uint64(x[j])*uint64(y[i])
			t[j] = uint32(c)
			c >>= 32
		}
		top += c
		m := t[0] * f.inv
		c = (uint64(t[0]) + uint64(m)*uint64(f.p[0])) >> 32
		for j := 1; j < f.n; j++ {
			c += uint64(t[j]) + uint64(m)*uint64(f.p[j])
			t[j-1] = uint32(c)
			c >>= 32
		}
		top += c
		t[f.n-1] = uint32(top)
		top >>= 32
	}
	f.reduce(&t, uint32(top))
	*z = t
}

// isSquare reports whether x is a square other than zero, by Euler's criterion.
func (f *field) isSquare(x *limbs) bool {
	power := f.one
	for i := 32*f.n - 1; i > 0; i-- { // the bits of (p-1)/2
		f.mul(&power, &power, &power)
		if f.p[i/32]>>(i%32)&1 == 1 {
			f.mul(&power, &power, x)
		}
	}
	return power == f.one
}

// The primes and the constants b of the NIST curves (FIPS 186-5, SP 800-186 §3.2.1), and the prime and the constant d of
// edwards25519 (RFC 8032 §5.1), in hexadecimal.
const (
	p256Prime = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
	p256B     = "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"
	p384Prime = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"
	p384B     = "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"
	p521Prime = "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	p521B = "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e1" +
		"56193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00"
	ed25519Prime = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"
	ed25519D     = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3"
	// The y coordinates of the points of order 8 on edwards25519; those of order 1, 2 and 4 are 1, -1 and 0.
	ed25519Order8A = "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"
	ed25519Order8B = "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"
)

// unhex reads one of the constants above.
func unhex(s string) []byte {
	b := make([]byte, len(s)/2)
	for i := range b {
		b[i] = nibble(s[2*i])<<4 | nibble(s[2*i+1])
	}
	return b
}

func nibble(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c - 'a' + 10
}

// onNISTCurve reports whether (x, y) solves y² = x³ - 3x + b modulo prime.
func onNISTCurve(prime, b string, x, y []byte) bool {
	f := newField(unhex(prime))
	var fx, fy, right, rest limbs
	if !f.load(&fx, x) || !f.load(&fy, y) || !f.load(&rest, unhex(b)) {
		return false
	}
	f.mul(&right, &fx, &fx)
	f.mul(&right, &right, &fx)
	f.add(&right, &rest)
	for range 3 {
		f.sub(&right, &fx)
	}
	f.mul(&fy, &fy, &fy)
	return fy == right
}

// safeEd25519 reports whether pub is the canonical encoding of a point on edwards25519 (RFC 8032 §5.1.3) that is not of
// small order: under such a key a signature can be made without a private key.
func safeEd25519(pub []byte) bool {
	if len(pub) != 32 {
		return false
	}
	var y [32]byte
	for i, b := range pub {
		y[31-i] = b
	}
	y[0] &= 0x7F // the sign of x
	f := newField(unhex(ed25519Prime))
	var fy, d limbs
	if !f.load(&fy, y[:]) {
		return false
	}
	for _, small := range [...]string{ed25519Order8A, ed25519Order8B} {
		var s limbs
		if f.load(&s, unhex(small)); fy == s {
			return false
		}
	}
	// x² = (y² - 1) / (d·y² + 1) has a solution when the product of both is a square; it is zero for y = ±1.
	f.mul(&fy, &fy, &fy)
	if fy == (limbs{}) {
		return false
	}
	f.load(&d, unhex(ed25519D))
	f.mul(&d, &d, &fy)
	f.add(&d, &f.one)
	f.sub(&fy, &f.one)
	f.mul(&d, &d, &fy)
	return f.isSquare(&d)
}

// rocaPrimes are the primes by which moduli of CVE-2017-15361 are told from others: such a modulus is a power of 65537
// modulo each of them, which another is with a probability below 2^-27.
var rocaPrimes = [...]uint32{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127,
	131, 137, 139, 149, 151, 157, 163, 167,
}

// isROCA reports whether the RSA modulus n was made by the flawed key generator of CVE-2017-15361.
func isROCA(n []byte) bool {
	for _, p := range rocaPrimes {
		var rest uint32
		for _, b := range n {
			rest = (rest<<8 | uint32(b)) % p
		}
		power, found := uint32(1), false
		for range p {
			if found = power == rest; found {
				break
			}
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}
