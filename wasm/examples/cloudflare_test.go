package examples_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// atCloudflare starts the worker in workerd, before an upstream.
func atCloudflare(t testing.TB, s *server, key string) (address string) {
	t.Helper()
	return startWorkerd(t, staged(t, "cloudflare"), "config.capnp", nil, "HEXWARD="+s.url, "BUNDLE_KEY="+key, "UPSTREAM="+newUpstream(t).url)
}

// identity returns those headers of a request by which an upstream might learn who asks, or which path and method are meant.
func (s *seen) identity() map[string]string {
	found := map[string]string{}
	for name, values := range s.Header {
		plain := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
		for _, part := range []string{"auth-", "original", "rewrite", "method", "forwarded-uri", "forwarded-prefix", "admin"} {
			if strings.Contains(plain, part) {
				found[name] = strings.Join(values, " | ")
			}
		}
		if plain == "forwarded" {
			found[name] = strings.Join(values, " | ")
		}
	}
	return found
}

// forgeries are headers by which a client may want to be somebody else, or to be somewhere else.
var forgeries = []string{
	"X-Auth-Subject: root", "x-auth-name: root", "X_Auth_Name: root", "X-Auth_Permissions: admin", "x-AUTH-kind: machine", "X.Auth.Session: s", "X-Auth-Tenant: acme",
	"X-Auth-Token: t", "X-Auth-Anything: a", "X-Original-URL: /admin/x", "X-Original-Method: DELETE", "X_Original_URI: /admin/x", "X-Rewrite-Url: /admin/x",
	"X-Forwarded-Uri: /admin/x", "X-Forwarded-Method: DELETE", "X-Forwarded-Prefix: /admin", "X-Http-Method-Override: DELETE", "X-HTTP-Method: DELETE",
	"X-Method-Override: DELETE", "Forwarded: for=127.0.0.1",
}

// TestCloudflare_upstream holds what reaches the upstream to what the policy allowed.
func TestCloudflare_upstream(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t))
	s.up()
	edge := atCloudflare(t, s, s.key())
	ada, eve := s.register("ada"), s.register("eve")
	s.command("user", "permit", "eve", "reports:write", "admin")
	eve = &person{client: eve.client, server: s, name: "eve", id: eve.id, access: eve.signIn()}
	cookie, bearer := "Cookie: "+ada.cookie, "Authorization: Bearer "+ada.access

	nobody := map[string]string{"X-Auth-Kind": "anonymous"}
	asAda := map[string]string{"X-Auth-Subject": ada.id, "X-Auth-Name": "ada", "X-Auth-Kind": "user", "X-Auth-Tenant": "default"}
	for name, test := range map[string]struct {
		headers []string
		path    string
		want    map[string]string
	}{
		"nobody":           {nil, "/public/page", nobody},
		"nobody, forged":   {forgeries, "/public/page", nobody},
		"a bad token":      {[]string{"Authorization: Bearer x"}, "/public/page", nobody},
		"cookie":           {[]string{cookie}, "/api/notes", asAda},
		"cookie, forged":   {append([]string{cookie}, forgeries...), "/api/notes", asAda},
		"bearer, forged":   {append([]string{bearer}, forgeries...), "/api/notes", asAda},
		"on a public page": {[]string{cookie}, "/public/page", asAda},
	} {
		a := ada.get(200, edge+test.path+"?q=a%2Fb&c", test.headers...).seen(t)
		got := a.identity()
		if test.want["X-Auth-Subject"] != "" {
			if got["X-Auth-Session"] == "" {
				t.Errorf("%s: there is no session", name)
			}
			delete(got, "X-Auth-Session")
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if a.URI != test.path+"?q=a%2Fb&c" {
			t.Errorf("%s: the upstream is asked for %s", name, a.URI)
		}
	}
	write := ada.do(403, "POST", edge+"/reports", "text", cookie)
	refused(t, write, 403, "forbidden", "")
	a := eve.do(200, "POST", edge+"/reports", "text", "Authorization: Bearer "+eve.access, "Content-Type: text/plain").seen(t)
	if a.Method != "POST" || a.Body != "text" || a.Header.Get("Content-Type") != "text/plain" || a.Header.Get("X-Auth-Permissions") != "admin,reports:write" {
		t.Errorf("the upstream sees %+v", a)
	}

	// What a browser sends in its user's name from elsewhere.
	ada.do(200, "POST", edge+"/api/notes", "", cookie, "Sec-Fetch-Site: same-origin")
	for _, from := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null", "Origin: https://evil.example"} {
		refused(t, ada.do(403, "POST", edge+"/api/notes", "", cookie, from), 403, "cross_origin", "")
	}

	// What is the upstream's answer is the client's, and for nobody else.
	if a := ada.get(302, edge+"/api/moved", cookie); a.header.Get("Location") != "/elsewhere" {
		t.Errorf("moved to %q", a.header.Get("Location"))
	}
	for _, who := range []*person{ada, eve} {
		if a := who.get(200, edge+"/api/kept", "Authorization: Bearer "+who.access).seen(t); a.Hello != who.name {
			t.Errorf("%s gets what is kept for %s", who.name, a.Hello)
		}
	}

	// Paths that two programs may read as different ones: what was decided about is what the upstream is asked for.
	for _, path := range []string{
		"/public/../admin/x", "/public/%2e%2e/admin/x", "/public/..%2fadmin/x", "/public/.%2e/admin/x", "/public//../admin/x", "/public/%2fadmin", "//evil.example/public/x",
		"/public\\..\\admin/x", "/public/%00", "/public/%5c..%5cadmin/x", "/admin/x", "/ADMIN/x", "http://evil.example/admin/x", "/public/%252e%252e/admin/x", "*", "/public/%2e%2e%2fadmin/x", "/x/../admin/x",
	} {
		got := raw(t, edge, "GET "+path+" HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n")
		if got.status < 400 && (got.status != 200 || !strings.HasPrefix(got.text("uri"), "/public/")) {
			t.Errorf("GET %s without a credential: %v", path, got)
		}
	}
	// The next proxy takes what Connection names for its own, and drops it.
	got := raw(t, edge, "GET /api/x HTTP/1.1\r\nHost: app.example\r\nConnection: close, x-auth-subject\r\n"+bearer+"\r\n")
	if at := got.seen(t); at.Header.Get("X-Auth-Subject") != ada.id || strings.Contains(strings.ToLower(at.Header.Get("Connection")), "auth") {
		t.Errorf("a header that Connection names: %v", got)
	}
}

// TestCloudflare_settings holds what the worker is set up with to what it asks for.
func TestCloudflare_settings(t *testing.T) {
	worker, wrangler, config := read(t, "cloudflare/worker.js"), read(t, "cloudflare/wrangler.toml"), read(t, "cloudflare/config.capnp")
	names := regexp.MustCompile(`\benv\.([A-Z_]+)`).FindAllStringSubmatch(worker, -1)
	if len(names) < 3 {
		t.Fatalf("the worker asks for %q", names)
	}
	for _, m := range names {
		if !strings.Contains(wrangler, "\n"+m[1]+" = ") {
			t.Errorf("wrangler.toml has no %s", m[1])
		}
		if !strings.Contains(config, `(name = "`+m[1]+`", fromEnvironment = "`+m[1]+`")`) {
			t.Errorf("config.capnp has no %s", m[1])
		}
	}
	if !strings.Contains(wrangler, "\nmain = \"worker.js\"\n") {
		t.Error("wrangler.toml deploys something else")
	}
}

// TestCloudflare_revoked takes sessions and people away by everything that there is for it, and changes keys and the policy.
func TestCloudflare_revoked(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t))
	s.up()
	edge := atCloudflare(t, s, s.key())
	asked := edge + "/api/notes"
	refusedSoon := func(what string, p *person, credential, code string) {
		t.Helper()
		began := time.Now()
		var last answer
		_, ok := within(10*time.Second, func() bool {
			var err error
			last, err = p.try("GET", asked, "", credential)
			return err == nil && last.status == 401
		})
		took := time.Since(began)
		t.Logf("%s: refused after %v", what, took)
		if !ok || took > quickly {
			t.Errorf("%s: refused after %v, if at all: %v", what, took, last)
			return
		}
		if last.text("code") != code {
			t.Errorf("%s: refused with %v, not %s", what, last, code)
		}
	}

	ada := s.register("ada")
	another := "Authorization: Bearer " + ada.signIn()
	for _, credential := range []string{"Cookie: " + ada.cookie, "Authorization: Bearer " + ada.access, another} {
		ada.get(200, asked, credential)
	}
	ada.signOut()
	refusedSoon("log out, cookie", ada, "Cookie: "+ada.cookie, "token_revoked")
	refusedSoon("log out, bearer", ada, "Authorization: Bearer "+ada.access, "token_revoked")
	ada.get(200, asked, another)

	s.command("user", "kick", "ada")
	refusedSoon("kick, by a command", ada, another, "token_revoked")
	ada.get(200, asked, "Authorization: Bearer "+ada.signIn()) // and may come again

	bob := s.register("bob")
	bob.get(200, asked, "Cookie: "+bob.cookie)
	s.command("user", "ban", "bob")
	refusedSoon("ban, by a command", bob, "Cookie: "+bob.cookie, "token_revoked")

	carol := s.register("carol")
	carol.get(200, asked, "Cookie: "+carol.cookie)
	carol.do(200, "PUT", s.url+"/auth/password", fmt.Sprintf(`{"password":%q,"new_password":"nine loud herons whistle"}`, password),
		"Content-Type: application/json", "Sec-Fetch-Site: same-origin", "Cookie: "+carol.cookie)
	refusedSoon("another password", carol, "Cookie: "+carol.cookie, "token_revoked")

	dora := s.register("dora")
	dora.get(200, asked, "Cookie: "+dora.cookie)
	s.command("user", "blackout")
	refusedSoon("blackout", dora, "Cookie: "+dora.cookie, "token_revoked")
}

// TestCloudflare_rotation changes the signing key while people sign in and ask.
func TestCloudflare_rotation(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t), "key-delay: 2s")
	s.up()
	edge := atCloudflare(t, s, s.key())
	ada := s.register("ada")
	ada.get(200, edge+"/api/notes", "Authorization: Bearer "+ada.access)

	// during asks by fresh tokens, and by one of before, while something is done, and counts.
	keys := map[string]int{} // requests by the header of their token, which names its key
	during := func(do func()) (asked, lost int, until time.Duration) {
		began := time.Now()
		end, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			do()
			close(end)
		}()
		for more := true; more; {
			select {
			case <-end:
				more = false
			default:
			}
			fresh := ada.signIn()
			header, _, _ := strings.Cut(fresh, ".")
			keys[header]++
			for _, credential := range []string{fresh, ada.access} {
				asked++
				if a, err := ada.try("GET", edge+"/api/notes", "", "Authorization: Bearer "+credential); err != nil || a.status != 200 {
					lost++
					until = time.Since(began)
				}
			}
		}
		<-over
		return asked, lost, until
	}
	asked, lost, _ := during(func() {
		s.command("keys", "rotate", "--delay", "2s")
		time.Sleep(4 * time.Second)
	})
	t.Logf("%d requests by tokens of %d keys, %d lost", asked, len(keys), lost)
	if len(keys) != 2 || asked < 20 || lost > 0 {
		t.Errorf("%d requests by tokens of %d keys, %d lost", asked, len(keys), lost)
	}

	// Without a delay there are tokens before there is a bundle with their key.
	var rotated time.Duration
	began := time.Now()
	asked, lost, until := during(func() {
		s.command("keys", "rotate", "--now")
		rotated = time.Since(began)
		time.Sleep(2 * time.Second)
	})
	t.Logf("at once: %d requests by tokens of %d keys, %d lost, the last %v after", asked, len(keys), lost, until-rotated)
	if len(keys) != 3 || until-rotated > quickly {
		t.Errorf("at once: tokens of %d keys, requests are lost %v later", len(keys), until-rotated)
	}
}

// TestCloudflare_policy changes the policy, which the server reads when it starts.
func TestCloudflare_policy(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t))
	s.up()
	edge := atCloudflare(t, s, s.key())
	ada := s.register("ada")
	bearer := "Authorization: Bearer " + ada.access
	ada.get(200, edge+"/api/notes", bearer)
	refused(t, ada.get(403, edge+"/notes", bearer), 403, "session_required", "")
	s.down()
	ada.get(200, edge+"/api/notes", bearer)
	s.policy("- path: /notes\n  access: session_or_token\n- path: /api/**\n  access: session\n  permissions: [admin]\n")
	s.up()
	took, ok := within(10*time.Second, func() bool {
		a, err := ada.try("GET", edge+"/notes", "", bearer)
		return err == nil && a.status == 200
	})
	t.Logf("another policy holds %v after the server's start", took)
	if !ok {
		t.Error("the old policy still holds")
	}
	refused(t, ada.get(403, edge+"/api/notes", "Cookie: "+ada.cookie), 403, "forbidden", "")
}
