package porttest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// signerKey is a key that a Signer is tried with, and what verifies it.
type signerKey struct {
	row       ports.SigningKey
	private   crypto.PrivateKey
	public    *token.Key
	algorithm token.Algorithm
}

// signerKeys returns a new key for each algorithm.
func signerKeys(t *testing.T) []signerKey {
	t.Helper()
	key := func(algorithm token.Algorithm, private crypto.PrivateKey, public *token.Key, err error) signerKey {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return signerKey{ports.SigningKey{ID: public.ID(), Algorithm: algorithm.Name()}, private, public, algorithm}
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("a secret of thirty-two bytes, ok")
	var keys []signerKey
	public, err := token.NewEd25519Key("", edPublic)
	keys = append(keys, key(token.EdDSA, ed, public, err))
	public, err = token.NewECDSAKey("", &ec.PublicKey)
	keys = append(keys, key(token.ES256, ec, public, err))
	public, err = token.NewRSAKey("", "RS256", &rs.PublicKey)
	keys = append(keys, key(token.RS256, rs, public, err))
	public, err = token.NewHMACKey("shared", "HS256", secret)
	return append(keys, key(token.HS256, secret, public, err))
}

// verifier accepts tokens of a key with this issuer and type, for anybody.
func (k signerKey) verifier(t *testing.T) *token.Verifier {
	t.Helper()
	set, err := token.NewKeySet(k.public)
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: signerIssuer, AnyAudience: true, Types: []string{signerType},
		Algorithms: []token.Algorithm{k.algorithm}, Keys: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// verifies reports whether a signature is the key's.
func (k signerKey) verifies(t *testing.T, input string, signature []byte) bool {
	t.Helper()
	primitive, err := k.algorithm.Primitive(k.public)
	if err != nil {
		t.Fatal(err)
	}
	return primitive.Verify([]byte(input), signature)
}

const (
	signerIssuer = "https://id.example"
	signerType   = "at+jwt"
	signerNow    = 1_700_000_000
)

// Signer holds an implementation to the contract of ports.Signer: what it signs
// passes core/token.
func Signer(t *testing.T, s ports.Signer) {
	t.Helper()
	ctx := t.Context()
	keys := signerKeys(t)
	onlyClaims := cmpopts.IgnoreUnexported(token.Claims{})

	// Every field has a value, whichever fields there are.
	full := token.Claims{}
	for i := range reflect.TypeFor[token.Claims]().NumField() {
		field := reflect.ValueOf(&full).Elem().Field(i)
		name := reflect.TypeFor[token.Claims]().Field(i).Name
		switch {
		case !field.CanSet():
		case field.Kind() == reflect.String:
			field.SetString(name + ` "<é€🐎>&\` + "\u2028")
		case field.Kind() == reflect.Int64:
			field.SetInt(signerNow - 1)
		case field.Type() == reflect.TypeFor[[]string]():
			field.Set(reflect.ValueOf([]string{name, "second", "läst"}))
		default:
			t.Fatalf("this suite has no value for the claim %s", name)
		}
	}
	full.Issuer, full.Expiry = signerIssuer, signerNow+900
	full.IssuedAtMillis = full.IssuedAt*1000 + 7
	one := full
	one.Audience = []string{"https://api.example"}
	few := token.Claims{Issuer: signerIssuer, Expiry: signerNow + 900}

	for _, k := range keys {
		t.Run(k.row.Algorithm, func(t *testing.T) {
			for _, tt := range []struct {
				name string
				want token.Claims
			}{{"every_claim", full}, {"one_audience", one}, {"few_claims", few}} {
				t.Run(tt.name, func(t *testing.T) {
					compact, err := s.Sign(ctx, k.row, k.private, signerType, tt.want)
					if err != nil {
						t.Fatal(err)
					}
					var got token.Claims
					if err := k.verifier(t).Verify(compact, signerNow, &got); err != nil {
						t.Fatalf("%v: %s", err, compact)
					}
					if diff := cmp.Diff(tt.want, got, onlyClaims); diff != "" {
						t.Error(diff)
					}
				})
			}

			t.Run("leaves_out_what_is_empty", func(t *testing.T) {
				compact, err := s.Sign(ctx, k.row, k.private, signerType, few)
				if err != nil {
					t.Fatal(err)
				}
				parts := strings.Split(compact, ".")
				payload, err := base64.RawURLEncoding.DecodeString(parts[1])
				if err != nil {
					t.Fatal(err)
				}
				if got, want := string(payload), `{"iss":"https://id.example","exp":1700000900}`; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})

			t.Run("names_key_and_type", func(t *testing.T) {
				compact, err := s.Sign(ctx, k.row, k.private, signerType, few)
				if err != nil {
					t.Fatal(err)
				}
				var p token.Pending
				if err := k.verifier(t).Prepare([]byte(compact), &p); err != nil || p.Key != k.public {
					t.Errorf("%v, key %v", err, p.Key)
				}
				if compact, err := s.Sign(ctx, k.row, k.private, "", few); err == nil {
					t.Errorf("signed without a type: %s", compact)
				}
				nameless := k.row
				nameless.ID = ""
				if compact, err := s.Sign(ctx, nameless, k.private, signerType, few); err == nil {
					t.Errorf("signed without a kid: %s", compact)
				}
			})

			t.Run("payload", func(t *testing.T) {
				for _, payload := range []string{"", "{}", few.Issuer, "\x00\xff not JSON", strings.Repeat("long ", 100_000)} {
					compact, err := s.SignPayload(ctx, k.row, k.private, "bundle+jwt", []byte(payload))
					if err != nil {
						t.Fatal(err)
					}
					parts := strings.Split(string(compact), ".")
					if len(parts) != 3 {
						t.Fatalf("%d parts, want 3", len(parts))
					}
					head, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
					if want := `{"alg":"` + k.row.Algorithm + `","kid":"` + k.row.ID + `","typ":"bundle+jwt"}`; err != nil || string(head) != want {
						t.Errorf("%v, header %s, want %s", err, head, want)
					}
					if body, err := base64.RawURLEncoding.Strict().DecodeString(parts[1]); err != nil || string(body) != payload {
						t.Errorf("%v, the payload is another one", err)
					}
					signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
					if err != nil || !k.verifies(t, parts[0]+"."+parts[1], signature) {
						t.Errorf("%v, the signature is not good", err)
					}
				}
				for _, tt := range []struct {
					name string
					row  ports.SigningKey
					typ  string
				}{{"no type", k.row, ""}, {"no kid", ports.SigningKey{Algorithm: k.row.Algorithm}, "x"}, {"another algorithm", ports.SigningKey{ID: "x", Algorithm: "none"}, "x"}} {
					if compact, err := s.SignPayload(ctx, tt.row, k.private, tt.typ, []byte("{}")); err == nil {
						t.Errorf("%s: signed %s", tt.name, compact)
					}
				}
				ended, cancel := context.WithCancel(ctx)
				cancel()
				if compact, err := s.SignPayload(ended, k.row, k.private, "x", nil); !errors.Is(err, context.Canceled) {
					t.Errorf("after the context ended: %s, %v", compact, err)
				}
			})

			t.Run("refuses_a_key_of_another_kind", func(t *testing.T) {
				for _, other := range keys {
					if other.row.Algorithm == k.row.Algorithm {
						continue
					}
					if compact, err := s.Sign(ctx, k.row, other.private, signerType, few); err == nil {
						t.Errorf("signed with a key for %s: %s", other.row.Algorithm, compact)
					}
				}
				for _, none := range []crypto.PrivateKey{nil, []byte("short"), []byte{}, "text", ed25519.PrivateKey{}} {
					if compact, err := s.Sign(ctx, k.row, none, signerType, few); err == nil {
						t.Errorf("signed with %T: %s", none, compact)
					}
				}
			})

			t.Run("refuses_an_unknown_algorithm", func(t *testing.T) {
				for _, algorithm := range []string{"", "none", "HS512", strings.ToLower(k.row.Algorithm)} {
					row := k.row
					row.Algorithm = algorithm
					if compact, err := s.Sign(ctx, row, k.private, signerType, few); err == nil {
						t.Errorf("signed for %q: %s", algorithm, compact)
					}
				}
			})

			t.Run("ends_with_its_context", func(t *testing.T) {
				over, cancel := context.WithCancel(ctx)
				cancel()
				if _, err := s.Sign(over, k.row, k.private, signerType, few); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
