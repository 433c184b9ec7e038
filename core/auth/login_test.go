package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

func TestService_Login(t *testing.T) {
	ban := func(until time.Time) func(*world) {
		return func(w *world) {
			w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{Reason: "spam", From: epoch, Until: until} })
		}
	}
	tests := []struct {
		name            string
		prepare         func(*world)
		login, password string
		want            string
		log             string // the event, if any
		cost            string
	}{
		{"by name", nil, "alice", alicePassword, "ok", "login ok alice→alice", "verify real"},
		{"by name in another case", nil, "ALICE", alicePassword, "ok", "login ok alice→alice", "verify real"},
		{"by address", nil, "Alice@Example.org", alicePassword, "ok", "login ok alice→alice", "verify real"},
		{"wrong password", nil, "alice", wrongPassword, "unauthenticated bad_credentials", "login bad_credentials →alice", "verify real"},
		{"unknown name", nil, "nobody", alicePassword, "unauthenticated bad_credentials", "login bad_credentials →", "verify empty"},
		{"unknown address", nil, "nobody@example.org", alicePassword, "unauthenticated bad_credentials", "login bad_credentials →", "verify empty"},
		{"a login that nobody can have", nil, "no body\x00", alicePassword, "unauthenticated bad_credentials", "login bad_credentials →", "verify empty"},
		{"an address that is none", nil, "@", alicePassword, "unauthenticated bad_credentials", "login bad_credentials →", "verify empty"},
		{
			"user without a password", func(w *world) { w.edit(aliceID, func(u *user.User) { u.PasswordHash = "" }) },
			"alice", alicePassword, "unauthenticated bad_credentials", "login bad_credentials →alice", "verify empty",
		},
		{"banned, right password", ban(time.Time{}), "alice", alicePassword, "forbidden banned", "login banned alice→alice", "verify real"},
		{"banned, wrong password", ban(time.Time{}), "alice", wrongPassword, "unauthenticated bad_credentials", "login bad_credentials →alice", "verify real"},
		{"ban that has ended", ban(epoch.Add(-time.Second)), "alice", alicePassword, "ok", "login ok alice→alice", "verify real"},
		{"no login", nil, "", alicePassword, "invalid required", "", ""},
		{"long login", nil, strings.Repeat("a", 513), alicePassword, "invalid required", "", ""},
		{"no password", nil, "alice", "", "invalid required", "", ""},
		{"long password", nil, "alice", strings.Repeat("x", 1025), "invalid too_long", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.prepare != nil {
				tt.prepare(w)
			}
			g, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: tt.login, Password: tt.password}, client)
			w.grantSecrets(g)
			w.clean(err)
			if outcome(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if got := strings.Join(w.log(), ", "); got != tt.log {
				t.Errorf("audit log %q, want %q", got, tt.log)
			}
			if got := strings.Join(w.cost, ", "); got != tt.cost {
				t.Errorf("hashing: %q, want %q", got, tt.cost)
			}
			if (err == nil) != (g != nil) || len(w.sessions) != map[bool]int{true: 1, false: 0}[err == nil] {
				t.Errorf("grant %v, %d sessions", g, len(w.sessions))
			}
			w.consistent()
		})
	}
}

// TestService_Login_alike: nobody tells an unknown user from a wrong password by
// the error or by what is done.
func TestService_Login_alike(t *testing.T) {
	type seen struct {
		calls, cost []string
		err         string
	}
	try := func(login string, prepare func(*world)) seen {
		w := newWorld(t)
		if prepare != nil {
			prepare(w)
		}
		_, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: login, Password: wrongPassword}, client)
		for i, c := range w.cost {
			w.cost[i] = strings.Fields(c)[0]
		}
		return seen{w.trace(), w.cost, err.Error()}
	}
	want := try("alice", nil)
	for name, got := range map[string]seen{
		"unknown name": try("nobody", nil), "unknown address": try("nobody@example.org", nil), "impossible": try("a b", nil),
		"banned": try("alice", func(w *world) { w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{} }) }),
	} {
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestService_Login_grant(t *testing.T) {
	w := newWorld(t)
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"news:write"} })
	g := w.login("alice", alicePassword)
	s := w.sessionsOf(aliceID)[0]
	if g.Session.ID != s.ID || g.User.ID != aliceID || g.AccessLife != 15*time.Minute {
		t.Errorf("grant %+v", g)
	}
	if !s.SignedInAt.Equal(epoch) || !s.EndsAt.Equal(epoch.Add(7*24*time.Hour)) || s.Idle != 6*time.Hour || s.Method != "password" {
		t.Errorf("session %+v", s)
	}
	c := w.claimsOf(g.Access)
	if c.Subject != aliceID || c.Session != s.ID || c.Username != "alice" || c.Tenant != tenant.Default ||
		c.IssuedAtMillis != epoch.UnixMilli() || c.Expiry != epoch.Add(15*time.Minute).Unix() || c.AuthTime != epoch.Unix() ||
		len(c.Permissions) != 1 || c.Audience[0] != issuer {
		t.Errorf("claims %+v", c)
	}
	want := access.Principal{
		Kind: access.User, Via: access.SessionCookie, Subject: aliceID, Name: "alice", Tenant: tenant.Default,
		Permissions: []string{"news:write"}, Session: s.ID, Expires: s.EndsAt.UnixMilli(),
	}
	if diff := cmp.Diff(&want, w.principal(g)); diff != "" {
		t.Errorf("by cookie: %s", diff)
	}
	want.Via, want.Token, want.Expires = access.AccessToken, c.ID, c.Expiry*1000
	id, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: g.Access, HasBearer: true})
	if diff := cmp.Diff(&want, id.Principal); err != nil || diff != "" {
		t.Errorf("by access token: %v %s", err, diff)
	}
	signIns, err := w.service.ListSessions(t.Context(), w.principal(g))
	if err != nil || len(signIns) != 1 || !signIns[0].Current || signIns[0].Address != "203.0.113.7" || signIns[0].UserAgent != "test/1" {
		t.Errorf("sessions %+v, %v", signIns, err)
	}
}

// TestService_Login_sameMillisecond: who signs in again right after a kick is not
// hit by its mark, even if the clock has not moved.
func TestService_Login_sameMillisecond(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	old := w.login("alice", alicePassword)
	for i := range 5 {
		if err := w.service.Kick(ctx, w.root(), aliceID, client); err != nil {
			t.Fatal(err)
		}
		w.dead("what was before", old)
		g := w.login("alice", alicePassword)
		if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: g.Access}); err != nil {
			t.Fatalf("%d: the new access token: %v", i, err)
		}
		if g.Session.SignedInAt.Before(epoch) || g.Session.SignedInAt.After(epoch.Add(50*time.Millisecond)) {
			t.Errorf("signed in at %v", g.Session.SignedInAt)
		}
		old = g
	}
	t.Run("clock far behind a mark", func(t *testing.T) {
		w.pass(-time.Second) // a mark of the future, by more than tokens are moved
		g, err := w.service.Login(ctx, auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
		if g != nil || outcome(err) != "unauthenticated session_ended" {
			t.Errorf("%v, %v", g, err)
		}
		w.consistent()
	})
}

// TestService_Login_clock: a clock that is set back lets no token escape a kick, and
// one that was hours ahead keeps nobody out for hours.
func TestService_Login_clock(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ahead time.Duration
		wait  time.Duration // until signing in works
	}{
		{"a little", 40 * time.Millisecond, 0},
		{"seconds", 30 * time.Second, 30 * time.Second},
		{"hours", 5 * time.Hour, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.pass(tt.ahead)
			g := w.login("alice", alicePassword)
			w.pass(-tt.ahead)
			if err := w.service.Kick(t.Context(), w.root(), aliceID, client); err != nil {
				t.Fatal(err)
			}
			w.dead("what was before", g)
			w.pass(tt.wait)
			w.login("alice", alicePassword)
		})
	}
}

// TestService_Login_rehash: another sign-in or another password wins against the
// replacement of an outdated hash.
func TestService_Login_rehash(t *testing.T) {
	tests := []struct {
		name      string
		meanwhile string // the hash that is there when this one would be written
		want      string
		stored    string
	}{
		{"nobody else", "", "ok", fakeHash(alicePassword)},
		{"another sign-in was quicker", "$new" + fakeHash(alicePassword), "ok", "$new" + fakeHash(alicePassword)},
		{"another password was set", fakeHash(otherPassword), "unauthenticated bad_credentials", fakeHash(otherPassword)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.edit(aliceID, func(u *user.User) { u.PasswordHash = oldHash(alicePassword) })
			w.before["Users.Update#1"] = func() error {
				if tt.meanwhile != "" {
					w.edit(aliceID, func(u *user.User) { u.PasswordHash = tt.meanwhile })
				}
				return nil
			}
			_, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
			if outcome(err) != tt.want || w.user(aliceID).PasswordHash != tt.stored {
				t.Errorf("%v, stored %s", err, w.user(aliceID).PasswordHash)
			}
			if sessions := len(w.sessions); sessions != map[bool]int{true: 1}[err == nil] {
				t.Errorf("%d sessions", sessions)
			}
		})
	}
}

func TestService_Login_captcha(t *testing.T) {
	w := newWorld(t)
	w.service = w.serve(w.withCaptcha)
	for _, response := range []string{"", "robot"} {
		_, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "alice", Password: alicePassword, Captcha: response}, client)
		if outcome(err) != "invalid failed" || len(w.cost) > 0 {
			t.Errorf("%v after %v", err, w.cost)
		}
	}
}

// TestService_Login_robots: whoever solves no captcha cannot lock anybody out.
func TestService_Login_robots(t *testing.T) {
	w := newWorld(t)
	w.service = w.serve(w.withCaptcha)
	in := auth.PasswordLogin{Login: "alice", Password: otherPassword, Captcha: "robot"}
	for range 2 * w.service.Settings.AccountLimit.Count {
		if _, err := w.service.Login(t.Context(), in, client); outcome(err) != "invalid failed" {
			t.Fatal(err)
		}
	}
	in.Password, in.Captcha = alicePassword, "human"
	if _, err := w.service.Login(t.Context(), in, client); err != nil {
		t.Error(err)
	}
}

// TestService_Login_replaces: the session that the browser had ends, unless its
// cookie is no longer good.
func TestService_Login_replaces(t *testing.T) {
	in := func(cookie string) auth.PasswordLogin {
		return auth.PasswordLogin{Login: "bob", Password: otherPassword, Replaces: cookie}
	}
	t.Run("present", func(t *testing.T) {
		w := newWorld(t)
		_, old := w.signedIn()
		g, err := w.service.Login(t.Context(), in(old.Cookie), client)
		if err != nil {
			t.Fatal(err)
		}
		w.grantSecrets(g)
		w.dead("the session before", old)
		w.principal(g)
	})
	t.Run("refused sign-in", func(t *testing.T) {
		w := newWorld(t)
		_, old := w.signedIn()
		bad := in(old.Cookie)
		bad.Password = wrongPassword
		if _, err := w.service.Login(t.Context(), bad, client); err == nil {
			t.Fatal("accepted")
		}
		w.principal(old)
	})
	t.Run("former id after its grace", func(t *testing.T) {
		w := newWorld(t)
		_, old := w.signedIn()
		w.rotateAll()
		cookie, err := w.service.Renew(t.Context(), old.Cookie)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		if _, err := w.service.Login(t.Context(), in(old.Cookie), client); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: cookie}); err != nil {
			t.Errorf("a dead cookie ended its session: %v", err)
		}
	})
	t.Run("forged", func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.service.Login(t.Context(), in("forged"), client); err != nil || w.counts["Sessions.ByHash"] > 0 {
			t.Errorf("%v, looked up %d times", err, w.counts["Sessions.ByHash"])
		}
	})
}

func (w *world) try(login, password string, c auth.Client) string {
	g, err := w.service.Login(context.Background(), auth.PasswordLogin{Login: login, Password: password}, c)
	w.grantSecrets(g)
	return outcome(err)
}

const (
	limited = "throttled too_many_attempts"
	bad     = "unauthenticated bad_credentials"
)

func from(address string) auth.Client { return auth.Client{Address: netip.MustParseAddr(address)} }

func TestService_Login_accountLimit(t *testing.T) {
	t.Run("name and address count as one, and it lasts", func(t *testing.T) {
		w := newWorld(t)
		for i := range 10 {
			login := []string{"alice", "alice@example.org", "Alice"}[i%3]
			if got := w.try(login, wrongPassword, from(fmt.Sprintf("198.51.100.%d", i))); got != bad {
				t.Fatalf("attempt %d: %s", i, got)
			}
		}
		w.reset()
		for _, login := range []string{"alice", "alice@example.org"} {
			if got := w.try(login, alicePassword, from("198.51.100.99")); got != limited {
				t.Errorf("the right password of %s while limited: %s", login, got)
			}
		}
		if len(w.cost) > 0 {
			t.Errorf("a limited sign-in was hashed: %v", w.cost)
		}
		if got := w.log()[len(w.log())-1]; got != "login too_many_attempts →alice" {
			t.Errorf("audit log: %s", got)
		}
		w.service = w.serve() // the program starts again
		if got := w.try("alice", alicePassword, auth.Client{}); got != limited {
			t.Errorf("after a restart: %s", got)
		}
		if got := w.try("bob", otherPassword, auth.Client{}); got != "ok" {
			t.Errorf("somebody else: %s", got)
		}
		_, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
		var f *fault.Error
		if !errors.As(err, &f) || f.RetryAfter <= 0 || f.RetryAfter > 15*time.Minute {
			t.Fatalf("%+v", err)
		}
		w.pass(f.RetryAfter)
		if got := w.try("alice", alicePassword, client); got != "ok" {
			t.Errorf("after the wait of %v: %s", f.RetryAfter, got)
		}
	})
	t.Run("unknown accounts are limited alike", func(t *testing.T) {
		w := newWorld(t)
		for i := range 10 {
			if got := w.try([]string{"nobody", "NOBODY"}[i%2], wrongPassword, auth.Client{}); got != bad {
				t.Fatalf("attempt %d: %s", i, got)
			}
		}
		if got := w.try("nobody", wrongPassword, auth.Client{}); got != limited {
			t.Errorf("attempt 11: %s", got)
		}
		for key := range w.attempts {
			if strings.Contains(key, "nobody") {
				t.Errorf("the store has what was typed in the clear: %s", key)
			}
		}
	})
	t.Run("success forgets", func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			for range 9 {
				if got := w.try("alice", wrongPassword, auth.Client{}); got != bad {
					t.Fatal(got)
				}
			}
			if got := w.try("alice", alicePassword, auth.Client{}); got != "ok" {
				t.Fatal(got)
			}
		}
	})
	t.Run("a banned user's right password does not forget", func(t *testing.T) {
		w := newWorld(t)
		w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{} })
		for range 10 {
			w.try("alice", alicePassword, auth.Client{})
		}
		if got := w.try("alice", alicePassword, auth.Client{}); got != limited {
			t.Error(got)
		}
	})
	t.Run("reset by mail lifts it", func(t *testing.T) {
		w := newWorld(t)
		for range 11 {
			w.try("alice", wrongPassword, auth.Client{})
		}
		if err := w.service.ResetPassword(t.Context(), w.resetLink(), otherPassword, client); err != nil {
			t.Fatal(err)
		}
		if got := w.try("alice", otherPassword, client); got != "ok" {
			t.Error(got)
		}
	})
	t.Run("guesses at the same time cannot exceed it", func(t *testing.T) {
		w := newWorld(t)
		var wait sync.WaitGroup
		for i := range 40 {
			wait.Go(func() { w.try([]string{"alice", "alice@example.org"}[i%2], wrongPassword, auth.Client{}) })
		}
		wait.Wait()
		if len(w.cost) != 10 {
			t.Errorf("%d passwords were tried, want 10", len(w.cost))
		}
	})
	t.Run("an attempt counts before its password is hashed", func(t *testing.T) {
		w := newWorld(t)
		w.before["Hasher.Verify#1"] = func() error { return errDown }
		w.try("alice", wrongPassword, auth.Client{})
		if n := len(w.attempts["account:"+aliceID]); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestService_Login_addressLimit(t *testing.T) {
	names := func(i int) string { return fmt.Sprintf("person%d", i) }
	tests := []struct {
		name    string
		address func(i int) auth.Client
		other   auth.Client // one that is not limited then
		limited bool
	}{
		{"one address", func(int) auth.Client { return from("198.51.100.1") }, from("198.51.100.2"), true},
		{"IPv4 in IPv6", func(i int) auth.Client {
			return from([]string{"198.51.100.1", "::ffff:198.51.100.1"}[i%2])
		}, from("::ffff:198.51.100.2"), true},
		{"a /64", func(i int) auth.Client { return from(fmt.Sprintf("2001:db8:0:1::%x", i)) }, from("2001:db8:0:2::1"), true},
		{"a /64 with zones", func(i int) auth.Client { return from(fmt.Sprintf("fe80::1%%eth%d", i)) }, from("fe80:0:0:1::1"), true},
		{"many networks", func(i int) auth.Client { return from(fmt.Sprintf("198.51.100.%d", i)) }, auth.Client{}, false},
		{"no address", func(int) auth.Client { return auth.Client{} }, auth.Client{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			for i := range 30 {
				if got := w.try(names(i), wrongPassword, tt.address(i)); got != bad {
					t.Fatalf("attempt %d: %s", i, got)
				}
			}
			want := "ok"
			if tt.limited {
				want = limited
			}
			if got := w.try("alice", alicePassword, tt.address(30)); got != want {
				t.Errorf("attempt 31: %s, want %s", got, want)
			}
			if n := len(w.attempts["account:"+aliceID]); n != 0 {
				t.Errorf("%d attempts count against the account", n)
			}
			if got := w.try("alice", alicePassword, tt.other); got != "ok" {
				t.Errorf("from elsewhere: %s", got)
			}
			w.pass(time.Minute)
			if got := w.try("alice", alicePassword, tt.address(30)); got != "ok" {
				t.Errorf("a minute later: %s", got)
			}
		})
	}
	t.Run("refused attempts on an account count against the network", func(t *testing.T) {
		w := newWorld(t)
		for range 30 {
			w.try("alice", wrongPassword, client)
		}
		if got := w.try("bob", otherPassword, client); got != limited {
			t.Error(got)
		}
	})
}

func TestService_Logout(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, g := w.signedIn()
	other := w.login("alice", alicePassword)
	if err := w.service.Logout(ctx, p, client); err != nil {
		t.Fatal(err)
	}
	w.dead("the session", g)
	w.principal(other)
	if err := w.service.Logout(ctx, p, client); err != nil {
		t.Errorf("a second time: %v", err)
	}
	w.reset()
	if err := w.service.Logout(ctx, &access.Principal{}, client); err != nil || len(w.calls) > 0 {
		t.Errorf("nobody: %v, %v", err, w.calls)
	}
	if got := w.log()[2]; got != "logout ok alice→alice" {
		t.Error(got)
	}
	t.Run("of a session that another process ended", func(t *testing.T) {
		w := newWorld(t)
		p, g := w.signedIn()
		delete(w.sessions, g.Session.ID)
		if err := w.service.Logout(ctx, p, client); err != nil {
			t.Fatal(err)
		}
		w.dead("the session", g)
	})
}
