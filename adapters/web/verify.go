package web

import (
	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
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
	b = token.AppendText(b, p.Subject)
	b = append(b, `,"name":`...)
	b = token.AppendText(b, p.Name)
	b = append(b, `,"kind":"`...)
	b = append(b, p.Kind.String()...)
	b = append(b, `","tenant":`...)
	b = token.AppendText(b, p.Tenant)
	b = append(b, `,"permissions":[`...)
	for i, permission := range p.Permissions {
		if i > 0 {
			b = append(b, ',')
		}
		b = token.AppendText(b, permission)
	}
	b = append(b, `],"session":`...)
	b = token.AppendText(b, p.Session)
	return append(b, '}')
}

const hexDigits = "0123456789ABCDEF"

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
