package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/token"
)

// tokenLife is how long an access token can be taken for good after it was
// minted.
func (s *Service) tokenLife() time.Duration {
	return s.Settings.AccessLife + leeway*time.Second
}

// loadMarks reads the marks from the store.
func (s *Service) loadMarks(ctx context.Context) error {
	list, err := s.Marks.List(ctx, s.Now())
	if err != nil {
		return err
	}
	s.marksMu.Lock()
	defer s.marksMu.Unlock()
	// Marks are only added to, never taken back: what this process marked while the
	// list was read stays.
	for _, m := range list {
		if err := s.marks.Add(m); err != nil {
			return fmt.Errorf("mark of kind %q: %w", m.Kind, err)
		}
	}
	return nil
}

// revoked reports whether a mark matches the claims.
func (s *Service) revoked(c *token.Claims) bool {
	s.marksMu.RLock()
	defer s.marksMu.RUnlock()
	return s.marks.Revoked(c)
}

// mark revokes, first in the store and then here.
func (s *Service) mark(ctx context.Context, m token.Mark) error {
	m.Until = s.Now().Add(s.tokenLife()).Unix() + 1
	if err := s.Marks.Add(ctx, m); err != nil {
		return fmt.Errorf("add revocation mark: %w", err)
	}
	s.marksMu.Lock()
	defer s.marksMu.Unlock()
	return s.marks.Add(m)
}

// markSession revokes the access tokens of a session.
func (s *Service) markSession(ctx context.Context, id string) error {
	return s.mark(ctx, token.Mark{Kind: token.MarkSession, Value: id})
}

// markUser revokes the access tokens that a user has now. Whoever changes what a
// token says of its user, or ends the user's sessions, does that first and marks
// then: a token minted in between is covered.
func (s *Service) markUser(ctx context.Context, id string) error {
	return s.mark(ctx, token.Mark{Kind: token.MarkUser, Value: id, Before: s.Now().UnixMilli()})
}
