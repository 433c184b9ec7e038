package web_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"
)

// signed returns a JWS of claims.
func signed(t testing.TB, key ed25519.PrivateKey, typ string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"k","typ":%q}`, typ)) + "." + encode(payload)
	return input + "." + encode(ed25519.Sign(key, []byte(input)))
}

// A client proves itself with its key to each endpoint by the names that the endpoint
// goes by, once an assertion, and no other server's assertion is good here.
func TestOAuth_Assertion(t *testing.T) {
	f := newFixture(t, options{})
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	jwks := json.RawMessage(fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public)))
	var m struct{ ID, Secret string }
	root := f.admin()
	root.do("POST", "/admin/clients", fields{"name": "signs", "permissions": []string{"read"}, "keys": jwks}).want(201, "").into(&m)
	if m.Secret != "" {
		t.Error("a client with keys has a secret too")
	}
	n := 0
	claims := func(audience any) map[string]any {
		n++
		now := f.service.Now().Unix()
		return map[string]any{"iss": m.ID, "sub": m.ID, "aud": audience, "iat": now, "exp": now + 60, "jti": fmt.Sprint("assertion ", n)}
	}
	proof := func(assertion string) string {
		return "&" + url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}.Encode()
	}
	forms := map[string]string{"/oauth/token": "grant_type=client_credentials", "/oauth/introspect": "token=x", "/oauth/revoke": "token=x"}
	for path, form := range forms {
		for _, tt := range []struct {
			audience any
			good     bool
		}{
			{publicURL, true},
			{publicURL + "/oauth/token", true},
			{publicURL + path, true},
			{[]string{publicURL}, true},
			{publicURL + "/", false},
			{"https://id.example.evil.example", false},
			{"https://other.example/oauth/token", false},
			{[]string{publicURL, "https://other.example"}, false},
			{publicURL + "/oauth/other", false},
		} {
			t.Run(fmt.Sprint(path, " ", tt.audience), func(t *testing.T) {
				assertion := signed(t, private, "JWT", claims(tt.audience))
				a := f.post(path, form+proof(assertion))
				if a.t = t; !tt.good {
					a.refused(401, "invalid_client")
					return
				}
				a.want(200, "")
				for again, form := range forms { // it was used
					a := f.post(again, form+proof(assertion))
					a.t = t
					a.refused(401, "invalid_client")
				}
			})
		}
	}
	var g tokenAnswer
	f.post("/oauth/token", "grant_type=client_credentials&client_id="+m.ID+proof(signed(t, private, "client-authentication+jwt", claims(publicURL)))).want(200, "").into(&g)
	f.bearer(g.AccessToken).do("GET", "/auth/verify", nil).want(200, "")

	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	late, long, anonymous := claims(publicURL), claims(publicURL), claims(publicURL)
	late["exp"], long["exp"] = f.service.Now().Add(-5*time.Minute).Unix(), f.service.Now().Add(time.Hour).Unix()
	delete(anonymous, "jti")
	for name, assertion := range map[string]string{
		"another's key":   signed(t, other, "JWT", claims(publicURL)),
		"too late":        signed(t, private, "JWT", late),
		"for too long":    signed(t, private, "JWT", long),
		"without an id":   signed(t, private, "JWT", anonymous),
		"an access token": g.AccessToken,
	} {
		t.Run(name, func(t *testing.T) {
			a := f.post("/oauth/token", "grant_type=client_credentials"+proof(assertion))
			a.t = t
			a.refused(401, "invalid_client")
		})
	}
	root.do("POST", "/admin/clients/"+m.ID+"/rotate", nil).want(409, "client_keys")
}
