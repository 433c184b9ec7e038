package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// ask asks for a token, and says how that ended.
func (w *world) ask(proof auth.ClientProof, scopes ...string) string {
	w.t.Helper()
	g, err := w.service.IssueMachineToken(w.t.Context(), proof, scopes, client)
	w.note(g)
	w.clean(err)
	if err != nil && g.Access != "" {
		w.t.Error("a token that was refused is there")
	}
	return outcome(err)
}

// TestService_IssueMachineToken_claims: what a machine's token says (RFC 9068 §2.2), and whose request it makes.
func TestService_IssueMachineToken_claims(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Settings.Audience = "https://api.example" })
	proof := w.addClient(robotID, "acme", "orders:write", "orders:read", "news")
	g := w.machineToken(proof, "orders:write", "orders:read", "orders:write")
	if want := []string{"orders:read", "orders:write"}; !slices.Equal(g.Scopes, want) || g.Life != 15*time.Minute {
		t.Errorf("%v for %v", g.Scopes, g.Life)
	}
	c := w.claimsOf(g.Access)
	if c.ID == "" || c.ID == w.claimsOf(w.machineToken(proof).Access).ID {
		t.Errorf("the id %q is used twice", c.ID)
	}
	c.ID = ""
	want := c
	want.Issuer, want.Subject, want.ClientID, want.Tenant = issuer, robotID, robotID, "acme"
	want.Audience, want.Scope, want.Permissions = []string{"https://api.example"}, "orders:read orders:write", []string{"orders:read", "orders:write"}
	want.IssuedAt, want.IssuedAtMillis, want.Expiry = epoch.Unix(), epoch.UnixMilli(), epoch.Add(15*time.Minute).Unix()
	want.Session, want.Username, want.AuthTime = "", "", 0
	if fmt.Sprintf("%+v", c) != fmt.Sprintf("%+v", want) {
		t.Errorf("\n%+v, want\n%+v", c, want)
	}
	p, err := w.machine(g)
	if err != nil {
		t.Fatal(err)
	}
	if p.Kind != access.Machine || p.Via != access.AccessToken || p.Subject != robotID || p.Tenant != "acme" || p.Session != "" || !slices.Equal(p.Permissions, g.Scopes) {
		t.Errorf("%+v", p)
	}
	w.pass(15*time.Minute + time.Minute)
	if _, err := w.machine(g); outcome(err) != "unauthenticated token_expired" {
		t.Errorf("after its end: %v", err)
	}
}

func TestService_IssueMachineToken_scopes(t *testing.T) {
	tests := []struct {
		name  string
		asked []string
		want  string
		got   []string
	}{
		{"none: all that it may have", nil, "ok", []string{"news", "orders:read"}},
		{"some", []string{"news"}, "ok", []string{"news"}},
		{"above", []string{"news", access.Admin}, "invalid invalid_scope", nil},
		{"a part of one", []string{"orders"}, "invalid invalid_scope", nil},
		{"another case", []string{"News"}, "invalid invalid_scope", nil},
		{"empty", []string{""}, "invalid invalid_scope", nil},
		{"every one", []string{"*"}, "invalid invalid_scope", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			g, err := w.service.IssueMachineToken(t.Context(), w.addClient(robotID, tenant.Default, "news", "orders:read"), tt.asked, client)
			w.note(g)
			if outcome(err) != tt.want || !slices.Equal(g.Scopes, tt.got) {
				t.Errorf("%v, %v, want %v, %s", g.Scopes, err, tt.got, tt.want)
			}
			if err != nil {
				if log := w.log(); len(log) != 1 || log[0] != "client.token invalid_scope robot→robot" {
					t.Errorf("%q", log)
				}
			}
		})
	}
}

// TestService_IssueMachineToken_secrets: whatever is wrong with a secret, the answer is the same, in every word.
func TestService_IssueMachineToken_secrets(t *testing.T) {
	w := newWorld(t)
	good := w.addClient(robotID, tenant.Default)
	other := w.addClient(otherRobotID, tenant.Default)
	foreign := w.addClient(foreignID, "acme")
	disabled := w.addClient("0190bbbb-0000-7000-8000-00000000000d", tenant.Default)
	w.editClient(disabled.ID, func(c *machine.Client) { c.Disable(true, epoch) })
	keyed := w.addSigner("0190bbbb-0000-7000-8000-00000000000e", tenant.Default)
	bare := w.addClient("0190bbbb-0000-7000-8000-00000000000f", tenant.Default)
	w.editClient(bare.ID, func(c *machine.Client) { c.Secrets = nil })
	_, api := w.makeAPIToken(aliceID)
	swapped := []byte(good.Secret)
	swapped[10], swapped[11] = swapped[11], swapped[10]
	invented, _, err := secret.Mint(w, secret.Client)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]bool{}
	for name, proof := range map[string]auth.ClientProof{
		"another client's secret":           {ID: robotID, Secret: other.Secret},
		"another tenant's client's secret":  {ID: robotID, Secret: foreign.Secret},
		"another client's id":               {ID: otherRobotID, Secret: good.Secret},
		"an unknown client":                 {ID: "0190bbbb-0000-7000-8000-0000000000ff", Secret: good.Secret},
		"a secret that nobody has":          {ID: robotID, Secret: invented},
		"a disabled client":                 disabled,
		"no secret":                         {ID: robotID},
		"nothing":                           {},
		"no id":                             {Secret: good.Secret},
		"a typo":                            {ID: robotID, Secret: string(swapped)},
		"a part of it":                      {ID: robotID, Secret: good.Secret[:len(good.Secret)-1]},
		"more than it":                      {ID: robotID, Secret: good.Secret + "0"},
		"an API token":                      {ID: robotID, Secret: api},
		"a user's password":                 {ID: aliceID, Secret: alicePassword},
		"a client with keys, and no secret": {ID: keyed.id, Secret: invented},
		"a client with nothing":             {ID: bare.ID, Secret: bare.Secret},
		"a long id":                         {ID: strings.Repeat("x", 5000), Secret: good.Secret},
		"the id in another case":            {ID: strings.ToUpper(robotID), Secret: good.Secret},
	} {
		_, err := w.service.IssueMachineToken(t.Context(), proof, nil, auth.Client{})
		w.clean(err)
		if outcome(err) != invalidClient {
			t.Errorf("%s: %v", name, err)
		}
		answers[fmt.Sprint(err)] = true
	}
	if len(answers) != 1 {
		t.Errorf("%v", answers)
	}
	if got := w.ask(good); got != "ok" {
		t.Errorf("the good one: %s", got)
	}
	if got := w.ask(auth.ClientProof{ID: robotID, Secret: good.Secret, Assertion: keyed.assert(w)}); got != "invalid invalid_request" {
		t.Errorf("two ways at once: %s", got)
	}
}

// TestService_RotateClient: two secrets are alive for the overlap, and then one; a compromised one is dead at once.
func TestService_RotateClient(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	first := w.addClient(robotID, tenant.Default, "orders:read")
	token := w.machineToken(first)
	rotate := func(compromised bool) auth.ClientProof {
		t.Helper()
		c, text, err := w.service.RotateClient(ctx, w.root(), robotID, compromised, client)
		w.secret("a client's secret", text)
		if err != nil || c.ID != robotID {
			t.Fatalf("%+v, %v", c, err)
		}
		return auth.ClientProof{ID: robotID, Secret: text}
	}
	second := rotate(false)
	states := func(when string, want ...string) {
		t.Helper()
		for i, proof := range []auth.ClientProof{first, second}[:len(want)] {
			if got := w.ask(proof); got != want[i] {
				t.Errorf("%s: the secret number %d: %s, want %s", when, i+1, got, want[i])
			}
		}
	}
	states("rotated", "ok", "ok")
	if got := w.bearer(token.Access); got != "ok" {
		t.Errorf("a token of before: %s", got)
	}
	w.pass(24*time.Hour - time.Millisecond)
	states("within the overlap", "ok", "ok")
	w.pass(time.Millisecond)
	states("after the overlap", invalidClient, "ok")
	third := rotate(false)
	fourth := rotate(false)
	states("rotated twice", invalidClient, invalidClient)
	if a, b := w.ask(third), w.ask(fourth); a+b != "okok" {
		t.Errorf("%s, %s", a, b)
	}
	token = w.machineToken(third)
	fifth := rotate(true)
	if a, b, c := w.ask(third), w.ask(fourth), w.ask(fifth); a != invalidClient || b != invalidClient || c != "ok" {
		t.Errorf("after a compromise: %s, %s, %s", a, b, c)
	}
	if _, err := w.machine(token); outcome(err) != "unauthenticated token_revoked" {
		t.Errorf("a token that a compromised secret had: %v", err)
	}
	w.addSigner(otherRobotID, tenant.Default)
	if _, text, err := w.service.RotateClient(ctx, w.root(), otherRobotID, false, client); outcome(err) != "conflict client_keys" || text != "" {
		t.Errorf("one with keys: %q, %v", text, err)
	}
	t.Run("a failure takes the new secret back", func(t *testing.T) {
		w := newWorld(t)
		w.addClient(robotID, tenant.Default)
		before := w.client(robotID).Secrets
		w.before["Audit.Record#1"] = func() error { return errDown }
		if _, text, err := w.service.RotateClient(t.Context(), w.root(), robotID, false, client); err == nil || text != "" {
			t.Fatalf("%q, %v", text, err)
		}
		if diff := cmp.Diff(before, w.client(robotID).Secrets); diff != "" {
			t.Error(diff)
		}
		w.reset()
		w.before["Audit.Record#1"] = func() error { return errDown }
		w.before["Clients.Update#2"] = func() error { return errDown }
		if _, text, err := w.service.RotateClient(t.Context(), w.root(), robotID, false, client); err == nil || text != "" {
			t.Fatalf("%q, %v", text, err)
		}
		if len(w.reports) == 0 || !strings.HasPrefix(w.reports[len(w.reports)-1], "take a client's secret back: ") {
			t.Errorf("%q", w.reports)
		}
	})
}

// hs256 signs with a public key as if it were a secret.
func (k *signer) hs256(public []byte, claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	input := b64.EncodeToString(fmt.Appendf(nil, `{"alg":"HS256","typ":"JWT","kid":%q}`, k.kid)) + "." + b64.EncodeToString(payload)
	m := hmac.New(sha256.New, public)
	m.Write([]byte(input))
	return input + "." + b64.EncodeToString(m.Sum(nil))
}

// TestService_assertions: private_key_jwt (RFC 7523 §3, rfc7523bis).
func TestService_assertions(t *testing.T) {
	const endpoint = issuer + "/oauth/token"
	set := func(name string, value any) func(*world, *signer, map[string]any) string {
		return func(w *world, k *signer, c map[string]any) string {
			c[name] = value
			if value == nil {
				delete(c, name)
			}
			return k.sign(w, "JWT", c)
		}
	}
	typed := func(typ string) func(*world, *signer, map[string]any) string {
		return func(w *world, k *signer, c map[string]any) string { return k.sign(w, typ, c) }
	}
	at := func(name string, d time.Duration) func(*world, *signer, map[string]any) string {
		return set(name, epoch.Add(d).Unix())
	}
	tests := []struct {
		name string
		text func(*world, *signer, map[string]any) string
		id   string
		want string
	}{
		{name: "good", text: typed("JWT"), want: "ok"},
		{name: "good, with the id", text: typed("JWT"), id: robotID, want: "ok"},
		{name: "of the type that rfc7523bis gives it", text: typed("client-authentication+jwt"), want: "ok"},
		{name: "for the token endpoint", text: set("aud", endpoint), want: "ok"},
		{name: "for us in an array", text: set("aud", []string{issuer}), want: "ok"},
		{name: "expires in ten minutes", text: at("exp", 10*time.Minute), want: "ok"},
		{name: "without iat", text: set("iat", nil), want: "ok"},

		{name: "an access token", text: typed("at+jwt"), want: invalidClient},
		{name: "with another client's id", text: typed("JWT"), id: otherRobotID, want: invalidClient},
		{name: "for another audience", text: set("aud", "https://elsewhere.example"), want: invalidClient},
		{name: "for us and somebody else", text: set("aud", []string{issuer, "https://elsewhere.example"}), want: invalidClient},
		{name: "for us twice", text: set("aud", []string{issuer, endpoint}), want: invalidClient},
		{name: "for nobody", text: set("aud", nil), want: invalidClient},
		{name: "for what only begins like us", text: set("aud", issuer+".evil.example"), want: invalidClient},
		{name: "expires far away", text: at("exp", 11*time.Minute+time.Second), want: invalidClient},
		{name: "expires in a year", text: at("exp", 365*24*time.Hour), want: invalidClient},
		{name: "never expires", text: set("exp", nil), want: invalidClient},
		{name: "expired", text: at("exp", -time.Minute), want: invalidClient},
		{name: "not yet", text: at("nbf", 2*time.Minute), want: invalidClient},
		{name: "issued later", text: at("iat", 2*time.Minute), want: invalidClient},
		{name: "without an id", text: set("jti", nil), want: invalidClient},
		{name: "with an empty id", text: set("jti", ""), want: invalidClient},
		{name: "of another issuer", text: set("iss", otherRobotID), want: invalidClient},
		{name: "without an issuer", text: set("iss", nil), want: invalidClient},
		{name: "of us", text: set("iss", issuer), want: invalidClient},
		{name: "about another client", text: set("sub", otherRobotID), want: invalidClient},
		{name: "about nobody", text: set("sub", nil), want: invalidClient},
		{name: "about a user", text: set("sub", aliceID), want: invalidClient},
		{name: "unsigned", text: func(w *world, k *signer, c map[string]any) string {
			payload, _ := json.Marshal(c)
			return b64.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + b64.EncodeToString(payload) + "."
		}, want: invalidClient},
		{name: "HS256 with the public key", text: func(w *world, k *signer, c map[string]any) string {
			return k.hs256(k.private.Public().(ed25519.PublicKey), c)
		}, want: invalidClient},
		{name: "HS256 with the JWK", text: func(w *world, k *signer, c map[string]any) string { return k.hs256([]byte(k.jwk()), c) }, want: invalidClient},
		{name: "HS256 with a secret that somehow is among its keys", text: func(w *world, k *signer, c map[string]any) string {
			secret := []byte(strings.Repeat("k", 32))
			w.editClient(robotID, func(c *machine.Client) {
				c.Keys = fmt.Appendf(nil, `{"keys":[{"kty":"oct","alg":"HS256","kid":"k1","k":%q}]}`, b64.EncodeToString(secret))
			})
			return k.hs256(secret, c)
		}, want: invalidClient},
		{name: "signed by another client's key", text: func(w *world, k *signer, c map[string]any) string {
			return newSigner(otherRobotID, k.kid).sign(w, "JWT", c)
		}, want: invalidClient},
		{name: "signed by a key that is not there any more", text: func(w *world, k *signer, c map[string]any) string {
			text := k.sign(w, "JWT", c)
			w.editClient(robotID, func(c *machine.Client) { c.Keys = jwks(newSigner(robotID, "k2")) })
			return text
		}, want: invalidClient},
		{name: "of a client without keys", text: func(w *world, k *signer, c map[string]any) string {
			w.editClient(robotID, func(c *machine.Client) { c.Keys = nil })
			return k.sign(w, "JWT", c)
		}, want: invalidClient},
		{name: "of a disabled client", text: func(w *world, k *signer, c map[string]any) string {
			w.editClient(robotID, func(c *machine.Client) { c.Disable(true, epoch) })
			return k.sign(w, "JWT", c)
		}, want: invalidClient},
		{name: "of a client that is not there", text: func(w *world, k *signer, c map[string]any) string {
			delete(w.clients, robotID)
			return k.sign(w, "JWT", c)
		}, want: invalidClient},
		{name: "changed on its way", text: func(w *world, k *signer, c map[string]any) string {
			text := []byte(k.sign(w, "JWT", c))
			text[len(text)-20] ^= 3
			return string(text)
		}, want: invalidClient},
		{name: "a machine's own token", text: func(w *world, k *signer, c map[string]any) string {
			return w.machineToken(auth.ClientProof{Assertion: k.sign(w, "JWT", c)}).Access
		}, want: invalidClient},
		{name: "too long", text: set("pad", strings.Repeat("x", 9000)), want: invalidClient},
		{name: "no token", text: func(*world, *signer, map[string]any) string { return "a.b.c" }, want: invalidClient},
		{name: "nothing but dots", text: func(*world, *signer, map[string]any) string { return ".." }, want: invalidClient},
		{name: "no dot", text: func(*world, *signer, map[string]any) string { return "x" }, want: invalidClient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			k := w.addSigner(robotID, tenant.Default, "orders:read")
			w.addSigner(otherRobotID, tenant.Default, "orders:read")
			text := tt.text(w, k, k.claims(w))
			if got := w.ask(auth.ClientProof{ID: tt.id, Assertion: text, Audiences: []string{endpoint}}); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestService_assertion_replay: an assertion counts once, at every endpoint together, for as long as it can be good; its
// id is its client's own.
func TestService_assertion_replay(t *testing.T) {
	w := newWorld(t)
	k := w.addSigner(robotID, tenant.Default)
	other := w.addSigner(otherRobotID, tenant.Default)
	claims := k.claims(w)
	claims["exp"] = epoch.Add(10*time.Minute + 59*time.Second).Unix() // its signer's clock is ahead
	text := k.sign(w, "JWT", claims)
	proof := auth.ClientProof{Assertion: text}
	if got := w.ask(proof); got != "ok" {
		t.Fatal(got)
	}
	again := func(when string) {
		t.Helper()
		if got := w.ask(proof); got != invalidClient {
			t.Errorf("%s: %s", when, got)
		}
		if _, err := w.service.Introspect(t.Context(), proof, "x", client); outcome(err) != invalidClient {
			t.Errorf("%s, at introspection: %v", when, err)
		}
		if err := w.service.RevokeToken(t.Context(), &proof, "x", client); outcome(err) != invalidClient {
			t.Errorf("%s, at revocation: %v", when, err)
		}
	}
	again("at once")
	resigned := maps.Clone(claims)
	resigned["exp"] = epoch.Add(3 * time.Minute).Unix()
	if got := w.ask(auth.ClientProof{Assertion: k.sign(w, "JWT", resigned)}); got != invalidClient {
		t.Errorf("another text with the same id: %s", got)
	}
	theirs := other.claims(w)
	theirs["jti"] = claims["jti"]
	if got := w.ask(auth.ClientProof{Assertion: other.sign(w, "JWT", theirs)}); got != "ok" {
		t.Errorf("the same id of another client: %s", got)
	}
	for range 12 {
		w.pass(59 * time.Second)
		if err := w.service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		again("later")
	}
	w.pass(time.Minute)
	again("when it has expired")
}

// TestService_clients_throttled: failures become 429, and hold up nobody who proves who they are.
func TestService_clients_throttled(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Settings.AddressLimit = user.Limit{Count: 3, Window: time.Minute} })
	good := w.addClient(robotID, tenant.Default)
	bad := auth.ClientProof{ID: robotID, Secret: w.addClient(otherRobotID, tenant.Default).Secret}
	for range 3 {
		if got := w.ask(bad); got != invalidClient {
			t.Fatal(got)
		}
	}
	logged := len(w.events)
	for range 5 {
		if got := w.ask(bad); got != "throttled too_many_attempts" {
			t.Errorf("after too many: %s", got)
		}
		if got := w.ask(good); got != "ok" {
			t.Errorf("a good client behind the same network: %s", got)
		}
	}
	if got := len(w.events) - logged; got != 5 {
		t.Errorf("%d events, want the good client's", got)
	}
	if got := w.try("alice", alicePassword, client); got != "ok" {
		t.Errorf("a person behind the same network: %s", got)
	}
	if _, err := w.service.Introspect(t.Context(), bad, "x", client); outcome(err) != "throttled too_many_attempts" {
		t.Errorf("introspection: %v", err)
	}
	if err := w.service.RevokeToken(t.Context(), &bad, "x", client); outcome(err) != "throttled too_many_attempts" {
		t.Errorf("revocation: %v", err)
	}
	w.reset()
	w.before["Attempts.Update#1"] = func() error { return errDown }
	if got := w.ask(bad); got != "unavailable down" {
		t.Errorf("when it cannot be counted: %s", got)
	}
	elsewhere := auth.Client{Address: netip.MustParseAddr("198.51.100.1")}
	if _, err := w.service.IssueMachineToken(t.Context(), bad, nil, elsewhere); outcome(err) != invalidClient {
		t.Errorf("from another network: %v", err)
	}
	w.pass(time.Minute)
	if got := w.ask(bad); got != invalidClient {
		t.Errorf("a minute later: %s", got)
	}
	if e := w.events[0]; e.Action != "client.token" || e.Outcome != "invalid_client" || e.Subject != robotID || e.Actor != "" {
		t.Errorf("%+v", e)
	}
}

// TestService_IssueMachineToken_changed: a client that is changed while its token is made gets one that says what is so
// then, if what it showed is good still.
func TestService_IssueMachineToken_changed(t *testing.T) {
	less := []string{"orders:read"}
	tests := []struct {
		name   string
		change func(context.Context, *world) error
		want   string
		scopes []string
	}{
		{"fewer permissions", func(ctx context.Context, w *world) error {
			return second(w.service.ChangeClient(ctx, w.root(), robotID, auth.ChangedClient{Permissions: &less}, client))
		}, "ok", less},
		{"a compromised secret", func(ctx context.Context, w *world) error {
			_, text, err := w.service.RotateClient(ctx, w.root(), robotID, true, client)
			w.secret("a client's secret", text)
			return err
		}, invalidClient, nil},
		{"disabled", func(ctx context.Context, w *world) error {
			return second(w.service.DisableClient(ctx, w.root(), robotID, true, client))
		}, invalidClient, nil},
		{"deleted", func(ctx context.Context, w *world) error {
			return w.service.DeleteClient(ctx, w.root(), robotID, client)
		}, invalidClient, nil},
		{"a blackout", func(ctx context.Context, w *world) error {
			return second(w.service.Blackout(ctx, w.root(), time.Time{}, client))
		}, "ok", []string{"orders:read", "orders:write"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			proof := w.addClient(robotID, tenant.Default, "orders:read", "orders:write")
			w.after["Machines.ByID#1"] = func() error { return tt.change(context.Background(), w) }
			g, err := w.service.IssueMachineToken(t.Context(), proof, nil, client)
			w.note(g)
			if outcome(err) != tt.want || !slices.Equal(g.Scopes, tt.scopes) {
				t.Fatalf("%v, %v, want %v, %s", g.Scopes, err, tt.scopes, tt.want)
			}
			if err == nil {
				if _, err := w.machine(g); err != nil {
					t.Errorf("the token: %v", err)
				}
			}
			w.consistent()
		})
	}
	t.Run("and cannot be read again", func(t *testing.T) {
		w := newWorld(t)
		proof := w.addClient(robotID, tenant.Default, "orders:read")
		w.after["Machines.ByID#1"] = func() error {
			return second(w.service.ChangeClient(context.Background(), w.root(), robotID, auth.ChangedClient{Permissions: &less}, client))
		}
		w.before["Machines.ByID#2"] = func() error { return errDown }
		if got := w.ask(proof); got != "unavailable down" {
			t.Error(got)
		}
	})
	t.Run("again and again", func(t *testing.T) {
		w := newWorld(t)
		proof := w.addClient(robotID, tenant.Default, "orders:read")
		for i := range 3 {
			w.after[fmt.Sprintf("Machines.ByID#%d", i+1)] = func() error {
				return second(w.service.ChangeClient(context.Background(), w.root(), robotID, auth.ChangedClient{Permissions: &less}, client))
			}
		}
		if got := w.ask(proof); got != "unavailable changed_meanwhile" {
			t.Error(got)
		}
	})
}
