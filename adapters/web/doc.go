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
// # Providers
//
// GET /login?provider=NAME&return_to=/PATH leads to a provider, which leads back to
// /callback, or to Config.CallbackPath too. One cookie binds all sign-ins that a
// browser has under way; without it, and without the state that was made with it, a
// callback is refused. It ends at return_to on our own origin, else at
// Config.FrontEnd. Errors are pages for whoever prefers text/html.
//
// A front end that does the redirect itself posts the code to /sign-in. The answer
// has access_token, token_type and expires_in whatever the delivery; with "body",
// the default, refresh_token too, and with "cookie" the cookies in its place.
//
// POST /logout answers {"status", "logout_url"}: where there is a logout_url, the
// browser goes there to sign out at the provider too. GET /logout leads there.
//
// POST /identities/NAME/link answers {"url"} to navigate to, and leads a form there.
// It ends in the browser, so the user has to be signed in there by cookie.
//
// # Development
//
// With Config.DevelopmentUser nobody needs to sign in on the machine itself; see
// there for the limits.
//
// # Forward authentication
//
// GET /verify answers a proxy's sub-request: 200 with X-Auth-Subject, X-Auth-Name,
// X-Auth-Tenant, X-Auth-Permissions and X-Auth-Session, or 401. Whatever is not
// printable ASCII in a value, and "%", is percent-encoded.
package web
