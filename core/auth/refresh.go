package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/hexward/hexward/core/fault"
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
	g := &Grant{}
	err = s.grantPresent(ctx, g, r.Family) // first, so that a failure to sign uses no token up
	u, id := g.User, g.Session.ID
	event := ports.Event{Action: "refresh", Subject: u.ID, Tenant: u.Tenant, Session: id}
	if err != nil && fault.KindOf(err) == fault.Forbidden {
		return nil, s.refused(ctx, c, event, err)
	}
	if err != nil {
		return nil, err
	}
	now := s.Now()
	next, nextHash, err := r.Next(s.Rand)
	if err != nil {
		return nil, err
	}
	cookie, cookieHash, err := s.Seal.Mint(s.Rand, now)
	if err != nil {
		return nil, err
	}
	var former session.Hash
	g.Session, err = s.Sessions.Update(ctx, id, func(stored *session.Session) error {
		g.Cookie = ""
		if !stored.Alive(now) || stored.Family != r.Family {
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
		if endErr := s.endSession(ctx, id); endErr != nil && !isNotFound(endErr) {
			return nil, s.refused(ctx, c, event, endErr)
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
	return g, nil
}
