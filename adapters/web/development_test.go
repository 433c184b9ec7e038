package web_test

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
)

// inDevelopment returns a server whose anonymous requests are the development
// user's.
func inDevelopment(t *testing.T) *fixture {
	t.Helper()
	return newFixture(t, options{web: func(c *web.Config) { c.PublicURL, c.DevelopmentUser = "http://localhost:8080", true }})
}

func TestDevelopment(t *testing.T) {
	f := inDevelopment(t)
	b := f.browser()
	a := b.do("GET", "/auth/me", nil).want(200, "")
	var u struct{ Username, Name, Tenant string }
	if a.into(&u); u.Username != "developer" || u.Tenant != "development" || u.Name != "Development user" || len(a.sets) > 0 {
		t.Errorf("the development user is %s, sets %v", a.Body, a.Header["Set-Cookie"])
	}
	if v := b.do("GET", "/auth/verify", nil).want(200, ""); v.Header.Get("X-Auth-Tenant") != "development" || v.Header.Get("X-Auth-Session") != "" {
		t.Errorf("verify answers %v", v.Header)
	}
	b.do("GET", "/", nil).says("developer")
	b.do("GET", "/admin/users", nil).want(403, "forbidden")
	for _, path := range []string{"/auth/me", "/", "/nowhere", "/auth/verify"} {
		if a := f.browser().do("GET", path, nil); a.Header.Get("X-Hexward-Development") != "true" {
			t.Errorf("%s is not marked: %v", path, a.Header)
		}
	}
	if log := f.log.String(); !strings.Contains(log, `"level":"WARN","msg":"signing in is switched off`) {
		t.Errorf("the log does not warn: %s", log)
	}

	// Who signs in is who they are, and a credential that is bad is no reason to be
	// somebody.
	alice := f.browser().register("alice")
	if u := alice.user(); u.Username != "alice" {
		t.Errorf("alice is %s", u.Username)
	}
	f.bearer("nonsense").do("GET", "/auth/me", nil).want(401, "")
	for _, cookie := range []string{"hexward_session=x", "hexward_session=", "hexward_access=x", "hexward_session=a; hexward_session=b"} {
		f.send("GET", "/auth/me", nil, http.Header{"Cookie": {cookie}}).want(401, "")
	}
	f.send("GET", "/auth/me", nil, http.Header{"Authorization": {""}}).want(401, "")

	normal := newFixture(t, options{web: func(c *web.Config) { c.PublicURL = "http://localhost:8080" }})
	if a := normal.browser().do("GET", "/auth/me", nil).want(401, "unauthenticated"); a.Header.Get("X-Hexward-Development") != "" {
		t.Error("a server that is not in development says that it is")
	}
}

// TestDevelopment_wayRound holds the bypass against requests that were not made on
// this machine, and those that pages elsewhere make its browser send.
func TestDevelopment_wayRound(t *testing.T) {
	f := inDevelopment(t)
	get := func(headers string) string {
		if !strings.Contains(headers, "Host:") {
			headers = "Host: localhost:8080\r\n" + headers
		}
		return "GET /auth/me HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n"
	}
	for _, tt := range []struct {
		name, request string
		want          int
	}{
		{"curl", get(""), 200},
		{"by address", get("Host: 127.0.0.1:8080\r\n"), 200},
		{"by address of six", get("Host: [::1]:8080\r\n"), 200},
		{"by name", get("Host: app.localhost\r\n"), 200},
		{"own page", get("Sec-Fetch-Site: same-origin\r\nReferer: http://localhost:8080/\r\n"), 200},
		{"page of another server here", get("Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:3000\r\n"), 200},
		{"rebound name", get("Host: evil.example\r\n"), 401},
		{"rebound name with our port", get("Host: evil.example:8080\r\n"), 401},
		{"name that begins with an address", get("Host: 127.0.0.1.evil.example\r\n"), 401},
		{"name that begins with ours", get("Host: localhost.evil.example\r\n"), 401},
		{"name that ends like ours", get("Host: evillocalhost\r\n"), 401},
		{"name with a user", get("Host: localhost@evil.example\r\n"), 401},
		{"any address", get("Host: 0.0.0.0:8080\r\n"), 401},
		{"address of the network", get("Host: 192.168.0.2:8080\r\n"), 401},
		{"empty host", get("Host: \r\n"), 401},
		{"our name in the target only", "GET http://localhost/auth/me HTTP/1.1\r\nHost: evil.example\r\n\r\n", 401},
		{"our name in the header only", "GET http://evil.example/auth/me HTTP/1.1\r\nHost: localhost\r\n\r\n", 401},
		{"silent proxy", "GET /auth/me HTTP/1.0\r\nHost: localhost:8080\r\n\r\n", 401},
		{"Forwarded", get("Forwarded: for=127.0.0.1\r\n"), 401},
		{"X-Forwarded-For", get("X-Forwarded-For: 127.0.0.1\r\n"), 401},
		{"X-Forwarded-For, empty", get("X-Forwarded-For:\r\n"), 401},
		{"x-forwarded-for", get("x-forwarded-for: 127.0.0.1\r\n"), 401},
		{"X_Forwarded_For", get("X_Forwarded_For: 127.0.0.1\r\n"), 401},
		{"X-Forwarded-Proto", get("X-Forwarded-Proto: http\r\n"), 401},
		{"X-Forwarded-Host", get("X-Forwarded-Host: localhost\r\n"), 401},
		{"X-Forwarded-Anything", get("X-Forwarded-Anything: x\r\n"), 401},
		{"X-Original-URI", get("X-Original-URI: /\r\n"), 401},
		{"Via", get("Via: 1.1 proxy\r\n"), 401},
		{"X-Real-IP", get("X-Real-IP: 127.0.0.1\r\n"), 401},
		{"CF-Connecting-IP", get("CF-Connecting-IP: 127.0.0.1\r\n"), 401},
		{"page elsewhere", get("Sec-Fetch-Site: cross-site\r\n"), 401},
		{"page elsewhere, old browser", get("Origin: https://evil.example\r\n"), 401},
		{"page without an origin", get("Origin: null\r\n"), 401},
		{"page elsewhere by its referrer", get("Referer: https://evil.example/localhost/\r\n"), 401},
		{"referrer with our name as its user", get("Referer: http://localhost@evil.example/\r\n"), 401},
		{"in a trailer", "GET /auth/me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Real-IP: 10.0.0.1\r\n\r\n", 401},
		{
			"write of a page elsewhere", "POST /auth/token HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n", 403,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answers, _ := f.raw(tt.request)
			if len(answers) != 1 || answers[0].Status != tt.want {
				t.Fatalf("answers %+v, want %d", answers, tt.want)
			}
			if answers[0].Header.Get("X-Hexward-Development") != "true" {
				t.Error("the answer is not marked")
			}
		})
	}
}

// TestDevelopment_peer lets requests come from elsewhere, and to elsewhere.
func TestDevelopment_peer(t *testing.T) {
	f := inDevelopment(t)
	for _, tt := range []struct {
		name         string
		remote, here string
		want         string
	}{
		{"this machine", "127.0.0.1:50000", "127.0.0.1:8080", "200"},
		{"this machine, six", "[::1]:50000", "[::1]:8080", "200"},
		{"another machine", "192.0.2.7:50000", "192.0.2.1:8080", "401"},
		{"another machine to a forwarded port", "192.0.2.7:50000", "127.0.0.1:8080", "401"},
		{"this machine to its other address", "127.0.0.1:50000", "192.0.2.1:8080", "401"},
		{"a container's gateway", "172.17.0.1:50000", "172.17.0.2:8080", "401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &placed{remote: netip.MustParseAddrPort(tt.remote), here: netip.MustParseAddrPort(tt.here)}
			conn.in = strings.NewReader("GET /auth/me HTTP/1.1\r\nHost: localhost:8080\r\n\r\n")
			_ = f.app.Server().ServeConn(conn)
			if got := conn.out.String(); !strings.HasPrefix(got, "HTTP/1.1 "+tt.want) {
				t.Errorf("answer %q, want %s", got, tt.want)
			}
		})
	}
}

func TestDevelopment_refusesToStart(t *testing.T) {
	f := newFixture(t, options{})
	service := f.service
	for _, tt := range []struct {
		name string
		c    web.Config
		want string // in the error; none when it starts
	}{
		{"localhost", web.Config{PublicURL: "http://localhost:8080"}, ""},
		{"https on loopback", web.Config{PublicURL: "https://127.0.0.1:8443"}, ""},
		{"address of six", web.Config{PublicURL: "http://[::1]:8080"}, ""},
		{"public", web.Config{PublicURL: "https://id.example"}, "loopback"},
		{"looks like loopback", web.Config{PublicURL: "https://localhost.example"}, "loopback"},
		{"behind a proxy", web.Config{PublicURL: "http://localhost:8080", TrustedProxies: []netip.Prefix{viaProxy}}, "trusted proxies"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.DevelopmentUser = true
			for name, start := range map[string]func() error{
				"New":       func() error { _, err := web.New(service, tt.c); return err },
				"Mount":     func() error { _, err := web.Mount(fiber.New(), service, tt.c); return err },
				"MountRoot": func() error { _, err := web.MountRoot(fiber.New(), service, tt.c); return err },
				"NewGuard":  func() error { _, err := web.NewGuard(service, tt.c); return err },
			} {
				if err := start(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v, want %q", name, err, tt.want)
				}
			}
		})
	}
	taken := newFixture(t, options{})
	taken.browser().register("developer")
	if _, err := web.New(taken.service, web.Config{PublicURL: "http://localhost", DevelopmentUser: true}); err == nil {
		t.Error("somebody else is called developer, and it starts")
	}
}

func TestDevelopment_guard(t *testing.T) {
	f := newFixture(t, options{
		web: func(c *web.Config) { c.PublicURL, c.DevelopmentUser = "http://localhost:8080", true },
		app: func(f *fixture, c web.Config) *fiber.App {
			app := fiber.New(fiber.Config{DisableStartupMessage: true})
			guard, err := web.NewGuard(f.service, c)
			if err != nil {
				f.Fatal(err)
			}
			app.Get("/notes", guard.RequireUser, func(c *fiber.Ctx) error { return c.SendString(web.PrincipalFrom(c).Name) })
			return app
		},
	})
	a := f.browser().do("GET", "/notes", nil).want(200, "")
	if a.Body != "developer" || a.Header.Get("X-Hexward-Development") != "true" {
		t.Errorf("answer %q %v", a.Body, a.Header)
	}
	if a := f.browser().do("GET", "/notes", nil, "Via", "x").want(401, ""); a.Header.Get("X-Hexward-Development") != "true" {
		t.Errorf("answer %v", a.Header)
	}
}

// placed is a connection between two addresses.
type placed struct {
	recorded
	remote, here netip.AddrPort
}

func (p *placed) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(p.remote) }
func (p *placed) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(p.here) }
