package token_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
)

var update = flag.Bool("update", false, "write testdata anew, with new keys")

// vectors is testdata/tokens.json, which the JavaScript around the WebAssembly build replays too: tokens, keys and marks with
// the reason for which each is refused, "none" when it is not.
type vectors struct {
	Now       int64                      `json:"now"`
	Issuer    string                     `json:"issuer"`
	Audiences []string                   `json:"audiences"`
	Types     []string                   `json:"types"`
	Leeway    int64                      `json:"leeway"`
	Sets      map[string]json.RawMessage `json:"sets"` // JWK Sets by name
	Tokens    []tokenVector              `json:"tokens"`
	Keys      []keyVector                `json:"keys"`
	Marks     []markVector               `json:"marks"`
}

type tokenVector struct {
	Name    string          `json:"name"`
	Alg     string          `json:"alg"` // the one algorithm that is configured
	Set     string          `json:"set"`
	Compact string          `json:"compact"`
	Reason  string          `json:"reason"`
	Claims  json.RawMessage `json:"claims,omitempty"` // of an accepted token
}

type keyVector struct {
	Name   string `json:"name"`
	JWK    string `json:"jwk"` // text, since it need not be JSON
	Reason string `json:"reason"`
	Alg    string `json:"alg,omitempty"`        // of an accepted key
	Print  string `json:"thumbprint,omitempty"` // likewise
}

type markVector struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	Value   string          `json:"value"`
	Before  int64           `json:"before"`
	Claims  json.RawMessage `json:"claims"`
	Revoked bool            `json:"revoked"`
}

const vectorsFile = "testdata/tokens.json"

func makeVectors(t *testing.T) vectors {
	t.Helper()
	v := vectors{
		Now: now, Issuer: issuer, Audiences: []string{audience}, Types: []string{"at+jwt"}, Leeway: token.DefaultLeeway,
		Sets: map[string]json.RawMessage{},
	}
	public, err := config(t, signers()["EdDSA"], signers()["ES256"], signers()["RS256"]).Keys.MarshalJWKS()
	if err != nil {
		t.Fatal(err)
	}
	v.Sets["public"] = public
	v.Sets["secret"] = json.RawMessage(`{"keys":[{"alg":"HS256","k":"` + b64(string(signers()["HS256"].key.Parameter("k"))) + `","kid":"hs","kty":"oct"}]}`)
	for _, name := range names {
		s := signers()[name]
		set := "public"
		if name == "HS256" {
			set = "secret"
		}
		add := func(title, compact string, want error, payload string) {
			tv := tokenVector{Name: title, Alg: name, Set: set, Compact: compact, Reason: token.ReasonOf(want).String()}
			if want == nil {
				tv.Claims = json.RawMessage(payload)
			}
			v.Tokens = append(v.Tokens, tv)
		}
		for _, tc := range tokenCases {
			// Every rule once, and the beginning of the list for every algorithm.
			if name == "EdDSA" || tc.want == nil {
				add(tc.name, tc.sign(s), tc.want, tc.payload)
			}
		}
		good := s.sign(s.header(), goodPayload)
		dot := strings.LastIndexByte(good, '.')
		add("no signature", good[:dot+1], token.ErrSignature, "")
		add("signature of zeros", good[:dot+1]+strings.Repeat("A", len(good)-dot-1), token.ErrSignature, "")
		add("payload of another token", b64(s.header())+"."+b64(payload)+good[dot:], token.ErrSignature, "")
		add("trailing line end", good+"\n", token.ErrMalformed, "")
		add("padding", good+"=", token.ErrMalformed, "")
		add("four parts", good+"."+good[dot+1:], token.ErrMalformed, "")
		add("empty", "", token.ErrMalformed, "")
		add("of 8,193 bytes", s.sized(t, 8193), token.ErrTooLong, "")
	}
	for _, tc := range jwkCases(t) {
		if len(tc.jwk) > 4096 {
			continue
		}
		kv := keyVector{Name: tc.name, JWK: tc.jwk, Reason: token.ReasonOf(tc.want).String()}
		if key, err := token.ParseKey([]byte(tc.jwk)); err == nil {
			kv.Alg, kv.Print = key.Algorithm(), key.Thumbprint()
		}
		v.Keys = append(v.Keys, kv)
	}
	const kicked = now*1000 + 500
	user := func(title, claims string, revoked bool) {
		v.Marks = append(v.Marks, markVector{title, "user", "u1", kicked, json.RawMessage(claims), revoked})
	}
	user("issued in that second, before", `{"sub":"u1","iat":1800000000,"iat_ms":1800000000499}`, true)
	user("issued in that millisecond", `{"sub":"u1","iat":1800000000,"iat_ms":1800000000500}`, true)
	user("issued in that second, after", `{"sub":"u1","iat":1800000000,"iat_ms":1800000000501}`, false)
	user("issued in that second, no telling", `{"sub":"u1","iat":1800000000}`, true)
	user("issued in that second, iat_ms of another", `{"sub":"u1","iat":1800000000,"iat_ms":1800000005000}`, true)
	user("issued in the next second", `{"sub":"u1","iat":1800000001}`, false)
	user("no iat", `{"sub":"u1"}`, true)
	user("another user", `{"sub":"u2"}`, false)
	v.Marks = append(
		v.Marks,
		markVector{"that token", "token", "t1", 0, json.RawMessage(`{"jti":"t1","iat":1800009999}`), true},
		markVector{"another token", "token", "t1", 0, json.RawMessage(`{"jti":"t2","sid":"t1","sub":"t1"}`), false},
		markVector{"that session", "session", "s1", 0, json.RawMessage(`{"sid":"s1","iat":1800009999}`), true},
		markVector{"another session", "session", "s1", 0, json.RawMessage(`{"sid":"s2"}`), false},
		markVector{"everybody, before", "all", "", kicked, json.RawMessage(`{"sub":"u2","iat":1800000000}`), true},
		markVector{"everybody, after", "all", "", kicked, json.RawMessage(`{"sub":"u2","iat":1800000001}`), false},
	)
	return v
}

func TestVectors(t *testing.T) {
	if *update {
		var doc bytes.Buffer
		e := json.NewEncoder(&doc)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		fatal(e.Encode(makeVectors(t)))
		fatal(os.MkdirAll("testdata", 0o755))
		fatal(os.WriteFile(vectorsFile, doc.Bytes(), 0o600))
	}
	doc, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	fresh := makeVectors(t)
	if len(fresh.Tokens) != len(v.Tokens) || len(fresh.Keys) != len(v.Keys) || len(fresh.Marks) != len(v.Marks) {
		t.Errorf("there are other cases now: run go test -run TestVectors -update")
	}
	t.Run("tokens", func(t *testing.T) { replayTokens(t, v) })
	t.Run("keys", func(t *testing.T) {
		for _, k := range v.Keys {
			key, err := token.ParseKey([]byte(k.JWK))
			if got := token.ReasonOf(err).String(); got != k.Reason || err == nil && (key.Algorithm() != k.Alg || key.Thumbprint() != k.Print) {
				t.Errorf("%s: got %s, want %s", k.Name, got, k.Reason)
			}
		}
	})
	t.Run("marks", func(t *testing.T) {
		kinds := map[string]token.MarkKind{
			"token": token.MarkToken, "session": token.MarkSession, "user": token.MarkUser, "all": token.MarkAll,
		}
		for _, m := range v.Marks {
			var c struct {
				ID      string `json:"jti"`
				Session string `json:"sid"`
				Subject string `json:"sub"`
				Issued  int64  `json:"iat"`
				Millis  int64  `json:"iat_ms"`
			}
			fatal(json.Unmarshal(m.Claims, &c))
			claims := token.Claims{ID: c.ID, Session: c.Session, Subject: c.Subject, IssuedAt: c.Issued, IssuedAtMillis: c.Millis}
			marks := newMarks(t, token.Mark{Kind: kinds[m.Kind], Value: m.Value, Before: m.Before, Until: now})
			if got := marks.Revoked(&claims); got != m.Revoked {
				t.Errorf("%s: got %v, want %v", m.Name, got, m.Revoked)
			}
		}
	})
}

func replayTokens(t *testing.T, v vectors) {
	t.Helper()
	for _, tv := range v.Tokens {
		keys, err := token.ParseKeySet(v.Sets[tv.Set])
		if err != nil {
			t.Fatal(err)
		}
		ver := verifier(t, token.VerifierConfig{
			Issuer: v.Issuer, Audiences: v.Audiences, Types: v.Types, Leeway: v.Leeway, Keys: keys,
			Algorithms: []token.Algorithm{algorithms[tv.Alg]},
		})
		var out token.Claims
		err = ver.Verify(tv.Compact, v.Now, &out)
		if got := token.ReasonOf(err).String(); got != tv.Reason {
			t.Errorf("%s %s: got %s, want %s", tv.Alg, tv.Name, got, tv.Reason)
		}
		if err == nil && !sameJSON(out.Raw(), string(tv.Claims)) {
			t.Errorf("%s %s: claims are %s, want %s", tv.Alg, tv.Name, out.Raw(), tv.Claims)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, []byte(a)) == nil && json.Compact(&y, []byte(b)) == nil && x.String() == y.String()
}
