package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hexward/hexward/ports"
)

// keys are those of one purpose.
type keys struct {
	*Store
	all *[]ports.SigningKey // the oldest first
}

var _ ports.Keys = (*keys)(nil)

// List implements ports.Keys.
func (s *keys) List(ctx context.Context) ([]ports.SigningKey, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return cleanKeys(*s.all), nil
}

// Change implements ports.Keys.
func (s *keys) Change(ctx context.Context, change func([]ports.SigningKey) ([]ports.SigningKey, error)) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	after, err := change(cleanKeys(*s.all))
	if err != nil {
		return err
	}
	seen := map[string]struct{}{}
	for i := range after {
		if _, twice := seen[after[i].ID]; twice {
			return ports.ErrIDTaken
		}
		seen[after[i].ID] = struct{}{}
	}
	*s.all = cleanKeys(after)
	return nil
}

// cleanKeys returns a copy of keys that shares nothing with them, the oldest
// first.
func cleanKeys(in []ports.SigningKey) []ports.SigningKey {
	out := copied(in)
	for i := range out {
		k := &out[i]
		k.Public, k.Sealed = copied(k.Public), copied(k.Sealed)
		k.PublishedAt, k.SignsFrom = whole(k.PublishedAt), whole(k.SignsFrom)
		k.RetiredAt, k.DropAt = whole(k.RetiredAt), whole(k.DropAt)
	}
	slices.SortFunc(out, func(a, b ports.SigningKey) int {
		return cmp.Or(a.PublishedAt.Compare(b.PublishedAt), strings.Compare(a.ID, b.ID))
	})
	return out
}
