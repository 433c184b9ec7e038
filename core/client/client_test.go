package client_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/token"
)

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	later = now.Add(time.Hour)
)

// wrong returns "name code" for each field that a fault names.
func wrong(t *testing.T, err error) (list []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, field := range f.Fields {
		list = append(list, field.Name+" "+field.Code)
	}
	return list
}

// edwards is a JWK of the n-th Ed25519 key, with more members.
func edwards(n byte, more string) string {
	public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)).Public().(ed25519.PublicKey) //nolint:forcetypeassert // as documented
	return `{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"` + more + `}`
}

// nist is a JWK of a P-256 key.
func nist(t testing.TB) string {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	public, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return `{"kty":"EC","crv":"P-256","x":"` + base64.RawURLEncoding.EncodeToString(public[1:33]) +
		`","y":"` + base64.RawURLEncoding.EncodeToString(public[33:]) + `"}`
}

func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func TestNew(t *testing.T) {
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprintf("p%02d", i)
	}
	tests := []struct {
		name        string
		given       string
		permissions []string
		keys        string
		want        client.Client
		wrong       []string
	}{
		{"a name", " Büro　7\n", nil, "", client.Client{Name: "Büro　7"}, nil},
		{
			"permissions", "robot",
			[]string{"b", "a", "b", "a:*"},
			"",
			client.Client{Name: "robot", Permissions: []string{"a", "a:*", "b"}},
			nil,
		},
		{"as many as may be", "robot", many[:64], "", client.Client{Name: "robot", Permissions: many[:64]}, nil},
		{
			"keys", "robot", nil, set(edwards(1, "")),
			client.Client{Name: "robot", Keys: []byte(`{"keys":[` + strings.Replace(edwards(1, ""), `{"kty":"OKP","crv":"Ed25519",`, `{"alg":"EdDSA","crv":"Ed25519","kty":"OKP","use":"sig",`, 1) + `]}`)},
			nil,
		},
		{"everything wrong", "", []string{"a b"}, "[]", client.Client{}, []string{"name form", "permissions character", "keys key_malformed"}},
		{"only space", " \u00a0", nil, "", client.Client{}, []string{"name form"}},
		{"too long a name", strings.Repeat("n", 201), nil, "", client.Client{}, []string{"name form"}},
		{"an escape", "ro\x1bbot", nil, "", client.Client{}, []string{"name form"}},
		{"a control character of the second range", "ro\u009bbot", nil, "", client.Client{}, []string{"name form"}},
		{"text from right to left", "ro\u202ebot", nil, "", client.Client{}, []string{"name form"}},
		{"no UTF-8", "ro\xffbot", nil, "", client.Client{}, []string{"name form"}},
		{"too many permissions", "robot", many, "", client.Client{}, []string{"permissions too_many"}},
		{"an empty permission", "robot", []string{"a", ""}, "", client.Client{}, []string{"permissions character"}},
		{"a permission that is two scopes", "robot", []string{"a b"}, "", client.Client{}, []string{"permissions character"}},
		{"a quoted permission", "robot", []string{`a"b`}, "", client.Client{}, []string{"permissions character"}},
		{"too long a permission", "robot", []string{strings.Repeat("a", 65)}, "", client.Client{}, []string{"permissions character"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			given := append([]string(nil), test.permissions...)
			got, err := client.New("id", "acme", test.given, given, []byte(test.keys), now)
			if diff := cmp.Diff(test.wrong, wrong(t, err)); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				test.want.ID, test.want.Tenant, test.want.CreatedAt, test.want.UpdatedAt = "id", "acme", now, now
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(append([]string(nil), test.permissions...), given); diff != "" {
				t.Errorf("it changes what it was given: %s", diff)
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	const secretKey = `{"kty":"oct","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"}`
	rsa := func(bits int, more string) string {
		n := bytes.Repeat([]byte{0xc5}, bits/8)
		return `{"kty":"RSA","n":"` + base64.RawURLEncoding.EncodeToString(n) + `","e":"AQAB"` + more + `}`
	}
	tests := []struct {
		name, keys string
		want       string // the code of a refusal
		n          int
	}{
		{"one", set(edwards(1, "")), "", 1},
		{"several", set(edwards(1, `,"kid":"a"`), nist(t), edwards(2, "")), "", 3},
		{"RSA", set(rsa(2048, "")), "", 1},
		{"two of one id", set(edwards(1, `,"kid":"a"`), edwards(2, `,"kid":"a"`)), "key_duplicate", 0},
		{"one that is for something else", set(edwards(1, ""), edwards(2, `,"use":"enc"`)), "", 1},
		{"one of a sort to come", set(edwards(1, ""), `{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`), "", 1},
		{"none", set(), "key_unsupported", 0},
		{"none that is known", set(`{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`), "key_unsupported", 0},
		{"only for something else", set(edwards(1, `,"use":"enc"`)), "key_unsupported", 0},
		{"a private key", set(edwards(1, `,"d":"AAAA"`)), "key_private", 0},
		{"a private key among others", set(nist(t), edwards(1, `,"d":"AAAA"`)), "key_private", 0},
		{"a private key for something else", set(nist(t), edwards(1, `,"use":"enc","d":"AAAA"`)), "key_private", 0},
		{"a secret", set(secretKey), "key_private", 0},
		{"a secret among others", set(edwards(1, ""), secretKey), "key_set_mixed", 0},
		{"a short RSA key", set(rsa(1024, "")), "key_weak", 0},
		{"a key alone", edwards(1, ""), "key_malformed", 0},
		{"nothing", "", "key_malformed", 0},
		{"null", "null", "key_malformed", 0},
		{"a list", "[" + edwards(1, "") + "]", "key_malformed", 0},
		{"two documents", set(edwards(1, "")) + set(edwards(1, "")), "key_malformed", 0},
		{"a member twice", `{"keys":[` + edwards(1, "") + `],"keys":[]}`, "key_malformed", 0},
		{"no JSON", "-----BEGIN PUBLIC KEY-----", "key_malformed", 0},
		{"as long as may be", set(edwards(1, "")) + strings.Repeat(" ", client.MaxKeys-len(set(edwards(1, "")))), "", 1},
		{"longer", set(edwards(1, "")) + strings.Repeat(" ", client.MaxKeys+1-len(set(edwards(1, "")))), "too_long", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			keys, err := client.ParseKeys([]byte(test.keys))
			if test.want != "" {
				if diff := cmp.Diff([]string{"keys " + test.want}, wrong(t, err)); diff != "" || keys != nil {
					t.Errorf("%v %s", keys, diff)
				}
				if strings.Contains(fmt.Sprint(err), "c2VjcmV0") {
					t.Errorf("the error repeats it: %v", err)
				}
			} else if err != nil || keys.Len() != test.n {
				t.Errorf("got %v, %v", keys, err)
			}

			var c client.Client
			c.Name = "robot"
			if err := c.SetKeys([]byte(test.keys), now); (err == nil) != (test.want == "" || test.keys == "") {
				t.Errorf("SetKeys says %v", err)
			} else if err != nil && (c.Keys != nil || !c.UpdatedAt.IsZero()) {
				t.Errorf("it changed: %+v", c)
			}
		})
	}
}

// TestClient_SetKeys holds that of a key set that was given only the public keys are kept that were understood.
func TestClient_SetKeys(t *testing.T) {
	c := client.Client{ID: "robot", Secrets: []client.Secret{{}}}
	given := []byte(set(
		edwards(1, `,"kid":"a","x5c":["MIIB"],"comment":"the old one"`), nist(t), `{"kty":"AKP","priv":"hush-hush"}`, edwards(2, `,"use":"enc"`),
	))
	if err := c.SetKeys(given, later); err != nil {
		t.Fatal(err)
	}
	for i := range given { // the request's memory is used again
		given[i] = 'x'
	}
	for _, gone := range []string{"hush", "comment", "x5c", "xxx", "enc"} {
		if strings.Contains(string(c.Keys), gone) {
			t.Errorf("%s was kept in %s", gone, c.Keys)
		}
	}
	keys, err := token.ParseKeySet(c.Keys)
	if err != nil || keys.Len() != 2 || keys.At(0).ID() != "a" || keys.At(0).Algorithm() != "EdDSA" || keys.At(1).ID() != "" || keys.At(1).Algorithm() != "ES256" {
		t.Errorf("%v, %v in %s", keys, err, c.Keys)
	}
	if len(c.Secrets) > 0 || !c.UpdatedAt.Equal(later) {
		t.Errorf("a client with keys has a secret: %+v", c)
	}
	again := c
	if err := again.SetKeys(c.Keys, later); err != nil || !bytes.Equal(again.Keys, c.Keys) {
		t.Errorf("what was written is read as %s, %v", again.Keys, err)
	}

	c.Secrets = []client.Secret{{}}
	if err := c.SetKeys(nil, later); err != nil || c.Keys != nil || len(c.Secrets) > 0 {
		t.Errorf("got %+v, %v", c, err)
	}

	// What is within the bound when it is read may be longer when it is written with alg and use.
	var list []string
	for i := 0; len(set(list...)) < client.MaxKeys-200; i++ {
		list = append(list, edwards(byte(i), fmt.Sprintf(`,"kid":"%070d"`, i)))
	}
	if err := c.SetKeys([]byte(set(list...)), later); wrong(t, err)[0] != "keys too_long" || c.Keys != nil {
		t.Errorf("%d keys: %v", len(list), err)
	}
}

// hash is that of the n-th secret.
func hash(n byte) secret.Hash { return secret.Hash{n} }

func TestClient_AddSecret(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	one := client.Secret{Hash: hash(1), CreatedAt: now}
	tests := []struct {
		name       string
		has        []client.Secret
		until, now time.Time
		want       []client.Secret
	}{
		{"the first", nil, now, now, []client.Secret{{Hash: hash(9), CreatedAt: now}}},
		{
			"the second",
			[]client.Secret{one},
			at(3), at(1),
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(3)}, {Hash: hash(9), CreatedAt: at(1)}},
		},
		{
			"the third: the oldest goes before its time",
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(3)}, {Hash: hash(2), CreatedAt: at(1)}},
			at(4), at(2),
			[]client.Secret{{Hash: hash(2), CreatedAt: at(1), ExpiresAt: at(4)}, {Hash: hash(9), CreatedAt: at(2)}},
		},
		{"the one before is compromised", []client.Secret{one}, at(1), at(1), []client.Secret{{Hash: hash(9), CreatedAt: at(1)}}},
		{
			"all before are compromised",
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(9)}, {Hash: hash(2), CreatedAt: at(1)}},
			at(2), at(2),
			[]client.Secret{{Hash: hash(9), CreatedAt: at(2)}},
		},
		{"a time that has passed", []client.Secret{one}, now, at(1), []client.Secret{{Hash: hash(9), CreatedAt: at(1)}}},
		{
			"the one before ends sooner anyway",
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(2)}},
			at(5), at(1),
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(2)}, {Hash: hash(9), CreatedAt: at(1)}},
		},
		{
			"the one before was to end later",
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(9)}},
			at(2), at(1),
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(2)}, {Hash: hash(9), CreatedAt: at(1)}},
		},
		{
			"the one before was to end later, and is compromised",
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(9)}},
			at(1), at(1),
			[]client.Secret{{Hash: hash(9), CreatedAt: at(1)}},
		},
		{
			"the one before ended, so that another may stay",
			[]client.Secret{{Hash: hash(1), CreatedAt: now, ExpiresAt: at(1)}, {Hash: hash(2), CreatedAt: now}},
			at(5), at(1),
			[]client.Secret{{Hash: hash(2), CreatedAt: now, ExpiresAt: at(5)}, {Hash: hash(9), CreatedAt: at(1)}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := client.Client{Secrets: test.has}
			before := append([]client.Secret(nil), test.has...)
			c.AddSecret(hash(9), test.until, test.now)
			if diff := cmp.Diff(test.want, c.Secrets); diff != "" || !c.UpdatedAt.Equal(test.now) {
				t.Errorf("at %s: %s", c.UpdatedAt, diff)
			}
			if diff := cmp.Diff(before, test.has); diff != "" {
				t.Errorf("a copy changes with it: %s", diff)
			}
			if len(c.Secrets) > client.MaxSecrets {
				t.Errorf("there are %d", len(c.Secrets))
			}
		})
	}
}

func TestClient_Knows(t *testing.T) {
	c := client.Client{Secrets: []client.Secret{
		{Hash: hash(1), ExpiresAt: now.Add(-1)},
		{Hash: hash(2), ExpiresAt: now},
		{Hash: hash(3), ExpiresAt: now.Add(1)},
		{Hash: hash(4)},
		{Hash: hash(4), ExpiresAt: now.Add(1)},
	}}
	last := hash(4)
	last[31]++
	for _, test := range []struct {
		name string
		hash secret.Hash
		want bool
	}{
		{"ended", hash(1), false},
		{"ends now", hash(2), false},
		{"ends soon", hash(3), true},
		{"twice", hash(4), true},
		{"another", hash(5), false},
		{"the empty one", secret.Hash{}, false},
		{"but for the last byte", last, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := c.Knows(test.hash, now); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if none := (client.Client{}); none.Knows(secret.Hash{}, now) {
		t.Error("a client without secrets knows one")
	}
}

func TestClient_Grant(t *testing.T) {
	c := client.Client{Permissions: []string{"a", "b", "c"}}
	for _, test := range []struct {
		name  string
		asked []string
		want  []string
	}{
		{"all of them, for none", nil, []string{"a", "b", "c"}},
		{"one", []string{"b"}, []string{"b"}},
		{"in another order, twice", []string{"c", "a", "c"}, []string{"a", "c"}},
		{"one that it may not have", []string{"a", "d"}, nil},
		{"the empty one", []string{""}, nil},
		{"another case", []string{"A"}, nil},
		{"two in one", []string{"a b"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := append([]string(nil), test.asked...)
			got, err := c.Grant(asked)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if test.want == nil && (!errors.Is(err, client.ErrScope) || fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != "invalid_scope") || test.want != nil && err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(append([]string(nil), test.asked...), asked); diff != "" {
				t.Errorf("it changes what it was given: %s", diff)
			}
			for i := range got {
				got[i] = "changed"
			}
			if diff := cmp.Diff([]string{"a", "b", "c"}, c.Permissions); diff != "" {
				t.Errorf("what is granted is shared: %s", diff)
			}
		})
	}
	if got, err := (&client.Client{}).Grant(nil); len(got) > 0 || err != nil {
		t.Errorf("a client without permissions gets %v, %v", got, err)
	}
}

func TestClient_Disable(t *testing.T) {
	var c client.Client
	for i, test := range []struct {
		disable bool
		since   time.Time
	}{{false, time.Time{}}, {true, now.Add(time.Hour)}, {true, now.Add(time.Hour)}, {false, time.Time{}}, {true, now.Add(4 * time.Hour)}} {
		at := now.Add(time.Duration(i) * time.Hour)
		c.Disable(test.disable, at)
		if c.Disabled() != test.disable || !c.DisabledAt.Equal(test.since) || !c.UpdatedAt.Equal(at) {
			t.Errorf("%d: %+v", i, c)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(set(edwards(1, `,"kid":"a"`), nist(f))))
	f.Add([]byte(set(edwards(1, `,"d":"AAAA"`))))
	f.Add([]byte(`{"keys":[{"kty":"AKP","priv":"x"}]}`))
	f.Fuzz(func(t *testing.T, jwks []byte) {
		var c client.Client
		if c.SetKeys(jwks, now) != nil || len(jwks) == 0 {
			if c.Keys != nil {
				t.Errorf("%s was refused and kept", jwks)
			}
			return
		}
		first, err := client.ParseKeys(jwks)
		if err != nil {
			t.Fatalf("%s: %v", jwks, err)
		}
		second, err := client.ParseKeys(c.Keys)
		if err != nil || second.Len() != first.Len() || len(c.Keys) > client.MaxKeys {
			t.Fatalf("%s became %s: %v", jwks, c.Keys, err)
		}
		for i := range first.Len() {
			a, b := first.At(i), second.At(i)
			if a.ID() != b.ID() || a.Algorithm() != b.Algorithm() || a.Thumbprint() != b.Thumbprint() {
				t.Errorf("%s became %s", jwks, c.Keys)
			}
		}
	})
}

func ExampleClient_AddSecret() {
	c, err := client.New("0199…", "acme", "nightly export", []string{"orders:read"}, nil, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, first, _ := secret.Mint(strings.NewReader(strings.Repeat("a", 32)), secret.Client)
	_, second, _ := secret.Mint(strings.NewReader(strings.Repeat("b", 32)), secret.Client)
	c.AddSecret(first, now, now)
	c.AddSecret(second, now.Add(24*time.Hour), now) // the first one works for another day

	tomorrow := now.Add(24 * time.Hour)
	fmt.Println(c.Knows(first, now), c.Knows(second, now))
	fmt.Println(c.Knows(first, tomorrow), c.Knows(second, tomorrow))
	// Output:
	// true true
	// false true
}
