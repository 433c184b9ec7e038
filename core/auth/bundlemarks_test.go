package auth_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
)

// life is people and a machine who come and go at random, on one service or several over the same stores. What does not
// succeed, such as signing in while banned, is as much a part of it as what does.
type life struct {
	*world
	*rand.Rand
	robot     auth.ClientProof
	processes []*auth.Service
	followers []*edge.Verifier // one for each process, that asks it for what is new
	tokens    []string
	grants    []*auth.Grant
	password  map[string]string // who has which
}

func newLife(t *testing.T, seed uint64, processes int) *life {
	w := newWorld(t)
	l := &life{world: w, Rand: rand.New(rand.NewPCG(seed, 3)), password: map[string]string{"alice": alicePassword, "bob": otherPassword}}
	l.robot = w.addClient(robotID, tenant.Default, "orders:read", "orders:write")
	l.processes = []*auth.Service{w.service}
	for len(l.processes) < processes {
		l.processes = append(l.processes, w.serve())
	}
	for _, l.service = range l.processes {
		l.followers = append(l.followers, w.worker(w.bundle(0)))
	}
	return l
}

func (l *life) keep(g *auth.Grant, err error) {
	if err != nil || g == nil {
		return
	}
	l.grantSecrets(g)
	l.grants, l.tokens = append(l.grants, g), append(l.tokens, g.Access)
}

// somebody returns whoever an earlier token was for, whether or not they are still signed in, and that token.
func (l *life) somebody() (*access.Principal, *auth.Grant) {
	if len(l.grants) == 0 {
		l.keep(l.login("alice", alicePassword), nil)
	}
	g := l.grants[l.IntN(len(l.grants))]
	c := l.claimsOf(g.Access)
	return &access.Principal{Kind: access.User, Via: access.SessionCookie, Subject: c.Subject, Tenant: tenant.Default, Session: c.Session}, g
}

// step is one thing that happens, on any of the processes.
func (l *life) step(ctx context.Context) string {
	l.service = l.processes[l.IntN(len(l.processes))]
	s, p := l.service, []string{aliceID, bobID}[l.IntN(2)]
	self, g := l.somebody()
	var what string
	var err error
	switch n := l.IntN(40); {
	case n < 10:
		name := []string{"alice", "bob"}[l.IntN(2)]
		what = "login of " + name
		var made *auth.Grant
		made, err = s.Login(ctx, auth.PasswordLogin{Login: name, Password: l.password[name], Captcha: "human"}, client)
		l.keep(made, err)
	case n < 14:
		what = "refresh"
		var made *auth.Grant
		made, err = s.Refresh(ctx, g.Refresh, client)
		l.keep(made, err)
	case n < 18:
		what = "machine token"
		var made auth.MachineGrant
		if made, err = s.IssueMachineToken(ctx, l.robot, nil, client); err == nil {
			l.secret("a machine's token", made.Access)
			l.tokens = append(l.tokens, made.Access)
		}
	case n < 20:
		what, err = "logout", s.Logout(ctx, self, client)
	case n < 22:
		what, err = "end of a session", s.EndSession(ctx, self, self.Session, client)
	case n < 23:
		what, err = "end of other sessions", second(s.EndOtherSessions(ctx, self, client))
	case n < 26:
		what, err = "revocation of a token", s.RevokeToken(ctx, nil, g.Access, client)
	case n < 28:
		what, err = "kick", s.Kick(ctx, l.root(), p, client)
	case n < 29:
		what = "ban"
		if _, err = s.Ban(ctx, l.root(), p, "spam", time.Time{}, client); err == nil && l.IntN(4) > 0 {
			what, err = "ban and unban", second(s.Unban(ctx, l.root(), p, client))
		}
	case n < 30:
		what, err = "unban", second(s.Unban(ctx, l.root(), p, client))
	case n < 31:
		what, err = "permissions", second(s.Permit(ctx, l.root(), p, []string{fmt.Sprint("news", l.IntN(1000))}, client))
	case n < 32:
		what, err = "client disabled", second(s.DisableClient(ctx, l.root(), robotID, true, client))
		if l.IntN(3) > 0 {
			_, err = s.DisableClient(ctx, l.root(), robotID, false, client)
		}
	case n < 33:
		what, err = "client enabled", second(s.DisableClient(ctx, l.root(), robotID, false, client))
	case n < 34 && l.IntN(3) == 0:
		what = "blackout"
		var before time.Time
		if l.IntN(2) == 0 {
			before = l.clock().Add(-time.Duration(l.IntN(int(5 * time.Minute))))
		}
		_, err = s.Blackout(ctx, l.root(), before, client)
	default:
		d := []time.Duration{time.Millisecond, 7 * time.Millisecond, 400 * time.Millisecond, time.Second, 20 * time.Second, 3 * time.Minute, 9 * time.Minute}[l.IntN(7)]
		what = d.String()
		l.pass(d)
	}
	return fmt.Sprintf("%s: %s", what, outcome(err))
}

// agree holds what every process says of every token against what verifiers say that have its bundles: one that followed them,
// and one that has just come.
func (l *life) agree(ctx context.Context, seen map[string]int) error {
	for i, s := range l.processes {
		l.service = s
		l.pass(auth.BundlePause)
		follower := l.followers[i]
		number, _ := follower.Held()
		b, err := s.Bundle(ctx, number)
		if err != nil {
			return err
		}
		if b != nil {
			l.load(follower, b)
		}
		newcomer := l.worker(l.bundle(0))
		for at, compact := range l.tokens {
			want := "allowed"
			if _, err := s.Authenticate(ctx, auth.Credentials{Bearer: compact, HasBearer: true}); err != nil {
				want = fault.CodeOf(err)
			}
			seen[want]++
			if got := l.says(follower, compact); got != want {
				return fmt.Errorf("token %d at process %d: %s, want the server's %s", at, i, got, want)
			}
			if got := l.says(newcomer, compact); got != want {
				return fmt.Errorf("token %d at process %d, by a whole bundle: %s, want the server's %s", at, i, got, want)
			}
		}
	}
	return nil
}

// TestService_Bundle_asServer holds that a verifier takes and refuses the tokens that the service which it follows takes and
// refuses, for the same reason, whatever happened in whatever order.
func TestService_Bundle_asServer(t *testing.T) {
	for name, processes := range map[string]int{"one process": 1, "two processes": 2} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]int{}
			for seed := range uint64(16) {
				l := newLife(t, seed, processes)
				var story []string
				for range 16 {
					for range 1 + l.IntN(12) {
						story = append(story, l.step(t.Context()))
					}
					for i, s := range l.processes {
						if l.IntN(2) == 0 {
							story = append(story, fmt.Sprintf("process %d reads the stores", i))
							l.fine(s.Load(t.Context()))
						}
					}
					if err := l.agree(t.Context(), seen); err != nil {
						t.Fatalf("seed %d: %v, after %q", seed, err, story)
					}
					l.tokens = l.tokens[max(0, len(l.tokens)-24):]
					l.grants = slices.Clone(l.grants[max(0, len(l.grants)-12):])
				}
			}
			t.Logf("verdicts: %v", seen)
			for _, code := range []string{"allowed", "token_revoked", "token_expired"} {
				if seen[code] < 100 {
					t.Errorf("%q only %d times", code, seen[code])
				}
			}
		})
	}
}

// TestService_Bundle_marksOfOthers: what another process revokes is in the next delta, although something earlier was marked
// that hits tokens of the same kind, but not this one.
func TestService_Bundle_marksOfOthers(t *testing.T) {
	for name, tc := range map[string]struct{ before, then string }{
		"a kick after a kick":                      {"kick", "kick"},
		"a kick after a blackout":                  {"blackout", "kick"},
		"a blackout after a blackout":              {"blackout", "blackout"},
		"a blackout after a kick":                  {"kick", "blackout"},
		"a token's revocation after a blackout":    {"blackout", "revocation of the token"},
		"the end of a session after a blackout":    {"blackout", "end of the session"},
		"a token's revocation after another one's": {"revocation of the token", "revocation of the token"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			mine, other := w.service, w.serve()
			w.service = other
			w.fine(revocations[tc.before](w, t.Context(), w.login("alice", alicePassword)))
			w.pass(time.Second)
			w.fine(mine.Load(t.Context()))
			for _, old := range w.sessionsOf(aliceID) {
				delete(w.sessions, old.ID)
			}
			g := w.login("alice", alicePassword)
			w.service = mine
			first := w.bundle(0)
			v := w.worker(first)
			if got := w.says(v, g.Access); got != "allowed" {
				t.Fatalf("before: %s", got)
			}
			w.pass(time.Second)
			w.service = other
			w.fine(revocations[tc.then](w, t.Context(), g))
			w.service = mine
			w.fine(mine.Load(t.Context()))
			delta := w.bundle(first.Number)
			if delta.Base != first.Number {
				t.Fatalf("no delta: %d to %d", delta.Base, delta.Number)
			}
			w.load(v, delta)
			if got := w.says(v, g.Access); got != "token_revoked" {
				t.Errorf("after: %s, want token_revoked", got)
			}
		})
	}
}
