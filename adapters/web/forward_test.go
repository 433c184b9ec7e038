package web_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
)

// families are the proxies that ask.
var families = []string{"nginx", "traefik", "caddy", "envoy"}

// forwarding returns a server that a family of proxies asks.
func forwarding(t testing.TB, family string, change func(*web.Config)) *fixture {
	return newFixture(t, options{web: func(c *web.Config) {
		c.Forward, c.Policy, c.TrustedProxies = family, testPolicy(t), []netip.Prefix{viaProxy}
		if change != nil {
			change(c)
		}
	}})
}

// question is what a proxy of a family sends about a request.
func question(family, method, target string, header http.Header) string {
	var b strings.Builder
	switch family {
	case "nginx":
		fmt.Fprintf(&b, "GET /auth/verify HTTP/1.1\r\nHost: hexward\r\nX-Original-Method: %s\r\nX-Original-URI: %s\r\nX-Forwarded-Host: id.example\r\n", method, target)
	case "envoy":
		fmt.Fprintf(&b, "%s /auth/verify%s HTTP/1.1\r\nHost: id.example\r\nContent-Length: 0\r\n", method, target)
	default:
		fmt.Fprintf(&b, "GET /auth/verify HTTP/1.1\r\nHost: hexward\r\nX-Forwarded-Method: %s\r\nX-Forwarded-Uri: %s\r\nX-Forwarded-Host: id.example\r\n", method, target)
	}
	for name, values := range header {
		for _, value := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("Connection: close\r\n\r\n")
	return b.String()
}

// ask returns the answer to a question.
func (f *fixture) ask(family, method, target string, header http.Header) answer {
	f.Helper()
	return f.askRaw(question(family, method, target, header))
}

func (f *fixture) askRaw(text string) answer {
	f.Helper()
	answers, _ := f.raw(text)
	if len(answers) != 1 {
		f.Fatalf("%d answers to %q", len(answers), text)
	}
	return answers[0]
}

func TestForward(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			f := forwarding(t, family, nil)
			cast := f.cast()
			for _, tt := range []struct {
				method, target, caller string
				want                   string // kind and name, or the status and code of a refusal
			}{
				{"GET", "/public/a?b=c", "nobody", "anonymous "},
				{"GET", "/public/a", "alice", "user alice"},
				{"GET", "/public/a", "alice's access", "user alice"},
				{"GET", "/public/a", "machine", "machine "},
				{"GET", "/public/a", "signed out", "anonymous "},
				{"GET", "/public/a", "forged", "anonymous "},
				{"GET", "/public/a", "twice", "anonymous "},
				{"GET", "/", "nobody", "401 unauthenticated"},
				{"GET", "/", "alice", "user alice"},
				{"GET", "/", "alice's token", "403 session_required"},
				{"GET", "/", "machine", "403 session_required"},
				{"GET", "/", "signed out", "401 session_unknown"},
				{"GET", "/any/a", "nobody", "401 unauthenticated"},
				{"GET", "/any/a", "alice's token", "user alice"},
				{"GET", "/any/a", "machine", "machine "},
				{"GET", "/any/a", "basic", "401 token_malformed"},
				{"GET", "/tokens/a", "alice", "403 token_required"},
				{"GET", "/machines/a", "alice's token", "403 machine_required"},
				{"GET", "/machines/a", "machine", "machine "},
				{"GET", "/people/a", "machine", "403 user_required"},
				{"POST", "/reports", "alice", "403 forbidden"},
				{"POST", "/reports", "writer", "user writer"},
				{"POST", "/reports?x=1", "machine", "machine "},
				{"POST", "/reports/", "machine", "machine "},
				{"GET", "/reports", "machine", "403 forbidden"},
				{"HEAD", "/reports", "machine", "403 forbidden"},
				{"DELETE", "/reports", "machine", "403 session_required"},
				{"DELETE", "/any/a", "machine", "machine "},
				{"OPTIONS", "/any/a", "nobody", "401 unauthenticated"},
				{"GET", "/a%20b/c", "alice", "user alice"},
				{"GET", "/100%25", "alice", "user alice"},
				{"POST", "/change_username", "alice", "user alice"}, // has the form of a route of ours, after /verify
			} {
				if tt.method == "HEAD" && family == "envoy" {
					continue // the answer is the question's own, without a body
				}
				a := f.ask(family, tt.method, tt.target, cast[tt.caller])
				got := ""
				if a.Status == 200 {
					got = a.Header.Get("X-Auth-Kind") + " " + a.Header.Get("X-Auth-Name")
				} else {
					got = said(a)
				}
				if got != tt.want {
					t.Errorf("%s %s of %s: %q, want %q", tt.method, tt.target, tt.caller, got, tt.want)
				}
			}
		})
	}
}

// Every identity header is there, so that each takes the place of what a client sent.
func TestForward_headers(t *testing.T) {
	names := []string{"Subject", "Name", "Kind", "Tenant", "Permissions", "Session", "Token"}
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			f := forwarding(t, family, nil)
			cast := f.cast()
			for _, caller := range []string{"nobody", "writer", "machine"} {
				a := f.ask(family, "GET", "/public/a", cast[caller]).want(200, "")
				for _, name := range names {
					if got := a.Header["X-Auth-"+name]; len(got) != 1 {
						t.Errorf("%s: X-Auth-%s: %q", caller, name, got)
					} else if empty := caller == "nobody" && name != "Kind" || name == "Token" || caller == "machine" && (name == "Name" || name == "Session"); empty != (got[0] == "") {
						t.Errorf("%s: X-Auth-%s: %q", caller, name, got)
					}
				}
			}
			if a := f.ask(family, "GET", "/any/a", cast["writer"]).want(200, ""); a.Header.Get("X-Auth-Permissions") != "write" || a.Header.Get("X-Auth-Tenant") != "default" {
				t.Errorf("headers %v", a.Header)
			}
		})
	}
}

// What is missing, said twice, said by another family's headers or by nobody whom we
// trust is no question, and no answer to it is a yes: the target of each would be public.
func TestForward_closed(t *testing.T) {
	line := "GET /auth/verify HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\n"
	const (
		originalMethod, originalURI   = "X-Original-Method: GET\r\n", "X-Original-URI: /public/a\r\n"
		forwardedMethod, forwardedURI = "X-Forwarded-Method: GET\r\n", "X-Forwarded-Uri: /public/a\r\n"
	)
	type test struct {
		name, text string
		status     int
	}
	cases := map[string][]test{"envoy": {
		{"as it should be", "GET /auth/verify/public/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
		{"no path", line + "\r\n", 403},
		{"headers of nginx", line + originalMethod + originalURI + "\r\n", 403},
		{"headers of caddy", line + forwardedMethod + forwardedURI + "\r\n", 403},
		{"headers of caddy about another path", "GET /auth/verify/any HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + forwardedMethod + forwardedURI + "\r\n", 401},
		{"absolute target", "GET http://x/auth/verify/public/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 403},
		{"another spelling of our path", "GET /auth/%76erify/public/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
		{"another method in a header", "POST /auth/verify/reports HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\nX-HTTP-Method-Override: GET\r\n\r\n", 401},
		{"unknown method", "BREW /auth/verify/public/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400},
	}}
	both := func(method, uri, foreign string) []test {
		m, u := method+": ", uri+": "
		list := []test{{"as it should be", line + m + "GET\r\n" + u + "/public/a\r\n\r\n", 200}}
		for _, bad := range [][2]string{
			{"no headers", ""},
			{"no method", u + "/public/a\r\n"},
			{"no target", m + "GET\r\n"},
			{"empty method", m + "\r\n" + u + "/public/a\r\n"},
			{"empty target", m + "GET\r\n" + u + "\r\n"},
			{"method twice", m + "GET\r\n" + m + "GET\r\n" + u + "/public/a\r\n"},
			{"target twice", m + "GET\r\n" + u + "/public/a\r\n" + u + "/public/a\r\n"},
			{"target twice in two spellings", m + "GET\r\n" + u + "/public/a\r\n" + strings.ToLower(u) + "/any\r\n"},
			{"method in lower case", m + "get\r\n" + u + "/public/a\r\n"},
			{"two methods", m + "GET, POST\r\n" + u + "/public/a\r\n"},
			{"endless method", m + strings.Repeat("A", 33) + "\r\n" + u + "/public/a\r\n"},
			{"absolute target", m + "GET\r\n" + u + "http://x/public/a\r\n"},
			{"target of no path", m + "OPTIONS\r\n" + u + "*\r\n"},
			{"relative target", m + "GET\r\n" + u + "public/a\r\n"},
			{"target with a space", m + "GET\r\n" + u + "/public/a /any\r\n"},
			{"target with a tab", m + "GET\r\n" + u + "/public/a\t/any\r\n"},
			{"two targets", m + "GET\r\n" + u + "/public/a, /any\r\n"},
			{"another family's headers", foreign},
			{"another family's target", m + "GET\r\n" + foreign},
			{"underscores", strings.ReplaceAll(m, "-", "_") + "GET\r\n" + strings.ReplaceAll(u, "-", "_") + "/public/a\r\n"},
			{"in a trailer", "Transfer-Encoding: chunked\r\n" + m + "GET\r\nTrailer: X-T\r\n\r\n0\r\n" + u + "/public/a\r\n"},
		} {
			want := 403
			if bad[0] == "in a trailer" {
				want = 400 // no GET has a body
			}
			list = append(list, test{bad[0], line + bad[1] + "\r\n", want})
		}
		return append(list,
			test{"another family's headers besides", line + m + "GET\r\n" + u + "/any\r\n" + foreign + "\r\n", 401},
			test{"the path after ours", strings.Replace(line, "/verify", "/verify/public/a", 1) + "\r\n", 404},
			test{"with a body that has the target", strings.Replace(line, "GET", "POST", 1) + m + "GET\r\nContent-Length: 0\r\n" + u + "/public/a\r\n\r\n", 405})
	}
	cases["nginx"] = both("X-Original-Method", "X-Original-URI", forwardedMethod+forwardedURI)
	cases["caddy"] = both("X-Forwarded-Method", "X-Forwarded-Uri", originalMethod+originalURI)
	cases["traefik"] = both("X-Forwarded-Method", "X-Forwarded-Uri", originalMethod+originalURI)
	for _, family := range families {
		f := forwarding(t, family, nil)
		stranger := forwarding(t, family, func(c *web.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		for _, tt := range cases[family] {
			t.Run(family+"/"+tt.name, func(t *testing.T) {
				if a := f.askRaw(tt.text); a.Status != tt.status || a.Status == 403 && a.code() != "forward_headers" {
					t.Errorf("%q: %d %s, want %d", tt.text, a.Status, a.Body, tt.status)
				}
			})
		}
		t.Run(family+"/from a stranger", func(t *testing.T) {
			stranger.askRaw(cases[family][0].text).want(403, "forward_headers")
			stranger.ask(family, "GET", "/public/a", nil).want(403, "forward_headers")
		})
	}
}

// A path that can be read in more than one way is refused, in a way that the proxy
// hands on.
func TestForward_paths(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			f := forwarding(t, family, nil)
			alice := f.cast()["alice"]
			want := 400
			if family == "nginx" {
				want = 403
			}
			for _, target := range []string{
				"//public/a", "/public//a", "/public/../any", "/public/./a", "/public/..", "/public/%2e%2e/any", "/public/%2E./any", "/public%2fa", "/public/..%2Fany",
				"/public/%5c..%5cany", `/public/\..\any`, "/public/..;/any", "/public/;a", "/public/%3b", "/public/%252e%252e/any", "/public/%00", "/public/%0d%0aX-A:b", "/public/%7f",
				"/public/%zz", "/public/%", "/public/%2", "/public/%c0%ae", "/public/%ff", "/public#/any", "/public/a\x80", "/public/" + strings.Repeat("a", 4096),
			} {
				a := f.ask(family, "GET", target, alice)
				if a.Status != want || a.code() != "path_ambiguous" {
					t.Errorf("%q: %d %s, want %d", target, a.Status, a.Body, want)
				}
				for name := range a.Header {
					if strings.HasPrefix(name, "X-Auth-") {
						t.Errorf("%q: the refusal has %s", target, name)
					}
				}
			}
			f.ask(family, "GET", "/public/a?x=/../%2f;//#", alice).want(200, "") // a query is the upstream's
		})
	}
}

// What changes something in the name of a cookie comes from our own pages: a proxy's
// question has the browser's headers.
func TestForward_otherSites(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			f := forwarding(t, family, func(c *web.Config) { c.Origins = []string{"https://app.example"} })
			cast := f.cast()
			for _, tt := range []struct {
				method, target, caller string
				headers                []string
				want                   string
			}{
				{"POST", "/any/a", "alice", []string{"Sec-Fetch-Site", "same-origin"}, "user alice"},
				{"POST", "/any/a", "alice", nil, "user alice"}, // no browser
				{"POST", "/any/a", "alice", []string{"Sec-Fetch-Site", "cross-site"}, "403 cross_origin"},
				{"POST", "/any/a", "alice", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://evil.id.example"}, "403 cross_origin"},
				{"POST", "/any/a", "alice", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"}, "user alice"},
				{"POST", "/any/a", "alice", []string{"Origin", "https://id.example"}, "user alice"},
				{"POST", "/any/a", "alice", []string{"Origin", "https://evil.example"}, "403 cross_origin"},
				{"POST", "/any/a", "alice", []string{"Origin", "null"}, "403 cross_origin"},
				{"DELETE", "/any/a", "alice's access", []string{"Sec-Fetch-Site", "cross-site"}, "403 cross_origin"},
				{"PUT", "/reports", "writer", []string{"Sec-Fetch-Site", "cross-site"}, "403 cross_origin"},
				{"GET", "/any/a", "alice", []string{"Sec-Fetch-Site", "cross-site"}, "user alice"},
				{"POST", "/any/a", "alice's token", []string{"Sec-Fetch-Site", "cross-site"}, "user alice"},
				{"POST", "/public/a", "alice", []string{"Sec-Fetch-Site", "cross-site"}, "anonymous "},
				{"POST", "/public/a", "alice", []string{"Sec-Fetch-Site", "same-origin"}, "user alice"},
			} {
				header := cast[tt.caller].Clone()
				header.Del("Sec-Fetch-Site")
				for i := 0; i < len(tt.headers); i += 2 {
					header.Set(tt.headers[i], tt.headers[i+1])
				}
				a := f.ask(family, tt.method, tt.target, header)
				got := a.Header.Get("X-Auth-Kind") + " " + a.Header.Get("X-Auth-Name")
				if a.Status != 200 {
					got = said(a)
				}
				if got != tt.want {
					t.Errorf("%s %s of %s with %v: %q, want %q", tt.method, tt.target, tt.caller, tt.headers, got, tt.want)
				}
			}
		})
	}
}

// A person at a page is led to where they sign in, and back; nothing else is.
func TestForward_signIn(t *testing.T) {
	const page = "https://id.example/sign-in"
	navigate := []string{"Sec-Fetch-Mode", "navigate"}
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			f := forwarding(t, family, nil)
			cast := f.cast()
			for _, tt := range []struct {
				name, method, target, caller string
				headers                      []string
				host                         string
				to                           string // where they are led; nowhere if empty
			}{
				{"navigation", "GET", "/orders/1", "nobody", navigate, "", page + "?return_to=%2Forders%2F1"},
				{"with a query", "GET", "/orders?a=b&c=d%26", "nobody", navigate, "", page + "?return_to=%2Forders%3Fa%3Db%26c%3Dd%2526"},
				{"old browser", "GET", "/orders", "nobody", []string{"Accept", "text/html,*/*;q=0.8"}, "", page + "?return_to=%2Forders"},
				{"dead session", "GET", "/orders", "signed out", navigate, "", page + "?return_to=%2Forders"},
				{"where nobody returns to", "GET", "/orders/a:b", "nobody", navigate, "", page},
				{"host in another case", "GET", "/orders", "nobody", navigate, "ID.example", page + "?return_to=%2Forders"},
				{"another host", "GET", "/orders", "nobody", navigate, "app.example", ""},
				{"our host as a user's", "GET", "/orders", "nobody", navigate, "id.example@evil.example", ""},
				{"script", "GET", "/orders", "nobody", []string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, "", ""},
				{"program", "GET", "/orders", "nobody", []string{"Accept", "*/*"}, "", ""},
				{"form", "POST", "/orders", "nobody", navigate, "", ""},
				{"token", "GET", "/any/a", "forged", navigate, "", ""},
				{"cookie twice", "GET", "/orders", "twice", navigate, "", ""},
				{"forbidden", "POST", "/reports", "alice", navigate, "", ""},
			} {
				header := cast[tt.caller].Clone()
				for i := 0; i < len(tt.headers); i += 2 {
					header.Set(tt.headers[i], tt.headers[i+1])
				}
				text := question(family, tt.method, tt.target, header)
				if tt.host != "" {
					text = strings.Replace(text, "ost: id.example", "ost: "+tt.host, 1)
				}
				a := f.askRaw(text)
				switch {
				case tt.to == "" && (a.Status != 401 && a.Status != 403 || a.Header.Get("Location") != "" || a.Header.Get("X-Auth-Sign-In") != ""):
					t.Errorf("%s: %d %v", tt.name, a.Status, a.Header)
				case tt.to != "" && family == "nginx" && (a.Status != 401 || a.Header.Get("X-Auth-Sign-In") != tt.to):
					t.Errorf("%s: %d %v, want %s", tt.name, a.Status, a.Header, tt.to)
				case tt.to != "" && family != "nginx" && (a.Status != 302 || a.Header.Get("Location") != tt.to || a.Header.Get("Cache-Control") != "no-store"):
					t.Errorf("%s: %d %v, want %s", tt.name, a.Status, a.Header, tt.to)
				case tt.name == "dead session" && !strings.Contains(strings.Join(a.Header["Set-Cookie"], ""), sessionCookie+"=;"):
					t.Errorf("%s: the cookie stays: %v", tt.name, a.Header)
				}
			}
		})
	}
	mounted := newFixture(t, options{app: func(f *fixture, c web.Config) *fiber.App {
		c.Forward, c.TrustedProxies = "caddy", []netip.Prefix{viaProxy}
		app := fiber.New(fiber.Config{DisableStartupMessage: true})
		if _, err := web.Mount(app.Group("/auth"), f.service, c); err != nil {
			t.Fatal(err)
		}
		return app
	}})
	mounted.ask("caddy", "GET", "/orders", http.Header{"Sec-Fetch-Mode": {"navigate"}}).want(401, "unauthenticated") // there is no such page
}

// An app's own cookies and headers come with a question, up to what nginx takes.
func TestForward_long(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			f := forwarding(t, family, nil)
			alice := f.cast()["alice"]
			alice.Set("X-App", strings.Repeat("a", 16<<10))
			f.ask(family, "GET", "/?q="+strings.Repeat("a", 8<<10-4), alice).want(200, "")
			f.ask(family, "GET", "/?q="+strings.Repeat("a", 8<<10-3), alice).want(403, "forward_headers")
			alice.Set("X-App", strings.Repeat("a", 32<<10))
			f.ask(family, "GET", "/", alice).want(431, "headers_too_large")
		})
	}
}

// What ends a session counts with the next question.
func TestForward_revoked(t *testing.T) {
	f := forwarding(t, "nginx", nil)
	b := f.browser().register("alice")
	header := http.Header{"Cookie": {sessionCookie + "=" + b.cookies[sessionCookie]}}
	f.ask("nginx", "GET", "/", header).want(200, "")
	b.do("POST", "/auth/logout", nil).want(200, "")
	f.ask("nginx", "GET", "/", header).want(401, "session_unknown")
}

// Without a policy every path takes a session or any token, and nothing else.
func TestForward_withoutPolicy(t *testing.T) {
	f := forwarding(t, "caddy", func(c *web.Config) { c.Policy = nil })
	cast := f.cast()
	for caller, want := range map[string]int{"nobody": 401, "alice": 200, "alice's token": 200, "machine": 200, "signed out": 401} {
		for _, target := range []string{"/", "/a/b/c", "/public/a"} {
			f.ask("caddy", "GET", target, cast[caller]).want(want, "")
		}
	}
	f.ask("caddy", "GET", "/a/../b", cast["alice"]).want(400, "path_ambiguous")
}

func TestForward_refusesToStart(t *testing.T) {
	service := newFixture(t, options{}).service
	proxies := []netip.Prefix{viaProxy}
	for _, tt := range []struct {
		name string
		c    web.Config
		want string // in the error; none when it starts
	}{
		{"all of it", web.Config{Forward: "nginx", Policy: testPolicy(t), ForwardToken: true, TrustedProxies: proxies}, ""},
		{"no policy", web.Config{Forward: "envoy", TrustedProxies: proxies}, ""},
		{"another proxy", web.Config{Forward: "apache", TrustedProxies: proxies}, "nginx, traefik, caddy or envoy"},
		{"nobody trusted", web.Config{Forward: "nginx"}, "trusted proxies"},
		{"policy alone", web.Config{Policy: testPolicy(t)}, "a policy is for forward authentication"},
		{"token alone", web.Config{ForwardToken: true}, "a token for what is behind a proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.PublicURL = publicURL
			if _, err := web.New(service, tt.c); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// The services behind the proxy get a token of ours about whoever asked, whatever
// was shown.
func TestForward_token(t *testing.T) {
	f := forwarding(t, "caddy", func(c *web.Config) { c.ForwardToken = true })
	cast := f.cast()
	for _, caller := range []string{"alice", "alice's token", "machine"} {
		a := f.ask("caddy", "GET", "/any/a", cast[caller]).want(200, "")
		token := a.Header.Get("X-Auth-Token")
		again := f.ask("caddy", "GET", "/any/a", http.Header{"Authorization": {"Bearer " + token}}).want(200, "")
		for _, name := range []string{"Subject", "Name", "Kind", "Tenant", "Permissions"} {
			if got, want := again.Header.Get("X-Auth-"+name), a.Header.Get("X-Auth-"+name); got != want {
				t.Errorf("%s: the token's X-Auth-%s is %q, not %q", caller, name, got, want)
			}
		}
	}
	if a := f.ask("caddy", "GET", "/public/a", cast["nobody"]).want(200, ""); a.Header.Get("X-Auth-Token") != "" {
		t.Error("nobody has a token")
	}
}

// BenchmarkForward is a proxy's question with a policy, beside a plain check.
func BenchmarkForward(b *testing.B) {
	f := forwarding(b, "nginx", func(c *web.Config) {
		c.Log, c.TrustedProxies = nil, []netip.Prefix{viaProxy, netip.MustParsePrefix("192.0.2.0/24")}
	})
	alice := f.browser().register("alice")
	cookie := "Cookie: " + sessionCookie + "=" + alice.cookies[sessionCookie]
	raw := "GET /auth/verify HTTP/1.1\r\nHost: id.example\r\nX-Original-Method: GET\r\nX-Original-URI: /any/a\r\n" + cookie + "\r\n\r\n"
	plain := newFixture(b, options{web: func(c *web.Config) { c.Log, c.TrustedProxies = nil, []netip.Prefix{viaProxy} }})
	bob := plain.browser().register("bob")
	b.Run("plain", func(b *testing.B) {
		benchHandler(b, plain.app, "GET /auth/verify HTTP/1.1\r\nHost: id.example\r\nCookie: "+sessionCookie+"="+bob.cookies[sessionCookie]+"\r\n\r\n")
	})
	b.Run("nginx", func(b *testing.B) { benchHandler(b, f.app, raw) })
}
