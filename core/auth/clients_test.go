package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/tenant"
)

const privateJWK = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`

func TestService_AddClient(t *testing.T) {
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	k := newSigner(robotID, "k1")
	tests := []struct {
		name string
		in   auth.NewClient
		want string
	}{
		{"with a secret", auth.NewClient{Name: " robot ", Permissions: []string{"b", "a", "b"}}, "ok"},
		{"with keys", auth.NewClient{Name: "robot", Keys: jwks(k)}, "ok"},
		{"of what its maker does not hold", auth.NewClient{Name: "robot", Permissions: []string{"orders:read", access.Admin}}, "ok"},
		{"no name", auth.NewClient{}, "invalid form"},
		{"a name of two lines", auth.NewClient{Name: "a\nb"}, "invalid form"},
		{"a permission that is two scopes", auth.NewClient{Name: "robot", Permissions: []string{"a b"}}, "invalid character"},
		{"an empty permission", auth.NewClient{Name: "robot", Permissions: []string{""}}, "invalid character"},
		{"too many permissions", auth.NewClient{Name: "robot", Permissions: many}, "invalid too_many"},
		{"a private key", auth.NewClient{Name: "robot", Keys: []byte(privateJWK)}, "invalid key_private"},
		{"a secret for a key", auth.NewClient{Name: "robot", Keys: []byte(`{"keys":[{"kty":"oct","alg":"HS256","k":"` + strings.Repeat("A", 43) + `"}]}`)}, "invalid key_private"},
		{"no key", auth.NewClient{Name: "robot", Keys: []byte(`{"keys":[]}`)}, "invalid key_unsupported"},
		{"a key for encryption", auth.NewClient{Name: "robot", Keys: []byte(strings.Replace(string(jwks(k)), `"sig"`, `"enc"`, 1))}, "invalid key_unsupported"},
		{"no JWK Set", auth.NewClient{Name: "robot", Keys: []byte(k.jwk())}, "invalid key_malformed"},
		{"a weak key", auth.NewClient{Name: "robot", Keys: []byte(`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 85) + `w","e":"AQAB"}]}`)}, "invalid key_weak"},
		{"long keys", auth.NewClient{Name: "robot", Keys: []byte(strings.Repeat(" ", machine.MaxKeys+1))}, "invalid too_long"},
		{"all wrong at once", auth.NewClient{Permissions: []string{""}, Keys: []byte("x")}, "invalid form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c, text, err := w.service.AddClient(t.Context(), w.root(), tt.in, client)
			w.secret("a client's secret", text)
			w.clean(err)
			if outcome(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if err != nil {
				if c.ID != "" || text != "" || len(w.clients) > 0 {
					t.Errorf("%+v is there", c)
				}
				if tt.name == "all wrong at once" {
					for _, member := range []string{"name: ", "permissions: ", "keys: "} {
						if !strings.Contains(err.Error(), member) {
							t.Errorf("%v does not name %s", err, member)
						}
					}
				}
				return
			}
			if diff := cmp.Diff(c, w.client(c.ID)); diff != "" || c.Tenant != tenant.Default || c.Name != "robot" || !slices.IsSorted(c.Permissions) {
				t.Errorf("%+v %s", c, diff)
			}
			if (text == "") != (len(tt.in.Keys) > 0) || (len(c.Secrets) == 0) != (text == "") {
				t.Errorf("a secret of %d characters, %d kept", len(text), len(c.Secrets))
			}
			if text != "" {
				if got := w.ask(auth.ClientProof{ID: c.ID, Secret: text}); got != "ok" {
					t.Error(got)
				}
			}
		})
	}
}

// TestService_ChangeClient: what a change ends, and what it leaves.
func TestService_ChangeClient(t *testing.T) {
	name, less, none := "another", []string{"a"}, []byte{}
	key := func(names ...string) *[]byte {
		var list []*signer
		for _, n := range names {
			list = append(list, newSigner(robotID, n))
		}
		set := jwks(list...)
		return &set
	}
	private, bad := []byte(privateJWK), []string{"a b"}
	tests := []struct {
		name  string
		keyed bool // the client signs assertions
		in    auth.ChangedClient
		want  string
		ends  bool // its tokens
		proof bool // what proved it before does so still
	}{
		{"nothing", false, auth.ChangedClient{}, "ok", false, true},
		{"its name", false, auth.ChangedClient{Name: &name}, "ok", false, true},
		{"its permissions", false, auth.ChangedClient{Permissions: &less}, "ok", true, true},
		{"keys for a secret", false, auth.ChangedClient{Keys: key("k1")}, "ok", true, false},
		{"another key besides", true, auth.ChangedClient{Keys: key("k1", "k2")}, "ok", false, true},
		{"the same key, as one does who was told that it failed", true, auth.ChangedClient{Keys: key("k1")}, "ok", true, true},
		{"another key in its place", true, auth.ChangedClient{Keys: key("k2")}, "ok", true, false},
		{"no keys", true, auth.ChangedClient{Keys: &none}, "ok", true, false},
		{"a private key", true, auth.ChangedClient{Name: &name, Keys: &private}, "invalid key_private", false, true},
		{"a bad permission", false, auth.ChangedClient{Name: &name, Permissions: &bad}, "invalid character", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			proof := w.addClient(robotID, tenant.Default, "a", "b")
			again := proof
			if tt.keyed {
				k := w.addSigner(robotID, tenant.Default, "a", "b")
				proof = auth.ClientProof{Assertion: k.assert(w)}
				claims := k.claims(w)
				claims["jti"] = "another one"
				again = auth.ClientProof{Assertion: k.sign(w, "JWT", claims)}
			}
			g := w.machineToken(proof)
			before := w.client(robotID)
			c, err := w.service.ChangeClient(t.Context(), w.root(), robotID, tt.in, client)
			if outcome(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if diff := cmp.Diff(w.client(robotID), c); err == nil && diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(w.client(robotID), before); err != nil && diff != "" {
				t.Error(diff)
			}
			if got := w.bearer(g.Access); (got == "ok") == tt.ends {
				t.Errorf("the token of before: %s", got)
			}
			if got := w.ask(again); (got == "ok") != tt.proof {
				t.Errorf("the proof of before: %s", got)
			}
			w.consistent()
		})
	}
	t.Run("from keys to a secret", func(t *testing.T) {
		w := newWorld(t)
		w.addSigner(robotID, tenant.Default)
		if _, err := w.service.ChangeClient(t.Context(), w.root(), robotID, auth.ChangedClient{Keys: &none}, client); err != nil {
			t.Fatal(err)
		}
		_, text, err := w.service.RotateClient(t.Context(), w.root(), robotID, false, client)
		w.secret("a client's secret", text)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.ask(auth.ClientProof{ID: robotID, Secret: text}); got != "ok" {
			t.Error(got)
		}
	})
	t.Run("keys changed again after it failed", func(t *testing.T) {
		w := newWorld(t)
		k := w.addSigner(robotID, tenant.Default)
		g := w.machineToken(auth.ClientProof{Assertion: k.assert(w)})
		w.reset()
		w.before["Marks.Add#1"] = func() error { return errDown }
		if _, err := w.service.ChangeClient(t.Context(), w.root(), robotID, auth.ChangedClient{Keys: key("k2")}, client); outcome(err) != "unavailable down" {
			t.Fatal(err)
		}
		if _, err := w.service.ChangeClient(t.Context(), w.root(), robotID, auth.ChangedClient{Keys: key("k2")}, client); err != nil {
			t.Fatal(err)
		}
		if got := w.bearer(g.Access); got != "unauthenticated token_revoked" || w.marks["user "+robotID].Before == 0 {
			t.Errorf("%s, marks %v", got, w.marks)
		}
	})
	t.Run("done again after it failed", func(t *testing.T) {
		for _, call := range []string{"Marks.Add#1", "Clients.Update#1", "Audit.Record#1"} {
			w := newWorld(t)
			g := w.machineToken(w.addClient(robotID, tenant.Default, "a", "b"))
			w.reset()
			w.after[call] = func() error { return errDown }
			if _, err := w.service.ChangeClient(t.Context(), w.root(), robotID, auth.ChangedClient{Permissions: &less}, client); outcome(err) != "unavailable down" {
				t.Fatalf("%s: %v", call, err)
			}
			w.consistent()
			if _, err := w.service.ChangeClient(t.Context(), w.root(), robotID, auth.ChangedClient{Permissions: &less}, client); err != nil {
				t.Fatal(err)
			}
			if got := w.bearer(g.Access); got != "unauthenticated token_revoked" {
				t.Errorf("%s: %s", call, got)
			}
			if w.marks["user "+robotID].Before == 0 {
				t.Errorf("%s: the mark is not in the store: %v", call, w.marks)
			}
		}
	})
}

// TestService_DisableClient: a client that is shut out has nothing that works, and nothing of before when it is let in again.
func TestService_DisableClient(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	proof := w.addClient(robotID, tenant.Default, "a")
	g := w.machineToken(proof)
	if c, err := w.service.DisableClient(ctx, w.root(), robotID, true, client); err != nil || !c.Disabled() {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := w.ask(proof); got != invalidClient {
		t.Errorf("disabled: %s", got)
	}
	if got := w.bearer(g.Access); got != "unauthenticated token_revoked" {
		t.Errorf("its token: %s", got)
	}
	if c, err := w.service.DisableClient(ctx, w.root(), robotID, false, client); err != nil || c.Disabled() {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := w.bearer(g.Access); got != "unauthenticated token_revoked" {
		t.Errorf("its token of before: %s", got)
	}
	if got := w.bearer(w.machineToken(proof).Access); got != "ok" {
		t.Errorf("let in again: %s", got)
	}
	if diff := cmp.Diff([]string{"client.disable ok root→robot", "client.enable ok root→robot"}, slices.DeleteFunc(w.log(), func(l string) bool { return strings.HasPrefix(l, "client.token") })); diff != "" {
		t.Error(diff)
	}
}

// TestService_DeleteClient: a call that fails shuts the client out all the same, and can be made again.
func TestService_DeleteClient(t *testing.T) {
	for _, tt := range []struct{ moment, call string }{
		{"", ""}, {"before", "Marks.Add#1"}, {"before", "Clients.Delete#1"}, {"after", "Clients.Update#1"}, {"after", "Marks.Add#1"},
	} {
		t.Run(tt.moment+" "+tt.call, func(t *testing.T) {
			w := newWorld(t)
			ctx := t.Context()
			proof := w.addClient(robotID, tenant.Default, "a")
			g := w.machineToken(proof)
			w.reset()
			switch tt.moment {
			case "before":
				w.before[tt.call] = func() error { return errDown }
			case "after":
				w.after[tt.call] = func() error { return errDown }
			}
			err := w.service.DeleteClient(ctx, w.root(), robotID, client)
			if (err == nil) != (tt.call == "") {
				t.Fatal(err)
			}
			if got := w.ask(proof); got != invalidClient {
				t.Errorf("its secret: %s", got)
			}
			if got := w.bearer(g.Access); got != "unauthenticated token_revoked" {
				t.Errorf("its token: %s", got)
			}
			if err != nil {
				if err := w.service.DeleteClient(ctx, w.root(), robotID, client); err != nil {
					t.Fatalf("again: %v", err)
				}
			}
			if len(w.clients) != 0 || w.marks["user "+robotID].Until < w.clock().Add(15*time.Minute).Unix() {
				t.Errorf("%d clients, marks %v", len(w.clients), w.marks)
			}
			if err := w.service.DeleteClient(ctx, w.root(), robotID, client); outcome(err) != "not_found client_unknown" {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// TestService_FindClient never shows more than hashes, and those to administrators alone.
func TestService_FindClient(t *testing.T) {
	w := newWorld(t)
	proof := w.addClient(robotID, tenant.Default, "a")
	c, err := w.service.FindClient(t.Context(), w.root(), robotID)
	if err != nil || c.Name != "robot a" || strings.Contains(fmt.Sprintf("%+v", c), proof.Secret) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := w.service.FindClient(t.Context(), w.root(), aliceID); outcome(err) != "not_found client_unknown" {
		t.Error(err)
	}
}
