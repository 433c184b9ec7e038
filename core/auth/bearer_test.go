package auth_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// The people of the issuers.
func (w *world) danaAbroad(name string) *authority {
	a := w.abroad[name]
	a.people[dana1] = with(dana(), func(p *ports.Person) { p.Username, p.Email, p.EmailVerified = "dana", "dana@example.net", true })
	return a
}

// tell returns a principal in one line. A name that was made up is "someone".
func tell(p *access.Principal) string {
	name := p.Name
	if strings.HasPrefix(name, "user") {
		name = "someone"
	}
	if p.Kind == access.Machine {
		name = p.Subject
	}
	return fmt.Sprintf("%s %s in %s may %v", p.Kind, name, p.Tenant, p.Permissions)
}

// person is what tell says of somebody who was made a user just in time, or who may nothing.
func person(name string) string { return "user " + name + " in default may []" }

// foreignTokens are tokens of other issuers, and what becomes of them.
var foreignTokens = []struct {
	name  string
	token func(*world) string
	want  string
}{
	{"made just in time", func(w *world) string { return w.danaAbroad(cup).mint(dana1, nil) }, person("dana")},
	{"known", func(w *world) string {
		w.up().add(aliceID, known, urlOf(known), dana1)
		return w.abroad[known].mint(dana1, nil)
	}, person("alice")},
	{"not known", func(w *world) string { return w.abroad[known].mint(dana1, nil) }, "unauthenticated token_stranger"},
	{"known to another issuer", func(w *world) string {
		w.up().add(aliceID, cup, urlOf(cup), dana1)
		return w.abroad[known].mint(dana1, nil)
	}, "unauthenticated token_stranger"},
	{"of a person where only machines may", func(w *world) string { return w.abroad[robots].mint(dana1, nil) }, "unauthenticated token_user"},
	{"machine", func(w *world) string { return w.abroad[robots].machine(robot1, nil) }, "machine robots|robot-1 in default may []"},
	{"machine with permissions", func(w *world) string {
		return w.abroad[robots].machine(robot1, map[string]any{"permissions": []string{"b", "a", "admin", "a", "two words", "x\r\ny", ""}})
	}, "machine robots|robot-1 in default may [a b]"},
	{"machine whose subject is a user's id", func(w *world) string { return w.abroad[robots].machine(rootID, nil) }, "machine robots|" + rootID + " in default may []"},
	{"machine that claims to be another issuer's", func(w *world) string {
		return w.abroad[robots].machine("cup|"+robot1, nil)
	}, "machine robots|cup|robot-1 in default may []"},
	{"subject is a user's id", func(w *world) string { return w.abroad[known].mint(rootID, nil) }, "unauthenticated token_stranger"},
	{"subject is a user's id, made", func(w *world) string { return w.abroad[looseIs].mint(rootID, nil) }, "user someone in default may []"},
	{"foreign admin", func(w *world) string {
		w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"orders"} })
		w.up().add(aliceID, known, urlOf(known), dana1)
		return w.abroad[known].mint(dana1, map[string]any{"permissions": []string{"admin", "orders", "books"}})
	}, "user alice in default may [books orders]"},
	{"an administrator here", func(w *world) string {
		w.up().add(rootID, known, urlOf(known), dana1)
		return w.abroad[known].mint(dana1, nil)
	}, "user root in default may []"},
	{"claims of ours in it", func(w *world) string {
		w.up().add(aliceID, known, urlOf(known), dana1)
		return w.abroad[known].mint(dana1, map[string]any{"tenant": acme, "sid": "a-session", "username": "root", "client_id": dana1})
	}, person("alice")},
	{"its tenant", func(w *world) string { return w.danaAbroad(orgs).mint(dana1, map[string]any{"org": "org-acme"}) }, "user dana in acme may []"},
	{"its recorded tenant", func(w *world) string {
		w.tenants["globex"] = tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{{Source: orgs, ID: "org-globex"}}}
		return w.danaAbroad(orgs).mint(dana1, map[string]any{"org": "org-globex"})
	}, "user dana in globex may []"},
	{"a tenant recorded for another issuer", func(w *world) string {
		w.tenants["globex"] = tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{{Source: cup, ID: "org-globex"}}}
		return w.danaAbroad(orgs).mint(dana1, map[string]any{"org": "org-globex"})
	}, "unauthenticated tenant"},
	{"a tenant recorded where none is configured", func(w *world) string {
		w.tenants["globex"] = tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{{Source: robots, ID: "org-globex"}}}
		return w.abroad[robots].machine(robot1, map[string]any{"org": "org-globex"})
	}, "machine robots|robot-1 in globex may []"},
	{"no tenant where there are some", func(w *world) string { return w.danaAbroad(orgs).mint(dana1, nil) }, "unauthenticated tenant"},
	{"a machine of no tenant", func(w *world) string { return w.abroad[orgs].machine(robot1, map[string]any{"org": "org-evil"}) }, "unauthenticated tenant"},
	{"a user of another tenant", func(w *world) string {
		w.up().add(aliceID, orgs, urlOf(orgs), dana1)
		return w.abroad[orgs].mint(dana1, map[string]any{"org": "org-acme"})
	}, "unauthenticated tenant"},
	{"banned", func(w *world) string {
		w.up().add(aliceID, known, urlOf(known), dana1)
		w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{} })
		return w.abroad[known].mint(dana1, nil)
	}, "unauthenticated banned"},
	{"an account that changes hands", func(w *world) string {
		w.up().add(aliceID, known, urlOf(known), dana1)
		w.edit(aliceID, func(u *user.User) { u.PasswordHash = "!" })
		return w.abroad[known].mint(dana1, nil)
	}, "unavailable changed_meanwhile"},
	{"another issuer's name", func(w *world) string { return w.abroad[cup].mint(dana1, map[string]any{"iss": urlOf(known)}) }, "unauthenticated token_key_unknown"},
	{"our name", func(w *world) string {
		return w.abroad[cup].mint(aliceID, map[string]any{"iss": issuer, "permissions": []string{"admin"}})
	}, "unauthenticated token_key_unknown"},
	{"our name and our key's", func(w *world) string {
		a := w.abroad[cup]
		a.key.ID = "key-1"
		return a.mint(aliceID, map[string]any{"iss": issuer, "permissions": []string{"admin"}})
	}, "unauthenticated token_signature"},
	{"another's name and key", func(w *world) string {
		a := w.abroad[cup]
		a.key.ID = "known-1"
		return a.mint(dana1, map[string]any{"iss": urlOf(known)})
	}, "unauthenticated token_signature"},
	{"a name like another's", func(w *world) string {
		return w.abroad[cup].mint(dana1, map[string]any{"iss": strings.TrimSuffix(urlOf(cup), "/")})
	}, "unauthenticated token_issuer"},
	{"nobody's name", func(w *world) string {
		return w.abroad[cup].mint(dana1, map[string]any{"iss": "https://evil.example/"})
	}, "unauthenticated token_issuer"},
	{"no name", func(w *world) string { return w.abroad[cup].mint(dana1, map[string]any{"iss": nil}) }, "unauthenticated token_claim_missing"},
	{"two names", func(w *world) string {
		return w.abroad[cup].mint(dana1, map[string]any{"iss": []string{urlOf(cup), urlOf(known)}})
	}, "unauthenticated token_claims_malformed"},
	{"a name in another case", func(w *world) string { return w.abroad[cup].mint(dana1, map[string]any{"ISS": urlOf(known)}) }, "unauthenticated token_claims_malformed"},
	{"for another audience", func(w *world) string { return w.abroad[cup].mint(dana1, map[string]any{"aud": "else"}) }, "unauthenticated token_audience"},
	{"expired", func(w *world) string { return w.abroad[cup].mint(dana1, map[string]any{"exp": epoch.Unix() - 60}) }, "unauthenticated token_expired"},
	{"without a time of issue", func(w *world) string { return w.abroad[cup].mint(dana1, map[string]any{"iat": nil}) }, "unauthenticated token_claim_missing"},
	{"too old for marks", func(w *world) string {
		return w.abroad[cup].mint(dana1, map[string]any{"iat": epoch.Add(-24*time.Hour).Unix() - 61})
	}, "unauthenticated token_too_old"},
	{"just not too old for marks", func(w *world) string {
		return w.danaAbroad(cup).mint(dana1, map[string]any{"iat": epoch.Add(-24*time.Hour).Unix() - 60})
	}, person("dana")},
	{"without a subject", func(w *world) string { return w.abroad[cup].mint("", nil) }, "unauthenticated subject"},
	{"a subject with a line break", func(w *world) string { return w.abroad[cup].mint("a\nb", nil) }, "unauthenticated subject"},
	{"a machine's without a subject", func(w *world) string { return w.abroad[robots].machine("", nil) }, "unauthenticated subject"},
	{"unsigned", func(w *world) string {
		parts := splitToken(w.abroad[cup].mint(dana1, nil))
		return b64.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
	}, "unauthenticated token_alg_refused"},
	{"signed with the public key as a secret", func(w *world) string {
		a := w.abroad[cup]
		parts := splitToken(a.mint(dana1, nil))
		input := b64.EncodeToString([]byte(`{"alg":"HS256","typ":"at+jwt","kid":"cup-1"}`)) + "." + parts[1]
		m := hmac.New(sha256.New, a.private.Public().(ed25519.PublicKey))
		m.Write([]byte(input))
		return input + "." + b64.EncodeToString(m.Sum(nil))
	}, "unauthenticated token_alg_refused"},
}

// TestService_Authenticate_foreign: whose tokens of other issuers are taken, and for whom.
func TestService_Authenticate_foreign(t *testing.T) {
	for _, tt := range foreignTokens {
		t.Run(tt.name, func(t *testing.T) {
			w := newBearerWorld(t)
			text := tt.token(w)
			for _, request := range []string{"first", "second"} {
				id, err := w.show(text)
				got := outcome(err)
				if err == nil {
					got = tell(id.Principal)
					if id.Via != access.ForeignToken || id.Session != "" || id.Expires != epoch.Add(time.Hour).UnixMilli() || id.Token == "" {
						t.Errorf("%+v", id.Principal)
					}
				}
				if got != tt.want {
					t.Errorf("the %s request: %s, want %s", request, got, tt.want)
				}
			}
		})
	}
}

// apiToken makes an API token of alice with these scopes, which she holds.
func (w *world) apiToken(scopes ...string) string {
	w.t.Helper()
	w.edit(aliceID, func(u *user.User) { u.Permissions = slices.Clone(scopes) })
	p, _ := w.signedIn()
	_, text, err := w.service.MakeAPIToken(w.t.Context(), p, auth.NewAPIToken{Name: "script", Scopes: scopes}, client)
	if err != nil {
		w.t.Fatal(err)
	}
	w.secret("an API token", text)
	w.reset()
	return text
}

// What is shown, all of it in the name of the same person but the last.
const own, cookie, foreign, api, robot = "own", "cookie", "foreign", "api", "robot"

var allShown = []string{own, cookie, foreign, api, robot}

// beforeEnds is who they are until something ends.
var beforeEnds = map[string]string{
	own: "user alice in default may [a b]", cookie: "user alice in default may [a b]", foreign: "user alice in default may [a b]",
	api: "user alice in default may [a b]", robot: "machine robots|robot-1 in default may []",
}

const revoked, gone = "unauthenticated token_revoked", "unauthenticated token_unknown"

// ends is whatever ends a credential, or changes what its holder may.
var ends = []struct {
	name string
	end  func(*world, *access.Principal) error
	want map[string]string // what is not here stays as it was
}{
	{"ban", func(w *world, _ *access.Principal) error {
		return second(w.service.Ban(w.t.Context(), w.root(), aliceID, "", time.Time{}, client))
	}, map[string]string{own: revoked, cookie: revoked, foreign: "unauthenticated banned", api: gone}},
	{"kick", func(w *world, _ *access.Principal) error {
		return w.service.Kick(w.t.Context(), w.root(), aliceID, client)
	}, map[string]string{own: revoked, cookie: revoked, foreign: revoked}},
	{"blackout", func(w *world, _ *access.Principal) error {
		return second(w.service.Blackout(w.t.Context(), w.root(), time.Time{}, client))
	}, map[string]string{own: revoked, cookie: revoked, foreign: revoked, robot: revoked}},
	{"permissions", func(w *world, _ *access.Principal) error {
		return second(w.service.Permit(w.t.Context(), w.root(), aliceID, []string{"b", "c"}, client))
	}, map[string]string{own: revoked, cookie: revoked, foreign: "user alice in default may [b c]", api: "user alice in default may [b]"}},
	{"name", func(w *world, _ *access.Principal) error {
		return second(w.service.ChangeUsername(w.t.Context(), w.root(), aliceID, "alicia", client))
	}, map[string]string{own: revoked, cookie: revoked, foreign: "user alicia in default may [a b]", api: "user alicia in default may [a b]"}},
	{"logout", func(w *world, p *access.Principal) error {
		return w.service.Logout(w.t.Context(), p, client)
	}, map[string]string{own: revoked, cookie: revoked}},
	{"delete", func(w *world, p *access.Principal) error {
		return w.service.DeleteAccount(w.t.Context(), p, alicePassword, client)
	}, map[string]string{own: revoked, cookie: revoked, foreign: "unauthenticated token_stranger", api: gone}},
	{"unlink", func(w *world, p *access.Principal) error {
		list, err := w.service.ListIdentities(w.t.Context(), p)
		if err != nil {
			return err
		}
		return w.service.Unlink(w.t.Context(), p, list[0].ID, client)
	}, map[string]string{foreign: "unauthenticated token_stranger"}},
	{"API token deleted", func(w *world, p *access.Principal) error {
		list, err := w.service.ListAPITokens(w.t.Context(), p)
		if err != nil {
			return err
		}
		return w.service.DeleteAPIToken(w.t.Context(), p, list[0].ID, client)
	}, map[string]string{api: gone}},
	{"another process", func(w *world, _ *access.Principal) error {
		w.edit(aliceID, func(u *user.User) { u.Permissions, u.Ban = nil, &user.Ban{} })
		clear(w.tokens)
		return w.service.Load(w.t.Context())
	}, map[string]string{foreign: "unauthenticated banned", api: gone}},
	{"the issuers' keys", func(w *world, _ *access.Principal) error {
		w.abroad[known].rekey("2")
		w.abroad[robots].rekey("2")
		return nil
	}, map[string]string{foreign: "unauthenticated token_key_unknown", robot: "unauthenticated token_key_unknown"}},
	{"our key, compromised", func(w *world, _ *access.Principal) error {
		if err := second(w.service.RotateKeys(w.t.Context(), w.root(), auth.Rotation{}, client)); err != nil {
			return err
		}
		return w.service.RetireKey(w.t.Context(), w.root(), "key-1", true, client)
	}, map[string]string{own: "unauthenticated token_key_unknown", cookie: "unauthenticated token_key_unknown"}},
	{"our key, in its turn", func(w *world, _ *access.Principal) error {
		return second(w.service.RotateKeys(w.t.Context(), w.root(), auth.Rotation{}, client))
	}, nil},
	{"the tenant of a machine", func(w *world, _ *access.Principal) error {
		return second(w.service.AddTenant(w.t.Context(), w.root(), "globex", "Globex", []tenant.External{{Source: robots, ID: "org-globex"}}, client))
	}, map[string]string{robot: "machine robots|robot-1 in globex may []"}},
	{"nothing", func(*world, *access.Principal) error { return nil }, nil},
}

// showAll returns what is shown, and who alice is in her session.
func (w *world) showAll() (*access.Principal, map[string]auth.Credentials) {
	apiText := w.apiToken("a", "b")
	p, g := w.signedIn()
	w.up().add(aliceID, known, urlOf(known), dana1)
	return p, map[string]auth.Credentials{
		own: {Bearer: g.Access, HasBearer: true}, cookie: {Access: g.Access}, api: {Bearer: apiText, HasBearer: true},
		foreign: {Bearer: w.abroad[known].mint(dana1, nil), HasBearer: true},
		robot:   {Bearer: w.abroad[robots].machine(robot1, map[string]any{"org": "org-globex"}), HasBearer: true},
	}
}

// TestService_Authenticate_ended: whatever ends a credential, or changes what its
// holder may, counts from the very next request, however often it was used before.
func TestService_Authenticate_ended(t *testing.T) {
	for _, caches := range []string{"remembered", "not remembered"} {
		for _, tt := range ends {
			t.Run(caches+"/"+tt.name, func(t *testing.T) {
				w := newBearerWorld(t, func(c *auth.Config) {
					if caches == "not remembered" {
						c.Verified, c.Refused = nil, nil
					}
				})
				p, shown := w.showAll()
				ask := func(what string) string {
					id, err := w.service.Authenticate(t.Context(), shown[what])
					w.clean(err)
					if err != nil {
						return outcome(err)
					}
					return tell(id.Principal)
				}
				for _, what := range allShown {
					for range 3 {
						if got := ask(what); got != beforeEnds[what] {
							t.Fatalf("%s before: %s, want %s", what, got, beforeEnds[what])
						}
					}
				}
				if err := tt.end(w, p); err != nil {
					t.Fatal(err)
				}
				for _, what := range allShown {
					want, changes := tt.want[what]
					if !changes {
						want = beforeEnds[what]
					}
					for i := range 3 {
						if got := ask(what); got != want {
							t.Errorf("%s, request %d after: %s, want %s", what, i, got, want)
						}
					}
				}
			})
		}
	}
}

// TestService_apiToken_dispossessed: who claimed somebody's address, and made a token
// to come back by, does not come back once the address' owner is there.
func TestService_apiToken_dispossessed(t *testing.T) {
	take := map[string]func(*world) error{
		"a sign-in": func(w *world) error { return second(w.come("google", bobAt())) },
		"a token": func(w *world) error {
			a := w.abroad[cup]
			a.people["bob-1"] = bobAt()
			return second(w.show(a.mint("bob-1", nil)))
		},
	}
	for name, own := range take {
		t.Run(name, func(t *testing.T) {
			w := newBearerWorld(t)
			w.squat(true)
			p := w.principal(w.login("bob", otherPassword))
			_, text, err := w.service.MakeAPIToken(t.Context(), p, auth.NewAPIToken{Name: "back door"}, client)
			if err != nil {
				t.Fatal(err)
			}
			w.up().add(bobID, looseIs, urlOf(looseIs), "mallory")
			foreign := w.abroad[looseIs].mint("mallory", nil)
			for _, text := range []string{text, foreign} {
				if p := w.must(text); p.Subject != bobID {
					t.Fatalf("%+v", p)
				}
			}
			if err := own(w); err != nil {
				t.Fatal(err)
			}
			if got := w.answer(text); got != "unauthenticated token_unknown" {
				t.Errorf("the back door: %s", got)
			}
			if id, err := w.show(foreign); err == nil && id.Subject == bobID {
				t.Error("the account that was linked leads to the owner's")
			}
		})
	}
}

// TestService_Authenticate_confusion: no key is taken for one of another sort, or of
// somebody else, while we have a secret and a public key and others have theirs.
func TestService_Authenticate_confusion(t *testing.T) {
	w := newBearerWorld(t)
	if _, err := w.service.RotateKeys(t.Context(), w.root(), auth.Rotation{Algorithm: "HS256"}, client); err != nil {
		t.Fatal(err)
	}
	old, shared, a := w.keys[0], w.keys[1], w.abroad[cup]
	public := []byte(w.ring.private[old.ID].(ed25519.PrivateKey).Public().(ed25519.PublicKey))
	theirs := []byte(a.private.Public().(ed25519.PublicKey))
	secret := w.ring.private[shared.ID].([]byte)
	claims := func(iss string) map[string]any {
		return map[string]any{
			"iss": iss, "sub": rootID, "aud": []string{issuer}, "iat": epoch.Unix(), "exp": epoch.Unix() + 600, "jti": "x", "sid": "s",
			"permissions": []string{"admin"}, "client_id": issuer, "tenant": tenant.Default,
		}
	}
	tests := []struct {
		name, alg, kid, iss string
		private             any
		want                string
	}{
		{"as ours are", "HS256", shared.ID, issuer, secret, "ok"},
		{"our public key as a secret", "HS256", old.ID, issuer, public, "unauthenticated token_key_unknown"},
		{"our public key as the secret", "HS256", shared.ID, issuer, public, "unauthenticated token_signature"},
		{"their public key as our secret", "HS256", shared.ID, issuer, theirs, "unauthenticated token_signature"},
		{"their key as ours", "EdDSA", old.ID, issuer, a.private, "unauthenticated token_signature"},
		{"their key by its name as ours", "EdDSA", a.key.ID, issuer, a.private, "unauthenticated token_alg_refused"},
		{"their key for our secret", "EdDSA", shared.ID, issuer, a.private, "unauthenticated token_alg_refused"},
		{"our secret as theirs", "HS256", shared.ID, a.url, secret, "unauthenticated token_alg_refused"},
		{"our secret by their name", "HS256", a.key.ID, a.url, secret, "unauthenticated token_alg_refused"},
		{"our key as theirs", "EdDSA", a.key.ID, a.url, w.ring.private[old.ID], "unauthenticated token_signature"},
		{"an empty secret", "HS256", shared.ID, issuer, []byte{}, "unauthenticated token_signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := sign(ports.SigningKey{ID: tt.kid, Algorithm: tt.alg}, tt.private, "at+jwt", claims(tt.iss))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := w.show(text); outcome(err) != tt.want {
					t.Errorf("%v, want %s", err, tt.want)
				}
			}
		})
	}
}
