package idp

import (
	"context"
	"net/http"
	"strconv"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// peopleAPI returns who the access token's owner is, at a provider that has an interface of its own for that.
type peopleAPI func(ctx context.Context, m metadata, tokens session.Tokens) (ports.Person, error)

// gitHub asks GitHub's REST interface, as presets.go cites it. The subject is the numeric id, which stays when the
// login changes; the e-mail address is the primary one.
func gitHub(p *Provider) peopleAPI {
	return func(ctx context.Context, m metadata, tokens session.Tokens) (ports.Person, error) {
		const what = "GitHub's user"
		got, err := p.get(ctx, what, m.endpoints.UserInfo, tokens.Access)
		if err != nil {
			return ports.Person{}, err
		}
		v, err := got.document(what, false)
		if err != nil {
			return ports.Person{}, err
		}
		number, _ := v.Member("id")
		id, ok := number.Int()
		if !ok || id <= 0 {
			return ports.Person{}, unavailable(what, said("has no id"))
		}
		s := statements{v}
		who := ports.Person{
			Issuer: m.issuer, Subject: strconv.FormatInt(id, 10), Username: s.first("login"), Tokens: tokens,
			Profile: user.Profile{FullName: s.text("name", 2*maxClaim), Picture: s.text("avatar_url", 8*maxClaim)}.Clean(),
		}
		if p.config.TenantClaim != "" {
			who.Tenant = s.first(p.config.TenantClaim)
		}
		if m.endpoints.Emails == "" {
			return who, nil
		}
		if who.Email, who.EmailVerified, err = p.gitHubEmail(ctx, m, tokens.Access); err != nil {
			return ports.Person{}, err
		}
		return who, nil
	}
}

// gitHubEmail returns the primary address, and whether it is verified. Without the scope user:email there is none.
func (p *Provider) gitHubEmail(ctx context.Context, m metadata, access string) (address string, verified bool, err error) {
	const what = "GitHub's e-mail addresses"
	got, err := p.get(ctx, what, m.endpoints.Emails, access)
	if err != nil {
		return "", false, err
	}
	if got.status == http.StatusForbidden || got.status == http.StatusNotFound {
		return "", false, nil
	}
	list, err := got.document(what, true)
	if err != nil {
		return "", false, err
	}
	for c := list.Members(); c.Next(); {
		if primary, _ := c.Value().Member("primary"); primary.Raw() != "true" {
			continue
		}
		yes, _ := c.Value().Member("verified")
		address = statements{c.Value()}.text("email", maxEmail)
		return address, address != "" && yes.Raw() == "true", nil
	}
	return "", false, nil
}
