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

// signIn begins a session of a user who proved to be it, as asOf knows them.
func (s *Service) signIn(ctx context.Context, u user.User, method string, c Client) (*Grant, error) {
	now := s.Now()
	if err := banned(&u, now); err != nil {
		return nil, err
	}
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	g := &Grant{Session: session.New(id, u.ID, u.Tenant, method, s.Settings.Life, now)}
	if g.Cookie, g.Session.Hash, err = s.Seal.Mint(s.Rand, now); err != nil {
		return nil, err
	}
	if g.Refresh, err = g.Session.MintRefresh(s.Rand); err != nil {
		return nil, err
	}
	if g.Session.Sealed, err = s.sealOrigin(id, c.origin()); err != nil {
		return nil, err
	}
	if err := s.Sessions.Create(ctx, g.Session); err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	// Somebody may have been banned, or their password changed, between the proof
	// and the session. Both are written before sessions are ended, so either that
	// ended this one, or it shows here.
	fresh, err := s.Users.ByID(ctx, u.ID)
	if err == nil && fresh.PasswordHash != u.PasswordHash {
		err = errCredentials
	}
	if err == nil {
		err = s.grantAccess(ctx, g, fresh, now)
	}
	if err != nil {
		if _, endErr := s.Sessions.Delete(ctx, id); endErr != nil && !isNotFound(endErr) {
			s.Report(ctx, "end a session that was refused", endErr)
		}
		if isNotFound(err) {
			err = errCredentials
		}
		return nil, err
	}
	return g, nil
}

// clockStep is the most by which a token's issue time is moved forward, so that
// it is later than a mark of the same millisecond.
const clockStep = 50 * time.Millisecond

// grantAccess mints the access token. asOf is a moment before u was read: a mark
// made since then says that u may be out of date, and it is read again.
func (s *Service) grantAccess(ctx context.Context, g *Grant, u user.User, asOf time.Time) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	claims := s.claims(u, g.Session, id, asOf)
	if s.revoked(&claims) {
		now := s.Now()
		if u, err = s.Users.ByID(ctx, u.ID); err != nil {
			return fmt.Errorf("read user again: %w", err)
		}
		claims = s.claims(u, g.Session, id, now)
		for at := now; s.revoked(&claims); at = at.Add(time.Millisecond) {
			if at.Sub(now) > clockStep {
				return errSession
			}
			stamp(&claims, at)
		}
	}
	if err := banned(&u, s.Now()); err != nil {
		return err
	}
	if g.Access, err = s.sign(ctx, accessType, claims); err != nil {
		return fmt.Errorf("sign access token: %w", err)
	}
	g.User, g.AccessLife = u, time.Unix(claims.Expiry, 0).Sub(s.Now())
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

func (s *Service) sealOrigin(sessionID string, o session.Origin) ([]byte, error) {
	plain, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode session data: %w", err)
	}
	sealed, err := s.Sealer.Seal(plain, []byte("session:"+sessionID))
	if err != nil {
		return nil, fmt.Errorf("seal session data: %w", err)
	}
	return sealed, nil
}

func (s *Service) openOrigin(sess session.Session) (session.Origin, error) {
	var o session.Origin
	plain, err := s.Sealer.Open(sess.Sealed, []byte("session:"+sess.ID))
	if err != nil {
		return o, fmt.Errorf("open session data: %w", err)
	}
	if err := json.Unmarshal(plain, &o); err != nil {
		return o, fmt.Errorf("decode session data: %w", err)
	}
	return o, nil
}
