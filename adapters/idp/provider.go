package idp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/hexward/hexward/ports"
)

// Provider is one provider that people sign in through. It is safe for concurrent
// use.
type Provider struct {
	source
	config Config
	people peopleAPI // nil with OpenID Connect
}

var (
	_ ports.Provider       = (*Provider)(nil)
	_ ports.ProviderLogout = (*Provider)(nil)
)

// New returns a provider. It fetches nothing. A Config that cannot work is an error that names all
// that is wrong.
func New(c Config) (*Provider, error) {
	if c.Preset == "" {
		c.Preset = "oidc"
	}
	known, ok := presets[c.Preset]
	if !ok {
		return nil, fmt.Errorf("provider %q: the preset is one of %s, not %q", c.Name, strings.Join(Presets(), ", "), c.Preset)
	}
	if err := c.settle(&known); err != nil {
		return nil, fmt.Errorf("provider %q: %w", c.Name, err)
	}
	c.AuthParams, c.Algorithms = maps.Clone(c.AuthParams), slices.Clone(c.Algorithms)
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Provider{config: c, source: source{
		preset: &known, issuer: c.Issuer, discovery: c.Discovery, endpoints: c.Endpoints,
		needs: []string{"authorization_endpoint", "token_endpoint", "jwks_uri"}, algorithms: c.Algorithms,
		timeout: c.Timeout, now: c.Now, client: newClient(c.Transport, c.RootCAs, c.Timeout),
	}}
	if known.people != nil {
		p.people = known.people(p)
	}
	e := &c.Endpoints
	if e.Authorization != "" && e.Token != "" && (e.JWKS != "" || p.people != nil) && c.Issuer != "" {
		p.fixed = &metadata{issuer: known.template(c.Issuer), endpoints: *e, style: StyleBasic}
	}
	return p, nil
}

// Name returns the name under which the provider is configured.
func (p *Provider) Name() string { return p.config.Name }

// patience is how many times as long as one request a call may take.
const patience = 3

// bound returns ctx with the deadline of a call.
func (p *Provider) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience*p.config.Timeout)
}

// Begin returns where the browser is sent to.
func (p *Provider) Begin(ctx context.Context, r ports.AuthRequest) (string, error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if r.RedirectURI == "" || r.State == "" || r.Nonce == "" || r.Verifier == "" {
		return "", errors.New("idp: a request needs a redirect URI, state, nonce and verifier")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(r.Verifier)}
	set := func(name, value string) { options = append(options, oauth2.SetAuthURLParam(name, value)) }
	if p.people == nil {
		set("nonce", r.Nonce)
	}
	if p.config.Audience != "" {
		set("audience", p.config.Audience)
	}
	for name, value := range p.config.AuthParams {
		set(name, value)
	}
	return p.oauth(m, r.RedirectURI).AuthCodeURL(r.State, options...), nil
}

// oauth returns the configuration of x/oauth2.
func (p *Provider) oauth(m metadata, redirect string) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if p.style(m) == StylePost {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, RedirectURL: redirect, Scopes: p.config.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.endpoints.Authorization, TokenURL: m.endpoints.Token, AuthStyle: style},
	}
}

// style returns how the client authenticates. A public one only says its id. It is never tried out: a second try
// would use an authorization code twice, and a provider ends what came of a code that is.
func (p *Provider) style(m metadata) string {
	switch {
	case p.config.ClientSecret == "":
		return StylePost
	case p.config.AuthStyle != "":
		return p.config.AuthStyle
	default:
		return m.style
	}
}
