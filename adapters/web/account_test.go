package web_test

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

func TestAccount_Flow(t *testing.T) {
	f := newFixture(t, options{})
	b := f.browser()

	var got struct {
		User     userAnswer
		Delivery string
	}
	a := b.do("POST", "/auth/register", fields{"username": "alice", "email": "Alice@mail.example", "password": password}).want(201, "")
	a.into(&got)
	if got.Delivery != "cookie" || got.User.Username != "alice" || got.User.Email != "Alice@mail.example" || got.User.EmailConfirmed ||
		got.User.Tenant != "default" || got.User.Permissions == nil {
		t.Errorf("register answers %s", a.Body)
	}
	for name, want := range map[string]struct {
		path string
		life time.Duration
	}{
		"__Host-hexward_session":   {"/", 7 * 24 * time.Hour},
		"__Host-hexward_access":    {"/", 15 * time.Minute},
		"__Secure-hexward_refresh": {"/auth/token/refresh", 7 * 24 * time.Hour},
	} {
		c := a.sets[name]
		if c == nil {
			t.Fatalf("no cookie %s in %v", name, a.Header["Set-Cookie"])
		}
		life := time.Duration(c.MaxAge) * time.Second
		if c.Path != want.path || c.Domain != "" || !c.Secure || !c.HttpOnly || c.SameSite != 2 || life > want.life || life < want.life-time.Minute {
			t.Errorf("cookie %s", c.Raw)
		}
	}

	if u := b.user(); !cmp.Equal(u, got.User) {
		t.Error(cmp.Diff(u, got.User))
	}
	for _, req := range [][2]string{{"GET", "/auth/userinfo"}, {"POST", "/auth/token"}} {
		var u userAnswer
		b.do(req[0], req[1], nil).want(200, "").into(&u)
		if !cmp.Equal(u, got.User) {
			t.Errorf("%v: %s", req, cmp.Diff(u, got.User))
		}
	}
	v := b.do("GET", "/auth/verify", nil).want(200, "")
	if v.Header.Get("X-Auth-Subject") != got.User.ID || v.Header.Get("X-Auth-Name") != "alice" || v.Header.Get("X-Auth-Tenant") != "default" ||
		v.Header.Get("X-Auth-Session") == "" {
		t.Errorf("verify answers %v", v.Header)
	}
	b.do("POST", "/auth/token/refresh", nil).want(200, "")
	b.do("GET", "/auth/verify", nil).want(200, "")

	old := b.cookies["__Host-hexward_session"]
	out := b.do("POST", "/auth/logout", nil).want(200, "")
	if len(out.sets) != 3 || len(b.cookies) != 0 {
		t.Errorf("logout sets %v", out.Header["Set-Cookie"])
	}
	b.cookies["__Host-hexward_session"] = old
	b.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	b.do("POST", "/auth/logout", nil).want(200, "") // again
	b.do("GET", "/auth/verify", nil).want(401, "unauthenticated")
}

func TestRegister_Refusals(t *testing.T) {
	f := newFixture(t, options{})
	f.browser().register("alice")
	for _, tt := range []struct {
		name                  string
		username, email, pass string
		want                  int
		names                 []string
	}{
		{"all wrong", "a", "no address", "short", 400, []string{"username", "email", "password"}},
		{"common password", "bob", "bob@mail.example", "passwordpassword", 400, []string{"password"}},
		{"name taken", "alice", "bob@mail.example", password, 409, nil},
		{"name taken in another case", "ALICE", "bob@mail.example", password, 409, nil},
		{"address taken", "bob", "alice@mail.example", password, 409, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := f.browser().do("POST", "/auth/register", fields{"username": tt.username, "email": tt.email, "password": tt.pass}).want(tt.want, "")
			var p struct {
				Status int
				Title  string
				Detail string
				Errors []struct{ Name string }
			}
			a.into(&p)
			var names []string
			for _, e := range p.Errors {
				names = append(names, e.Name)
			}
			if !cmp.Equal(names, tt.names) || p.Status != tt.want || p.Title == "" || p.Detail == "" || len(a.sets) > 0 {
				t.Errorf("%s, sets %v", a.Body, a.Header["Set-Cookie"])
			}
		})
	}
}

func TestRegister_Verified(t *testing.T) {
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Settings.Registration = auth.RegistrationVerified }})
	b := f.browser()
	a := b.do("POST", "/auth/register", fields{"username": "alice", "email": "alice@mail.example", "password": password}).want(202, "")
	if a.Body != `{"status":"pending"}` || len(a.sets) > 0 {
		t.Errorf("%s, sets %v", a.Body, a.Header["Set-Cookie"])
	}
	b.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(401, "bad_credentials")
	token := f.mailed("register", "alice@mail.example")
	b.do("GET", "/auth/confirm/"+token, nil).want(405, "") // a mail scanner's GET burns nothing
	b.do("POST", "/auth/confirm/"+token, nil).want(200, "")
	b.do("POST", "/auth/confirm/"+token, nil).want(403, "token_unknown")
	b.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
	known := f.browser().do("POST", "/auth/register", fields{"username": "bob", "email": "alice@mail.example", "password": password}).want(202, "")
	if known.Body != a.Body {
		t.Errorf("a known address is told from a new one: %s", known.Body)
	}
}

func TestRegister_Closed(t *testing.T) {
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Settings.Registration = auth.RegistrationClosed }})
	f.browser().do("POST", "/auth/register", fields{"username": "alice", "email": "alice@mail.example", "password": password}).want(403, "registration_closed")
}

func TestSetup(t *testing.T) {
	f := newFixture(t, options{})
	link, err := f.service.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in := fields{"username": "root", "email": "root@mail.example", "password": password}
	b := f.browser()
	b.do("POST", "/auth/setup/wrong", in).want(403, "token_unknown")
	b.do("POST", "/auth/setup/"+path.Base(link), in).want(201, "")
	b.do("GET", "/admin/users", nil).want(200, "")
	f.browser().do("POST", "/auth/setup/"+path.Base(link), in).want(403, "token_unknown")
}

func TestConfirm(t *testing.T) {
	f := newFixture(t, options{})
	b := f.browser().register("alice")
	if a := b.do("GET", "/auth/confirm", nil).want(200, ""); a.Body != `{"email":"alice@mail.example","confirmed":false}` {
		t.Error(a.Body)
	}
	first := f.mailed("confirm", "alice@mail.example")
	b.do("POST", "/auth/confirm", nil).want(202, "")
	a := b.do("POST", "/auth/confirm", nil).want(429, "")
	if n, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || n < 1 || n > 1800 {
		t.Errorf("Retry-After: %s", a.Header.Get("Retry-After"))
	}
	f.browser().do("POST", "/auth/confirm/"+first, nil).want(403, "token_unknown") // voided by the newer one
	f.browser().do("POST", "/auth/confirm/nothing", nil).want(403, "token_unknown")
	second := f.mailed("confirm", "alice@mail.example")
	f.browser().do("POST", "/auth/confirm/"+second, nil).want(200, "")
	if a := b.do("GET", "/auth/confirm", nil).want(200, ""); a.Body != `{"email":"alice@mail.example","confirmed":true}` {
		t.Error(a.Body)
	}
	b.do("POST", "/auth/confirm", nil).want(400, "already_confirmed")
}

func TestPassword_Reset(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	known := f.browser().do("POST", "/auth/forgot-password", fields{"email": "alice@mail.example"}).want(202, "")
	unknown := f.browser().do("POST", "/auth/forgot-password", fields{"email": "nobody@mail.example"}).want(202, "")
	known.Header.Del("X-Request-Id")
	unknown.Header.Del("X-Request-Id")
	known.Header.Del("Date")
	unknown.Header.Del("Date")
	if known.Body != unknown.Body || !cmp.Equal(known.Header, unknown.Header) {
		t.Errorf("a known address is told from an unknown one: %s %s", known.Body, unknown.Body)
	}
	token := f.mailed("reset", "alice@mail.example")
	f.browser().do("POST", "/auth/password/"+token, fields{"password": "short"}).want(400, "")
	f.browser().do("POST", "/auth/password/"+token, fields{"password": newSecret}).want(200, "")
	f.browser().do("POST", "/auth/password/"+token, fields{"password": newSecret}).want(403, "token_unknown")
	alice.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(401, "bad_credentials")
	f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": newSecret}).want(200, "")
	f.browser().do("POST", "/auth/forgot-password", fields{"email": "no address"}).want(400, "")
}

func TestPassword_Change(t *testing.T) {
	f := newFixture(t, options{})
	alice, other := f.browser().register("alice"), f.browser()
	other.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
	old := alice.cookies[sessionCookie]
	alice.do("PUT", "/auth/password", fields{"password": "wrong wrong wrong", "new_password": newSecret}).want(401, "bad_credentials")
	if alice.cookies[sessionCookie] != old {
		t.Error("a wrong password dropped the session's cookie")
	}
	alice.do("PUT", "/auth/password", fields{"password": password, "new_password": "short"}).want(400, "")
	a := alice.do("PUT", "/auth/password", fields{"password": password, "new_password": newSecret}).want(200, "")
	if len(a.sets) != 3 || alice.cookies[sessionCookie] == old {
		t.Errorf("sets %v", a.Header["Set-Cookie"])
	}
	alice.do("GET", "/auth/verify", nil).want(200, "")
	other.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	thief := f.browser()
	thief.cookies[sessionCookie] = old
	thief.do("GET", "/auth/verify", nil).want(401, "session_unknown")

	f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": newSecret, "delivery": "body"}).want(200, "")
	var in, out tokenAnswer
	f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": newSecret, "delivery": "body"}).want(200, "").into(&in)
	a = f.bearer(in.AccessToken).do("PUT", "/auth/password", fields{"password": newSecret, "new_password": password}).want(200, "")
	a.into(&out)
	if out.Delivery != "body" || out.AccessToken == "" || len(a.sets) > 0 {
		t.Errorf("%s, sets %v", a.Body, a.Header["Set-Cookie"])
	}
	f.bearer(out.AccessToken).do("GET", "/auth/verify", nil).want(200, "")
	f.bearer(in.AccessToken).do("GET", "/auth/verify", nil).want(401, "token_revoked")
}

func TestChangeUsername(t *testing.T) {
	f := newFixture(t, options{})
	root, alice, bob := f.admin(), f.browser().register("alice"), f.browser().register("bob")
	id, bobID := alice.user().ID, bob.user().ID
	alice.do("POST", "/auth/"+id+"/change_username", fields{"username": "alicia"}).want(200, "")
	if v := alice.do("GET", "/auth/verify", nil).want(200, ""); v.Header.Get("X-Auth-Name") != "alicia" {
		t.Errorf("verify says %q", v.Header.Get("X-Auth-Name"))
	}
	alice.do("POST", "/auth/"+id+"/change_username", fields{"username": "alicia"}).want(400, "unchanged")
	alice.do("POST", "/auth/"+id+"/change_username", fields{"username": "bob"}).want(409, "username_taken")
	alice.do("POST", "/auth/"+id+"/change_username", fields{"username": "a b"}).want(400, "")
	alice.do("POST", "/auth/"+bobID+"/change_username", fields{"username": "robert"}).want(403, "forbidden")
	alice.do("POST", "/auth/nobody/change_username", fields{"username": "robert"}).want(403, "forbidden")
	f.browser().do("POST", "/auth/"+bobID+"/change_username", fields{"username": "robert"}).want(401, "unauthenticated")
	root.do("POST", "/auth/"+bobID+"/change_username", fields{"username": "robert"}).want(200, "")
	root.do("POST", "/auth/nobody/change_username", fields{"username": "robert"}).want(404, "user_unknown")
}

func TestSessions(t *testing.T) {
	f := newFixture(t, options{})
	alice, phone, mallory := f.browser().register("alice"), f.browser(), f.browser().register("mallory")
	phone.do("POST", "/auth/login", fields{"login": "alice", "password": password}, "User-Agent", "phone/1").want(200, "")
	type list struct {
		Sessions []struct {
			ID, Address string
			Agent       string `json:"user_agent"`
			Current     bool
		}
	}
	var l list
	alice.do("GET", "/auth/sessions", nil).want(200, "").into(&l)
	if len(l.Sessions) != 2 {
		t.Fatalf("sessions: %+v", l)
	}
	ids := map[bool]string{}
	for _, s := range l.Sessions {
		ids[s.Current] = s.ID
		if s.Address != "127.0.0.1" || !s.Current && s.Agent != "phone/1" {
			t.Errorf("session %+v", s)
		}
	}
	mallory.do("DELETE", "/auth/sessions/"+ids[false], nil).want(404, "session_unknown")
	phone.do("GET", "/auth/verify", nil).want(200, "")
	alice.do("DELETE", "/auth/sessions/"+ids[false], nil).want(204, "")
	phone.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	phone.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
	if a := alice.do("DELETE", "/auth/sessions", nil).want(200, ""); a.Body != `{"ended":1}` {
		t.Error(a.Body)
	}
	phone.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	if a := alice.do("DELETE", "/auth/sessions/"+ids[true], nil).want(204, ""); len(a.sets) != 3 {
		t.Errorf("sets %v", a.Header["Set-Cookie"])
	}
	alice.do("GET", "/auth/verify", nil).want(401, "unauthenticated")
}

func TestDeleteMe(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	token := f.tokens("alice").AccessToken
	alice.do("DELETE", "/auth/me", nil).want(400, "required")
	alice.do("DELETE", "/auth/me", fields{"password": "wrong wrong wrong"}).want(401, "bad_credentials")
	alice.do("GET", "/auth/verify", nil).want(200, "")
	if a := alice.do("DELETE", "/auth/me", fields{"password": password}).want(204, ""); len(a.sets) != 3 {
		t.Errorf("sets %v", a.Header["Set-Cookie"])
	}
	f.bearer(token).do("GET", "/auth/verify", nil).want(401, "token_revoked")
	f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(401, "bad_credentials")
}

func TestLogin_Throttled(t *testing.T) {
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Settings.AccountLimit = user.Limit{Count: 3, Window: 15 * time.Minute} }})
	f.browser().register("alice")
	for _, login := range []string{"alice", "nobody"} {
		for range 3 {
			f.browser().do("POST", "/auth/login", fields{"login": login, "password": "wrong wrong wrong"}).want(401, "bad_credentials")
		}
		a := f.browser().do("POST", "/auth/login", fields{"login": login, "password": password}).want(429, "too_many_attempts")
		if n, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || n < 1 || n > 900 {
			t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
		}
	}
}

// On a loopback origin over http there is no way to set secure cookies.
func TestCookies_Loopback(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.PublicURL, c.BasePath = "http://127.0.0.1:8080", "/api/auth" }})
	a := f.browser().do("POST", "/api/auth/register", fields{"username": "alice", "email": "alice@mail.example", "password": password}).want(201, "")
	for name, path := range map[string]string{"hexward_session": "/", "hexward_access": "/", "hexward_refresh": "/api/auth/token/refresh"} {
		if c := a.sets[name]; c == nil || c.Secure || !c.HttpOnly || c.Path != path {
			t.Errorf("%s: %v", name, c)
		}
	}
	if a.Header.Get("Strict-Transport-Security") != "" {
		t.Error("Strict-Transport-Security over http")
	}
}

// A store that is down is 503 and says so, and never a reason to sign anybody out.
func TestUnavailable(t *testing.T) {
	var down atomic.Bool
	f := newFixture(t, options{auth: func(c *auth.Config) { c.Users = brokenUsers{c.Users, &down} }})
	alice := f.browser().register("alice")
	down.Store(true)
	a := alice.do("GET", "/auth/me", nil).want(503, "store_down")
	if a.Header.Get("Retry-After") == "" || len(a.sets) > 0 || strings.Contains(a.Body, "canary") {
		t.Errorf("%v %s", a.Header, a.Body)
	}
	if !strings.Contains(f.log.String(), "canary cause") {
		t.Error("the cause is not in the log")
	}
}

// A use case that takes too long is given up, and is 503 as well.
func TestTimeout(t *testing.T) {
	f := newFixture(t, options{
		auth: func(c *auth.Config) { c.Directory = slowDirectory{c.Directory} },
		web:  func(c *web.Config) { c.Timeout = time.Second },
	})
	a := f.admin().do("GET", "/admin/users", nil).want(503, "unavailable")
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("headers %v", a.Header)
	}
}

type slowDirectory struct{ ports.Directory }

func (slowDirectory) People(tenant.Scope) ports.People { return slowPeople{} }

type slowPeople struct{ ports.People }

func (slowPeople) Search(ctx context.Context, _ ports.UserQuery) ([]user.User, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(5 * time.Second):
		return nil, errors.New("the use case was not given up")
	}
}

type brokenUsers struct {
	ports.Users
	down *atomic.Bool
}

func (b brokenUsers) ByID(ctx context.Context, id string) (user.User, error) {
	if b.down.Load() {
		return user.User{}, fault.Wrap(errors.New("canary cause"), fault.Unavailable, "store_down", "please try again")
	}
	return b.Users.ByID(ctx, id)
}
