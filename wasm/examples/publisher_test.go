package examples_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// publisher signs tokens, and publishes bundles, as a test wants them.
type publisher struct {
	t       testing.TB
	url     string
	tokens  ed25519.PrivateKey
	bundles *ecdsa.PrivateKey
	own     *token.KeySet
	trust   string // a JWK Set, of what signs bundles

	mu      sync.Mutex
	server  *httptest.Server
	number  int64
	compact []byte
	expires time.Time // when the latest one ends
	polls   int       // requests for a bundle
	since   string
	instead http.HandlerFunc // answers in its place
}

func newPublisher(t testing.TB) *publisher {
	t.Helper()
	p := &publisher{t: t, url: "http://127.0.0.1:" + freePort(t)}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.tokens = private
	if p.bundles, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	own, err := token.NewEd25519Key("", public)
	if err != nil {
		t.Fatal(err)
	}
	signs, err := token.NewECDSAKey("", &p.bundles.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	trust := keySet(t, signs)
	p.own = keySet(t, own)
	jwks, err := trust.MarshalJWKS()
	if err != nil {
		t.Fatal(err)
	}
	p.trust = string(jwks)
	t.Cleanup(p.down)
	return p
}

func keySet(t testing.TB, keys ...*token.Key) *token.KeySet {
	t.Helper()
	set, err := token.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// up begins to answer.
func (p *publisher) up() {
	p.t.Helper()
	l, err := new(net.ListenConfig).Listen(p.t.Context(), "tcp", p.url[len("http://"):])
	if err != nil {
		p.t.Fatal(err)
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.answer))
	_ = p.server.Listener.Close()
	p.server.Listener = l
	p.server.Start()
}

// down ends that.
func (p *publisher) down() {
	if p.server != nil {
		p.server.CloseClientConnections()
		p.server.Close()
		p.server = nil
	}
}

func (p *publisher) answer(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	compact, number, instead := p.compact, p.number, p.instead
	p.polls++
	p.since = r.URL.Query().Get("since")
	p.mu.Unlock()
	if instead != nil {
		instead(w, r)
		return
	}
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	wait, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	for end := time.Now().Add(time.Duration(wait) * time.Second); since >= number && time.Now().Before(end) && r.Context().Err() == nil; {
		time.Sleep(20 * time.Millisecond)
		p.mu.Lock()
		compact, number = p.compact, p.number
		p.mu.Unlock()
	}
	if since >= number {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/jose")
	_, _ = w.Write(compact)
}

// publish makes another bundle, which lives as long, and returns it.
func (p *publisher) publish(life time.Duration, changes ...func(*edge.Bundle)) []byte {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	now := time.Now()
	b := &edge.Bundle{
		Issuer: p.url, Number: p.number, IssuedAt: now.Unix(), Expires: now.Add(life).Unix(),
		Audiences: []string{p.url}, Required: []string{"sub", "iat"}, Leeway: 60, Keys: p.own,
		Rules: []access.Rule{{Path: "/public/**", Demand: access.Public}, {Path: "/api/**", Demand: access.SessionOrToken}},
		Site:  edge.Site{Origin: p.url, Session: "hw_session", Access: "hw_access", Refresh: "hw_refresh"},
	}
	for _, change := range changes {
		change(b)
	}
	p.expires = time.Unix(b.Expires, 0)
	payload, err := b.AppendJSON(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.compact = p.sign("ES256", edge.Type, payload)
	return p.compact
}

// sign signs a payload as a compact JWS.
func (p *publisher) sign(alg, typ string, payload []byte) []byte {
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(`{"alg":"`+alg+`","typ":"`+typ+`"}`)) + "." + b64.EncodeToString(payload)
	var signature []byte
	if alg == "ES256" {
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, p.bundles, sum[:])
		if err != nil {
			p.t.Fatal(err)
		}
		signature = make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
	} else {
		signature = ed25519.Sign(p.tokens, []byte(input))
	}
	return []byte(input + "." + b64.EncodeToString(signature))
}

// token is an access token of a user.
func (p *publisher) token(name, id string) string {
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{
		"iss": p.url, "aud": p.url, "sub": name, "username": name, "client_id": p.url, "sid": "s-" + id, "jti": id,
		"permissions": []string{"notes:read"}, "iat": now, "iat_ms": now * 1000, "exp": now + 900,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return string(p.sign("EdDSA", token.TypeAccess, claims))
}

// revoked adds a mark for a token to a bundle.
func revoked(t testing.TB, id string) func(*edge.Bundle) {
	return func(b *edge.Bundle) {
		t.Helper()
		marks, err := edge.NewMarks(edge.Seed{1, 2, 3}, []token.Mark{{Kind: token.MarkToken, Value: id, Until: time.Now().Add(time.Hour).Unix()}})
		if err != nil {
			t.Fatal(err)
		}
		b.Marks = marks
	}
}
