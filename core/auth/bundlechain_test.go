package auth_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

// accessTokens returns n tokens of sessions of n people, under the key that signs.
func (w *world) accessTokens(n int) []string {
	w.t.Helper()
	list := make([]string, n)
	now := w.clock()
	for i := range list {
		compact, err := sign(w.keys[0], w.ring.private[w.keys[0].ID], "at+jwt", payload(token.Claims{
			Issuer: issuer, Audience: []string{issuer}, Subject: fmt.Sprintf("user-%d", i), Session: fmt.Sprintf("session-%d", i), ID: fmt.Sprintf("token-%d", i),
			ClientID: issuer, IssuedAt: now.Unix(), IssuedAtMillis: now.UnixMilli(), Expiry: now.Add(15 * time.Minute).Unix(),
		}))
		w.fine(err)
		list[i] = compact
	}
	return list
}

// TestService_Bundle_chain: a thousand revocations, one delta after the other, or all in
// one, say the same as the whole bundle.
func TestService_Bundle_chain(t *testing.T) {
	w := newWorld(t)
	tokens := w.accessTokens(2000)
	first := w.bundle(0)
	step, leap := w.worker(first), w.worker(first)
	agree := func(what string, v *edge.Verifier, revoked int) {
		t.Helper()
		for i, text := range tokens {
			if i%17 != revoked%17 {
				continue
			}
			want := "allowed"
			if i < revoked {
				want = "token_revoked"
			}
			if got := w.says(v, text); got != want {
				t.Fatalf("%s: token %d is %s, want %s", what, i, got, want)
			}
		}
	}
	for i := range 1000 {
		w.fine(w.service.RevokeToken(t.Context(), nil, tokens[i], client))
		w.pass(auth.BundlePause)
		number, _ := step.Held()
		delta := w.bundle(number)
		if delta.Base != number {
			t.Fatalf("step %d is a delta to %d, want one to %d", i, delta.Base, number)
		}
		if len(delta.Compact) > 600 {
			t.Fatalf("a delta of one mark has %d bytes", len(delta.Compact))
		}
		w.load(step, delta)
		if i%333 == 0 {
			agree("step by step", step, i+1)
			agree("whole", w.worker(w.bundle(0)), i+1)
		}
	}
	agree("step by step", step, 1000)
	agree("whole", w.worker(w.bundle(0)), 1000)
	delta := w.bundle(first.Number)
	if delta.Base != first.Number {
		t.Errorf("all at once is a delta to %d, want one to %d", delta.Base, first.Number)
	}
	w.load(leap, delta)
	agree("all at once", leap, 1000)
}

// TestService_Bundle_overflow: who is too far behind for what is kept gets the whole.
func TestService_Bundle_overflow(t *testing.T) {
	t.Run("marks", func(t *testing.T) {
		w := newWorld(t)
		first := w.bundle(0)
		w.pass(time.Second)
		w.mark(12_000, "a")
		next := w.bundle(first.Number)
		if n := w.contents(next).Marks.Len(); next.Base != 0 || n != 12_000 {
			t.Errorf("%d marks with a delta to %d, want all of them in a whole bundle", n, next.Base)
		}
		w.pass(time.Second)
		w.mark(10, "b")
		last := w.bundle(next.Number)
		if n := w.contents(last).Marks.Len(); last.Base != next.Number || n != 10 {
			t.Errorf("then %d marks with a delta to %d, want the 10 new ones", n, last.Base)
		}
	})
	t.Run("marks while a bundle is made", func(t *testing.T) {
		w := newWorld(t)
		w.mark(20_000, "z") // so that a delta is worth it
		w.bundle(0)
		w.pass(time.Second)
		w.fine(second(w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{}, client)))
		w.reset()
		w.before["Numbers.Next#1"] = func() error { w.mark(12_000, "a"); return nil }
		next := w.bundle(0)
		w.pass(time.Second)
		if n := w.contents(w.bundle(next.Number)).Marks.Len(); n < 12_000 {
			t.Errorf("%d marks after the next bundle, want all that came while it was made", n)
		}
	})
	t.Run("numbers", func(t *testing.T) {
		w := newWorld(t)
		first := w.bundle(0)
		number := first.Number
		for i := range 1100 {
			w.mark(1, fmt.Sprint(i))
			w.pass(auth.BundlePause)
			number = w.bundle(number).Number
		}
		w.mark(1, "last")
		w.pass(auth.BundlePause)
		if b := w.bundle(first.Number); b.Base != 0 {
			t.Error("a delta to a number that is long gone")
		}
		if b := w.bundle(number); b.Base != number {
			t.Error("no delta to the number before")
		}
	})
}

// mark adds marks as another process does, and has the service read them.
func (w *world) mark(n int, name string) {
	w.t.Helper()
	w.mu.Lock()
	for i := range n {
		w.addMark(token.Mark{Kind: token.MarkSession, Value: fmt.Sprintf("%s-%d", name, i), Until: w.now.Add(20 * time.Minute).Unix()})
	}
	w.mu.Unlock()
	w.fine(w.service.Load(w.t.Context()))
}

// TestService_Bundle_large: a hundred thousand revocations fit, and one more is a short delta.
func TestService_Bundle_large(t *testing.T) {
	w := newWorld(t)
	tokens := w.accessTokens(2)
	w.mark(100_000, "0190aaaa-0000-7000-8000-0000000000")
	begun := time.Now()
	b := w.bundle(0)
	took := time.Since(begun)
	if len(b.Compact) >= 1<<20 {
		t.Errorf("%d bytes", len(b.Compact))
	}
	v := w.worker(b)
	w.pass(time.Second)
	w.fine(w.service.RevokeToken(t.Context(), nil, tokens[0], client))
	begun = time.Now()
	delta := w.bundle(b.Number)
	if delta.Base != b.Number || len(delta.Compact) > 600 {
		t.Errorf("a delta of %d bytes to %d", len(delta.Compact), delta.Base)
	}
	t.Logf("whole: %d bytes in %v; delta: %d bytes in %v", len(b.Compact), took, len(delta.Compact), time.Since(begun))
	w.load(v, delta)
	if a, b := w.says(v, tokens[0]), w.says(v, tokens[1]); a != "token_revoked" || b != "allowed" {
		t.Errorf("the revoked one is %s, the other %s", a, b)
	}

	// Of a burst not every revocation makes another bundle of that size: for a second, who asks for the
	// whole gets the one there is, and the rest as a delta to it.
	if again := w.bundle(0); again.Number != delta.Number {
		t.Errorf("number %d a second later, want %d", again.Number, delta.Number)
	}
	w.pass(auth.BundlePause)
	w.fine(w.service.RevokeToken(t.Context(), nil, tokens[1], client))
	late := w.bundle(0)
	if late.Number != delta.Number {
		t.Errorf("number %d at once, want %d again", late.Number, delta.Number)
	}
	rest := w.bundle(late.Number)
	v = w.worker(late, rest)
	if got := w.says(v, tokens[1]); rest.Base != late.Number || got != "token_revoked" {
		t.Errorf("a delta to %d, by which the token is %s", rest.Base, got)
	}
	w.pass(time.Second)
	if b := w.bundle(0); b.Number != rest.Number || w.says(w.worker(b), tokens[1]) != "token_revoked" {
		t.Errorf("a second later the whole bundle is number %d, want %d", b.Number, rest.Number)
	}
}

// TestService_Bundle_parallel: revoking, reading again and asking go on at once; everybody
// ends up with everything.
func TestService_Bundle_parallel(t *testing.T) {
	w := newWorld(t)
	w.tick = 20 * time.Millisecond
	tokens := w.accessTokens(200)
	first := w.bundle(0)
	workers := make([]*edge.Verifier, 8)
	for i := range workers {
		workers[i] = w.worker(first)
	}
	follow := func(v *edge.Verifier) (bool, error) {
		number, _ := v.Held()
		b, err := w.service.Bundle(t.Context(), number)
		if b == nil || err != nil {
			return false, err
		}
		return true, v.Load(b.Compact, w.clock().UnixMilli())
	}
	var wait sync.WaitGroup
	for part := range 4 {
		wait.Go(func() {
			for i := part; i < len(tokens)/2; i += 4 {
				if err := w.service.RevokeToken(t.Context(), nil, tokens[i], client); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Go(func() {
		for range 20 {
			if err := w.service.Load(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	for _, v := range workers {
		wait.Go(func() {
			for range 50 {
				if _, err := follow(v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	w.pass(time.Second)
	for n, v := range workers {
		for {
			more, err := follow(v)
			w.fine(err)
			if !more {
				break
			}
		}
		for i, text := range tokens {
			want := "allowed"
			if i < len(tokens)/2 {
				want = "token_revoked"
			}
			if got := w.says(v, text); got != want {
				t.Fatalf("worker %d: token %d is %s, want %s", n, i, got, want)
			}
		}
	}
}

// TestService_BundleKeys: keys are made once, rotate with time to tell every worker, and
// are not those of tokens.
func TestService_BundleKeys(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ids := func() (list []string) {
		t.Helper()
		jwks, err := w.service.BundleKeys(ctx)
		w.fine(err)
		set, err := token.ParseKeySet(jwks)
		w.fine(err)
		for i := range set.Len() {
			if a := set.At(i).Algorithm(); a != "ES256" {
				t.Errorf("a key for %s", a)
			}
			list = append(list, set.At(i).ID())
		}
		return list
	}
	state := func() (text string) {
		t.Helper()
		keys, err := w.service.ListBundleKeys(ctx, w.root())
		w.fine(err)
		for _, k := range keys {
			if k.Sealed != nil {
				t.Error("a private key is listed")
			}
			text += k.ID + " " + string(k.State) + " "
		}
		return text
	}
	signedBy := func() string {
		t.Helper()
		for _, id := range []string{"key-2", "key-3", "key-4"} {
			b := w.bundle(0)
			for _, k := range w.bundleKeys {
				if k.ID != id {
					continue
				}
				trust, err := token.ParseKeySet([]byte(`{"keys":[` + string(k.Public) + `]}`))
				w.fine(err)
				v, err := edge.New(edge.Config{Trust: trust, Algorithms: algorithms})
				w.fine(err)
				if v.Load(b.Compact, w.clock().UnixMilli()) == nil {
					return id
				}
			}
		}
		return "nobody"
	}
	equal := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	equal("the first key", fmt.Sprint(ids(), ids()), "[key-2] [key-2]")
	first := w.bundle(0)
	for _, r := range []auth.Rotation{{Algorithm: "EdDSA"}, {Algorithm: "HS256"}, {PEM: []byte("a good key")}} {
		if err := second(w.service.RotateBundleKeys(ctx, w.root(), r, client)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("rotate to %+v: %v", r, err)
		}
	}
	w.fine(second(w.service.RotateBundleKeys(ctx, w.root(), auth.Rotation{Delay: -1}, client)))
	equal("published", fmt.Sprint(ids(), " ", state()), "[key-2 key-3] key-2 active key-3 published ")
	w.pass(auth.BundleKeyDelay - time.Minute)
	equal("before it begins", signedBy(), "key-2")
	w.pass(time.Minute)
	equal("when it begins", signedBy(), "key-3")
	equal("then", fmt.Sprint(ids(), " ", state()), "[key-2 key-3] key-2 retired key-3 active ")
	if b := w.bundle(first.Number); b.Base != 0 {
		t.Error("a delta across keys")
	}
	w.pass(time.Hour)
	w.fine(w.service.Sweep(ctx))
	equal("when all that it signed has ended", fmt.Sprint(ids(), " ", state()), "[key-3] key-3 active ")

	if err := w.service.RetireBundleKey(ctx, w.root(), "key-3", true, client); outcome(err) != "conflict key_last" {
		t.Errorf("retire the last key: %v", err)
	}
	if err := w.service.RetireBundleKey(ctx, w.root(), "key-1", true, client); outcome(err) != "not_found key_unknown" {
		t.Errorf("retire a key of tokens: %v", err)
	}
	before := w.bundle(0)
	w.fine(second(w.service.RotateBundleKeys(ctx, w.root(), auth.Rotation{}, client)))
	w.fine(w.service.RetireBundleKey(ctx, w.root(), "key-3", true, client))
	w.pass(auth.BundlePause)
	equal("after a key was stolen", fmt.Sprint(ids(), " ", signedBy()), "[key-4] key-4")
	if b := w.bundle(before.Number); b.Base != 0 || b.Number <= before.Number {
		t.Error("what the stolen key signed is given out still")
	}
	g := w.login("alice", alicePassword)
	equal("the key of tokens", w.says(w.worker(w.bundle(0)), g.Access), "allowed")

	w.fine(w.service.Sweep(ctx))
	w.pass(-48 * time.Hour) // no key has begun by this clock
	w.bundle(0)
	equal("with the clock set back", fmt.Sprint(ids()), "[key-4]")
}
