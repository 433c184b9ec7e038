package primitive_test

import (
	"math/big"
	"slices"
	"testing"

	"github.com/hexward/hexward/wasm/primitive"
)

// edTight reports whether an element is as the methods promise.
func edTight(e *primitive.EdElement) bool {
	for i, limb := range e[:8] {
		margin := int32(0)
		if i == 1 {
			margin = 1 << 16
		}
		if limb < -margin || limb >= 1<<29+margin {
			return false
		}
	}
	v, margin := edValue(e), new(big.Int).Lsh(big.NewInt(1), 240)
	return v.Cmp(new(big.Int).Neg(margin)) >= 0 && v.Cmp(margin.SetBit(margin, 255, 1)) <= 0
}

func edValue(e *primitive.EdElement) *big.Int {
	p := primitive.Element(*e)
	return valueOf(&p)
}

// edElements returns tight elements: the least and the greatest, those around 0 and p, with limbs of all ones, and random ones.
func edElements() (list []primitive.EdElement) {
	margin := new(big.Int).Lsh(big.NewInt(1), 240)
	low, high := new(big.Int).Neg(margin), new(big.Int).Add(margin, new(big.Int).Lsh(big.NewInt(1), 255))
	numbers := []*big.Int{low, high}
	for d := int64(-2); d <= 2; d++ {
		for _, v := range []*big.Int{new(big.Int), edP, new(big.Int).Rsh(edP, 1), new(big.Int).Lsh(big.NewInt(1), 255)} {
			numbers = append(numbers, plus(v, d))
		}
	}
	r := chance(41)
	for range 40 {
		numbers = append(numbers, new(big.Int).Add(low, random(r, new(big.Int).Sub(high, low))))
	}
	for _, v := range numbers {
		list = append(list, primitive.EdElement(elementOf(v)))
	}
	for _, top := range []int32{-255, -1, 0, 1<<23 - 1, 1<<23 + 254} {
		full := primitive.EdElement{}
		for i := range 8 {
			full[i] = 1<<29 - 1
		}
		full[1], full[8] = 1<<29+1<<16-1, top
		list = append(list, full, primitive.EdElement{1: -1 << 16, 8: top})
	}
	return list
}

func edCongruent(a, b *big.Int) bool {
	d := new(big.Int).Sub(a, b)
	return d.Mod(d, edP).Sign() == 0
}

func TestEdElement(t *testing.T) {
	list := edElements()
	for i := range list {
		if !edTight(&list[i]) {
			t.Fatalf("%x is not tight", list[i])
		}
	}
	type operand struct {
		e    primitive.EdElement
		size int // limbs in multiples of tight ones
	}
	var operands []operand
	for i := range list {
		next := &list[(i*7+3)%len(list)]
		operands = append(operands, operand{list[i], 1}, operand{primitive.EdPlus(&list[i], next), 2},
			operand{primitive.EdPlus(&list[i], &list[i]), 2}, operand{primitive.EdMinus(&list[i], next), 1},
			operand{primitive.EdNegate(&list[i]), 1})
	}
	for i := range operands {
		a := &operands[i].e
		va := edValue(a)
		if operands[i].size == 1 {
			got := primitive.EdSquare(a)
			if !edTight(&got) || !edCongruent(edValue(&got), new(big.Int).Mul(va, va)) {
				t.Fatalf("square of %x: %x", *a, got)
			}
		}
		for j := range operands {
			b := &operands[j].e
			vb := edValue(b)
			if operands[i].size*operands[j].size <= 3 {
				got := primitive.EdMul(a, b)
				if !edTight(&got) || !edCongruent(edValue(&got), new(big.Int).Mul(va, vb)) {
					t.Fatalf("%x times %x: %x", *a, *b, got)
				}
			}
			if j%8 != i%8 {
				continue
			}
			for _, f := range [][2]int64{{1, 1}, {1, -1}, {2, 1}, {2, -1}, {-1, 0}, {4, 4}, {-4, -4}, {4, -4}} {
				got := primitive.EdCombine(a, f[0], b, f[1])
				want := new(big.Int).Mul(va, big.NewInt(f[0]))
				if want.Add(want, new(big.Int).Mul(vb, big.NewInt(f[1]))); !edTight(&got) || !edCongruent(edValue(&got), want) {
					t.Fatalf("%d·%x + %d·%x: %x", f[0], *a, f[1], *b, got)
				}
			}
		}
	}
	for i := range list {
		a := &list[i]
		v := new(big.Int).Mod(edValue(a), edP)
		if got := primitive.EdCanonical(a); got != elementOf(v) {
			t.Errorf("%x: %x, want %x", *a, got, v)
		}
		inverse := primitive.EdInvert(a)
		product := new(big.Int).Mul(edValue(&inverse), v)
		if !edTight(&inverse) || product.Mod(product, edP).Cmp(big.NewInt(int64(v.Sign()))) != 0 {
			t.Errorf("inverse of %x: %x", *a, inverse)
		}
		for j := range list {
			b := &list[(i+j*5)%len(list)]
			vb := new(big.Int).Mod(edValue(b), edP)
			if vb.Sign() == 0 || j > 6 {
				continue
			}
			ratio := new(big.Int).Mul(v, new(big.Int).ModInverse(vb, edP))
			want := new(big.Int).ModSqrt(ratio.Mod(ratio, edP), edP)
			got, ok := primitive.EdRoot(a, b)
			if ok != (want != nil) {
				t.Errorf("root of %x/%x: %v", v, vb, ok)
			}
			if want == nil {
				continue
			}
			if want.Bit(0) == 1 {
				want.Sub(edP, want)
			}
			if primitive.EdCanonical(&got) != elementOf(want) {
				t.Errorf("root of %x/%x: %x, want %x", v, vb, edValue(&got), want)
			}
		}
	}
}

func TestEdReduce(t *testing.T) {
	r := chance(42)
	top := new(big.Int).Lsh(big.NewInt(1), 512)
	list := []*big.Int{new(big.Int), big.NewInt(1), plus(edL, -1), edL, plus(edL, 1), plus(top, -1), new(big.Int).Mod(top, edL)}
	for i := range 260 {
		list = append(list, new(big.Int).Lsh(edL, uint(i)%258), plus(new(big.Int).Lsh(edL, uint(i)%258), -1))
	}
	for range 400 {
		list = append(list, random(r, top))
	}
	for _, v := range list {
		var b [64]byte
		v.FillBytes(b[:])
		slices.Reverse(b[:])
		if got, want := primitive.EdReduce(&b), new(big.Int).Mod(v, edL); got != elementOf(want) {
			t.Errorf("%x: %x, want %x", v, valueOf(&got), want)
		}
	}
}
