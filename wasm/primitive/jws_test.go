package primitive_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// The algorithms of this package, and those that they take the place of.
var (
	ours = []token.Algorithm{
		primitive.EdDSA, primitive.ES256, primitive.ES384, primitive.ES512, primitive.RS256, primitive.RS384, primitive.RS512,
		primitive.PS256, primitive.PS384, primitive.PS512, primitive.HS256, primitive.HS384, primitive.HS512,
	}
	theirs = []token.Algorithm{
		token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512,
		token.PS256, token.PS384, token.PS512, token.HS256, token.HS384, token.HS512,
	}
)

// open verifies a JWS that need not be a JWT.
func open(keys *token.KeySet, algorithms []token.Algorithm, compact string) error {
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: "https://unused.example", AnyAudience: true, Types: []string{""}, Algorithms: algorithms, Keys: keys,
	})
	if err != nil {
		return err
	}
	_, err = v.Open([]byte(compact))
	return err
}

// TestWycheproof_JWS has a Verifier with these algorithms answer what one with those of core/token answers.
func TestWycheproof_JWS(t *testing.T) {
	accepted, refused := 0, 0
	for _, name := range []string{"json_web_signature_test.json", "json_web_key_test.json"} {
		doc, err := fs.ReadFile(wycheproof.TestVectors, name)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			TestGroups []struct {
				Public, Private json.RawMessage
				Tests           []struct {
					ID  int             `json:"tcId"`
					JWS json.RawMessage `json:"jws"`
				} `json:"tests"`
			} `json:"testGroups"`
		}
		if err := json.Unmarshal(doc, &f); err != nil {
			t.Fatal(err)
		}
		for _, g := range f.TestGroups {
			text := g.Public
			if text == nil {
				text = g.Private
			}
			keys, err := token.ParseKeySet(text)
			if key, keyErr := token.ParseKey(text); keyErr == nil {
				keys, err = token.NewKeySet(key)
			}
			if err != nil {
				continue
			}
			for _, tc := range g.Tests {
				var compact string
				if json.Unmarshal(tc.JWS, &compact) != nil {
					continue
				}
				got, want := open(keys, ours, compact), open(keys, theirs, compact)
				if !errors.Is(got, want) || (got == nil) != (want == nil) {
					t.Errorf("%s %d: %v, want %v", name, tc.ID, got, want)
				}
				if want == nil {
					accepted++
				} else {
					refused++
				}
			}
		}
	}
	if accepted < 30 || refused < 200 {
		t.Errorf("%d accepted and %d refused", accepted, refused)
	}
}
