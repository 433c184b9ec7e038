package idp_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/user"
)

// bear is a change of a token's claims.
func bear(change func(object)) func(header, claims object) {
	return func(_, claims object) { change(claims) }
}

// head is a change of a token's header.
func head(change func(object)) func(header, claims object) {
	return func(header, _ object) { change(header) }
}

const sharedSecret = "a-secret-that-is-shared-with-the-issuer"

func shared(c *idp.IssuerConfig) { c.Algorithms, c.Secret = []string{"HS256"}, sharedSecret }

// untyped takes tokens whose header does not say that they are access tokens.
func untyped(c *idp.IssuerConfig) { c.Types = []string{"", "JWT", "at+jwt"} }

func TestIssuer_Verify_hostile(t *testing.T) {
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	tests := []struct {
		name   string
		config func(*idp.IssuerConfig)
		change func(header, claims object)
		sign   func(header, payload string) string // in place of the honest key
		want   string
	}{
		{name: "honest"},
		{name: "another issuer", change: bear(set("iss", "https://evil.example")), want: "issuer"},
		{name: "issuer with a slash", change: bear(func(o object) { o["iss"] = o["iss"].(string) + "/" }), want: "issuer"},
		{name: "issuer in a list", change: bear(func(o object) { o["iss"] = []any{o["iss"]} }), want: "claims_malformed"},
		{name: "no issuer", change: bear(drop("iss")), want: "issuer"},
		{name: "another audience", change: bear(set("aud", "https://other.example")), want: "audience"},
		{name: "audience with a slash", change: bear(set("aud", api+"/")), want: "audience"},
		{name: "no audience", change: bear(drop("aud")), want: "audience"},
		{name: "one of several audiences", change: bear(set("aud", []string{"https://other.example", api}))},
		{name: "no expiry", change: bear(drop("exp")), want: "claim_missing"},
		{name: "expired", change: bear(set("exp", at(-61*time.Second))), want: "expired"},
		{name: "not yet valid", change: bear(set("nbf", at(2*time.Minute))), want: "not_yet_valid"},
		{name: "no issue time, which revocation goes by", change: bear(drop("iat")), want: "claim_missing"},
		{name: "issued in the future", change: bear(set("iat", at(2*time.Minute))), want: "issued_in_future"},
		{name: "no subject", change: bear(drop("sub")), want: "claim_missing"},
		{name: "subject with a control character", change: bear(set("sub", "a\x00b")), want: "claims_malformed"},
		{name: "subject too long", change: bear(set("sub", strings.Repeat("a", user.MaxSubject+1))), want: "claims_malformed"},
		{name: "subject a number", change: bear(set("sub", 7)), want: "claims_malformed"},

		{name: "typ of ID tokens", change: head(set("typ", "JWT")), want: "type"},
		{name: "no typ", change: head(drop("typ")), want: "type"},
		{name: "typ in full", change: head(set("typ", "application/at+jwt"))},
		{name: "typ in capitals", change: head(set("typ", "AT+JWT"))},
		{name: "typ of logout tokens", change: head(set("typ", "logout+jwt")), want: "type"},
		{name: "typ in a list", change: head(set("typ", []string{"at+jwt"})), want: "malformed"},
		{name: "typ twice", sign: func(h, p string) string { return ecKey.sign(`{"typ":"at+jwt",`+h[1:], p) }, want: "malformed"},
		{name: "typ with a space", change: head(set("typ", "at+jwt ")), want: "type"},
		{name: "typ in another case of the name", change: head(func(o object) { o["Typ"] = "at+jwt" }), want: "header_refused"},

		{name: "alg none", change: head(set("alg", "none")), want: "alg_refused"},
		{name: "alg none and no signature", sign: func(_, p string) string {
			return b64([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + b64([]byte(p)) + "."
		}, want: "alg_refused"},
		{name: "HS256 with the public key", sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS256","typ":"at+jwt","kid":"rsa-1"}`, p, secretOf(rsaKey))
		}, want: "alg_refused"},
		{name: "HS256 with the symmetric key of the key set", sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS256","typ":"at+jwt","kid":"oct-1"}`, p, bytes.Repeat([]byte{7}, 32))
		}, want: "alg_refused"},
		{name: "kid of the symmetric key", change: head(set("kid", "oct-1")), want: "key_unknown"},
		{name: "an algorithm that is not configured", config: func(c *idp.IssuerConfig) { c.Algorithms = []string{"RS256"} }, want: "alg_refused"},
		{name: "kid of a key of another type", change: head(set("kid", rsaKey.kid)), want: "alg_refused"},
		{name: "garbage kid", change: head(set("kid", "../../etc/passwd")), want: "key_unknown"},
		{name: "kid a number", change: head(set("kid", 1)), want: "malformed"},
		{name: "kid too long", change: head(set("kid", strings.Repeat("k", 300))), want: "malformed"},
		{name: "no kid, one key for the algorithm", change: head(drop("kid"))},
		{name: "another key under the kid", sign: key{ecKey.kid, "ES256", otherKey.private}.sign, want: "signature"},
		{name: "key in the header", change: head(set("jwk", otherKey.jwk())), want: "header_refused"},
		{name: "URL of keys in the header", change: head(set("jku", "https://evil.example/keys")), want: "header_refused"},
		{name: "crit", change: head(set("crit", []string{"exp"})), want: "crit"},
		{name: "duplicate member", sign: func(h, p string) string { return ecKey.sign(h, `{"sub":"mallory",`+p[1:]) }, want: "claims_malformed"},
		{name: "claim in another case", change: bear(set("SUB", "mallory")), want: "claims_malformed"},
		{name: "too long", change: bear(set("filler", strings.Repeat("x", 16<<10))), want: "too_long"},
		{name: "payload no object", sign: func(h, _ string) string { return ecKey.sign(h, `["alice"]`) }, want: "claims_malformed"},
		{name: "signature cut", sign: func(h, p string) string { raw := ecKey.sign(h, p); return raw[:len(raw)-2] }, want: "signature"},
		{name: "no token at all", sign: func(string, string) string { return "garbage" }, want: "malformed"},
		{name: "nothing", sign: func(string, string) string { return "" }, want: "malformed"},

		{name: "a logout token as an access token", change: bear(set("events", object{event: object{}})), want: "type"},
		{name: "bound to a key that is not shown (DPoP)", change: bear(set("cnf", object{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})), want: "type"},
		{name: "bound to a certificate that is not shown", change: bear(set("cnf", object{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})), want: "type"},
		{name: "an ID token of Cognito's", change: bear(set("token_use", "id")), want: "type"},
		{name: "token_use no string", change: bear(set("token_use", []string{"access"})), want: "type"},
		{name: "token_use empty", change: bear(set("token_use", "")), want: "type"},
		{name: "token_use of access tokens", change: bear(set("token_use", "access"))},

		{name: "untyped: honest", config: untyped, change: head(drop("typ"))},
		{name: "untyped: JWT", config: untyped, change: head(set("typ", "JWT"))},
		{name: "untyped: with a nonce", config: untyped, change: bear(set("nonce", "n")), want: "type"},
		{name: "untyped: with an empty nonce", config: untyped, change: bear(set("nonce", "")), want: "type"},
		{name: "untyped: with at_hash", config: untyped, change: bear(set("at_hash", "h")), want: "type"},
		{name: "untyped: with c_hash", config: untyped, change: bear(set("c_hash", "h")), want: "type"},
		{name: "untyped: with s_hash", config: untyped, change: bear(set("s_hash", 7)), want: "type"},
		{name: "untyped: with events", config: untyped, change: bear(set("events", nil)), want: "type"},
		{name: "untyped: an ID token for an audience that is trusted", config: untyped, change: bear(func(o object) {
			delete(o, "scope")
			delete(o, "client_id")
		}), want: "type"},
		{name: "untyped: an ID token with its party", config: untyped, change: bear(func(o object) {
			o["aud"], o["azp"] = []string{api, "app"}, "app"
		}), want: "type"},
		{name: "untyped: azp beside the audience", config: untyped, change: bear(set("azp", "app"))},
		{name: "untyped: Keycloak's ID token", config: untyped, change: bear(set("typ", "ID")), want: "type"},
		{name: "untyped: Keycloak's refresh token", config: untyped, change: bear(set("typ", "Refresh")), want: "type"},
		{name: "untyped: typ in the claims no string", config: untyped, change: bear(set("typ", 1)), want: "type"},
		{name: "untyped: Keycloak's access token", config: untyped, change: bear(set("typ", "Bearer"))},

		{name: "client listed", config: func(c *idp.IssuerConfig) { c.Clients = []string{"other", "app"} }},
		{name: "client not listed", config: func(c *idp.IssuerConfig) { c.Clients = []string{"ap", "app2"} }, want: "audience"},
		{name: "no client where one is listed", config: func(c *idp.IssuerConfig) { c.Clients = []string{"app"} }, change: bear(drop("client_id")), want: "audience"},
		{name: "another client_id, with the azp that is listed", config: func(c *idp.IssuerConfig) { c.Clients = []string{"app"} }, change: bear(func(o object) {
			o["client_id"], o["azp"] = "evil", "app"
		}), want: "audience"},
		{name: "required claim", config: func(c *idp.IssuerConfig) { c.Required = []string{"jti", "sid"} }},
		{name: "required claim is missing", config: func(c *idp.IssuerConfig) { c.Required = []string{"acr"} }, want: "claim_missing"},
		{name: "required claim is empty", config: func(c *idp.IssuerConfig) { c.Required = []string{"jti"} }, change: bear(set("jti", "")), want: "claim_missing"},
		{name: "required claim is null", config: func(c *idp.IssuerConfig) { c.Required = []string{"acr"} }, change: bear(set("acr", nil)), want: "claim_missing"},
		{name: "required claim is false", config: func(c *idp.IssuerConfig) { c.Required = []string{"mfa"} }, change: bear(set("mfa", false)), want: "claim_missing"},

		{name: "shared secret", config: shared, sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS256","typ":"at+jwt"}`, p, []byte(sharedSecret))
		}},
		{name: "shared secret: another", config: shared, sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS256","typ":"at+jwt"}`, p, []byte(sharedSecret+"!"))
		}, want: "signature"},
		{name: "shared secret: none", config: shared, sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS256","typ":"at+jwt"}`, p, nil)
		}, want: "signature"},
		{name: "shared secret: the public key of the issuer", config: shared, sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS256","typ":"at+jwt"}`, p, secretOf(rsaKey))
		}, want: "signature"},
		{name: "shared secret: a token of its key", config: shared, want: "alg_refused"},
		{name: "shared secret: HS512", config: shared, sign: func(_, p string) string {
			return signHMAC(`{"alg":"HS512","typ":"at+jwt"}`, p, []byte(sharedSecret))
		}, want: "alg_refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.keys = append(f.keys, object{"kty": "oct", "kid": "oct-1", "k": b64(bytes.Repeat([]byte{7}, 32)), "alg": "HS256", "use": "sig"})
			c := f.issuer()
			if test.config != nil {
				test.config(&c)
			}
			raw := f.bearer(test.change)
			if test.sign != nil {
				raw = signedBy(f, test.change, test.sign)
			}
			i := mustIssuer(t, c)
			b, err := i.Verify(t.Context(), raw)
			if got := reason(err); got != test.want {
				t.Errorf("%q, want %q: %v", got, test.want, err)
			}
			sameAtEdge(t, i, f.clock.Now, raw)
			if err != nil && (b.Claims.Subject != "" || b.Client != "" || b.Machine || b.Permissions != nil) {
				t.Errorf("a refused token says %+v", b)
			}
			noSecrets(t, err)
			if c.Secret != "" {
				f.fetched(t, 0, 0)
			}
		})
	}
}

// signedBy makes an access token with a signature as somebody else makes it.
func signedBy(f *fake, change func(header, claims object), sign func(header, payload string) string) (raw string) {
	f.bearer(func(header, claims object) {
		if change != nil {
			change(header, claims)
		}
		raw = sign(text(header), text(claims))
	})
	return raw
}

// bomb answers with a little that unpacks to 64 MiB.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, `{"keys":[`)
	filler := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		if _, err := z.Write(filler); err != nil {
			return
		}
	}
	_, _ = io.WriteString(z, `]}`)
	_ = z.Close()
}

// TestIssuer_hostileStep makes each document that an issuer serves go wrong in each way.
func TestIssuer_hostileStep(t *testing.T) {
	ways := map[string]http.HandlerFunc{
		"10 MiB": endless, "bomb": bomb, "garbage": garbage, "redirect": redirect, "broken off": breakOff, "echo": echo,
		"empty": status(200, ""), "null": status(200, "null"), "list": status(200, "[]"), "empty object": status(200, "{}"),
		"not UTF-8": status(200, "{\"a\":\"\xff\"}"), "deep": status(200, strings.Repeat(`{"a":`, 100000)),
		"server error": status(500, "{}"), "no content": status(204, ""), "unauthorized": status(401, "{}"),
		"keys no list": status(200, `{"keys":{}}`), "no keys": status(200, `{"keys":[]}`),
	}
	for _, step := range []string{discoveryPath, keysPath} {
		for name, way := range ways {
			t.Run(strings.TrimPrefix(step, "/")+" "+name, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				f.handle[step] = way
				i := mustIssuer(t, f.issuer())
				began := time.Now()
				_, err := i.Verify(t.Context(), f.bearer(nil))
				if got := reason(err); got != "unavailable" {
					t.Errorf("%q, want unavailable: %v", got, err)
				}
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("it took %v", took)
				}
				if f.count("/elsewhere"+step) != 0 {
					t.Error("a redirect was followed")
				}
				noSecrets(t, err)
				if _, err := i.Verify(t.Context(), f.bearer(nil)); reason(err) != "unavailable" || f.count(step) != 1 && name != "broken off" {
					t.Errorf("asked %d times at once, and got %v", f.count(step), err)
				} // net/http tries once more where a connection that was used before breaks
				f.set(func() { clear(f.handle) })
				f.clock.pass(3 * time.Second)
				if _, err := i.Verify(t.Context(), f.bearer(nil)); err != nil {
					t.Errorf("once it is well again: %v", err)
				}
			})
		}
	}
}

func TestIssuer_slowStep(t *testing.T) {
	for _, step := range []string{discoveryPath, keysPath} {
		t.Run(strings.TrimPrefix(step, "/"), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.handle[step] = func(w http.ResponseWriter, r *http.Request) {
				for range 200 {
					_, _ = io.WriteString(w, " ")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-r.Context().Done():
						return
					case <-time.After(50 * time.Millisecond):
					}
				}
			}
			i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.Timeout = 300 * time.Millisecond }))
			began := time.Now()
			_, err := i.Verify(t.Context(), f.bearer(nil))
			if took := time.Since(began); took > 3*time.Second || reason(err) != "unavailable" {
				t.Errorf("after %v: %v", took, err)
			}
		})
	}
}

func TestIssuer_hostileDiscovery(t *testing.T) {
	tests := []struct {
		name string
		do   func(object)
		want string
	}{
		{"honest", func(object) {}, ""},
		{"no more than keys", func(o object) {
			for name := range o {
				if name != "issuer" && name != "jwks_uri" {
					delete(o, name)
				}
			}
		}, ""},
		{"another issuer", set("issuer", "https://evil.example"), "unavailable"},
		{"issuer with a slash", func(o object) { o["issuer"] = o["issuer"].(string) + "/" }, "unavailable"},
		{"no issuer", drop("issuer"), "unavailable"},
		{"no jwks_uri", drop("jwks_uri"), "unavailable"},
		{"keys over http elsewhere", set("jwks_uri", "http://keys.example/jwks"), "unavailable"},
		{"keys in a file", set("jwks_uri", "file:///etc/passwd"), "unavailable"},
		{"keys with a user", set("jwks_uri", "https://user@keys.example/jwks"), "unavailable"},
		{"userinfo over http elsewhere", set("userinfo_endpoint", "http://keys.example/u"), "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			test.do(f.document)
			_, err := mustIssuer(t, f.issuer()).Verify(t.Context(), f.bearer(nil))
			if got := reason(err); got != test.want {
				t.Errorf("%q, want %q: %v", got, test.want, err)
			}
		})
	}
}

// TestIssuer_twoIssuers has one issuer show the tokens of another, which signs with a key of the same id.
func TestIssuer_twoIssuers(t *testing.T) {
	ours, theirs := newFake(t), newFake(t)
	twin := key{ecKey.kid, "ES256", newCurve256()}
	theirs.key, theirs.keys = twin, []object{twin.jwk()}
	i, j := mustIssuer(t, ours.issuer()), mustIssuer(t, theirs.issuer())
	for n, c := range []struct {
		at   *idp.Issuer
		raw  string
		want string
	}{
		{i, ours.bearer(nil), ""},
		{j, theirs.bearer(nil), ""},
		{i, theirs.bearer(nil), "signature"},
		{j, ours.bearer(nil), "signature"},
		{i, theirs.bearer(bear(set("iss", ours.URL))), "signature"},
		{j, theirs.bearer(bear(set("iss", ours.URL))), "issuer"},
	} {
		if _, err := c.at.Verify(t.Context(), c.raw); reason(err) != c.want {
			t.Errorf("%d: %q, want %q", n, reason(err), c.want)
		}
	}
}

// TestIssuer_noSecretsShown prints what holds a secret.
func TestIssuer_noSecretsShown(t *testing.T) {
	c := newFake(t).issuer(shared)
	c.Algorithms = append(c.Algorithms, "RS256")
	if _, err := idp.NewIssuer(c); err == nil || strings.Contains(fmt.Sprint(err), sharedSecret) {
		t.Errorf("%v", err)
	}
}
