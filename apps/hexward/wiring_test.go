package main_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// inbox is a mail server that keeps what it gets.
type inbox struct{ mails chan string }

func (b *inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return b, nil }
func (b *inbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (b *inbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (b *inbox) Reset()                                      {}
func (b *inbox) Logout() error                               { return nil }

func (b *inbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	b.mails <- string(text)
	return err
}

// Mail goes through the SMTP server that is configured, from whom is configured.
func TestServe_SMTP(t *testing.T) {
	in := &inbox{make(chan string, 10)}
	server := smtp.NewServer(in)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	i := serve(
		t, t.TempDir(), "--mail", "smtp", "--smtp-host", "127.0.0.1", "--smtp-port", port, "--smtp-tls", "none",
		"--mail-from", "id@example.org", "--site", "The Pond", "--display-name", "Otters",
	)
	i.browser().register(t, "ada")
	select {
	case mail := <-in.mails:
		for _, want := range []string{"From: \"Otters\" <id@example.org>", "To: <ada@example.org>", "The Pond", i.url + "/confirm/"} {
			if !strings.Contains(mail, want) {
				t.Errorf("%q is not in\n%s", want, mail)
			}
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("no mail came:\n%s", i.stderr)
	}
}

// A mail server that is away holds nobody up, and what it could not be given is
// in the log, without the link.
func TestServe_SMTP_away(t *testing.T) {
	i := serve(
		t, t.TempDir(), "--mail", "smtp", "--smtp-host", "127.0.0.1", "--smtp-port", freePort(t), "--smtp-tls", "none", "--mail-from", "id@example.org",
	)
	began := time.Now()
	i.browser().register(t, "ada")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("registering took %v", took)
	}
	i.stop()
	log := i.stderr.String()
	if !strings.Contains(log, "mail was not delivered") || strings.Contains(log, "/confirm/") || strings.Contains(log, "ada@example.org") {
		t.Errorf("logged\n%s", log)
	}
}

// With a captcha nobody gets anywhere without having solved one.
func TestServe_captcha(t *testing.T) {
	i := serve(t, t.TempDir(), "--captcha", "turnstile", "--captcha-secret", "hush-hush-hush")
	b := i.browser()
	a := b.do(t, "POST", "/auth/register", object{"username": "ada", "email": "ada@example.org", "password": password}, 400)
	if !strings.Contains(string(a.body), `"captcha"`) {
		t.Errorf("answered %s", a.body)
	}
	b.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 400)
	b.do(t, "POST", "/auth/forgot-password", object{"email": "ada@example.org"}, 400)
}

// The settings of tokens, sessions and people reach the service.
func TestServe_settings(t *testing.T) {
	i := serve(
		t, t.TempDir(), "--algorithm", "ES256", "--access-life", "2m", "--audience", "shop", "--password-min", "24", "--base-path", "/api/users",
		"--account-limit", "2/1m", "--public-url", "http://localhost:3000",
	)
	b := direct(i, i.browser())
	register := object{"username": "ada", "email": "ada@example.org", "password": password, "delivery": "body"}
	b.do(t, "POST", "/auth/register", register, 404)
	b.do(t, "POST", "/api/users/register", object{"username": "ada", "email": "ada@example.org", "password": password[:23]}, 400)
	a := b.do(t, "POST", "/api/users/register", register, 201)
	parts := strings.Split(a.text("access_token"), ".")
	var head struct{ Alg string }
	var claims struct {
		Iss, Aud string
		Iat, Exp int64
	}
	for n, into := range []any{&head, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	if head.Alg != "ES256" || claims.Iss != "http://localhost:3000" || claims.Aud != "shop" || claims.Exp-claims.Iat != 120 {
		t.Errorf("the token has %+v, %+v", head, claims)
	}
	for range 2 {
		b.do(t, "POST", "/api/users/login", object{"login": "ada", "password": another}, 401)
	}
	b.do(t, "POST", "/api/users/login", object{"login": "ada", "password": password}, 429)

	closed := serve(t, t.TempDir(), "--registration", "closed", "--algorithm", "HS256").browser()
	closed.do(t, "POST", "/auth/register", register, 403)
	if a := closed.do(t, "GET", "/.well-known/jwks.json", nil, 200); string(a.body) != `{"keys":[]}` {
		t.Errorf("a secret is published: %s", a.body)
	}
}

// Who may call from another origin, and whose word counts for a client's address.
func TestServe_origins_and_proxies(t *testing.T) {
	const app = "https://app.example.org"
	i := serve(t, t.TempDir(), "--cors-origins", app, "--trusted-proxies", "127.0.0.0/8", "--public-url", "https://id.example.org")
	ask := func(header ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, direct(i, i.browser()).base+"/auth/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(header); n += 2 {
			r.Header.Set(header[n], header[n+1])
		}
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		a, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		return a
	}
	if a := ask("X-Forwarded-Proto", "http", "X-Forwarded-For", "203.0.113.7"); a.StatusCode/100 != 3 || !strings.HasPrefix(a.Header.Get("Location"), "https://id.example.org/") {
		t.Errorf("a client without TLS is answered %s and sent to %q", a.Status, a.Header.Get("Location"))
	}
	a := ask("X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.7", "Origin", app)
	if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Access-Control-Allow-Origin") != app || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("answered %s with %v", a.Status, a.Header)
	}
	if a := ask("Origin", "https://evil.example.org"); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin may read the answer: %v", a.Header)
	}
	if log := i.stderr.String(); !strings.Contains(log, `"client":"203.0.113.7"`) {
		t.Errorf("logged\n%s", log)
	}
}

// A trusted proxy asks about each request in the way that is configured, and nobody else is answered.
func TestServe_forward(t *testing.T) {
	i := serve(t, t.TempDir(), "--forward-auth", "nginx", "--trusted-proxies", "127.0.0.1", "--forward-token")
	ada := i.browser()
	ada.register(t, "ada")
	ask := func(b *browser, headers ...string) answer {
		t.Helper()
		a, err := b.send("GET", "/auth/verify", "", "", headers...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	request := []string{"X-Original-Method: GET", "X-Original-URI: /orders/7"}
	a := ask(ada, request...)
	if a.status != 200 || a.header.Get("X-Auth-Name") != "ada" || strings.Count(a.header.Get("X-Auth-Token"), ".") != 2 {
		t.Errorf("answered %d with %v", a.status, a.header)
	}
	if a := ask(i.browser(), request...); a.status != 401 {
		t.Errorf("a stranger is answered %d", a.status)
	}
	for _, wrong := range [][]string{nil, {request[0]}, {request[1]}, {"X-Forwarded-Method: GET", "X-Forwarded-Uri: /orders/7"}, {request[0], "X-Original-URI: /orders/../admin"}} {
		if a := ask(ada, wrong...); a.status/100 == 2 {
			t.Errorf("%q is answered %d", wrong, a.status)
		}
	}
}

// A policy says what each route demands that the proxy asks about.
func TestServe_policy(t *testing.T) {
	rules := writeConfig(t, `
- {path: /public/**, access: public}
- {path: /jobs/**, access: token, only: machine, permissions: [jobs]}
- {path: /orders/**, access: session}
`)
	i := serve(t, t.TempDir(), "--forward-auth", "traefik", "--trusted-proxies", "127.0.0.1", "--policy", rules)
	ada, machine, nobody := i.browser(), i.browser(), i.browser()
	ada.register(t, "ada")
	job := i.machineOf(t, "job", "--permission", "jobs,other")
	machine.bearer = nobody.form(t, "/oauth/token", 200, byItself, basic(job.ID, job.Secret)).text("access_token")
	weak := i.browser()
	weak.bearer = nobody.form(t, "/oauth/token", 200, url.Values{"grant_type": {"client_credentials"}, "scope": {"other"}}, basic(job.ID, job.Secret)).text("access_token")
	for _, tt := range []struct {
		name string
		who  *browser
		path string
		want int
	}{
		{"anybody", nobody, "/public/logo.png", 200},
		{"nobody", nobody, "/orders/7", 401},
		{"a_person", ada, "/orders/7", 200},
		{"a_machine_in_a_session's_place", machine, "/orders/7", 403},
		{"a_machine", machine, "/jobs/run", 200},
		{"a_machine_without_the_permission", weak, "/jobs/run", 403},
		{"a_person_in_a_machine's_place", ada, "/jobs/run", 403},
		{"two_ways_to_read", ada, "/orders/%2e%2e/public/x", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := tt.who.send("GET", "/auth/verify", "", "", "X-Forwarded-Method: GET", "X-Forwarded-Uri: "+tt.path)
			if err != nil || a.status != tt.want {
				t.Errorf("answered %d, not %d: %s %v", a.status, tt.want, a.body, err)
			}
		})
	}

	// What is wrong with a policy is said before anything starts, all of it.
	bad := writeConfig(t, "- {path: orders, access: session}\n- {path: /a, acces: public}\n")
	for _, command := range []string{"check", "print"} {
		_, stderr, code := commandWith(t, nil, "", "config", command, "--forward-auth", "nginx", "--trusted-proxies", "127.0.0.1", "--policy", bad, "--data", t.TempDir())
		if code != 2 || strings.Count(stderr, "policy: ") < 2 || !strings.Contains(stderr, bad) {
			t.Errorf("config %s: exit code %d: %s", command, code, stderr)
		}
	}
	for want, args := range map[string][]string{
		"no such file": {"--forward-auth", "nginx", "--trusted-proxies", "127.0.0.1", "--policy", bad + ".none"}, "nothing asks about it": {"--policy", rules},
	} {
		if _, stderr, code := command(t, "", append([]string{"config", "check", "--data", t.TempDir()}, args...)...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, %q is not said: %s", code, want, stderr)
		}
	}
	must(t, "config", "check", "--data", t.TempDir(), "--policy", rules, "--bundle", "public") // edge workers decide by it
}

// Without a policy edge workers demand what a proxy's requests do.
func TestServe_edgePolicy(t *testing.T) {
	data := t.TempDir()
	must(t, "bundle", "key", "show", "--data", data) // makes the database
	for want, args := range map[string][]string{
		`"policy":[{"path":"/**","access":"session_or_token"}]`: {"--bundle", "public"},
		`"policy":[{"path":"/orders/**","access":"token"}]`:     {"--bundle", "public", "--policy", writeConfig(t, "- {path: /orders/**, access: token}\n")},
	} {
		compact := must(t, append([]string{"bundle", "export", "--data", data}, args...)...)
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(compact, ".")[1])
		if err != nil || !strings.Contains(string(payload), want) {
			t.Errorf("%v: %s does not say %s", err, payload, want)
		}
	}
}
