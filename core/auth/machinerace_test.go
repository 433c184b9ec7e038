package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// bench is what takes part in the races of machines: a client with a secret, one with a key, and an API token of alice,
// who is signed in.
type bench struct {
	*world
	secret, assertion auth.ClientProof
	p                 *access.Principal
	tokenID, token    string
}

func newBench(t *testing.T, tick time.Duration) *bench {
	w := newWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" }) // the fastest
	w.edit(aliceID, func(u *user.User) { u.Permissions = []string{"a", "b"} })
	b := &bench{world: w, secret: w.addClient(robotID, tenant.Default, "a", "b")}
	b.assertion = auth.ClientProof{Assertion: w.addSigner(otherRobotID, tenant.Default, "a", "b").assert(w)}
	b.p = w.principal(w.login("alice", alicePassword))
	b.tokenID, b.token = w.makeAPIToken(aliceID, "a", "b")
	w.tick = tick
	w.reset()
	return b
}

// TestService_machine_races runs what makes or uses machines' and API tokens against what ends them, with all ways
// to interleave their port calls in a few turns: what was ended is dead, and nothing says more than is so.
func TestService_machine_races(t *testing.T) {
	type maker struct {
		name string
		run  func(context.Context, *bench) (what, text string, err error)
	}
	issue := func(proof func(*bench) auth.ClientProof) func(context.Context, *bench) (string, string, error) {
		return func(ctx context.Context, b *bench) (string, string, error) {
			g, err := b.service.IssueMachineToken(ctx, proof(b), nil, client)
			return "a machine token", g.Access, err
		}
	}
	bySecret := maker{"issue by secret", issue(func(b *bench) auth.ClientProof { return b.secret })}
	byKey := maker{"issue by key", issue(func(b *bench) auth.ClientProof { return b.assertion })}
	makes := maker{"make an API token", func(ctx context.Context, b *bench) (string, string, error) {
		_, text, err := b.service.MakeAPIToken(ctx, b.p, auth.NewAPIToken{Name: "more", Scopes: []string{"a"}}, client)
		return "an API token", text, err
	}}
	shows := maker{"show an API token", func(ctx context.Context, b *bench) (string, string, error) {
		_, err := b.service.Authenticate(ctx, auth.Credentials{Bearer: b.token, HasBearer: true})
		return "an API token", b.token, err
	}}
	less, keys := []string{"a"}, jwks(newSigner(otherRobotID, "k2"))
	idOf := func(m maker) string {
		if m.name == byKey.name {
			return otherRobotID
		}
		return robotID
	}
	type ender struct {
		name   string
		run    func(context.Context, *bench, string) error
		spares bool // what was made may live on, if it says what is so
	}
	disable := ender{"disable", func(ctx context.Context, b *bench, id string) error {
		return second(b.service.DisableClient(ctx, b.root(), id, true, client))
	}, false}
	remove := ender{"delete", func(ctx context.Context, b *bench, id string) error {
		return b.service.DeleteClient(ctx, b.root(), id, client)
	}, false}
	restrict := ender{"restrict", func(ctx context.Context, b *bench, id string) error {
		return second(b.service.ChangeClient(ctx, b.root(), id, auth.ChangedClient{Permissions: &less}, client))
	}, true}
	compromise := ender{"compromise", func(ctx context.Context, b *bench, id string) error {
		_, text, err := b.service.RotateClient(ctx, b.root(), id, true, client)
		b.world.secret("a client's secret", text)
		return err
	}, false}
	rekey := ender{"replace the key", func(ctx context.Context, b *bench, id string) error {
		return second(b.service.ChangeClient(ctx, b.root(), id, auth.ChangedClient{Keys: &keys}, client))
	}, false}
	blackout := ender{"blackout", func(ctx context.Context, b *bench, _ string) error {
		return second(b.service.Blackout(ctx, b.root(), time.Time{}, client))
	}, true}
	ban := ender{"ban", func(ctx context.Context, b *bench, _ string) error {
		return second(b.service.Ban(ctx, b.root(), aliceID, "", time.Time{}, client))
	}, false}
	gone := ender{"delete the account", func(ctx context.Context, b *bench, _ string) error {
		return b.service.DeleteAccount(ctx, b.p, alicePassword, client)
	}, false}
	permit := ender{"permit", func(ctx context.Context, b *bench, _ string) error {
		return second(b.service.Permit(ctx, b.root(), aliceID, []string{"b"}, client))
	}, true}
	drop := ender{"delete the token", func(ctx context.Context, b *bench, _ string) error {
		return b.service.DeleteAPIToken(ctx, b.p, b.tokenID, client)
	}, false}
	revoke := ender{"revoke the token", func(ctx context.Context, b *bench, _ string) error {
		return b.service.RevokeToken(ctx, nil, b.token, client)
	}, false}
	kick := ender{"kick", func(ctx context.Context, b *bench, _ string) error {
		return b.service.Kick(ctx, b.root(), aliceID, client)
	}, true} // a token that was made before stays
	for _, race := range []struct {
		maker  maker
		enders []ender
	}{
		{bySecret, []ender{disable, remove, restrict, compromise, blackout}},
		{byKey, []ender{disable, remove, restrict, rekey, blackout}},
		{makes, []ender{ban, gone, permit, kick}},
		{shows, []ender{ban, gone, permit, drop, revoke}},
	} {
		for _, e := range race.enders {
			for _, tick := range []time.Duration{0, time.Millisecond} {
				t.Run(fmt.Sprintf("%s vs %s, %v a step", race.maker.name, e.name, tick), func(t *testing.T) {
					runs, most := 0, often
					if raceDetector || testing.Short() {
						most = within
					}
					for choices := []int{}; choices != nil; runs++ {
						b := newBench(t, tick)
						s := &stage{choices: choices, most: most}
						var what, text string
						var makeErr, endErr error
						s.run(b.world, [2]func(context.Context){
							func(ctx context.Context) { what, text, makeErr = race.maker.run(ctx, b) },
							func(ctx context.Context) { endErr = e.run(ctx, b, idOf(race.maker)) },
						})
						b.world.secret(what, text)
						b.clean(makeErr)
						if endErr != nil {
							t.Errorf("it did not end: %v", endErr)
						}
						if kind := fault.KindOf(makeErr); makeErr != nil && kind != fault.Unauthenticated && kind != fault.Forbidden && fault.CodeOf(makeErr) != "not_held" {
							t.Errorf("the race ends in %v", makeErr)
						}
						if makeErr != nil && race.maker.name != shows.name && text != "" {
							t.Error("what was refused is there")
						}
						if !e.spares && text != "" && b.bearer(text) == "ok" {
							t.Error("it lives on")
						}
						if race.maker.name == makes.name && makeErr != nil && len(b.tokens) > 1 {
							t.Error("a token is left that nobody has")
						}
						calls := b.trace()
						b.consistent()
						if t.Failed() {
							t.Fatalf("with the turns %v:\n%s\n%v and %v", s.taken, strings.Join(calls, "\n"), makeErr, endErr)
						}
						if s.steps > shortRun {
							most = min(most, across)
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
