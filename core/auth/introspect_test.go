package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// editAPIToken changes an API token behind the service's back.
func (w *world) editAPIToken(id string, change func(*apitoken.Token)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tokens[id]
	change(&t)
	w.tokens[id] = t
}

func TestService_Introspect(t *testing.T) {
	w := newWorld(t)
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"news", "orders:read"} })
	proof := w.addClient(robotID, tenant.Default, "orders:read")
	p, g := w.signedIn()
	id, text := w.makeAPIToken(aliceID, "admin", "orders:read")
	w.editAPIToken(id, func(t *apitoken.Token) { t.ExpiresAt = epoch.Add(time.Hour) })
	m := w.machineToken(proof)
	claims := w.claimsOf(g.Access)
	for name, tt := range map[string]struct {
		text string
		want auth.Introspection
	}{
		"a user's token": {g.Access, auth.Introspection{
			Active: true, Type: "Bearer", Scope: "news orders:read", ClientID: issuer, Username: "alice", Subject: aliceID, Tenant: tenant.Default,
			Permissions: []string{"news", "orders:read"}, Session: p.Session, Issuer: issuer, Audience: []string{issuer},
			ID: claims.ID, Expiry: epoch.Add(15 * time.Minute).Unix(), IssuedAt: epoch.Unix(),
		}},
		"a machine's token": {m.Access, auth.Introspection{
			Active: true, Type: "Bearer", Scope: "orders:read", ClientID: robotID, Subject: robotID, Tenant: tenant.Default,
			Permissions: []string{"orders:read"}, Issuer: issuer, Audience: []string{issuer},
			ID: w.claimsOf(m.Access).ID, Expiry: epoch.Add(15 * time.Minute).Unix(), IssuedAt: epoch.Unix(),
		}},
		"an API token, which may what its owner may of what it was made for": {text, auth.Introspection{
			Active: true, Type: "Bearer", Scope: "orders:read", Username: "alice", Subject: aliceID, Tenant: tenant.Default,
			Permissions: []string{"orders:read"}, Issuer: issuer, Audience: []string{issuer},
			ID: id, Expiry: epoch.Add(time.Hour).Unix(), IssuedAt: epoch.Unix(),
		}},
	} {
		got, err := w.service.Introspect(t.Context(), proof, tt.text, client)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if used := w.tokens[id].UsedAt; !used.Equal(epoch) {
		t.Errorf("the API token was used at %v", used)
	}
}

// TestService_Introspect_inactive: of whatever is not good, nothing is told but that.
func TestService_Introspect_inactive(t *testing.T) {
	tests := []struct {
		name string
		text func(*world) string
	}{
		{"nothing", func(*world) string { return "" }},
		{"no token", func(*world) string { return "x" }},
		{"a long text", func(*world) string { return strings.Repeat("x.y.", 5000) }},
		{"a session cookie", func(w *world) string { return w.login("alice", alicePassword).Cookie }},
		{"a refresh token", func(w *world) string { return w.login("alice", alicePassword).Refresh }},
		{"a token that has expired", func(w *world) string {
			g := w.login("alice", alicePassword)
			w.pass(16 * time.Minute)
			return g.Access
		}},
		{"a token that was revoked", func(w *world) string {
			g := w.login("alice", alicePassword)
			if err := w.service.RevokeToken(w.t.Context(), nil, g.Access, client); err != nil {
				w.t.Fatal(err)
			}
			return g.Access
		}},
		{"a token whose session ended", func(w *world) string {
			g := w.login("alice", alicePassword)
			if err := w.service.Logout(w.t.Context(), w.principal(g), client); err != nil {
				w.t.Fatal(err)
			}
			return g.Access
		}},
		{"a token whose user is banned", func(w *world) string {
			g := w.login("alice", alicePassword)
			if _, err := w.service.Ban(w.t.Context(), w.root(), aliceID, "", time.Time{}, client); err != nil {
				w.t.Fatal(err)
			}
			return g.Access
		}},
		{"another tenant's user's token", func(w *world) string {
			w.edit(bobID, func(u *user.User) { u.Tenant = acme })
			return w.login("bob", otherPassword).Access
		}},
		{"another tenant's machine's token", func(w *world) string { return w.machineToken(w.addClient(foreignID, acme)).Access }},
		{"another tenant's API token", func(w *world) string {
			w.edit(bobID, func(u *user.User) { u.Tenant = acme })
			_, text := w.makeAPIToken(bobID)
			return text
		}},
		{"a changed token", func(w *world) string {
			text := []byte(w.login("alice", alicePassword).Access)
			text[len(text)-20] ^= 3
			return string(text)
		}},
		{"an assertion", func(w *world) string { return w.addSigner(otherRobotID, tenant.Default).assert(w) }},
		{"a client's secret", func(w *world) string { return w.addClient(otherRobotID, tenant.Default).Secret }},
		{"an API token that was deleted", func(w *world) string {
			id, text := w.makeAPIToken(aliceID)
			delete(w.tokens, id)
			return text
		}},
		{"an API token that has expired", func(w *world) string {
			id, text := w.makeAPIToken(aliceID)
			w.editAPIToken(id, func(t *apitoken.Token) { t.ExpiresAt = epoch })
			return text
		}},
		{"an API token whose owner is banned", func(w *world) string {
			_, text := w.makeAPIToken(aliceID)
			w.edit(aliceID, func(u *user.User) { u.Ban = &user.Ban{From: epoch} })
			return text
		}},
		{"an API token with a typo", func(w *world) string {
			_, text := w.makeAPIToken(aliceID)
			return text[:20] + "x" + text[21:]
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			proof := w.addClient(robotID, tenant.Default, "orders:read")
			got, err := w.service.Introspect(t.Context(), proof, tt.text(w), client)
			if diff := cmp.Diff(auth.Introspection{}, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// TestService_Introspect_proof: nobody is told anything who does not prove who they are.
func TestService_Introspect_proof(t *testing.T) {
	w := newWorld(t)
	w.addClient(robotID, tenant.Default)
	_, g := w.signedIn()
	disabled := w.addClient(otherRobotID, tenant.Default)
	w.editClient(otherRobotID, func(c *machine.Client) { c.Disable(true, epoch) })
	for name, proof := range map[string]auth.ClientProof{
		"nobody": {}, "the id alone": {ID: robotID}, "a user": {ID: aliceID, Secret: alicePassword}, "disabled": disabled,
		"by the token itself": {ID: robotID, Secret: g.Access}, "by the token as an assertion": {ID: robotID, Assertion: g.Access},
	} {
		got, err := w.service.Introspect(t.Context(), proof, g.Access, client)
		if diff := cmp.Diff(auth.Introspection{}, got); outcome(err) != invalidClient || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		if err := w.service.RevokeToken(t.Context(), &proof, g.Access, client); outcome(err) != invalidClient {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := w.bearer(g.Access); got != "ok" {
		t.Errorf("the token: %s", got)
	}
}

// TestService_RevokeToken: who holds a token ends what they hold, and nothing else.
func TestService_RevokeToken(t *testing.T) {
	type things struct {
		user, other *auth.Grant // of alice
		api         string
		own, robots auth.MachineGrant
		proof       auth.ClientProof // of the client of own
	}
	alive := func(w *world, s *things) (list []string) {
		for name, text := range map[string]string{
			"user": s.user.Access, "other": s.other.Access, "api": s.api, "own": s.own.Access, "robots": s.robots.Access,
		} {
			if w.bearer(text) == "ok" {
				list = append(list, name)
			}
		}
		for name, g := range map[string]*auth.Grant{"user's cookie": s.user, "other's cookie": s.other} {
			if _, err := w.service.Authenticate(w.t.Context(), auth.Credentials{Session: g.Cookie}); err == nil {
				list = append(list, name)
			}
		}
		slices.Sort(list)
		return list
	}
	all := []string{"api", "other", "other's cookie", "own", "robots", "user", "user's cookie"}
	tests := []struct {
		name   string
		text   func(*things) string
		proven bool
		ends   []string
	}{
		{"a user's access token", func(s *things) string { return s.user.Access }, false, []string{"user"}},
		{"a user's access token, by a client", func(s *things) string { return s.user.Access }, true, []string{"user"}},
		{"a refresh token", func(s *things) string { return s.user.Refresh }, false, []string{"user", "user's cookie"}},
		{"an API token", func(s *things) string { return s.api }, false, []string{"api"}},
		{"its own, by a machine", func(s *things) string { return s.own.Access }, true, []string{"own"}},
		{"a machine's, by nobody", func(s *things) string { return s.own.Access }, false, nil},
		{"another machine's", func(s *things) string { return s.robots.Access }, true, nil},
		{"a cookie", func(s *things) string { return s.user.Cookie }, true, nil},
		{"nothing", func(*things) string { return "" }, true, nil},
		{"a refresh token of nobody", func(s *things) string { return strings.Repeat("A", len(s.user.Refresh)) }, false, nil},
		{"what begins like a refresh token of somebody", func(s *things) string { return s.user.Refresh[:20] + strings.Repeat("A", 44) }, false, nil},
		{"what begins like an API token", func(s *things) string { return "hxw_" + strings.Repeat("A", 60) }, false, nil},
		{"an API token with a typo", func(s *things) string { return s.api[:20] + "x" + s.api[21:] }, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var s things
			s.user, s.other = w.login("alice", alicePassword), w.login("alice", alicePassword)
			_, s.api = w.makeAPIToken(aliceID)
			s.proof = w.addClient(robotID, tenant.Default)
			s.own, s.robots = w.machineToken(s.proof), w.machineToken(w.addClient(otherRobotID, tenant.Default))
			if got := alive(w, &s); !slices.Equal(got, all) {
				t.Fatalf("alive: %q", got)
			}
			var proof *auth.ClientProof
			if tt.proven {
				proof = &s.proof
			}
			logged := len(w.events)
			for range 2 { // the second time there is nothing to end
				if err := w.service.RevokeToken(t.Context(), proof, tt.text(&s), client); err != nil {
					t.Fatal(err)
				}
			}
			want := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(tt.ends, name) })
			if got := alive(w, &s); !slices.Equal(got, want) {
				t.Errorf("alive: %q, want %q", got, want)
			}
			if got, want := len(w.events)-logged, min(len(tt.ends), 1); got != want {
				t.Errorf("%d events, want %d: %q", got, want, w.log())
			}
		})
	}
}

// TestService_RevokeToken_banned: a token that is no good for now is ended all the same.
func TestService_RevokeToken_banned(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, text := w.makeAPIToken(aliceID)
	if _, err := w.service.Ban(ctx, w.root(), aliceID, "", time.Time{}, client); err != nil {
		t.Fatal(err)
	}
	if err := w.service.RevokeToken(ctx, nil, text, client); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Unban(ctx, w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	if got := w.bearer(text); got != "unauthenticated token_unknown" || len(w.tokens) != 0 {
		t.Errorf("when the ban is lifted: %s", got)
	}
}

// TestService_RevokeToken_used: a refresh token that was replaced ends the sign-in too, as its use would.
func TestService_RevokeToken_used(t *testing.T) {
	w := newWorld(t)
	g := w.login("alice", alicePassword)
	next, err := w.service.Refresh(t.Context(), g.Refresh, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	if err := w.service.RevokeToken(t.Context(), nil, g.Refresh, client); err != nil {
		t.Fatal(err)
	}
	w.dead("the sign-in", &auth.Grant{Cookie: g.Cookie, Access: next.Access, Refresh: next.Refresh})
}
