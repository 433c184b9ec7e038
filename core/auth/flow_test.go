package auth_test

import (
	"context"
	"testing"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// flow is the main path of one use case: what it calls, in order, and how it
// ends when a call finds nothing.
type flow struct {
	name  string
	with  func(*world) func(*auth.Config) // changes the configuration
	start func(*world) func(context.Context) (any, error)

	calls    []string          // the port calls of the main path
	survives []string          // those whose failure does not fail the use case
	misses   map[string]string // the outcome when a call finds nothing: every call that can is named
}

func settings(change func(*auth.Settings)) func(*world) func(*auth.Config) {
	return func(*world) func(*auth.Config) {
		return func(c *auth.Config) { change(&c.Settings) }
	}
}

var verified = settings(func(s *auth.Settings) { s.Registration = auth.RegistrationVerified })

var carol = auth.NewUser{Username: "carol", Email: "carol@example.org", Password: otherPassword, Captcha: "human"}

// nothing is what a use case without a result gives.
func nothing(err error) (any, error) { return nil, err }

// second drops a result that no failure may depend on.
func second[T any](_ T, err error) error { return err }

func (w *world) identity(ctx context.Context, c auth.Credentials) (any, error) {
	id, err := w.service.Authenticate(ctx, c)
	if id.Principal == nil {
		return nothing(err)
	}
	return id.Principal, err
}

func (w *world) rotateAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, s := range w.sessions {
		s.Rotate = true
		w.sessions[id] = s
	}
}

func (w *world) confirmLink() string {
	w.t.Helper()
	w.edit(aliceID, func(u *user.User) { u.EmailConfirmed = false })
	p := &access.Principal{Kind: access.User, Via: access.SessionCookie, Subject: aliceID, Tenant: tenant.Default, Session: "s"}
	if err := w.service.SendConfirm(w.t.Context(), p, client); err != nil {
		w.t.Fatal(err)
	}
	return w.link()
}

func (w *world) resetLink() string {
	w.t.Helper()
	if err := w.service.ForgotPassword(w.t.Context(), "alice@example.org", "", client); err != nil {
		w.t.Fatal(err)
	}
	return w.link()
}

func (w *world) setupLink() string {
	w.t.Helper()
	w.edit(rootID, func(u *user.User) { u.Permissions = nil })
	link, err := w.service.SetupLink(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	secret := link[len(issuer+"/setup/"):]
	w.secret("a setup link", secret)
	return secret
}

// world returns a world in which the flow can run.
func (f flow) world(t testing.TB) (*world, func(context.Context) (any, error)) {
	t.Helper()
	w := newWorld(t)
	if f.with != nil {
		w.service = w.serve(f.with(w))
	}
	run := f.start(w)
	w.reset()
	return w, run
}
