package idp

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// The most bytes of claims that are looked at; longer ones count as absent.
const (
	maxEmail = 320
	maxClaim = 255
)

// said by a provider about a person: what the ID token says, then what userinfo does.
type statements []token.Value

// text returns the claim as the first says it that has it at all; "" if it is no string, or one that cannot be
// shown, or too long.
func (s statements) text(name string, longest int) string {
	for _, v := range s {
		member, there := v.Member(name)
		if !there {
			continue
		}
		text, _ := member.Text()
		return printable(text, longest)
	}
	return ""
}

// printable returns a text that can be shown and is not too long, or "".
func printable(text string, longest int) string {
	if len(text) > longest || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// first returns the first of the claims that is there.
func (s statements) first(names ...string) string {
	for _, name := range names {
		if text := s.text(name, maxClaim); text != "" {
			return text
		}
	}
	return ""
}

// email returns the address, and whether it is verified as the same source says, or another does about the same
// address.
func (s statements) email() (address string, verified bool) {
	address = s.text("email", maxEmail)
	if !strings.Contains(address, "@") {
		return "", false
	}
	for _, v := range s {
		if same, _ := text(v, "email"); same != address {
			continue
		}
		member, there := v.Member("email_verified")
		if there {
			return address, member.Raw() == `true` || member.Raw() == `"true"`
		}
	}
	return address, false
}

// person returns whom verified claims are about.
func (p *Provider) person(ctx context.Context, m metadata, claims token.Claims, tokens session.Tokens) (ports.Person, error) {
	own, err := token.ParseJSON(claims.Raw())
	if err != nil {
		return ports.Person{}, refused(err)
	}
	s := statements{own}
	lacks := s.text("email", maxEmail) == "" && slices.Contains(p.config.Scopes, "email")
	if m.endpoints.UserInfo != "" && (p.config.UserInfo == UserInfoAlways || p.config.UserInfo == UserInfoAuto && lacks) {
		info, err := p.userInfo(ctx, m, &claims, tokens.Access)
		if err != nil {
			return ports.Person{}, err
		}
		s = append(s, info)
	}
	who := p.preset.describe(s)
	who.Issuer, who.Subject, who.Session, who.Tokens = claims.Issuer, claims.Subject, statements{own}.first("sid"), tokens
	if p.config.TenantClaim != "" {
		who.Tenant = s.first(p.config.TenantClaim)
	}
	return who, nil
}

// describe returns what is said of a person beyond who they are.
func (p *preset) describe(s statements) ports.Person {
	who := ports.Person{
		Username: s.first(p.names...),
		Profile:  user.Profile{FullName: s.text("name", 2*maxClaim), Picture: s.text("picture", 8*maxClaim)},
	}
	if who.Profile.FullName == "" {
		who.Profile.FullName = strings.TrimSpace(s.first("given_name") + " " + s.first("family_name"))
	}
	who.Profile = who.Profile.Clean()
	who.Email, who.EmailVerified = s.email()
	if p.vouches != nil && !p.vouches(who.Email, s.first("hd")) {
		who.EmailVerified = false
	}
	return who
}
