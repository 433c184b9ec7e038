package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

const (
	issuer   = "https://id.example"
	audience = "https://api.example"

	tokensEach = 512     // of an algorithm; each is looked at as if it had never been seen
	marksHeld  = 100_000 // in the bundle that marks are looked up in
	deltasHeld = 64      // whose marks are not in it
)

// fixture is what the JavaScript of directory wasm is given.
type fixture struct {
	Issuer     string               `json:"issuer"`
	Audience   string               `json:"audience"`
	Type       string               `json:"type"`
	Subject    string               `json:"subject"`
	Algorithms map[string]algorithm `json:"algorithms"`
	Key        json.RawMessage      `json:"key"`    // what bundles are signed by
	Bundle     string               `json:"bundle"` // without marks
	Marked     string               `json:"marked"`
	Deltas     []json.RawMessage    `json:"deltas"` // the marks of deltas to Marked
}

type algorithm struct {
	JWK    json.RawMessage `json:"jwk"`
	Tokens []string        `json:"tokens"`
}

// newFixture makes keys, tokens of the usual length that are good for two hours, and bundles for them.
func newFixture(now time.Time) (*fixture, error) {
	f := &fixture{
		Issuer: issuer, Audience: audience, Type: token.TypeAccess, Subject: "01932d60-7a2b-7abc-8def-0123456789ab",
		Algorithms: map[string]algorithm{},
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	publisher, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	secret := []byte(rand.Text() + rand.Text())
	hmac, err := json.Marshal(map[string]string{"kty": "oct", "alg": "HS256", "kid": "HS256", "k": base64.RawURLEncoding.EncodeToString(secret)})
	if err != nil {
		return nil, err
	}
	var keys []*token.Key
	for _, by := range []struct {
		method  jwt.SigningMethod
		private any
	}{{jwt.SigningMethodEdDSA, ed}, {jwt.SigningMethodES256, ec}, {jwt.SigningMethodRS256, rs}, {jwt.SigningMethodHS256, secret}} {
		name, jwk := by.method.Alg(), hmac
		if private, ok := by.private.(crypto.Signer); ok {
			var key *token.Key
			if key, jwk, err = publicKey(name, private.Public()); err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		a := algorithm{JWK: jwk}
		for i := range tokensEach {
			signed, err := sign(by.method, by.private, f.claims(now, i))
			if err != nil {
				return nil, err
			}
			a.Tokens = append(a.Tokens, signed)
		}
		f.Algorithms[name] = a
	}
	if _, f.Key, err = publicKey("ES256", publisher.Public()); err != nil {
		return nil, err
	}
	return f, f.addBundles(now, keys, publisher)
}

// claims are those of an access token as Hexward issues them.
func (f *fixture) claims(now time.Time, i int) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": f.Subject, "client_id": audience, "username": "ada",
		"sid": fmt.Sprintf("01932d60-7a2b-7abc-8def-%012d", i), "jti": fmt.Sprintf("01932d60-7a2c-7abc-8def-%012d", i),
		"tenant": "acme", "permissions": []string{"orders:read", "orders:write"},
		"iat": now.Unix(), "iat_ms": now.UnixMilli(), "exp": now.Add(2 * time.Hour).Unix(),
	}
}

func (f *fixture) addBundles(now time.Time, keys []*token.Key, publisher *ecdsa.PrivateKey) error {
	set, err := token.NewKeySet(keys...)
	if err != nil {
		return err
	}
	seed := edge.Seed{1}
	// Most revocations are of sessions. That there are others has every kind looked up.
	list := make([]token.Mark, marksHeld)
	for i := range list {
		list[i] = token.Mark{Kind: token.MarkSession, Value: fmt.Sprint("session", i)}
		switch i % 5 {
		case 3:
			list[i] = token.Mark{Kind: token.MarkToken, Value: fmt.Sprint("token", i)}
		case 4:
			list[i] = token.Mark{Kind: token.MarkUser, Value: fmt.Sprint("user", i), Before: now.UnixMilli()}
		}
	}
	marks, err := edge.NewMarks(seed, list)
	if err != nil {
		return err
	}
	b := &edge.Bundle{
		Issuer: issuer, Number: 1, IssuedAt: now.Unix(), Expires: now.Add(2 * time.Hour).Unix(), Audiences: []string{audience},
		Required: []string{"sub", "iat"}, Leeway: 60, Keys: set,
		Rules: []access.Rule{
			{Path: "/assets/**", Demand: access.Public},
			{Path: "/orders/**", Demand: access.SessionOrToken, Permissions: []string{"orders:read"}},
			{Path: "/**", Demand: access.SessionOrToken},
		},
		Site: edge.Site{Origin: issuer, Session: "__Host-hexward_session", Access: "__Host-hexward_access", Refresh: "__Secure-hexward_refresh"},
	}
	for _, to := range []*string{&f.Bundle, &f.Marked} {
		payload, err := b.AppendJSON(nil)
		if err != nil {
			return err
		}
		if *to, err = signPayload(publisher, payload); err != nil {
			return err
		}
		b.Number, b.Marks = b.Number+1, marks
	}
	for i := range deltasHeld {
		added, err := edge.NewMarks(seed, []token.Mark{{Kind: token.MarkSession, Value: fmt.Sprint("later", i)}})
		if err != nil {
			return err
		}
		f.Deltas = append(f.Deltas, added.AppendJSON(nil))
	}
	return nil
}

// publicKey returns a public key, named by its algorithm, and its JWK.
func publicKey(algorithm string, public crypto.PublicKey) (key *token.Key, jwk []byte, err error) {
	switch public := public.(type) {
	case ed25519.PublicKey:
		key, err = token.NewEd25519Key(algorithm, public)
	case *ecdsa.PublicKey:
		key, err = token.NewECDSAKey(algorithm, public)
	case *rsa.PublicKey:
		key, err = token.NewRSAKey(algorithm, "RS256", public)
	default:
		err = errors.New("a key of no algorithm that is measured")
	}
	if err != nil {
		return nil, nil, err
	}
	jwk, err = key.AppendJWK(nil)
	return key, jwk, err
}

// sign makes an access token.
func sign(method jwt.SigningMethod, private any, claims jwt.Claims) (string, error) {
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"], t.Header["typ"] = method.Alg(), token.TypeAccess
	return t.SignedString(private)
}

// signPayload signs a payload to the letter.
func signPayload(publisher *ecdsa.PrivateKey, payload []byte) (string, error) {
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"ES256","typ":"`+edge.Type+`"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(payload)
	signature, err := jwt.SigningMethodES256.Sign(input, publisher)
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}
