// Package web puts the use cases of core/auth on HTTP, with Fiber.
//
// As a whole server:
//
//	app, err := web.New(service, web.Config{PublicURL: "https://id.example", Log: log})
//	err = app.Listen("127.0.0.1:8080")
//
// Within somebody's own Fiber app, under any prefix, with the middleware beside it:
//
//	guard, err := web.Mount(app.Group("/api/users"), service, web.Config{PublicURL: "https://app.example"})
//	app.Get("/notes", guard.RequireUser, func(c *fiber.Ctx) error {
//		return c.JSON(notesOf(web.PrincipalFrom(c).Subject))
//	})
//
// routes.go is the whole API on one page. Every route goes through serve
// (call.go), which refuses what is ambiguous or forged, finds out who asks, runs
// the route's handler, and turns an error into a status by the one table of
// errors.go. Nothing depends on the app around it: not its ErrorHandler, not its
// middleware, not fiber.Config.Immutable.
//
// # Credentials
//
// An Authorization header decides alone, whatever cookies come with it. Without
// one the session cookie decides, and without that the access cookie
// (credentials.go). Cookies have the __Host- or __Secure- prefix on https; plain
// names are for an http origin on a loopback address only.
//
// # Other sites
//
// Whatever changes something demands that the request comes from the same
// origin, or from one that Config.Origins lists (origin.go).
//
// # Forward authentication
//
// GET /verify answers a proxy's sub-request: 200 with X-Auth-Subject, X-Auth-Name,
// X-Auth-Tenant, X-Auth-Permissions and X-Auth-Session, or 401. Whatever is not
// printable ASCII in a value, and "%", is percent-encoded.
package web
