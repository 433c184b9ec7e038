package web_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// algorithms are the primitives of an edge verifier.
var algorithms = []token.Algorithm{token.ES256, token.EdDSA, token.RS256, token.HS256}

// worker returns an edge verifier that believes the keys of f's bundles and holds nothing yet.
func (f *fixture) worker() *edge.Verifier {
	f.Helper()
	jwks, err := f.service.BundleKeys(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	trust, err := token.ParseKeySet(jwks)
	if err != nil {
		f.Fatal(err)
	}
	v, err := edge.New(edge.Config{Trust: trust, Algorithms: algorithms})
	if err != nil {
		f.Fatal(err)
	}
	return v
}

// now is the service's clock, in Unix milliseconds.
func (f *fixture) now() int64 { return time.Now().Add(time.Duration(f.clock.Load())).UnixMilli() }

// asked is a request as both are asked about it.
type asked struct {
	method, path   string
	authorization  []string
	cookies        []string // lines
	origins, sites []string // values of Origin and Sec-Fetch-Site
}

// wire is the request as it is sent.
func (a asked) wire() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: id.example\r\n", a.method, a.path)
	for name, values := range map[string][]string{"Authorization": a.authorization, "Cookie": a.cookies, "Origin": a.origins, "Sec-Fetch-Site": a.sites} {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	if a.method == "POST" || a.method == "PUT" || a.method == "PATCH" {
		b.WriteString("Content-Length: 0\r\n")
	}
	return b.String() + "\r\n"
}

// request is it as a host hands it to the edge.
func (a asked) request() *edge.Request {
	return &edge.Request{
		Method: a.method, Path: a.path, Authorization: strings.Join(a.authorization, ", "), HasAuthorization: a.authorization != nil,
		Cookie: strings.Join(a.cookies, "; "), Origin: strings.Join(a.origins, ", "), FetchSite: strings.Join(a.sites, ", "),
	}
}

// told is what becomes of a request, at either place.
type told struct {
	Status                  int
	Code, Detail, Challenge string
	Who                     string
}

func shownWho(p *access.Principal) string { return fmt.Sprintf("%+v", *p) }

// edgeTells asks a verifier.
func (f *fixture) edgeTells(v *edge.Verifier, a asked) told {
	var out edge.Verdict
	v.Decide(a.request(), f.now(), &out)
	t := told{out.Status, out.Code, out.Detail, out.Challenge, ""}
	if out.Allowed() {
		t.Code, t.Who = "", shownWho(&out.Principal)
	}
	return t
}

// line is a connection on which requests are sent one after the other.
type line struct {
	f    *fixture
	conn net.Conn
	in   *bufio.Reader
}

// serverTells asks the server.
func (l *line) serverTells(a asked) told {
	l.f.Helper()
	if l.conn == nil {
		conn, err := net.DialTimeout("tcp4", l.f.addr, time.Second)
		if err != nil {
			l.f.Fatal(err)
		}
		l.conn, l.in = conn, bufio.NewReader(conn)
	}
	_ = l.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(l.conn, a.wire()); err != nil {
		l.f.Fatal(err)
	}
	res, err := http.ReadResponse(l.in, &http.Request{Method: a.method})
	if err != nil {
		l.f.Fatalf("%+v: %v", a, err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		l.f.Fatal(err)
	}
	if res.Close {
		_ = l.conn.Close()
		l.conn = nil
	}
	t := told{Status: res.StatusCode, Challenge: res.Header.Get("WWW-Authenticate")}
	switch {
	case a.method == "HEAD":
	case res.StatusCode == 200:
		t.Who = string(body)
	default:
		var p struct{ Code, Detail string }
		if err := json.Unmarshal(body, &p); err != nil {
			l.f.Fatalf("%+v: %d %q", a, res.StatusCode, body)
		}
		t.Code, t.Detail = p.Code, p.Detail
	}
	return t
}

// enforced is an app that a policy protects; behind it is who asked.
func enforced(policy *access.Policy) func(f *fixture, c web.Config) *fiber.App {
	return func(f *fixture, c web.Config) *fiber.App {
		guard, err := web.NewGuard(f.service, c)
		if err != nil {
			f.Fatal(err)
		}
		app := fiber.New(fiber.Config{DisableStartupMessage: true, CaseSensitive: true, ReadBufferSize: 64 << 10})
		app.Use(guard.Enforce(policy))
		app.Use(func(c *fiber.Ctx) error { return c.SendString(shownWho(web.PrincipalFrom(c))) })
		return app
	}
}

// credential is something that a request shows.
type credential struct {
	name          string
	authorization []string
	cookies       []string

	session  bool // it has a session's id among the cookies: a documented difference
	apiToken bool // it is an API token of the right form, which bundles do not carry here: likewise
}

// forger signs tokens by the service's own key, and by another.
type forger struct {
	f       *fixture
	key     ports.SigningKey
	private crypto.PrivateKey
	other   ports.SigningKey
	theirs  crypto.PrivateKey
}

func (f *fixture) forger() *forger {
	f.Helper()
	must := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	seals, err := sealer.New(bytes.Repeat([]byte{7}, sealer.KeySize))
	must(err)
	ring, err := keyring.New(seals)
	must(err)
	keys, err := f.store.Keys().List(f.Context())
	must(err)
	private, err := ring.Open(f.Context(), keys[0])
	must(err)
	other, err := ring.Generate(f.Context(), "EdDSA")
	must(err)
	theirs, err := ring.Open(f.Context(), other)
	must(err)
	return &forger{f, keys[0], private, other, theirs}
}

// claims are those of a token that is good.
func (g *forger) claims() token.Claims {
	now := g.f.now()
	return token.Claims{
		Issuer: publicURL, Audience: []string{publicURL}, Subject: "0190aaaa-0000-7000-8000-00000000000a", ID: "0190aaaa-0000-7000-8000-0000000000ff",
		ClientID: publicURL, IssuedAt: now / 1000, IssuedAtMillis: now, Expiry: now/1000 + 900, Tenant: "default", Username: "forged",
		Session: "0190aaaa-0000-7000-8000-0000000000fe", Permissions: []string{"read"},
	}
}

func (g *forger) sign(typ string, change func(*token.Claims)) string {
	g.f.Helper()
	c := g.claims()
	change(&c)
	text, err := signer.New().Sign(g.f.Context(), g.key, g.private, typ, c)
	if err != nil {
		g.f.Fatal(err)
	}
	return text
}

// credentials returns every credential that there is, and many that are none.
func (f *fixture) credentials() (list []credential) {
	f.Helper()
	ctx := context.Background()
	must := func(err error) {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
	}
	operator := access.Operator("test")
	names := web.Config{PublicURL: publicURL}.Edge()
	session, accessCookie, refresh := names.Session+"=", names.Access+"=", names.Refresh+"="
	app, err := web.New(f.service, web.Config{PublicURL: publicURL})
	must(err)
	whole := &fixture{TB: f.TB, service: f.service, store: f.store, log: f.log, mails: f.mails, app: app}
	whole.addr = listen(f.TB, app)
	whole.url = "http://" + whole.addr

	whole.browser().register("old")
	expired := whole.tokens("old").AccessToken
	f.clock.Add(int64(time.Hour))

	reader := whole.browser().register("reader")
	f.permit(reader.user().ID, "read")
	whole.browser().register("plain")
	readers, plains := whole.tokens("reader"), whole.tokens("plain")
	byCookie := whole.login("reader")
	kicked := whole.login("plain")
	gone := kicked.cookies[names.Access]
	goneSession := kicked.cookies[names.Session]
	kicked.do("POST", "/auth/logout", nil).want(200, "")
	banned := whole.browser().register("banned")
	bannedToken := whole.tokens("banned").AccessToken
	_, err = f.service.Ban(ctx, &operator, banned.user().ID, "spam", time.Time{}, auth.Client{})
	must(err)
	api := byCookie.apiToken("read").Token

	cl, secret, err := f.service.AddClient(ctx, &operator, auth.NewClient{Name: "robot", Permissions: []string{"write", "read"}}, auth.Client{})
	must(err)
	machine, err := f.service.IssueMachineToken(ctx, auth.ClientProof{ID: cl.ID, Secret: secret}, nil, auth.Client{})
	must(err)
	idle, secret, err := f.service.AddClient(ctx, &operator, auth.NewClient{Name: "idle"}, auth.Client{})
	must(err)
	stopped, err := f.service.IssueMachineToken(ctx, auth.ClientProof{ID: idle.ID, Secret: secret}, nil, auth.Client{})
	must(err)
	_, err = f.service.DisableClient(ctx, &operator, idle.ID, true, auth.Client{})
	must(err)
	id, err := f.service.Authenticate(ctx, auth.Credentials{Bearer: readers.AccessToken, HasBearer: true})
	must(err)
	vouched, err := f.service.Vouch(ctx, id)
	must(err)

	g := f.forger()
	unknownKey, err := signer.New().Sign(ctx, g.other, g.theirs, "at+jwt", g.claims())
	must(err)
	wrongKey := g.key
	stolenName, err := signer.New().Sign(ctx, wrongKey, g.theirs, "at+jwt", g.claims())
	must(err)
	odd := map[string]string{
		"forged by the key itself":   g.sign("at+jwt", func(*token.Claims) {}),
		"without a session":          g.sign("at+jwt", func(c *token.Claims) { c.Session = "" }),
		"another issuer":             g.sign("at+jwt", func(c *token.Claims) { c.Issuer = "https://other.example" }),
		"no issuer":                  g.sign("at+jwt", func(c *token.Claims) { c.Issuer = "" }),
		"another audience":           g.sign("at+jwt", func(c *token.Claims) { c.Audience = []string{"https://other.example"} }),
		"several audiences":          g.sign("at+jwt", func(c *token.Claims) { c.Audience = []string{"https://other.example", publicURL} }),
		"no audience":                g.sign("at+jwt", func(c *token.Claims) { c.Audience = nil }),
		"an ID token":                g.sign("JWT", func(*token.Claims) {}),
		"a bundle's type":            g.sign(edge.Type, func(*token.Claims) {}),
		"no subject":                 g.sign("at+jwt", func(c *token.Claims) { c.Subject = "" }),
		"no issue time":              g.sign("at+jwt", func(c *token.Claims) { c.IssuedAt, c.IssuedAtMillis = 0, 0 }),
		"no expiry":                  g.sign("at+jwt", func(c *token.Claims) { c.Expiry = 0 }),
		"not before an hour":         g.sign("at+jwt", func(c *token.Claims) { c.NotBefore = c.IssuedAt + 3600 }),
		"expired within the leeway":  g.sign("at+jwt", func(c *token.Claims) { c.Expiry = c.IssuedAt - 20 }),
		"expired beyond the leeway":  g.sign("at+jwt", func(c *token.Claims) { c.Expiry = c.IssuedAt - 90 }),
		"a machine with a session":   g.sign("at+jwt", func(c *token.Claims) { c.ClientID = c.Subject }),
		"vouched with a session":     g.sign("at+jwt", func(c *token.Claims) { c.AuthorizedParty = access.VouchedParty }),
		"much":                       g.sign("at+jwt", func(c *token.Claims) { c.Nonce = strings.Repeat("x", 20_000) }),
		"odd names":                  g.sign("at+jwt", func(c *token.Claims) { c.Username, c.Tenant = "é\u2028\"\\", "日本" }),
		"a key that is not known":    unknownKey,
		"a known name, another key":  stolenName,
		"expired":                    expired,
		"issued in the future":       g.sign("at+jwt", func(c *token.Claims) { c.IssuedAt += 3600; c.IssuedAtMillis += 3_600_000; c.Expiry += 3600 }),
		"of a session that ended":    gone,
		"of somebody who is banned":  bannedToken,
		"a machine":                  machine.Access,
		"a machine that is disabled": stopped.Access,
		"a reader":                   readers.AccessToken,
		"somebody":                   plains.AccessToken,
		"vouched":                    vouched,
		"cut":                        plains.AccessToken[:len(plains.AccessToken)-3],
		"longer":                     plains.AccessToken + "AA",
		"no signature":               plains.AccessToken[:strings.LastIndexByte(plains.AccessToken, '.')+1],
		"four parts":                 plains.AccessToken + ".AAAA",
		"dots":                       "..",
		"one word":                   "garbage",
		"alg none":                   "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
		"a long API token":           strings.Repeat("hxw_", 5000),
		"no API token":               "hxw_garbage",
		"an API token with a typo":   api[:len(api)-1] + map[bool]string{true: "A", false: "B"}[api[len(api)-1] != 'A'],
		"a dash":                     "-",
	}
	list = append(list, credential{name: "nothing"})
	for name, text := range odd {
		list = append(list, credential{name: "bearer: " + name, authorization: []string{"Bearer " + text}})
		if len(text) < 7000 { // the server takes no more headers
			list = append(list, credential{name: "access cookie: " + name, cookies: []string{accessCookie + text}})
		}
	}
	good := plains.AccessToken
	return append(list, []credential{
		{name: "empty Authorization", authorization: []string{""}},
		{name: "Bearer alone", authorization: []string{"Bearer"}},
		{name: "Bearer and spaces", authorization: []string{"Bearer   " + good + "  "}},
		{name: "bearer in small letters", authorization: []string{"bearer " + good}},
		{name: "BEARER", authorization: []string{"BEARER " + good}},
		{name: "a tab behind Bearer", authorization: []string{"Bearer\t" + good}},
		{name: "another scheme", authorization: []string{"Basic dXNlcjpwYXNz"}},
		{name: "a scheme that begins so", authorization: []string{"Bearers " + good}},
		{name: "DPoP", authorization: []string{"DPoP " + good}},
		{name: "two tokens in one value", authorization: []string{"Bearer " + good + ", Bearer " + good}},
		{name: "two values", authorization: []string{"Bearer " + good, "Bearer " + good}},
		{name: "two values, one empty", authorization: []string{"Bearer " + good, ""}},
		{name: "a quoted token", authorization: []string{`Bearer "` + good + `"`}},
		{name: "bearer beside a bad cookie", authorization: []string{"Bearer " + good}, cookies: []string{accessCookie + "garbage"}},
		{name: "garbage beside a good cookie", authorization: []string{"Bearer garbage"}, cookies: []string{accessCookie + good}},
		{name: "another scheme beside a good cookie", authorization: []string{"Basic dXNlcjpwYXNz"}, cookies: []string{accessCookie + good}},
		{name: "an API token", authorization: []string{"Bearer " + api}, apiToken: true},
		{name: "an API token as a cookie", cookies: []string{accessCookie + api}},
		{name: "an access cookie twice", cookies: []string{accessCookie + good + "; " + accessCookie + good}},
		{name: "an access cookie on two lines", cookies: []string{accessCookie + good, accessCookie + good}},
		{name: "an access cookie twice, one empty", cookies: []string{accessCookie + "; " + accessCookie + good}},
		{name: "an access cookie, empty", cookies: []string{accessCookie}},
		{name: "an access cookie without a value", cookies: []string{names.Access}},
		{name: "a quoted access cookie", cookies: []string{accessCookie + `"` + good + `"`}},
		{name: "odd space around an access cookie", cookies: []string{"a=b;\t " + names.Access + " =\t" + good + " ;c"}},
		{name: "an access cookie in capitals", cookies: []string{strings.ToUpper(accessCookie) + good}},
		{name: "an access cookie among others", cookies: []string{"a=b; c=d; " + accessCookie + good + "; e=f"}},
		{name: "an access cookie behind a refresh cookie", cookies: []string{refresh + "x; " + accessCookie + good}},
		{name: "a refresh cookie alone", cookies: []string{refresh + "x"}},
		{name: "a refresh cookie twice", cookies: []string{refresh + "x; " + refresh + "y; " + accessCookie + good}},
		{name: "a value with an equals sign", cookies: []string{accessCookie + good + "=x"}},
		{name: "a session", cookies: []string{session + byCookie.cookies[names.Session]}, session: true},
		{name: "a session that ended", cookies: []string{session + goneSession}, session: true},
		{name: "a session that never was", cookies: []string{session + "garbage"}, session: true},
		{name: "an empty session", cookies: []string{session}, session: true},
		{name: "a session and its access token", cookies: []string{session + byCookie.cookies[names.Session] + "; " + accessCookie + byCookie.cookies[names.Access]}, session: true},
		{name: "a session and a bad access token", cookies: []string{session + byCookie.cookies[names.Session] + "; " + accessCookie + "garbage"}, session: true},
		{name: "a bad session and a good access token", cookies: []string{session + "garbage; " + accessCookie + good}, session: true},
		{name: "a session that ended and its access token", cookies: []string{session + goneSession + "; " + accessCookie + gone}, session: true},
		{name: "a session twice", cookies: []string{session + "a; " + session + "b; " + accessCookie + good}},
		{name: "a session beside a bearer", authorization: []string{"Bearer " + good}, cookies: []string{session + "garbage"}},
	}...)
}

// withoutSession is the request without the session's id: what the edge decides by.
func (a asked) withoutSession(name string) asked {
	var lines []string
	for _, l := range a.cookies {
		var kept []string
		for pair := range strings.SplitSeq(l, "; ") {
			if !strings.HasPrefix(pair, name+"=") {
				kept = append(kept, pair)
			}
		}
		if len(kept) > 0 {
			lines = append(lines, strings.Join(kept, "; "))
		}
	}
	a.cookies = lines
	return a
}

// edgePolicy has a rule for every demand.
func edgePolicy(t *testing.T) *access.Policy {
	t.Helper()
	policy, err := access.NewPolicy([]access.Rule{
		{Path: "/public/**", Demand: access.Public},
		{Path: "/session-only", Demand: access.SessionOnly},
		{Path: "/either/*", Demand: access.SessionOrToken},
		{Path: "/token", Demand: access.TokenOnly},
		{Path: "/people", Demand: access.SessionOrToken, Only: access.User},
		{Path: "/machines", Demand: access.TokenOnly, Only: access.Machine},
		{Path: "/read", Methods: []string{"GET", "HEAD"}, Demand: access.SessionOrToken, Permissions: []string{"read"}},
		{Path: "/read", Demand: access.SessionOrToken, Permissions: []string{"read", "write"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// TestEdge_decides_as_the_server holds an edge verifier with the service's own bundle against
// the service's own middleware, request by request: status, code, sentence,
// challenge and who it is are the same. Where they are not is a short list:
//
//   - A session's id is the server's to understand. Beside an access cookie the edge
//     decides by that, as the server does where no session's id came with it; with
//     nothing else it is 401 session_opaque.
//   - An API token is 503 api_token_elsewhere unless bundles carry them.
//
// It makes one request in so many; with HEXWARD_EDGE_EVERY set all 300,000, in a
// minute or two.
func TestEdge_decides_as_the_server(t *testing.T) {
	t.Run("API tokens are the server's", func(t *testing.T) { edgeAsServer(t, false) })
	t.Run("API tokens are carried", func(t *testing.T) { edgeAsServer(t, true) })
}

func edgeAsServer(t *testing.T, apiTokens bool) {
	policy := edgePolicy(t)
	origins := []string{"https://app.example"}
	f := newFixture(t, options{
		auth: func(c *auth.Config) {
			c.Edge.Policy, c.Edge.Site, c.Edge.APITokens = policy, web.Config{PublicURL: publicURL, Origins: origins}.Edge(), apiTokens
		},
		web: func(c *web.Config) {
			c.Origins = origins
			if apiTokens {
				c.BundleSecret = "whoever-holds-a-bundle-knows-whose-they-are"
			}
		},
		app: enforced(policy),
	})
	shown := f.credentials()
	b, err := f.service.Bundle(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	v := f.worker()
	if err := v.Load(b.Compact, f.now()); err != nil {
		t.Fatal(err)
	}
	methods := []string{"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}
	paths := []string{
		"/public/x", "/public", "/session-only", "/either/x", "/either/x/y", "/token", "/people", "/machines", "/read", "/none", "/",
		"/read?x=/public/y", "/public/../read", "/public/%2e%2e/read", "/public//x", "/either/%2f", "/read/", "/READ", "/re%61d", "/either/a;b", "/either/%zz", `/either/\x`,
	}
	from := []asked{
		{},
		{origins: []string{publicURL}},
		{origins: []string{"https://app.example"}},
		{origins: []string{"https://evil.example"}},
		{origins: []string{"null"}},
		{sites: []string{"same-origin"}},
		{sites: []string{"none"}},
		{sites: []string{"same-site"}},
		{sites: []string{"cross-site"}},
		{sites: []string{"cross-site"}, origins: []string{"https://app.example"}},
		{sites: []string{"cross-site"}, origins: []string{publicURL}},
		{sites: []string{"same-origin", "same-origin"}},
		{sites: []string{"cross-site", "same-origin"}},
		{origins: []string{publicURL, publicURL}},
		{origins: []string{"https://app.example", "https://evil.example"}},
		{origins: []string{""}},
		{sites: []string{""}},
	}
	stride := 13 // primes, so that no value of any dimension is left out
	switch {
	case os.Getenv("HEXWARD_EDGE_EVERY") != "":
		stride = 1
	case raceDetector:
		stride = 101
	}
	session := web.Config{PublicURL: publicURL}.Edge().Session
	l := &line{f: f}
	n, wrong := 0, 0
	seen := map[int]int{}
	for _, c := range shown {
		for _, path := range paths {
			for _, method := range methods {
				for _, o := range from {
					if n++; n%stride != 0 || wrong > 20 {
						continue
					}
					a := asked{method, path, c.authorization, c.cookies, o.origins, o.sites}
					got, want := f.edgeTells(v, a), told{}
					rule, _, ok := policy.Match(method, path)
					public := ok && rule.Demand == access.Public
					switch {
					case c.session && strings.Contains(strings.Join(c.cookies, ";"), "_access="):
						want = l.serverTells(a.withoutSession(session))
					case c.session:
						want = l.serverTells(a)
						if ok && !public && want.Code != "cross_origin" {
							want = told{401, "session_opaque", "only the server knows this session; refresh the access token", "Bearer", ""}
						}
						if public {
							want.Who = shownWho(&access.Principal{})
						}
					case c.apiToken && !apiTokens:
						want = l.serverTells(a)
						if ok && !public {
							want = told{503, "api_token_elsewhere", got.Detail, "", ""}
						}
						if public {
							want.Who = shownWho(&access.Principal{})
						}
					default:
						want = l.serverTells(a)
					}
					if method == "HEAD" {
						got.Code, got.Detail, got.Who, want.Code, want.Detail, want.Who = "", "", "", "", "", ""
					}
					seen[want.Status]++
					if diff := cmp.Diff(want, got); diff != "" {
						wrong++
						t.Errorf("%s %s with %s, origin %q, site %q (-server +edge):\n%s", method, path, c.name, o.origins, o.sites, diff)
					}
				}
			}
		}
	}
	t.Logf("%d credentials, %d requests, by status %v", len(shown), n/stride, seen)
	for _, status := range []int{200, 400, 401, 403} {
		if seen[status] == 0 {
			t.Errorf("no request was answered %d", status)
		}
	}
}
