package signer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

func TestContract(t *testing.T) { porttest.Signer(t, signer.New()) }

var claims = token.Claims{
	Issuer: "https://id.example", Subject: "0198c0de-0000-7000-8000-000000000001", Audience: []string{"https://api.example"},
	Expiry: 1_700_000_900, IssuedAt: 1_700_000_000, IssuedAtMillis: 1_700_000_000_123, ID: "0198c0de-0000-7000-8000-000000000002",
	Session: "0198c0de-0000-7000-8000-000000000003", Tenant: "acme", Username: "ada", Permissions: []string{"admin", "read"},
}

// TestSign_read_by_others has golang-jwt's parser read what Sign wrote.
func TestSign_read_by_others(t *testing.T) {
	secret := []byte("a secret of thirty-two bytes, ok")
	compact, err := signer.New().Sign(t.Context(), ports.SigningKey{ID: "k1", Algorithm: "HS256"}, secret, "at+jwt", claims)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(compact, func(*jwt.Token) (any, error) { return secret, nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"alg": "HS256", "kid": "k1", "typ": "at+jwt"}, parsed.Header); diff != "" {
		t.Error(diff)
	}
	want := jwt.MapClaims{
		"iss": "https://id.example", "sub": "0198c0de-0000-7000-8000-000000000001", "aud": "https://api.example",
		"exp": 1.7000009e9, "iat": 1.7e9, "iat_ms": 1.700000000123e12, "jti": "0198c0de-0000-7000-8000-000000000002",
		"sid": "0198c0de-0000-7000-8000-000000000003", "tenant": "acme", "username": "ada", "permissions": []any{"admin", "read"},
	}
	if diff := cmp.Diff(want, parsed.Claims); diff != "" {
		t.Error(diff)
	}
}

func TestSign_other_curve(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if compact, err := signer.New().Sign(t.Context(), ports.SigningKey{ID: "k1", Algorithm: "ES256"}, private, "at+jwt", claims); err == nil {
		t.Errorf("signed ES256 with a key on P-384: %s", compact)
	}
}

func ExampleSigner() {
	key := ports.SigningKey{ID: "k1", Algorithm: "EdDSA"}
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // from a ports.Keyring
	compact, err := signer.New().Sign(context.Background(), key, private, "at+jwt", token.Claims{Issuer: "https://id.example", Expiry: 1_700_000_900})
	fmt.Println(strings.Split(compact, ".")[1], err)
	// Output: eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJleHAiOjE3MDAwMDA5MDB9 <nil>
}

// BenchmarkSign compares Sign with the bare primitive over as many bytes.
func BenchmarkSign(b *testing.B) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	input, err := json.Marshal(claims)
	if err != nil {
		b.Fatal(err)
	}
	sign := signer.New().Sign
	for _, bb := range []struct {
		name string
		run  func() error
	}{
		{"EdDSA/raw", func() error { return errIfEmpty(ed25519.Sign(ed, input)) }},
		{"EdDSA/Sign", func() error {
			_, err := sign(b.Context(), ports.SigningKey{ID: "k1", Algorithm: "EdDSA"}, ed, "at+jwt", claims)
			return err
		}},
		{"ES256/raw", func() error {
			digest := sha256.Sum256(input)
			_, err := ecdsa.SignASN1(rand.Reader, ec, digest[:])
			return err
		}},
		{"ES256/Sign", func() error {
			_, err := sign(b.Context(), ports.SigningKey{ID: "k1", Algorithm: "ES256"}, ec, "at+jwt", claims)
			return err
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bb.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func errIfEmpty(signature []byte) error {
	if len(signature) == 0 {
		return errors.New("no signature")
	}
	return nil
}
