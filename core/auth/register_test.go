package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

func (w *world) named(name string) (user.User, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.users {
		if u.Name.Key() == name {
			return u, true
		}
	}
	return user.User{}, false
}

func TestService_Register(t *testing.T) {
	w := newWorld(t)
	g, err := w.service.Register(t.Context(), carol, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(g)
	u, ok := w.named("carol")
	if !ok || u.EmailConfirmed || len(u.Permissions) > 0 || u.Tenant != tenant.Default || u.PasswordHash != fakeHash(otherPassword) {
		t.Errorf("user %+v", u)
	}
	if g.User.ID != u.ID || w.principal(g).Subject != u.ID {
		t.Errorf("grant for %s", g.User.ID)
	}
	box := w.mailbox()
	if len(box) != 1 || box[0].Kind != "confirm" || box[0].To != "carol@example.org" || box[0].Name != "carol" ||
		!strings.HasPrefix(box[0].Link, issuer+"/confirm/") || !box[0].Expires.Equal(epoch.Add(24*time.Hour)) {
		t.Errorf("mails %+v", box)
	}
	if diff := cmp.Diff([]string{"register ok new→new"}, w.log()); diff != "" {
		t.Errorf("audit log: %s", diff)
	}
	if _, err := w.service.Confirm(t.Context(), w.link(), client); err != nil {
		t.Errorf("Confirm: %v", err)
	}
	if u, _ := w.named("carol"); !u.EmailConfirmed {
		t.Error("the address is not confirmed")
	}
	w.consistent()
}

func TestService_Register_refused(t *testing.T) {
	with := func(change func(*auth.NewUser)) auth.NewUser {
		in := carol
		change(&in)
		return in
	}
	tests := []struct {
		name   string
		in     auth.NewUser
		mode   auth.Registration
		want   string
		hashed bool
	}{
		{"closed", carol, auth.RegistrationClosed, "forbidden registration_closed", false},
		{"name taken", with(func(in *auth.NewUser) { in.Username = "ALICE" }), "", "conflict username_taken", false},
		{"name taken, verified", with(func(in *auth.NewUser) { in.Username = "ALICE" }), auth.RegistrationVerified, "conflict username_taken", false},
		{"address taken", with(func(in *auth.NewUser) { in.Email = "Alice@EXAMPLE.org" }), "", "conflict email_taken", true},
		{"short password", with(func(in *auth.NewUser) { in.Password = "short" }), "", "invalid too_short", false},
		{"password of the name", with(func(in *auth.NewUser) { in.Password = "carol carol carol" }), "", "invalid common", false},
		{"no robot", with(func(in *auth.NewUser) { in.Captcha = "robot" }), "", "invalid failed", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.service = w.serve(w.withCaptcha, func(c *auth.Config) {
				if tt.mode != "" {
					c.Settings.Registration = tt.mode
				}
			})
			users := len(w.users)
			g, err := w.service.Register(t.Context(), tt.in, client)
			if outcome(err) != tt.want || g != nil {
				t.Errorf("%v, %v, want %s", g, err, tt.want)
			}
			if hashed := len(w.cost) > 0; hashed != tt.hashed {
				t.Errorf("hashing: %v", w.cost)
			}
			if len(w.users) != users || len(w.sessions) > 0 || len(w.sent) > 0 || len(w.mails) > 0 {
				t.Error("something is left")
			}
		})
	}
	t.Run("every member at once", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.service.Register(t.Context(), auth.NewUser{Username: "a", Email: "b", Password: "c"}, client)
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 3 || f.Fields[0].Name != "username" || f.Fields[1].Name != "email" || f.Fields[2].Name != "password" {
			t.Errorf("%+v", err)
		}
	})
	t.Run("address limit", func(t *testing.T) {
		w := newWorld(t)
		for range 30 {
			w.try("nobody", wrongPassword, client)
		}
		if _, err := w.service.Register(t.Context(), carol, client); outcome(err) != limited {
			t.Error(err)
		}
	})
}

// TestService_Register_verified: nobody but the reader of the mail learns whether
// an address has an account.
func TestService_Register_verified(t *testing.T) {
	type seen struct {
		Calls, Cost, Log []string
		Err              string
		Mails            int
	}
	register := func(w *world, in auth.NewUser) seen {
		w.reset()
		g, err := w.service.Register(t.Context(), in, auth.Client{})
		if g != nil {
			t.Error("signed in")
		}
		return seen{w.trace(), w.cost, w.log(), outcome(err), len(w.mailbox())}
	}
	world := func() *world {
		w := newWorld(t)
		w.service = w.serve(verified(w))
		return w
	}
	known := carol
	known.Email = "Alice@example.org"
	fresh, taken := world(), world()
	if diff := cmp.Diff(register(fresh, carol), register(taken, known)); diff != "" {
		t.Errorf("a new and a known address differ: %s", diff)
	}
	if box := taken.mailbox(); box[0].Kind != "known" || box[0].Link != "" || box[0].To != "Alice@example.org" || box[0].Name != "" {
		t.Errorf("to the known address: %+v", box[0])
	}
	if box := fresh.mailbox(); box[0].Kind != "register" || box[0].To != "carol@example.org" {
		t.Errorf("to the new address: %+v", box[0])
	}
	t.Run("limited alike", func(t *testing.T) {
		register(fresh, carol)
		register(taken, known)
		if diff := cmp.Diff(register(fresh, carol), register(taken, known)); diff != "" {
			t.Error(diff)
		}
		if got := register(fresh, carol).Err; got != limited {
			t.Error(got)
		}
	})
	t.Run("what is kept is sealed", func(t *testing.T) {
		for _, m := range fresh.mails {
			if strings.Contains(string(m.Data), "fake") || strings.Contains(string(m.Data), "carol") {
				t.Errorf("%q", m.Data)
			}
		}
	})
	t.Run("nobody is there until the link is followed", func(t *testing.T) {
		if _, there := fresh.named("carol"); there {
			t.Error("carol is there")
		}
		u, err := fresh.service.Confirm(t.Context(), fresh.link(), client)
		if err != nil || !u.EmailConfirmed || u.Name.String() != "carol" {
			t.Fatalf("%+v, %v", u, err)
		}
		if got := fresh.try("carol", otherPassword, client); got != "ok" {
			t.Error(got)
		}
		if _, err := fresh.service.Confirm(t.Context(), fresh.link(), client); outcome(err) != "forbidden token_unknown" {
			t.Errorf("a second time: %v", err)
		}
	})
	for _, clash := range []struct {
		name, username, email, want string
	}{
		{"the name was taken meanwhile", "carol", "else@example.org", "conflict username_taken"},
		{"the address was taken meanwhile", "else", "carol@example.org", "conflict email_taken"},
	} {
		t.Run(clash.name, func(t *testing.T) {
			w := world()
			register(w, carol)
			w.addUser("0190aaaa-0000-7000-8000-00000000000e", clash.username, clash.email, wrongPassword)
			if _, err := w.service.Confirm(t.Context(), w.link(), client); outcome(err) != clash.want {
				t.Errorf("%v, want %s", err, clash.want)
			}
			if u, _ := w.named("carol"); u.PasswordHash == fakeHash(otherPassword) {
				t.Error("somebody else's account was changed")
			}
		})
	}
	t.Run("a link from another place", func(t *testing.T) {
		w := world()
		register(w, carol)
		for h, m := range w.mails {
			m.Subject = "moved"
			w.mails[h] = m
		}
		u, err := w.service.Confirm(t.Context(), w.link(), client)
		if err == nil || u.ID != "" {
			t.Errorf("%+v, %v", u, err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		w := world()
		register(w, carol)
		w.pass(24 * time.Hour)
		if _, err := w.service.Confirm(t.Context(), w.link(), client); outcome(err) != "forbidden token_unknown" {
			t.Error(err)
		}
	})
}

func TestService_Confirm(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*world) string
		want    string
	}{
		{"good", func(w *world) string { return w.confirmLink() }, "ok"},
		{"unknown", func(*world) string { return "unknown" }, "forbidden token_unknown"},
		{"empty", func(*world) string { return "" }, "forbidden token_unknown"},
		{"of another purpose", func(w *world) string { return w.resetLink() }, "forbidden token_unknown"},
		{"expired", func(w *world) string {
			secret := w.confirmLink()
			w.pass(24 * time.Hour)
			return secret
		}, "forbidden token_unknown"},
		{"voided by a newer one", func(w *world) string {
			secret := w.confirmLink()
			w.confirmLink()
			return secret
		}, "forbidden token_unknown"},
		{"another address since", func(w *world) string {
			secret := w.confirmLink()
			w.edit(aliceID, func(u *user.User) { u.Email = user.EmailOf("a@b.example", "a@b.example") })
			return secret
		}, "forbidden token_unknown"},
		{"confirmed since", func(w *world) string {
			secret := w.confirmLink()
			w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = true })
			return secret
		}, "invalid already_confirmed"},
		{"user deleted since", func(w *world) string {
			secret := w.confirmLink()
			delete(w.users, aliceID)
			return secret
		}, "forbidden token_unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			secret := tt.prepare(w)
			u, err := w.service.Confirm(t.Context(), secret, client)
			if outcome(err) != tt.want || (err == nil) != (u.ID != "" && u.EmailConfirmed) {
				t.Errorf("%+v, %v, want %s", u, err, tt.want)
			}
			if err == nil && !w.user(aliceID).EmailConfirmed {
				t.Error("not confirmed")
			}
			if _, err := w.service.Confirm(t.Context(), secret, client); outcome(err) != "forbidden token_unknown" {
				t.Errorf("a second time: %v", err)
			}
		})
	}
	t.Run("twice at once", func(t *testing.T) {
		w := newWorld(t)
		secret := w.confirmLink()
		w.reset()
		var inner error
		w.before["Users.Update#1"] = func() error {
			_, inner = w.service.Confirm(t.Context(), secret, client)
			return nil
		}
		if _, err := w.service.Confirm(t.Context(), secret, client); err != nil || outcome(inner) != "forbidden token_unknown" {
			t.Errorf("%v and %v", err, inner)
		}
	})
}

func TestService_SendConfirm(t *testing.T) {
	tests := []struct {
		name string
		edit func(*user.User)
		want string
	}{
		{"good", func(u *user.User) { u.EmailConfirmed = false }, "ok"},
		{"confirmed", func(*user.User) {}, "invalid already_confirmed"},
		{"no address", func(u *user.User) { u.Email, u.EmailConfirmed = user.Email{}, false }, "invalid no_email"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			p, _ := w.signedIn()
			w.edit(aliceID, tt.edit)
			if err := w.service.SendConfirm(t.Context(), p, client); outcome(err) != tt.want || len(w.sent) != map[bool]int{true: 1}[err == nil] {
				t.Errorf("%v, %d mails", err, len(w.sent))
			}
		})
	}
	t.Run("limit", func(t *testing.T) {
		w := newWorld(t)
		w.confirmLink()
		w.confirmLink()
		p, _ := w.signedIn()
		if err := w.service.SendConfirm(t.Context(), p, client); outcome(err) != limited || len(w.sent) != 2 {
			t.Errorf("%v, %d mails", err, len(w.sent))
		}
		w.pass(30 * time.Minute)
		if err := w.service.SendConfirm(t.Context(), p, client); err != nil {
			t.Errorf("later: %v", err)
		}
	})
	t.Run("mailbox full", func(t *testing.T) {
		w := newWorld(t)
		w.before["Mailer.Send#1"] = func() error { return errDown }
		g, err := w.service.Register(t.Context(), carol, client)
		if err != nil || g == nil || len(w.reports) != 1 {
			t.Errorf("a registration without a mail: %v, %v, %q", g, err, w.reports)
		}
	})
}

func TestService_Setup(t *testing.T) {
	t.Run("good", func(t *testing.T) {
		w := newWorld(t)
		g, err := w.service.Setup(t.Context(), w.setupLink(), carol, client)
		if err != nil {
			t.Fatal(err)
		}
		w.grantSecrets(g)
		if p := w.principal(g); !p.Has(access.Admin) || p.Name != "carol" {
			t.Errorf("%+v", p)
		}
		if got := w.log()[0]; got != "user.add ok operator→new" {
			t.Error(got)
		}
		if link, err := w.service.SetupLink(t.Context()); link != "" || err != nil {
			t.Errorf("another link: %q, %v", link, err)
		}
	})
	t.Run("input that is refused does not use it up", func(t *testing.T) {
		w := newWorld(t)
		secret := w.setupLink()
		for _, change := range []func(*auth.NewUser){
			func(in *auth.NewUser) { in.Password = "short" },
			func(in *auth.NewUser) { in.Username = "alice" },
			func(in *auth.NewUser) { in.Email = "alice@example.org" },
		} {
			in := carol
			change(&in)
			if g, err := w.service.Setup(t.Context(), secret, in, client); err == nil || g != nil {
				t.Errorf("%+v was accepted", in)
			}
		}
		if err := w.service.CheckSetup(t.Context(), secret); err != nil {
			t.Errorf("the link is used up: %v", err)
		}
	})
	t.Run("there is an administrator since", func(t *testing.T) {
		w := newWorld(t)
		secret := w.setupLink()
		w.edit(bobID, func(u *user.User) { u.Permissions = []string{access.Admin} })
		g, err := w.service.Setup(t.Context(), secret, carol, client)
		if outcome(err) != "forbidden setup_done" || g != nil {
			t.Errorf("%v, %v", g, err)
		}
		if _, there := w.named("carol"); there {
			t.Error("carol is there")
		}
	})
	t.Run("twice, at every moment", func(t *testing.T) {
		dave := carol
		dave.Username, dave.Email = "dave", "dave@example.org"
		for _, call := range []string{"Users.ByLogin#1", "MailTokens.Consume#1", "People.Search#2", "Users.Create#1", "Sessions.Create#1"} {
			w := newWorld(t)
			secret := w.setupLink()
			var inner error
			fired := false
			w.before[call] = func() error {
				fired = true
				_, inner = w.service.Setup(t.Context(), secret, dave, client)
				return nil
			}
			_, outer := w.service.Setup(t.Context(), secret, carol, client)
			if !fired || (inner == nil) == (outer == nil) {
				t.Errorf("%s: %v and %v", call, inner, outer)
			}
			admins := 0
			for _, u := range w.users {
				if slices.Contains(u.Permissions, access.Admin) {
					admins++
				}
			}
			if admins != 1 {
				t.Errorf("%s: %d administrators", call, admins)
			}
		}
	})
	t.Run("a newer link voids it", func(t *testing.T) {
		w := newWorld(t)
		secret := w.setupLink()
		w.setupLink()
		if err := w.service.CheckSetup(t.Context(), secret); outcome(err) != "forbidden token_unknown" {
			t.Error(err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		w := newWorld(t)
		secret := w.setupLink()
		w.pass(24 * time.Hour)
		if g, err := w.service.Setup(t.Context(), secret, carol, client); outcome(err) != "forbidden token_unknown" || g != nil {
			t.Error(err)
		}
	})
}
