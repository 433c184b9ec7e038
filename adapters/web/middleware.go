package web

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// Guard is the middleware for the routes of an app around the service. Each of its
// handlers lets the next one run for whoever its rule admits, and answers anybody
// else: 401 to who shows no good credential, 403 to who shows one that is of
// another sort or not enough. What changes something in the name of a cookie must
// come from the same origin or an allowed one, else it is 403.
//
// PrincipalFrom says who it is, and so do auth.PrincipalFrom and auth.TenantFrom of
// the request's UserContext. A session id that is due to be replaced is replaced by
// the service's own routes.
type Guard struct{ s *server }

// NewGuard returns the middleware alone, for an app that serves the routes
// elsewhere. The Config is the same as there.
func NewGuard(service *auth.Service, c Config) (*Guard, error) {
	s, err := newServer(service, c)
	if err != nil {
		return nil, err
	}
	return &Guard{s}, nil
}

type principalKey struct{}

// The rules of the handlers that have no policy.
var (
	userRule    = &access.Rule{Demand: access.SessionOnly, Only: access.User}
	anyRule     = &access.Rule{Demand: access.SessionOrToken}
	machineRule = &access.Rule{Demand: access.TokenOnly, Only: access.Machine}
)

// RequireUser admits a person who is signed in with a browser. A token is not
// enough, whoever's it is.
func (g *Guard) RequireUser(c *fiber.Ctx) error { return g.require(c, userRule) }

// RequireUserOrToken admits a person who is signed in with a browser, and whoever
// shows a good token: a person's program, or a machine.
func (g *Guard) RequireUserOrToken(c *fiber.Ctx) error { return g.require(c, anyRule) }

// RequireMachine admits a machine with its token, and no person.
func (g *Guard) RequireMachine(c *fiber.Ctx) error { return g.require(c, machineRule) }

// RequirePermission admits whom RequireUserOrToken does, if they hold the
// permission. Nobody holds the empty one.
func (g *Guard) RequirePermission(permission string) fiber.Handler {
	rule := &access.Rule{Demand: access.SessionOrToken, Permissions: []string{permission}}
	return func(c *fiber.Ctx) error { return g.require(c, rule) }
}

func (g *Guard) require(c *fiber.Ctx, rule *access.Rule) error {
	return g.run(c, func(k *call) error {
		if err := k.check(); err != nil {
			return err
		}
		return k.hold(k.Method(), rule)
	})
}

// Enforce admits whom a policy does; a nil one demands a session for everything. It
// comes before every handler that it is to protect, as app.Use(guard.Enforce(policy)).
//
// It decides by the method, and by the path as it came (Fiber's OriginalURL), which
// no header of the request changes: a middleware that rewrites either belongs behind
// it. A path that can be read in more than one way is 400 before anything else is
// looked at. On a public route a good credential is known, and with a bad one, or in
// another site's name, the request is nobody's.
//
// The app must have fiber.Config.CaseSensitive set, as policies are case-sensitive;
// in any other every request is answered 500.
func (g *Guard) Enforce(policy *access.Policy) fiber.Handler {
	enforce := func(k *call) error {
		rule, _, ok := policy.Match(k.Method(), k.OriginalURL())
		if !ok {
			return refusalFor(access.PathRefused)
		}
		if !k.App().Config().CaseSensitive {
			return errCaseless
		}
		if err := k.check(); err != nil {
			return err
		}
		return k.hold(k.Method(), rule)
	}
	return func(c *fiber.Ctx) error { return g.run(c, enforce) }
}

var errCaseless = errors.New("web: the app around does not set fiber.Config.CaseSensitive, without which another spelling of a path leads past a policy")

// guarded is the route of requests that go on to somebody else's handler.
var guarded = &Route{Path: "(guarded)", Demand: SignedIn}

// run runs the next handler if decide returns nil, and answers the request
// otherwise.
func (g *Guard) run(c *fiber.Ctx, decide func(*call) error) error {
	if !g.admit(c, decide) {
		return nil // answered
	}
	return c.Next()
}

// admit answers the request and returns false, or leaves the answer alone and
// returns true.
func (g *Guard) admit(c *fiber.Ctx, decide func(*call) error) bool {
	k := calls.Get().(*call)
	k.Ctx, k.server, k.route = c, g.s, guarded
	err := k.decided(decide)
	if err == nil {
		who := k.who()
		c.Locals(principalKey{}, who)
		c.SetUserContext(auth.WithPrincipal(c.UserContext(), who))
		if k.DevelopmentUser {
			c.Set(developmentHeader, "true")
		}
		if k.cancel != nil {
			k.cancel()
		}
		*k = call{buf: k.buf[:0]}
		calls.Put(k)
		return true
	}
	defer k.end()
	k.secure()
	k.requestID()
	k.fail(err)
	return false
}

// decided is what decide returns; a panic is an error like any other.
func (k *call) decided(decide func(*call) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return decide(k)
}

// check refuses what no route takes.
func (k *call) check() error {
	if err := checkRequest(&k.Request().Header); err != nil {
		k.Response().Header.SetConnectionClose() // what follows may be part of this request
		return err
	}
	return k.checkApp()
}

// stranger is nobody.
var stranger = &access.Principal{}

// hold finds out who asks, and holds them against the rule of a request with this
// method, which came with this one's headers.
func (k *call) hold(method string, rule *access.Rule) error {
	k.shown = k.cookies.read(&k.Request().Header)
	err := k.sameOrigin(method)
	if err == nil {
		err = k.authenticate()
	}
	if err != nil {
		if kind := fault.KindOf(err); rule.Demand != access.Public || kind != fault.Unauthenticated && kind != fault.Forbidden {
			return err
		}
		k.identity, k.dead = auth.Identity{Principal: stranger}, nil
	}
	if reason := rule.Admits(k.who()); reason != access.Allowed {
		return refusalFor(reason)
	}
	return nil
}

// refusalFor returns a policy's refusal as an error.
func refusalFor(r access.Reason) error {
	kind := fault.Forbidden
	switch r {
	case access.PathRefused:
		kind = fault.Invalid
	case access.Unauthenticated:
		kind = fault.Unauthenticated
	}
	return fault.New(kind, r.String(), r.Detail())
}
