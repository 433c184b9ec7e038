package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/token"
)

// FuzzVerifier_Prepare feeds the parser with arbitrary bytes, and the claims behind it as if every signature were good.
func FuzzVerifier_Prepare(f *testing.F) {
	s := signers()["ES256"]
	v := verifier(f, config(f, s))
	f.Add([]byte("eyJhbGciOiJFUzI1NiJ9.e30.AA"))
	for _, tc := range tokenCases {
		f.Add([]byte(tc.sign(s)))
	}
	f.Fuzz(func(t *testing.T, compact []byte) {
		before := bytes.Clone(compact)
		var p token.Pending
		err := v.Prepare(compact, &p)
		if !bytes.Equal(before, compact) {
			t.Fatal("Prepare changed its input")
		}
		var out token.Claims
		if err != nil {
			if r := token.ReasonOf(err); r < token.ReasonTooLong || r > token.ReasonKeyUnknown {
				t.Fatalf("%q: odd reason %v", compact, r)
			}
			if err := v.Finish(&p, now, &out); !errors.Is(err, token.ErrMalformed) {
				t.Fatalf("%q: finished with %v", compact, err)
			}
			return
		}
		part := strings.Split(string(compact), ".")
		if len(part) != 3 || string(p.SigningInput) != part[0]+"."+part[1] ||
			base64.RawURLEncoding.EncodeToString(p.Signature) != part[2] {
			t.Fatalf("%q: input %q, signature %x", compact, p.SigningInput, p.Signature)
		}
		header := decodePart(t, part[0])
		if strictJSON(header) != nil || refusedHeader(header) || p.Key.Algorithm() != "ES256" || text(header, "alg") != "ES256" {
			t.Fatalf("%q: accepted", header)
		}
		err = v.Finish(&p, now, &out)
		if err == nil {
			sameClaims(t, out, decodePart(t, part[1]))
		}
		// Shared memory changes nothing but the sharing.
		shared := token.Pending{Volatile: true}
		var again token.Claims
		if err := v.Prepare(compact, &shared); err != nil {
			t.Fatal(err)
		}
		if err2 := v.Finish(&shared, now, &again); !errors.Is(err2, err) {
			t.Fatalf("%q: %v with own memory, %v with shared", compact, err, err2)
		}
		if diff := cmp.Diff(out, again, cmp.AllowUnexported(token.Claims{})); diff != "" {
			t.Fatalf("%q: -own +shared memory\n%s", compact, diff)
		}
	})
}

// FuzzVerify_againstGolangJWT signs arbitrary headers and payloads and holds the verdicts against those of golang-jwt:
// what this package accepts, golang-jwt accepts with the same claims; what golang-jwt accepts and this package refuses, it
// refuses for one of the reasons in the package comment, of which the token shows the cause.
func FuzzVerify_againstGolangJWT(f *testing.F) {
	for i, tc := range tokenCases {
		f.Add(byte(i), tc.header, tc.payload, "")
	}
	f.Add(byte(0), goodHeader, goodPayload, "\n")
	f.Add(byte(1), goodHeader, goodPayload, "=")
	f.Add(byte(2), goodHeader, goodPayload, ".")
	f.Fuzz(func(t *testing.T, which byte, header, payload, suffix string) {
		s := signers()[[]string{"HS256", "EdDSA", "ES256"}[which%3]]
		v := verifier(t, config(t, s))
		header = strings.NewReplacer("ALG", s.alg, "KID", s.key.ID()).Replace(header)
		compact := s.sign(header, payload) + suffix
		var out token.Claims
		err := v.Verify(compact, now, &out)

		parser, keyfunc := golangJWT(s)
		jwt.WithJSONNumber()(parser)
		theirs, theirErr := parser.ParseWithClaims(compact, jwt.MapClaims{}, keyfunc)
		switch {
		case err == nil && theirErr != nil:
			t.Fatalf("%q %q: golang-jwt says %v", header, payload, theirErr)
		case err == nil:
			sameClaims(t, out, payload)
			claims, ok := theirs.Claims.(jwt.MapClaims)
			if diff := cmp.Diff(decodeJSON(t, payload), map[string]any(claims)); diff != "" || !ok {
				t.Fatalf("%q: -ours +golang-jwt\n%s", payload, diff)
			}
		case theirErr == nil && !shows(token.ReasonOf(err), header, payload, compact):
			t.Fatalf("%q %q %q: golang-jwt accepts and nothing shows why we refuse with %v", header, payload, suffix, err)
		}
	})
}

// shows reports whether a token that golang-jwt accepts gives cause to refuse it for that reason. Reasons that are not
// here are no cause for a difference.
func shows(r token.Reason, header, payload, compact string) bool {
	switch r {
	case token.ReasonTooLong:
		return len(compact) > 8192
	case token.ReasonMalformed:
		if strings.ContainsAny(compact, "\r\n") || strictJSON(header) != nil {
			return true
		}
		kid, hasKid := raw(header)["kid"]
		typ, hasTyp := raw(header)["typ"]
		return hasKid && (kind(kid) != '"' || text(header, "kid") == "" || len(text(header, "kid")) > 256) ||
			hasTyp && kind(typ) != '"'
	case token.ReasonCrit:
		_, has := raw(header)["crit"]
		return has
	case token.ReasonHeader:
		return refusedHeader(header)
	case token.ReasonType:
		return strings.TrimPrefix(strings.ToLower(text(header, "typ")), "application/") != "at+jwt"
	case token.ReasonKeyUnknown:
		return text(header, "kid") != "hs" && text(header, "kid") != "ed" && text(header, "kid") != "ec"
	case token.ReasonClaims:
		return strictJSON(payload) != nil || oddClaims(payload)
	default:
		return false
	}
}

// refusedHeader reports whether a header has a member that is never accepted.
func refusedHeader(header string) bool {
	for name := range raw(header) {
		switch name {
		case "alg", "typ", "kid":
			continue
		}
		for _, never := range []string{"alg", "typ", "kid", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"} {
			if strings.EqualFold(name, never) {
				return true
			}
		}
	}
	return false
}

var (
	textClaims = []string{"iss", "sub", "jti", "sid", "client_id", "tenant", "username", "scope", "nonce", "azp", "at_hash"}
	timeClaims = []string{"exp", "nbf", "iat", "auth_time"}
	listClaims = []string{"aud", "permissions"}
)

// oddClaims reports whether a strict payload has a claim in another case, of another type or out of range.
func oddClaims(payload string) bool {
	for name, value := range raw(payload) {
		switch {
		case slices.Contains(textClaims, name):
			if kind(value) != '"' {
				return true
			}
		case slices.Contains(timeClaims, name), name == "iat_ms":
			limit := int64(253402300799)
			if name == "iat_ms" {
				limit = limit*1000 + 999
			}
			n, ok := new(big.Rat).SetString(string(value))
			if !ok || value[0] == '-' || !n.IsInt() || n.Cmp(new(big.Rat).SetInt64(limit)) > 0 {
				return true
			}
		case slices.Contains(listClaims, name):
			var list []json.RawMessage
			if kind(value) == '"' && name == "aud" {
				continue
			}
			if kind(value) != '[' || json.Unmarshal(value, &list) != nil {
				return true
			}
			for _, v := range list {
				if kind(v) != '"' {
					return true
				}
			}
		default:
			for _, known := range slices.Concat(textClaims, timeClaims, listClaims, []string{"iat_ms"}) {
				if strings.EqualFold(name, known) {
					return true
				}
			}
		}
	}
	return false
}

// sameClaims holds out against the payload as encoding/json reads it.
func sameClaims(t *testing.T, out token.Claims, payload string) {
	t.Helper()
	if strictJSON(payload) != nil || oddClaims(payload) || out.Raw() != payload {
		t.Fatalf("%q: accepted", payload)
	}
	var want struct {
		Issuer    string          `json:"iss"`
		Subject   string          `json:"sub"`
		ID        string          `json:"jti"`
		Session   string          `json:"sid"`
		ClientID  string          `json:"client_id"`
		Tenant    string          `json:"tenant"`
		Username  string          `json:"username"`
		Scope     string          `json:"scope"`
		Nonce     string          `json:"nonce"`
		Party     string          `json:"azp"`
		Hash      string          `json:"at_hash"`
		Audience  json.RawMessage `json:"aud"`
		Rights    []string        `json:"permissions"`
		Expiry    json.Number     `json:"exp"`
		NotBefore json.Number     `json:"nbf"`
		IssuedAt  json.Number     `json:"iat"`
		AuthTime  json.Number     `json:"auth_time"`
		Millis    json.Number     `json:"iat_ms"`
	}
	if err := json.Unmarshal([]byte(payload), &want); err != nil {
		t.Fatal(err)
	}
	var audience []string
	if len(want.Audience) > 0 && want.Audience[0] == '"' {
		audience = []string{text(payload, "aud")}
	} else if len(want.Audience) > 0 {
		fatal(json.Unmarshal(want.Audience, &audience))
	}
	ours := []any{
		out.Issuer, out.Subject, out.ID, out.Session, out.ClientID, out.Tenant, out.Username, out.Scope, out.Nonce,
		out.AuthorizedParty, out.AccessTokenHash, append([]string{}, out.Audience...), append([]string{}, out.Permissions...),
		out.Expiry, out.NotBefore, out.IssuedAt, out.AuthTime, out.IssuedAtMillis,
	}
	theirs := []any{
		want.Issuer, want.Subject, want.ID, want.Session, want.ClientID, want.Tenant, want.Username, want.Scope, want.Nonce,
		want.Party, want.Hash, append([]string{}, audience...), append([]string{}, want.Rights...),
		integer(want.Expiry), integer(want.NotBefore), integer(want.IssuedAt), integer(want.AuthTime), integer(want.Millis),
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Fatalf("%q: -encoding/json +ours\n%s", payload, diff)
	}
	for name, value := range raw(payload) {
		if v, ok := out.Lookup(name); !ok || v.Raw() != string(value) {
			t.Fatalf("%q: %q is %q, encoding/json says %q", payload, name, v.Raw(), value)
		}
	}
}

func integer(n json.Number) int64 {
	if n == "" {
		return 0
	}
	exact, ok := new(big.Rat).SetString(string(n))
	if !ok || !exact.IsInt() {
		return -1
	}
	return exact.Num().Int64()
}

// raw returns the members of a JSON object.
func raw(doc string) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(doc), &m) != nil {
		return nil
	}
	return m
}

// text returns a member of a JSON object that is a string, or "".
func text(doc, name string) (s string) {
	if json.Unmarshal(raw(doc)[name], &s) != nil {
		return ""
	}
	return s
}

// kind returns the first byte of a JSON value.
func kind(v json.RawMessage) byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

func decodePart(t *testing.T, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decodeJSON(t *testing.T, doc string) (m map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}
