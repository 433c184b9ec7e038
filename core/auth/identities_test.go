package auth_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

func TestService_link(t *testing.T) {
	tests := []struct {
		name   string
		begin  func(*world, *upstreams)
		finish func(*world, *access.Principal) *access.Principal // who ends the flow
		who    func(*ports.Person)
		want   string
		owns   []string
	}{
		{name: "a new one", want: "ok", owns: []string{"google dana-1"}},
		{
			name: "one's own again", want: "ok", owns: []string{"google dana-1"},
			begin: func(_ *world, up *upstreams) { up.add(aliceID, "google", googleIss, "dana-1") },
		},
		{
			name: "a second one", want: "ok", owns: []string{"google alice-0", "google dana-1"},
			begin: func(_ *world, up *upstreams) { up.add(aliceID, "google", googleIss, "alice-0") },
		},
		{
			name: "somebody else's", want: "conflict identity_taken", owns: []string{},
			begin: func(_ *world, up *upstreams) { up.add(bobID, "google", googleIss, "dana-1") },
		},
		{
			name: "an address of somebody else", want: "ok", owns: []string{"google dana-1"}, // it links the account, not the address
			who: func(p *ports.Person) { p.Email = "bob@example.org" },
		},
		{
			name: "ended by nobody", want: "invalid state", owns: []string{},
			finish: func(*world, *access.Principal) *access.Principal { return nobody },
		},
		{
			name: "ended by somebody else", want: "invalid state", owns: []string{},
			finish: func(w *world, _ *access.Principal) *access.Principal {
				return w.principal(w.login("bob", otherPassword))
			},
		},
		{
			name: "ended by a machine of that name", want: "forbidden forbidden", owns: []string{},
			finish: func(_ *world, p *access.Principal) *access.Principal {
				return &access.Principal{Kind: access.Machine, Subject: p.Subject}
			},
		},
		{
			name: "ended in another session of the same user", want: "ok", owns: []string{"google dana-1"},
			finish: func(w *world, _ *access.Principal) *access.Principal {
				return w.principal(w.login("alice", alicePassword))
			},
		},
		{
			name: "ended without a session", want: "forbidden person_required", owns: []string{},
			finish: func(_ *world, p *access.Principal) *access.Principal {
				return &access.Principal{Kind: access.User, Subject: p.Subject, Tenant: p.Tenant}
			},
		},
		{
			name: "the session ended", want: "unauthenticated session_unknown", owns: []string{},
			finish: func(w *world, p *access.Principal) *access.Principal {
				w.sessions = map[string]session.Session{}
				return p
			},
		},
		{
			name: "the session expired", want: "unauthenticated session_unknown", owns: []string{},
			finish: func(w *world, p *access.Principal) *access.Principal {
				for id, s := range w.sessions {
					s.EndsAt = epoch
					w.sessions[id] = s
				}
				return p
			},
		},
		{
			name: "the user is gone", want: "unauthenticated unauthenticated", owns: []string{},
			finish: func(w *world, p *access.Principal) *access.Principal {
				delete(w.users, aliceID)
				return p
			},
		},
		{
			name: "another tenant", want: "forbidden tenant", owns: []string{},
			begin: func(w *world, _ *upstreams) { w.edit(aliceID, func(u *user.User) { u.Tenant = acme }) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			if tt.begin != nil {
				tt.begin(w, up)
			}
			p, _ := w.signedIn()
			who := dana()
			if tt.who != nil {
				tt.who(&who)
			}
			in := w.begin(p, "google", who)
			if tt.finish != nil {
				p = tt.finish(w, p)
			}
			sessions := len(w.sessions)
			before := w.user(aliceID)
			g, err := w.finish(t.Context(), p, in)
			if outcome(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if got := up.identitiesOf(aliceID); !slices.Equal(got, tt.owns) {
				t.Errorf("identities %v, want %v", got, tt.owns)
			}
			if g != nil || len(w.sessions) != sessions || len(w.users) > 3 {
				t.Error("a link signed somebody in")
			}
			if after := w.user(aliceID); after.Email != before.Email || after.Name != before.Name || after.PasswordHash != before.PasswordHash {
				t.Errorf("a link changed the user: %+v", after)
			}
			if tt.want == "invalid state" && len(up.codes) > 0 {
				t.Error("a code was redeemed for somebody else")
			}
		})
	}
}

// TestService_link_meanwhile: what happens to the account while an identity is
// linked takes the identity back.
func TestService_link_meanwhile(t *testing.T) {
	tests := []struct {
		name string
		do   func(*world)
		want string
	}{
		{"another password", func(w *world) {
			w.edit(aliceID, func(u *user.User) { u.PasswordHash = fakeHash(otherPassword) })
		}, "conflict changed_meanwhile"},
		{"the address confirmed", func(w *world) {
			w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = true })
		}, "conflict changed_meanwhile"},
		{"signed out", func(w *world) { w.sessions = map[string]session.Session{} }, "unauthenticated session_unknown"},
	}
	for _, tt := range tests {
		for _, call := range []string{"Identities.Create#1", "Audit.Record#1", "Users.ByID#2"} {
			t.Run(tt.name+" before "+call, func(t *testing.T) {
				w, up := newUpWorld(t)
				w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = false })
				p, g := w.signedIn()
				in := w.begin(p, "google", dana())
				w.reset()
				w.before[call] = func() error {
					tt.do(w)
					return nil
				}
				if _, err := w.finish(t.Context(), p, in); outcome(err) != tt.want {
					t.Errorf("%v, want %s", err, tt.want)
				}
				if len(up.identities) > 0 {
					t.Error("the identity is left")
				}
				w.dead("the session", g)
			})
		}
	}
	t.Run("the same link twice", func(t *testing.T) {
		w, up := newUpWorld(t)
		p, _ := w.signedIn()
		in := w.begin(p, "google", dana())
		w.reset()
		w.before["Identities.Create#1"] = func() error {
			up.add(aliceID, "google", googleIss, "dana-1")
			return nil
		}
		if _, err := w.finish(t.Context(), p, in); err != nil || len(up.identities) != 1 {
			t.Error(err)
		}
	})
	t.Run("somebody else is quicker", func(t *testing.T) {
		w, up := newUpWorld(t)
		p, _ := w.signedIn()
		in := w.begin(p, "google", dana())
		w.reset()
		w.before["Identities.Create#1"] = func() error {
			up.add(bobID, "google", googleIss, "dana-1")
			return nil
		}
		if _, err := w.finish(t.Context(), p, in); outcome(err) != "conflict identity_taken" || len(up.identitiesOf(bobID)) != 1 {
			t.Error(err)
		}
	})
}

// TestService_link_thenSignIn: a linked identity leads to the account.
func TestService_link_thenSignIn(t *testing.T) {
	w, _ := newUpWorld(t)
	p, _ := w.signedIn()
	if _, err := w.finish(t.Context(), p, w.begin(p, "google", dana())); err != nil {
		t.Fatal(err)
	}
	g := w.mustCome("google", dana())
	if g.User.ID != aliceID || g.User.Email.String() != "alice@example.org" {
		t.Errorf("came to %+v", g.User)
	}
	list, err := w.service.ListIdentities(t.Context(), p)
	if err != nil || len(list) != 1 || list[0].Provider != "google" || list[0].Email != "Dana@Example.net" {
		t.Errorf("%v, %+v", err, list)
	}
}

func TestService_ListIdentities(t *testing.T) {
	w, up := newUpWorld(t)
	up.add(bobID, "google", googleIss, "bob-1")
	p, _ := w.signedIn()
	for name, tt := range map[string]struct {
		p    *access.Principal
		want string
	}{
		"nobody":    {nobody, "unauthenticated unauthenticated"},
		"a machine": {&access.Principal{Kind: access.Machine, Subject: bobID}, "forbidden forbidden"},
		"alice":     {p, "ok"},
	} {
		list, err := w.service.ListIdentities(t.Context(), tt.p)
		if outcome(err) != tt.want || len(list) > 0 {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	bare := newWorld(t)
	p, _ = bare.signedIn()
	if list, err := bare.service.ListIdentities(t.Context(), p); len(list) > 0 || err != nil {
		t.Errorf("without providers: %v, %v", list, err)
	}
	if err := bare.service.Unlink(t.Context(), p, "none", client); outcome(err) != "not_found identity_unknown" {
		t.Errorf("unlink without providers: %v", err)
	}
}

func TestService_Unlink(t *testing.T) {
	tests := []struct {
		name     string
		password bool
		own      []string // the providers of alice's identities; the first one is to go
		id       string   // another one
		p        *access.Principal
		want     string
	}{
		{name: "one beside a password", password: true, own: []string{"google"}, want: "ok"},
		{name: "one of two", own: []string{"google", "loose"}, want: "ok"},
		{name: "one of two at one provider", own: []string{"google", "google"}, want: "ok"},
		{name: "the last one", own: []string{"google"}, want: "conflict identity_last"},
		{name: "the last one whose provider is configured", own: []string{"google", "gone"}, want: "conflict identity_last"},
		{name: "one whose provider is not configured", own: []string{"gone", "google"}, want: "ok"},
		{name: "bob's", password: true, own: []string{"google"}, id: "bob", want: "not_found identity_unknown"},
		{name: "none", password: true, own: []string{"google"}, id: "none", want: "not_found identity_unknown"},
		{name: "by nobody", password: true, own: []string{"google"}, p: nobody, want: "unauthenticated unauthenticated"},
		{name: "by a machine", password: true, own: []string{"google"}, p: &access.Principal{Kind: access.Machine, Subject: aliceID}, want: "forbidden forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			bobs := up.add(bobID, "google", googleIss, "bob-1")
			var ids []string
			for i, provider := range tt.own {
				ids = append(ids, up.add(aliceID, provider, googleIss, provider+string(rune('0'+i))).ID)
			}
			p, _ := w.signedIn()
			if tt.p != nil {
				p = tt.p
			}
			if !tt.password {
				w.edit(aliceID, func(u *user.User) { u.PasswordHash = "" })
			}
			id := ids[0]
			switch tt.id {
			case "bob":
				id = bobs.ID
			case "none":
				id = tt.id
			}
			before := len(up.identities)
			err := w.service.Unlink(t.Context(), p, id, client)
			w.clean(err)
			if outcome(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if _, there := up.identities[id]; err == nil && there || err != nil && len(up.identities) != before {
				t.Errorf("identities %v", up.identities)
			}
		})
	}
	t.Run("bob's is the same as none", func(t *testing.T) {
		w, up := newUpWorld(t)
		bobs := up.add(bobID, "google", googleIss, "bob-1")
		p, _ := w.signedIn()
		one, other := w.service.Unlink(t.Context(), p, bobs.ID, client), w.service.Unlink(t.Context(), p, "none", client)
		if one == nil || other == nil || one.Error() != other.Error() {
			t.Errorf("%v and %v", one, other)
		}
	})
	t.Run("gone meanwhile", func(t *testing.T) {
		w, up := newUpWorld(t)
		i := up.add(aliceID, "google", googleIss, "alice-1")
		p, _ := w.signedIn()
		w.before["Identities.Delete#1"] = miss
		if err := w.service.Unlink(t.Context(), p, i.ID, client); err != nil {
			t.Error(err)
		}
	})
}

// TestService_Unlink_atOnce: of the last two ways in, unlinked at once, one stays.
func TestService_Unlink_atOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, up := newUpWorld(t)
		ids := []string{up.add(aliceID, "google", googleIss, "a").ID, up.add(aliceID, "google", googleIss, "b").ID}
		p, _ := w.signedIn()
		w.edit(aliceID, func(u *user.User) { u.PasswordHash = "" })
		goOn := make(chan struct{})
		w.before["Identities.Delete#1"] = func() error {
			<-goOn
			return nil
		}
		results := make(chan error, len(ids))
		for _, id := range ids {
			go func() { results <- w.service.Unlink(context.Background(), p, id, client) }()
			synctest.Wait() // the first one is about to delete when the second one looks
		}
		close(goOn)
		got := []string{outcome(<-results), outcome(<-results)}
		slices.Sort(got)
		if !slices.Equal(got, []string{"conflict identity_last", "ok"}) || len(up.identitiesOf(aliceID)) != 1 {
			t.Errorf("%v, %v", got, up.identitiesOf(aliceID))
		}
	})
}

// TestService_Unlink_thenSignIn: an identity that was unlinked leads there no more.
func TestService_Unlink_thenSignIn(t *testing.T) {
	w, up := newUpWorld(t)
	i := up.add(aliceID, "loose", looseIss, "alice-1")
	p, _ := w.signedIn()
	w.pass(time.Second)
	if err := w.service.Unlink(t.Context(), p, i.ID, client); err != nil {
		t.Fatal(err)
	}
	g, err := w.come("loose", with(aliceAt(), func(p *ports.Person) { p.Issuer = looseIss }))
	if err != nil || g.User.ID == aliceID {
		t.Errorf("%v, came to %+v", err, g)
	}
}

var _ ports.Identities = (*upstreams)(nil)
