package primitive_test

import (
	"math/big"
	"testing"

	"github.com/hexward/hexward/wasm/primitive"
)

// TestWide_Sums has numbers from the whole range below twice a modulus, of which the products in signatures reach the upper half
// once in 2^60 times.
func TestWide_Sums(t *testing.T) {
	r := chance(31)
	for _, c := range []*curve{p384, p521} {
		for _, n := range []*big.Int{c.p, c.n} {
			double := new(big.Int).Lsh(n, 1)
			list := []*big.Int{big.NewInt(0), big.NewInt(1), random(r, n), random(r, double)}
			for d := int64(-2); d <= 1; d++ {
				list = append(list, plus(n, d))
			}
			list = append(list, plus(double, -2), plus(double, -1))
			for _, a := range list {
				for _, b := range list {
					total, rest := primitive.WideSum(n.Bytes(), a, b)
					want := new(big.Int).Add(a, b)
					if total.Cmp(want.Mod(want, n)) != 0 {
						t.Errorf("%x + %x modulo %x: %x", a, b, n, total)
					}
					want.Sub(a, b)
					if rest.Cmp(want.Mod(want, n)) != 0 {
						t.Errorf("%x - %x modulo %x: %x", a, b, n, rest)
					}
				}
			}
		}
	}
}
