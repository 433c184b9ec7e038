package idp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/token"
)

// DefaultTimeout bounds one request to the provider. A call, which may need several,
// takes at most three times as long.
const DefaultTimeout = 5 * time.Second

// The ways in which a client tells the token endpoint who it is (OpenID Connect Core
// 1.0 §9).
const (
	StyleBasic = "basic" // client_secret_basic
	StylePost  = "post"  // client_secret_post
)

// When the userinfo endpoint is asked.
const (
	UserInfoAuto   = ""       // when the ID token lacks an e-mail address and "email" was asked for
	UserInfoAlways = "always" // at each sign-in
	UserInfoNever  = "never"
)

// Endpoints are a provider's, in place of those that it announces. https, or http on a loopback
// address if the issuer is too. With Authorization, Token and JWKS nothing is
// discovered.
type Endpoints struct {
	Authorization, Token, UserInfo, JWKS, Revocation, EndSession string

	Emails string // of the preset github
}

// Config says which provider, and who we are there.
type Config struct {
	Name         string // under which it is configured: up to 32 lower-case letters, digits, "-" and "_"
	Preset       string // one of Presets; empty for "oidc"
	Issuer       string // or the full URL of the discovery document
	Discovery    string // where the discovery document is, if not below the issuer
	Domain       string // a host, for auth0 and authress in place of Issuer; for cognito the host of its pages, in place of discovery
	Endpoints    Endpoints
	ClientID     string
	ClientSecret string            // empty for a public client
	Scopes       []string          // in place of the preset's
	Audience     string            // the parameter "audience" of the authorization request (auth0)
	AuthParams   map[string]string // more parameters of the authorization request, such as prompt
	TenantClaim  string            // in place of the preset's; "-" for none
	AuthStyle    string            // StyleBasic or StylePost; empty for what the preset or discovery says
	Algorithms   []string          // the accepted alg; empty for every asymmetric one
	UserInfo     string            // UserInfoAuto, UserInfoAlways or UserInfoNever
	Timeout      time.Duration     // of one request; 0 for DefaultTimeout
	RootCAs      *x509.CertPool    // nil for the system's
	Transport    http.RoundTripper // nil for one of its own; RootCAs is not for this one
	Now          func() time.Time  // nil for time.Now
}

// wellKnown follows an issuer in the URL of its discovery document (OpenID Connect
// Discovery 1.0 §4).
const wellKnown = "/.well-known/openid-configuration"

// signatures are the algorithms by name: all but the symmetric ones.
var signatures = map[string]token.Algorithm{
	"RS256": token.RS256, "RS384": token.RS384, "RS512": token.RS512,
	"PS256": token.PS256, "PS384": token.PS384, "PS512": token.PS512,
	"ES256": token.ES256, "ES384": token.ES384, "ES512": token.ES512,
	"EdDSA": token.EdDSA,
}

// reserved are the parameters of an authorization request that are not for AuthParams.
var reserved = []string{
	"client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
	"code_challenge_method", "audience", "request", "request_uri",
}

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	wordForm = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)    // a scope token (RFC 6749 §3.3)
	textForm = regexp.MustCompile(`^[\x20-\x7e]+$`)                 // a client id or secret (RFC 6749 appendix A)
	hostForm = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`) // a host, and perhaps a port
)

// settle fills in what the preset and the defaults say, and returns every problem.
func (c *Config) settle(p *preset) error {
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if !nameForm.MatchString(c.Name) {
		fail("a name is up to 32 lower-case letters, digits, \"-\" and \"_\", not %q", c.Name)
	}
	if !textForm.MatchString(c.ClientID) {
		fail("a client id is needed, of printable ASCII characters")
	}
	if c.ClientSecret != "" && !textForm.MatchString(c.ClientSecret) {
		fail("a client secret is of printable ASCII characters")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Timeout < 0 || c.Timeout > time.Minute {
		fail("a timeout is positive, and a minute at most")
	}
	if len(c.Scopes) == 0 {
		c.Scopes = p.scopes
	}
	c.Scopes = slices.Clone(c.Scopes)
	for _, scope := range c.Scopes {
		if !wordForm.MatchString(scope) {
			fail("a scope is a word, not %q", scope)
		}
	}
	if p.people == nil && !slices.Contains(c.Scopes, "openid") {
		fail("the scopes lack openid")
	}
	for _, name := range slices.Sorted(maps.Keys(c.AuthParams)) {
		if name == "" || slices.Contains(reserved, name) {
			fail("the parameter %q of the authorization request is not for the configuration", name)
		}
	}
	switch c.TenantClaim {
	case "":
		c.TenantClaim = p.tenant
	case "-":
		c.TenantClaim = ""
	}
	if c.AuthStyle == "" {
		c.AuthStyle = p.style
	}
	if !slices.Contains([]string{"", StyleBasic, StylePost}, c.AuthStyle) {
		fail("the client authenticates with %s or %s, not %q", StyleBasic, StylePost, c.AuthStyle)
	}
	if !slices.Contains([]string{UserInfoAuto, UserInfoAlways, UserInfoNever}, c.UserInfo) {
		fail("userinfo is asked %s, %s or as needed, not %q", UserInfoAlways, UserInfoNever, c.UserInfo)
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = slices.Sorted(maps.Keys(signatures))
	}
	for i, name := range c.Algorithms {
		if signatures[name] == nil || slices.Contains(c.Algorithms[:i], name) {
			fail("the algorithms are different ones of %s, not %q", strings.Join(slices.Sorted(maps.Keys(signatures)), ", "), name)
		}
	}
	return errors.Join(append(errs, c.locate(p)...)...)
}

// locate fills in where the provider is.
func (c *Config) locate(p *preset) (errs []error) {
	if c.Domain != "" && !hostForm.MatchString(c.Domain) {
		errs = append(errs, fmt.Errorf("a domain is a host without a scheme or path, not %q", c.Domain))
	}
	if c.Domain != "" && p.byDomain == "" && p.domain == (Endpoints{}) {
		errs = append(errs, errors.New("a domain means nothing with this preset"))
	}
	switch {
	case c.Issuer == "" && p.byDomain != "" && c.Domain != "":
		c.Issuer = strings.Replace(p.byDomain, "%", c.Domain, 1)
	case c.Issuer == "" && c.Discovery == "":
		c.Issuer = p.issuer
	case strings.HasSuffix(c.Issuer, wellKnown) && c.Discovery == "":
		c.Issuer, c.Discovery = "", c.Issuer
	}
	if c.Issuer != "" && strings.HasPrefix(p.byDomain, "https://%/") && strings.Count(c.Issuer, "/") == 2 {
		c.Issuer += "/"
	}
	if c.Issuer == "" && c.Discovery == "" {
		return append(errs, fmt.Errorf("%s is needed", p.needs))
	}
	if c.Issuer != "" && checkURL(c.Issuer, true) != nil || strings.Contains(c.Issuer, "?") {
		errs = append(errs, fmt.Errorf("an issuer is an absolute https URL without a query, or an http one on a loopback address, not %q", c.Issuer))
	}
	if c.Discovery != "" && (checkURL(c.Discovery, true) != nil || c.Issuer == "" && !strings.HasSuffix(c.Discovery, wellKnown)) {
		errs = append(errs, fmt.Errorf("a discovery URL is an https one, or an http one on a loopback address, that ends in %s, "+
			"or in anything if an issuer is given; not %q", wellKnown, c.Discovery))
	}
	if c.Domain != "" && p.domain != (Endpoints{}) {
		c.Endpoints = c.Endpoints.or(p.domain.below("https://" + c.Domain))
		if c.Endpoints.JWKS == "" && c.Issuer != "" {
			c.Endpoints.JWKS = c.Issuer + "/.well-known/jwks.json"
		}
	}
	c.Endpoints = c.Endpoints.or(p.standing)
	for _, e := range c.Endpoints.all() {
		if *e.at != "" {
			if err := checkURL(*e.at, plain(c.Issuer, c.Discovery)); err != nil {
				errs = append(errs, fmt.Errorf("the %s endpoint %q %w", e.name, *e.at, err))
			}
		}
	}
	return errs
}

// plain reports whether an issuer is spoken http with, on this machine.
func plain(issuer, discovery string) bool {
	return strings.HasPrefix(issuer, "http:") || issuer == "" && strings.HasPrefix(discovery, "http:")
}

type endpoint struct {
	name string // that of the metadata member (RFC 8414 §2), as far as it is one
	at   *string
}

func (e *Endpoints) all() []endpoint {
	return []endpoint{
		{"authorization_endpoint", &e.Authorization},
		{"token_endpoint", &e.Token},
		{"userinfo_endpoint", &e.UserInfo},
		{"jwks_uri", &e.JWKS},
		{"revocation_endpoint", &e.Revocation},
		{"end_session_endpoint", &e.EndSession},
		{"emails", &e.Emails},
	}
}

// or returns e with what it lacks from others.
func (e Endpoints) or(others Endpoints) Endpoints {
	from := others.all()
	for i, to := range e.all() {
		if *to.at == "" {
			*to.at = *from[i].at
		}
	}
	return e
}

// below returns e, which holds paths, at an origin.
func (e Endpoints) below(origin string) Endpoints {
	for _, to := range e.all() {
		if *to.at != "" {
			*to.at = origin + *to.at
		}
	}
	return e
}

// checkURL returns what is wrong with a URL that secrets may be sent to.
func checkURL(text string, plain bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("is not an absolute URL")
	case u.User != nil || u.Fragment != "" || strings.Contains(text, "#"):
		return errors.New("has a user or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && plain && loopback(u.Hostname()):
		return nil
	default:
		return errors.New("is not https, nor http on a loopback address at a provider that is there")
	}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
