package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

type marks Store

var _ ports.Marks = (*marks)(nil)

// markKey is what two marks that are merged have in common.
type markKey struct {
	kind  token.MarkKind
	value string
}

// Add implements ports.Marks.
func (s *marks) Add(ctx context.Context, m token.Mark) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := markKey{m.Kind, m.Value}
	if there, found := s.marks[key]; found {
		m.Before, m.Until = max(m.Before, there.Before), max(m.Until, there.Until)
	}
	s.marks[key] = m
	return nil
}

// List implements ports.Marks.
func (s *marks) List(ctx context.Context, now time.Time) ([]token.Mark, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []token.Mark
	for _, m := range s.marks {
		if m.Until >= now.Unix() {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b token.Mark) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Value, b.Value))
	})
	return found, nil
}

// DeleteExpired implements ports.Marks.
func (s *marks) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	if err := ports.Ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, m := range s.marks {
		if m.Until < now.Unix() {
			delete(s.marks, key)
			n++
		}
	}
	return n, nil
}
