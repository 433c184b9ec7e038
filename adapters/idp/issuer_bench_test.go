package idp_test

import (
	"testing"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/token"
)

// BenchmarkIssuer_Verify is the first look at a token of another issuer, with the keys at hand, beside core/token's verifier alone.
func BenchmarkIssuer_Verify(b *testing.B) {
	for _, k := range []key{edKey, ecKey, rsaKey} {
		f := newFake(b)
		f.key = k
		i := mustIssuer(b, f.issuer(func(c *idp.IssuerConfig) {
			c.Permissions = []idp.PermissionClaim{{Claim: "scope"}, {Claim: "permissions"}}
		}))
		raw := f.bearer(nil)
		mustVerify(b, i, raw)
		b.Run(k.alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Verify(b.Context(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
		jwk, err := token.ParseKey([]byte(text(k.jwk())))
		if err != nil {
			b.Fatal(err)
		}
		keys, err := token.NewKeySet(jwk)
		if err != nil {
			b.Fatal(err)
		}
		bare, err := token.NewVerifier(token.VerifierConfig{
			Issuer: f.URL, Audiences: []string{api}, Types: []string{"at+jwt"}, Keys: keys,
			Algorithms: []token.Algorithm{token.EdDSA, token.ES256, token.RS256},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(k.alg+"/verifier_alone", func(b *testing.B) {
			b.ReportAllocs()
			var claims token.Claims
			for b.Loop() {
				if err := bare.Verify(raw, start.Unix(), &claims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIssuer_Verify_shared is the same with a primitive that costs next to nothing, so that what remains shows.
func BenchmarkIssuer_Verify_shared(b *testing.B) {
	f := newFake(b)
	i := mustIssuer(b, f.issuer(shared))
	raw := signedBy(f, nil, func(_, payload string) string {
		return signHMAC(`{"alg":"HS256","typ":"at+jwt"}`, payload, []byte(sharedSecret))
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Verify(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIssuer_garbage is a token under a key id that nobody has.
func BenchmarkIssuer_garbage(b *testing.B) {
	f := newFake(b)
	i := mustIssuer(b, f.issuer())
	raw := f.bearer(head(set("kid", "nobody's")))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Verify(b.Context(), raw); err == nil {
			b.Fatal("garbage is accepted")
		}
	}
}

// BenchmarkIssuer_Version is what each hit of a verification cache asks.
func BenchmarkIssuer_Version(b *testing.B) {
	f := newFake(b)
	i := mustIssuer(b, f.issuer())
	mustVerify(b, i, f.bearer(nil))
	b.ReportAllocs()
	for b.Loop() {
		if i.Version() == 0 {
			b.Fatal("no version")
		}
	}
}
