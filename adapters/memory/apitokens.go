package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type apiTokens Store

var _ ports.APITokens = (*apiTokens)(nil)

// Create implements ports.APITokens.
func (s *apiTokens) Create(ctx context.Context, t apitoken.Token, limit int) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.users[t.UserID]; !found {
		return ports.ErrUserUnknown
	}
	if _, taken := s.apiTokens[t.ID]; taken {
		return ports.ErrIDTaken
	}
	if _, taken := s.secrets[t.Hash]; taken {
		return ports.ErrHashTaken
	}
	if len(s.of(t.UserID)) >= limit {
		return ports.ErrTooManyTokens
	}
	s.apiTokens[t.ID] = cleanAPIToken(t)
	s.secrets[t.Hash] = t.ID
	return nil
}

// ByHash implements ports.APITokens.
func (s *apiTokens) ByHash(ctx context.Context, h secret.Hash) (apitoken.Token, user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return apitoken.Token{}, user.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, found := s.secrets[h]
	if !found {
		return apitoken.Token{}, user.User{}, ports.ErrTokenUnknown
	}
	t := s.apiTokens[id]
	return cleanAPIToken(t), cleanUser(s.users[t.UserID]), nil
}

// ByUser implements ports.APITokens.
func (s *apiTokens) ByUser(ctx context.Context, userID string) ([]apitoken.Token, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := s.of(userID)
	slices.SortFunc(found, func(a, b apitoken.Token) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
	})
	return found, nil
}

// Alive implements ports.APITokens.
func (s *apiTokens) Alive(ctx context.Context, now time.Time, after string, limit int) ([]ports.UsersToken, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []string
	for id, t := range s.apiTokens {
		if id > after && t.Alive(whole(now)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var found []ports.UsersToken
	for _, id := range ids[:min(len(ids), ports.Limit(limit))] {
		t := s.apiTokens[id]
		found = append(found, ports.UsersToken{Token: cleanAPIToken(t), User: cleanUser(s.users[t.UserID])})
	}
	return found, nil
}

// Touch implements ports.APITokens.
func (s *apiTokens) Touch(ctx context.Context, id string, at time.Time) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, found := s.apiTokens[id]
	if !found {
		return ports.ErrTokenUnknown
	}
	if at = whole(at); at.After(t.UsedAt) {
		t.UsedAt = at
		s.apiTokens[id] = t
	}
	return nil
}

// Delete implements ports.APITokens.
func (s *apiTokens) Delete(ctx context.Context, userID, id string) (apitoken.Token, error) {
	if err := ports.Ended(ctx); err != nil {
		return apitoken.Token{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, found := s.apiTokens[id]
	if !found || t.UserID != userID {
		return apitoken.Token{}, ports.ErrTokenUnknown
	}
	s.remove(t)
	return t, nil
}

// DeleteExpired implements ports.APITokens.
func (s *apiTokens) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	if err := ports.Ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.apiTokens {
		if !t.Alive(now) {
			s.remove(t)
			n++
		}
	}
	return n, nil
}

// of returns copies of a user's tokens.
func (s *apiTokens) of(userID string) []apitoken.Token {
	var found []apitoken.Token
	for _, t := range s.apiTokens {
		if t.UserID == userID {
			found = append(found, cleanAPIToken(t))
		}
	}
	return found
}

// remove drops a token and what points to it.
func (s *apiTokens) remove(t apitoken.Token) {
	delete(s.apiTokens, t.ID)
	delete(s.secrets, t.Hash)
}

// cleanAPIToken returns a copy of a token that shares nothing with it.
func cleanAPIToken(t apitoken.Token) apitoken.Token {
	t.Scopes = copied(t.Scopes)
	t.CreatedAt, t.ExpiresAt, t.UsedAt = whole(t.CreatedAt), whole(t.ExpiresAt), whole(t.UsedAt)
	return t
}
