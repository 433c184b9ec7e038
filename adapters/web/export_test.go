package web

import (
	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/core/token"
)

// What the external tests and fuzzers reach of the parsers.
var (
	ParseBearer = parseBearer
	Nearest     = nearest
	CheckPath   = checkPath
	CheckWire   = checkWire
	ParseBasic  = parseBasic
	ParseScope  = parseScope
	AppendValue = appendHeaderValue
	AppendJSON  = token.AppendText
)

// ReadCookies returns what a request's headers show: the session, the access
// token, the refresh token, and whether one of them came twice.
func ReadCookies(h *fasthttp.RequestHeader) (session, access, refresh string, ambiguous bool) {
	names := newCookieNames("hexward", "/auth", true)
	shown := names.read(h)
	return shown.Session, shown.Access, shown.refresh, shown.ambiguous
}

// DecodeLogin is a decoder of a body with one member of each sort.
func DecodeLogin(doc string) (login string, err error) {
	var list []string
	var yes bool
	var n int64
	err = decode(doc, []member{
		text("login", &login), optional(texts("list", &list)), optional(flag("yes", &yes)), optional(number("n", &n)),
	})
	return login, err
}

// ParseForm returns the parameters of a form.
func ParseForm(body string) (map[string]string, error) { return parseForm(body) }

// MaxWaiting is how many may wait for a bundle at once.
const MaxWaiting = maxWaiting
