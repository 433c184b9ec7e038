package auth_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// administration is every use case that is for administrators, on alice.
var administration = map[string]func(context.Context, *world, *access.Principal) error{
	"SearchUsers": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.SearchUsers(ctx, p, ports.UserQuery{}))
	},
	"FindUser": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.FindUser(ctx, p, aliceID))
	},
	"AddUser": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.AddUser(ctx, p, carol, nil, client))
	},
	"Ban": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.Ban(ctx, p, aliceID, "", time.Time{}, client))
	},
	"Unban": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.Unban(ctx, p, aliceID, client))
	},
	"Kick": func(ctx context.Context, w *world, p *access.Principal) error {
		return w.service.Kick(ctx, p, aliceID, client)
	},
	"Blackout": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.Blackout(ctx, p, time.Time{}, client))
	},
	"Permit": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.Permit(ctx, p, aliceID, []string{"x"}, client))
	},
	"AuditLog": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.AuditLog(ctx, p, ports.EventQuery{}))
	},
	"ListKeys": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.ListKeys(ctx, p))
	},
	"RotateKeys": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.RotateKeys(ctx, p, auth.Rotation{}, client))
	},
	"ListBundleKeys": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.ListBundleKeys(ctx, p))
	},
	"RotateBundleKeys": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.RotateBundleKeys(ctx, p, auth.Rotation{}, client))
	},
	"RetireBundleKey": func(ctx context.Context, w *world, p *access.Principal) error {
		return w.service.RetireBundleKey(ctx, p, "key-1", false, client)
	},
	"RetireKey": func(ctx context.Context, w *world, p *access.Principal) error {
		return w.service.RetireKey(ctx, p, "key-1", false, client)
	},
	"AddClient": func(ctx context.Context, w *world, p *access.Principal) error {
		return third(w.service.AddClient(ctx, p, auth.NewClient{Name: "robot"}, client))
	},
	"ListClients": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.ListClients(ctx, p, "", 0))
	},
	"FindClient": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.FindClient(ctx, p, robotID))
	},
	"ChangeClient": func(ctx context.Context, w *world, p *access.Principal) error {
		all := []string{access.Admin}
		return second(w.service.ChangeClient(ctx, p, robotID, auth.ChangedClient{Permissions: &all}, client))
	},
	"RotateClient": func(ctx context.Context, w *world, p *access.Principal) error {
		return third(w.service.RotateClient(ctx, p, robotID, true, client))
	},
	"DisableClient": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.DisableClient(ctx, p, robotID, true, client))
	},
	"DeleteClient": func(ctx context.Context, w *world, p *access.Principal) error {
		return w.service.DeleteClient(ctx, p, robotID, client)
	},
	"AddTenant": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.AddTenant(ctx, p, "globex", "Globex", nil, client))
	},
	"ListTenants": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.ListTenants(ctx, p, "", 0))
	},
	"FindTenant": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.FindTenant(ctx, p, "initech"))
	},
	"ChangeTenant": func(ctx context.Context, w *world, p *access.Principal) error {
		name := "changed"
		return second(w.service.ChangeTenant(ctx, p, "initech", auth.ChangedTenant{Name: &name}, client))
	},
	"ChangeUsername of another": func(ctx context.Context, w *world, p *access.Principal) error {
		return second(w.service.ChangeUsername(ctx, p, aliceID, "alicia", client))
	},
}

func TestService_administration(t *testing.T) {
	people := []struct {
		name string
		p    access.Principal
		want string
	}{
		{"nobody", access.Principal{}, "unauthenticated unauthenticated"},
		{"nobody with permissions", access.Principal{Permissions: []string{access.Admin}}, "unauthenticated unauthenticated"},
		{"somebody", access.Principal{Kind: access.User, Subject: bobID, Tenant: tenant.Default}, "forbidden forbidden"},
		{"somebody who may nearly", access.Principal{
			Kind: access.User, Subject: bobID, Tenant: tenant.Default, Permissions: []string{"administrator", "Admin", "admin ", ""},
		}, "forbidden forbidden"},
		{"a machine", access.Principal{Kind: access.Machine, Subject: "m", Tenant: tenant.Default}, "forbidden forbidden"},
	}
	for name, use := range administration {
		for _, who := range people {
			t.Run(name+" by "+who.name, func(t *testing.T) {
				w := newWorld(t)
				_, g := w.signedIn()
				if err := use(t.Context(), w, &who.p); outcome(err) != who.want {
					t.Errorf("%v, want %s", err, who.want)
				}
				var did []string // but count and record it, for who is signed in
				if who.p.SignedIn() {
					did = []string{"Attempts.Update", "Audit.Record"}
				}
				if !slices.Equal(w.calls, did) {
					t.Errorf("it did %v", w.calls)
				}
				w.principal(g)
			})
		}
	}
}

func TestService_FindUser(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[string]string{
		aliceID: "alice", "Alice": "alice", "ALICE@example.org": "alice", "nobody": "", "": "", "a b": "", strings.Repeat("x", 600): "",
	} {
		u, err := w.service.FindUser(t.Context(), w.root(), who)
		if u.Name.String() != want || want == "" && outcome(err) != "not_found user_unknown" {
			t.Errorf("%.20q: %s, %v", who, u.Name, err)
		}
	}
}

func TestService_AddUser(t *testing.T) {
	w := newWorld(t)
	u, err := w.service.AddUser(t.Context(), w.root(), carol, []string{"b", "a", "b"}, client)
	if err != nil {
		t.Fatal(err)
	}
	if stored := w.user(u.ID); !stored.EmailConfirmed || stored.Tenant != tenant.Default || !cmp.Equal(stored.Permissions, []string{"a", "b"}) {
		t.Errorf("%+v", stored)
	}
	if e := w.events[0]; e.Action != "user.add" || e.Actor != rootID || e.Detail["permissions"] != "a b" {
		t.Errorf("%+v", e)
	}
	for name, want := range map[string]string{"carol": "conflict username_taken", "dave": "conflict email_taken", "x": "invalid too_short"} {
		in := carol
		in.Username = name
		if _, err := w.service.AddUser(t.Context(), w.root(), in, nil, client); outcome(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	in := carol
	in.Username, in.Email = "dave", "dave@example.org"
	if _, err := w.service.AddUser(t.Context(), w.root(), in, []string{"not valid"}, client); outcome(err) != "invalid character" {
		t.Error(err)
	}
	if _, there := w.named("dave"); there {
		t.Error("dave is there")
	}
}

func TestService_Ban(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, g := w.signedIn()
	until := epoch.Add(time.Hour)
	u, err := w.service.Ban(ctx, w.root(), aliceID, "spam", until, client)
	if err != nil || u.Ban == nil {
		t.Fatalf("%+v, %v", u, err)
	}
	w.dead("the session", g)
	if got := w.try("alice", wrongPassword, client); got != bad {
		t.Errorf("with a wrong password: %s", got)
	}
	_, err = w.service.Login(ctx, auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
	if outcome(err) != "forbidden banned" || !strings.Contains(err.Error(), "spam") || !strings.Contains(err.Error(), "2026-03-01T13:00:00Z") {
		t.Errorf("with the right password: %v", err)
	}
	e := w.events[1]
	if diff := cmp.Diff(map[string]string{"reason": "spam", "until": "2026-03-01T13:00:00Z"}, e.Detail); diff != "" || e.Actor != rootID || e.Subject != aliceID ||
		e.Address != "203.0.113.7" || e.Agent != "test/1" || e.Request != "req-1" || e.Tenant != tenant.Default || e.Session != w.root().Session {
		t.Errorf("%+v %s", e, diff)
	}
	if _, err := w.service.Unban(ctx, w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	if got := w.try("alice", alicePassword, client); got != "ok" {
		t.Error(got)
	}
	w.dead("the session of before", g)
	for name, tt := range map[string]struct {
		id, reason string
		until      time.Time
		want       string
	}{
		"oneself": {rootID, "", time.Time{}, "invalid own_ban"},
		"past":    {aliceID, "", epoch, "invalid past"},
		"reason":  {aliceID, strings.Repeat("x", 501), time.Time{}, "invalid too_long"},
		"nobody":  {"nobody", "", time.Time{}, "not_found user_unknown"},
	} {
		if _, err := w.service.Ban(ctx, w.root(), tt.id, tt.reason, tt.until, client); outcome(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if w.user(aliceID).Ban != nil || w.user(rootID).Ban != nil {
		t.Error("somebody is banned")
	}
}

func TestService_Kick(t *testing.T) {
	w := newWorld(t)
	_, g := w.signedIn()
	theirs := w.login("bob", otherPassword)
	if err := w.service.Kick(t.Context(), w.root(), aliceID, client); err != nil {
		t.Fatal(err)
	}
	w.dead("the session", g)
	w.principal(theirs)
	if err := w.service.Kick(t.Context(), w.root(), "nobody", client); outcome(err) != "not_found user_unknown" {
		t.Error(err)
	}
}

func TestService_Blackout(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, old := w.signedIn()
	w.pass(time.Hour)
	_, young := w.signedIn()
	if _, err := w.service.Blackout(ctx, w.root(), w.clock().Add(time.Millisecond), client); outcome(err) != "invalid future" {
		t.Error(err)
	}
	refreshed, err := w.service.Refresh(ctx, old.Refresh, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(refreshed)
	n, err := w.service.Blackout(ctx, w.root(), w.clock().Add(-time.Minute), client)
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	w.dead("the old session", old)
	w.dead("what was refreshed since", refreshed)
	w.principal(young)
	next, err := w.service.Refresh(ctx, young.Refresh, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: next.Access}); err != nil {
		t.Errorf("a token of a session that stays, refreshed: %v", err)
	}
	if n, err := w.service.Blackout(ctx, w.root(), time.Time{}, client); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	w.dead("the young session", young)
	w.consistent()
	if got := w.try("alice", alicePassword, client); got != "ok" {
		t.Error(got)
	}
}

func TestService_Permit(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{access.Admin} })
	_, g := w.signedIn()
	u, err := w.service.Permit(ctx, w.root(), aliceID, []string{"news:write", "news:read"}, client)
	if err != nil || !cmp.Equal(u.Permissions, []string{"news:read", "news:write"}) {
		t.Fatalf("%+v, %v", u, err)
	}
	id, err := w.service.Authenticate(ctx, auth.Credentials{Session: g.Cookie})
	if err != nil || id.Has(access.Admin) || !id.Has("news:read") || !id.RotateDue {
		t.Errorf("by cookie: %+v, %v", id, err)
	}
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: g.Access}); outcome(err) != "unauthenticated token_revoked" {
		t.Errorf("by the token of before: %v", err)
	}
	next, err := w.service.Refresh(ctx, g.Refresh, client)
	if err != nil || next.Cookie == "" || !cmp.Equal(w.claimsOf(next.Access).Permissions, []string{"news:read", "news:write"}) {
		t.Errorf("refreshed: %+v, %v", next, err)
	}
	if e := w.events[1]; e.Detail["from"] != "admin" || e.Detail["to"] != "news:read news:write" {
		t.Errorf("%+v", e)
	}
	if _, err := w.service.Permit(ctx, w.root(), rootID, []string{"x"}, client); outcome(err) != "invalid own_admin" || !cmp.Equal(w.user(rootID).Permissions, []string{access.Admin}) {
		t.Errorf("from oneself: %v", err)
	}
	if _, err := w.service.Permit(ctx, w.root(), aliceID, []string{"a b"}, client); outcome(err) != "invalid character" {
		t.Error(err)
	}
	for _, call := range []string{"SessionSets.MarkRotate#1", "Marks.Add#1", "People.Update#1"} {
		t.Run("done again after "+call+" failed", func(t *testing.T) {
			w := newWorld(t)
			w.edit(aliceID, func(u *user.User) { u.Permissions = []string{access.Admin} })
			_, g := w.signedIn()
			w.after[call] = func() error { return errDown }
			if strings.HasPrefix(call, "SessionSets") {
				w.before[call], w.after[call] = w.after[call], nil
			}
			if _, err := w.service.Permit(t.Context(), w.root(), aliceID, nil, client); outcome(err) != "unavailable down" {
				t.Fatal(err)
			}
			w.consistent()
			if _, err := w.service.Permit(t.Context(), w.root(), aliceID, nil, client); err != nil {
				t.Fatal(err)
			}
			id, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie})
			if err != nil || id.Has(access.Admin) || !id.RotateDue {
				t.Errorf("%+v, %v", id, err)
			}
			w.consistent()
		})
	}
}

func TestService_ChangeUsername(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, g := w.signedIn()
	tests := []struct {
		name     string
		p        *access.Principal
		id, to   string
		want     string
		username string
	}{
		{"own", p, aliceID, "Alicia", "ok", "Alicia"},
		{"own, unchanged", p, aliceID, "Alicia", "invalid unchanged", "Alicia"},
		{"own, another spelling", p, aliceID, "aliCIA", "ok", "aliCIA"},
		{"taken", p, aliceID, "BOB", "conflict username_taken", "aliCIA"},
		{"bad", p, aliceID, "x", "invalid too_short", "aliCIA"},
		{"somebody else's", p, bobID, "robert", "forbidden forbidden", "aliCIA"},
		{"nobody's", p, "nobody", "robert", "forbidden forbidden", "aliCIA"},
		{"by an administrator", w.root(), aliceID, "alice", "ok", "alice"},
		{"nobody's, by an administrator", w.root(), "nobody", "robert", "not_found user_unknown", "alice"},
		{"by nobody", &access.Principal{}, "", "robert", "unauthenticated unauthenticated", "alice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := w.service.ChangeUsername(ctx, tt.p, tt.id, tt.to, client); outcome(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if got := w.principal(g).Name; got != tt.username {
				t.Errorf("the next request is %s's, want %s", got, tt.username)
			}
		})
	}
	if e := w.events[1]; e.Action != "username.change" || e.Detail["from"] != "alice" || e.Detail["to"] != "Alicia" {
		t.Errorf("%+v", e)
	}
}

// TestService_Audit_agent: a User-Agent header is cut to 200 bytes between code
// points.
func TestService_Audit_agent(t *testing.T) {
	w := newWorld(t)
	c := auth.Client{Agent: strings.Repeat("a", 199) + "é" + strings.Repeat("b", 100)}
	if _, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "alice", Password: alicePassword}, c); err != nil {
		t.Fatal(err)
	}
	if got := w.events[0].Agent; got != strings.Repeat("a", 199) {
		t.Errorf("%q", got)
	}
	if got := w.events[0].Address; got != "" {
		t.Errorf("address %q", got)
	}
}
