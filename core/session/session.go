package session

import (
	"time"

	"github.com/hexward/hexward/core/fault"
)

// Life is how long sessions live.
type Life struct {
	Idle     time.Duration // without a request; 6 h by default
	Absolute time.Duration // from sign-in on, whatever happens; 7 d by default
}

// DefaultLife is 6 hours idle and 7 days in all.
var DefaultLife = Life{Idle: 6 * time.Hour, Absolute: 7 * 24 * time.Hour}

// RotationGrace is how long a session's former id still works after it was
// replaced, for the requests that were under way with it.
const RotationGrace = 10 * time.Second

// Session is one sign-in of one user. Stores keep and return it as it is.
type Session struct {
	ID       string // public, UUIDv7; the claim "sid"
	UserID   string
	Tenant   string
	Hash     Hash      // of the signed id in the cookie
	Former   Hash      // of the id that Hash replaced; zero if none
	FormerTo time.Time // until when Former works

	SignedInAt time.Time
	SeenAt     time.Time     // the latest request, to TouchEvery
	Idle       time.Duration // ends this long after SeenAt
	EndsAt     time.Time     // the absolute end
	Rotate     bool          // the id is due to be replaced at the next chance
	Method     string        // how the user signed in: "password" or "provider"
	Sealed     []byte        // a sealed Data
	Provider   string        // the provider's name, if one signed the user in
	Upstream   string        // the provider's own session id ("sid"), if it says one

	Family   Hash      // of the part of the refresh tokens that stays; zero if there are none
	Refresh  Hash      // of the refresh token that works now
	Rotation int64     // how many times it was replaced
	FreshAt  time.Time // when it was
}

// Origin is where a session was signed in from. It is personal data, and stores
// hold it only sealed.
type Origin struct {
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

// Data is what a session knows beyond what is looked up by. Stores hold it only
// sealed.
type Data struct {
	Origin
	Tokens *Tokens `json:"tokens,omitempty"` // with a provider
}

// Tokens are what a provider gave at sign-in.
type Tokens struct {
	ID      string    `json:"id_token,omitempty"`
	Access  string    `json:"access_token,omitempty"`
	Refresh string    `json:"refresh_token,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // of Access; zero if the provider does not say
}

// New returns a session of a user that begins now, without an id and refresh
// token yet.
func New(id, userID, tenant, method string, life Life, now time.Time) Session {
	return Session{
		ID: id, UserID: userID, Tenant: tenant, Method: method,
		SignedInAt: now, SeenAt: now, Idle: life.Idle, EndsAt: now.Add(life.Absolute),
	}
}

// Alive reports whether the session has neither been idle too long nor come to
// its end at now.
func (s *Session) Alive(now time.Time) bool {
	return now.Before(s.Expiry())
}

// Expiry returns when the session ends if no request comes any more.
func (s *Session) Expiry() time.Time {
	if idle := s.SeenAt.Add(s.Idle); idle.Before(s.EndsAt) {
		return idle
	}
	return s.EndsAt
}

// TouchEvery is how coarse SeenAt is: a store write for every request would cost
// more than the request.
const TouchEvery = time.Minute

// Stale reports whether SeenAt is worth writing again at now.
func (s *Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) >= TouchEvery }

// Touch notes a request at now. It never goes back.
func (s *Session) Touch(now time.Time) {
	if now.After(s.SeenAt) {
		s.SeenAt = now
	}
}

// Accepts reports whether a hash is that of the session's id at now: the present
// one, or the former one within its grace. The zero hash is nobody's.
func (s *Session) Accepts(h Hash, now time.Time) bool {
	return h != Hash{} && (h == s.Hash || h == s.Former && now.Before(s.FormerTo))
}

// Replace gives the session a new id. The one before works for RotationGrace.
func (s *Session) Replace(h Hash, now time.Time) {
	s.Former, s.FormerTo = s.Hash, now.Add(RotationGrace)
	s.Hash, s.Rotate = h, false
}

// ReplaceNow gives the session a new id and lets the one before die at once, as
// after a change of password.
func (s *Session) ReplaceNow(h Hash, now time.Time) {
	s.Replace(h, now)
	s.Former, s.FormerTo = Hash{}, time.Time{}
}

// ErrReused says that a refresh token was used that had been replaced before:
// somebody has a copy, so the whole family ends.
var ErrReused = fault.New(fault.Unauthenticated, "refresh_reused", "this refresh token was used before; every token of this sign-in has ended")

// RotateRefresh replaces the refresh token: presented must be the one that works now.
// If not, the error is ErrReused, and the caller ends the session.
func (s *Session) RotateRefresh(presented, next Hash, now time.Time) error {
	if s.Refresh != presented || presented == (Hash{}) {
		return ErrReused
	}
	s.Refresh, s.FreshAt = next, now
	s.Rotation++
	s.Touch(now)
	return nil
}
