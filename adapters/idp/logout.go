package idp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// maxHint is the most bytes of an ID token that are put into a URL. A longer one would make the provider
// refuse the request; the client id tells it as much as it needs.
const maxHint = 4 << 10

// Revoke revokes the refresh token, then the access token, where the provider has a revocation endpoint (RFC 7009).
// Neither keeps the other from being tried. That a provider does not revoke access tokens is no error.
func (p *Provider) Revoke(ctx context.Context, t session.Tokens) error {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if t.Refresh == "" && t.Access == "" {
		return nil
	}
	m, err := p.metadata(ctx)
	if err != nil || m.endpoints.Revocation == "" {
		return err
	}
	var errs []error
	if t.Refresh != "" {
		errs = append(errs, p.revoke(ctx, m, t.Refresh, "refresh_token"))
	}
	if t.Access != "" {
		errs = append(errs, p.revoke(ctx, m, t.Access, "access_token"))
	}
	return errors.Join(errs...)
}

func (p *Provider) revoke(ctx context.Context, m metadata, secret, hint string) error {
	const what = "revocation endpoint"
	form := url.Values{"token": {secret}, "token_type_hint": {hint}}
	basic := p.style(m) == StyleBasic
	if !basic {
		form.Set("client_id", p.config.ClientID)
		if p.config.ClientSecret != "" {
			form.Set("client_secret", p.config.ClientSecret)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.endpoints.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return unavailable(what, said("cannot be asked at its URL"))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		r.SetBasicAuth(url.QueryEscape(p.config.ClientID), url.QueryEscape(p.config.ClientSecret))
	}
	got, err := p.ask(ctx, what, r)
	switch {
	case err != nil:
		return err
	case got.status/100 == 2, got.status == http.StatusBadRequest && got.cannot(hint):
		return nil
	default:
		return unavailable(what, statusOf(got.status))
	}
}

// cannot reports whether a 400 says that tokens of this type are not revoked (RFC 7009 §2.2.1). Providers that
// revoke only refresh tokens have other words for that too.
func (r reply) cannot(hint string) bool {
	doc, err := token.ParseJSON(r.body)
	code, _ := text(doc, "error")
	return err == nil && (code == "unsupported_token_type" || hint == "access_token" && code == "invalid_request")
}

// End returns where the browser is sent to for signing out at the provider.
func (p *Provider) End(ctx context.Context, t session.Tokens, back string) (string, error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	form := p.preset.logout
	if form.none && p.config.Endpoints.EndSession == "" {
		return "", nil
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	at := m.endpoints.EndSession
	if form.path != "" && p.config.Endpoints.EndSession == "" {
		at = origin(m.endpoints.Authorization) + form.path
	}
	u, err := url.Parse(at)
	if err != nil || at == "" {
		return "", nil
	}
	query := u.Query()
	query.Set("client_id", p.config.ClientID)
	if form.back == "" {
		form.back = "post_logout_redirect_uri"
		if t.ID != "" && len(t.ID) <= maxHint {
			query.Set("id_token_hint", t.ID)
		}
	}
	if back != "" {
		query.Set(form.back, back)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// origin returns the scheme and host of a URL.
func origin(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// event is what a logout token is about (OpenID Connect Back-Channel Logout 1.0 §2.4).
const event = "http://schemas.openid.net/event/backchannel-logout"

var logoutToken = signed{
	types: []string{"logout+jwt", "JWT"}, required: []string{"iat", "jti"}, maxAge: maxLogoutTokenAge, why: forLogout,
	also: func(ctx context.Context, v *oidc.IDTokenVerifier, raw string) error {
		_, err := v.VerifyLogout(ctx, raw)
		return err
	},
}

// ReadLogout verifies a logout token by the rules of OpenID Connect Back-Channel Logout 1.0 §2.6. That
// its ID has not been seen before is for the caller to check.
func (p *Provider) ReadLogout(ctx context.Context, raw string) (ports.LogoutToken, error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if p.people != nil {
		return ports.LogoutToken{}, badLogout(said("the provider has no logout tokens"))
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return ports.LogoutToken{}, err
	}
	claims, err := p.verify(ctx, m, raw, logoutToken)
	if err == nil {
		err = checkLogout(&claims)
	}
	switch {
	case err == nil:
		return ports.LogoutToken{Issuer: claims.Issuer, ID: claims.ID, Subject: claims.Subject, Session: claims.Session}, nil
	case fault.KindOf(err) == fault.Unavailable:
		return ports.LogoutToken{}, err
	default:
		return ports.LogoutToken{}, badLogout(err)
	}
}

func checkLogout(claims *token.Claims) error {
	events, _ := claims.Lookup("events")
	what, _ := events.Member(event)
	_, nonce := claims.Lookup("nonce")
	switch {
	case what.Kind() != token.KindObject:
		return said("the token is not about a logout")
	case nonce:
		return said("the token has a nonce, as ID tokens have")
	case len(claims.ID) > maxClaim || len(claims.Session) > maxClaim:
		return said("jti or sid is too long")
	case claims.Subject == "" && claims.Session == "":
		return said("the token says neither whom nor which session to sign out")
	case claims.Subject != "":
		return user.CheckSubject(claims.Subject)
	default:
		return nil
	}
}

func badLogout(cause error) error {
	return fault.Wrap(cause, fault.Invalid, "logout_token", "the logout token is not acceptable")
}
