package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
)

const metadataPath = "/.well-known/oauth-authorization-server"

func TestMetadata(t *testing.T) {
	f := newFixture(t, options{})
	a := f.send("GET", metadataPath, nil, http.Header{}).want(200, "")
	var got map[string]any
	a.into(&got)
	var algorithms []any
	for _, alg := range auth.AssertionAlgorithms {
		algorithms = append(algorithms, alg.Name())
	}
	proven := []any{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	public := append([]any{"none"}, proven...)
	want := map[string]any{
		"issuer":                                publicURL,
		"token_endpoint":                        publicURL + "/oauth/token",
		"introspection_endpoint":                publicURL + "/oauth/introspect",
		"revocation_endpoint":                   publicURL + "/oauth/revoke",
		"jwks_uri":                              publicURL + "/.well-known/jwks.json",
		"response_types_supported":              []any{},
		"grant_types_supported":                 []any{"client_credentials", "refresh_token"},
		"token_endpoint_auth_methods_supported": public,
		"introspection_endpoint_auth_methods_supported":            proven,
		"revocation_endpoint_auth_methods_supported":               public,
		"token_endpoint_auth_signing_alg_values_supported":         algorithms,
		"introspection_endpoint_auth_signing_alg_values_supported": algorithms,
		"revocation_endpoint_auth_signing_alg_values_supported":    algorithms,
	}
	if !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	etag := a.Header.Get("ETag")
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "public, max-age=300" || len(etag) < 10 {
		t.Errorf("headers %v", a.Header)
	}
	if a := f.send("GET", metadataPath, nil, http.Header{"If-None-Match": {etag}}).want(304, ""); a.Body != "" || a.Header.Get("ETag") != etag {
		t.Errorf("not modified: %v %q", a.Header, a.Body)
	}
	f.send("GET", metadataPath, nil, http.Header{"If-None-Match": {`"x"`}}).want(200, "")

	// All of it is so: each endpoint is a route, and each grant is one of the token endpoint's.
	for name, value := range got {
		to, ok := strings.CutSuffix(name, "_endpoint")
		if !ok && name != "jwks_uri" {
			continue
		}
		u, err := url.Parse(value.(string))
		if err != nil || !slices.ContainsFunc(web.Routes(), func(r web.Route) bool {
			return !r.Based && r.Path == u.Path && r.Method == map[bool]string{true: "POST", false: "GET"}[ok]
		}) {
			t.Errorf("no route for %s: %v (%v)", to, value, err)
		}
	}
	for _, grant := range got["grant_types_supported"].([]any) {
		if a := f.post("/oauth/token", "grant_type="+grant.(string)); strings.Contains(a.Body, "unsupported_grant_type") {
			t.Errorf("%v: %s", grant, a.Body)
		}
	}
}
