package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

const bye = issuer + "/bye"

func TestService_SignOut(t *testing.T) {
	w, up := newUpWorld(t)
	g := w.mustCome("google", dana())
	p := w.principal(g)
	revokedLast := false
	w.reset()
	w.before["ProviderLogout.Revoke#1"] = func() error {
		_, there := w.sessions[g.Session.ID]
		revokedLast = !there
		return nil
	}
	to, err := w.service.SignOut(t.Context(), p, bye, client)
	if err != nil || to != "https://google.example/end?hint=upstream-id-token&back="+bye {
		t.Errorf("leads to %q: %v", to, err)
	}
	if !revokedLast {
		t.Error("the provider was asked before the session ended here")
	}
	if diff := cmp.Diff([]session.Tokens{dana().Tokens}, up.revoked); diff != "" {
		t.Errorf("revoked: %s", diff)
	}
	w.dead("the session", g)
	if to, err := w.service.SignOut(t.Context(), p, bye, client); to != "" || err != nil || len(up.revoked) != 1 {
		t.Errorf("a second time: %q, %v", to, err)
	}
}

// TestService_SignOut_failing: whatever fails at the provider or before, the session
// here ends; if it cannot, the provider is not asked.
func TestService_SignOut_failing(t *testing.T) {
	tests := []struct {
		call    string
		ends    bool // the session
		err     bool
		to      bool
		revoked bool
	}{
		{"SessionSets.ByUser#1", true, false, false, false},
		{"Sealer.Open#1", true, false, false, false},
		{"Sessions.Delete#1", false, true, false, false},
		{"Marks.Add#1", true, true, false, false},
		{"Audit.Record#1", true, true, false, false},
		{"ProviderLogout.Revoke#1", true, false, true, false},
		{"ProviderLogout.End#1", true, false, false, true},
	}
	for _, tt := range tests {
		for _, fail := range []error{errDown, errors.New("a failure of no kind"), context.DeadlineExceeded} {
			t.Run(tt.call+" "+fail.Error(), func(t *testing.T) {
				w, up := newUpWorld(t)
				g := w.mustCome("google", dana())
				p := w.principal(g)
				w.reset()
				w.before[tt.call] = func() error { return fail }
				to, err := w.service.SignOut(t.Context(), p, bye, client)
				w.clean(err)
				if (err != nil) != tt.err || (to != "") != tt.to || (len(up.revoked) > 0) != tt.revoked {
					t.Errorf("%q, %v, revoked %d", to, err, len(up.revoked))
				}
				if _, there := w.sessions[g.Session.ID]; there == tt.ends {
					t.Errorf("the session is there: %t", there)
				}
				if !tt.err && (len(w.reports) != 1 || !strings.Contains(w.reports[0], fail.Error())) {
					t.Errorf("reports %q", w.reports)
				}
				if tt.ends {
					w.dead("the session", g)
				}
			})
		}
	}
}

func TestService_SignOut_others(t *testing.T) {
	tests := []struct {
		name string
		p    func(*world) *access.Principal
	}{
		{"with a password", func(w *world) *access.Principal { return w.principal(w.login("alice", alicePassword)) }},
		{"nobody", func(*world) *access.Principal { return nobody }},
		{"without a session", func(*world) *access.Principal { return &access.Principal{Kind: access.User, Subject: aliceID} }},
		{"a session that ended", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", dana()))
			w.sessions = map[string]session.Session{}
			return p
		}},
		{"a provider that is not configured any more", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", dana()))
			w.service = w.serve(w.withProviders, func(c *auth.Config) { c.Providers = c.Providers[1:] })
			return p
		}},
		{"no providers any more", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", dana()))
			w.service = w.serve()
			return p
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			p := tt.p(w)
			to, err := w.service.SignOut(t.Context(), p, bye, client)
			if to != "" || err != nil || len(up.revoked) > 0 || len(w.reports) > 0 {
				t.Errorf("%q, %v, %q", to, err, w.reports)
			}
			if len(w.sessions) > 0 {
				t.Error("the session is left")
			}
		})
	}
}

// stored returns the upstream tokens that a session holds.
func (w *world) stored(id string) *session.Tokens {
	w.t.Helper()
	plain, err := w.open(w.sessions[id].Sealed, []byte("session:"+id))
	if err != nil {
		w.t.Fatal(err)
	}
	var d session.Data
	if err := json.Unmarshal(plain, &d); err != nil {
		w.t.Fatal(err)
	}
	if d.Address != "203.0.113.7" || d.UserAgent != "test/1" {
		w.t.Errorf("the origin is %+v", d.Origin)
	}
	return d.Tokens
}

func TestService_UpstreamToken(t *testing.T) {
	tests := []struct {
		name      string
		expires   time.Duration // after sign-in; 0 if the provider does not say
		after     time.Duration
		refreshed bool
	}{
		{"fresh", time.Hour, 0, false},
		{"for a while", time.Hour, time.Hour - 31*time.Second, false},
		{"about to expire", time.Hour, time.Hour - 30*time.Second, true},
		{"expired", time.Hour, 2 * time.Hour, true},
		{"without an end", 0, 5 * time.Hour, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			g := w.mustCome("google", with(dana(), func(p *ports.Person) {
				p.Tokens.Expires = time.Time{}
				if tt.expires > 0 {
					p.Tokens.Expires = epoch.Add(tt.expires)
				}
			}))
			p := w.principal(g)
			w.pass(tt.after)
			got, provider, err := w.service.UpstreamToken(t.Context(), p)
			want := "upstream-access-0"
			if tt.refreshed {
				want = "upstream-access-1"
			}
			if got != want || provider != "google" || err != nil || (up.refreshes == 1) != tt.refreshed {
				t.Errorf("%q of %q, %v, after %d refreshes", got, provider, err, up.refreshes)
			}
			if kept := w.stored(g.Session.ID); kept.Access != want {
				t.Errorf("kept %+v", kept)
			}
			if again, _, err := w.service.UpstreamToken(t.Context(), p); again != want || err != nil {
				t.Errorf("then %q, %v", again, err)
			}
			if to, err := w.service.SignOut(t.Context(), p, bye, client); to == "" || err != nil || up.revoked[0].Access != want {
				t.Errorf("revoked %+v", up.revoked)
			}
		})
	}
}

func TestService_UpstreamToken_none(t *testing.T) {
	tests := []struct {
		name string
		p    func(*world) *access.Principal
		want string
	}{
		{"nobody", func(*world) *access.Principal { return nobody }, "unauthenticated unauthenticated"},
		{"a machine", func(*world) *access.Principal { return &access.Principal{Kind: access.Machine, Subject: "m"} }, "forbidden forbidden"},
		{"a password", func(w *world) *access.Principal { return w.principal(w.login("alice", alicePassword)) }, "not_found upstream_unknown"},
		{"a session that ended", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", dana()))
			w.sessions = map[string]session.Session{}
			return p
		}, "unauthenticated session_unknown"},
		{"somebody else's session", func(w *world) *access.Principal {
			g := w.mustCome("google", dana())
			return &access.Principal{Kind: access.User, Via: access.SessionCookie, Subject: aliceID, Session: g.Session.ID}
		}, "unauthenticated session_unknown"},
		{"no token", func(w *world) *access.Principal {
			return w.principal(w.mustCome("google", with(dana(), func(p *ports.Person) { p.Tokens = session.Tokens{} })))
		}, "not_found upstream_unknown"},
		{"a provider that is not configured any more", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", dana()))
			w.service = w.serve(w.withProviders, func(c *auth.Config) { c.Providers = c.Providers[1:] })
			return p
		}, "not_found upstream_unknown"},
		{"the provider refuses", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", dana()))
			w.up().refused = true
			w.pass(2 * time.Hour)
			return p
		}, "unauthenticated provider_refused"},
		{"no refresh token", func(w *world) *access.Principal {
			p := w.principal(w.mustCome("google", with(dana(), func(p *ports.Person) { p.Tokens.Refresh = "" })))
			w.pass(2 * time.Hour)
			return p
		}, "unauthenticated provider_refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := newUpWorld(t)
			p := tt.p(w)
			sessions := len(w.sessions)
			got, provider, err := w.service.UpstreamToken(t.Context(), p)
			w.clean(err)
			if outcome(err) != tt.want || got+provider != "" {
				t.Errorf("%q of %q, %v, want %s", got, provider, err, tt.want)
			}
			if len(w.sessions) != sessions {
				t.Error("a session ended")
			}
		})
	}
}

// TestService_UpstreamToken_atOnce: of many who ask at once one refreshes, and all
// get what came of it; who does not want to wait is let go.
func TestService_UpstreamToken_atOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, up := newUpWorld(t)
		p := w.principal(w.mustCome("google", dana()))
		w.pass(2 * time.Hour)
		w.reset()
		goOn := make(chan struct{})
		w.before["Provider.Refresh#1"] = func() error {
			<-goOn
			return nil
		}
		impatient, cancel := context.WithCancel(t.Context())
		results := make(chan string, 10)
		ask := func(ctx context.Context) {
			got, _, err := w.service.UpstreamToken(ctx, p)
			if err != nil {
				got = fault.KindOf(err).String()
			}
			results <- got
		}
		for range 9 {
			go ask(t.Context())
		}
		synctest.Wait()
		go ask(impatient)
		synctest.Wait()
		cancel()
		if got := <-results; got != "unavailable" {
			t.Errorf("who did not want to wait got %q", got)
		}
		close(goOn)
		for range 9 {
			if got := <-results; got != "upstream-access-1" {
				t.Errorf("one of many got %q", got)
			}
		}
		if up.refreshes != 1 {
			t.Errorf("%d refreshes", up.refreshes)
		}
	})
}

// TestService_UpstreamToken_elsewhere: if another process has used the refresh token
// up, what it got is as good.
func TestService_UpstreamToken_elsewhere(t *testing.T) {
	w, up := newUpWorld(t)
	p := w.principal(w.mustCome("google", dana()))
	other := w.serve(w.withProviders)
	w.pass(2 * time.Hour)
	w.reset()
	w.before["Provider.Refresh#1"] = func() error {
		if got, _, err := other.UpstreamToken(t.Context(), p); got != "upstream-access-1" || err != nil {
			t.Errorf("the other process: %q, %v", got, err)
		}
		return nil
	}
	if got, _, err := w.service.UpstreamToken(t.Context(), p); got != "upstream-access-1" || err != nil || up.refreshes != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

// TestService_UpstreamToken_signedOut: tokens that nobody can sign out with any more
// are revoked.
func TestService_UpstreamToken_signedOut(t *testing.T) {
	w, up := newUpWorld(t)
	g := w.mustCome("google", dana())
	p := w.principal(g)
	w.pass(2 * time.Hour)
	w.reset()
	w.before["Sessions.Update#1"] = func() error {
		delete(w.sessions, g.Session.ID)
		return nil
	}
	got, _, err := w.service.UpstreamToken(t.Context(), p)
	if outcome(err) != "unauthenticated session_unknown" || got != "" || len(up.revoked) != 1 || up.revoked[0].Access != "upstream-access-1" {
		t.Errorf("%q, %v, revoked %+v", got, err, up.revoked)
	}
}

// TestService_UpstreamToken_canceled: new tokens are kept even if nobody waits for
// them any more, since the old refresh token may be used up.
func TestService_UpstreamToken_canceled(t *testing.T) {
	w, _ := newUpWorld(t)
	g := w.mustCome("google", dana())
	p := w.principal(g)
	w.pass(2 * time.Hour)
	w.reset()
	ctx, cancel := context.WithCancel(t.Context())
	w.after["Provider.Refresh#1"] = func() error {
		cancel()
		return nil
	}
	if _, _, err := w.service.UpstreamToken(ctx, p); err != nil {
		t.Error(err)
	}
	if kept := w.stored(g.Session.ID); kept.Refresh != "upstream-refresh-1" {
		t.Errorf("kept %+v", kept)
	}
}

func TestService_BackChannelLogout(t *testing.T) {
	tests := []struct {
		name     string
		provider string
		token    ports.LogoutToken
		ends     []string // of "google", "second", "password", "loose", "bob"
		want     string
	}{
		{"by sid", "google", ports.LogoutToken{Issuer: googleIss, ID: "1", Session: "sid-dana"}, []string{"google"}, "ok"},
		{"by sid and subject", "google", ports.LogoutToken{Issuer: googleIss, ID: "1", Session: "sid-dana", Subject: "dana-1"}, []string{"google"}, "ok"},
		{"by subject", "google", ports.LogoutToken{Issuer: googleIss, ID: "1", Subject: "dana-1"}, []string{"google", "second"}, "ok"},
		{"by another's subject", "google", ports.LogoutToken{Issuer: googleIss, ID: "1", Subject: "bob-1"}, []string{"bob"}, "ok"},
		{"by an unknown sid", "google", ports.LogoutToken{Issuer: googleIss, ID: "1", Session: "sid-x"}, nil, "ok"},
		{"by an unknown subject", "google", ports.LogoutToken{Issuer: googleIss, ID: "1", Subject: "x"}, nil, "ok"},
		{"by nothing", "google", ports.LogoutToken{Issuer: googleIss, ID: "1"}, nil, "ok"},
		{"another provider's sid", "loose", ports.LogoutToken{Issuer: looseIss, ID: "1", Session: "sid-other"}, nil, "ok"},
		{"a sid that two providers have", "loose", ports.LogoutToken{Issuer: looseIss, ID: "1", Session: "sid-dana"}, []string{"loose"}, "ok"},
		{"another issuer's subject", "loose", ports.LogoutToken{Issuer: looseIss, ID: "1", Subject: "bob-1"}, nil, "ok"},
		{"an unknown provider", "github", ports.LogoutToken{Issuer: googleIss, ID: "1", Session: "sid-dana"}, nil, "not_found provider_unknown"},
		{"a token of another provider", "partner", ports.LogoutToken{}, nil, "invalid logout_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			grants := map[string]*auth.Grant{}
			grants["google"] = w.mustCome("google", dana())
			dana1 := grants["google"].User.ID
			grants["second"] = w.mustCome("google", with(dana(), func(p *ports.Person) { p.Session = "sid-other" }))
			up.add(dana1, "loose", looseIss, "dana-at-loose")
			grants["loose"] = w.mustCome("loose", with(dana(), func(p *ports.Person) { p.Issuer, p.Subject = looseIss, "dana-at-loose" }))
			grants["bob"] = w.mustCome("google", bobAt())
			grants["password"] = w.login("alice", alicePassword)
			if tt.token.ID != "" {
				up.logouts[tt.provider+" token"] = tt.token
			}
			n, err := w.service.BackChannelLogout(t.Context(), tt.provider, "token", client)
			if outcome(err) != tt.want || n != len(tt.ends) {
				t.Errorf("%d sessions, %v", n, err)
			}
			for name, g := range grants {
				if slices.Contains(tt.ends, name) {
					w.dead(name, g)
				} else if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie}); err != nil {
					t.Errorf("the session of %s: %v", name, err)
				}
			}
		})
	}
}

func TestService_BackChannelLogout_replay(t *testing.T) {
	w, up := newUpWorld(t)
	logout := func() (int, error) { return w.service.BackChannelLogout(t.Context(), "google", "token", client) }
	up.logouts["google token"] = ports.LogoutToken{Issuer: googleIss, ID: "jti-1", Subject: "dana-1"}
	w.mustCome("google", dana())
	if n, err := logout(); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	g := w.mustCome("google", dana())
	if n, err := logout(); n != 0 || outcome(err) != "invalid logout_token" {
		t.Errorf("a second time: %d, %v", n, err)
	}
	if err := w.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := logout(); n != 0 || outcome(err) != "invalid logout_token" {
		t.Errorf("after a sweep: %d, %v", n, err)
	}
	w.principal(g) // lives on
	up.logouts["google token"] = ports.LogoutToken{Issuer: googleIss, ID: "jti-2", Subject: "dana-1"}
	if n, err := logout(); n != 1 || err != nil {
		t.Errorf("another one: %d, %v", n, err)
	}
	up.logouts["loose token"] = ports.LogoutToken{Issuer: looseIss, ID: "jti-2", Subject: "dana-1"}
	if _, err := w.service.BackChannelLogout(t.Context(), "loose", "token", client); err != nil {
		t.Errorf("the same id of another issuer: %v", err)
	}
}

// TestService_BackChannelLogout_again: one that failed works when the provider sends
// it again, and one session that does not end keeps no other from ending.
func TestService_BackChannelLogout_again(t *testing.T) {
	for _, call := range []string{"Identities.BySubject#1", "SessionSets.ByUser#1", "Sessions.Delete#1", "Sessions.Delete#2", "Marks.Add#1", "Audit.Record#2"} {
		t.Run(call, func(t *testing.T) {
			w, up := newUpWorld(t)
			up.logouts["google token"] = ports.LogoutToken{Issuer: googleIss, ID: "jti-1", Subject: "dana-1"}
			grants := []*auth.Grant{w.mustCome("google", dana()), w.mustCome("google", dana()), w.mustCome("google", dana())}
			w.reset()
			w.before[call] = func() error { return errDown }
			n, err := w.service.BackChannelLogout(t.Context(), "google", "token", client)
			if n != 0 || fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%d, %v", n, err)
			}
			if strings.HasPrefix(call, "Sessions.Delete") && len(w.sessions) != 1 {
				t.Errorf("%d sessions are left, for one that could not end", len(w.sessions))
			}
			if _, err := w.service.BackChannelLogout(t.Context(), "google", "token", client); err != nil {
				t.Errorf("again: %v", err)
			}
			for _, g := range grants {
				w.dead("a session", g)
			}
		})
	}
}
