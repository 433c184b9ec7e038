package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// form makes a request with parameters as in a form, whose answer has this status.
func (b *browser) form(t *testing.T, path string, status int, parameters url.Values, headers ...string) answer {
	t.Helper()
	a, err := b.send("POST", path, "application/x-www-form-urlencoded", parameters.Encode(), headers...)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if a.status != status {
		t.Fatalf("%s: status %d, not %d: %s", path, a.status, status, a.body)
	}
	return a
}

// basic is the header of client_secret_basic.
func basic(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

var byItself = url.Values{"grant_type": {"client_credentials"}}

// machineOf adds a client by a command.
func (i *instance) machineOf(t *testing.T, name string, args ...string) clientLine {
	t.Helper()
	return decode[clientLine](t, must(t, append([]string{"client", "add", name, "--json", "--data", i.data}, args...)...))
}

// becomes waits until a browser's request is answered with this status, which is as long as the
// server takes to see what a command has done.
func (b *browser) becomes(t *testing.T, status int, path string) {
	t.Helper()
	var last answer
	if !within(time.Second, func() bool {
		last, _ = b.try("GET", path, nil)
		return last.status == status
	}) {
		t.Errorf("GET %s is still %d after a second, not %d: %s", path, last.status, status, last.body)
	}
}

// The life of a machine's tokens, with commands beside the running server.
func TestServe_machines(t *testing.T) {
	i := serve(t, t.TempDir())
	must(t, "tenant", "add", "acme", "Acme", "--data", i.data)
	job := i.machineOf(t, "job", "--permission", "read,write")
	gate := i.machineOf(t, "gate", "--permission", "introspect")
	stranger := i.machineOf(t, "stranger", "--tenant", "acme", "--permission", "read")
	b := i.browser()
	token := func(c clientLine, parameters url.Values) string {
		t.Helper()
		a := b.form(t, "/oauth/token", 200, parameters, basic(c.ID, c.Secret))
		if a.header.Get("Cache-Control") != "no-store" || a.text("token_type") != "Bearer" {
			t.Errorf("answered %v %s", a.header, a.body)
		}
		return a.text("access_token")
	}
	active := func(by clientLine, text string) string {
		t.Helper()
		return strings.TrimSpace(string(b.form(t, "/oauth/introspect", 200, url.Values{"token": {text}}, basic(by.ID, by.Secret)).body))
	}
	const inactive = `{"active":false}`

	// By basic and post, with all scopes or some, never with more.
	first := token(job, byItself)
	machine := i.browser()
	machine.bearer = first
	a := machine.do(t, "GET", "/auth/verify", nil, 200)
	if a.header.Get("X-Auth-Subject") != job.ID || a.header.Get("X-Auth-Permissions") != "read,write" || a.header.Get("X-Auth-Tenant") != "default" {
		t.Errorf("verified as %v", a.header)
	}
	a = b.form(t, "/oauth/token", 200, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {job.ID}, "client_secret": {job.Secret}, "scope": {"read"},
	})
	if a.text("scope") != "read" {
		t.Errorf("answered %s", a.body)
	}
	narrow := i.browser()
	narrow.bearer = a.text("access_token")
	if a := narrow.do(t, "GET", "/auth/verify", nil, 200); a.header.Get("X-Auth-Permissions") != "read" {
		t.Errorf("a token for reading may %q", a.header.Get("X-Auth-Permissions"))
	}
	for scope, code := range map[string]string{"admin": "invalid_scope", "read admin": "invalid_scope"} {
		a := b.form(t, "/oauth/token", 400, url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}, basic(job.ID, job.Secret))
		if a.text("error") != code {
			t.Errorf("answered %s", a.body)
		}
	}
	for _, header := range []string{basic(job.ID, gate.Secret), basic(job.ID, "hxc_wrong"), basic("nobody", job.Secret), "X-Nothing: x"} {
		if a := b.form(t, "/oauth/token", 401, byItself, header); a.text("error") != "invalid_client" || strings.Contains(string(a.body), "hxc_") {
			t.Errorf("answered %s", a.body)
		}
	}
	machine.do(t, "POST", "/tokens", object{"name": "x", "scopes": []string{}}, 403) // it is no person
	machine.do(t, "GET", "/admin/users", nil, 403)

	// Another machine of the tenant is told of it, one of another tenant nothing.
	if got := active(gate, first); !strings.Contains(got, `"active":true`) || !strings.Contains(got, `"client_id":"`+job.ID+`"`) || !strings.Contains(got, `"scope":"read write"`) {
		t.Errorf("introspected as %s", got)
	}
	if got := active(stranger, first); got != inactive {
		t.Errorf("another tenant is told %s", got)
	}
	if got := active(gate, "nonsense"); got != inactive {
		t.Errorf("nonsense is %s", got)
	}

	// A token is revoked by whom it was issued to, and by nobody else.
	b.form(t, "/oauth/revoke", 200, url.Values{"token": {first}}, basic(gate.ID, gate.Secret))
	machine.do(t, "GET", "/auth/verify", nil, 200)
	b.form(t, "/oauth/revoke", 200, url.Values{"token": {first}}, basic(job.ID, job.Secret))
	machine.do(t, "GET", "/auth/verify", nil, 401)
	if got := active(gate, first); got != inactive {
		t.Errorf("a revoked token is %s", got)
	}
	narrow.do(t, "GET", "/auth/verify", nil, 200) // the other one goes on

	// A secret that is replaced works on, one that leaked does not, nor what it gave.
	again := decode[clientLine](t, must(t, "client", "rotate", job.ID, "--json", "--data", i.data))
	token(job, byItself)
	machine.bearer = token(again, byItself)
	machine.do(t, "GET", "/auth/verify", nil, 200)
	clean := decode[clientLine](t, must(t, "client", "rotate", job.ID, "--compromised", "--json", "--data", i.data))
	machine.becomes(t, 401, "/auth/verify")
	b.form(t, "/oauth/token", 401, byItself, basic(job.ID, job.Secret))
	b.form(t, "/oauth/token", 401, byItself, basic(job.ID, again.Secret))

	// What a command does counts from the next request on.
	machine.bearer = token(clean, byItself)
	machine.do(t, "GET", "/auth/verify", nil, 200)
	must(t, "client", "permit", job.ID, "read", "--data", i.data)
	machine.becomes(t, 401, "/auth/verify") // it says otherwise
	machine.bearer = token(clean, byItself)
	if a := machine.do(t, "GET", "/auth/verify", nil, 200); a.header.Get("X-Auth-Permissions") != "read" {
		t.Errorf("it may %q", a.header.Get("X-Auth-Permissions"))
	}
	must(t, "client", "disable", job.ID, "--data", i.data)
	machine.becomes(t, 401, "/auth/verify")
	b.form(t, "/oauth/token", 401, byItself, basic(job.ID, clean.Secret))
	must(t, "client", "enable", job.ID, "--data", i.data)
	machine.do(t, "GET", "/auth/verify", nil, 401) // what ended stays so
	machine.bearer = token(clean, byItself)
	machine.do(t, "GET", "/auth/verify", nil, 200)
	must(t, "client", "remove", job.ID, "--data", i.data)
	machine.becomes(t, 401, "/auth/verify")
	b.form(t, "/oauth/token", 401, byItself, basic(job.ID, clean.Secret))

	metadata := decode[struct {
		Issuer  string
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}](t, string(b.do(t, "GET", "/.well-known/oauth-authorization-server", nil, 200).body))
	if metadata.Issuer != i.url || !strings.Contains(strings.Join(metadata.Methods, " "), "private_key_jwt") {
		t.Errorf("the metadata is %+v", metadata)
	}
}

// A machine signs for itself, with a key that only it has.
func TestServe_machine_with_keys(t *testing.T) {
	i := serve(t, t.TempDir())
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	keys := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":%q,"y":%q}]}`,
		base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]))
	stdout, stderr, code := command(t, keys, "client", "add", "signer", "--keys", "-", "--permission", "read", "--json", "--data", i.data)
	if code != 0 {
		t.Fatal(stderr)
	}
	signer := decode[clientLine](t, stdout)
	b := i.browser()
	n := 0
	ask := func(status int, with *ecdsa.PrivateKey, change func(jwt.MapClaims)) answer {
		t.Helper()
		n++
		claims := jwt.MapClaims{
			"iss": signer.ID, "sub": signer.ID, "aud": i.url + "/oauth/token", "jti": fmt.Sprint("id-", n),
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		}
		if change != nil {
			change(claims)
		}
		assertion := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
		assertion.Header["kid"] = "k1"
		text, err := assertion.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return b.form(t, "/oauth/token", status, url.Values{
			"grant_type": {"client_credentials"}, "client_assertion": {text},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
	}
	machine := i.browser()
	machine.bearer = ask(200, private, nil).text("access_token")
	if a := machine.do(t, "GET", "/auth/verify", nil, 200); a.header.Get("X-Auth-Subject") != signer.ID {
		t.Errorf("verified as %v", a.header)
	}
	ask(200, private, func(c jwt.MapClaims) { c["aud"] = i.url })
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ask(401, other, nil)
	ask(401, private, func(c jwt.MapClaims) { c["jti"] = "id-1" }) // once only
	ask(401, private, func(c jwt.MapClaims) { c["aud"] = "https://elsewhere.example" })
	ask(401, private, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() })
	ask(401, private, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(time.Hour).Unix() })
	ask(401, private, func(c jwt.MapClaims) { c["iss"] = "somebody" })
	b.form(t, "/oauth/token", 401, byItself, basic(signer.ID, "anything"))
}

// The life of an API token: made by a person, used by their script, never more than they are.
func TestServe_API_tokens(t *testing.T) {
	i := serve(t, t.TempDir())
	ada := i.browser()
	id := ada.register(t, "ada").text("user.id")
	must(t, "user", "permit", "ada", "read", "write", "--data", i.data)
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	made := ada.do(t, "POST", "/tokens", object{"name": "backup script", "scopes": []string{"read"}, "expires_in": 3600}, 201)
	text := made.text("token")
	if !strings.HasPrefix(text, "hxw_") || made.text("expires_at") == "" {
		t.Fatalf("made %s", made.body)
	}
	ada.do(t, "POST", "/tokens", object{"name": "too much", "scopes": []string{"admin"}}, 400)
	if a := ada.do(t, "GET", "/tokens", nil, 200); strings.Contains(string(a.body), "hxw_") || !strings.Contains(string(a.body), "backup script") {
		t.Errorf("listed %s", a.body)
	}

	script := i.browser()
	script.bearer = text
	a := script.do(t, "GET", "/auth/verify", nil, 200)
	if a.header.Get("X-Auth-Subject") != id || a.header.Get("X-Auth-Permissions") != "read" || a.header.Get("X-Auth-Session") != "" {
		t.Errorf("verified as %v", a.header)
	}
	for _, one := range []struct {
		method, path string
		body         object
	}{
		{"POST", "/tokens", object{"name": "another", "scopes": []string{"read"}}},
		{"GET", "/tokens", nil},
		{"DELETE", "/tokens/" + made.text("id"), nil},
		{"PUT", "/auth/password", object{"password": password, "new_password": another}},
		{"POST", "/auth/" + id + "/change_username", object{"username": "eve"}},
		{"DELETE", "/auth/sessions", nil},
		{"DELETE", "/auth/me", object{"password": password}},
	} {
		if a := script.do(t, one.method, one.path, one.body, 403); a.text("code") != "person_required" {
			t.Errorf("%s %s: %s", one.method, one.path, a.body)
		}
	}
	for _, wrong := range []string{text[:len(text)-1], text + "0", text[:20] + swapped(text[20]) + text[21:], "hxw_", strings.ToUpper(text)} {
		thief := i.browser()
		thief.bearer = wrong
		if a := thief.do(t, "GET", "/auth/verify", nil, 401); strings.Contains(string(a.body), wrong) {
			t.Errorf("the answer repeats it: %s", a.body)
		}
	}

	// It may what its owner may at the moment, and is nobody's when its owner is shut out.
	must(t, "user", "permit", "ada", "write", "--data", i.data)
	if !within(time.Second, func() bool {
		a, _ := script.try("GET", "/auth/verify", nil)
		return a.status == 200 && a.header.Get("X-Auth-Permissions") == ""
	}) {
		t.Error("the token may still what its owner may not")
	}
	must(t, "user", "ban", "ada", "--data", i.data)
	script.becomes(t, 401, "/auth/verify")
	must(t, "user", "unban", "ada", "--data", i.data)
	script.becomes(t, 200, "/auth/verify")
	if out := must(t, "user", "show", "ada", "--data", i.data); !strings.Contains(out, "backup script") || strings.Contains(out, "hxw_") {
		t.Errorf("shown:\n%s", out)
	}

	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	ada.do(t, "DELETE", "/tokens/"+made.text("id"), nil, 204)
	script.do(t, "GET", "/auth/verify", nil, 401)
	ada.do(t, "DELETE", "/tokens/"+made.text("id"), nil, 404)

	// One that expires does so to the second, however often it was seen.
	script.bearer = ada.do(t, "POST", "/tokens", object{"name": "short", "scopes": []string{}, "expires_in": 3}, 201).text("token")
	began := time.Now()
	for time.Since(began) < 1500*time.Millisecond {
		script.do(t, "GET", "/auth/verify", nil, 200)
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(3100*time.Millisecond - time.Since(began))
	script.do(t, "GET", "/auth/verify", nil, 401)

	// Whoever holds one may end it.
	text = ada.do(t, "POST", "/tokens", object{"name": "lost", "scopes": []string{}}, 201).text("token")
	script.bearer = text
	script.do(t, "GET", "/auth/verify", nil, 200)
	finder := i.browser()
	finder.form(t, "/oauth/revoke", 200, url.Values{"token": {text}})
	script.do(t, "GET", "/auth/verify", nil, 401)
}

// swapped is another character of the alphabet.
func swapped(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// A backend that signs its tokens with JWT_SECRET_KEY goes on verifying them itself, with its own library.
func TestServe_shared_secret(t *testing.T) {
	env := map[string]string{
		"JWT_SECRET_KEY": signing, "JWT_ALGORITHM": "HS256", "JWT_ACCESS_TOKEN_EXPIRE_MINUTES": "2", "TOKEN_CACHE_SIZE": "50", "TOKEN_CACHE_TTL": "5",
	}
	data := t.TempDir()
	i := serveWith(t, env, data)
	ada := i.browser()
	a := ada.do(t, "POST", "/auth/register", object{"username": "ada", "email": "ada@example.org", "password": password, "delivery": "body"}, 201)
	var claims jwt.MapClaims
	parsed, err := jwt.ParseWithClaims(a.text("access_token"), &claims, func(*jwt.Token) (any, error) { return []byte(signing), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuer(i.url), jwt.WithAudience(i.url))
	if err != nil || !parsed.Valid {
		t.Fatalf("another backend refuses the token: %v", err)
	}
	issued, _ := claims.GetIssuedAt()
	expires, _ := claims.GetExpirationTime()
	if life := expires.Sub(issued.Time); life != 2*time.Minute || claims["sub"] != a.text("user.id") {
		t.Errorf("the token lives %v and says %v", life, claims)
	}
	if a := ada.do(t, "GET", "/.well-known/jwks.json", nil, 200); string(a.body) != `{"keys":[]}` {
		t.Errorf("a secret is published: %s", a.body)
	}
	ada.bearer = a.text("access_token")
	ada.do(t, "GET", "/auth/verify", nil, 200)
	ada.do(t, "GET", "/auth/verify", nil, 200) // remembered
	forged, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("another-" + signing))
	if err != nil {
		t.Fatal(err)
	}
	eve := i.browser()
	eve.bearer = forged
	eve.do(t, "GET", "/auth/verify", nil, 401)
	if log := i.stderr.String(); !strings.Contains(log, "every service that has it can make them") {
		t.Error("the log does not say what a shared secret means")
	}
	i.stop()

	// Tokens outlive a restart, and the change to another secret, which is what signs from then on. What a
	// secret that leaked has signed is refused once that is said.
	env["HEXWARD_PUBLIC_URL"] = i.url
	again := serveWith(t, env, data)
	direct(again, ada).do(t, "GET", "/auth/verify", nil, 200)
	again.stop()
	env["JWT_SECRET_KEY"] = "another-" + signing
	third := serveWith(t, env, data)
	direct(third, ada).do(t, "GET", "/auth/verify", nil, 200)
	fresh := direct(third, third.browser())
	a = fresh.do(t, "POST", "/auth/login", object{"login": "ada", "password": password, "delivery": "body"}, 200)
	if _, err := jwt.Parse(a.text("access_token"), func(*jwt.Token) (any, error) { return []byte("another-" + signing), nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil {
		t.Errorf("the new secret does not verify: %v", err)
	}
	stdout, stderr, code := commandWith(t, env, "", "keys", "list", "--json", "--data", data)
	if code != 0 {
		t.Fatal(stderr)
	}
	if _, stderr, code := commandWith(t, env, "", "keys", "rotate", "--data", data); code != 3 || strings.Contains(stderr, signing) {
		t.Errorf("a key takes over from a configured secret: exit code %d: %s", code, stderr)
	}
	for _, k := range decode[[]struct{ ID, State string }](t, stdout) {
		if k.State == "retired" {
			if _, stderr, code := commandWith(t, env, "", "keys", "retire", "--compromised", "--data", data, "--", k.ID); code != 0 {
				t.Fatal(stderr)
			}
		}
	}
	ada.becomes(t, 401, "/auth/verify")
	fresh.bearer = a.text("access_token")
	fresh.do(t, "GET", "/auth/verify", nil, 200)
	third.stop()

	// Without a secret the last one goes on, and the log says how to be rid of it.
	fourth := serve(t, data, "--public-url", i.url)
	if log := fourth.stderr.String(); !strings.Contains(log, `hexward keys rotate`) {
		t.Errorf("the log does not say that a shared secret signs still:\n%s", log)
	}
}

// However little room there is to remember tokens, or none, each is its owner's.
func TestServe_small_token_cache(t *testing.T) {
	for _, env := range []map[string]string{{"TOKEN_CACHE_SIZE": "0"}, {"TOKEN_CACHE_SIZE": "1"}, {"TOKEN_CACHE_TTL": "0"}, {"TOKEN_CACHE_TTL": "1"}} {
		i := serveWith(t, env, t.TempDir())
		people := map[string]*browser{}
		for _, name := range []string{"ada", "eve"} {
			b := i.browser()
			a := b.do(t, "POST", "/auth/register", object{"username": name, "email": name + "@example.org", "password": password, "delivery": "body"}, 201)
			b.bearer = a.text("access_token")
			people[name] = b
		}
		for range 20 {
			for name, b := range people {
				if a := b.do(t, "GET", "/auth/verify", nil, 200); a.header.Get("X-Auth-Name") != name {
					t.Fatalf("%v: %s is %s", env, name, a.header.Get("X-Auth-Name"))
				}
			}
		}
		people["ada"].do(t, "POST", "/auth/logout", object{}, 200)
		people["ada"].do(t, "GET", "/auth/verify", nil, 401)
		people["eve"].do(t, "GET", "/auth/verify", nil, 200)
		i.stop()
	}
}

// What was acknowledged of clients and API tokens is there after a crash.
func TestServe_killed_machines(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	data := t.TempDir()
	args := []string{"--public-url", "http://127.0.0.1:1"}
	type kept struct {
		client clientLine
		token  string // an API token; empty when it was deleted
		gone   string // one that was deleted
	}
	var all []kept
	for round := range rounds {
		i := spawn(t, data, args...)
		b := direct(i, i.browser())
		name := fmt.Sprintf("person-%d", round)
		b.register(t, name)
		one := kept{client: i.machineOf(t, name, "--permission", "read")}
		one.token = b.do(t, "POST", "/tokens", object{"name": "kept", "scopes": []string{}}, 201).text("token")
		made := b.do(t, "POST", "/tokens", object{"name": "dropped", "scopes": []string{}}, 201)
		one.gone = made.text("token")
		b.do(t, "DELETE", "/tokens/"+made.text("id"), nil, 204)
		i.kill()
		all = append(all, one)

		next := spawn(t, data, args...)
		for _, k := range all {
			b := direct(next, next.browser())
			b.bearer = b.form(t, "/oauth/token", 200, byItself, basic(k.client.ID, k.client.Secret)).text("access_token")
			b.do(t, "GET", "/auth/verify", nil, 200)
			b.bearer = k.token
			b.do(t, "GET", "/auth/verify", nil, 200)
			b.bearer = k.gone
			b.do(t, "GET", "/auth/verify", nil, 401)
		}
		next.kill()
	}
}
