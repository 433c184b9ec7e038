package primitive_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// curve is a curve by school arithmetic, for cases that no signer makes, and the algorithms that use it.
type curve struct {
	name         string
	ours, theirs token.Algorithm
	elliptic     elliptic.Curve
	sum          func([]byte) []byte

	size, bits int // bytes of a coordinate, bits of the order
	p, n, b    *big.Int
	g          *oraclePoint
}

var (
	p256 = newCurve(primitive.ES256, token.ES256, elliptic.P256(), func(b []byte) []byte { d := sha256.Sum256(b); return d[:] })
	p384 = newCurve(primitive.ES384, token.ES384, elliptic.P384(), func(b []byte) []byte { d := sha512.Sum384(b); return d[:] })
	p521 = newCurve(primitive.ES512, token.ES512, elliptic.P521(), func(b []byte) []byte { d := sha512.Sum512(b); return d[:] })

	curves = []*curve{p256, p384, p521}
)

func newCurve(ours, theirs token.Algorithm, e elliptic.Curve, sum func([]byte) []byte) *curve {
	params := e.Params()
	c := &curve{
		name: ours.Name(), ours: ours, theirs: theirs, elliptic: e, sum: sum,
		size: (params.BitSize + 7) / 8, bits: params.BitSize, p: params.P, n: params.N, b: params.B,
	}
	c.g = &oraclePoint{c, params.Gx, params.Gy}
	return c
}

// oraclePoint is a point by its coordinates; nil is infinity.
type oraclePoint struct {
	curve *curve
	x, y  *big.Int
}

func (p *oraclePoint) add(q *oraclePoint) *oraclePoint {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	prime := p.curve.p
	slope := new(big.Int)
	if p.x.Cmp(q.x) == 0 {
		if p.y.Cmp(q.y) != 0 {
			return nil
		}
		slope.Mul(p.x, p.x).Mul(slope, big.NewInt(3)).Sub(slope, big.NewInt(3))
		slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Lsh(p.y, 1), prime))
	} else {
		d := new(big.Int).Sub(q.x, p.x)
		slope.Sub(q.y, p.y).Mul(slope, d.ModInverse(d.Mod(d, prime), prime))
	}
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, prime)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, prime)
	return &oraclePoint{p.curve, x, y}
}

func (p *oraclePoint) times(k *big.Int) *oraclePoint {
	k = new(big.Int).Mod(k, p.curve.n)
	if p.curve != p256 { // school arithmetic takes too long
		x, y := p.curve.elliptic.ScalarMult(p.x, p.y, k.Bytes()) //nolint:staticcheck // nothing else multiplies points
		if x.Sign() == 0 && y.Sign() == 0 {
			return nil
		}
		return &oraclePoint{p.curve, x, y}
	}
	var sum *oraclePoint
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.add(sum)
		if k.Bit(i) == 1 {
			sum = sum.add(p)
		}
	}
	return sum
}

// public returns a point as the standard library has it.
func (p *oraclePoint) public() *ecdsa.PublicKey {
	key, err := ecdsa.ParseUncompressedPublicKey(p.curve.elliptic, append([]byte{4}, p.curve.pair(p.x, p.y)...))
	if err != nil {
		panic(err)
	}
	return key
}

// withX returns a point with the x coordinate, or nil when there is none.
func (c *curve) withX(x *big.Int) *oraclePoint {
	y := new(big.Int).Exp(x, big.NewInt(3), c.p)
	y.Sub(y, new(big.Int).Mul(x, big.NewInt(3))).Add(y, c.b).Mod(y, c.p)
	if y.ModSqrt(y, c.p) == nil {
		return nil
	}
	return &oraclePoint{c, x, y}
}

// keyFor returns the public key under which (r, s) is a signature over e whose point is R: (s·R - e·G)/r.
func (c *curve) keyFor(point *oraclePoint, r, s, e *big.Int) *oraclePoint {
	sum := point.times(s).add(c.g.times(new(big.Int).Neg(e)))
	if sum == nil {
		return nil
	}
	return sum.times(new(big.Int).ModInverse(r, c.n))
}

// sign makes a signature over e with the private key d and the secret k.
func (c *curve) sign(d, k, e *big.Int) (r, s *big.Int) {
	r = new(big.Int).Mod(c.g.times(k).x, c.n)
	s = new(big.Int).Mul(r, d)
	s.Add(s, e).Mul(s, new(big.Int).ModInverse(k, c.n)).Mod(s, c.n)
	return r, s
}

// pair returns R || S.
func (c *curve) pair(r, s *big.Int) []byte {
	b := make([]byte, 2*c.size)
	r.FillBytes(b[:c.size])
	s.FillBytes(b[c.size:])
	return b
}

// fringe is numbers at which something begins or ends, none longer than a coordinate.
func (c *curve) fringe() []*big.Int {
	gap := new(big.Int).Sub(c.p, c.n)
	top := new(big.Int).Lsh(big.NewInt(1), uint(8*c.size))
	half := new(big.Int).Rsh(c.n, 1)
	list := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2), big.NewInt(3)}
	for _, around := range []*big.Int{gap, half, c.n, c.p} {
		for d := int64(-2); d <= 2; d++ {
			list = append(list, plus(around, d))
		}
	}
	for _, bit := range []int{28, 29, 31, 32, 58, 64, 128, 232, 255, 364, 383, 504, 520} {
		if bit < c.bits {
			list = append(list, new(big.Int).Lsh(big.NewInt(1), uint(bit)))
		}
	}
	return append(list, plus(top, -1), plus(top, -2))
}
