package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
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
// Conflict. Access tokens that say the former name are revoked, since somebody else may be called so a
// moment later; sessions stay, and refresh. Who changes their own name is signed in themselves.
func (s *Service) ChangeUsername(ctx context.Context, p *access.Principal, id, username string, c Client) (user.User, error) {
	if !p.SignedIn() {
		return user.User{}, errUnauthenticated
	}
	event := ports.Event{Action: "username.change", Subject: id}
	users := updater(s.Users)
	if p.Kind == access.User && id == p.Subject {
		if err := themselves(p); err != nil {
			return user.User{}, err
		}
	} else {
		scope, err := s.administers(ctx, p, c, event)
		if err != nil {
			return user.User{}, err
		}
		users = s.Directory.People(scope)
	}
	name, err := user.ParseName(username)
	if err != nil {
		return user.User{}, err
	}
	u, begun, err := s.change(ctx, users, id, func(u *user.User) error {
		event.Detail = map[string]string{"from": u.Name.String(), "to": name.String()}
		return u.Rename(name, s.Now())
	})
	if !begun {
		return u, err
	}
	event.Tenant = u.Tenant
	err = errors.Join(err, s.markUser(ctx, id))
	return u, s.finished(ctx, c, by(p, event), err)
}

// DeleteAccount deletes the principal's own user with everything that belongs to
// it, once they have shown their password again. What they hold of other issuers' tokens
// makes them no other account. The last administrator of a tenant is Conflict with "last_admin".
func (s *Service) DeleteAccount(ctx context.Context, p *access.Principal, password string, c Client) error {
	event := by(p, ports.Event{Action: "user.delete", Subject: p.Subject})
	u, err := s.reauthenticate(ctx, p, password, c, event.Action)
	if err != nil {
		return err
	}
	elsewhere, err := s.atIssuers(ctx, u.ID)
	if err != nil {
		return err
	}
	before := slices.Clone(u.Permissions)
	restore := func(u *user.User) { u.Permissions = before }
	if holdsAdmin(&u) { // steps down first, so that of two who go at once one is told
		if err := s.stepDown(ctx, p, u, restore); err != nil {
			return s.refused(ctx, c, event, err)
		}
	}
	for _, i := range elsewhere { // before the user is gone: see makeBearer
		err = errors.Join(err, s.markForeign(ctx, identityKey(i.Issuer, i.Subject)))
	}
	if deleteErr := s.Users.Delete(ctx, u.ID); deleteErr != nil && !isNotFound(deleteErr) {
		err = errors.Join(err, fmt.Errorf("delete user: %w", deleteErr))
		if holdsAdmin(&u) {
			s.undo(ctx, s.Users, u.ID, restore)
		}
	}
	s.changed(u.ID) // even if it failed: it may have been carried out
	err = errors.Join(err, s.markUser(ctx, u.ID))
	return s.finished(ctx, c, event, err)
}

// stepDown takes the permission to administer from a user who is about to go, unless nobody else has it.
func (s *Service) stepDown(ctx context.Context, p *access.Principal, u user.User, restore func(*user.User)) error {
	_, begun, err := s.change(ctx, s.Users, u.ID, func(u *user.User) error {
		_, err := u.Permit(slices.DeleteFunc(slices.Clone(u.Permissions), func(one string) bool { return one == access.Admin }), s.Now())
		return err
	})
	if err == nil {
		return s.leavesOne(ctx, p, s.Users, u, restore)
	}
	if begun {
		s.undo(ctx, s.Users, u.ID, restore)
	}
	return err
}

// updater is where users are changed: everybody, or the people of a scope.
type updater interface {
	Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error)
}

// change updates a user, and has what is remembered of them forgotten. One who is not there, or not in the scope, is
// errNoUser. With an error, begun says that the store may have made the change all
// the same, which it has not where something clashes.
func (s *Service) change(ctx context.Context, users updater, id string, f func(*user.User) error) (u user.User, begun bool, err error) {
	u, err = users.Update(ctx, id, func(u *user.User) error {
		err := f(u)
		begun = err == nil
		return err
	})
	s.changed(id)
	if isNotFound(err) {
		return u, false, errNoUser
	}
	if err != nil {
		return u, begun && fault.KindOf(err) != fault.Conflict, fmt.Errorf("change user: %w", err)
	}
	return u, true, nil
}
