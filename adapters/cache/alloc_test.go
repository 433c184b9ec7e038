//go:build !race

package cache_test

import "testing"

// The race detector allocates by itself: see the build tag.
func TestCache_Get_allocates_nothing(t *testing.T) {
	c := fresh(t, 1000)
	for i := range 100 {
		c.Put(key("one", i), &value{i})
	}
	keys := [...][32]byte{key("one", 7), key("one", 99), key("nobody's", 1)}
	found := 0
	allocs := testing.AllocsPerRun(10_000, func() {
		for _, k := range keys {
			if v, _ := c.Get(k).(*value); v != nil {
				found++
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for %d reads, want none", allocs, len(keys))
	}
	if found != 2*10_001 {
		t.Errorf("%d entries found, want %d", found, 2*10_001)
	}
}
