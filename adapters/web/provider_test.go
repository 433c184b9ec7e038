package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/web"
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
	twice := http.Header{"Cookie": {flowCookie + "=" + b.cookies[flowCookie] + "; " + flowCookie + "=" + kept}}
	f.send("GET", path, nil, twice).want(400, "state")

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
	b.through(p, "alice").do("GET", "/", nil).says("alice@acme.example (confirmed)")
	a := b.form("/sign-out").want(200, "").says("You are signed out", "https://acme.example/end?")
	if to := a.Header.Get("Refresh"); !strings.HasPrefix(to, "0; url=https://acme.example/end?") {
		t.Errorf("goes on to %q", to)
	}
	b.do("GET", "/", nil).says("Create an account")
}
