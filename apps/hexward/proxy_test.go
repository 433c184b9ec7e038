package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// protected is a proxy that asks a real Hexward, and people and a machine that are
// known to it.
type protected struct {
	*gate
	hexward *instance
	people  map[string]*browser
	shows   map[string]string // by caller, the header line of their credential; none for nobody
	ids     map[string]string
}

func protect(t *testing.T, proxy string, args ...string) *protected {
	t.Helper()
	i, address := serveFor(t, proxy, args...)
	p := &protected{gates[proxy](t, address), i, map[string]*browser{}, map[string]string{"nobody": ""}, map[string]string{}}
	for name, permissions := range map[string]string{"alice": "", "writer": "reports:write", "root": "admin"} {
		line := []string{"user", "add", name, "--data", i.data, "--email", name + "@example.org", "--password-stdin"}
		if permissions != "" {
			line = append(line, "--permission", permissions)
		}
		if _, stderr, code := command(t, password+"\n", line...); code != 0 {
			t.Fatal(stderr)
		}
		b := p.browser()
		signedIn := b.do(t, "POST", "/auth/login", object{"login": name, "password": password}, 200)
		p.people[name], p.ids[name] = b, signedIn.text("user.id")
		for _, c := range b.http.Jar.Cookies(at(b.base)) {
			if strings.HasSuffix(c.Name, "_session") {
				p.shows[name] = "Cookie: " + c.Name + "=" + c.Value
			}
		}
		byBody := p.browser().do(t, "POST", "/auth/login", object{"login": name, "password": password, "delivery": "body"}, 200)
		p.shows[name+"'s token"] = "Authorization: Bearer " + byBody.text("access_token")
	}
	made := p.people["writer"].do(t, "POST", "/tokens", object{"name": "script", "scopes": []string{"reports:write"}}, 201)
	p.shows["writer's script"] = "Authorization: Bearer " + made.text("token")
	var client struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(must(t, "client", "add", "robot", "--permission", "jobs:run", "--json", "--data", i.data)), &client); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client.ID}, "client_secret": {client.Secret}}
	granted, err := p.browser().send("POST", "/oauth/token", "application/x-www-form-urlencoded", form.Encode())
	if err != nil || granted.status != 200 {
		t.Fatalf("%v: %d %s", err, granted.status, granted.body)
	}
	p.shows["robot"], p.ids["robot"] = "Authorization: Bearer "+granted.text("access_token"), client.ID
	p.shows["forged"] = "Authorization: Bearer eyJhbGciOiJub25lIn0.e30."
	return p
}

func at(base string) *url.URL {
	u, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	return u
}

// TestProxy holds the examples of deploy, run by real proxies before an app that
// writes down what reaches it, against everybody who asks and everything that is
// known to lead round such proxies.
func TestProxy(t *testing.T) {
	for _, name := range []string{"nginx", "caddy"} {
		t.Run(name, func(t *testing.T) {
			p := protect(t, name)
			t.Run("routes", p.routes)
			t.Run("spoofing", p.spoofing)
			t.Run("paths", p.paths)
			t.Run("requests", p.requests)
			t.Run("bodies", p.bodies)
			t.Run("other sites", p.otherSites)
			t.Run("sign in", p.signIn)
			t.Run("signed out", p.signedOut)
			p.invariant(t)
			t.Run("hexward down", p.down)
		})
	}
}

// invariant holds everything that ever reached the app against the policy: a path
// that anybody could read as a protected one came with whom it takes.
func (p *protected) invariant(t *testing.T) {
	t.Helper()
	if len(p.app.since(0)) == 0 {
		t.Error("the app saw nothing")
	}
	for _, s := range p.app.since(0) {
		kind, permissions := strings.Join(s.get("X-Auth-Kind"), ","), strings.Split(strings.Join(s.get("X-Auth-Permissions"), ","), ",")
		for _, reading := range readings(s.target) {
			first, _, _ := strings.Cut(strings.TrimPrefix(reading, "/"), "/")
			ok := kind == "user" || kind == "machine"
			switch first {
			case "public":
				ok = true
			case "admin":
				ok = kind == "user" && slices.Contains(permissions, "admin")
			case "jobs":
				ok = kind == "machine" && slices.Contains(permissions, "jobs:run")
			}
			if !ok {
				t.Errorf("%s %q, which can be read as %q, reached the app from %q with %q", s.method, s.target, reading, kind, permissions)
			}
		}
		for _, name := range []string{
			"X-Original-URI", "X-Original-URL", "X-Original-Method", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Prefix",
			"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Forwarded", "X-Auth-Sign-In",
		} {
			if got := s.get(name); len(got) > 0 {
				t.Errorf("%s %q reached the app with %s: %q", s.method, s.target, name, got)
			}
		}
		for _, h := range s.trailers { // behind a header of that name it is the second value, where anybody mixes them
			if name := plainName(h[0]); strings.HasPrefix(name, "x-auth-") && len(s.get(name)) == 0 {
				t.Errorf("%s %q reached the app with a trailer %q and no such header", s.method, s.target, h)
			}
		}
	}
	for _, text := range p.app.broken {
		t.Errorf("the app could not read what it got: %s", text)
	}
}

// readings are the paths that somebody could take a target for: decoded once and
// twice, with backslashes as slashes, without parameters, with dot segments gone.
func readings(target string) (list []string) {
	path, _, _ := strings.Cut(target, "?")
	path, _, _ = strings.Cut(path, "#")
	once := loosely(path)
	for _, path := range []string{once, loosely(once)} {
		var segments []string
		for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
			segment, _, _ = strings.Cut(segment, ";")
			switch segment {
			case "", ".":
			case "..":
				segments = segments[:max(0, len(segments)-1)]
			default:
				segments = append(segments, segment)
			}
		}
		list = append(list, "/"+strings.Join(segments, "/"))
	}
	return list
}

// loosely decodes what is an escape and leaves the rest.
func loosely(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if c, err := url.PathUnescape(path[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// identity is what the app is told of who asks, without what is empty.
func identity(s seen) string {
	told := slices.Concat(s.get("X-Auth-Kind"), s.get("X-Auth-Subject"), s.get("X-Auth-Permissions"))
	return strings.Join(slices.DeleteFunc(told, func(text string) bool { return text == "" }), " ")
}

func (p *protected) routes(t *testing.T) {
	user := func(name, permissions string) string {
		return strings.TrimSpace("user " + p.ids[name] + " " + permissions)
	}
	robot := "machine " + p.ids["robot"] + " jobs:run"
	for _, tt := range []struct {
		method, target, caller string
		status                 int
		want                   string // identity at the app; not there if empty
	}{
		{"GET", "/public/a?b=%2Fc", "nobody", 200, "anonymous"},
		{"GET", "/public/a", "alice", 200, user("alice", "")},
		{"GET", "/public/a", "robot", 200, robot},
		{"GET", "/public/a", "forged", 200, "anonymous"},
		{"GET", "/orders", "nobody", 401, ""},
		{"GET", "/orders", "forged", 401, ""},
		{"GET", "/orders/1?x=y", "alice", 200, user("alice", "")},
		{"POST", "/orders", "alice", 200, user("alice", "")},
		{"GET", "/orders", "alice's token", 403, ""},
		{"GET", "/orders", "robot", 403, ""},
		{"GET", "/", "alice", 200, user("alice", "")},
		{"GET", "/api/a%20b/c", "alice", 200, user("alice", "")},
		{"GET", "/api/a", "alice's token", 200, user("alice", "")},
		{"GET", "/api/a", "writer's script", 200, user("writer", "reports:write")},
		{"DELETE", "/api/a", "robot", 200, robot},
		{"GET", "/api/a", "nobody", 401, ""},
		{"GET", "/scripts/a", "alice", 403, ""},
		{"GET", "/scripts/a", "alice's token", 200, user("alice", "")},
		{"POST", "/jobs/a", "robot", 200, robot},
		{"POST", "/jobs/a", "alice's token", 403, ""},
		{"POST", "/jobs/a", "root", 403, ""},
		{"POST", "/jobs/a", "nobody", 401, ""},
		{"POST", "/reports", "writer", 200, user("writer", "reports:write")},
		{"POST", "/reports", "writer's script", 200, user("writer", "reports:write")},
		{"POST", "/reports", "alice", 403, ""},
		{"POST", "/reports", "robot", 403, ""},
		{"POST", "/reports", "nobody", 401, ""},
		{"PUT", "/reports", "alice", 200, user("alice", "")}, // the default
		{"GET", "/admin/a", "root", 200, user("root", "admin")},
		{"GET", "/admin", "root", 200, user("root", "admin")},
		{"HEAD", "/admin/a", "alice", 403, ""},
		{"GET", "/admin/a", "alice", 403, ""},
		{"GET", "/admin/a", "root's token", 403, ""},
		{"GET", "/admin/a", "nobody", 401, ""},
		{"OPTIONS", "/orders", "nobody", 401, ""},
	} {
		got, seen := p.ask(tt.method, tt.target, p.shows[tt.caller])
		switch {
		case got.status != tt.status:
			t.Errorf("%s %s of %s: %d %s, want %d", tt.method, tt.target, tt.caller, got.status, got.body, tt.status)
		case tt.want == "" && len(seen) > 0:
			t.Errorf("%s %s of %s is refused, and the app saw %+v", tt.method, tt.target, tt.caller, seen)
		case tt.want != "" && (len(seen) != 1 || seen[0].method != tt.method || seen[0].target != tt.target):
			t.Errorf("%s %s of %s reached the app as %+v", tt.method, tt.target, tt.caller, seen)
		case tt.want != "" && identity(seen[0]) != tt.want:
			t.Errorf("%s %s of %s reached the app as %q's, want %q's", tt.method, tt.target, tt.caller, identity(seen[0]), tt.want)
		}
		if name, _, _ := strings.Cut(tt.caller, "'"); len(seen) == 1 && strings.HasPrefix(tt.want, "user ") {
			whose := []string{strings.Join(seen[0].get("X-Auth-Name"), ","), strings.Join(seen[0].get("X-Auth-Tenant"), ",")}
			if session := strings.Join(seen[0].get("X-Auth-Session"), ","); !slices.Equal(whose, []string{name, "default"}) || (session == "") != (tt.caller == "writer's script") {
				t.Errorf("%s %s of %s reached the app with name and tenant %q and session %q", tt.method, tt.target, tt.caller, whose, session)
			}
		}
	}
}

// What a client says of itself in our headers never reaches the app, nor changes what
// is decided.
func (p *protected) spoofing(t *testing.T) {
	for _, headers := range [][]string{
		{"X-Auth-Subject: root", "X-Auth-Permissions: admin", "X-Auth-Kind: machine"},
		{"x-auth-subject: root", "x-auth-permissions: admin"},
		{"X_Auth_Subject: root", "X_Auth_Permissions: admin", "X_AUTH_KIND: machine"},
		{"X-Auth_Subject: root", "X_Auth-Permissions: admin", "x_auth-kind: machine"},
		{"X-Auth-Subject: root", "X-Auth-Subject: toor"},
		{"X-Auth-Token: eyJ", "X-Auth-Session: 1", "X-Auth-Tenant: other", "X-Auth-Name: root"},
		{"X-Auth-Subject : root"},
		{"X-Auth-Sign-In: https://evil.example/"},
		{"Connection: X-Auth-Subject, X-Auth-Kind, X-Auth-Permissions"},
		{"Connection: x_auth_subject"},
		{"X-Original-URI: /public/a", "X-Original-Method: GET", "X-Original-URL: /public/a", "X-Rewrite-URL: /public/a"},
		{"X-Forwarded-Uri: /public/a", "X-Forwarded-Method: GET", "X-Forwarded-Prefix: /public"},
		{"X_Original_URI: /public/a", "X_Forwarded_Uri: /public/a", "X_Forwarded_Method: GET"},
		{"Connection: X-Original-URI, X-Original-Method, X-Forwarded-Uri, X-Forwarded-Method"},
		{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"},
		{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example", "Forwarded: for=203.0.113.9;host=evil.example"},
	} {
		for caller, want := range map[string]string{"nobody": "anonymous", "alice": "user " + p.ids["alice"]} {
			for _, target := range []string{"/public/a", "/orders", "/admin/a"} {
				got, reached := p.ask("GET", target, append([]string{p.shows[caller]}, headers...)...)
				may := target == "/public/a" || target == "/orders" && caller == "alice"
				if !may && (len(reached) > 0 || got.status < 400) {
					t.Errorf("GET %s of %s with %q: %d, and the app saw %+v", target, caller, headers, got.status, reached)
				}
				if may && got.status != 200 && got.status != 400 {
					t.Errorf("GET %s of %s with %q: %d", target, caller, headers, got.status)
				}
				for _, s := range reached {
					if identity(s) != want || len(s.get("X-Auth-Kind")) != 1 || len(s.get("X-Auth-Subject")) > 1 {
						t.Errorf("GET %s of %s with %q reached the app as %q's", target, caller, headers, identity(s))
					}
					for name, allowed := range map[string]string{"X-Auth-Token": "", "X-Auth-Tenant": "default", "X-Auth-Name": caller, "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": appHost} {
						for _, value := range s.get(name) {
							if value != allowed && value != "" {
								t.Errorf("GET %s of %s with %q reached the app with %s: %q", target, caller, headers, name, value)
							}
						}
					}
				}
			}
		}
	}
}

// No spelling of a path leads to the app but the one that was decided on, to the byte.
func (p *protected) paths(t *testing.T) {
	for _, target := range []string{
		"//admin/a", "/public//admin/a", "/public/../admin/a", "/public/./../admin/a", "/./admin/a", "/public/..", "/public/.", "/admin/../public/a",
		"/public/%2e%2e/admin/a", "/public/%2E%2E/admin/a", "/public/.%2e/admin/a", "/public/%2e%2e%2fadmin/a", "/public%2f..%2fadmin/a", "/admin%2fa", "/admin%2Fa",
		"/admin/..%2fpublic/a", "/admin%2f..%2fpublic/a", "/admin/a%2f..%2f..%2fpublic/a", "/auth/../admin/a", "/auth/%2e%2e/admin/a", "/auth/..%2fadmin/a", "/admin/..%2fauth/me",
		"/sign-in/../admin/a", "/static/style.css/..%2f..%2fadmin/a", "/.well-known/../admin/a",
		"/public/..;/admin/a", "/public/..;x=y/admin/a", "/public/;/../admin/a", "/admin;/a", "/public/a;x=/../../admin/a", "/public%3b/a",
		"/public/%252e%252e/admin/a", "/public/%252e%252e%252fadmin/a", "/%2561dmin/a", "/public/%25%32%65%25%32%65/admin/a",
		`/public\..\admin\a`, "/public/%5c..%5cadmin/a", "/public/..%5cadmin/a", "/public/%c0%ae%c0%ae/admin/a", "/public/%c0%af/admin/a", "/public/%u002e%u002e/admin/a",
		"/public/%00/../admin/a", "/public/a%00", "/public/a%0d%0aX-Auth-Subject:%20root", "/public/a%0aGET%20/admin/a", "/public/a%09", "/public/a%7f",
		"/public/%", "/public/%zz", "/public/%2", "/public#/../admin/a", "/admin/a#/public/a", "/public/\xff", "/public/a\x01", "public/a", "*",
		"/auth/verify/public/a/../../../admin/a", "//auth/verify",
		"/public/" + strings.Repeat("a", 5000), "/public/" + strings.Repeat("a/", 3000), "/public/" + strings.Repeat("a", 40_000), "/public/" + strings.Repeat("../", 500) + "admin/a",
	} {
		for _, caller := range []string{"nobody", "alice", "root"} {
			if p.name == "caddy" && caller == "root" && strings.HasPrefix(target, "/admin/a#") {
				continue // Caddy asks about /admin/a%23/public/a, and that is what the app gets
			}
			got, reached := p.ask("GET", target, p.shows[caller])
			if got.status >= 200 && got.status < 300 || len(reached) > 0 {
				t.Errorf("GET %.80q of %s: %d, and the app saw %.200q", target, caller, got.status, fmt.Sprint(reached))
			}
		}
	}
	if p.name == "caddy" { // which speaks HTTP/2
		b := p.people["alice"]
		for target, status := range map[string]int{
			"/public/../admin/a": 400, "/public/%2e%2e/admin/a": 400, "//admin/a": 400, "/public/..;/admin/a": 400, "/%61dmin/a": 403, "/public/a?x=/../": 200,
		} {
			before := p.app.count()
			request, err := http.NewRequestWithContext(t.Context(), "GET", b.base, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.URL.Opaque = "//" + appHost + target
			response, err := b.http.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if reached := p.app.since(before); response.ProtoMajor != 2 || response.StatusCode != status || (len(reached) == 1) != (status == 200) {
				t.Errorf("GET %s over %s: %d, and the app saw %+v", target, response.Proto, response.StatusCode, reached)
			}
		}
	}
	for _, tt := range []struct {
		target, caller string
		status         int
	}{
		{"/public/a?x=/../admin/%2e%2e;//", "nobody", 200},
		{"/public/%41%C3%A9", "nobody", 200},
		{"/public/100%25", "nobody", 200},
		{"/public/...", "nobody", 200},
		{"/public/a:b@c,d&e=f", "nobody", 200},
		{"/%70ublic/a", "nobody", 200},
		{"/public/", "nobody", 200},
		{"/public", "nobody", 200},
		{"/publicity", "nobody", 401},
		{"/PUBLIC/a", "nobody", 401},
		{"/%61dmin/a", "alice", 403},
		{"/%61dmin/a", "root", 200},
		{"/admin/", "alice", 403},
		{"/ADMIN/a", "nobody", 401},
		{"/admin?/../public/a", "alice", 403},
		{"/auth/verify", "root", 404},
		{"/auth/verify?x", "root", 404},
		{"/auth/%76erify", "root", 404},
	} {
		got, reached := p.ask("GET", tt.target, p.shows[tt.caller])
		if got.status != tt.status {
			t.Errorf("GET %s of %s: %d, want %d", tt.target, tt.caller, got.status, tt.status)
		}
		if (len(reached) == 1) != (tt.status == 200) || len(reached) == 1 && reached[0].target != tt.target {
			t.Errorf("GET %s of %s reached the app as %+v", tt.target, tt.caller, reached)
		}
	}
}

// No form of a request leads to the app that the policy refuses.
func (p *protected) requests(t *testing.T) {
	const host = "Host: " + appHost + "\r\n"
	const end = "Connection: close\r\n\r\n"
	for name, text := range map[string]string{
		"absolute target":                  "GET https://" + appHost + "/admin/a HTTP/1.1\r\n" + host + end,
		"absolute target with dots":        "GET https://" + appHost + "/public/../admin/a HTTP/1.1\r\n" + host + end,
		"absolute target of another host":  "GET http://evil.example/admin/a HTTP/1.1\r\n" + host + end,
		"absolute target with a user":      "GET http://" + appHost + "@evil.example/admin/a HTTP/1.1\r\n" + host + end,
		"absolute target without a path":   "GET https://" + appHost + " HTTP/1.1\r\n" + host + end,
		"absolute target with a query":     "GET https://" + appHost + "?/public/a HTTP/1.1\r\n" + host + end,
		"no version":                       "GET /admin/a\r\n",
		"old version":                      "GET /admin/a HTTP/1.0\r\n" + host + "\r\n",
		"version that there is not":        "GET /admin/a HTTP/1.9\r\n" + host + end,
		"space in the target":              "GET /public/a /admin/a HTTP/1.1\r\n" + host + end,
		"tab in the target":                "GET /public/a\t/../../admin/a HTTP/1.1\r\n" + host + end,
		"null in the target":               "GET /admin/a\x00/public HTTP/1.1\r\n" + host + end,
		"carriage return in the target":    "GET /admin/a\rX: y HTTP/1.1\r\n" + host + end,
		"line before":                      "\r\nGET /admin/a HTTP/1.1\r\n" + host + end,
		"method in lower case":             "get /admin/a HTTP/1.1\r\n" + host + end,
		"unknown method":                   "BREW /admin/a HTTP/1.1\r\n" + host + end,
		"TRACE":                            "TRACE /admin/a HTTP/1.1\r\n" + host + end,
		"CONNECT":                          "CONNECT " + appHost + ":443 HTTP/1.1\r\n" + host + end,
		"CONNECT with a path":              "CONNECT /admin/a HTTP/1.1\r\n" + host + end,
		"PROPFIND":                         "PROPFIND /admin/a HTTP/1.1\r\n" + host + end,
		"folded header":                    "GET /admin/a HTTP/1.1\r\n" + host + "X-A: b\r\n X-Auth-Subject: root\r\n" + end,
		"bare line feeds":                  "GET /admin/a HTTP/1.1\nHost: " + appHost + "\nConnection: close\n\n",
		"two hosts":                        "GET /admin/a HTTP/1.1\r\n" + host + "Host: evil.example\r\n" + end,
		"two credentials":                  "GET /admin/a HTTP/1.1\r\n" + host + p.shows["root's token"] + "\r\n" + p.shows["robot"] + "\r\n" + end,
		"smuggled by length and encoding":  "POST /public/a HTTP/1.1\r\n" + host + "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin/a HTTP/1.1\r\nHost: " + appHost + "\r\n\r\n",
		"smuggled by two lengths":          "POST /public/a HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /admin/a HTTP/1.1\r\n" + host + end,
		"smuggled by a spelling":           "POST /public/a HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /admin/a HTTP/1.1\r\n" + host + end,
		"smuggled by an underscore":        "POST /public/a HTTP/1.1\r\n" + host + "Content_Length: 0\r\nContent-Length: 5\r\n\r\nhelloGET /admin/a HTTP/1.1\r\n" + host + end,
		"behind another request":           "GET /public/a HTTP/1.1\r\n" + host + "\r\nGET /admin/a HTTP/1.1\r\n" + host + end,
		"with an upgrade":                  "GET /admin/a HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		"with expectations":                "POST /admin/a HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 0\r\n" + end,
		"with a body that looks like one":  "GET /admin/a HTTP/1.1\r\n" + host + "Content-Length: 20\r\n" + end + "GET /public/a HTTP/1\r\n",
		"with a trailer that says who":     "POST /admin/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: Authorization, X-Auth-Subject\r\n" + end + "0\r\n" + p.shows["robot"] + "\r\nX-Auth-Subject: root\r\n\r\n",
		"with a trailer that says what":    "POST /admin/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n" + end + "0\r\nX-Original-URI: /public/a\r\nX-Forwarded-Uri: /public/a\r\n\r\n",
		"with headers that fill the limit": "GET /admin/a HTTP/1.1\r\n" + host + strings.Repeat("X-Fill: "+strings.Repeat("a", 1000)+"\r\n", 9) + end,
	} {
		got, reached := p.raw(text, 2*time.Second)
		for _, s := range reached {
			if !strings.HasPrefix(s.target, "/public/a") || identity(s) != "anonymous" {
				t.Errorf("%s: %d, and the app saw %+v", name, got.status, reached)
			}
		}
	}
	// The same by who may: what reaches the app is what was meant.
	if got, reached := p.raw("GET https://"+appHost+"/admin/a HTTP/1.1\r\n"+host+p.shows["root"]+"\r\n"+end, patience); got.status != 200 || len(reached) != 1 || reached[0].target != "/admin/a" {
		t.Errorf("an absolute target: %d, and the app saw %+v", got.status, reached)
	}
}

// A body goes to the app and nowhere else, however it comes.
func (p *protected) bodies(t *testing.T) {
	chunked := "POST /orders HTTP/1.1\r\nHost: " + appHost + "\r\n" + p.shows["alice"] + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
	length := "POST /orders HTTP/1.1\r\nHost: " + appHost + "\r\n" + p.shows["alice"] + "\r\nContent-Length: 11\r\nConnection: close\r\n\r\nhello world"
	for _, text := range []string{chunked, length} {
		if got, reached := p.raw(text, patience); got.status != 200 || len(reached) != 1 || reached[0].body != "hello world" {
			t.Errorf("%d, and the app saw %+v", got.status, reached)
		}
	}
	trailing := "POST /public/a HTTP/1.1\r\nHost: " + appHost + "\r\nTransfer-Encoding: chunked\r\nTrailer: X-Auth-Subject\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Auth-Subject: root\r\n\r\n"
	if _, reached := p.raw(trailing, patience); len(reached) > 1 || len(reached) == 1 && identity(reached[0]) != "anonymous" {
		t.Errorf("with a trailer the app saw %+v", reached)
	}
}

func (p *protected) otherSites(t *testing.T) {
	for _, tt := range []struct {
		method, target, caller, site string
		status                       int
		want                         string
	}{
		{"POST", "/orders", "alice", "same-origin", 200, "user " + p.ids["alice"]},
		{"POST", "/orders", "alice", "cross-site", 403, ""},
		{"POST", "/orders", "alice", "same-site", 403, ""},
		{"GET", "/orders", "alice", "cross-site", 200, "user " + p.ids["alice"]},
		{"POST", "/api/a", "alice's token", "cross-site", 200, "user " + p.ids["alice"]},
		{"POST", "/public/a", "alice", "cross-site", 200, "anonymous"},
	} {
		got, reached := p.ask(tt.method, tt.target, p.shows[tt.caller], "Sec-Fetch-Site: "+tt.site)
		who := ""
		if len(reached) == 1 {
			who = identity(reached[0])
		}
		if got.status != tt.status || who != tt.want {
			t.Errorf("%s %s of %s from %s: %d, and the app saw %q, want %d and %q", tt.method, tt.target, tt.caller, tt.site, got.status, who, tt.status, tt.want)
		}
	}
}

// A person who goes to a page is led to the sign-in page and from there back.
func (p *protected) signIn(t *testing.T) {
	b := p.browser()
	request, err := http.NewRequestWithContext(t.Context(), "GET", b.base+"/orders?a=b&c=d", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	first, err := b.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Body.Close()
	to := first.Header.Get("Location")
	if first.StatusCode != 302 || to != b.base+"/sign-in?return_to=%2Forders%3Fa%3Db%26c%3Dd" {
		t.Fatalf("%d to %q", first.StatusCode, to)
	}
	page := b.do(t, "GET", strings.TrimPrefix(to, b.base), nil, 200)
	if !strings.Contains(string(page.body), `action="/sign-in?return_to=%2Forders%3Fa%3Db%26c%3Dd"`) {
		t.Fatalf("the page is %s", page.body)
	}
	form := url.Values{"login": {"alice"}, "password": {password}}
	signed, err := b.send("POST", strings.TrimPrefix(to, b.base), "application/x-www-form-urlencoded", form.Encode())
	if err != nil || signed.status != 303 || signed.header.Get("Location") != "/orders?a=b&c=d" {
		t.Fatalf("%v: %d %v", err, signed.status, signed.header)
	}
	before := p.app.count()
	b.do(t, "GET", "/orders?a=b&c=d", nil, 200)
	if reached := p.app.since(before); len(reached) != 1 || identity(reached[0]) != "user "+p.ids["alice"] {
		t.Errorf("the app saw %+v", reached)
	}
	// Programs are told 401, and so are pages of another name.
	for _, headers := range [][]string{{"Accept: */*"}, {"Accept: text/html", "Sec-Fetch-Mode: cors"}, {"Accept: text/html", "X-Forwarded-Host: evil.example", "Authorization: Bearer x"}} {
		if got, _ := p.ask("GET", "/orders", headers...); got.status != 401 || got.header.Get("Location") != "" {
			t.Errorf("with %q: %d %v", headers, got.status, got.header)
		}
	}
}

// What ended counts with the next request.
func (p *protected) signedOut(t *testing.T) {
	b := p.browser()
	b.do(t, "POST", "/auth/login", object{"login": "alice", "password": password}, 200)
	cookie := ""
	for _, c := range b.http.Jar.Cookies(at(b.base)) {
		if strings.HasSuffix(c.Name, "_session") {
			cookie = "Cookie: " + c.Name + "=" + c.Value
		}
	}
	for range 3 {
		if got, _ := p.ask("GET", "/orders", cookie); got.status != 200 {
			t.Fatalf("signed in: %d", got.status)
		}
	}
	b.do(t, "POST", "/auth/logout", nil, 200)
	if got, reached := p.ask("GET", "/orders", cookie); got.status != 401 || len(reached) > 0 {
		t.Errorf("signed out: %d, and the app saw %+v", got.status, reached)
	}
	must(t, "user", "ban", "writer", "--data", p.hexward.data)
	out := within(10*time.Second, func() bool {
		got, _ := p.ask("POST", "/reports", p.shows["writer"])
		return got.status == 401
	})
	if got, reached := p.ask("POST", "/reports", p.shows["writer's script"]); !out || got.status != 401 || len(reached) > 0 {
		t.Errorf("banned: %t, %d, and the app saw %+v", out, got.status, reached)
	}
}

// Without Hexward nothing goes on.
func (p *protected) down(t *testing.T) {
	p.hexward.stop()
	for _, target := range []string{"/public/a", "/orders", "/admin/a"} {
		for _, caller := range []string{"nobody", "alice", "root"} {
			if got, reached := p.ask("GET", target, p.shows[caller]); got.status < 500 || len(reached) > 0 {
				t.Errorf("GET %s of %s: %d, and the app saw %+v", target, caller, got.status, reached)
			}
		}
	}
}

// Nothing that stands in Hexward's place and does not say yes is taken for it.
func TestProxy_noAnswer(t *testing.T) {
	var status atomic.Int32
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status.Load() == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Auth-Subject", "root")
		w.Header().Set("Location", "/public/a")
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(stub.Close)
	for _, name := range []string{"nginx", "caddy"} {
		t.Run(name, func(t *testing.T) {
			g := gates[name](t, strings.TrimPrefix(stub.URL, "http://"))
			for _, code := range []int32{0, 302, 304, 400, 401, 403, 404, 405, 418, 429, 431, 500, 501, 502, 503, 504} {
				status.Store(code)
				if got, reached := g.ask("GET", "/orders"); got.status >= 200 && got.status < 300 || len(reached) > 0 {
					t.Errorf("%d: the client gets %d, and the app saw %+v", code, got.status, reached)
				}
			}
			// A yes without a name leaves none of the client's.
			status.Store(204)
			if got, reached := g.ask("GET", "/orders", "X-Auth-Kind: user", "X-Auth-Name: root"); got.status != 200 || len(reached) != 1 || identity(reached[0]) != "root" || strings.Join(reached[0].get("X-Auth-Name"), "") != "" {
				t.Errorf("204: the client gets %d, and the app saw %+v", got.status, reached)
			}
		})
	}
}

// With forward-token the app gets a token of Hexward's, whatever was shown.
func TestProxy_token(t *testing.T) {
	for _, name := range []string{"nginx", "caddy"} {
		t.Run(name, func(t *testing.T) {
			p := protect(t, name, "--forward-token")
			for _, caller := range []string{"alice", "writer's script", "robot"} {
				_, reached := p.ask("GET", "/api/a", p.shows[caller], "X-Auth-Token: forged")
				if len(reached) != 1 || len(reached[0].get("X-Auth-Token")) != 1 {
					t.Fatalf("%s: the app saw %+v", caller, reached)
				}
				token := reached[0].get("X-Auth-Token")[0]
				if _, again := p.ask("GET", "/api/a", "Authorization: Bearer "+token); len(again) != 1 || identity(again[0]) != identity(reached[0]) {
					t.Errorf("%s: with the token the app saw %+v", caller, again)
				}
			}
			if _, reached := p.ask("GET", "/public/a", "X-Auth-Token: forged"); len(reached) != 1 || strings.Join(reached[0].get("X-Auth-Token"), "") != "" {
				t.Errorf("nobody: the app saw %+v", reached)
			}
		})
	}
}
