package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// caches returns those of the service.
func (w *world) caches() (good, bad *tokenCache) {
	return w.service.Verified.(*tokenCache), w.service.Refused.(*tokenCache)
}

// answer shows a token and tells who is asking, or why nobody is.
func (w *world) answer(text string) string {
	id, err := w.show(text)
	if err != nil {
		return outcome(err)
	}
	return tell(id.Principal)
}

// TestService_tokens_remembered: the second request with a token asks nobody, and
// so does every one until the time is over.
func TestService_tokens_remembered(t *testing.T) {
	w := newBearerWorld(t)
	_, g := w.signedIn()
	w.up().add(aliceID, known, urlOf(known), dana1)
	long := map[string]any{"exp": epoch.Add(24 * time.Hour).Unix()}
	shown := map[string]string{
		"own": g.Access, "foreign": w.abroad[known].mint(dana1, long), "machine": w.abroad[robots].machine(robot1, long), "made": w.danaAbroad(cup).mint("dana-2", long),
		"api": w.apiToken("a"),
	}
	for name, text := range shown {
		t.Run(name, func(t *testing.T) {
			first := w.must(text)
			w.reset()
			for range 3 {
				if p := w.must(text); p != first {
					t.Errorf("another principal: %+v", p)
				}
			}
			if len(w.calls) > 0 {
				t.Errorf("calls: %v", w.calls)
			}
			if name == "own" || name == "api" {
				return
			}
			w.pass(5 * time.Minute)
			w.must(text)
			if w.verifications() != 1 {
				t.Errorf("after its time: %v", w.calls)
			}
		})
	}
	good, bad := w.caches()
	if good.len() != len(shown) || bad.len() != 0 {
		t.Errorf("%d good and %d bad ones are remembered", good.len(), bad.len())
	}
	fresh := w.login("alice", alicePassword).Access
	w.must(fresh)
	puts := good.puts
	if err := w.service.Load(t.Context()); err != nil { // the same keys
		t.Fatal(err)
	}
	w.must(fresh)
	if good.puts != puts {
		t.Error("one of ours was forgotten although nothing changed")
	}
}

// TestService_tokens_spread: what was verified at one time is not verified anew at
// one time.
func TestService_tokens_spread(t *testing.T) {
	w := newBearerWorld(t)
	var list []string
	for range 200 {
		text := w.abroad[robots].machine(robot1, nil)
		list = append(list, text)
		w.must(text)
	}
	again := make([]int, 6)
	for minute := range again {
		w.reset()
		for _, text := range list {
			w.must(text)
		}
		again[minute] = w.verifications()
		w.pass(time.Minute)
	}
	if again[0] != 0 {
		t.Errorf("%d were forgotten at once", again[0])
	}
	for minute, n := range again[1:] {
		if n < 20 || n > 60 {
			t.Errorf("in minute %d, %d of %d were verified anew: %v", minute+1, n, len(list), again)
		}
	}
}

// TestService_tokens_clock: what is remembered begins and ends to be good when the
// token does, to the second.
func TestService_tokens_clock(t *testing.T) {
	at := func(d time.Duration) int64 { return epoch.Add(d).Unix() }
	tests := []struct {
		name   string
		claims map[string]any
		good   time.Duration // when it is shown first
		bad    time.Duration // when it is not good, by the last second of that
		want   string
	}{
		{"expires", map[string]any{"exp": at(time.Minute)}, 119 * time.Second, 120 * time.Second, "unauthenticated token_expired"},
		{"grows too old", map[string]any{"iat": at(time.Minute - 24*time.Hour), "exp": at(24 * time.Hour)}, 120 * time.Second, 121 * time.Second, "unauthenticated token_too_old"},
		{"not yet valid", map[string]any{"nbf": at(2 * time.Minute)}, time.Minute, 59 * time.Second, "unauthenticated token_not_yet_valid"},
		{"issued in the future", map[string]any{"iat": at(2 * time.Minute)}, time.Minute, 59 * time.Second, "unauthenticated token_issued_in_future"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newBearerWorld(t)
			text := w.abroad[robots].machine(robot1, tt.claims)
			w.pass(tt.good)
			for range 3 {
				w.must(text)
			}
			w.pass(tt.bad - tt.good)
			for range 2 {
				if got := w.answer(text); got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			}
		})
	}
	t.Run("own", func(t *testing.T) {
		w := newBearerWorld(t, func(c *auth.Config) { c.Settings.TokenCacheTTL = time.Hour })
		_, g := w.signedIn()
		w.must(g.Access)
		w.pass(16*time.Minute - time.Millisecond)
		w.must(g.Access)
		w.pass(time.Millisecond)
		if got := w.answer(g.Access); got != "unauthenticated token_expired" {
			t.Error(got)
		}
	})
	t.Run("API token", func(t *testing.T) {
		w := newBearerWorld(t)
		text := w.apiToken("a")
		for id, one := range w.tokens {
			one.ExpiresAt = epoch.Add(time.Minute)
			w.tokens[id] = one
		}
		if p := w.must(text); p.Expires != epoch.Add(time.Minute).UnixMilli() {
			t.Errorf("%+v", p)
		}
		w.pass(time.Minute - time.Millisecond)
		w.must(text)
		w.pass(time.Second)
		if got := w.answer(text); got != "unauthenticated token_unknown" {
			t.Error(got)
		}
	})
}

// TestService_tokens_refusedThenGood: a refusal is remembered, and never after what
// it was owed to has changed.
func TestService_tokens_refusedThenGood(t *testing.T) {
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		token  func(*world) string
		before string
		change func(*testing.T, *world)
		after  string
	}{
		{"a time", func(w *world) string {
			return w.abroad[robots].machine(robot1, map[string]any{"nbf": epoch.Unix() + 61})
		}, "unauthenticated token_not_yet_valid", func(_ *testing.T, w *world) { w.pass(time.Second) }, "machine robots|robot-1 in default may []"},
		{"a key of the issuer", func(w *world) string {
			a := w.abroad[robots]
			a.rekey("2")
			text := a.machine(robot1, nil)
			a.rekey("1")
			return text
		}, "unauthenticated token_key_unknown", func(_ *testing.T, w *world) { w.abroad[robots].rekey("2") }, "machine robots|robot-1 in default may []"},
		{"a key of ours", func(w *world) string {
			other := w.serve(w.withProviders, w.withIssuers)
			must(t, second(other.RotateKeys(w.t.Context(), w.root(), auth.Rotation{}, client)))
			g, err := other.Login(w.t.Context(), auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
			must(t, err)
			w.grantSecrets(g)
			return g.Access
		}, "unauthenticated token_key_unknown", func(t *testing.T, w *world) { must(t, w.service.Load(t.Context())) }, "user alice in default may []"},
		{"a ban", func(w *world) string {
			w.up().add(aliceID, known, urlOf(known), dana1)
			must(t, second(w.service.Ban(w.t.Context(), w.root(), aliceID, "", time.Time{}, client)))
			w.pass(time.Second)
			return w.abroad[known].mint(dana1, nil)
		}, "unauthenticated banned", func(t *testing.T, w *world) {
			must(t, second(w.service.Unban(t.Context(), w.root(), aliceID, client)))
		}, "user alice in default may []"},
		{"the ban of a script's owner", func(w *world) string {
			text := w.apiToken("a")
			must(t, second(w.service.Ban(w.t.Context(), w.root(), aliceID, "", time.Time{}, client)))
			return text
		}, "unauthenticated token_unknown", func(t *testing.T, w *world) {
			must(t, second(w.service.Unban(t.Context(), w.root(), aliceID, client)))
		}, "user alice in default may [a]"},
		{"a tenant", func(w *world) string {
			return w.abroad[orgs].machine(robot1, map[string]any{"org": "org-globex"})
		}, "unauthenticated tenant", func(t *testing.T, w *world) {
			must(t, second(w.service.AddTenant(t.Context(), w.root(), "globex", "Globex", []tenant.External{{Source: orgs, ID: "org-globex"}}, client)))
		}, "machine orgs|robot-1 in globex may []"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newBearerWorld(t)
			text := tt.token(w)
			for range 2 {
				if got := w.answer(text); got != tt.before {
					t.Fatalf("before: %s, want %s", got, tt.before)
				}
			}
			tt.change(t, w)
			if got := w.answer(text); got != tt.after {
				t.Errorf("after: %s, want %s", got, tt.after)
			}
		})
	}
	t.Run("an identity", func(t *testing.T) {
		w := newBearerWorld(t, func(c *auth.Config) {
			for i := range c.Issuers {
				if c.Issuers[i].Name == known {
					c.Issuers[i].URL = googleIss // the same authority by both ways
				}
			}
		})
		a := w.abroad[known]
		a.url = googleIss
		a.rekey("1")
		text := a.mint("dana-subject", nil)
		for range 2 {
			if got := w.answer(text); got != "unauthenticated token_stranger" {
				t.Fatal(got)
			}
		}
		w.mustCome("google", with(dana(), func(p *ports.Person) { p.Subject = "dana-subject" }))
		if got := w.answer(text); got != "user dana in default may []" {
			t.Errorf("once she signed in: %s", got)
		}
	})
}

// TestService_tokens_garbage: garbage that comes again costs nothing for a while,
// and however much there is of it, what is good stays.
func TestService_tokens_garbage(t *testing.T) {
	w := newBearerWorld(t)
	good := w.abroad[robots].machine(robot1, nil)
	w.must(good)
	verified, refused := w.caches()
	kept, puts := verified.len(), verified.puts
	forged := func(i int) string { return w.abroad[robots].machine(robot1, nil)[:200] + fmt.Sprintf("%086d", i) }
	bad := w.abroad[robots].machine(robot1, map[string]any{"aud": "else"})
	w.reset()
	for range 5 {
		if got := w.answer(bad); got != "unauthenticated token_audience" {
			t.Error(got)
		}
	}
	if w.verifications() != 1 || refused.len() != 1 {
		t.Errorf("%d verifications, %d refusals are remembered", w.verifications(), refused.len())
	}
	w.pass(10 * time.Second)
	w.answer(bad)
	if w.verifications() != 2 {
		t.Errorf("after ten seconds: %d verifications", w.verifications())
	}
	for i := range 500 {
		if got := w.answer(forged(i)); !strings.HasPrefix(got, "unauthenticated token_") {
			t.Fatal(got)
		}
		if got := w.answer(fmt.Sprintf("%d.%d.%d", i, i, i)); !strings.HasPrefix(got, "unauthenticated token_") {
			t.Fatal(got)
		}
	}
	if verified.len() != kept || verified.puts != puts {
		t.Errorf("garbage came among what is good: %d entries, %d writes", verified.len(), verified.puts)
	}
	if got := w.answer(strings.Repeat("a", 16<<10+1)); got != "unauthenticated token_too_long" {
		t.Error(got)
	}
	w.reset()
	w.must(good)
	if w.verifications() != 0 {
		t.Error("what is good was forgotten")
	}
}

// TestService_tokens_unavailable: that nobody could tell is not remembered.
func TestService_tokens_unavailable(t *testing.T) {
	tests := []struct{ call, token string }{
		{"Issuer.Verify#1", "known"},
		{"Identities.BySubject#1", "known"},
		{"Issuer.Verify#1", "made"},
		{"Identities.BySubject#1", "made"},
		{"Issuer.Person#1", "made"},
		{"Users.Create#1", "made"},
		{"Identities.Create#1", "made"},
		{"Audit.Record#1", "made"},
		{"Audit.Record#2", "made"},
		{"Identities.BySubject#3", "made"},
		{"Tenants.ByExternal#1", "org"},
		{"APITokens.ByHash#1", "api"},
	}
	for _, tt := range tests {
		t.Run(tt.token+" "+tt.call, func(t *testing.T) {
			w := newBearerWorld(t)
			w.up().add(aliceID, known, urlOf(known), dana1)
			text := map[string]func() string{
				"known": func() string { return w.abroad[known].mint(dana1, nil) },
				"made":  func() string { return w.danaAbroad(cup).mint(dana1, nil) },
				"org":   func() string { return w.abroad[robots].machine(robot1, map[string]any{"org": "x"}) },
				"api":   func() string { return w.apiToken("a") },
			}[tt.token]()
			people := len(w.users)
			w.reset()
			w.before[tt.call] = func() error { return errDown }
			if _, err := w.show(text); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, errDown) {
				t.Fatalf("%v, want Unavailable with its cause", err)
			}
			if tt.call != "Identities.BySubject#3" && len(w.users) != people {
				t.Errorf("half a user is left: %v", w.userNames())
			}
			w.must(text)
			if good, bad := w.caches(); good.len() != 1 || bad.len() != 0 {
				t.Errorf("%d good and %d bad ones are remembered", good.len(), bad.len())
			}
		})
	}
}

// TestService_tokens_staleFacts: facts that were read before a change was answered
// are not used after it, although the request that read them ends later.
func TestService_tokens_staleFacts(t *testing.T) {
	changes := map[string]struct {
		do   func(*world) error
		want map[string]string
	}{
		"ban": {func(w *world) error {
			return second(w.service.Ban(w.t.Context(), w.root(), aliceID, "", time.Time{}, client))
		}, map[string]string{"foreign": "unauthenticated banned", "api": "unauthenticated token_unknown"}},
		"permissions": {func(w *world) error {
			return second(w.service.Permit(w.t.Context(), w.root(), aliceID, []string{"b"}, client))
		}, map[string]string{"foreign": "user alice in default may [b]", "api": "user alice in default may []"}},
		"delete": {func(w *world) error {
			clear(w.tokens)
			clear(w.up().identities)
			delete(w.users, aliceID)
			return w.service.Load(w.t.Context())
		}, map[string]string{"foreign": "unauthenticated token_stranger", "api": "unauthenticated token_unknown"}},
	}
	for name, change := range changes {
		for kind, call := range map[string]string{"foreign": "Identities.BySubject#1", "api": "APITokens.ByHash#1"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				w := newBearerWorld(t)
				text := w.apiToken("a")
				w.up().add(aliceID, known, urlOf(known), dana1)
				if kind == "foreign" {
					text = w.abroad[known].mint(dana1, nil)
				}
				w.reset()
				w.after[call] = func() error { return change.do(w) }
				_, _ = w.show(text)
				for range 2 {
					if got := w.answer(text); got != change.want[kind] {
						t.Errorf("%s, want %s", got, change.want[kind])
					}
				}
			})
		}
	}
}

// TestService_tokens_together: requests that show a token for the first time at
// once have it verified once, and hold nobody else up.
// TestService_tokens_madeOnce: however somebody's first tokens and their sign-in with
// the provider fall together, one user is made.
// TestService_tokens_apart: under load, nobody is ever taken for somebody else.
// TestService_cookie: only an access token of a session of ours is one in a cookie,
// and it is never remembered as what it is in a header.
// TestService_apiToken: what a script shows costs no look-up when it cannot be a
// token, and when it was used is noted once a minute.
// TestService_tokens_duringLoad: a token that was looked at while another process'
// marks were being read is refused once they are.
func TestService_tokens_duringLoad(t *testing.T) {
	w := newBearerWorld(t)
	w.up().add(aliceID, known, urlOf(known), dana1)
	text := w.abroad[known].mint(dana1, nil)
	_, g := w.signedIn()
	other := w.serve(w.withProviders, w.withIssuers)
	if err := other.Kick(t.Context(), w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	w.reset()
	w.before["Marks.List#1"] = func() error {
		w.must(text)
		w.must(g.Access)
		return nil
	}
	if err := w.service.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"foreign": text, "own": g.Access} {
		if got := w.answer(text); got != "unauthenticated token_revoked" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestService_tokens_deletedAccount: what somebody holds of another issuer's tokens
// makes no account again that they deleted; a later one does.
// TestService_tokens_marksLast: what ends tokens of other issuers is remembered for
// as long as they are taken, which is longer than for ours.
func TestService_tokens_marksLast(t *testing.T) {
	enders := map[string]func(*world) error{
		"kick":     func(w *world) error { return w.service.Kick(w.t.Context(), w.root(), aliceID, client) },
		"blackout": func(w *world) error { return second(w.service.Blackout(w.t.Context(), w.root(), time.Time{}, client)) },
	}
	for name, end := range enders {
		t.Run(name, func(t *testing.T) {
			w := newBearerWorld(t)
			w.up().add(aliceID, known, urlOf(known), dana1)
			text := w.abroad[known].mint(dana1, map[string]any{"exp": epoch.Add(48 * time.Hour).Unix()})
			w.must(text)
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			for range 50 {
				w.pass(30 * time.Minute)
				if err := w.service.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := w.answer(text); got != "unauthenticated token_revoked" && got != "unauthenticated token_too_old" {
					t.Fatalf("%v later: %s", w.clock().Sub(epoch), got)
				}
			}
			if len(w.marks) != 0 {
				t.Errorf("marks stay for ever: %v", w.marks)
			}
		})
	}
}

// TestService_tokens_revoked: a token that is revoked by itself ends in both places
// where it can be shown, and no other one does.
func TestService_tokens_revoked(t *testing.T) {
	w := newBearerWorld(t)
	_, g := w.signedIn()
	next, err := w.service.Refresh(t.Context(), g.Refresh, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	shown := []auth.Credentials{{Access: g.Access}, {Bearer: g.Access, HasBearer: true}, {Bearer: next.Access, HasBearer: true}}
	ask := func(want ...string) {
		t.Helper()
		for i, c := range shown {
			for range 2 {
				if _, err := w.service.Authenticate(t.Context(), c); outcome(err) != want[i] {
					t.Errorf("%d: %v, want %s", i, err, want[i])
				}
			}
		}
	}
	ask("ok", "ok", "ok")
	if err := w.service.RevokeToken(t.Context(), nil, g.Access, client); err != nil {
		t.Fatal(err)
	}
	const revoked = "unauthenticated token_revoked"
	ask(revoked, revoked, "ok")
}
