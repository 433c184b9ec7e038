package idp_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
)

func newCurve256() crypto.Signer { return newCurve(elliptic.P256()) }

func mustVerify(t testing.TB, i *idp.Issuer, raw string) {
	t.Helper()
	if _, err := i.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
}

// wantVersion fails unless the keys have this version.
func wantVersion(t *testing.T, i *idp.Issuer, want uint64) {
	t.Helper()
	if got := i.Version(); got != want {
		t.Errorf("version %d, want %d", got, want)
	}
}

// eventually waits for what goes on in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func TestIssuer_freshness(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	mustVerify(t, i, f.bearer(nil))
	f.clock.pass(49 * time.Minute)
	mustVerify(t, i, f.bearer(nil))
	f.fetched(t, 1, 1)

	// Before an hour is over the keys are fetched anew, and nobody waits.
	block := make(chan struct{})
	f.set(func() {
		f.handle[keysPath] = func(w http.ResponseWriter, _ *http.Request) {
			<-block
			write(w, text(object{"keys": []object{ecKey.jwk(), rsaKey.jwk(), edKey.jwk()}}))
		}
	})
	f.clock.pass(2 * time.Minute)
	for range 10 {
		mustVerify(t, i, f.bearer(nil))
	}
	eventually(t, "the keys are fetched again", func() bool { return f.count(keysPath) == 2 })
	close(block)
	eventually(t, "the keys are new", func() bool { return i.Status().KeysAt.After(start) })
	mustVerify(t, i, f.bearer(nil))
	wantVersion(t, i, 1) // they are the same

	// After an hour without a token, the next one waits for them.
	f.clock.pass(61 * time.Minute)
	mustVerify(t, i, f.bearer(nil))
	if n := f.count(keysPath); n != 3 {
		t.Errorf("keys were fetched %d times", n)
	}
}

// TestIssuer_keyWithdrawn has the issuer take a key back: it counts no longer than an hour.
func TestIssuer_keyWithdrawn(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	mustVerify(t, i, f.bearer(nil))
	f.set(func() { f.keys = []object{rsaKey.jwk()} })
	f.clock.pass(61 * time.Minute)
	if _, err := i.Verify(t.Context(), f.bearer(nil)); reason(err) != "key_unknown" {
		t.Errorf("a withdrawn key: %v", err)
	}
	wantVersion(t, i, 2)
}

func TestIssuer_down(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	mustVerify(t, i, f.bearer(nil))
	f.set(func() { f.handle[discoveryPath], f.handle[keysPath] = down, down })
	f.clock.pass(24 * time.Hour)
	mustVerify(t, i, f.bearer(nil)) // it waited, in vain, and takes what it has
	f.fetched(t, 2, 2)

	// From here on nobody waits: the issuer hangs now.
	hang := make(chan struct{})
	f.set(func() {
		f.handle[keysPath] = func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	})
	f.clock.pass(3 * time.Second)
	began := time.Now()
	for range 20 {
		mustVerify(t, i, f.bearer(nil))
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("20 tokens took %v while the issuer hangs", took)
	}
	eventually(t, "it is tried again", func() bool { return f.count(keysPath) == 3 })
	close(hang)
	wantVersion(t, i, 1)

	f.clock.pass(2 * time.Hour)
	eventually(t, "what is over a day old counts no more", func() bool {
		_, err := i.Verify(t.Context(), f.bearer(nil))
		f.clock.pass(3 * time.Second)
		return reason(err) == "unavailable"
	})
	wantVersion(t, i, 2)
	if s := i.Status(); s.Err == nil || !s.KeysAt.Equal(start) || !slices.Contains(s.Keys, "ec-1") {
		t.Errorf("status: %+v", s)
	}
	f.set(func() { clear(f.handle) })
	f.clock.pass(3 * time.Second)
	mustVerify(t, i, f.bearer(nil))
	wantVersion(t, i, 3)
}

func TestIssuer_rotation(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	mustVerify(t, i, f.bearer(nil))
	old := f.bearer(nil)
	for n, k := range []key{otherKey, newEC("ec-3"), newEC("ec-4")} {
		f.set(func() { f.key, f.keys = k, []object{k.jwk(), ecKey.jwk()} })
		f.clock.pass(31 * time.Second)
		mustVerify(t, i, f.bearer(nil))
		f.fetched(t, 1, 2+n)
		wantVersion(t, i, uint64(2+n))
		mustVerify(t, i, old)
	}
	// A key changes under its id.
	twin := key{"ec-4", "ES256", newCurve256()}
	former := f.bearer(nil)
	f.set(func() { f.key, f.keys = twin, []object{twin.jwk(), ecKey.jwk()} })
	f.clock.pass(61 * time.Minute)
	mustVerify(t, i, f.bearer(nil))
	wantVersion(t, i, 5)
	if _, err := i.Verify(t.Context(), former); err == nil {
		t.Error("a key that was replaced under its id still counts")
	}
}

// TestIssuer_unknownKeys floods with key ids that nobody has: the issuer is asked once in a while, and good tokens do not
// notice.
func TestIssuer_unknownKeys(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	good := f.bearer(nil)
	mustVerify(t, i, good)
	for n := range 1000 {
		if _, err := i.Verify(t.Context(), f.bearer(head(set("kid", fmt.Sprint("garbage-", n))))); reason(err) != "key_unknown" {
			t.Fatalf("%v", err)
		}
		if n%100 == 0 {
			mustVerify(t, i, good)
		}
		f.clock.pass(10 * time.Millisecond)
	}
	f.fetched(t, 1, 2)
	wantVersion(t, i, 1)

	// A new key is found as soon as the issuer may be asked again, flood or not.
	f.set(func() { f.key, f.keys = otherKey, []object{otherKey.jwk(), ecKey.jwk()} })
	f.clock.pass(30 * time.Second)
	mustVerify(t, i, f.bearer(nil))
	f.fetched(t, 1, 3)
	mustVerify(t, i, good)
}

// TestIssuer_unknownKeysWhileSlow has garbage make the issuer be asked, which hangs: good tokens go on.
func TestIssuer_unknownKeysWhileSlow(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.Timeout = time.Second }))
	good := f.bearer(nil)
	mustVerify(t, i, good)
	hang := make(chan struct{})
	f.set(func() {
		f.handle[keysPath] = func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	})
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() { _, _ = i.Verify(t.Context(), f.bearer(head(set("kid", fmt.Sprint("garbage-", n))))) })
	}
	eventually(t, "the issuer is asked", func() bool { return f.count(keysPath) == 2 })
	began := time.Now()
	for range 200 {
		mustVerify(t, i, good)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("200 good tokens took %v", took)
	}
	close(hang)
	group.Wait()
	f.fetched(t, 1, 2)
	f.clock.pass(time.Second)
	if _, err := i.Verify(t.Context(), f.bearer(head(set("kid", "new")))); reason(err) != "unavailable" {
		t.Errorf("while the issuer is down a key that is not known may be a new one: %v", err)
	}
	f.fetched(t, 1, 2)
}

// TestIssuer_rotationUnderLoad changes the key while many verify: none of the good tokens is refused, and the keys are
// fetched once a change.
func TestIssuer_rotationUnderLoad(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	mustVerify(t, i, f.bearer(nil))
	keys := []object{ecKey.jwk()}
	for n := range 5 {
		k := newEC(fmt.Sprint("load-", n))
		keys = append([]object{k.jwk()}, keys...)
		before := f.bearer(nil)
		f.set(func() { f.key, f.keys = k, keys })
		f.clock.pass(31 * time.Second)
		after := f.bearer(nil)
		var group sync.WaitGroup
		var refused atomic.Int64
		for range 16 {
			group.Go(func() {
				for range 20 {
					for _, raw := range []string{before, after} {
						if _, err := i.Verify(context.WithoutCancel(t.Context()), raw); err != nil {
							refused.Add(1)
							t.Error(err)
						}
					}
				}
			})
		}
		group.Wait()
		if refused.Load() > 0 {
			t.Fatalf("%d good tokens were refused", refused.Load())
		}
		f.fetched(t, 1, 2+n)
		wantVersion(t, i, uint64(2+n))
	}
}

func TestIssuer_together(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	raw := f.bearer(nil)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { mustVerify(t, i, raw) })
	}
	group.Wait()
	f.fetched(t, 1, 1)
}

func TestIssuer_withoutDiscovery(t *testing.T) {
	f := newFake(t)
	f.handle[discoveryPath] = down
	i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.JWKS = f.URL + keysPath }))
	mustVerify(t, i, f.bearer(nil))
	f.fetched(t, 0, 1)
}
