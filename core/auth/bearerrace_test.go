package auth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// TestService_races_bearer runs requests with tokens that are not remembered yet
// against everything that ends or changes what they stand for, with all ways to
// interleave their port calls in a few turns. Afterwards the service says of each
// token what another one says that remembers nothing.
func TestService_races_bearer(t *testing.T) {
	type tokens struct{ foreign, api, own, vouched string }
	askers := map[string]func(context.Context, *world, *tokens) error{
		"foreign": func(ctx context.Context, w *world, tok *tokens) error { return second(w.showIn(ctx, tok.foreign)) },
		"api":     func(ctx context.Context, w *world, tok *tokens) error { return second(w.showIn(ctx, tok.api)) },
		"vouch by session": func(ctx context.Context, w *world, tok *tokens) (err error) {
			id, err := w.service.Authenticate(ctx, auth.Credentials{Bearer: tok.own, HasBearer: true})
			if err == nil {
				tok.vouched, err = w.service.Vouch(ctx, id)
			}
			return err
		},
		"vouch by foreign": func(ctx context.Context, w *world, tok *tokens) (err error) {
			id, err := w.showIn(ctx, tok.foreign)
			if err == nil {
				tok.vouched, err = w.service.Vouch(ctx, id)
			}
			return err
		},
	}
	enders := map[string]func(context.Context, *world, *racers) error{
		"ban": func(ctx context.Context, w *world, _ *racers) error {
			return second(w.service.Ban(ctx, w.root(), aliceID, "", time.Time{}, client))
		},
		"kick": func(ctx context.Context, w *world, _ *racers) error {
			return w.service.Kick(ctx, w.root(), aliceID, client)
		},
		"blackout": func(ctx context.Context, w *world, _ *racers) error {
			return second(w.service.Blackout(ctx, w.root(), time.Time{}, client))
		},
		"permit": func(ctx context.Context, w *world, _ *racers) error {
			return second(w.service.Permit(ctx, w.root(), aliceID, []string{"b"}, client))
		},
		"delete": func(ctx context.Context, w *world, r *racers) error {
			return w.service.DeleteAccount(ctx, r.p, alicePassword, client)
		},
		"delete the token": func(ctx context.Context, w *world, r *racers) error {
			list, err := w.service.ListAPITokens(ctx, r.p)
			if err != nil {
				return err
			}
			return w.service.DeleteAPIToken(ctx, r.p, list[0].ID, client)
		},
		"unlink": func(ctx context.Context, w *world, r *racers) error {
			list, err := w.service.ListIdentities(ctx, r.p)
			if err != nil {
				return err
			}
			return w.service.Unlink(ctx, r.p, list[0].ID, client)
		},
	}
	for asker, ask := range askers {
		for ender, end := range enders {
			t.Run(asker+" vs "+ender, func(t *testing.T) {
				most, runs := across, 0
				if raceDetector || testing.Short() {
					most = within
				}
				for choices := []int{}; choices != nil; runs++ {
					w := newBearerWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
					tok := tokens{api: w.apiToken("a", "b")}
					p, g := w.signedIn()
					w.up().add(aliceID, known, urlOf(known), dana1)
					tok.own, tok.foreign = g.Access, w.abroad[known].mint(dana1, nil)
					s := &stage{choices: choices, most: most}
					var askErr, endErr error
					s.run(w, [2]func(context.Context){
						func(ctx context.Context) { askErr = ask(ctx, w, &tok) },
						func(ctx context.Context) { endErr = end(ctx, w, &racers{world: w, p: p}) },
					})
					calls := w.trace()
					if endErr != nil {
						t.Errorf("%s: %v", ender, endErr)
					}
					if askErr != nil && fault.KindOf(askErr) != fault.Unauthenticated && fault.CodeOf(askErr) != "changed_meanwhile" {
						t.Errorf("%s: %v", asker, askErr)
					}
					forgetful := w.serve(w.withProviders, w.withIssuers, func(c *auth.Config) { c.Verified, c.Refused = nil, nil })
					for name, text := range map[string]string{"foreign": tok.foreign, "api": tok.api, "own": tok.own, "vouched": tok.vouched} {
						if text == "" {
							continue
						}
						want := "ok"
						if id, err := forgetful.Authenticate(t.Context(), auth.Credentials{Bearer: text, HasBearer: true}); err != nil {
							want = outcome(err)
						} else {
							want = tell(id.Principal)
						}
						if got := w.answer(text); got != want {
							t.Errorf("the %s token: %s, and what remembers nothing says %s", name, got, want)
						}
						if name == "vouched" && strings.HasPrefix(want, "user") && strings.Contains(" ban kick blackout delete permit ", " "+ender+" ") && !strings.HasSuffix(want, "may [b]") {
							t.Errorf("what was vouched lives on: %s", want)
						}
					}
					if t.Failed() {
						t.Fatalf("with the turns %v:\n%s", s.taken, strings.Join(calls, "\n"))
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
