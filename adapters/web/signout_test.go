package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

const frontEnd = "https://app.example/bye"

// reports takes what the service reports.
type reports struct {
	mu   sync.Mutex
	list []string
}

func (r *reports) add(_ context.Context, doing string, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, doing)
}

func (r *reports) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.list)
}

func signOutFixture(t *testing.T, providers ...*upstream) (*fixture, *reports) {
	t.Helper()
	r := &reports{}
	o := withProviders(providers...)
	configure := o.auth
	o.auth = func(c *auth.Config) { configure(c); c.Report = r.add }
	o.web = func(c *web.Config) { c.FrontEnd = frontEnd }
	return newFixture(t, o), r
}

func TestSignOut(t *testing.T) {
	p := newUpstream("acme")
	const end = "https://acme.example/end?back=https%3A%2F%2Fapp.example%2Fbye&id_token_hint=id-token-of-alice"
	for _, tt := range []struct {
		name       string
		down, mute bool
		url        string
		revoked    int
		reported   int
	}{
		{"provider up", false, false, end, 1, 0},
		{"provider without a place to sign out", false, true, "", 1, 0},
		{"provider down", true, false, "", 0, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, by := range []string{"POST", "GET", "bearer"} {
				f, reported := signOutFixture(t, p)
				p.down, p.mute, p.revoked = false, tt.mute, nil
				b := f.browser().through(p, "alice")
				session := b.cookies[sessionCookie]
				if by == "bearer" {
					b = f.bearer(b.cookies[accessCookie])
				}
				p.fall(tt.down)
				switch by {
				case "GET":
					a := b.do("GET", "/auth/logout", nil, fromLink...).want(302, "")
					want := tt.url
					if want == "" {
						want = frontEnd
					}
					if to := a.Header.Get("Location"); to != want {
						t.Errorf("GET leads to %s, want %s", to, want)
					}
				default:
					var out struct {
						Status    string
						LogoutURL *string `json:"logout_url"`
					}
					a := b.do("POST", "/auth/logout", nil).want(200, "")
					a.into(&out)
					if out.Status != "signed out" || (out.LogoutURL != nil) != (tt.url != "") || out.LogoutURL != nil && *out.LogoutURL != tt.url {
						t.Errorf("%s answers %s", by, a.Body)
					}
				}
				after := f.browser()
				after.cookies[sessionCookie] = session
				after.do("GET", "/auth/me", nil).want(401, "session_unknown")
				p.fall(false)
				if len(p.revoked) != tt.revoked || len(p.revoked) > 0 && p.revoked[0].Access != "upstream-access-of-alice" {
					t.Errorf("%s revoked %+v", by, p.revoked)
				}
				if n := reported.count(); n != tt.reported {
					t.Errorf("%s reported %q", by, reported.list)
				}
			}
		})
	}
	// Whoever signed in by password has nowhere else to go.
	f, _ := signOutFixture(t, p)
	if a := f.browser().register("bob").do("POST", "/auth/logout", nil).want(200, ""); strings.Contains(a.Body, "logout_url") {
		t.Errorf("answer %s", a.Body)
	}
}

func TestBackChannelLogout(t *testing.T) {
	p, q := newUpstream("acme"), newUpstream("globex")
	f, _ := signOutFixture(t, p, q)
	post := func(provider, body string, extra ...string) answer {
		t.Helper()
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for i := 0; i+1 < len(extra); i += 2 {
			header.Set(extra[i], extra[i+1])
		}
		return f.send("POST", "/auth/backchannel-logout/"+provider, body, header)
	}
	alice, again, bob, elsewhere := f.browser().through(p, "alice"), f.browser().through(p, "alice"), f.browser().through(p, "bob"), f.browser().through(q, "alice")
	alive := func(b *browser, want bool) {
		t.Helper()
		status := 401
		if want {
			status = 200
		}
		b.do("GET", "/auth/verify", nil).want(status, "")
	}

	a := post("acme", "logout_token=one|alice|&more=ignored").want(200, "")
	if a.Body != "" || a.Header.Get("Cache-Control") != "no-store" || len(a.sets) > 0 {
		t.Errorf("answer %q %v", a.Body, a.Header)
	}
	alive(alice, false)
	alive(again, false)
	alive(bob, true)
	alive(elsewhere, true)

	back := f.browser().through(p, "alice")
	var refused struct{ Error, ErrorDescription string }
	for _, tt := range []struct {
		name, provider, body string
		extra                []string
		want                 int
	}{
		{"replay", "acme", "logout_token=one|alice|", nil, 400},
		{"garbage", "acme", "logout_token=garbage", nil, 400},
		{"nothing", "acme", "", nil, 400},
		{"empty", "acme", "logout_token=", nil, 400},
		{"twice", "acme", "logout_token=two|alice|&logout_token=three|alice|", nil, 400},
		{"json", "acme", `{"logout_token":"two|alice|"}`, []string{"Content-Type", "application/json"}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := post(tt.provider, tt.body, tt.extra...).want(tt.want, "")
			a.into(&refused)
			if refused.Error != "invalid_request" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("answer %s %v", a.Body, a.Header)
			}
			alive(back, true)
		})
	}
	post("evil", "logout_token=two|alice|").want(404, "provider_unknown")
	post("globex", "logout_token=two|alice|").want(200, "") // about globex' alice
	alive(back, true)
	alive(elsewhere, false)

	p.fall(true)
	post("acme", "logout_token=four|alice|").want(503, "provider_unavailable")
	p.fall(false)

	// One session of the provider's is one session here. A cookie counts for nothing,
	// and so does where the request comes from.
	post("acme", "logout_token=five||sid-alice", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example",
		"Cookie", sessionCookie+"="+bob.cookies[sessionCookie]).want(200, "")
	alive(back, false)
	alive(bob, true)
	post("acme", "logout_token=six|nobody|").want(200, "")
}

// broken refuses to sign anybody out at the provider for good.
type broken struct{ ports.ProviderLogout }

func (broken) Revoke(context.Context, session.Tokens) error {
	return fault.New(fault.Internal, "x", "x")
}

func (broken) End(context.Context, session.Tokens, string) (string, error) {
	return "", context.DeadlineExceeded
}

func TestSignOut_providerFails(t *testing.T) {
	p := newUpstream("acme")
	r := &reports{}
	o := withProviders(p)
	configure := o.auth
	o.auth = func(c *auth.Config) {
		configure(c)
		c.Report, c.Providers[0].Logout = r.add, broken{p}
	}
	f := newFixture(t, o)
	b := f.browser().through(p, "alice")
	cookie := b.cookies[sessionCookie]
	b.do("POST", "/auth/logout", nil).want(200, "")
	b.cookies[sessionCookie] = cookie
	b.do("GET", "/auth/me", nil).want(401, "session_unknown")
	if r.count() != 2 {
		t.Errorf("reported %q", r.list)
	}
}
