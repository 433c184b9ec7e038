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
	if err := themselves(p); err != nil {
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
	u, err := s.ownUser(ctx, p)
	if err != nil {
		return err
	}
	if u.PasswordHash == lockedHash {
		return errTryAgain
	}
	// The session is asked for after the user was read: whoever takes an account over
	// ends its sessions before the account looks like theirs.
	if err := s.inSession(ctx, p); err != nil {
		return err
	}
	tenant, err := s.check(ctx, up, who)
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
		return ports.ErrIdentityTaken
	case !isNotFound(err):
		return fmt.Errorf("look up identity: %w", err)
	}
	i, err := s.addIdentity(ctx, up, who, u, c)
	if fault.CodeOf(err) == codeIdentityTaken {
		if _, owner, findErr := s.Identities.BySubject(ctx, who.Issuer, who.Subject); findErr == nil && owner.ID == u.ID {
			return nil // the same link, twice at once
		}
	}
	if isNotFound(err) {
		return errUnauthenticated
	}
	if err != nil {
		return err
	}
	after, err := s.Me(ctx, p)
	if err == nil && (after.PasswordHash != u.PasswordHash || after.EmailConfirmed != u.EmailConfirmed) {
		err = errTryAgain // the account may be another's by now
	}
	if err == nil {
		err = s.inSession(ctx, p) // who was signed out meanwhile leaves no way in behind
	}
	if err == nil {
		return nil
	}
	s.removeIdentity(ctx, i)
	if kickErr := s.kick(context.WithoutCancel(ctx), u.ID); kickErr != nil { // somebody may have come in by it
		s.Report(ctx, "end the sessions of a link that was taken back", kickErr)
	}
	return err
}

// inSession returns nil if the principal's session is there and alive.
func (s *Service) inSession(ctx context.Context, p *access.Principal) error {
	sess, err := s.ownSession(ctx, p)
	if err == nil && !sess.Alive(s.Now()) {
		err = errSession
	}
	return err
}

// Unlink removes one of the principal's own identities. Another user's is NotFound,
// like one that never was; the last way in is Conflict.
func (s *Service) Unlink(ctx context.Context, p *access.Principal, id string, c Client) error {
	if err := themselves(p); err != nil {
		return err
	}
	done, err := s.turns.take(ctx, "unlink "+p.Subject) // two at once would each leave the other's
	if err != nil {
		return err
	}
	defer done()
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
	if u.PasswordHash == "" && !slices.ContainsFunc(own, func(i user.Identity) bool {
		_, err := s.upstream(i.Provider)
		return i.ID != id && err == nil // one whose provider is not configured any more lets nobody in
	}) {
		return fault.New(fault.Conflict, "identity_last", "this is your only way to sign in; set a password or link another account first")
	}
	err = s.Identities.Delete(ctx, id)
	s.changedWays(u.ID) // even if it failed: it may have been carried out
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("remove identity: %w", err)
	}
	return s.record(ctx, c, by(p, ports.Event{
		Action: "identity.unlink", Subject: u.ID, Detail: map[string]string{"provider": own[i].Provider, "issuer": own[i].Issuer},
	}), nil)
}
