//go:build !race

// Under the race detector pools drop what is put into them at random, so that
// allocations cannot be counted.

package primitive_test

import "testing"

func TestVerify_allocations(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			forged := append([]byte(nil), c.signature...)
			forged[len(forged)-1] ^= 1
			n := testing.AllocsPerRun(50, func() {
				if !c.primitive.Verify(c.input, c.signature) || c.primitive.Verify(c.input, forged) {
					t.Fatal("wrong verdict")
				}
			})
			if n != 0 {
				t.Errorf("%v allocations, want 0", n)
			}
		})
	}
}
