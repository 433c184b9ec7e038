package primitive_test

import (
	"crypto/elliptic"
	"math/big"
)

// The curve P-256 by school arithmetic, for cases that no signer makes.

var (
	curveP = elliptic.P256().Params().P
	curveN = elliptic.P256().Params().N
	curveB = elliptic.P256().Params().B
	curveG = &oraclePoint{elliptic.P256().Params().Gx, elliptic.P256().Params().Gy}
)

// oraclePoint is a point by its coordinates; nil is infinity.
type oraclePoint struct{ x, y *big.Int }

func (p *oraclePoint) add(q *oraclePoint) *oraclePoint {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	slope := new(big.Int)
	if p.x.Cmp(q.x) == 0 {
		if p.y.Cmp(q.y) != 0 {
			return nil
		}
		slope.Mul(p.x, p.x).Mul(slope, big.NewInt(3)).Sub(slope, big.NewInt(3))
		slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Lsh(p.y, 1), curveP))
	} else {
		d := new(big.Int).Sub(q.x, p.x)
		slope.Sub(q.y, p.y).Mul(slope, d.ModInverse(d.Mod(d, curveP), curveP))
	}
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, curveP)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, curveP)
	return &oraclePoint{x, y}
}

func (p *oraclePoint) times(k *big.Int) (sum *oraclePoint) {
	k = new(big.Int).Mod(k, curveN)
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.add(sum)
		if k.Bit(i) == 1 {
			sum = sum.add(p)
		}
	}
	return sum
}

// pointWithX returns a point with the x coordinate, or nil when there is none.
func pointWithX(x *big.Int) *oraclePoint {
	y := new(big.Int).Exp(x, big.NewInt(3), curveP)
	y.Sub(y, new(big.Int).Mul(x, big.NewInt(3))).Add(y, curveB).Mod(y, curveP)
	if y.ModSqrt(y, curveP) == nil {
		return nil
	}
	return &oraclePoint{x, y}
}

// keyFor returns the public key under which (r, s) is a signature over e whose point is R: (s·R - e·G)/r.
func keyFor(point *oraclePoint, r, s, e *big.Int) *oraclePoint {
	sum := point.times(s).add(curveG.times(new(big.Int).Neg(e)))
	if sum == nil {
		return nil
	}
	return sum.times(new(big.Int).ModInverse(r, curveN))
}
