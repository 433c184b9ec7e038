package web

import (
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/access"
)

var (
	authSubject     = []byte("X-Auth-Subject")
	authName        = []byte("X-Auth-Name")
	authKind        = []byte("X-Auth-Kind")
	authTenant      = []byte("X-Auth-Tenant")
	authPermissions = []byte("X-Auth-Permissions")
	authSession     = []byte("X-Auth-Session")
)

// verify is what every request to everything behind Hexward waits for, so it
// builds its answer by hand, into memory that the connection keeps, and a good
// one has no request id. A proxy asks on behalf of somebody's request to something
// else: it would not hand a new session id on, and what it says of http is not
// about us.
func (k *call) verify() error {
	p := k.who()
	r := k.Response()
	h := &r.Header
	b := appendHeaderValue(k.buf[:0], p.Subject)
	h.SetCanonical(authSubject, b)
	b = appendHeaderValue(b[:0], p.Name)
	h.SetCanonical(authName, b)
	h.SetCanonical(authKind, append(b[:0], p.Kind.String()...))
	b = appendHeaderValue(b[:0], p.Tenant)
	h.SetCanonical(authTenant, b)
	b = b[:0]
	for i, permission := range p.Permissions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendHeaderValue(b, permission)
	}
	h.SetCanonical(authPermissions, b)
	b = appendHeaderValue(b[:0], p.Session)
	h.SetCanonical(authSession, b)
	k.buf = b
	h.SetContentType(fiber.MIMEApplicationJSON)
	r.SwapBody(appendPrincipal(r.SwapBody(nil)[:0], p))
	return nil
}

// appendPrincipal appends a principal as JSON.
func appendPrincipal(b []byte, p *access.Principal) []byte {
	b = append(b, `{"subject":`...)
	b = appendString(b, p.Subject)
	b = append(b, `,"name":`...)
	b = appendString(b, p.Name)
	b = append(b, `,"kind":"`...)
	b = append(b, p.Kind.String()...)
	b = append(b, `","tenant":`...)
	b = appendString(b, p.Tenant)
	b = append(b, `,"permissions":[`...)
	for i, permission := range p.Permissions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, permission)
	}
	b = append(b, `],"session":`...)
	b = appendString(b, p.Session)
	return append(b, '}')
}

const hexDigits = "0123456789ABCDEF"

// appendString appends a JSON string (RFC 8259 §7).
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f {
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			start = i + 1
		}
		i++
	}
	return append(append(b, s[start:]...), '"')
}

// appendHeaderValue appends a value of an X-Auth-* header: what is not printable
// ASCII, and the percent sign, is percent-encoded (RFC 3986 §2.1).
func appendHeaderValue(b []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '%' {
			b = append(append(b, s[start:i]...), '%', hexDigits[c>>4], hexDigits[c&15])
			start = i + 1
		}
	}
	return append(b, s[start:]...)
}
