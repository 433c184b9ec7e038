package auth_test

import (
	"testing"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
)

func TestService_Refresh(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, g := w.signedIn()
	w.pass(time.Minute)
	next, err := w.service.Refresh(ctx, g.Refresh, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	if next.Refresh == g.Refresh || next.Access == g.Access || next.Cookie != "" || next.User.ID != aliceID ||
		next.Session.ID != g.Session.ID || next.AccessLife != 15*time.Minute {
		t.Errorf("%+v", next)
	}
	if c := w.claimsOf(next.Access); c.Session != g.Session.ID || c.AuthTime != epoch.Unix() || c.IssuedAt != epoch.Add(time.Minute).Unix() {
		t.Errorf("%+v", c)
	}
	if s := w.sessions[g.Session.ID]; s.Rotation != 1 || !s.FreshAt.Equal(w.clock()) || !s.SeenAt.Equal(w.clock()) {
		t.Errorf("%+v", s)
	}
	w.principal(g) // the cookie stays
	t.Run("reuse ends the session", func(t *testing.T) {
		got, err := w.service.Refresh(ctx, g.Refresh, client)
		if got != nil || outcome(err) != "unauthenticated refresh_reused" {
			t.Fatalf("%v, %v", got, err)
		}
		w.dead("the session", g)
		w.dead("what was refreshed", next)
		if log := w.log(); log[len(log)-1] != "refresh refresh_reused →alice" {
			t.Error(log)
		}
	})
}

func TestService_Refresh_refused(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*world, *auth.Grant) string
		want    string
	}{
		{"none", func(*world, *auth.Grant) string { return "" }, "unauthenticated unauthenticated"},
		{"no token", func(*world, *auth.Grant) string { return "abc" }, "unauthenticated refresh_unknown"},
		{"unknown family", func(_ *world, g *auth.Grant) string { return "AAAA" + g.Refresh[4:] }, "unauthenticated session_unknown"},
		{"forged", func(_ *world, g *auth.Grant) string { return g.Refresh[:len(g.Refresh)-4] + "AAAA" }, "unauthenticated refresh_reused"},
		{"idle too long", func(w *world, g *auth.Grant) string {
			w.pass(6 * time.Hour)
			return g.Refresh
		}, "unauthenticated session_unknown"},
		{"session over", func(w *world, g *auth.Grant) string {
			s := w.sessions[g.Session.ID]
			s.EndsAt = w.clock()
			w.sessions[s.ID] = s
			return g.Refresh
		}, "unauthenticated session_unknown"},
		{"banned, with the session still there", func(w *world, g *auth.Grant) string {
			w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{} })
			return g.Refresh
		}, "forbidden banned"},
		{"user gone", func(w *world, g *auth.Grant) string {
			delete(w.sessions, g.Session.ID)
			return g.Refresh
		}, "unauthenticated session_unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			_, g := w.signedIn()
			got, err := w.service.Refresh(t.Context(), tt.prepare(w, g), client)
			w.clean(err)
			if got != nil || outcome(err) != tt.want {
				t.Errorf("%v, %v, want %s", got, err, tt.want)
			}
		})
	}
	t.Run("over when it is written", func(t *testing.T) {
		w := newWorld(t)
		_, g := w.signedIn()
		w.before["Sessions.Update#1"] = func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			s := w.sessions[g.Session.ID]
			s.EndsAt = epoch
			w.sessions[s.ID] = s
			return nil
		}
		if got, err := w.service.Refresh(t.Context(), g.Refresh, client); got != nil || outcome(err) != "unauthenticated session_unknown" {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("a failure to sign uses no token up", func(t *testing.T) {
		w := newWorld(t)
		_, g := w.signedIn()
		w.before["Signer.Sign#1"] = func() error { return errDown }
		if _, err := w.service.Refresh(t.Context(), g.Refresh, client); outcome(err) != "unavailable down" {
			t.Fatal(err)
		}
		if _, err := w.service.Refresh(t.Context(), g.Refresh, client); err != nil {
			t.Errorf("once more: %v", err)
		}
	})
}

// TestService_Refresh_twice: of two uses of one token at the same time one
// succeeds, wherever the second comes in between, and both hands are empty after.
func TestService_Refresh_twice(t *testing.T) {
	for _, call := range []string{"Sessions.ByFamily#1", "Signer.Sign#1", "Sessions.Update#1"} {
		w := newWorld(t)
		_, g := w.signedIn()
		var inner *auth.Grant
		w.before[call] = func() (err error) {
			if inner, err = w.service.Refresh(t.Context(), g.Refresh, client); err != nil {
				t.Error(err)
			}
			return nil
		}
		outer, err := w.service.Refresh(t.Context(), g.Refresh, client)
		if outer != nil || outcome(err) != "unauthenticated refresh_reused" {
			t.Errorf("%s: %v, %v", call, outer, err)
		}
		w.dead("the first hand", inner)
	}
}

// TestService_Refresh_changing: a refresh that loses against a change of password
// does not end the session that the change kept.
func TestService_Refresh_changing(t *testing.T) {
	w := newWorld(t)
	p, g := w.signedIn()
	var kept *auth.Grant
	w.before["Sessions.Update#1"] = func() (err error) {
		kept, err = w.service.ChangePassword(t.Context(), p, alicePassword, otherPassword, client)
		return err
	}
	got, err := w.service.Refresh(t.Context(), g.Refresh, client)
	if got != nil || outcome(err) != "unauthenticated session_unknown" {
		t.Errorf("%v, %v", got, err)
	}
	w.principal(kept)
}

// TestService_Refresh_rotate: an id that is due to be replaced is, and the former
// one works for a moment.
func TestService_Refresh_rotate(t *testing.T) {
	w := newWorld(t)
	_, g := w.signedIn()
	w.rotateAll()
	next, err := w.service.Refresh(t.Context(), g.Refresh, client)
	if err != nil || next.Cookie == "" || next.Cookie == g.Cookie {
		t.Fatalf("%+v, %v", next, err)
	}
	w.grantSecrets(next)
	w.principal(next)
	w.principal(g)
	w.pass(session.RotationGrace)
	if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie}); outcome(err) != "unauthenticated session_unknown" {
		t.Errorf("the former id after its grace: %v", err)
	}
	w.principal(next)
}

// TestService_accessLife: no access token outlives its session.
func TestService_accessLife(t *testing.T) {
	tests := []struct {
		name string
		left time.Duration
		want time.Duration
	}{
		{"long", time.Hour, 15 * time.Minute},
		{"just enough", 15 * time.Minute, 15 * time.Minute},
		{"short", 5 * time.Minute, 5 * time.Minute},
		{"a fraction of a second", 1500 * time.Millisecond, time.Second},
		{"next to nothing", time.Millisecond, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			_, g := w.signedIn()
			s := w.sessions[g.Session.ID]
			s.EndsAt = w.clock().Add(tt.left)
			w.sessions[s.ID] = s
			next, err := w.service.Refresh(t.Context(), g.Refresh, client)
			if err != nil {
				t.Fatal(err)
			}
			if end := time.Unix(w.claimsOf(next.Access).Expiry, 0); end.After(s.EndsAt) || next.AccessLife != tt.want {
				t.Errorf("ends %v after the session, lives %v, want %v", end.Sub(s.EndsAt), next.AccessLife, tt.want)
			}
		})
	}
}
