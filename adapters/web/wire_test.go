package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/web"
)

// raw sends bytes on a connection of their own and returns every answer until the
// server closes it or falls silent.
func (f *fixture) raw(request string) (answers []answer, closed bool) {
	f.Helper()
	var d net.Dialer
	conn, err := d.DialContext(f.Context(), "tcp4", f.addr)
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	// What is refused for its size may be answered, and the connection closed, before all of it is written.
	_, unwritten := io.WriteString(conn, request)
	r := bufio.NewReader(conn)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := r.Peek(1); err != nil {
			if unwritten != nil && len(answers) == 0 {
				f.Fatal(unwritten)
			}
			ne, ok := err.(net.Error) //nolint:errorlint // as it comes from the connection
			return answers, !ok || !ne.Timeout()
		}
		_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			f.Fatalf("answer %d: %v", len(answers)+1, err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			f.Fatalf("body of answer %d: %v", len(answers)+1, err)
		}
		answers = append(answers, answer{t: f.TB, Status: res.StatusCode, Header: res.Header, Body: string(body)})
	}
}

func TestWire_AmbiguousRequests(t *testing.T) {
	f := newFixture(t, options{})
	const next = "GET /auth/verify HTTP/1.1\r\nHost: x\r\n\r\n"
	login := `{"login":"a","password":"b"}`
	post := func(headers, body string) string {
		return "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body
	}
	length := "Content-Length: " + strconv.Itoa(len(login)) + "\r\n"
	for _, tt := range []struct {
		name, request string
		want          int
		code          string
		keeps         bool // the connection
	}{
		{"well formed", post(length, login), 401, "bad_credentials", true},
		{"chunked", post("Transfer-Encoding: chunked\r\n", "1c\r\n"+login+"\r\n0\r\n\r\n"), 401, "bad_credentials", true},
		{"harmless trailer", post("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "1c\r\n"+login+"\r\n0\r\nX-Sum: 1\r\n\r\n"), 401, "bad_credentials", true},
		{"address in the trailer", post("Transfer-Encoding: chunked\r\n", "1c\r\n"+login+"\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"), 400, "malformed_request", false},
		{"announced address in the trailer", post("Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n", "1c\r\n"+login+"\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"), 400, "malformed_request", false},
		{"second address in the trailer", post("X-Forwarded-For: 1.1.1.1\r\nTransfer-Encoding: chunked\r\n", "1c\r\n"+login+"\r\n0\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"), 400, "malformed_request", false},
		{"origin in the trailer", post("Transfer-Encoding: chunked\r\n", "1c\r\n"+login+"\r\n0\r\nOrigin: https://id.example\r\n\r\n"), 400, "malformed_request", false},
		{"cookie in the trailer", post("Transfer-Encoding: chunked\r\n", "1c\r\n"+login+"\r\n0\r\nCookie: a=b\r\n\r\n"), 400, "malformed_request", false},
		{"two content types", post("Content-Type: text/plain\r\n"+length, login), 400, "malformed_request", false},
		{"two lengths", post(length+length, login), 400, "malformed_request", false},
		{"two different lengths", post("Content-Length: 2\r\n"+length, login), 400, "malformed_request", false},
		{"length list", post("Content-Length: 28, 28\r\n", login), 400, "malformed_request", false},
		{"signed length", post("Content-Length: +28\r\n", login), 400, "malformed_request", false},
		{"length and encoding", post(length+"Transfer-Encoding: chunked\r\n", "0\r\n\r\n"+next), 400, "malformed_request", false},
		{"encoding and length", post("Transfer-Encoding: chunked\r\n"+length, "0\r\n\r\n"+next), 400, "malformed_request", false},
		{"two encodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"+next), 400, "malformed_request", false},
		{"unknown encoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"+next), 400, "malformed_request", false},
		{"space before the colon", post("Content-Length : 28\r\n", login), 400, "malformed_request", false},
		{"bare line feed", "GET /auth/verify HTTP/1.1\r\nHost: x\nX-Forwarded-For: 1.2.3.4\r\n\r\n", 400, "malformed_request", false},
		{"folded line", "GET /auth/verify HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n", 400, "malformed_request", false},
		{"carriage return in a line", "GET /auth/verify HTTP/1.1\r\nHost: x\r\nX-A: b\rCookie: c\r\n\r\n", 400, "malformed_request", false},
		{"null in a line", "GET /auth/verify HTTP/1.1\r\nHost: x\r\nX-A: b\x00\r\n\r\n", 400, "malformed_request", false},
		{"two hosts", "GET /auth/verify HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "malformed_request", false},
		{"no colon", "GET /auth/verify HTTP/1.1\r\nHost\r\nA: b\r\n\r\n", 400, "malformed_request", false},
		{"no request", "\x16\x03\x01\x00\xa5\r\n\r\n", 400, "malformed_request", false},
		{"headers of 8 KiB", "GET /auth/verify HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 8<<10) + "\r\n\r\n", 431, "headers_too_large", false},
		{"a path of 8 KiB", "GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431, "headers_too_large", false},
		{"a body of 64 KiB and one", post("Content-Length: 65537\r\n", strings.Repeat("a", 65537)), 413, "body_too_large", false},
		{"a body announced too large", post("Content-Length: 99999999999\r\n", ""), 413, "body_too_large", false},
		{"chunks of 64 KiB and one", post("Transfer-Encoding: chunked\r\n", "10001\r\n"+strings.Repeat("a", 65537)+"\r\n0\r\n\r\n"), 413, "body_too_large", false},
		{"a body of 64 KiB", post("Content-Length: 65536\r\n", strings.Repeat("a", 65536)), 400, "malformed_json", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, closed := f.raw(tt.request)
			if len(got) != 1 {
				t.Fatalf("%d answers: %v", len(got), got)
			}
			got[0].t = t
			got[0].want(tt.want, tt.code)
			if closed == tt.keeps {
				t.Errorf("connection closed: %v", closed)
			}
			for _, h := range []string{"X-Content-Type-Options", "X-Request-Id"} {
				if got[0].Header.Get(h) == "" {
					t.Errorf("no %s in %v", h, got[0].Header)
				}
			}
			if got[0].Header.Get("Server") != "" {
				t.Error("the server says what it is")
			}
		})
	}
}

// A body on a GET must not become the next request.
func TestWire_BodyOfGet(t *testing.T) {
	f := newFixture(t, options{})
	smuggled := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	got, _ := f.raw("GET /auth/verify HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled)
	if len(got) != 1 || got[0].Status != 401 {
		t.Errorf("answers: %v", got)
	}
}

func TestWire_SlowClient(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.ReadTimeout = 300 * time.Millisecond }})
	for _, tt := range []struct{ name, start, drop string }{
		{"headers", "GET /auth/verify HTTP/1.1\r\nHost: x\r\n", "X"},
		{"body", "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", " "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d net.Dialer
			conn, err := d.DialContext(t.Context(), "tcp4", f.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			start := time.Now()
			_ = conn.SetDeadline(start.Add(3 * time.Second))
			_, _ = io.WriteString(conn, tt.start)
			go func() { // one byte at a time
				for {
					if _, err := io.WriteString(conn, tt.drop); err != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
			}()
			answer, err := io.ReadAll(conn)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("cut off after %v: %v", took, err)
			}
			if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
				t.Errorf("answer %q", answer)
			}
		})
	}
}

func TestWire_Paths(t *testing.T) {
	f := newFixture(t, options{})
	for _, tt := range []struct {
		path string
		want int
		code string
	}{
		{"/auth//verify", 400, "path"},
		{"//auth/verify", 400, "path"},
		{"/auth/./verify", 400, "path"},
		{"/auth/../auth/verify", 400, "path"},
		{"/auth/x/..", 400, "path"},
		{"/auth/%2e%2e/verify", 400, "path"},
		{"/auth%2fverify", 400, "path"},
		{"/auth%5Cverify", 400, "path"},
		{`/auth\verify`, 400, "path"},
		{"/auth/verify%00", 400, "path"},
		{"/auth/%252e%252e/verify", 400, "path"},
		{"/admin/users/a%2Fb", 400, "path"},
		{"/auth/verify%2", 400, "path"},
		{"/auth/verify/", 404, "not_found"},
		{"/auth/VERIFY", 404, "not_found"},
		{"/AUTH/verify", 404, "not_found"},
		{"/auth/verif%79", 404, "not_found"},
		{"/auth/verifyx", 404, "not_found"},
		{"/auth/verify;a=b", 404, "not_found"},
		{"/auth", 404, "not_found"},
		{"/nothing", 404, "not_found"},
		{"/auth/verify?a=//..%2f", 401, "unauthenticated"},
		{"http://evil.example/auth/verify", 401, "unauthenticated"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			got, _ := f.raw("GET " + tt.path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if len(got) != 1 {
				t.Fatalf("answers: %v", got)
			}
			got[0].t = t
			got[0].want(tt.want, tt.code)
			if ct := got[0].Header.Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

func TestWire_Methods(t *testing.T) {
	f := newFixture(t, options{})
	for _, tt := range []struct{ method, path, want, allow string }{
		{"GET", "/auth/register", "405", "POST, OPTIONS"},
		{"DELETE", "/auth/login", "405", "POST, GET, OPTIONS"},
		{"TRACE", "/auth/login", "405", "POST, GET, OPTIONS"},
		{"HEAD", "/auth/login", "405", "POST, GET, OPTIONS"},
		{"HEAD", "/auth/callback", "405", "GET, OPTIONS"}, // a scanner's look burns nothing
		{"POST", "/auth/callback", "405", "GET, OPTIONS"}, // no form_post
		{"GET", "/auth/backchannel-logout/x", "405", "POST, OPTIONS"},
		{"POST", "/auth/me", "405", "GET, HEAD, DELETE, OPTIONS"},
		{"HEAD", "/auth/logout", "405", "POST, GET, OPTIONS"},
		{"PATCH", "/auth/sessions/x", "405", "DELETE, OPTIONS"},
		{"PUT", "/admin/users", "405", "GET, HEAD, POST, OPTIONS"},
		{"POST", "/.well-known/jwks.json", "405", "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/auth/login", "204", "POST, GET, OPTIONS"},
		{"GET", "/oauth/token", "405", "POST, OPTIONS"}, // where a secret would be in the URL
		{"GET", "/oauth/introspect", "405", "POST, OPTIONS"},
		{"PUT", "/oauth/revoke", "405", "POST, OPTIONS"},
		{"OPTIONS", "/oauth/token", "204", "POST, OPTIONS"},
		{"POST", "/.well-known/oauth-authorization-server", "405", "GET, HEAD, OPTIONS"},
		{"HEAD", "/.well-known/oauth-authorization-server", "200", ""},
		{"PUT", "/tokens", "405", "GET, HEAD, POST, OPTIONS"},
		{"GET", "/tokens/x", "405", "DELETE, OPTIONS"},
		{"PUT", "/admin/clients/x", "405", "GET, HEAD, PATCH, DELETE, OPTIONS"},
		{"GET", "/admin/clients/x/rotate", "405", "POST, OPTIONS"},
		{"DELETE", "/admin/tenants/x", "405", "GET, HEAD, PATCH, OPTIONS"},
		{"HEAD", "/auth/verify", "401", ""},
		{"POST", "/nowhere", "404", ""},
		{"BREW", "/auth/login", "400", ""},
		{"get", "/auth/verify", "400", ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			var d net.Dialer
			conn, err := d.DialContext(t.Context(), "tcp4", f.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
			_, _ = io.WriteString(conn, tt.method+" "+tt.path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			all, _ := io.ReadAll(conn)
			head := string(all)
			if !strings.HasPrefix(head, "HTTP/1.1 "+tt.want+" ") {
				t.Errorf("answer %q", head)
			}
			if tt.allow != "" && !strings.Contains(head, "\r\nAllow: "+tt.allow+"\r\n") {
				t.Errorf("no Allow: %s in %q", tt.allow, head)
			}
			if !strings.Contains(head, "\r\nX-Content-Type-Options: nosniff\r\n") {
				t.Errorf("no security headers in %q", head)
			}
		})
	}
}
