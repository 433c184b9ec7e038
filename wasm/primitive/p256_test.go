package primitive_test

import (
	"math/big"
	"testing"

	"github.com/hexward/hexward/wasm/primitive"
)

var montgomery = new(big.Int).Lsh(big.NewInt(1), 261)

// valueOf returns the number that limbs stand for.
func valueOf(e *primitive.Element) *big.Int {
	v := new(big.Int)
	for i := len(e) - 1; i >= 0; i-- {
		v.Add(v.Lsh(v, 29), big.NewInt(int64(e[i])))
	}
	return v
}

// elementOf returns the limbs of a number from -2^258 to 2^258, all but the topmost in [0, 2^29).
func elementOf(v *big.Int) (e primitive.Element) {
	rest := new(big.Int).Set(v)
	for i := range 8 {
		e[i] = int32(new(big.Int).And(rest, big.NewInt(1<<29-1)).Int64())
		rest.Rsh(rest, 29)
	}
	e[8] = int32(rest.Int64())
	return e
}

// tight reports whether an element is as the methods promise.
func tight(e *primitive.Element) bool {
	for _, limb := range e[:8] {
		if limb < 0 || limb >= 1<<29 {
			return false
		}
	}
	v, margin := valueOf(e), new(big.Int).Rsh(p256.p, 3)
	return v.Cmp(new(big.Int).Neg(margin)) >= 0 && v.Cmp(new(big.Int).Add(p256.p, margin)) <= 0
}

// elements returns tight elements: the least and the greatest, those around 0 and p, with limbs of all ones, and random ones.
func elements() (list []primitive.Element) {
	margin := new(big.Int).Rsh(p256.p, 3)
	for d := int64(-2); d <= 2; d++ {
		for _, v := range []*big.Int{new(big.Int), p256.p, new(big.Int).Rsh(p256.p, 1), new(big.Int).Lsh(big.NewInt(1), 255)} {
			list = append(list, elementOf(plus(v, d)))
		}
	}
	low, high := new(big.Int).Neg(margin), new(big.Int).Add(p256.p, margin)
	list = append(list, elementOf(low), elementOf(high))
	for _, top := range []int32{-1 << 20, -1, 0, 1<<24 - 1, 1<<24 + 1<<20} {
		full := primitive.Element{}
		for i := range 8 {
			full[i] = 1<<29 - 1
		}
		full[8] = top
		list = append(list, full, primitive.Element{8: top})
	}
	r := chance(5)
	for range 40 {
		list = append(list, elementOf(new(big.Int).Add(low, random(r, new(big.Int).Sub(high, low)))))
	}
	return list
}

func congruent(a, b *big.Int) bool {
	d := new(big.Int).Sub(a, b)
	return d.Mod(d, p256.p).Sign() == 0
}

func TestElement(t *testing.T) {
	list := elements()
	for i := range list {
		if !tight(&list[i]) {
			t.Fatalf("%x is not tight", list[i])
		}
	}
	// What products take: tight elements, their sums, differences and negatives.
	type operand struct {
		e   primitive.Element
		sum bool
	}
	var operands []operand
	for i := range list {
		next := &list[(i*7+3)%len(list)]
		operands = append(operands, operand{list[i], false}, operand{primitive.Plus(&list[i], next), true},
			operand{primitive.Plus(&list[i], &list[i]), true}, operand{primitive.Minus(&list[i], next), false},
			operand{primitive.Negate(&list[i]), false})
	}
	for i := range operands {
		a := &operands[i].e
		va := valueOf(a)
		if !operands[i].sum {
			got := primitive.Square(a)
			if v := new(big.Int).Mul(valueOf(&got), montgomery); !tight(&got) || !congruent(v, new(big.Int).Mul(va, va)) {
				t.Fatalf("square of %x: %x", *a, got)
			}
		}
		for j := range operands {
			b := &operands[j].e
			vb := valueOf(b)
			if !operands[i].sum || !operands[j].sum {
				got := primitive.Mul(a, b)
				if v := new(big.Int).Mul(valueOf(&got), montgomery); !tight(&got) || !congruent(v, new(big.Int).Mul(va, vb)) {
					t.Fatalf("%x times %x: %x", *a, *b, got)
				}
			}
			if j%8 != i%8 {
				continue
			}
			for _, f := range [][2]int64{{1, 1}, {1, -1}, {3, -3}, {4, -1}, {1, -8}, {1, -2}, {8, 8}, {-8, -8}, {8, -8}, {1, 0}} {
				got := primitive.Combine(a, f[0], b, f[1])
				want := new(big.Int).Mul(va, big.NewInt(f[0]))
				if want.Add(want, new(big.Int).Mul(vb, big.NewInt(f[1]))); !tight(&got) || !congruent(valueOf(&got), want) {
					t.Fatalf("%d·%x + %d·%x: %x", f[0], *a, f[1], *b, got)
				}
			}
		}
	}
	for i := range list {
		a := &list[i]
		zero := congruent(valueOf(a), new(big.Int))
		if primitive.IsZero(a) != zero {
			t.Errorf("%x: zero is %v, want %v", *a, !zero, zero)
		}
		inverse := primitive.Invert(a)
		product := primitive.Mul(a, &inverse)
		if zero != primitive.IsZero(&product) || !zero && !congruent(valueOf(&product), montgomery) {
			t.Errorf("inverse of %x: %x", *a, inverse)
		}
		entered := primitive.Enter(a)
		if !congruent(valueOf(&entered), new(big.Int).Mul(valueOf(a), montgomery)) {
			t.Errorf("%x in Montgomery form: %x", *a, entered)
		}
	}
	for _, v := range append(p256.fringe(), number("fedcba9876543210f0e1d2c3b4a5968778695a4b3c2d1e0f0011223344556677")) {
		b := bytes32(v)
		if got := primitive.LimbsOf(&b); got != elementOf(v) {
			t.Errorf("limbs of %x: %x", b, got)
		}
	}
}

func TestRing(t *testing.T) {
	for name, ring := range primitive.Rings {
		t.Run(name, func(t *testing.T) {
			modulus := ring.N()
			n := valueOf(&modulus)
			if !n.ProbablyPrime(20) {
				t.Fatal("not prime")
			}
			r := chance(6)
			list := p256.fringe()
			for d := int64(-2); d <= 2; d++ {
				list = append(list, plus(n, d), plus(new(big.Int).Rsh(n, 1), d))
			}
			for range 60 {
				list = append(list, random(r, n))
			}
			for i := range 256 {
				list = append(list, new(big.Int).Lsh(big.NewInt(1), uint(i)))
			}
			back := new(big.Int).ModInverse(montgomery, n)
			for i, a := range list {
				ea := elementOf(a)
				for _, b := range []*big.Int{list[(i*5+1)%len(list)], list[r.IntN(len(list))], plus(n, -1)} {
					if b.Cmp(n) >= 0 {
						continue
					}
					eb := elementOf(b)
					want := new(big.Int).Mul(a, b)
					want.Mul(want, back).Mod(want, n)
					if got := ring.Mul(&ea, &eb); got != elementOf(want) {
						t.Fatalf("%x times %x: %x, want %x", a, b, got, want)
					}
				}
				if a.Sign() == 0 || a.Cmp(n) >= 0 {
					continue
				}
				got, ok := ring.Invert(&ea)
				if want := new(big.Int).ModInverse(a, n); !ok || got != elementOf(want) {
					t.Fatalf("inverse of %x: %x, want %x", a, valueOf(&got), want)
				}
			}
			for range 10000 {
				a := plus(random(r, plus(n, -1)), 1)
				ea := elementOf(a)
				got, ok := ring.Invert(&ea)
				if product := new(big.Int).Mul(a, valueOf(&got)); !ok || product.Mod(product, n).Cmp(big.NewInt(1)) != 0 || valueOf(&got).Cmp(n) >= 0 {
					t.Fatalf("inverse of %x: %x", a, valueOf(&got))
				}
			}
			if got, ok := ring.Invert(&primitive.Element{}); !ok || got != (primitive.Element{}) {
				t.Errorf("inverse of zero: %x", got)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	r := chance(7)
	list := p256.fringe()
	for range 200 {
		list = append(list, random(r, new(big.Int).Lsh(big.NewInt(1), 256)))
	}
	for _, v := range list {
		e := elementOf(v)
		for width := 3; width <= 7; width++ {
			sum, last := new(big.Int), -width
			for i, d := range primitive.Split(&e, width) {
				if d == 0 {
					continue
				}
				if d&1 == 0 || int(d) >= 1<<(width-1) || int(d) <= -1<<(width-1) || i-last < width {
					t.Fatalf("%x with width %d: digit %d at %d after one at %d", v, width, d, i, last)
				}
				last = i
				sum.Add(sum, new(big.Int).Lsh(big.NewInt(int64(d)), uint(i)))
			}
			if sum.Cmp(v) != 0 {
				t.Fatalf("digits of %x with width %d sum up to %x", v, width, sum)
			}
		}
	}
}
