package main_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/hexward/hexward/adapters/cache"
	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/adapters/memory"
	"github.com/hexward/hexward/adapters/passhash"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

// BenchmarkBearer measures the check of tokens within the process. "first" is of tokens that were not seen before, with the
// primitive of the standard library on the same bytes right before or after each: beyond-ns/op is the median of the
// differences.
func BenchmarkBearer(b *testing.B) {
	const issuer = "https://id.example"
	seed := sha256.Sum256([]byte("a signing key"))
	own := ed25519.NewKeyFromSeed(seed[:])
	point, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	modulus, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	authentic := func(input, signature []byte) bool {
		mac := hmac.New(sha256.New, []byte(signing))
		mac.Write(input)
		return hmac.Equal(mac.Sum(nil), signature)
	}
	for _, one := range []struct {
		name  string
		guard *guard
		valid func(input, signature []byte) bool
	}{
		{"own/EdDSA", newGuard(b, issuer, own, nil), func(input, signature []byte) bool {
			return ed25519.Verify(own.Public().(ed25519.PublicKey), input, signature)
		}},
		{"own/HS256", newGuard(b, issuer, []byte(signing), nil), authentic},
		{"foreign/HS256", newGuard(b, issuer, own, []byte(signing)), authentic},
		{"foreign/ES256", newGuard(b, issuer, own, point), func(input, signature []byte) bool {
			hash := sha256.Sum256(input)
			return ecdsa.Verify(&point.PublicKey, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
		}},
		{"foreign/RS256", newGuard(b, issuer, own, modulus), func(input, signature []byte) bool {
			hash := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(&modulus.PublicKey, crypto.SHA256, hash[:], signature) == nil
		}},
	} {
		b.Run(one.name, func(b *testing.B) { one.guard.first(b, one.valid) })
		b.Run(one.name+"/cached", func(b *testing.B) { one.guard.cached(b) })
	}
	b.Run("api-token/cached", func(b *testing.B) {
		g := newGuard(b, issuer, own, nil)

		grant, err := g.service.Register(b.Context(), auth.NewUser{Username: "alice", Email: "alice@example.org", Password: password}, auth.Client{})
		if err != nil {
			b.Fatal(err)
		}
		who, err := g.service.Authenticate(b.Context(), auth.Credentials{Bearer: grant.Access, HasBearer: true})
		if err != nil {
			b.Fatal(err)
		}

		_, text, err := g.service.MakeAPIToken(b.Context(), who.Principal, auth.NewAPIToken{Name: "script"}, auth.Client{})
		if err != nil {
			b.Fatal(err)
		}
		g.tokens = []string{text}
		g.cached(b)
	})
}

// crowded is how many tokens there are, of which the cache has room for few, so that
// each is as good as new when its turn comes again.
const crowded, room = 2000, 64

// guard is a service, and tokens that it takes.
type guard struct {
	service *auth.Service
	tokens  []string
}

// newGuard returns a service that signs with a key, or with a secret, and tokens of a machine of its own, or of
// another issuer with another key.
func newGuard(b *testing.B, issuer string, own, foreign any) *guard {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	master := make([]byte, 32)
	seals, err := sealer.New(master)
	must(err)
	ids, err := session.NewSeal(sealer.Derive(master, "session cookie"))
	must(err)
	ring, err := keyring.New(seals)
	must(err)
	hasher, err := passhash.New(passhash.Config{})
	must(err)
	verified, err := cache.New(room)
	must(err)
	refused, err := cache.New(room)
	must(err)
	store := memory.New()
	config := auth.Config{
		Users: store.Users(), Sessions: store.Sessions(), SessionSets: store.SessionSets(),
		MailTokens: store.MailTokens(), Attempts: store.Attempts(), Marks: store.Marks(), Audit: store.Audit(), Keys: store.Keys(),
		Keyring: ring, Signer: signer.New(), Sealer: seals, Hasher: hasher, Mailer: nowhere{}, Identities: store.Identities(),
		Tenants: store.Tenants(), Directory: store.Directory(), Machines: store.Machines(), APITokens: store.APITokens(),
		Verified: verified, Refused: refused, Seal: ids, Now: time.Now, Rand: rand.Reader,
		Report: func(_ context.Context, doing string, err error) { b.Errorf("%s: %v", doing, err) }, Settings: auth.DefaultSettings(issuer),
	}
	secret, symmetric := own.([]byte)
	if symmetric {
		config.Settings.Secret, config.Settings.Algorithm = secret, "HS256"
	}
	if foreign != nil {
		config.Issuers = []auth.Trusted{elsewhere(b, foreign)}
	}
	g := &guard{tokens: make([]string, crowded)}
	g.service, err = auth.New(config)
	must(err)
	must(g.service.Load(b.Context()))
	operator := access.Operator("bench")
	if !symmetric {
		der, err := x509.MarshalPKCS8PrivateKey(own)
		must(err)
		_, err = g.service.RotateKeys(b.Context(), &operator, auth.Rotation{PEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}, auth.Client{})
		must(err)
	}
	if foreign != nil {
		for n := range g.tokens {
			g.tokens[n] = speak(b, strangers, foreign, n)
		}
		return g
	}
	made, text, err := g.service.AddClient(b.Context(), &operator, auth.NewClient{Name: "job", Permissions: []string{"read", "write"}}, auth.Client{})
	must(err)
	for n := range g.tokens {
		grant, err := g.service.IssueMachineToken(b.Context(), auth.ClientProof{ID: made.ID, Secret: text}, nil, auth.Client{})
		must(err)
		g.tokens[n] = grant.Access
	}
	return g
}

// nowhere is where mail goes.
type nowhere struct{}

func (nowhere) Send(context.Context, ports.Message) error { return nil }

// strangers is the other issuer.
const strangers = "https://strangers.example/"

// keySet is the JWK Set of the public half of a key.
func keySet(b *testing.B, private any) string {
	b.Helper()
	text := base64.RawURLEncoding.EncodeToString
	var jwk string
	switch k := private.(type) {
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes()
		if err != nil {
			b.Fatal(err)
		}
		jwk = fmt.Sprintf(`{"kty":"EC","crv":"P-256","alg":"ES256","kid":"theirs","x":%q,"y":%q}`, text(point[1:33]), text(point[33:]))
	case *rsa.PrivateKey:
		jwk = fmt.Sprintf(`{"kty":"RSA","alg":"RS256","kid":"theirs","n":%q,"e":"AQAB"}`, text(k.N.Bytes()))
	}
	return `{"keys":[` + jwk + `]}`
}

// elsewhere trusts the other issuer with the public half of a key.
func elsewhere(b *testing.B, private any) auth.Trusted {
	b.Helper()
	config := idp.IssuerConfig{
		Name: "strangers", Issuer: strangers, Audiences: []string{"https://id.example"},
		Machines: idp.MachineRules{Claims: map[string]string{"gty": "client-credentials"}},
	}
	if secret, symmetric := private.([]byte); symmetric {
		config.Secret, config.Algorithms = string(secret), []string{"HS256"}
	} else {
		config.JWKS, config.Transport = strangers+"keys", served(keySet(b, private))
	}
	made, err := idp.NewIssuer(config)
	if err != nil {
		b.Fatal(err)
	}
	return auth.Trusted{Name: "strangers", URL: strangers, Issuer: made, Users: auth.UsersRefused}
}

// served answers every request with the same.
type served string

func (s served) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(s))),
	}, nil
}

// speak returns the n-th token of a machine of another issuer.
func speak(b *testing.B, issuer string, private any, n int) string {
	b.Helper()
	var method jwt.SigningMethod
	switch private.(type) {
	case *ecdsa.PrivateKey:
		method = jwt.SigningMethodES256
	case *rsa.PrivateKey:
		method = jwt.SigningMethodRS256
	default:
		method = jwt.SigningMethodHS256
	}
	now := time.Now()
	t := jwt.NewWithClaims(method, jwt.MapClaims{
		"iss": issuer, "sub": "worker@clients", "aud": "https://id.example", "azp": "worker", "gty": "client-credentials", "scope": "read write",
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(), "jti": fmt.Sprint("token-", n),
	})
	t.Header["typ"] = "at+jwt"
	if method != jwt.SigningMethodHS256 {
		t.Header["kid"] = "theirs"
	}
	text, err := t.SignedString(private)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

func (g *guard) check(b *testing.B, text string) {
	if _, err := g.service.Authenticate(context.Background(), auth.Credentials{Bearer: text, HasBearer: true}); err != nil {
		b.Fatal(err)
	}
}

// first measures tokens that were not seen before.
func (g *guard) first(b *testing.B, valid func(input, signature []byte) bool) {
	inputs, signatures := make([][]byte, len(g.tokens)), make([][]byte, len(g.tokens))
	for n, text := range g.tokens {
		dot := strings.LastIndexByte(text, '.')
		signature, err := base64.RawURLEncoding.DecodeString(text[dot+1:])
		if err != nil {
			b.Fatal(err)
		}
		inputs[n], signatures[n] = []byte(text[:dot]), signature
	}
	// Whichever is second finds the processor warm, so each is so half of the time.
	var beyond [2][]time.Duration
	var raw []time.Duration
	for i := 0; b.Loop(); i++ {
		n := i % len(g.tokens)
		var ours, primitive time.Duration
		for step := range 2 {
			began := time.Now()
			if step == i%2 {
				g.check(b, g.tokens[n])
				ours = time.Since(began)
				continue
			}
			good := valid(inputs[n], signatures[n])
			primitive = time.Since(began)
			if !good {
				b.Fatal("the primitive refuses the token")
			}
		}
		beyond[i%2], raw = append(beyond[i%2], ours-primitive), append(raw, primitive)
	}
	if len(beyond[1]) == 0 {
		return
	}
	b.ReportMetric(float64(middle(beyond[0])+middle(beyond[1]))/2, "beyond-ns/op")
	b.ReportMetric(float64(middle(raw)), "raw-ns/op")
}

func middle(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// cached measures one token again and again.
func (g *guard) cached(b *testing.B) {
	text := g.tokens[0]
	for range 100 { // until the cache has taken it in
		g.check(b, text)
	}
	b.ReportAllocs()
	for b.Loop() {
		g.check(b, text)
	}
}
