package auth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/mock"
)

// TestService_Authenticate_adapter: what an issuer's adapter says is held against
// what every token has to be, and its refusals are refusals.
func TestService_Authenticate_adapter(t *testing.T) {
	good := func() (ports.Bearer, ports.Person) {
		return ports.Bearer{Claims: token.Claims{
			Issuer: urlOf(cup), Subject: dana1, IssuedAt: epoch.Unix(), Expiry: epoch.Unix() + 60,
		}}, ports.Person{Username: "dana"}
	}
	tests := []struct {
		name   string
		bearer func(*ports.Bearer, *ports.Person)
		err    error // of Verify
		asked  error // of Person
		want   string
	}{
		{"good", nil, nil, nil, "user dana in default may []"},
		{"of another issuer", func(b *ports.Bearer, _ *ports.Person) { b.Claims.Issuer = urlOf(known) }, nil, nil, "unauthenticated token_issuer"},
		{"of us", func(b *ports.Bearer, _ *ports.Person) { b.Claims.Issuer = issuer }, nil, nil, "unauthenticated token_issuer"},
		{"that never expires", func(b *ports.Bearer, _ *ports.Person) { b.Claims.Expiry = 0 }, nil, nil, "unauthenticated token_claim_missing"},
		{"without a time", func(b *ports.Bearer, _ *ports.Person) { b.Claims.IssuedAt = 0 }, nil, nil, "unauthenticated token_claim_missing"},
		{"of nobody", func(b *ports.Bearer, _ *ports.Person) { b.Claims.Subject = "" }, nil, nil, "unauthenticated subject"},
		{"of nobody, a machine", func(b *ports.Bearer, _ *ports.Person) { b.Claims.Subject, b.Machine = "", true }, nil, nil, "unauthenticated subject"},
		{"whose person is another", func(_ *ports.Bearer, p *ports.Person) { p.Subject = "dana-2" }, nil, nil, "unauthenticated subject"},
		{"whose person is of another issuer", func(_ *ports.Bearer, p *ports.Person) { p.Issuer, p.Subject = urlOf(known), dana1 }, nil, nil, "user dana in default may []"},
		{"whose person is of another tenant", func(_ *ports.Bearer, p *ports.Person) { p.Tenant = "org-globex" }, nil, nil, "user dana in default may []"},
		{"that has expired", nil, token.ErrExpired, nil, "unauthenticated token_expired"},
		{"that is refused", nil, fault.New(fault.Unauthenticated, "provider_refused", "no"), nil, "unauthenticated provider_refused"},
		{"when it is down", nil, errDown, nil, "unavailable down"},
		{"when it is broken", nil, errors.New("broken"), nil, "internal internal"},
		{"whose person is refused", nil, nil, fault.New(fault.Unauthenticated, "provider_refused", "no"), "unauthenticated provider_refused"},
		{"whose person cannot be asked for", nil, nil, errDown, "unavailable down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, who := good()
			if tt.bearer != nil {
				tt.bearer(&b, &who)
			}
			w := newBearerWorld(t, func(c *auth.Config) {
				c.Issuers[0].Issuer = &mock.IssuerMock{
					VerifyFunc:  func(context.Context, string) (ports.Bearer, error) { return b, tt.err },
					PersonFunc:  func(context.Context, string, *ports.Bearer) (ports.Person, error) { return who, tt.asked },
					VersionFunc: func() uint64 { return 1 },
				}
			})
			w.tenants["globex"] = tenant.Tenant{ID: "globex", Name: "Globex", External: []tenant.External{{Source: cup, ID: "org-globex"}}}
			text := w.abroad[cup].mint(dana1, nil)
			for range 2 {
				id, err := w.service.Authenticate(t.Context(), auth.Credentials{Bearer: text, HasBearer: true})
				got := outcome(err)
				if err == nil {
					got = tell(id.Principal)
				}
				if got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			}
			for _, i := range w.up().identities {
				if i.Issuer != urlOf(cup) || i.Subject != dana1 {
					t.Errorf("an identity of somebody else was made: %+v", i)
				}
			}
			if tt.want[:4] != "user" && len(w.users) != 3 {
				t.Errorf("users: %v", w.userNames())
			}
		})
	}
}
