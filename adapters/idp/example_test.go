package idp_test

import (
	"context"
	"fmt"
	"log"
	"net/url"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/ports"
)

// The address that a browser is sent to for signing in with GitHub. Nothing has been fetched for it: GitHub's
// endpoints are known.
func ExampleProvider_Begin() {
	p, err := idp.New(idp.Config{Name: "github", Preset: "github", ClientID: "Iv1.8a61f9b3a7aba766", ClientSecret: "from a file"})
	if err != nil {
		log.Fatal(err)
	}
	at, err := p.Begin(context.Background(), ports.AuthRequest{
		RedirectURI: "https://app.example/auth/callback", State: "af0ifjsldkj", Nonce: "n-0S6_WzA2Mj",
		Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	})
	if err != nil {
		log.Fatal(err)
	}
	u, _ := url.Parse(at)
	fmt.Println(u.Host + u.Path)
	fmt.Println(u.Query().Get("scope"))
	fmt.Println(u.Query().Get("code_challenge"))
	// Output:
	// github.com/login/oauth/authorize
	// read:user user:email
	// E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
}

// An issuer whose access tokens are trusted. Nothing is fetched for it before the first token comes.
func ExampleNewIssuer() {
	i, err := idp.NewIssuer(idp.IssuerConfig{
		Name: "auth0", Preset: "auth0", Domain: "example.eu.auth0.com", Audiences: []string{"https://api.example"},
		Permissions: []idp.PermissionClaim{{Claim: "permissions"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(i.URL(), i.Version())
	// Output: https://example.eu.auth0.com/ 0
}
