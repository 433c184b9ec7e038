package porttest

import (
	"bytes"
	"testing"

	"github.com/hexward/hexward/ports"
)

// Sealer holds an implementation to the contract of ports.Sealer. The function
// returns two that have different keys.
func Sealer(t *testing.T, pair func(t *testing.T) (one, other ports.Sealer)) {
	t.Helper()
	one, other := pair(t)
	place := []byte("keys/7")
	seal := func(t *testing.T, plain, associated []byte) []byte {
		t.Helper()
		sealed, err := one.Seal(plain, associated)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}

	t.Run("opens_what_it_sealed", func(t *testing.T) {
		for _, size := range []int{0, 1, 15, 16, 17, 1000, 70_000} {
			plain := bytes.Repeat([]byte("p"), size)
			for _, associated := range [][]byte{nil, {}, place} {
				got, err := one.Open(seal(t, plain, associated), associated)
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%d bytes for %q came back as %d, %v", size, associated, len(got), err)
				}
			}
		}
	})

	t.Run("hides_the_value", func(t *testing.T) {
		plain := []byte("a value that is easily recognised")
		first, second := seal(t, plain, place), seal(t, plain, place)
		if bytes.Contains(first, plain[:8]) {
			t.Error("the plain value can be read")
		}
		if bytes.Equal(first, second) {
			t.Error("the same value was sealed to the same bytes twice")
		}
	})

	t.Run("leaves_its_arguments", func(t *testing.T) {
		plain, associated := []byte("plain"), []byte("place")
		sealed := seal(t, plain, associated)
		before := bytes.Clone(sealed)
		got, err := one.Open(sealed, associated)
		if err != nil {
			t.Fatal(err)
		}
		clear(got)
		if string(plain) != "plain" || string(associated) != "place" || !bytes.Equal(before, sealed) {
			t.Error("an argument was changed")
		}
	})

	t.Run("refuses_another_place", func(t *testing.T) {
		sealed := seal(t, []byte("secret"), place)
		for _, elsewhere := range [][]byte{nil, []byte("keys/8"), []byte("keys/"), []byte("keys/77")} {
			if got, err := one.Open(sealed, elsewhere); err == nil || got != nil {
				t.Errorf("opened at %q: %q, %v", elsewhere, got, err)
			}
		}
	})

	t.Run("refuses_every_change", func(t *testing.T) {
		sealed := seal(t, []byte("secret"), place)
		for i := range sealed {
			for bit := range 8 {
				changed := bytes.Clone(sealed)
				changed[i] ^= 1 << bit
				if got, err := one.Open(changed, place); err == nil || got != nil {
					t.Fatalf("opened with bit %d of byte %d changed: %q, %v", bit, i, got, err)
				}
			}
			if got, err := one.Open(sealed[:i], place); err == nil || got != nil {
				t.Fatalf("opened when cut to %d bytes: %q, %v", i, got, err)
			}
		}
	})

	t.Run("refuses_another_key", func(t *testing.T) {
		if got, err := other.Open(seal(t, []byte("secret"), place), place); err == nil || got != nil {
			t.Errorf("opened: %q, %v", got, err)
		}
	})
}
