package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/fault"
)

var errCrossOrigin = fault.New(fault.Forbidden, "cross_origin", "another site's page may not do this")

// sameOrigin refuses a request by which another site's page would change
// something in its visitor's name, or sign the visitor in as somebody else.
//
// Browsers say where a request comes from in Sec-Fetch-Site, which no page can
// set (Fetch Metadata), and older ones in Origin; a request with neither does not
// come from a browser, and nothing is attached to it that its sender did not mean
// to. This is the reasoning of net/http.CrossOriginProtection. Requests that an
// Authorization header decides are not checked, but where the answer grants
// cookies: browsers attach that header for Basic authentication on their own.
//
// The method is that of the request which this one's headers are about.
func (k *call) sameOrigin(method string) error {
	switch method {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return nil
	}
	if k.shown.HasBearer && !k.route.grants || k.route.signed {
		return nil
	}
	h := &k.Request().Header
	var site, origin string
	if sites := h.PeekAll("Sec-Fetch-Site"); len(sites) > 1 {
		return errCrossOrigin
	} else if len(sites) == 1 {
		site = string(sites[0])
	}
	if origins := h.PeekAll(fiber.HeaderOrigin); len(origins) > 1 {
		return errCrossOrigin
	} else if len(origins) == 1 {
		origin = string(origins[0])
	}
	switch {
	case site == "same-origin", site == "none": // the page's own, or the person's at the address bar
		return nil
	case site == "" && origin == "":
		return nil
	case site == "" && origin == k.server.origin, k.allowed[origin]:
		return nil
	}
	return errCrossOrigin
}

// ownNavigation reports whether a GET is somebody following a link of the same
// origin, or typing the address. An image or a frame is not.
func (k *call) ownNavigation() bool {
	h := &k.Request().Header
	one := func(name string, want ...string) bool {
		values := h.PeekAll(name)
		if len(values) != 1 {
			return false
		}
		for _, w := range want {
			if string(values[0]) == w {
				return true
			}
		}
		return false
	}
	return one("Sec-Fetch-Site", "same-origin", "none") && one("Sec-Fetch-Mode", "navigate") && one("Sec-Fetch-Dest", "document")
}

// allowOrigin lets the pages of allowed origins read the answer (Fetch, CORS
// protocol).
func (k *call) allowOrigin() bool {
	if len(k.allowed) == 0 {
		return false
	}
	h := &k.Response().Header
	k.Vary(fiber.HeaderOrigin)
	origins := k.Request().Header.PeekAll(fiber.HeaderOrigin)
	if len(origins) != 1 || !k.allowed[string(origins[0])] {
		return false
	}
	h.SetBytesV(fiber.HeaderAccessControlAllowOrigin, origins[0])
	h.Set(fiber.HeaderAccessControlAllowCredentials, "true")
	h.Set(fiber.HeaderAccessControlExposeHeaders, "X-Request-Id, Retry-After, ETag, WWW-Authenticate")
	return true
}

// preflight answers OPTIONS: whatever asks learns the methods, and an allowed
// origin's page what it may send.
func (k *call) preflight(methods string) error {
	if k.allowOrigin() && k.Get(fiber.HeaderAccessControlRequestMethod) != "" {
		h := &k.Response().Header
		h.Set(fiber.HeaderAccessControlAllowMethods, methods)
		h.Set(fiber.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, X-Request-Id")
		h.Set(fiber.HeaderAccessControlMaxAge, "600")
		k.Vary(fiber.HeaderAccessControlRequestMethod, fiber.HeaderAccessControlRequestHeaders)
	}
	return k.nothing()
}

var errHTTPS = fault.New(fault.Forbidden, "https_required", "this is served over https only")

// enforceHTTPS refuses what a trusted proxy took over plain http, when the public
// origin is https. Links and forms are led to https; anything that may already
// have sent a secret is refused, so that it is noticed.
func (k *call) enforceHTTPS() (done bool, err error) {
	if !k.https || len(k.TrustedProxies) == 0 || !k.trusts(k.remote()) {
		return false, nil
	}
	values := k.Request().Header.PeekAll(fiber.HeaderXForwardedProto)
	if len(values) == 0 {
		return false, nil
	}
	list := string(values[len(values)-1])
	proto := strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:]) // the nearest hop's
	if strings.EqualFold(proto, "https") {
		return false, nil
	}
	switch k.Method() {
	case fiber.MethodGet, fiber.MethodHead:
	default:
		return false, errHTTPS
	}
	uri := k.Request().URI()
	to := k.server.origin + string(uri.PathOriginal())
	if query := uri.QueryString(); len(query) > 0 {
		to += "?" + string(query)
	}
	k.Response().Header.Set(fiber.HeaderLocation, to)
	k.Response().Header.Del(fiber.HeaderStrictTransportSecurity) // RFC 6797 §7.2
	k.Status(fiber.StatusPermanentRedirect)
	return true, nil
}
