package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// TestLog_NoSecrets plants a secret everywhere that a request may have one, and
// looks for each in the log at its most talkative.
func TestLog_NoSecrets(t *testing.T) {
	f := newFixture(t, options{})
	b := f.browser().register("alice")
	secrets := map[string]string{"password": password, "new password": newSecret}
	for name, value := range b.cookies {
		secrets[name] = value
	}
	tokens := f.tokens("alice")
	secrets["access token"], secrets["refresh token"] = tokens.AccessToken, tokens.RefreshToken
	f.bearer(tokens.AccessToken).do("GET", "/auth/me", nil).want(200, "")
	f.bearer("canary-bearer").do("GET", "/auth/me", nil).want(401, "")
	f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": tokens.RefreshToken}).want(200, "")
	f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": tokens.RefreshToken}).want(401, "")
	f.browser().do("POST", "/auth/forgot-password", fields{"email": "alice@mail.example"}).want(202, "")
	secrets["reset link"], secrets["confirm link"] = f.mailed("reset", "alice@mail.example"), f.mailed("confirm", "alice@mail.example")
	f.browser().do("POST", "/auth/confirm/"+secrets["confirm link"], nil).want(200, "")
	f.browser().do("GET", "/auth/confirm/"+secrets["confirm link"], nil).want(405, "")
	f.browser().do("GET", "/auth/confirm/"+secrets["confirm link"]+"/more", nil).want(404, "")
	f.browser().do("POST", "/auth/password/"+secrets["reset link"], fields{"password": newSecret}).want(200, "")
	f.browser().do("GET", "/auth/me?access_token=canary-query", nil).want(401, "")
	f.browser().do("POST", "/auth/login", `{"login":"alice","password":"canary-body","canary-member":1`).want(400, "")
	f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": "canary-password"}).want(401, "")
	f.raw("GET /auth/verify HTTP/1.1\r\nHost: x\r\nCookie: canary-cookie\nX: y\r\n\r\n")
	f.raw("GET /auth/verify HTTP/1.1\r\nHost: x\r\nCookie : canary-header\r\n\r\n")
	f.raw("GET /canary-path HTTP/1.1\r\nHost: canary-host\r\nCookie: " + strings.Repeat("canary-long", 1000) + "\r\n\r\n")
	secrets["canary"] = "canary"

	log := f.log.String()
	for name, secret := range secrets {
		if len(secret) < 6 {
			t.Fatalf("%s is %q", name, secret)
		}
		if strings.Contains(log, secret) || strings.Contains(log, secret[:len(secret)-1]) {
			t.Errorf("the log has the %s", name)
		}
	}
	lines := 0
	scan := bufio.NewScanner(strings.NewReader(log))
	for scan.Scan() {
		var line struct{ Method, Route, Request, Client, Msg string }
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Msg != "request" || line.Route == "" || line.Request == "" {
			t.Errorf("line %s", scan.Text())
		}
		lines++
	}
	if lines < 15 || !strings.Contains(log, `"route":"/confirm/{token}"`) || !strings.Contains(log, `"client":"127.0.0.1"`) {
		t.Errorf("%d lines: %s", lines, log)
	}
}

func TestLog_Levels(t *testing.T) {
	var broken atomic.Bool
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Directory = panicking{c.Directory, &broken} }})
	root := f.admin()
	id := root.user().ID
	for _, tt := range []struct {
		name, path string
		prepare    func()
		status     int
		level      slog.Level
	}{
		{"check", "/auth/verify", nil, 200, slog.LevelDebug},
		{"refused check", "/auth/verify", func() { root.cookies = map[string]string{} }, 401, slog.LevelInfo},
		{"page of a user", "/auth/me", func() { root = f.login("root") }, 200, slog.LevelInfo},
		{"panic", "/admin/users", func() { broken.Store(true) }, 500, slog.LevelError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.prepare != nil {
				tt.prepare()
			}
			before := len(f.log.String())
			a := root.do("GET", tt.path, nil).want(tt.status, "")
			var line struct {
				Level, User, Error, Request string
				Status, Bytes               int
			}
			text := f.log.String()[before:]
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			if line.Level != tt.level.String() || line.Status != tt.status || line.Bytes != len(a.Body) || (line.User == id) != (tt.status != 401) {
				t.Errorf("line %s", text)
			}
			if tt.status == 500 {
				if !strings.Contains(line.Error, "canary panic") || strings.Contains(a.Body, "canary") || !strings.Contains(a.Body, line.Request) {
					t.Errorf("line %s, answer %s", text, a.Body)
				}
			}
		})
	}
	broken.Store(false)
	root.do("GET", "/admin/users", nil).want(200, "") // the server lives on
}

// panicking is a defect.
type panicking struct {
	ports.Directory
	broken *atomic.Bool
}

func (p panicking) People(scope tenant.Scope) ports.People {
	return panickingPeople{p.Directory.People(scope), p.broken}
}

type panickingPeople struct {
	ports.People
	broken *atomic.Bool
}

func (p panickingPeople) Search(ctx context.Context, q ports.UserQuery) ([]user.User, error) {
	if p.broken.Load() {
		panic(errors.New("canary panic"))
	}
	return p.People.Search(ctx, q)
}

func TestOperations(t *testing.T) {
	var down atomic.Bool
	app := web.Operations(func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("no deadline")
		}
		if down.Load() {
			return errors.New("canary")
		}
		return nil
	})
	f := &fixture{TB: t, url: "http://" + listen(t, app)}
	get := func(path string) answer { return f.send("GET", path, nil, map[string][]string{}) }
	get("/healthz").want(200, "")
	get("/readyz").want(200, "")
	down.Store(true)
	get("/healthz").want(200, "")
	if a := get("/readyz").want(503, ""); strings.Contains(a.Body, "canary") {
		t.Errorf("answer %s", a.Body)
	}
	get("/auth/verify").want(404, "")
}

// TestLog_NoSecretsOfProviders does the same for signing in with a provider.
func TestLog_NoSecretsOfProviders(t *testing.T) {
	p := newUpstream("acme")
	f, _ := signOutFixture(t, p)
	b := f.browser()
	secrets := map[string]string{"upstream tokens": "-of-alice"}
	back := p.accept(t, b.begun("return_to=/canary-return"), "alice")
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	secrets["state"], secrets["code"] = u.Query().Get("state")[:20], u.Query().Get("code")
	b.came(back).want(302, "")
	b.came(back).want(400, "state")
	b.came("/auth/callback?state=canary-state&code=canary-code&error=canary-error&session_state=canary-session").want(400, "state")
	for name, value := range b.cookies {
		secrets[name] = value
	}
	back = p.accept(t, b.begun(""), "alice")
	p.fall(true)
	b.came(back).want(503, "provider_unavailable")
	b.do("POST", "/auth/sign-in", fields{"code": "canary-code", "redirect_uri": elsewhere, "code_verifier": "canary-verifier"}).want(503, "")
	b.form("/auth/backchannel-logout/acme", "logout_token", "canary|logout|token").want(503, "")
	p.fall(false)
	b.form("/auth/backchannel-logout/acme", "logout_token", "canary-token").want(400, "")
	b.do("POST", "/auth/logout", nil).want(200, "")
	secrets["canary"] = "canary"
	log := f.log.String()
	for name, secret := range secrets {
		if len(secret) < 6 {
			t.Fatalf("%s is %q", name, secret)
		}
		if strings.Contains(log, secret) {
			t.Errorf("the log has the %s:\n%s", name, log)
		}
	}
	if !strings.Contains(log, `"route":"/callback"`) || !strings.Contains(log, "provider_unavailable") {
		t.Errorf("log %s", log)
	}
}

// TestLog_NoSecretsOfMachines does the same for what programs show.
func TestLog_NoSecretsOfMachines(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	m := root.machine("read")
	token, script, user := m.token(), root.apiToken(), f.tokens("root")
	secrets := map[string]string{
		"client's secret": m.Secret, "basic": m.basic(), "machine's token": token, "API token": script.Token,
		"access token": user.AccessToken, "refresh token": user.RefreshToken, "canary": "canary",
	}
	f.bearer(script.Token).do("GET", "/auth/verify", nil).want(200, "")
	f.bearer(script.Token+"x").do("GET", "/auth/verify", nil).want(401, "")
	f.bearer(script.Token).do("POST", "/tokens", fields{"name": "x", "scopes": []string{}}).want(403, "")
	f.post("/oauth/token", "grant_type=refresh_token&refresh_token="+user.RefreshToken).want(200, "")
	f.post("/oauth/token", "grant_type=refresh_token&refresh_token="+user.RefreshToken).refused(400, "invalid_grant")
	f.post("/oauth/token", "grant_type=canary-grant&canary-name=canary-value").refused(400, "unsupported_grant_type")
	f.post("/oauth/token", "grant_type=client_credentials&client_id="+m.ID+"&client_secret=canary-secret").refused(401, "invalid_client")
	f.post("/oauth/token", "grant_type=client_credentials&client_id=canary-client&client_secret="+m.Secret).refused(401, "invalid_client")
	f.post("/oauth/token", "grant_type=client_credentials", "Authorization", basic("canary-id:"+m.Secret)).refused(401, "invalid_client")
	f.post("/oauth/token", "grant_type=client_credentials&scope=canary-scope", "Authorization", m.basic()).refused(400, "invalid_scope")
	f.post("/oauth/token?client_secret="+m.Secret, "grant_type=client_credentials").refused(400, "invalid_request")
	f.post("/oauth/token", "grant_type=client_credentials;client_secret="+m.Secret).refused(400, "invalid_request")
	f.post("/oauth/token", "grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion="+token).refused(401, "invalid_client")
	for _, shown := range []string{token, script.Token, user.AccessToken, user.RefreshToken, "canary-token"} {
		m.asks(shown)
		f.post("/oauth/revoke", "token="+shown, "Authorization", m.basic()).want(200, "")
	}
	root.do("POST", "/admin/clients", fields{"name": "x", "canary-member": m.Secret}).want(400, "")
	root.do("POST", "/admin/clients/"+m.ID+"/rotate", nil).want(200, "").into(m)
	secrets["secret after rotation"] = m.Secret

	operator := access.Operator("test")
	events, err := f.service.AuditLog(t.Context(), &operator, portsQuery)
	if err != nil {
		t.Fatal(err)
	}
	audit := fmt.Sprintf("%+v", events)
	log := f.log.String()
	for name, secret := range secrets {
		if len(secret) < 6 {
			t.Fatalf("%s is %q", name, secret)
		}
		if strings.Contains(log, secret) || strings.Contains(log, secret[:len(secret)-1]) {
			t.Errorf("the log has the %s:\n%s", name, log)
		}
		if strings.Contains(audit, secret) && name != "canary" || strings.Contains(audit, "canary-secret") || strings.Contains(audit, "canary-token") {
			t.Errorf("the audit log has the %s:\n%s", name, audit)
		}
	}
	if strings.Count(log, `"route":"/oauth/token"`) < 10 || !strings.Contains(audit, "client.token") {
		t.Errorf("log %s, audit %s", log, audit)
	}
}
