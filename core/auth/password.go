package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// ForgotPassword mails a link to set another password, if somebody has the
// address. The answer and the work are the same if nobody has: the only errors
// are an address that is none (Invalid), too many mails to it or attempts from
// the client's network (Throttled), and a store or mailer that is down.
func (s *Service) ForgotPassword(ctx context.Context, address, captcha string, c Client) error {
	email, err := user.ParseEmail(address)
	if err != nil {
		return err
	}
	if err := s.limits(ctx, c, "", user.Limit{}); err != nil {
		return err
	}
	if err := s.human(ctx, captcha, c); err != nil {
		return err
	}
	if err := s.mailLimit(ctx, email); err != nil {
		return err
	}
	t := mailed{purpose: purposeVoid, subject: hashKey("nobody", email.Key()), email: email, life: s.Settings.ResetLife}
	var m ports.Message
	u, err := s.Users.ByLogin(ctx, email.Key())
	switch {
	case err == nil:
		t.purpose, t.subject, t.email = purposeReset, u.ID, u.Email
		m = ports.Message{Kind: "reset", Name: u.Name.String()}
	case !isNotFound(err):
		return fmt.Errorf("look up e-mail address: %w", err)
	}
	if err := s.mail(ctx, m, t); err != nil {
		return err
	}
	return s.record(ctx, c, ports.Event{Action: "password.forgot", Subject: u.ID, Tenant: u.Tenant}, nil)
}

// CheckReset returns nil if the secret of a reset link works, and leaves it. A
// page asks before it shows a form.
func (s *Service) CheckReset(ctx context.Context, secret string) error {
	_, err := s.peek(ctx, purposeReset, secret)
	return err
}

// ResetPassword sets another password with the secret of a mailed link, which
// works once; a password that is refused does not use it up. It ends every
// session of the user, confirms the address, since its reader just acted, and
// lifts the limit on failed passwords.
func (s *Service) ResetPassword(ctx context.Context, secret, password string, c Client) error {
	t, err := s.peek(ctx, purposeReset, secret)
	if err != nil {
		return err
	}
	u, err := s.Users.ByID(ctx, t.Subject)
	if isNotFound(err) {
		return errLink
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	hash, err := s.newHash(ctx, "password", password, u)
	if err != nil {
		return err
	}
	// Who never proved the address may have linked accounts at providers, to come back
	// by them. They go before the link is used up, so that it can be tried again if
	// that fails.
	if s.Identities != nil && unproven(&u) {
		if err := s.dispossess(ctx, u, user.EmailOf(t.Email, t.Email), c); err != nil {
			return err
		}
	}
	if _, err = s.consume(ctx, purposeReset, secret); err != nil {
		return err
	}
	begun := false
	_, err = s.Users.Update(ctx, u.ID, func(u *user.User) error {
		begun = u.Email.Key() == t.Email
		if !begun {
			return errLink
		}
		u.SetPassword(hash, s.Now())
		u.EmailConfirmed = true
		return nil
	})
	if isNotFound(err) {
		return errLink
	}
	if err != nil {
		err = fmt.Errorf("set password: %w", err)
	}
	if !begun {
		return err
	}
	err = errors.Join(err, s.passwordChanged(ctx, u, ""))
	s.mailChanged(ctx, u)
	return s.finished(ctx, c, ports.Event{Action: "password.reset", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant}, err)
}

// ChangePassword replaces the principal's own password, ends their other
// sessions, and gives this one new credentials. A wrong present password is an
// Unauthenticated fault and counts as a failure of the account.
func (s *Service) ChangePassword(ctx context.Context, p *access.Principal, present, next string, c Client) (*Grant, error) {
	u, err := s.reauthenticate(ctx, p, present, c, "password.change")
	if err != nil {
		return nil, err
	}
	hash, err := s.newHash(ctx, "new_password", next, u)
	if err != nil {
		return nil, err
	}
	event := by(p, ports.Event{Action: "password.change", Subject: u.ID})
	proven, confirmed := u.PasswordHash, u.EmailConfirmed
	begun := false
	_, err = s.Users.Update(ctx, u.ID, func(u *user.User) error {
		// Two owners may both have had no password: an account that changed hands has
		// its address confirmed since.
		begun = u.PasswordHash == proven && (proven != "" || u.EmailConfirmed == confirmed)
		if !begun {
			return errCredentials
		}
		u.SetPassword(hash, s.Now())
		return nil
	})
	if isNotFound(err) {
		return nil, errUnauthenticated
	}
	if err != nil {
		err = fmt.Errorf("set password: %w", err)
	}
	if !begun {
		return nil, s.refused(ctx, c, event, err)
	}
	// This session's credentials are replaced before the mark is made, so that
	// nothing new can be had with the old ones after it. If that fails the session
	// ends like the others.
	g := &Grant{User: u}
	if err == nil {
		err = s.replaceCredentials(ctx, g, p.Session)
	}
	except := p.Session
	if err != nil {
		except = ""
	}
	err = errors.Join(err, s.passwordChanged(ctx, u, except))
	s.mailChanged(ctx, u)
	if err == nil {
		err = s.grantPresent(ctx, g, g.Session.Family)
	}
	if err = s.finished(ctx, c, event, err); err != nil {
		return nil, err
	}
	return g, nil
}

// replaceCredentials gives a session another id and another refresh family; the
// former ones die at once.
func (s *Service) replaceCredentials(ctx context.Context, g *Grant, id string) error {
	now := s.Now()
	cookie, hash, err := s.Seal.Mint(s.Rand, now)
	if err != nil {
		return err
	}
	var minted session.Session
	refresh, err := minted.MintRefresh(s.Rand)
	if err != nil {
		return err
	}
	g.Session, err = s.Sessions.Update(ctx, id, func(stored *session.Session) error {
		stored.ReplaceNow(hash, now)
		stored.Family, stored.Refresh, stored.FreshAt = minted.Family, minted.Refresh, now
		stored.Touch(now)
		return nil
	})
	if isNotFound(err) {
		return errSession
	}
	if err != nil {
		return fmt.Errorf("replace credentials: %w", err)
	}
	g.Cookie, g.Refresh = cookie, refresh
	return nil
}

// newHash holds a new password against the policy and hashes it.
func (s *Service) newHash(ctx context.Context, member, password string, u user.User) (string, error) {
	prepared, err := s.Settings.Passwords.Accept(member, password, u.Name.Key(), u.Email.Key(), s.Settings.Site)
	if err != nil {
		return "", err
	}
	hash, err := s.Hasher.Hash(ctx, prepared)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// passwordChanged ends what the old password had opened, but for one session.
func (s *Service) passwordChanged(ctx context.Context, u user.User, except string) error {
	_, err := s.endSessions(ctx, u.ID, except)
	return errors.Join(err, s.voidReset(ctx, u), all(
		func() error { return s.markUser(ctx, u.ID) },
		func() error { return s.forget(ctx, accountKey(u.ID)) },
	))
}

// freshly is how long after signing in somebody without a password need not sign in
// again.
const freshly = 10 * time.Minute

// voidReset voids a link to set another password that is under way, by one that
// nobody gets.
func (s *Service) voidReset(ctx context.Context, u user.User) error {
	return s.mail(ctx, ports.Message{}, mailed{purpose: purposeReset, subject: u.ID, email: u.Email})
}

// reauthenticate asks a signed-in user for their password again, before something
// that a stolen session must not do. Somebody who has none must have signed in
// lately.
func (s *Service) reauthenticate(ctx context.Context, p *access.Principal, password string, c Client, action string) (user.User, error) {
	u, err := s.ownUser(ctx, p)
	if err != nil {
		return u, err
	}
	event := by(p, ports.Event{Action: action, Subject: u.ID})
	if u.PasswordHash == "" {
		sess, err := s.ownSession(ctx, p)
		if err == nil && s.Now().Sub(sess.SignedInAt) > freshly {
			err = s.refused(ctx, c, event, fault.New(fault.Forbidden, "sign_in_again", "please sign in again before this"))
		}
		return u, err
	}
	prepared, err := user.Prepare("password", password)
	if err != nil {
		return u, err
	}
	if err := s.limits(ctx, c, accountKey(u.ID), s.Settings.AccountLimit); err != nil {
		return u, s.refused(ctx, c, event, err)
	}
	if u, err = s.prove(ctx, u, prepared); err != nil {
		return u, s.refused(ctx, c, event, err)
	}
	return u, s.forget(ctx, accountKey(u.ID))
}
