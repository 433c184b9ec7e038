package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/fault"
)

func FuzzBody(f *testing.F) {
	for _, s := range []string{
		`{"login":"a"}`, `{"login":"a","login":"b"}`, `{"login":"\u0061","list":["a"],"yes":true,"n":1e2}`, `{"x":{"x":[]},"login":null}`,
		`[]`, ``, `{"login":"\ud800"}`, "{\"login\":\"\xff\"}", `{"Login":"a"}`, `{"a":1,"a":2}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		login, err := web.DecodeLogin(doc)
		if err != nil {
			if kind := fault.KindOf(err); kind != fault.Invalid {
				t.Fatalf("%v is %v", err, kind)
			}
			return
		}
		// What is accepted means the same to another reader.
		var other map[string]any
		if err := json.Unmarshal([]byte(doc), &other); err != nil {
			t.Fatalf("accepted %q, which encoding/json refuses: %v", doc, err)
		}
		if other["login"] != login || !utf8.ValidString(login) {
			t.Fatalf("login is %q, and %q to encoding/json", login, other["login"])
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer a.b.c", "bearer  x", "Basic eA==", "Bearer", "Bearer a b", "Bearer \x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		token := web.ParseBearer(value)
		if token == "" {
			return
		}
		if strings.ContainsAny(token, " \t,\"\x00") || !bytes.HasSuffix(bytes.TrimRight(value, " "), []byte(token)) || !strings.EqualFold(string(value[:7]), "bearer ") {
			t.Fatalf("%q from %q", token, value)
		}
	})
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{
		"grant_type=client_credentials&scope=a+b", "a=%41&a=b", "a=&b", "&&", "=x", "a=%zz", "a=%", "a=%ff", "a;b=c", "\xff=a", "%61=1&a=2", "a=b=c&d=%2B%26%3D",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := web.ParseForm(body)
		if err != nil {
			if kind := fault.KindOf(err); kind != fault.Invalid {
				t.Fatalf("%v is %v", err, kind)
			}
			return
		}
		// What is accepted means the same to another reader.
		other, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("accepted %q, which net/url refuses: %v", body, err)
		}
		for name, values := range other {
			if len(values) != 1 || got[name] != values[0] || !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
				t.Fatalf("%q is %q, and %q to net/url", name, got[name], values)
			}
			if _, there := got[name]; there != (values[0] != "") {
				t.Fatalf("%q without a value is there: %v", name, there)
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Fatalf("made up %v in %q", got, body)
		}
	})
}

func FuzzBasic(f *testing.F) {
	for _, s := range []string{"Basic YTpi", "basic  YTpi ", "Basic YTpiOmM=", "Basic JTQxOiUzYQ==", "Basic Og==", "Basic YQ==", "Basic YTpi\r\n", "Basic YTpi,YTpi", "Bearer x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		id, secret, ok := web.ParseBasic(value)
		if !ok {
			if id+secret != "" {
				t.Fatalf("%q %q from %q, which is refused", id, secret, value)
			}
			return
		}
		r := http.Request{Header: http.Header{"Authorization": {strings.Join(strings.Fields(string(value)), " ")}}}
		name, password, ok := r.BasicAuth()
		if !ok || id == "" || secret == "" {
			t.Fatalf("accepted %q, which net/http refuses", value)
		}
		if name, err := url.QueryUnescape(name); err != nil || name != id {
			t.Fatalf("id %q, and %q to another reader (%v)", id, name, err)
		}
		if password, err := url.QueryUnescape(password); err != nil || password != secret {
			t.Fatalf("secret %q, and %q to another reader (%v)", secret, password, err)
		}
	})
}

func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"192.0.2.1, 10.0.0.1", "[::1]:80", "::ffff:1.2.3.4", ",,", "fe80::1%x", "unknown"} {
		f.Add(s)
	}
	proxies := netip.MustParsePrefix("10.0.0.0/8")
	peer := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, list string) {
		got, _ := web.Nearest(list, peer, proxies.Contains)
		if !got.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Fatalf("%v from %q", got, list)
		}
		// Whatever a client writes before it, the nearest hop decides.
		if with, _ := web.Nearest(list+", 192.0.2.7", peer, proxies.Contains); with != netip.MustParseAddr("192.0.2.7") {
			t.Fatalf("%v from %q", with, list)
		}
	})
}

func FuzzCookies(f *testing.F) {
	for _, s := range []string{
		"__Host-hexward_session=a", "__Host-hexward_session=a; __Host-hexward_session=b", "a=b;;=;__Host-hexward_access==x", "__Secure-hexward_refresh", "=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var h fasthttp.RequestHeader
		h.Add("Cookie", value)
		session, access, refresh, ambiguous := web.ReadCookies(&h)
		for _, got := range []string{session, access, refresh} {
			if strings.ContainsAny(got, ";") || ambiguous && got != "" || got != "" && got != "-" && !strings.Contains(value, got) {
				t.Fatalf("%q %q %q %v from %q", session, access, refresh, ambiguous, value)
			}
		}
		if n := strings.Count(value, "__Host-hexward_session="); n > 1 && !ambiguous && strings.Count(";"+value, ";__Host-hexward_session=") == n {
			t.Fatalf("%d sessions are not ambiguous in %q", n, value)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/auth/verify", "//", "/./", "/%2e", "/%2F", "/a%", "/\x00", "x", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		if web.CheckPath(path) != nil {
			return
		}
		// Nothing that is accepted is another path once it is decoded and cleaned.
		decoded, err := url.PathUnescape(string(path))
		if err != nil {
			return // no route matches it
		}
		if strings.Count(decoded, "/") != strings.Count(string(path), "/") || strings.Contains(decoded+"/", "/../") ||
			strings.Contains(decoded+"/", "/./") || strings.Contains(decoded, "//") || strings.ContainsAny(decoded, "\\\x00") {
			t.Fatalf("%q is accepted and means %q", path, decoded)
		}
	})
}

func FuzzWire(f *testing.F) {
	for _, s := range []string{"Host: x\r\n\r\n", "A: b\n\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", " x\r\n", "\r\n", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := web.CheckWire(raw); err != nil {
			return
		}
		block, _, _ := bytes.Cut(append([]byte("\r\n"), raw...), []byte("\r\n\r\n"))
		lengths := 0
		for _, line := range bytes.Split(block, []byte("\r\n")) {
			if bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("accepted %q", raw)
			}
			name, _, _ := bytes.Cut(line, []byte(":"))
			if bytes.EqualFold(name, []byte("content-length")) || bytes.EqualFold(name, []byte("transfer-encoding")) {
				lengths++
			}
		}
		if lengths > 1 {
			t.Fatalf("accepted %d lengths in %q", lengths, raw)
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"alice", "\r\nSet-Cookie: a=b", "ä%", "\"\\</script>", "\xff\xfe", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value := string(web.AppendValue(nil, s))
		for i := range len(value) {
			if value[i] <= ' ' || value[i] >= 0x7f {
				t.Fatalf("header value %q", value)
			}
		}
		if back, err := url.PathUnescape(value); err != nil || back != s {
			t.Fatalf("%q comes back as %q: %v", s, back, err)
		}
		var back string
		text := web.AppendJSON(nil, s)
		if err := json.Unmarshal(text, &back); err != nil || !utf8.Valid(text) {
			t.Fatalf("%q: %v", text, err)
		}
		if utf8.ValidString(s) && back != s {
			t.Fatalf("%q comes back as %q", s, back)
		}
	})
}

// FuzzRequest sends any bytes to the server: it never answers 5xx, and never
// panics, whatever comes.
func FuzzRequest(f *testing.F) {
	o := withProviders(newUpstream("acme"))
	o.web = func(c *web.Config) { c.Log, c.CallbackPath = nil, "/oidc/callback/" }
	fix := newFixture(f, o)
	alice := fix.browser().register("alice")
	alice.begun("")
	root := fix.admin()
	m := root.machine("read")
	ruling := "Cookie: " + sessionCookie + "=" + root.cookies[sessionCookie]
	posted := func(path, headers, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n%sContent-Length: %d\r\n\r\n%s", path, headers, len(body), body)
	}
	who := "Authorization: " + m.basic() + "\r\n"
	cookie := "Cookie: " + sessionCookie + "=" + alice.cookies[sessionCookie]
	for _, s := range []string{
		"GET /auth/verify HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\n\r\n",
		"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{\"login\":\"a\",\"password\":\"\"}",
		"PUT /auth/password HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"GET /admin/users?limit=1&text=%ff HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a.b.c\r\n\r\n",
		"GET /auth/login?provider=acme&return_to=/a HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
		"GET /oidc/callback/?state=a&code=b&iss=c HTTP/1.1\r\nHost: x\r\n" + cookie + "; " + flowCookie + "=" + alice.cookies[flowCookie] + "\r\n\r\n",
		"POST /auth/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n{\"code\":\"\",\"redirect_uri\":1}",
		"POST /auth/backchannel-logout/acme HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\nlogout_token=a%7C%7C",
		"POST /auth/identities/acme/link HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\nContent-Length: 0\r\n\r\n",
		posted("/oauth/token", who, "grant_type=client_credentials&scope=read+%77rite"),
		posted("/oauth/token", "", "grant_type=client_credentials&client_id="+m.ID+"&client_secret="+m.Secret),
		posted("/oauth/token", "", "grant_type=client_credentials&client_assertion=e30.eyJzdWIiOiJ4In0.AA&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"),
		posted("/oauth/token", "", "grant_type=refresh_token&refresh_token="+alice.cookies[refreshCookie]),
		posted("/oauth/introspect", who, "token="+m.token()+"&token_type_hint=x"),
		posted("/oauth/introspect", who, "token="+alice.apiToken().Token),
		posted("/oauth/revoke", "", "token="+alice.apiToken().Token),
		"GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"x\"\r\n\r\n",
		"GET /tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + alice.apiToken().Token + "\r\n\r\n",
		"POST /tokens HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\nContent-Type: application/json\r\nContent-Length: 58\r\n\r\n{\"name\":\"x\",\"scopes\":[\"\"],\"expires_in\":9007199254740991.0}",
		"DELETE /tokens/" + alice.apiToken().ID + " HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\n\r\n",
		"GET /admin/clients?after=%00&limit=99999999999 HTTP/1.1\r\nHost: x\r\n" + ruling + "\r\n\r\n",
		"POST /admin/clients HTTP/1.1\r\nHost: x\r\n" + ruling + "\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n{\"name\":\"x\",\"permissions\":[\"a b\"],\"keys\":{\"keys\":[]}}",
		"PATCH /admin/clients/" + m.ID + " HTTP/1.1\r\nHost: x\r\n" + ruling + "\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"name\":\"\",\"keys\":{\"a\":1}}",
		"POST /admin/clients/" + m.ID + "/rotate HTTP/1.1\r\nHost: x\r\n" + ruling + "\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"compromised\":null}",
		"POST /admin/tenants HTTP/1.1\r\nHost: x\r\n" + ruling + "\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n{\"id\":\"x\",\"name\":\"\",\"external\":[{\"source\":1}]}",
		"PATCH /admin/tenants/%ff HTTP/1.1\r\nHost: x\r\n" + ruling + "\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"unlink\":[]}",
		"POST /auth/x/change_username HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		conn := &recorded{in: bytes.NewReader(raw)}
		_ = fix.app.Server().ServeConn(conn)
		for _, line := range bytes.Split(conn.out.Bytes(), []byte("\r\n")) {
			if bytes.HasPrefix(line, []byte("HTTP/1.1 5")) {
				t.Fatalf("%q is answered by %q", raw, conn.out.Bytes())
			}
		}
	})
}

// FuzzRoutes sends any body to any route of machines, API tokens and tenants, from who
// may use it: what comes is never a defect's answer, nor one that a cache keeps, and
// an endpoint of OAuth refuses as it should.
func FuzzRoutes(f *testing.F) {
	fix := newFixture(f, options{web: func(c *web.Config) { c.Log = nil }})
	root := fix.admin()
	m := root.machine("read")
	const form, json = "application/x-www-form-urlencoded", "application/json"
	routes := []struct{ line, kind, shows string }{
		{"POST /oauth/token", form, "Authorization: " + m.basic()},
		{"POST /oauth/token", form, "X-Nothing: x"},
		{"POST /oauth/introspect", form, "Authorization: " + m.basic()},
		{"POST /oauth/revoke", form, "Authorization: " + m.basic()},
		{"POST /oauth/revoke", form, "X-Nothing: x"},
		{"POST /tokens", json, ""},
		{"DELETE /tokens/" + neverWas, json, ""},
		{"POST /admin/clients", json, ""},
		{"PATCH /admin/clients/" + m.ID, json, ""},
		{"POST /admin/clients/" + neverWas + "/rotate", json, ""},
		{"POST /admin/tenants", json, ""},
		{"PATCH /admin/tenants/default", json, ""},
	}
	for i, body := range []string{
		"grant_type=client_credentials&scope=read", "grant_type=refresh_token&refresh_token=x", "token=" + m.token(), "token=hxw_x&token_type_hint=y", "token=%00",
		`{"name":"x","scopes":["admin"],"expires_in":1e3}`, `{}`, `{"name":"x","permissions":["read"],"keys":` + publicKey + `}`, `{"keys":null,"name":"\u0000"}`,
		`{"compromised":true}`, `{"id":"x","name":"y","external":[{"source":"a","id":"b"}]}`, `{"link":[{"source":"","id":"\ud83d\ude00"}],"unlink":[]}`,
	} {
		f.Add(byte(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		r := routes[int(which)%len(routes)]
		if r.shows == "" {
			r.shows = "Cookie: " + sessionCookie + "=" + root.cookies[sessionCookie]
		}
		request := fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", r.line, r.shows, r.kind, len(body), body)
		conn := &recorded{in: strings.NewReader(request)}
		_ = fix.app.Server().ServeConn(conn)
		head, answer, _ := strings.Cut(conn.out.String(), "\r\n\r\n")
		switch {
		case !strings.HasPrefix(head, "HTTP/1.1 2") && !strings.HasPrefix(head, "HTTP/1.1 4"), !strings.Contains(head, "\r\nCache-Control: no-store\r\n"):
			t.Fatalf("%s with %q is answered by %q", r.line, body, conn.out.String())
		case strings.HasPrefix(head, "HTTP/1.1 4") && r.kind == form && len(body) <= 64<<10 && !strings.HasPrefix(answer, `{"error":"`):
			t.Fatalf("%s with %q is refused by %q", r.line, body, answer)
		}
	})
}

// FuzzReturnTo signs in with any path to return to: it is refused, or leads to our
// own origin.
func FuzzReturnTo(f *testing.F) {
	for _, s := range []string{"/orders?a=b#c", "//evil.example", "/\\evil.example", "/%2f/evil.example", "/\t/evil.example", "https://evil.example", "/a/../..//b", "/;@evil"} {
		f.Add(s)
	}
	p := newUpstream("acme")
	o := withProviders(p)
	o.web = func(c *web.Config) { c.Log = nil }
	fix := newFixture(f, o)
	f.Fuzz(func(t *testing.T, path string) {
		b := (&fixture{TB: t, url: fix.url}).browser()
		a := b.do("GET", "/auth/login?"+url.Values{"return_to": {path}}.Encode(), nil)
		if a.Status == 400 || a.Status == 431 {
			return
		}
		back := p.accept(t, a.want(302, "").Header.Get("Location"), "alice")
		conn := &recorded{in: strings.NewReader("GET " + back + " HTTP/1.1\r\nHost: x\r\nCookie: " + flowCookie + "=" + b.cookies[flowCookie] + "\r\n\r\n")}
		_ = fix.app.Server().ServeConn(conn)
		_, to, _ := strings.Cut(conn.out.String(), "\r\nLocation: ")
		to, _, _ = strings.Cut(to, "\r\n")
		if path == "" {
			path = "/"
		}
		if to != publicURL+path || path[0] != '/' || len(path) > 1 && strings.ContainsAny(path[1:2], `/\`) {
			t.Fatalf("%q leads to %q: %s", path, to, conn.out.String())
		}
	})
}
