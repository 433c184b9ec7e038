package idp

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// Person returns whom a user's token is about, as it says itself, and as the issuer does when it is asked.
func (i *Issuer) Person(ctx context.Context, compact string, b *ports.Bearer) (ports.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, patience*i.timeout)
	defer cancel()
	own, err := token.ParseJSON(b.Claims.Raw())
	if err != nil {
		return ports.Person{}, refused(err)
	}
	s := statements{own}
	info, err := i.info(ctx, compact, &b.Claims, s.text("email", maxEmail) == "")
	if err != nil {
		return ports.Person{}, err
	}
	if info.Kind() == token.KindObject {
		s = append(s, info)
	}
	who := i.preset.describe(s)
	who.Issuer, who.Subject, who.Session, who.Tenant = b.Claims.Issuer, b.Claims.Subject, statements{own}.first("sid"), b.Tenant
	if who.Tenant == "" && i.config.TenantClaim != "" {
		who.Tenant = s.first(i.config.TenantClaim)
	}
	return who, nil
}

// info returns what the issuer says of a token's person, or the zero value when it is not asked. lacks tells that the token
// has no e-mail address.
func (i *Issuer) info(ctx context.Context, compact string, c *token.Claims, lacks bool) (token.Value, error) {
	always := i.config.UserInfo == UserInfoAlways
	if i.config.UserInfo == UserInfoNever || !always && !lacks {
		return token.Value{}, nil
	}
	if i.config.People.URL != "" {
		return i.lookUp(ctx, c.Subject)
	}
	if !always && !slices.Contains(strings.Fields(c.Scope), "openid") { // it would be refused there (OpenID Connect Core 1.0 §5.3)
		return token.Value{}, nil
	}
	const what = "userinfo"
	m, err := i.metadata(ctx)
	switch {
	case err != nil:
		return token.Value{}, err
	case m.endpoints.UserInfo == "" && always:
		return token.Value{}, unavailable(what, said("there is no such endpoint"))
	case m.endpoints.UserInfo == "":
		return token.Value{}, nil
	}
	got, err := i.get(ctx, what, m.endpoints.UserInfo, compact)
	if err != nil {
		return token.Value{}, err
	}
	if got.status == http.StatusUnauthorized || got.status == http.StatusForbidden {
		return token.Value{}, refused(said("userinfo refuses the token"))
	}
	return got.about(what, "sub", c.Subject)
}

// about returns the object of a reply, which must be about a subject (OpenID Connect Core 1.0 §5.3.2).
func (r reply) about(what, member, subject string) (token.Value, error) {
	info, err := r.document(what, false)
	if err != nil {
		return token.Value{}, err
	}
	if theirs, _ := text(info, member); theirs != subject {
		return token.Value{}, refused(said(what + " is about another subject"))
	}
	return info, nil
}

// lookUp asks the interface for users.
func (i *Issuer) lookUp(ctx context.Context, subject string) (token.Value, error) {
	const what = "the interface for users"
	part, ok := segment(subject)
	if !ok {
		return token.Value{}, refused(said("the subject cannot be a part of a path"))
	}
	secret, err := i.config.People.Secret()
	if err != nil || !textForm.MatchString(secret) {
		return token.Value{}, unavailable(what, said("there is no secret to ask with"))
	}
	got, err := i.get(ctx, what, strings.Replace(i.config.People.URL, here, part, 1), secret)
	if err != nil {
		return token.Value{}, err
	}
	if got.status == http.StatusNotFound || got.status == http.StatusGone {
		return token.Value{}, refused(said("nobody has this subject any more"))
	}
	member := i.config.People.Subject
	if member == "" {
		member = "sub"
	}
	return got.about(what, member, subject)
}

// segment returns a text as one segment of a path, or as the value of a query's parameter: every byte is escaped but RFC
// 3986's unreserved ones. It is false for what would lead up the path where a server unescapes it before it looks for
// dots, or twice.
func segment(text string) (string, bool) {
	const hex = "0123456789ABCDEF"
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return "", false
		}
	}
	if text == "" || strings.Contains(text, "%") {
		return "", false
	}
	var b strings.Builder
	for n := range len(text) {
		c := text[n]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String(), true
}
