package auth

import (
	"context"
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

// SearchUsers returns users by ascending id. The principal is an administrator.
func (s *Service) SearchUsers(ctx context.Context, p *access.Principal, q ports.UserQuery) ([]user.User, error) {
	if err := administrator(p); err != nil {
		return nil, err
	}
	list, err := s.UserSearch.Search(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search users: %w", err)
	}
	return list, nil
}

// FindUser returns a user by id, user name or e-mail address. The principal is an
// administrator.
func (s *Service) FindUser(ctx context.Context, p *access.Principal, who string) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	u, err := s.Users.ByID(ctx, who)
	if isNotFound(err) && len(who) <= maxLogin {
		u, _, err = s.lookUp(ctx, who)
		if err == nil && u.ID == "" {
			err = errNoUser
		}
	}
	if isNotFound(err) || err == nil && !sees(p, &u) {
		return user.User{}, errNoUser
	}
	if err != nil {
		return user.User{}, fmt.Errorf("find user: %w", err)
	}
	return u, nil
}

// AddUser makes a user whose address counts as confirmed, whatever the way to
// register. The principal is an administrator.
func (s *Service) AddUser(ctx context.Context, p *access.Principal, in NewUser, permissions []string, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	name, email, password, err := s.accept(in)
	if err != nil {
		return user.User{}, err
	}
	return s.add(ctx, p, name, email, password, permissions, c)
}

func (s *Service) add(
	ctx context.Context, p *access.Principal, name user.Name, email user.Email, password string, permissions []string, c Client,
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
	tenant := p.Tenant
	if tenant == "" {
		tenant = user.DefaultTenant
	}
	u := user.New(id, tenant, name, email, hash, now)
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
// session and access token they have. Nobody bans themselves. The principal is an
// administrator.
func (s *Service) Ban(ctx context.Context, p *access.Principal, id, reason string, until time.Time, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	if id == p.Subject {
		return user.User{}, fault.New(fault.Invalid, "own_ban", "you cannot ban yourself")
	}
	u, err := s.change(ctx, p, id, func(u *user.User) error { return u.ShutOut(reason, until, s.Now()) })
	if err != nil {
		return u, err
	}
	if err := s.kick(ctx, u.ID); err != nil {
		return u, err
	}
	detail := map[string]string{"reason": reason}
	if !until.IsZero() {
		detail["until"] = until.UTC().Format(time.RFC3339)
	}
	return u, s.record(ctx, c, by(p, ports.Event{Action: "user.ban", Subject: u.ID, Tenant: u.Tenant, Detail: detail}), nil)
}

// Unban lifts a ban. The principal is an administrator.
func (s *Service) Unban(ctx context.Context, p *access.Principal, id string, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	u, err := s.change(ctx, p, id, func(u *user.User) error {
		u.LetIn(s.Now())
		return nil
	})
	if err != nil {
		return u, err
	}
	return u, s.record(ctx, c, by(p, ports.Event{Action: "user.unban", Subject: u.ID, Tenant: u.Tenant}), nil)
}

// Kick ends every session and access token of a user now; they may sign in again.
// The principal is an administrator.
func (s *Service) Kick(ctx context.Context, p *access.Principal, id string, c Client) error {
	if err := administrator(p); err != nil {
		return err
	}
	u, err := s.Users.ByID(ctx, id)
	if isNotFound(err) || err == nil && !sees(p, &u) {
		return errNoUser
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	if err := s.kick(ctx, id); err != nil {
		return err
	}
	return s.record(ctx, c, by(p, ports.Event{Action: "user.kick", Subject: id, Tenant: u.Tenant}), nil)
}

func (s *Service) kick(ctx context.Context, id string) error {
	if _, err := s.endSessions(ctx, id, ""); err != nil {
		return err
	}
	return s.markUser(ctx, id)
}

// Blackout ends every session that was begun, and revokes every access token that
// was issued, at or before a moment, for everybody, the principal included; the
// zero time is now. A moment to come is Invalid. The principal is an
// administrator. It returns how many sessions ended.
func (s *Service) Blackout(ctx context.Context, p *access.Principal, before time.Time, c Client) (int, error) {
	if err := administrator(p); err != nil {
		return 0, err
	}
	now := s.Now()
	if before.IsZero() {
		before = now
	}
	if before.After(now) {
		return 0, fault.InvalidField("before", "future", "a blackout reaches back from now, not into the future")
	}
	n, err := s.SessionSets.DeleteBefore(ctx, before)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	s.cache.clear()
	if err := s.mark(ctx, token.Mark{Kind: token.MarkAll, Before: before.UnixMilli()}); err != nil {
		return n, err
	}
	return n, s.record(ctx, c, by(p, ports.Event{
		Action: "blackout", Detail: map[string]string{"before": before.UTC().Format(time.RFC3339Nano)},
	}), nil)
}

// Permit sets a user's permissions. Access tokens that say otherwise are revoked,
// and the ids of the user's sessions are replaced at their next chance. An
// administrator does not take the permission to administer from themselves, so
// that one always remains. The principal is an administrator.
func (s *Service) Permit(ctx context.Context, p *access.Principal, id string, permissions []string, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	var from string
	var changed bool
	u, err := s.change(ctx, p, id, func(u *user.User) (err error) {
		from = strings.Join(u.Permissions, " ")
		ruled := slices.Contains(u.Permissions, access.Admin)
		if changed, err = u.Permit(permissions, s.Now()); err != nil {
			return err
		}
		if id == p.Subject && ruled && !slices.Contains(u.Permissions, access.Admin) {
			return fault.New(fault.Invalid, "own_admin", "you cannot take the admin permission from yourself")
		}
		return nil
	})
	if err != nil || !changed {
		return u, err
	}
	if err := s.SessionSets.MarkRotate(ctx, id); err != nil {
		return u, fmt.Errorf("have session ids replaced: %w", err)
	}
	s.cache.forgetUser(id)
	if err := s.markUser(ctx, id); err != nil {
		return u, err
	}
	return u, s.record(ctx, c, by(p, ports.Event{
		Action: "user.permit", Subject: id, Tenant: u.Tenant,
		Detail: map[string]string{"from": from, "to": strings.Join(u.Permissions, " ")},
	}), nil)
}

// AuditLog returns events, the latest first. The principal is an administrator.
func (s *Service) AuditLog(ctx context.Context, p *access.Principal, q ports.EventQuery) ([]ports.Event, error) {
	if err := administrator(p); err != nil {
		return nil, err
	}
	events, err := s.Audit.Search(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search the audit log: %w", err)
	}
	return events, nil
}
