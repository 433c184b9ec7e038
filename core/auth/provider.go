package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Upstream is a provider that people may sign in with.
type Upstream struct {
	Name     string // in URLs: "auth0"
	Title    string // on a button
	Provider ports.Provider
	Logout   ports.ProviderLogout

	// Tenant is the tenant of the provider's people; the default one when empty.
	// Tenants says which it is by the tenant that the provider names, before what
	// tenants are recorded to be called by a provider of this name. Where Tenants has
	// entries, or TenantRequired is set, a person whom neither knows is refused.
	Tenant         string
	Tenants        map[string]string
	TenantRequired bool

	// LinkByEmail lets a person whose address the provider has verified sign in to
	// the account that has that address. It is for providers whose word on
	// addresses is as good as a mail.
	LinkByEmail bool

	// RedirectURIs are those that a front end may do the redirect to by itself, to
	// the letter.
	RedirectURIs []string
}

// flowLife is how long somebody may take at the provider.
const flowLife = 10 * time.Minute

// flow is a sign-in that is under way at a provider. It travels sealed in the
// "state" parameter, so that nothing is stored for somebody who never comes back;
// what must not happen twice is counted when they do.
type flow struct {
	Provider string
	Nonce    string
	Verifier string
	ReturnTo string
	Browser  []byte // SHA-256 of the cookie that binds it
	Link     string `json:",omitempty"` // the user who links an identity
	At       int64  // Unix milliseconds
}

const flowPurpose = "flow"

// ProviderLogin begins a sign-in with a provider.
type ProviderLogin struct {
	Provider string
	ReturnTo string // a path of this origin; see SafeReturn
	Browser  string // the cookie that binds flows to this browser, if it has one
	Link     bool   // add the identity to the account of whoever is signed in
}

// BeginProvider returns where the browser is sent to, and the value of the cookie
// that binds the flow to it, which is the one that it had if that is good. An
// unknown provider is NotFound; a path that leads elsewhere is Invalid.
func (s *Service) BeginProvider(ctx context.Context, p *access.Principal, in ProviderLogin) (url, browser string, err error) {
	up, err := s.upstream(in.Provider)
	if err != nil {
		return "", "", err
	}
	if in.ReturnTo != "" && !SafeReturn(in.ReturnTo) {
		return "", "", fault.InvalidField("return_to", "foreign", "this is a path of this site, as /orders")
	}
	f := flow{Provider: up.Name, ReturnTo: in.ReturnTo, At: s.Now().UnixMilli()}
	if in.Link {
		if err := themselves(p); err != nil {
			return "", "", err
		}
		f.Link = p.Subject
	}
	browser = in.Browser
	if b, err := base64.RawURLEncoding.Strict().DecodeString(browser); err != nil || len(b) != 32 || len(browser) != 43 {
		if browser, _, err = s.newSecret(); err != nil {
			return "", "", err
		}
	}
	sum := sha256.Sum256([]byte(browser))
	f.Browser = sum[:]
	if f.Nonce, _, err = s.newSecret(); err != nil {
		return "", "", err
	}
	if f.Verifier, _, err = s.newSecret(); err != nil {
		return "", "", err
	}
	state, err := s.sealFlow(f)
	if err != nil {
		return "", "", err
	}
	url, err = up.Provider.Begin(ctx, ports.AuthRequest{
		RedirectURI: s.Settings.Callback, State: state, Nonce: f.Nonce, Verifier: f.Verifier,
	})
	if err != nil {
		return "", "", fmt.Errorf("begin sign-in with %s: %w", up.Name, err)
	}
	return url, browser, nil
}

func (s *Service) sealFlow(f flow) (string, error) {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false) // it goes into no page, and the longest path has to fit
	if err := e.Encode(f); err != nil {
		return "", fmt.Errorf("encode flow: %w", err)
	}
	sealed, err := s.Sealer.Seal(plain.Bytes(), []byte(flowPurpose))
	if err != nil {
		return "", fmt.Errorf("seal flow: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// errFlow is the one answer to a state that is forged, old, used, or another
// browser's.
var errFlow = fault.New(fault.Invalid, "state", "this sign-in was not begun in this browser, or too long ago; please try again")

// maxState bounds what is opened, in characters.
const maxState = 4096

func (s *Service) openFlow(ctx context.Context, state, browser string) (flow, error) {
	var f flow
	if len(state) > maxState {
		return f, errFlow
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil {
		return f, errFlow
	}
	plain, err := s.Sealer.Open(sealed, []byte(flowPurpose))
	if err != nil && fault.KindOf(err) == fault.Unavailable {
		return f, fmt.Errorf("open flow: %w", err)
	}
	if err != nil || json.Unmarshal(plain, &f) != nil {
		return f, errFlow
	}
	sum := sha256.Sum256([]byte(browser))
	age := s.Now().Sub(time.UnixMilli(f.At))
	if browser == "" || subtle.ConstantTimeCompare(sum[:], f.Browser) != 1 || age < -time.Minute || age > flowLife {
		return f, errFlow
	}
	// What is used up is the nonce, not the text: Base64 with a line break in it reads
	// the same.
	used := false
	err = s.Attempts.Update(ctx, []string{hashKey(flowPurpose, f.Nonce)}, func(counters []*user.Attempts) {
		used = counters[0].Take(user.Limit{Count: 1, Window: 2 * flowLife}, s.Now()) > 0
	})
	if err != nil {
		return f, fmt.Errorf("use up the state: %w", err)
	}
	if used {
		return f, errFlow
	}
	return f, nil
}

// Callback is what a provider sent a browser back with.
type Callback struct {
	State    string
	Code     string
	Issuer   string // "iss" (RFC 9207)
	Error    string // the provider's own error code
	Browser  string // the cookie that binds flows to this browser
	Replaces string // the session cookie that the browser had before, if any
}

// Arrival is the end of a sign-in with a provider.
type Arrival struct {
	*Grant          // nil when an identity was linked
	ReturnTo string // where the person wanted to go; may be empty
}

// FinishProvider ends what BeginProvider began: it redeems the code, finds or makes
// the user, and signs them in; or links the identity to who is signed in. A state
// works once, for ten minutes, in the browser where it was made.
func (s *Service) FinishProvider(ctx context.Context, p *access.Principal, in Callback, c Client) (*Arrival, error) {
	f, err := s.openFlow(ctx, in.State, in.Browser)
	if err != nil {
		return nil, err
	}
	up, err := s.upstream(f.Provider)
	if err != nil {
		return nil, errFlow
	}
	if f.Link != "" && p.Subject != f.Link {
		return nil, errFlow
	}
	if in.Error != "" || in.Code == "" {
		return nil, fault.New(fault.Unauthenticated, "provider_denied", "the provider did not sign you in")
	}
	someone, err := up.Provider.Redeem(ctx, ports.AuthCode{
		Code: in.Code, Issuer: in.Issuer, RedirectURI: s.Settings.Callback, Nonce: f.Nonce, Verifier: f.Verifier,
	})
	event := ports.Event{Action: "login", Detail: map[string]string{"provider": up.Name}}
	if err != nil {
		return nil, s.refused(ctx, c, event, fmt.Errorf("redeem code with %s: %w", up.Name, err))
	}
	if f.Link != "" {
		if err := s.link(ctx, p, up, someone, c); err != nil {
			event = by(p, ports.Event{Action: "identity.link", Subject: p.Subject, Detail: event.Detail})
			return nil, s.refused(ctx, c, event, err)
		}
		return &Arrival{ReturnTo: f.ReturnTo}, nil
	}
	g, err := s.arrive(ctx, up, someone, in.Replaces, c)
	if err != nil {
		return nil, err
	}
	return &Arrival{Grant: g, ReturnTo: f.ReturnTo}, nil
}

// ProviderCode is a code that a front end got from a provider by itself.
type ProviderCode struct {
	Provider    string // may be empty when there is one provider only
	Code        string
	Issuer      string // "iss" (RFC 9207), which some providers send back with the code
	RedirectURI string
	Verifier    string
	Nonce       string
	Replaces    string
}

// SignInWithCode signs somebody in with a code that a front end fetched. The
// redirect URI is one that the provider's configuration allows, to the letter.
func (s *Service) SignInWithCode(ctx context.Context, in ProviderCode, c Client) (*Grant, error) {
	if in.Provider == "" && len(s.Providers) == 1 {
		in.Provider = s.Providers[0].Name
	}
	up, err := s.upstream(in.Provider)
	if err != nil {
		return nil, err
	}
	if in.Code == "" {
		return nil, fault.InvalidField("code", "required", "an authorization code is required")
	}
	if !slices.Contains(up.RedirectURIs, in.RedirectURI) {
		return nil, fault.InvalidField("redirect_uri", "unknown", "this redirect URI is not allowed for the provider")
	}
	if err := s.limits(ctx, c, "", user.Limit{}); err != nil {
		return nil, err
	}
	someone, err := up.Provider.Redeem(ctx, ports.AuthCode{
		Code: in.Code, Issuer: in.Issuer, RedirectURI: in.RedirectURI, Nonce: in.Nonce, Verifier: in.Verifier,
	})
	if err != nil {
		event := ports.Event{Action: "login", Detail: map[string]string{"provider": up.Name}}
		return nil, s.refused(ctx, c, event, fmt.Errorf("redeem code with %s: %w", up.Name, err))
	}
	return s.arrive(ctx, up, someone, in.Replaces, c)
}

// arrive signs in the user of a person.
func (s *Service) arrive(ctx context.Context, up *Upstream, someone ports.Person, replaces string, c Client) (*Grant, error) {
	event := ports.Event{Action: "login", Detail: map[string]string{"provider": up.Name}}
	i, u, err := s.admit(ctx, up, someone, c)
	if u.ID != "" {
		event.Subject, event.Tenant = u.ID, u.Tenant
	}
	if err != nil {
		return nil, s.refused(ctx, c, event, err)
	}
	event.Actor = u.ID
	how := manner{method: "provider", provider: up.Name, tokens: &someone.Tokens}
	if user.CheckSubject(someone.Session) == nil { // else it is none, or cannot be kept
		how.upstream = someone.Session
	}
	g, err := s.signIn(ctx, u, how, c)
	if errors.Is(err, errCredentials) { // the user was deleted, or got another password
		err = errTryAgain
	}
	if err == nil {
		if err = s.still(ctx, i); err != nil {
			s.withdraw(ctx, g)
		}
	}
	if err != nil {
		return nil, s.refused(ctx, c, event, err)
	}
	event.Session = g.Session.ID
	if err := s.record(ctx, c, event, nil); err != nil {
		s.withdraw(ctx, g)
		return nil, err
	}
	s.endReplaced(ctx, replaces)
	return g, nil
}

// still returns nil if an identity is what it was. It is asked when the session is
// there: whoever ends an identity with its sessions ends the identity first, so
// either that ended this session, or it shows here.
func (s *Service) still(ctx context.Context, i user.Identity) error {
	now, _, err := s.Identities.BySubject(ctx, i.Issuer, i.Subject)
	if isNotFound(err) || err == nil && now.ID != i.ID {
		return errTryAgain
	}
	if err != nil {
		return fmt.Errorf("look up identity again: %w", err)
	}
	return nil
}

func (s *Service) upstream(name string) (*Upstream, error) {
	for i := range s.Providers {
		if s.Providers[i].Name == name {
			return &s.Providers[i], nil
		}
	}
	return nil, fault.New(fault.NotFound, "provider_unknown", "there is no such provider")
}

// checkProviders names what is wrong with the providers.
func (c *Config) checkProviders() error {
	var errs []error
	wrong := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("provider %q: %w", name, fmt.Errorf(format, args...)))
	}
	seen := map[string]bool{}
	c.Providers = slices.Clone(c.Providers)
	for i := range c.Providers {
		up := &c.Providers[i]
		if !validProvider(up.Name) || seen[up.Name] {
			wrong(up.Name, "a name is required, once, of at most 64 letters, digits, - and _")
		}
		seen[up.Name] = true
		if up.Provider == nil || up.Logout == nil {
			wrong(up.Name, "Provider and Logout are required")
		}
		if err := checkTenants(up.Tenant, up.Tenants); err != nil {
			wrong(up.Name, "%w", err)
		}
		for _, uri := range up.RedirectURIs {
			if u, err := url.Parse(uri); err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" || strings.Contains(uri, "#") {
				wrong(up.Name, "a redirect URI is absolute and has no fragment, not %q", uri) // RFC 6749 §3.1.2
			}
		}
		if up.Title == "" {
			up.Title = up.Name
		}
	}
	if len(c.Providers) > 0 && c.Identities == nil {
		errs = append(errs, fmt.Errorf("%s is required with providers", "Identities"))
	}
	if len(c.Providers) > 0 && c.Settings.Callback == "" {
		errs = append(errs, errors.New("Settings.Callback is required with providers"))
	}
	return errors.Join(errs...)
}

// validProvider reports whether a name can stand in a URL as it is.
func validProvider(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// manner is how somebody signed in.
type manner struct {
	method   string
	provider string
	upstream string
	tokens   *session.Tokens
}

var byPassword = manner{method: "password"}
