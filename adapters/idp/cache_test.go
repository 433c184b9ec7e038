package idp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/ports"
)

const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/jwks"
)

func down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

// fetched fails unless the documents have been asked for so many times.
func (f *fake) fetched(t *testing.T, discovery, keys int) {
	t.Helper()
	if a, b := f.count(discoveryPath), f.count(keysPath); a != discovery || b != keys {
		t.Errorf("discovery was fetched %d times, keys %d times; want %d and %d", a, b, discovery, keys)
	}
}

func mustRedeem(t *testing.T, f *fake, p *idp.Provider) {
	t.Helper()
	if _, err := p.Redeem(t.Context(), redeemable(f)); err != nil {
		t.Fatal(err)
	}
}

func TestNew_fetchesNothing(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	f.fetched(t, 0, 0)
	if s := p.Status(); !s.Discovered.IsZero() || !s.KeysAt.IsZero() || s.Keys != nil || s.Err != nil {
		t.Errorf("status before anything: %+v", s)
	}
	if _, err := p.Begin(t.Context(), ports.AuthRequest{RedirectURI: callback, State: "s", Nonce: "n", Verifier: verifier}); err != nil {
		t.Fatal(err)
	}
	f.fetched(t, 1, 0)
}

func TestCache_freshness(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	mustRedeem(t, f, p)
	f.clock.pass(59 * time.Minute)
	mustRedeem(t, f, p)
	f.fetched(t, 1, 1)
	f.clock.pass(2 * time.Minute)
	mustRedeem(t, f, p)
	f.fetched(t, 2, 2)
}

// TestCache_keyWithdrawn has the provider take a key back: it counts no longer than an hour.
func TestCache_keyWithdrawn(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	mustRedeem(t, f, p)
	f.set(func() { f.keys = []object{rsaKey.jwk()} })
	f.clock.pass(61 * time.Minute)
	if _, err := p.Redeem(t.Context(), redeemable(f)); kind(err) != "unauthenticated" {
		t.Errorf("a withdrawn key: %v", err)
	}
}

func TestCache_providerDown(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	mustRedeem(t, f, p)
	f.set(func() { f.handle[discoveryPath], f.handle[keysPath] = down, down })

	f.clock.pass(24 * time.Hour)
	mustRedeem(t, f, p) // with what it has
	f.fetched(t, 2, 2)
	mustRedeem(t, f, p)
	f.fetched(t, 2, 2) // not tried again at once
	if s := p.Status(); s.Err == nil || !s.KeysAt.Equal(start) || !slices.Contains(s.Keys, "ec-1") {
		t.Errorf("status: %+v", s)
	}
	f.clock.pass(3 * time.Second)
	mustRedeem(t, f, p)
	f.fetched(t, 3, 3)

	f.clock.pass(time.Hour)
	if _, err := p.Redeem(t.Context(), redeemable(f)); kind(err) != "unavailable" {
		t.Errorf("what is over a day old still counts: %v", err)
	}
	f.set(func() { clear(f.handle) })
	f.clock.pass(3 * time.Second)
	mustRedeem(t, f, p)
	if s := p.Status(); s.Err != nil {
		t.Errorf("status after the provider came back: %v", s.Err)
	}
}

func TestCache_neverUp(t *testing.T) {
	f := newFake(t)
	f.handle[discoveryPath] = down
	p := mustNew(t, f.config())
	for range 5 {
		if _, err := p.Redeem(t.Context(), redeemable(f)); kind(err) != "unavailable" {
			t.Errorf("%v", err)
		}
	}
	f.fetched(t, 1, 0)
	f.clock.pass(3 * time.Second)
	f.set(func() { clear(f.handle) })
	mustRedeem(t, f, p)
}

func TestCache_rotation(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	mustRedeem(t, f, p)
	for i, k := range []key{otherKey, newEC("ec-3"), newEC("ec-4")} {
		f.set(func() { f.key, f.keys = k, []object{k.jwk(), ecKey.jwk()} })
		f.clock.pass(31 * time.Second)
		mustRedeem(t, f, p)
		f.fetched(t, 1, 2+i)
	}
}

// TestCache_unknownKeys floods with key ids that nobody has. The provider is asked once in 30 s for each of sign-ins
// and logouts, and neither keeps the other from finding a new key.
func TestCache_unknownKeys(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	mustRedeem(t, f, p)
	f.fetched(t, 1, 1)
	for i := range 50 {
		raw := ecKey.sign(fmt.Sprintf(`{"alg":"ES256","typ":"logout+jwt","kid":"garbage-%d"}`, i), `{}`)
		if _, err := p.ReadLogout(t.Context(), raw); kind(err) != "invalid" {
			t.Fatalf("kind %q, want invalid: %v", kind(err), err)
		}
		f.clock.pass(500 * time.Millisecond)
	}
	f.fetched(t, 1, 2)
	f.set(func() { f.key, f.keys = otherKey, []object{otherKey.jwk()} })
	mustRedeem(t, f, p)
	f.fetched(t, 1, 3)

	f.set(func() { f.header = set("kid", "nobody's") })
	for range 20 {
		if _, err := p.Redeem(t.Context(), redeemable(f)); kind(err) != "unauthenticated" {
			t.Fatalf("kind %q, want unauthenticated: %v", kind(err), err)
		}
	}
	f.fetched(t, 1, 3)
	f.clock.pass(31 * time.Second)
	_, _ = p.Redeem(t.Context(), redeemable(f))
	f.fetched(t, 1, 4)
}

// TestCache_unknownKeyWhileDown cannot tell a new key from garbage, so the answer is to try later.
func TestCache_unknownKeyWhileDown(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	mustRedeem(t, f, p)
	f.set(func() {
		f.handle[keysPath] = down
		f.header = set("kid", "new")
	})
	if _, err := p.Redeem(t.Context(), redeemable(f)); kind(err) != "unavailable" {
		t.Errorf("kind %q, want unavailable: %v", kind(err), err)
	}
	f.set(func() { f.header = nil })
	mustRedeem(t, f, p)
}

// TestCache_callerGone has the caller that started a fetch give up; it goes on for the others.
func TestCache_callerGone(t *testing.T) {
	f := newFake(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	f.handle[discoveryPath] = func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-goOn
		f.mu.Lock()
		defer f.mu.Unlock()
		write(w, text(f.document))
	}
	p := mustNew(t, f.config())
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := p.Begin(ctx, ports.AuthRequest{RedirectURI: callback, State: "s", Nonce: "n", Verifier: verifier})
		gone <- err
	}()
	<-asked
	cancel()
	if err := <-gone; kind(err) != "unavailable" || !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	close(goOn)
	mustRedeem(t, f, p)
	f.fetched(t, 1, 1)
}

func TestUnavailable_unreachable(t *testing.T) {
	f := newFake(t)
	c := f.config()
	f.Close()
	_, err := mustNew(t, c).Redeem(t.Context(), redeemable(f))
	if kind(err) != "unavailable" || !strings.Contains(err.Error(), "no connection can be made") {
		t.Errorf("%v", err)
	}
}
