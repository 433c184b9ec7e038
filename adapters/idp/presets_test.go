package idp_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// internet serves whole hosts from memory, so that presets are tested at the addresses that they are for.
type internet map[string]func(r *http.Request) (status int, contentType, body string)

func (i internet) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := i[r.URL.Scheme+"://"+r.URL.Host+r.URL.Path]
	code, kind, body := http.StatusNotFound, "text/html", "not found: "+r.URL.String()
	if answer != nil {
		code, kind, body = answer(r)
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}, nil
}

func (i internet) json(at string, v any) {
	i[at] = func(*http.Request) (int, string, string) { return http.StatusOK, "application/json", text(v) }
}

// tokens serves a token endpoint whose ID token has these claims besides the times and the nonce.
func (i internet) tokens(at string, k key, header, claims object) {
	i[at] = func(*http.Request) (int, string, string) {
		full := object{"aud": clientID, "iat": start.Unix(), "exp": start.Add(time.Hour).Unix(), "nonce": "n"}
		for name, v := range claims {
			full[name] = v
		}
		return http.StatusOK, "application/json", text(object{
			"access_token": accessToken, "token_type": "Bearer", "expires_in": 3600, "id_token": k.sign(text(header), text(full)),
		})
	}
}

// at returns a provider with a preset in this internet.
func (i internet) at(t *testing.T, c idp.Config) *idp.Provider {
	t.Helper()
	c.Name, c.ClientID, c.ClientSecret, c.Transport, c.Now = "x", clientID, clientSecret, i, func() time.Time { return start }
	return mustNew(t, c)
}

func redeemAt(t *testing.T, p *idp.Provider) ports.Person {
	t.Helper()
	who, err := p.Redeem(t.Context(), ports.AuthCode{Code: goodCode, RedirectURI: callback, Nonce: "n", Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func wantPerson(t *testing.T, who, want ports.Person) {
	t.Helper()
	who.Tokens = session.Tokens{}
	if diff := cmp.Diff(want, who); diff != "" {
		t.Error(diff)
	}
}

// The shapes are those of https://auth0.com/docs/secure/tokens/id-tokens/id-token-structure and
// https://auth0.com/docs/api/authentication/logout/auth-0-logout.
func TestPreset_auth0(t *testing.T) {
	const base = "https://acme.eu.auth0.com"
	net := internet{}
	net.json(base+discoveryPath, object{
		"issuer": base + "/", "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/oauth/token",
		"jwks_uri": base + "/.well-known/jwks.json", "userinfo_endpoint": base + "/userinfo",
		"revocation_endpoint": base + "/oauth/revoke", "end_session_endpoint": base + "/oidc/logout",
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
	})
	net.json(base+"/.well-known/jwks.json", object{"keys": []object{rsaKey.jwk()}})
	net.tokens(base+"/oauth/token", rsaKey, object{"alg": "RS256", "typ": "JWT", "kid": "rsa-1"}, object{
		"iss": base + "/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "nickname": "jane", "name": "jane@acme.example",
		"email": "jane@acme.example", "email_verified": true, "sid": "s-1", "org_id": "org_9ybsU1dN2dKfDkBi",
		"updated_at": "2026-11-20T10:00:00.000Z",
	})
	for _, c := range []idp.Config{
		{Domain: "acme.eu.auth0.com"}, {Issuer: base}, {Issuer: base + "/"}, {Issuer: base + discoveryPath},
	} {
		c.Preset, c.Audience = "auth0", "https://api.acme.example"
		p := net.at(t, c)
		wantPerson(t, redeemAt(t, p), ports.Person{
			Issuer: base + "/", Subject: "auth0|5f7c8ec7c33c6c004bbafe82", Session: "s-1", Tenant: "org_9ybsU1dN2dKfDkBi",
			Username: "jane", Email: "jane@acme.example", EmailVerified: true, Profile: user.Profile{FullName: "jane@acme.example"},
		})
		at, err := p.End(t.Context(), session.Tokens{ID: "x.y.z"}, "https://app.example/")
		want := base + "/v2/logout?" + url.Values{"client_id": {clientID}, "returnTo": {"https://app.example/"}}.Encode()
		if at != want || err != nil {
			t.Errorf("%+v: End: %s, %v; want %s", c, at, err, want)
		}
		at, err = p.Begin(t.Context(), ports.AuthRequest{RedirectURI: callback, State: "s", Nonce: "n", Verifier: verifier})
		if err != nil || query(t, at).Get("audience") != "https://api.acme.example" {
			t.Errorf("Begin: %s, %v", at, err)
		}
	}
}

// The shapes are those of
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html and
// https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html, where email_verified is a string.
func TestPreset_cognito(t *testing.T) {
	const (
		issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
		pages  = "https://acme.auth.eu-west-1.amazoncognito.com"
	)
	claims := object{
		"iss": issuer, "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "token_use": "id", "cognito:username": "jane",
		"cognito:groups": []string{"staff"}, "auth_time": start.Unix(), "custom:tenant": "acme", "jti": "j",
		"identities": []object{{"userId": "1", "primary": "true"}},
	}
	net := internet{}
	net.json(issuer+discoveryPath, object{
		"issuer": issuer, "authorization_endpoint": pages + "/oauth2/authorize", "token_endpoint": pages + "/oauth2/token",
		"jwks_uri": issuer + "/.well-known/jwks.json", "userinfo_endpoint": pages + "/oauth2/userInfo",
		"revocation_endpoint": pages + "/oauth2/revoke", "end_session_endpoint": pages + "/logout",
	})
	net.json(issuer+"/.well-known/jwks.json", object{"keys": []object{rsaKey.jwk()}})
	net.tokens(pages+"/oauth2/token", rsaKey, object{"alg": "RS256", "kid": "rsa-1"}, claims)
	net.json(pages+"/oauth2/userInfo", object{
		"sub": claims["sub"], "email_verified": "true", "email": "jane@acme.example", "username": "jane", "name": "Jane",
	})
	discovered := idp.Config{Preset: "cognito", Issuer: issuer}
	direct := idp.Config{Preset: "cognito", Issuer: issuer, Domain: "acme.auth.eu-west-1.amazoncognito.com"}
	for _, c := range []idp.Config{discovered, direct} {
		p := net.at(t, c)
		wantPerson(t, redeemAt(t, p), ports.Person{
			Issuer: issuer, Subject: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", Tenant: "acme", Username: "jane",
			Email: "jane@acme.example", EmailVerified: true, Profile: user.Profile{FullName: "Jane"},
		})
		at, err := p.End(t.Context(), session.Tokens{ID: "x.y.z"}, "https://app.example/")
		want := pages + "/logout?" + url.Values{"client_id": {clientID}, "logout_uri": {"https://app.example/"}}.Encode()
		if at != want || err != nil {
			t.Errorf("End: %s, %v; want %s", at, err, want)
		}
		if s := p.Status(); s.Discovered.IsZero() != (c.Domain != "") {
			t.Errorf("%+v was discovered at %v", c, s.Discovered)
		}
	}
	net.json(pages+"/oauth2/userInfo", object{"sub": claims["sub"], "email_verified": "false", "email": "jane@acme.example"})
	if who := redeemAt(t, net.at(t, direct)); who.EmailVerified || who.Email == "" {
		t.Errorf(`email_verified "false" counts as %v of %q`, who.EmailVerified, who.Email)
	}
	claims["token_use"] = "access"
	if _, err := net.at(t, direct).Redeem(t.Context(), ports.AuthCode{Code: goodCode, Nonce: "n"}); kind(err) != "unauthenticated" {
		t.Errorf("an access token for an ID token: %v", err)
	}
}

// The form of the issuer and of the keys' address is that of
// https://authress.io/knowledge-base/docs/authentication/validating-jwts; the keys are Ed25519.
func TestPreset_authress(t *testing.T) {
	const base = "https://acc-1.login.authress.io"
	net := internet{}
	net.json(base+discoveryPath, object{
		"issuer": base, "authorization_endpoint": base + "/", "token_endpoint": base + "/api/authentication/oauth/tokens",
		"jwks_uri": base + discoveryPath + "/jwks", "id_token_signing_alg_values_supported": []string{"EdDSA"},
	})
	net.json(base+discoveryPath+"/jwks", object{"keys": []object{edKey.jwk(), newEd("ed-2").jwk()}})
	net.tokens(base+"/api/authentication/oauth/tokens", edKey, object{"alg": "EdDSA", "typ": "JWT", "kid": "ed-1"}, object{
		"iss": base, "sub": "google|1234", "email": "jane@acme.example", "email_verified": true, "name": "Jane",
	})
	for _, c := range []idp.Config{{Domain: "acc-1.login.authress.io"}, {Issuer: base}, {Discovery: base + discoveryPath}} {
		c.Preset = "authress"
		wantPerson(t, redeemAt(t, net.at(t, c)), ports.Person{
			Issuer: base, Subject: "google|1234", Email: "jane@acme.example", EmailVerified: true, Profile: user.Profile{FullName: "Jane"},
		})
	}
}

// The shapes are those of https://developers.google.com/identity/openid-connect/openid-connect and
// https://accounts.google.com/.well-known/openid-configuration; which addresses Google answers for is said at
// https://developers.google.com/identity/gsi/web/guides/verify-google-id-token.
func TestPreset_google(t *testing.T) {
	const base = "https://accounts.google.com"
	tests := []struct {
		name   string
		claims object
		want   ports.Person
	}{
		{
			"Workspace",
			object{"iss": base, "email": "jane@acme.example", "email_verified": true, "hd": "acme.example"},
			ports.Person{Tenant: "acme.example", Email: "jane@acme.example", EmailVerified: true},
		},
		{
			"Gmail, issuer without a scheme",
			object{"iss": "accounts.google.com", "email": "Jane@Gmail.com", "email_verified": true},
			ports.Person{Email: "Jane@Gmail.com", EmailVerified: true},
		},
		{
			"an address elsewhere",
			object{"iss": base, "email": "jane@acme.example", "email_verified": true},
			ports.Person{Email: "jane@acme.example"},
		},
		{
			"an address that ends alike",
			object{"iss": base, "email": "jane@notgmail.com", "email_verified": true},
			ports.Person{Email: "jane@notgmail.com"},
		},
		{
			"unverified",
			object{"iss": base, "email": "jane@gmail.com", "email_verified": false, "hd": "gmail.com"},
			ports.Person{Email: "jane@gmail.com", Tenant: "gmail.com"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			net := internet{}
			net.json(base+discoveryPath, object{
				"issuer": base, "authorization_endpoint": base + "/o/oauth2/v2/auth", "token_endpoint": "https://oauth2.googleapis.com/token",
				"jwks_uri": "https://www.googleapis.com/oauth2/v3/certs", "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
			})
			net.json("https://www.googleapis.com/oauth2/v3/certs", object{"keys": []object{rsaKey.jwk()}})
			test.claims["sub"], test.claims["azp"] = "10769150350006150715113082367", clientID
			net.tokens("https://oauth2.googleapis.com/token", rsaKey, object{"alg": "RS256", "kid": "rsa-1", "typ": "JWT"}, test.claims)
			p := net.at(t, idp.Config{Preset: "google"})
			test.want.Issuer, test.want.Subject = base, "10769150350006150715113082367"
			wantPerson(t, redeemAt(t, p), test.want)
			if at, err := p.End(t.Context(), session.Tokens{ID: "x"}, "https://app.example/"); at != "" || err != nil {
				t.Errorf("End: %q, %v", at, err)
			}
		})
	}
}

// The shapes are those of https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration, its keys, and
// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference; that keys are of an issuer, of
// https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer.
func TestPreset_microsoft(t *testing.T) {
	const (
		host     = "https://login.microsoftonline.com/"
		acme     = "11111111-2222-3333-4444-555555555555"
		other    = "66666666-2222-3333-4444-555555555555"
		personal = "9188040d-6c67-4c5b-b112-36a304b66dad"
	)
	of := func(tid string) string { return host + tid + "/v2.0" }
	keyOf := func(k key, issuer string) object {
		m := k.jwk()
		m["issuer"], m["x5c"], m["x5t"] = issuer, []string{"MII"}, "t"
		delete(m, "alg") // as they come
		return m
	}
	personalKey := newRSA("rsa-personal")
	tests := []struct {
		name, configured, announced, iss, tid string
		key                                   key
		response                              string // the iss parameter
		bare                                  bool   // keys do not say whose they are
		want                                  string
	}{
		{name: "organizations", configured: "organizations", announced: "{tenantid}", iss: acme, tid: acme},
		{name: "common", configured: "common", announced: "{tenantid}", iss: other, tid: other},
		{name: "personal through common", configured: "common", announced: "{tenantid}", iss: personal, tid: personal, key: personalKey},
		{name: "consumers", configured: "consumers", announced: personal, iss: personal, tid: personal, key: personalKey},
		{name: "one tenant", configured: acme, announced: acme, iss: acme, tid: acme},
		{name: "one tenant, another's token", configured: acme, announced: acme, iss: other, tid: other, want: "unauthenticated"},
		{name: "tid not of the issuer", configured: "common", announced: "{tenantid}", iss: acme, tid: other, want: "unauthenticated"},
		{name: "keys of nobody", configured: "common", announced: "{tenantid}", iss: acme, tid: acme, bare: true},
		{name: "tid no tenant, keys of nobody", configured: "common", announced: "{tenantid}", iss: "x", tid: "x", bare: true, want: "unauthenticated"},
		{name: "no tid, keys of nobody", configured: "common", announced: "{tenantid}", iss: acme, bare: true, want: "unauthenticated"},
		{name: "tid not of the issuer, keys of nobody", configured: "common", announced: "{tenantid}", iss: acme, tid: other, bare: true, want: "unauthenticated"},
		{name: "iss parameter", configured: "common", announced: "{tenantid}", iss: acme, tid: acme, response: acme},
		{name: "iss parameter of another tenant", configured: "common", announced: "{tenantid}", iss: acme, tid: acme, response: other, want: "unauthenticated"},
		{name: "iss parameter of no tenant", configured: "common", announced: "{tenantid}", iss: acme, tid: acme, response: "x", want: "unauthenticated"},
		{name: "tid no tenant", configured: "common", announced: "{tenantid}", iss: "x", tid: "x", want: "unauthenticated"},
		{name: "no tid", configured: "common", announced: "{tenantid}", iss: acme, want: "unauthenticated"},
		{name: "the template itself", configured: "common", announced: "{tenantid}", iss: "{tenantid}", tid: "{tenantid}", want: "unauthenticated"},
		{name: "a tenant's token under the personal key", configured: "common", announced: "{tenantid}", iss: acme, tid: acme, key: personalKey, want: "unauthenticated"},
		{name: "one tenant, a template announced", configured: acme, announced: "{tenantid}", iss: acme, tid: acme, want: "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			net := internet{}
			net.json(of(test.configured)+discoveryPath, object{
				"issuer": of(test.announced), "authorization_endpoint": host + "common/oauth2/v2.0/authorize",
				"token_endpoint": host + "common/oauth2/v2.0/token", "jwks_uri": host + "common/discovery/v2.0/keys",
				"userinfo_endpoint":                     "https://graph.microsoft.com/oidc/userinfo",
				"end_session_endpoint":                  host + "common/oauth2/v2.0/logout",
				"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
			})
			keys := []object{keyOf(rsaKey, of("{tenantid}")), keyOf(personalKey, of(personal))}
			if test.bare {
				delete(keys[0], "issuer")
			}
			net.json(host+"common/discovery/v2.0/keys", object{"keys": keys})
			k := test.key
			if k.kid == "" {
				k = rsaKey
			}
			claims := object{
				"iss": of(test.iss), "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "tid": test.tid, "ver": "2.0",
				"oid": "00000000-0000-0000-66f3-3332eca7ea81", "preferred_username": "jane@acme.example", "name": "Jane",
				"email": "jane@victim.example", // anything that its owner wrote
				"iat":   start.Add(-5 * time.Minute).Unix(), "nbf": start.Add(-5 * time.Minute).Unix(),
			}
			if test.tid == "" {
				delete(claims, "tid")
			}
			net.tokens(host+"common/oauth2/v2.0/token", k, object{"typ": "JWT", "alg": "RS256", "kid": k.kid}, claims)
			p := net.at(t, idp.Config{Preset: "microsoft", Issuer: of(test.configured)})
			code := ports.AuthCode{Code: goodCode, RedirectURI: callback, Nonce: "n", Verifier: verifier}
			if test.response != "" {
				code.Issuer = of(test.response)
			}
			who, err := p.Redeem(t.Context(), code)
			if kind(err) != test.want {
				t.Fatalf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			if test.want == "" {
				wantPerson(t, who, ports.Person{
					Issuer: of(test.iss), Subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", Tenant: test.tid,
					Username: "jane@acme.example", Email: "jane@victim.example", Profile: user.Profile{FullName: "Jane"},
				})
			}
		})
	}
}

// The shapes are those of a realm's discovery document and ID tokens, as
// https://www.keycloak.org/securing-apps/oidc-layers lists them.
func TestPreset_keycloak(t *testing.T) {
	const base = "https://id.example/realms/staff"
	const at = base + "/protocol/openid-connect"
	net := internet{}
	net.json(base+discoveryPath, object{
		"issuer": base, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "jwks_uri": at + "/certs",
		"end_session_endpoint": at + "/logout", "authorization_response_iss_parameter_supported": true,
	})
	encryption := rsaKey.jwk()
	encryption["use"], encryption["alg"], encryption["kid"] = "enc", "RSA-OAEP", "enc-1"
	net.json(at+"/certs", object{"keys": []object{encryption, rsaKey.jwk()}})
	net.tokens(at+"/token", rsaKey, object{"alg": "RS256", "typ": "JWT", "kid": "rsa-1"}, object{
		"iss": base, "sub": "f:1:jane", "typ": "ID", "azp": clientID, "acr": "1", "sid": "s-1", "email_verified": false,
		"preferred_username": "jane", "email": "jane@acme.example", "realm_access": object{"roles": []string{"admin"}},
	})
	p := net.at(t, idp.Config{Preset: "keycloak", Issuer: base})
	who, err := p.Redeem(t.Context(), ports.AuthCode{Code: goodCode, Issuer: base, Nonce: "n", Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}
	id := who.Tokens.ID
	wantPerson(t, who, ports.Person{Issuer: base, Subject: "f:1:jane", Session: "s-1", Username: "jane", Email: "jane@acme.example"})
	end, err := p.End(t.Context(), session.Tokens{ID: id}, "https://app.example/")
	want := url.Values{"client_id": {clientID}, "id_token_hint": {id}, "post_logout_redirect_uri": {"https://app.example/"}}
	if err != nil || !strings.HasPrefix(end, at+"/logout?") || cmp.Diff(want, query(t, end)) != "" {
		t.Errorf("End: %s, %v", end, err)
	}
}

// The shapes are those of https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps,
// https://docs.github.com/rest/users/users and https://docs.github.com/rest/users/emails.
func TestPreset_github(t *testing.T) {
	profile := object{"login": "octocat", "id": 583231, "name": "The Octocat", "avatar_url": "https://avatars.example/u/583231", "email": "public@example.org"}
	emails := []object{
		{"email": "old@example.org", "primary": false, "verified": true, "visibility": nil},
		{"email": "octocat@example.org", "primary": true, "verified": true, "visibility": "private"},
	}
	person := func(address string, verified bool) ports.Person {
		return ports.Person{
			Issuer: "https://github.com", Subject: "583231", Username: "octocat", Email: address, EmailVerified: verified,
			Profile: user.Profile{FullName: "The Octocat", Picture: "https://avatars.example/u/583231"},
		}
	}
	good := object{"access_token": accessToken, "scope": "read:user,user:email", "token_type": "bearer"}
	respond := func(code int, v any) func(*http.Request) (int, string, string) {
		return func(r *http.Request) (int, string, string) {
			if r.Method == http.MethodGet && r.Header.Get("Authorization") != "Bearer "+accessToken {
				return http.StatusUnauthorized, "application/json", "{}"
			}
			return code, "application/json; charset=utf-8", text(v)
		}
	}
	form := func(body string) func(*http.Request) (int, string, string) {
		return func(*http.Request) (int, string, string) {
			return 200, "application/x-www-form-urlencoded; charset=utf-8", body
		}
	}
	tests := []struct {
		name                string
		token, user, emails func(*http.Request) (int, string, string)
		issuer              string
		want                ports.Person
		kind                string
	}{
		{name: "primary address", want: person("octocat@example.org", true)},
		{name: "iss", issuer: "https://github.com/login/oauth", want: person("octocat@example.org", true)},
		{name: "another iss", issuer: "https://evil.example", kind: "unauthenticated"},
		{name: "iss of another path", issuer: "https://github.com/evil", kind: "unauthenticated"},
		{
			name: "primary not verified", want: person("a@example.org", false),
			emails: respond(200, []object{{"email": "a@example.org", "primary": true, "verified": false}, {"email": "b@example.org", "verified": true}}),
		},
		{
			name: "verified as a string", want: person("a@example.org", false),
			emails: respond(200, []object{{"email": "a@example.org", "primary": true, "verified": "true"}}),
		},
		{name: "no addresses", emails: respond(200, []object{}), want: person("", false)},
		{name: "scope not granted", emails: respond(404, object{"message": "Not Found"}), want: person("", false)},
		{name: "addresses are down", emails: respond(500, object{}), kind: "unavailable"},
		{name: "addresses are no list", emails: respond(200, object{}), kind: "unavailable"},
		{name: "form answer", token: form("access_token=" + accessToken + "&scope=&token_type=bearer"), want: person("octocat@example.org", true)},
		{name: "refused", token: respond(200, object{"error": "bad_verification_code"}), kind: "unauthenticated"},
		{name: "refused in a form", token: form("error=bad_verification_code"), kind: "unauthenticated"},
		{name: "wrong secret", token: respond(200, object{"error": "incorrect_client_credentials"}), kind: "unavailable"},
		{name: "no id", user: respond(200, object{"login": "octocat"}), kind: "unavailable"},
		{name: "id a string", user: respond(200, object{"id": "583231"}), kind: "unavailable"},
		{name: "id 0", user: respond(200, object{"id": 0}), kind: "unavailable"},
		{name: "id a fraction", user: respond(200, object{"id": 1.5}), kind: "unavailable"},
		{name: "id past 2^53", user: respond(200, object{"id": uint64(1) << 60}), kind: "unavailable"},
		{name: "user is down", user: respond(503, object{}), kind: "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			net := internet{
				"https://github.com/login/oauth/access_token": respond(200, good), "https://api.github.com/user": respond(200, profile),
				"https://api.github.com/user/emails": respond(200, emails),
			}
			for at, way := range map[string]func(*http.Request) (int, string, string){
				"https://github.com/login/oauth/access_token": test.token, "https://api.github.com/user": test.user,
				"https://api.github.com/user/emails": test.emails,
			} {
				if way != nil {
					net[at] = way
				}
			}
			p := net.at(t, idp.Config{Preset: "github"})
			who, err := p.Redeem(t.Context(), ports.AuthCode{
				Code: goodCode, Issuer: test.issuer, RedirectURI: callback, Nonce: "n", Verifier: verifier,
			})
			if kind(err) != test.kind {
				t.Fatalf("kind %q, want %q: %v", kind(err), test.kind, err)
			}
			noSecrets(t, err)
			wantPerson(t, who, test.want)
		})
	}

	p := internet{}.at(t, idp.Config{Preset: "github"})
	at, err := p.Begin(t.Context(), ports.AuthRequest{RedirectURI: callback, State: "s", Nonce: "n", Verifier: verifier})
	q := query(t, at)
	if err != nil || !strings.HasPrefix(at, "https://github.com/login/oauth/authorize?") || q.Has("nonce") ||
		q.Get("scope") != "read:user user:email" || q.Get("code_challenge_method") != "S256" {
		t.Errorf("Begin: %s, %v", at, err)
	}
	tokens := session.Tokens{Access: accessToken}
	if end, err := p.End(t.Context(), tokens, "https://app.example/"); end != "" || err != nil {
		t.Errorf("End: %q, %v", end, err)
	}
	if err := p.Revoke(t.Context(), tokens); err != nil {
		t.Errorf("Revoke: %v", err)
	}
	if _, err := p.ReadLogout(t.Context(), "x.y.z"); kind(err) != "invalid" {
		t.Errorf("ReadLogout: %v", err)
	}
	if _, err := p.Refresh(t.Context(), tokens); kind(err) != "unauthenticated" {
		t.Errorf("Refresh: %v", err)
	}
}
