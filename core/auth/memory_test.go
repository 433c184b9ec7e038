//go:build !race

package auth_test

import (
	"testing"

	"github.com/hexward/hexward/core/auth"
)

// The race detector allocates and takes memory of its own, so what is measured here
// is measured without it.

const raceDetector = false

// TestService_Authenticate_allocs: a request with a session or token that is
// remembered, or a token that is remembered as bad, allocates nothing.
func TestService_Authenticate_allocs(t *testing.T) {
	w := newBearerWorld(t)
	_, g := w.signedIn()
	w.up().add(aliceID, known, urlOf(known), dana1)
	bearer := func(text string) auth.Credentials {
		return auth.Credentials{Bearer: text, HasBearer: true, From: visitor{}}
	}
	if err := w.service.Kick(t.Context(), w.root(), bobID, client); err != nil { // so that there are marks to look at
		t.Fatal(err)
	}
	for name, c := range map[string]auth.Credentials{
		"session": {Session: g.Cookie}, "own": bearer(g.Access), "cookie": {Access: g.Access},
		"foreign": bearer(w.abroad[known].mint(dana1, nil)), "api": bearer(w.apiToken("a")),
		"machine": bearer(w.abroad[robots].machine(robot1, nil)), "bad": bearer(w.abroad[robots].machine(robot1, map[string]any{"aud": "else"})),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			_, want := w.service.Authenticate(ctx, c)
			n := testing.AllocsPerRun(1000, func() {
				if id, err := w.service.Authenticate(ctx, c); err != want || (err == nil) != (id.Principal != nil) { //nolint:errorlint // the same one is remembered
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%v allocations a request", n)
			}
		})
	}
}

// TestService_sessionBytes holds the cache to 250 bytes a session.
func TestService_sessionBytes(t *testing.T) {
	if got := sessionBytes(t); got > 250 || got < 50 {
		t.Errorf("%.0f bytes a session, want 50 to 250", got)
	}
}
