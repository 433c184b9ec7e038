package web_test

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hexward/hexward/adapters/web"
)

const friend = "https://app.example"

// TestOrigin holds everything that changes something against requests that
// another site's page can make its visitor's browser send.
func TestOrigin(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.Origins = []string{friend} }})
	alice := f.browser().register("alice")
	token := f.tokens("alice").AccessToken
	h := func(pairs ...string) http.Header {
		header := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			header.Add(pairs[i], pairs[i+1])
		}
		return header
	}
	for _, tt := range []struct {
		name   string
		header http.Header
		want   bool // let through
	}{
		{"no browser", h(), true},
		{"same origin", h("Sec-Fetch-Site", "same-origin"), true},
		{"same origin, origin named", h("Sec-Fetch-Site", "same-origin", "Origin", publicURL), true},
		{"address bar", h("Sec-Fetch-Site", "none"), true},
		{"same site", h("Sec-Fetch-Site", "same-site"), false},
		{"cross site", h("Sec-Fetch-Site", "cross-site"), false},
		{"cross site without body", h("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), false},
		{"cross site that names our origin", h("Sec-Fetch-Site", "cross-site", "Origin", publicURL), false},
		{"unknown site", h("Sec-Fetch-Site", "weird"), false},
		{"empty site", h("Sec-Fetch-Site", "", "Origin", "https://evil.example"), false},
		{"two sites", h("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"), false},
		{"friend", h("Sec-Fetch-Site", "same-site", "Origin", friend), true},
		{"friend across sites", h("Sec-Fetch-Site", "cross-site", "Origin", friend), true},
		{"old browser, our origin", h("Origin", publicURL), true},
		{"old browser, friend", h("Origin", friend), true},
		{"old browser, other origin", h("Origin", "https://evil.example"), false},
		{"old browser, no origin to tell", h("Origin", "null"), false},
		{"sandboxed frame", h("Sec-Fetch-Site", "cross-site", "Origin", "null"), false},
		{"our origin over http", h("Origin", "http://id.example"), false},
		{"our origin, other port", h("Origin", publicURL+":8443"), false},
		{"prefix of ours", h("Origin", "https://id.example.evil.example"), false},
		{"friend in another case", h("Origin", "https://APP.example"), false},
		{"two origins", h("Origin", publicURL, "Origin", "https://evil.example"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, req := range []struct {
				method, path string
				body         any
				cookie       bool
				bearer       bool
				always       bool // bearer does not help
			}{
				{"POST", "/auth/token", nil, true, false, false},
				{"PUT", "/auth/password", fields{"password": "x", "new_password": "y"}, true, false, false},
				{"POST", "/auth/token", nil, false, true, false},
				{"POST", "/auth/login", fields{"login": "alice", "password": password}, false, false, true},
				{"POST", "/auth/login", fields{"login": "alice", "password": password}, false, true, true},
				{"POST", "/auth/register", fields{"username": "x", "email": "x", "password": "x"}, false, true, true},
				{"POST", "/auth/setup/abc", fields{"username": "x", "email": "x", "password": "x"}, false, true, true},
				{"POST", "/auth/logout", nil, false, false, true},
				{"POST", "/auth/token/refresh", nil, true, false, false},
			} {
				header := tt.header.Clone()
				if req.cookie {
					header.Set("Cookie", "__Host-hexward_session="+alice.cookies["__Host-hexward_session"])
				}
				if req.bearer {
					header.Set("Authorization", "Bearer "+token)
				}
				a := f.send(req.method, req.path, req.body, header)
				refused := a.Status == 403 && a.code() == "cross_origin"
				if want := tt.want || req.bearer && !req.always; refused == want {
					t.Errorf("%s %s (cookie %v, bearer %v): %d %s", req.method, req.path, req.cookie, req.bearer, a.Status, a.Body)
				}
				if refused && len(a.sets) > 0 {
					t.Errorf("%s %s: a refusal sets %v", req.method, req.path, slices.Collect(maps.Keys(a.sets)))
				}
			}
		})
	}
}

// TestOrigin_Routes has another site's page send to every route that may change
// something, with everything that the browser of an administrator attaches.
func TestOrigin_Routes(t *testing.T) {
	f := newFixture(t, withProviders(newUpstream("acme")))
	root := f.admin()
	var cookies []string
	for name, value := range root.cookies {
		cookies = append(cookies, name+"="+value)
	}
	open := map[string]bool{ // whose bodies prove themselves, and no cookie counts
		"POST /auth/backchannel-logout/{provider}": true,
		"POST /oauth/token":                        true,
		"POST /oauth/introspect":                   true,
		"POST /oauth/revoke":                       true,
	}
	for _, r := range web.Routes() {
		name := routeName(r)
		if r.Method == "GET" || open[name] {
			continue
		}
		_, path, _ := strings.Cut(name, " ")
		path = strings.NewReplacer("{id}", neverWas, "{token}", "x", "{provider}", "acme").Replace(path)
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain"} {
			header := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}, "Cookie": {strings.Join(cookies, "; ")}, "Content-Type": {kind}}
			a := f.send(r.Method, path, "", header)
			if a.Status != 403 || !strings.Contains(a.Body, "another site&#39;s page") && !strings.Contains(a.Body, "cross_origin") || len(a.sets) > 0 {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
	}
	root.do("GET", "/auth/verify", nil).want(200, "")
}

func TestLogoutByLink(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.FrontEnd = "https://app.example/bye" }})
	for _, tt := range []struct {
		name             string
		site, mode, dest string
		want             int
	}{
		{"a link of ours", "same-origin", "navigate", "document", 302},
		{"the address bar", "none", "navigate", "document", 302},
		{"a link elsewhere", "cross-site", "navigate", "document", 403},
		{"a link of the same site", "same-site", "navigate", "document", 403},
		{"an image of ours", "same-origin", "no-cors", "image", 403},
		{"a frame of ours", "same-origin", "navigate", "iframe", 403},
		{"nothing said", "", "", "", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alice := f.browser()
			if tt.name == "a link of ours" {
				alice.register("alice")
			} else {
				alice.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
			}
			header := http.Header{"Cookie": {"__Host-hexward_session=" + alice.cookies["__Host-hexward_session"]}}
			for name, value := range map[string]string{"Sec-Fetch-Site": tt.site, "Sec-Fetch-Mode": tt.mode, "Sec-Fetch-Dest": tt.dest} {
				if value != "" {
					header.Set(name, value)
				}
			}
			a := f.send("GET", "/auth/logout?return_to=https://evil.example&next=//evil.example&provider=x", nil, header).want(tt.want, "")
			alive := 200
			if tt.want == 302 {
				alive = 401
				if to := a.Header.Get("Location"); to != "https://app.example/bye" || len(a.sets) != 3 {
					t.Errorf("leads to %q and sets %v", to, a.Header["Set-Cookie"])
				}
			}
			alice.do("GET", "/auth/verify", nil).want(alive, "")
		})
	}
}

func TestCORS(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.Origins = []string{friend} }})
	for _, tt := range []struct {
		name, method, origin string
		want                 int
		allowed              bool
	}{
		{"preflight of a friend", "OPTIONS", friend, 204, true},
		{"preflight of a stranger", "OPTIONS", "https://evil.example", 204, false},
		{"preflight of nobody", "OPTIONS", "null", 204, false},
		{"request of a friend", "GET", friend, 401, true},
		{"request of a stranger", "GET", "https://evil.example", 401, false},
		{"request of an origin that ends alike", "GET", "https://evilapp.example", 401, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := f.send(tt.method, "/auth/me", nil, http.Header{"Origin": {tt.origin}, "Access-Control-Request-Method": {"GET"}}).want(tt.want, "")
			if vary := strings.Join(a.Header["Vary"], ","); !strings.Contains(vary, "Origin") {
				t.Errorf("Vary: %s", vary)
			}
			got := a.Header.Get("Access-Control-Allow-Origin") == tt.origin && a.Header.Get("Access-Control-Allow-Credentials") == "true"
			if got != tt.allowed {
				t.Errorf("headers %v", a.Header)
			}
			if !tt.allowed {
				for name := range a.Header {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("a stranger gets %s", name)
					}
				}
			}
			if tt.method == "OPTIONS" && tt.allowed && !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "DELETE") {
				t.Errorf("methods %q", a.Header.Get("Access-Control-Allow-Methods"))
			}
		})
	}
}

func TestHTTPS(t *testing.T) {
	for _, tt := range []struct {
		name, method, proto string
		trusted             bool
		want                int
		code, location      string
	}{
		{"page over http", "GET", "http", true, 308, "", publicURL + "/auth/me?a=b%20c"},
		{"write over http", "POST", "http", true, 403, "https_required", ""},
		{"delete over http", "DELETE", "HTTP", true, 403, "https_required", ""},
		{"over https", "GET", "https", true, 401, "unauthenticated", ""},
		{"nearest hop over https", "GET", "http, https", true, 401, "unauthenticated", ""},
		{"nearest hop over http", "GET", "https, http", true, 308, "", publicURL + "/auth/me?a=b%20c"},
		{"nothing said", "GET", "", true, 401, "unauthenticated", ""},
		{"said by anybody", "GET", "http", false, 401, "unauthenticated", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, options{web: func(c *web.Config) {
				if tt.trusted {
					c.TrustedProxies = []netip.Prefix{viaProxy}
				}
			}})
			header := http.Header{"X-Forwarded-Host": {"evil.example"}}
			if tt.proto != "" {
				header.Set("X-Forwarded-Proto", tt.proto)
			}
			a := f.send(tt.method, "/auth/me?a=b%20c", nil, header).want(tt.want, tt.code)
			if got := a.Header.Get("Location"); got != tt.location {
				t.Errorf("leads to %q", got)
			}
			f.send("GET", "/auth/verify", nil, header.Clone()).want(401, "unauthenticated") // about another site
			if hsts := a.Header.Get("Strict-Transport-Security"); (hsts == "max-age=31536000") != (tt.want != 308) {
				t.Errorf("Strict-Transport-Security: %q", hsts)
			}
		})
	}
}
