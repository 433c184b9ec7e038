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
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// SearchUsers returns users whom the principal sees, by ascending id. The
// principal is an administrator.
func (s *Service) SearchUsers(ctx context.Context, p *access.Principal, q ports.UserQuery) ([]user.User, error) {
	if err := administrator(p); err != nil {
		return nil, err
	}
	q.Limit = page(q.Limit)
	var found []user.User
	for {
		list, err := s.UserSearch.Search(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("search users: %w", err)
		}
		for i := range list {
			if sees(p, &list[i]) {
				found = append(found, list[i])
			}
		}
		if len(list) < q.Limit || len(found) >= q.Limit {
			return found[:min(len(found), q.Limit)], nil
		}
		q.After = list[len(list)-1].ID // others' users filled this page
	}
}

// page returns how many results the ports give for a limit.
func page(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 1000)
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
	home := p.Tenant
	if home == "" {
		home = tenant.Default
	}
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
// session and access token they have. Nobody bans themselves. The principal is an
// administrator.
func (s *Service) Ban(ctx context.Context, p *access.Principal, id, reason string, until time.Time, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	if id == p.Subject {
		return user.User{}, fault.New(fault.Invalid, "own_ban", "you cannot ban yourself")
	}
	u, begun, err := s.change(ctx, p, id, func(u *user.User) error { return u.ShutOut(reason, until, s.Now()) })
	if !begun {
		return u, err
	}
	err = errors.Join(err, s.kick(ctx, id))
	detail := map[string]string{"reason": reason}
	if !until.IsZero() {
		detail["until"] = until.UTC().Format(time.RFC3339)
	}
	return u, s.finished(ctx, c, by(p, ports.Event{Action: "user.ban", Subject: id, Tenant: u.Tenant, Detail: detail}), err)
}

// Unban lifts a ban. The principal is an administrator.
func (s *Service) Unban(ctx context.Context, p *access.Principal, id string, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	u, _, err := s.change(ctx, p, id, func(u *user.User) error {
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
	return s.finished(ctx, c, by(p, ports.Event{Action: "user.kick", Subject: id, Tenant: u.Tenant}), s.kick(ctx, id))
}

func (s *Service) kick(ctx context.Context, id string) error {
	_, err := s.endSessions(ctx, id, "")
	return errors.Join(err, s.markUser(ctx, id))
}

// Blackout ends every session that was begun at or before a moment, for
// everybody, the principal included; the zero time is now. Every access token
// that there is by now is revoked, since nobody knows which of them belong to
// those sessions; who has another session refreshes. A moment to come is Invalid.
// The principal is an administrator. It returns how many sessions ended.
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
	// The first mark tells a sign-in that is under way to begin anew, in case its
	// session is stored after the others are removed. The second one covers what was
	// refreshed until then.
	first := s.mark(ctx, token.Mark{Kind: token.MarkAll, Before: before.UnixMilli()})
	n, err := s.SessionSets.DeleteBefore(ctx, before)
	s.cache.clear()
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
// administrator does not take the permission to administer from themselves, so
// that one always remains. The principal is an administrator.
func (s *Service) Permit(ctx context.Context, p *access.Principal, id string, permissions []string, c Client) (user.User, error) {
	if err := administrator(p); err != nil {
		return user.User{}, err
	}
	var from string
	var to string
	u, begun, err := s.change(ctx, p, id, func(u *user.User) (err error) {
		from = strings.Join(u.Permissions, " ")
		ruled := slices.Contains(u.Permissions, access.Admin)
		if _, err = u.Permit(permissions, s.Now()); err != nil {
			return err
		}
		if id == p.Subject && ruled && !slices.Contains(u.Permissions, access.Admin) {
			return fault.New(fault.Invalid, "own_admin", "you cannot take the admin permission from yourself")
		}
		to = strings.Join(u.Permissions, " ")
		return nil
	})
	if !begun {
		return u, err
	}
	// Even if nothing changed: the call that changed it may have failed after that.
	if rotateErr := s.SessionSets.MarkRotate(ctx, id); rotateErr != nil {
		err = errors.Join(err, fmt.Errorf("have session ids replaced: %w", rotateErr))
	}
	s.cache.forgetUser(id)
	err = errors.Join(err, s.markUser(ctx, id))
	return u, s.finished(ctx, c, by(p, ports.Event{
		Action: "user.permit", Subject: id, Tenant: u.Tenant,
		Detail: map[string]string{"from": from, "to": to},
	}), err)
}

// AuditLog returns events of the principal's tenant, the latest first; those of no
// tenant belong to the default one. An operator sees all. The principal is an
// administrator.
func (s *Service) AuditLog(ctx context.Context, p *access.Principal, q ports.EventQuery) ([]ports.Event, error) {
	if err := administrator(p); err != nil {
		return nil, err
	}
	q.Limit = page(q.Limit)
	var found []ports.Event
	for {
		events, err := s.Audit.Search(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("search the audit log: %w", err)
		}
		for _, e := range events {
			if p.Via == access.LocalOperator || e.Tenant == p.Tenant || e.Tenant == "" && p.Tenant == tenant.Default {
				found = append(found, e)
			}
		}
		if len(events) < q.Limit || len(found) >= q.Limit {
			return found[:min(len(found), q.Limit)], nil
		}
		q.Before = events[len(events)-1].Sequence // others' events filled this page
	}
}
