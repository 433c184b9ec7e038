package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type identities Store

var _ ports.Identities = (*identities)(nil)

// subjectKey is what an identity is unique by.
type subjectKey struct{ issuer, subject string }

// Create implements ports.Identities.
func (s *identities) Create(ctx context.Context, i user.Identity) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.users[i.UserID]; !found {
		return ports.ErrUserUnknown
	}
	if _, taken := s.identities[i.ID]; taken {
		return ports.ErrIDTaken
	}
	key := subjectKey{i.Issuer, i.Subject}
	if _, taken := s.subjects[key]; taken {
		return ports.ErrIdentityTaken
	}
	s.identities[i.ID] = cleanIdentity(i)
	s.subjects[key] = i.ID
	return nil
}

// BySubject implements ports.Identities.
func (s *identities) BySubject(ctx context.Context, issuer, subject string) (user.Identity, user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return user.Identity{}, user.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, found := s.subjects[subjectKey{issuer, subject}]
	if !found {
		return user.Identity{}, user.User{}, ports.ErrIdentityUnknown
	}
	i := s.identities[id]
	return i, cleanUser(s.users[i.UserID]), nil
}

// ByUser implements ports.Identities.
func (s *identities) ByUser(ctx context.Context, userID string) ([]user.Identity, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []user.Identity
	for _, i := range s.identities {
		if i.UserID == userID {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b user.Identity) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return found, nil
}

// ByIssuer implements ports.Identities.
func (s *identities) ByIssuer(ctx context.Context, issuer, after string, limit int) ([]ports.UsersIdentity, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []string
	for id, i := range s.identities {
		if id > after && i.Issuer == issuer {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var found []ports.UsersIdentity
	for _, id := range ids[:min(len(ids), ports.Limit(limit))] {
		i := s.identities[id]
		found = append(found, ports.UsersIdentity{Identity: i, User: cleanUser(s.users[i.UserID])})
	}
	return found, nil
}

// Update implements ports.Identities.
func (s *identities) Update(ctx context.Context, id string, change func(*user.Identity) error) (user.Identity, error) {
	if err := ports.Ended(ctx); err != nil {
		return user.Identity{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, found := s.identities[id]
	if !found {
		return user.Identity{}, ports.ErrIdentityUnknown
	}
	i := before
	if err := change(&i); err != nil {
		return user.Identity{}, err
	}
	i.ID, i.UserID, i.Issuer, i.Subject = id, before.UserID, before.Issuer, before.Subject
	i = cleanIdentity(i)
	s.identities[id] = i
	return i, nil
}

// Delete implements ports.Identities.
func (s *identities) Delete(ctx context.Context, id string) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.identities[id]
	if !found {
		return ports.ErrIdentityUnknown
	}
	s.remove(i)
	return nil
}

// remove drops an identity and what points to it.
func (s *identities) remove(i user.Identity) {
	delete(s.identities, i.ID)
	delete(s.subjects, subjectKey{i.Issuer, i.Subject})
}

// cleanIdentity returns an identity as stores keep it.
func cleanIdentity(i user.Identity) user.Identity {
	i.CreatedAt, i.UsedAt = whole(i.CreatedAt), whole(i.UsedAt)
	return i
}
