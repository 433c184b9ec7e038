package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type sessions Store

// upstreamKey is what a provider's own end of a session is found by.
type upstreamKey struct{ provider, upstream string }

var (
	_ ports.Sessions    = (*sessions)(nil)
	_ ports.SessionSets = (*sessions)(nil)
)

// Create implements ports.Sessions.
func (s *sessions) Create(ctx context.Context, one session.Session) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.sessions[one.ID]; taken {
		return ports.ErrIDTaken
	}
	return s.put(one)
}

// ByHash implements ports.Sessions.
func (s *sessions) ByHash(ctx context.Context, h session.Hash) (session.Session, user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return session.Session{}, user.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, found := s.hashes[h]
	if !found {
		id, found = s.formers[h]
	}
	return s.withUser(id, found)
}

// ByFamily implements ports.Sessions.
func (s *sessions) ByFamily(ctx context.Context, family session.Hash) (session.Session, user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return session.Session{}, user.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, found := s.families[family]
	return s.withUser(id, found)
}

// Update implements ports.Sessions.
func (s *sessions) Update(ctx context.Context, id string, change func(*session.Session) error) (session.Session, error) {
	if err := ports.Ended(ctx); err != nil {
		return session.Session{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, found := s.sessions[id]
	if !found {
		return session.Session{}, ports.ErrSessionUnknown
	}
	one = cleanSession(one)
	if err := change(&one); err != nil {
		return session.Session{}, err
	}
	one.ID = id
	if err := s.put(one); err != nil {
		return session.Session{}, err
	}
	return cleanSession(one), nil
}

// Delete implements ports.Sessions.
func (s *sessions) Delete(ctx context.Context, id string) (session.Session, error) {
	if err := ports.Ended(ctx); err != nil {
		return session.Session{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, found := s.sessions[id]
	if !found {
		return session.Session{}, ports.ErrSessionUnknown
	}
	s.remove(one)
	return one, nil
}

// ByUser implements ports.SessionSets.
func (s *sessions) ByUser(ctx context.Context, userID string) ([]session.Session, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []session.Session
	for _, one := range s.sessions {
		if one.UserID == userID {
			found = append(found, cleanSession(one))
		}
	}
	slices.SortFunc(found, func(a, b session.Session) int {
		return cmp.Or(b.SignedInAt.Compare(a.SignedInAt), strings.Compare(b.ID, a.ID))
	})
	return found, nil
}

// DeleteByUser implements ports.SessionSets.
func (s *sessions) DeleteByUser(ctx context.Context, userID, except string) ([]string, error) {
	var ids []string
	_, err := s.removeWhere(ctx, func(one *session.Session) bool {
		hit := one.UserID == userID && one.ID != except
		if hit {
			ids = append(ids, one.ID)
		}
		return hit
	})
	return ids, err
}

// DeleteBefore implements ports.SessionSets.
func (s *sessions) DeleteBefore(ctx context.Context, t time.Time) (int, error) {
	return s.removeWhere(ctx, func(one *session.Session) bool { return !one.SignedInAt.After(t) })
}

// DeleteExpired implements ports.SessionSets.
func (s *sessions) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	return s.removeWhere(ctx, func(one *session.Session) bool { return !one.Alive(now) })
}

// MarkRotate implements ports.SessionSets.
func (s *sessions) MarkRotate(ctx context.Context, userID string) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, one := range s.sessions {
		if one.UserID == userID {
			one.Rotate = true
			s.sessions[id] = one
		}
	}
	return nil
}

// ByUpstream implements ports.SessionSets.
func (s *sessions) ByUpstream(ctx context.Context, provider, upstream string) ([]session.Session, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []session.Session
	for id := range s.upstreams[upstreamKey{provider, upstream}] {
		found = append(found, cleanSession(s.sessions[id]))
	}
	return found, nil
}

// removeWhere removes every session that fits and returns how many there were.
func (s *sessions) removeWhere(ctx context.Context, fits func(*session.Session) bool) (int, error) {
	if err := ports.Ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, one := range s.sessions {
		if fits(&one) {
			s.remove(one)
			n++
		}
	}
	return n, nil
}

// withUser returns a session that an index found, and its user.
func (s *sessions) withUser(id string, found bool) (session.Session, user.User, error) {
	one := s.sessions[id]
	if !found {
		return session.Session{}, user.User{}, ports.ErrSessionUnknown
	}
	return cleanSession(one), cleanUser(s.users[one.UserID]), nil
}

// put keeps a session in the place of the one with the same id, if there is one.
func (s *sessions) put(one session.Session) error {
	if _, found := s.users[one.UserID]; !found {
		return ports.ErrUserUnknown
	}
	for _, unique := range []struct {
		index map[session.Hash]string
		hash  session.Hash
	}{{s.hashes, one.Hash}, {s.formers, one.Former}, {s.families, one.Family}} {
		if owner, taken := unique.index[unique.hash]; taken && owner != one.ID {
			return ports.ErrHashTaken
		}
	}
	if before, found := s.sessions[one.ID]; found {
		s.remove(before)
	}
	s.sessions[one.ID] = cleanSession(one)
	s.hashes[one.Hash] = one.ID
	none := session.Hash{}
	if one.Former != none {
		s.formers[one.Former] = one.ID
	}
	if one.Family != none {
		s.families[one.Family] = one.ID
	}
	if one.Upstream != "" {
		key := upstreamKey{one.Provider, one.Upstream}
		if s.upstreams[key] == nil {
			s.upstreams[key] = map[string]struct{}{}
		}
		s.upstreams[key][one.ID] = struct{}{}
	}
	return nil
}

// remove drops a session and what points to it.
func (s *sessions) remove(one session.Session) {
	delete(s.sessions, one.ID)
	delete(s.hashes, one.Hash)
	delete(s.formers, one.Former)
	delete(s.families, one.Family)
	key := upstreamKey{one.Provider, one.Upstream}
	if delete(s.upstreams[key], one.ID); len(s.upstreams[key]) == 0 {
		delete(s.upstreams, key)
	}
}

// cleanSession returns a copy of a session that shares nothing with it.
func cleanSession(one session.Session) session.Session {
	one.FormerTo, one.SignedInAt, one.SeenAt = whole(one.FormerTo), whole(one.SignedInAt), whole(one.SeenAt)
	one.EndsAt, one.FreshAt = whole(one.EndsAt), whole(one.FreshAt)
	one.Idle = one.Idle.Truncate(time.Millisecond)
	one.Sealed = copied(one.Sealed)
	return one
}
