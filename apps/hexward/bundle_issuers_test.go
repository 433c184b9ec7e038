package main_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/hexward/hexward/core/edge"
)

// partner is another issuer, which publishes its key and signs access tokens.
type partner struct {
	*httptest.Server
	private ed25519.PrivateKey
}

func newPartner(t *testing.T) partner {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"p1","x":"%s"}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	t.Cleanup(server.Close)
	return partner{server, private}
}

func (p partner) token(t *testing.T, subject string, more jwt.MapClaims) string {
	t.Helper()
	now := time.Now().Unix()
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": resource, "sub": subject, "iat": now, "exp": now + 600, "client_id": "app", "jti": rand.Text(), "scope": "read:orders admin",
		"email": subject + "@partner.example",
	}
	maps.Copy(claims, more)
	made := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	made.Header["typ"], made.Header["kid"] = "at+jwt", "p1"
	text, err := made.SignedString(p.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// comes follows until a token's code is this one.
func (w worker) comes(b *browser, compact, code string) {
	w.t.Helper()
	if !within(5*time.Second, func() bool {
		if w.says(compact) == code {
			return true
		}
		w.follow(b, 1)
		return w.says(compact) == code
	}) {
		w.t.Errorf("still %s, not %s", w.says(compact), code)
	}
}

// TestServe_bundle_holders: a worker decides about API tokens and another issuer's tokens as the server does, and what changes here, or by a
// command in another process, shows there.
func TestServe_bundle_holders(t *testing.T) {
	const bundleSecret = "q8Vb3nXw7ZsLmKj2HgFd5RtYpCe4Ua6N"
	p := newPartner(t)
	data := t.TempDir()
	config := writeConfig(t, `
issuers:
  - name: partner
    issuer: `+p.URL+`
    jwks: `+p.URL+`/jwks
    audiences: [`+resource+`]
    users: made
    permissions: [scope]
    edge: true
`)
	i := serve(t, data, "--bundle", "secret", "--bundle-secret", bundleSecret, "--bundle-api-tokens", "--config", config)
	w := newWorker(t, must(t, "bundle", "key", "show", "--data", data))
	fetch := i.browser()
	fetch.bearer = bundleSecret
	if status := w.follow(fetch, 0); status != 200 {
		t.Fatalf("status %d", status)
	}

	ada := i.browser()
	id := ada.register(t, "ada").text("user.id")
	must(t, "user", "permit", "ada", "read", "write", "--data", data)
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	made := ada.do(t, "POST", "/tokens", object{"name": "script", "scopes": []string{"read"}}, 201)
	script := made.text("token")
	w.comes(fetch, script, "allowed")
	var v edge.Verdict
	w.Verify(script, time.Now().UnixMilli(), &v)
	if who := wantVerify(t, i, script, 200).header; v.Principal.Subject != id || who.Get("X-Auth-Subject") != id || len(v.Principal.Permissions) != 1 || who.Get("X-Auth-Permissions") != "read" {
		t.Errorf("%+v, and at the server %v", v.Principal, who)
	}
	must(t, "user", "ban", "ada", "--data", data)
	w.comes(fetch, script, "token_unknown")
	must(t, "user", "unban", "ada", "--data", data)
	w.comes(fetch, script, "allowed")
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	ada.do(t, "DELETE", "/tokens/"+made.text("id"), nil, 204)
	w.comes(fetch, script, "token_unknown")

	job := p.token(t, "job", jwt.MapClaims{"client_id": "job"})
	w.Verify(job, time.Now().UnixMilli(), &v)
	if who := wantVerify(t, i, job, 200).header; v.Principal.Subject != "partner|job" || who.Get("X-Auth-Subject") != "partner|job" || len(v.Principal.Permissions) != 1 || who.Get("X-Auth-Permissions") != "read:orders" {
		t.Errorf("%s, %+v, and at the server %v", v.Code, v.Principal, who)
	}
	dana := p.token(t, "dana", nil)
	if got := w.says(dana); got != "user_unknown_here" {
		t.Errorf("somebody who is nobody yet: %s", got)
	}
	theirs := wantVerify(t, i, dana, 200).header
	w.comes(fetch, dana, "allowed")
	w.Verify(dana, time.Now().UnixMilli(), &v)
	if v.Principal.Subject != theirs.Get("X-Auth-Subject") || v.Principal.Name != theirs.Get("X-Auth-Name") || v.Principal.Tenant != "default" {
		t.Errorf("%+v, and at the server %v", v.Principal, theirs)
	}
	must(t, "user", "ban", v.Principal.Name, "--data", data)
	w.comes(fetch, dana, "banned")
	must(t, "user", "unban", v.Principal.Name, "--data", data)
	w.comes(fetch, dana, "allowed")
	must(t, "user", "kick", v.Principal.Name, "--data", data, "--config", config, "--bundle", "secret", "--bundle-secret", bundleSecret) // which tells of the issuer
	w.comes(fetch, dana, "token_revoked")
	wantVerify(t, i, dana, 401)
	time.Sleep(1100 * time.Millisecond) // its tokens tell the second only
	w.comes(fetch, p.token(t, "dana", nil), "allowed")
}
