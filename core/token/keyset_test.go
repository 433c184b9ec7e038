package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/token"
)

func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func kidded(kid, members string) string { return `{"kid":"` + kid + `",` + members + `}` }

func manyKeys(n int, members string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = kidded(fmt.Sprint("k", i), members)
	}
	return setOf(list...)
}

var jwksCases = []struct {
	name, jwks string
	kids       []string
	want       error
}{
	{"two", setOf(kidded("a", okpMembers), kidded("b", ecMembers)), []string{"a", "b"}, nil},
	{"empty", setOf(), nil, nil},
	{"other members", `{"x":{"keys":1},"keys":[` + kidded("a", okpMembers) + `]}`, []string{"a"}, nil},
	{"without kids", setOf(`{`+okpMembers+`}`, `{`+okpMembers+`}`), []string{"", ""}, nil},
	{"symmetric", setOf(kidded("a", octMembers), kidded("b", octMembers)), []string{"a", "b"}, nil},
	{
		"unknown ones", setOf(
			`{"kty":"AKP","alg":"ML-DSA-44","pub":"x","kid":"a"}`, kidded("b", okpMembers),
			`{"kty":"OKP","crv":"X25519","x":"","kid":"c"}`, `{"alg":"ECDH-ES",`+ecMembers+`}`,
		),
		[]string{"b"},
		nil,
	},
	{"one for encrypting", setOf(`{"use":"enc","kid":"a",`+rsaMembers+`}`, kidded("b", rsaMembers)), []string{"b"}, nil},
	{"unknown one with the same kid", setOf(`{"kty":"?","kid":"a"}`, kidded("a", okpMembers)), []string{"a"}, nil},
	{"128", manyKeys(128, `"kty":"?"`), nil, nil},

	{"129", manyKeys(129, `"kty":"?"`), nil, token.ErrKeyMalformed},
	{"nothing", ``, nil, token.ErrKeyMalformed},
	{"an array", `[` + kidded("a", okpMembers) + `]`, nil, token.ErrKeyMalformed},
	{"one key alone", kidded("a", okpMembers), nil, token.ErrKeyMalformed},
	{"keys is an object", `{"keys":{}}`, nil, token.ErrKeyMalformed},
	{"keys is null", `{"keys":null}`, nil, token.ErrKeyMalformed},
	{"keys twice", `{"keys":[],"keys":[]}`, nil, token.ErrKeyMalformed},
	{"keys in another case too", `{"keys":[],"Keys":[]}`, nil, token.ErrKeyMalformed},
	{"keys in another case by the Kelvin sign", `{"keys":[],"` + "\u212a" + `eys":[]}`, nil, token.ErrKeyMalformed},
	{"a key that is a number", setOf(kidded("a", okpMembers), `1`), nil, token.ErrKeyMalformed},
	{"a malformed key", setOf(kidded("a", okpMembers), `{}`), nil, token.ErrKeyMalformed},
	{"a weak key", setOf(kidded("a", okpMembers), rsaWith(oddBits(1024), "AQAB")), nil, token.ErrKeyWeak},
	{"a private key", setOf(kidded("a", okpMembers), `{"d":"AA",`+okpMembers+`}`), nil, token.ErrKeyPrivate},
	{"a mismatched key", setOf(kidded("a", okpMembers), `{"alg":"RS256",`+ecMembers+`}`), nil, token.ErrKeyMismatch},
	{"same kid", setOf(kidded("a", okpMembers), kidded("a", ecMembers)), nil, token.ErrKeyDuplicate},
	{"same kid by an escape", setOf(kidded("a", okpMembers), kidded(`\u0061`, ecMembers)), nil, token.ErrKeyDuplicate},
	{"mixed", setOf(kidded("a", okpMembers), kidded("b", octMembers)), nil, token.ErrKeySetMixed},
	{"mixed the other way", setOf(kidded("a", octMembers), kidded("b", okpMembers)), nil, token.ErrKeySetMixed},
	{"over-large", `{"x":"` + strings.Repeat("x", 256<<10) + `","keys":[]}`, nil, token.ErrKeyMalformed},
	{"trailing bytes", setOf() + "x", nil, token.ErrKeyMalformed},
}

func TestParseKeySet(t *testing.T) {
	for _, tc := range jwksCases {
		t.Run(tc.name, func(t *testing.T) {
			set, err := token.ParseKeySet([]byte(tc.jwks))
			if !errors.Is(err, tc.want) || (set == nil) != (tc.want != nil) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if err != nil {
				return
			}
			var kids []string
			for i := range set.Len() {
				kids = append(kids, set.At(i).ID())
			}
			if diff := cmp.Diff(tc.kids, kids); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for _, kid := range kids {
				if k := set.Lookup(kid); (k == nil) != (kid == "") || k != nil && k.ID() != kid {
					t.Errorf("%q is %v", kid, k)
				}
			}
			if set.At(-1) != nil || set.At(set.Len()) != nil || set.Lookup("no such") != nil {
				t.Error("there are more keys than there are")
			}
		})
	}
}

func TestNewKeySet(t *testing.T) {
	if _, err := token.NewKeySet(signers()["EdDSA"].key, nil); !errors.Is(err, token.ErrKeyMalformed) {
		t.Errorf("nil: got %v", err)
	}
	if _, err := token.NewKeySet(make([]*token.Key, 129)...); !errors.Is(err, token.ErrKeyMalformed) {
		t.Errorf("129: got %v", err)
	}
}

func TestKeySet_MarshalJWKS(t *testing.T) {
	set, err := token.ParseKeySet([]byte(setOf(kidded("a", okpMembers), `{`+ecMembers+`}`)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := set.MarshalJWKS()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"keys":[{"alg":"EdDSA","crv":"Ed25519","kid":"a","kty":"OKP","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},` +
		`{"alg":"ES256","crv":"P-256","kty":"EC","use":"sig",` + ecMembers[len(`"kty":"EC","crv":"P-256",`):] + `}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	none, err := token.NewKeySet()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := none.MarshalJWKS(); err != nil || string(got) != `{"keys":[]}` {
		t.Errorf("none is %s, %v", got, err)
	}
	secrets, err := token.NewKeySet(signers()["HS256"].key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := secrets.AppendJWKS([]byte("x")); !errors.Is(err, token.ErrKeyPrivate) || string(got) != "x" {
		t.Errorf("secrets are published: %s, %v", got, err)
	}
}

func FuzzParseKeySet(f *testing.F) {
	for _, tc := range jwksCases {
		if len(tc.jwks) < 4096 {
			f.Add([]byte(tc.jwks))
		}
	}
	f.Fuzz(func(t *testing.T, jwks []byte) {
		set, err := token.ParseKeySet(jwks)
		if err != nil {
			return
		}
		var doc struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := json.Unmarshal(jwks, &doc); err != nil {
			t.Fatalf("%s: encoding/json says %v", jwks, err)
		}
		// Each key stands for itself, and the others are of a kind that is skipped.
		i := 0
		for _, jwk := range doc.Keys {
			key, err := token.ParseKey(jwk)
			switch {
			case err == nil:
				if got := set.At(i); got == nil || got.Thumbprint() != key.Thumbprint() || got.ID() != key.ID() {
					t.Fatalf("%s: key %d is %v, want %v", jwks, i, got, key)
				}
				i++
			case !errors.Is(err, token.ErrKeyUnsupported) && !errors.Is(err, token.ErrKeyUse):
				t.Fatalf("%s: accepted in spite of %v", jwks, err)
			}
		}
		if i != set.Len() {
			t.Fatalf("%s: %d keys, want %d", jwks, set.Len(), i)
		}
		out, err := set.MarshalJWKS()
		if err != nil {
			return
		}
		if again, err := token.ParseKeySet(out); err != nil || again.Len() != set.Len() {
			t.Fatalf("%s: %v", out, err)
		}
	})
}

func ExampleParseKeySet() {
	set, err := token.ParseKeySet([]byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty":"AKP","alg":"ML-DSA-44","kid":"later"}
	]}`))
	fmt.Println(err, set.Len(), set.Lookup("2026-11"))
	// Output: <nil> 1 EdDSA key 2026-11
}

func ExampleKeySet_MarshalJWKS() {
	key, err := token.ParseKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		panic(err)
	}
	set, err := token.NewKeySet(key)
	if err != nil {
		panic(err)
	}
	jwks, err := set.MarshalJWKS()
	fmt.Println(string(jwks), err)
	// Output: {"keys":[{"alg":"EdDSA","crv":"Ed25519","kty":"OKP","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]} <nil>
}
