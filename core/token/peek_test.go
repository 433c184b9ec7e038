package token_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
)

func TestPeekIssuer(t *testing.T) {
	const head = `{"alg":"none"}`
	of := func(payload string) string { return b64(head) + "." + b64(payload) + "." }
	tests := []struct {
		name, compact, want string
		err                 error
	}{
		{"plain", of(`{"iss":"https://id.example"}`), "https://id.example", nil},
		{"among others", of(`{"sub":"x","aud":["iss"],"a":{"iss":"inner"},"iss":"outer","z":1}`), "outer", nil},
		{"escaped", of(`{"iss":"https:\/\/id.example\u002f"}`), "https://id.example/", nil},
		{"escaped name", of(`{"is\u0073":"a"}`), "a", nil},
		{"signed", signers()["EdDSA"].sign(signers()["EdDSA"].header(), payload), issuer, nil},
		{"missing", of(`{"sub":"x"}`), "", token.ErrClaimMissing},
		{"empty", of(`{"iss":""}`), "", token.ErrClaimMissing},
		{"only an inner one", of(`{"a":{"iss":"inner"}}`), "", token.ErrClaimMissing},
		{"null", of(`{"iss":null}`), "", token.ErrClaims},
		{"a list", of(`{"iss":["a"]}`), "", token.ErrClaims},
		{"a number", of(`{"iss":1}`), "", token.ErrClaims},
		{"twice", of(`{"iss":"a","iss":"b"}`), "", token.ErrClaims},
		{"twice, once escaped", of(`{"iss":"a","\u0069ss":"b"}`), "", token.ErrClaims},
		{"another case", of(`{"Iss":"a","iss":"b"}`), "", token.ErrClaims},
		{"another case behind it", of(`{"iss":"a","ISS":"b"}`), "", token.ErrClaims},
		{"no object", of(`["iss"]`), "", token.ErrClaims},
		{"no JSON", of(`iss`), "", token.ErrClaims},
		{"bytes behind it", of(`{"iss":"a"}{}`), "", token.ErrClaims},
		{"nothing", "", "", token.ErrMalformed},
		{"two parts", "YQ.YQ", "", token.ErrMalformed},
		{"four parts", "YQ.YQ.YQ.YQ", "", token.ErrMalformed},
		{"padded", b64(head) + "." + b64(`{"iss":"a"}`) + "=.", "", token.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := token.PeekIssuer(tt.compact)
			if got != tt.want || err != tt.err { //nolint:errorlint // they are returned bare
				t.Errorf("%q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
	t.Run("is a copy", func(t *testing.T) {
		first, _ := token.PeekIssuer(of(`{"iss":"https://one.example"}`))
		for range 10 {
			_, _ = token.PeekIssuer(of(`{"iss":"https://two.example"}`))
		}
		if first != "https://one.example" {
			t.Errorf("became %q", first)
		}
	})
}

// TestPeekIssuer_verified: what a verifier accepts has the issuer that was peeked.
func TestPeekIssuer_verified(t *testing.T) {
	for _, name := range names {
		s := signers()[name]
		compact := s.sign(s.header(), payload)
		var claims token.Claims
		if err := verifier(t, config(t, s)).Verify(compact, now, &claims); err != nil {
			t.Fatal(err)
		}
		if got, err := token.PeekIssuer(compact); err != nil || got != claims.Issuer {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzPeekIssuer holds the issuer that is peeked against another reading of the payload.
func FuzzPeekIssuer(f *testing.F) {
	f.Add([]byte(payload))
	f.Add([]byte(`{"iss":"https:\/\/id.example","sub":"x"}`))
	f.Add([]byte(`{"ISS":"a","i\u0073s":"b"}`))
	f.Add([]byte(`{"a":{"iss":"b"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := token.PeekIssuer("e30." + base64.RawURLEncoding.EncodeToString(doc) + ".")
		if err != nil {
			if got != "" {
				t.Fatalf("%q: refused, and gave %q", doc, got)
			}
			return
		}
		if strictJSON(string(doc)) != nil {
			t.Fatalf("%q: read", doc)
		}
		if want := text(string(doc), "iss"); got != want || got == "" {
			t.Fatalf("%q: %q, want %q", doc, got, want)
		}
	})
}

func TestDigest(t *testing.T) {
	for _, text := range []string{"", "a", strings.Repeat("abc", 1000)} {
		if got := token.Digest(text); got != sha256.Sum256([]byte(text)) {
			t.Errorf("%x for %d bytes", got, len(text))
		}
	}
	text := strings.Repeat("abc", 200)
	if n := testing.AllocsPerRun(100, func() { token.Digest(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPeekIssuer(b *testing.B) {
	s := signers()["EdDSA"]
	compact := s.sign(s.header(), payload)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := token.PeekIssuer(compact); err != nil {
			b.Fatal(err)
		}
	}
}
