package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// administers returns whose things a principal looks after: an administrator their own tenant's, and the operator
// everybody's, or those of the tenant that their principal names. It is the only way to a scope, so nothing of the
// Directory is reached by who may not. A refusal is recorded as the event.
func (s *Service) administers(ctx context.Context, p *access.Principal, c Client, event ports.Event) (tenant.Scope, error) {
	if err := administrator(p); err != nil {
		return tenant.Scope{}, s.turnedAway(ctx, p, c, event, err)
	}
	if p.Via == access.LocalOperator && p.Tenant == "" {
		return tenant.Every(), nil
	}
	return tenant.Only(p.Tenant), nil
}

// stewards returns nil if the principal looks after what all tenants share.
func (s *Service) stewards(ctx context.Context, p *access.Principal, c Client, event ports.Event) error {
	err := administrator(p)
	if err == nil && !steward(p) {
		err = errForbidden
	}
	return s.turnedAway(ctx, p, c, event, err)
}

// steward reports whether an administrator looks after what all tenants share: the tenants themselves, the signing
// keys, and ending everything.
func steward(p *access.Principal) bool {
	return p.Via == access.LocalOperator || p.Tenant == tenant.Default
}

// turnedAwayLimit bounds the records of one principal's refusals.
var turnedAwayLimit = user.Limit{Count: 10, Window: 10 * time.Minute}

// turnedAway records that somebody who is signed in was refused, so that who tries doors is seen, but only so often,
// so that they do not fill the log. It returns err.
func (s *Service) turnedAway(ctx context.Context, p *access.Principal, c Client, event ports.Event, err error) error {
	if err == nil || !p.SignedIn() {
		return err
	}
	event.Subject, event.Detail = cut(event.Subject, maxClientID), nil // not whatever the request said
	wait := time.Duration(0)
	countErr := s.Attempts.Update(ctx, []string{hashKey("refused", p.Subject)}, func(counters []*user.Attempts) {
		wait = counters[0].Take(turnedAwayLimit, s.Now())
	})
	switch {
	case countErr != nil:
		s.Report(ctx, "count a refusal", fmt.Errorf("count attempt: %w", countErr))
	case wait == 0:
		return s.refused(ctx, c, by(p, event), err)
	}
	return err
}

var errLastAdmin = fault.New(fault.Conflict, "last_admin", "this is the last administrator; make another one first")

func holdsAdmin(u *user.User) bool { return slices.Contains(u.Permissions, access.Admin) }

// ruling reports whether a user administers their tenant.
func ruling(u *user.User, now time.Time) bool { return holdsAdmin(u) && !u.Banned(now) }

// governed reports whether anybody administers a tenant.
func (s *Service) governed(ctx context.Context, id string) (bool, error) {
	q := ports.UserQuery{Holds: access.Admin, Limit: 50}
	for {
		list, err := s.Directory.People(tenant.Only(id)).Search(ctx, q)
		if err != nil {
			return false, fmt.Errorf("look for an administrator: %w", err)
		}
		now := s.Now()
		if slices.ContainsFunc(list, func(u user.User) bool { return ruling(&u, now) }) {
			return true, nil
		}
		if len(list) < q.Limit {
			return false, nil
		}
		q.After = list[len(list)-1].ID
	}
}

// leavesOne is asked after somebody stopped to administer: if nobody does any more, it has restore undo that, and
// returns errLastAdmin. Two administrators who remove each other at once have both written before either asks, so at
// least one of them is told, in whatever process they are. The operator may remove everybody, and make the first one again.
func (s *Service) leavesOne(ctx context.Context, p *access.Principal, people updater, u user.User, restore func(*user.User)) error {
	if p.Via == access.LocalOperator {
		return nil
	}
	some, err := s.governed(ctx, u.Tenant)
	if err == nil && !some {
		err = errLastAdmin
	}
	if err != nil {
		s.undo(ctx, people, u.ID, restore)
	}
	return err
}

// undo takes a change of a user back. A caller who has gone leaves no tenant without an administrator.
func (s *Service) undo(ctx context.Context, people updater, id string, restore func(*user.User)) {
	_, _, err := s.change(context.WithoutCancel(ctx), people, id, func(u *user.User) error {
		restore(u)
		return nil
	})
	if err != nil && !isNotFound(err) {
		s.Report(ctx, "have the last administrator stay", err)
	}
}
