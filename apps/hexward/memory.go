package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How often the memory limit is set anew, from how many looks at the heap, and the
// least it leaves beside the hashes, in bytes.
const (
	memoryEvery = 5 * time.Second
	memoryLooks = 12
	memoryFloor = 20 << 20
)

// holdMemory keeps the garbage that hashed passwords leave behind from doubling
// the memory of the process: each argon2id hash takes its memory anew, and without
// a limit the collector lets the heap grow to twice what lives. The limit is what
// the hashes that run at a time need, and twice what lives besides. It is a soft
// one: more is taken when more is needed.
func (s *server) holdMemory(ctx context.Context, hashes uint64) {
	var looks [memoryLooks]uint64
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	for n := 0; ; n++ {
		looks[n%memoryLooks] = liveHeap()
		debug.SetMemoryLimit(int64(memoryLimit(looks[:min(n+1, memoryLooks)], looks[n%memoryLooks], hashes))) //nolint:gosec // far below 2^63
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// memoryLimit works the limit out of what lived at the latest looks. Hashes may
// have been running at any of them: the least is the best guess of what lives
// without, but it is never less than the latest without all hashes.
func memoryLimit(looks []uint64, latest, hashes uint64) uint64 {
	quiet := latest
	for _, live := range looks {
		quiet = min(quiet, live)
	}
	if latest > hashes {
		quiet = max(quiet, latest-hashes)
	}
	return hashes + max(memoryFloor, 2*quiet)
}

// liveHeap returns how many bytes the latest garbage collection left.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// hashMemory returns how many bytes password hashes take that run at a time.
func (c *config) hashMemory() uint64 {
	permits := c.HashPermits
	if permits <= 0 {
		permits = runtime.GOMAXPROCS(0)
	}
	return uint64(permits) * uint64(c.HashMemory) << 10 //nolint:gosec // above 0
}
