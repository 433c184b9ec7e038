package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// SearchUsers returns users whom the principal sees, by ascending id. The
// principal is an administrator.
func (s *Service) SearchUsers(ctx context.Context, p *access.Principal, q ports.UserQuery) ([]user.User, error) {
	scope, err := s.administers(ctx, p, Client{}, ports.Event{Action: "user.search"})
	if err != nil {
		return nil, err
	}
	list, err := s.Directory.People(scope).Search(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search users: %w", err)
	}
	return list, nil
}

// FindUser returns a user whom the principal sees, by id, user name or e-mail address. The principal is an
// administrator.
func (s *Service) FindUser(ctx context.Context, p *access.Principal, who string) (user.User, error) {
	scope, err := s.administers(ctx, p, Client{}, ports.Event{Action: "user.find"})
	if err != nil {
		return user.User{}, err
	}
	people := s.Directory.People(scope)
	u, err := people.ByID(ctx, who)
	if isNotFound(err) && len(who) <= maxLogin {
		if key := user.LoginKey(who); key != "" { // else nobody can be called so
			u, err = people.ByLogin(ctx, key)
		}
	}
	if isNotFound(err) {
		return user.User{}, errNoUser
	}
	if err != nil {
		return user.User{}, fmt.Errorf("find user: %w", err)
	}
	return u, nil
}

// AddUser makes a user in the principal's tenant, whose address counts as confirmed, whatever the way to
// register. The operator makes them in the tenant that their principal names, which has to be there, or in the default
// one: NewUser has no tenant, so nothing that a request says can name one. The principal is an administrator.
func (s *Service) AddUser(ctx context.Context, p *access.Principal, in NewUser, permissions []string, c Client) (user.User, error) {
	if _, err := s.administers(ctx, p, c, ports.Event{Action: "user.add"}); err != nil {
		return user.User{}, err
	}
	name, email, password, err := s.accept(in)
	if err != nil {
		return user.User{}, err
	}
	home, err := s.home(ctx, p)
	if err != nil {
		return user.User{}, err
	}
	return s.add(ctx, p, home, name, email, password, permissions, c)
}

func (s *Service) add(
	ctx context.Context, p *access.Principal, home string, name user.Name, email user.Email, password string, permissions []string, c Client,
) (user.User, error) {
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return user.User{}, fmt.Errorf("hash password: %w", err)
	}
	id, err := s.newID()
	if err != nil {
		return user.User{}, err
	}
	now := s.Now()
	u := user.New(id, home, name, email, hash, now)
	u.EmailConfirmed = true
	if _, err := u.Permit(permissions, now); err != nil {
		return user.User{}, err
	}
	if err := s.Users.Create(ctx, u); err != nil {
		return user.User{}, fmt.Errorf("create user: %w", err)
	}
	return u, s.record(ctx, c, by(p, ports.Event{
		Action: "user.add", Subject: u.ID, Tenant: u.Tenant, Detail: map[string]string{"permissions": strings.Join(u.Permissions, " ")},
	}), nil)
}

// Ban shuts a user out until a moment, or for ever when it is zero, and ends every
// session and access token they have. Nobody bans themselves, and no administrator the last other one: that is Conflict
// with "last_admin". The principal is an administrator.
func (s *Service) Ban(ctx context.Context, p *access.Principal, id, reason string, until time.Time, c Client) (user.User, error) {
	event := ports.Event{Action: "user.ban", Subject: id, Detail: map[string]string{"reason": reason}}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return user.User{}, err
	}
	if id == p.Subject {
		return user.User{}, fault.New(fault.Invalid, "own_ban", "you cannot ban yourself")
	}
	if !until.IsZero() {
		event.Detail["until"] = until.UTC().Format(time.RFC3339)
	}
	people := s.Directory.People(scope)
	var before *user.Ban
	ruled := false
	u, begun, err := s.change(ctx, people, id, func(u *user.User) error {
		before, ruled = u.Ban, ruling(u, s.Now())
		return u.ShutOut(reason, until, s.Now())
	})
	if !begun {
		return u, err
	}
	event.Tenant = u.Tenant
	if ruled && err == nil {
		err = s.leavesOne(ctx, p, people, u, func(u *user.User) { u.Ban = before })
		if errors.Is(err, errLastAdmin) {
			return user.User{}, s.refused(ctx, c, by(p, event), err)
		}
	}
	err = errors.Join(err, s.shutOut(ctx, id))
	return u, s.finished(ctx, c, by(p, event), err)
}

// Unban lifts a ban. The principal is an administrator.
func (s *Service) Unban(ctx context.Context, p *access.Principal, id string, c Client) (user.User, error) {
	event := ports.Event{Action: "user.unban", Subject: id}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return user.User{}, err
	}
	u, _, err := s.change(ctx, s.Directory.People(scope), id, func(u *user.User) error {
		u.LetIn(s.Now())
		return nil
	})
	if err != nil {
		return u, err
	}
	event.Tenant = u.Tenant
	return u, s.record(ctx, c, by(p, event), nil)
}

// Kick ends every session and access token of a user now; they may sign in again, and their API tokens stay.
// The principal is an administrator.
func (s *Service) Kick(ctx context.Context, p *access.Principal, id string, c Client) error {
	event := ports.Event{Action: "user.kick", Subject: id}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return err
	}
	u, err := s.Directory.People(scope).ByID(ctx, id)
	if isNotFound(err) {
		return errNoUser
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	event.Tenant = u.Tenant
	return s.finished(ctx, c, by(p, event), s.shutOut(ctx, id))
}

func (s *Service) kick(ctx context.Context, id string) error {
	_, err := s.endSessions(ctx, id, "")
	return errors.Join(err, s.markUser(ctx, id))
}

// shutOut is kick that ends the tokens of other issuers too, which nothing else
// keeps from working. They go first: by the time that our own tokens are marked, none
// of them leads to a new one any more.
func (s *Service) shutOut(ctx context.Context, id string) error {
	return errors.Join(s.markForeign(ctx, id), s.kick(ctx, id))
}

// Blackout ends every session that was begun at or before a moment, for
// everybody, the principal included; the zero time is now. Every access token
// that there is by now is revoked, since nobody knows which of them belong to
// those sessions; who has another session refreshes. A moment to come is Invalid.
// The principal is an administrator of the default tenant, or the operator. It returns how many sessions ended.
func (s *Service) Blackout(ctx context.Context, p *access.Principal, before time.Time, c Client) (int, error) {
	if err := s.stewards(ctx, p, c, ports.Event{Action: "blackout"}); err != nil {
		return 0, err
	}
	now := s.Now()
	if before.IsZero() {
		before = now
	}
	if before.After(now) {
		return 0, fault.InvalidField("before", "future", "a blackout reaches back from now, not into the future")
	}
	// The first mark tells a sign-in that is under way to begin anew, in case its
	// session is stored after the others are removed. The second one covers what was
	// refreshed until then.
	first := s.mark(ctx, token.Mark{Kind: token.MarkAll, Before: before.UnixMilli()})
	n, err := s.SessionSets.DeleteBefore(ctx, before)
	s.changedAll()
	if err != nil {
		err = fmt.Errorf("end sessions: %w", err)
	}
	err = errors.Join(first, err, s.mark(ctx, token.Mark{Kind: token.MarkAll, Before: s.upToNow()}))
	return n, s.finished(ctx, c, by(p, ports.Event{
		Action: "blackout", Detail: map[string]string{"before": before.UTC().Format(time.RFC3339Nano)},
	}), err)
}

// Permit sets a user's permissions. Access tokens that say otherwise are revoked,
// and the ids of the user's sessions are replaced at their next chance. An
// administrator does not take the permission to administer from themselves, nor from the last other one, which is Conflict
// with "last_admin": so that one always remains. The principal is an administrator.
func (s *Service) Permit(ctx context.Context, p *access.Principal, id string, permissions []string, c Client) (user.User, error) {
	event := ports.Event{Action: "user.permit", Subject: id}
	scope, err := s.administers(ctx, p, c, event)
	if err != nil {
		return user.User{}, err
	}
	people := s.Directory.People(scope)
	var before []string
	ruled := false
	u, begun, err := s.change(ctx, people, id, func(u *user.User) (err error) {
		before, ruled = slices.Clone(u.Permissions), ruling(u, s.Now())
		if _, err = u.Permit(permissions, s.Now()); err != nil {
			return err
		}
		if holdsAdmin(u) {
			ruled = false // and still does
		} else if id == p.Subject && slices.Contains(before, access.Admin) {
			return fault.New(fault.Invalid, "own_admin", "you cannot take the admin permission from yourself")
		}
		event.Detail = map[string]string{"from": strings.Join(before, " "), "to": strings.Join(u.Permissions, " ")}
		return nil
	})
	if !begun {
		return u, err
	}
	event.Tenant = u.Tenant
	if ruled && err == nil {
		err = s.leavesOne(ctx, p, people, u, func(u *user.User) { u.Permissions = before })
		if errors.Is(err, errLastAdmin) {
			return user.User{}, s.refused(ctx, c, by(p, event), err)
		}
	}
	// Even if nothing changed: the call that changed it may have failed after that.
	if rotateErr := s.SessionSets.MarkRotate(ctx, id); rotateErr != nil {
		err = errors.Join(err, fmt.Errorf("have session ids replaced: %w", rotateErr))
	}
	s.changed(id)
	err = errors.Join(err, s.markUser(ctx, id))
	return u, s.finished(ctx, c, by(p, event), err)
}

// AuditLog returns events of the principal's tenant, the latest first; those of no
// tenant belong to the default one. An operator sees all. The principal is an
// administrator.
func (s *Service) AuditLog(ctx context.Context, p *access.Principal, q ports.EventQuery) ([]ports.Event, error) {
	scope, err := s.administers(ctx, p, Client{}, ports.Event{Action: "audit.read"})
	if err != nil {
		return nil, err
	}
	events, err := s.Directory.Log(scope).Search(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search the audit log: %w", err)
	}
	return events, nil
}
