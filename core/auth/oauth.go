package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// MachineGrant is a machine's token.
type MachineGrant struct {
	Access string
	Life   time.Duration
	Scopes []string
}

// errAgain says that a client was changed again and again while its token was made.
var errAgain = fault.New(fault.Unavailable, "changed_meanwhile", "the client was changed meanwhile; please try again")

// IssueMachineToken gives a client a token with the scopes that it asks for, or all that it may have (RFC 6749 §4.4). A client that
// is not known, is disabled, or does not prove itself is Unauthenticated with the code "invalid_client"; a scope that it may
// not have is Invalid with "invalid_scope". Too many failures from a network are Throttled, which never hits a client that does
// prove itself.
func (s *Service) IssueMachineToken(ctx context.Context, proof ClientProof, scopes []string, c Client) (MachineGrant, error) {
	cl, sh, at, err := s.proveClient(ctx, proof, "client.token", c)
	if err != nil {
		return MachineGrant{}, err
	}
	event := ports.Event{Action: "client.token", Actor: cl.ID, Subject: cl.ID, Tenant: cl.Tenant}
	var g MachineGrant
	for try := 1; ; try++ {
		g, err = s.grantMachine(ctx, &cl, scopes, at)
		if err != errMeanwhile { //nolint:errorlint // never wrapped
			break
		}
		if try == tries {
			return MachineGrant{}, s.refused(ctx, c, event, errAgain)
		}
		if at, err = s.proveAgain(ctx, &cl, &sh); err != nil {
			break
		}
	}
	if err != nil {
		return MachineGrant{}, s.refused(ctx, c, event, err)
	}
	event.Detail = map[string]string{"scope": strings.Join(g.Scopes, " ")}
	if err := s.record(ctx, c, event, nil); err != nil {
		return MachineGrant{}, err
	}
	return g, nil
}

// proveAgain reads a client that was changed, and holds what it showed against it as it is now: the secret may be
// the one that was taken from it.
func (s *Service) proveAgain(ctx context.Context, cl *client.Client, sh *evidence) (time.Time, error) {
	at := s.issueTime(sh.id)
	now, err := s.Machines.ByID(ctx, sh.id)
	if isNotFound(err) {
		return at, errClient
	}
	if err != nil {
		return at, fmt.Errorf("look up client again: %w", err)
	}
	*cl = now
	_, err = sh.proves(cl, s.Now())
	return at, err
}

// grantMachine mints the token of a client that was read after at was taken from issueTime, so whatever shuts it out or
// changes it since makes a mark that is not before at. If there is one already, the error is errMeanwhile.
func (s *Service) grantMachine(ctx context.Context, cl *client.Client, scopes []string, at time.Time) (MachineGrant, error) {
	granted, err := cl.Grant(scopes)
	if err != nil {
		return MachineGrant{}, err
	}
	id, err := s.newID()
	if err != nil {
		return MachineGrant{}, err
	}
	claims := token.Claims{
		Issuer: s.Settings.Issuer, Audience: []string{s.Settings.Audience}, Subject: cl.ID, ClientID: cl.ID,
		ID: id, Tenant: cl.Tenant, Scope: strings.Join(granted, " "), Permissions: granted,
		Expiry: at.Add(s.Settings.AccessLife).Unix(),
	}
	stamp(&claims, at)
	if s.revoked(&claims) {
		return MachineGrant{}, errMeanwhile
	}
	g := MachineGrant{Scopes: granted}
	if g.Access, err = s.sign(ctx, accessType, claims); err != nil {
		return MachineGrant{}, fmt.Errorf("sign access token: %w", err)
	}
	g.Life = max(0, time.Unix(claims.Expiry, 0).Sub(s.Now()))
	return g, nil
}

// Introspection is what is told of a token (RFC 7662 §2.2). Only Active is set for one that is not good.
type Introspection struct {
	Active      bool
	Type        string // "Bearer"
	Scope       string // the permissions, separated by spaces
	ClientID    string
	Username    string
	Subject     string
	Tenant      string
	Permissions []string
	Session     string
	Issuer      string
	Audience    []string
	ID          string
	Expiry      int64 // Unix seconds; 0 for never
	IssuedAt    int64
	NotBefore   int64
}

// Introspect tells a client of an access or API token of its own tenant. Every other token, whatever is wrong with it, is not
// active. The error is that of IssueMachineToken for a client that does not prove itself, or Unavailable.
func (s *Service) Introspect(ctx context.Context, proof ClientProof, text string, c Client) (Introspection, error) {
	cl, _, _, err := s.proveClient(ctx, proof, "client.introspect", c)
	if err != nil {
		return Introspection{}, err
	}
	var in Introspection
	if strings.HasPrefix(text, secret.APIToken) {
		in, err = s.introspectAPIToken(ctx, text)
	} else {
		in, err = s.introspectAccess(text)
	}
	if err != nil || in.Tenant != cl.Tenant {
		return Introspection{}, unlessBad(err)
	}
	in.Active, in.Type, in.Scope, in.Issuer = true, "Bearer", strings.Join(in.Permissions, " "), s.Settings.Issuer
	return in, nil
}

// unlessBad returns nil for an error that says no more than that a token is not good.
func unlessBad(err error) error {
	switch fault.KindOf(err) {
	case fault.Unauthenticated, fault.Forbidden, fault.NotFound:
		return nil
	default:
		return err
	}
}

func (s *Service) introspectAccess(compact string) (Introspection, error) {
	var claims token.Claims
	if err := s.verify(compact, s.Now(), &claims); err != nil {
		return Introspection{}, err
	}
	return Introspection{
		ClientID: claims.ClientID, Username: claims.Username, Subject: claims.Subject, Tenant: claims.Tenant,
		Permissions: claims.Permissions, Session: claims.Session, Audience: claims.Audience, ID: claims.ID,
		Expiry: claims.Expiry, IssuedAt: claims.IssuedAt, NotBefore: claims.NotBefore,
	}, nil
}

func (s *Service) introspectAPIToken(ctx context.Context, text string) (Introspection, error) {
	t, u, err := s.liveAPIToken(ctx, text)
	if err != nil {
		return Introspection{}, err
	}
	if now := s.Now(); t.Stale(now) { // whoever asks was shown it
		err := s.APITokens.Touch(ctx, t.ID, now)
		switch {
		case isNotFound(err): // it was deleted since
			return Introspection{}, errAPIToken
		case err != nil:
			s.Report(ctx, "note when an API token was used", err)
		}
	}
	in := Introspection{
		Username: u.Name.String(), Subject: u.ID, Tenant: u.Tenant, Permissions: t.Permissions(u.Permissions),
		Audience: []string{s.Settings.Audience}, ID: t.ID, IssuedAt: t.CreatedAt.Unix(),
	}
	if !t.ExpiresAt.IsZero() {
		in.Expiry = t.ExpiresAt.Unix()
	}
	return in, nil
}

// RevokeToken ends what whoever holds a token may end with it (RFC 7009): an access token, an API token, or by a refresh token its
// whole sign-in. A token that is not good, or that was issued to another client, is no error. proof is nil for
// a client that cannot authenticate; then a machine's token is left alone.
func (s *Service) RevokeToken(ctx context.Context, proof *ClientProof, text string, c Client) error {
	event := ports.Event{Action: "token.revoke"}
	if proof != nil {
		cl, _, _, err := s.proveClient(ctx, *proof, event.Action, c)
		if err != nil {
			return err
		}
		event.Actor = cl.ID
	}
	switch {
	case len(text) == session.RefreshLength && !strings.Contains(text, "."): // it may begin like an API token, which is shorter
		return unlessBad(s.revokeRefresh(ctx, text, event, c))
	case strings.HasPrefix(text, secret.APIToken):
		return unlessBad(s.revokeAPIToken(ctx, text, event, c))
	default:
		return unlessBad(s.revokeAccess(ctx, text, event, c))
	}
}

func (s *Service) revokeAccess(ctx context.Context, compact string, event ports.Event, c Client) error {
	var claims token.Claims
	if err := s.verify(compact, s.Now(), &claims); err != nil {
		return err
	}
	if claims.ClientID == claims.Subject && claims.ClientID != event.Actor { // another machine's
		return nil
	}
	event.Subject, event.Tenant, event.Session = claims.Subject, claims.Tenant, claims.Session
	event.Detail = map[string]string{"sort": "access", "token": claims.ID}
	return s.finished(ctx, c, event, s.mark(ctx, token.Mark{Kind: token.MarkToken, Value: claims.ID}))
}

func (s *Service) revokeAPIToken(ctx context.Context, text string, event ports.Event, c Client) error {
	h, err := secret.Parse(secret.APIToken, text)
	if err != nil {
		return err
	}
	t, u, err := s.APITokens.ByHash(ctx, h) // alive or not: a ban may be lifted, and then it would be
	if isNotFound(err) {
		return errAPIToken
	}
	if err != nil {
		return fmt.Errorf("look up API token: %w", err)
	}
	event.Subject, event.Tenant, event.Detail = u.ID, u.Tenant, map[string]string{"sort": "api", "token": t.ID}
	err = s.endAPIToken(ctx, t.UserID, t.ID)
	if isNotFound(err) {
		err = nil
	}
	return s.finished(ctx, c, event, err)
}

// revokeRefresh ends the sign-in of a refresh token. One that was replaced does so too: who shows it has a copy, and
// Refresh ends the sign-in of such a one as well.
func (s *Service) revokeRefresh(ctx context.Context, text string, event ports.Event, c Client) error {
	r, err := session.ParseRefresh(text)
	if err != nil {
		return err
	}
	sess, u, err := s.Sessions.ByFamily(ctx, r.Family)
	if isNotFound(err) {
		return errSession
	}
	if err != nil {
		return fmt.Errorf("read session by refresh family: %w", err)
	}
	event.Subject, event.Tenant, event.Session = u.ID, u.Tenant, sess.ID
	event.Detail = map[string]string{"sort": "refresh"}
	err = s.endSession(ctx, sess.ID)
	if isNotFound(err) {
		err = nil
	}
	return s.finished(ctx, c, event, err)
}
