package web_test

import (
	"context"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
)

// form posts fields as a browser does.
func (b *browser) form(path string, fields ...string) answer {
	b.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return b.do("POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// says fails the test unless a page has this text.
func (a answer) says(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(a.Body), text) {
			a.t.Fatalf("the page does not say %q:\n%s", text, a.Body)
		}
	}
	return a
}

func (a answer) leadsTo(path string) answer {
	a.t.Helper()
	a.want(303, "")
	if got := a.Header.Get("Location"); got != path {
		a.t.Fatalf("led to %q, want %q", got, path)
	}
	return a
}

func TestPages_account(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.Site = "Otter & Sons" }})
	b := f.browser()
	b.do("GET", "/", nil).want(200, "").says("Otter & Sons", "Sign in", "Create an account")
	b.do("GET", "/sign-up", nil).want(200, "").says("At least 15 characters", `autocomplete="new-password"`)

	b.form("/sign-up", "username", "alice", "email", "alice@mail.example", "password", password).leadsTo("/")
	b.do("GET", "/", nil).says("You are signed in", "alice@mail.example (not confirmed)")

	secret := f.mailed("confirm", "alice@mail.example")
	b.do("GET", "/confirm/"+secret, nil).want(200, "").says("Confirm")
	b.do("GET", "/confirm/"+secret, nil).want(200, "") // looking burns nothing
	b.form("/confirm/"+secret).want(200, "").says("alice@mail.example is confirmed")
	b.form("/confirm/"+secret).want(403, "").says("not valid any more")
	b.do("GET", "/", nil).says("alice@mail.example (confirmed)")

	b.form("/sign-out").leadsTo("/")
	b.do("GET", "/", nil).says("Create an account")
	b.form("/sign-in", "login", "alice", "password", "not the password").want(401, "").says("is wrong", `value="alice"`)
	b.form("/sign-in", "login", "alice@mail.example", "password", password).leadsTo("/")

	b.form("/forgot", "email", "nobody@mail.example").want(200, "").says("If somebody has an account")
	b.form("/forgot", "email", "alice@mail.example").want(200, "").says("If somebody has an account")
	secret = f.mailed("reset", "alice@mail.example")
	b.do("GET", "/reset/"+secret, nil).want(200, "").says("Choose another password")
	b.form("/reset/"+secret, "password", "short").want(400, "").says("at least 15 characters")
	b.form("/reset/"+secret, "password", newSecret).want(200, "").says("Your password is changed")
	b.form("/reset/"+secret, "password", newSecret).want(403, "").says("not valid any more")
	b.do("GET", "/", nil).says("Create an account") // the reset ended this session
	b.form("/sign-in", "login", "alice", "password", newSecret).leadsTo("/")
}

func TestPages_verifiedRegistration(t *testing.T) {
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Settings.Registration = auth.RegistrationVerified }})
	b := f.browser()
	b.form("/sign-up", "username", "alice", "email", "alice@mail.example", "password", password).want(200, "").says("Look into your mail")
	secret := f.mailed("register", "alice@mail.example")
	b.do("GET", "/register/"+secret, nil).want(200, "")
	b.form("/sign-in", "login", "alice", "password", password).want(401, "")
	b.form("/register/"+secret).want(200, "").says("Welcome, alice")
	b.form("/sign-in", "login", "alice", "password", password).leadsTo("/")
}

func TestPages_closedRegistration(t *testing.T) {
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Settings.Registration = auth.RegistrationClosed }})
	b := f.browser()
	b.do("GET", "/sign-up", nil).says("Registration is closed")
	if page := b.do("GET", "/", nil); strings.Contains(page.Body, "/sign-up") {
		t.Error("the start page leads to a closed registration")
	}
	b.form("/sign-up", "username", "alice", "email", "alice@mail.example", "password", password).want(403, "")
}

func TestPages_setup(t *testing.T) {
	f := newFixture(t, options{})
	made, err := f.service.SetupLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(made)
	if err != nil {
		t.Fatal(err)
	}
	b := f.browser()
	b.do("GET", "/setup/nonsense", nil).want(403, "").says("not valid any more")
	b.do("GET", u.Path, nil).want(200, "").says("administers the others")
	b.form(u.Path, "username", "al", "email", "root@mail.example", "password", password).want(400, "").says("at least 3", "root@mail.example")
	b.form(u.Path, "username", "root", "email", "root@mail.example", "password", password).leadsTo("/")
	b.do("GET", "/", nil).says("root", "admin")
	f.browser().form(u.Path, "username", "evil", "email", "evil@mail.example", "password", password).want(403, "")
}

func TestPages_errorsStandBesideTheirFields(t *testing.T) {
	f := newFixture(t, options{})
	page := f.browser().form("/sign-up", "username", "a b", "email", "nothing", "password", "short").want(400, "")
	for _, name := range []string{"username", "email", "password"} {
		if !strings.Contains(page.Body, `<p class="error" id="`+name+`-note">`) {
			t.Errorf("no error beside %s:\n%s", name, page.Body)
		}
	}
	page.says(`value="a b"`, `value="nothing"`)
	if strings.Contains(page.Body, `value="short"`) {
		t.Error("the page repeats the password")
	}
}

func TestPages_hostile(t *testing.T) {
	f := newFixture(t, options{})
	b := f.browser().register("alice")
	for _, path := range []string{"/sign-in", "/sign-up", "/sign-out", "/forgot", "/confirm", "/confirm/x", "/reset/x", "/register/x", "/setup/x"} {
		evil := f.browser()
		evil.cookies = b.cookies
		evil.header.Set("Sec-Fetch-Site", "cross-site")
		evil.form(path, "login", "mallory", "password", password).want(403, "").says("another site's page")
	}
	b.do("POST", "/sign-in", `{"login":"alice"}`).want(415, "")
	b.form("/sign-in", "login", "alice", "login", "mallory", "password", password).want(400, "")

	script := `"><script>alert(1)</script>`
	page := b.form("/sign-in", "login", script, "password", password)
	if strings.Contains(page.Body, "<script>") {
		t.Errorf("what was typed became markup:\n%s", page.Body)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Frame-Options":         "DENY",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "same-origin",
		"Content-Type":            "text/html; charset=utf-8",
	} {
		if got := page.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	b.do("GET", "/", nil, "Sec-Fetch-Site", "none").want(200, "")
	b.do("GET", "/nothing-here", nil).want(404, "not_found")
}

func TestPages_deadCookieIsDropped(t *testing.T) {
	f := newFixture(t, options{})
	b := f.browser().register("alice")
	cookie := b.cookies["__Host-hexward_session"]
	b.form("/sign-out")
	b.cookies["__Host-hexward_session"] = cookie
	b.do("GET", "/", nil).want(200, "").says("Create an account")
	if _, kept := b.cookies["__Host-hexward_session"]; kept {
		t.Error("the dead cookie was kept")
	}
}

func TestPages_style(t *testing.T) {
	f := newFixture(t, options{})
	b := f.browser()
	m := regexp.MustCompile(`href="(/static/style\.css\?v=[^"]+)"`).FindStringSubmatch(b.do("GET", "/", nil).Body)
	if m == nil {
		t.Fatal("the page has no style sheet")
	}
	a := b.do("GET", m[1], nil).want(200, "").says("--accent")
	if got := a.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control is %q", got)
	}
}

// Whoever was on the way to somewhere of ours goes on there after signing in.
func TestPages_returnTo(t *testing.T) {
	f := newFixture(t, options{})
	f.browser().register("alice")
	for _, tt := range []struct{ query, to string }{
		{"", "/"},
		{"?return_to=%2Forders%3Fa%3Db%26c%3Dd", "/orders?a=b&c=d"},
		{"?return_to=https%3A%2F%2Fevil.example%2F", "/"},
		{"?return_to=%2F%2Fevil.example%2F", "/"},
		{"?return_to=%2F%5Cevil.example%2F", "/"},
		{"?return_to=javascript%3Aalert(1)", "/"},
		{"?return_to=%2Fa&return_to=%2Fb", "/"},
		{"?return_to=%2Forders%22%3E%3Cscript%3E", "/"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			b := f.browser()
			page := b.do("GET", "/sign-in"+tt.query, nil).want(200, "")
			m := regexp.MustCompile(`<form method="post" action="([^"]*)">`).FindStringSubmatch(page.Body)
			if m == nil {
				t.Fatalf("no form in %s", page.Body)
			}
			action := html.UnescapeString(m[1])
			b.form(action, "login", "alice", "password", "not the password").want(401, "").says(action)
			b.form(action, "login", "alice", "password", password).leadsTo(tt.to)
		})
	}
}
