package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

// Demand says who may use a route.
type Demand uint8

// The demands.
const (
	Anybody       Demand = iota // credentials are not looked at, or by the handler alone
	SignedIn                    // a user or machine; 401 else
	Administrator               // who holds the admin permission; 401 or 403 else
)

// Route is one line of the API.
type Route struct {
	Method string // GET serves HEAD too
	Path   string // below the base path if Based, with {name} for a segment
	Based  bool
	Demand Demand

	grants bool // answers with credentials, so it demands the same origin whatever came with it
	signed bool // the body proves itself, and no cookie counts: any origin may send it
	oauth  bool // an endpoint of OAuth, which refuses as RFC 6749 §5.2 says; signed too
	asked  bool // by a proxy about somebody's request to something else; see verify
	only   bool // GET without HEAD
	unread bool // the request could not be read: nothing of it is checked
	handle func(*call) error
}

// Routes returns the whole API but the operations listener's, in the order in
// which routes are matched.
func Routes() []Route {
	routes := slices.Concat(baseRoutes, rootRoutes, pageRoutes)
	for i := range baseRoutes {
		routes[i].Based = true
	}
	return routes
}

// baseRoutes hang under the base path.
var baseRoutes = []Route{
	{Method: "POST", Path: "/register", grants: true, handle: (*call).register},
	{Method: "POST", Path: "/login", grants: true, handle: (*call).login},
	{Method: "GET", Path: "/login", only: true, handle: navigated((*call).beginProvider)},
	{Method: "GET", Path: callbackPath, only: true, handle: navigated((*call).callback)},
	{Method: "POST", Path: "/sign-in", grants: true, handle: (*call).signInCode},
	{Method: "POST", Path: "/setup/{token}", grants: true, handle: (*call).setup},
	{Method: "POST", Path: "/logout", grants: true, handle: (*call).logout},
	{Method: "GET", Path: "/logout", only: true, handle: (*call).logoutByLink},
	{Method: "POST", Path: "/backchannel-logout/{provider}", signed: true, handle: (*call).backChannelLogout},
	{Method: "GET", Path: "/verify", Demand: SignedIn, asked: true, handle: (*call).verify},
	{Method: "GET", Path: "/userinfo", Demand: SignedIn, handle: (*call).me},
	{Method: "GET", Path: "/me", Demand: SignedIn, handle: (*call).me},
	{Method: "DELETE", Path: "/me", Demand: SignedIn, handle: (*call).deleteMe},
	{Method: "POST", Path: "/token", Demand: SignedIn, handle: (*call).tokenUser},
	{Method: "POST", Path: "/token/refresh", handle: (*call).refresh},
	{Method: "GET", Path: "/confirm", Demand: SignedIn, handle: (*call).confirmStatus},
	{Method: "POST", Path: "/confirm", Demand: SignedIn, handle: (*call).sendConfirm},
	{Method: "POST", Path: "/confirm/{token}", handle: (*call).confirm},
	{Method: "POST", Path: "/forgot-password", handle: (*call).forgotPassword},
	{Method: "POST", Path: "/password/{token}", handle: (*call).resetPassword},
	{Method: "PUT", Path: "/password", Demand: SignedIn, handle: (*call).changePassword},
	{Method: "GET", Path: "/sessions", Demand: SignedIn, handle: (*call).listSessions},
	{Method: "DELETE", Path: "/sessions", Demand: SignedIn, handle: (*call).endOtherSessions},
	{Method: "DELETE", Path: "/sessions/{id}", Demand: SignedIn, handle: (*call).endSession},
	{Method: "GET", Path: "/identities", Demand: SignedIn, handle: (*call).listIdentities},
	{Method: "POST", Path: "/identities/{provider}/link", Demand: SignedIn, grants: true, handle: (*call).linkIdentity},
	{Method: "DELETE", Path: "/identities/{id}", Demand: SignedIn, handle: (*call).unlinkIdentity},
	{Method: "POST", Path: "/{id}/change_username", Demand: SignedIn, handle: (*call).changeUsername},
}

// callbackPath is where providers send browsers back to, below the base path.
const callbackPath = "/callback"

// callbackRoutes are the second place for that, if there is one.
func (s *server) callbackRoutes() []Route {
	if s.CallbackPath == "" {
		return nil
	}
	return []Route{{Method: "GET", Path: s.CallbackPath, only: true, handle: navigated((*call).callback)}}
}

// rootRoutes hang at the root.
var rootRoutes = []Route{
	{Method: "GET", Path: jwksPath, handle: (*call).jwks},
	{Method: "GET", Path: metadataPath, handle: (*call).oauthMetadata},
	{Method: "GET", Path: bundlePath, handle: (*call).bundle},
	{Method: "POST", Path: tokenPath, signed: true, oauth: true, handle: (*call).oauthToken},
	{Method: "POST", Path: introspectPath, signed: true, oauth: true, handle: (*call).introspect},
	{Method: "POST", Path: revokePath, signed: true, oauth: true, handle: (*call).revoke},
	{Method: "GET", Path: "/tokens", Demand: SignedIn, handle: (*call).listTokens},
	{Method: "POST", Path: "/tokens", Demand: SignedIn, handle: (*call).makeToken},
	{Method: "DELETE", Path: "/tokens/{id}", Demand: SignedIn, handle: (*call).deleteToken},
	{Method: "GET", Path: "/admin/users", Demand: Administrator, handle: (*call).searchUsers},
	{Method: "POST", Path: "/admin/users", Demand: Administrator, handle: (*call).addUser},
	{Method: "GET", Path: "/admin/users/{id}", Demand: Administrator, handle: (*call).findUser},
	{Method: "POST", Path: "/admin/users/{id}/ban", Demand: Administrator, handle: (*call).ban},
	{Method: "POST", Path: "/admin/users/{id}/unban", Demand: Administrator, handle: (*call).unban},
	{Method: "POST", Path: "/admin/users/{id}/kick", Demand: Administrator, handle: (*call).kick},
	{Method: "PUT", Path: "/admin/users/{id}/permissions", Demand: Administrator, handle: (*call).permit},
	{Method: "GET", Path: "/admin/clients", Demand: Administrator, handle: (*call).listClients},
	{Method: "POST", Path: "/admin/clients", Demand: Administrator, handle: (*call).addClient},
	{Method: "GET", Path: "/admin/clients/{id}", Demand: Administrator, handle: (*call).findClient},
	{Method: "PATCH", Path: "/admin/clients/{id}", Demand: Administrator, handle: (*call).changeClient},
	{Method: "DELETE", Path: "/admin/clients/{id}", Demand: Administrator, handle: (*call).deleteClient},
	{Method: "POST", Path: "/admin/clients/{id}/rotate", Demand: Administrator, handle: (*call).rotateClient},
	{Method: "POST", Path: "/admin/clients/{id}/disable", Demand: Administrator, handle: (*call).disableClient},
	{Method: "POST", Path: "/admin/clients/{id}/enable", Demand: Administrator, handle: (*call).enableClient},
	{Method: "GET", Path: "/admin/tenants", Demand: Administrator, handle: (*call).listTenants},
	{Method: "POST", Path: "/admin/tenants", Demand: Administrator, handle: (*call).addTenant},
	{Method: "GET", Path: "/admin/tenants/{id}", Demand: Administrator, handle: (*call).findTenant},
	{Method: "PATCH", Path: "/admin/tenants/{id}", Demand: Administrator, handle: (*call).changeTenant},
	{Method: "POST", Path: "/admin/blackout", Demand: Administrator, handle: (*call).blackout},
	{Method: "GET", Path: "/admin/keys", Demand: Administrator, handle: (*call).listKeys},
	{Method: "POST", Path: "/admin/keys/rotate", Demand: Administrator, handle: (*call).rotateKeys},
	{Method: "POST", Path: "/admin/keys/{id}/retire", Demand: Administrator, handle: (*call).retireKey},
	{Method: "GET", Path: "/admin/audit", Demand: Administrator, handle: (*call).auditLog},
}

// New returns the whole server as an app that is ready to listen: the routes under
// Config.BasePath and at the root, with limits on time and size.
func New(service *auth.Service, c Config) (*fiber.App, error) {
	if c.BasePath == "" {
		c.BasePath = defaultBase
	}
	s, err := newServer(service, c)
	if err != nil {
		return nil, err
	}
	app := fiber.New(fiber.Config{
		AppName:                      "hexward",
		DisableStartupMessage:        true,
		StrictRouting:                true,
		CaseSensitive:                true,
		DisablePreParseMultipartForm: true,
		ReadTimeout:                  s.ReadTimeout,
		WriteTimeout:                 s.WriteTimeout,
		IdleTimeout:                  s.IdleTimeout,
		ReadBufferSize:               s.maxHeaders(),
		BodyLimit:                    maxBody,
		ErrorHandler:                 s.outside,
	})
	app.Server().SecureErrorLogMessage = true
	s.registerForward(app.Group(s.base))
	s.register(app.Group(s.base), baseRoutes)
	s.register(app, rootRoutes)
	s.register(app, pageRoutes)
	s.register(app, s.callbackRoutes())
	s.pages = true
	routed := app.Handler()
	app.Server().Handler = func(ctx *fasthttp.RequestCtx) {
		if knownMethod(ctx.Method()) {
			routed(ctx)
			return
		}
		c := app.AcquireCtx(ctx)
		defer app.ReleaseCtx(c)
		_ = s.outside(c, fiber.ErrBadRequest) // always nil
	}
	return app, nil
}

// knownMethod reports whether Fiber knows a method. Others it would answer on its
// own.
func knownMethod(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT":
		return true
	}
	return false
}

// Mount adds the routes of accounts, those under the base path, to a router of
// any app, and returns the middleware for the app's own routes. A group's prefix
// is the base path unless Config.BasePath says what browsers see.
func Mount(r fiber.Router, service *auth.Service, c Config) (*Guard, error) {
	if group, ok := r.(*fiber.Group); ok && c.BasePath == "" {
		c.BasePath = strings.TrimSuffix(group.Prefix, "/")
	}
	s, err := newServer(service, c)
	if err != nil {
		return nil, err
	}
	s.registerForward(r)
	s.register(r, baseRoutes)
	return &Guard{s}, nil
}

// MountRoot adds the routes that hang at the root, the administration and the
// public keys, and Config.CallbackPath, to a router of any app.
func MountRoot(r fiber.Router, service *auth.Service, c Config) (*Guard, error) {
	s, err := newServer(service, c)
	if err != nil {
		return nil, err
	}
	s.register(r, rootRoutes)
	s.register(r, s.callbackRoutes())
	return &Guard{s}, nil
}

// register adds routes to a router, and after them what answers other methods of
// their paths.
func (s *server) register(r fiber.Router, routes []Route) {
	methods := map[string][]string{}
	oauth := map[string]bool{}
	var paths []string
	for i := range routes {
		route := &routes[i]
		path := pattern(route.Path)
		if methods[path] == nil {
			paths = append(paths, path)
		}
		methods[path] = append(methods[path], route.Method)
		oauth[path] = route.oauth
		r.Add(route.Method, path, s.handler(route))
		if route.Method == fiber.MethodGet && !route.only {
			methods[path] = append(methods[path], fiber.MethodHead)
			r.Add(fiber.MethodHead, path, s.handler(route))
		}
	}
	for _, path := range paths {
		route := &Route{Path: template(path), oauth: oauth[path], handle: otherMethod(methods[path])}
		r.All(path, s.handler(route))
	}
}

// pattern is a path as Fiber writes it.
func pattern(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// template is a pattern as this package writes it.
func template(pattern string) string {
	segments := strings.Split(pattern, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/")
}

// otherMethod answers a method that a path does not have: OPTIONS with what it
// has, anything else with 405.
func otherMethod(methods []string) func(*call) error {
	allow := strings.Join(append(methods, fiber.MethodOptions), ", ")
	return func(k *call) error {
		k.Set(fiber.HeaderAllow, allow)
		if k.Method() == fiber.MethodOptions {
			return k.preflight(allow)
		}
		return &statusError{status: fiber.StatusMethodNotAllowed, code: "method_not_allowed", detail: fmt.Sprintf("this path takes %s", allow)}
	}
}

// administers is the permission that Administrator demands.
const administers = access.Admin
