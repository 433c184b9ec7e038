package idp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
)

// metadata is what is known of a source: what it announces (OpenID Connect
// Discovery 1.0 §3), or what is configured in its place.
type metadata struct {
	issuer    string // may contain templated
	endpoints Endpoints
	announces bool // the "iss" parameter of authorization responses (RFC 9207 §3)
	style     string
}

// metadata returns what is known of the source.
func (s *source) metadata(ctx context.Context) (metadata, error) {
	if s.fixed != nil {
		return *s.fixed, nil
	}
	return s.discovered.get(ctx, forUse, s.now, s.discover)
}

// discover fetches the discovery document.
func (s *source) discover(ctx context.Context) (metadata, error) {
	const what = "discovery"
	at := s.discovery
	if at == "" {
		at = strings.TrimSuffix(s.issuer, "/") + wellKnown
	}
	got, err := s.get(ctx, what, at, "")
	if err != nil {
		return metadata{}, err
	}
	doc, err := got.document(what, false)
	if err != nil {
		return metadata{}, err
	}
	m, err := s.readMetadata(doc)
	if err != nil {
		return metadata{}, unavailable(what, err)
	}
	return m, nil
}

// readMetadata reads a discovery document. It must be of the issuer that is configured: one that
// speaks for another would let its tokens pass for that issuer's (Discovery 1.0 §4.3).
func (s *source) readMetadata(doc token.Value) (metadata, error) {
	m := metadata{endpoints: s.endpoints}
	m.issuer, _ = text(doc, "issuer")
	if m.issuer == "" || !slices.Contains(s.expected(), m.issuer) {
		return m, said("the document is not of the issuer that is configured")
	}
	plain := s.plain()
	for _, e := range m.endpoints.all() {
		if _, there := doc.Member(e.name); !there || *e.at != "" {
			continue
		}
		*e.at, _ = text(doc, e.name)
		if checkURL(*e.at, plain) != nil {
			return m, said(fmt.Sprintf("the document's %s is not an https URL", e.name))
		}
	}
	for _, e := range m.endpoints.all() {
		if *e.at == "" && slices.Contains(s.needs, e.name) {
			return m, said("the document lacks " + strings.Join(s.needs, " or "))
		}
	}
	if v, there := doc.Member("authorization_response_iss_parameter_supported"); there {
		m.announces, _ = v.Bool()
	}
	m.style = styleOf(doc)
	return m, nil
}

// expected returns the issuers that the discovery document may have. When only the document's URL
// is known it may end in a slash, which the URL does not tell.
func (s *source) expected() []string {
	if s.issuer == "" {
		issuer := strings.TrimSuffix(s.discovery, wellKnown)
		return []string{s.preset.template(issuer), issuer + "/"}
	}
	return []string{s.preset.template(s.issuer)}
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
