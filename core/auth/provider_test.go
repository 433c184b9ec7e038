package auth_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

func TestService_FinishProvider(t *testing.T) {
	w, up := newUpWorld(t)
	in := w.begin(nobody, "google", dana())
	a, err := w.service.FinishProvider(t.Context(), nobody, in, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(a.Grant)
	if a.ReturnTo != "/orders?page=2" {
		t.Errorf("leads to %q", a.ReturnTo)
	}
	asked, code := up.begun[0], up.codes[0]
	if asked.RedirectURI != callback || len(asked.Nonce) != 43 || len(asked.Verifier) != 43 || asked.Nonce == asked.Verifier {
		t.Errorf("asked %+v", asked)
	}
	if want := (ports.AuthCode{Code: in.Code, RedirectURI: callback, Nonce: asked.Nonce, Verifier: asked.Verifier}); code != want {
		t.Errorf("redeemed %+v, want %+v", code, want)
	}
	u := w.user(a.User.ID)
	if u.Name.String() != "dana" || u.Email.String() != "Dana@example.net" || !u.EmailConfirmed || u.PasswordHash != "" || u.Tenant != tenant.Default {
		t.Errorf("made %+v", u)
	}
	if u.Profile != dana().Profile {
		t.Errorf("profile %+v", u.Profile)
	}
	s := a.Session
	if s.Method != "provider" || s.Provider != "google" || s.Upstream != "sid-dana" || s.UserID != u.ID {
		t.Errorf("session %+v", s)
	}
	if strings.Contains(string(s.Sealed), "upstream-access") {
		t.Error("the tokens are not sealed")
	}
	if p := w.principal(a.Grant); p.Subject != u.ID || p.Via != access.SessionCookie {
		t.Errorf("principal %+v", p)
	}
	if _, err := w.service.Refresh(t.Context(), a.Refresh, client); err != nil {
		t.Errorf("refresh: %v", err)
	}
	again := w.mustCome("google", dana())
	if again.User.ID != u.ID || len(w.users) != 4 {
		t.Errorf("the second sign-in is of %s among %d", again.User.ID, len(w.users))
	}
}

// TestService_FinishProvider_iss hands the provider the "iss" that came with the
// code.
func TestService_FinishProvider_iss(t *testing.T) {
	w, up := newUpWorld(t)
	in := w.begin(nobody, "google", dana())
	in.Issuer = googleIss
	if _, err := w.finish(t.Context(), nobody, in); err != nil || up.codes[0].Issuer != googleIss {
		t.Errorf("%v, redeemed %+v", err, up.codes)
	}
}

// TestService_FinishProvider_replaces ends the session that the browser had.
func TestService_FinishProvider_replaces(t *testing.T) {
	w, _ := newUpWorld(t)
	old := w.login("alice", alicePassword)
	in := w.begin(nobody, "google", dana())
	in.Replaces = old.Cookie
	if _, err := w.finish(t.Context(), nobody, in); err != nil {
		t.Fatal(err)
	}
	w.dead("the former session", old)
}

func TestService_FinishProvider_state(t *testing.T) {
	flipAt := func(s string, i int) string {
		b := []byte(s)
		b[i] = 'A' + (b[i]-'A'+1)%26
		return string(b)
	}
	other := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	tests := []struct {
		name   string
		before func(*world, *auth.Callback)
		want   string
	}{
		{"as it came", func(*world, *auth.Callback) {}, "ok"},
		{"none", func(_ *world, in *auth.Callback) { in.State = "" }, "invalid state"},
		{"garbage", func(_ *world, in *auth.Callback) { in.State = "garbage" }, "invalid state"},
		{"not Base64", func(_ *world, in *auth.Callback) { in.State += "!" }, "invalid state"},
		{"padded", func(_ *world, in *auth.Callback) { in.State += "=" }, "invalid state"},
		{"long", func(_ *world, in *auth.Callback) { in.State = strings.Repeat("A", 1<<20) }, "invalid state"},
		{"changed in front", func(_ *world, in *auth.Callback) { in.State = flipAt(in.State, 3) }, "invalid state"},
		{"cut", func(_ *world, in *auth.Callback) { in.State = in.State[:len(in.State)-8] }, "invalid state"},
		{"lengthened", func(_ *world, in *auth.Callback) { in.State += "AAAA" }, "invalid state"},
		{"no cookie", func(_ *world, in *auth.Callback) { in.Browser = "" }, "invalid state"},
		{"another browser's cookie", func(_ *world, in *auth.Callback) { in.Browser = other }, "invalid state"},
		{"the cookie in other words", func(_ *world, in *auth.Callback) { in.Browser += "\n" }, "invalid state"},
		{"at the last moment", func(w *world, _ *auth.Callback) { w.pass(10 * time.Minute) }, "ok"},
		{"late", func(w *world, _ *auth.Callback) { w.pass(10*time.Minute + time.Millisecond) }, "invalid state"},
		{"clock a minute back", func(w *world, _ *auth.Callback) { w.pass(-time.Minute) }, "ok"},
		{"clock far back", func(w *world, _ *auth.Callback) { w.pass(-time.Minute - time.Millisecond) }, "invalid state"},
		{"provider gone", func(w *world, _ *auth.Callback) {
			w.service = w.serve(w.withProviders, func(c *auth.Config) { c.Providers = c.Providers[1:] })
		}, "invalid state"},
		{"denied", func(_ *world, in *auth.Callback) { in.Error = "access_denied" }, "unauthenticated provider_denied"},
		{"denied without a code", func(_ *world, in *auth.Callback) { in.Error, in.Code = "access_denied", "" }, "unauthenticated provider_denied"},
		{"no code", func(_ *world, in *auth.Callback) { in.Code = "" }, "unauthenticated provider_denied"},
		{"a code that is none", func(_ *world, in *auth.Callback) { in.Code = "another code" }, "unauthenticated provider_refused"},
		{"sealed for something else", func(w *world, in *auth.Callback) {
			sealed, err := w.seal([]byte(`{"Provider":"google"}`), []byte("session:x"))
			if err != nil {
				w.t.Fatal(err)
			}
			in.State = base64.RawURLEncoding.EncodeToString(sealed)
		}, "invalid state"},
		{"sealed and no flow", func(w *world, in *auth.Callback) {
			sealed, err := w.seal([]byte(`[]`), []byte("flow"))
			if err != nil {
				w.t.Fatal(err)
			}
			in.State = base64.RawURLEncoding.EncodeToString(sealed)
		}, "invalid state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			w.pass(time.Hour) // the clock may be set back
			in := w.begin(nobody, "google", dana())
			tt.before(w, &in)
			g, err := w.finish(t.Context(), nobody, in)
			if outcome(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if err != nil && (g != nil || len(w.sessions) > 0 || len(w.users) > 3 || len(up.identities) > 0) {
				t.Error("something is left of a sign-in that failed")
			}
			if tt.want == "invalid state" && len(up.codes) > 0 {
				t.Error("a code was redeemed for a bad state")
			}
		})
	}
}

// TestService_FinishProvider_replay: a state works once, however it is written, and
// whatever came of it.
func TestService_FinishProvider_replay(t *testing.T) {
	again := []struct {
		name string
		next func(*world, auth.Callback) auth.Callback
	}{
		{"the same", func(_ *world, in auth.Callback) auth.Callback { return in }},
		{"with another code", func(w *world, in auth.Callback) auth.Callback {
			in.Code = w.up().code("google", with(dana(), func(p *ports.Person) { p.Subject = "mallory" }))
			return in
		}},
		{"with a line break", func(w *world, in auth.Callback) auth.Callback {
			in.Code, in.State = w.up().code("google", dana()), in.State[:20]+"\r\n"+in.State[20:]
			return in
		}},
		{"with the clock set back", func(w *world, in auth.Callback) auth.Callback {
			w.pass(-50 * time.Second)
			in.Code = w.up().code("google", dana())
			return in
		}},
		{"at the last moment, after a sweep", func(w *world, in auth.Callback) auth.Callback {
			w.pass(10 * time.Minute)
			if err := w.service.Sweep(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
			in.Code = w.up().code("google", dana())
			return in
		}},
		{"at another process", func(w *world, in auth.Callback) auth.Callback {
			w.service = w.serve(w.withProviders)
			in.Code = w.up().code("google", dana())
			return in
		}},
	}
	firsts := []struct {
		name  string
		first func(*auth.Callback)
	}{
		{"a success", func(*auth.Callback) {}},
		{"a denial", func(in *auth.Callback) { in.Error = "access_denied" }},
		{"a bad code", func(in *auth.Callback) { in.Code = "bad" }},
	}
	for _, first := range firsts {
		for _, tt := range again {
			t.Run(tt.name+" after "+first.name, func(t *testing.T) {
				w, _ := newUpWorld(t, func(c *auth.Config) { // limits as short as can be, so that a sweep removes what it can
					c.Settings.AccountLimit, c.Settings.AddressLimit, c.Settings.MailLimit = user.Limit{}, user.Limit{}, user.Limit{}
				})
				in := w.begin(nobody, "google", dana())
				changed := in
				first.first(&changed)
				_, _ = w.finish(t.Context(), nobody, changed)
				sessions := len(w.sessions)
				in = tt.next(w, in)
				if _, err := w.finish(t.Context(), nobody, in); outcome(err) != "invalid state" {
					t.Errorf("the state worked twice: %v", err)
				}
				if len(w.sessions) != sessions {
					t.Error("a session is left")
				}
			})
		}
	}
}

// TestService_FinishProvider_atOnce: of many uses of a state at once one works.
func TestService_FinishProvider_atOnce(t *testing.T) {
	w, up := newUpWorld(t)
	in := w.begin(nobody, "google", dana())
	results := make(chan error, 8)
	for range cap(results) {
		one := in
		one.Code = up.code("google", dana())
		go func() {
			_, err := w.finish(context.Background(), nobody, one)
			results <- err
		}()
	}
	good := 0
	for range cap(results) {
		if err := <-results; err == nil {
			good++
		} else if outcome(err) != "invalid state" {
			t.Error(err)
		}
	}
	if good != 1 {
		t.Errorf("%d of them worked", good)
	}
}

// TestService_FinishProvider_mixUp: a state leads to the provider that it was made
// for, whatever code comes with it.
func TestService_FinishProvider_mixUp(t *testing.T) {
	w, up := newUpWorld(t)
	in := w.begin(nobody, "google", dana())
	in.Code = up.code("loose", with(dana(), func(p *ports.Person) { p.Issuer = looseIss }))
	if _, err := w.finish(t.Context(), nobody, in); outcome(err) != "unauthenticated provider_refused" {
		t.Errorf("another provider's code: %v", err)
	}
}

func TestService_BeginProvider(t *testing.T) {
	good := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	tests := []struct {
		name  string
		p     *access.Principal
		in    auth.ProviderLogin
		want  string
		keeps bool // the browser's cookie
	}{
		{name: "new browser", in: auth.ProviderLogin{Provider: "google"}, want: "ok"},
		{name: "known browser", in: auth.ProviderLogin{Provider: "google", Browser: good}, want: "ok", keeps: true},
		{name: "cookie too short", in: auth.ProviderLogin{Provider: "google", Browser: good[:40]}, want: "ok"},
		{name: "cookie too long", in: auth.ProviderLogin{Provider: "google", Browser: good + "AAAA"}, want: "ok"},
		{name: "cookie that is none", in: auth.ProviderLogin{Provider: "google", Browser: strings.Repeat("!", 43)}, want: "ok"},
		{name: "cookie with a line break", in: auth.ProviderLogin{Provider: "google", Browser: good[:9] + "\r\n" + good[9:]}, want: "ok"},
		{name: "unknown", in: auth.ProviderLogin{Provider: "github"}, want: "not_found provider_unknown"},
		{name: "none", in: auth.ProviderLogin{}, want: "not_found provider_unknown"},
		{name: "case", in: auth.ProviderLogin{Provider: "Google"}, want: "not_found provider_unknown"},
		{name: "elsewhere", in: auth.ProviderLogin{Provider: "google", ReturnTo: "//evil.example"}, want: "invalid foreign"},
		{name: "absolute", in: auth.ProviderLogin{Provider: "google", ReturnTo: issuer + "/orders"}, want: "invalid foreign"},
		{name: "link of nobody", in: auth.ProviderLogin{Provider: "google", Link: true}, want: "unauthenticated unauthenticated"},
		{name: "link of a machine", p: &access.Principal{Kind: access.Machine, Subject: "m"}, in: auth.ProviderLogin{Provider: "google", Link: true}, want: "forbidden forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			p := tt.p
			if p == nil {
				p = nobody
			}
			to, browser, err := w.service.BeginProvider(t.Context(), p, tt.in)
			if outcome(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if err != nil {
				if to != "" || browser != "" || len(up.begun) > 0 {
					t.Error("a flow that was refused began")
				}
				return
			}
			if (browser == tt.in.Browser) != tt.keeps || len(browser) != 43 {
				t.Errorf("the cookie is %q, it was %q", browser, tt.in.Browser)
			}
			if !strings.HasPrefix(to, "https://google.example/authorize?") {
				t.Errorf("leads to %q", to)
			}
			if len(w.attempts) > 0 {
				t.Error("something is kept for a flow that nobody may end")
			}
		})
	}
}

// TestService_BeginProvider_many: a browser may have begun several flows, and end
// them in any order.
func TestService_BeginProvider_many(t *testing.T) {
	w, up := newUpWorld(t)
	browser := ""
	var states []string
	for i := range 5 {
		_, b, err := w.service.BeginProvider(t.Context(), nobody, auth.ProviderLogin{Provider: "google", Browser: browser, ReturnTo: fmt.Sprintf("/%d", i)})
		if err != nil || i > 0 && b != browser {
			t.Fatalf("%v, cookie %q after %q", err, b, browser)
		}
		browser = b
		states = append(states, up.begun[i].State)
	}
	nonces := map[string]bool{}
	for i, state := range slices.Backward(states) {
		a, err := w.service.FinishProvider(t.Context(), nobody, auth.Callback{State: state, Code: up.code("google", dana()), Browser: browser}, client)
		if err != nil || a.ReturnTo != fmt.Sprintf("/%d", i) {
			t.Fatalf("flow %d: %v, %+v", i, err, a)
		}
		w.grantSecrets(a.Grant)
		nonces[up.codes[len(up.codes)-1].Nonce] = true
	}
	if len(nonces) != 5 {
		t.Errorf("%d nonces", len(nonces))
	}
}

// TestService_BeginProvider_longest: the longest path to return to fits, whatever
// it is made of.
func TestService_BeginProvider_longest(t *testing.T) {
	for _, c := range []string{"a", "&", "=", "'", "%26"} {
		w, up := newUpWorld(t)
		path := "/?" + strings.Repeat(c, 1022/len(c))
		_, browser, err := w.service.BeginProvider(t.Context(), nobody, auth.ProviderLogin{Provider: "partner", ReturnTo: path})
		if err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		who := with(dana(), func(p *ports.Person) { p.Tenant = "org-acme" })
		a, err := w.service.FinishProvider(t.Context(), nobody, auth.Callback{State: up.begun[0].State, Code: up.code("partner", who), Browser: browser}, client)
		if err != nil || a.ReturnTo != path {
			t.Errorf("%q: %v", c, err)
			continue
		}
		w.grantSecrets(a.Grant)
	}
}

func TestService_SignInWithCode(t *testing.T) {
	tests := []struct {
		name string
		only bool // one provider is configured
		in   auth.ProviderCode
		want string
	}{
		{"allowed", false, auth.ProviderCode{Provider: "google", RedirectURI: frontEnd}, "ok"},
		{"the other allowed one", false, auth.ProviderCode{Provider: "google", RedirectURI: "https://app.example/other"}, "ok"},
		{"the only provider", true, auth.ProviderCode{RedirectURI: frontEnd}, "ok"},
		{"no provider among several", false, auth.ProviderCode{RedirectURI: frontEnd}, "not_found provider_unknown"},
		{"unknown provider", false, auth.ProviderCode{Provider: "github", RedirectURI: frontEnd}, "not_found provider_unknown"},
		{"another provider's URI", false, auth.ProviderCode{Provider: "loose", RedirectURI: frontEnd}, "invalid unknown"},
		{"no URI", false, auth.ProviderCode{Provider: "google"}, "invalid unknown"},
		{"no URI where none is allowed", false, auth.ProviderCode{Provider: "loose"}, "invalid unknown"},
		{"the callback", false, auth.ProviderCode{Provider: "google", RedirectURI: callback}, "invalid unknown"},
		{"a slash more", false, auth.ProviderCode{Provider: "google", RedirectURI: frontEnd + "/"}, "invalid unknown"},
		{"a query more", false, auth.ProviderCode{Provider: "google", RedirectURI: frontEnd + "?a=b"}, "invalid unknown"},
		{"a fragment more", false, auth.ProviderCode{Provider: "google", RedirectURI: frontEnd + "#"}, "invalid unknown"},
		{"case", false, auth.ProviderCode{Provider: "google", RedirectURI: "https://APP.example/signed-in"}, "invalid unknown"},
		{"a port more", false, auth.ProviderCode{Provider: "google", RedirectURI: "https://app.example:443/signed-in"}, "invalid unknown"},
		{"a space more", false, auth.ProviderCode{Provider: "google", RedirectURI: frontEnd + " "}, "invalid unknown"},
		{"a prefix", false, auth.ProviderCode{Provider: "google", RedirectURI: "https://app.example"}, "invalid unknown"},
		{"http", false, auth.ProviderCode{Provider: "google", RedirectURI: "http://app.example/signed-in"}, "invalid unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t, func(c *auth.Config) {
				if tt.only {
					c.Providers = c.Providers[:1]
				}
			})
			in := tt.in
			in.Code, in.Nonce, in.Verifier = up.code("google", dana()), "a nonce of the front end", "a verifier of the front end"
			g, err := w.service.SignInWithCode(t.Context(), in, client)
			w.grantSecrets(g)
			if outcome(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if err != nil {
				if g != nil || len(up.codes) > 0 {
					t.Error("something was done all the same")
				}
				return
			}
			want := ports.AuthCode{Code: in.Code, RedirectURI: in.RedirectURI, Nonce: in.Nonce, Verifier: in.Verifier}
			if up.codes[0] != want || g.Session.Provider != "google" {
				t.Errorf("redeemed %+v for %+v", up.codes[0], g.Session)
			}
		})
	}
}

func TestService_SignInWithCode_refused(t *testing.T) {
	w, up := newUpWorld(t)
	in := auth.ProviderCode{Provider: "google", RedirectURI: frontEnd}
	if _, err := w.service.SignInWithCode(t.Context(), in, client); outcome(err) != "invalid required" {
		t.Errorf("no code: %v", err)
	}
	in.Code = "a code that is none"
	if _, err := w.service.SignInWithCode(t.Context(), in, client); outcome(err) != "unauthenticated provider_refused" {
		t.Errorf("a bad code: %v", err)
	}
	in.Code = up.code("loose", dana())
	if _, err := w.service.SignInWithCode(t.Context(), in, client); outcome(err) != "unauthenticated provider_refused" {
		t.Errorf("another provider's code: %v", err)
	}
	if diff := cmp.Diff([]string{"login provider_refused →", "login provider_refused →"}, w.log()); diff != "" {
		t.Error(diff)
	}
}

// TestService_SignInWithCode_limit: attempts count against the client's network.
func TestService_SignInWithCode_limit(t *testing.T) {
	w, up := newUpWorld(t)
	in := auth.ProviderCode{Provider: "google", RedirectURI: frontEnd, Code: "a bad code"}
	for range 30 {
		if _, err := w.service.SignInWithCode(t.Context(), in, client); fault.KindOf(err) != fault.Unauthenticated {
			t.Fatal(err)
		}
	}
	asked := len(up.codes)
	in.Code = up.code("google", dana())
	if _, err := w.service.SignInWithCode(t.Context(), in, client); outcome(err) != "throttled too_many_attempts" {
		t.Errorf("the thirty-first: %v", err)
	}
	if len(up.codes) != asked {
		t.Error("the provider was asked all the same")
	}
	w.pass(time.Minute)
	g, err := w.service.SignInWithCode(t.Context(), in, client)
	if err != nil {
		t.Errorf("a minute later: %v", err)
	}
	w.grantSecrets(g)
}

// TestService_providerSession: what a provider says of its session is kept only if
// it can be.
func TestService_providerSession(t *testing.T) {
	for name, tt := range map[string]struct{ sid, want string }{
		"a session":     {"sid-1", "sid-1"},
		"none":          {"", ""},
		"control":       {"sid\x001", ""},
		"long":          {strings.Repeat("s", 513), ""},
		"long as it is": {strings.Repeat("s", 512), strings.Repeat("s", 512)},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := newUpWorld(t)
			g := w.mustCome("google", with(dana(), func(p *ports.Person) { p.Session = tt.sid }))
			if g.Session.Upstream != tt.want {
				t.Errorf("kept %q", g.Session.Upstream)
			}
		})
	}
}

func TestNew_providers(t *testing.T) {
	tests := []struct {
		name string
		set  func(*auth.Config)
		want string // part of the error; empty when accepted
	}{
		{"as they are", func(*auth.Config) {}, ""},
		{"no providers", func(c *auth.Config) { c.Providers, c.Identities, c.Settings.Callback = nil, nil, "" }, ""},
		{"no identities", func(c *auth.Config) { c.Identities = nil }, "Identities is required"},
		{"no callback", func(c *auth.Config) { c.Settings.Callback = "" }, "Settings.Callback is required"},
		{"no name", func(c *auth.Config) { c.Providers[1].Name = "" }, `provider "": a name is required`},
		{"the same name", func(c *auth.Config) { c.Providers[1].Name = "google" }, `provider "google": a name is required, once`},
		{"a slash in the name", func(c *auth.Config) { c.Providers[1].Name = "a/b" }, `provider "a/b"`},
		{"dots for a name", func(c *auth.Config) { c.Providers[1].Name = ".." }, `provider ".."`},
		{"a long name", func(c *auth.Config) { c.Providers[1].Name = strings.Repeat("a", 65) }, "at most 64"},
		{"the longest name", func(c *auth.Config) { c.Providers[1].Name = strings.Repeat("a", 64) }, ""},
		{"no provider", func(c *auth.Config) { c.Providers[1].Provider = nil }, `provider "loose": Provider and Logout`},
		{"no logout", func(c *auth.Config) { c.Providers[1].Logout = nil }, `provider "loose": Provider and Logout`},
		{"no tenant behind a claim", func(c *auth.Config) { c.Providers[1].Tenants = map[string]string{"org": ""} }, "a tenant"},
		{"no claim before a tenant", func(c *auth.Config) { c.Providers[1].Tenants = map[string]string{"": "acme"} }, "a tenant"},
		{"empty redirect URI", func(c *auth.Config) { c.Providers[1].RedirectURIs = []string{""} }, "a redirect URI"},
		{"relative redirect URI", func(c *auth.Config) { c.Providers[1].RedirectURIs = []string{"/here"} }, "a redirect URI"},
		{"redirect URI with a fragment", func(c *auth.Config) { c.Providers[1].RedirectURIs = []string{frontEnd + "#"} }, "a redirect URI"},
		{"redirect URI of a native app", func(c *auth.Config) { c.Providers[1].RedirectURIs = []string{"com.example.app:/cb"} }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{t: t}
			c := w.config()
			w.withProviders(&c)
			tt.set(&c)
			_, err := auth.New(c)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("New: %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("the caller's stay as they are", func(t *testing.T) {
		w := &world{t: t}
		c := w.config()
		w.withProviders(&c)
		s, err := auth.New(c)
		if err != nil || c.Providers[1].Title != "" || s.Providers[1].Title != "loose" {
			t.Errorf("%v: the titles are %q and %q", err, c.Providers[1].Title, s.Providers[1].Title)
		}
	})
	t.Run("everything at once", func(t *testing.T) {
		c := (&world{t: t}).config()
		c.Providers = []auth.Upstream{{}, {Name: "b", RedirectURIs: []string{"/"}}}
		_, err := auth.New(c)
		for _, part := range []string{`provider "": a name`, `provider "": Provider`, `provider "b": Provider`, `provider "b": a redirect`, "Identities is", "Callback is"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q: %v", part, err)
			}
		}
	})
}

// TestService_reauthenticate_withoutPassword: who has no password must have signed
// in lately for what a stolen session must not do.
func TestService_reauthenticate_withoutPassword(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration
		want  string
	}{
		{"at once", 0, "ok"},
		{"in ten minutes", 10 * time.Minute, "ok"},
		{"later", 10*time.Minute + time.Millisecond, "forbidden sign_in_again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := newUpWorld(t)
			g := w.mustCome("google", dana())
			p := w.principal(g)
			w.pass(tt.after)
			next, err := w.service.ChangePassword(t.Context(), p, "", otherPassword, client)
			w.grantSecrets(next)
			if outcome(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if has := w.user(g.User.ID).PasswordHash != ""; has != (err == nil) {
				t.Error("the password is not what the answer says")
			}
		})
	}
	t.Run("delete the account later", func(t *testing.T) {
		w, _ := newUpWorld(t)
		p := w.principal(w.mustCome("google", dana()))
		w.pass(11 * time.Minute)
		if err := w.service.DeleteAccount(t.Context(), p, "", client); outcome(err) != "forbidden sign_in_again" {
			t.Error(err)
		}
		p = w.principal(w.mustCome("google", dana()))
		if err := w.service.DeleteAccount(t.Context(), p, "", client); err != nil || len(w.up().identities) > 0 {
			t.Errorf("after signing in again: %v", err)
		}
	})
	t.Run("a session that ended", func(t *testing.T) {
		w, _ := newUpWorld(t)
		p := w.principal(w.mustCome("google", dana()))
		w.sessions = map[string]session.Session{}
		if _, err := w.service.ChangePassword(t.Context(), p, "", otherPassword, client); outcome(err) != "unauthenticated session_unknown" {
			t.Error(err)
		}
	})
}
