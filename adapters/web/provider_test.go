package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/ports"
)

func TestProvider_Flow(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	b := f.browser()
	a := b.do("GET", "/auth/login?provider=acme&return_to=%2Forders%3Fopen%3D1", nil, fromLink...).want(302, "")
	c := a.sets[flowCookie]
	if c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 || len(a.sets) != 1 {
		t.Errorf("login sets %v", a.Header["Set-Cookie"])
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("login answers %v", a.Header)
	}
	back := p.accept(t, a.Header.Get("Location"), "alice")
	if !strings.HasPrefix(back, "/auth/callback?") {
		t.Fatalf("the provider leads back to %s", back)
	}
	a = b.came(back).want(302, "")
	if to := a.Header.Get("Location"); to != publicURL+"/orders?open=1" {
		t.Errorf("the callback leads to %s", to)
	}
	for _, name := range []string{sessionCookie, accessCookie, refreshCookie} {
		if c := a.sets[name]; c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("the callback sets %v", a.Header["Set-Cookie"])
		}
	}
	var u struct{ Username, Email, Name, Picture, Tenant string }
	b.do("GET", "/auth/userinfo", nil).want(200, "").into(&u)
	if u.Username != "alice" || u.Name != "The full alice" || u.Picture != "https://pictures.example/alice" || u.Email != "alice@acme.example" || u.Tenant != "default" {
		t.Errorf("the user is %+v", u)
	}
	b.do("POST", "/auth/token/refresh", nil).want(200, "")

	// Whoever comes back is the same user, and goes to the front end.
	id := b.user().ID
	again := f.browser()
	if to := again.came(p.accept(t, again.begun(""), "alice")).want(302, "").Header.Get("Location"); to != publicURL+"/" {
		t.Errorf("the callback leads to %s", to)
	}
	if got := again.user().ID; got != id {
		t.Errorf("alice came back as %s, was %s", got, id)
	}
	if u := f.browser().register("bob").do("GET", "/auth/me", nil); strings.Contains(u.Body, "picture") || strings.Contains(u.Body, `"name"`) {
		t.Errorf("a user without a profile is %s", u.Body)
	}
}

func TestProvider_BeginRefusals(t *testing.T) {
	p, q := newUpstream("acme"), newUpstream("globex")
	f := newFixture(t, withProviders(p, q))
	for _, tt := range []struct {
		name, query string
		want        int
		code        string
	}{
		{"good", "provider=acme", 302, ""},
		{"which one", "", 400, "required"},
		{"unknown", "provider=evil", 404, "provider_unknown"},
		{"another case", "provider=ACME", 404, "provider_unknown"},
		{"twice", "provider=acme&provider=globex", 400, "duplicate"},
		{"return twice", "provider=acme&return_to=/a&return_to=/b", 400, "duplicate"},
		{"path", "provider=acme&return_to=/a/b?c=d", 302, ""},
		{"another origin", "provider=acme&return_to=https://evil.example/", 400, "foreign"},
		{"our own origin, absolute", "provider=acme&return_to=" + publicURL + "/a", 400, "foreign"},
		{"scheme-relative", "provider=acme&return_to=//evil.example", 400, "foreign"},
		{"scheme-relative, encoded", "provider=acme&return_to=%2F%2Fevil.example", 400, "foreign"},
		{"encoded twice", "provider=acme&return_to=/%252F/evil.example", 400, "foreign"},
		{"backslash", `provider=acme&return_to=/\evil.example`, 400, "foreign"},
		{"encoded backslash", "provider=acme&return_to=/%5Cevil.example", 400, "foreign"},
		{"tab", "provider=acme&return_to=/%09/evil.example", 400, "foreign"},
		{"newline", "provider=acme&return_to=/%0d%0aSet-Cookie:%20a=b", 400, "foreign"},
		{"script", "provider=acme&return_to=javascript:alert(1)", 400, "foreign"},
		{"user", "provider=acme&return_to=/@evil.example", 400, "foreign"},
		{"no slash", "provider=acme&return_to=evil.example", 400, "foreign"},
		{"wide slash", "provider=acme&return_to=/%EF%BC%8Fevil.example", 400, "foreign"},
		{"dots", "provider=acme&return_to=/a/..//evil.example", 400, "foreign"},
		{"not UTF-8", "provider=acme&return_to=/%ff", 400, "foreign"},
		{"long", "provider=acme&return_to=/" + strings.Repeat("a", 2000), 400, "foreign"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := f.browser().do("GET", "/auth/login?"+tt.query, nil).want(tt.want, tt.code)
			if tt.want != 302 && (len(a.sets) > 0 || a.Header.Get("Location") != "") {
				t.Errorf("a refusal has %v", a.Header)
			}
		})
	}
	p.fall(true)
	a := f.browser().do("GET", "/auth/login?provider=acme", nil).want(503, "provider_unavailable")
	if a.Header.Get("Retry-After") == "" || len(a.sets) > 0 {
		t.Errorf("a provider that is down has %v", a.Header)
	}
	f.browser().do("GET", "/auth/login?provider=globex", nil).want(302, "")
}

// TestProvider_Callback holds the callback against everything that is not the end
// of what this browser began.
func TestProvider_Callback(t *testing.T) {
	p, q := newUpstream("acme"), newUpstream("globex")
	f := newFixture(t, withProviders(p, q))
	edit := func(path string, change func(url.Values)) string {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		v := u.Query()
		change(v)
		return u.Path + "?" + v.Encode()
	}
	set := func(name, value string) func(*browser, string) string {
		return func(_ *browser, path string) string { return edit(path, func(v url.Values) { v.Set(name, value) }) }
	}
	for _, tt := range []struct {
		name   string
		change func(b *browser, path string) string
		want   int
		code   string
	}{
		{"good", func(_ *browser, path string) string { return path }, 302, ""},
		{"another browser", func(b *browser, path string) string {
			other := f.browser()
			other.begun("provider=acme")
			b.cookies = other.cookies
			return path
		}, 400, "state"},
		{"no cookie", func(b *browser, path string) string { delete(b.cookies, flowCookie); return path }, 400, "state"},
		{"empty cookie", func(b *browser, path string) string { b.cookies[flowCookie] = ""; return path }, 400, "state"},
		{"replay", func(b *browser, path string) string { b.came(path).want(302, ""); return path }, 400, "state"},
		{"replay with a fresh code", func(b *browser, path string) string {
			b.came(path).want(302, "")
			state := edit(path, func(v url.Values) { v.Del("code") })
			return edit(state, func(v url.Values) { v.Set("code", p.grant(p.asked[v.Get("state")], p.person("mallory"))) })
		}, 400, "state"},
		{"late", func(_ *browser, path string) string { f.clock.Add(int64(11 * time.Minute)); return path }, 400, "state"},
		{"tampered", func(_ *browser, path string) string {
			return edit(path, func(v url.Values) {
				s := []byte(v.Get("state"))
				s[len(s)/2] ^= 1
				v.Set("state", string(s))
			})
		}, 400, "state"},
		{"no state", set("state", ""), 400, "state"},
		{"huge state", set("state", strings.Repeat("A", 5000)), 400, "state"},
		{"no code", set("code", ""), 401, "provider_denied"},
		{"denied", set("error", "access_denied"), 401, "provider_denied"},
		{"another code", set("code", "acme-code-999"), 401, "code"},
		{"another provider's issuer", set("iss", "https://globex.example"), 401, "code"},
		{"another provider's code", func(b *browser, path string) string {
			u, _ := url.Parse(q.accept(t, b.begun("provider=globex"), "alice"))
			return edit(path, func(v url.Values) { v.Set("code", u.Query().Get("code")) })
		}, 401, "code"},
		{"another provider's state", func(b *browser, path string) string {
			u, _ := url.Parse(q.accept(t, b.begun("provider=globex"), "alice"))
			return edit(path, func(v url.Values) { v.Set("state", u.Query().Get("state")) })
		}, 401, "code"},
		{"another sign-in's code", func(b *browser, path string) string {
			u, _ := url.Parse(p.accept(t, b.begun("provider=acme"), "mallory"))
			return edit(path, func(v url.Values) { v.Set("code", u.Query().Get("code")) })
		}, 401, "code"},
		{"state twice", func(_ *browser, path string) string { return path + "&state=x" }, 400, "duplicate"},
		{"code twice", func(_ *browser, path string) string { return path + "&code=x" }, 400, "duplicate"},
		{"issuer twice", func(_ *browser, path string) string { return path + "&iss=x" }, 400, "duplicate"},
		{"provider down", func(_ *browser, path string) string { p.fall(true); return path }, 503, "provider_unavailable"},
		{"an open redirect", set("return_to", "https://evil.example"), 302, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer f.clock.Store(0)
			defer p.fall(false)
			b := f.browser()
			path := p.accept(t, b.begun("provider=acme&return_to=/orders"), "alice")
			path = tt.change(b, path)
			had := b.cookies[sessionCookie]
			a := b.came(path).want(tt.want, tt.code)
			if tt.want == 302 {
				if to := a.Header.Get("Location"); to != publicURL+"/orders" {
					t.Errorf("leads to %s", to)
				}
				return
			}
			if len(a.sets) > 0 || b.cookies[sessionCookie] != had {
				t.Errorf("a refusal sets %v", a.Header["Set-Cookie"])
			}
		})
	}
}

func TestProvider_FlowCookie(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	b := f.browser()
	first := b.begun("return_to=/first")
	kept := b.cookies[flowCookie]
	var last string
	for range 20 {
		last = b.begun("return_to=/last")
	}
	if len(b.cookies) != 1 || b.cookies[flowCookie] != kept {
		t.Errorf("twenty sign-ins leave %v", b.cookies)
	}
	for _, one := range []struct{ location, to string }{{last, "/last"}, {first, "/first"}} { // any order
		if to := b.came(p.accept(t, one.location, "alice")).want(302, "").Header.Get("Location"); to != publicURL+one.to {
			t.Errorf("leads to %s", to)
		}
	}
	for _, bad := range []string{"x", strings.Repeat("A", 44), strings.Repeat("é", 22)} { // one that somebody made up is replaced
		b.cookies[flowCookie] = bad
		if b.begun(""); b.cookies[flowCookie] == bad {
			t.Errorf("%q is kept", bad)
		}
	}
	// A cookie that comes twice was planted once.
	path := p.accept(t, b.begun(""), "alice")
	good, planted := flowCookie+"="+b.cookies[flowCookie], flowCookie+"="+kept
	f.send("GET", path, nil, http.Header{"Cookie": {good + "; " + planted}}).want(400, "state")
	f.send("GET", path, nil, http.Header{"Cookie": {planted, good}}).want(400, "state")
	f.send("GET", path, nil, http.Header{"Cookie": {good + "; a=b"}}).want(302, "")

	local := newFixture(t, options{auth: withProviders(p).auth, web: func(c *web.Config) { c.PublicURL = "http://localhost:8080" }})
	if c := local.browser().do("GET", "/auth/login", nil).want(302, "").sets["hexward_flow"]; c == nil || c.Secure {
		t.Errorf("on loopback http the cookie is %v", c)
	}
}

func TestProvider_SessionFixation(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	planted := f.browser().register("mallory").cookies[sessionCookie]
	b := f.browser()
	b.cookies[sessionCookie] = planted
	b.through(p, "alice")
	if b.cookies[sessionCookie] == planted {
		t.Error("the session id did not change")
	}
	if u := b.user(); u.Username != "alice" {
		t.Errorf("signed in as %s", u.Username)
	}
	b.cookies = map[string]string{sessionCookie: planted}
	b.do("GET", "/auth/me", nil).want(401, "session_unknown")

	// A dead cookie does not keep its owner from signing in.
	b.cookies = map[string]string{sessionCookie: planted}
	b.through(p, "alice").user()
}

func TestProvider_LoginCSRF(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	attacker, victim := f.browser(), f.browser().register("victim")
	path := p.accept(t, attacker.begun(""), "mallory")
	victim.came(path).want(400, "state")
	victim.begun("")
	victim.came(path).want(400, "state")
	if u := victim.user(); u.Username != "victim" {
		t.Errorf("the victim is %s", u.Username)
	}
	attacker.came(path).want(302, "") // the victim's visit burnt nothing
}

func TestProvider_Pages(t *testing.T) {
	p := newUpstream("acme")
	f := newFixture(t, withProviders(p))
	const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, tt := range []struct {
		name, path, accept string
		status             int
		page               bool
	}{
		{"callback in a browser", "/auth/callback?state=x", html, 400, true},
		{"login in a browser", "/auth/login?provider=x", html, 404, true},
		{"a bad path in a browser", "/auth/login?return_to=//x", html, 400, true},
		{"nothing said", "/auth/callback?state=x", "", 400, false},
		{"anything", "/auth/callback?state=x", "*/*", 400, false},
		{"json first", "/auth/callback?state=x", "text/html;q=0.5, application/json", 400, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var extra []string
			if tt.accept != "" {
				extra = []string{"Accept", tt.accept}
			}
			a := f.browser().do("GET", tt.path, nil, extra...).want(tt.status, "")
			if tt.page {
				a.says("That did not work", "Try again", "/static/style.css")
			} else if a.code() == "" {
				t.Errorf("answer %s", a.Body)
			}
			if a.Header.Get("Vary") != "Accept" || a.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers %v", a.Header)
			}
		})
	}
	b := f.browser()
	b.do("GET", "/sign-in", nil).want(200, "").says("Sign in with Acme", `href="/auth/login?provider=acme"`)
	b.do("GET", "/sign-up", nil).want(200, "").says("Sign up with Acme")
	b.through(p, "alice").do("GET", "/", nil).says("You are signed in", "alice@acme.example")
	a := b.form("/sign-out").want(200, "").says("You are signed out", "https://acme.example/end?")
	if to := a.Header.Get("Refresh"); !strings.HasPrefix(to, "0; url=https://acme.example/end?") {
		t.Errorf("goes on to %q", to)
	}
	b.do("GET", "/", nil).says("Create an account")
}

// TestSignInCode is for front ends that do the redirect themselves.
func TestSignInCode(t *testing.T) {
	p, q := newUpstream("acme"), newUpstream("globex")
	f := newFixture(t, withProviders(p))
	asked := ports.AuthRequest{RedirectURI: elsewhere, Verifier: "verifier", Nonce: "nonce"}
	body := func(subject string) fields {
		return fields{"code": p.grant(asked, p.person(subject)), "redirect_uri": elsewhere, "code_verifier": "verifier", "nonce": "nonce"}
	}
	var got tokenAnswer
	a := f.browser().do("POST", "/auth/sign-in", body("alice")).want(200, "")
	a.into(&got)
	if got.AccessToken == "" || got.TokenType != "Bearer" || got.ExpiresIn < 800 || got.RefreshToken == "" || got.Delivery != "body" ||
		got.User.Username != "alice" || len(a.sets) > 0 {
		t.Errorf("answer %s, sets %v", a.Body, a.Header["Set-Cookie"])
	}
	f.bearer(got.AccessToken).do("GET", "/auth/me", nil).want(200, "")
	f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": got.RefreshToken}).want(200, "")

	// With cookies besides.
	b := f.browser()
	planted := f.browser().register("mallory").cookies[sessionCookie]
	b.cookies[sessionCookie] = planted
	in := body("alice")
	in["delivery"], in["provider"] = "cookie", "acme"
	got = tokenAnswer{}
	a = b.do("POST", "/auth/sign-in", in).want(200, "")
	a.into(&got)
	if got.AccessToken == "" || got.ExpiresIn < 800 || got.TokenType != "Bearer" || got.RefreshToken != "" || got.Delivery != "cookie" || len(a.sets) != 3 {
		t.Errorf("answer %s, sets %v", a.Body, a.Header["Set-Cookie"])
	}
	if u := b.user(); u.Username != "alice" || b.cookies[sessionCookie] == planted {
		t.Errorf("signed in as %s", u.Username)
	}
	b.do("POST", "/auth/token/refresh", nil).want(200, "")
	b.cookies = map[string]string{sessionCookie: planted}
	b.do("GET", "/auth/me", nil).want(401, "session_unknown")

	several := newFixture(t, withProviders(p, q))
	for _, tt := range []struct {
		name   string
		f      *fixture
		change func(in fields)
		want   int
		code   string
	}{
		{"unknown code", f, func(in fields) { in["code"] = "x" }, 401, "code"},
		{"empty code", f, func(in fields) { in["code"] = "" }, 400, "required"},
		{"no code", f, func(in fields) { delete(in, "code") }, 400, "required"},
		{"no redirect URI", f, func(in fields) { delete(in, "redirect_uri") }, 400, "required"},
		{"a redirect URI that is not allowed", f, func(in fields) { in["redirect_uri"] = "https://evil.example/" }, 400, "unknown"},
		{"an allowed one and more", f, func(in fields) { in["redirect_uri"] = elsewhere + "/" }, 400, "unknown"},
		{"our own callback", f, func(in fields) { in["redirect_uri"] = callback }, 400, "unknown"},
		{"another verifier", f, func(in fields) { in["code_verifier"] = "x" }, 401, "code"},
		{"no verifier", f, func(in fields) { delete(in, "code_verifier") }, 401, "code"},
		{"another nonce", f, func(in fields) { in["nonce"] = "x" }, 401, "code"},
		{"another issuer", f, func(in fields) { in["iss"] = "https://globex.example" }, 401, "code"},
		{"another provider", f, func(in fields) { in["provider"] = "globex" }, 404, "provider_unknown"},
		{"which provider", several, func(fields) {}, 404, "provider_unknown"},
		{"another provider's code", several, func(in fields) { in["provider"] = "globex" }, 401, "code"},
		{"a state", f, func(in fields) { in["state"] = "x" }, 400, "unknown"},
		{"another delivery", f, func(in fields) { in["delivery"] = "url" }, 400, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := body("alice")
			tt.change(in)
			if a := tt.f.browser().do("POST", "/auth/sign-in", in).want(tt.want, tt.code); len(a.sets) > 0 {
				t.Errorf("a refusal sets %v", a.Header["Set-Cookie"])
			}
		})
	}
	in = body("alice")
	f.browser().do("POST", "/auth/sign-in", in).want(200, "")
	f.browser().do("POST", "/auth/sign-in", in).want(401, "code")
	victim := f.browser()
	victim.header.Set("Sec-Fetch-Site", "cross-site")
	victim.do("POST", "/auth/sign-in", body("mallory")).want(403, "cross_origin")
	victim.do("POST", "/auth/sign-in", body("mallory"), "Authorization", "Basic eDp4").want(403, "cross_origin") // attached by the browser
	p.fall(true)
	f.browser().do("POST", "/auth/sign-in", body("alice")).want(503, "provider_unavailable")
}

func TestCallbackPath(t *testing.T) {
	p := newUpstream("acme")
	for _, path := range []string{"/oidc/callback/", "/cb", "/auth/callback"} {
		t.Run(path, func(t *testing.T) {
			o := withProviders(p)
			configure := o.auth
			o.auth = func(c *auth.Config) { configure(c); c.Settings.Callback = publicURL + path }
			o.web = func(c *web.Config) { c.CallbackPath = path }
			f := newFixture(t, o)
			b := f.browser()
			back := p.accept(t, b.begun(""), "alice")
			if !strings.HasPrefix(back, path+"?") {
				t.Fatalf("the provider leads back to %s", back)
			}
			b.do("POST", path, nil).want(405, "method_not_allowed")
			b.do("HEAD", back, nil).want(405, "")
			b.came(back).want(302, "")
			b.user()
			b.do("GET", "/auth/callback", nil).want(400, "state")
		})
	}
	service := newFixture(t, withProviders(p)).service
	for _, path := range []string{"/", "cb", "//cb", "/a/../b", "/:a", "/a b", "/*", "/sign-in", "/auth/login", "/confirm/x", "/auth/x/change_username", "/admin/users"} {
		if _, err := web.New(service, web.Config{PublicURL: publicURL, CallbackPath: path}); err == nil {
			t.Errorf("%s is taken for a callback path", path)
		}
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	if _, err := web.MountRoot(app, service, web.Config{PublicURL: publicURL, CallbackPath: "/cb"}); err != nil {
		t.Fatal(err)
	}
	res, err := app.Test(httptest.NewRequestWithContext(t.Context(), "GET", "/cb?state=x", nil))
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != 400 {
		t.Errorf("mounted at the root, it answers %d", res.StatusCode)
	}
}

// TestProvider_Mounted: in somebody's own app there is no page of ours to lead to.
func TestProvider_Mounted(t *testing.T) {
	p := newUpstream("acme")
	o := withProviders(p)
	configure := o.auth
	o.auth = func(c *auth.Config) { configure(c); c.Settings.Callback = publicURL + "/api/users/callback" }
	o.app = somebodysApp
	o.web = func(c *web.Config) { c.FrontEnd = "https://app.example/" }
	f := newFixture(t, o)
	b := f.browser()
	a := b.do("GET", "/api/users/callback?state=x", nil, "Accept", "text/html").want(400, "").says(`href="https://app.example/"`)
	if strings.Contains(a.Body, "/static/") || strings.Contains(a.Body, "/sign-in") {
		t.Errorf("the page leads to pages that are not there: %s", a.Body)
	}
	to := b.do("GET", "/api/users/login", nil).want(302, "").Header.Get("Location")
	if to := b.came(p.accept(t, to, "alice")).want(302, "").Header.Get("Location"); to != "https://app.example/" {
		t.Errorf("leads to %s", to)
	}
	b.do("GET", "/api/users/me", nil).want(200, "")
}
