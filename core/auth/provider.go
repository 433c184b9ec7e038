package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	// Tenants says which it is by the tenant that the provider names; where it has
	// entries, a person whose tenant has none is refused.
	Tenant  string
	Tenants map[string]string

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
		if err := person(p); err != nil {
			return "", "", err
		}
		f.Link = p.Subject
	}
	browser = in.Browser
	if b, err := base64.RawURLEncoding.Strict().DecodeString(browser); err != nil || len(b) != 32 {
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
	plain, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode flow: %w", err)
	}
	sealed, err := s.Sealer.Seal(plain, []byte(flowPurpose))
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
	if err != nil || json.Unmarshal(plain, &f) != nil {
		return f, errFlow
	}
	sum := sha256.Sum256([]byte(browser))
	age := s.Now().Sub(time.UnixMilli(f.At))
	if browser == "" || subtle.ConstantTimeCompare(sum[:], f.Browser) != 1 || age < -time.Minute || age > flowLife {
		return f, errFlow
	}
	used := false
	err = s.Attempts.Update(ctx, []string{hashKey(flowPurpose, state)}, func(counters []*user.Attempts) {
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
		if p.Subject != f.Link {
			return nil, errFlow
		}
		return &Arrival{ReturnTo: f.ReturnTo}, s.link(ctx, p, up, someone, c)
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
		Code: in.Code, RedirectURI: in.RedirectURI, Nonce: in.Nonce, Verifier: in.Verifier,
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
	u, err := s.admit(ctx, up, someone, c)
	if err != nil {
		return nil, s.refused(ctx, c, event, err)
	}
	event.Actor, event.Subject, event.Tenant = u.ID, u.ID, u.Tenant
	g, err := s.signIn(ctx, u, manner{method: "provider", provider: up.Name, upstream: someone.Session, tokens: &someone.Tokens}, c)
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
	seen := map[string]bool{}
	for i := range c.Providers {
		up := &c.Providers[i]
		switch {
		case up.Name == "" || seen[up.Name]:
			errs = append(errs, fmt.Errorf("provider %q: a name is required, once", up.Name))
		case up.Provider == nil || up.Logout == nil:
			errs = append(errs, fmt.Errorf("provider %q: Provider and Logout are required", up.Name))
		}
		seen[up.Name] = true
		if up.Title == "" {
			up.Title = up.Name
		}
	}
	if len(c.Providers) > 0 && c.Identities == nil {
		errs = append(errs, errors.New("Identities is required with providers"))
	}
	if len(c.Providers) > 0 && c.Settings.Callback == "" {
		errs = append(errs, errors.New("Settings.Callback is required with providers"))
	}
	return errors.Join(errs...)
}

// manner is how somebody signed in.
type manner struct {
	method   string
	provider string
	upstream string
	tokens   *session.Tokens
}

var byPassword = manner{method: "password"}
