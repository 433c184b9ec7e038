package auth_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/mock"
)

// carried has bundles carry all that they can.
func carried(c *auth.Config) {
	c.Edge.APITokens, c.Edge.Site = true, edge.Site{Origin: issuer, Session: "s", Access: "a", Refresh: "r"}
	for i := range c.Issuers {
		c.Issuers[i].Edge = true
	}
}

// atEdge is what a worker makes of what is shown, in outcome's words, and who it is.
func (w *world) atEdge(v *edge.Verifier, c auth.Credentials) (string, access.Principal) {
	w.t.Helper()
	r := edge.Request{Authorization: "Bearer " + c.Bearer, HasAuthorization: c.HasBearer}
	if !c.HasBearer {
		r = edge.Request{Cookie: "a=" + c.Access}
	}
	var out edge.Verdict
	v.Decide(&r, w.clock().UnixMilli(), &out)
	switch out.Status {
	case 200:
		return tell(&out.Principal), out.Principal
	case 401:
		return "unauthenticated " + out.Code, out.Principal
	case 503:
		return "unavailable " + out.Code, out.Principal
	default:
		return fmt.Sprint(out.Status, " ", out.Code), out.Principal
	}
}

// atServer is likewise what the service makes of it.
func (w *world) atServer(c auth.Credentials) (string, access.Principal) {
	w.t.Helper()
	c.From = visitor{}
	id, err := w.service.Authenticate(w.t.Context(), c)
	w.clean(err)
	if err != nil {
		return outcome(err), access.Principal{}
	}
	return tell(id.Principal), *id.Principal
}

// refresh has a worker load what is newer than what it holds.
func (w *world) refresh(v *edge.Verifier) {
	w.t.Helper()
	w.pass(auth.BundlePause)
	held, _ := v.Held()
	b, err := w.service.Bundle(w.t.Context(), held)
	w.fine(err)
	if b != nil {
		w.load(v, b)
	}
}

// What the edge says of a token in another way than the server, and why.
var elsewhere = map[string]struct{ first, second string }{
	// Only the server makes users. Once it has, they are like anybody.
	"made just in time":            {first: "unavailable user_unknown_here"},
	"subject is a user's id, made": {first: "unavailable user_unknown_here"},
	"its tenant":                   {first: "unavailable user_unknown_here"},
	"its recorded tenant":          {first: "unavailable user_unknown_here"},
	"just not too old for marks":   {first: "unavailable user_unknown_here"},

	// Who changes hands is in no bundle.
	"an account that changes hands": {"unauthenticated token_stranger", "unauthenticated token_stranger"},

	// The rules of issuers refuse these before the service has to, but for an adapter that forgets to.
	"without a subject":             {"unauthenticated token_claim_missing", "unauthenticated token_claim_missing"},
	"a machine's without a subject": {"unauthenticated token_claim_missing", "unauthenticated token_claim_missing"},
	"a subject with a line break":   {"unauthenticated token_claims_malformed", "unauthenticated token_claims_malformed"},
}

// TestEdge_foreign: the edge says of other issuers' tokens what the server says.
func TestEdge_foreign(t *testing.T) {
	seen := 0
	for _, tt := range foreignTokens {
		t.Run(tt.name, func(t *testing.T) {
			w := newBearerWorld(t, carried)
			shown := auth.Credentials{Bearer: tt.token(w), HasBearer: true}
			v := w.worker(w.bundle(0))
			want, known := elsewhere[tt.name]
			if known {
				seen++
			}
			if want.first == "" {
				want.first = tt.want
			}
			if want.second == "" {
				want.second = tt.want
			}
			if got, _ := w.atEdge(v, shown); got != want.first {
				t.Errorf("at first: %s, want %s", got, want.first)
			}
			said, who := w.atServer(shown)
			if said != tt.want {
				t.Errorf("the server: %s, want %s", said, tt.want)
			}
			w.refresh(v)
			got, there := w.atEdge(v, shown)
			if got != want.second {
				t.Errorf("then: %s, want %s", got, want.second)
			}
			if diff := cmp.Diff(who, there); diff != "" && got == said {
				t.Error(diff)
			}
		})
	}
	if seen != len(elsewhere) {
		t.Errorf("%d of %d differences are of no token", len(elsewhere)-seen, len(elsewhere))
	}
}

// TestEdge_ended: whatever ends a credential at the server, or changes what its holder may, does so at the edge with the next bundle.
func TestEdge_ended(t *testing.T) {
	for _, tt := range ends {
		t.Run(tt.name, func(t *testing.T) {
			w := newBearerWorld(t, carried)
			p, shown := w.showAll()
			v := w.worker(w.bundle(0))
			compare := func(when string, want func(what string) string) {
				t.Helper()
				for _, what := range allShown {
					said, who := w.atServer(shown[what])
					got, there := w.atEdge(v, shown[what])
					if said != want(what) || got != said {
						t.Errorf("%s %s: %s, the server says %s, want %s", what, when, got, said, want(what))
					}
					if diff := cmp.Diff(who, there); diff != "" {
						t.Errorf("%s %s: %s", what, when, diff)
					}
				}
			}
			compare("before", func(what string) string { return beforeEnds[what] })
			if err := tt.end(w, p); err != nil {
				t.Fatal(err)
			}
			if tt.name == "the issuers' keys" { // which no call here tells of
				w.pass(time.Minute)
			}
			w.refresh(v)
			compare("after", func(what string) string {
				if want, changes := tt.want[what]; changes {
					return want
				}
				return beforeEnds[what]
			})
		})
	}
}

// TestEdge_not_carried: what the configuration keeps out of bundles is for the server to decide about.
func TestEdge_not_carried(t *testing.T) {
	const tokens, issuers = "unavailable api_token_elsewhere", "unavailable issuer_elsewhere"
	tests := []struct {
		name   string
		change func(*auth.Config)
		want   map[string]string
	}{
		{"nothing", func(c *auth.Config) {
			c.Edge.APITokens = false
			for i := range c.Issuers {
				c.Issuers[i].Edge = false
			}
		}, map[string]string{api: tokens, foreign: issuers, robot: issuers}},
		{"API tokens only", func(c *auth.Config) {
			for i := range c.Issuers {
				c.Issuers[i].Edge = false
			}
		}, map[string]string{foreign: issuers, robot: issuers}},
		{"one issuer only", func(c *auth.Config) {
			c.Edge.APITokens = false
			for i := range c.Issuers {
				c.Issuers[i].Edge = c.Issuers[i].Name == robots
			}
		}, map[string]string{api: tokens, foreign: issuers}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newBearerWorld(t, carried, tt.change)
			_, shown := w.showAll()
			b := w.bundle(0)
			v := w.worker(b)
			for _, what := range allShown {
				want := beforeEnds[what]
				if tt.want[what] != "" {
					want = tt.want[what]
				}
				if got, _ := w.atEdge(v, shown[what]); got != want {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
			}
			content := w.contents(b)
			text, err := content.AppendJSON(nil)
			w.fine(err)
			if tt.want[api] != "" && tt.want[foreign] != "" && (len(content.Holders) > 0 || strings.Contains(string(text), aliceID)) {
				t.Errorf("it tells of people: %s", text)
			}
			for i := range content.Issuers {
				if one := &content.Issuers[i]; tt.want[foreign] != "" && one.URL == urlOf(known) && cmp.Diff(edge.Issuer{URL: one.URL}, *one) != "" {
					t.Errorf("it tells of an issuer: %+v", one)
				}
			}
		})
	}
}

// TestEdge_keys: an issuer whose keys cannot be had is for the server, until they are there.
func TestEdge_keys(t *testing.T) {
	w := newBearerWorld(t, carried)
	_, shown := w.showAll()
	a := w.abroad[known]
	keys := a.keys.Swap(nil)
	v := w.worker(w.bundle(0))
	if got, _ := w.atEdge(v, shown[foreign]); got != "unavailable issuer_elsewhere" {
		t.Errorf("without keys: %s", got)
	}
	if got, _ := w.atEdge(v, shown[robot]); got != beforeEnds[robot] {
		t.Errorf("another issuer: %s", got)
	}
	a.keys.Store(keys)
	w.pass(time.Minute)
	w.refresh(v)
	if got, _ := w.atEdge(v, shown[foreign]); got != beforeEnds[foreign] {
		t.Errorf("with keys: %s", got)
	}
}

// TestEdge_time: what time alone changes needs no other bundle.
func TestEdge_time(t *testing.T) {
	w := newBearerWorld(t, carried, func(c *auth.Config) { c.Settings.BundleLife = 24 * time.Hour })
	p, shown := w.showAll()
	_, short, err := w.service.MakeAPIToken(t.Context(), p, auth.NewAPIToken{Name: "short", Scopes: []string{"a"}, Expires: w.clock().Add(10 * time.Minute)}, client)
	w.fine(err)
	w.secret("another API token", short)
	shown["short"] = auth.Credentials{Bearer: short, HasBearer: true}
	w.fine(second(w.service.Ban(t.Context(), w.root(), aliceID, "", w.clock().Add(5*time.Minute), client)))
	w.pass(time.Second)
	shown[foreign] = auth.Credentials{Bearer: w.abroad[known].mint(dana1, nil), HasBearer: true} // from after the ban, which ended earlier ones
	v := w.worker(w.bundle(0))
	for _, step := range []struct {
		pass time.Duration
		want map[string]string
	}{
		{0, map[string]string{api: "unauthenticated token_unknown", "short": "unauthenticated token_unknown", foreign: "unauthenticated banned"}},
		{5 * time.Minute, map[string]string{api: "user alice in default may [a b]", "short": "user alice in default may [a]", foreign: "user alice in default may [a b]"}},
		{5 * time.Minute, map[string]string{api: "user alice in default may [a b]", "short": "unauthenticated token_unknown", foreign: "user alice in default may [a b]"}},
		{time.Hour, map[string]string{api: "user alice in default may [a b]", "short": "unauthenticated token_unknown", foreign: "unauthenticated token_expired"}},
	} {
		w.pass(step.pass)
		for what, want := range step.want {
			said, _ := w.atServer(shown[what])
			if got, _ := w.atEdge(v, shown[what]); got != want || said != want {
				t.Errorf("%s: %s, the server says %s, want %s", what, got, said, want)
			}
		}
	}
}

// TestEdge_new: what is made shows in the next bundle.
func TestEdge_new(t *testing.T) {
	w := newBearerWorld(t, carried)
	v := w.worker(w.bundle(0))
	held, _ := v.Held()
	made := auth.Credentials{Bearer: w.apiToken("a"), HasBearer: true}
	if got, _ := w.atEdge(v, made); got != "unauthenticated token_unknown" {
		t.Errorf("an API token before it is known: %s", got)
	}
	w.refresh(v)
	if got, _ := w.atEdge(v, made); got != "user alice in default may [a]" {
		t.Errorf("an API token: %s", got)
	}
	shown := auth.Credentials{Bearer: w.danaAbroad(cup).mint(dana1, nil), HasBearer: true}
	if said, _ := w.atServer(shown); said != person("dana") {
		t.Fatal(said)
	}
	w.refresh(v)
	if got, _ := w.atEdge(v, shown); got != person("dana") {
		t.Errorf("a user made just in time: %s", got)
	}
	if now, _ := v.Held(); now <= held {
		t.Errorf("number %d", now)
	}
}

// TestEdge_many: what is more than a bundle holds is reported once, and left to the server as a whole; nobody is left out silently, and
// revocations go on.
func TestEdge_many(t *testing.T) {
	many, name := 0, ""
	w := newBearerWorld(t, carried, func(c *auth.Config) {
		c.APITokens.(*mock.APITokensMock).AliveFunc = func(_ context.Context, _ time.Time, after string, limit int) (page []ports.UsersToken, err error) {
			from := 0
			if after != "" {
				from, err = strconv.Atoi(after)
				from++
			}
			for n := from; n < many && len(page) < limit; n++ {
				one := apitoken.Token{ID: fmt.Sprintf("%09d", n), UserID: aliceID, Tenant: tenant.Default, CreatedAt: epoch}
				one.Hash[0], one.Hash[1], one.Hash[2] = byte(n>>16), byte(n>>8), byte(n)
				page = append(page, ports.UsersToken{Token: one, User: user.User{ID: aliceID, Tenant: name}})
			}
			return page, err
		}
	})
	_, shown := w.showAll()
	v := w.worker(w.bundle(0))
	for _, step := range []struct {
		name    string
		many    int
		long    int
		holders int
		reports int
	}{
		{"one too many", edge.MaxHolders, 0, 0, 1}, // with dana
		{"again", edge.MaxHolders, 0, 0, 0},
		{"as many as there may be", edge.MaxHolders - 1, 0, edge.MaxHolders, 0},
		{"too large", 10_000, 2000, 0, 1},
		{"few", 1000, 0, 1001, 0},
	} {
		many, name = step.many, strings.Repeat("x", step.long)
		w.fine(w.service.Load(t.Context()))
		w.pass(2 * time.Second)
		w.refresh(v)
		b := w.bundle(0)
		if got := len(w.contents(b).Holders); got != step.holders {
			t.Errorf("%s: %d holders", step.name, got)
		}
		if len(w.reports) != step.reports || step.reports > 0 && !strings.Contains(w.reports[0], "more than 65536 API tokens and people") {
			t.Errorf("%s: reports %q", step.name, w.reports)
		}
		w.reports = nil
		want := map[string]string{own: beforeEnds[own], foreign: beforeEnds[foreign], api: "unauthenticated token_unknown", robot: beforeEnds[robot]}
		if step.holders == 0 {
			want[foreign], want[api] = "unavailable issuer_elsewhere", "unavailable api_token_elsewhere"
		}
		for what, want := range want {
			if got, _ := w.atEdge(v, shown[what]); got != want {
				t.Errorf("%s: %s: %s, want %s", step.name, what, got, want)
			}
		}
		if len(b.Compact) > edge.MaxBundle {
			t.Errorf("%s: %d bytes", step.name, len(b.Compact))
		}
	}
	many = edge.MaxHolders + 1
	w.fine(w.service.Kick(t.Context(), w.root(), aliceID, client))
	w.refresh(v)
	if got, _ := w.atEdge(v, shown[own]); got != "unauthenticated token_revoked" {
		t.Errorf("a revocation beside too many: %s", got)
	}
	w.reports = nil
}

// Tenants in the order of an issuer's names, the configured ones before those that are recorded; and everything of a holder.
func TestEdge_content(t *testing.T) {
	w := newBearerWorld(t, carried)
	w.mu.Lock()
	w.tenants["globex"] = tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{
		{Source: orgs, ID: "org-globex"}, {Source: orgs, ID: "org-acme"}, {Source: cup, ID: "a"}, {Source: "google", ID: "b"},
	}}
	w.mu.Unlock()
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"a", "admin"} })
	w.up().add(aliceID, known, urlOf(known), dana1)
	w.up().add(bobID, "google", "https://accounts.google.com", "bob")
	c := w.contents(w.bundle(0))
	byURL := map[string]edge.Issuer{}
	for _, i := range c.Issuers {
		byURL[i.URL] = i
	}
	want := []edge.Tenant{{Said: "org-acme", ID: acme}, {Said: "org-default", ID: tenant.Default}, {Said: "org-globex", ID: "globex"}}
	if diff := cmp.Diff(want, byURL[urlOf(orgs)].Tenants); diff != "" || byURL[urlOf(orgs)].Tenant != "" {
		t.Errorf("%q, %s", byURL[urlOf(orgs)].Tenant, diff)
	}
	if i := byURL[urlOf(cup)]; i.Tenant != tenant.Default || i.Users != edge.UsersMade || i.Life != 86400 || len(i.Tenants) != 1 || i.Name != cup {
		t.Errorf("%+v", i)
	}
	if i := byURL[urlOf(robots)]; i.Users != edge.UsersRefused {
		t.Errorf("%+v", i)
	}
	if diff := cmp.Diff([]edge.Holder{{
		Hash: edge.HashSubject(urlOf(known), dana1), Subject: aliceID, Name: "alice", Tenant: tenant.Default, Permissions: []string{"a"},
	}}, c.Holders); diff != "" {
		t.Error(diff)
	}
}

// TestEdge_uncarriable: an issuer that a bundle cannot hold is reported, and left to the server.
func TestEdge_uncarriable(t *testing.T) {
	w := newBearerWorld(t, carried, func(c *auth.Config) {
		c.Issuers[1].Issuer = wordy{c.Issuers[1].Issuer.(*authority)}
	})
	_, shown := w.showAll()
	v := w.worker(w.bundle(0))
	w.pass(time.Hour / 2)
	w.refresh(v)
	if len(w.reports) != 1 || !strings.Contains(w.reports[0], "issuer known") || !strings.Contains(w.reports[0], "more than a bundle holds") {
		t.Errorf("reports %q", w.reports)
	}
	w.reports = nil
	if got, _ := w.atEdge(v, shown[foreign]); got != "unavailable issuer_elsewhere" {
		t.Errorf("got %s", got)
	}
	if got, _ := w.atEdge(v, shown[robot]); got != beforeEnds[robot] {
		t.Errorf("another issuer: %s", got)
	}
}

// wordy is an issuer whose rules are longer than any that can be carried.
type wordy struct{ *authority }

func (a wordy) Snapshot(ctx context.Context) ports.IssuerSnapshot {
	s := a.authority.Snapshot(ctx)
	s.Rules.Required = []string{strings.Repeat("x", 1<<20)}
	return s
}
