package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
)

// Credentials is what a request showed. The first one that is there decides, in
// the order of the fields; there is no falling back from a bad one to the next.
type Credentials struct {
	Bearer    string  // of the Authorization header: an access token of ours, an API token, or a trusted issuer's token
	HasBearer bool    // there was an Authorization header, whatever it held
	Session   string  // the signed session id of the cookie
	Access    string  // the access token of the cookie
	From      Visitor // who says where the request comes from, if somebody's first token makes them a user here; may be nil
}

// Visitor says where a request comes from, when that is asked for.
type Visitor interface{ Visitor() Client }

// Identity is who is asking, and what the answer should do about their cookie.
// The principal is shared: nobody changes it.
type Identity struct {
	*access.Principal
	RotateDue bool // the session's id should be replaced with Renew

	epoch uint64 // at which all of it was so
}

var anonymous = &access.Principal{}

// Authenticate says whose request this is: the anonymous principal when no
// credential was shown, and an Unauthenticated fault when the one that decides is
// bad. It is Unavailable when that cannot be told, as while an issuer's keys cannot
// be had. A session or token that is remembered costs no look-up and no allocation.
func (s *Service) Authenticate(ctx context.Context, c Credentials) (Identity, error) {
	switch {
	case c.HasBearer:
		return s.byBearer(ctx, c.Bearer, c.From)
	case c.Session != "":
		return s.bySession(ctx, c.Session)
	case c.Access != "":
		return s.byCookie(c.Access)
	default:
		return Identity{Principal: anonymous}, nil
	}
}

func (s *Service) bySession(ctx context.Context, cookie string) (Identity, error) {
	h, err := s.Seal.Check(cookie)
	if err != nil {
		return Identity{}, err
	}
	epoch, now := s.changes.epoch(), s.Now()
	e := s.cache.get(h)
	if e == nil {
		if e, err = s.readSession(ctx, h, now); err != nil {
			return Identity{}, err
		}
	} else if !s.cache.alive(e, now) {
		return Identity{}, errSession
	}
	if e.stale(now) {
		if err := s.touch(ctx, h, e.principal.Session, now); err != nil {
			return Identity{}, err
		}
	}
	return Identity{Principal: &e.principal, RotateDue: e.rotate(), epoch: epoch}, nil
}

// readSession reads a session that is alive and its user from the store into the
// cache.
func (s *Service) readSession(ctx context.Context, h session.Hash, now time.Time) (*cached, error) {
	epoch := s.cache.epoch.Load()
	sess, u, err := s.Sessions.ByHash(ctx, h)
	switch {
	case isNotFound(err):
		return nil, errSession
	case err != nil:
		return nil, fmt.Errorf("read session: %w", err)
	case !sess.Accepts(h, now) || !sess.Alive(now) || u.Banned(now):
		return nil, errSession
	}
	if h != sess.Hash { // a former id, whose replacement is on the way to the browser, is not worth its place
		sess.Rotate = false
		e, _ := s.cache.remember(sess, u)
		return e, nil
	}
	e, keep := s.cache.remember(sess, u)
	if keep {
		s.cache.put(epoch, h, e)
	}
	return e, nil
}

// touch writes when a session was seen. A session that is gone is refused; a
// store that cannot write now loses nothing but a minute of idle time.
func (s *Service) touch(ctx context.Context, h session.Hash, id string, now time.Time) error {
	_, err := s.Sessions.Update(ctx, id, func(sess *session.Session) error {
		sess.Touch(now)
		return nil
	})
	switch {
	case isNotFound(err): // another process ended it
		s.cache.forgetHash(h)
		return errSession
	case err != nil:
		s.Report(ctx, "note when a session was seen", err)
	}
	return nil
}

// Renew replaces the id of a session that is due for it and returns the new
// signed id. The former one works for session.RotationGrace, for requests under
// way. Of concurrent callers one succeeds; the others get "" and no error.
func (s *Service) Renew(ctx context.Context, cookie string) (string, error) {
	h, err := s.Seal.Check(cookie)
	if err != nil {
		return "", err
	}
	sess, _, err := s.Sessions.ByHash(ctx, h)
	if isNotFound(err) {
		return "", errSession
	}
	if err != nil {
		return "", fmt.Errorf("read session: %w", err)
	}
	now := s.Now()
	next, nextHash, err := s.Seal.Mint(s.Rand, now)
	if err != nil {
		return "", err
	}
	_, err = s.Sessions.Update(ctx, sess.ID, func(sess *session.Session) error {
		if !sess.Alive(now) {
			return errSession
		}
		if !sess.Rotate || sess.Hash != h {
			return errNotDue
		}
		sess.Replace(nextHash, now)
		return nil
	})
	switch {
	case err == errNotDue: //nolint:errorlint // the port returns what the function returned
		return "", nil
	case isNotFound(err):
		return "", errSession
	case err != nil:
		return "", fmt.Errorf("replace session id: %w", err)
	}
	s.cache.forgetHash(h)
	return next, nil
}

var errNotDue = fault.New(fault.Conflict, "not_due", "the session's id was replaced already")
