package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// quickly is how soon after its success at the server a revocation holds at the edge.
const quickly = 2 * time.Second

// examplePolicy is the policy that README.md shows.
func examplePolicy(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "apps", "hexward", "deploy", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
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

				other := "Authorization: Bearer " + ada.signIn()
				ada.get(200, asked, other)
				ada.signOut()
				for _, credential := range []string{bearer, cookie} {
					took, ok := within(5*time.Second, func() bool {
						a, err := ada.try("GET", asked, "", credential)
						return err == nil && a.status == 401
					})
					t.Logf("refused %v after signing out", took)
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
