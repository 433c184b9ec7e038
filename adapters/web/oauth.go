package web

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/fault"
)

// The paths of the endpoints of RFC 6749, 7662 and 7009.
const (
	tokenPath      = "/oauth/token" //nolint:gosec // G101: a path, and no secret
	introspectPath = "/oauth/introspect"
	revokePath     = "/oauth/revoke"
)

// refusal is a refusal of these endpoints, in the words of RFC 6749 §5.2.
type refusal struct {
	status      int
	code        string
	description string // printable ASCII without quotes and backslashes
}

func (e *refusal) Error() string { return e.code + ": " + e.description }

// missing is the refusal of a request without a parameter.
func missing(name string) error {
	return &refusal{fiber.StatusBadRequest, "invalid_request", name + " is required"}
}

// failOAuth answers a problem in the words of RFC 6749 §5.2, which has fewer of them.
// A refused client is told how to prove who it is, whatever way it tried: a 401 says so
// (RFC 9110 §15.5.2), and RFC 6749 knows one way of HTTP's own.
func (k *call) failOAuth(p *problem) {
	status, out := p.Status, oauthError{Error: "invalid_request", Description: plain(p.Detail)}
	switch {
	case p.oauth, p.Code == errScope.code && status == errScope.status:
		out.Error = p.Code
	case status == fiber.StatusUnauthorized:
		out.Error = errClient.code
	case status == fiber.StatusTooManyRequests, status == fiber.StatusServiceUnavailable:
		out.Error = "temporarily_unavailable"
	case status >= fiber.StatusInternalServerError:
		out.Error = "server_error"
	case status == fiber.StatusUnsupportedMediaType: // §5.2: 400 unless it says otherwise
		status = fiber.StatusBadRequest
	}
	if status == fiber.StatusUnauthorized {
		k.Response().Header.Set(fiber.HeaderWWWAuthenticate, `Basic realm="oauth", charset="UTF-8"`)
	}
	if err := k.answer(status, out); err != nil { // two strings: it cannot
		k.Status(fiber.StatusInternalServerError)
	}
}

// plain turns what an error_description cannot have into what it can.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\\':
			return '\''
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
}

// tokenJSON is what the token endpoint answers (RFC 6749 §5.1).
type tokenJSON struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"` // what was granted
}

// oauthToken is the token endpoint.
func (k *call) oauthToken() error {
	f, err := k.parameters()
	if err != nil {
		return err
	}
	switch f["grant_type"] {
	case "client_credentials":
		return k.clientCredentials(f)
	case "refresh_token":
		return k.refreshGrant(f)
	case "":
		return missing("grant_type")
	default:
		return &refusal{fiber.StatusBadRequest, "unsupported_grant_type", "grant_type is client_credentials or refresh_token"}
	}
}

var errScope = &refusal{fiber.StatusBadRequest, "invalid_scope", "a scope is a list of words with one space between them"}

// parseScope reads a scope parameter (RFC 6749 §3.3).
func parseScope(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	list := strings.Split(s, " ")
	for _, scope := range list {
		if scope == "" || plain(scope) != scope {
			return nil, errScope
		}
	}
	return list, nil
}

// clientCredentials gives a machine its token (RFC 6749 §4.4).
func (k *call) clientCredentials(f form) error {
	proof, err := k.proven(f)
	if err != nil {
		return err
	}
	scopes, err := parseScope(f["scope"])
	if err != nil {
		return err
	}
	g, err := k.service.IssueMachineToken(k.ctx(), proof, scopes, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, tokenJSON{
		AccessToken: g.Access, TokenType: "Bearer", ExpiresIn: int64(g.Life / time.Second), Scope: strings.Join(g.Scopes, " "),
	})
}

var (
	errNotClients = &refusal{fiber.StatusBadRequest, "unauthorized_client", "a client has no refresh tokens: it asks for another token"}
	errNarrower   = &refusal{fiber.StatusBadRequest, "invalid_scope", "a refresh cannot ask for another scope"}
)

// refreshGrant takes a user's refresh token for a new one (RFC 6749 §6), wherever the
// sign-in delivered it. Such a token is no client's: one that proves who it is uses
// somebody else's. Everything is checked before the token, which works once.
func (k *call) refreshGrant(f form) error {
	switch proof, err := k.proof(f); {
	case err != nil:
		return err
	case proof != nil:
		return errNotClients
	case f["scope"] != "":
		return errNarrower
	case f["refresh_token"] == "":
		return missing("refresh_token")
	}
	g, err := k.service.Refresh(k.ctx(), f["refresh_token"], k.client())
	if err != nil {
		if kind := fault.KindOf(err); kind == fault.Unauthenticated || kind == fault.Forbidden {
			return &refusal{fiber.StatusBadRequest, "invalid_grant", "the refresh token is not valid; please sign in"}
		}
		return err
	}
	return k.answer(fiber.StatusOK, tokenJSON{
		AccessToken: g.Access, TokenType: "Bearer", ExpiresIn: int64(g.AccessLife / time.Second),
		RefreshToken: g.Refresh, Scope: strings.Join(g.User.Permissions, " "),
	})
}

// introspectionJSON is what is told of a token (RFC 7662 §2.2). Of one that is not
// active nothing but that is told.
type introspectionJSON struct {
	Active      bool     `json:"active"`
	TokenType   string   `json:"token_type,omitempty"`
	Scope       string   `json:"scope,omitempty"`
	ClientID    string   `json:"client_id,omitempty"`
	Username    string   `json:"username,omitempty"`
	Subject     string   `json:"sub,omitempty"`
	Audience    any      `json:"aud,omitempty"` // one string, or an array of several
	Issuer      string   `json:"iss,omitempty"`
	ID          string   `json:"jti,omitempty"`
	Session     string   `json:"sid,omitempty"`
	Tenant      string   `json:"tenant,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Expiry      int64    `json:"exp,omitempty"`
	IssuedAt    int64    `json:"iat,omitempty"`
	NotBefore   int64    `json:"nbf,omitempty"`
}

// introspect tells a client of a token. A hint at what sort of token it is is not
// needed (RFC 7662 §2.1).
func (k *call) introspect() error {
	f, err := k.parameters()
	if err != nil {
		return err
	}
	proof, err := k.proven(f)
	if err != nil {
		return err
	}
	if f["token"] == "" {
		return missing("token")
	}
	in, err := k.service.Introspect(k.ctx(), proof, f["token"], k.client())
	if err != nil {
		return err
	}
	if !in.Active {
		return k.answer(fiber.StatusOK, introspectionJSON{})
	}
	out := introspectionJSON{
		Active: true, TokenType: in.Type, Scope: in.Scope, ClientID: in.ClientID, Username: in.Username, Subject: in.Subject,
		Issuer: in.Issuer, ID: in.ID, Session: in.Session, Tenant: in.Tenant, Permissions: in.Permissions,
		Expiry: in.Expiry, IssuedAt: in.IssuedAt, NotBefore: in.NotBefore,
	}
	switch len(in.Audience) {
	case 0:
	case 1:
		out.Audience = in.Audience[0]
	default:
		out.Audience = in.Audience
	}
	return k.answer(fiber.StatusOK, out)
}

// revoke ends a token. That there is nothing to end is no error (RFC 7009 §2.2).
func (k *call) revoke() error {
	f, err := k.parameters()
	if err != nil {
		return err
	}
	proof, err := k.proof(f)
	if err != nil {
		return err
	}
	if f["token"] == "" {
		return missing("token")
	}
	return k.service.RevokeToken(k.ctx(), proof, f["token"], k.client())
}
