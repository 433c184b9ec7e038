package memory

import (
	"context"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type users Store

var _ ports.Users = (*users)(nil)

// Create implements ports.Users.
func (s *users) Create(ctx context.Context, u user.User) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.users[u.ID]; taken {
		return ports.ErrIDTaken
	}
	return s.put(u)
}

// ByID implements ports.Users.
func (s *users) ByID(ctx context.Context, id string) (user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return user.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(id)
}

// ByLogin implements ports.Users.
func (s *users) ByLogin(ctx context.Context, key string) (user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return user.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	index := s.names
	if strings.Contains(key, "@") {
		index = s.emails
	}
	id, found := index[key]
	if !found {
		return user.User{}, ports.ErrUserUnknown
	}
	return s.get(id)
}

// Update implements ports.Users.
func (s *users) Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error) {
	return s.update(ctx, tenant.Every(), id, change)
}

// update changes a user of a scope.
func (s *users) update(ctx context.Context, scope tenant.Scope, id string, change func(*user.User) error) (user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return user.User{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.get(id)
	if err != nil {
		return user.User{}, err
	}
	if !scope.Sees(u.Tenant) {
		return user.User{}, ports.ErrUserUnknown
	}
	if err := change(&u); err != nil {
		return user.User{}, err
	}
	u.ID = id
	if err := s.put(u); err != nil {
		return user.User{}, err
	}
	return s.get(id)
}

// Delete implements ports.Users.
func (s *users) Delete(ctx context.Context, id string) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, found := s.users[id]
	if !found {
		return ports.ErrUserUnknown
	}
	delete(s.users, id)
	delete(s.names, u.Name.Key())
	delete(s.emails, u.Email.Key())
	for _, one := range s.sessions {
		if one.UserID == id {
			(*sessions)(s).remove(one)
		}
	}
	for _, i := range s.identities {
		if i.UserID == id {
			(*identities)(s).remove(i)
		}
	}
	for _, t := range s.apiTokens {
		if t.UserID == id {
			(*apiTokens)(s).remove(t)
		}
	}
	for key, t := range s.mailTokens {
		if t.Subject == id {
			delete(s.mailTokens, key)
		}
	}
	return nil
}

// get returns a copy of a user.
func (s *users) get(id string) (user.User, error) {
	u, found := s.users[id]
	if !found {
		return user.User{}, ports.ErrUserUnknown
	}
	return cleanUser(u), nil
}

// put keeps a user in the place of the one with the same id, if there is one.
func (s *users) put(u user.User) error {
	name, email := u.Name.Key(), u.Email.Key()
	if owner, taken := s.names[name]; taken && owner != u.ID {
		return ports.ErrUsernameTaken
	}
	if owner, taken := s.emails[email]; taken && owner != u.ID {
		return ports.ErrEmailTaken
	}
	if before, found := s.users[u.ID]; found {
		delete(s.names, before.Name.Key())
		delete(s.emails, before.Email.Key())
	}
	s.users[u.ID] = cleanUser(u)
	s.names[name] = u.ID
	if !u.Email.IsZero() {
		s.emails[email] = u.ID
	}
	return nil
}

// cleanUser returns a copy of a user that shares nothing with it.
func cleanUser(u user.User) user.User {
	u.Permissions = copied(u.Permissions)
	if u.Ban != nil {
		u.Ban = &user.Ban{Reason: u.Ban.Reason, From: whole(u.Ban.From), Until: whole(u.Ban.Until)}
	}
	u.CreatedAt, u.UpdatedAt = whole(u.CreatedAt), whole(u.UpdatedAt)
	return u
}
