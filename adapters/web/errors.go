package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/fault"
)

// statusOf is the one table from kinds of faults to HTTP.
var statusOf = map[fault.Kind]int{
	fault.Internal:        fiber.StatusInternalServerError,
	fault.Invalid:         fiber.StatusBadRequest,
	fault.Unauthenticated: fiber.StatusUnauthorized,
	fault.Forbidden:       fiber.StatusForbidden,
	fault.NotFound:        fiber.StatusNotFound,
	fault.Conflict:        fiber.StatusConflict,
	fault.Throttled:       fiber.StatusTooManyRequests,
	fault.TooLarge:        fiber.StatusRequestEntityTooLarge,
	fault.Unsupported:     fiber.StatusUnsupportedMediaType,
	fault.Unavailable:     fiber.StatusServiceUnavailable,
}

// unavailableFor is the Retry-After of a 503 that does not know better.
const unavailableFor = 2 * time.Second

// statusError is what HTTP itself refuses, for which the core has no kind.
type statusError struct {
	status int
	code   string
	detail string
}

func (e *statusError) Error() string { return e.code + ": " + e.detail }

// What Fiber and the server below it refuse, by status: nothing of their text is
// shown, because it quotes the request.
var outsideErrors = map[int]*statusError{
	fiber.StatusBadRequest:                  {fiber.StatusBadRequest, "malformed_request", "this is not an HTTP request that can be understood"},
	fiber.StatusNotFound:                    {fiber.StatusNotFound, "not_found", "there is nothing here"},
	fiber.StatusRequestTimeout:              {fiber.StatusRequestTimeout, "request_timeout", "the request did not arrive in time"},
	fiber.StatusRequestEntityTooLarge:       {fiber.StatusRequestEntityTooLarge, "body_too_large", "a body has at most 65536 bytes"},
	fiber.StatusRequestHeaderFieldsTooLarge: {fiber.StatusRequestHeaderFieldsTooLarge, "headers_too_large", "the request line and headers are longer than this server takes"},
}

// problem is an error as RFC 9457 writes it. Its type is about:blank, so the title
// is the status' own (§4.2.1); code tells errors apart.
type problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Code      string        `json:"code"`
	Detail    string        `json:"detail"`
	Errors    []fault.Field `json:"errors,omitempty"`
	RequestID string        `json:"request_id,omitempty"` // when somebody should look into the log

	oauth bool // the code is one of RFC 6749
}

// problemOf turns any error into an answer. retry is zero unless the client should
// wait.
func problemOf(err error) (p problem, retry time.Duration) {
	var status *statusError
	if errors.As(err, &status) {
		return problem{Status: status.status, Code: status.code, Detail: status.detail}, 0
	}
	var refused *refusal
	if errors.As(err, &refused) {
		return problem{Status: refused.status, Code: refused.code, Detail: refused.description, oauth: true}, 0
	}
	var f *fault.Error
	errors.As(err, &f)
	kind := fault.KindOf(err)
	if kind == fault.Internal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		kind, f = fault.Unavailable, nil
	}
	p.Status = statusOf[kind]
	switch {
	case kind == fault.Internal:
		p.Code, p.Detail = "internal", "something went wrong here; it has been noted under the request id"
	case f == nil:
		p.Code, p.Detail = "unavailable", "this took too long; please try again"
	default:
		p.Code, p.Detail, p.Errors = f.Code, f.Message, f.Fields
		retry = f.RetryAfter
	}
	if kind == fault.Unavailable && retry == 0 {
		retry = unavailableFor
	}
	return p, retry
}

// fail answers with an error, whatever was answered before.
func (k *call) fail(err error) {
	p, retry := problemOf(err)
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.Status >= fiber.StatusInternalServerError {
		p.RequestID = k.requestID()
		k.cause = err
	}
	h := &k.Response().Header
	if retry > 0 {
		h.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
	if k.route.oauth {
		k.failOAuth(&p)
		return
	}
	if p.Status == fiber.StatusUnauthorized {
		challenge := "Bearer"
		if k.shown.HasBearer { // RFC 6750 §3.1
			challenge = `Bearer error="invalid_token"`
		}
		h.Set(fiber.HeaderWWWAuthenticate, challenge)
		k.dropDead()
	}
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers only: it cannot
		body = []byte(`{"status":500,"code":"internal"}`)
	}
	k.Status(p.Status)
	h.SetContentType("application/problem+json")
	k.Response().SetBodyRaw(body)
}

// outside answers what never reached a route: paths that there are not, and
// requests that the server below could not read. It is New's ErrorHandler.
func (s *server) outside(c *fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	var e *fiber.Error
	if errors.As(err, &e) {
		status = e.Code
		if status >= fiber.StatusInternalServerError { // the connection broke
			status = fiber.StatusBadRequest
		}
	}
	route := unread
	if status == fiber.StatusNotFound {
		route = nowhere
	}
	s.run(c, route, func(*call) error {
		switch {
		case outsideErrors[status] != nil:
			return outsideErrors[status]
		case status < fiber.StatusInternalServerError:
			return &statusError{status, "refused", http.StatusText(status)}
		default:
			return err
		}
	})
	return nil
}

// The routes of what has none: a request for another path, and one that could
// not be read, of which nothing is looked at.
var (
	nowhere = &Route{Path: "(none)"}
	unread  = &Route{Path: "(unread)", unread: true}
)
