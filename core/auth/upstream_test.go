package auth_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/mock"
)

// upstreams is what lies behind the providers of a world: the identities, and the
// people whom a code signs in.
type upstreams struct {
	*mock.IdentitiesMock
	w          *world
	identities map[string]user.Identity
	people     map[string]ports.Person // by provider and code
	codes      []ports.AuthCode        // those that were redeemed
	begun      []ports.AuthRequest
	refreshes  int
	refused    bool // no refresh token is taken
	revoked    []session.Tokens
	logouts    map[string]ports.LogoutToken
}

const (
	callback    = issuer + "/auth/callback"
	frontEnd    = "https://app.example/signed-in"
	googleIss   = "https://google.example"
	partnerIss  = "https://partner.example"
	looseIss    = "https://loose.example"
	acme        = "acme"
	foreignSite = "https://evil.example"
)

// withProviders adds three providers: "google", whose word on addresses counts;
// "loose", whose does not; and "partner", which names tenants.
func (w *world) withProviders(c *auth.Config) {
	up := &upstreams{w: w, identities: map[string]user.Identity{}, people: map[string]ports.Person{}, logouts: map[string]ports.LogoutToken{}}
	if w.service != nil {
		if old, ok := w.service.Identities.(*upstreams); ok { // another process over the same stores
			up = old
		}
	}
	up.IdentitiesMock = up.mockIdentities()
	c.Identities = up
	c.Settings.Callback = callback
	c.Providers = []auth.Upstream{
		{Name: "google", Title: "Google", LinkByEmail: true, RedirectURIs: []string{frontEnd, "https://app.example/other"}},
		{Name: "loose"},
		{Name: "partner", LinkByEmail: true, Tenants: map[string]string{"org-acme": acme, "org-default": tenant.Default}},
	}
	for i := range c.Providers {
		c.Providers[i].Provider, c.Providers[i].Logout = up.mockProvider(c.Providers[i].Name), up.mockLogout(c.Providers[i].Name)
	}
	c.SessionSets.(*mock.SessionSetsMock).ByUpstreamFunc = func(ctx context.Context, provider, sid string) (list []session.Session, err error) {
		err = w.do(ctx, "SessionSets.ByUpstream", func() error {
			for _, s := range w.sessions {
				if sid != "" && s.Provider == provider && s.Upstream == sid {
					list = append(list, s)
				}
			}
			return nil
		})
		return list, err
	}
	users := c.Users.(*mock.UsersMock)
	remove := users.DeleteFunc
	users.DeleteFunc = func(ctx context.Context, id string) error {
		err := remove(ctx, id)
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, there := w.users[id]; !there {
			for iid, i := range up.identities {
				if i.UserID == id {
					delete(up.identities, iid)
				}
			}
		}
		return err
	}
}

func providers(w *world) func(*auth.Config) { return w.withProviders }

// newUpWorld is newWorld with providers.
func newUpWorld(t testing.TB, change ...func(*auth.Config)) (*world, *upstreams) {
	t.Helper()
	w := newWorld(t)
	w.service = w.serve(append([]func(*auth.Config){w.withProviders}, change...)...)
	return w, w.up()
}

func (w *world) up() *upstreams { return w.service.Identities.(*upstreams) }

func (up *upstreams) mockIdentities() *mock.IdentitiesMock {
	w := up.w
	return &mock.IdentitiesMock{
		CreateFunc: func(ctx context.Context, i user.Identity) error {
			return w.do(ctx, "Identities.Create", func() error {
				if _, ok := w.users[i.UserID]; !ok {
					return miss()
				}
				for id, other := range up.identities {
					if id == i.ID || other.Issuer == i.Issuer && other.Subject == i.Subject {
						return ports.ErrIdentityTaken
					}
				}
				up.identities[i.ID] = i
				return nil
			})
		},
		BySubjectFunc: func(ctx context.Context, issuer, subject string) (i user.Identity, u user.User, err error) {
			err = w.do(ctx, "Identities.BySubject", func() error {
				for _, found := range up.identities {
					owner, there := w.users[found.UserID] // identities go with their user
					if there && found.Issuer == issuer && found.Subject == subject {
						i, u = found, copyUser(owner)
						return nil
					}
				}
				return miss()
			})
			return i, u, err
		},
		ByIssuerFunc: func(ctx context.Context, issuer, after string, limit int) (list []ports.UsersIdentity, err error) {
			err = w.do(ctx, "Identities.ByIssuer", func() error {
				for _, i := range up.identities {
					if owner, there := w.users[i.UserID]; there && i.Issuer == issuer && i.ID > after {
						list = append(list, ports.UsersIdentity{Identity: i, User: copyUser(owner)})
					}
				}
				slices.SortFunc(list, func(a, b ports.UsersIdentity) int { return strings.Compare(a.Identity.ID, b.Identity.ID) })
				list = list[:min(len(list), pageOf(limit))]
				return nil
			})
			return list, err
		},
		ByUserFunc: func(ctx context.Context, userID string) (list []user.Identity, err error) {
			err = w.do(ctx, "Identities.ByUser", func() error {
				for _, i := range up.identities {
					if i.UserID == userID {
						list = append(list, i)
					}
				}
				slices.SortFunc(list, func(a, b user.Identity) int { return strings.Compare(a.ID, b.ID) })
				return nil
			})
			return list, err
		},
		UpdateFunc: func(ctx context.Context, id string, change func(*user.Identity) error) (i user.Identity, err error) {
			err = w.do(ctx, "Identities.Update", func() error {
				found, ok := up.identities[id]
				if !ok {
					return miss()
				}
				twice := found
				_ = change(&twice)
				changed := found
				if err := change(&changed); err != nil {
					return err
				}
				up.identities[id], i = changed, changed
				return nil
			})
			return i, err
		},
		DeleteFunc: func(ctx context.Context, id string) error {
			return w.do(ctx, "Identities.Delete", func() error {
				if _, ok := up.identities[id]; !ok {
					return miss()
				}
				delete(up.identities, id)
				return nil
			})
		},
	}
}

var errRefused = fault.New(fault.Unauthenticated, "provider_refused", "the provider did not sign you in")

func (up *upstreams) mockProvider(name string) *mock.ProviderMock {
	w := up.w
	return &mock.ProviderMock{
		BeginFunc: func(ctx context.Context, r ports.AuthRequest) (to string, err error) {
			w.secret("a state", r.State)
			w.secret("a nonce", r.Nonce)
			w.secret("a verifier", r.Verifier)
			err = w.do(ctx, "Provider.Begin", func() error {
				up.begun = append(up.begun, r)
				to = "https://" + name + ".example/authorize?state=" + url.QueryEscape(r.State)
				return nil
			})
			return to, err
		},
		RedeemFunc: func(ctx context.Context, c ports.AuthCode) (who ports.Person, err error) {
			err = w.do(ctx, "Provider.Redeem", func() error {
				up.codes = append(up.codes, c)
				found, ok := up.people[name+" "+c.Code]
				if !ok {
					return errRefused
				}
				delete(up.people, name+" "+c.Code)
				who = found
				return nil
			})
			if err != nil {
				return ports.Person{}, err
			}
			return who, nil
		},
		RefreshFunc: func(ctx context.Context, old session.Tokens) (fresh session.Tokens, err error) {
			err = w.do(ctx, "Provider.Refresh", func() error {
				want := "upstream-refresh-0"
				if up.refreshes > 0 {
					want = fmt.Sprintf("upstream-refresh-%d", up.refreshes)
				}
				if up.refused || old.Refresh != want { // it works once
					return errRefused
				}
				up.refreshes++
				fresh = tokens(up.refreshes, w.now.Add(time.Hour))
				return nil
			})
			return fresh, err
		},
	}
}

func (up *upstreams) mockLogout(name string) *mock.ProviderLogoutMock {
	w := up.w
	return &mock.ProviderLogoutMock{
		RevokeFunc: func(ctx context.Context, t session.Tokens) error {
			return w.do(ctx, "ProviderLogout.Revoke", func() error {
				up.revoked = append(up.revoked, t)
				return nil
			})
		},
		EndFunc: func(ctx context.Context, t session.Tokens, back string) (to string, err error) {
			err = w.do(ctx, "ProviderLogout.End", func() error {
				to = "https://" + name + ".example/end?hint=" + t.ID + "&back=" + back
				return nil
			})
			return to, err
		},
		ReadLogoutFunc: func(ctx context.Context, text string) (t ports.LogoutToken, err error) {
			err = w.do(ctx, "ProviderLogout.ReadLogout", func() error {
				found, ok := up.logouts[name+" "+text]
				if !ok {
					return fault.New(fault.Invalid, "logout_token", "this is no logout token")
				}
				t = found
				return nil
			})
			return t, err
		},
	}
}

// tokens are what a provider gives the n-th time.
func tokens(n int, expires time.Time) session.Tokens {
	return session.Tokens{
		ID: "upstream-id-token", Access: fmt.Sprintf("upstream-access-%d", n), Refresh: fmt.Sprintf("upstream-refresh-%d", n), Expires: expires,
	}
}

// dana is somebody whom nobody here knows.
func dana() ports.Person {
	return ports.Person{
		Issuer: googleIss, Subject: "dana-1", Session: "sid-dana", Username: "dana", Email: "Dana@Example.net", EmailVerified: true,
		Profile: user.Profile{FullName: "Dana D", Picture: "https://pics.example/dana"}, Tokens: tokens(0, epoch.Add(time.Hour)),
	}
}

// aliceAt is alice as google knows her.
func aliceAt() ports.Person {
	who := dana()
	who.Subject, who.Session, who.Username, who.Email = "alice-1", "sid-alice", "alice", "alice@example.org"
	return who
}

func with(who ports.Person, change func(*ports.Person)) ports.Person {
	change(&who)
	return who
}

// code gives a provider's code for a person.
func (up *upstreams) code(provider string, who ports.Person) string {
	up.w.secret("an upstream access token", who.Tokens.Access)
	up.w.secret("an upstream refresh token", who.Tokens.Refresh)
	up.w.secret("an upstream ID token", who.Tokens.ID)
	up.w.mu.Lock()
	defer up.w.mu.Unlock()
	code := fmt.Sprintf("authorization-code-%d", len(up.people)+len(up.codes))
	up.people[provider+" "+code] = who
	return code
}

// begin begins a flow and returns what comes back from the provider.
func (w *world) begin(p *access.Principal, provider string, who ports.Person) auth.Callback {
	w.t.Helper()
	_, browser, err := w.service.BeginProvider(w.t.Context(), p, auth.ProviderLogin{Provider: provider, ReturnTo: "/orders?page=2", Link: p.SignedIn()})
	if err != nil {
		w.t.Fatalf("begin: %v", err)
	}
	up := w.up()
	code := up.code(provider, who)
	w.secret("a code", code)
	w.secret("a browser cookie", browser)
	return auth.Callback{State: up.begun[len(up.begun)-1].State, Code: code, Browser: browser}
}

// finish ends a flow that was begun.
func (w *world) finish(ctx context.Context, p *access.Principal, in auth.Callback) (*auth.Grant, error) {
	a, err := w.service.FinishProvider(ctx, p, in, client)
	if err != nil {
		if a != nil {
			w.t.Errorf("a sign-in that failed gave %+v", a)
		}
		w.clean(err)
		return nil, err
	}
	w.grantSecrets(a.Grant)
	return a.Grant, nil
}

// come lets a person sign in with a provider.
func (w *world) come(provider string, who ports.Person) (*auth.Grant, error) {
	w.t.Helper()
	return w.finish(w.t.Context(), nobody, w.begin(nobody, provider, who))
}

// mustCome is come that has to work.
func (w *world) mustCome(provider string, who ports.Person) *auth.Grant {
	w.t.Helper()
	g, err := w.come(provider, who)
	if err != nil {
		w.t.Fatalf("sign-in with %s: %v", provider, err)
	}
	return g
}

var nobody = &access.Principal{}

// identitiesOf returns a user's identities as "provider subject".
func (up *upstreams) identitiesOf(userID string) []string {
	up.w.mu.Lock()
	defer up.w.mu.Unlock()
	list := []string{}
	for _, i := range up.identities {
		if i.UserID == userID {
			list = append(list, i.Provider+" "+i.Subject)
		}
	}
	slices.Sort(list)
	return list
}

// add links an identity to a user behind the service's back.
func (up *upstreams) add(userID, provider, issuer, subject string) user.Identity {
	up.w.mu.Lock()
	defer up.w.mu.Unlock()
	i := user.Identity{
		ID: fmt.Sprintf("0190bbbb-0000-7000-8000-%012d", len(up.identities)+1), UserID: userID, Provider: provider, Issuer: issuer, Subject: subject,
		CreatedAt: epoch, UsedAt: epoch,
	}
	up.identities[i.ID] = i
	return i
}

// squat makes an account that claims bob's address without proof.
func (w *world) squat(password bool) {
	w.edit(bobID, func(u *user.User) {
		u.EmailConfirmed = false
		if !password {
			u.PasswordHash = ""
		}
	})
}

// bobAt is bob, the true owner of his address, as google knows him.
func bobAt() ports.Person {
	return with(dana(), func(p *ports.Person) {
		p.Subject, p.Session, p.Email, p.Username = "bob-1", "sid-bob", "bob@example.org", "bobby"
	})
}
