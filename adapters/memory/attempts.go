package memory

import (
	"context"
	"slices"
	"time"

	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type attempts Store

var _ ports.Attempts = (*attempts)(nil)

// Update implements ports.Attempts.
func (s *attempts) Update(ctx context.Context, keys []string, change func([]*user.Attempts)) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	if err := ports.CheckAttemptKeys(keys); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	counters := make([]*user.Attempts, len(keys))
	for i, key := range keys {
		counters[i] = &user.Attempts{Key: key, Times: copied(s.attempts[key])}
	}
	change(slices.Clone(counters))
	for i, key := range keys {
		if len(counters[i].Times) == 0 {
			delete(s.attempts, key)
		} else {
			s.attempts[key] = slices.Clone(counters[i].Times)
		}
	}
	return nil
}

// DeleteBefore implements ports.Attempts.
func (s *attempts) DeleteBefore(ctx context.Context, t time.Time) (int, error) {
	if err := ports.Ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, times := range s.attempts {
		if slices.Max(times) < t.UnixMilli() {
			delete(s.attempts, key)
			n++
		}
	}
	return n, nil
}
