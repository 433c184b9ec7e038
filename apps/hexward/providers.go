package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
)

// provider is an OpenID Connect provider that people sign in with. The settings
// that begin with "provider-" are one; the list "providers" of the configuration
// file has any number more, with the same names without that beginning.
type provider struct {
	Name         string   `placeholder:"NAME" help:"Its name in URLs: lower-case letters, digits, - and _; the preset's if it is not given."`
	Title        string   `placeholder:"TEXT" help:"Its name on a button."`
	Preset       string   `placeholder:"NAME" help:"What it is: auth0, authress, cognito, github, google, keycloak, microsoft, or oidc for any other."`
	Issuer       string   `placeholder:"URL" help:"Its issuer."`
	Discovery    string   `placeholder:"URL" help:"The whole URL of its discovery document, in place of the issuer."`
	Domain       string   `placeholder:"HOST" help:"The domain of auth0 and authress, in place of the issuer; for cognito that of its pages."`
	ClientID     string   `name:"client-id" placeholder:"ID" help:"Who this service is there."`
	ClientSecret secret   `placeholder:"SECRET" help:"The secret that belongs to it; none for a public client."`
	SecretFile   string   `name:"client-secret-file" placeholder:"FILE" help:"The file that has it."`
	Scopes       []string `placeholder:"NAME,…" help:"What to ask for, in place of the preset's choice; openid is needed."`
	Audience     string   `placeholder:"NAME" help:"The API that its access tokens are for, where it asks for one (auth0)."`
	Tenant       string   `placeholder:"NAME" help:"The tenant of all its people."`
	TenantClaim  string   `placeholder:"NAME" help:"The claim that says a person's tenant there, in place of the preset's; - for none."`
	Tenants      pairs    `placeholder:"THEIRS=OURS,…" help:"Which tenant that is here; people of others are refused."`
	LinkByEmail  bool     `help:"Its word on an e-mail address is enough to sign in to the account that has it."`
	RedirectURIs []string `name:"redirect-uris" placeholder:"URL,…" help:"Where a front end that does the redirect itself has people sent back to, to the letter."`
	AuthParams   pairs    `placeholder:"NAME=VALUE,…" help:"More parameters of the authorization request, such as prompt."`
	AuthStyle    string   `placeholder:"NAME" help:"How the client authenticates: basic or post; as the provider says if it is not given."`
	UserInfo     string   `name:"userinfo" placeholder:"WHEN" help:"Whether its userinfo endpoint is asked: always or never; as needed if it is not given."`
	Algorithms   []string `placeholder:"NAME,…" help:"The algorithms of its ID tokens; every asymmetric one if none is given."`
	Endpoints    pairs    `placeholder:"NAME=URL,…" help:"In place of those that it announces: authorization, token, userinfo, jwks, revocation, end-session, emails."`
}

// providerPrefix begins the names of the settings that are a provider.
const providerPrefix = "provider-"

// isZero reports whether nothing of a provider was given.
func (p *provider) isZero() bool { return len(shown(p)) == 0 }

// callback is the path that providers send browsers back to.
func (c *config) callback() string {
	if c.CallbackPath != "" {
		return c.CallbackPath
	}
	return c.BasePath + "/callback"
}

// upstreams checks the providers.
func (k *checker) upstreams(s *settled) {
	k.callbackPath()
	given := map[string]provider{}
	var order []string
	if !k.Provider.isZero() {
		order = append(order, "provider")
		given["provider"] = k.Provider
	}
	for i, p := range k.listed.providers {
		label := "providers, entry " + strconv.Itoa(i+1)
		if p.Name != "" {
			label += " (" + p.Name + ")"
		}
		order = append(order, label)
		given[label] = p
	}
	seen := map[string]bool{}
	for _, label := range order {
		p := given[label]
		up, name := k.upstream(label, &p)
		if seen[name] {
			k.wrong("%s: another provider is called %q too; give each a name of its own", label, name)
		}
		seen[name] = true
		if up != nil {
			s.providers = append(s.providers, *up)
		}
	}
}

// upstream checks one provider.
func (k *checker) upstream(label string, p *provider) (up *auth.Upstream, name string) {
	before := len(k.found)
	name = cmp.Or(p.Name, p.Preset, "oidc")
	hidden, err := readSecret(label+": client-secret", p.ClientSecret, p.SecretFile)
	if label == "provider" {
		hidden, err = readSecret(providerPrefix+"client-secret", p.ClientSecret, p.SecretFile)
	}
	if err != nil {
		k.wrong("%w", err)
	}
	if p.Tenant != "" && len(p.Tenants) > 0 {
		k.wrong("%s: tenant and tenants are both given: which one?", label)
	}
	for theirs, ours := range p.Tenants {
		if ours == "" {
			k.wrong("%s: tenants: say which tenant %q is here, as in %s=ours", label, theirs, theirs)
		}
	}
	for _, uri := range p.RedirectURIs {
		if err := redirectURI(uri); err != nil {
			k.wrong("%s: redirect-uris: %q %w", label, uri, err)
		}
	}
	if strings.ContainsFunc(p.Title, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(p.Title) > 100 {
		k.wrong("%s: title: is at most 100 bytes in one line", label)
	}
	var scopes []string
	for _, s := range p.Scopes {
		scopes = append(scopes, strings.Fields(s)...)
	}
	made, err := idp.New(idp.Config{
		Name: name, Preset: p.Preset, Issuer: p.Issuer, Discovery: p.Discovery, Domain: p.Domain, Endpoints: k.endpoints(label, p.Endpoints),
		ClientID: p.ClientID, ClientSecret: string(hidden), Scopes: scopes, Audience: p.Audience, AuthParams: p.AuthParams,
		TenantClaim: p.TenantClaim, AuthStyle: p.AuthStyle, Algorithms: p.Algorithms, UserInfo: p.UserInfo,
	})
	if err != nil {
		prefix := fmt.Sprintf("provider %q: ", name)
		for _, one := range unjoin(err) {
			k.wrong("%s: %s", label, strings.TrimPrefix(one.Error(), prefix))
		}
	}
	if len(k.found) > before {
		return nil, name
	}
	return &auth.Upstream{
		Name: name, Title: p.Title, Provider: made, Logout: made, Tenant: p.Tenant, Tenants: p.Tenants,
		LinkByEmail: p.LinkByEmail, RedirectURIs: p.RedirectURIs,
	}, name
}

func (k *checker) endpoints(label string, given pairs) (e idp.Endpoints) {
	known := map[string]*string{
		"authorization": &e.Authorization, "token": &e.Token, "userinfo": &e.UserInfo, "jwks": &e.JWKS,
		"revocation": &e.Revocation, "end-session": &e.EndSession, "emails": &e.Emails,
	}
	names := slices.Sorted(maps.Keys(known))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		at := known[name]
		if at == nil {
			k.wrong("%s: endpoints: there is no %s; they are %s", label, name, strings.Join(names, ", "))
			continue
		}
		*at = given[name]
	}
	return e
}

// redirectURI says what is wrong with a URI that a front end is sent back to. Apps
// may have a scheme of their own, in the form of RFC 8252 §7.1.
func redirectURI(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "" || u.Opaque != "" || u.User != nil || strings.Contains(text, "#") || strings.Contains(text, "*"):
		return errors.New("is not a URL like https://app.example.com/signed-in, without a fragment or wildcard")
	case u.Scheme == "https" && u.Host != "", strings.Contains(u.Scheme, "."):
		return nil
	case u.Scheme == "http" && loopbackHost(u.Hostname()):
		return nil
	default:
		return errors.New("is neither https nor on loopback: whoever is on the network could read the code in it")
	}
}

func (k *checker) callbackPath() {
	p := k.CallbackPath
	if p == "" {
		return
	}
	plain := strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/") == ""
	if p[0] != '/' || p == "/" || !plain || slices.ContainsFunc(strings.Split(strings.TrimSuffix(p[1:], "/"), "/"), func(segment string) bool {
		return segment == "" || segment == "." || segment == ".."
	}) {
		k.wrong("callback-path: %q is not a path like /oidc/callback: a slash and plain segments", p)
		return
	}
	for _, route := range web.Routes() {
		at := route.Path
		if route.Based {
			if at = k.BasePath + at; at == k.BasePath+"/callback" {
				continue
			}
		}
		if meets(at, p) {
			k.wrong("callback-path: %s is where %s %s is; choose another one", p, route.Method, at)
			return
		}
	}
}

// meets reports whether a route's path, with {name} for a segment, is met by a
// path.
func meets(route, path string) bool {
	return slices.EqualFunc(strings.Split(route, "/"), strings.Split(path, "/"), func(want, is string) bool {
		return want == is || strings.HasPrefix(want, "{") && is != ""
	})
}

// development checks that nobody but who sits at this machine meets the bypass.
func (k *checker) development() {
	if !k.Development {
		return
	}
	if host := hostOf(k.Listen); !loopbackHost(host) {
		k.wrong("development: everybody would be signed in, and listen (%s) can be reached from other machines; listen on 127.0.0.1, or leave development off", k.Listen)
	}
	if u, err := url.Parse(k.publicURL()); err != nil || !loopbackHost(u.Hostname()) {
		k.wrong("development: everybody would be signed in, and public-url (%s) is not a loopback one; leave one of them out", k.publicURL())
	}
	if len(k.TrustProxy) > 0 {
		k.wrong("development: everybody whom a proxy lets through would be signed in; leave trusted-proxies out, or development off")
	}
}

// hostOf is the host of an address to listen on.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
