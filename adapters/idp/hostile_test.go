package idp_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/user"
)

// noSecrets fails if an error tells what only the provider and we may know.
func noSecrets(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{clientSecret, "s3cret", goodCode, accessToken, refreshToken, verifier, "eyJ"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

func set(name string, value any) func(object) { return func(o object) { o[name] = value } }

func drop(name string) func(object) { return func(o object) { delete(o, name) } }

// secretOf is a public key as the attack of RFC 8725 §2.1 takes it for an HMAC secret.
func secretOf(k key) []byte {
	der, err := x509.MarshalPKIXPublicKey(k.private.Public().(*rsa.PublicKey))
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestRedeem_hostileIDToken(t *testing.T) {
	const refuse = "unauthenticated"
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	tests := []struct {
		name   string
		do     func(*fake)
		claims func(object)
		header func(object)
		want   string
	}{
		{name: "honest"},
		{name: "another issuer", claims: set("iss", "https://evil.example"), want: refuse},
		{name: "issuer with a slash", claims: func(o object) { o["iss"] = o["iss"].(string) + "/" }, want: refuse},
		{name: "another audience", claims: set("aud", "another"), want: refuse},
		{name: "no audience", claims: drop("aud"), want: refuse},
		{name: "several audiences without azp", claims: set("aud", []string{clientID, "another"}), want: refuse},
		{name: "several audiences with azp", claims: func(o object) {
			o["aud"], o["azp"] = []string{clientID, "another"}, clientID
		}},
		{name: "another azp", claims: set("azp", "another"), want: refuse},
		{name: "empty azp", claims: set("azp", ""), want: refuse},
		{name: "own azp", claims: set("azp", clientID)},
		{name: "another nonce", claims: set("nonce", "another"), want: refuse},
		{name: "no nonce", claims: drop("nonce"), want: refuse},
		{name: "nonce in another case", claims: func(o object) {
			o["Nonce"] = o["nonce"]
			delete(o, "nonce")
		}, want: refuse},
		{name: "expired", claims: set("exp", at(-61*time.Second)), want: refuse},
		{name: "expired within the leeway", claims: set("exp", at(-59*time.Second))},
		{name: "no exp", claims: drop("exp"), want: refuse},
		{name: "issued in the future", claims: set("iat", at(61*time.Second)), want: refuse},
		{name: "issued in the future within the leeway", claims: set("iat", at(59*time.Second))},
		{name: "issued long ago", claims: set("iat", at(-2*time.Hour)), want: refuse},
		{name: "no iat", claims: drop("iat"), want: refuse},
		{name: "not yet valid", claims: set("nbf", at(2*time.Minute)), want: refuse},
		{name: "no sub", claims: drop("sub"), want: refuse},
		{name: "empty sub", claims: set("sub", ""), want: refuse},
		{name: "sub a number", claims: set("sub", 7), want: refuse},
		{name: "sub with a control character", claims: set("sub", "a\x00b"), want: refuse},
		{name: "sub too long", claims: set("sub", strings.Repeat("a", user.MaxSubject+1)), want: refuse},
		{name: "longest sub", claims: set("sub", strings.Repeat("a", user.MaxSubject))},
		{name: "another at_hash", claims: set("at_hash", b64([]byte("sixteen  bytes!!"))), want: refuse},
		{name: "empty at_hash", claims: set("at_hash", ""), want: refuse},
		{name: "no at_hash", claims: drop("at_hash")},
		{name: "typ of access tokens", header: set("typ", "at+jwt"), want: refuse},
		{name: "typ of logout tokens", header: set("typ", "logout+jwt"), want: refuse},
		{name: "no typ", header: drop("typ")},
		{name: "no kid, one key for the algorithm", header: drop("kid")},
		{name: "crit", header: set("crit", []string{"exp"}), want: refuse},
		{name: "key in the header", header: func(o object) {
			o["jwk"] = otherKey.jwk()
			delete(o, "kid")
		}, want: refuse},
		{name: "alg none", header: set("alg", "none"), want: refuse},
		{name: "alg none and no signature", do: func(f *fake) {
			f.signed = func(_, payload string) string {
				return b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(payload)) + "."
			}
		}, want: refuse},
		{name: "HS256 with the public key", do: func(f *fake) {
			f.signed = func(_, payload string) string {
				return signHMAC(`{"alg":"HS256","kid":"rsa-1"}`, payload, secretOf(rsaKey))
			}
		}, want: refuse},
		{name: "HS256 with the client secret", do: func(f *fake) {
			f.signed = func(_, payload string) string { return signHMAC(`{"alg":"HS256"}`, payload, []byte(clientSecret)) }
		}, want: refuse},
		{name: "signed with another key of the same kid", do: func(f *fake) {
			f.key = key{ecKey.kid, "ES256", otherKey.private}
		}, want: refuse},
		{name: "kids swapped", do: func(f *fake) { f.keys = []object{otherKey.jwk(), ecKey.jwk()} }, header: set("kid", otherKey.kid), want: refuse},
		{name: "key of another type under the kid", header: set("kid", rsaKey.kid), want: refuse},
		{name: "duplicate member", do: func(f *fake) {
			f.signed = func(header, payload string) string {
				return f.key.sign(header, `{"sub":"mallory",`+payload[1:])
			}
		}, want: refuse},
		{name: "duplicate header member", do: func(f *fake) {
			f.signed = func(header, payload string) string { return f.key.sign(`{"alg":"none",`+header[1:], payload) }
		}, want: refuse},
		{name: "claim in another case", claims: set("SUB", "mallory"), want: refuse},
		{name: "too long", claims: set("filler", strings.Repeat("x", 16<<10)), want: refuse},
		{name: "payload no object", do: func(f *fake) {
			f.signed = func(header, _ string) string { return f.key.sign(header, `["alice"]`) }
		}, want: refuse},
		{name: "signature cut", do: func(f *fake) {
			f.signed = func(header, payload string) string {
				raw := f.key.sign(header, payload)
				return raw[:len(raw)-4]
			}
		}, want: refuse},
		{name: "no token at all", do: func(f *fake) { f.signed = func(string, string) string { return "garbage" } }, want: refuse},
		{name: "JSON serialization", do: func(f *fake) {
			f.signed = func(header, payload string) string {
				parts := strings.Split(f.key.sign(header, payload), ".")
				return text(object{"protected": parts[0], "payload": parts[1], "signature": parts[2]})
			}
		}, want: refuse},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.claims, f.header = test.claims, test.header
			if test.do != nil {
				test.do(f)
			}
			_, err := f.redeem(t, mustNew(t, f.config()))
			if got := kind(err); got != test.want {
				t.Errorf("kind %q, want %q: %v", got, test.want, err)
			}
			noSecrets(t, err)
		})
	}
}

// endless answers with more than is read, and says how much was taken.
func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	filler := bytes.Repeat([]byte(" "), 64<<10)
	_, _ = io.WriteString(w, "{")
	for range 160 { // 10 MiB
		if _, err := w.Write(filler); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, "}")
}

func garbage(w http.ResponseWriter, _ *http.Request) { write(w, "<html>"+accessToken+"</html>") }

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusTemporaryRedirect)
}

// echo breaks HTTP with a line that quotes what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "%s %s %s\r\n\r\n", r.PostForm.Get("code"), r.Header.Get("Authorization"), clientSecret)
}

func breakOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// TestRedeem_hostileStep makes each request of a sign-in go wrong in each way.
func TestRedeem_hostileStep(t *testing.T) {
	steps := []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"}
	ways := map[string]http.HandlerFunc{
		"10 MiB":             endless,
		"garbage":            garbage,
		"redirect":           redirect,
		"broken off":         breakOff,
		"echo":               echo,
		"empty":              status(200, ""),
		"null":               status(200, "null"),
		"list":               status(200, "[]"),
		"empty object":       status(200, "{}"),
		"not UTF-8":          status(200, "{\"a\":\"\xff\"}"),
		"deep":               status(200, strings.Repeat(`{"a":`, 100000)),
		"server error":       status(500, "{}"),
		"bad gateway":        status(502, "<html>"),
		"too many requests":  status(429, "{}"),
		"no content":         status(204, ""),
		"informational only": status(304, ""),
	}
	for _, step := range steps {
		for name, way := range ways {
			t.Run(strings.TrimPrefix(step, "/")+" "+name, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				c := f.config()
				c.UserInfo = idp.UserInfoAlways
				p := mustNew(t, c)
				if step != "/.well-known/openid-configuration" {
					f.begin(t, p)
				}
				f.set(func() { f.handle[step] = way })
				began := time.Now()
				_, err := p.Redeem(t.Context(), redeemable(f))
				want := "unavailable"
				if step == "/userinfo" && name == "empty object" {
					want = "unauthenticated" // it is about nobody
				}
				if got := kind(err); got != want {
					t.Errorf("kind %q, want %q: %v", got, want, err)
				}
				if name == "10 MiB" && !strings.Contains(err.Error(), "more than 524288 bytes") {
					t.Errorf("the error does not say that it was too much: %v", err)
				}
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("it took %v", took)
				}
				for _, path := range steps {
					if n := f.count("/elsewhere" + path); n != 0 {
						t.Error("a redirect was followed")
					}
				}
				noSecrets(t, err)
			})
		}
	}
}

// TestRedeem_slowStep makes each request of a sign-in hang: before the answer, and amidst it.
func TestRedeem_slowStep(t *testing.T) {
	for _, step := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"} {
		for _, drip := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s drip=%v", strings.TrimPrefix(step, "/"), drip), func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				c := f.config()
				c.UserInfo, c.Timeout = idp.UserInfoAlways, 300*time.Millisecond
				p := mustNew(t, c)
				f.handle[step] = func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the client is gone
					for range 200 {
						if drip {
							_, _ = io.WriteString(w, " ")
							_ = http.NewResponseController(w).Flush()
						}
						select {
						case <-r.Context().Done():
							return
						case <-time.After(50 * time.Millisecond):
						}
					}
				}
				began := time.Now()
				_, err := p.Redeem(t.Context(), redeemable(f))
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("it took %v", took)
				}
				if kind(err) != "unavailable" {
					t.Errorf("kind %q, want unavailable: %v", kind(err), err)
				}
			})
		}
	}
}

func TestRedeem_refusedByProvider(t *testing.T) {
	tests := []struct {
		name string
		way  http.HandlerFunc
		want string
	}{
		{"invalid grant", status(400, `{"error":"invalid_grant"}`), "unauthenticated"},
		{"Auth0's 403", status(403, `{"error":"invalid_grant","error_description":"Invalid authorization code"}`), "unauthenticated"},
		{"another error", status(400, `{"error":"odd `+goodCode+`"}`), "unauthenticated"},
		{"no error code", status(400, `<html>`), "unauthenticated"},
		{"GitHub's 200", status(200, `{"error":"bad_verification_code","error_description":"x"}`), "unauthenticated"},
		{"our secret is wrong", status(401, `{"error":"invalid_client"}`), "unavailable"},
		{"GitHub's 200 for a wrong secret", status(200, `{"error":"incorrect_client_credentials"}`), "unavailable"},
		{"the client may not", status(400, `{"error":"unauthorized_client"}`), "unavailable"},
		{"busy", status(429, `{"error":"slow_down"}`), "unavailable"},
		{"not bearer", status(200, `{"access_token":"a","token_type":"mac","id_token":"x"}`), "unavailable"},
		{"no ID token", status(200, `{"access_token":"a","token_type":"Bearer"}`), "unavailable"},
		{"no access token", status(200, `{"token_type":"Bearer","id_token":"x"}`), "unavailable"},
		{"two ID tokens", status(200, `{"access_token":"a","token_type":"Bearer","id_token":"x","id_token":"y"}`), "unavailable"},
		{"ID token no string", status(200, `{"access_token":"a","token_type":"Bearer","id_token":{}}`), "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.handle["/token"] = test.way
			_, err := f.redeem(t, mustNew(t, f.config()))
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			if n := f.count("/token"); n != 1 {
				t.Errorf("the code was sent %d times", n)
			}
			noSecrets(t, err)
		})
	}
}

func TestRedeem_hostileDiscovery(t *testing.T) {
	tests := []struct {
		name string
		do   func(object)
		want string
	}{
		{"honest", func(object) {}, ""},
		{"another issuer", set("issuer", "https://evil.example"), "unavailable"},
		{"issuer with a slash", func(o object) { o["issuer"] = o["issuer"].(string) + "/" }, "unavailable"},
		{"no issuer", drop("issuer"), "unavailable"},
		{"issuer no string", set("issuer", []string{"x"}), "unavailable"},
		{"no jwks_uri", drop("jwks_uri"), "unavailable"},
		{"no token endpoint", drop("token_endpoint"), "unavailable"},
		{"token endpoint over http elsewhere", set("token_endpoint", "http://idp.example/token"), "unavailable"},
		{"token endpoint a file", set("token_endpoint", "file:///etc/passwd"), "unavailable"},
		{"token endpoint relative", set("token_endpoint", "/token"), "unavailable"},
		{"keys with a user", set("jwks_uri", "https://user@idp.example/keys"), "unavailable"},
		{"authorization endpoint a script", set("authorization_endpoint", "javascript:alert(1)"), "unavailable"},
		{"end of session no string", set("end_session_endpoint", nil), "unavailable"},
		{"no userinfo", drop("userinfo_endpoint"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			test.do(f.document)
			f.nonce = "n"
			_, err := mustNew(t, f.config()).Redeem(t.Context(), redeemable(f))
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
		})
	}
}

// TestRedeem_httpFromHTTPS has a provider under https lead to an address of this machine.
func TestRedeem_httpFromHTTPS(t *testing.T) {
	f := newFake(t)
	secure := httptest.NewUnstartedServer(f.Server.Config.Handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	f.document["issuer"] = secure.URL
	c := f.config()
	c.Issuer, c.RootCAs = secure.URL, pool
	if _, err := mustNew(t, c).Redeem(t.Context(), redeemable(f)); kind(err) != "unavailable" || f.count("/token") != 0 {
		t.Errorf("an https provider's http endpoints were taken: %v", err)
	}
	for _, name := range []string{"authorization", "token", "userinfo", "revocation", "end_session"} {
		f.document[name+"_endpoint"] = secure.URL + "/" + name
	}
	f.document["jwks_uri"] = secure.URL + "/jwks"
	f.claims = set("iss", secure.URL)
	if _, err := f.redeem(t, mustNew(t, c)); err != nil {
		t.Errorf("over https: %v", err)
	}
	c.RootCAs = nil
	if _, err := mustNew(t, c).Redeem(t.Context(), redeemable(f)); kind(err) != "unavailable" {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

// TestRedeem_hostileKeys has key sets that are odd, of which the usable keys are used.
func TestRedeem_hostileKeys(t *testing.T) {
	weak := object{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "weak", "n": b64(bytes.Repeat([]byte{0xff}, 128)), "e": "AQAB"}
	private := otherKey.jwk()
	private["d"] = b64(bytes.Repeat([]byte{1}, 32))
	many := make([]object, 0, 200)
	for i := range 200 {
		k := otherKey.jwk()
		k["kid"] = fmt.Sprint("filler-", i)
		many = append(many, k)
	}
	tests := []struct {
		name string
		keys []object
		key  key
		want string
	}{
		{"foreign ones", []object{
			{"kty": "oct", "kid": "ec-1", "k": b64(bytes.Repeat([]byte{7}, 32)), "alg": "HS256"},
			{"kty": "EC", "crv": "secp256k1", "kid": "k1", "x": "AA", "y": "AA"},
			{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
			{},
			{"kty": 7},
			weak, private,
			{"kty": "RSA", "use": "enc", "kid": "ec-1", "n": rsaKey.jwk()["n"], "e": "AQAB"},
			ecKey.jwk(),
		}, ecKey, ""},
		{"the same kid twice: the first", []object{ecKey.jwk(), {
			"kty": "EC", "crv": "P-256", "kid": "ec-1", "use": "sig", "x": otherKey.jwk()["x"], "y": otherKey.jwk()["y"],
		}}, ecKey, ""},
		{"the same kid twice: the second", []object{ecKey.jwk(), {
			"kty": "EC", "crv": "P-256", "kid": "ec-1", "use": "sig", "x": otherKey.jwk()["x"], "y": otherKey.jwk()["y"],
		}}, key{"ec-1", "ES256", otherKey.private}, "unauthenticated"},
		{"only foreign ones", []object{weak}, ecKey, "unavailable"},
		{"none", []object{}, ecKey, "unavailable"},
		{"too many", append(many, ecKey.jwk()), ecKey, "unauthenticated"},
		{"RSA without alg", []object{{"kty": "RSA", "kid": "rsa-1", "n": rsaKey.jwk()["n"], "e": "AQAB"}}, rsaKey, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.keys, f.key = test.keys, test.key
			_, err := f.redeem(t, mustNew(t, f.config()))
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
		})
	}
}

func TestRedeem_algorithms(t *testing.T) {
	f := newFake(t)
	c := f.config()
	c.Algorithms = []string{"RS256", "EdDSA"}
	p := mustNew(t, c)
	for _, k := range []key{ecKey, rsaKey, edKey} {
		f.set(func() { f.key = k })
		_, err := f.redeem(t, p)
		if want := map[string]string{"ES256": "unauthenticated"}[k.alg]; kind(err) != want {
			t.Errorf("%s: kind %q, want %q: %v", k.alg, kind(err), want, err)
		}
	}
}

func TestRedeem_responseIssuer(t *testing.T) {
	tests := []struct {
		name     string
		announce any
		issuer   string
		want     string
	}{
		{"not announced, absent", nil, "", ""},
		{"not announced, right", nil, "self", ""},
		{"not announced, wrong", nil, "https://evil.example", "unauthenticated"},
		{"announced, absent", true, "", "unauthenticated"},
		{"announced, right", true, "self", ""},
		{"announced, with a slash", true, "self/", "unauthenticated"},
		{"denied, absent", false, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			if test.announce != nil {
				f.document["authorization_response_iss_parameter_supported"] = test.announce
			}
			p := mustNew(t, f.config())
			code := f.begin(t, p)
			code.Issuer = strings.Replace(test.issuer, "self", f.URL, 1)
			_, err := p.Redeem(t.Context(), code)
			if kind(err) != test.want {
				t.Errorf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			if test.want != "" && f.count("/token") != 0 {
				t.Error("the code was sent to the provider all the same")
			}
		})
	}
}

func TestRedeem_code(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	for name, change := range map[string]func(c *portsCode){
		"no code":               func(c *portsCode) { c.Code = "" },
		"another code":          func(c *portsCode) { c.Code = "stolen" },
		"a code too long":       func(c *portsCode) { c.Code = strings.Repeat("c", 9000) },
		"another verifier":      func(c *portsCode) { c.Verifier = strings.Repeat("v", 43) },
		"no verifier":           func(c *portsCode) { c.Verifier = "" },
		"another redirect URI":  func(c *portsCode) { c.RedirectURI = "https://evil.example" },
		"no nonce where one is": func(c *portsCode) { c.Nonce = "" },
		"another nonce":         func(c *portsCode) { c.Nonce = "n" },
	} {
		t.Run(name, func(t *testing.T) {
			code, asked := f.begin(t, p), f.count("/token")
			change(&code)
			if _, err := p.Redeem(t.Context(), code); kind(err) != "unauthenticated" {
				t.Errorf("kind %q, want unauthenticated: %v", kind(err), err)
			}
			if (code.Code == "" || len(code.Code) > 8<<10) && f.count("/token") != asked {
				t.Error("the provider was asked all the same")
			}
		})
	}
	t.Run("a front end without nonce and verifier", func(t *testing.T) {
		f.begin(t, p)
		f.set(func() { f.nonce, f.challenge = "", "" })
		if _, err := p.Redeem(t.Context(), portsCode{Code: goodCode, RedirectURI: callback}); err != nil {
			t.Error(err)
		}
	})
}

// TestRedeem_together has many sign in at once, at first use: what is fetched is fetched once.
func TestRedeem_together(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	f.nonce = "nonce-of-the-request"
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := p.Redeem(t.Context(), redeemable(f)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if a, b := f.count("/.well-known/openid-configuration"), f.count("/jwks"); a != 1 || b != 1 {
		t.Errorf("discovery was fetched %d times, keys %d times", a, b)
	}
}
