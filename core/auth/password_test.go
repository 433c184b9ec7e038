package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/user"
)

// TestService_ForgotPassword: a known and an unknown address get the same answer
// after the same work, and the same limit.
func TestService_ForgotPassword(t *testing.T) {
	w := newWorld(t)
	forgot := func(address string) (string, []string) {
		w.reset()
		err := w.service.ForgotPassword(t.Context(), address, "", auth.Client{})
		return outcome(err), w.trace()
	}
	for i, want := range []string{"ok", "ok", limited, limited} {
		known, calls := forgot("alice@example.org")
		unknown, others := forgot("nobody@example.org")
		if known != want || unknown != want {
			t.Errorf("mail %d: %s and %s, want %s", i, known, unknown, want)
		}
		// The mailer takes a message at once: that it is asked shows in no time.
		calls = slices.DeleteFunc(calls, func(c string) bool { return c == "Mailer.Send" })
		if diff := cmp.Diff(calls, others); diff != "" {
			t.Errorf("mail %d: %s", i, diff)
		}
	}
	box := w.mailbox()
	if len(box) != 2 || box[0].Kind != "reset" || box[0].To != "alice@example.org" || box[0].Name != "alice" ||
		!strings.HasPrefix(box[0].Link, issuer+"/reset/") || !box[0].Expires.Equal(epoch.Add(2*time.Hour)) {
		t.Errorf("mails %+v", box)
	}
	for key := range w.attempts {
		if strings.Contains(key, "example") {
			t.Errorf("the store has the address in the clear: %s", key)
		}
	}
	w.pass(30 * time.Minute)
	if got, _ := forgot("ALICE@example.org"); got != "ok" {
		t.Error(got)
	}
	if got, _ := forgot("no address"); got != "invalid malformed" {
		t.Error(got)
	}
	w.service = w.serve(w.withCaptcha)
	w.reset()
	if err := w.service.ForgotPassword(t.Context(), "bob@example.org", "robot", client); outcome(err) != "invalid failed" || w.counts["Mailer.Send"] > 0 {
		t.Error(err)
	}
}

func TestService_ResetPassword(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = false })
	_, g := w.signedIn()
	void := w.resetLink()
	secret := w.resetLink()
	if err := w.service.CheckReset(ctx, void); outcome(err) != "forbidden token_unknown" {
		t.Errorf("a link that a newer one voided: %v", err)
	}
	if err := w.service.ResetPassword(ctx, secret, "short", client); outcome(err) != "invalid too_short" {
		t.Error(err)
	}
	if err := w.service.CheckReset(ctx, secret); err != nil {
		t.Errorf("a refused password used the link up: %v", err)
	}
	if err := w.service.ResetPassword(ctx, secret, otherPassword, client); err != nil {
		t.Fatal(err)
	}
	w.dead("the session", g)
	if got := w.try("alice", alicePassword, client); got != bad {
		t.Errorf("the old password: %s", got)
	}
	if got := w.try("alice", otherPassword, client); got != "ok" {
		t.Errorf("the new password: %s", got)
	}
	if !w.user(aliceID).EmailConfirmed {
		t.Error("the address is not confirmed")
	}
	box := w.mailbox()
	if last := box[len(box)-1]; last.Kind != "changed" || last.To != "alice@example.org" || last.Link != "" {
		t.Errorf("mails %+v", box)
	}
	if err := w.service.ResetPassword(ctx, secret, alicePassword, client); outcome(err) != "forbidden token_unknown" {
		t.Errorf("a second time: %v", err)
	}
	if !slices.Contains(w.log(), "password.reset ok alice→alice") {
		t.Error(w.log())
	}
}

func TestService_ResetPassword_refused(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*world) string
	}{
		{"unknown", func(*world) string { return "unknown" }},
		{"of another purpose", func(w *world) string { return w.confirmLink() }},
		{"of nobody", func(w *world) string {
			if err := w.service.ForgotPassword(w.t.Context(), "nobody@example.org", "", client); err != nil {
				w.t.Fatal(err)
			}
			return "void"
		}},
		{"expired", func(w *world) string {
			secret := w.resetLink()
			w.pass(2 * time.Hour)
			return secret
		}},
		{"another address since", func(w *world) string {
			secret := w.resetLink()
			w.edit(aliceID, func(u *user.User) { u.Email = user.EmailOf("a@b.example", "a@b.example") })
			return secret
		}},
		{"another address meanwhile", func(w *world) string {
			secret := w.resetLink()
			w.reset()
			w.before["Users.Update#1"] = func() error {
				w.edit(aliceID, func(u *user.User) { u.Email = user.EmailOf("a@b.example", "a@b.example") })
				return nil
			}
			return secret
		}},
		{"user deleted", func(w *world) string {
			secret := w.resetLink()
			delete(w.users, aliceID)
			return secret
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			secret := tt.prepare(w)
			if err := w.service.ResetPassword(t.Context(), secret, otherPassword, client); outcome(err) != "forbidden token_unknown" {
				t.Error(err)
			}
			if u := w.user(aliceID); u.ID != "" && u.PasswordHash != fakeHash(alicePassword) {
				t.Error("the password was changed")
			}
		})
	}
	t.Run("twice, at every moment", func(t *testing.T) {
		for _, call := range []string{"Users.ByID#1", "Hasher.Hash#1", "MailTokens.Consume#1", "Users.Update#1"} {
			w := newWorld(t)
			secret := w.resetLink()
			w.reset()
			var inner error
			w.before[call] = func() error {
				inner = w.service.ResetPassword(t.Context(), secret, wrongPassword, client)
				return nil
			}
			outer := w.service.ResetPassword(t.Context(), secret, otherPassword, client)
			if (inner == nil) == (outer == nil) {
				t.Errorf("%s: %v and %v", call, inner, outer)
			}
			want := fakeHash(otherPassword)
			if inner == nil {
				want = fakeHash(wrongPassword)
			}
			if w.user(aliceID).PasswordHash != want {
				t.Errorf("%s: the wrong one won", call)
			}
		}
	})
}

func TestService_ChangePassword(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other := w.login("alice", alicePassword)
	p, g := w.signedIn()
	next, err := w.service.ChangePassword(ctx, p, alicePassword, otherPassword, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	if next.Session.ID != g.Session.ID || next.User.ID != aliceID {
		t.Errorf("%+v", next)
	}
	w.principal(next)
	if _, err := w.service.Authenticate(ctx, auth.Credentials{Access: next.Access}); err != nil {
		t.Errorf("the new access token: %v", err)
	}
	again, err := w.service.Refresh(ctx, next.Refresh, client)
	if err != nil {
		t.Fatalf("the new refresh token: %v", err)
	}
	w.grantSecrets(again)
	w.dead("another session", other)
	w.dead("the former credentials", g)
	w.principal(next) // even after those were used
	if got := w.try("alice", otherPassword, client); got != "ok" {
		t.Error(got)
	}
	if box := w.mailbox(); len(box) != 1 || box[0].Kind != "changed" {
		t.Errorf("mails %+v", box)
	}
	if !slices.Contains(w.log(), "password.change ok alice→alice") {
		t.Error(w.log())
	}
	w.consistent()
}

// TestService_ChangePassword_voidsLinks: a link to set another password does not
// outlive a change of it.
func TestService_ChangePassword_voidsLinks(t *testing.T) {
	w := newWorld(t)
	p, _ := w.signedIn()
	secret := w.resetLink()
	g, err := w.service.ChangePassword(t.Context(), p, alicePassword, otherPassword, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(g)
	if err := w.service.ResetPassword(t.Context(), secret, alicePassword, client); outcome(err) != "forbidden token_unknown" {
		t.Errorf("the link still worked: %v", err)
	}
}

func TestService_ChangePassword_refused(t *testing.T) {
	tests := []struct {
		name, present, next string
		p                   func(*access.Principal)
		want                string
	}{
		{"wrong", wrongPassword, otherPassword, nil, bad},
		{"empty", "", otherPassword, nil, "invalid required"},
		{"bad new one", alicePassword, "short", nil, "invalid too_short"},
		{"made of the name", alicePassword, "alice alice alice 1", nil, "invalid common"},
		{"nobody", alicePassword, otherPassword, func(p *access.Principal) { *p = access.Principal{} }, "unauthenticated unauthenticated"},
		{"a machine", alicePassword, otherPassword, func(p *access.Principal) { p.Kind = access.Machine }, "forbidden forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			p, g := w.signedIn()
			shown := *p
			if tt.p != nil {
				tt.p(&shown)
			}
			next, err := w.service.ChangePassword(t.Context(), &shown, tt.present, tt.next, client)
			w.clean(err)
			if outcome(err) != tt.want || next != nil {
				t.Errorf("%v, %v, want %s", next, err, tt.want)
			}
			if w.user(aliceID).PasswordHash != fakeHash(alicePassword) {
				t.Error("the password was changed")
			}
			w.principal(g)
		})
	}
	t.Run("wrong ones count", func(t *testing.T) {
		w := newWorld(t)
		p, _ := w.signedIn()
		for range 10 {
			_, _ = w.service.ChangePassword(t.Context(), p, wrongPassword, otherPassword, client)
		}
		if _, err := w.service.ChangePassword(t.Context(), p, alicePassword, otherPassword, client); outcome(err) != limited {
			t.Error(err)
		}
		if err := w.service.DeleteAccount(t.Context(), p, alicePassword, client); outcome(err) != limited {
			t.Errorf("DeleteAccount: %v", err)
		}
		if got := w.try("alice", alicePassword, auth.Client{}); got != limited {
			t.Errorf("Login: %s", got)
		}
	})
	t.Run("another change was quicker", func(t *testing.T) {
		w := newWorld(t)
		p, _ := w.signedIn()
		w.before["Users.Update#1"] = func() error {
			w.edit(aliceID, func(u *user.User) { u.PasswordHash = fakeHash(wrongPassword) })
			return nil
		}
		if g, err := w.service.ChangePassword(t.Context(), p, alicePassword, otherPassword, client); g != nil || outcome(err) != bad {
			t.Errorf("%v, %v", g, err)
		}
		if w.user(aliceID).PasswordHash != fakeHash(wrongPassword) {
			t.Error("it was overwritten")
		}
	})
}

// TestService_password_halfway: when a store fails after the password may have been
// changed, nothing that the old one opened lives on.
func TestService_password_halfway(t *testing.T) {
	for _, call := range []string{"Users.Update#1", "Sessions.Update#1", "Marks.Add#1", "Attempts.Update#3"} {
		t.Run("change/"+call, func(t *testing.T) {
			w := newWorld(t)
			other := w.login("alice", alicePassword)
			w.principal(other)
			p, g := w.signedIn()
			w.after[call] = func() error { return errDown }
			if next, err := w.service.ChangePassword(t.Context(), p, alicePassword, otherPassword, client); next != nil || outcome(err) != "unavailable down" {
				t.Fatalf("%v, %v", next, err)
			}
			w.dead("another session", other)
			w.dead("the session", g)
			if log := w.log(); log[len(log)-1] != "password.change down alice→alice" {
				t.Error(log)
			}
		})
	}
	for _, call := range []string{"Users.Update#1", "Marks.Add#1"} {
		t.Run("reset/"+call, func(t *testing.T) {
			w := newWorld(t)
			_, g := w.signedIn()
			secret := w.resetLink()
			w.reset()
			w.after[call] = func() error { return errDown }
			if err := w.service.ResetPassword(t.Context(), secret, otherPassword, client); outcome(err) != "unavailable down" {
				t.Fatal(err)
			}
			w.dead("the session", g)
		})
	}
}

func TestService_DeleteAccount(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, g := w.signedIn()
	if err := w.service.DeleteAccount(ctx, p, wrongPassword, client); outcome(err) != bad {
		t.Error(err)
	}
	if err := w.service.DeleteAccount(ctx, p, alicePassword, client); err != nil {
		t.Fatal(err)
	}
	w.dead("the session", g)
	if _, err := w.service.Me(ctx, p); outcome(err) != "unauthenticated unauthenticated" {
		t.Errorf("Me: %v", err)
	}
	if got := w.try("alice", alicePassword, client); got != bad {
		t.Error(got)
	}
	if diff := cmp.Diff([]string{
		"login ok alice→alice", "user.delete bad_credentials alice→alice", "user.delete ok alice→alice", "login bad_credentials →",
	}, w.log()); diff != "" {
		t.Error(diff)
	}
}
