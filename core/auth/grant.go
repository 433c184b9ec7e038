package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
)

// Grant is what a sign-in gives: who it is for, and the three credentials.
type Grant struct {
	User    user.User
	Session session.Session

	Cookie     string        // the signed session id; empty when it did not change
	Access     string        // an access token
	AccessLife time.Duration // from now on
	Refresh    string        // a refresh token
}

// tries is how often a grant is begun anew because something was revoked while it
// was made.
const tries = 3

// errMeanwhile says that a grant was revoked while it was made.
var errMeanwhile = fault.New(fault.Unauthenticated, "session_ended", "this sign-in was ended while it began; please sign in again")

// signIn begins a session of a user who proved to be it, with the password that u
// has.
func (s *Service) signIn(ctx context.Context, u user.User, how manner, c Client) (g *Grant, err error) {
	for range tries {
		if g, err = s.begin(ctx, u, how, c); err != errMeanwhile { //nolint:errorlint // never wrapped
			break
		}
	}
	return g, err
}

func (s *Service) begin(ctx context.Context, u user.User, how manner, c Client) (*Grant, error) {
	at := s.issueTime(u.ID)
	if err := banned(&u, at); err != nil {
		return nil, err
	}
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	g := &Grant{Session: session.New(id, u.ID, u.Tenant, how.method, s.Settings.Life, at)}
	g.Session.Provider, g.Session.Upstream = how.provider, how.upstream
	if g.Cookie, g.Session.Hash, err = s.Seal.Mint(s.Rand, at); err != nil {
		return nil, err
	}
	if g.Refresh, err = g.Session.MintRefresh(s.Rand); err != nil {
		return nil, err
	}
	if g.Session.Sealed, err = s.sealData(id, session.Data{Origin: c.origin(), Tokens: how.tokens}); err != nil {
		return nil, err
	}
	err = s.Sessions.Create(ctx, g.Session)
	if isNotFound(err) { // the user was deleted since
		return nil, errCredentials
	}
	if err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	// Somebody may have been banned, or their password changed, between the proof
	// and the session. Both are written before sessions are ended, so either that
	// ended this one, or it shows here.
	if g.User, err = s.Users.ByID(ctx, u.ID); err != nil {
		err = fmt.Errorf("read user again: %w", err)
	} else if g.User.PasswordHash != u.PasswordHash {
		err = errCredentials
	} else {
		err = s.grantAccess(ctx, g, at)
	}
	if err != nil {
		s.withdraw(ctx, g)
		if isNotFound(err) {
			err = errCredentials
		}
		return nil, err
	}
	return g, nil
}

// withdraw removes the session of a grant that nobody gets.
func (s *Service) withdraw(ctx context.Context, g *Grant) {
	if _, err := s.Sessions.Delete(context.WithoutCancel(ctx), g.Session.ID); err != nil && !isNotFound(err) {
		s.Report(ctx, "end a session that was refused", err)
	}
}

// grantPresent mints the access token of the session that has a refresh family,
// which it reads with its user.
func (s *Service) grantPresent(ctx context.Context, g *Grant, family session.Hash) (err error) {
	for range tries {
		at := s.issueTime(g.User.ID)
		g.Session, g.User, err = s.Sessions.ByFamily(ctx, family)
		if isNotFound(err) {
			return errSession
		}
		if err != nil {
			return fmt.Errorf("read session by refresh family: %w", err)
		}
		if err = s.grantAccess(ctx, g, at); err != errMeanwhile { //nolint:errorlint // never wrapped
			break
		}
	}
	return err
}

// grantAccess mints the access token for the session and the user in the grant.
// They were read after at was taken from issueTime, so whatever ends the one or
// changes the other since makes a mark that is not before at. If there is one
// already, the error is errMeanwhile.
func (s *Service) grantAccess(ctx context.Context, g *Grant, at time.Time) error {
	if !g.Session.Alive(at) {
		return errSession
	}
	if err := banned(&g.User, at); err != nil {
		return err
	}
	id, err := s.newID()
	if err != nil {
		return err
	}
	claims := s.claims(g.User, g.Session, id, at)
	if s.revoked(&claims) {
		return errMeanwhile
	}
	if g.Access, err = s.sign(ctx, accessType, claims); err != nil {
		return fmt.Errorf("sign access token: %w", err)
	}
	g.AccessLife = max(0, time.Unix(claims.Expiry, 0).Sub(s.Now()))
	return nil
}

// claims returns what an access token of a session says (RFC 9068 §2.2).
func (s *Service) claims(u user.User, sess session.Session, id string, at time.Time) token.Claims {
	c := token.Claims{
		Issuer: s.Settings.Issuer, Audience: []string{s.Settings.Audience}, Subject: u.ID,
		ClientID: s.Settings.Audience, ID: id, Session: sess.ID, Tenant: u.Tenant,
		Username: u.Name.String(), Permissions: u.Permissions, AuthTime: sess.SignedInAt.Unix(),
	}
	stamp(&c, at)
	life := s.Settings.AccessLife
	if left := sess.EndsAt.Sub(at); left < life {
		life = left
	}
	c.Expiry = at.Add(life).Unix()
	return c
}

func stamp(c *token.Claims, at time.Time) {
	c.IssuedAt, c.IssuedAtMillis = at.Unix(), at.UnixMilli()
}

// banned returns a Forbidden fault if the user is shut out at now. Only somebody
// who proved who they are is told.
func banned(u *user.User, now time.Time) error {
	if !u.Banned(now) {
		return nil
	}
	message := "this account is banned"
	if !u.Ban.Until.IsZero() {
		message += " until " + u.Ban.Until.UTC().Format(time.RFC3339)
	}
	if u.Ban.Reason != "" {
		message += ": " + u.Ban.Reason
	}
	return fault.New(fault.Forbidden, "banned", message)
}

func (s *Service) sealData(sessionID string, d session.Data) ([]byte, error) {
	plain, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode session data: %w", err)
	}
	sealed, err := s.Sealer.Seal(plain, []byte("session:"+sessionID))
	if err != nil {
		return nil, fmt.Errorf("seal session data: %w", err)
	}
	return sealed, nil
}

func (s *Service) openData(sess session.Session) (session.Data, error) {
	var d session.Data
	plain, err := s.Sealer.Open(sess.Sealed, []byte("session:"+sess.ID))
	if err != nil {
		return d, fmt.Errorf("open session data: %w", err)
	}
	if err := json.Unmarshal(plain, &d); err != nil {
		return d, fmt.Errorf("decode session data: %w", err)
	}
	return d, nil
}
