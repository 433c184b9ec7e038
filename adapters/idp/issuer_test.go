package idp_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

const api = "https://api.example"

// issuer is a configuration that trusts the fake.
func (f *fake) issuer(change ...func(*idp.IssuerConfig)) idp.IssuerConfig {
	c := idp.IssuerConfig{
		Name: "fake", Issuer: f.URL, Audiences: []string{api}, Now: f.clock.Now, Timeout: 5 * time.Second,
		Permissions: []idp.PermissionClaim{{Claim: "scope"}},
	}
	for _, one := range change {
		one(&c)
	}
	return c
}

func mustIssuer(t testing.TB, c idp.IssuerConfig) *idp.Issuer {
	t.Helper()
	i, err := idp.NewIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// bearer makes an access token as RFC 9068 has it. The change may be nil.
func (f *fake) bearer(change func(header, claims object)) string {
	f.mu.Lock()
	k := f.key
	f.mu.Unlock()
	header := object{"alg": k.alg, "kid": k.kid, "typ": "at+jwt"}
	now := f.clock.Now()
	claims := object{
		"iss": f.URL, "sub": "alice", "aud": api, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "jti": "token-1",
		"client_id": "app", "scope": "openid read:orders", "sid": "session-1",
	}
	if change != nil {
		change(header, claims)
	}
	return k.sign(text(header), text(claims))
}

// reason is what an issuer says of a token: "" for a good one, a reason, or the kind of a fault.
func reason(err error) string {
	if r := token.ReasonOf(err); r != token.ReasonOther {
		if r == token.ReasonNone {
			return ""
		}
		return r.String()
	}
	return kind(err)
}

func TestIssuer_Verify(t *testing.T) {
	f := newFake(t)
	i := mustIssuer(t, f.issuer())
	if i.Name() != "fake" || i.URL() != f.URL || i.Version() != 0 {
		t.Errorf("%s at %s, version %d", i.Name(), i.URL(), i.Version())
	}
	f.fetched(t, 0, 0)
	for _, k := range []key{ecKey, rsaKey, edKey} {
		f.set(func() { f.key = k })
		b, err := i.Verify(t.Context(), f.bearer(nil))
		if err != nil {
			t.Fatalf("%s: %v", k.alg, err)
		}
		want := ports.Bearer{Client: "app", Permissions: []string{"openid", "read:orders"}}
		if b.Claims.Subject != "alice" || b.Claims.ID != "token-1" {
			t.Errorf("%s: claims %+v", k.alg, b.Claims)
		}
		b.Claims = token.Claims{}
		if diff := cmp.Diff(want, b, cmp.AllowUnexported(token.Claims{})); diff != "" {
			t.Errorf("%s: %s", k.alg, diff)
		}
	}
	f.fetched(t, 1, 1)
	if i.Version() != 1 {
		t.Errorf("version %d", i.Version())
	}
}

func with(claims object) func(header, c object) {
	return func(_, c object) { maps.Copy(c, claims) }
}
