package web_test

import (
	"bytes"
	"encoding/json"
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
