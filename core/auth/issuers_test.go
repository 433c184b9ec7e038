package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	rules "github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// tokenCache is a ports.TokenCache that forgets nothing by itself.
type tokenCache struct {
	mu   sync.RWMutex
	kept map[[32]byte]any
	puts int
}

func newTokenCache() *tokenCache { return &tokenCache{kept: map[[32]byte]any{}} }

func (c *tokenCache) Get(key [32]byte) any {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.kept[key]
}

func (c *tokenCache) Put(key [32]byte, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[key] = value
	c.puts++
}

func (c *tokenCache) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.kept)
}

// authority is another issuer. It verifies for real; what its tokens claim decides
// whose they are.
type authority struct {
	w        *world
	name     string
	url      string
	key      ports.SigningKey
	private  ed25519.PrivateKey
	verifier atomic.Pointer[token.Verifier]
	keys     atomic.Pointer[token.KeySet]
	version  atomic.Uint64
	fresh    bool // its keys have been fetched

	mu      sync.Mutex
	people  map[string]ports.Person // by subject: what its userinfo says
	minted  int
	persons int
}

// The issuers of a world.
const (
	cup     = "cup"     // makes users, and its word on addresses counts
	known   = "known"   // lets in who has an identity of it
	robots  = "robots"  // machines only
	orgs    = "orgs"    // makes users, and names tenants
	looseIs = "freely"  // makes users; its word on addresses does not count
	dana1   = "dana-1"  // a subject
	robot1  = "robot-1" // a machine's
)

func urlOf(name string) string { return "https://" + name + ".example/" }

// withIssuers adds the issuers.
func (w *world) withIssuers(c *auth.Config) {
	if c.Identities == nil {
		w.withProviders(c)
	}
	if w.abroad == nil {
		w.abroad = map[string]*authority{}
		for _, name := range []string{cup, known, robots, orgs, looseIs} {
			w.abroad[name] = w.newAuthority(name)
		}
	}
	c.Issuers = []auth.Trusted{
		{Name: cup, Users: auth.UsersMade, LinkByEmail: true},
		{Name: known, Users: auth.UsersKnown},
		{Name: robots},
		{Name: orgs, Users: auth.UsersMade, Tenants: map[string]string{"org-acme": acme, "org-default": tenant.Default}},
		{Name: looseIs, Users: auth.UsersMade},
	}
	for i := range c.Issuers {
		t := &c.Issuers[i]
		t.URL, t.Issuer = urlOf(t.Name), w.abroad[t.Name]
	}
}

func issuersOf(w *world) func(*auth.Config) { return w.withIssuers }

// newBearerWorld is newWorld with providers and issuers.
func newBearerWorld(t testing.TB, change ...func(*auth.Config)) *world {
	t.Helper()
	w := newWorld(t)
	w.service = w.serve(append([]func(*auth.Config){w.withProviders, w.withIssuers}, change...)...)
	return w
}

func (w *world) newAuthority(name string) *authority {
	a := &authority{w: w, name: name, url: urlOf(name), people: map[string]ports.Person{}}
	a.rekey("1")
	a.version.Store(0)
	return a
}

// rekey gives the issuer another key, in place of the one it had.
func (a *authority) rekey(number string) {
	seed := sha256.Sum256([]byte(a.name + " key " + number))
	a.private = ed25519.NewKeyFromSeed(seed[:])
	a.key = ports.SigningKey{ID: a.name + "-" + number, Algorithm: "EdDSA"}
	key, err := token.NewEd25519Key(a.key.ID, a.private.Public().(ed25519.PublicKey))
	if err != nil {
		a.w.t.Fatal(err)
	}
	set, err := token.NewKeySet(key)
	if err != nil {
		a.w.t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: a.url, Audiences: []string{issuer}, Types: []string{"at+jwt"}, Algorithms: []token.Algorithm{token.EdDSA},
		Keys: set, Leeway: token.DefaultLeeway,
	})
	if err != nil {
		a.w.t.Fatal(err)
	}
	a.verifier.Store(v)
	a.keys.Store(set)
	a.version.Add(1)
}

// Snapshot is what Verify does, as data.
func (a *authority) Snapshot(context.Context) ports.IssuerSnapshot {
	return ports.IssuerSnapshot{
		Audiences: []string{issuer}, Types: []string{"at+jwt"}, Algorithms: []string{"EdDSA"}, Keys: a.keys.Load(), Version: a.Version(),
		Rules: rules.Rules{
			TenantClaim: "org", Permissions: []rules.PermissionClaim{{Claim: "permissions"}},
			Machines: rules.Machines{Claims: []rules.ClaimWord{{Claim: "gty", Word: "client-credentials"}}},
		},
	}
}

func (a *authority) Version() uint64 { return a.version.Load() }

func (a *authority) Verify(ctx context.Context, compact string) (b ports.Bearer, err error) {
	err = a.w.do(ctx, "Issuer.Verify", func() error {
		if !a.fresh { // the first token has the keys fetched
			a.fresh = true
			a.version.Add(1)
		}
		if err := a.verifier.Load().Verify(compact, a.w.clock().Unix(), &b.Claims); err != nil {
			return err
		}
		grant, _ := b.Claims.Lookup("gty")
		text, _ := grant.Text()
		b.Machine, b.Client, b.Permissions = text == "client-credentials", b.Claims.ClientID, b.Claims.Permissions
		org, _ := b.Claims.Lookup("org")
		b.Tenant, _ = org.Text()
		return nil
	})
	return b, err
}

func (a *authority) Person(ctx context.Context, _ string, b *ports.Bearer) (who ports.Person, err error) {
	err = a.w.do(ctx, "Issuer.Person", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.persons++
		who = a.people[b.Claims.Subject]
		who.Issuer, who.Subject = "https://not-asked.example", b.Claims.Subject
		return nil
	})
	return who, err
}

// mint returns a token of the issuer about a subject, with these claims over the
// usual ones; nil takes one away.
func (a *authority) mint(subject string, claims map[string]any) string {
	a.w.t.Helper()
	now := a.w.clock()
	a.mu.Lock()
	a.minted++
	jti := fmt.Sprintf("jti-%04d", a.minted)
	a.mu.Unlock()
	all := map[string]any{
		"iss": a.url, "sub": subject, "aud": []string{issuer}, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": jti, "client_id": "app",
	}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	text, err := sign(a.key, a.private, "at+jwt", all)
	if err != nil {
		a.w.t.Fatal(err)
	}
	a.w.secret("a foreign token", text)
	return text
}

// machine returns a token about a machine.
func (a *authority) machine(subject string, claims map[string]any) string {
	all := map[string]any{"gty": "client-credentials", "client_id": subject}
	maps.Copy(all, claims)
	return a.mint(subject, all)
}

// show shows a token as a bearer.
func (w *world) show(text string) (auth.Identity, error) {
	return w.showIn(w.t.Context(), text)
}

func (w *world) showIn(ctx context.Context, text string) (auth.Identity, error) {
	id, err := w.service.Authenticate(ctx, auth.Credentials{Bearer: text, HasBearer: true, From: visitor{}})
	w.clean(err)
	if (err == nil) != (id.Principal != nil) {
		w.t.Errorf("%v and %+v", err, id.Principal)
	}
	if err != nil && fault.KindOf(err) != fault.Unauthenticated && fault.KindOf(err) != fault.Unavailable {
		w.t.Errorf("a token is refused by %v", err)
	}
	return id, err
}

// must is show that has to work.
func (w *world) must(text string) *access.Principal {
	w.t.Helper()
	id, err := w.show(text)
	if err != nil {
		w.t.Fatalf("refused: %v", err)
	}
	return id.Principal
}

type visitor struct{}

func (visitor) Visitor() auth.Client { return client }

// verifications returns how often issuers verified since the last reset.
func (w *world) verifications() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts["Issuer.Verify"]
}

// userNames returns the names of all users, sorted.
func (w *world) userNames() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, u := range w.users {
		list = append(list, u.Name.String())
	}
	slices.Sort(list)
	return list
}
