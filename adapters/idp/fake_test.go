package idp_test

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
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

const (
	clientID     = "hexward client" // with a space, so that its encoding shows
	clientSecret = "s3cret/with+signs&more="
	verifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	accessToken  = "access-token-of-alice"
	refreshToken = "refresh-token-of-alice"
	goodCode     = "code-of-alice"
	callback     = "https://app.example/callback"
)

// start is when the tests play.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// key is a signing key of the fake provider.
type key struct {
	kid, alg string
	private  crypto.Signer
}

var (
	ecKey, otherKey = newEC("ec-1"), newEC("ec-2")
	ec384Key        = key{"ec384-1", "ES384", newCurve(elliptic.P384())}
	ec521Key        = key{"ec521-1", "ES512", newCurve(elliptic.P521())}
	pssKey          = key{"pss-1", "PS256", newRSA("").private}
	rsaKey          = newRSA("rsa-1")
	edKey           = newEd("ed-1")
)

func newCurve(curve elliptic.Curve) crypto.Signer {
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

func newEC(kid string) key { return key{kid, "ES256", newCurve(elliptic.P256())} }

func newRSA(kid string) key {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key{kid, "RS256", k}
}

func newEd(kid string) key {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key{kid, "EdDSA", k}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk returns the public key as a JWK.
func (k key) jwk() map[string]any {
	m := map[string]any{"use": "sig", "alg": k.alg, "kid": k.kid}
	switch pub := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			panic(err)
		}
		half := 1 + len(point)/2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", pub.Params().Name, b64(point[1:half]), b64(point[half:])
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(pub.N.Bytes()), b64(big.NewInt(int64(pub.E)).Bytes())
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(pub)
	}
	return m
}

// hash returns the hash of text that the key's algorithm uses.
func (k key) hash(text string) []byte {
	h := sha256.New()
	switch k.alg {
	case "ES384":
		h = sha512.New384()
	case "ES512", "EdDSA":
		h = sha512.New()
	}
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

// sign returns a compact JWS of a header and payload as they are.
func (k key) sign(header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := k.hash(input)
	var signature []byte
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, sum)
		if err != nil {
			panic(err)
		}
		size := (private.Params().BitSize + 7) / 8
		signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case *rsa.PrivateKey:
		var err error
		if k.alg == "PS256" {
			signature, err = rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum)
		}
		if err != nil {
			panic(err)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, []byte(input))
	}
	return input + "." + b64(signature)
}

func signHMAC(header, payload string, secret []byte) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	h := hmac.New(sha256.New, secret)
	_, _ = io.WriteString(h, input)
	return input + "." + b64(h.Sum(nil))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type object = map[string]any

// fake is a provider that does what it is told. Its fields are set before it is asked.
type fake struct {
	*httptest.Server
	clock *clock

	mu        sync.Mutex
	counts    map[string]int
	handle    map[string]http.HandlerFunc // in place of the honest handler, by path
	document  object                      // the discovery document
	keys      []object
	key       key
	header    func(object)                        // changes the ID token's header
	claims    func(object)                        // changes its claims
	signed    func(header, payload string) string // signs it
	answer    func(object)                        // changes the token answer
	info      object                              // the userinfo answer, beyond sub
	nonce     string
	challenge string
	form      url.Values // of the latest token or revocation request
	forms     []url.Values
	auth      [2]string // its basic credentials
}

func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{clock: &clock{now: start}, counts: map[string]int{}, handle: map[string]http.HandlerFunc{}, key: ecKey}
	f.keys = []object{ecKey.jwk(), rsaKey.jwk(), edKey.jwk()}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	f.document = object{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize?tenant=a", "token_endpoint": f.URL + "/token",
		"jwks_uri": f.URL + "/jwks", "userinfo_endpoint": f.URL + "/userinfo", "revocation_endpoint": f.URL + "/revoke",
		"end_session_endpoint": f.URL + "/end?x=1", "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256", "RS256", "EdDSA"},
	}
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func (f *fake) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[path]
}

// set changes the fake while it may be asked.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.counts[r.URL.Path]++
	handle := f.handle[r.URL.Path]
	f.mu.Unlock()
	if handle != nil {
		handle(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		write(w, text(f.document))
	case "/jwks":
		write(w, text(object{"keys": f.keys}))
	case "/token":
		f.token(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		info := object{"sub": "alice"}
		maps.Copy(info, f.info)
		write(w, text(info))
	case "/revoke":
		f.remember(r)
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

func (f *fake) remember(r *http.Request) {
	_ = r.ParseForm()
	id, secret, _ := r.BasicAuth()
	f.form, f.auth = r.PostForm, [2]string{id, secret}
	f.forms = append(f.forms, r.PostForm)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// What a hostile provider echoes must not reach a log.
	_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":"%s %s %s"}`, code, goodCode, refreshToken, "s3cret")
}

// token answers as RFC 6749 §5 says.
func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	f.remember(r)
	switch f.form.Get("grant_type") {
	case "authorization_code":
		sum := sha256.Sum256([]byte(f.form.Get("code_verifier")))
		if f.form.Get("code") != goodCode || f.form.Get("redirect_uri") != callback || f.challenge != "" && b64(sum[:]) != f.challenge {
			refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
	case "refresh_token":
		if f.form.Get("refresh_token") != refreshToken {
			refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	a := object{
		"access_token": accessToken, "token_type": "Bearer", "expires_in": 600, "refresh_token": refreshToken,
		"id_token": f.idToken(),
	}
	if f.answer != nil {
		f.answer(a)
	}
	write(w, text(a))
}

// idToken makes an ID token.
func (f *fake) idToken() string {
	header := object{"alg": f.key.alg, "kid": f.key.kid, "typ": "JWT"}
	sum := f.key.hash(accessToken)
	half := sum[:len(sum)/2]
	now := f.clock.Now()
	claims := object{
		"iss": f.URL, "sub": "alice", "aud": clientID, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nonce": f.nonce,
		"at_hash": b64(half), "sid": "session-1", "email": "alice@example.org", "email_verified": true, "name": "Alice A",
		"preferred_username": "alice.a", "picture": "https://cdn.example/a.png",
	}
	if f.nonce == "" {
		delete(claims, "nonce")
	}
	if f.header != nil {
		f.header(header)
	}
	if f.claims != nil {
		f.claims(claims)
	}
	if f.signed != nil {
		return f.signed(text(header), text(claims))
	}
	return f.key.sign(text(header), text(claims))
}

// config is one for the fake.
func (f *fake) config() idp.Config {
	return idp.Config{
		Name: "fake", Issuer: f.URL, ClientID: clientID, ClientSecret: clientSecret, Now: f.clock.Now, Timeout: 5 * time.Second,
	}
}

func mustNew(t testing.TB, c idp.Config) *idp.Provider {
	t.Helper()
	p, err := idp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begin starts a sign-in, as a browser does, and returns the code that it comes back with.
func (f *fake) begin(t testing.TB, p *idp.Provider) ports.AuthCode {
	t.Helper()
	const nonce = "nonce-of-the-request"
	at, err := p.Begin(t.Context(), ports.AuthRequest{RedirectURI: callback, State: "state", Nonce: nonce, Verifier: verifier})
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	f.set(func() { f.nonce, f.challenge = u.Query().Get("nonce"), u.Query().Get("code_challenge") })
	return ports.AuthCode{Code: goodCode, RedirectURI: callback, Nonce: nonce, Verifier: verifier}
}

// redeem signs alice in.
func (f *fake) redeem(t testing.TB, p *idp.Provider) (ports.Person, error) {
	t.Helper()
	return p.Redeem(context.WithoutCancel(t.Context()), f.begin(t, p))
}

// kind returns the kind of an error, or "" for none.
func kind(err error) string {
	if err == nil {
		return ""
	}
	return fault.KindOf(err).String()
}

type portsCode = ports.AuthCode

// redeemable is the code of a sign-in that another process began.
func redeemable(f *fake) ports.AuthCode {
	f.set(func() { f.nonce = "nonce-of-the-request" })
	return ports.AuthCode{Code: goodCode, RedirectURI: callback, Nonce: "nonce-of-the-request", Verifier: verifier}
}
