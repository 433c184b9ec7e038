package web_test

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

const (
	flowCookie = "__Host-hexward_flow"
	callback   = publicURL + "/auth/callback"
	elsewhere  = "https://app.example/signed-in" // a redirect URI of a front end
)

// upstream is a provider in this process. It holds a code to what it was given for,
// as a real one does, and misbehaves on command.
type upstream struct {
	name string

	mu      sync.Mutex
	asked   map[string]ports.AuthRequest // by state
	codes   map[string]grantedCode
	revoked []session.Tokens
	down    bool // every method is Unavailable
	mute    bool // it has no place to sign out at
	made    int
}

type grantedCode struct {
	asked  ports.AuthRequest
	person ports.Person
}

var (
	_ ports.Provider       = (*upstream)(nil)
	_ ports.ProviderLogout = (*upstream)(nil)
)

func newUpstream(name string) *upstream {
	return &upstream{name: name, asked: map[string]ports.AuthRequest{}, codes: map[string]grantedCode{}}
}

func (p *upstream) origin() string { return "https://" + p.name + ".example" }

func (p *upstream) fall(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// lock returns the function that unlocks, or the error of a provider that is down.
func (p *upstream) lock() (func(), error) {
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return nil, fault.New(fault.Unavailable, "provider_unavailable", "the provider cannot be reached")
	}
	return p.mu.Unlock, nil
}

func (p *upstream) Begin(_ context.Context, r ports.AuthRequest) (string, error) {
	unlock, err := p.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	p.asked[r.State] = r
	return p.origin() + "/authorize?" + url.Values{"state": {r.State}, "redirect_uri": {r.RedirectURI}}.Encode(), nil
}

func (p *upstream) Redeem(_ context.Context, c ports.AuthCode) (ports.Person, error) {
	unlock, err := p.lock()
	if err != nil {
		return ports.Person{}, err
	}
	defer unlock()
	granted, ok := p.codes[c.Code]
	delete(p.codes, c.Code)
	if !ok || c.RedirectURI != granted.asked.RedirectURI || c.Verifier != granted.asked.Verifier || c.Nonce != granted.asked.Nonce ||
		c.Issuer != "" && c.Issuer != p.origin() {
		return ports.Person{}, fault.New(fault.Unauthenticated, "code", "the provider refused the code")
	}
	return granted.person, nil
}

func (p *upstream) Refresh(context.Context, session.Tokens) (session.Tokens, error) {
	return session.Tokens{}, fault.New(fault.Unauthenticated, "refresh", "no refresh here")
}

func (p *upstream) Revoke(_ context.Context, t session.Tokens) error {
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	p.revoked = append(p.revoked, t)
	return nil
}

func (p *upstream) End(_ context.Context, t session.Tokens, back string) (string, error) {
	unlock, err := p.lock()
	if err != nil || p.mute {
		if err == nil {
			unlock()
		}
		return "", err
	}
	defer unlock()
	return p.origin() + "/end?" + url.Values{"id_token_hint": {t.ID}, "back": {back}}.Encode(), nil
}

// ReadLogout takes "jti|sub|sid" for a signed token.
func (p *upstream) ReadLogout(_ context.Context, text string) (ports.LogoutToken, error) {
	unlock, err := p.lock()
	if err != nil {
		return ports.LogoutToken{}, err
	}
	defer unlock()
	parts := strings.Split(text, "|")
	if len(parts) != 3 {
		return ports.LogoutToken{}, fault.New(fault.Invalid, "logout_token", "this logout token is not valid")
	}
	return ports.LogoutToken{Issuer: p.origin(), ID: parts[0], Subject: parts[1], Session: parts[2]}, nil
}

// person is somebody with an account at the provider.
func (p *upstream) person(subject string) ports.Person {
	return ports.Person{
		Issuer: p.origin(), Subject: subject, Session: "sid-" + subject, Username: subject, Email: subject + "@" + p.name + ".example", EmailVerified: true,
		Profile: user.Profile{FullName: "The full " + subject, Picture: "https://pictures.example/" + subject},
		Tokens:  session.Tokens{ID: "id-token-of-" + subject, Access: "upstream-access-of-" + subject, Refresh: "upstream-refresh-of-" + subject},
	}
}

// grant makes a code for what was asked.
func (p *upstream) grant(asked ports.AuthRequest, who ports.Person) (code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	code = p.name + "-code-" + strconv.Itoa(p.made)
	p.codes[code] = grantedCode{asked, who}
	return code
}

// accept is what somebody does at the provider who was sent there: it returns the
// path and query that the browser is sent back to.
func (p *upstream) accept(t testing.TB, location, subject string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || u.Scheme+"://"+u.Host != p.origin() {
		t.Fatalf("led to %q, want %s", location, p.origin())
	}
	state := u.Query().Get("state")
	p.mu.Lock()
	asked, ok := p.asked[state]
	p.mu.Unlock()
	if !ok {
		t.Fatalf("the provider was never asked for %q", state)
	}
	back, err := url.Parse(asked.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	back.RawQuery = url.Values{"state": {state}, "code": {p.grant(asked, p.person(subject))}, "iss": {p.origin()}}.Encode()
	return back.RequestURI()
}

// withProviders returns options with providers in the configuration.
func withProviders(providers ...*upstream) options {
	return options{auth: func(c *auth.Config) {
		c.Settings.Callback = callback
		for _, p := range providers {
			c.Providers = append(c.Providers, auth.Upstream{
				Name: p.name, Title: strings.ToUpper(p.name[:1]) + p.name[1:], Provider: p, Logout: p, RedirectURIs: []string{elsewhere},
			})
		}
	}}
}

// begun starts a sign-in and returns where the browser is led.
func (b *browser) begun(query string) (location string) {
	b.Helper()
	return b.do("GET", "/auth/login?"+query, nil, fromLink...).want(302, "").Header.Get("Location")
}

// The headers of a navigation from our own page, and of one from the provider's.
var (
	fromLink     = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	fromProvider = append([]string{"Sec-Fetch-Site", "cross-site"}, fromLink...)
)

// came sends the browser back from the provider.
func (b *browser) came(path string) answer {
	b.Helper()
	other := *b // shares the cookies
	other.header = b.header.Clone()
	other.header.Del("Sec-Fetch-Site")
	return other.do("GET", path, nil, fromProvider...)
}

// through signs somebody in with a provider.
func (b *browser) through(p *upstream, subject string) *browser {
	b.Helper()
	a := b.came(p.accept(b, b.begun("provider="+p.name), subject))
	if a.want(302, ""); b.cookies[sessionCookie] == "" {
		b.Fatalf("no session in %v", a.Header["Set-Cookie"])
	}
	return b
}
