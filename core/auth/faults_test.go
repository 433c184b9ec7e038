package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// TestService_flows holds every use case to its port calls, so that one which
// nobody expected fails.
func TestService_flows(t *testing.T) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			w, run := f.world(t)
			result, err := run(t.Context())
			if err != nil {
				t.Fatalf("%v", err)
			}
			w.note(result)
			if diff := cmp.Diff(ordered(f.calls), w.trace()); diff != "" {
				t.Errorf("port calls: %s", diff)
			}
			if len(w.reports) > 0 {
				t.Errorf("reports: %q", w.reports)
			}
			w.consistent()
		})
	}
}

// TestService_flows_complete: no exported method of Service is left out.
func TestService_flows_complete(t *testing.T) {
	elsewhere := []string{"Captchas", "PasswordPolicy", "JWKS", "BundleStale"} // ask no port
	typ := reflect.TypeFor[*auth.Service]()
	for i := range typ.NumMethod() {
		name := typ.Method(i).Name
		if !slices.Contains(elsewhere, name) && !slices.ContainsFunc(flows, func(f flow) bool {
			return f.name == name || strings.HasPrefix(f.name, name+" ")
		}) {
			t.Errorf("%s has no flow", name)
		}
	}
}

// note remembers the credentials in a result as secrets.
func (w *world) note(result any) {
	switch r := result.(type) {
	case *auth.Grant:
		w.grantSecrets(r)
	case auth.MachineGrant:
		w.secret("a machine token", r.Access)
	case shown:
		w.secret(r.what, r.text)
	}
}

// granted reports whether a result gives anything.
func granted(result any) bool {
	if result == nil {
		return false
	}
	v := reflect.ValueOf(result)
	return v.Kind() != reflect.Pointer || !v.IsNil()
}

// TestService_unavailable lets every port call of every use case fail, before it
// is carried out and after.
func TestService_unavailable(t *testing.T) {
	for _, f := range flows {
		calls := f.calls
		for _, moment := range []string{"before", "after"} {
			for _, call := range numbered(calls) {
				t.Run(f.name+"/"+moment+" "+call, func(t *testing.T) {
					w, run := f.world(t)
					sessions, tokens := len(w.sessions), len(w.tokens)
					hook := w.before
					if moment == "after" {
						hook = w.after
					}
					fired := false
					hook[call] = func() error {
						fired = true
						return fmt.Errorf("the store said: %w", errDown)
					}
					if moment == "after" && (strings.HasPrefix(call, "Sealer.") || strings.HasPrefix(call, "Rand.")) {
						return // these do not write
					}
					result, err := run(t.Context())
					w.note(result)
					w.clean(err)
					if !fired {
						t.Fatal("the call was not made")
					}
					if slices.Contains(f.survives, call) {
						if err != nil {
							t.Fatalf("the use case failed: %v", err)
						}
						if len(w.reports) != 1 || !strings.Contains(w.reports[0], "down: the store is down") {
							t.Errorf("reports: %q, want the failure", w.reports)
						}
						w.consistent()
						return
					}
					if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, errDown) {
						t.Errorf("the error is %v, want Unavailable with its cause", err)
					}
					if granted(result) {
						t.Errorf("a use case that failed gave %+v", result)
					}
					if now := len(w.sessions); now > sessions && moment == "before" {
						t.Errorf("a session is left that nobody has the credentials of")
					}
					if len(w.tokens) > tokens {
						t.Errorf("an API token is left that nobody has")
					}
					w.consistent()
				})
			}
		}
	}
}

// TestService_misses lets every call that can find nothing do so.
func TestService_misses(t *testing.T) {
	can := []string{
		"People.ByID", "People.ByLogin", "People.Update", "Tenants.ByID", "Tenants.Update", "Clients.ByID", "Clients.Update",
		"Clients.Delete", "Machines.ByID", "APITokens.Create", "APITokens.ByHash", "APITokens.Delete", "APITokens.Touch", "Users.ByID", "Users.ByLogin", "Users.Update", "Users.Delete", "Sessions.ByHash", "Sessions.ByFamily",
		"Sessions.Update", "Sessions.Delete", "Sessions.Create", "MailTokens.Get", "MailTokens.Consume",
	}
	for _, f := range flows {
		left := maps.Clone(f.misses)
		for _, call := range numbered(f.calls) {
			if name, _, _ := strings.Cut(call, "#"); !slices.Contains(can, name) {
				continue
			}
			want, ok := left[call]
			delete(left, call)
			t.Run(f.name+"/"+call, func(t *testing.T) {
				if !ok {
					t.Fatal("the flow does not say how a miss ends")
				}
				w, run := f.world(t)
				w.before[call] = miss
				result, err := run(t.Context())
				w.note(result)
				w.clean(err)
				if outcome(err) != want {
					t.Errorf("%v, want %s", err, want)
				}
				if err != nil && granted(result) {
					t.Errorf("a use case that failed gave %+v", result)
				}
				w.consistent()
			})
		}
		if len(left) > 0 {
			t.Errorf("%s: misses of calls that are not made: %v", f.name, left)
		}
	}
}

// TestService_randomness lets every read of randomness fail.
func TestService_randomness(t *testing.T) {
	for _, f := range flows {
		w, run := f.world(t)
		if _, err := run(t.Context()); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		reads := w.counts["Rand.Read"]
		for i := 1; i <= reads; i++ {
			t.Run(fmt.Sprintf("%s/%d", f.name, i), func(t *testing.T) {
				w, run := f.world(t)
				sessions := len(w.sessions)
				w.before[fmt.Sprintf("Rand.Read#%d", i)] = func() error { return io.ErrUnexpectedEOF }
				result, err := run(t.Context())
				w.note(result)
				w.clean(err)
				if err == nil && len(w.reports) == 0 {
					t.Error("nobody was told")
				}
				if err != nil && (granted(result) || fault.KindOf(err) != fault.Internal || !errors.Is(err, io.ErrUnexpectedEOF)) {
					t.Errorf("gave %v and %v", result, err)
				}
				if err != nil && len(w.sessions) > sessions {
					t.Error("a session is left that nobody has the credentials of")
				}
				w.consistent()
			})
		}
	}
}

// TestService_canceled ends the caller's context at every port call: what refuses
// is still carried out.
func TestService_canceled(t *testing.T) {
	for _, f := range flows {
		for _, call := range numbered(f.calls) {
			t.Run(f.name+"/"+call, func(t *testing.T) {
				w, run := f.world(t)
				sessions := len(w.sessions)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w.before[call] = func() error {
					cancel()
					return nil
				}
				result, err := run(ctx)
				w.note(result)
				w.clean(err)
				if err != nil && (fault.KindOf(err) != fault.Unavailable || granted(result)) {
					t.Errorf("gave %v and %v", result, err)
				}
				if err != nil && len(w.sessions) > sessions {
					t.Error("a session is left that nobody has the credentials of")
				}
				w.consistent()
			})
		}
	}
}

// consistent holds every credential that was ever handed out against the store:
// one that is taken for good belongs to a session that is there, of a user who is
// not banned, and says of the user what is so.
func (w *world) consistent() {
	w.t.Helper()
	ctx := context.Background()
	w.reset()
	w.mu.Lock()
	secrets := maps.Clone(w.secrets)
	w.mu.Unlock()
	for what, text := range secrets {
		var c auth.Credentials
		switch {
		case strings.HasPrefix(what, "a session cookie"):
			c.Session = text
		case strings.HasPrefix(what, "an access token"), strings.HasPrefix(what, "a machine token"), strings.HasPrefix(what, "an API token"):
			c.Bearer, c.HasBearer = text, true
		default:
			continue
		}
		id, err := w.service.Authenticate(ctx, c)
		if err != nil {
			if fault.KindOf(err) != fault.Unauthenticated && fault.KindOf(err) != fault.Unavailable {
				w.t.Errorf("%.20s: %v", what, err)
			}
			if id.Principal != nil {
				w.t.Errorf("%.20s was refused and gave a principal", what)
			}
			continue
		}
		if strings.HasPrefix(what, "a machine token") || strings.HasPrefix(what, "an API token") {
			w.consistentMachine(what, id.Principal)
			continue
		}
		w.mu.Lock()
		s, there := w.sessions[id.Session]
		u := w.users[id.Subject]
		w.mu.Unlock()
		switch {
		case !there:
			w.t.Errorf("%.20s is taken for good, but its session has ended", what)
		case s.UserID != u.ID || u.ID == "":
			w.t.Errorf("%.20s is taken for good, but its user is not there", what)
		case u.Banned(w.clock()):
			w.t.Errorf("%.20s is taken for good, but the user is banned", what)
		case !slices.Equal(u.Permissions, id.Permissions):
			w.t.Errorf("%.20s says %v, but the user may %v", what, id.Permissions, u.Permissions)
		}
	}
}

// consistentMachine is consistent for what programs show.
func (w *world) consistentMachine(what string, p *access.Principal) {
	w.t.Helper()
	w.mu.Lock()
	c, t, u := w.clients[p.Subject], w.tokens[p.Token], w.users[p.Subject]
	w.mu.Unlock()
	held, there := c.Permissions, c.ID != "" && !c.Disabled() && p.Kind == access.Machine && p.Tenant == c.Tenant
	if strings.HasPrefix(what, "an API token") {
		held, there = u.Permissions, t.ID != "" && t.UserID == u.ID && u.ID != "" && p.Kind == access.User && p.Tenant == u.Tenant
	}
	if !there {
		w.t.Errorf("%.20s is taken for good, but whose it is is not there", what)
	}
	for _, one := range p.Permissions {
		if !slices.Contains(held, one) {
			w.t.Errorf("%.20s says %v, but only %v is held", what, p.Permissions, held)
		}
	}
}

// TestService_two_failures: what cannot be recorded or taken back while something is
// refused is reported, and the refusal stands.
func TestService_two_failures(t *testing.T) {
	tests := []struct {
		name, password string
		down           []string
		want, report   string
	}{
		{"refusal not recorded", wrongPassword, []string{"Audit.Record#1"}, bad, "record a refusal"},
		{"session not taken back", alicePassword, []string{"Signer.Sign#1", "Sessions.Delete#1"}, "unavailable down", "end a session that was refused"},
		{"neither recorded nor known", alicePassword, []string{"Sessions.Create#1", "Audit.Record#1"}, "unavailable down", "record a refusal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			for _, call := range tt.down {
				w.before[call] = func() error { return errDown }
			}
			g, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "alice", Password: tt.password}, client)
			if g != nil || outcome(err) != tt.want {
				t.Errorf("%v, %v, want %s", g, err, tt.want)
			}
			if len(w.reports) != 1 || !strings.HasPrefix(w.reports[0], tt.report+": ") {
				t.Errorf("reports: %q", w.reports)
			}
		})
	}
	t.Run("reuse of a refresh token that cannot end the session", func(t *testing.T) {
		w := newWorld(t)
		_, g := w.signedIn()
		next, err := w.service.Refresh(t.Context(), g.Refresh, client)
		if err != nil {
			t.Fatal(err)
		}
		w.grantSecrets(next)
		w.reset()
		w.before["Sessions.Delete#1"] = func() error { return errDown }
		if got, err := w.service.Refresh(t.Context(), g.Refresh, client); got != nil || outcome(err) != "unavailable down" {
			t.Fatalf("%v, %v", got, err)
		}
		if got := w.bearer(next.Access); got != "unauthenticated token_revoked" {
			t.Errorf("the access token of the family: %s", got)
		}
		if got, err := w.service.Refresh(t.Context(), next.Refresh, client); got != nil || err == nil {
			t.Error("the family goes on")
		}
	})
}

// TestService_parallel lets everything happen at once, for the race detector and
// for what no list of interleavings has.
func TestService_parallel(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) {
		c.Settings.Algorithm = "HS256"
		c.Settings.AccountLimit, c.Settings.AddressLimit, c.Settings.MailLimit = user.Limit{}, user.Limit{}, user.Limit{}
	})
	proof := w.addClient(robotID, tenant.Default, "p1", "p2")
	w.tick = time.Microsecond
	ctx := t.Context()
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			name, id := []string{"alice", "bob"}[worker%2], []string{aliceID, bobID}[worker%2]
			password := []string{alicePassword, otherPassword}[worker%2]
			for i := range 40 {
				g, err := w.service.Login(ctx, auth.PasswordLogin{Login: name, Password: password}, client)
				if err != nil {
					continue
				}
				w.grantSecrets(g)
				who, err := w.service.Authenticate(ctx, auth.Credentials{Session: g.Cookie})
				if err != nil {
					continue
				}
				switch (worker + i) % 11 {
				case 0:
					_ = w.service.Logout(ctx, who.Principal, client)
				case 1:
					_ = w.service.Kick(ctx, w.root(), id, client)
				case 2:
					_, _ = w.service.Permit(ctx, w.root(), id, []string{fmt.Sprint("p", i)}, client)
				case 3:
					next, _ := w.service.Refresh(ctx, g.Refresh, client)
					w.grantSecrets(next)
				case 4:
					next, _ := w.service.ChangePassword(ctx, who.Principal, password, password, client)
					w.grantSecrets(next)
				case 5:
					_, _ = w.service.EndOtherSessions(ctx, who.Principal, client)
				case 6:
					_, _ = w.service.RotateKeys(ctx, w.root(), auth.Rotation{}, client)
					_ = w.service.Sweep(ctx)
				case 7:
					_, _ = w.service.Renew(ctx, g.Cookie)
					_, _ = w.service.Blackout(ctx, w.root(), time.Time{}, client)
				case 8:
					made, _ := w.service.IssueMachineToken(ctx, proof, nil, client)
					w.note(made)
					_, _ = w.service.DisableClient(ctx, w.root(), robotID, i%3 == 0, client)
				case 9:
					scopes := []string{fmt.Sprint("p", i%2+1)}
					_, _ = w.service.ChangeClient(ctx, w.root(), robotID, auth.ChangedClient{Permissions: &scopes}, client)
					made, _ := w.service.IssueMachineToken(ctx, proof, nil, client)
					w.note(made)
				case 10:
					tok, text, _ := w.service.MakeAPIToken(ctx, who.Principal, auth.NewAPIToken{Name: "script", Scopes: who.Permissions}, client)
					w.secret("an API token", text)
					_, _ = w.service.Authenticate(ctx, auth.Credentials{Bearer: text, HasBearer: text != ""})
					if i%2 == 0 {
						_ = w.service.DeleteAPIToken(ctx, who.Principal, tok.ID, client)
					}
				}
				_, _ = w.service.Authenticate(ctx, auth.Credentials{Session: g.Cookie})
				_, _ = w.service.Authenticate(ctx, auth.Credentials{Access: g.Access})
			}
		})
	}
	wait.Wait()
	if len(w.secrets) < 300 {
		t.Errorf("only %d credentials were handed out", len(w.secrets))
	}
	w.consistent()
}
