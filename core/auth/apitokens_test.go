package auth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

// make makes an API token, and says how that ended.
func (w *world) make(p *access.Principal, in auth.NewAPIToken) (apitoken.Token, string, string) {
	w.t.Helper()
	tok, text, err := w.service.MakeAPIToken(w.t.Context(), p, in, client)
	w.secret("an API token", text)
	w.clean(err)
	if err != nil && (text != "" || tok.ID != "") {
		w.t.Error("a token that was refused is there")
	}
	return tok, text, outcome(err)
}

func TestService_MakeAPIToken(t *testing.T) {
	w := newWorld(t)
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"news", "orders:read"} })
	p, _ := w.signedIn()
	end := epoch.Add(24 * time.Hour)
	tok, text, got := w.make(p, auth.NewAPIToken{Name: " backup ", Scopes: []string{"orders:read", "orders:read"}, Expires: end})
	if got != "ok" || !strings.HasPrefix(text, "hxw_") || len(text) != 53 {
		t.Fatalf("%d characters, %s", len(text), got)
	}
	stored := w.tokens[tok.ID]
	want := apitoken.Token{
		ID: tok.ID, UserID: aliceID, Tenant: "default", Name: "backup", Scopes: []string{"orders:read"}, Hash: stored.Hash, CreatedAt: epoch, ExpiresAt: end,
	}
	if diff := cmp.Diff(want, stored); diff != "" || !cmp.Equal(stored, tok) {
		t.Error(diff)
	}
	id, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: text, HasBearer: true})
	if err != nil {
		t.Fatal(err)
	}
	if id.Kind != access.User || id.Via != access.APIToken || id.Subject != aliceID || id.Session != "" || id.Token != tok.ID || !slices.Equal(id.Permissions, []string{"orders:read"}) {
		t.Errorf("%+v", id.Principal)
	}
	e := w.events[len(w.events)-1]
	if diff := cmp.Diff(map[string]string{"token": tok.ID, "name": "backup", "scopes": "orders:read"}, e.Detail); diff != "" || e.Session != p.Session {
		t.Errorf("%+v %s", e, diff)
	}
	w.pass(24 * time.Hour)
	if got := w.bearer(text); !strings.HasPrefix(got, "unauthenticated ") {
		t.Errorf("expired: %s", got)
	}
	w.reset()
	_, g := w.signedIn()
	if list, err := w.service.ListAPITokens(t.Context(), w.principal(g)); err != nil || len(list) != 1 {
		t.Errorf("%v, %v: an expired one is listed", list, err)
	}
	w.pass(30*24*time.Hour + time.Second)
	if err := w.service.Sweep(t.Context()); err != nil || len(w.tokens) != 0 {
		t.Errorf("%v, %d left", err, len(w.tokens))
	}
}

func TestService_MakeAPIToken_refused(t *testing.T) {
	in := auth.NewAPIToken{Name: "backup", Scopes: []string{"news"}}
	with := func(change func(*auth.NewAPIToken)) auth.NewAPIToken {
		changed := in
		change(&changed)
		return changed
	}
	tests := []struct {
		name string
		in   auth.NewAPIToken
		want string
	}{
		{"good", in, "ok"},
		{"no scope at all", with(func(in *auth.NewAPIToken) { in.Scopes = nil }), "ok"},
		{"a scope that is not held", with(func(in *auth.NewAPIToken) { in.Scopes = []string{"news", access.Admin} }), "invalid not_held"},
		{"a part of one", with(func(in *auth.NewAPIToken) { in.Scopes = []string{"new"} }), "invalid not_held"},
		{"an empty scope", with(func(in *auth.NewAPIToken) { in.Scopes = []string{""} }), "invalid not_held"},
		{"no name", with(func(in *auth.NewAPIToken) { in.Name = " " }), "invalid form"},
		{"a long name", with(func(in *auth.NewAPIToken) { in.Name = strings.Repeat("x", 101) }), "invalid form"},
		{"expired", with(func(in *auth.NewAPIToken) { in.Expires = epoch }), "invalid range"},
		{"expires in eleven years", with(func(in *auth.NewAPIToken) { in.Expires = epoch.AddDate(11, 0, 0) }), "invalid range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"news"} })
			p, _ := w.signedIn()
			if _, _, got := w.make(p, tt.in); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if n := len(w.tokens); n != min(1, strings.Count(tt.want, "ok")) {
				t.Errorf("%d tokens", n)
			}
		})
	}
	t.Run("what was taken from the owner since they signed in", func(t *testing.T) {
		w := newWorld(t)
		w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"news"} })
		p, _ := w.signedIn()
		w.edit(aliceID, func(u *user.User) { u.Permissions = nil })
		if _, _, got := w.make(p, in); got != "invalid not_held" {
			t.Error(got)
		}
	})
	t.Run("too many", func(t *testing.T) {
		w := newWorld(t)
		p, _ := w.signedIn()
		for range apitoken.MaxPerUser {
			w.makeAPIToken(aliceID)
		}
		if _, _, got := w.make(p, with(func(in *auth.NewAPIToken) { in.Scopes = nil })); got != "conflict too_many" {
			t.Error(got)
		}
	})
}

// TestService_APITokens_whose: nobody sees or ends another user's tokens, and is told the same as of none.
func TestService_APITokens_whose(t *testing.T) {
	w := newWorld(t)
	p, _ := w.signedIn()
	own, ownText := w.makeAPIToken(aliceID)
	other, otherText := w.makeAPIToken(bobID)
	list, err := w.service.ListAPITokens(t.Context(), p)
	if err != nil || len(list) != 1 || list[0].ID != own {
		t.Errorf("%v, %v", list, err)
	}
	foreign := w.service.DeleteAPIToken(t.Context(), p, other, client)
	missing := w.service.DeleteAPIToken(t.Context(), p, "nothing", client)
	if fmt.Sprint(foreign) != fmt.Sprint(missing) || outcome(foreign) != "not_found token_unknown" {
		t.Errorf("%v, %v", foreign, missing)
	}
	if got := w.bearer(otherText); got != "ok" {
		t.Errorf("the other's: %s", got)
	}
	if got := w.bearer(ownText); got != "ok" {
		t.Errorf("the own: %s", got)
	}
	if err := w.service.DeleteAPIToken(t.Context(), p, own, client); err != nil {
		t.Fatal(err)
	}
	if got := w.bearer(ownText); got != "unauthenticated token_unknown" {
		t.Errorf("the very next request: %s", got)
	}
}

// TestService_APITokens_owner: a token may what its owner may, at that moment, and nothing when they may not come in.
func TestService_APITokens_owner(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"a", "b"} })
	_, text := w.makeAPIToken(aliceID, "a", "b")
	may := func(want ...string) {
		t.Helper()
		id, err := w.service.Authenticate(ctx, auth.Credentials{Bearer: text, HasBearer: true})
		if err != nil || !slices.Equal(id.Permissions, want) {
			t.Errorf("%v, %v, want %v", id.Principal, err, want)
		}
	}
	may("a", "b")
	if _, err := w.service.Permit(ctx, w.root(), aliceID, []string{"b", "c"}, client); err != nil {
		t.Fatal(err)
	}
	may("b")
	if _, err := w.service.Permit(ctx, w.root(), aliceID, []string{"a", "b"}, client); err != nil {
		t.Fatal(err)
	}
	may("a", "b")
	if _, err := w.service.Ban(ctx, w.root(), aliceID, "", epoch.Add(time.Hour), client); err != nil {
		t.Fatal(err)
	}
	if got := w.bearer(text); !strings.HasPrefix(got, "unauthenticated ") {
		t.Errorf("banned: %s", got)
	}
	if _, err := w.service.Unban(ctx, w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	may("a", "b")
	p, _ := w.signedIn()
	if err := w.service.DeleteAccount(ctx, p, alicePassword, client); err != nil {
		t.Fatal(err)
	}
	if got := w.bearer(text); !strings.HasPrefix(got, "unauthenticated ") || len(w.tokens) != 0 {
		t.Errorf("deleted: %s", got)
	}
}

// TestService_MakeAPIToken_meanwhile: no token is left behind by who is put out while they make it.
func TestService_MakeAPIToken_meanwhile(t *testing.T) {
	for name, act := range map[string]func(context.Context, *world, *access.Principal) error{
		"kicked": func(ctx context.Context, w *world, _ *access.Principal) error {
			return w.service.Kick(ctx, w.root(), aliceID, client)
		},
		"banned": func(ctx context.Context, w *world, _ *access.Principal) error {
			return second(w.service.Ban(ctx, w.root(), aliceID, "", time.Time{}, client))
		},
		"signed out": func(ctx context.Context, w *world, p *access.Principal) error {
			return w.service.Logout(ctx, p, client)
		},
		"deleted": func(ctx context.Context, w *world, p *access.Principal) error {
			return w.service.DeleteAccount(ctx, p, alicePassword, client)
		},
		"another password": func(ctx context.Context, w *world, _ *access.Principal) error {
			return w.service.ResetPassword(ctx, w.link(), otherPassword, client)
		},
		"the account changed hands": func(ctx context.Context, w *world, _ *access.Principal) error {
			w.edit(aliceID, func(u *user.User) { u.PasswordHash = "!" })
			return nil
		},
	} {
		for _, call := range []string{"Users.ByID#1", "APITokens.Create#1"} {
			t.Run(name+" after "+call, func(t *testing.T) {
				w := newWorld(t)
				w.resetLink()
				p, _ := w.signedIn()
				w.after[call] = func() error { return act(context.Background(), w, p) }
				_, _, got := w.make(p, auth.NewAPIToken{Name: "backup"})
				if got == "ok" || len(w.tokens) != 0 {
					t.Errorf("%s, %d tokens", got, len(w.tokens))
				}
				w.consistent()
			})
		}
	}
	t.Run("and it cannot be taken back", func(t *testing.T) {
		w := newWorld(t)
		p, _ := w.signedIn()
		w.before["Audit.Record#1"] = func() error { return errDown }
		w.before["APITokens.Delete#1"] = func() error { return errDown }
		if _, _, got := w.make(p, auth.NewAPIToken{Name: "backup"}); got != "unavailable down" {
			t.Error(got)
		}
		if len(w.reports) != 1 || !strings.HasPrefix(w.reports[0], "take an API token back: ") {
			t.Errorf("%q", w.reports)
		}
	})
	t.Run("the store kept it, and said that it did not", func(t *testing.T) {
		w := newWorld(t)
		p, _ := w.signedIn()
		w.after["APITokens.Create#1"] = func() error { return errDown }
		if _, _, got := w.make(p, auth.NewAPIToken{Name: "backup"}); got != "unavailable down" || len(w.tokens) != 0 {
			t.Errorf("%s, %d tokens", got, len(w.tokens))
		}
	})
	t.Run("a clash leaves what is there", func(t *testing.T) {
		w := newWorld(t)
		p, _ := w.signedIn()
		w.before["APITokens.Create#1"] = func() error { return fault.New(fault.Conflict, "hash_taken", "taken") }
		if _, _, got := w.make(p, auth.NewAPIToken{Name: "backup"}); got != "conflict hash_taken" || slices.Contains(w.trace(), "APITokens.Delete") {
			t.Errorf("%s: %v", got, w.trace())
		}
	})
}
