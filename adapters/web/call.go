package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// call is one request on its way through a route. It lives for the request only,
// like the memory behind everything that Fiber hands out: strings that outlive it
// are copied.
type call struct {
	*fiber.Ctx
	*server
	route *Route

	shown    credentials
	identity auth.Identity
	dead     *cookieName // the cookie that a 401 is about

	id     string     // see requestID
	peer   netip.Addr // see remote
	cancel context.CancelFunc
	cause  error  // of an answer of 500 and more
	buf    []byte // scratch, kept between requests
}

var calls = sync.Pool{New: func() any { return &call{buf: make([]byte, 0, 512)} }}

// handler returns a route as Fiber runs it.
func (s *server) handler(route *Route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s.run(c, route, route.handle)
		return nil
	}
}

// run takes a request through a route and answers it, whatever happens.
func (s *server) run(c *fiber.Ctx, route *Route, handle func(*call) error) {
	k := calls.Get().(*call)
	k.Ctx, k.server, k.route = c, s, route
	defer k.end()
	if err := k.serve(handle); err != nil {
		k.fail(err)
	}
}

func (k *call) end() {
	if r := recover(); r != nil {
		k.fail(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
	}
	if k.cancel != nil {
		k.cancel()
	}
	k.log()
	*k = call{buf: k.buf[:0]}
	calls.Put(k)
}

// serve is what happens to every request.
func (k *call) serve(handle func(*call) error) error {
	k.secure()
	h := &k.Response().Header
	if k.route.unread {
		h.SetConnectionClose()
		return handle(k)
	}
	if !k.route.asked {
		k.requestID()
	}
	if k.route.oauth {
		h.Set(fiber.HeaderPragma, "no-cache") // RFC 6749 §5.1
	}
	if err := checkRequest(&k.Request().Header); err != nil {
		h.SetConnectionClose() // what follows may be part of this request
		return err
	}
	if k.route.asked && k.Forward != "" {
		return k.forward() // about a path that is not ours
	}
	if err := checkPath(k.Request().URI().PathOriginal()); err != nil {
		return err
	}
	if err := k.checkApp(); err != nil {
		return err
	}
	if !k.route.asked {
		if done, err := k.enforceHTTPS(); done || err != nil {
			return err
		}
	}
	k.allowOrigin()
	k.shown = k.cookies.read(&k.Request().Header)
	if err := k.sameOrigin(k.Method()); err != nil {
		return err
	}
	if k.route.Demand != Anybody {
		if err := k.authenticate(); err != nil {
			return err
		}
		if err := k.demand(); err != nil {
			return err
		}
		if k.identity.RotateDue && !k.route.asked {
			if err := k.renew(); err != nil {
				return err
			}
		}
	}
	return handle(k)
}

// checkApp returns an error in an app that leaves header names as they come: then
// a lower-case Authorization, Origin or Sec-Fetch-Site would not be seen.
func (k *call) checkApp() error {
	k.appChecked.Do(func() {
		if k.App().Config().DisableHeaderNormalizing {
			k.appError = errors.New("web: the app around sets fiber.Config.DisableHeaderNormalizing, without which a header may be overlooked")
		}
	})
	return k.appError
}

// secure sets what every answer has.
func (k *call) secure() {
	h := &k.Response().Header
	for i := range k.headers {
		h.SetCanonical(k.headers[i].name, k.headers[i].value)
	}
}

var (
	errUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "please sign in")
	errForbidden       = fault.New(fault.Forbidden, "forbidden", "you may not do this")
)

// authenticate finds out who asks. It is bounded by the store's own limits: a
// deadline here would cost every check more than the check.
func (k *call) authenticate() error {
	if k.shown.ambiguous {
		return errAmbiguous
	}
	k.shown.From = k
	var err error
	k.identity, err = k.service.Authenticate(context.Background(), k.shown.Credentials)
	if err != nil && fault.KindOf(err) == fault.Unauthenticated {
		k.dead = k.shown.decisive
	}
	if k.DevelopmentUser && err == nil && !k.identity.SignedIn() {
		return k.develop()
	}
	return err
}

// demand holds who asks against the route.
func (k *call) demand() error {
	switch {
	case !k.identity.SignedIn():
		return errUnauthenticated
	case k.route.Demand == Administrator && !k.identity.Has(administers):
		return errForbidden
	}
	return nil
}

// renew replaces the id of a session that is due for it.
func (k *call) renew() error {
	cookie, err := k.service.Renew(k.ctx(), k.shown.Session)
	switch {
	case err != nil && fault.KindOf(err) == fault.Unauthenticated:
		k.dead = k.shown.decisive
		return err
	case err != nil: // the session works on; the next request tries again
		k.Log.LogAttrs(context.Background(), slog.LevelWarn, "session id not renewed", slog.String("request", k.requestID()), slog.Any("error", err))
	case cookie != "":
		k.setCookie(&k.cookies.session, cookie, k.service.Settings.Life.Absolute)
	}
	return nil
}

// who returns who asks.
func (k *call) who() *access.Principal { return k.identity.Principal }

// ctx returns the context of the use cases that this call runs: the app's own
// context with a deadline. Fiber's request is not used for it: it ends when the
// server begins to shut down, and what is under way should be finished then.
func (k *call) ctx() context.Context {
	ctx, cancel := context.WithTimeout(k.UserContext(), k.Timeout)
	if before := k.cancel; before != nil {
		k.cancel = func() { cancel(); before() }
	} else {
		k.cancel = cancel
	}
	return ctx
}

// client returns what the core wants to know of where the request comes from.
func (k *call) client() auth.Client {
	return auth.Client{
		Address: k.address(),
		Agent:   strings.Clone(k.Get(fiber.HeaderUserAgent)),
		Request: k.requestID(),
	}
}

// Visitor is client for whom a credential makes a user here.
func (k *call) Visitor() auth.Client { return k.client() }

// requestID returns the request's id, which the answer has in X-Request-Id: a
// trusted proxy's, or a new one.
func (k *call) requestID() string {
	if k.id != "" {
		return k.id
	}
	if k.trusts(k.remote()) {
		if id := k.Get(fiber.HeaderXRequestID); validRequestID(id) {
			k.id = strings.Clone(id)
		}
	}
	if k.id == "" {
		var b [12]byte
		_, _ = rand.Read(b[:]) // never fails
		k.id = hex.EncodeToString(b[:])
	}
	k.Response().Header.Set(fiber.HeaderXRequestID, k.id)
	return k.id
}

func validRequestID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, letters+digits+"-_.") == ""
}

// param returns a segment of the path.
func (k *call) param(name string) string { return strings.Clone(k.Params(name)) }

// nobody is an id that nothing has.
const nobody = "00000000-0000-0000-0000-000000000000"

// pathID returns the id in the path. What is none is read as one that nothing has,
// so that it has the same answer.
func (k *call) pathID() string {
	id := k.Params("id")
	if len(id) != len(nobody) {
		return nobody
	}
	for i := range len(id) {
		c := id[i]
		if nobody[i] == '-' && c != '-' || nobody[i] != '-' && !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return nobody
		}
	}
	return strings.Clone(id)
}

// answer writes a value as JSON.
func (k *call) answer(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	k.Status(status)
	k.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
	k.Response().SetBodyRaw(body)
	return nil
}

// nothing answers 204.
func (k *call) nothing() error {
	k.Status(fiber.StatusNoContent)
	return nil
}

// accessLevel is the default of Config.AccessLevel.
func accessLevel(route string, status int) slog.Level {
	switch {
	case status >= fiber.StatusInternalServerError:
		return slog.LevelError
	case route == "/verify" && status < fiber.StatusMultipleChoices, route == bundlePath && status < fiber.StatusBadRequest:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// log writes the line of a request. It names the route and not the path, which may
// have a secret in it.
func (k *call) log() {
	ctx := context.Background()
	status := k.Response().StatusCode()
	level := k.AccessLevel(k.route.Path, status)
	if !k.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String("method", strings.Clone(k.Method())),
		slog.String("route", k.route.Path),
		slog.Int("status", status),
		slog.Int("bytes", len(k.Response().Body())),
		slog.String("request", k.requestID()),
	)
	if start := k.Context().Time(); !start.IsZero() {
		attrs = append(attrs, slog.Duration("duration", time.Since(start)))
	}
	if client := k.address(); client.IsValid() {
		attrs = append(attrs, slog.String("client", client.String()))
	}
	if p := k.who(); p != nil && p.SignedIn() {
		attrs = append(attrs, slog.String("user", p.Subject))
	}
	if k.cause != nil {
		attrs = append(attrs, slog.String("error", k.cause.Error()))
	}
	k.Log.LogAttrs(ctx, level, "request", attrs...)
}
