package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// fine fails the test at an error.
func (w *world) fine(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bundle returns the bundle since a number; there is one.
func (w *world) bundle(since int64) *auth.Bundle {
	w.t.Helper()
	b, err := w.service.Bundle(w.t.Context(), since)
	w.fine(err)
	if b == nil {
		w.t.Fatalf("nothing newer than %d", since)
	}
	return b
}

var algorithms = []token.Algorithm{token.ES256, token.EdDSA, token.RS256, token.HS256}

// worker is an edge verifier that believes the keys of w's bundles and holds the given ones.
func (w *world) worker(bundles ...*auth.Bundle) *edge.Verifier {
	w.t.Helper()
	jwks, err := w.service.BundleKeys(w.t.Context())
	w.fine(err)
	trust, err := token.ParseKeySet(jwks)
	w.fine(err)
	v, err := edge.New(edge.Config{Trust: trust, Algorithms: algorithms})
	w.fine(err)
	for _, b := range bundles {
		w.load(v, b)
	}
	return v
}

func (w *world) load(v *edge.Verifier, b *auth.Bundle) {
	w.t.Helper()
	if err := v.Load(b.Compact, w.clock().UnixMilli()); err != nil {
		w.t.Fatalf("load bundle %d to %d: %v", b.Base, b.Number, err)
	}
}

// says is what a worker says of a token.
func (w *world) says(v *edge.Verifier, compact string) string {
	var out edge.Verdict
	v.Verify(compact, w.clock().UnixMilli(), &out)
	return out.Code
}

// contents reads a bundle.
func (w *world) contents(b *auth.Bundle) *edge.Bundle {
	w.t.Helper()
	payload, err := b64.DecodeString(strings.Split(string(b.Compact), ".")[1])
	w.fine(err)
	c, err := edge.ParseBundle(string(payload))
	w.fine(err)
	return c
}

// revocations is everything that ends an access token of alice before its time.
var revocations = map[string]func(w *world, ctx context.Context, g *auth.Grant) error{
	"logout": func(w *world, ctx context.Context, g *auth.Grant) error {
		return w.service.Logout(ctx, w.themselves(), client)
	},
	"revocation of the token": func(w *world, ctx context.Context, g *auth.Grant) error {
		return w.service.RevokeToken(ctx, nil, g.Access, client)
	},
	"end of the session": func(w *world, ctx context.Context, g *auth.Grant) error {
		return w.service.EndSession(ctx, w.themselves(), w.claimsOf(g.Access).Session, client)
	},
	"kick": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return w.service.Kick(ctx, w.root(), aliceID, client)
	},
	"ban": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return second(w.service.Ban(ctx, w.root(), aliceID, "spam", time.Time{}, client))
	},
	"change of the password": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return second(w.service.ChangePassword(ctx, w.themselves(), alicePassword, otherPassword, client))
	},
	"change of the name": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return second(w.service.ChangeUsername(ctx, w.themselves(), aliceID, "alicia", client))
	},
	"change of permissions": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return second(w.service.Permit(ctx, w.root(), aliceID, []string{"news"}, client))
	},
	"blackout": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return second(w.service.Blackout(ctx, w.root(), time.Time{}, client))
	},
	"deletion": func(w *world, ctx context.Context, _ *auth.Grant) error {
		return w.service.DeleteAccount(ctx, w.themselves(), alicePassword, client)
	},
	"compromised key": func(w *world, ctx context.Context, _ *auth.Grant) error {
		if _, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{}, client); err != nil {
			return err
		}
		return w.service.RetireKey(ctx, w.root(), "key-1", true, client)
	},
}

// TestService_Bundle_revocation: whatever revokes a token shows in the next bundle.
func TestService_Bundle_revocation(t *testing.T) {
	for name, revoke := range revocations {
		want := "token_revoked"
		if name == "compromised key" {
			want = "token_key_unknown"
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.login("alice", alicePassword)
			first := w.bundle(0)
			v := w.worker(first)
			if got := w.says(v, g.Access); got != "allowed" {
				t.Fatalf("before: %s", got)
			}
			stale := w.service.BundleStale()
			w.pass(time.Second)
			w.fine(revoke(w, t.Context(), g))
			select {
			case <-stale:
			default:
				t.Error("nobody is woken")
			}
			next := w.bundle(first.Number)
			w.load(v, next)
			if got := w.says(v, g.Access); got != want {
				t.Errorf("after: %s, want %s", got, want)
			}
			if got := w.says(w.worker(w.bundle(0)), g.Access); got != want {
				t.Errorf("by a whole bundle: %s, want %s", got, want)
			}
			if wantDelta := name != "compromised key"; (next.Base == first.Number) != wantDelta {
				t.Errorf("a delta to %d, want one: %t", next.Base, wantDelta)
			}
		})
		t.Run(name+"/by another process", func(t *testing.T) {
			w := newWorld(t)
			g := w.login("alice", alicePassword)
			first := w.bundle(0)
			v := w.worker(first)
			w.pass(time.Second)
			mine := w.service
			w.service = w.serve()
			w.fine(revoke(w, t.Context(), g))
			w.service = mine
			stale := w.service.BundleStale()
			w.fine(w.service.Load(t.Context()))
			select {
			case <-stale:
			default:
				t.Error("nobody is woken")
			}
			w.load(v, w.bundle(first.Number))
			if got := w.says(v, g.Access); got != want {
				t.Errorf("after: %s, want %s", got, want)
			}
		})
		t.Run(name+"/before a restart", func(t *testing.T) {
			w := newWorld(t)
			g := w.login("alice", alicePassword)
			v := w.worker(w.bundle(0))
			w.fine(revoke(w, t.Context(), g))
			if name != "compromised key" { // which is gone from a moment on
				w.pass(-time.Minute) // the clock is set back, too
			}
			w.service = w.serve()
			w.load(v, w.bundle(0))
			if got := w.says(v, g.Access); got != want {
				t.Errorf("after: %s, want %s", got, want)
			}
		})
	}
}

// TestService_Bundle_numbers: they rise, whatever the clock and other processes do.
func TestService_Bundle_numbers(t *testing.T) {
	w := newWorld(t)
	seen := []int64{}
	next := func(s *auth.Service, mark string) {
		t.Helper()
		w.service = s
		if mark != "" {
			w.fine(s.Kick(t.Context(), w.root(), mark, client))
		}
		b := w.bundle(0)
		if n := len(seen); n > 0 && b.Number <= seen[n-1] {
			t.Fatalf("number %d after %v", b.Number, seen)
		}
		seen = append(seen, b.Number)
	}
	a, b := w.service, w.serve()
	next(a, "")
	if seen[0] != w.clock().UnixMilli() {
		t.Errorf("the first number is %d, want the time", seen[0])
	}
	next(b, "")
	w.pass(-3 * time.Hour)
	next(a, aliceID)
	next(b, bobID)
	next(w.serve(), "")
	w.pass(time.Second)
	next(a, bobID)
	if last := seen[len(seen)-1]; last != seen[0]+int64(len(seen))-1 {
		t.Errorf("numbers %v, want each the one after the last while the clock is behind", seen)
	}
}

// TestService_Bundle_of_others: a delta is given only since what this process gave out itself.
func TestService_Bundle_of_others(t *testing.T) {
	w := newWorld(t)
	mine, other := w.service, w.serve()
	first := w.bundle(0)
	w.service = other
	theirs := w.bundle(0)
	w.service = mine
	if b, err := mine.Bundle(t.Context(), theirs.Number); b != nil || err != nil {
		t.Errorf("since a later number: %v, %v, want nothing newer", b, err)
	}
	w.pass(time.Second)
	w.fine(mine.Kick(t.Context(), w.root(), aliceID, client))
	for name, since := range map[string]int64{"another process'": theirs.Number, "none": 1, "nothing": 0, "below zero": -5, "one before": first.Number - 1, "one after": first.Number + 1} {
		if b := w.bundle(since); b.Base != 0 {
			t.Errorf("since %s number: a delta to %d", name, b.Base)
		}
	}
	if b := w.bundle(first.Number); b.Base != first.Number {
		t.Error("since our own number: no delta")
	}
	b := w.bundle(theirs.Number)
	w.load(w.worker(theirs), b)
}

// TestService_Bundle_pause: what changes at about the same time shares a bundle.
func TestService_Bundle_pause(t *testing.T) {
	w := newWorld(t)
	first := w.bundle(0)
	w.pass(time.Second)
	w.reset()
	w.fine(w.service.Kick(t.Context(), w.root(), aliceID, client))
	second := w.bundle(first.Number)
	for range 10 {
		w.fine(w.service.Kick(t.Context(), w.root(), bobID, client))
		if b, err := w.service.Bundle(t.Context(), second.Number); b != nil || err != nil {
			t.Fatalf("within the pause: %v, %v", b, err)
		}
	}
	select {
	case <-w.service.BundleStale():
	default:
		t.Error("who waits is not told that there is more")
	}
	w.pass(auth.BundlePause)
	third := w.bundle(second.Number)
	if n := w.counts["Numbers.Next"]; n != 2 {
		t.Errorf("%d numbers were given out, want 2", n)
	}
	if got := w.contents(third).Marks.Len(); got != 1 {
		t.Errorf("the delta has %d marks, want the one that is new", got)
	}
	if got := w.contents(w.bundle(first.Number)).Marks.Len(); got != 2 {
		t.Errorf("the delta over both has %d marks, want 2", got)
	}
	select {
	case <-w.service.BundleStale():
		t.Error("there is nothing new any more")
	default:
	}
}

// TestService_Bundle_unchanged: reading the store again makes no bundle by itself, so
// that processes on one store do not wake each other without end.
func TestService_Bundle_unchanged(t *testing.T) {
	w := newWorld(t)
	g := w.login("alice", alicePassword)
	w.fine(w.service.EndSession(t.Context(), w.themselves(), w.claimsOf(g.Access).Session, client))
	first := w.bundle(0)
	w.reset()
	for range 5 {
		w.pass(time.Second)
		w.fine(w.service.Load(t.Context()))
		if b, err := w.service.Bundle(t.Context(), first.Number); b != nil || err != nil {
			t.Fatalf("after a Load: %v, %v", b, err)
		}
	}
	if n := w.counts["Numbers.Next"]; n != 0 {
		t.Errorf("%d numbers were given out", n)
	}
}

// TestService_Bundle_renewed: a bundle is renewed in time, as a delta, and given out
// whole every hour, without what has expired.
func TestService_Bundle_renewed(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Settings.BundleLife = 40 * time.Minute })
	g := w.login("alice", alicePassword)
	held := w.bundle(0)
	if life := held.Expires.Sub(held.IssuedAt); life != 40*time.Minute {
		t.Errorf("life %v", life)
	}
	v := w.worker(held)
	w.pass(time.Second)
	w.fine(w.service.Kick(t.Context(), w.root(), aliceID, client))
	delta := w.bundle(held.Number)
	w.load(v, delta)
	wholes := 0
	for minute := 1; minute <= 180; minute++ {
		w.pass(time.Minute)
		number, expires := v.Held()
		b, err := w.service.Bundle(t.Context(), number)
		w.fine(err)
		if b != nil {
			w.load(v, b)
			if b.Base == 0 {
				wholes++
			}
		}
		if left := time.Unix(expires, 0).Sub(w.clock()); left < 29*time.Minute {
			t.Fatalf("minute %d: held until %v from now", minute, left)
		}
		if got := w.says(v, g.Access); got == "allowed" {
			t.Fatalf("minute %d: %s", minute, got)
		}
	}
	if wholes != 2 && wholes != 3 {
		t.Errorf("%d whole bundles in three hours", wholes)
	}
	if c := w.contents(w.bundle(0)); c.Marks.Len() != 0 {
		t.Errorf("%d marks that hit no live token", c.Marks.Len())
	}
}

// TestService_Bundle_down: while the store is down, what is signed is given out until it
// ends, and nothing else is signed.
func TestService_Bundle_down(t *testing.T) {
	w := newWorld(t)
	down := func() error { return errDown }
	w.before["Numbers.Next#1"] = down
	if b, err := w.service.Bundle(t.Context(), 0); b != nil || !errors.Is(err, errDown) {
		t.Fatalf("the first one: %v, %v", b, err)
	}
	if b, err := w.service.Bundle(t.Context(), 0); b != nil || !errors.Is(err, errDown) || w.counts["Numbers.Next"] != 1 {
		t.Fatalf("at once again: %v, %v after %d attempts, want the same without another", b, err, w.counts["Numbers.Next"])
	}
	w.pass(time.Second)
	first := w.bundle(0)
	w.reset()
	w.pass(time.Second)
	w.before["Marks.Add#1"] = down
	if err := w.service.Kick(t.Context(), w.root(), aliceID, client); !errors.Is(err, errDown) {
		t.Fatalf("kick: %v", err)
	}
	for i := range 3 {
		w.before["Numbers.Next#"+string(rune('1'+i))] = down
		if b := w.bundle(0); !cmp.Equal(b, first) {
			t.Error("another bundle while the store is down")
		}
		if b, err := w.service.Bundle(t.Context(), first.Number); b != nil || err != nil {
			t.Errorf("to who has it: %v, %v", b, err)
		}
		w.pass(time.Second)
	}
	if w.counts["Numbers.Next"] != 3 || len(w.reports) != 1 || !strings.Contains(w.reports[0], "make a bundle") {
		t.Errorf("%d attempts, reports %q, want 3 and one", w.counts["Numbers.Next"], w.reports)
	}
	after := w.bundle(first.Number)
	if got := w.contents(after).Marks.Len(); got != 1 {
		t.Errorf("what the store could not keep is not revoked at the edge: %d marks", got)
	}
	w.reset()
	w.pass(2 * time.Hour)
	for i := range 3 {
		w.before["Numbers.Next#"+string(rune('1'+i))] = down
	}
	for _, since := range []int64{0, after.Number} {
		if b, err := w.service.Bundle(t.Context(), since); b != nil || outcome(err) != "unavailable down" {
			t.Errorf("since %d, after its end: %v, %v", since, b, err)
		}
	}
}

// TestService_Bundle_blind: nothing is signed that would say less than other processes have revoked.
func TestService_Bundle_blind(t *testing.T) {
	w := newWorld(t)
	first := w.bundle(0)
	w.pass(time.Second)
	w.before["Marks.List#1"] = func() error { return errDown }
	if err := w.service.Load(t.Context()); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	w.fine(w.service.Kick(t.Context(), w.root(), aliceID, client))
	if b, err := w.service.Bundle(t.Context(), first.Number); b != nil || err != nil {
		t.Errorf("signed while blind: %v, %v", b, err)
	}
	w.pass(time.Second)
	w.fine(w.service.Load(t.Context()))
	if w.contents(w.bundle(first.Number)).Marks.Len() != 1 {
		t.Error("the mark is lost")
	}
}

// TestService_Bundle_ended: who gives up leaves the work to the next.
func TestService_Bundle_ended(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.before["Numbers.Next#1"] = func() error { cancel(); return nil }
	if b, err := w.service.Bundle(ctx, 0); b != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", b, err)
	}
	w.bundle(0)
	if len(w.reports) > 0 {
		t.Errorf("reports %q", w.reports)
	}
}

// TestService_Bundle_content: a bundle says what the service decides by, and no secret.
func TestService_Bundle_content(t *testing.T) {
	policy, err := access.NewPolicy([]access.Rule{
		{Path: "/orders/**", Methods: []string{"GET"}, Demand: access.SessionOrToken, Permissions: []string{"orders:read"}},
		{Path: "/status", Demand: access.Public},
	})
	if err != nil {
		t.Fatal(err)
	}
	site := edge.Site{Origin: issuer, Origins: []string{"https://app.example"}, Session: "s", Access: "a", Refresh: "r"}
	w := newWorld(t, func(c *auth.Config) { c.Edge.Policy, c.Edge.Site = policy, site })
	w.pass(1234 * time.Millisecond)
	b := w.bundle(0)
	c := w.contents(b)
	keys, _ := w.service.JWKS()
	jwks, err := c.Keys.MarshalJWKS()
	w.fine(err)
	if string(jwks) != string(keys) {
		t.Errorf("keys %s, want %s", jwks, keys)
	}
	c.Keys, c.Marks = nil, nil
	want := &edge.Bundle{
		Issuer: issuer, Number: w.clock().UnixMilli(), IssuedAt: w.clock().Unix(), Expires: w.clock().Add(time.Hour).Unix(),
		Audiences: []string{issuer}, Types: []string{"at+jwt"}, Required: []string{"sub", "iat"}, Leeway: token.DefaultLeeway, Site: site,
		Rules: []access.Rule{*policy.Rule(0), *policy.Rule(1)},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if b.Number != c.Number || b.IssuedAt.Unix() != c.IssuedAt || b.Expires.Unix() != c.Expires {
		t.Errorf("%+v is not what it says", b)
	}
	head, err := b64.DecodeString(strings.Split(string(b.Compact), ".")[0])
	if err != nil || string(head) != `{"alg":"ES256","typ":"hexward-bundle+jwt","kid":"key-2"}` {
		t.Errorf("header %s, %v", head, err)
	}
}

// TestService_Bundle_secrets: a shared secret is never in a bundle, whichever key signs.
func TestService_Bundle_secrets(t *testing.T) {
	w := newWorld(t)
	w.fine(second(w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{Algorithm: "HS256"}, client)))
	if c := w.contents(w.bundle(0)); c.Keys.Len() != 1 || c.Keys.At(0).Algorithm() != "EdDSA" {
		t.Errorf("%d keys, want the public one", c.Keys.Len())
	}
	w.pass(time.Hour)
	w.fine(w.service.Sweep(t.Context()))
	alone := w.bundle(0)
	if c := w.contents(alone); c.Keys != nil {
		t.Errorf("%d keys beside a secret alone", c.Keys.Len())
	}
	g := w.login("alice", alicePassword)
	if got := w.says(w.worker(alone), g.Access); got != "keys_elsewhere" {
		t.Errorf("a token under the secret: %s", got)
	}
}

// TestService_Bundle_off: without Edge there is nothing to publish, to sign with, or to rotate.
func TestService_Bundle_off(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Edge = nil })
	ctx := t.Context()
	for name, err := range map[string]error{
		"Bundle": second(w.service.Bundle(ctx, 0)), "BundleKeys": second(w.service.BundleKeys(ctx)),
		"ListBundleKeys":   second(w.service.ListBundleKeys(ctx, w.root())),
		"RotateBundleKeys": second(w.service.RotateBundleKeys(ctx, w.root(), auth.Rotation{}, client)),
		"RetireBundleKey":  w.service.RetireBundleKey(ctx, w.root(), "key-1", false, client),
	} {
		if outcome(err) != "not_found bundle_off" {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.fine(w.service.Kick(ctx, w.root(), aliceID, client))
	w.fine(w.service.Sweep(ctx))
	if slices.ContainsFunc(w.trace(), func(c string) bool { return strings.HasPrefix(c, "BundleKeys") || strings.HasPrefix(c, "Numbers") }) {
		t.Errorf("calls %v", w.trace())
	}
	s, err := auth.New(w.config())
	w.fine(err)
	if b, err := s.Bundle(ctx, 0); b != nil || outcome(err) != "unavailable not_ready" {
		t.Errorf("before Load: %v, %v", b, err)
	}
}

func TestNew_edge(t *testing.T) {
	for name, tt := range map[string]struct {
		set  func(*auth.Edge)
		want string
	}{
		"all":        {func(*auth.Edge) {}, ""},
		"no keys":    {func(e *auth.Edge) { e.Keys = nil }, "Edge.Keys is required"},
		"no numbers": {func(e *auth.Edge) { e.Numbers = nil }, "Edge.Numbers is required"},
		"large site": {func(e *auth.Edge) { e.Site.Origins = make([]string, 257) }, "Edge.Site"},
	} {
		t.Run(name, func(t *testing.T) {
			c := (&world{t: t}).config()
			tt.set(c.Edge)
			_, err := auth.New(c)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
