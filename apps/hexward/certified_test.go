package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	main "github.com/hexward/hexward/apps/hexward"
)

// certified is npm's oidc-provider, which is certified by the OpenID Foundation, as
// a process of its own.
type certified struct {
	t      testing.TB
	port   string
	issuer string
	setup  map[string]any
	stderr *buffer
	stdin  io.Closer
	ended  chan struct{}
}

// Who the service is there.
const (
	clientID     = "hexward"
	clientSecret = "certified-canary-0d1f2a3b4c5d6e7f"
)

const oidcDir = "testdata/oidc"

// installing is one at a time.
var installing sync.Mutex

// install installs what a directory of testdata needs from npm, as its lock file
// says, if that is not there. Without npm the test is skipped.
func install(t testing.TB, dir, module string) {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			lacking(t, name+" is missing")
		}
	}
	installing.Lock()
	defer installing.Unlock()
	if _, err := os.Stat(filepath.Join(dir, "node_modules", module, "package.json")); err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Run(); err != nil {
		lacking(t, "npm ci: "+err.Error())
	}
}

// startCertified starts a provider that knows the service at an address. More are
// other members of what server.js is given.
func startCertified(t testing.TB, service string, more object) *certified {
	t.Helper()
	install(t, oidcDir, "oidc-provider")
	c := &certified{t: t, port: freePort(t), setup: object{"kid": "first", "clients": []object{{
		"client_id": clientID, "client_secret": clientSecret, "grant_types": []string{"authorization_code", "refresh_token"},
		"redirect_uris":             []string{service + "/auth/callback", service + "/oidc/callback/", service + "/spa"},
		"post_logout_redirect_uris": []string{service + "/", service + "/welcome"},
		"backchannel_logout_uri":    service + "/auth/backchannel-logout/acme", "backchannel_logout_session_required": true,
	}}}}
	for name, value := range more {
		c.setup[name] = value
	}
	c.start()
	t.Cleanup(c.stop)
	return c
}

// lacking skips a test, or fails it in CI.
func lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// start starts it, with new keys.
func (c *certified) start() {
	c.t.Helper()
	setup := map[string]any{"port": json.Number(c.port)}
	for name, value := range c.setup {
		setup[name] = value
	}
	given, err := json.Marshal(setup)
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command("node", "server.js", string(given))
	cmd.Dir = oidcDir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	c.stderr = &buffer{}
	cmd.Stderr = c.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.stdin, c.ended = stdin, make(chan struct{})
	kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if !kill.Stop() || err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		c.t.Fatalf("the provider does not start: %v\n%s", err, c.stderr)
	}
	var said struct{ Issuer string }
	if err := json.Unmarshal(line, &said); err != nil {
		c.t.Fatal(err)
	}
	c.issuer = said.Issuer
	go func() {
		defer close(c.ended)
		_ = cmd.Wait()
	}()
	ended := c.ended
	c.t.Cleanup(func() {
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
}

// stop stops it, and waits until nobody listens.
func (c *certified) stop() {
	_ = c.stdin.Close()
	select {
	case <-c.ended:
	case <-time.After(5 * time.Second):
		c.t.Errorf("the provider does not stop")
	}
}

// told waits until the provider has said this on standard error.
func (c *certified) told(what string) {
	c.t.Helper()
	if !within(5*time.Second, func() bool { return strings.Contains(c.stderr.String(), what) }) {
		c.t.Errorf("the provider does not say %q:\n%s", what, c.stderr)
	}
}

// acme are the flags of a service that has the provider under this name.
func (c *certified) acme(more ...string) []string {
	return append([]string{
		"--provider-name", "acme", "--provider-title", "Acme", "--provider-issuer", "http://127.0.0.1:" + c.port,
		"--provider-client-id", clientID, "--provider-client-secret", clientSecret,
	}, more...)
}

// serveEnv is serve with an environment.
func serveEnv(t testing.TB, data string, env map[string]string, args ...string) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{t: t, data: data, stdout: &buffer{}, stderr: &buffer{}, ended: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(i.ended)
		err := main.Run(ctx, append(settings(data), args...), func(name string) string { return env[name] }, strings.NewReader(""), i.stdout, i.stderr)
		i.code = main.Exit(i.stderr, err)
	}()
	i.up()
	return i
}

// visitor is a browser without scripts that stops at each redirect.
type visitor struct {
	*browser
	t     *testing.T
	asked []string // the interactions that a provider asked for, in order
}

func visit(t *testing.T, i *instance) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{browser: &browser{base: i.url, http: &http.Client{
		Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, t: t}
}

// navigate asks for a page as a click does.
func (v *visitor) navigate(method, at string, form url.Values) (*http.Response, string) {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, at, body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", "none")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return a, string(text)
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"[^>]*>`)
	promptIs   = regexp.MustCompile(`name="prompt" value="([a-z]+)"`)
	xsrfIs     = regexp.MustCompile(`name="xsrf" value="([^"]+)"`)
)

// through goes on from an address, signing in at the provider as name where it
// asks, until it is led to an address that begins with end, which it returns
// without going there.
func (v *visitor) through(at, name, end string) string {
	v.t.Helper()
	method, form := http.MethodGet, url.Values(nil)
	for range 20 {
		if strings.HasPrefix(at, end) {
			return at
		}
		a, page := v.navigate(method, at, form)
		if to := a.Header.Get("Location"); a.StatusCode/100 == 3 && to != "" {
			u, err := a.Request.URL.Parse(to)
			if err != nil {
				v.t.Fatal(err)
			}
			method, form, at = http.MethodGet, nil, u.String()
			continue
		}
		action := formAction.FindStringSubmatch(page)
		if a.StatusCode != http.StatusOK || action == nil {
			v.t.Fatalf("%s answers %d: %s", at, a.StatusCode, page)
		}
		u, err := a.Request.URL.Parse(html.UnescapeString(action[1]))
		if err != nil {
			v.t.Fatal(err)
		}
		method, at, form = http.MethodPost, u.String(), url.Values{}
		switch prompt, xsrf := promptIs.FindStringSubmatch(page), xsrfIs.FindStringSubmatch(page); {
		case prompt != nil:
			v.asked = append(v.asked, prompt[1])
			form.Set("prompt", prompt[1])
			if prompt[1] == "login" {
				form.Set("login", name)
				form.Set("password", "any")
			}
		case xsrf != nil:
			v.asked = append(v.asked, "logout")
			form.Set("xsrf", xsrf[1])
			form.Set("logout", "yes")
		default:
			v.t.Fatalf("%s asks for what is not known: %s", at, page)
		}
	}
	v.t.Fatalf("led around in circles, to %s", at)
	return ""
}

// signIn signs in through acme as name and returns where the callback leads to.
func (v *visitor) signIn(name, query string) string {
	v.t.Helper()
	at := v.through(v.base+"/auth/login?provider=acme"+query, name, v.base+"/auth/callback?")
	a, page := v.navigate(http.MethodGet, at, nil)
	if a.StatusCode != http.StatusFound {
		v.t.Fatalf("the callback answers %d: %s", a.StatusCode, page)
	}
	return a.Header.Get("Location")
}

// status asks whether the session is good.
func (v *visitor) status() int {
	v.t.Helper()
	a, err := v.try("GET", "/auth/verify", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return a.status
}
