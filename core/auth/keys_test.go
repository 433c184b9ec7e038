package auth_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/auth"
)

// states returns each key's id and state.
func (w *world) states() map[string]auth.KeyState {
	w.t.Helper()
	list, err := w.service.ListKeys(w.t.Context(), w.root())
	if err != nil {
		w.t.Fatal(err)
	}
	states := map[string]auth.KeyState{}
	for _, k := range list {
		states[k.ID] = k.State
		if k.Sealed != nil {
			w.t.Errorf("%s is shown with its private part", k.ID)
		}
	}
	return states
}

// bearer returns how an access token is answered.
func (w *world) bearer(token string) string {
	_, err := w.service.Authenticate(w.t.Context(), auth.Credentials{Bearer: token, HasBearer: true})
	return outcome(err)
}

func kid(t *testing.T, token string) string {
	t.Helper()
	var header struct{ Kid string }
	b, err := b64.DecodeString(splitToken(token)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &header); err != nil {
		t.Fatal(err)
	}
	return header.Kid
}

func (w *world) published() []string {
	w.t.Helper()
	var set struct {
		Keys []struct{ Kid, Kty, K, D string }
	}
	document, etag := w.service.JWKS()
	if err := json.Unmarshal(document, &set); err != nil || !strings.HasPrefix(etag, `"`) {
		w.t.Fatalf("%s, %s, %v", document, etag, err)
	}
	ids := []string{}
	for _, k := range set.Keys {
		ids = append(ids, k.Kid)
		if k.Kty != "OKP" || k.K != "" || k.D != "" {
			w.t.Errorf("published: %s", document)
		}
	}
	return ids
}

// TestService_keys follows two keys through their lives while the clock moves.
func TestService_keys(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	step := func(name string, want map[string]auth.KeyState, signer string, jwks ...string) string {
		t.Helper()
		if diff := cmp.Diff(want, w.states()); diff != "" {
			t.Errorf("%s: states %s", name, diff)
		}
		if diff := cmp.Diff(jwks, w.published()); diff != "" {
			t.Errorf("%s: JWKS %s", name, diff)
		}
		g := w.login("alice", alicePassword)
		if got := kid(t, g.Access); got != signer {
			t.Errorf("%s: signed by %s", name, got)
		}
		if got := w.bearer(g.Access); got != "ok" {
			t.Errorf("%s: its token: %s", name, got)
		}
		return g.Access
	}
	step("first", map[string]auth.KeyState{"key-1": auth.KeyActive}, "key-1", "key-1")
	_, before := w.service.JWKS()
	k, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{Delay: -1}, client)
	if err != nil || k.ID != "key-2" || k.State != auth.KeyPublished || k.Sealed != nil || !k.SignsFrom.Equal(epoch.Add(10*time.Minute)) {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, after := w.service.JWKS(); after == before {
		t.Error("the entity tag is the same")
	}
	published := map[string]auth.KeyState{"key-1": auth.KeyActive, "key-2": auth.KeyPublished}
	step("published", published, "key-1", "key-1", "key-2")
	w.pass(10*time.Minute - time.Millisecond)
	last := step("just before", published, "key-1", "key-1", "key-2")
	w.pass(time.Millisecond)
	retired := map[string]auth.KeyState{"key-1": auth.KeyRetired, "key-2": auth.KeyActive}
	step("signs", retired, "key-2", "key-1", "key-2")
	w.pass(15 * time.Minute)
	if got := w.bearer(last); got != "ok" {
		t.Errorf("the last token of the retired key within leeway: %s", got)
	}
	w.pass(time.Minute - time.Millisecond)
	step("to the last", retired, "key-2", "key-1", "key-2")
	if err := w.service.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if len(w.keys) != 2 {
		t.Error("swept too soon")
	}
	w.pass(time.Millisecond)
	if diff := cmp.Diff(map[string]auth.KeyState{"key-1": auth.KeyDropped, "key-2": auth.KeyActive}, w.states()); diff != "" {
		t.Error(diff)
	}
	if err := w.service.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	step("swept", map[string]auth.KeyState{"key-2": auth.KeyActive}, "key-2", "key-2")
	if got := w.log()[len(w.log())-1]; !strings.HasPrefix(got, "login ok") {
		t.Error(got)
	}
}

func TestService_RetireKey(t *testing.T) {
	rotated := func(t *testing.T, delay time.Duration) (*world, string) {
		w := newWorld(t)
		g := w.login("alice", alicePassword)
		if _, err := w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{Delay: delay}, client); err != nil {
			t.Fatal(err)
		}
		return w, g.Access
	}
	t.Run("the only one", func(t *testing.T) {
		w := newWorld(t)
		for _, compromised := range []bool{false, true} {
			if err := w.service.RetireKey(t.Context(), w.root(), "key-1", compromised, client); outcome(err) != "conflict key_last" {
				t.Error(err)
			}
		}
		w.login("alice", alicePassword)
	})
	t.Run("before the next one signs", func(t *testing.T) {
		w, _ := rotated(t, time.Hour)
		if err := w.service.RetireKey(t.Context(), w.root(), "key-1", false, client); outcome(err) != "conflict key_last" {
			t.Error(err)
		}
	})
	t.Run("the one that is about to take over", func(t *testing.T) {
		w, _ := rotated(t, time.Hour)
		if err := w.service.RetireKey(t.Context(), w.root(), "key-2", true, client); outcome(err) != "conflict key_last" {
			t.Error(err)
		}
		w.pass(2 * time.Hour)
		w.login("alice", alicePassword) // somebody signs at any moment
	})
	t.Run("unknown", func(t *testing.T) {
		w := newWorld(t)
		if err := w.service.RetireKey(t.Context(), w.root(), "key-9", false, client); outcome(err) != "not_found key_unknown" {
			t.Error(err)
		}
	})
	t.Run("retired keys verify", func(t *testing.T) {
		w, token := rotated(t, 0)
		if err := w.service.RetireKey(t.Context(), w.root(), "key-1", false, client); err != nil {
			t.Fatal(err)
		}
		if got := w.bearer(token); got != "ok" {
			t.Error(got)
		}
	})
	t.Run("compromised ones do not", func(t *testing.T) {
		w, token := rotated(t, 0)
		if got := w.bearer(token); got != "ok" {
			t.Error(got)
		}
		if err := w.service.RetireKey(t.Context(), w.root(), "key-1", true, client); err != nil {
			t.Fatal(err)
		}
		if got := w.bearer(token); got != "unauthenticated token_key_unknown" {
			t.Error(got)
		}
		if diff := cmp.Diff([]string{"key-2"}, w.published()); diff != "" {
			t.Error(diff)
		}
		if log := w.log(); log[len(log)-1] != "key.retire ok root→key-1" {
			t.Error(log)
		}
	})
}

func TestService_RotateKeys(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for name, tt := range map[string]struct {
		r    auth.Rotation
		want string
	}{
		"unknown algorithm": {auth.Rotation{Algorithm: "none"}, "invalid unknown"},
		"no key":            {auth.Rotation{PEM: []byte("no key")}, "invalid malformed"},
		"empty file":        {auth.Rotation{PEM: []byte{}}, "invalid malformed"},
	} {
		if k, err := w.service.RotateKeys(ctx, w.root(), tt.r, client); outcome(err) != tt.want || k.ID != "" {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
	k, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{PEM: []byte("a good key")}, client)
	if err != nil || k.State != auth.KeyActive {
		t.Fatalf("%+v, %v", k, err)
	}
	t.Run("a key that is there already", func(t *testing.T) {
		w.ring.made-- // the same key again
		if _, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{PEM: []byte("a good key")}, client); outcome(err) != "conflict key_taken" {
			t.Error(err)
		}
	})
	t.Run("another one overtakes a key that was to sign", func(t *testing.T) {
		w := newWorld(t)
		for _, delay := range []time.Duration{time.Hour, 0} {
			if _, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{Delay: delay}, client); err != nil {
				t.Fatal(err)
			}
		}
		want := map[string]auth.KeyState{"key-1": auth.KeyRetired, "key-2": auth.KeyRetired, "key-3": auth.KeyActive}
		if diff := cmp.Diff(want, w.states()); diff != "" {
			t.Error(diff)
		}
		w.pass(2 * time.Hour)
		if got := kid(t, w.login("alice", alicePassword).Access); got != "key-3" {
			t.Errorf("signed by %s", got)
		}
	})
}

// TestService_keys_secret: a secret key signs and verifies next to a public one, and
// is never published.
func TestService_keys_secret(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	public := w.login("alice", alicePassword)
	if _, err := w.service.RotateKeys(ctx, w.root(), auth.Rotation{Algorithm: "HS256"}, client); err != nil {
		t.Fatal(err)
	}
	secret := w.login("alice", alicePassword)
	if kid(t, secret.Access) != "key-2" {
		t.Fatal("not signed by the secret key")
	}
	for name, token := range map[string]string{"public": public.Access, "secret": secret.Access} {
		if got := w.bearer(token); got != "ok" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if diff := cmp.Diff([]string{"key-1"}, w.published()); diff != "" {
		t.Error(diff)
	}
	document, _ := w.service.JWKS()
	if key := w.ring.private["key-2"].([]byte); bytes.Contains(document, []byte(b64.EncodeToString(key))) {
		t.Error("the secret is published")
	}
	t.Run("a public key is no secret", func(t *testing.T) {
		c := w.claimsOf(public.Access)
		c.Issuer = issuer
		x, err := b64.DecodeString(string(w.keys[0].Public[bytes.Index(w.keys[0].Public, []byte(`"x":"`))+5:][:43]))
		if err != nil {
			t.Fatal(err)
		}
		for _, material := range [][]byte{x, w.keys[0].Public} {
			for _, id := range []string{"key-1", "key-2"} {
				k := w.keys[0]
				k.Algorithm, k.ID = "HS256", id
				forged, err := sign(k, material, "at+jwt", payload(c))
				if err != nil {
					t.Fatal(err)
				}
				if got := w.bearer(forged); !strings.HasPrefix(got, "unauthenticated token_") {
					t.Errorf("signed with a public key as %s: %s", id, got)
				}
			}
		}
	})
	t.Run("alone", func(t *testing.T) {
		w := newWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
		g := w.login("alice", alicePassword)
		if got := w.bearer(g.Access); got != "ok" {
			t.Error(got)
		}
		if document, _ := w.service.JWKS(); string(document) != `{"keys":[]}` {
			t.Errorf("%s", document)
		}
	})
}

// TestService_Load_first: of two processes that start at once, one makes the first
// key and both sign with it.
func TestService_Load_first(t *testing.T) {
	w := newWorld(t)
	w.keys = nil
	other, err := auth.New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	w.before["Keys.Change#1"] = func() error { return other.Load(t.Context()) }
	if err := w.service.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.keys) != 1 {
		t.Fatalf("%d keys", len(w.keys))
	}
	g := w.login("alice", alicePassword)
	if _, err := other.Authenticate(t.Context(), auth.Credentials{Access: g.Access}); err != nil {
		t.Error(err)
	}
}
