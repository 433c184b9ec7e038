package auth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// TestService_linkByEmail is every way in which a person's address may meet an
// account's: only one that the provider has verified, and whose word on it counts,
// leads to the account, and only within the tenant.
func TestService_linkByEmail(t *testing.T) {
	for _, verified := range []bool{true, false} {
		for _, confirmed := range []bool{true, false} {
			for _, provider := range []string{"google", "loose", "partner"} {
				for _, password := range []bool{true, false} {
					for _, home := range []string{tenant.Default, acme} {
						for _, known := range []bool{true, false} { // the account has an identity of another subject at the same provider
							name := fmt.Sprintf("%s verified=%t confirmed=%t password=%t tenant=%s known=%t", provider, verified, confirmed, password, home, known)
							t.Run(name, func(t *testing.T) { checkLink(t, provider, home, verified, confirmed, password, known) })
						}
					}
				}
			}
		}
	}
}

func checkLink(t *testing.T, provider, home string, verified, confirmed, password, known bool) {
	w, up := newUpWorld(t)
	if known {
		up.add(bobID, provider, googleIss, "another subject")
	}
	old := w.login("bob", otherPassword)
	w.edit(bobID, func(u *user.User) {
		u.Tenant, u.EmailConfirmed = home, confirmed
		u.Profile = user.Profile{FullName: "Earlier Name", Picture: "https://pics.example/earlier"}
	})
	if !password {
		w.edit(bobID, func(u *user.User) { u.PasswordHash = "" })
	}
	before := w.user(bobID)
	who := with(bobAt(), func(p *ports.Person) { p.EmailVerified, p.Tenant, p.Profile.Picture = verified, "org-default", "" })
	g, err := w.come(provider, who)
	if err != nil {
		t.Fatal(err)
	}
	links := verified && provider != "loose" && home == tenant.Default
	if linked := g.User.ID == bobID; linked != links {
		t.Fatalf("linked: %t, want %t", linked, links)
	}
	after := w.user(bobID)
	own := up.identitiesOf(bobID)
	_, alive := w.service.Refresh(t.Context(), old.Refresh, client)
	switch {
	case !links: // the account is as it was, and somebody new is there without the address
		want := []string{}
		if known {
			want = []string{provider + " another subject"}
		}
		if diff := cmp.Diff(before, after, cmp.AllowUnexported(user.Name{}, user.Email{})); diff != "" || !slices.Equal(own, want) {
			t.Errorf("the account changed: %s%v", diff, own)
		}
		if !g.User.Email.IsZero() || g.User.EmailConfirmed || g.User.Name.String() != "bobby" {
			t.Errorf("the newcomer is %+v", g.User)
		}
	case confirmed: // one more way in, and no other is touched
		want := []string{provider + " bob-1"}
		if known {
			want = []string{provider + " another subject", provider + " bob-1"}
		}
		if after.PasswordHash != before.PasswordHash || !after.EmailConfirmed || !slices.Equal(own, want) || alive != nil {
			t.Errorf("after linking %+v, %v, %v", after, own, alive)
		}
	default: // everything else has ended
		if after.PasswordHash != "" || !after.EmailConfirmed || !slices.Equal(own, []string{provider + " bob-1"}) || alive == nil {
			t.Errorf("after taking over %+v, %v, %v", after, own, alive)
		}
		if want := (user.Profile{FullName: "Dana D"}); after.Profile != want {
			t.Errorf("the profile is %+v", after.Profile)
		}
		w.dead("the earlier owner's session", old)
		if _, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "bob", Password: otherPassword}, client); outcome(err) != "unauthenticated bad_credentials" {
			t.Errorf("the earlier password: %v", err)
		}
	}
	w.consistent()
}

// TestService_takeover_retried: whatever fails while an account is taken over, the
// next sign-in leaves nothing of the earlier owner's.
func TestService_takeover_retried(t *testing.T) {
	var f flow
	for _, one := range flows {
		if one.name == "FinishProvider that takes an account over" {
			f = one
		}
	}
	for _, moment := range []string{"before", "after"} {
		for _, call := range numbered(f.calls) {
			if moment == "after" && strings.HasPrefix(call, "Sealer.") {
				continue // nothing is carried out
			}
			t.Run(moment+" "+call, func(t *testing.T) {
				w, run := f.world(t)
				old := w.sessionsOf(bobID)
				hook := w.before
				if moment == "after" {
					hook = w.after
				}
				hook[call] = func() error { return errDown }
				if _, err := run(t.Context()); fault.KindOf(err) != fault.Unavailable {
					t.Fatalf("%v", err)
				}
				w.reset()
				if _, err := w.come("loose", with(dana(), func(p *ports.Person) { p.Issuer, p.Subject = looseIss, "mallory" })); err == nil {
					for _, i := range up(w).identities {
						if i.Subject == "mallory" && i.UserID == bobID && w.user(bobID).EmailConfirmed {
							t.Error("the earlier owner is in an account that has changed hands")
						}
					}
				}
				w.mustCome("google", bobAt())
				if got := w.up().identitiesOf(bobID); !slices.Equal(got, []string{"google bob-1"}) {
					t.Errorf("identities %v", got)
				}
				if u := w.user(bobID); u.PasswordHash != "" || !u.EmailConfirmed {
					t.Errorf("the account is %+v", u)
				}
				for _, s := range old {
					if _, ok := w.sessions[s.ID]; ok {
						t.Error("a session of the earlier owner lives on")
					}
				}
			})
		}
	}
}

func up(w *world) *upstreams { return w.up() }

// TestService_locked: an account whose change of hands failed half way lets nobody
// in but the owner of the address.
func TestService_locked(t *testing.T) {
	half := func(t *testing.T) (*world, *access.Principal) {
		w, up := newUpWorld(t)
		w.squat(true)
		up.add(bobID, "loose", looseIss, "mallory")
		p := w.principal(w.login("bob", otherPassword))
		in := w.begin(nobody, "google", bobAt())
		w.reset()
		w.before["Identities.ByUser#1"] = func() error { return errDown }
		if _, err := w.finish(t.Context(), nobody, in); fault.KindOf(err) != fault.Unavailable {
			t.Fatal(err)
		}
		w.reset()
		return w, p
	}
	t.Run("password", func(t *testing.T) {
		w, _ := half(t)
		for _, password := range []string{otherPassword, "!", alicePassword} {
			if _, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "bob", Password: password}, client); outcome(err) != "unauthenticated bad_credentials" {
				t.Error(err)
			}
		}
		if !slices.Contains(w.cost, "verify empty") {
			t.Errorf("the hasher was asked %v", w.cost)
		}
	})
	t.Run("identity", func(t *testing.T) {
		w, _ := half(t)
		if _, err := w.come("loose", with(dana(), func(p *ports.Person) { p.Issuer, p.Subject = looseIss, "mallory" })); outcome(err) != "conflict changed_meanwhile" {
			t.Error(err)
		}
	})
	t.Run("link", func(t *testing.T) {
		w, p := half(t)
		if _, err := w.finish(t.Context(), p, w.begin(p, "google", dana())); outcome(err) != "conflict changed_meanwhile" {
			t.Error(err)
		}
	})
	t.Run("change of password", func(t *testing.T) {
		w, p := half(t)
		for _, password := range []string{"", "!", otherPassword} {
			if _, err := w.service.ChangePassword(t.Context(), p, password, alicePassword, client); err == nil {
				t.Errorf("the password was changed with %q", password)
			}
		}
	})
	t.Run("confirmed by mail", func(t *testing.T) { // it is not the mail that locked it: the next sign-in still drops what there was
		w, _ := half(t)
		w.edit(bobID, func(u *user.User) { u.EmailConfirmed = true })
		w.mustCome("google", bobAt())
		if got := w.up().identitiesOf(bobID); !slices.Equal(got, []string{"google bob-1"}) {
			t.Errorf("identities %v", got)
		}
	})
	t.Run("reset by mail", func(t *testing.T) {
		for _, confirmed := range []bool{false, true} {
			w, _ := half(t)
			w.edit(bobID, func(u *user.User) { u.EmailConfirmed = confirmed })
			if err := w.service.ForgotPassword(t.Context(), "bob@example.org", "", client); err != nil {
				t.Fatal(err)
			}
			if err := w.service.ResetPassword(t.Context(), w.link(), alicePassword, client); err != nil {
				t.Fatal(err)
			}
			if got := w.up().identitiesOf(bobID); len(got) > 0 {
				t.Errorf("identities %v", got)
			}
			w.login("bob", alicePassword)
		}
	})
}

// hijack is what somebody who lies in wait in an account may do while its owner
// comes.
type hijack struct {
	name     string
	password bool // the account has one
	begin    func(*world) func(context.Context) (*auth.Grant, error)
}

func hijacks() []hijack {
	mallory := func(p *ports.Person) { p.Issuer, p.Subject, p.Email, p.EmailVerified = looseIss, "mallory", "", false }
	session := func(w *world, password bool) *auth.Grant {
		if password {
			return w.login("bob", otherPassword)
		}
		return w.mustCome("loose", with(dana(), mallory))
	}
	both := func(name string, begin func(*world, *auth.Grant) func(context.Context) (*auth.Grant, error)) []hijack {
		var list []hijack
		for _, password := range []bool{true, false} {
			n := name
			if !password {
				n += " without a password"
			}
			list = append(list, hijack{n, password, func(w *world) func(context.Context) (*auth.Grant, error) {
				return begin(w, session(w, password))
			}})
		}
		return list
	}
	present := map[bool]string{true: otherPassword, false: ""}
	return slices.Concat(
		both("refresh", func(w *world, g *auth.Grant) func(context.Context) (*auth.Grant, error) {
			return func(ctx context.Context) (*auth.Grant, error) { return w.service.Refresh(ctx, g.Refresh, client) }
		}),
		both("change password", func(w *world, g *auth.Grant) func(context.Context) (*auth.Grant, error) {
			p, password := w.principal(g), present[g.Session.Method == "password"]
			return func(ctx context.Context) (*auth.Grant, error) {
				return w.service.ChangePassword(ctx, p, password, alicePassword, client)
			}
		}),
		both("link", func(w *world, g *auth.Grant) func(context.Context) (*auth.Grant, error) {
			p := w.principal(g)
			in := w.begin(p, "loose", with(dana(), func(p *ports.Person) { mallory(p); p.Subject = "mallory-2" }))
			return func(ctx context.Context) (*auth.Grant, error) { return w.finish(ctx, p, in) }
		}),
		both("make an API token", func(w *world, g *auth.Grant) func(context.Context) (*auth.Grant, error) {
			p := w.principal(g)
			return func(ctx context.Context) (*auth.Grant, error) {
				_, text, err := w.service.MakeAPIToken(ctx, p, auth.NewAPIToken{Name: "to come back"}, client)
				w.secret("an API token", text)
				return nil, err
			}
		}),
		both("sign in with the identity", func(w *world, _ *auth.Grant) func(context.Context) (*auth.Grant, error) {
			in := w.begin(nobody, "loose", with(dana(), mallory))
			return func(ctx context.Context) (*auth.Grant, error) { return w.finish(ctx, nobody, in) }
		}),
		[]hijack{{"log in", true, func(w *world) func(context.Context) (*auth.Grant, error) {
			return func(ctx context.Context) (*auth.Grant, error) {
				return w.service.Login(ctx, auth.PasswordLogin{Login: "bob", Password: otherPassword}, client)
			}
		}}},
	)
}

// TestService_takeover_races runs what somebody who lies in wait may do against the
// owner's coming, interrupting each other between any two of their port calls:
// however it goes, nothing of the former is left when the owner is in.
func TestService_takeover_races(t *testing.T) {
	owners := []struct {
		name  string
		begin func(*world) func(context.Context) (*auth.Grant, error)
	}{
		{"take over", func(w *world) func(context.Context) (*auth.Grant, error) {
			in := w.begin(nobody, "google", bobAt())
			return func(ctx context.Context) (*auth.Grant, error) { return w.finish(ctx, nobody, in) }
		}},
		{"reset password", func(w *world) func(context.Context) (*auth.Grant, error) {
			if err := w.service.ForgotPassword(w.t.Context(), "bob@example.org", "", client); err != nil {
				w.t.Fatal(err)
			}
			secret := w.link()
			return func(ctx context.Context) (*auth.Grant, error) {
				return nil, w.service.ResetPassword(ctx, secret, wrongPassword, client)
			}
		}},
	}
	for _, owner := range owners {
		for _, attack := range hijacks() {
			for _, tick := range []time.Duration{0, time.Millisecond} {
				t.Run(fmt.Sprintf("%s vs %s %v", attack.name, owner.name, tick), func(t *testing.T) {
					most := across
					if raceDetector || testing.Short() || tick > 0 {
						most = within
					}
					runs := 0
					for choices := []int{}; choices != nil; runs++ {
						w, up := newUpWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
						up.add(bobID, "loose", looseIss, "mallory")
						w.squat(attack.password)
						w.makeAPIToken(bobID)
						attacker, own := attack.begin(w), owner.begin(w)
						earlier := w.sessionsOf(bobID)
						w.tick = tick
						w.reset()
						s := &stage{choices: choices, most: most}
						var stolen, g *auth.Grant
						var attackErr, ownErr error
						s.run(w, [2]func(context.Context){
							func(ctx context.Context) { stolen, attackErr = attacker(ctx) },
							func(ctx context.Context) { g, ownErr = own(ctx) },
						})
						w.stage = nil
						w.grantSecrets(stolen)
						w.grantSecrets(g)
						w.judgeTakeover(earlier, stolen, g, ownErr)
						if t.Failed() {
							t.Fatalf("with the turns %v:\n%s\n%v and %v", s.taken, strings.Join(w.trace(), "\n"), attackErr, ownErr)
						}
						if s.steps > longRun+10 { // takes too long
							most = within
						}
						choices = s.following()
					}
					if runs < 3 {
						t.Errorf("%d runs only", runs)
					}
				})
			}
		}
	}
}

// judgeTakeover fails the test if somebody else than its owner has a way into bob's
// account.
func (w *world) judgeTakeover(earlier []session.Session, stolen, g *auth.Grant, ownErr error) {
	w.t.Helper()
	trace := w.trace()
	if ownErr != nil {
		if kind := fault.KindOf(ownErr); kind != fault.Conflict && kind != fault.Unauthenticated && fault.CodeOf(ownErr) != "token_unknown" {
			w.t.Errorf("the owner is refused by %v", ownErr)
		}
		w.reset()
		g = w.mustCome("google", bobAt()) // and comes again
	}
	if g != nil && g.User.ID != bobID {
		w.t.Errorf("the owner came to %s", g.User.ID)
	}
	for _, i := range w.up().identitiesOf(bobID) {
		if i != "google bob-1" {
			w.t.Errorf("the identity %s is left", i)
		}
	}
	u := w.user(bobID)
	if !u.EmailConfirmed || u.PasswordHash != "" && u.PasswordHash != fakeHash(wrongPassword) {
		w.t.Errorf("the account is %+v", u)
	}
	for _, s := range earlier {
		if _, there := w.sessions[s.ID]; there {
			w.t.Error("an earlier session is left")
		}
	}
	for _, t := range w.tokens {
		if t.UserID == bobID {
			w.t.Error("an API token is left")
		}
	}
	if stolen != nil && stolen.User.ID == bobID { // else they came as somebody new
		w.dead("what was made meanwhile", stolen)
	}
	for _, s := range w.sessionsOf(bobID) {
		if g == nil || s.ID != g.Session.ID {
			w.t.Errorf("a session of %s is left", s.Provider)
		}
	}
	for _, password := range []string{otherPassword, alicePassword} {
		if _, err := w.service.Login(context.Background(), auth.PasswordLogin{Login: "bob", Password: password}, client); err == nil {
			w.t.Error("an earlier password works")
		}
	}
	w.consistent()
	w.mu.Lock()
	w.calls = trace
	w.mu.Unlock()
}

// TestService_newcomer_races: of two sign-ins of one new person at once there is
// one user, with one identity, and whoever is let in is that user.
func TestService_newcomer_races(t *testing.T) {
	tests := []struct {
		name     string
		provider [2]string
		who      [2]ports.Person
		users    int
		same     bool
	}{
		{"one person", [2]string{"google", "google"}, [2]ports.Person{dana(), dana()}, 1, true},
		{"one person at a provider whose word does not count", [2]string{"loose", "loose"}, [2]ports.Person{dana(), dana()}, 1, true},
		{"without an address", [2]string{"google", "google"}, [2]ports.Person{
			with(dana(), func(p *ports.Person) { p.Email = "" }), with(dana(), func(p *ports.Person) { p.Email = "" }),
		}, 1, true},
		{"two accounts of one address", [2]string{"google", "google"}, [2]ports.Person{
			dana(), with(dana(), func(p *ports.Person) { p.Subject = "dana-2" }),
		}, 1, true},
		{"two people of one name", [2]string{"google", "google"}, [2]ports.Person{
			dana(), with(dana(), func(p *ports.Person) { p.Subject, p.Email = "dana-2", "dana2@example.net" }),
		}, 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			most := across
			if raceDetector || testing.Short() {
				most = within
			}
			for choices := []int{}; choices != nil; {
				w, up := newUpWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
				var in [2]auth.Callback
				for i := range in {
					in[i] = w.begin(nobody, tt.provider[i], tt.who[i])
				}
				w.reset()
				s := &stage{choices: choices, most: most}
				var got [2]*auth.Grant
				var errs [2]error
				s.run(w, [2]func(context.Context){
					func(ctx context.Context) { got[0], errs[0] = w.finish(ctx, nobody, in[0]) },
					func(ctx context.Context) { got[1], errs[1] = w.finish(ctx, nobody, in[1]) },
				})
				trace := w.trace()
				for i, err := range errs {
					if err != nil && outcome(err) != "conflict changed_meanwhile" {
						t.Errorf("the %d. sign-in: %v", i+1, err)
					}
					if err == nil {
						if _, ok := w.users[got[i].User.ID]; !ok {
							t.Error("somebody was let in who is not there")
						}
					}
				}
				if errs[0] != nil && errs[1] != nil {
					t.Errorf("nobody was let in: %v, %v", errs[0], errs[1])
				}
				if errs[0] == nil && errs[1] == nil && (got[0].User.ID == got[1].User.ID) != tt.same {
					t.Errorf("let in as %s and %s", got[0].User.ID, got[1].User.ID)
				}
				for i := range in { // whoever was not let in comes again
					if errs[i] != nil {
						w.mustCome(tt.provider[i], tt.who[i])
					}
				}
				if n := len(w.users) - 3; n != tt.users {
					t.Errorf("%d users", n)
				}
				for _, i := range up.identities {
					if _, ok := w.users[i.UserID]; !ok {
						t.Error("an identity of nobody is left")
					}
				}
				w.consistent()
				if t.Failed() {
					t.Fatalf("with the turns %v:\n%s", s.taken, strings.Join(trace, "\n"))
				}
				choices = s.following()
			}
		})
	}
}

// TestService_nothingLeft: when any call fails while a newcomer is let in, no user
// is left without a line in the audit log, no identity without a user, and no
// session; the same for an identity that is linked.
func TestService_nothingLeft(t *testing.T) {
	for _, name := range []string{"FinishProvider of a newcomer", "FinishProvider that links"} {
		f := flows[slices.IndexFunc(flows, func(f flow) bool { return f.name == name })]
		for _, moment := range []string{"before", "after"} {
			for _, call := range numbered(f.calls) {
				t.Run(name+"/"+moment+" "+call, func(t *testing.T) {
					w, run := f.world(t)
					users, sessions := len(w.users), len(w.sessions)
					hook := w.before
					if moment == "after" {
						hook = w.after
					}
					hook[call] = func() error { return errDown }
					_, err := run(t.Context())
					if err == nil {
						return
					}
					made := slices.ContainsFunc(w.log(), func(line string) bool { return line == "register ok new→new" })
					if len(w.users) > users && !made {
						t.Error("a user is left")
					}
					if n := len(w.up().identities); n > 0 && !made {
						t.Errorf("%d identities are left", n)
					}
					if len(w.sessions) > sessions && !(moment == "after" && call == "Sessions.Create#1") {
						t.Error("a session is left")
					}
				})
			}
		}
	}
}

func TestService_names(t *testing.T) {
	tests := []struct {
		name string
		who  func(*ports.Person)
		want string // a prefix when it ends in "…"
	}{
		{"the suggestion", func(*ports.Person) {}, "dana"},
		{"taken", func(p *ports.Person) { p.Username = "alice" }, "alice2"},
		{"taken in another case", func(p *ports.Person) { p.Username = "ALICE" }, "ALICE2"},
		{"an address", func(p *ports.Person) { p.Username = "dana.d@work.example" }, "dana.d"},
		{"none", func(p *ports.Person) { p.Username, p.Email = "", "d.e@example.net" }, "d.e"},
		{"a full name", func(p *ports.Person) { p.Username, p.Email, p.Profile.FullName = "", "", "Dana  van D" }, "Dana.van.D"},
		{"nothing", func(p *ports.Person) { p.Username, p.Email, p.Profile.FullName = "", "", "" }, "user…"},
		{"nothing that is a name", func(p *ports.Person) { p.Username, p.Email, p.Profile.FullName = "\x00", "", "🙂🙂🙂" }, "user…"},
		{"too long", func(p *ports.Person) { p.Username = strings.Repeat("d", 100) }, strings.Repeat("d", 26)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := newUpWorld(t)
			g := w.mustCome("google", with(dana(), tt.who))
			got := g.User.Name.String()
			if want, prefix := strings.CutSuffix(tt.want, "…"); got != tt.want && !(prefix && strings.HasPrefix(got, want) && len(got) > len(want)) {
				t.Errorf("called %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("many of one name", func(t *testing.T) {
		w, _ := newUpWorld(t)
		var got []string
		for i := range 5 {
			g := w.mustCome("google", with(dana(), func(p *ports.Person) {
				p.Subject, p.Email = fmt.Sprintf("dana-%d", i), fmt.Sprintf("dana%d@example.net", i)
			}))
			got = append(got, g.User.Name.String())
		}
		if !slices.Equal(got[:3], []string{"dana", "dana2", "dana3"}) || len(got[3]) != 10 || len(got[4]) != 10 || got[3] == got[4] {
			t.Errorf("called %q", got)
		}
	})
	t.Run("an address that is taken meanwhile keeps the name", func(t *testing.T) {
		w, _ := newUpWorld(t)
		in := w.begin(nobody, "loose", dana())
		w.reset()
		w.before["Users.Create#1"] = func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.addUser("0190aaaa-0000-7000-8000-00000000000d", "someone", "dana@example.net", otherPassword)
			return nil
		}
		g, err := w.finish(t.Context(), nobody, in)
		if err != nil || g.User.Name.String() != "dana" || !g.User.Email.IsZero() {
			t.Errorf("%v, %+v", err, g)
		}
	})
	t.Run("no name is free", func(t *testing.T) {
		w, _ := newUpWorld(t, func(c *auth.Config) { c.Users = alwaysTaken{c.Users} })
		if _, err := w.come("google", dana()); outcome(err) != "conflict changed_meanwhile" || len(w.users) != 3 {
			t.Error(err)
		}
	})
}

type alwaysTaken struct{ ports.Users }

func (alwaysTaken) Create(context.Context, user.User) error { return ports.ErrUsernameTaken }

func TestService_providerTenants(t *testing.T) {
	tests := []struct {
		name, provider, claim string
		want                  string // the tenant, or the outcome
	}{
		{"the default", "google", "", tenant.Default},
		{"a claim that nobody asked for", "google", "org-acme", tenant.Default},
		{"mapped", "partner", "org-acme", acme},
		{"mapped to the default", "partner", "org-default", tenant.Default},
		{"unknown", "partner", "org-evil", "forbidden tenant"},
		{"missing", "partner", "", "forbidden tenant"},
		{"case", "partner", "ORG-ACME", "forbidden tenant"},
		{"the tenant's own name", "partner", acme, "forbidden tenant"},
		{"fixed", "fixed", "org-evil", acme},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t, func(c *auth.Config) {
				fixed := c.Providers[0]
				fixed.Name, fixed.Tenant = "fixed", acme
				up := c.Identities.(*upstreams)
				fixed.Provider = up.mockProvider("fixed")
				c.Providers = append(c.Providers, fixed)
			})
			g, err := w.come(tt.provider, with(dana(), func(p *ports.Person) { p.Tenant = tt.claim }))
			if err != nil {
				if outcome(err) != tt.want || len(w.users) > 3 || len(up.identities) > 0 {
					t.Errorf("%v, want %s", err, tt.want)
				}
				return
			}
			if g.User.Tenant != tt.want || g.Session.Tenant != tt.want || w.principal(g).Tenant != tt.want {
				t.Errorf("in tenant %s, want %s", g.User.Tenant, tt.want)
			}
		})
	}
	t.Run("one subject in two tenants", func(t *testing.T) {
		w, _ := newUpWorld(t)
		in := func(tenant string) ports.Person {
			return with(dana(), func(p *ports.Person) { p.Issuer, p.Tenant = partnerIss, tenant })
		}
		g := w.mustCome("partner", in("org-acme"))
		for _, tenant := range []string{"org-default", "org-evil", ""} {
			if _, err := w.come("partner", in(tenant)); outcome(err) != "forbidden tenant" {
				t.Errorf("the subject of %s as of %q: %v", acme, tenant, err)
			}
		}
		if again := w.mustCome("partner", in("org-acme")); again.User.ID != g.User.ID {
			t.Error("somebody else came back")
		}
		if _, err := w.come("google", in("")); outcome(err) != "forbidden tenant" { // another configuration of the same issuer
			t.Errorf("by another provider: %v", err)
		}
	})
	t.Run("a race between two tenants", func(t *testing.T) {
		w, up := newUpWorld(t)
		in := w.begin(nobody, "partner", with(dana(), func(p *ports.Person) { p.Tenant = "org-acme" }))
		w.reset()
		w.before["Identities.Create#1"] = func() error {
			up.add(aliceID, "google", googleIss, "dana-1") // of the default one
			return nil
		}
		if _, err := w.finish(t.Context(), nobody, in); outcome(err) != "forbidden tenant" {
			t.Errorf("%v", err)
		}
		if len(w.users) != 3 {
			t.Error("a user is left")
		}
	})
}

// TestService_person: who somebody is at a provider has to be said well.
func TestService_person(t *testing.T) {
	tests := []struct {
		name string
		who  func(*ports.Person)
		want string
	}{
		{"no subject", func(p *ports.Person) { p.Subject = "" }, "unauthenticated subject"},
		{"long subject", func(p *ports.Person) { p.Subject = strings.Repeat("s", 513) }, "unauthenticated subject"},
		{"control in the subject", func(p *ports.Person) { p.Subject = "dana\n1" }, "unauthenticated subject"},
		{"no issuer", func(p *ports.Person) { p.Issuer = "" }, "unauthenticated issuer"},
	}
	for _, tt := range tests {
		for _, link := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s link=%t", tt.name, link), func(t *testing.T) {
				w, up := newUpWorld(t)
				p := nobody
				if link {
					p, _ = w.signedIn()
				}
				in := w.begin(p, "google", with(dana(), tt.who))
				if _, err := w.finish(t.Context(), p, in); outcome(err) != tt.want || len(up.identities) > 0 || len(w.users) > 3 {
					t.Errorf("%v, want %s", err, tt.want)
				}
			})
		}
	}
	t.Run("one subject of two issuers", func(t *testing.T) {
		w, _ := newUpWorld(t)
		a := w.mustCome("google", dana())
		b := w.mustCome("loose", with(dana(), func(p *ports.Person) { p.Issuer, p.Email = looseIss, "" }))
		if a.User.ID == b.User.ID {
			t.Error("they are one")
		}
	})
	t.Run("a subject in another case", func(t *testing.T) {
		w, _ := newUpWorld(t)
		a := w.mustCome("google", dana())
		b := w.mustCome("google", with(dana(), func(p *ports.Person) { p.Subject, p.Email = "DANA-1", "" }))
		if a.User.ID == b.User.ID {
			t.Error("they are one")
		}
	})
}

func TestService_welcomeBack(t *testing.T) {
	const other = "new@example.net"
	tests := []struct {
		name      string
		provider  string
		password  bool
		confirmed bool
		who       func(*ports.Person)
		email     string
		proven    bool
	}{
		{"as before", "google", false, true, func(*ports.Person) {}, "Dana@example.net", true},
		{"another address", "google", false, true, func(p *ports.Person) { p.Email = other }, other, true},
		{"another spelling", "google", false, true, func(p *ports.Person) { p.Email = "dana@example.net" }, "dana@example.net", true},
		{"verified at last", "google", false, false, func(*ports.Person) {}, "Dana@example.net", true},
		{"an address that is not verified", "google", false, true, func(p *ports.Person) { p.Email, p.EmailVerified = other, false }, "Dana@example.net", true},
		{"no address", "google", false, true, func(p *ports.Person) { p.Email = "" }, "Dana@example.net", true},
		{"an address that is none", "google", false, true, func(p *ports.Person) { p.Email = "none" }, "Dana@example.net", true},
		{"somebody's address", "google", false, true, func(p *ports.Person) { p.Email = "alice@example.org" }, "Dana@example.net", true},
		{"another address beside a password", "google", true, true, func(p *ports.Person) { p.Email = other }, "Dana@example.net", true},
		{"verified beside a password", "google", true, false, func(*ports.Person) {}, "Dana@example.net", false},
		{"loose, another address", "loose", false, true, func(p *ports.Person) { p.Email = other }, "Dana@example.net", true},
		{"loose, another address for one that is not proven", "loose", false, false, func(p *ports.Person) { p.Email = other }, other, false},
		{"loose, the same address", "loose", false, false, func(*ports.Person) {}, "Dana@example.net", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, up := newUpWorld(t)
			g := w.mustCome(tt.provider, dana())
			w.edit(g.User.ID, func(u *user.User) {
				u.EmailConfirmed = tt.confirmed
				if tt.password {
					u.PasswordHash = fakeHash(alicePassword)
				}
			})
			hash := w.user(g.User.ID).PasswordHash
			w.pass(time.Minute)
			who := with(dana(), tt.who)
			who.Profile = user.Profile{FullName: "Dana the Second"}
			again := w.mustCome(tt.provider, who)
			u := w.user(g.User.ID)
			if again.User.ID != g.User.ID || u.Email.String() != tt.email || u.EmailConfirmed != tt.proven || u.PasswordHash != hash {
				t.Errorf("the user is %+v", u)
			}
			if want := (user.Profile{FullName: "Dana the Second", Picture: dana().Profile.Picture}); u.Profile != want {
				t.Errorf("profile %+v", u.Profile)
			}
			for _, i := range up.identities {
				if !i.UsedAt.Equal(epoch.Add(time.Minute)) || i.Email != cmpEmail(who.Email) {
					t.Errorf("the identity is %+v", i)
				}
			}
		})
	}
	t.Run("nothing new writes no user", func(t *testing.T) {
		w, _ := newUpWorld(t)
		g := w.mustCome("google", dana())
		before := w.user(g.User.ID).UpdatedAt
		w.pass(time.Minute)
		w.mustCome("google", dana())
		if !w.user(g.User.ID).UpdatedAt.Equal(before) {
			t.Error("it was written")
		}
	})
	t.Run("unlinked meanwhile", func(t *testing.T) {
		w, up := newUpWorld(t)
		g := w.mustCome("google", dana())
		in := w.begin(nobody, "google", dana())
		for _, call := range []string{"Sealer.Seal#1", "Sessions.Create#1", "Signer.Sign#1"} {
			w.reset()
			sessions := len(w.sessions)
			w.before[call] = func() error {
				w.mu.Lock()
				defer w.mu.Unlock()
				clear(up.identities)
				return nil
			}
			if _, err := w.finish(t.Context(), nobody, in); outcome(err) != "conflict changed_meanwhile" {
				t.Errorf("before %s: %v", call, err)
			}
			if len(w.sessions) != sessions {
				t.Error("a session is left")
			}
			up.add(g.User.ID, "google", googleIss, "dana-1")
			in = w.begin(nobody, "google", dana())
		}
	})
}

// cmpEmail is what is kept with an identity of an address.
func cmpEmail(said string) string {
	if said == "" {
		return "Dana@Example.net" // as before
	}
	return said
}

func TestService_identityEmail(t *testing.T) {
	for said, want := range map[string]string{
		"a@b.example":                   "a@b.example",
		"Ä@b.example":                   "Ä@b.example",
		"a\x00\r\n\u202e\xff@b.example": "a@b.example",
		strings.Repeat("a", 300):        strings.Repeat("a", 254),
		"x" + strings.Repeat("ä", 300):  "x" + strings.Repeat("ä", 126),
	} {
		w, up := newUpWorld(t)
		w.mustCome("google", with(dana(), func(p *ports.Person) { p.Email, p.EmailVerified = said, false }))
		for _, i := range up.identities {
			if i.Email != want {
				t.Errorf("%q is kept as %q", said, i.Email)
			}
		}
	}
}

func TestService_banned_provider(t *testing.T) {
	ban := func(w *world, id string) { w.edit(id, func(u *user.User) { u.Ban = &user.Ban{From: epoch} }) }
	t.Run("known", func(t *testing.T) {
		w, _ := newUpWorld(t)
		g := w.mustCome("google", dana())
		ban(w, g.User.ID)
		w.sessions = map[string]session.Session{}
		if _, err := w.come("google", with(dana(), func(p *ports.Person) { p.Profile.FullName = "Another" })); outcome(err) != "forbidden banned" {
			t.Error(err)
		}
		if len(w.sessions) > 0 || w.user(g.User.ID).Profile.FullName == "Another" {
			t.Error("something was done")
		}
	})
	t.Run("by address", func(t *testing.T) {
		for _, confirmed := range []bool{true, false} {
			w, up := newUpWorld(t)
			ban(w, bobID)
			w.edit(bobID, func(u *user.User) { u.EmailConfirmed = confirmed })
			if _, err := w.come("google", bobAt()); outcome(err) != "forbidden banned" || len(up.identities) > 0 || w.user(bobID).PasswordHash == "" {
				t.Error(err)
			}
		}
	})
	t.Run("with a code", func(t *testing.T) {
		w, up := newUpWorld(t)
		ban(w, w.mustCome("google", dana()).User.ID)
		in := auth.ProviderCode{Provider: "google", Code: up.code("google", dana()), RedirectURI: frontEnd}
		if _, err := w.service.SignInWithCode(t.Context(), in, client); outcome(err) != "forbidden banned" {
			t.Error(err)
		}
	})
	t.Run("meanwhile", func(t *testing.T) {
		w, _ := newUpWorld(t)
		g := w.mustCome("google", dana())
		in := w.begin(nobody, "google", dana())
		w.reset()
		w.before["Sessions.Create#1"] = func() error {
			ban(w, g.User.ID)
			return nil
		}
		n := len(w.sessions)
		if _, err := w.finish(t.Context(), nobody, in); outcome(err) != "forbidden banned" || len(w.sessions) != n {
			t.Error(err)
		}
	})
}
