package auth_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

// stage lets two use cases run against each other one port call at a time, in an
// order that the test decides.
type stage struct {
	choices  []int // who goes on where both could; then whoever went last
	options  []int // how many there were at each choice
	taken    []int
	switches int
	most     int
	steps    int
	waiting  [2]map[string]chan struct{}
}

type actorKey struct{}

// yield waits for the stage before a port call, and after it.
func (w *world) yield(ctx context.Context, call string) {
	actor, on := ctx.Value(actorKey{}).(int)
	if w.stage == nil || !on {
		return
	}
	turn := make(chan struct{})
	w.mu.Lock()
	w.stage.waiting[actor][call] = turn // calls of one actor at the same time are different ones
	w.mu.Unlock()
	<-turn
}

// How often the use cases interrupt each other at most: once lets the second one run
// within the first, between any two of its steps; twice, each begins before the
// other ends; three times takes long, so only short ones do it.
const (
	within, across, often = 1, 2, 3
	shortRun, longRun     = 12, 30 // steps
)

// run runs two use cases under the choices, and notes where there were others.
func (s *stage) run(w *world, actors [2]func(context.Context)) {
	synctest.Test(w.t.(*testing.T), func(t *testing.T) {
		w.stage = s
		done := [2]bool{}
		for i, act := range actors {
			s.waiting[i] = map[string]chan struct{}{}
			go func() {
				ctx := context.WithValue(context.Background(), actorKey{}, i)
				w.yield(ctx, "begin")
				act(ctx)
				w.mu.Lock()
				done[i] = true
				w.mu.Unlock()
			}()
		}
		last := -1
		for ; ; s.steps++ {
			synctest.Wait()
			w.mu.Lock()
			over := done[0] && done[1]
			var can []int
			for i := range s.waiting {
				if len(s.waiting[i]) > 0 {
					can = append(can, i)
				}
			}
			w.mu.Unlock()
			if over {
				break
			}
			if len(can) == 0 || s.steps > 200 {
				t.Errorf("the use cases do not go on: %v", can)
				return
			}
			next := can[0]
			if len(can) == 2 {
				next = s.choose(last)
			}
			if last >= 0 && next != last && len(can) == 2 {
				s.switches++
			}
			last = next
			w.mu.Lock()
			call := slices.Min(slices.Collect(maps.Keys(s.waiting[next])))
			turn := s.waiting[next][call]
			delete(s.waiting[next], call)
			w.mu.Unlock()
			close(turn)
		}
		w.stage = nil
	})
}

// choose says who goes on where both can.
func (s *stage) choose(last int) int {
	options := 2
	if s.switches >= s.most {
		options = 1 // nobody interrupts any more
	}
	choice := 0
	if n := len(s.taken); n < len(s.choices) {
		choice = s.choices[n]
	}
	s.taken = append(s.taken, choice)
	s.options = append(s.options, options)
	if last < 0 {
		return choice
	}
	return (last + choice) % 2
}

// following returns the choices of the next run, or nil after the last one.
func (s *stage) following() []int {
	for i := len(s.taken) - 1; i >= 0; i-- {
		if s.taken[i]+1 < s.options[i] {
			return append(slices.Clone(s.taken[:i]), s.taken[i]+1)
		}
	}
	return nil
}

// racers is what takes part in the races: alice's first session, which is not
// remembered, a second one, and a link to reset her password.
type racers struct {
	*world
	p, second      *access.Principal
	g, secondGrant *auth.Grant
	used           string // a refresh token of the first session that was replaced
	link           string
}

// racer is a use case in a race.
type racer struct {
	name string
	run  func(context.Context, *racers) (*auth.Grant, error)
}

// makers make or use credentials of alice; enders end some.
var (
	login = racer{"login", func(ctx context.Context, r *racers) (*auth.Grant, error) {
		return r.service.Login(ctx, auth.PasswordLogin{Login: "alice", Password: alicePassword}, client)
	}}
	read = racer{"read", func(ctx context.Context, r *racers) (*auth.Grant, error) {
		return nil, second(r.service.Authenticate(ctx, auth.Credentials{Session: r.g.Cookie}))
	}}
	renew = racer{"renew", func(ctx context.Context, r *racers) (*auth.Grant, error) {
		cookie, err := r.service.Renew(ctx, r.g.Cookie)
		return &auth.Grant{Cookie: cookie}, err
	}}
	refresh = racer{"refresh", func(ctx context.Context, r *racers) (*auth.Grant, error) {
		return r.service.Refresh(ctx, r.g.Refresh, client)
	}}
	change = racer{"change password", func(ctx context.Context, r *racers) (*auth.Grant, error) {
		return r.service.ChangePassword(ctx, r.p, alicePassword, otherPassword, client)
	}}
	makers = []racer{login, read, renew, refresh, change}

	enders = []struct {
		racer
		spares string // what may live on: "login", "second", or nothing
	}{
		{racer{"ban", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, second(r.service.Ban(ctx, r.root(), aliceID, "", time.Time{}, client))
		}}, ""},
		{racer{"reset password", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, r.service.ResetPassword(ctx, r.link, otherPassword, client)
		}}, ""},
		{racer{"delete account", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, r.service.DeleteAccount(ctx, r.second, alicePassword, client)
		}}, ""},
		{racer{"kick", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, r.service.Kick(ctx, r.root(), aliceID, client)
		}}, "login"},
		{racer{"blackout", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, second(r.service.Blackout(ctx, r.root(), time.Time{}, client))
		}}, "login"},
		{racer{"change password elsewhere", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			g, err := r.service.ChangePassword(ctx, r.second, alicePassword, otherPassword, client)
			return g, err
		}}, "second"},
		{racer{"logout", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, r.service.Logout(ctx, r.p, client)
		}}, "login second"},
		{racer{"end the session", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, r.service.EndSession(ctx, r.second, r.p.Session, client)
		}}, "login second"},
		{racer{"end other sessions", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, second(r.service.EndOtherSessions(ctx, r.second, client))
		}}, "login second"},
		{racer{"use a used refresh token", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			if _, err := r.service.Refresh(ctx, r.used, client); fault.KindOf(err) != fault.Unauthenticated {
				return nil, fmt.Errorf("a used refresh token: %w", err)
			}
			return nil, nil
		}}, "login second change"}, // whose new tokens are of another family
		{racer{"permit", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, second(r.service.Permit(ctx, r.root(), aliceID, []string{"news:read"}, client))
		}}, "all"},
		{racer{"rotate keys", func(ctx context.Context, r *racers) (*auth.Grant, error) {
			return nil, second(r.service.RotateKeys(ctx, r.root(), auth.Rotation{}, client))
		}}, "all"},
	}
)

func newRacers(t *testing.T, tick time.Duration, outdated bool) *racers {
	w := newWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" }) // the fastest
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{access.Admin} })
	r := &racers{world: w}
	r.g = w.login("alice", alicePassword)
	r.p = w.principal(r.g)
	r.secondGrant = w.login("alice", alicePassword)
	r.second = w.principal(r.secondGrant)
	r.used = r.g.Refresh
	next, err := w.service.Refresh(t.Context(), r.used, client)
	if err != nil {
		t.Fatal(err)
	}
	w.grantSecrets(next)
	r.g.Refresh, r.g.Access = next.Refresh, next.Access
	r.link = w.resetLink()
	if outdated {
		w.edit(aliceID, func(u *user.User) { u.PasswordHash = oldHash(alicePassword) })
	}
	w.rotateAll()
	if err := w.service.Load(t.Context()); err != nil { // nothing is remembered
		t.Fatal(err)
	}
	w.tick = tick
	w.reset()
	return r
}

// TestService_races runs every use case that makes credentials against every one
// that ends some, with all ways to interleave their port calls in a few turns.
func TestService_races(t *testing.T) {
	for _, maker := range makers {
		for _, ender := range enders {
			for _, clock := range []struct {
				name string
				tick time.Duration
			}{{"in one millisecond", 0}, {"in many", time.Millisecond}} {
				if clock.tick > 0 && maker.name == change.name {
					continue // long, and the harder case is the other one
				}
				t.Run(maker.name+" vs "+ender.name+" "+clock.name, func(t *testing.T) {
					runs, most := 0, often
					if clock.tick > 0 {
						most = across
					}
					if raceDetector || testing.Short() {
						most = within
					}
					for choices := []int{}; choices != nil; runs++ {
						r := newRacers(t, clock.tick, runs%2 == 1)
						s := &stage{choices: choices, most: most}
						var made, other *auth.Grant
						var makeErr, endErr error
						s.run(r.world, [2]func(context.Context){
							func(ctx context.Context) { made, makeErr = maker.run(ctx, r) },
							func(ctx context.Context) { other, endErr = ender.run(ctx, r) },
						})
						r.judge(maker, ender.spares, made, other, makeErr, endErr)
						if t.Failed() {
							t.Fatalf("with the turns %v:\n%s\n%v and %v", s.taken, strings.Join(r.trace(), "\n"), makeErr, endErr)
						}
						if s.steps > shortRun {
							most = min(most, across)
						}
						if s.steps > longRun {
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

// judge holds what two use cases left against what has to be so.
func (r *racers) judge(maker racer, spares string, made, other *auth.Grant, makeErr, endErr error) {
	r.t.Helper()
	r.grantSecrets(made)
	r.grantSecrets(other)
	for _, err := range []error{makeErr, endErr} {
		r.clean(err)
		if err != nil && fault.KindOf(err) != fault.Unauthenticated && fault.KindOf(err) != fault.Forbidden {
			r.t.Errorf("a race ends in %v", err)
		}
	}
	if makeErr != nil && made != nil && made.Access+made.Refresh+made.Cookie != "" {
		r.t.Errorf("a use case that failed gave %+v", made)
	}
	calls := r.trace()
	r.consistent()
	if endErr == nil && spares != "all" {
		r.dead("the first session", r.g) // with the credentials that it had
		if made != nil && !slices.Contains(strings.Fields(spares), strings.Fields(maker.name)[0]) {
			r.dead("what was made", made)
		}
		if !strings.Contains(spares, "second") {
			r.dead("the second session", r.secondGrant)
		}
	}
	for _, e := range r.events {
		if e.Action != "blackout" {
			continue
		}
		moment, err := time.Parse(time.RFC3339Nano, e.Detail["before"])
		if err != nil {
			r.t.Fatal(err)
		}
		for _, s := range r.sessionsOf(aliceID) {
			if !s.SignedInAt.After(moment) {
				r.t.Errorf("a session of %v is there after the blackout of %v", s.SignedInAt, moment)
			}
		}
	}
	r.mu.Lock()
	r.calls = calls
	r.mu.Unlock()
}

// dead fails the test when a credential of a grant is taken for good.
func (w *world) dead(what string, g *auth.Grant) {
	w.t.Helper()
	ctx := context.Background()
	for name, c := range map[string]auth.Credentials{
		"cookie": {Session: g.Cookie}, "access token": {Bearer: g.Access, HasBearer: g.Access != ""},
	} {
		if id, err := w.service.Authenticate(ctx, c); err == nil && id.SignedIn() {
			w.t.Errorf("the %s of %s lives on", name, what)
		}
	}
	if g.Refresh == "" {
		return
	}
	if _, err := w.service.Refresh(ctx, g.Refresh, client); err == nil {
		w.t.Errorf("the refresh token of %s lives on", what)
	}
}
