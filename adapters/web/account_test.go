package web_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
