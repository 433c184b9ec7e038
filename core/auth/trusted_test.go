package auth_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

func TestNew_issuers(t *testing.T) {
	tests := []struct {
		name   string
		change func(*auth.Config)
		want   string // part of the error; empty when accepted
	}{
		{"as they are", func(*auth.Config) {}, ""},
		{"no name", func(c *auth.Config) { c.Issuers[0].Name = "" }, "a name is required"},
		{"a name with a bar", func(c *auth.Config) { c.Issuers[0].Name = "a|b" }, "a name is required"},
		{"a name twice", func(c *auth.Config) { c.Issuers[0].Name = known }, "a name is required"},
		{"no URL", func(c *auth.Config) { c.Issuers[0].URL = "" }, "the URL"},
		{"a URL with a space", func(c *auth.Config) { c.Issuers[0].URL += " " }, "the URL"},
		{"a URL twice", func(c *auth.Config) { c.Issuers[0].URL = urlOf(known) }, "another issuer's URL"},
		{"our own URL", func(c *auth.Config) { c.Issuers[0].URL = issuer }, "our own tokens"},
		{"no adapter", func(c *auth.Config) { c.Issuers[0].Issuer = nil }, "Issuer is required"},
		{"users", func(c *auth.Config) { c.Issuers[0].Users = "all" }, `not "all"`},
		{"users said to be refused", func(c *auth.Config) { c.Issuers[0].Users = auth.UsersRefused }, ""},
		{"nowhere to keep identities", func(c *auth.Config) { c.Identities, c.Providers = nil, nil }, "Identities is required"},
		{"machines need no identities", func(c *auth.Config) {
			c.Identities, c.Providers = nil, nil
			c.Issuers = slices.DeleteFunc(c.Issuers, func(i auth.Trusted) bool { return i.Name != robots })
		}, ""},
		{"no tenant behind a claim", func(c *auth.Config) { c.Issuers[0].Tenants = map[string]string{"org": ""} }, "a tenant's id"},
		{"no claim before a tenant", func(c *auth.Config) { c.Issuers[0].Tenants = map[string]string{"": acme} }, "a tenant is known by a name"},
		{"a tenant's id", func(c *auth.Config) { c.Issuers[0].Tenant = "The Reds" }, `not "The Reds"`},
		{"a provider's tenant's id", func(c *auth.Config) { c.Providers[0].Tenant = "The Reds" }, `not "The Reds"`},
		{"one cache for both", func(c *auth.Config) { c.Refused = c.Verified }, "two caches, Verified"},
		{"no caches", func(c *auth.Config) { c.Verified, c.Refused = nil, nil }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.config()
			w.withIssuers(&c)
			tt.change(&c)
			_, err := auth.New(c)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("New: %v, want %q", err, tt.want)
			}
		})
	}
}

// TestService_tenants_configured: the tenants that the configuration names are
// there, and those that are there stay as they are.
func TestService_tenants_configured(t *testing.T) {
	w := newWorld(t)
	w.tenants["kept"] = tenant.Tenant{ID: "kept", Name: "Kept", External: []tenant.External{{Source: "google", ID: "x"}}}
	serve := func() {
		w.serve(w.withProviders, w.withIssuers, func(c *auth.Config) {
			c.Providers[0].Tenant = "home"
			c.Issuers[0].Tenant = "kept"
			c.Issuers[1].Tenants = map[string]string{"a": "first", "b": "second"}
		})
	}
	serve()
	want := []string{acme, tenant.Default, "first", "home", "kept", "second"}
	if got := slices.Sorted(maps.Keys(w.tenants)); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := w.tenants["kept"]; got.Name != "Kept" || len(got.External) != 1 {
		t.Errorf("%+v", got)
	}
	if got := w.tenants["first"]; got.Name != "first" || !got.CreatedAt.Equal(epoch) {
		t.Errorf("%+v", got)
	}
	serve()
	t.Run("another process is quicker", func(t *testing.T) {
		delete(w.tenants, "home")
		w.before["Tenants.Create#1"] = func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.tenants["home"] = tenant.Tenant{ID: "home", Name: "Theirs"}
			return nil
		}
		serve()
		if got := w.tenants["home"].Name; got != "Theirs" {
			t.Error(got)
		}
	})
	t.Run("the store is down", func(t *testing.T) {
		w := newWorld(t)
		s, err := auth.New(w.config())
		if err != nil {
			t.Fatal(err)
		}
		w.reset()
		w.before["Tenants.ByID#1"] = func() error { return errDown }
		if err := s.Load(t.Context()); outcome(err) != "unavailable down" {
			t.Error(err)
		}
		if err := s.Load(t.Context()); err != nil {
			t.Error(err)
		}
		w.reset()
		if err := s.Load(t.Context()); err != nil || w.counts["Tenants.ByID"] != 0 {
			t.Errorf("%v after %v", err, w.calls)
		}
	})
}

// TestService_tenants_required: somebody whose tenant is not known comes in only
// where none is asked for.
func TestService_tenants_required(t *testing.T) {
	recorded := func(w *world) {
		w.tenants["globex"] = tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{{Source: "google", ID: "org-globex"}, {Source: "google", ID: "org-acme"}}}
	}
	tests := []struct {
		name     string
		up       auth.Upstream
		said     string
		want     string
		provider bool
	}{
		{"recorded", auth.Upstream{}, "org-globex", "globex", true},
		{"not recorded", auth.Upstream{}, "org-x", tenant.Default, true},
		{"not recorded, with a fallback", auth.Upstream{Tenant: acme}, "org-x", acme, true},
		{"recorded, with a fallback", auth.Upstream{Tenant: acme}, "org-globex", "globex", true},
		{"not recorded, but required", auth.Upstream{TenantRequired: true}, "org-x", "forbidden tenant", true},
		{"not recorded, but required, with a fallback", auth.Upstream{TenantRequired: true, Tenant: acme}, "org-x", "forbidden tenant", true},
		{"recorded and required", auth.Upstream{TenantRequired: true}, "org-globex", "globex", true},
		{"nothing said, but required", auth.Upstream{TenantRequired: true}, "", "forbidden tenant", true},
		{"configured before recorded", auth.Upstream{Tenants: map[string]string{"org-acme": acme}}, "org-acme", acme, true},
		{"recorded where another is configured", auth.Upstream{Tenants: map[string]string{"org-acme": acme}}, "org-globex", "globex", true},
		{"neither", auth.Upstream{Tenants: map[string]string{"org-acme": acme}}, "org-x", "forbidden tenant", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := newUpWorld(t, func(c *auth.Config) {
				up := &c.Providers[0]
				up.Tenant, up.Tenants, up.TenantRequired = tt.up.Tenant, tt.up.Tenants, tt.up.TenantRequired
			})
			recorded(w)
			g, err := w.come("google", with(dana(), func(p *ports.Person) { p.Tenant = tt.said }))
			got := outcome(err)
			if err == nil {
				got = g.User.Tenant
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

const sharedSecret = "a secret that several systems share"

// TestService_secret: the secret of the settings signs, and nothing else.
func TestService_secret(t *testing.T) {
	with := func(secret string) func(*auth.Config) {
		return func(c *auth.Config) { c.Settings.Secret, c.Settings.Algorithm = []byte(secret), "HS256" }
	}
	start := func(w *world, secret string) { w.service = w.serve(with(secret)) }
	t.Run("on an empty store", func(t *testing.T) {
		w := newWorld(t)
		w.keys = nil
		start(w, sharedSecret)
		g := w.login("alice", alicePassword)
		if len(w.keys) != 1 || kid(t, g.Access) != w.keys[0].ID || w.bearer(g.Access) != "ok" {
			t.Errorf("%d keys, the token is of %s", len(w.keys), kid(t, g.Access))
		}
		if string(w.ring.private[w.keys[0].ID].([]byte)) != sharedSecret {
			t.Error("another secret signs")
		}
		if got := w.published(); len(got) != 0 {
			t.Errorf("published: %v", got)
		}
		id := w.keys[0].ID
		for range 3 {
			start(w, sharedSecret)
		}
		if len(w.keys) != 1 || w.keys[0].ID != id {
			t.Error("it was taken over again")
		}
	})
	t.Run("in place of a key that was made", func(t *testing.T) {
		w := newWorld(t)
		before := w.login("alice", alicePassword)
		if _, err := w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{Delay: time.Hour}, client); err != nil {
			t.Fatal(err)
		}
		start(w, sharedSecret)
		g := w.login("alice", alicePassword)
		if kid(t, g.Access) != "key-3" || w.bearer(g.Access) != "ok" || w.bearer(before.Access) != "ok" {
			t.Errorf("signed by %s; %s, and from before %s", kid(t, g.Access), w.bearer(g.Access), w.bearer(before.Access))
		}
		w.pass(2 * time.Hour) // the key that was planned does not take over
		if got := kid(t, w.login("alice", alicePassword).Access); got != "key-3" {
			t.Errorf("later signed by %s", got)
		}
		if got := w.bearer(before.Access); got == "ok" {
			t.Error("a token from before is good for ever")
		}
	})
	t.Run("another secret", func(t *testing.T) {
		w := newWorld(t)
		w.keys = nil
		start(w, "a former secret of many characters")
		before := w.login("alice", alicePassword)
		start(w, sharedSecret)
		g := w.login("alice", alicePassword)
		if kid(t, g.Access) == kid(t, before.Access) || w.bearer(g.Access) != "ok" {
			t.Error("the former secret signs")
		}
		states := w.states()
		if states[kid(t, before.Access)] != auth.KeyRetired || states[kid(t, g.Access)] != auth.KeyActive {
			t.Errorf("%v", states)
		}
		start(w, "a former secret of many characters") // and back, before it was dropped
		if got := kid(t, w.login("alice", alicePassword).Access); got != kid(t, before.Access) || len(w.keys) != 2 {
			t.Errorf("signed by %s of %d keys", got, len(w.keys))
		}
	})
	t.Run("two processes with different ones", func(t *testing.T) {
		w := newWorld(t)
		w.keys = nil
		start(w, "a former secret of many characters")
		first := w.service
		start(w, sharedSecret)
		before := slices.Clone(w.keys)
		for range 5 { // each hears of the other's changes
			w.pass(time.Second)
			if err := first.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.service.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, w.keys); diff != "" || len(w.keys) != 2 {
			t.Errorf("%d keys, and they fight: %s", len(w.keys), diff)
		}
		if got := kid(t, w.login("alice", alicePassword).Access); got != w.keys[1].ID {
			t.Errorf("signed by %s", got)
		}
	})
	t.Run("rotation", func(t *testing.T) {
		w := newWorld(t)
		start(w, sharedSecret)
		if _, err := w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{}, client); outcome(err) != "conflict key_configured" {
			t.Error(err)
		}
		if err := w.service.RetireKey(t.Context(), w.root(), "key-2", true, client); outcome(err) != "conflict key_last" {
			t.Error(err)
		}
	})
	t.Run("a keyring that is down", func(t *testing.T) {
		for _, call := range []string{"Keyring.ImportSecret#1", "Keys.Change#1", "Keyring.Open#1"} {
			w := newWorld(t)
			c := w.config()
			with(sharedSecret)(&c)
			s, err := auth.New(c)
			if err != nil {
				t.Fatal(err)
			}
			w.reset()
			w.before[call] = func() error { return errDown }
			if err := s.Load(t.Context()); outcome(err) != "unavailable down" {
				t.Errorf("%s: %v", call, err)
			}
			if err := s.Load(t.Context()); err != nil {
				t.Errorf("%s: then %v", call, err)
			}
		}
	})
}
