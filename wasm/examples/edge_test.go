package examples_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quickly is how soon a revocation holds at the edge, after the server has confirmed it.
const quickly = 2 * time.Second

// examplePolicy is the policy that README.md shows.
func examplePolicy(t testing.TB) string {
	t.Helper()
	return read(t, "../../apps/hexward/deploy/policy.yaml")
}

// tampered returns a token with another signature.
func tampered(token string) string {
	at := strings.LastIndexByte(token, '.') + 10
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

// pokes are requests without a good credential.
var pokes = []string{
	"GET /api/%00 HTTP/1.1\r\nHost: a", "GET /api/%ff%fe HTTP/1.1\r\nHost: a", "GET /api/% HTTP/1.1\r\nHost: a", "GET //a/b HTTP/1.1\r\nHost: a", "GET /api/\x80 HTTP/1.1\r\nHost: a",
	"GET /api/x HTTP/1.1\r\nHost: ]", "GET /api/x HTTP/1.1\r\nHost: a b", "GET /api/x HTTP/1.1\r\nHost:", "GET /api/x HTTP/1.0", "GET http:///api/x HTTP/1.1\r\nHost: a",
	"GET http://[/api/x HTTP/1.1\r\nHost: a", "OPTIONS * HTTP/1.1\r\nHost: a", "CONNECT a:1 HTTP/1.1\r\nHost: a", "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nOrigin: \xff",
	"GET /api/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe", "GET /api/x HTTP/1.1\r\nHost: a\r\nCookie: " + strings.Repeat("a=b; ", 2400),
	"GET /api/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + strings.Repeat("a", 12<<10), "GET /api/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer eyJhbGciOiJub25lIn0.e30.",
	"QUERY /api/x HTTP/1.1\r\nHost: a", "TRACE /api/x HTTP/1.1\r\nHost: a",
}

// TestExamples signs in at a Hexward, passes at each example, signs out, and is refused.
func TestExamples(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t))
	s.up()
	key := s.key()
	t.Run("at", func(t *testing.T) { // and the server goes when all are done
		for _, runtime := range runtimes {
			t.Run(runtime.name, func(t *testing.T) {
				t.Parallel()
				edge := runtime.start(t, s.url, key)
				ada := s.register("ada-" + runtime.name)
				ada.t = t
				bearer, cookie := "Authorization: Bearer "+ada.access, "Cookie: "+ada.cookie
				asked := edge + "/api/hello"

				refused(t, ada.get(401, asked), 401, "unauthenticated", "Bearer")
				refused(t, ada.get(401, asked, "Authorization: Bearer "+tampered(ada.access)), 401, "token_signature", `Bearer error="invalid_token"`)
				refused(t, ada.get(401, asked, cookie, "Authorization: Bearer x"), 401, "token_malformed", `Bearer error="invalid_token"`)
				refused(t, ada.get(403, edge+"/admin/users", cookie), 403, "forbidden", "")
				refused(t, ada.get(401, edge+"/not/in/the/policy"), 401, "unauthenticated", "Bearer")
				refused(t, ada.do(403, "POST", asked, "", cookie, "Origin: https://evil.example"), 403, "cross_origin", "")
				for _, credential := range []string{bearer, cookie} {
					if a := ada.get(200, asked, credential); a.text("hello") != ada.name {
						t.Errorf("somebody else asks: %v", a)
					}
				}
				if a := ada.get(200, edge+"/public/hello"); a.text("hello") != "" {
					t.Errorf("anybody is somebody: %v", a)
				}

				// Requests that no client makes: none passes, and the next one is answered.
				for _, head := range pokes {
					if a, err := rawTry(edge, head+"\r\n"); err == nil && a.status < 400 && !strings.HasPrefix(head, "OPTIONS *") {
						t.Errorf("%.60q: %v", head, a)
					}
					ada.get(200, asked, bearer)
				}

				other := "Authorization: Bearer " + ada.signIn()
				ada.get(200, asked, other)
				ada.signOut()
				for _, credential := range []string{bearer, cookie} {
					took, ok := within(5*time.Second, func() bool {
						a, err := ada.try("GET", asked, "", credential)
						return err == nil && a.status == 401
					})
					t.Logf("%s refused %v after signing out", runtime.name, took)
					if !ok || took > quickly {
						t.Errorf("refused after %v, or never", took)
					}
				}
				refused(t, ada.get(401, asked, bearer), 401, "token_revoked", `Bearer error="invalid_token"`)
				refused(t, ada.get(401, asked, cookie), 401, "token_revoked", "Bearer")
				ada.get(200, asked, other) // another session
			})
		}
	})
}

// TestExamples_versions holds what the examples depend on to what there is.
func TestExamples_versions(t *testing.T) {
	var published struct{ Name, Version string }
	if err := json.Unmarshal([]byte(read(t, "../npm/package.json")), &published); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cloudflare", "bun", "node", "vercel"} {
		var example struct{ Dependencies map[string]string }
		if err := json.Unmarshal([]byte(read(t, name+"/package.json")), &example); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{published.Name: "^" + published.Version}, example.Dependencies); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if want := "npm:" + published.Name + "@^" + published.Version + `"`; !strings.Contains(read(t, "deno/deno.json"), want) {
		t.Errorf("deno.json does not name %s", want)
	}
}
