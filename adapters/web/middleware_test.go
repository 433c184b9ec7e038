package web_test

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

// testRules are a policy with a rule of each sort.
func testRules() []access.Rule {
	return []access.Rule{
		{Path: "/public/**", Demand: access.Public},
		{Path: "/people/**", Demand: access.SessionOrToken, Only: access.User},
		{Path: "/any/**", Demand: access.SessionOrToken},
		{Path: "/tokens/**", Demand: access.TokenOnly},
		{Path: "/machines/**", Demand: access.TokenOnly, Only: access.Machine},
		{Methods: []string{"POST"}, Path: "/reports", Demand: access.SessionOrToken, Permissions: []string{"write"}},
		{Methods: []string{"GET"}, Path: "/reports", Demand: access.SessionOrToken, Permissions: []string{"read"}},
	}
}

func testPolicy(t testing.TB) *access.Policy {
	t.Helper()
	policy, err := access.NewPolicy(testRules())
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// callers are everybody who asks: each a set of headers with a credential.
type callers map[string]http.Header

// cast makes a caller of each sort. The writer holds "write", and so does the machine.
func (f *fixture) cast() callers {
	f.Helper()
	operator := access.Operator("test")
	header := func(name, value string) http.Header {
		return http.Header{name: {value}, "Sec-Fetch-Site": {"same-origin"}}
	}
	cookie := func(name, value string) http.Header { return header("Cookie", name+"="+value) }
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	add := func(name string, permissions ...string) {
		_, err := f.service.AddUser(f.Context(), &operator, auth.NewUser{Username: name, Email: name + "@mail.example", Password: password}, permissions, auth.Client{})
		if err != nil {
			f.Fatal(err)
		}
	}
	add("alice")
	add("writer", "write")
	add("leaver", "write")
	signedIn := func(name string) *auth.Grant {
		g, err := f.service.Login(f.Context(), auth.PasswordLogin{Login: name, Password: password}, auth.Client{})
		if err != nil {
			f.Fatal(err)
		}
		return g
	}
	alice, writer, leaver := signedIn("alice"), signedIn("writer"), signedIn("leaver")
	cl, secret, err := f.service.AddClient(f.Context(), &operator, auth.NewClient{Name: "robot", Permissions: []string{"write"}}, auth.Client{})
	if err != nil {
		f.Fatal(err)
	}
	machine, err := f.service.IssueMachineToken(f.Context(), auth.ClientProof{ID: cl.ID, Secret: secret}, nil, auth.Client{})
	if err != nil {
		f.Fatal(err)
	}
	gone, err := f.service.Authenticate(f.Context(), auth.Credentials{Session: leaver.Cookie})
	if err != nil {
		f.Fatal(err)
	}
	if err := f.service.Logout(f.Context(), gone.Principal, auth.Client{}); err != nil {
		f.Fatal(err)
	}
	return callers{
		"nobody":         {"Sec-Fetch-Site": {"same-origin"}},
		"alice":          cookie(sessionCookie, alice.Cookie),
		"alice's access": cookie(accessCookie, alice.Access),
		"alice's token":  bearer(alice.Access),
		"writer":         cookie(sessionCookie, writer.Cookie),
		"writer's token": bearer(writer.Access),
		"machine":        bearer(machine.Access),
		"signed out":     cookie(sessionCookie, leaver.Cookie),
		"forged":         bearer("eyJhbGciOiJub25lIn0.e30."),
		"basic":          header("Authorization", "Basic YTpi"),
		"twice":          header("Cookie", sessionCookie+"="+alice.Cookie+"; "+sessionCookie+"="+writer.Cookie),
	}
}

// guardedApp is somebody's app behind the middleware, whose handlers say whom they
// were called by.
func guardedApp(t testing.TB, config fiber.Config) func(*fixture, web.Config) *fiber.App {
	return func(f *fixture, c web.Config) *fiber.App {
		config.DisableStartupMessage = true
		app := fiber.New(config)
		guard, err := web.NewGuard(f.service, c)
		if err != nil {
			t.Fatal(err)
		}
		who := func(c *fiber.Ctx) error {
			p := web.PrincipalFrom(c)
			tenant, known := auth.TenantFrom(c.UserContext())
			if in := auth.PrincipalFrom(c.UserContext()); in != p && p.SignedIn() || known != p.SignedIn() || tenant != p.Tenant {
				return c.Status(500).SendString("the context carries somebody else")
			}
			return c.SendString(p.Kind.String() + " " + p.Name)
		}
		app.All("/user", guard.RequireUser, who)
		app.All("/user-or-token", guard.RequireUserOrToken, who)
		app.All("/machine", guard.RequireMachine, who)
		app.All("/permission", guard.RequirePermission("write"), who)
		app.All("/no-permission", guard.RequirePermission(""), who)
		app.Use(guard.Enforce(testPolicy(t)))
		app.All("/*", who)
		return app
	}
}

func TestGuard_rules(t *testing.T) {
	f := newFixture(t, options{app: guardedApp(t, fiber.Config{CaseSensitive: true})})
	cast := f.cast()
	const (
		session, token  = "403 session_required", "403 token_required"
		user, machine   = "403 user_required", "403 machine_required"
		forbidden       = "403 forbidden"
		nobody          = "401 unauthenticated"
		dead, malformed = "401 session_unknown", "401 token_malformed"
	)
	for _, tt := range []struct {
		path string
		want map[string]string // by caller; the handler's answer, or the refusal
	}{
		{"GET /user", map[string]string{
			"nobody": nobody, "alice": "user alice", "alice's access": "user alice", "alice's token": session, "machine": session,
			"signed out": dead, "forged": "401", "basic": malformed, "twice": "401 cookie_twice",
		}},
		{"GET /user-or-token", map[string]string{
			"nobody": nobody, "alice": "user alice", "alice's token": "user alice", "machine": "machine ", "signed out": dead, "forged": "401",
		}},
		{"GET /machine", map[string]string{
			"nobody": nobody, "alice": token, "alice's token": machine, "machine": "machine ", "signed out": dead,
		}},
		{"GET /permission", map[string]string{
			"nobody": nobody, "alice": forbidden, "alice's token": forbidden, "writer": "user writer", "writer's token": "user writer",
			"machine": "machine ", "signed out": dead,
		}},
		{"GET /no-permission", map[string]string{"nobody": nobody, "writer": forbidden, "machine": forbidden}},
		{"GET /public/a", map[string]string{
			"nobody": "anonymous ", "alice": "user alice", "machine": "machine ", "signed out": "anonymous ", "forged": "anonymous ", "basic": "anonymous ",
			"twice": "anonymous ",
		}},
		{"GET /people/a", map[string]string{"nobody": nobody, "alice": "user alice", "alice's token": "user alice", "machine": user}},
		{"GET /any/a", map[string]string{"nobody": nobody, "alice": "user alice", "machine": "machine ", "signed out": dead, "forged": "401"}},
		{"GET /tokens/a", map[string]string{"nobody": nobody, "alice": token, "alice's access": token, "alice's token": "user alice", "machine": "machine "}},
		{"GET /machines/a", map[string]string{"nobody": nobody, "alice": token, "alice's token": machine, "machine": "machine "}},
		{"POST /reports", map[string]string{"nobody": nobody, "alice": forbidden, "writer": "user writer", "machine": "machine "}},
		{"GET /reports", map[string]string{"nobody": nobody, "writer": forbidden, "machine": forbidden}},
		{"HEAD /reports", map[string]string{"nobody": "401", "writer": "403"}},
		{"PUT /reports", map[string]string{"nobody": nobody, "writer": "user writer", "machine": session}}, // the default
		{"GET /elsewhere", map[string]string{"nobody": nobody, "alice": "user alice", "alice's token": session, "machine": session, "signed out": dead}},
		{"GET /", map[string]string{"nobody": nobody, "alice": "user alice"}},
	} {
		method, path, _ := strings.Cut(tt.path, " ")
		for name, want := range tt.want {
			t.Run(tt.path+"/"+name, func(t *testing.T) {
				a := f.send(method, path, nil, cast[name].Clone())
				if got := said(a); !strings.HasPrefix(got, want) || a.Status == 200 && got != want {
					t.Errorf("answers %q, want %q", got, want)
				}
				if a.Status != 200 && a.Header.Get("Content-Type") != "application/problem+json" || a.Status == 401 && a.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("headers %v", a.Header)
				}
			})
		}
	}
}

// said is what a handler said, or the status and code of a refusal.
func said(a answer) string {
	if a.Status == 200 || a.Body == "" {
		return cmp.Or(a.Body, strconv.Itoa(a.Status))
	}
	return strconv.Itoa(a.Status) + " " + a.code()
}

// Another site's page does nothing in its visitor's name: what its request would
// have written is refused, and where nobody needs to be known, nobody is.
func TestGuard_otherSites(t *testing.T) {
	f := newFixture(t, options{app: guardedApp(t, fiber.Config{CaseSensitive: true})})
	cast := f.cast()
	for _, tt := range []struct {
		name, method, path, caller string
		site                       string
		status                     int
		want                       string // body or code
	}{
		{"read", "GET", "/any/a", "alice", "cross-site", 200, "user alice"},
		{"write", "POST", "/any/a", "alice", "cross-site", 403, "cross_origin"},
		{"write of a sibling", "POST", "/any/a", "alice", "same-site", 403, "cross_origin"},
		{"write of its own", "POST", "/any/a", "alice", "same-origin", 200, "user alice"},
		{"write with a token", "POST", "/any/a", "alice's token", "cross-site", 200, "user alice"},
		{"write with the access cookie", "POST", "/user", "alice's access", "cross-site", 403, "cross_origin"},
		{"public write", "POST", "/public/a", "alice", "cross-site", 200, "anonymous "},
		{"public write of its own", "POST", "/public/a", "alice", "same-origin", 200, "user alice"},
		{"public write with a token", "POST", "/public/a", "alice's token", "cross-site", 200, "user alice"},
		{"write where tokens are demanded", "POST", "/tokens/a", "alice", "cross-site", 403, "cross_origin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := cast[tt.caller].Clone()
			header.Set("Sec-Fetch-Site", tt.site)
			a := f.send(tt.method, tt.path, nil, header)
			if tt.status == 200 {
				if a.want(200, ""); a.Body != tt.want {
					t.Errorf("the handler says %q, want %q", a.Body, tt.want)
				}
				return
			}
			a.want(tt.status, tt.want)
		})
	}
}

// However an app routes, no spelling of a path and no header leads past the policy.
func TestGuard_Enforce_paths(t *testing.T) {
	for name, config := range map[string]fiber.Config{
		"loose":     {CaseSensitive: true},
		"strict":    {CaseSensitive: true, StrictRouting: true},
		"unescaped": {CaseSensitive: true, UnescapePath: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, options{app: guardedApp(t, config)})
			token := f.cast()["alice's token"].Get("Authorization")
			for _, tt := range []struct {
				request string // line and headers
				status  int
				code    string
			}{
				{"GET /public/a HTTP/1.1", 200, ""},
				{"GET /public HTTP/1.1", 200, ""},
				{"GET /public/ HTTP/1.1", 200, ""},
				{"GET /%70ublic/a HTTP/1.1", 200, ""},
				{"GET /public/a?x=/../ HTTP/1.1", 200, ""},
				{"GET /Public/a HTTP/1.1", 401, "unauthenticated"},
				{"GET /public/../any HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/%2e%2e/any HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/.%2E/any HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/..%2fany HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/%252e%252e/any HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/..;/any HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public//any HTTP/1.1", 400, "path_ambiguous"},
				{"GET //public/a HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/./a HTTP/1.1", 400, "path_ambiguous"},
				{`GET /public\..\any HTTP/1.1`, 400, "path_ambiguous"},
				{"GET /public%5c..%5cany HTTP/1.1", 400, "path_ambiguous"},
				{"GET /any/a#/../../public HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/%00 HTTP/1.1", 400, "path_ambiguous"},
				{"GET /public/%zz HTTP/1.1", 400, "path_ambiguous"},
				{"GET http://x/public/a HTTP/1.1", 400, "path_ambiguous"},
				{"GET /any/a HTTP/1.1\r\nX-Original-URI: /public/a\r\nX-Original-URL: /public/a\r\nX-Rewrite-URL: /public/a\r\nX-Forwarded-Uri: /public/a", 401, "unauthenticated"},
				{"GET /reports HTTP/1.1\r\nAuthorization: " + token + "\r\nX-HTTP-Method-Override: PUT", 403, "forbidden"},
				{"POST /public/a HTTP/1.1\r\nContent-Length: 0\r\nX-HTTP-Method-Override: GET", 200, ""},
			} {
				answers, _ := f.raw(tt.request + "\r\nHost: x\r\nConnection: close\r\n\r\n")
				if len(answers) != 1 || answers[0].Status != tt.status || tt.code != "" && answers[0].code() != tt.code {
					t.Errorf("%q: answers %+v, want %d %s", tt.request, answers, tt.status, tt.code)
				}
			}
		})
	}
}

// An app that takes every case of a path for the same would lead past a policy, so
// it is refused, whoever asks for what.
func TestGuard_Enforce_caseless(t *testing.T) {
	f := newFixture(t, options{app: guardedApp(t, fiber.Config{})})
	cast := f.cast()
	f.send("GET", "/public/a", nil, cast["alice"].Clone()).want(500, "internal")
	f.send("GET", "/ANY/a", nil, cast["alice"].Clone()).want(500, "internal")
	f.send("GET", "/user", nil, cast["alice"].Clone()).want(200, "")
	if !strings.Contains(f.log.String(), "CaseSensitive") {
		t.Error("the log does not say why")
	}
}

// Without a policy everything demands a session.
func TestGuard_Enforce_nil(t *testing.T) {
	f := newFixture(t, options{app: func(f *fixture, c web.Config) *fiber.App {
		app := fiber.New(fiber.Config{DisableStartupMessage: true, CaseSensitive: true})
		guard, err := web.NewGuard(f.service, c)
		if err != nil {
			t.Fatal(err)
		}
		app.Use(guard.Enforce(nil))
		app.Get("/", func(c *fiber.Ctx) error { return c.SendString(web.PrincipalFrom(c).Name) })
		return app
	}})
	cast := f.cast()
	f.send("GET", "/", nil, cast["alice"].Clone()).want(200, "")
	f.send("GET", "/", nil, cast["nobody"].Clone()).want(401, "unauthenticated")
	f.send("GET", "/", nil, cast["alice's token"].Clone()).want(403, "session_required")
}

// On its own machine the development user is signed in like with a browser.
func TestGuard_development(t *testing.T) {
	f := newFixture(t, options{
		web: func(c *web.Config) { c.PublicURL, c.DevelopmentUser = "http://localhost:8080", true },
		app: guardedApp(t, fiber.Config{CaseSensitive: true}),
	})
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/user", 200, "user developer"},
		{"GET", "/user-or-token", 200, "user developer"},
		{"GET", "/machine", 403, "token_required"},
		{"GET", "/elsewhere", 200, "user developer"},
		{"GET", "/public/a", 200, "user developer"},
		{"GET", "/tokens/a", 403, "token_required"},
	} {
		a := f.browser().do(tt.method, tt.path, nil)
		if a.Status != tt.status || tt.status == 200 && a.Body != tt.want || tt.status != 200 && a.code() != tt.want {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, a.Status, a.Body)
		}
	}
	// Who shows a bad credential is not the developer, and neither is another page's request.
	if a := f.bearer("x").do("GET", "/public/a", nil).want(200, ""); a.Body != "anonymous " {
		t.Errorf("a bad token is %q", a.Body)
	}
	if a := f.browser().do("POST", "/public/a", nil, "Sec-Fetch-Site", "cross-site").want(200, ""); a.Body != "anonymous " {
		t.Errorf("another page's request is %q's", a.Body)
	}
}
