package main_test

import (
	"testing"

	main "github.com/hexward/hexward/apps/hexward"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name   string
		looks  []uint64
		hashes uint64
		want   uint64
	}{
		{"little lives", []uint64{5 * mib}, 38 * mib, 58 * mib},
		{"hashes are running", []uint64{5 * mib, 43 * mib}, 38 * mib, 58 * mib},
		{"much lives", []uint64{100 * mib, 138 * mib}, 38 * mib, 238 * mib},
		{"much lives of late", []uint64{5 * mib, 138 * mib}, 38 * mib, 238 * mib},
		{"nothing is known yet", []uint64{0}, 38 * mib, 58 * mib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := main.MemoryLimit(tt.looks, tt.looks[len(tt.looks)-1], tt.hashes); got != tt.want {
				t.Errorf("limit %d MiB, want %d", got/mib, tt.want/mib)
			}
		})
	}
}
