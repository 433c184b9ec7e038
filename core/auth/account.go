package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Me returns the principal's own user. One who was deleted since is
// Unauthenticated.
func (s *Service) Me(ctx context.Context, p *access.Principal) (user.User, error) {
	if err := person(p); err != nil {
		return user.User{}, err
	}
	u, err := s.Users.ByID(ctx, p.Subject)
	if isNotFound(err) {
		return u, errUnauthenticated
	}
	if err != nil {
		return u, fmt.Errorf("read user: %w", err)
	}
	return u, nil
}

// ownUser is Me for what only the person themselves may do.
func (s *Service) ownUser(ctx context.Context, p *access.Principal) (user.User, error) {
	if err := themselves(p); err != nil {
		return user.User{}, err
	}
	return s.Me(ctx, p)
}

// ChangeUsername gives a user another name: the principal's own, or anybody's in
// the tenant for an administrator. Somebody else's is Forbidden, a user that is
// not there NotFound for an administrator, the present name Invalid, a taken one
// Conflict.
func (s *Service) ChangeUsername(ctx context.Context, p *access.Principal, id, username string, c Client) (user.User, error) {
	if !p.SignedIn() {
		return user.User{}, errUnauthenticated
	}
	if own := p.Kind == access.User && id == p.Subject; !own {
		if err := administrator(p); err != nil {
			return user.User{}, err
		}
	}
	name, err := user.ParseName(username)
	if err != nil {
		return user.User{}, err
	}
	var old string
	u, _, err := s.change(ctx, p, id, func(u *user.User) error {
		old = u.Name.String()
		return u.Rename(name, s.Now())
	})
	if err != nil {
		return u, err
	}
	return u, s.record(ctx, c, by(p, ports.Event{
		Action: "username.change", Subject: u.ID, Tenant: u.Tenant, Detail: map[string]string{"from": old, "to": name.String()},
	}), nil)
}

// DeleteAccount deletes the principal's own user with everything that belongs to
// it, once they have shown their password again.
func (s *Service) DeleteAccount(ctx context.Context, p *access.Principal, password string, c Client) error {
	u, err := s.reauthenticate(ctx, p, password, c, "user.delete")
	if err != nil {
		return err
	}
	err = s.Users.Delete(ctx, u.ID)
	if isNotFound(err) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("delete user: %w", err)
	}
	s.cache.forgetUser(u.ID) // even if it failed: it may have been carried out
	err = errors.Join(err, s.markUser(ctx, u.ID))
	return s.finished(ctx, c, by(p, ports.Event{Action: "user.delete", Subject: u.ID}), err)
}

// change updates a user that the principal may see: one of the same tenant, or any
// for an operator. Everybody else is not there. What is remembered of the user is
// forgotten. With an error, begun says that the store may have made the change all
// the same.
func (s *Service) change(ctx context.Context, p *access.Principal, id string, f func(*user.User) error) (u user.User, begun bool, err error) {
	u, err = s.Users.Update(ctx, id, func(u *user.User) error {
		begun = false
		if !sees(p, u) {
			return errNoUser
		}
		err := f(u)
		begun = err == nil
		return err
	})
	s.cache.forgetUser(id)
	if isNotFound(err) {
		return u, false, errNoUser
	}
	if err != nil {
		return u, begun, fmt.Errorf("change user: %w", err)
	}
	return u, true, nil
}

func sees(p *access.Principal, u *user.User) bool {
	return p.Via == access.LocalOperator || p.Tenant == u.Tenant
}
