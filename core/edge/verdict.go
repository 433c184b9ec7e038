package edge

import (
	"strconv"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// Verdict is what becomes of a request, as the server would answer it.
type Verdict struct {
	Status    int    // 200; 400, 401 or 403 for what the caller did; 503 for what the edge cannot tell
	Code      string // "allowed", or the stable code of the refusal: "token_expired", "session_required", "bundle_expired" …
	Detail    string // a sentence for people; empty when allowed
	Challenge string // the WWW-Authenticate of a 401 (RFC 6750 §3), else empty
	Rule      int    // the index of the rule that is about the request; -1 for the default, and where no rule was asked

	Principal access.Principal // nobody when refused, and for who shows nothing good on a public route
	Claims    token.Claims     // of the signed token that was shown, if it is good; else zero
}

// Allowed reports whether the request may go on.
func (v *Verdict) Allowed() bool { return v.Status == 200 }

// refuse makes v a refusal.
func (v *Verdict) refuse(status int, code, detail string, bearer bool) {
	*v = Verdict{Status: status, Code: code, Detail: detail, Rule: v.Rule}
	if status == 401 {
		v.Challenge = "Bearer"
		if bearer {
			v.Challenge = `Bearer error="invalid_token"`
		}
	}
}

// AppendJSON appends the verdict as a JSON object: allowed, status, code, detail, challenge, rule, principal (subject, name, kind,
// tenant, permissions, session, token, via, expires in Unix milliseconds) and claims, which is the token's payload as it was signed,
// or null.
func (v *Verdict) AppendJSON(b []byte) []byte {
	b = append(b, `{"allowed":`...)
	b = strconv.AppendBool(b, v.Allowed())
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(v.Status), 10)
	b = append(b, `,"code":`...)
	b = token.AppendText(b, v.Code)
	b = append(b, `,"detail":`...)
	b = token.AppendText(b, v.Detail)
	b = append(b, `,"challenge":`...)
	b = token.AppendText(b, v.Challenge)
	b = append(b, `,"rule":`...)
	b = strconv.AppendInt(b, int64(v.Rule), 10)
	p := &v.Principal
	b = append(b, `,"principal":{"subject":`...)
	b = token.AppendText(b, p.Subject)
	b = append(b, `,"name":`...)
	b = token.AppendText(b, p.Name)
	b = append(b, `,"kind":`...)
	b = token.AppendText(b, p.Kind.String())
	b = append(b, `,"tenant":`...)
	b = token.AppendText(b, p.Tenant)
	b = append(b, `,"permissions":`...)
	b = appendTexts(b, p.Permissions)
	b = append(b, `,"session":`...)
	b = token.AppendText(b, p.Session)
	b = append(b, `,"token":`...)
	b = token.AppendText(b, p.Token)
	b = append(b, `,"via":`...)
	b = token.AppendText(b, p.Via.String())
	b = append(b, `,"expires":`...)
	b = strconv.AppendInt(b, p.Expires, 10)
	b = append(b, `},"claims":`...)
	if raw := v.Claims.Raw(); raw != "" {
		b = append(b, raw...)
	} else {
		b = append(b, "null"...)
	}
	return append(b, '}')
}

// appendTexts appends a JSON array of strings.
func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = token.AppendText(b, text)
	}
	return append(b, ']')
}
