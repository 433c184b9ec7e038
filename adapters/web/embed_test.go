package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
)

// recorded is a connection that reads from memory and writes to it.
type recorded struct {
	in  io.Reader
	out bytes.Buffer
}

func (r *recorded) Read(p []byte) (int, error)  { return r.in.Read(p) }
func (r *recorded) Write(p []byte) (int, error) { return r.out.Write(p) }
func (*recorded) Close() error                  { return nil }

var peer = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 1}

func (*recorded) LocalAddr() net.Addr              { return peer }
func (*recorded) RemoteAddr() net.Addr             { return peer }
func (*recorded) SetDeadline(time.Time) error      { return nil }
func (*recorded) SetReadDeadline(time.Time) error  { return nil }
func (*recorded) SetWriteDeadline(time.Time) error { return nil }

// somebodysApp is an app that knows nothing of ours: its settings are Fiber's
// defaults, and its errors are its own.
func somebodysApp(f *fixture, c web.Config) *fiber.App {
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			status := fiber.StatusInternalServerError
			var e *fiber.Error
			if errors.As(err, &e) {
				status = e.Code
			}
			return c.Status(status).SendString("somebody's error")
		},
	})
	c.PublicURL = "https://app.example"
	guard, err := web.Mount(app.Group("/api/users"), f.service, c)
	if err != nil {
		f.Fatal(err)
	}
	app.Get("/api/users/preferences", func(c *fiber.Ctx) error { return c.SendString("preferences") })
	app.Get("/public", func(c *fiber.Ctx) error { return c.SendString(web.PrincipalFrom(c).Kind.String()) })
	app.All("/notes", guard.RequireUser, func(c *fiber.Ctx) error { return c.SendString(web.PrincipalFrom(c).Name) })
	app.Get("/write", guard.RequirePermission("write"), func(c *fiber.Ctx) error { return c.SendString("written") })
	app.Get("/kept/:name", guard.RequireUser, keep)
	return app
}

var kept sync.Map // what keep was told, which outlives the request

func keep(c *fiber.Ctx) error {
	p := web.PrincipalFrom(c)
	kept.Store(p, strings.Clone(c.Params("name")))
	return c.SendString(p.Name)
}

func TestMount(t *testing.T) {
	f := newFixture(t, options{app: somebodysApp})
	b := f.browser()
	a := b.do("POST", "/api/users/register", fields{"username": "alice", "email": "alice@mail.example", "password": password}).want(201, "")
	if c := a.sets[refreshCookie]; c == nil || c.Path != "/api/users/token/refresh" {
		t.Errorf("the refresh cookie is %v", c)
	}
	b.do("GET", "/api/users/verify", nil).want(200, "")
	b.do("POST", "/api/users/token/refresh", nil).want(200, "")
	b.do("GET", "/api/users/register", nil).want(405, "method_not_allowed")
	b.do("GET", "/api/users/login", nil).want(404, "provider_unknown")
	f.browser().do("POST", "/api/users/login", `{"a":1}`).want(400, "unknown")
	f.browser().do("POST", "/api/users/login", `{}`+strings.Repeat(" ", 70_000)).want(413, "body_too_large")
	if got := b.do("GET", "/api/users/preferences", nil).want(200, ""); got.Body != "preferences" || got.Header.Get("X-Frame-Options") != "" {
		t.Errorf("somebody's route answers %v %s", got.Header, got.Body)
	}
	if got := b.do("GET", "/api/users/nothing", nil).want(404, ""); got.Body != "somebody's error" {
		t.Errorf("somebody's error is %s", got.Body)
	}
	if got := b.do("GET", "/public", nil).want(200, ""); got.Body != "anonymous" {
		t.Errorf("a route without middleware knows %q", got.Body)
	}
	b.do("GET", "/admin/users", nil).want(404, "") // not mounted
}

func TestMountRoot(t *testing.T) {
	f := newFixture(t, options{app: func(f *fixture, c web.Config) *fiber.App {
		app := fiber.New(fiber.Config{DisableStartupMessage: true})
		if _, err := web.Mount(app.Group("/auth"), f.service, c); err != nil {
			t.Fatal(err)
		}
		if _, err := web.MountRoot(app, f.service, c); err != nil {
			t.Fatal(err)
		}
		return app
	}})
	f.browser().do("GET", "/.well-known/jwks.json", nil).want(200, "")
	f.browser().do("GET", "/admin/users", nil).want(401, "unauthenticated")
	f.admin().do("GET", "/admin/users", nil).want(200, "")
}

// An app in which lower-case headers are overlooked is refused, rather than let
// them decide nothing.
func TestMount_HeaderNames(t *testing.T) {
	f := newFixture(t, options{app: func(f *fixture, c web.Config) *fiber.App {
		app := fiber.New(fiber.Config{DisableStartupMessage: true, DisableHeaderNormalizing: true})
		guard, err := web.Mount(app.Group("/auth"), f.service, c)
		if err != nil {
			t.Fatal(err)
		}
		app.Get("/notes", guard.RequireUser, func(c *fiber.Ctx) error { return c.SendString("notes") })
		return app
	}})
	for _, path := range []string{"/auth/verify", "/notes"} {
		f.browser().do("GET", path, nil).want(500, "internal")
	}
	if !strings.Contains(f.log.String(), "DisableHeaderNormalizing") {
		t.Error("the log does not say why")
	}
}

func TestGuard(t *testing.T) {
	f := newFixture(t, options{app: somebodysApp})
	b := f.browser()
	b.do("POST", "/api/users/register", fields{"username": "alice", "email": "alice@mail.example", "password": password}).want(201, "")
	if got := b.do("POST", "/notes", nil).want(200, ""); got.Body != "alice" {
		t.Errorf("the principal is %s", got.Body)
	}
	f.browser().do("GET", "/notes", nil).want(401, "unauthenticated")
	b.do("POST", "/notes", nil, "Sec-Fetch-Site", "cross-site").want(403, "cross_origin")
	f.bearer("x").do("GET", "/notes", nil).want(401, "token_malformed")
	b.do("GET", "/notes", nil, "Authorization", "Basic eA==").want(401, "token_malformed")
	b.do("GET", "/write", nil).want(403, "forbidden")
	f.browser().do("GET", "/write", nil).want(401, "unauthenticated")
	var u userAnswer
	b.do("GET", "/api/users/me", nil).want(200, "").into(&u)
	operator := access.Operator("test")
	if _, err := f.service.Permit(t.Context(), &operator, u.ID, []string{"write"}, webClient); err != nil {
		t.Fatal(err)
	}
	b.do("GET", "/write", nil).want(200, "")
	dead := b.cookies[sessionCookie]
	b.do("POST", "/api/users/logout", nil).want(200, "")
	b.cookies[sessionCookie] = dead
	if a := b.do("GET", "/notes", nil).want(401, "session_unknown"); a.sets[sessionCookie] == nil || a.Header.Get("X-Request-Id") == "" {
		t.Errorf("a dead cookie stays: %v", a.Header)
	}
}

// Fiber reuses the memory of a request for the next one. Parallel clients of
// different users hold that nobody is ever taken for somebody else, in the answer
// or in what was kept, with the names and ids of everybody equally long.
func TestMount_SharesNoMemory(t *testing.T) {
	f := newFixture(t, options{app: somebodysApp})
	const users, rounds = 8, 60
	browsers := make([]*browser, users)
	for i := range browsers {
		name := fmt.Sprintf("user%d", i)
		browsers[i] = f.browser()
		browsers[i].do("POST", "/api/users/register", fields{"username": name, "email": name + "@mail.example", "password": password}).want(201, "")
	}
	var wait sync.WaitGroup
	for i, b := range browsers {
		wait.Go(func() {
			name := fmt.Sprintf("user%d", i)
			header := func() http.Header {
				return http.Header{"Cookie": {sessionCookie + "=" + b.cookies[sessionCookie]}, "User-Agent": {"agent-" + name}, "Sec-Fetch-Site": {"same-origin"}}
			}
			for range rounds {
				if a := f.send("GET", "/api/users/verify", nil, header()); a.Header.Get("X-Auth-Name") != name || !strings.Contains(a.Body, `"`+name+`"`) {
					t.Errorf("%s is answered %v %s", name, a.Header, a.Body)
				}
				if a := f.send("GET", "/kept/"+name, nil, header()); a.Body != name {
					t.Errorf("%s is answered %s", name, a.Body)
				}
				if a := f.send("POST", "/api/users/login", fields{"login": name, "password": "wrong " + name}, header()); a.Status != 401 && a.Status != 429 {
					t.Errorf("%s is answered %s", name, a.Body)
				}
			}
		})
	}
	wait.Wait()
	kept.Range(func(p, name any) bool {
		if got := p.(*access.Principal).Name; strings.HasPrefix(got, "user") && got != name {
			t.Errorf("%s was kept as %s", name, got)
		}
		return true
	})
	operator := access.Operator("test")
	events, err := f.service.AuditLog(t.Context(), &operator, portsQuery)
	if err != nil {
		t.Fatal(err)
	}
	agents := map[string]string{}
	for i, b := range browsers {
		var u userAnswer
		b.do("GET", "/api/users/me", nil).want(200, "").into(&u)
		agents[u.ID] = fmt.Sprintf("agent-user%d", i)
	}
	seen := 0
	for _, e := range events {
		if e.Action == "login" {
			seen++
			if e.Agent != agents[e.Subject] {
				t.Errorf("the log says that %s used %q", agents[e.Subject], e.Agent)
			}
		}
	}
	if seen == 0 {
		t.Error("the log has no sign-ins")
	}
}
