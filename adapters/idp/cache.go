package idp

import (
	"context"
	"sync"
	"time"
)

// How long what was fetched is good for, and when it is fetched again.
const (
	freshFor  = time.Hour        // before a fetch
	staleFor  = 25 * time.Hour   // while fetching fails
	retryIn   = 2 * time.Second  // after a fetch failed
	unknownIn = 30 * time.Second // between fetches for unknown key ids
)

// reason is why a document is asked for beyond its freshness, each with a budget of
// its own.
type reason int

const (
	forUse    reason = iota - 1 // for use, as long as it is fresh
	forSignIn                   // a sign-in came under an unknown key id
	forLogout                   // a logout token did
	forBearer                   // an access token did
	reasons
)

// cached is one document of a source. There is one fetch at a time, which goes on
// when the caller that started it is gone.
type cached[T any] struct {
	mu       sync.Mutex
	value    T
	at       time.Time // when value was fetched; zero if never
	err      error     // of the latest fetch
	failedAt time.Time
	forced   [reasons]time.Time
	flight   *flight[T]
}

type flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// get returns the document. Unless why is forUse, it is fetched again, or, when that was done a
// short while ago, returned as it is.
func (c *cached[T]) get(ctx context.Context, why reason, clock func() time.Time, fetch func(context.Context) (T, error)) (T, error) {
	now := clock()
	c.mu.Lock()
	has := !c.at.IsZero()
	fresh := has && now.Sub(c.at) < freshFor
	switch {
	case fresh && why == forUse, has && why != forUse && c.flight == nil && now.Sub(c.forced[why]) < unknownIn:
		defer c.mu.Unlock()
		return c.value, nil
	case c.flight == nil && c.err != nil && now.Sub(c.failedAt) < retryIn:
		defer c.mu.Unlock()
		return c.stale(why, now, c.err)
	}
	if why != forUse {
		c.forced[why] = now
	}
	f := c.start(ctx, clock, fetch)
	c.mu.Unlock()

	var err error
	select {
	case <-f.done:
		if err = f.err; err == nil {
			return f.value, nil
		}
	case <-ctx.Done():
		err = unavailable("waiting for the provider's documents", ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stale(why, now, err)
}

// start returns the fetch that is under way, or begins one. c.mu is held.
func (c *cached[T]) start(ctx context.Context, clock func() time.Time, fetch func(context.Context) (T, error)) *flight[T] {
	if c.flight == nil {
		c.flight = &flight[T]{done: make(chan struct{})}
		go c.fly(context.WithoutCancel(ctx), clock, c.flight, fetch)
	}
	return c.flight
}

// renew begins a fetch for whom the document at hand is good enough, and does not wait for it.
func (c *cached[T]) renew(ctx context.Context, clock func() time.Time, fetch func(context.Context) (T, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || clock().Sub(c.failedAt) >= retryIn {
		c.start(ctx, clock, fetch)
	}
}

// stale returns the document if it may still be used in place of one that could not be
// fetched.
func (c *cached[T]) stale(why reason, now time.Time, err error) (T, error) {
	if why == forUse && !c.at.IsZero() && now.Sub(c.at) < staleFor {
		return c.value, nil
	}
	var none T
	return none, err
}

func (c *cached[T]) fly(ctx context.Context, clock func() time.Time, f *flight[T], fetch func(context.Context) (T, error)) {
	f.value, f.err = fetch(ctx)
	now := clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.flight = f.err, nil
	if f.err == nil {
		c.value, c.at = f.value, now
	} else {
		c.failedAt = now
	}
	close(f.done)
}

// failing reports whether the latest fetch failed.
func (c *cached[T]) failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// state returns when the document was fetched, and why the latest fetch failed.
func (c *cached[T]) state() (value T, at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value, c.at, c.err
}
