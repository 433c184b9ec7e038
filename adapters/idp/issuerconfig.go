package idp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// minSecret is the least length in bytes of a secret shared with an issuer (RFC 7518 §3.2).
const minSecret = 32

// hmac is the only symmetric algorithm that an issuer may use.
const hmac = "HS256"

// IssuerConfig says which issuer's access tokens are taken for good, and what they say.
type IssuerConfig struct {
	Name      string // under which it is configured: up to 32 lower-case letters, digits, "-" and "_"
	Preset    string // one of IssuerPresets; empty for "oidc"
	Issuer    string // the "iss" of its tokens, or the full URL of its discovery document
	Discovery string // where the discovery document is, if not below the issuer
	Domain    string // a host, for auth0 and authress in place of Issuer; for cognito the host of its pages
	JWKS      string // where its keys are, in place of discovery

	Audiences  []string // what "aud" must name one of: this service, as it is called there
	Clients    []string // whom a token must have been issued to, one of them; anybody if empty
	Algorithms []string // the accepted alg; empty for every asymmetric one
	Secret     string   // what tokens are signed with if Algorithms is HS256 alone; at least 32 bytes
	Types      []string // the accepted typ, "" for none; in place of the preset's
	Required   []string // claims that must be there, beyond iss, sub, exp and iat

	TenantClaim string            // in place of the preset's; "-" for none
	Permissions []PermissionClaim // where permissions are taken from; nowhere if empty
	Machines    MachineRules      // in place of the preset's

	UserInfo    string // UserInfoAuto, UserInfoAlways or UserInfoNever; auto asks for tokens whose scope has openid
	UserInfoURL string // in place of the endpoint that discovery has
	People      People // asked in place of the userinfo endpoint

	Timeout   time.Duration     // of one request; 0 for DefaultTimeout
	RootCAs   *x509.CertPool    // nil for the system's
	Transport http.RoundTripper // nil for one of its own; RootCAs is not for this one
	Now       func() time.Time  // nil for time.Now
}

// PermissionClaim is a claim whose words are permissions.
type PermissionClaim = issuer.PermissionClaim

// MachineRules tell the tokens of machines from those of people. A token that any of them is about is a machine's.
type MachineRules struct {
	None            bool              // every token is a person's
	Clients         []string          // it was issued to one of these clients
	ClientPrefixes  []string          // or to one whose id begins so
	SubjectPrefixes []string          // sub begins so
	SubjectSuffixes []string          // sub ends so
	Claims          map[string]string // a claim is this string, or is an array that has it
}

// rules returns what core/issuer is told of the tokens.
func (c *IssuerConfig) rules() issuer.Rules {
	r := issuer.Rules{
		Preset: c.Preset, Clients: c.Clients, Required: c.Required, TenantClaim: c.TenantClaim, Permissions: c.Permissions,
		Machines: issuer.Machines{
			None: c.Machines.None, Clients: slices.Clone(c.Machines.Clients), ClientPrefixes: slices.Clone(c.Machines.ClientPrefixes),
			SubjectPrefixes: slices.Clone(c.Machines.SubjectPrefixes), SubjectSuffixes: slices.Clone(c.Machines.SubjectSuffixes),
		},
	}
	for _, name := range slices.Sorted(maps.Keys(c.Machines.Claims)) {
		r.Machines.Claims = append(r.Machines.Claims, issuer.ClaimWord{Claim: name, Word: c.Machines.Claims[name]})
	}
	return r
}

// People is an interface of the issuer that knows its users, for whoever has its secret.
type People struct {
	URL     string                 // with "{sub}" in its path or query, where the subject goes, percent-encoded
	Subject string                 // the member of the answer that is the subject; empty for the preset's, or "sub"
	Secret  func() (string, error) // the bearer token to ask with, each time
}

// here is where the subject goes in People.URL.
const here = "{sub}"

// settle fills in what the preset and the defaults say, and returns every problem.
func (c *IssuerConfig) settle(p *preset, at *Config) error {
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if !nameForm.MatchString(c.Name) {
		fail("a name is up to 32 lower-case letters, digits, \"-\" and \"_\", not %q", c.Name)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Timeout < 0 || c.Timeout > time.Minute {
		fail("a timeout is positive, and a minute at most")
	}
	rule := p.bearer
	switch {
	case rule.clients && len(c.Clients) == 0:
		fail("the clients whose tokens are taken are needed: the audience is not in every token there")
	case !rule.clients && len(c.Audiences) == 0:
		fail("an audience is needed: what this service is called there, as its tokens have it in aud")
	}
	for _, list := range []struct {
		name  string
		words []string
	}{
		{"audiences", c.Audiences},
		{"clients", c.Clients},
		{"required claims", c.Required},
		{"machines: clients", c.Machines.Clients},
		{"machines: client prefixes", c.Machines.ClientPrefixes},
		{"machines: subject prefixes", c.Machines.SubjectPrefixes},
		{"machines: subject suffixes", c.Machines.SubjectSuffixes},
		{"machines: claims", slices.Sorted(maps.Keys(c.Machines.Claims))},
	} {
		for i, word := range list.words {
			if word == "" || strings.ContainsFunc(word, unicode.IsControl) || slices.Contains(list.words[:i], word) {
				fail("%s: %q is empty, there twice or no printable text", list.name, word)
			}
		}
	}
	if m := c.Machines; m.None && len(m.Clients)+len(m.ClientPrefixes)+len(m.SubjectPrefixes)+len(m.SubjectSuffixes)+len(m.Claims) > 0 {
		fail("machines: there are rules, and none is to be one: which one?")
	}
	if c.Types == nil {
		c.Types = rule.types
	}
	for i, typ := range c.Types {
		if typ != "" && !textForm.MatchString(typ) || slices.Contains(c.Types[:i], typ) {
			fail("types: %q is there twice or no printable text", typ)
		}
	}
	for _, pc := range c.Permissions {
		if pc.Claim == "" || strings.ContainsFunc(pc.Claim+pc.Strip+pc.Add, unicode.IsControl) {
			fail("permissions come from a claim with a name, not %q", pc.Claim)
		}
	}
	switch c.TenantClaim {
	case "":
		c.TenantClaim = p.tenant
	case "-":
		c.TenantClaim = ""
	}
	if !slices.Contains([]string{UserInfoAuto, UserInfoAlways, UserInfoNever}, c.UserInfo) {
		fail("userinfo is asked %s, %s or as needed, not %q", UserInfoAlways, UserInfoNever, c.UserInfo)
	}
	errs = append(errs, c.settleAlgorithms()...)
	errs = append(errs, c.settlePlace(p, at)...)
	errs = append(errs, c.settlePeople(p, at)...)
	return errors.Join(errs...)
}

// settleAlgorithms sees to it that a secret and public keys never meet.
func (c *IssuerConfig) settleAlgorithms() (errs []error) {
	if slices.Contains(c.Algorithms, hmac) {
		if len(c.Algorithms) > 1 {
			errs = append(errs, errors.New("the algorithms are HS256 alone, or others: a key is for one or the other"))
		}
		if len(c.Secret) < minSecret || len(c.Secret) > 1024 {
			errs = append(errs, fmt.Errorf("HS256 needs the secret that the issuer signs with, of %d to 1024 bytes", minSecret))
		}
		if c.JWKS != "" || c.Discovery != "" {
			errs = append(errs, errors.New("with HS256 no keys are fetched: leave out where they are"))
		}
		return errs
	}
	if c.Secret != "" {
		errs = append(errs, errors.New("a secret is for the algorithm HS256, which must be named"))
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = slices.Sorted(maps.Keys(signatures))
	}
	for i, name := range c.Algorithms {
		if signatures[name] == nil || slices.Contains(c.Algorithms[:i], name) {
			errs = append(errs, fmt.Errorf("the algorithms are HS256 alone, or different ones of %s, not %q",
				strings.Join(slices.Sorted(maps.Keys(signatures)), ", "), name))
		}
	}
	return errs
}

// settlePlace fills in where the issuer is.
func (c *IssuerConfig) settlePlace(p *preset, at *Config) (errs []error) {
	*at = Config{
		Issuer: c.Issuer, Discovery: c.Discovery, Domain: c.Domain, Endpoints: Endpoints{JWKS: c.JWKS, UserInfo: c.UserInfoURL},
	}
	if errs = at.locate(p); len(errs) > 0 {
		return errs
	}
	if at.Issuer == "" {
		at.Issuer = strings.TrimSuffix(at.Discovery, wellKnown)
	}
	c.Issuer = p.template(at.Issuer)
	if strings.Contains(c.Issuer, templated) {
		errs = append(errs, errors.New("the issuer is that of one tenant, with its id: configure one for each that is trusted"))
	}
	if at.Endpoints.JWKS == "" && p.bearer.jwks != nil {
		at.Endpoints.JWKS = p.bearer.jwks(c.Issuer)
	}
	return errs
}

// settlePeople checks where people are looked up.
func (c *IssuerConfig) settlePeople(p *preset, at *Config) (errs []error) {
	if c.People.URL == "" {
		if c.People.Subject != "" || c.People.Secret != nil {
			errs = append(errs, errors.New("people: there is no URL"))
		}
		return errs
	}
	if c.People.Secret == nil {
		errs = append(errs, errors.New("people: a secret is needed to ask with"))
	}
	if c.UserInfo == UserInfoNever || c.UserInfoURL != "" {
		errs = append(errs, errors.New("people: is asked in place of the userinfo endpoint: leave that out"))
	}
	if c.People.Subject == "" {
		c.People.Subject = p.bearer.subject
	}
	before, after, found := strings.Cut(c.People.URL, here)
	u, err := url.Parse(before + "sub" + after)
	wrong := checkURL(before+"sub"+after, plain(at.Issuer, at.Discovery))
	switch {
	case !found || strings.Contains(after, here) || err != nil:
		errs = append(errs, fmt.Errorf("people: the URL has %s once, where the subject goes, and not %q", here, c.People.URL))
	case wrong != nil:
		errs = append(errs, fmt.Errorf("people: %q %w", c.People.URL, wrong))
	case !strings.HasPrefix(before, u.Scheme+"://"+u.Host+"/"):
		errs = append(errs, fmt.Errorf("people: the subject is a part of the path or query, not of the host: %q", c.People.URL))
	}
	return errs
}

// verifier is what core/token is told of the tokens.
func (c *IssuerConfig) verifier() token.VerifierConfig {
	v := token.VerifierConfig{
		Issuer: c.Issuer, Audiences: c.Audiences, AnyAudience: len(c.Audiences) == 0, Types: c.Types,
		Required: []string{"sub", "iat"}, Leeway: leeway, MaxLength: maxToken,
	}
	if c.Secret != "" {
		v.Algorithms = []token.Algorithm{token.HS256}
		return v
	}
	for _, name := range c.Algorithms {
		v.Algorithms = append(v.Algorithms, signatures[name])
	}
	return v
}
