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
// or with one policy before all of them, as app.Use(guard.Enforce(policy)).
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
// # Machines
//
// POST /oauth/token gives a program a token for its client_id and client_secret, in
// an Authorization header of the scheme Basic or in the body, or for an assertion that
// it signed (RFC 6749 §4.4, RFC 7523):
//
//	curl -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials -d scope=orders:read https://id.example/oauth/token
//
//	{"access_token":"eyJ…","token_type":"Bearer","expires_in":900,"scope":"orders:read"}
//
// It takes the refresh tokens of people too, wherever their sign-in delivered them,
// from whoever holds them, without a client's proof and without another scope. POST
// /oauth/introspect tells a client of a token of its tenant, and nothing but
// {"active":false} of any other (RFC 7662). POST /oauth/revoke ends a token, and a
// machine's only for that machine (RFC 7009). GET
// /.well-known/oauth-authorization-server says where these are and what they take (RFC 8414).
//
// These endpoints read forms, and refuse what can be read in two ways: a parameter
// that is there twice, one in the URL, two proofs. A refusal is RFC 6749's
// {"error", "error_description"}, and no answer is kept by a cache. No cookie counts
// there. What an administrator does with clients is under /admin/clients; a secret is
// in the answer that makes it and nowhere else.
//
// A machine has no account: /verify says who it is, and /me answers 403 with
// person_required.
//
// # API tokens
//
// POST /tokens {"name", "scopes", "expires_at" or "expires_in"} makes a token for its
// user's scripts, in the member "token" of the answer, once. It may what it was made
// for of what its user may at that moment, and nothing that only they themselves may:
// their account, sessions and tokens answer 403 with person_required.
//
// # Tenants
//
// Everybody sees their own tenant, which comes from their credential: nothing in a
// request names one. What is another's is answered as what never was, to the byte. The
// default tenant's administrators look after /admin/tenants and the signing keys, and see
// nothing else of other tenants.
//
// # Bundles
//
// With Config.Bundles GET /.well-known/hexward-bundle answers what edge verifiers decide by
// (package edge), signed: the whole, or with since=N what was revoked after the number
// N; 304 when there is nothing newer, and with wait=S only after S seconds, 30 at most,
// without anything. With Config.BundleSecret it is for who shows that as a bearer token.
//
// # Development
//
// With Config.DevelopmentUser nobody needs to sign in on the machine itself; see
// there for the limits.
//
// # Forward authentication
//
// GET /verify answers whoever asks about themselves: 200 with X-Auth-Subject,
// X-Auth-Name, X-Auth-Kind, X-Auth-Tenant, X-Auth-Permissions and X-Auth-Session, or
// 401. Whatever is not printable ASCII in a value, and "%", is percent-encoded.
//
// With Config.Forward it answers a proxy about somebody else's request, by
// Config.Policy (forward.go). The question is a trusted proxy's, and says the
// request's method and target once and in the way of its family, or it is 403. A yes
// is 200 and has every X-Auth-* header, those too that are empty, X-Auth-Token among
// them, so that each takes the place of what a client sent; a no is a problem, 401 or
// 403, and 400 for a path that can be read in more than one way, which nginx would turn
// into a 500 and which to it is 403. Who goes to a page and is not signed in is led to
// the sign-in page and back: by a 302, or to nginx by X-Auth-Sign-In beside the 401.
//
// No proxy takes a 5xx of ours, or none, for a yes: nginx then answers 500, Caddy 502 or
// what we answered, Traefik 500 or what we answered, and Envoy what its status_on_error
// says, unless its failure_mode_allow is set. apps/hexward/deploy has the configuration
// of each.
package web
