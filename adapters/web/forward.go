package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// proxy is how a family of proxies asks about a request.
type proxy struct {
	name        string
	method, uri string // the headers that say which; none where the question itself has the request's method, and its path after ours
	relays      bool   // it hands our refusal to the client as it is; else the client learns of 401 and 403, and anything else is a 500 to it
}

var proxies = []proxy{
	{name: "nginx", method: "X-Original-Method", uri: "X-Original-Uri"},
	{name: "traefik", method: "X-Forwarded-Method", uri: "X-Forwarded-Uri", relays: true},
	{name: "caddy", method: "X-Forwarded-Method", uri: "X-Forwarded-Uri", relays: true},
	{name: "envoy", relays: true},
}

// The bounds of what is asked about, in bytes. A question has the cookies and headers
// of an app's own besides; nginx takes as many of a client by default.
const (
	maxMethod   = 32
	maxTarget   = 8 << 10
	maxQuestion = 32 << 10
)

// maxHeaders bounds the request line and headers, in bytes.
func (s *server) maxHeaders() int {
	if s.Forward != "" {
		return maxQuestion
	}
	return maxHeaders
}

var errForward = fault.New(fault.Forbidden, "forward_headers", "this answers a trusted proxy that says, once and in the way that is configured, which request it asks about")

// checkForward returns everything that is wrong with what a Config says of forward
// authentication, and works it out.
func (s *server) checkForward() (errs []error) {
	if s.Forward == "" {
		if s.Policy != nil {
			errs = append(errs, errors.New("a policy is for forward authentication: name the proxy that asks"))
		}
		if s.ForwardToken {
			errs = append(errs, errors.New("a token for what is behind a proxy is for forward authentication: name the proxy that asks"))
		}
		return errs
	}
	i := slices.IndexFunc(proxies, func(p proxy) bool { return p.name == s.Forward })
	if i < 0 {
		return append(errs, fmt.Errorf("the proxy that asks is nginx, traefik, caddy or envoy, not %q", s.Forward))
	}
	s.asking = &proxies[i]
	if len(s.TrustedProxies) == 0 {
		errs = append(errs, errors.New("forward authentication is for trusted proxies, and there are none: anybody else could say which request is meant"))
	}
	if s.Policy == nil {
		policy, err := access.NewPolicy([]access.Rule{{Path: "/**", Demand: access.SessionOrToken}})
		if err != nil {
			errs = append(errs, err)
		}
		s.Policy = policy
	}
	return errs
}

// registerForward adds where a proxy asks that says the method and path of a
// request with the question's own. It comes before routes whose paths have names.
func (s *server) registerForward(r fiber.Router) {
	if s.Forward != "" && s.asking.uri == "" {
		r.All("/verify/*", s.handler(&Route{Path: "/verify", Based: true, asked: true, handle: (*call).verify}))
	}
}

// forward answers a proxy that asks whether somebody's request may go on. Whatever
// is wrong or missing is an answer that no proxy takes for a yes.
func (k *call) forward() error {
	if err := k.checkApp(); err != nil {
		return err
	}
	k.allowOrigin()
	method, target, ok := k.about()
	if !ok {
		return errForward
	}
	rule, _, ok := k.Policy.Match(method, target)
	if !ok {
		err := refusalFor(access.PathRefused)
		if !k.asking.relays {
			return fault.Wrap(err, fault.Forbidden, fault.CodeOf(err), "this path can be read in more than one way")
		}
		return err
	}
	if err := k.hold(method, rule); err != nil {
		return k.refuse(err, method, target)
	}
	var token string
	if k.ForwardToken && k.who().SignedIn() {
		var err error
		if token, err = k.service.Vouch(k.ctx(), k.identity); err != nil {
			return err
		}
	}
	k.Response().Header.SetCanonical(authToken, utils.UnsafeBytes(token))
	return k.verify()
}

// about returns the method and the target of the request that a proxy asks about. It
// is false when it is no trusted proxy, or does not say both once, as its family
// does and as they stand in a request: the method in upper case, the target as path
// and query.
func (k *call) about() (method, target string, ok bool) {
	if !k.trusts(k.remote()) {
		return "", "", false
	}
	if k.asking.uri != "" {
		method, target = k.one(k.asking.method), k.one(k.asking.uri)
	} else {
		here := strings.TrimSuffix(k.Route().Path, "/*")
		method = k.Method()
		target, ok = strings.CutPrefix(k.OriginalURL(), here)
		if !ok {
			return "", "", false
		}
	}
	if method == "" || len(method) > maxMethod || target == "" || len(target) > maxTarget || target[0] != '/' {
		return "", "", false
	}
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' {
			return "", "", false
		}
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return "", "", false
		}
	}
	return method, target, true
}

// one returns the value of a header that is there exactly once, and "" else. It is a
// view into the request.
func (k *call) one(name string) string {
	values := k.Request().Header.PeekAll(name)
	if len(values) != 1 {
		return ""
	}
	return utils.UnsafeString(values[0])
}

var authToken = []byte("X-Auth-Token")

// signInHeader is where a proxy that does not relay our answer finds where to lead a
// person who is not signed in.
const signInHeader = "X-Auth-Sign-In"

// refuse returns the refusal of a request, or leads a person who is not signed in to
// where they can be.
func (k *call) refuse(err error, method, target string) error {
	if fault.KindOf(err) != fault.Unauthenticated || !k.leadable(method) {
		return err
	}
	to := k.server.origin + "/sign-in"
	if auth.SafeReturn(target) {
		to += "?return_to=" + url.QueryEscape(target)
	}
	if !k.asking.relays {
		k.Response().Header.Set(signInHeader, to)
		return err
	}
	k.dropDead()
	return k.redirect(to)
}

// leadable reports whether a request is a person's who goes to a page that stands
// beside ours: cookies of ours do not reach other hosts, and signing in again does
// not help who has a cookie twice, or shows a token.
func (k *call) leadable(method string) bool {
	if method != fiber.MethodGet || !k.pages || k.shown.HasBearer || k.shown.ambiguous {
		return false
	}
	host := k.one(fiber.HeaderXForwardedHost)
	if k.asking.uri == "" {
		host = utils.UnsafeString(k.Request().Header.Host())
	}
	_, ours, _ := strings.Cut(k.server.origin, "://")
	if !strings.EqualFold(host, ours) {
		return false
	}
	h := &k.Request().Header
	if modes := h.PeekAll("Sec-Fetch-Mode"); len(modes) > 0 {
		return len(modes) == 1 && string(modes[0]) == "navigate"
	}
	return bytes.Contains(h.Peek(fiber.HeaderAccept), []byte(fiber.MIMETextHTML))
}
