package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

func TestService_tokens_together(t *testing.T) {
	// slow lets a call wait until release, and tells when it is there.
	slow := func(w *world, moment, call string, err error) (reached, release chan struct{}) {
		reached, release = make(chan struct{}), make(chan struct{})
		w.reset()
		map[string]map[string]func() error{"before": w.before, "after": w.after}[moment][call] = func() error {
			close(reached)
			<-release
			return err
		}
		return reached, release
	}
	wait := func(t *testing.T, c <-chan struct{}) {
		t.Helper()
		synctest.Wait()
		select {
		case <-c:
		default:
			t.Fatal("nothing happens")
		}
	}
	run := func(name string, f func(*testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	run("one", func(t *testing.T) {
		w := newBearerWorld(t)
		text := w.danaAbroad(cup).mint(dana1, nil)
		other := w.abroad[known].machine("other", nil)
		reached, release := slow(w, "before", "Issuer.Verify#1", nil)
		var all sync.WaitGroup
		answers := make([]string, 20)
		for i := range answers {
			all.Go(func() { answers[i] = w.answer(text) })
		}
		wait(t, reached)
		w.must(other) // of another issuer, and not held up
		close(release)
		all.Wait()
		for i, got := range answers {
			if got != "user dana in default may []" {
				t.Errorf("request %d: %s", i, got)
			}
		}
		if n := w.abroad[cup].persons; n != 1 {
			t.Errorf("the issuer was asked %d times who it is", n)
		}
		if got := w.userNames(); !slices.Equal(got, []string{"alice", "bob", "dana", "root"}) {
			t.Errorf("users: %v", got)
		}
	})
	run("the first one gives up", func(t *testing.T) {
		w := newBearerWorld(t)
		text := w.abroad[robots].machine(robot1, nil)
		reached, release := slow(w, "before", "Issuer.Verify#1", nil)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var first, other string
		all.Go(func() { _, err := w.showIn(ctx, text); first = outcome(err) })
		wait(t, reached)
		started := make(chan struct{})
		all.Go(func() { close(started); other = w.answer(text) })
		wait(t, started)
		cancel()
		close(release)
		all.Wait()
		if first != "unavailable canceled" || other != "machine robots|robot-1 in default may []" {
			t.Errorf("the first: %s, the other: %s", first, other)
		}
	})
	run("one who waits gives up", func(t *testing.T) {
		w := newBearerWorld(t)
		text := w.abroad[robots].machine(robot1, nil)
		reached, release := slow(w, "before", "Issuer.Verify#1", nil)
		var all sync.WaitGroup
		all.Go(func() { w.answer(text) })
		wait(t, reached)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.showIn(ctx, text); outcome(err) != "unavailable timed_out" || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(release)
		all.Wait()
	})
	run("the issuer is down", func(t *testing.T) {
		w := newBearerWorld(t)
		text := w.abroad[robots].machine(robot1, nil)
		reached, release := slow(w, "before", "Issuer.Verify#1", errDown)
		var all sync.WaitGroup
		answers := make([]string, 8)
		all.Go(func() { answers[0] = w.answer(text) })
		wait(t, reached)
		for i := range answers[1:] {
			all.Go(func() { answers[i+1] = w.answer(text) })
		}
		synctest.Wait()
		close(release)
		all.Wait()
		for i, got := range answers {
			if got != "unavailable down" {
				t.Errorf("request %d: %s", i, got)
			}
		}
		if got := w.answer(text); got != "machine robots|robot-1 in default may []" {
			t.Errorf("the next request: %s", got)
		}
	})
	run("what the first one read is out of date", func(t *testing.T) {
		w := newBearerWorld(t)
		w.up().add(aliceID, known, urlOf(known), dana1)
		text := w.abroad[known].mint(dana1, nil)
		reached, release := slow(w, "after", "Identities.BySubject#1", nil)
		var all sync.WaitGroup
		var late string
		all.Go(func() { w.answer(text) })
		wait(t, reached)
		if _, err := w.service.Permit(t.Context(), w.root(), aliceID, []string{"z"}, client); err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{})
		all.Go(func() { close(started); late = w.answer(text) })
		wait(t, started)
		synctest.Wait()
		close(release)
		all.Wait()
		if late != "user alice in default may [z]" {
			t.Errorf("a request that began after the change: %s", late)
		}
	})
	run("without memory", func(t *testing.T) {
		w := newBearerWorld(t, func(c *auth.Config) { c.Verified, c.Refused, c.Settings.TokenCacheTTL = nil, nil, 0 })
		text := w.danaAbroad(cup).mint(dana1, nil)
		for range 3 {
			w.must(text)
		}
		if n := w.verifications(); n < 3 {
			t.Errorf("%d verifications of 3 requests", n)
		}
		other := w.abroad[robots].machine(robot1, nil)
		w.must(other)
		reached, release := slow(w, "before", "Issuer.Verify#1", nil)
		var all sync.WaitGroup
		all.Go(func() { w.answer(other) })
		wait(t, reached)
		for range 10 {
			all.Go(func() { w.answer(other) })
		}
		synctest.Wait()
		close(release)
		all.Wait()
		if n := w.verifications(); n != 1 {
			t.Errorf("%d verifications of 11 requests at once", n)
		}
	})
}

func TestService_tokens_madeOnce(t *testing.T) {
	calls := []string{
		"Identities.BySubject#1", "Issuer.Person#1", "Identities.BySubject#2", "Users.ByLogin#1", "Users.Create#1", "Identities.Create#1",
		"Audit.Record#1", "Audit.Record#2", "Identities.BySubject#3",
	}
	meanwhile := map[string]func(*world) error{
		"another token": func(w *world) error {
			_, err := w.show(w.abroad[cup].mint(dana1, nil))
			return err
		},
		"a sign-in": func(w *world) error {
			return second(w.come("google", with(dana(), func(p *ports.Person) {
				p.Subject, p.Username, p.Email, p.EmailVerified = dana1, "dana", "dana@example.net", true
			})))
		},
	}
	for name, other := range meanwhile {
		for _, call := range calls {
			for _, moment := range []string{"before", "after"} {
				t.Run(name+" "+moment+" "+call, func(t *testing.T) {
					w := newBearerWorld(t, func(c *auth.Config) { c.Issuers[0].URL = googleIss })
					a := w.danaAbroad(cup)
					a.url = googleIss // the same authority as the provider
					a.rekey("1")
					text := a.mint(dana1, nil)
					w.reset()
					hooks := map[string]map[string]func() error{"before": w.before, "after": w.after}[moment]
					fired := false
					hooks[call] = func() error {
						fired = true
						return other(w)
					}
					p := w.must(text)
					if !fired {
						t.Fatal("the call was not made")
					}
					if got := w.userNames(); !slices.Equal(got, []string{"alice", "bob", "dana", "root"}) {
						t.Errorf("users: %v", got)
					}
					if own := w.up().identitiesOf(p.Subject); len(own) != 1 {
						t.Errorf("identities: %v", own)
					}
				})
			}
		}
	}
}

func TestService_tokens_apart(t *testing.T) {
	const people, workers, rounds = 400, 8, 250
	w := newBearerWorld(t, func(c *auth.Config) { c.Settings.Algorithm = "HS256" })
	texts, subjects := make([]string, people), make([]string, people)
	for i := range people {
		switch i % 3 {
		case 0:
			subjects[i] = fmt.Sprintf("robots|robot-%04d", i)
			texts[i] = w.abroad[robots].machine(fmt.Sprintf("robot-%04d", i), nil)
		case 1:
			subjects[i] = fmt.Sprintf("0190cccc-0000-7000-8000-%012x", i)
			w.addUser(subjects[i], fmt.Sprintf("person%d", i), fmt.Sprintf("p%d@example.org", i), otherPassword)
			w.up().add(subjects[i], known, urlOf(known), fmt.Sprintf("subject-%04d", i))
			texts[i] = w.abroad[known].mint(fmt.Sprintf("subject-%04d", i), nil)
		default:
			subjects[i] = fmt.Sprintf("0190dddd-0000-7000-8000-%012x", i)
			c := token.Claims{
				Issuer: issuer, Subject: subjects[i], Audience: []string{issuer}, Expiry: epoch.Unix() + 900, IssuedAt: epoch.Unix(),
				ID: fmt.Sprintf("own-%04d", i), Session: fmt.Sprintf("session-%04d", i), ClientID: issuer, Tenant: tenant.Default,
			}
			text, err := sign(w.keys[0], w.ring.private["key-1"], "at+jwt", payload(c))
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = text
		}
	}
	lengths := map[int]int{}
	for _, text := range texts {
		lengths[len(text)]++
	}
	if len(lengths) > 3 {
		t.Fatalf("tokens of one sort are not equally long: %v", lengths)
	}
	w.reset()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			buffer := make([]byte, 0, 1024)
			for round := range rounds {
				i := random.IntN(people)
				buffer = append(buffer[:0], texts[i]...) // memory that is used again, as a server's is
				id, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: string(buffer), HasBearer: true})
				if err != nil || id.Subject != subjects[i] {
					t.Errorf("token %d of %s is taken for %v, %v", i, subjects[i], id.Principal, err)
					return
				}
				if worker == 0 && round%50 == 0 { // everything is forgotten now and then
					_ = w.service.Load(t.Context())
				}
				if worker == 1 && round%50 == 0 {
					w.abroad[robots].version.Add(1)
				}
			}
		})
	}
	all.Wait()
}

func TestService_tokens_deletedAccount(t *testing.T) {
	w := newBearerWorld(t, func(c *auth.Config) { c.Issuers[0].URL = googleIss })
	a := w.danaAbroad(cup)
	a.url = googleIss
	a.rekey("1")
	g := w.mustCome("google", with(dana(), func(p *ports.Person) { p.Subject = dana1 }))
	w.up().add(g.User.ID, "loose", looseIss, "not asked")
	text := a.mint(dana1, nil)
	first := w.must(text)
	if first.Subject != g.User.ID {
		t.Fatalf("%+v", first)
	}
	p := w.principal(g)
	w.reset()
	unseen := a.mint(dana1, nil)
	w.before["Marks.Add#2"] = func() error { // the application asks while it is being done
		if got := w.answer(unseen); got != "unauthenticated token_revoked" {
			t.Errorf("meanwhile: %s", got)
		}
		return nil
	}
	if err := w.service.DeleteAccount(t.Context(), p, "", client); err != nil {
		t.Fatal(err)
	}
	people := w.userNames()
	other := w.serve(w.withProviders, w.withIssuers, func(c *auth.Config) { c.Issuers[0].URL = googleIss })
	for _, s := range []*auth.Service{w.service, w.service, other} {
		if _, err := s.Authenticate(t.Context(), auth.Credentials{Bearer: text, HasBearer: true}); outcome(err) != "unauthenticated token_revoked" {
			t.Error(err)
		}
	}
	if got := w.userNames(); !slices.Equal(got, people) || slices.Contains(got, "dana") {
		t.Errorf("users: %v", got)
	}
	if n := len(w.marks); n != 2 { // the user's and the identity's
		t.Errorf("%d marks: %v", n, w.marks)
	}
	w.pass(23 * time.Hour)
	if err := w.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := a.mint(dana1, map[string]any{"iat": epoch.Unix()})
	if got := w.answer(old); got != "unauthenticated token_revoked" {
		t.Errorf("a day later: %s", got)
	}
	if p := w.must(a.mint(dana1, nil)); p.Subject == first.Subject || p.Name != "dana" {
		t.Errorf("with a later token: %+v", p)
	}
}
