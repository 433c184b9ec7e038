package idp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// maxCode is the most bytes of an authorization code that are sent on; the longest in use have about 2,000.
const maxCode = 8 << 10

// Redeem takes an authorization code for tokens and verifies all that they say.
func (p *Provider) Redeem(ctx context.Context, c ports.AuthCode) (ports.Person, error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if c.Code == "" || len(c.Code) > maxCode {
		return ports.Person{}, refused(said("there is no code, or one that is too long"))
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return ports.Person{}, err
	}
	if c.Issuer != "" && !p.knows(m, c.Issuer) || c.Issuer == "" && m.announces {
		return ports.Person{}, refused(said("the response does not come from the provider's issuer (RFC 9207)"))
	}
	var options []oauth2.AuthCodeOption
	if c.Verifier != "" {
		options = append(options, oauth2.VerifierOption(c.Verifier))
	}
	got, err := p.exchange(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return p.oauth(m, c.RedirectURI).Exchange(ctx, c.Code, options...)
	})
	if err != nil {
		return ports.Person{}, err
	}
	tokens := p.tokens(got)
	if p.people != nil {
		return p.people(ctx, m, tokens)
	}
	if tokens.ID == "" {
		return ports.Person{}, unavailable("token endpoint", said("answered without an ID token"))
	}
	claims, err := p.verifyID(ctx, m, tokens.ID, c.Nonce, tokens.Access)
	if err != nil {
		return ports.Person{}, distrust(err)
	}
	if c.Issuer != "" && strings.Contains(m.issuer, templated) && c.Issuer != claims.Issuer {
		return ports.Person{}, refused(said("the response and the ID token are of different issuers"))
	}
	return p.person(ctx, m, claims, tokens)
}

// distrust gives a refusal of a token its kind, unless it is that the keys cannot be fetched.
func distrust(err error) error {
	if fault.KindOf(err) == fault.Unavailable {
		return err
	}
	return refused(err)
}

// ours are the error codes of token endpoints that blame how the provider is configured, or the provider
// itself, not the code (RFC 6749 §5.2, §4.1.2.1; GitHub).
var ours = []string{
	"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "incorrect_client_credentials",
	"server_error", "temporarily_unavailable",
}

// theirs are those that blame the code or refresh token.
var theirs = []string{
	"invalid_grant", "invalid_request", "access_denied", "redirect_uri_mismatch", "bad_verification_code",
	"bad_refresh_token", "unverified_user_email",
}

// exchange asks the token endpoint.
func (p *Provider) exchange(ctx context.Context, ask func(context.Context) (*oauth2.Token, error)) (*oauth2.Token, error) {
	const what = "token endpoint"
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	got, err := ask(context.WithValue(ctx, oauth2.HTTPClient, p.client))
	var answer *oauth2.RetrieveError
	switch {
	case err == nil:
	case errors.As(err, &answer) && answer.Response != nil:
		return nil, answered(what, answer.Response.StatusCode, answer.ErrorCode)
	default:
		return nil, unavailable(what, err)
	}
	if kind := got.TokenType; kind != "" && !strings.EqualFold(kind, "bearer") {
		return nil, unavailable(what, said("answered with a token that is not a bearer token"))
	}
	return got, nil
}

// answered says what an error of the token endpoint means.
func answered(what string, status int, code string) error {
	cause := statusOf(status)
	if slices.Contains(ours, code) || slices.Contains(theirs, code) {
		cause += said(" and the error " + code)
	}
	switch {
	case slices.Contains(ours, code), status/100 == 4 && (status == http.StatusRequestTimeout || status == http.StatusTooManyRequests):
		return unavailable(what, cause)
	case status/100 == 4, status/100 == 2 && slices.Contains(theirs, code):
		return refused(cause)
	default:
		return unavailable(what, cause)
	}
}

// tokens returns what the token endpoint gave.
func (p *Provider) tokens(got *oauth2.Token) session.Tokens {
	t := session.Tokens{Access: got.AccessToken, Refresh: got.RefreshToken}
	t.ID, _ = got.Extra("id_token").(string)
	if got.ExpiresIn > 0 {
		t.Expires = p.config.Now().Add(time.Duration(got.ExpiresIn) * time.Second)
	}
	return t
}

// Refresh takes the refresh token for new tokens.
func (p *Provider) Refresh(ctx context.Context, t session.Tokens) (session.Tokens, error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if t.Refresh == "" {
		return session.Tokens{}, refused(said("there is no refresh token"))
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return session.Tokens{}, err
	}
	got, err := p.exchange(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return p.oauth(m, "").TokenSource(ctx, &oauth2.Token{RefreshToken: t.Refresh}).Token()
	})
	if err != nil {
		return session.Tokens{}, err
	}
	fresh := p.tokens(got)
	if fresh.ID == "" || t.ID == "" || p.people != nil {
		fresh.ID = t.ID
		return fresh, nil
	}
	err = p.verifySame(ctx, m, t.ID, fresh)
	switch {
	case err == nil:
		return fresh, nil
	case fault.KindOf(err) == fault.Unavailable:
		fresh.ID = t.ID // the refresh token may have been replaced, so what came must not be lost for want of keys
		return fresh, nil
	default:
		return session.Tokens{}, refused(err)
	}
}

// verifySame verifies an ID token that came by a refresh: it is of the person whose the first was (OpenID Connect
// Core 1.0 §12.2). The first was verified when it came, and has been kept sealed.
func (p *Provider) verifySame(ctx context.Context, m metadata, first string, fresh session.Tokens) error {
	before, err := peek(first)
	if err != nil {
		return err
	}
	now, err := peek(fresh.ID)
	if err != nil {
		return err
	}
	nonce := ""
	if _, has := now.Member("nonce"); has {
		nonce, _ = text(before, "nonce")
	}
	claims, err := p.verifyID(ctx, m, fresh.ID, nonce, fresh.Access)
	if err != nil {
		return err
	}
	issuer, _ := text(before, "iss")
	if p.preset.alsoIss != "" && issuer == p.preset.alsoIss {
		issuer = m.issuer
	}
	if subject, _ := text(before, "sub"); subject != claims.Subject || issuer != claims.Issuer {
		return said("the refreshed ID token is somebody else's")
	}
	return nil
}

// userInfo returns the claims at the userinfo endpoint (OpenID Connect Core 1.0 §5.3), which must be about the
// same subject.
func (p *Provider) userInfo(ctx context.Context, m metadata, claims *token.Claims, access string) (token.Value, error) {
	const what = "userinfo"
	got, err := p.get(ctx, what, m.endpoints.UserInfo, access)
	if err != nil {
		return token.Value{}, err
	}
	return got.about(what, "sub", claims.Subject)
}
