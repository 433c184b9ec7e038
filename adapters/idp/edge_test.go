package idp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/adapters/memory"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// nothing stands in for the ports that no token needs.
type nothing struct {
	ports.Hasher
	ports.Mailer
}

// trustingService is a service that trusts an issuer, and an edge verifier that holds its bundle.
func trustingService(t *testing.T, i *idp.Issuer, clock func() time.Time, users auth.UserTokens, subject string) (*auth.Service, *edge.Verifier) {
	t.Helper()
	fine := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	seals, err := sealer.New(bytes.Repeat([]byte{7}, sealer.KeySize))
	fine(err)
	ring, err := keyring.New(seals)
	fine(err)
	seal, err := session.NewSeal(bytes.Repeat([]byte{9}, session.SealKeySize))
	fine(err)
	s := memory.New()
	settings := auth.DefaultSettings("https://id.hexward.example")
	service, err := auth.New(auth.Config{
		Users: s.Users(), Sessions: s.Sessions(), SessionSets: s.SessionSets(), MailTokens: s.MailTokens(), Attempts: s.Attempts(),
		Marks: s.Marks(), Audit: s.Audit(), Keys: s.Keys(), Identities: s.Identities(), Tenants: s.Tenants(), Directory: s.Directory(),
		Machines: s.Machines(), APITokens: s.APITokens(), Keyring: ring, Signer: signer.New(), Sealer: seals, Hasher: nothing{}, Mailer: nothing{},
		Seal: seal, Rand: rand.Reader, Now: clock,
		Report:   func(_ context.Context, doing string, err error) { t.Errorf("reported: %s: %v", doing, err) },
		Edge:     &auth.Edge{Keys: s.BundleKeys(), Numbers: s.BundleNumbers()},
		Issuers:  []auth.Trusted{{Name: "x", URL: i.URL(), Issuer: i, Users: users, Edge: true}},
		Settings: settings,
	})
	fine(err)
	if subject != "" {
		name, err := user.ParseName("alice")
		fine(err)
		u := user.New("0190aaaa-0000-7000-8000-000000000001", tenant.Default, name, user.Email{}, "", clock())
		u.Permissions = []string{"admin", "orders:read"}
		fine(s.Users().Create(t.Context(), u))
		fine(s.Identities().Create(t.Context(), user.Identity{ID: "0190aaaa-0000-7000-8000-000000000002", UserID: u.ID, Issuer: i.URL(), Subject: subject}))
	}
	fine(service.Load(t.Context()))
	bundle, err := service.Bundle(t.Context(), 0)
	fine(err)
	jwks, err := service.BundleKeys(t.Context())
	fine(err)
	trust, err := token.ParseKeySet(jwks)
	fine(err)
	v, err := edge.New(edge.Config{Trust: trust, Algorithms: []token.Algorithm{
		token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512, token.HS256,
	}})
	fine(err)
	fine(v.Load(bundle.Compact, clock().UnixMilli()))
	return service, v
}

// subjectOf returns what a token says its subject is, if it is one that somebody can have.
func subjectOf(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Sub string }
	if json.Unmarshal(payload, &claims) != nil || !access.ValidSubject(claims.Sub) {
		return ""
	}
	return claims.Sub
}

// sameAtEdge holds what an edge verifier makes of a token against what the service does, whose issuer this is: where only machines
// may come in, where the token's person is known, and where they are not.
func sameAtEdge(t *testing.T, i *idp.Issuer, clock func() time.Time, raw string) {
	t.Helper()
	subject := subjectOf(raw)
	for _, one := range []struct {
		users   auth.UserTokens
		subject string
	}{{auth.UsersRefused, ""}, {auth.UsersKnown, subject}, {auth.UsersKnown, ""}} {
		service, v := trustingService(t, i, clock, one.users, one.subject)
		want, who := "allowed", access.Principal{}
		if id, err := service.Authenticate(t.Context(), auth.Credentials{Bearer: raw, HasBearer: true}); err != nil {
			want = fault.CodeOf(err)
			if fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("the server: %v", err)
			}
		} else {
			who = *id.Principal
		}
		var out edge.Verdict
		v.Verify(raw, clock().UnixMilli(), &out)
		if i.Snapshot(t.Context()).Keys == nil && !slices.Contains([]string{"token_issuer", "token_malformed", "token_claim_missing", "token_claims_malformed", "token_too_long"}, want) {
			want, who = "issuer_elsewhere", access.Principal{}
		}
		if out.Code != want {
			t.Errorf("at the edge, with users %s: %d %s, the server says %s", one.users, out.Status, out.Code, want)
		}
		if diff := cmp.Diff(who, out.Principal); diff != "" && out.Code == want {
			t.Errorf("at the edge, with users %s: %s", one.users, diff)
		}
	}
}

// TestIssuer_Snapshot: it says what Verify goes by, has keys fetched, and tells no secret.
func TestIssuer_Snapshot(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) {
		c.Types, c.Algorithms = []string{"JWT", ""}, []string{"ES256", "EdDSA"}
		c.Clients, c.Required, c.TenantClaim = []string{"app"}, []string{"jti"}, "org"
		c.Machines = idp.MachineRules{Claims: map[string]string{"b": "2", "a": "1"}}
	}))
	s := i.Snapshot(t.Context())
	f.fetched(t, 1, 1)
	if s.Keys.Lookup(ecKey.kid) == nil || s.Keys.Lookup(edKey.kid) == nil || s.Keys.Lookup(rsaKey.kid) != nil || s.Version != 1 || i.Version() != 1 {
		t.Errorf("keys of version %d", s.Version)
	}
	if diff := cmp.Diff([][]string{{api}, {"JWT", ""}, {"ES256", "EdDSA"}}, [][]string{s.Audiences, s.Types, s.Algorithms}); diff != "" {
		t.Error(diff)
	}
	if got := string(s.Rules.AppendJSON(nil)); got != `{"preset":"oidc","clients":["app"],"required":["jti"],"tenant":"org","permissions":[{"claim":"scope"}],`+
		`"machines":{"claims":[["a","1"],["b","2"]]}}` {
		t.Error(got)
	}
	if err := s.Rules.Check(); err != nil {
		t.Error(err)
	}
	s.Audiences[0], s.Types[0] = "changed", "changed"
	if again := i.Snapshot(t.Context()); again.Audiences[0] != api || again.Types[0] != "JWT" {
		t.Errorf("it is shared: %+v", again)
	}

	// Another key makes another version.
	other := newEC("ec-2")
	f.set(func() { f.keys, f.key = []object{other.jwk()}, other })
	f.clock.pass(2 * time.Hour)
	if s = i.Snapshot(t.Context()); s.Keys.Lookup("ec-2") == nil || s.Version != 2 {
		t.Errorf("keys of version %d", s.Version)
	}

	// Keys that are too old are none; that it is asked for does not wait long for an issuer that says nothing.
	f.set(func() { f.handle[keysPath] = down })
	f.clock.pass(26 * time.Hour)
	if s = i.Snapshot(t.Context()); s.Keys != nil {
		t.Error("keys that nobody may use any more")
	}

	secret := mustIssuer(t, f.issuer(shared))
	if s = secret.Snapshot(t.Context()); s.Keys != nil || len(s.Algorithms) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestIssuer_Snapshot_slow(t *testing.T) {
	f := newFake(t)
	let := make(chan struct{})
	defer close(let)
	f.set(func() { f.handle[keysPath] = func(http.ResponseWriter, *http.Request) { <-let } })
	i := mustIssuer(t, f.issuer())
	began := time.Now()
	if s := i.Snapshot(t.Context()); s.Keys != nil || time.Since(began) > 3*time.Second {
		t.Errorf("keys %v after %v", s.Keys, time.Since(began))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	took := time.Hour
	for try := 0; try < 10 && took > 300*time.Millisecond; try++ { // a busy machine may take its time once
		began = time.Now()
		if s := i.Snapshot(ended); s.Keys != nil {
			t.Errorf("keys %v", s.Keys)
		}
		took = min(took, time.Since(began))
	}
	if took > 300*time.Millisecond {
		t.Errorf("who does not wait waits %v", took)
	}
}
