package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
	clients "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// machine is a client as its program knows it.
type machine struct {
	*fixture
	ID, Secret string
}

// machine adds a client in the tenant of an administrator.
func (b *browser) machine(permissions ...string) *machine {
	b.Helper()
	m := &machine{fixture: b.fixture}
	b.do("POST", "/admin/clients", fields{"name": "a program", "permissions": permissions}).want(201, "").into(m)
	return m
}

func (m *machine) basic() string { return basic(m.ID + ":" + m.Secret) }

// token returns a token of the client's.
func (m *machine) token() string {
	m.Helper()
	var g tokenAnswer
	m.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic()).want(200, "").into(&g)
	return g.AccessToken
}

// asks is what an introspection answers.
func (m *machine) asks(token string) answer {
	m.Helper()
	return m.post("/oauth/introspect", "token="+url.QueryEscape(token), "Authorization", m.basic()).want(200, "")
}

func basic(userpass string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userpass))
}

// post sends a form from nobody's browser.
func (f *fixture) post(path, form string, extra ...string) answer {
	f.Helper()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for i := 0; i+1 < len(extra); i += 2 {
		if extra[i] == "Content-Type" {
			header.Del(extra[i])
		}
		header.Add(extra[i], extra[i+1])
	}
	return f.send("POST", path, form, header)
}

// refused fails the test unless this is a refusal of RFC 6749 §5.2.
func (a answer) refused(status int, code string) answer {
	a.t.Helper()
	var got map[string]string
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != status || got["error"] != code || got["error_description"] == "" || len(got) != 2 {
		a.t.Fatalf("answer %d %s, want %d %s", a.Status, a.Body, status, code)
	}
	if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (status == 401) || status == 401 && !strings.HasPrefix(challenge, "Basic realm=") {
		a.t.Errorf("%d with the challenge %q", status, challenge)
	}
	a.private()
	if ct := a.Header.Get("Content-Type"); ct != "application/json" {
		a.t.Errorf("content type %q", ct)
	}
	return a
}

// private fails the test unless nobody keeps the answer, and it sets no cookie.
func (a answer) private() answer {
	a.t.Helper()
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" || len(a.sets) > 0 {
		a.t.Errorf("headers %v", a.Header)
	}
	return a
}

func TestOAuth_Form(t *testing.T) {
	f := newFixture(t, options{})
	m := f.admin().machine("read")
	const grant = "grant_type=client_credentials"
	who := []string{"Authorization", m.basic()}
	with := func(pairs ...string) []string { return append(pairs, who...) }
	for _, tt := range []struct {
		name, form string
		extra      []string
		status     int
		code       string
	}{
		{"good", grant, who, 200, ""},
		{"charset", grant, with("Content-Type", "Application/x-www-form-urlencoded; charset=UTF-8"), 200, ""},
		{"unknown parameters", grant + "&a=b&resource=https%3A%2F%2Fapi.example", who, 200, ""},
		{"parameters without a value", grant + "&scope=&client_id=&client_secret&client_assertion=", who, 200, ""},
		{"empty pairs", "&&" + grant + "&", who, 200, ""},
		{"escaped", "%67rant_type=client%5Fcredentials&scope=read", who, 200, ""},
		{"nothing", "", who, 400, "invalid_request"},
		{"no grant", "scope=read", who, 400, "invalid_request"},
		{"empty grant", "grant_type=", who, 400, "invalid_request"},
		{"another grant", "grant_type=password&username=alice&password=x", who, 400, "unsupported_grant_type"},
		{"a grant in another case", "grant_type=Client_Credentials", who, 400, "unsupported_grant_type"},
		{"grant twice", grant + "&" + grant, who, 400, "invalid_request"},
		{"grant twice, once escaped", grant + "&grant%5ftype=refresh_token", who, 400, "invalid_request"},
		{"scope twice", grant + "&scope=read&scope=read", who, 400, "invalid_request"},
		{"unknown parameter twice", grant + "&a=1&a=2", who, 400, "invalid_request"},
		{"twice, once without a value", grant + "&scope=&scope=read", who, 400, "invalid_request"},
		{"semicolon", grant + ";scope=read", who, 400, "invalid_request"},
		{"bad escape", grant + "&scope=%zz", who, 400, "invalid_request"},
		{"cut escape", grant + "&scope=read%2", who, 400, "invalid_request"},
		{"not UTF-8", grant + "&scope=%ff", who, 400, "invalid_request"},
		{"value without name", grant + "&=x", who, 400, "invalid_request"},
		{"65 parameters", grant + many(64), who, 400, "invalid_request"},
		{"64 parameters", grant + many(63), who, 200, ""},
		{"JSON", `{"grant_type":"client_credentials"}`, with("Content-Type", "application/json"), 400, "invalid_request"},
		{"multipart", "--x--", with("Content-Type", "multipart/form-data; boundary=x"), 400, "invalid_request"},
		{"no type", grant, with("Content-Type", ""), 400, "invalid_request"},
		{"longer type", grant, with("Content-Type", "application/x-www-form-urlencodedx"), 400, "invalid_request"},
		{"another charset", grant, with("Content-Type", "application/x-www-form-urlencoded; charset=latin1"), 400, "invalid_request"},
		{"encoded", grant, with("Content-Encoding", "gzip"), 400, "invalid_request"},
		{"scope that the client may not have", grant + "&scope=read+write", who, 400, "invalid_scope"},
		{"scope with two spaces", grant + "&scope=read++read", who, 400, "invalid_scope"},
		{"scope with a quote", grant + "&scope=%22", who, 400, "invalid_scope"},
		{"scope beyond ASCII", grant + "&scope=%C3%A4", who, 400, "invalid_scope"},
		{"scope with a line feed", grant + "&scope=read%0Aread", who, 400, "invalid_scope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := f.post("/oauth/token", tt.form, tt.extra...)
			if a.t = t; tt.status == 200 {
				a.want(200, "").private()
				return
			}
			a.refused(tt.status, tt.code)
		})
	}
	for _, path := range []string{"/oauth/token", "/oauth/introspect", "/oauth/revoke"} {
		for _, tt := range []struct {
			name, target, form string
			extra              []string
		}{
			{"secret in the URL", path + "?client_id=" + m.ID + "&client_secret=" + m.Secret, grant + "&token=x", nil},
			{"parameter in the URL", path + "?a=b", grant + "&token=x", who},
			{"no form", path, "", with("Content-Type", "text/plain")},
			{"token twice", path, grant + "&token=x&token=x", who},
		} {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				a := f.post(tt.target, tt.form, tt.extra...)
				a.t = t
				a.refused(400, "invalid_request")
			})
		}
		// A body that is announced too large is refused by the server below, which does not wait for it.
		large, _ := f.raw("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 70000\r\n\r\n")
		if len(large) != 1 {
			t.Fatalf("%s, a large body: %d answers", path, len(large))
		}
		large[0].want(413, "body_too_large")
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH"} {
			a := f.send(method, path, nil, http.Header{"Authorization": {m.basic()}})
			if a.Status != 405 || a.Header.Get("Allow") != "POST, OPTIONS" || method != "HEAD" && !strings.Contains(a.Body, `"error":"invalid_request"`) {
				t.Errorf("%s %s: %d %v %s", method, path, a.Status, a.Header, a.Body)
			}
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&p" + strings.Repeat("x", i) + "=1")
	}
	return b.String()
}

func TestOAuth_Proof(t *testing.T) {
	f := newFixture(t, options{})
	m := f.admin().machine("read")
	other := f.login("root").machine("read")
	const jwt = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
	post := "client_id=" + m.ID + "&client_secret=" + m.Secret
	for _, tt := range []struct {
		name, form string
		basic      []string
		status     int
		code       string
	}{
		{"basic", "", []string{m.basic()}, 200, ""},
		{"basic in another case", "", []string{"bAsIc" + m.basic()[5:]}, 200, ""},
		{"basic, encoded as a form", "", []string{basic("%" + hex2(m.ID[0]) + m.ID[1:] + ":%68" + m.Secret[1:])}, 200, ""},
		{"basic and the same id", "client_id=" + m.ID, []string{m.basic()}, 200, ""},
		{"post", post, nil, 200, ""},
		{"nothing", "", nil, 401, "invalid_client"},
		{"id alone", "client_id=" + m.ID, nil, 401, "invalid_client"},
		{"secret alone", "client_secret=" + m.Secret, nil, 401, "invalid_client"},
		{"post with another's id", "client_id=" + other.ID + "&client_secret=" + m.Secret, nil, 401, "invalid_client"},
		{"post with no such id", "client_id=x&client_secret=" + m.Secret, nil, 401, "invalid_client"},
		{"post with an endless id", "client_id=" + strings.Repeat("x", 10_000) + "&client_secret=" + m.Secret, nil, 401, "invalid_client"},
		{"post with a control character", "client_id=" + m.ID + "%00&client_secret=" + m.Secret, nil, 401, "invalid_client"},
		{"post with a cut secret", post[:len(post)-1], nil, 401, "invalid_client"},
		{"post with a longer secret", post + "x", nil, 401, "invalid_client"},
		{"post with a changed secret", post[:len(post)-8] + "AAAAAAAA", nil, 401, "invalid_client"},
		{"basic with another's secret", "", []string{basic(m.ID + ":" + other.Secret)}, 401, "invalid_client"},
		{"basic without a secret", "", []string{basic(m.ID + ":")}, 401, "invalid_client"},
		{"basic without an id", "", []string{basic(":" + m.Secret)}, 401, "invalid_client"},
		{"basic without a colon", "", []string{basic(m.ID + m.Secret)}, 401, "invalid_client"},
		{"basic with two colons", "", []string{basic(m.ID + "::" + m.Secret)}, 401, "invalid_client"},
		{"basic with a colon behind", "", []string{basic(m.ID + ":" + m.Secret + ":")}, 401, "invalid_client"},
		{"basic with an encoded colon", "", []string{basic(m.ID + "%3A" + m.Secret)}, 401, "invalid_client"},
		{"basic with a plus", "", []string{basic(m.ID + ":+" + m.Secret)}, 401, "invalid_client"},
		{"basic with a bad escape", "", []string{basic(m.ID + ":" + m.Secret + "%zz")}, 401, "invalid_client"},
		{"basic beyond UTF-8", "", []string{basic(m.ID + ":\xff" + m.Secret)}, 401, "invalid_client"},
		{"basic without its padding", "", []string{strings.TrimRight(basic("a:"+m.Secret), "=")}, 401, "invalid_client"},
		{"basic in the URL's alphabet", "", []string{"Basic _-_-" + m.basic()[10:]}, 401, "invalid_client"},
		{"basic with trailing bits", "", []string{"Basic YTpiYz=="}, 401, "invalid_client"},
		{"basic that is no base64", "", []string{"Basic ::::"}, 401, "invalid_client"},
		{"basic that is empty", "", []string{"Basic "}, 401, "invalid_client"},
		{"scheme alone", "", []string{"Basic"}, 401, "invalid_client"},
		{"empty header", "", []string{""}, 401, "invalid_client"},
		{"another scheme", "", []string{"Bearer " + m.Secret}, 401, "invalid_client"},
		{"two headers", "", []string{m.basic(), m.basic()}, 400, "invalid_request"},
		{"basic and post", post, []string{m.basic()}, 400, "invalid_request"},
		{"basic and a secret", "client_secret=" + m.Secret, []string{m.basic()}, 400, "invalid_request"},
		{"basic and another id", "client_id=" + other.ID, []string{m.basic()}, 400, "invalid_request"},
		{"basic and an assertion", jwt + "&client_assertion=a.b.c", []string{m.basic()}, 400, "invalid_request"},
		{"post and an assertion", post + "&" + jwt + "&client_assertion=a.b.c", nil, 400, "invalid_request"},
		{"bad basic and good post", post, []string{"Basic x"}, 401, "invalid_client"},
		{"assertion without a type", "client_assertion=a.b.c", nil, 400, "invalid_request"},
		{"type without an assertion", jwt, nil, 400, "invalid_request"},
		{"assertion of another type", "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer&client_assertion=a.b.c", nil, 401, "invalid_client"},
		{"assertion that is none", jwt + "&client_assertion=a.b.c", nil, 401, "invalid_client"},
		{"assertion with an id", jwt + "&client_assertion=a.b.c&client_id=" + m.ID, nil, 401, "invalid_client"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for path, form := range map[string]string{"/oauth/token": "grant_type=client_credentials&", "/oauth/introspect": "token=x&", "/oauth/revoke": "token=x&"} {
				var extra []string
				for _, value := range tt.basic {
					extra = append(extra, "Authorization", value)
				}
				a := f.post(path, form+tt.form, extra...)
				unproven := path == "/oauth/revoke" && len(tt.basic) == 0 && !strings.Contains(tt.form, "client_secret") && !strings.Contains(tt.form, "assertion")
				if a.t = t; tt.status == 200 || unproven {
					a.want(200, "").private()
					continue
				}
				a.refused(tt.status, tt.code)
			}
		})
	}
}

func hex2(c byte) string { return string([]byte{"0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]}) }

func TestOAuth_ClientCredentials(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	m := root.machine("write", "read")
	var g map[string]any
	f.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic()).want(200, "").private().into(&g)
	access, _ := g["access_token"].(string)
	delete(g, "access_token")
	if g["expires_in"] == 899.0 { // of the whole seconds one has begun
		g["expires_in"] = 900.0
	}
	if want := map[string]any{"token_type": "Bearer", "expires_in": 900.0, "scope": "read write"}; access == "" || !cmp.Equal(g, want) {
		t.Error(cmp.Diff(want, g))
	}
	var p struct {
		Subject, Kind, Tenant string
		Permissions           []string
	}
	f.bearer(access).do("GET", "/auth/verify", nil).want(200, "").into(&p)
	if p.Subject != m.ID || p.Kind != "machine" || p.Tenant != "default" || !cmp.Equal(p.Permissions, []string{"read", "write"}) {
		t.Errorf("the machine is %+v", p)
	}
	f.post("/oauth/token", "grant_type=client_credentials&scope=read", "Authorization", m.basic()).want(200, "").into(&g)
	if g["scope"] != "read" {
		t.Errorf("scope %v", g["scope"])
	}
	narrow, _ := g["access_token"].(string)
	f.bearer(narrow).do("GET", "/auth/verify", nil).want(200, "").into(&p)
	if !cmp.Equal(p.Permissions, []string{"read"}) {
		t.Errorf("the narrow token has %v", p.Permissions)
	}

	// A machine is nobody's account.
	f.bearer(access).do("GET", "/auth/me", nil).want(403, "person_required")
	for _, path := range []string{"/auth/userinfo", "/auth/sessions", "/tokens", "/auth/identities"} {
		if a := f.bearer(access).do("GET", path, nil); a.Status != 403 {
			t.Errorf("GET %s of a machine: %d %s", path, a.Status, a.Body)
		}
	}
	root.do("POST", "/admin/clients/"+m.ID+"/disable", nil).want(200, "")
	f.bearer(access).do("GET", "/auth/verify", nil).want(401, "")
	f.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic()).refused(401, "invalid_client")
	root.do("POST", "/admin/clients/"+m.ID+"/enable", nil).want(200, "")
	f.clock.Add(int64(time.Second))
	m.token()
}

// Cookies are nobody's authority here, and other sites' pages may send what they
// like: it is theirs, not their visitor's.
func TestOAuth_Cookies(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.Origins = []string{friend} }})
	alice := f.browser().register("alice")
	m := f.admin().machine("read")
	cookies := []string{}
	for name, value := range alice.cookies {
		cookies = append(cookies, name+"="+value)
	}
	cookie := strings.Join(cookies, "; ")
	for _, form := range []string{"grant_type=refresh_token", "grant_type=client_credentials", "token=x"} {
		for _, path := range []string{"/oauth/token", "/oauth/introspect", "/oauth/revoke"} {
			a := f.post(path, form, "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
			b := f.post(path, form)
			if a.Status != b.Status || a.Body != b.Body || len(a.sets) > 0 {
				t.Errorf("%s %s: with cookies %d %s, without %d %s", path, form, a.Status, a.Body, b.Status, b.Body)
			}
		}
	}
	alice.do("GET", "/auth/verify", nil).want(200, "")
	a := f.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic(), "Cookie", cookie,
		"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").want(200, "").private()
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("a stranger's page gets %s", name)
		}
	}
	f.post("/oauth/token", "grant_type=client_credentials&client_id="+m.ID+"&client_secret="+m.Secret,
		"Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").want(200, "").private()
	a = f.post("/oauth/token", "grant_type=client_credentials", "Authorization", m.basic(), "Origin", friend).want(200, "")
	if a.Header.Get("Access-Control-Allow-Origin") != friend {
		t.Errorf("a friend's page gets %v", a.Header)
	}
}

func TestOAuth_Refresh(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice").user()
	m := f.admin().machine("read")
	tokens := f.tokens("alice")
	const grant = "grant_type=refresh_token"
	use := grant + "&refresh_token=" + url.QueryEscape(tokens.RefreshToken)

	// Nothing of this uses the token up.
	f.post("/oauth/token", grant).refused(400, "invalid_request")
	f.post("/oauth/token", use+"&scope=read").refused(400, "invalid_scope")
	f.post("/oauth/token", use, "Authorization", m.basic()).refused(400, "unauthorized_client")
	f.post("/oauth/token", use+"&client_id="+m.ID+"&client_secret="+m.Secret).refused(400, "unauthorized_client")
	f.post("/oauth/token", use+"&refresh_token=x").refused(400, "invalid_request")

	var g map[string]any
	f.post("/oauth/token", use+"&client_id="+url.QueryEscape(publicURL)).want(200, "").private().into(&g)
	access, _ := g["access_token"].(string)
	next, _ := g["refresh_token"].(string)
	if next == "" || next == tokens.RefreshToken || g["token_type"] != "Bearer" || g["expires_in"] != 900.0 && g["expires_in"] != 899.0 || g["scope"] != "" || len(g) != 5 {
		t.Errorf("answer %v", g)
	}
	var p struct{ Subject string }
	f.bearer(access).do("GET", "/auth/verify", nil).want(200, "").into(&p)
	if p.Subject != alice.ID {
		t.Errorf("the token is %s's", p.Subject)
	}
	f.post("/oauth/token", use).refused(400, "invalid_grant") // which ends the sign-in
	f.post("/oauth/token", grant+"&refresh_token="+url.QueryEscape(next)).refused(400, "invalid_grant")
	f.bearer(access).do("GET", "/auth/verify", nil).want(401, "")
	for _, bad := range []string{"x", tokens.AccessToken, strings.Repeat("x", 10_000), "\x00", "ä"} {
		f.post("/oauth/token", grant+"&refresh_token="+url.QueryEscape(bad)).refused(400, "invalid_grant")
	}
}

// machines fails as it is told to.
type machines struct {
	ports.Machines
	fail *atomic.Pointer[error]
}

func (m machines) ByID(ctx context.Context, id string) (clients.Client, error) {
	switch err := m.fail.Load(); {
	case err == nil:
		return m.Machines.ByID(ctx, id)
	case errors.Is(*err, errPanic):
		panic(*err)
	default:
		return clients.Client{}, *err
	}
}

var errPanic = errors.New("canary")

// What fails here is told in the same words, and nothing of why.
func TestOAuth_Failures(t *testing.T) {
	var fail atomic.Pointer[error]
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Machines = machines{c.Machines, &fail} }})
	m := f.admin().machine("read")
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
		retry  string
	}{
		{"out of reach", fault.New(fault.Unavailable, "store", "canary"), 503, "temporarily_unavailable", "2"},
		{"too slow", context.DeadlineExceeded, 503, "temporarily_unavailable", "2"},
		{"a defect", errors.New("canary"), 500, "server_error", ""},
		{"a panic", errPanic, 500, "server_error", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fail.Store(&tt.err)
			for path, form := range map[string]string{"/oauth/token": "grant_type=client_credentials", "/oauth/introspect": "token=x", "/oauth/revoke": "token=x"} {
				a := f.post(path, form, "Authorization", m.basic())
				a.t = t
				a.refused(tt.status, tt.code)
				if a.Header.Get("Retry-After") != tt.retry || tt.status == 500 && strings.Contains(a.Body, "canary") {
					t.Errorf("%v %s", a.Header, a.Body)
				}
			}
		})
	}
	fail.Store(nil)
	m.token()
}

func TestOAuth_Throttled(t *testing.T) {
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Settings.AddressLimit = user.Limit{Count: 3, Window: time.Minute} }})
	m := f.admin().machine("read")
	const grant = "grant_type=client_credentials"
	for range 3 {
		f.post("/oauth/token", grant, "Authorization", basic(m.ID+":x")).refused(401, "invalid_client")
	}
	a := f.post("/oauth/token", grant, "Authorization", basic(m.ID+":x")).refused(429, "temporarily_unavailable")
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("headers %v", a.Header)
	}
	m.token() // who has the secret is not held up
}
