package web

import (
	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
)

// Guard is the middleware for the routes of an app around the service.
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

// RequireUser lets the next handler run for whoever is signed in, and answers 401
// to anybody else. What changes something must come from the same origin or an
// allowed one, else it is 403. PrincipalFrom says who it is. A session id that is
// due to be replaced is replaced by the service's own routes.
func (g *Guard) RequireUser(c *fiber.Ctx) error { return g.require(c, "") }

// RequirePermission is RequireUser that also demands a permission, and answers
// 403 without it.
func (g *Guard) RequirePermission(permission string) fiber.Handler {
	return func(c *fiber.Ctx) error { return g.require(c, permission) }
}

func (g *Guard) require(c *fiber.Ctx, permission string) error {
	if !g.admit(c, permission) {
		return nil // answered
	}
	return c.Next()
}

// guarded is the route of requests that go on to somebody else's handler.
var guarded = &Route{Path: "(guarded)", Demand: SignedIn}

// admit answers the request and returns false, or leaves the answer alone and
// returns true.
func (g *Guard) admit(c *fiber.Ctx, permission string) bool {
	k := calls.Get().(*call)
	k.Ctx, k.server, k.route = c, g.s, guarded
	err := k.check(permission)
	if err == nil {
		c.Locals(principalKey{}, k.who())
		if k.DevelopmentUser {
			c.Set(developmentHeader, "true")
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

// check is what serve does, as far as it concerns who asks.
func (k *call) check(permission string) error {
	if err := checkRequest(&k.Request().Header); err != nil {
		return err
	}
	if err := k.checkApp(); err != nil {
		return err
	}
	k.shown = k.cookies.read(&k.Request().Header)
	if err := k.sameOrigin(); err != nil {
		return err
	}
	if err := k.authenticate(); err != nil {
		return err
	}
	if err := k.demand(); err != nil {
		return err
	}
	if permission != "" && !k.identity.Has(permission) {
		return errForbidden
	}
	return nil
}
