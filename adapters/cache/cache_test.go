package cache_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/cache"
)

// value is what the tests remember.
type value struct{ n int }

func key(kind string, n int) [32]byte { return sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, n)) }

func fresh(t testing.TB, size int) *cache.Cache {
	t.Helper()
	c, err := cache.New(size)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNew(t *testing.T) {
	for _, size := range []int{0, -1, math.MinInt} {
		if _, err := cache.New(size); err == nil {
			t.Errorf("a cache of %d entries was made", size)
		}
	}
	for _, size := range []int{1, 2, 100_000} {
		c := fresh(t, size)
		c.Put(key("one", 1), &value{1})
		if v, _ := c.Get(key("one", 1)).(*value); v == nil || v.n != 1 {
			t.Errorf("a cache of %d entries forgot the only one", size)
		}
	}
}

func TestCache(t *testing.T) {
	c := fresh(t, 100)
	if got := c.Get(key("one", 1)); got != nil {
		t.Errorf("got %v from an empty cache, want nil", got)
	}
	first, second := &value{1}, &value{2}
	c.Put(key("one", 1), first)
	c.Put(key("one", 2), second)
	for n, want := range map[int]any{1: first, 2: second, 3: nil} {
		if got := c.Get(key("one", n)); got != want {
			t.Errorf("entry %d is %v, want the same that was put, %v", n, got, want)
		}
	}
	c.Put(key("one", 1), second)
	if got := c.Get(key("one", 1)); got != second {
		t.Errorf("got %v, want what was put last", got)
	}
	near := key("one", 1)
	for i := range near { // one bit away is somebody else's
		near[i] ^= 1
		if got := c.Get(near); got != nil {
			t.Errorf("a key that differs in byte %d found %v", i, got)
		}
		near[i] ^= 1
	}
}

// However much garbage comes, from many at once, there is room for so many entries and no more.
func TestCache_is_bounded(t *testing.T) {
	const size, writers, each = 500, 8, 5_000
	c := fresh(t, size)
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				c.Put(key("garbage", w*each+i), &value{i})
				if n := cache.Len(c); i%1000 == 0 && n > 10*size {
					t.Errorf("%d entries while there is room for %d", n, size)
				}
			}
		})
	}
	wait.Wait()
	cache.Settle(c)
	if n := cache.Len(c); n > size || n < size/2 {
		t.Errorf("%d entries after %d writes, want up to %d", n, writers*each, size)
	}
	here := 0
	for i := range writers * each {
		if c.Get(key("garbage", i)) != nil {
			here++
		}
	}
	if here > size || here == 0 {
		t.Errorf("%d entries can be read, want up to %d", here, size)
	}
}

// Entries in use stay while keys that come once stream by: between two uses there are twice as many of these as there
// is room for, so that a cache which drops what was used longest ago would have dropped each.
func TestCache_keeps_what_is_used(t *testing.T) {
	const size, hot, rounds = 500, 50, 20
	c := fresh(t, size)
	garbage := 0
	flood := func(n int) {
		for range n {
			if k := key("garbage", garbage); c.Get(k) == nil {
				c.Put(k, &value{garbage})
			}
			garbage++
		}
	}
	use := func() (hits int) {
		for i := range hot {
			switch v, _ := c.Get(key("hot", i)).(*value); {
			case v == nil:
				c.Put(key("hot", i), &value{i})
			case v.n != i:
				t.Fatalf("entry %d is that of %d", i, v.n)
			default:
				hits++
			}
		}
		return hits
	}
	flood(size)
	for range 10 {
		use()
		cache.Settle(c)
	}
	hits := 0
	for range rounds {
		flood(2 * size)
		hits += use()
	}
	if hits < rounds*hot/2 {
		t.Errorf("%d of %d uses found their entry, want at least half", hits, rounds*hot)
	}
	t.Logf("%d of %d uses found their entry", hits, rounds*hot)
}

// What is read under a key is what was put under it, whatever others do at the same time.
func TestCache_parallel(t *testing.T) {
	const size, keys = 64, 400
	c := fresh(t, size)
	all := make([][32]byte, keys)
	for i := range all {
		all[i] = key("one", i)
	}
	end := time.Now().Add(300 * time.Millisecond)
	var wait sync.WaitGroup
	hits := make([]int, 8)
	for w := range hits {
		wait.Go(func() {
			for n := w; n%100 != 0 || time.Now().Before(end); n++ {
				i := n * (w + 7) % keys
				if n%3 == 0 {
					i %= 16 // some are used more
				}
				switch v, _ := c.Get(all[i]).(*value); {
				case v == nil:
					c.Put(all[i], &value{i})
				case v.n != i:
					t.Errorf("key %d found the value of %d", i, v.n)
					return
				default:
					hits[w]++
				}
			}
		})
	}
	wait.Wait()
	for w, n := range hits {
		if n == 0 {
			t.Errorf("goroutine %d found nothing in a cache", w)
		}
	}
}

func BenchmarkCache(b *testing.B) {
	const size = 10_000
	keys := make([][32]byte, size)
	full := func(b *testing.B) *cache.Cache {
		c := fresh(b, size)
		for i := range keys {
			keys[i] = key("one", i)
			c.Put(keys[i], &value{i})
		}
		cache.Settle(c)
		return c
	}
	b.Run("get", func(b *testing.B) {
		c := full(b)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c.Get(keys[i%len(keys)])
		}
	})
	b.Run("get_parallel", func(b *testing.B) {
		c := full(b)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				c.Get(keys[i%len(keys)])
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		c := full(b)
		none := key("none", 0)
		b.ReportAllocs()
		for b.Loop() {
			c.Get(none)
		}
	})
	b.Run("put_garbage", func(b *testing.B) {
		c := full(b)
		var k [32]byte
		v := &value{1}
		b.ReportAllocs()
		for i := uint64(0); b.Loop(); i++ {
			for j := range 8 {
				k[j] = byte(i >> (8 * j))
			}
			c.Put(k, v)
		}
	})
}
