package main_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	main "github.com/hexward/hexward/apps/hexward"
)

// begun starts a service on a known port, and a provider that knows it.
func begun(t *testing.T, more object, args ...string) (*instance, *certified) {
	t.Helper()
	port := freePort(t)
	c := startCertified(t, "http://127.0.0.1:"+port, more)
	return serve(t, t.TempDir(), append(c.acme("--listen", "127.0.0.1:"+port), args...)...), c
}

func TestOIDC_browser(t *testing.T) {
	i, c := begun(t, nil)
	v := visit(t, i)
	if to := v.signIn("ada", "&return_to=%2Forders%3Fopen%3D1"); to != i.url+"/orders?open=1" {
		t.Errorf("led to %s", to)
	}
	if !slices.Equal(v.asked, []string{"login", "consent"}) {
		t.Errorf("the provider asked for %v", v.asked)
	}
	a := v.do(t, "GET", "/auth/me", nil, 200)
	if a.text("username") != "ada" || a.text("email") != "ada@provider.example" || a.text("email_confirmed") != "false" || a.text("name") != "The full ada" {
		t.Errorf("the user is %s", a.body)
	}
	id := a.text("id")
	v.do(t, "POST", "/auth/token/refresh", nil, 200)
	var list struct {
		Identities []struct{ Provider, Issuer, Subject string }
	}
	if err := json.Unmarshal(v.do(t, "GET", "/auth/identities", nil, 200).body, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Identities) != 1 || list.Identities[0].Issuer != c.issuer || list.Identities[0].Subject != "ada" || list.Identities[0].Provider != "acme" {
		t.Errorf("the identities are %+v", list)
	}

	// Somebody else is another user; whoever comes back is the same.
	other := visit(t, i)
	if to := other.signIn("bob", ""); to != i.url+"/" {
		t.Errorf("led to %s", to)
	}
	if other.do(t, "GET", "/auth/me", nil, 200).text("username") != "bob" {
		t.Error("bob is not bob")
	}
	again := visit(t, i)
	again.signIn("ada", "")
	if got := again.do(t, "GET", "/auth/me", nil, 200).text("id"); got != id {
		t.Errorf("ada came back as %s, was %s", got, id)
	}

	// A person who refuses is nobody.
	no := visit(t, i)
	at := no.through(no.base+"/auth/login?provider=acme", "", c.issuer+"/interaction/")
	at = no.through(at+"/abort", "", i.url+"/auth/callback?")
	if a, page := no.navigate(http.MethodGet, at, nil); a.StatusCode != http.StatusUnauthorized || no.status() != http.StatusUnauthorized {
		t.Errorf("answered %d: %s", a.StatusCode, page)
	}
	i.stop()
	for _, secret := range []string{clientSecret, "code=", "state="} {
		if strings.Contains(i.stdout.String()+i.stderr.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, i.stderr)
		}
	}
}

// Which tenant somebody is of, the provider says and the configuration maps.
func TestOIDC_tenants(t *testing.T) {
	port := freePort(t)
	c := startCertified(t, "http://127.0.0.1:"+port, nil)
	file := writeConfig(t, `
providers:
  - name: acme
    discovery: `+c.issuer+`/.well-known/openid-configuration
    client-id: `+clientID+`
    client-secret: `+clientSecret+`
    tenant-claim: org
    tenants: {red: the-reds, blue: the-blues}
    link-by-email: true
`)
	i := serve(t, t.TempDir(), "--config", file, "--listen", "127.0.0.1:"+port)
	for name, want := range map[string]string{"ada.red": "the-reds", "bob.blue": "the-blues"} {
		v := visit(t, i)
		v.signIn(name, "")
		if a := v.do(t, "GET", "/auth/me", nil, 200); a.text("tenant") != want || a.text("email_confirmed") != "true" {
			t.Errorf("%s is %s, not of %q", name, a.body, want)
		}
	}
	for _, name := range []string{"eve.green", "eve"} {
		v := visit(t, i)
		at := v.through(v.base+"/auth/login?provider=acme", name, v.base+"/auth/callback?")
		if a, page := v.navigate(http.MethodGet, at, nil); a.StatusCode != http.StatusForbidden || v.status() != http.StatusUnauthorized {
			t.Errorf("%s is answered %d: %s", name, a.StatusCode, page)
		}
	}
}

// A front end does the redirect and PKCE itself, and posts the code.
func TestOIDC_sign_in_with_code(t *testing.T) {
	port := freePort(t)
	spa := "http://127.0.0.1:" + port + "/spa"
	c := startCertified(t, "http://127.0.0.1:"+port, nil)
	i := serve(t, t.TempDir(), c.acme("--listen", "127.0.0.1:"+port, "--provider-redirect-uris", spa)...)
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	code := func(v *visitor) string {
		t.Helper()
		at := v.through(c.issuer+"/auth?"+url.Values{
			"client_id": {clientID}, "redirect_uri": {spa}, "response_type": {"code"}, "scope": {"openid email profile"}, "nonce": {"a nonce"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "state": {"theirs"},
		}.Encode(), "ada", spa+"?")
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("code")
	}
	v := visit(t, i)
	good := object{"provider": "acme", "code": code(v), "redirect_uri": spa, "code_verifier": verifier, "nonce": "a nonce", "iss": c.issuer}
	a := v.do(t, "POST", "/auth/sign-in", good, 200)
	if a.text("token_type") != "Bearer" || !slices.Contains([]string{"899", "900"}, a.text("expires_in")) || a.text("user.username") != "ada" {
		t.Errorf("answered %s", a.body)
	}
	script := i.browser()
	script.bearer = a.text("access_token")
	if script.do(t, "GET", "/auth/userinfo", nil, 200).text("email") != "ada@provider.example" {
		t.Error("the token is not ada's")
	}
	for _, tt := range []struct {
		name   string
		change func(object)
		want   int
	}{
		{"used", func(o object) { o["code"] = good["code"] }, 401},
		{"verifier", func(o object) { o["code_verifier"] = verifier + "x" }, 401},
		{"no_verifier", func(o object) { delete(o, "code_verifier") }, 401},
		{"issuer", func(o object) { o["iss"] = "https://evil.example" }, 401},
		{"no_issuer_of_a_provider_that_says_it", func(o object) { delete(o, "iss") }, 401},
		{"nonce", func(o object) { o["nonce"] = "another" }, 401},
		{"redirect", func(o object) { o["redirect_uri"] = spa + "/" }, 400},
		{"the_callback_is_not_for_front_ends", func(o object) { o["redirect_uri"] = i.url + "/auth/callback" }, 400},
		{"provider", func(o object) { o["provider"] = "other" }, 404},
		{"good", func(o object) { delete(o, "provider") }, 200},
	} {
		body := object{"provider": "acme", "code": code(v), "redirect_uri": spa, "code_verifier": verifier, "nonce": "a nonce", "iss": c.issuer}
		tt.change(body)
		a, err := i.browser().try("POST", "/auth/sign-in", body)
		if err != nil || a.status != tt.want {
			t.Errorf("%s: answered %d, not %d: %s", tt.name, a.status, tt.want, a.body)
		}
	}
}

// The provider's own tokens are refreshed when they are about to end, and what
// takes their place is kept: a rotated refresh token works once.
func TestOIDC_refresh(t *testing.T) {
	i, c := begun(t, object{"accessTTL": 20})
	v := visit(t, i)
	v.signIn("ada", "")
	id := v.do(t, "GET", "/auth/me", nil, 200).text("id")
	var sessions struct{ Sessions []struct{ ID string } }
	if err := json.Unmarshal(v.do(t, "GET", "/auth/sessions", nil, 200).body, &sessions); err != nil || len(sessions.Sessions) != 1 {
		t.Fatalf("%v in %+v", err, sessions)
	}
	seen := map[string]bool{}
	for n := range 3 {
		token, provider, err := main.UpstreamToken(t.Context(), c.acme("--data", i.data), id, sessions.Sessions[0].ID)
		if err != nil || provider != "acme" || seen[token] {
			t.Fatalf("refresh %d: %q of %q: %v", n, token, provider, err)
		}
		seen[token] = true
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.issuer+"/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != http.StatusOK {
			t.Errorf("refresh %d: the provider answers its token with %s", n, a.Status)
		}
	}
	c.told("refresh_token.consumed")
	files, err := filepath.Glob(filepath.Join(i.data, "hexward.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there is no database")
	}
	for _, name := range files {
		stored, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for token := range seen {
			if strings.Contains(string(stored)+i.stdout.String()+i.stderr.String(), token) {
				t.Errorf("%s or the log has the provider's token", name)
			}
		}
	}
	if v.status() != http.StatusOK {
		t.Error("refreshing has ended the session")
	}
}

func TestOIDC_logout(t *testing.T) {
	i, c := begun(t, nil)
	v := visit(t, i)
	v.signIn("ada", "")
	to := v.do(t, "POST", "/auth/logout", nil, 200).text("logout_url")
	if v.status() != http.StatusUnauthorized {
		t.Error("the session goes on")
	}
	c.told("refresh_token.destroyed")
	u, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, c.issuer+"/session/end?") || u.Query().Get("id_token_hint") == "" || u.Query().Get("post_logout_redirect_uri") != i.url+"/" {
		t.Fatalf("the way to sign out there is %s", to)
	}
	if back := v.through(to, "", i.url+"/"); back != i.url+"/" {
		t.Errorf("signing out there leads to %s", back)
	}

	// The provider has forgotten who it was.
	v.asked = nil
	v.signIn("bob", "")
	if len(v.asked) == 0 || v.asked[0] != "login" || v.do(t, "GET", "/auth/me", nil, 200).text("username") != "bob" {
		t.Errorf("the provider asked for %v", v.asked)
	}

	// By a link, all in one go.
	if back := v.through(i.url+"/auth/logout", "", i.url+"/"); back != i.url+"/auth/logout" {
		t.Fatal(back)
	}
	a, _ := v.navigate(http.MethodGet, i.url+"/auth/logout", nil)
	if a.StatusCode != http.StatusFound || v.status() != http.StatusUnauthorized {
		t.Errorf("answered %s", a.Status)
	}
	if back := v.through(a.Header.Get("Location"), "", i.url+"/"); back != i.url+"/" {
		t.Errorf("led to %s", back)
	}
}

// Who signs out at the provider is signed out here, and nobody else is.
func TestOIDC_backchannel_logout(t *testing.T) {
	i, c := begun(t, nil)
	ada, elsewhere, bob := visit(t, i), visit(t, i), visit(t, i)
	ada.signIn("ada", "")
	elsewhere.signIn("ada", "")
	bob.signIn("bob", "")
	if page := ada.through(c.issuer+"/session/end", "", c.issuer+"/session/end/success"); page == "" {
		t.Fatal("not signed out at the provider")
	}
	c.told("backchannel.success")
	if !within(5*time.Second, func() bool { return ada.status() == http.StatusUnauthorized }) {
		t.Errorf("the session goes on:\n%s", c.stderr)
	}
	if elsewhere.status() != http.StatusOK || bob.status() != http.StatusOK {
		t.Error("another session has ended")
	}
	a, err := ada.try("POST", "/auth/token/refresh", nil)
	if err != nil || a.status != http.StatusUnauthorized {
		t.Errorf("the refresh token goes on: %d %v", a.status, err)
	}
}

// A provider that has other keys from one moment to the next loses nobody.
func TestOIDC_rotation(t *testing.T) {
	i, c := begun(t, nil)
	before := visit(t, i)
	before.signIn("ada", "")
	c.stop()
	c.setup["kid"] = "second"
	c.start()
	after := visit(t, i)
	after.signIn("bob", "")
	if before.status() != http.StatusOK || after.status() != http.StatusOK {
		t.Error("somebody is not signed in")
	}
}

// A provider that is down keeps nothing else from working, or from starting.
func TestOIDC_down(t *testing.T) {
	i, c := begun(t, nil)
	v, w := visit(t, i), visit(t, i)
	v.signIn("ada", "")
	w.signIn("bob", "")
	c.stop()
	began := time.Now()
	if v.status() != http.StatusOK {
		t.Error("the session has ended")
	}
	v.do(t, "POST", "/auth/logout", nil, 200)
	if v.status() != http.StatusUnauthorized {
		t.Error("the session goes on")
	}
	if a, _ := w.navigate(http.MethodGet, i.url+"/auth/logout", nil); a.StatusCode != http.StatusFound || w.status() != http.StatusUnauthorized {
		t.Errorf("signing out by a link is answered %s", a.Status)
	}

	// What has never seen the provider.
	fresh := serve(t, t.TempDir(), c.acme()...)
	b := fresh.browser()
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := b.do(t, "GET", "/auth/login?provider=acme", nil, 503)
	if a.text("code") != "provider_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("answered %v %s", a.header, a.body)
	}
	b.register(t, "carol")
	b.do(t, "GET", "/auth/verify", nil, 200)
	b.do(t, "POST", "/auth/logout", nil, 200)
	b.do(t, "POST", "/auth/login", object{"login": "carol", "password": password}, 200)
	if r, err := http.Get(fresh.ops + "/readyz"); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("not ready: %v", err)
	} else {
		_ = r.Body.Close()
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("all that took %v", took)
	}

	// And it comes back.
	c.start()
	if !within(15*time.Second, func() bool {
		a, err := b.try("GET", "/auth/login?provider=acme", nil)
		return err == nil && a.status == http.StatusFound
	}) {
		t.Error("signing in does not come back with the provider")
	}
}

// The environment of another system, as it is, signs people in.
func TestOIDC_borrowed_environment(t *testing.T) {
	port := freePort(t)
	service := "http://127.0.0.1:" + port
	c := startCertified(t, service, nil)
	data := t.TempDir()
	file := filepath.Join(data, "deeper", "sessions.db")
	i := serveEnv(t, data, map[string]string{
		"OIDC_CLIENT": clientID, "OIDC_CLIENT_SECRET": clientSecret, "CONF_URL": c.issuer + "/.well-known/openid-configuration",
		"SCOPE": "openid email profile", "CALLBACK_ROUTE": "/oidc/callback/", "LOGIN_REDIRECT_URL": "/welcome", "SESSION_FILE": file, "USE_OAUTH": "true",
	}, "--listen", "127.0.0.1:"+port)
	v := visit(t, i)
	at := v.through(service+"/auth/login", "ada", service+"/oidc/callback/?")
	a, page := v.navigate(http.MethodGet, at, nil)
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != service+"/welcome" {
		t.Errorf("the callback answers %s: %s", a.Status, page)
	}
	if v.do(t, "GET", "/auth/me", nil, 200).text("username") != "ada" {
		t.Error("ada is not ada")
	}
	if files, err := filepath.Glob(filepath.Join(data, "hexward.db*")); err != nil || len(files) > 0 {
		t.Errorf("there is %v", files)
	}
	if out := must(t, "user", "list", "--data", data, "--database", file); !strings.Contains(out, "ada") {
		t.Errorf("the database has\n%s", out)
	}
}

// USE_OAUTH=false signs everybody on this machine in, and says so.
func TestDevelopment(t *testing.T) {
	i := serveEnv(t, t.TempDir(), map[string]string{"USE_OAUTH": "false"})
	b := i.browser()
	a := b.do(t, "GET", "/auth/me", nil, 200)
	if a.text("username") != "developer" || a.text("tenant") != "development" || a.header.Get("X-Hexward-Development") == "" {
		t.Errorf("answered %v %s", a.header, a.body)
	}
	if !strings.Contains(i.stderr.String(), "signed in as the development user") {
		t.Errorf("logged\n%s", i.stderr)
	}
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.url+"/auth/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(name, "127.0.0.1")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != http.StatusUnauthorized {
			t.Errorf("with %s: answered %s", name, a.Status)
		}
	}
	serve(t, t.TempDir()).browser().do(t, "GET", "/auth/me", nil, 401)
}

// An account with a password gets a second way in, and loses it again.
func TestOIDC_link(t *testing.T) {
	i, _ := begun(t, nil)
	v := visit(t, i)
	id := v.register(t, "carol").text("user.id")
	to := v.do(t, "POST", "/auth/identities/acme/link", object{"return_to": "/settings"}, 200).text("url")
	at := v.through(to, "carol.at.work", i.url+"/auth/callback?")
	if a, page := v.navigate(http.MethodGet, at, nil); a.StatusCode != http.StatusFound || a.Header.Get("Location") != i.url+"/settings" {
		t.Fatalf("the callback answers %s: %s", a.Status, page)
	}
	other := visit(t, i)
	other.signIn("carol.at.work", "")
	if got := other.do(t, "GET", "/auth/me", nil, 200); got.text("id") != id || got.text("username") != "carol" {
		t.Errorf("the linked account is %s's", got.body)
	}
	var list struct{ Identities []struct{ ID string } }
	if err := json.Unmarshal(v.do(t, "GET", "/auth/identities", nil, 200).body, &list); err != nil || len(list.Identities) != 1 {
		t.Fatalf("%v in %+v", err, list)
	}
	v.do(t, "DELETE", "/auth/identities/"+list.Identities[0].ID, nil, 204)
	again := visit(t, i)
	again.signIn("carol.at.work", "")
	if got := again.do(t, "GET", "/auth/me", nil, 200).text("id"); got == id {
		t.Error("the account is still linked")
	}
}
