package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

// SignIn is a session as its user sees it.
type SignIn struct {
	session.Session
	session.Origin
	Current bool // the one that asks
}

// ListSessions returns the principal's own sessions that are alive, the latest
// sign-in first.
func (s *Service) ListSessions(ctx context.Context, p *access.Principal) ([]SignIn, error) {
	if err := themselves(p); err != nil {
		return nil, err
	}
	list, err := s.SessionSets.ByUser(ctx, p.Subject)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	now := s.Now()
	signIns := make([]SignIn, 0, len(list))
	for _, sess := range list {
		if !sess.Alive(now) {
			continue
		}
		data, err := s.openData(sess)
		if err != nil {
			s.Report(ctx, "read where a session was signed in from", err) // the user can still end it
		}
		signIns = append(signIns, SignIn{sess, data.Origin, sess.ID == p.Session})
	}
	return signIns, nil
}

// EndSession ends one of the principal's own sessions. Another user's session is
// NotFound, like one that never was.
func (s *Service) EndSession(ctx context.Context, p *access.Principal, id string, c Client) error {
	if err := themselves(p); err != nil {
		return err
	}
	own, err := s.SessionSets.ByUser(ctx, p.Subject)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	if !slices.ContainsFunc(own, func(sess session.Session) bool { return sess.ID == id }) {
		return fault.New(fault.NotFound, "session_unknown", "there is no such session")
	}
	err = s.endSession(ctx, id)
	if isNotFound(err) {
		err = nil
	}
	return s.finished(ctx, c, by(p, ports.Event{
		Action: "session.end", Subject: p.Subject, Detail: map[string]string{"session": id},
	}), err)
}

// EndOtherSessions ends every session of the principal but the one that asks, and
// returns how many that were.
func (s *Service) EndOtherSessions(ctx context.Context, p *access.Principal, c Client) (int, error) {
	if err := themselves(p); err != nil {
		return 0, err
	}
	ended, err := s.endSessions(ctx, p.Subject, p.Session)
	if err != nil { // nobody can tell which ones
		err = errors.Join(err, s.markUser(ctx, p.Subject))
	}
	for _, id := range ended {
		err = errors.Join(err, s.markSession(ctx, id))
	}
	return len(ended), s.finished(ctx, c, by(p, ports.Event{Action: "session.end_others", Subject: p.Subject}), err)
}

// endSessions ends the sessions of a user but one, whose id may be empty, and
// returns their ids. Their access tokens are the caller's to mark.
func (s *Service) endSessions(ctx context.Context, userID, except string) ([]string, error) {
	ended, err := s.SessionSets.DeleteByUser(ctx, userID, except)
	s.changed(userID) // a call that failed may have been carried out
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	return ended, nil
}
