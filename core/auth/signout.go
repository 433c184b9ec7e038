package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// SignOut is Logout that signs out at the provider too: the session here ends
// first, whatever the provider does; then its tokens are revoked where the
// provider can; then it returns where the browser goes for signing out there, which
// leads back to back, or "". A provider that is down costs the person nothing but
// staying signed in there, and is reported.
func (s *Service) SignOut(ctx context.Context, p *access.Principal, back string, c Client) (string, error) {
	up, tokens := s.tokensOf(ctx, p)
	if err := s.Logout(ctx, p, c); err != nil || up == nil {
		return "", err
	}
	if err := up.Logout.Revoke(ctx, tokens); err != nil {
		s.Report(ctx, "revoke the tokens of "+up.Name, err)
	}
	url, err := up.Logout.End(ctx, tokens, back)
	if err != nil {
		s.Report(ctx, "find where to sign out at "+up.Name, err)
		return "", nil
	}
	return url, nil
}

// tokensOf returns the provider that signed the principal in and its tokens, or nil.
// What cannot be read is reported: signing out goes on.
func (s *Service) tokensOf(ctx context.Context, p *access.Principal) (*Upstream, session.Tokens) {
	if p.Session == "" || len(s.Providers) == 0 {
		return nil, session.Tokens{}
	}
	sess, err := s.ownSession(ctx, p)
	if err != nil || sess.Provider == "" {
		if err != nil && !errors.Is(err, errSession) { // one that has ended is no failure
			s.Report(ctx, "read the session to sign out at its provider", err)
		}
		return nil, session.Tokens{}
	}
	up, err := s.upstream(sess.Provider)
	if err != nil { // not configured any more
		return nil, session.Tokens{}
	}
	data, err := s.openData(sess)
	if err != nil || data.Tokens == nil {
		if err != nil {
			s.Report(ctx, "read the tokens of "+up.Name, err)
		}
		return nil, session.Tokens{}
	}
	return up, *data.Tokens
}

// ownSession returns the session of a principal.
func (s *Service) ownSession(ctx context.Context, p *access.Principal) (session.Session, error) {
	list, err := s.SessionSets.ByUser(ctx, p.Subject)
	if err != nil {
		return session.Session{}, fmt.Errorf("list sessions: %w", err)
	}
	i := slices.IndexFunc(list, func(one session.Session) bool { return one.ID == p.Session })
	if i < 0 {
		return session.Session{}, errSession
	}
	return list[i], nil
}

// aboutToExpire is how long before its end a token counts as expired: it has to get
// somewhere yet.
const aboutToExpire = 30 * time.Second

// UpstreamToken returns an access token of the provider that signed the principal
// in, refreshed when it has expired, and its provider's name. A session without
// one is NotFound.
func (s *Service) UpstreamToken(ctx context.Context, p *access.Principal) (accessToken, provider string, err error) {
	if err := themselves(p); err != nil {
		return "", "", err
	}
	none := fault.New(fault.NotFound, "upstream_unknown", "this session was not begun with a provider")
	done, err := s.turns.take(ctx, "upstream "+p.Session) // a refresh token works once
	if err != nil {
		return "", "", err
	}
	defer done()
	sess, err := s.ownSession(ctx, p)
	if err != nil {
		return "", "", err
	}
	up, err := s.upstream(sess.Provider)
	if err != nil {
		return "", "", none
	}
	data, err := s.openData(sess)
	if err != nil {
		return "", "", err
	}
	if data.Tokens == nil || data.Tokens.Access == "" {
		return "", "", none
	}
	if s.lasts(data.Tokens) {
		return data.Tokens.Access, up.Name, nil
	}
	fresh, err := up.Provider.Refresh(ctx, *data.Tokens)
	if err != nil {
		if theirs := s.refreshedElsewhere(ctx, p, sess); theirs != nil {
			return theirs.Access, up.Name, nil
		}
		return "", "", fmt.Errorf("refresh the tokens of %s: %w", up.Name, err)
	}
	data.Tokens = &fresh
	sealed, err := s.sealData(sess.ID, data)
	if err != nil {
		return "", "", err
	}
	// The old refresh token may be used up: the new one is kept even if nobody waits
	// for it any more.
	_, err = s.Sessions.Update(context.WithoutCancel(ctx), sess.ID, func(stored *session.Session) error {
		stored.Sealed = sealed
		return nil
	})
	if isNotFound(err) {
		if err := up.Logout.Revoke(context.WithoutCancel(ctx), fresh); err != nil { // signing out could not, without knowing them
			s.Report(ctx, "revoke the tokens of "+up.Name, err)
		}
		return "", "", errSession
	}
	if err != nil {
		return "", "", fmt.Errorf("keep the tokens of %s: %w", up.Name, err)
	}
	return fresh.Access, up.Name, nil
}

// lasts reports whether an access token can be used yet.
func (s *Service) lasts(t *session.Tokens) bool {
	return t.Expires.IsZero() || s.Now().Add(aboutToExpire).Before(t.Expires)
}

// refreshedElsewhere returns the tokens of a session if another process has
// refreshed them since it was read, else nil.
func (s *Service) refreshedElsewhere(ctx context.Context, p *access.Principal, before session.Session) *session.Tokens {
	now, err := s.ownSession(ctx, p)
	if err != nil || bytes.Equal(now.Sealed, before.Sealed) {
		return nil
	}
	data, err := s.openData(now)
	if err != nil || data.Tokens == nil || data.Tokens.Access == "" || !s.lasts(data.Tokens) {
		return nil
	}
	return data.Tokens
}

// turns lets those who ask for the same thing go one after the other. The zero
// value is ready for use.
type turns struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// take waits for a turn, for as long as ctx allows. Who has it calls done.
func (t *turns) take(ctx context.Context, what string) (done func(), err error) {
	for {
		t.mu.Lock()
		if t.held == nil {
			t.held = map[string]chan struct{}{}
		}
		held, busy := t.held[what]
		if !busy {
			mine := make(chan struct{})
			t.held[what] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.held, what)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ports.Ended(ctx)
		}
	}
}

// BackChannelLogout ends the sessions that a provider's logout token names (OpenID
// Connect Back-Channel Logout 1.0), and returns how many that were. A token that is
// refused, or was used before, is Invalid. It says nothing of whether anybody was
// signed in.
func (s *Service) BackChannelLogout(ctx context.Context, provider, logoutToken string, c Client) (int, error) {
	up, err := s.upstream(provider)
	if err != nil {
		return 0, err
	}
	out, err := up.Logout.ReadLogout(ctx, logoutToken)
	if err != nil {
		return 0, fmt.Errorf("read logout token of %s: %w", up.Name, err)
	}
	replayed := false
	counter := []string{hashKey("logout", out.Issuer+" "+out.ID)}
	err = s.Attempts.Update(ctx, counter, func(counters []*user.Attempts) {
		replayed = counters[0].Take(user.Limit{Count: 1, Window: 2 * flowLife}, s.Now()) > 0
	})
	if err != nil {
		return 0, fmt.Errorf("use up the logout token: %w", err)
	}
	if replayed {
		return 0, fault.New(fault.Invalid, "logout_token", "this logout token was used before")
	}
	n, err := s.endUpstream(ctx, up, out, c)
	if err != nil { // the provider sends it again, and then it has to work
		forget := func(counters []*user.Attempts) { counters[0].Forget() }
		if undoErr := s.Attempts.Update(context.WithoutCancel(ctx), counter, forget); undoErr != nil {
			s.Report(ctx, "let a logout token be used again", undoErr)
		}
		return 0, err
	}
	return n, nil
}

func (s *Service) endUpstream(ctx context.Context, up *Upstream, out ports.LogoutToken, c Client) (int, error) {
	list, err := s.signedOut(ctx, up, out)
	if err != nil {
		return 0, err
	}
	var errs []error // one session that does not end keeps no other from ending
	for _, sess := range list {
		err := s.endSession(ctx, sess.ID)
		if isNotFound(err) {
			err = nil
		}
		errs = append(errs, s.finished(ctx, c, ports.Event{
			Action: "logout.provider", Subject: sess.UserID, Tenant: sess.Tenant, Session: sess.ID, Detail: map[string]string{"provider": up.Name},
		}, err))
	}
	return len(list), errors.Join(errs...)
}

// signedOut returns the sessions that a logout token names.
func (s *Service) signedOut(ctx context.Context, up *Upstream, out ports.LogoutToken) ([]session.Session, error) {
	if out.Session != "" {
		list, err := s.SessionSets.ByUpstream(ctx, up.Name, out.Session)
		if err != nil {
			return nil, fmt.Errorf("find sessions: %w", err)
		}
		return list, nil
	}
	_, u, err := s.Identities.BySubject(ctx, out.Issuer, out.Subject)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up identity: %w", err)
	}
	list, err := s.SessionSets.ByUser(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return slices.DeleteFunc(list, func(one session.Session) bool { return one.Provider != up.Name }), nil
}
