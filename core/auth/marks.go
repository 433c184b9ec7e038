package auth

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// tokenLife is how long an access token can be taken for good after it was
// minted.
func (s *Service) tokenLife() time.Duration {
	return s.Settings.AccessLife + leeway*time.Second
}

// markLife is how long a mark is kept. Tokens of other issuers may live longer than
// ours.
func (s *Service) markLife(m token.Mark) time.Duration {
	if len(s.Issuers) > 0 && (m.Kind == token.MarkAll || strings.HasPrefix(m.Value, foreignPrefix)) {
		return max(s.tokenLife(), s.Settings.ForeignLife+leeway*time.Second)
	}
	return s.tokenLife()
}

// foreignPrefix is what marks on the tokens of other issuers begin with.
const foreignPrefix = issuer.Marked

// markForeign revokes the tokens of other issuers that a user, or whoever has an
// identity, has now, as markUser does with ours.
func (s *Service) markForeign(ctx context.Context, whose string) error {
	if len(s.Issuers) == 0 {
		return nil
	}
	return s.mark(ctx, token.Mark{Kind: token.MarkUser, Value: foreignPrefix + whose, Before: s.upToNow()})
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
		news := !covered(s.marks, m)
		if err := s.marks.Add(m); err != nil {
			return fmt.Errorf("mark of kind %q: %w", m.Kind, err)
		}
		if news {
			s.bundles.add(m)
		}
	}
	return nil
}

// covered reports whether all that a mark matches is revoked already.
func covered(by *token.Marks, m token.Mark) bool {
	probe := token.Claims{IssuedAt: math.MaxInt64 / 1000} // later than any other mark
	switch m.Kind {
	case token.MarkToken:
		probe.ID = m.Value
	case token.MarkSession:
		probe.Session = m.Value
	default:
		probe.Subject, probe.IssuedAt, probe.IssuedAtMillis = m.Value, m.Before/1000, m.Before
	}
	return by.Revoked(&probe)
}

// revoked reports whether a mark matches the claims.
func (s *Service) revoked(c *token.Claims) bool {
	s.marksMu.RLock()
	defer s.marksMu.RUnlock()
	return s.marks.Revoked(c)
}

// mark revokes here and in the store. What the store cannot keep is revoked here
// all the same.
func (s *Service) mark(ctx context.Context, m token.Mark) error {
	m.Until = s.Now().Add(s.markLife(m)).Unix() + 1
	s.marksMu.Lock()
	err := s.marks.Add(m)
	if err == nil {
		s.bundles.add(m)
	}
	s.marksMu.Unlock()
	if err != nil {
		return fmt.Errorf("mark of kind %q: %w", m.Kind, err)
	}
	if err := s.Marks.Add(ctx, m); err != nil {
		return fmt.Errorf("add revocation mark: %w", err)
	}
	return nil
}

// clockStep is the most by which a token's issue time is moved forward, so that
// it is later than a mark of the same millisecond.
const clockStep = 50 * time.Millisecond

// issueTime returns what a token is stamped with whose facts about the user are
// read after this call: the time now, or so much later that no mark that is there
// already hits it.
func (s *Service) issueTime(userID string) time.Time {
	now := s.Now()
	at := now
	probe := token.Claims{Subject: userID}
	for stamp(&probe, at); s.revoked(&probe) && at.Sub(now) < clockStep; stamp(&probe, at) {
		at = at.Add(time.Millisecond)
	}
	for ms := at.UnixMilli(); ; {
		seen := s.issued.Load()
		if seen >= ms || s.issued.CompareAndSwap(seen, ms) {
			return at
		}
	}
}

// upToNow returns the Before of a mark that hits every token whose facts have been
// read by now, even if its issue time was moved forward or the clock set back. It
// goes no further than leeway: a clock that was hours ahead for a moment is not to
// keep everybody from signing in for hours.
func (s *Service) upToNow() int64 {
	now := s.Now()
	return max(now.UnixMilli(), min(s.issued.Load(), now.Add(leeway*time.Second).UnixMilli()))
}

// markSession revokes the access tokens of a session.
func (s *Service) markSession(ctx context.Context, id string) error {
	return s.mark(ctx, token.Mark{Kind: token.MarkSession, Value: id})
}

// markUser revokes the access tokens that a user has now. Whoever changes what a
// token says of its user, or ends the user's sessions, does that first and marks
// then: a token minted in between is covered.
func (s *Service) markUser(ctx context.Context, id string) error {
	return s.mark(ctx, token.Mark{Kind: token.MarkUser, Value: id, Before: s.upToNow()})
}
