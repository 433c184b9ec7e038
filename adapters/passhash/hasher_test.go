package passhash_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/hexward/hexward/adapters/passhash"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports/porttest"
)

const password = "correct horse battery staple"

func newHasher(t testing.TB, c passhash.Config) *passhash.Hasher {
	t.Helper()
	h, err := passhash.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestContract(t *testing.T) {
	porttest.Hasher(t, newHasher(t, passhash.Config{}))
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config passhash.Config
		want   []string // parts of the error; none for no error
	}{
		{name: "default"},
		{name: "OWASP 46 MiB", config: passhash.Config{Memory: 46 * 1024, Passes: 1}},
		{name: "OWASP 7 MiB", config: passhash.Config{Memory: 7 * 1024, Passes: 5}},
		{name: "large memory raises the bound", config: passhash.Config{Memory: 1024 * 1024, Passes: 1}},
		{name: "too little memory", config: passhash.Config{Memory: 18 * 1024}, want: []string{"too weak"}},
		{name: "too few passes", config: passhash.Config{Passes: 1}, want: []string{"too weak"}},
		{name: "under the floor", config: passhash.Config{Memory: 6 * 1024, Passes: 100}, want: []string{"too weak"}},
		{name: "too long", config: passhash.Config{Passes: 1000}, want: []string{"too long"}},
		{name: "two problems", config: passhash.Config{Threads: 17, Permits: -1}, want: []string{"17 threads", "-1 hashes"}},
		{name: "bound under own memory", config: passhash.Config{MaxMemory: 1024}, want: []string{"made elsewhere"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := passhash.New(tt.config)
			if (err == nil) != (len(tt.want) == 0) || (h == nil) != (err != nil) {
				t.Fatalf("got %v, %v", h, err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestHash_format(t *testing.T) {
	h := newHasher(t, passhash.Config{Random: bytes.NewReader([]byte("sixteen byte slt"))})
	got, err := h.Hash(t.Context(), password)
	const want = "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlIHNsdA$"
	if err != nil || !strings.HasPrefix(got, want) || len(got) != len(want)+43 {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := h.Hash(t.Context(), password); err == nil {
		t.Error("a hash was made without randomness")
	}
	h = newHasher(t, passhash.Config{Random: iotest.ErrReader(errors.New("no entropy"))})
	if got, err := h.Hash(t.Context(), password); err == nil || got != "" {
		t.Errorf("without randomness got %q, %v", got, err)
	}
}

func TestVerify_outdated_after_change_of_parameters(t *testing.T) {
	old := newHasher(t, passhash.Config{Memory: 9 * 1024, Passes: 4})
	hash, err := old.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		config passhash.Config
		want   bool
	}{
		{"same", passhash.Config{Memory: 9 * 1024, Passes: 4}, false},
		{"more memory", passhash.Config{Memory: 10 * 1024, Passes: 4}, true},
		{"more passes", passhash.Config{Memory: 9 * 1024, Passes: 5}, true},
		{"more threads", passhash.Config{Memory: 9 * 1024, Passes: 4, Threads: 2}, true},
		{"less memory", passhash.Config{Memory: 7 * 1024, Passes: 5}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			matches, outdated, err := newHasher(t, tt.config).Verify(t.Context(), hash, password)
			if !matches || outdated != tt.want || err != nil {
				t.Errorf("matches %v, outdated %v, %v; want outdated %v", matches, outdated, err, tt.want)
			}
			if matches, outdated, err := newHasher(t, tt.config).Verify(t.Context(), hash, "wrong"); matches || outdated || err != nil {
				t.Errorf("wrong password: matches %v, outdated %v, %v", matches, outdated, err)
			}
		})
	}
}

type countingReader struct{ reads atomic.Int32 }

func (r *countingReader) Read(p []byte) (int, error) {
	r.reads.Add(1)
	return len(p), nil
}

// TestPermits_waiters_give_up fills the one permit with hashes and sees that who
// waits leaves at their deadline with Unavailable, having done no work.
func TestPermits_waiters_give_up(t *testing.T) {
	h := newHasher(t, passhash.Config{Memory: 128 * 1024, Passes: 4, Permits: 1}) // half a second or so
	start := time.Now()
	holding := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		close(holding)
		if _, err := h.Hash(t.Context(), password); err != nil {
			t.Error(err)
		}
	})
	<-holding
	time.Sleep(20 * time.Millisecond) // so that it has the permit
	for range 20 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, _, err := h.Verify(ctx, "", password)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.RetryAfter <= 0 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	one := time.Since(start)
	start = time.Now()
	if _, err := h.Hash(t.Context(), password); err != nil {
		t.Fatal(err)
	}
	if alone := time.Since(start); one > 4*alone {
		t.Errorf("20 callers that gave up made one hash take %v, alone it takes %v", one, alone)
	}
}

// TestPermits_in_order sees that waiting callers get their permits first come,
// first served.
func TestPermits_in_order(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, passhash.Config{Memory: 7 * 1024, Passes: 5, Permits: 1, Random: &countingReader{}})
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		first := make(chan struct{})
		for i := range 8 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // on the bubble's clock: passes only when all wait
				if i == 0 {
					<-first
				}
				if _, err := h.Hash(t.Context(), password); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
		}
		close(first)
		wg.Wait()
		for i, who := range order {
			if i != who {
				t.Fatalf("served in the order %v", order)
			}
		}
	})
}

// TestPermits_bound_memory runs many callers at once and watches the heap. Live
// are two times 19 MiB at most; what the collector has not yet taken back may
// double that.
func TestPermits_bound_memory(t *testing.T) {
	const callers, permits = 40, 2
	h := newHasher(t, passhash.Config{Permits: permits})
	runtime.GC()
	idle := heap()
	done := make(chan struct{})
	var peak uint64
	var wg, watch sync.WaitGroup
	watch.Go(func() {
		for {
			peak = max(peak, heap())
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	for range callers {
		wg.Go(func() {
			if _, _, err := h.Verify(t.Context(), "", password); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(done)
	watch.Wait()
	const one = passhash.DefaultMemory * 1024
	t.Logf("%d callers, %d permits: %.1f MiB over idle at the peak, %.2f of permits × memory", callers, permits, float64(peak-idle)/(1<<20), float64(peak-idle)/(permits*one))
	if limit := uint64(4 * permits * one); peak-idle > limit {
		t.Errorf("the heap grew by %d bytes, more than %d", peak-idle, limit)
	}
}

// heap returns the bytes that heap objects take, dead ones included.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func ExampleHasher() {
	h, err := passhash.New(passhash.Config{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	matches, outdated, err := h.Verify(ctx, "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", password)
	fmt.Println(matches, outdated, err)
	hash, err := h.Hash(ctx, password)
	fmt.Println(strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), err)
	// Output:
	// true true <nil>
	// true <nil>
}

// BenchmarkHash compares Hash with the bare function in one run, alternating:
// overhead is by how much Hash takes longer.
func BenchmarkHash(b *testing.B) {
	h := newHasher(b, passhash.Config{})
	salt := make([]byte, 16)
	ours, raw := time.Duration(1<<62), time.Duration(1<<62)
	rounds := 0
	for b.Loop() {
		start := time.Now()
		if _, err := h.Hash(b.Context(), password); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		argon2.IDKey([]byte(password), salt, passhash.DefaultPasses, passhash.DefaultMemory, passhash.DefaultThreads, 32)
		ours, raw = min(ours, middle.Sub(start)), min(raw, time.Since(middle))
		rounds++
	}
	b.ReportMetric(float64(ours)/float64(raw), "hash/raw")
	b.ReportMetric(float64(raw)/1e6, "raw-ms")
}
