package web

import (
	"bytes"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// cookieName is one of our cookies.
type cookieName struct {
	name   string
	path   string
	secure bool
}

// cookieNames are our cookies.
type cookieNames struct {
	session, access, refresh cookieName
	flow                     cookieName // binds sign-ins at providers to the browser
}

// newCookieNames returns the names for an origin. A browser takes a __Host- cookie
// from https only, for this host alone and for every path, so that no other host
// of the domain can plant one; __Secure- leaves the path free.
func newCookieNames(prefix, base string, https bool) cookieNames {
	host, secure := "", ""
	if https {
		host, secure = "__Host-", "__Secure-"
	}
	return cookieNames{
		session: cookieName{host + prefix + "_session", "/", https},
		access:  cookieName{host + prefix + "_access", "/", https},
		flow:    cookieName{host + prefix + "_flow", "/", https},
		refresh: cookieName{secure + prefix + "_refresh", base + "/token/refresh", https},
	}
}

// credentials is what a request shows. The strings are views into the request but for
// tokens, which are copied: somebody may remember what they say.
type credentials struct {
	auth.Credentials
	refresh   string
	decisive  *cookieName // the cookie that decides; nil if none does
	ambiguous bool        // one of our cookies came twice
}

var errAmbiguous = fault.New(fault.Unauthenticated, "cookie_twice", "a cookie of ours came more than once; clear this site's cookies and sign in")

// read takes the credentials out of a request. Cookies are not looked at beside an
// Authorization header. A cookie that comes twice was planted once, by another
// host of the domain, and there is no telling which.
func (n *cookieNames) read(h *fasthttp.RequestHeader) (shown credentials) {
	if values := h.PeekAll(fiber.HeaderAuthorization); len(values) > 0 {
		shown.HasBearer = true
		if len(values) == 1 {
			shown.Bearer = parseBearer(values[0])
		}
		return shown
	}
	for _, line := range h.PeekAll(fiber.HeaderCookie) {
		for len(line) > 0 {
			var name, value []byte
			name, value, line = nextCookie(line)
			var into *string
			switch string(name) {
			case n.session.name:
				into = &shown.Session
			case n.access.name:
				into = &shown.Access
			case n.refresh.name:
				into = &shown.refresh
			default:
				continue
			}
			if *into != "" {
				shown.ambiguous = true
			}
			*into = utils.UnsafeString(value)
			if len(value) == 0 {
				*into = "-" // there, and no credential
			}
		}
	}
	switch {
	case shown.ambiguous:
		shown.Session, shown.Access, shown.refresh = "", "", ""
	case shown.Session != "":
		shown.decisive = &n.session
	case shown.Access != "":
		shown.decisive = &n.access
		shown.Access = utils.CopyString(shown.Access) // as of a header: a token may be remembered
	}
	return shown
}

// maxShown bounds how many credentials of one request are looked at.
const maxShown = 16

// each returns every session and access cookie of a request alone, for a request
// that has one of them twice.
func (n *cookieNames) each(h *fasthttp.RequestHeader) (list []auth.Credentials) {
	for _, line := range h.PeekAll(fiber.HeaderCookie) {
		for len(line) > 0 && len(list) < maxShown {
			var name, value []byte
			name, value, line = nextCookie(line)
			switch string(name) {
			case n.session.name:
				list = append(list, auth.Credentials{Session: string(value)})
			case n.access.name:
				list = append(list, auth.Credentials{Access: string(value)})
			}
		}
	}
	return list
}

// nextCookie takes the first pair off a Cookie header (RFC 6265 §4.2.1).
func nextCookie(line []byte) (name, value, rest []byte) {
	pair := line
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		pair, rest = line[:i], line[i+1:]
	}
	if i := bytes.IndexByte(pair, '='); i >= 0 {
		pair, value = pair[:i], pair[i+1:]
	}
	return bytes.Trim(pair, " \t"), bytes.Trim(value, " \t"), rest
}

// parseBearer returns the token of an Authorization header (RFC 6750 §2.1), or ""
// for anything else.
func parseBearer(value []byte) string {
	const scheme = "bearer"
	if len(value) <= len(scheme) || value[len(scheme)] != ' ' {
		return ""
	}
	for i := range len(scheme) {
		if value[i]|0x20 != scheme[i] {
			return ""
		}
	}
	token := bytes.Trim(value[len(scheme):], " ")
	for _, c := range token {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/', c == '=':
		default:
			return ""
		}
	}
	return string(token)
}

// setCookie gives the browser a cookie for so long.
func (k *call) setCookie(n *cookieName, value string, life time.Duration) {
	c := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(c)
	n.fill(c, value)
	c.SetMaxAge(max(1, int(life/time.Second)))
	k.Response().Header.SetCookie(c)
}

// dropCookie has the browser forget a cookie.
func (k *call) dropCookie(n *cookieName) {
	c := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(c)
	n.fill(c, "")
	c.SetExpire(fasthttp.CookieExpireDelete)
	k.Response().Header.SetCookie(c)
}

func (n *cookieName) fill(c *fasthttp.Cookie, value string) {
	c.SetKey(n.name)
	c.SetValue(value)
	c.SetPath(n.path)
	c.SetHTTPOnly(true)
	c.SetSecure(n.secure)
	c.SetSameSite(fasthttp.CookieSameSiteLaxMode)
}

// dropCookies has the browser forget the whole sign-in.
func (k *call) dropCookies() {
	k.dropCookie(&k.cookies.session)
	k.dropCookie(&k.cookies.access)
	k.dropCookie(&k.cookies.refresh)
}

// dropDead has the browser forget the cookie that a 401 is about. It stays when
// it came twice: without it, the planted one would be taken for good.
func (k *call) dropDead() {
	if k.dead != nil {
		k.dropCookie(k.dead)
	}
}
