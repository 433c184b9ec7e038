package main_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// resource is an API whose access tokens are JWTs, at the certified provider.
const resource = "https://orders.example/"

const jobSecret = "certified-canary-of-a-job-8a7b6c5d4e3f"

// withJobs is a provider that has the API, and machines that are called JOB.ORG.
func withJobs(service string) object {
	clients := []object{{
		"client_id": clientID, "client_secret": clientSecret, "grant_types": []string{"authorization_code", "refresh_token"},
		"redirect_uris": []string{service + "/spa"},
	}}
	for _, id := range []string{"job.red", "job.green"} {
		clients = append(clients, object{
			"client_id": id, "client_secret": jobSecret, "grant_types": []string{"client_credentials"}, "redirect_uris": []string{}, "response_types": []string{},
		})
	}
	return object{"resource": resource, "clients": clients}
}

// exchange asks the provider's token endpoint.
func (c *certified) exchange(id, secret string, form url.Values) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		c.t.Fatalf("the token endpoint answers %d %v: %s", a.StatusCode, err, body)
	}
	return answer{a.StatusCode, a.Header, body}
}

// job is a machine's access token.
func (c *certified) job(id string) string {
	c.t.Helper()
	return c.exchange(id, jobSecret, url.Values{
		"grant_type": {"client_credentials"}, "resource": {resource}, "scope": {"read:orders admin"},
	}).text("access_token")
}

// person signs somebody in at the provider, for the API or for nothing but who they are, and returns its tokens.
func (c *certified) person(t *testing.T, i *instance, name, api string) answer {
	t.Helper()
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	request := url.Values{
		"client_id": {clientID}, "redirect_uri": {i.url + "/spa"}, "response_type": {"code"}, "scope": {"openid email read:orders admin"}, "state": {"theirs"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "nonce": {"a nonce"},
	}
	form := url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {i.url + "/spa"}, "code_verifier": {verifier}}
	if api != "" {
		request.Set("resource", api)
		form.Set("resource", api)
	}
	at, err := url.Parse(visit(t, i).through(c.issuer+"/auth?"+request.Encode(), name, i.url+"/spa?"))
	if err != nil {
		t.Fatal(err)
	}
	form.Set("code", at.Query().Get("code"))
	return c.exchange(clientID, clientSecret, form)
}

// wantVerify asks whether a token is good.
func wantVerify(t *testing.T, i *instance, bearer string, status int) answer {
	t.Helper()
	b := i.browser()
	b.bearer = bearer
	return b.do(t, "GET", "/auth/verify", nil, status)
}

// Access tokens of another server that is certified are taken, of people and of
// machines, each in its tenant, for as long as that server and this one say so.
func TestIssuers_serve(t *testing.T) {
	port := freePort(t)
	service := "http://127.0.0.1:" + port
	c := startCertified(t, service, withJobs(service))
	i := serve(t, t.TempDir(), "--listen", "127.0.0.1:"+port, "--config", writeConfig(t, `
issuers:
  - name: acme
    issuer: `+c.issuer+`
    audiences: [`+resource+`]
    users: made
    tenant-claim: org
    tenants: {red: the-reds}
    permissions: [scope]
`))
	job := c.job("job.red")
	a := wantVerify(t, i, job, 200)
	for name, want := range map[string]string{
		"X-Auth-Subject": "acme|job.red", "X-Auth-Kind": "machine", "X-Auth-Tenant": "the-reds", "X-Auth-Permissions": "read:orders", "X-Auth-Name": "",
		"X-Auth-Session": "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("the machine's %s is %q, want %q", name, got, want)
		}
	}

	tokens := c.person(t, i, "ada.red", resource)
	ada := tokens.text("access_token")
	a = wantVerify(t, i, ada, 200)
	id := a.header.Get("X-Auth-Subject")
	if a.header.Get("X-Auth-Kind") != "user" || a.header.Get("X-Auth-Tenant") != "the-reds" || a.header.Get("X-Auth-Permissions") != "read:orders" || id == "" {
		t.Errorf("ada is %v", a.header)
	}
	again := c.person(t, i, "ada.red", resource).text("access_token")
	if got := wantVerify(t, i, again, 200).header.Get("X-Auth-Subject"); got != id || again == ada {
		t.Errorf("ada came back as %s, was %s", got, id)
	}
	b := i.browser()
	b.bearer = ada
	if me := b.do(t, "GET", "/auth/me", nil, 200); me.text("id") != id || me.text("tenant") != "the-reds" {
		t.Errorf("ada is %s", me.body)
	}

	// What else that server signs, or hands out, is nothing here.
	for name, text := range map[string]string{
		"an ID token": tokens.text("id_token"), "an opaque token": c.person(t, i, "ada.red", "").text("access_token"), "a refresh token": tokens.text("refresh_token"),
		"of a tenant that is none here": c.job("job.green"), "of a person of none": c.person(t, i, "eve.green", resource).text("access_token"),
		"of a person of no tenant": c.person(t, i, "eve", resource).text("access_token"), "cut": ada[:len(ada)-2],
	} {
		if text == "" {
			t.Errorf("%s: there is none", name)
		}
		b := i.browser()
		b.bearer = text
		if a, err := b.try("GET", "/auth/verify", nil); err != nil || a.status != 401 {
			t.Errorf("%s: answered %d: %s", name, a.status, a.body)
		}
	}

	// A foreign token changes no account, and administers nothing.
	for _, tt := range []struct {
		method, path string
		body         object
	}{
		{"PUT", "/auth/password", object{"password": password, "new_password": password + "!"}},
		{"POST", "/tokens", object{"name": "x", "scopes": []string{}}},
		{"POST", "/auth/" + id + "/change_username", object{"username": "other"}},
		{"GET", "/admin/users", nil},
	} {
		if a, err := b.try(tt.method, tt.path, tt.body); err != nil || a.status != 403 {
			t.Errorf("%s %s: answered %d: %s", tt.method, tt.path, a.status, a.body)
		}
	}

	// A ban counts from the next request on, and its end too.
	var made struct{ Password string }
	if err := json.Unmarshal([]byte(must(t, "user", "add", "root", "--email", "root@example.org", "--tenant", "the-reds", "--admin", "--json", "--data", i.data)), &made); err != nil {
		t.Fatal(err)
	}
	root := i.browser()
	root.do(t, "POST", "/auth/login", object{"login": "root", "password": made.Password}, 200)
	root.do(t, "POST", "/admin/users/"+id+"/ban", object{"reason": "test"}, 200)
	wantVerify(t, i, ada, 401)
	wantVerify(t, i, again, 401)
	wantVerify(t, i, job, 200)
	root.do(t, "POST", "/admin/users/"+id+"/unban", nil, 200)
	time.Sleep(1100 * time.Millisecond) // the tokens of a second that has a ban in it stay out
	last := c.person(t, i, "ada.red", resource).text("access_token")
	wantVerify(t, i, last, 200)

	// That server gets other keys: tokens of the new ones are good at once, of the old ones no more.
	c.stop()
	wantVerify(t, i, job, 200)
	c.setup["kid"] = "second"
	c.start()
	fresh := c.job("job.red")
	if a := wantVerify(t, i, fresh, 200); a.header.Get("X-Auth-Subject") != "acme|job.red" {
		t.Errorf("the machine is %v", a.header)
	}
	wantVerify(t, i, job, 401)
	wantVerify(t, i, last, 401)

	// It goes away: what it signed stays good, seen before or not.
	unseen := c.job("job.red")
	c.stop()
	wantVerify(t, i, fresh, 200)
	wantVerify(t, i, unseen, 200)
	i.stop()
	for _, secret := range []string{jobSecret, job[len(job)-40:], ada[len(ada)-40:]} {
		if strings.Contains(i.stdout.String()+i.stderr.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, i.stderr)
		}
	}
}

// Access tokens of a user pool are taken if its app client is listed.
func TestIssuers_Cognito(t *testing.T) {
	port := freePort(t)
	c := startCognito(t)
	other := c.call("CreateUserPoolClient", object{"UserPoolId": c.pool, "ClientName": "other", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"}}).text("UserPoolClient.ClientId")
	issuer := c.url + "/" + c.pool
	i := serve(t, t.TempDir(), "--listen", "127.0.0.1:"+port, "--config", writeConfig(t, `
issuers:
  - preset: cognito
    issuer: `+issuer+`
    jwks: `+issuer+`/.well-known/jwks.json
    clients: [`+c.client+`]
    users: made
    permissions: ["cognito:groups * team:*"]
    userinfo: never
`))
	c.add("ada", "red")
	for _, group := range []string{"red", "admin"} {
		c.call("CreateGroup", object{"UserPoolId": c.pool, "GroupName": group})
		c.call("AdminAddUserToGroup", object{"UserPoolId": c.pool, "GroupName": group, "Username": "ada@pool.example"})
	}
	signIn := func(client string) answer {
		t.Helper()
		return c.call("InitiateAuth", object{
			"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client, "AuthParameters": object{"USERNAME": "ada@pool.example", "PASSWORD": password},
		})
	}
	tokens := signIn(c.client)
	a := wantVerify(t, i, tokens.text("AuthenticationResult.AccessToken"), 200)
	held := strings.Fields(strings.ReplaceAll(a.header.Get("X-Auth-Permissions"), ",", " "))
	if a.header.Get("X-Auth-Kind") != "user" || !slices.Equal(held, []string{"team:admin", "team:red"}) {
		t.Errorf("ada is %v", a.header)
	}
	wantVerify(t, i, tokens.text("AuthenticationResult.IdToken"), 401)
	wantVerify(t, i, tokens.text("AuthenticationResult.RefreshToken"), 401)
	if theirs := signIn(other).text("AuthenticationResult.AccessToken"); theirs == "" {
		t.Error("there is no token of another client")
	} else {
		wantVerify(t, i, theirs, 401)
	}
	var claims map[string]any
	part, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.text("AuthenticationResult.AccessToken"), ".")[1])
	if err != nil || json.Unmarshal(part, &claims) != nil || claims["token_use"] != "access" || claims["client_id"] != c.client || claims["aud"] != nil {
		t.Errorf("the token is not in the shape of Cognito's: %s", part)
	}
}
