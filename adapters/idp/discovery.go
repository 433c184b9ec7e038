package idp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
)

// metadata is what is known of the provider: what it announces (OpenID Connect
// Discovery 1.0 §3), or what is configured in its place.
type metadata struct {
	issuer    string // may contain templated
	endpoints Endpoints
	announces bool // the "iss" parameter of authorization responses (RFC 9207 §3)
	style     string
}

// metadata returns what is known of the provider.
func (p *Provider) metadata(ctx context.Context) (metadata, error) {
	if p.fixed != nil {
		return *p.fixed, nil
	}
	return p.discovered.get(ctx, forUse, p, p.discover)
}

// discover fetches the discovery document.
func (p *Provider) discover(ctx context.Context) (metadata, error) {
	const what = "discovery"
	at := p.config.Discovery
	if at == "" {
		at = strings.TrimSuffix(p.config.Issuer, "/") + wellKnown
	}
	got, err := p.get(ctx, what, at, "")
	if err != nil {
		return metadata{}, err
	}
	doc, err := got.document(what, false)
	if err != nil {
		return metadata{}, err
	}
	m, err := p.readMetadata(doc)
	if err != nil {
		return metadata{}, unavailable(what, err)
	}
	return m, nil
}

// readMetadata reads a discovery document. It must be of the issuer that is configured: one that
// speaks for another would let its tokens pass for that issuer's (Discovery 1.0 §4.3).
func (p *Provider) readMetadata(doc token.Value) (metadata, error) {
	m := metadata{endpoints: p.config.Endpoints}
	m.issuer, _ = text(doc, "issuer")
	if m.issuer == "" || !slices.Contains(p.expected(), m.issuer) {
		return m, said("the document is not of the issuer that is configured")
	}
	plain := p.config.plain()
	for _, e := range m.endpoints.all() {
		if _, there := doc.Member(e.name); !there || *e.at != "" {
			continue
		}
		*e.at, _ = text(doc, e.name)
		if checkURL(*e.at, plain) != nil {
			return m, said(fmt.Sprintf("the document's %s is not an https URL", e.name))
		}
	}
	if m.endpoints.Authorization == "" || m.endpoints.Token == "" || m.endpoints.JWKS == "" {
		return m, said("the document lacks authorization_endpoint, token_endpoint or jwks_uri")
	}
	if v, there := doc.Member("authorization_response_iss_parameter_supported"); there {
		m.announces, _ = v.Bool()
	}
	m.style = styleOf(doc)
	return m, nil
}

// expected returns the issuers that the discovery document may have. When only the document's URL
// is known it may end in a slash, which the URL does not tell.
func (p *Provider) expected() []string {
	if p.config.Issuer == "" {
		issuer := strings.TrimSuffix(p.config.Discovery, wellKnown)
		return []string{p.preset.template(issuer), issuer + "/"}
	}
	return []string{p.preset.template(p.config.Issuer)}
}

// template returns the issuer that the discovery document of a configured one has.
func (p *preset) template(issuer string) string {
	for alias, id := range p.aliases {
		if before, after, found := strings.Cut(issuer, "/"+alias+"/"); found {
			return before + "/" + id + "/" + after
		}
	}
	return issuer
}

// styleOf returns the way to authenticate at the token endpoint, client_secret_basic unless the
// document says only others.
func styleOf(doc token.Value) string {
	methods, there := doc.Member("token_endpoint_auth_methods_supported")
	if !there {
		return StyleBasic
	}
	style := StyleBasic
	for c := methods.Members(); c.Next(); {
		switch method, _ := c.Value().Text(); method {
		case "client_secret_basic":
			return StyleBasic
		case "client_secret_post":
			style = StylePost
		}
	}
	return style
}

// text returns the string that a member of an object is, and whether it is one.
func text(v token.Value, name string) (string, bool) {
	member, _ := v.Member(name)
	return member.Text()
}
