package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const cognitoDir = "testdata/cognito"

// cognito is npm's cognito-local, which makes tokens in the shape of Amazon
// Cognito's, with a user pool and an app client.
type cognito struct {
	t              *testing.T
	url            string
	pool, client   string
	stdout, stderr *buffer
}

func startCognito(t *testing.T, callbacks ...string) *cognito {
	t.Helper()
	install(t, cognitoDir, "cognito-local")
	script, err := filepath.Abs(filepath.Join(cognitoDir, "node_modules", "cognito-local", "lib", "bin", "start.js"))
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	c := &cognito{t: t, url: "http://127.0.0.1:" + port, stdout: &buffer{}, stderr: &buffer{}}
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), c.stdout, c.stderr // it keeps its data in .cognito there
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "HOST=127.0.0.1", "PORT=" + port}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if !within(30*time.Second, func() bool {
		a, err := http.Get(c.url + "/health")
		if err != nil {
			return false
		}
		_ = a.Body.Close()
		return a.StatusCode == http.StatusOK
	}) {
		t.Fatalf("cognito-local does not start:\n%s%s", c.stdout, c.stderr)
	}
	c.pool = c.call("CreateUserPool", object{"PoolName": "people", "Schema": []object{{"Name": "tenant", "AttributeDataType": "String"}}}).text("UserPool.Id")
	c.client = c.call("CreateUserPoolClient", object{
		"UserPoolId": c.pool, "ClientName": "hexward", "CallbackURLs": callbacks, "AllowedOAuthFlows": []string{"code"},
	}).text("UserPoolClient.ClientId")
	return c
}

// call is an action of Cognito's API.
func (c *cognito) call(action string, in object) answer {
	c.t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/", bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+action)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		c.t.Fatalf("%s answers %d %v: %s", action, a.StatusCode, err, body)
	}
	return answer{a.StatusCode, a.Header, body}
}

// add adds somebody of a tenant.
func (c *cognito) add(name, tenant string) {
	c.t.Helper()
	c.call("AdminCreateUser", object{"UserPoolId": c.pool, "Username": name + "@pool.example", "MessageAction": "SUPPRESS", "UserAttributes": []object{
		{"Name": "email", "Value": name + "@pool.example"}, {"Name": "email_verified", "Value": "true"}, {"Name": "custom:tenant", "Value": tenant},
	}})
	c.call("AdminSetUserPassword", object{"UserPoolId": c.pool, "Username": name + "@pool.example", "Password": password, "Permanent": true})
}

// code signs somebody in on the pool's pages and returns what they are sent back
// with.
func (c *cognito) code(v *visitor, name string, request url.Values) url.Values {
	c.t.Helper()
	form := url.Values{"username": {name + "@pool.example"}, "password": {password}}
	for key, values := range request {
		form[key] = values
	}
	if a, page := v.navigate(http.MethodGet, c.url+"/oauth2/authorize?"+request.Encode(), nil); a.StatusCode != http.StatusOK {
		c.t.Fatalf("the pool's page answers %d: %s", a.StatusCode, page)
	}
	a, page := v.navigate(http.MethodPost, c.url+"/oauth2/authorize", form)
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusFound {
		c.t.Fatalf("the pool answers %d: %s", a.StatusCode, page)
	}
	return u.Query()
}

// Tokens of a user pool sign people in, in the tenant that an attribute of theirs
// says. cognito-local leaves the nonce out of its ID tokens, which Cognito does not:
// only a front end that asked for none gets in.
func TestOIDC_Cognito(t *testing.T) {
	port := freePort(t)
	service := "http://127.0.0.1:" + port
	c := startCognito(t, service+"/auth/callback", service+"/spa")
	issuer := c.url + "/" + c.pool
	i := serve(t, t.TempDir(), "--listen", "127.0.0.1:"+port, "--config", writeConfig(t, `
provider:
  preset: cognito
  issuer: `+issuer+`
  client-id: `+c.client+`
  endpoints:
    authorization: `+c.url+`/oauth2/authorize
    token: `+c.url+`/oauth2/token
    jwks: `+issuer+`/.well-known/jwks.json
  tenants: {red: the-reds}
  link-by-email: true
  redirect-uris: [`+service+`/spa]
`))
	c.add("ada", "red")
	c.add("eve", "green")
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	signIn := func(name string) object {
		t.Helper()
		got := c.code(visit(t, i), name, url.Values{
			"client_id": {c.client}, "redirect_uri": {service + "/spa"}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"theirs"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
		})
		return object{"code": got.Get("code"), "redirect_uri": service + "/spa", "code_verifier": verifier}
	}
	b := i.browser()
	a := b.do(t, "POST", "/auth/sign-in", signIn("ada"), 200)
	if a.text("user.email") != "ada@pool.example" || a.text("user.email_confirmed") != "true" || a.text("user.tenant") != "the-reds" {
		t.Errorf("answered %s", a.body)
	}
	if again := b.do(t, "POST", "/auth/sign-in", signIn("ada"), 200); again.text("user.id") != a.text("user.id") {
		t.Errorf("ada came back as %s", again.body)
	}
	b.do(t, "POST", "/auth/sign-in", signIn("eve"), 403)

	// What begins here has a nonce, and ends with it.
	v := visit(t, i)
	begin, _ := v.navigate(http.MethodGet, service+"/auth/login", nil)
	to, err := url.Parse(begin.Header.Get("Location"))
	if err != nil || to.Query().Get("nonce") == "" || to.Query().Get("client_id") != c.client {
		t.Fatalf("led to %s", begin.Header.Get("Location"))
	}
	got := c.code(v, "ada", to.Query())
	if end, page := v.navigate(http.MethodGet, service+"/auth/callback?"+got.Encode(), nil); end.StatusCode != http.StatusUnauthorized || v.status() != http.StatusUnauthorized {
		t.Errorf("an ID token without the nonce is answered %d: %s", end.StatusCode, page)
	}
}
