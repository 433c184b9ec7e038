package auth_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/user"
)

// TestService_remembered: while sessions come and go in thousands, each one that is
// there costs no look-up, and each one that has ended is refused.
func TestService_remembered(t *testing.T) {
	w := newWorld(t)
	w.service = w.serve(func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
	ctx := t.Context()
	people := 40
	for i := range people {
		w.addUser(fmt.Sprintf("0190cccc-0000-7000-8000-%012x", i), fmt.Sprintf("person%d", i), fmt.Sprintf("p%d@example.org", i), otherPassword)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same in each run
	there := map[string]*auth.Grant{}     // by session
	var ended []*auth.Grant
	for round := range 6 {
		for range 400 {
			name := fmt.Sprintf("person%d", random.IntN(people))
			g, err := w.service.Login(ctx, auth.PasswordLogin{Login: name, Password: otherPassword}, auth.Client{})
			if err != nil {
				t.Fatal(err)
			}
			there[g.Session.ID] = g
			w.principal(g)
		}
		for id, g := range there {
			if random.IntN(3) > 0 {
				continue
			}
			if err := w.service.Logout(ctx, &access.Principal{Session: id}, auth.Client{}); err != nil {
				t.Fatal(err)
			}
			delete(there, id)
			ended = append(ended, g)
		}
		kicked := fmt.Sprintf("0190cccc-0000-7000-8000-%012x", round)
		if err := w.service.Kick(ctx, w.root(), kicked, auth.Client{}); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(there, func(_ string, g *auth.Grant) bool {
			if g.User.ID == kicked {
				ended = append(ended, g)
			}
			return g.User.ID == kicked
		})
		w.reset()
		for id, g := range there {
			if p := w.principal(g); p.Session != id || p.Subject != g.User.ID || p.Name != g.User.Name.String() {
				t.Fatalf("the cookie of %s is taken for %+v", id, p)
			}
		}
		if n := w.counts["Sessions.ByHash"]; n > 0 {
			t.Errorf("round %d: %d of %d sessions were read from the store", round, n, len(there))
		}
	}
	for _, g := range ended[:500] {
		if _, err := w.service.Authenticate(ctx, auth.Credentials{Session: g.Cookie}); outcome(err) != "unauthenticated session_unknown" {
			t.Fatalf("a session that ended: %v", err)
		}
	}
}

// TestService_remembered_idle: sessions of many idle lives each keep to their own.
func TestService_remembered_idle(t *testing.T) {
	w := newWorld(t)
	w.service = w.serve(func(c *auth.Config) {
		c.Settings.Algorithm = "HS256"
		c.Settings.AddressLimit = user.Limit{}
	})
	var grants []*auth.Grant
	lives := 100 // more than the cache tells apart
	for i := range lives {
		g := w.login("alice", alicePassword)
		s := w.sessions[g.Session.ID]
		s.Idle = time.Duration(i+1) * 500 * time.Millisecond
		w.sessions[s.ID] = s
		grants = append(grants, g)
		w.principal(g)
	}
	for i := range lives {
		for _, step := range []struct {
			d    time.Duration
			want string
		}{{499 * time.Millisecond, "ok"}, {time.Millisecond, "unauthenticated session_unknown"}} {
			w.pass(step.d)
			_, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: grants[i].Cookie})
			if outcome(err) != step.want {
				t.Fatalf("life %d: %v, want %s", i, err, step.want)
			}
		}
	}
}

// TestService_remembered_small: in a cache that is too small, too, what has ended
// is forgotten wherever it stands, and what comes and goes pushes nothing out.
func TestService_remembered_small(t *testing.T) {
	small := func(room int) func(*auth.Config) {
		return func(c *auth.Config) {
			c.Settings.Algorithm = "HS256"
			c.Settings.AddressLimit = user.Limit{}
			c.Settings.SessionCache = room
		}
	}
	enders := map[string]func(*world, []*auth.Grant) error{
		"logout": func(w *world, grants []*auth.Grant) error {
			for _, g := range grants {
				if err := w.service.Logout(w.t.Context(), &access.Principal{Session: g.Session.ID}, client); err != nil {
					return err
				}
			}
			return nil
		},
		"kick": func(w *world, _ []*auth.Grant) error { return w.service.Kick(w.t.Context(), w.root(), aliceID, client) },
		"blackout": func(w *world, _ []*auth.Grant) error {
			return second(w.service.Blackout(w.t.Context(), w.root(), time.Time{}, client))
		},
		"another process": func(w *world, _ []*auth.Grant) error {
			clear(w.sessions)
			return w.service.Load(w.t.Context())
		},
	}
	for name, end := range enders {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, small(1))
			var grants []*auth.Grant
			for range 200 {
				g := w.login("alice", alicePassword)
				w.principal(g)
				grants = append(grants, g)
			}
			if err := end(w, grants); err != nil {
				t.Fatal(err)
			}
			for i, g := range grants {
				if _, err := w.service.Authenticate(t.Context(), auth.Credentials{Session: g.Cookie}); outcome(err) != "unauthenticated session_unknown" {
					t.Fatalf("session %d: %v", i, err)
				}
			}
		})
	}
	t.Run("comings and goings", func(t *testing.T) {
		w := newWorld(t, small(64*2*6))
		_, first := w.signedIn()
		for range 2000 {
			p, g := w.signedIn()
			if err := w.service.Logout(t.Context(), p, client); err != nil {
				t.Fatal(err)
			}
			w.grantSecrets(g)
			clear(w.secrets)
		}
		w.reset()
		w.principal(first)
		if len(w.calls) > 0 {
			t.Errorf("a session was pushed out by some that had ended: %v", w.calls)
		}
	})
}

// TestService_remembered_due: that an id is due to be replaced is neither missed
// nor told to who shows the former one.
func TestService_remembered_due(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, g := w.signedIn()
	due := func(cookie string) bool {
		id, err := w.service.Authenticate(ctx, auth.Credentials{Session: cookie})
		if err != nil {
			t.Fatal(err)
		}
		return id.RotateDue
	}
	w.before["SessionSets.MarkRotate#1"] = func() error {
		due(g.Cookie) // remembered as it is now
		return nil
	}
	if _, err := w.service.Permit(ctx, w.root(), aliceID, []string{"x"}, client); err != nil {
		t.Fatal(err)
	}
	if !due(g.Cookie) {
		t.Error("missed")
	}
	if _, err := w.service.Renew(ctx, g.Cookie); err != nil {
		t.Fatal(err)
	}
	w.rotateAll()
	if due(g.Cookie) {
		t.Error("told to who shows the former id")
	}
}
