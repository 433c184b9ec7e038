// Package cache remembers what was found out about tokens, in the memory of the process.
//
//	verified, err := cache.New(100_000)
//	if err != nil { … }
//	refused, err := cache.New(10_000)
//
// It is bounded by the number of entries. What is asked for again and again stays, and what was asked for once goes
// first (W-TinyLFU), so that a flood of tokens that are never seen again does not push out those in use.
package cache

import (
	"fmt"

	"github.com/maypok86/otter/v2"

	"github.com/hexward/hexward/ports"
)

// Cache is a ports.TokenCache. It is safe for concurrent use.
type Cache struct{ entries *otter.Cache[[32]byte, any] }

var _ ports.TokenCache = (*Cache)(nil)

// New returns an empty cache for so many entries, of which there is at least one. While many are put at once there may be a few
// more for a moment.
func New(size int) (*Cache, error) {
	if size < 1 {
		return nil, fmt.Errorf("a cache has room for at least 1 entry, not %d", size)
	}
	entries, err := otter.New(&otter.Options[[32]byte, any]{
		MaximumSize: size,
		// Whoever puts an entry tidies up, and now and then whoever gets one, which takes a microsecond or two; waking
		// another thread for it takes twenty.
		Executor: func(tidyUp func()) { tidyUp() },
	})
	if err != nil {
		return nil, fmt.Errorf("make a cache: %w", err)
	}
	return &Cache{entries}, nil
}

// Get implements ports.TokenCache. It does not allocate.
func (c *Cache) Get(key [32]byte) any {
	value, _ := c.entries.GetIfPresent(key)
	return value
}

// Put implements ports.TokenCache.
func (c *Cache) Put(key [32]byte, value any) { c.entries.Set(key, value) }
