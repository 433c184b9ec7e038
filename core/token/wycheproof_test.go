package token_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/hexward/hexward/core/token"
)

// allAlgorithms is every algorithm of the package.
var allAlgorithms = []token.Algorithm{
	token.EdDSA,
	token.ES256, token.ES384, token.ES512,
	token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
	token.HS256, token.HS384, token.HS512,
}

type wycheproofFile struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		Comment string          `json:"comment"`
		Public  json.RawMessage `json:"public"`
		Private json.RawMessage `json:"private"`
		Tests   []struct {
			ID      int             `json:"tcId"`
			Comment string          `json:"comment"`
			JWS     json.RawMessage `json:"jws"`
			Result  string          `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func readWycheproof(t *testing.T, name string) (f wycheproofFile) {
	t.Helper()
	doc, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// openAny verifies a JWS that need not be a JWT under any of the keys.
func openAny(keys *token.KeySet, compact string) error {
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer:      "https://unused.example",
		AnyAudience: true,
		Types:       []string{""},
		Algorithms:  allAlgorithms,
		Keys:        keys,
	})
	if err != nil {
		return err
	}
	_, err = v.Open([]byte(compact))
	return err
}

// odd names the vectors whose verdict is not followed: why not, the error that comes instead, and what in the vector
// would have to change for the verdict to come out as it should.
var odd = map[int]struct {
	why      string
	want     error
	old, new string // in the key and the token
}{
	346: {
		"valid with alg PS384 under a key whose alg is PS256; a key is for one algorithm (RFC 7517 §4.4, RFC 8725 §3.1)",
		token.ErrAlgorithm, `"PS256"`, `"PS384"`,
	},
	347: {
		"valid with alg ES512 under a key whose alg is ES521, which is not a registered algorithm",
		token.ErrKeyUnsupported, `"ES521"`, `"ES512"`,
	},
	350: {"as 346, with key_ops in place of use", token.ErrAlgorithm, `"PS256"`, `"PS384"`},
	351: {"as 347, with key_ops in place of use", token.ErrKeyUnsupported, `"ES521"`, `"ES512"`},
	367: {
		"invalid for the padding of its MAC, but there is none: it is byte for byte the valid 357",
		nil, `bZ7aMmowV8`, `bZ7aMmowV8=`,
	},
	370: {
		"invalid for the padding of its payload, but there is none: it is byte for byte the valid 357",
		nil, `.VGVzdA.`, `.VGVzdA==.`,
	},
	372: {
		"valid in spite of a question mark in the header, which is not base64url (RFC 7515 §2); 361 to 366 are invalid for that",
		token.ErrMalformed, `?`, ``,
	},
	373: {
		"valid in spite of a question mark in the payload, which is not base64url (RFC 7515 §2); 371 is invalid for that",
		token.ErrMalformed, `?`, ``,
	},
}

func TestWycheproof_JSONWebSignature(t *testing.T) {
	f := readWycheproof(t, "json_web_signature_test.json")
	right, run := 0, 0
	var twin357 string
	for _, g := range f.TestGroups {
		jwk := g.Public
		if jwk == nil {
			jwk = g.Private
		}
		for _, tc := range g.Tests {
			run++
			var compact string
			if json.Unmarshal(tc.JWS, &compact) != nil {
				compact = string(tc.JWS) // a JSON serialization
			}
			if tc.ID == 357 {
				twin357 = compact
			}
			err := openUnder(string(jwk), compact)
			excuse, named := odd[tc.ID]
			if !named {
				if (err == nil) != (tc.Result == "valid") {
					t.Errorf("%d %s %s: got %v, want %s", tc.ID, g.Comment, tc.Comment, err, tc.Result)
					continue
				}
				right++
				continue
			}
			if (err == nil) == (tc.Result == "valid") || !errors.Is(err, excuse.want) {
				t.Errorf("%d %s: got %v, want %v: %s", tc.ID, tc.Comment, err, excuse.want, excuse.why)
			}
			if excuse.want == nil && compact != twin357 {
				t.Errorf("%d %s: no longer the same as 357", tc.ID, tc.Comment)
			}
			err = openUnder(strings.ReplaceAll(string(jwk), excuse.old, excuse.new), strings.ReplaceAll(compact, excuse.old, excuse.new))
			if (err == nil) != (tc.Result == "valid") {
				t.Errorf("%d %s: got %v when mended, want %s", tc.ID, tc.Comment, err, tc.Result)
			}
		}
	}
	if run != f.NumberOfTests || run != 401 || right != 393 || len(odd) != 8 {
		t.Errorf("%d of %d verdicts right, want 393 of 401 and the other 8 named", right, run)
	}
}

// openUnder verifies a JWS under one JWK.
func openUnder(jwk, compact string) error {
	key, err := token.ParseKey([]byte(jwk))
	if err != nil {
		return err
	}
	keys, err := token.NewKeySet(key)
	if err != nil {
		return err
	}
	return openAny(keys, compact)
}

func TestWycheproof_JSONWebKey(t *testing.T) {
	f := readWycheproof(t, "json_web_key_test.json")
	right, run := 0, 0
	for _, g := range f.TestGroups {
		jwks := g.Public
		if jwks == nil {
			jwks = g.Private
		}
		keys, keysErr := token.ParseKeySet(jwks)
		for _, tc := range g.Tests {
			run++
			var compact string
			if err := json.Unmarshal(tc.JWS, &compact); err != nil {
				t.Fatal(err)
			}
			err := keysErr
			if err == nil {
				err = openAny(keys, compact)
			}
			if (err == nil) != (tc.Result == "valid") {
				t.Errorf("%d %s %s: got %v, want %s", tc.ID, g.Comment, tc.Comment, err, tc.Result)
				continue
			}
			right++
		}
	}
	if run != f.NumberOfTests || right != 26 {
		t.Errorf("%d of %d verdicts right, want 26 of 26", right, run)
	}
}
