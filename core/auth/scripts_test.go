package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

func TestService_cookie(t *testing.T) {
	w := newBearerWorld(t)
	_, g := w.signedIn()
	api := w.apiToken("a")
	apiVouched, err := w.service.Vouch(t.Context(), mustShow(w, api))
	if err != nil {
		t.Fatal(err)
	}
	machine, err := w.service.Vouch(t.Context(), mustShow(w, w.abroad[robots].machine(robot1, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w.up().add(aliceID, known, urlOf(known), dana1)
	for name, tt := range map[string]struct{ text, want string }{
		"own":               {g.Access, "ok"},
		"API token":         {api, "unauthenticated token_malformed"},
		"foreign":           {w.abroad[known].mint(dana1, nil), "unauthenticated token_key_unknown"},
		"without a session": {apiVouched, "unauthenticated token_sessionless"},
		"machine":           {machine, "unauthenticated token_sessionless"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				w.must(tt.text)
				id, err := w.service.Authenticate(t.Context(), auth.Credentials{Access: tt.text})
				if outcome(err) != tt.want || err == nil && id.Via != access.AccessCookie {
					t.Errorf("%+v, %v", id.Principal, err)
				}
				if p := w.must(tt.text); p.Via == access.AccessCookie {
					t.Error("a token in a header is taken for a cookie's")
				}
			}
		})
	}
}

func mustShow(w *world, text string) auth.Identity {
	w.t.Helper()
	id, err := w.show(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestService_apiToken(t *testing.T) {
	w := newBearerWorld(t, func(c *auth.Config) { c.Settings.TokenCacheTTL = 24 * time.Hour })
	text := w.apiToken("a", "b")
	for i := range len(text) {
		for _, c := range []byte{'0', 'z', '!', 0, 0xff} {
			if text[i] == c {
				continue
			}
			typo := text[:i] + string([]byte{c}) + text[i+1:]
			if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: typo, HasBearer: true}); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("a typo at %d: %v", i, err)
			}
		}
	}
	for _, bad := range []string{text[:len(text)-1], text + "0", "hxw_", "hxw_" + strings.Repeat("0", 49), strings.Replace(text, "hxw_", "hxc_", 1), " " + text} {
		if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: bad, HasBearer: true}); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if slices.Contains(w.calls, "APITokens.ByHash") {
		t.Error("a typo was looked up")
	}
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"b", "admin"} })
	w.reset()
	id := mustShow(w, text)
	if got := tell(id.Principal); got != "user alice in default may [b]" || id.Via != access.APIToken || id.Session != "" || id.Token == "" {
		t.Errorf("%s, %+v", got, id.Principal)
	}
	calls := func(want string) {
		t.Helper()
		if got := strings.Join(w.trace(), " "); got != want {
			t.Errorf("calls: %q, want %q", got, want)
		}
		w.reset()
	}
	calls("APITokens.ByHash APITokens.Touch")
	w.pass(time.Minute - time.Millisecond)
	w.must(text)
	calls("")
	w.pass(time.Millisecond)
	w.must(text)
	w.must(text)
	calls("APITokens.Touch")
	if got := w.tokens[id.Token].UsedAt; !got.Equal(epoch.Add(time.Minute)) {
		t.Errorf("used at %v", got)
	}
	w.pass(time.Minute)
	w.before["APITokens.Touch#1"] = func() error { return errDown }
	w.must(text)
	if len(w.reports) != 1 {
		t.Errorf("reports: %q", w.reports)
	}
	w.reports = nil
	t.Run("deleted by another process", func(t *testing.T) {
		w.pass(time.Minute)
		clear(w.tokens)
		for range 3 {
			if got := w.answer(text); got != "unauthenticated token_unknown" {
				t.Error(got)
			}
		}
	})
	t.Run("while the account changes hands", func(t *testing.T) {
		text := w.apiToken("a")
		w.edit(aliceID, func(u *user.User) { u.PasswordHash = "!" })
		if got := w.answer(text); got != "unauthenticated token_unknown" {
			t.Error(got)
		}
	})
}
