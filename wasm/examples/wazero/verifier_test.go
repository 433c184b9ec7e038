package wazero_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/examples/wazero"
)

// module builds full.wasm, unless HEXWARD_FULL_WASM says where it is.
var module = sync.OnceValues(func() ([]byte, error) {
	if file := os.Getenv("HEXWARD_FULL_WASM"); file != "" {
		return os.ReadFile(file)
	}
	dir, err := os.MkdirTemp("", "hexward-wazero-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	file := filepath.Join(dir, "full.wasm")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-tags=full", "-o", file, "../../verifier")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the module: %w\n%s", err, out)
	}
	return os.ReadFile(file)
})

const issuer = "https://id.example"

// authority signs bundles and tokens by the same kind of key.
type authority struct {
	private *ecdsa.PrivateKey
	keys    *token.KeySet
}

func newAuthority() (*authority, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := token.NewECDSAKey("", &private.PublicKey)
	if err != nil {
		return nil, err
	}
	keys, err := token.NewKeySet(key)
	return &authority{private, keys}, err
}

func (a *authority) sign(typ, payload string) string {
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(`{"alg":"ES256","typ":"`+typ+`"}`)) + "." + b64.EncodeToString([]byte(payload))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, a.private, sum[:])
	if err != nil {
		panic(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64.EncodeToString(signature[:])
}

// bundle is signed by a, and has the keys of tokens.
func (a *authority) bundle(number int64, tokens *authority, now time.Time, revoked ...token.Mark) []byte {
	marks, err := edge.NewMarks(edge.Seed{1}, revoked)
	if err != nil {
		panic(err)
	}
	b := edge.Bundle{
		Issuer: issuer, Number: number, IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Marks: marks, Keys: tokens.keys,
		Audiences: []string{issuer}, Rules: []access.Rule{{Path: "/api/**", Demand: access.SessionOrToken}, {Path: "/**", Demand: access.SessionOnly}},
	}
	payload, err := b.AppendJSON(nil)
	if err != nil {
		panic(err)
	}
	return []byte(a.sign(edge.Type, string(payload)))
}

func (a *authority) token(id string, now time.Time) string {
	return a.sign(token.TypeAccess, fmt.Sprintf(`{"iss":%q,"aud":%[1]q,"sub":"u1","username":"ada","client_id":%[1]q,"sid":"s1","jti":%q,"iat":%d,"exp":%d}`,
		issuer, id, now.Unix(), now.Unix()+900))
}

// Example embeds the module: code would be //go:embed full.wasm, trust what "hexward bundle key show" prints, and the bundle what
// GET /.well-known/hexward-bundle answers.
func Example() {
	ctx := context.Background()
	now := time.Now()
	server, err := newAuthority()
	if err != nil {
		fmt.Println(err)
		return
	}
	code, err := module()
	if err != nil {
		fmt.Println(err)
		return
	}
	trust, err := server.keys.MarshalJWKS()
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier, err := wazero.New(ctx, code, trust)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close(ctx)
	if err := verifier.Load(ctx, server.bundle(1, server, now), now); err != nil {
		fmt.Println(err)
		return
	}
	request := httptest.NewRequest("GET", "/api/notes", nil)
	request.Header.Set("Authorization", "Bearer "+server.token("t1", now))
	verdict, err := verifier.Decide(ctx, request, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(verdict.Allowed, verdict.Principal.Kind, verdict.Principal.Name)
	// Output: true user ada
}

func TestVerifier(t *testing.T) {
	ctx, now := t.Context(), time.Now()
	code, err := module()
	if err != nil {
		t.Fatal(err)
	}
	server, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := server.keys.MarshalJWKS()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := wazero.New(ctx, code, []byte(`{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","alg":"HS256"}]}`)); err == nil {
		t.Error("a secret is believed for a public key")
		_ = v.Close(ctx)
	}
	v, err := wazero.New(ctx, code, trust)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close(ctx)
	decide := func(method, target string, headers ...string) *wazero.Verdict {
		t.Helper()
		r := httptest.NewRequest(method, "/", nil)
		r.RequestURI = target
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Add(name, value)
		}
		verdict, err := v.Decide(ctx, r, now)
		if err != nil {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		return verdict
	}
	good := "Authorization: Bearer " + server.token("t1", now)
	if got := decide("GET", "/api/x", good); got.Code != "bundle_missing" || got.Status != 503 {
		t.Errorf("without a bundle: %+v", got)
	}
	if err := v.Load(ctx, stranger.bundle(9, stranger, now), now); err == nil || !strings.Contains(err.Error(), "bundle_") {
		t.Errorf("a stranger's bundle: %v", err)
	}
	if err := v.Load(ctx, make([]byte, 16<<20+1), now); err == nil {
		t.Error("a bundle of more than 16 MiB is taken")
	}
	if err := v.Load(ctx, server.bundle(5, server, now), now); err != nil {
		t.Fatal(err)
	}
	if err := v.Load(ctx, server.bundle(4, server, now), now); err == nil || !strings.Contains(err.Error(), "bundle_old") {
		t.Errorf("an older bundle: %v", err)
	}
	for _, test := range []struct {
		name, target, code string
		headers            []string
		status             int
	}{
		{"good", "/api/x?q=1", "allowed", []string{good}, 200},
		{"nothing", "/api/x", "unauthenticated", nil, 401},
		{"empty", "/api/x", "token_malformed", []string{"Authorization: "}, 401},
		{"twice", "/api/x", "token_malformed", []string{good, good}, 401},
		{"a stranger's", "/api/x", "token_signature", []string{"Authorization: Bearer " + stranger.token("t1", now)}, 401},
		{"a token for a session", "/x", "session_required", []string{good}, 403},
		{"another path", "/api/../x", "path_ambiguous", []string{good}, 400},
		{"no path", "*", "path_ambiguous", []string{good}, 400},
		{"late", "/api/x", "token_expired", []string{"Authorization: Bearer " + server.token("t1", now.Add(-time.Hour))}, 401},
	} {
		if got := decide("GET", test.target, test.headers...); got.Status != test.status || got.Code != test.code || got.Allowed != (test.status == 200) {
			t.Errorf("%s: %+v, want %d %s", test.name, got, test.status, test.code)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Cookie"] = []string{"a=\x00/x"}
	if _, err := v.Decide(ctx, r, now); err == nil {
		t.Error("a NUL can begin another field")
	}
	mark := token.Mark{Kind: token.MarkToken, Value: "t1", Until: now.Unix() + 3600}
	if err := v.Load(ctx, server.bundle(6, server, now, mark), now); err != nil {
		t.Fatal(err)
	}
	if got := decide("GET", "/api/x", good); got.Code != "token_revoked" {
		t.Errorf("revoked: %+v", got)
	}
	if err := v.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := v.Decide(ctx, httptest.NewRequest("GET", "/", nil), now); err == nil {
		t.Error("a closed one decides")
	}
}
