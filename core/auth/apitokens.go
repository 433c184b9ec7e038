package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// NewAPIToken is an API token to be.
type NewAPIToken struct {
	Name    string
	Scopes  []string  // permissions of its owner that it may use
	Expires time.Time // the zero time for never
}

var (
	errAPIToken   = fault.New(fault.Unauthenticated, "token_unknown", "this API token is not valid")
	errNoAPIToken = fault.New(fault.NotFound, "token_unknown", "there is no such token")
)

// MakeAPIToken makes a token for the principal's scripts, and returns its text, which is not shown again. The principal
// is a user who is signed in themselves: no API token and no other issuer's token makes another one. A name, scope or
// expiry that cannot be is an Invalid fault that names each; more than apitoken.MaxPerUser tokens are Conflict with
// "too_many".
func (s *Service) MakeAPIToken(ctx context.Context, p *access.Principal, in NewAPIToken, c Client) (apitoken.Token, string, error) {
	u, err := s.ownUser(ctx, p)
	if err == nil && u.PasswordHash == lockedHash {
		err = errTryAgain
	}
	if err != nil {
		return apitoken.Token{}, "", err
	}
	id, err := s.newID()
	if err != nil {
		return apitoken.Token{}, "", err
	}
	t, err := apitoken.New(id, u.ID, u.Tenant, in.Name, in.Scopes, u.Permissions, in.Expires.UTC().Truncate(time.Millisecond), s.Now())
	if err != nil {
		return apitoken.Token{}, "", err
	}
	var text string
	if text, t.Hash, err = secret.Mint(s.Rand, secret.APIToken); err != nil {
		return apitoken.Token{}, "", err
	}
	err = s.APITokens.Create(ctx, t, apitoken.MaxPerUser)
	s.changedWays(t.ID)
	switch {
	case err == nil:
	case isNotFound(err): // the user was deleted since
		return apitoken.Token{}, "", errUnauthenticated
	case fault.KindOf(err) == fault.Conflict:
		return apitoken.Token{}, "", fmt.Errorf("keep API token: %w", err)
	default:
		s.withdrawAPIToken(ctx, t) // it may be there all the same
		return apitoken.Token{}, "", fmt.Errorf("keep API token: %w", err)
	}
	if err = s.stillOwn(ctx, p, u); err == nil {
		err = s.record(ctx, c, by(p, ports.Event{
			Action: "token.make", Subject: u.ID,
			Detail: map[string]string{"token": t.ID, "name": t.Name, "scopes": strings.Join(t.Scopes, " ")},
		}), nil)
	}
	if err != nil {
		s.withdrawAPIToken(ctx, t)
		return apitoken.Token{}, "", err
	}
	return t, text, nil
}

// stillOwn returns nil if an account is the principal's yet, once they have made a way into it. Whoever takes an
// account over locks it, then ends its sessions, then its API tokens: either that ended this one, or it shows here.
func (s *Service) stillOwn(ctx context.Context, p *access.Principal, u user.User) error {
	after, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	if after.PasswordHash == lockedHash || after.EmailConfirmed != u.EmailConfirmed {
		return errTryAgain
	}
	if err := banned(&after, s.Now()); err != nil {
		return err
	}
	return s.inSession(ctx, p)
}

// withdrawAPIToken removes a token that nobody gets.
func (s *Service) withdrawAPIToken(ctx context.Context, t apitoken.Token) {
	if err := s.endAPIToken(context.WithoutCancel(ctx), t.UserID, t.ID); err != nil && !isNotFound(err) {
		s.Report(ctx, "take an API token back", err)
	}
}

// ListAPITokens returns the principal's own tokens, the newest first, expired ones too. The principal is a user who is
// signed in themselves.
func (s *Service) ListAPITokens(ctx context.Context, p *access.Principal) ([]apitoken.Token, error) {
	if err := themselves(p); err != nil {
		return nil, err
	}
	list, err := s.APITokens.ByUser(ctx, p.Subject)
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return list, nil
}

// DeleteAPIToken ends one of the principal's own tokens, from the next request on. Another user's is NotFound, like one
// that never was. The principal is a user who is signed in themselves.
func (s *Service) DeleteAPIToken(ctx context.Context, p *access.Principal, id string, c Client) error {
	if err := themselves(p); err != nil {
		return err
	}
	err := s.endAPIToken(ctx, p.Subject, id)
	if isNotFound(err) {
		return errNoAPIToken
	}
	return s.finished(ctx, c, by(p, ports.Event{
		Action: "token.delete", Subject: p.Subject, Detail: map[string]string{"token": id},
	}), err)
}

// endAPIToken ends an API token of a user from the next request on: in the store, then in what is remembered.
func (s *Service) endAPIToken(ctx context.Context, userID, id string) error {
	_, err := s.APITokens.Delete(ctx, userID, id)
	s.changed(id) // even if it failed: it may have been carried out
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("delete API token: %w", err)
	}
	return err
}

// dropAPITokens ends every API token of a user.
func (s *Service) dropAPITokens(ctx context.Context, userID string) error {
	list, err := s.APITokens.ByUser(ctx, userID)
	if err != nil {
		return fmt.Errorf("list API tokens: %w", err)
	}
	for _, t := range list {
		if err := s.endAPIToken(ctx, userID, t.ID); err != nil && !isNotFound(err) {
			return err
		}
	}
	return nil
}

// liveAPIToken returns the API token with this text, and its user, if it is good.
func (s *Service) liveAPIToken(ctx context.Context, text string) (t apitoken.Token, u user.User, err error) {
	h, err := secret.Parse(secret.APIToken, text)
	if err != nil {
		return t, u, err
	}
	return s.findAPIToken(ctx, h)
}

// findAPIToken returns the API token with this hash, and its user, and an error if it is not good.
func (s *Service) findAPIToken(ctx context.Context, h secret.Hash) (t apitoken.Token, u user.User, err error) {
	t, u, err = s.APITokens.ByHash(ctx, h)
	if isNotFound(err) {
		return t, u, errAPIToken
	}
	if err != nil {
		return t, u, fmt.Errorf("look up API token: %w", err)
	}
	if now := s.Now(); !t.Alive(now) || u.Banned(now) || u.PasswordHash == lockedHash {
		return t, u, errAPIToken
	}
	return t, u, nil
}
