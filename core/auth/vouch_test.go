package auth_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

func init() {
	flows = append(flows, flow{
		name: "Vouch",
		start: func(w *world) func(context.Context) (any, error) {
			_, g := w.signedIn()
			id := w.identityOf(auth.Credentials{Session: g.Cookie})
			return func(ctx context.Context) (any, error) { return vouching(w.service.Vouch(ctx, id)) }
		},
		calls: []string{"Signer.Sign"},
	}, flow{
		name: "Authenticate by a foreign token", with: issuersOf,
		start: func(w *world) func(context.Context) (any, error) {
			w.up().add(aliceID, known, urlOf(known), dana1)
			w.abroad[known].fresh = true
			text := w.abroad[known].mint(dana1, nil)
			return func(ctx context.Context) (any, error) {
				return w.identity(ctx, auth.Credentials{Bearer: text, HasBearer: true})
			}
		},
		calls: []string{"Issuer.Verify", "Identities.BySubject"},
	}, flow{
		name: "Authenticate by the first foreign token", with: issuersOf,
		start: func(w *world) func(context.Context) (any, error) {
			text := w.danaAbroad(cup).mint(dana1, map[string]any{"org": "somewhere"})
			w.abroad[cup].fresh = true
			return func(ctx context.Context) (any, error) {
				return w.identity(ctx, auth.Credentials{Bearer: text, HasBearer: true, From: visitor{}})
			}
		},
		calls: []string{
			"Issuer.Verify", "Tenants.ByExternal", "Identities.BySubject", "Issuer.Person", "Tenants.ByExternal",
			"Identities.BySubject", "Users.ByLogin", "Users.Create", "Identities.Create", "Audit.Record", "Audit.Record", "Identities.BySubject",
		},
		misses: map[string]string{"Users.ByLogin#1": "ok"},
	}, flow{
		name: "Authenticate by an API token",
		start: func(w *world) func(context.Context) (any, error) {
			text := w.apiToken("a")
			return func(ctx context.Context) (any, error) {
				return w.identity(ctx, auth.Credentials{Bearer: text, HasBearer: true})
			}
		},
		calls:    []string{"APITokens.ByHash", "APITokens.Touch"},
		survives: []string{"APITokens.Touch#1"},
		misses:   map[string]string{"APITokens.ByHash#1": "unauthenticated token_unknown", "APITokens.Touch#1": "unauthenticated token_unknown"},
	})
}

func vouching(text string, err error) (any, error) {
	if text == "" {
		return nil, err
	}
	return text, err
}

func (w *world) identityOf(c auth.Credentials) auth.Identity {
	w.t.Helper()
	id, err := w.service.Authenticate(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) vouch(id auth.Identity) string {
	w.t.Helper()
	text, err := w.service.Vouch(w.t.Context(), id)
	if err != nil {
		w.t.Fatalf("vouch: %v", err)
	}
	w.secret("a vouched token", text)
	return text
}

// TestService_Vouch: whatever a request showed, the token says the same of who is
// asking, and makes nobody more than they are.
func TestService_Vouch(t *testing.T) {
	w := newBearerWorld(t)
	api := w.apiToken("a", "b")
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"a", "c"} })
	_, g := w.signedIn()
	w.up().add(aliceID, known, urlOf(known), dana1)
	tests := []struct {
		name    string
		shown   auth.Credentials
		want    string
		session string
	}{
		{"session", auth.Credentials{Session: g.Cookie}, "user alice in default may [a c]", g.Session.ID},
		{"access token", auth.Credentials{Bearer: g.Access, HasBearer: true}, "user alice in default may [a c]", g.Session.ID},
		{"access cookie", auth.Credentials{Access: g.Access}, "user alice in default may [a c]", g.Session.ID},
		{"API token", auth.Credentials{Bearer: api, HasBearer: true}, "user alice in default may [a]", ""},
		{"foreign", auth.Credentials{Bearer: w.abroad[known].mint(dana1, map[string]any{"permissions": []string{"d"}}), HasBearer: true}, "user alice in default may [a c d]", ""},
		{"machine", auth.Credentials{Bearer: w.abroad[robots].machine(robot1, map[string]any{"permissions": []string{"d"}}), HasBearer: true}, "machine robots|robot-1 in default may [d]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := w.identityOf(tt.shown)
			text := w.vouch(id)
			p := w.must(text)
			if got := tell(p); got != tt.want || p.Session != tt.session || p.Via != access.VouchedToken || p.Subject != id.Subject {
				t.Errorf("%s, %+v", got, p)
			}
			c := w.claimsOf(text)
			if c.Expiry != epoch.Add(time.Minute).Unix() || c.ID == "" || c.ID == id.Token || c.Audience[0] != issuer {
				t.Errorf("%+v", c)
			}
			if again := w.vouch(w.identityOf(tt.shown)); again != text {
				t.Error("another token at once")
			}
		})
	}
	t.Run("to be them", func(t *testing.T) {
		text := w.vouch(w.identityOf(auth.Credentials{Session: g.Cookie}))
		if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Access: text}); outcome(err) != "unauthenticated token_sessionless" {
			t.Errorf("in a cookie: %v", err)
		}
		_, _, err := w.service.MakeAPIToken(t.Context(), w.must(text), auth.NewAPIToken{Name: "lasting"}, auth.Client{})
		if outcome(err) != "forbidden person_required" {
			t.Errorf("an API token: %v", err)
		}
		w.pass(20 * time.Second)
		again := w.vouch(mustShow(w, text))
		if got, most := w.claimsOf(again).Expiry, w.claimsOf(text).Expiry; got > most {
			t.Errorf("vouched for by itself until %d, after %d", got, most)
		}
	})
	t.Run("two who are alike", func(t *testing.T) {
		other := w.login("alice", alicePassword) // in the same millisecond
		a, b := w.vouch(w.identityOf(auth.Credentials{Session: g.Cookie})), w.vouch(w.identityOf(auth.Credentials{Session: other.Cookie}))
		if w.claimsOf(a).Session != g.Session.ID || w.claimsOf(b).Session != other.Session.ID {
			t.Error("a session is vouched for as another one")
		}
		for _, permissions := range [][]string{{"d"}, {"e"}, {"d", "e"}} {
			text := w.abroad[robots].machine(robot1, map[string]any{"jti": nil, "permissions": permissions})
			if got := w.claimsOf(w.vouch(mustShow(w, text))).Permissions; !slices.Equal(got, permissions) {
				t.Errorf("%v is vouched for as %v", permissions, got)
			}
		}
	})
	t.Run("nobody", func(t *testing.T) {
		operator := access.Operator("cli")
		for want, id := range map[string]auth.Identity{
			"unauthenticated unauthenticated": {Principal: nobody}, "forbidden forbidden": {Principal: &operator},
		} {
			if text, err := w.service.Vouch(t.Context(), id); text != "" || outcome(err) != want {
				t.Errorf("%q, %v", text, err)
			}
		}
		if text, err := w.service.Vouch(t.Context(), auth.Identity{}); text != "" || outcome(err) != "unauthenticated unauthenticated" {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// TestService_Vouch_life: a token is made anew in time, and never outlives what it came from.
func TestService_Vouch_life(t *testing.T) {
	w := newBearerWorld(t)
	_, g := w.signedIn()
	shown := auth.Credentials{Session: g.Cookie}
	first := w.vouch(w.identityOf(shown))
	w.pass(30*time.Second - time.Millisecond)
	if w.vouch(w.identityOf(shown)) != first {
		t.Error("made anew too soon")
	}
	w.pass(time.Millisecond)
	second := w.vouch(w.identityOf(shown))
	if second == first || w.claimsOf(second).Expiry != epoch.Add(90*time.Second).Unix() {
		t.Errorf("not made anew: %+v", w.claimsOf(second))
	}
	t.Run("of a token about to expire", func(t *testing.T) {
		text := w.abroad[robots].machine(robot1, map[string]any{"exp": w.clock().Add(7 * time.Second).Unix()})
		if got := w.claimsOf(w.vouch(mustShow(w, text))).Expiry; got != w.claimsOf(text).Expiry {
			t.Errorf("expires at %d, and what it came from at %d", got, w.claimsOf(text).Expiry)
		}
		// Nor does it by being vouched for again and again.
		text = w.vouch(mustShow(w, text))
		w.pass(5 * time.Second)
		if got := w.claimsOf(w.vouch(mustShow(w, text))).Expiry; got != w.claimsOf(text).Expiry {
			t.Error("a vouched token outlives what it came from")
		}
	})
	t.Run("of a session about to end", func(t *testing.T) {
		w := newWorld(t, func(c *auth.Config) { c.Settings.Life.Idle = c.Settings.Life.Absolute })
		_, g := w.signedIn()
		w.pass(7*24*time.Hour - 10*time.Second)
		if got := w.claimsOf(w.vouch(w.identityOf(auth.Credentials{Session: g.Cookie}))).Expiry; got != g.Session.EndsAt.Unix() {
			t.Errorf("expires at %d, and the session at %d", got, g.Session.EndsAt.Unix())
		}
	})
	t.Run("of a compromised key", func(t *testing.T) {
		text := w.vouch(w.identityOf(shown))
		if _, err := w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{}, client); err != nil {
			t.Fatal(err)
		}
		if err := w.service.RetireKey(t.Context(), w.root(), "key-1", true, client); err != nil {
			t.Fatal(err)
		}
		if next := w.vouch(w.identityOf(shown)); next == text || w.answer(next) != "user alice in default may []" {
			t.Error("the token of a compromised key is given out")
		}
	})
	t.Run("many", func(t *testing.T) {
		w := newBearerWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
		var ids []auth.Identity
		for i := range 10_000 {
			id := mustShow(w, w.abroad[robots].machine(fmt.Sprintf("robot-%d", i), nil))
			ids = append(ids, id)
			w.vouch(id)
		}
		w.reset()
		for _, id := range slices.Backward(ids) {
			w.vouch(id)
		}
		if n := w.counts["Signer.Sign"]; n < 10_000-2*4096 || n >= 10_000 {
			t.Errorf("%d of 10,000 were made again", n)
		}
		clear(w.secrets)
	})
}

// TestService_Vouch_ended: what ends the tokens of a subject or session ends those
// that were vouched, whenever it happens.
func TestService_Vouch_ended(t *testing.T) {
	enders := map[string]struct {
		end  func(*world, *access.Principal) error
		then string // what the next token says; empty when there is none
	}{
		"kick": {func(w *world, _ *access.Principal) error {
			return w.service.Kick(w.t.Context(), w.root(), aliceID, client)
		}, ""},
		"ban": {func(w *world, _ *access.Principal) error {
			return second(w.service.Ban(w.t.Context(), w.root(), aliceID, "", time.Time{}, client))
		}, ""},
		"blackout": {func(w *world, _ *access.Principal) error {
			return second(w.service.Blackout(w.t.Context(), w.root(), time.Time{}, client))
		}, ""},
		"logout": {func(w *world, p *access.Principal) error { return w.service.Logout(w.t.Context(), p, client) }, ""},
		"permissions": {func(w *world, _ *access.Principal) error {
			return second(w.service.Permit(w.t.Context(), w.root(), aliceID, []string{"z"}, client))
		}, "user alice in default may [z]"},
	}
	for name, tt := range enders {
		t.Run(name, func(t *testing.T) {
			w := newBearerWorld(t)
			p, g := w.signedIn()
			shown := auth.Credentials{Session: g.Cookie}
			id := w.identityOf(shown)
			text := w.vouch(id)
			w.must(text)
			if err := tt.end(w, p); err != nil {
				t.Fatal(err)
			}
			if got := w.answer(text); got != "unauthenticated token_revoked" {
				t.Errorf("a token from before: %s", got)
			}
			// A request that was authenticated before it and asks for a token after it.
			if late, err := w.service.Vouch(t.Context(), id); late != "" || outcome(err) != "unavailable changed_meanwhile" {
				t.Errorf("a token for an earlier request: %q, %v", late, err)
			}
			next, err := w.service.Authenticate(t.Context(), shown)
			if (err == nil) != (tt.then != "") {
				t.Fatalf("the next request: %v", err)
			}
			if err == nil {
				if got := w.answer(w.vouch(next)); got != tt.then {
					t.Errorf("the next token: %s, want %s", got, tt.then)
				}
			}
		})
		t.Run(name+" meanwhile", func(t *testing.T) {
			w := newBearerWorld(t)
			p, g := w.signedIn()
			id := w.identityOf(auth.Credentials{Session: g.Cookie})
			w.before["Signer.Sign#1"] = func() error { return tt.end(w, p) }
			text, err := w.service.Vouch(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.answer(text); got != "unauthenticated token_revoked" {
				t.Errorf("%s", got)
			}
		})
	}
	t.Run("API token", func(t *testing.T) {
		w := newBearerWorld(t)
		text := w.apiToken("a")
		id := mustShow(w, text)
		p, _ := w.signedIn()
		list, err := w.service.ListAPITokens(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.service.DeleteAPIToken(t.Context(), p, list[0].ID, client); err != nil {
			t.Fatal(err)
		}
		if text, err := w.service.Vouch(t.Context(), id); outcome(err) != "unavailable changed_meanwhile" {
			t.Errorf("%q, %v", text, err)
		}
	})
	t.Run("tokens are revoked and the session stays", func(t *testing.T) {
		w := newBearerWorld(t)
		_, g := w.signedIn()
		shown := auth.Credentials{Session: g.Cookie}
		text := w.vouch(w.identityOf(shown))
		if _, err := w.service.Permit(t.Context(), w.root(), aliceID, nil, client); err != nil { // as they were
			t.Fatal(err)
		}
		if got := w.answer(text); got != "unauthenticated token_revoked" {
			t.Errorf("the token from before: %s", got)
		}
		if got := w.answer(w.vouch(w.identityOf(shown))); got != "user alice in default may []" {
			t.Errorf("the next one: %s", got)
		}
	})
	t.Run("who comes back", func(t *testing.T) {
		w := newBearerWorld(t)
		_, _ = w.signedIn()
		if err := w.service.Kick(t.Context(), w.root(), aliceID, client); err != nil {
			t.Fatal(err)
		}
		g := w.login("alice", alicePassword) // in the same millisecond
		if got := w.answer(w.vouch(w.identityOf(auth.Credentials{Session: g.Cookie}))); got != "user alice in "+tenant.Default+" may []" {
			t.Error(got)
		}
	})
}
