package auth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// governed reports whether anybody administers the default tenant.
func (w *world) governed() bool {
	for _, id := range []string{aliceID, bobID, rootID} {
		if u := w.user(id); slices.Contains(u.Permissions, access.Admin) && !u.Banned(w.clock()) {
			return true
		}
	}
	return false
}

// rule makes people administrators, and nobody else; it returns them, signed in.
func (w *world) rule(ids ...string) map[string]*access.Principal {
	w.t.Helper()
	people := map[string]*access.Principal{}
	for _, who := range []struct{ id, name, password string }{
		{aliceID, "alice", alicePassword}, {bobID, "bob", otherPassword}, {rootID, "root", otherPassword},
	} {
		rules := slices.Contains(ids, who.id)
		w.edit(who.id, func(u *user.User) {
			if u.Permissions = []string{"news"}; rules {
				u.Permissions = []string{access.Admin, "news"}
			}
		})
		if rules {
			people[who.id] = w.principal(w.login(who.name, who.password))
		}
	}
	w.reset()
	return people
}

// TestService_last_administrator: nobody leaves a tenant without one.
func TestService_last_administrator(t *testing.T) {
	remove := func(ctx context.Context, w *world, p *access.Principal, id string) error {
		return second(w.service.Permit(ctx, p, id, []string{"news"}, client))
	}
	leave := func(ctx context.Context, w *world, p *access.Principal, _ string) error {
		return w.service.DeleteAccount(ctx, p, alicePassword, client)
	}
	ban := func(ctx context.Context, w *world, p *access.Principal, id string) error {
		return second(w.service.Ban(ctx, p, id, "", time.Time{}, client))
	}
	operator := access.Operator("root")
	tests := []struct {
		name    string
		rule    []string
		prepare func(*world)
		by      string
		act     func(context.Context, *world, *access.Principal, string) error
		want    string
	}{
		{"goes, the only one", []string{aliceID}, nil, aliceID, leave, "conflict last_admin"},
		{"goes, one of two", []string{aliceID, bobID}, nil, aliceID, leave, "ok"},
		{"goes, and the other one is banned", []string{aliceID, bobID}, func(w *world) { w.edit(bobID, func(u *user.User) { u.Ban = &user.Ban{From: epoch} }) }, aliceID, leave, "conflict last_admin"},
		{"goes, and the other one is another tenant's", []string{aliceID, bobID}, func(w *world) { w.edit(bobID, func(u *user.User) { u.Tenant = acme }) }, aliceID, leave, "conflict last_admin"},
		{"is removed by one who is none any more", []string{aliceID, bobID}, func(w *world) { w.edit(bobID, func(u *user.User) { u.Permissions = nil }) }, bobID, remove, "conflict last_admin"},
		{"is banned by one who is none any more", []string{aliceID, bobID}, func(w *world) { w.edit(bobID, func(u *user.User) { u.Permissions = nil }) }, bobID, ban, "conflict last_admin"},
		{"is removed by another one", []string{aliceID, bobID}, nil, bobID, remove, "ok"},
		{"is banned by another one", []string{aliceID, bobID}, nil, bobID, ban, "ok"},
		{"is removed by the operator", []string{aliceID}, nil, "", remove, "ok"},
		{"is banned by the operator", []string{aliceID}, nil, "", ban, "ok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.rule(tt.rule...)[tt.by]
			if tt.by == "" {
				p = &operator
			}
			if tt.prepare != nil {
				tt.prepare(w)
			}
			before := fmt.Sprintf("%+v", w.user(aliceID))
			sessions := len(w.sessionsOf(aliceID))
			err := tt.act(t.Context(), w, p, aliceID)
			if outcome(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if err != nil {
				after := w.user(aliceID)
				after.UpdatedAt = epoch.Add(-time.Hour)
				if got := fmt.Sprintf("%+v", after); got != before || len(w.sessionsOf(aliceID)) != sessions {
					t.Errorf("she was %s and is %s", before, got)
				}
				if log := w.log(); !strings.Contains(log[len(log)-1], " last_admin ") {
					t.Errorf("%q", log)
				}
			}
			if tt.prepare == nil {
				w.consistent()
			}
		})
	}
}

// TestService_last_administrator_races: two who remove each other, or go, at once do not both succeed.
func TestService_last_administrator_races(t *testing.T) {
	type act struct {
		name string
		run  func(ctx context.Context, w *world, by *access.Principal, other string) error
	}
	acts := []act{
		{"permit", func(ctx context.Context, w *world, by *access.Principal, other string) error {
			return second(w.service.Permit(ctx, by, other, nil, client))
		}},
		{"ban", func(ctx context.Context, w *world, by *access.Principal, other string) error {
			return second(w.service.Ban(ctx, by, other, "", time.Time{}, client))
		}},
		{"go", func(ctx context.Context, w *world, by *access.Principal, _ string) error {
			password := map[string]string{aliceID: alicePassword, bobID: otherPassword}[by.Subject]
			return w.service.DeleteAccount(ctx, by, password, client)
		}},
	}
	for i, first := range acts {
		for _, other := range acts[i:] {
			t.Run(first.name+" vs "+other.name, func(t *testing.T) {
				runs, both := 0, 0
				for choices := []int{}; choices != nil; runs++ {
					w := newWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
					people := w.rule(aliceID, bobID)
					most := across
					if raceDetector || testing.Short() {
						most = within
					}
					s := &stage{choices: choices, most: most}
					var errs [2]error
					s.run(w, [2]func(context.Context){
						func(ctx context.Context) { errs[0] = first.run(ctx, w, people[aliceID], bobID) },
						func(ctx context.Context) { errs[1] = other.run(ctx, w, people[bobID], aliceID) },
					})
					if !w.governed() {
						t.Fatalf("nobody is left, with the turns %v: %v\n%s", s.taken, errs, strings.Join(w.trace(), "\n"))
					}
					if errs[0] != nil && errs[1] != nil {
						both++
					}
					choices = s.following()
				}
				if runs < 10 || both == runs {
					t.Errorf("%d runs, in %d both were refused", runs, both)
				}
			})
		}
	}
}

// TestService_last_administrator_unavailable: when nobody can say whether somebody is left, they stay.
func TestService_last_administrator_unavailable(t *testing.T) {
	acts := map[string]func(*world, *access.Principal) error{
		"permit": func(w *world, p *access.Principal) error {
			return second(w.service.Permit(w.t.Context(), p, aliceID, nil, client))
		},
		"ban": func(w *world, p *access.Principal) error {
			return second(w.service.Ban(w.t.Context(), p, aliceID, "", time.Time{}, client))
		},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			people := w.rule(aliceID, bobID)
			w.before["People.Search#1"] = func() error { return errDown }
			if err := act(w, people[bobID]); outcome(err) != "unavailable down" {
				t.Fatal(err)
			}
			if u := w.user(aliceID); u.Ban != nil || !slices.Contains(u.Permissions, access.Admin) {
				t.Errorf("%+v", u)
			}
			w.consistent()
		})
	}
	for _, tt := range []struct{ moment, call string }{
		{"before", "Users.Update#1"}, {"after", "Users.Update#1"}, {"before", "People.Search#1"}, {"before", "Users.Delete#1"},
	} {
		t.Run("go, "+tt.moment+" "+tt.call, func(t *testing.T) {
			w := newWorld(t)
			p := w.rule(aliceID, bobID)[aliceID]
			hook := w.before
			if tt.moment == "after" {
				hook = w.after
			}
			hook[tt.call] = func() error { return errDown }
			if err := w.service.DeleteAccount(t.Context(), p, alicePassword, client); outcome(err) != "unavailable down" {
				t.Fatal(err)
			}
			if u := w.user(aliceID); !slices.Contains(u.Permissions, access.Admin) {
				t.Errorf("%+v", u)
			}
			if err := w.service.DeleteAccount(t.Context(), w.principal(w.login("alice", alicePassword)), alicePassword, client); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
	t.Run("and cannot be undone", func(t *testing.T) {
		w := newWorld(t)
		p := w.rule(aliceID)[aliceID]
		w.before["Users.Update#2"] = func() error { return errDown }
		if err := w.service.DeleteAccount(t.Context(), p, alicePassword, client); outcome(err) != "conflict last_admin" {
			t.Error(err)
		}
		if len(w.reports) != 1 || !strings.HasPrefix(w.reports[0], "have the last administrator stay: ") {
			t.Errorf("%q", w.reports)
		}
	})
}

// TestService_last_administrator_page: the one who is left is found behind many who are banned.
func TestService_last_administrator_page(t *testing.T) {
	w := newWorld(t)
	people := w.rule(aliceID, bobID)
	for i := range 60 {
		id := fmt.Sprintf("0190aaa0-0000-7000-8000-%012d", i)
		w.addUser(id, fmt.Sprintf("person%d", i), fmt.Sprintf("p%d@example.org", i), otherPassword, access.Admin)
		w.edit(id, func(u *user.User) { u.Ban = &user.Ban{From: epoch} })
	}
	if err := second(w.service.Permit(t.Context(), people[bobID], aliceID, nil, client)); err != nil {
		t.Error(err)
	}
	if err := w.service.DeleteAccount(t.Context(), people[bobID], otherPassword, client); outcome(err) != "conflict last_admin" {
		t.Error(err)
	}
}

// TestService_turned_away: who tries what is for administrators is seen in the log, and cannot fill it.
func TestService_turned_away(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, _ := w.signedIn()
	long := strings.Repeat("x", 1000)
	for range 25 {
		for _, err := range []error{
			second(w.service.Ban(ctx, p, bobID, "a reason that is not kept", time.Time{}, client)),
			second(w.service.FindClient(ctx, p, long)),
		} {
			if outcome(err) != "forbidden forbidden" {
				t.Fatal(err)
			}
		}
	}
	tried := slices.DeleteFunc(slices.Clone(w.events), func(e ports.Event) bool { return e.Action == "login" })
	if len(tried) != 10 {
		t.Fatalf("%d events", len(tried))
	}
	for i, e := range tried {
		action, subject := []string{"user.ban", "client.find"}[i%2], []string{bobID, long[:64]}[i%2]
		if e.Action != action || e.Outcome != "forbidden" || e.Actor != aliceID || e.Subject != subject || e.Session != p.Session || len(e.Detail) > 0 {
			t.Errorf("%+v", e)
		}
	}
	if err := second(w.service.Ban(ctx, &access.Principal{}, bobID, "", time.Time{}, client)); outcome(err) != "unauthenticated unauthenticated" || len(w.events) != 11 {
		t.Errorf("nobody: %v, %d events", err, len(w.events))
	}
	w.pass(10*time.Minute + time.Second)
	if err := second(w.service.Ban(ctx, p, bobID, "", time.Time{}, client)); outcome(err) != "forbidden forbidden" || len(w.events) != 12 {
		t.Errorf("later: %v, %d events", err, len(w.events))
	}
	for _, call := range []string{"Attempts.Update#1", "Audit.Record#1"} {
		w.pass(time.Hour)
		w.reset()
		w.reports = nil
		w.before[call] = func() error { return errDown }
		if err := second(w.service.Ban(ctx, p, bobID, "", time.Time{}, client)); outcome(err) != "forbidden forbidden" || len(w.reports) != 1 {
			t.Errorf("%s: %v, %q", call, err, w.reports)
		}
	}
}

// TestService_ChangeUsername_tokens: a token that says the former name is no good any more, since somebody else may have
// the name; the session is, and refreshes.
func TestService_ChangeUsername_tokens(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, g := w.signedIn()
	if _, err := w.service.ChangeUsername(ctx, p, aliceID, "bob", client); outcome(err) != "conflict username_taken" {
		t.Fatal(err)
	}
	if got := w.bearer(g.Access); got != "ok" {
		t.Errorf("after a change that was refused: %s", got)
	}
	if _, err := w.service.ChangeUsername(ctx, p, aliceID, "alicia", client); err != nil {
		t.Fatal(err)
	}
	if got := w.bearer(g.Access); got != "unauthenticated token_revoked" {
		t.Errorf("the token of before: %s", got)
	}
	if got := w.principal(g).Name; got != "alicia" {
		t.Errorf("the session is %s's", got)
	}
	next, err := w.service.Refresh(ctx, g.Refresh, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	if name := w.claimsOf(next.Access).Username; name != "alicia" || w.bearer(next.Access) != "ok" {
		t.Errorf("refreshed: %s", name)
	}
}
