//go:build !race

package auth_test

import (
	"testing"

	"github.com/hexward/hexward/core/auth"
)

// The race detector allocates and takes memory of its own, so what is measured here
// is measured without it.

const raceDetector = false

// TestService_Authenticate_allocs: a request with a session that is remembered
// allocates nothing.
func TestService_Authenticate_allocs(t *testing.T) {
	w := newWorld(t)
	_, g := w.signedIn()
	ctx := t.Context()
	c := auth.Credentials{Session: g.Cookie}
	n := testing.AllocsPerRun(1000, func() {
		if id, err := w.service.Authenticate(ctx, c); err != nil || id.Subject != aliceID {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

// TestService_sessionBytes holds the cache to 250 bytes a session.
func TestService_sessionBytes(t *testing.T) {
	if got := sessionBytes(t); got > 250 || got < 50 {
		t.Errorf("%.0f bytes a session, want 50 to 250", got)
	}
}
