package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/access"
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
	event.Subject = cut(event.Subject, maxClientID) // whatever the request said
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
