package auth

import (
	"context"
	"fmt"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// PasswordLogin is what somebody who signs in shows.
type PasswordLogin struct {
	Login    string // a user name or an e-mail address
	Password string
	Captcha  string // the response, when there is a captcha
	Replaces string // the session cookie that the browser had before, if any
}

// errCredentials is the one answer to an unknown user and to a wrong password.
var errCredentials = fault.New(fault.Unauthenticated, "bad_credentials", "the user name or the password is wrong")

// maxLogin bounds a user name or e-mail address that is looked up, in bytes.
const maxLogin = 512

// Login signs a user in by password. An unknown user, a user without a password
// and a wrong password are the same Unauthenticated fault after the same work.
// Too many failures for the account, known or not, or too many attempts from the
// client's network are a Throttled fault, even with the right password. A banned
// user who has the right password is Forbidden.
func (s *Service) Login(ctx context.Context, in PasswordLogin, c Client) (*Grant, error) {
	if in.Login == "" || len(in.Login) > maxLogin {
		return nil, fault.InvalidField("login", "required", "a user name or an e-mail address is required")
	}
	password, err := user.Prepare("password", in.Password)
	if err != nil {
		return nil, err
	}
	u, account, err := s.lookUp(ctx, in.Login)
	if err != nil {
		return nil, err
	}
	event := ports.Event{Action: "login", Subject: u.ID, Tenant: u.Tenant} // by nobody knows whom until the proof
	counted := c
	if s.Captcha != nil { // a guess that no person made counts against its network, and locks no account
		if err := s.limits(ctx, c, "", user.Limit{}); err != nil {
			return nil, s.refused(ctx, c, event, err)
		}
		if err := s.human(ctx, in.Captcha, c); err != nil {
			return nil, err
		}
		counted = Client{}
	}
	if err := s.limits(ctx, counted, account, s.Settings.AccountLimit); err != nil {
		return nil, s.refused(ctx, c, event, err)
	}
	if u, err = s.prove(ctx, u, password); err != nil {
		return nil, s.refused(ctx, c, event, err)
	}
	event.Actor = u.ID
	g, err := s.signIn(ctx, u, byPassword, c)
	if err != nil {
		return nil, s.refused(ctx, c, event, err)
	}
	event.Session = g.Session.ID
	err = all(
		func() error { return s.forget(ctx, account) },
		func() error { return s.record(ctx, c, event, nil) },
	)
	if err != nil {
		s.withdraw(ctx, g)
		return nil, err
	}
	s.endReplaced(ctx, in.Replaces)
	return g, nil
}

// lookUp finds the user of a login, or the zero User, and names the account that
// failures count against: the user's if there is one, whichever name was used.
func (s *Service) lookUp(ctx context.Context, login string) (user.User, string, error) {
	key := user.LoginKey(login)
	if key == "" { // nobody can be called so; the look-up is made all the same
		key = hashKey("none", login)
	}
	u, err := s.Users.ByLogin(ctx, key)
	switch {
	case isNotFound(err):
		return user.User{}, hashKey("login", key), nil
	case err != nil:
		return user.User{}, "", fmt.Errorf("look up user: %w", err)
	}
	return u, accountKey(u.ID), nil
}

// prove checks a password, and replaces a hash that is out of date. It returns
// the user as they are then.
func (s *Service) prove(ctx context.Context, u user.User, password string) (user.User, error) {
	if u.PasswordHash == lockedHash {
		u.PasswordHash = "" // matches nothing, in the time of a real one
	}
	matches, outdated, err := s.Hasher.Verify(ctx, u.PasswordHash, password)
	if err != nil {
		return u, fmt.Errorf("verify password: %w", err)
	}
	if !matches || u.ID == "" || u.PasswordHash == "" {
		return u, errCredentials
	}
	if !outdated {
		return u, nil
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return u, fmt.Errorf("hash password again: %w", err)
	}
	fresh, err := s.Users.Update(ctx, u.ID, func(stored *user.User) error {
		if stored.PasswordHash == u.PasswordHash { // nobody else was quicker
			stored.SetPassword(hash, s.Now())
		}
		return nil
	})
	if err != nil { // the old one is as good, but it may have been replaced all the same
		s.Report(ctx, "replace an outdated password hash", err)
		fresh, err = s.Users.ByID(ctx, u.ID)
		if isNotFound(err) {
			return u, errCredentials
		}
		if err != nil {
			return u, fmt.Errorf("read user again: %w", err)
		}
	}
	if fresh.PasswordHash != hash && fresh.PasswordHash != u.PasswordHash { // replaced by another sign-in, or by another password
		if matches, _, err = s.Hasher.Verify(ctx, fresh.PasswordHash, password); err != nil {
			return u, fmt.Errorf("verify password again: %w", err)
		}
		if !matches {
			return u, errCredentials
		}
	}
	return fresh, nil
}

// Logout ends the principal's session with its refresh family and access tokens.
// Ending a session that has ended is fine.
func (s *Service) Logout(ctx context.Context, p *access.Principal, c Client) error {
	if p.Session == "" {
		return nil
	}
	err := s.endSession(ctx, p.Session)
	if isNotFound(err) {
		err = nil
	}
	return s.finished(ctx, c, by(p, ports.Event{Action: "logout", Subject: p.Subject}), err)
}

// endSession ends a session for good: in the store, in the cache, and for access
// tokens. NotFound when it had ended; its tokens are marked even so.
func (s *Service) endSession(ctx context.Context, id string) error {
	sess, err := s.Sessions.Delete(ctx, id)
	if err == nil {
		s.cache.forgetHash(sess.Hash)
	} else { // another process may have ended it, or this call did and cannot tell
		s.cache.forgetSession(id)
	}
	markErr := s.markSession(ctx, id)
	switch {
	case err != nil && !isNotFound(err):
		return fmt.Errorf("end session: %w", err)
	case markErr != nil:
		return markErr
	}
	return err
}

// endReplaced ends the session that a browser had before it signed in again, so
// that no second one stays behind unseen.
func (s *Service) endReplaced(ctx context.Context, cookie string) {
	if cookie == "" {
		return
	}
	h, err := s.Seal.Check(cookie)
	if err != nil {
		return
	}
	sess, _, err := s.Sessions.ByHash(ctx, h)
	if err == nil && sess.Accepts(h, s.Now()) {
		err = s.endSession(ctx, sess.ID)
	}
	if err != nil && !isNotFound(err) {
		s.Report(ctx, "end the session that another one replaced", err)
	}
}
