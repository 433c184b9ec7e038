package main_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
	main "github.com/hexward/hexward/wasm/verifier"
)

const (
	start = 1_800_000_000
	now   = start*1000 + 500
)

// key is one of this test, of a name.
func key(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32s", name)))
}

func jwk(name string) string {
	public := key(name).Public().(ed25519.PublicKey)
	return fmt.Sprintf(`{"alg":"EdDSA","crv":"Ed25519","kid":%q,"kty":"OKP","use":"sig","x":%q}`, name, base64.RawURLEncoding.EncodeToString(public))
}

func jwks(name string) []byte { return []byte(`{"keys":[` + jwk(name) + `]}`) }

func sign(name, typ, payload string) string {
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":%q}`, name, typ))) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(ed25519.Sign(key(name), []byte(input)))
}

func bundle(number int) []byte {
	return []byte(sign("bundles", edge.Type, fmt.Sprintf(
		`{"iss":"i","number":%d,"iat":%d,"exp":%d,"aud":["a"],"keys":%s,"policy":[{"path":"/p","access":"public"},{"path":"/t","access":"token"}]}`,
		number, start, start+60, jwks("tokens"))))
}

func compact() string {
	return sign("tokens", token.TypeAccess, fmt.Sprintf(`{"iss":"i","aud":"a","sub":"u","iat":%d,"exp":%d}`, start, start+60))
}

func request(method, path, authorization string) []byte {
	return []byte(strings.Join([]string{method, path, authorization, "", "", ""}, "\x00"))
}

// settled makes a call that wants a signature, and says whether it is good.
func settled(t *testing.T, m *main.Module, name string, input []byte, under string) int32 {
	t.Helper()
	if got := m.Call(name, input, 0, now); got != 1 {
		t.Fatalf("%s: %d, %s", name, got, m.Result())
	}
	if handle := m.Call("wanted_key", nil, 0, 0); m.Call("key", nil, handle, 0) != 0 || m.Result() != jwk(under) {
		t.Fatalf("%s: key %d is %s", name, handle, m.Result())
	}
	text, signature := m.Wanted()
	good := int32(0)
	if ed25519.Verify(key(under).Public().(ed25519.PublicKey), text, signature) {
		good = 1
	}
	return m.Call("settle", nil, good, 0)
}

func code(m *main.Module) string {
	var result struct{ Code string }
	if err := json.Unmarshal([]byte(m.Result()), &result); err != nil {
		return m.Result()
	}
	return result.Code
}

func TestModule(t *testing.T) {
	var m main.Module
	want := func(got, want int32, wantCode string) {
		t.Helper()
		if c := code(&m); got != want || c != wantCode {
			t.Fatalf("got %d %s, want %d %s", got, c, want, wantCode)
		}
	}
	good := request("=GET", "=/t", "=Bearer "+compact())
	want(m.Call("decide", good, 0, now), 0, "bundle_missing")
	want(m.Call("load", bundle(5), 0, now), 2, "config")
	want(m.Call("trust", []byte(`{}`), 0, 0), 2, "bundle_key_malformed")
	if got := m.Call("trust", jwks("bundles"), 0, 0); got != 0 {
		t.Fatalf("trust: %d, %s", got, m.Result())
	}
	want(m.Call("load", []byte(sign("tokens", edge.Type, `{}`)), 0, now), 2, "bundle_key_unknown")
	if got := settled(t, &m, "load", bundle(5), "bundles"); got != 0 || m.Result() != `{"number":5,"expires":1800000060}` {
		t.Fatalf("load: %d, %s", got, m.Result())
	}
	want(settled(t, &m, "load", bundle(5), "bundles"), 2, "bundle_old")
	want(settled(t, &m, "decide", good, "tokens"), 0, "allowed")
	want(m.Call("decide", request("=GET", "=/t", "=Bearer x"), 0, now), 0, "token_malformed")
	want(m.Call("decide", request("=GET", "=/p", ""), 0, now), 0, "allowed")
	want(m.Call("decide", request("", "", ""), 0, now), 0, "unauthenticated")
	want(settled(t, &m, "decide", request("", "", "=Bearer "+compact()), "tokens"), 0, "allowed")

	m.Call("decide", good, 0, now)
	want(m.Call("settle", nil, 0, 0), 0, "token_signature")
	want(m.Call("settle", nil, 1, 0), 2, "config") // there is nothing to settle any more
	m.Call("decide", good, 0, now)
	m.Call("input", nil, 10, 0)
	want(m.Call("settle", nil, 1, 0), 2, "config")
	m.Call("load", bundle(6), 0, now)
	want(m.Call("settle", nil, 0, 0), 2, "bundle_signature")

	for name, input := range map[string][]byte{
		"nothing":                   nil,
		"too few fields":            []byte("=GET\x00=/t\x00\x00\x00"),
		"too many fields":           append(good, 0),
		"a field without its sign":  request("GET", "=/t", ""),
		"a method without a path":   request("=GET", "", ""),
		"a path without a method":   request("", "=/t", ""),
		"a method that is empty":    request("=", "=/t", ""),
		"a field that holds a NUL ": request("=GET", "=/t\x00=/p", ""),
	} {
		if got := m.Call("decide", append([]byte{}, input...), 0, now); got != 0 || code(&m) != "malformed_request" {
			t.Errorf("%s: %d %s", name, got, m.Result())
		}
	}
	for _, at := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1 << 60} {
		if got := m.Call("decide", good, 0, at); got == 1 {
			got = m.Call("settle", nil, 1, 0)
			if got != 0 || code(&m) == "allowed" {
				t.Errorf("at %v: %d %s", at, got, m.Result())
			}
		}
	}
	for _, number := range []int32{-1, math.MinInt32, math.MaxInt32, 1 << 24} {
		for _, name := range []string{"decide", "load", "trust", "configure", "key"} {
			if got := m.Call(name, nil, number, now); got == 1 || code(&m) == "allowed" {
				t.Errorf("%s of %d: %d %s", name, number, got, m.Result())
			}
		}
	}
	for number, want := range map[int32]int32{-1: 0, 0: 1, 16 << 20: 1, 16<<20 + 1: 0, math.MaxInt32: 0} {
		if got := m.Call("input", nil, number, 0); got != want {
			t.Errorf("room for %d: %d", number, got)
		}
	}
	want(m.Call("stale", nil, -1, 0), 2, "config")
	want(settled(t, &m, "decide", good, "tokens"), 0, "allowed") // what is refused changes nothing
	m.Call("stale", nil, 60, 0)
	want(m.Call("decide", good, 0, now), 0, "bundle_missing") // what is told anew is told from the beginning
}

// A handle never means another key, however many come and go.
func TestModule_handles(t *testing.T) {
	var m main.Module
	seen := map[int32]string{}
	for i := range 3000 {
		name := fmt.Sprintf("key %d", i)
		m.Call("configure", []byte(`{"iss":"i","keys":`+string(jwks(name))+`}`), 0, 0)
		text := sign(name, token.TypeAccess, fmt.Sprintf(`{"iss":"i","exp":%d}`, start+60))
		if got := m.Call("decide", request("", "", "=Bearer "+text), 0, now); got != 1 {
			t.Fatalf("%d: %s", got, m.Result())
		}
		handle := m.Call("wanted_key", nil, 0, 0)
		if again := m.Call("wanted_key", nil, 0, 0); again != handle || handle < 0 || seen[handle] != "" {
			t.Fatalf("%s has handle %d, then %d, which was %q", name, handle, again, seen[handle])
		}
		seen[handle] = name
		if old := handle - 5; m.Call("key", nil, old, 0) == 0 && m.Result() != jwk(seen[old]) {
			t.Fatalf("handle %d of %s is %s", old, seen[old], m.Result())
		}
	}
}

func FuzzModule(f *testing.F) {
	f.Add([]byte{1, 5, 8, 6, 10, 7, 10}, []byte("=GET\x00=/t\x00\x00\x00\x00"), int32(1))
	names := []string{"input", "trust", "stale", "configure", "load", "decide", "wanted_key", "key", "check", "settle", "held"}
	f.Fuzz(func(t *testing.T, calls, text []byte, number int32) {
		var m main.Module
		inputs := [][]byte{text, nil, jwks("bundles"), bundle(1), request("=GET", "=/t", "=Bearer "+compact())}
		for i, c := range calls {
			if i == 50 {
				break
			}
			name := names[int(c)%len(names)]
			m.Call(name, inputs[(int(c)/len(names)+i)%len(inputs)], number, now)
			if r := m.Result(); r != "" && !json.Valid([]byte(r)) {
				t.Fatalf("%s: %s", name, r)
			}
		}
	})
}
