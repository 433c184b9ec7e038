package token_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"

	"github.com/hexward/hexward/core/token"
)

// mint signs an access token with the private key of RFC 8037 A.1, in place of an issuer.
func mint(claims string) string {
	seed, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	if err != nil {
		panic(err)
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","typ":"at+jwt","kid":"2026-11"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

var exampleKeys = []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)

func ExampleVerifier_Verify() {
	keys, err := token.ParseKeySet(exampleKeys)
	if err != nil {
		panic(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer:     "https://id.example",
		Audiences:  []string{"https://api.example"},
		Types:      []string{token.TypeAccess},
		Algorithms: []token.Algorithm{token.EdDSA},
		Keys:       keys,
		Required:   []string{"sub"},
		Leeway:     token.DefaultLeeway,
	})
	if err != nil {
		panic(err)
	}
	compact := mint(`{"iss":"https://id.example","aud":"https://api.example","sub":"bilbo","exp":1800000900,"permissions":["rings:read"]}`)

	var claims token.Claims
	fmt.Println(v.Verify(compact, 1800000000, &claims), claims.Subject, claims.Permissions)
	fmt.Println(v.Verify(compact, 1800001000, &claims), claims.Subject == "")
	// Output:
	// <nil> bilbo [rings:read]
	// token: expired true
}

// A host that verifies signatures itself takes the two halves of Verify.
func ExampleVerifier_Prepare() {
	keys, err := token.ParseKeySet(exampleKeys)
	if err != nil {
		panic(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer:     "https://id.example",
		Audiences:  []string{"https://api.example"},
		Types:      []string{token.TypeAccess},
		Algorithms: []token.Algorithm{token.Delegated("EdDSA")},
		Keys:       keys,
	})
	if err != nil {
		panic(err)
	}
	compact := []byte(mint(`{"iss":"https://id.example","aud":"https://api.example","sub":"bilbo","exp":1800000900}`))

	pending := token.Pending{Volatile: true} // kept and used again for the next token
	if err := v.Prepare(compact, &pending); err != nil {
		panic(err)
	}
	fmt.Println(pending.Key)
	if !ed25519.Verify(pending.Key.Parameter("x"), pending.SigningInput, pending.Signature) {
		panic("forged")
	}
	var claims token.Claims
	fmt.Println(v.Finish(&pending, 1800000000, &claims), claims.Subject)
	// Output:
	// EdDSA key 2026-11
	// <nil> bilbo
}

func ExampleParseJSON() {
	v, err := token.ParseJSON(`{"routes":[{"path":"/orders","open":false}],"serial":7}`)
	if err != nil {
		panic(err)
	}
	serial, _ := v.Member("serial")
	fmt.Println(serial.Int())
	routes, _ := v.Member("routes")
	for c := routes.Members(); c.Next(); {
		path, _ := c.Value().Member("path")
		fmt.Println(path.Text())
	}
	_, err = token.ParseJSON(`{"serial":7,"serial":8}`)
	fmt.Println(err)
	// Output:
	// 7 true
	// /orders true
	// token: malformed
}

func ExampleClaims_Lookup() {
	keys, err := token.ParseKeySet(exampleKeys)
	if err != nil {
		panic(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer:      "https://id.example",
		AnyAudience: true,
		Types:       []string{"at+jwt"},
		Algorithms:  []token.Algorithm{token.EdDSA},
		Keys:        keys,
	})
	if err != nil {
		panic(err)
	}
	var claims token.Claims
	if err := v.Verify(mint(`{"iss":"https://id.example","exp":1800000900,"email":"bilbo@shire.example"}`), 1800000000, &claims); err != nil {
		panic(err)
	}
	email, ok := claims.Lookup("email")
	if ok {
		fmt.Println(email.Text())
	}
	// Output: bilbo@shire.example true
}
