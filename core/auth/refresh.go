package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

// Refresh takes a refresh token for a new one and a new access token. Of
// concurrent uses of one token one succeeds. A token that was replaced before is
// a sign that somebody has a copy: it ends the family and its session. Every
// refusal is Unauthenticated; a banned user is Forbidden.
func (s *Service) Refresh(ctx context.Context, refreshToken string, c Client) (*Grant, error) {
	if refreshToken == "" {
		return nil, errUnauthenticated
	}
	r, err := session.ParseRefresh(refreshToken)
	if err != nil {
		return nil, err
	}
	now := s.Now() // before the user is read: see grantAccess
	sess, u, err := s.Sessions.ByFamily(ctx, r.Family)
	if isNotFound(err) {
		return nil, errSession
	}
	if err != nil {
		return nil, fmt.Errorf("read session by refresh family: %w", err)
	}
	event := ports.Event{Action: "refresh", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant, Session: sess.ID}
	g := &Grant{}
	next, nextHash, err := r.Next(s.Rand)
	if err != nil {
		return nil, err
	}
	cookie, cookieHash, err := s.Seal.Mint(s.Rand, now)
	if err != nil {
		return nil, err
	}
	former := sess.Hash
	g.Session, err = s.Sessions.Update(ctx, sess.ID, func(stored *session.Session) error {
		g.Cookie = ""
		if !stored.Alive(now) {
			return errSession
		}
		if err := stored.RotateRefresh(r.Whole, nextHash, now); err != nil {
			return err
		}
		if stored.Rotate {
			former = stored.Hash
			stored.Replace(cookieHash, now)
			g.Cookie = cookie
		}
		return nil
	})
	switch {
	case errors.Is(err, session.ErrReused):
		if endErr := s.endSession(ctx, sess.ID); endErr != nil && !isNotFound(endErr) {
			return nil, endErr
		}
		return nil, s.refused(ctx, c, event, err)
	case isNotFound(err):
		return nil, errSession
	case err != nil:
		return nil, fmt.Errorf("rotate refresh token: %w", err)
	}
	if g.Cookie != "" {
		s.cache.forgetHash(former)
	}
	g.Refresh = next
	if err := s.grantAccess(ctx, g, u, now); err != nil {
		return nil, err
	}
	return g, nil
}
