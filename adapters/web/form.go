package web

import (
	"encoding/hex"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/fault"
)

// maxParameters bounds how many parameters a form has.
const maxParameters = 64

var (
	errFormType  = fault.New(fault.Unsupported, "content_type", "a request is application/x-www-form-urlencoded in UTF-8, without a content encoding")
	errFormForm  = fault.New(fault.Invalid, "malformed_form", "the body is not a form of encoded names and values in UTF-8")
	errFormTwice = fault.New(fault.Invalid, "duplicate", "a parameter is there more than once")
	errFormMany  = fault.New(fault.Invalid, "too_many", "a form has at most 64 parameters")
	errInQuery   = fault.New(fault.Invalid, "query", "parameters are in the body and never in the URL, which ends up in logs")
)

// form is what was posted, by name. What has no value is not there.
type form map[string]string

// parameters reads the form in the request's body as RFC 6749 §3.2 has it: a
// parameter without a value counts as not there, one that is there twice is refused,
// and one that is not known is ignored. Nothing is taken from the URL, where no
// credential belongs (§2.3.1): a query is refused.
func (k *call) parameters() (form, error) {
	r := k.Request()
	if len(r.URI().QueryString()) > 0 {
		return nil, errInQuery
	}
	if !isForm(string(r.Header.ContentType())) || len(r.Header.Peek(fiber.HeaderContentEncoding)) > 0 {
		return nil, errFormType
	}
	if len(r.Body()) > maxBody { // an app around us may take more
		return nil, outsideErrors[fiber.StatusRequestEntityTooLarge]
	}
	return parseForm(string(r.Body()))
}

// isForm reports whether a Content-Type is application/x-www-form-urlencoded, in
// UTF-8 if it says.
func isForm(contentType string) bool {
	if contentType == fiber.MIMEApplicationForm {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != fiber.MIMEApplicationForm {
		return false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// parseForm reads a form strictly (RFC 6749 appendix B).
func parseForm(body string) (form, error) {
	f := form{}
	for len(body) > 0 {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, ok := formText(name)
		if !ok || name == "" {
			return nil, errFormForm
		}
		if value, ok = formText(value); !ok {
			return nil, errFormForm
		}
		if _, there := f[name]; there {
			return nil, errFormTwice
		}
		if len(f) == maxParameters {
			return nil, errFormMany
		}
		f[name] = value
	}
	for name, value := range f {
		if value == "" {
			delete(f, name)
		}
	}
	return f, nil
}

// formText decodes a name or a value. It is false for an escape that is none, for
// what is not UTF-8, and for a semicolon, which separates parameters to some.
func formText(s string) (string, bool) {
	if strings.Contains(s, ";") {
		return "", false
	}
	if !strings.ContainsAny(s, "%+") {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			var octet [1]byte
			if _, err := hex.Decode(octet[:], []byte(s[i+1:i+3])); err != nil {
				return "", false
			}
			b = append(b, octet[0])
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), utf8.Valid(b)
}
