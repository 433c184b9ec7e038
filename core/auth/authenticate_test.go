package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
)

func TestService_Authenticate_order(t *testing.T) {
	w := newWorld(t)
	_, g := w.signedIn()
	const bearerBad, sessionBad = "unauthenticated token_malformed", "unauthenticated session_unknown"
	tests := []struct {
		name string
		in   auth.Credentials
		want string
		via  access.Credential
	}{
		{"nothing", auth.Credentials{}, "ok", access.NoCredential},
		{"cookie", auth.Credentials{Session: g.Cookie}, "ok", access.SessionCookie},
		{"access cookie", auth.Credentials{Access: g.Access}, "ok", access.AccessCookie},
		{"bearer", auth.Credentials{Bearer: g.Access, HasBearer: true}, "ok", access.AccessToken},
		{"bearer before cookie", auth.Credentials{Bearer: g.Access, HasBearer: true, Session: g.Cookie}, "ok", access.AccessToken},
		{"session before access cookie", auth.Credentials{Session: g.Cookie, Access: g.Access}, "ok", access.SessionCookie},
		{"bad bearer, good cookies", auth.Credentials{Bearer: "x", HasBearer: true, Session: g.Cookie, Access: g.Access}, bearerBad, 0},
		{"empty bearer, good cookies", auth.Credentials{HasBearer: true, Session: g.Cookie, Access: g.Access}, bearerBad, 0},
		{"bad session, good access cookie", auth.Credentials{Session: "x", Access: g.Access}, sessionBad, 0},
		{"bad access cookie", auth.Credentials{Access: "x"}, bearerBad, 0},
		{"cookie as bearer", auth.Credentials{Bearer: g.Cookie, HasBearer: true}, bearerBad, 0},
		{"refresh token as bearer", auth.Credentials{Bearer: g.Refresh, HasBearer: true}, bearerBad, 0},
		{"refresh token as cookie", auth.Credentials{Session: g.Refresh}, sessionBad, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := w.service.Authenticate(t.Context(), tt.in)
			w.clean(err)
			if outcome(err) != tt.want || (err != nil) != (id.Principal == nil) || err == nil && id.Via != tt.via {
				t.Errorf("%+v, %v, want %s", id.Principal, err, tt.want)
			}
		})
	}
}

func TestService_Authenticate_session(t *testing.T) {
	const gone = "unauthenticated session_unknown"
	tests := []struct {
		name    string
		prepare func(*world, *auth.Grant) // of a session that is not remembered
		want    string
	}{
		{"good", func(*world, *auth.Grant) {}, "ok"},
		{"just alive", func(w *world, _ *auth.Grant) { w.pass(6*time.Hour - time.Millisecond) }, "ok"},
		{"idle too long", func(w *world, _ *auth.Grant) { w.pass(6 * time.Hour) }, gone},
		{"ended", func(w *world, g *auth.Grant) { delete(w.sessions, g.Session.ID) }, gone},
		{"banned", func(w *world, _ *auth.Grant) { w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{} }) }, gone},
		{"banned before", func(w *world, _ *auth.Grant) {
			w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{Until: epoch} })
		}, "ok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			g := w.login("alice", alicePassword)
			tt.prepare(w, g)
			id, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie})
			if outcome(err) != tt.want || (err == nil) != (id.Principal != nil) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	t.Run("a forged cookie costs no look-up", func(t *testing.T) {
		w := newWorld(t)
		g := w.login("alice", alicePassword)
		w.reset()
		forged := strings.Repeat("A", 10) + g.Cookie[10:]
		if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: forged}); outcome(err) != gone || len(w.calls) > 0 {
			t.Errorf("%v after %v", err, w.calls)
		}
	})
}

// TestService_Authenticate_remembered: a remembered session costs no look-up, is
// written when it was seen once a minute, and ends in time.
func TestService_Authenticate_remembered(t *testing.T) {
	w := newWorld(t)
	_, g := w.signedIn()
	see := func() string {
		_, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie})
		return outcome(err)
	}
	calls := func(want string) {
		t.Helper()
		if got := strings.Join(w.trace(), " "); got != want {
			t.Errorf("calls: %q, want %q", got, want)
		}
		w.reset()
	}
	w.pass(session.TouchEvery - time.Millisecond)
	see()
	calls("")
	w.pass(time.Millisecond)
	see()
	see()
	calls("Sessions.Update")
	if got := w.sessions[g.Session.ID].SeenAt; !got.Equal(epoch.Add(time.Minute)) {
		t.Errorf("seen at %v", got)
	}
	for range 28 { // nearly 7 days
		w.pass(6*time.Hour - time.Minute)
		if got := see(); got != "ok" {
			t.Fatal(got)
		}
	}
	w.pass(epoch.Add(7*24*time.Hour - time.Millisecond).Sub(w.clock()))
	if got := see(); got != "ok" {
		t.Errorf("just before its end: %s", got)
	}
	w.pass(time.Millisecond)
	if got := see(); got != "unauthenticated session_unknown" {
		t.Errorf("at its end: %s", got)
	}
	t.Run("idle too long", func(t *testing.T) {
		w := newWorld(t)
		_, g := w.signedIn()
		w.pass(6 * time.Hour)
		_, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie})
		if outcome(err) != "unauthenticated session_unknown" {
			t.Error(err)
		}
	})
	t.Run("ended by another process", func(t *testing.T) {
		w := newWorld(t)
		_, g := w.signedIn()
		delete(w.sessions, g.Session.ID)
		w.pass(session.TouchEvery)
		for i := range 3 {
			if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie}); outcome(err) != "unauthenticated session_unknown" {
				t.Errorf("request %d: %v", i, err)
			}
		}
	})
	t.Run("a store that cannot write refuses nobody", func(t *testing.T) {
		w := newWorld(t)
		_, g := w.signedIn()
		w.pass(session.TouchEvery)
		w.before["Sessions.Update#1"] = func() error { return errDown }
		w.principal(g)
		if len(w.reports) != 1 {
			t.Errorf("reports: %q", w.reports)
		}
	})
}

// TestService_Authenticate_full: the cache is bounded, and what is pushed out is
// read again.
func TestService_Authenticate_full(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) {
		c.Settings.SessionCache = 1
		c.Settings.Algorithm = "HS256"
		c.Settings.AddressLimit = user.Limit{}
	})
	var grants []*auth.Grant
	for range 600 {
		g := w.login("alice", alicePassword)
		grants = append(grants, g)
		w.principal(g)
	}
	w.reset()
	for i := len(grants) - 1; i >= 0; i-- {
		w.principal(grants[i])
	}
	if n := len(w.calls); n < 600-2*64 || n > 600 {
		t.Errorf("%d of 600 sessions were read again with room for 128", n)
	}
}

// TestService_Authenticate_stale: a read that was under way while the session
// ended does not bring it back.
func TestService_Authenticate_stale(t *testing.T) {
	enders := map[string]func(*world, *auth.Grant) error{
		"logout": func(w *world, g *auth.Grant) error {
			return w.service.Logout(w.t.Context(), &access.Principal{Session: g.Session.ID, Subject: aliceID}, client)
		},
		"kick": func(w *world, _ *auth.Grant) error { return w.service.Kick(w.t.Context(), w.root(), aliceID, client) },
		"blackout": func(w *world, _ *auth.Grant) error {
			return second(w.service.Blackout(w.t.Context(), w.root(), time.Time{}, client))
		},
	}
	for name, end := range enders {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.login("alice", alicePassword)
			w.reset()
			w.after["Sessions.ByHash#1"] = func() error { return end(w, g) }
			_, _ = w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie})
			if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie}); outcome(err) != "unauthenticated session_unknown" {
				t.Errorf("the next request: %v", err)
			}
		})
	}
}

func TestService_Authenticate_token(t *testing.T) {
	w := newWorld(t)
	_, g := w.signedIn()
	good := w.claimsOf(g.Access)
	good.Issuer = issuer
	private := w.ring.private["key-1"]
	sealed := func(typ string, change func(map[string]any)) string {
		c := payload(good)
		change(c)
		s, err := sign(w.keys[0], private, typ, c)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same := func(map[string]any) {}
	parts := splitToken(g.Access)
	tests := []struct{ name, token, want string }{
		{"good", sealed("at+jwt", same), "ok"},
		{"another type", sealed("JWT", same), "unauthenticated token_type"},
		{"another issuer", sealed("at+jwt", func(c map[string]any) { c["iss"] = "https://evil.example" }), "unauthenticated token_issuer"},
		{"another audience", sealed("at+jwt", func(c map[string]any) { c["aud"] = "else" }), "unauthenticated token_audience"},
		{"expired", sealed("at+jwt", func(c map[string]any) { c["exp"] = epoch.Unix() - 61 }), "unauthenticated token_expired"},
		{"unsigned", parts[0] + "." + parts[1] + ".", "unauthenticated token_signature"},
		{"another signature", parts[0] + "." + parts[1] + "." + b64.EncodeToString(make([]byte, 64)), "unauthenticated token_signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: tt.token, HasBearer: true})
			if outcome(err) != tt.want && !(tt.name == "unsigned" && strings.HasPrefix(outcome(err), "unauthenticated token_")) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if err != nil && id.Principal != nil {
				t.Error("refused, and gave a principal")
			}
		})
	}
	t.Run("after its life", func(t *testing.T) {
		w.pass(15*time.Minute + 61*time.Second)
		if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: g.Access, HasBearer: true}); outcome(err) != "unauthenticated token_expired" {
			t.Error(err)
		}
	})
}

func TestService_Renew(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, g := w.signedIn()
	if cookie, err := w.service.Renew(ctx, g.Cookie); cookie != "" || err != nil {
		t.Errorf("not due: %q, %v", cookie, err)
	}
	if _, err := w.service.Permit(ctx, w.root(), aliceID, []string{"news:write"}, client); err != nil {
		t.Fatal(err)
	}
	due := func(cookie string) bool {
		id, err := w.service.Authenticate(ctx, auth.Credentials{Session: cookie})
		if err != nil {
			t.Fatal(err)
		}
		return id.RotateDue
	}
	if !due(g.Cookie) {
		t.Error("not due after a change of permissions")
	}
	var inner string
	w.reset()
	w.before["Sessions.Update#1"] = func() (err error) {
		inner, err = w.service.Renew(ctx, g.Cookie)
		return err
	}
	outer, err := w.service.Renew(ctx, g.Cookie)
	if err != nil || outer != "" || inner == "" {
		t.Errorf("two at once: %q and %q, %v", outer, inner, err)
	}
	w.secret("a session cookie", inner)
	if due(g.Cookie) || due(inner) {
		t.Error("due again")
	}
	w.pass(session.RotationGrace)
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Session: g.Cookie}); outcome(err) != "unauthenticated session_unknown" {
		t.Errorf("the former id after its grace: %v", err)
	}
	due(inner)
	if cookie, err := w.service.Renew(ctx, "forged"); cookie != "" || outcome(err) != "unauthenticated session_unknown" {
		t.Errorf("forged: %q, %v", cookie, err)
	}
	t.Run("a session that is over", func(t *testing.T) {
		w.rotateAll()
		w.pass(6 * time.Hour)
		if cookie, err := w.service.Renew(ctx, inner); cookie != "" || outcome(err) != "unauthenticated session_unknown" {
			t.Errorf("%q, %v", cookie, err)
		}
	})
}

func TestService_sessions(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	first := w.login("alice", alicePassword)
	w.pass(time.Second)
	p, g := w.signedIn()
	theirs := w.login("bob", otherPassword)
	list, err := w.service.ListSessions(ctx, p)
	if err != nil || len(list) != 2 || list[0].ID != g.Session.ID || !list[0].Current || list[1].Current {
		t.Fatalf("%+v, %v", list, err)
	}
	unknown := w.service.EndSession(ctx, p, "0190aaaa-0000-7000-8000-00000000dead", client)
	foreign := w.service.EndSession(ctx, p, theirs.Session.ID, client)
	if outcome(unknown) != "not_found session_unknown" || fmt.Sprint(unknown) != fmt.Sprint(foreign) {
		t.Errorf("unknown: %v, somebody else's: %v", unknown, foreign)
	}
	w.principal(theirs)
	if err := w.service.EndSession(ctx, p, first.Session.ID, client); err != nil {
		t.Fatal(err)
	}
	w.dead("the first session", first)
	third := w.login("alice", alicePassword)
	w.principal(third)
	if n, err := w.service.EndOtherSessions(ctx, p, client); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	w.dead("the third session", third)
	w.principal(g)
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: g.Access}); err != nil {
		t.Errorf("the access token of the session that stays: %v", err)
	}
	t.Run("over", func(t *testing.T) {
		w.pass(6 * time.Hour)
		if list, err := w.service.ListSessions(ctx, p); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
