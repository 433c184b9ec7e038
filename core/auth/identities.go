package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// ListIdentities returns the principal's own accounts at providers, the oldest
// first.
func (s *Service) ListIdentities(ctx context.Context, p *access.Principal) ([]user.Identity, error) {
	if err := person(p); err != nil {
		return nil, err
	}
	if s.Identities == nil {
		return nil, nil
	}
	list, err := s.Identities.ByUser(ctx, p.Subject)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return list, nil
}

// link adds an identity to the account of whoever is signed in. One that is theirs
// already is fine; somebody else's is Conflict.
func (s *Service) link(ctx context.Context, p *access.Principal, up *Upstream, who ports.Person, c Client) error {
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	if err := user.CheckSubject(who.Subject); err != nil {
		return err
	}
	tenant, err := up.tenantOf(who)
	if err != nil {
		return err
	}
	if tenant != u.Tenant {
		return errTenant
	}
	_, owner, err := s.Identities.BySubject(ctx, who.Issuer, who.Subject)
	switch {
	case err == nil && owner.ID == u.ID:
		return nil
	case err == nil:
		return fault.New(fault.Conflict, "identity_taken", "this account at the provider belongs to another user here")
	case !isNotFound(err):
		return fmt.Errorf("look up identity: %w", err)
	}
	return s.addIdentity(ctx, up, who, u, c)
}

// Unlink removes one of the principal's own identities. Another user's is NotFound,
// like one that never was; the last way in is Conflict.
func (s *Service) Unlink(ctx context.Context, p *access.Principal, id string, c Client) error {
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	own, err := s.ListIdentities(ctx, p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(own, func(i user.Identity) bool { return i.ID == id })
	if i < 0 {
		return fault.New(fault.NotFound, "identity_unknown", "there is no such identity")
	}
	if u.PasswordHash == "" && len(own) == 1 {
		return fault.New(fault.Conflict, "identity_last", "this is your only way to sign in; set a password or link another account first")
	}
	if err := s.Identities.Delete(ctx, id); err != nil && !isNotFound(err) {
		return fmt.Errorf("remove identity: %w", err)
	}
	return s.record(ctx, c, by(p, ports.Event{
		Action: "identity.unlink", Subject: u.ID, Detail: map[string]string{"provider": own[i].Provider, "issuer": own[i].Issuer},
	}), nil)
}
