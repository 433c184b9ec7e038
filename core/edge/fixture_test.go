package edge_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

const (
	issuer   = "https://id.example"
	audience = "https://api.example"
	app      = "https://app.example"
	start    = int64(1_800_000_000)
	now      = start*1000 + 500
)

// signer signs compact JWSs by a key.
type signer struct {
	alg  string
	key  *token.Key
	sign func(input []byte) []byte
}

func newEd(t testing.TB) signer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.NewEd25519Key("", public)
	if err != nil {
		t.Fatal(err)
	}
	return signer{"EdDSA", key, func(input []byte) []byte { return ed25519.Sign(private, input) }}
}

func newEC(t testing.TB) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.NewECDSAKey("", &private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return signer{"ES256", key, func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature
	}}
}

// compact signs a payload under a header of these members.
func (s signer) compact(header map[string]any, payload string) string {
	if header["alg"] == nil {
		header["alg"] = s.alg
	}
	if header["kid"] == nil {
		header["kid"] = s.key.ID()
	}
	h, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString(h) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(s.sign([]byte(input)))
}

func (s signer) bundle(t testing.TB, b *edge.Bundle) []byte {
	t.Helper()
	payload, err := b.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(s.compact(map[string]any{"typ": edge.Type}, string(payload)))
}

// claims are those of a good token, with changes; a nil takes one out.
func claims(changes map[string]any) string {
	c := map[string]any{
		"iss": issuer, "aud": audience, "sub": "u1", "client_id": audience, "sid": "s1", "jti": "j1", "tenant": "acme", "username": "ada",
		"permissions": []string{"orders:read"}, "iat": start, "iat_ms": start * 1000, "exp": start + 900,
	}
	for name, v := range changes {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (s signer) token(changes map[string]any) string {
	return s.compact(map[string]any{"typ": token.TypeAccess}, claims(changes))
}

func keySet(t testing.TB, keys ...*token.Key) *token.KeySet {
	t.Helper()
	set, err := token.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var algorithms = []token.Algorithm{token.EdDSA, token.ES256, token.HS256}

// fixture is a verifier with the keys that it believes.
type fixture struct {
	*edge.Verifier
	own, publisher signer
	number         int64
}

func newFixture(t testing.TB, changes ...func(*edge.Config)) *fixture {
	t.Helper()
	f := &fixture{own: newEd(t), publisher: newEC(t)}
	c := edge.Config{Trust: keySet(t, f.publisher.key), Algorithms: algorithms}
	for _, change := range changes {
		change(&c)
	}
	v, err := edge.New(c)
	if err != nil {
		t.Fatal(err)
	}
	f.Verifier = v
	return f
}

// ways are those to add deltas to what is held.
var ways = map[string]func(*edge.Config){"shared": func(*edge.Config) {}, "alone": func(c *edge.Config) { c.Alone = true }}

// next is a bundle that stands alone, with the number after the last one.
func (f *fixture) next(t testing.TB) *edge.Bundle {
	f.number += 10
	return &edge.Bundle{
		Issuer: issuer, Number: f.number, IssuedAt: start, Expires: start + 3600,
		Audiences: []string{audience}, Required: []string{"sub", "iat"}, Leeway: 60, Keys: keySet(t, f.own.key),
		Rules: []access.Rule{
			{Path: "/assets/**", Demand: access.Public},
			{Path: "/orders/**", Methods: []string{"GET"}, Demand: access.SessionOrToken, Permissions: []string{"orders:read"}},
			{Path: "/jobs/**", Demand: access.TokenOnly, Only: access.Machine},
			{Path: "/me", Demand: access.SessionOnly, Only: access.User},
			{Path: "/write", Demand: access.SessionOrToken},
		},
		Site: edge.Site{Origin: issuer, Origins: []string{app}, Session: "hw_session", Access: "hw_access", Refresh: "hw_refresh"},
	}
}

// delta adds marks to what is held.
func (f *fixture) delta(t testing.TB, marks ...token.Mark) *edge.Bundle {
	t.Helper()
	base := f.number
	f.number += 10
	return &edge.Bundle{
		Issuer: issuer, Number: f.number, Base: base, IssuedAt: start, Expires: start + 3600, Marks: newMarks(t, marks...),
	}
}

func (f *fixture) load(t testing.TB, b *edge.Bundle) {
	t.Helper()
	if err := f.Load(f.publisher.bundle(t, b), now); err != nil {
		t.Fatal(err)
	}
}

func loaded(t testing.TB, changes ...func(*edge.Config)) *fixture {
	t.Helper()
	f := newFixture(t, changes...)
	f.load(t, f.next(t))
	return f
}

func bearer(method, path, compact string) *edge.Request {
	return &edge.Request{Method: method, Path: path, HasAuthorization: true, Authorization: "Bearer " + compact}
}
