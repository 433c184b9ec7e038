package issuer_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

const now = 1_800_000_000

var secret = []byte(strings.Repeat("k", 32))

// verified returns the claims of a token with this payload, less its braces, as a verifier fills them in.
func verified(t testing.TB, payload string) *token.Claims {
	t.Helper()
	key, err := token.NewHMACKey("k", "HS256", secret)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(payload, `"iss"`) {
		payload += `,"iss":"https://id.example"`
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuerOf(payload), AnyAudience: true, Types: []string{""}, Algorithms: []token.Algorithm{token.HS256}, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64([]byte(`{"alg":"HS256"}`)) + "." + b64([]byte(`{"exp":1800000060,`+payload+`}`))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	c := new(token.Claims)
	if err := v.Verify(input+"."+b64(mac.Sum(nil)), now, c); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return c
}

func issuerOf(payload string) string {
	_, rest, _ := strings.Cut(payload, `"iss":"`)
	rest, _, _ = strings.Cut(rest, `"`)
	return rest
}

// says is what rules make of claims: the reason of a refusal, or who it is.
func says(r *issuer.Rules, c *token.Claims, typed bool) string {
	var b issuer.Bearing
	if err := r.Read(c, typed, &b); err != nil {
		if cmp.Diff(issuer.Bearing{}, b, cmpopts.IgnoreUnexported(issuer.Bearing{})) != "" {
			return "refused, and not empty"
		}
		return token.ReasonOf(err).String()
	}
	kind := "person"
	if b.Machine {
		kind = "machine"
	}
	return strings.TrimRight(kind+" "+b.Client+" "+b.Tenant, " ")
}

// The presets are tested one by one beside the adapter that fetches their keys; these are what all have in common, and what is peculiar
// to reading.
func TestRules_Read(t *testing.T) {
	const person = `"sub":"alice","client_id":"app","aud":"api"`
	tests := []struct {
		name    string
		rules   issuer.Rules
		payload string
		untyped bool
		want    string
	}{
		{name: "a person", payload: person, want: "person app"},
		{name: "a machine", payload: `"sub":"app","client_id":"app"`, want: "machine app"},
		{name: "bound to a key", payload: person + `,"cnf":{"jkt":"x"}`, want: "type"},
		{name: "bound to a key, escaped", payload: person + `,"c\u006ef":{"jkt":"x"}`, want: "type"},
		{name: "bound to nothing", payload: person + `,"cnf":null`, want: "type"},
		{name: "a logout token", payload: person + `,"events":{}`, want: "type"},
		{name: "an ID token of Cognito", payload: person + `,"token_use":"id"`, want: "type"},
		{name: "a use that is no text", payload: person + `,"token_use":["access"]`, want: "type"},
		{name: "not typed", payload: person, untyped: true, want: "person app"},
		{name: "not typed, with a nonce", payload: person + `,"nonce":"n"`, untyped: true, want: "type"},
		{name: "not typed, with a hash", payload: person + `,"c_hash":"n"`, untyped: true, want: "type"},
		{name: "not typed, for its own party", payload: person + `,"azp":"api","scope":"a"`, untyped: true, want: "type"},
		{name: "not typed, with nothing to prove it", payload: `"sub":"alice","aud":"api"`, untyped: true, want: "type"},
		{name: "not typed, a refresh token of Keycloak", payload: person + `,"typ":"Refresh"`, untyped: true, want: "type"},
		{name: "not typed, a letter that folds to another", payload: person + `,"typ":"acceſs"`, untyped: true, want: "type"},
		{name: "not typed, an access token by its claim", payload: person + `,"typ":"BEARER"`, untyped: true, want: "person app"},
		{name: "no subject", payload: `"client_id":"app"`, want: "claims_malformed"},
		{name: "a subject with a line feed", payload: `"sub":"a\nb","client_id":"app"`, want: "claims_malformed"},
		{name: "the longest subject", payload: `"sub":"` + strings.Repeat("s", access.MaxSubject) + `"`, want: "person"},
		{name: "too long a subject", payload: `"sub":"` + strings.Repeat("s", access.MaxSubject+1) + `"`, want: "claims_malformed"},
		{name: "a subject with what a decoder makes of bytes", payload: `"sub":"a�"`, want: "claims_malformed"},
		{name: "a client that is listed", rules: issuer.Rules{Clients: []string{"app"}}, payload: person, want: "person app"},
		{name: "a client that is not", rules: issuer.Rules{Clients: []string{"App"}}, payload: person, want: "audience"},
		{name: "no client", rules: issuer.Rules{Clients: []string{"app"}}, payload: `"sub":"alice"`, want: "audience"},
		{name: "required", rules: issuer.Rules{Required: []string{"a"}}, payload: person + `,"a":0`, want: "person app"},
		{name: "required, and false", rules: issuer.Rules{Required: []string{"a"}}, payload: person + `,"a":false`, want: "claim_missing"},
		{name: "required, and within", rules: issuer.Rules{Required: []string{"a.b"}}, payload: person + `,"a":{"b":1}`, want: "claim_missing"},
		{name: "tenant", rules: issuer.Rules{TenantClaim: "org"}, payload: person + `,"org":"acme"`, want: "person app acme"},
		{name: "a tenant that is no text", rules: issuer.Rules{TenantClaim: "org"}, payload: person + `,"org":7`, want: "person app"},
		{name: "a tenant with a control character", rules: issuer.Rules{TenantClaim: "org"}, payload: person + `,"org":"ac\u0000me"`, want: "person app"},
		{name: "too long a tenant", rules: issuer.Rules{TenantClaim: "org"}, payload: person + `,"org":"` + strings.Repeat("x", 256) + `"`, want: "person app"},
		{name: "never a machine", rules: issuer.Rules{Machines: issuer.Machines{None: true}}, payload: `"sub":"app","client_id":"app"`, want: "person app"},
		{name: "another rule is about none", rules: issuer.Rules{Machines: issuer.Machines{Clients: []string{"x"}}}, payload: `"sub":"app","client_id":"app"`, want: "person app"},
		{name: "a machine by its client", rules: issuer.Rules{Machines: issuer.Machines{Clients: []string{"app"}}}, payload: person, want: "machine app"},
		{name: "by how that begins", rules: issuer.Rules{Machines: issuer.Machines{ClientPrefixes: []string{"x", "ap"}}}, payload: person, want: "machine app"},
		{name: "by how its subject begins", rules: issuer.Rules{Machines: issuer.Machines{SubjectPrefixes: []string{"al"}}}, payload: `"sub":"alice"`, want: "machine alice"},
		{name: "by how that ends", rules: issuer.Rules{Machines: issuer.Machines{SubjectSuffixes: []string{"ce"}}}, payload: person, want: "machine app"},
		{name: "by a claim", rules: issuer.Rules{Machines: issuer.Machines{Claims: []issuer.ClaimWord{{Claim: "kind", Word: "job"}}}}, payload: person + `,"kind":"job"`, want: "machine app"},
		{name: "by a list", rules: issuer.Rules{Machines: issuer.Machines{Claims: []issuer.ClaimWord{{Claim: "a.b", Word: "job"}}}}, payload: person + `,"a":{"b":[1,"job"]}`, want: "machine app"},
		{name: "by a claim that only contains it", rules: issuer.Rules{Machines: issuer.Machines{Claims: []issuer.ClaimWord{{Claim: "kind", Word: "job"}}}}, payload: person + `,"kind":"no job"`, want: "person app"},
		{name: "a preset that there is not", rules: issuer.Rules{Preset: "google"}, payload: person, want: "type"},
		{name: "a service client", rules: issuer.Rules{Preset: "authress"}, payload: `"sub":"sc 1","iss":"https://a.example/v1/clients/sc%201"`, want: "machine sc 1"},
		{name: "a service client that speaks of another", rules: issuer.Rules{Preset: "authress"}, payload: `"sub":"alice","iss":"https://a.example/v1/clients/sc"`, want: "claims_malformed"},
		{name: "a service client that is more", rules: issuer.Rules{Preset: "authress"}, payload: `"sub":"scx","iss":"https://a.example/v1/clients/sc"`, want: "claims_malformed"},
		{name: "a service client that is less", rules: issuer.Rules{Preset: "authress"}, payload: `"sub":"s","iss":"https://a.example/v1/clients/sc"`, want: "claims_malformed"},
		{name: "what a broken escape makes no service client", rules: issuer.Rules{Preset: "authress"}, payload: `"sub":"alice","iss":"https://a.example/v1/clients/sc%2"`, want: "person"},
		{name: "a Keycloak user who is called like a service account", rules: issuer.Rules{Preset: "keycloak"}, payload: `"sub":"u","typ":"Bearer","azp":"app","preferred_username":"service-account-app"`, want: "person app"},
		{name: "a service account", rules: issuer.Rules{Preset: "keycloak"}, payload: `"sub":"u","typ":"Bearer","azp":"app","clientId":"app","preferred_username":"Service-Account-app"`, want: "machine app"},
		{name: "a machine of Auth0 without a client", rules: issuer.Rules{Preset: "auth0"}, payload: `"sub":"@clients"`, want: "person"},
		{name: "a machine of Microsoft whose oid is no text", rules: issuer.Rules{Preset: "microsoft"}, payload: `"sub":"7","oid":7,"azp":"app"`, want: "machine app"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := says(&test.rules, verified(t, test.payload), !test.untyped); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if got := says(&issuer.Rules{}, &token.Claims{Issuer: "x", Subject: "alice"}, true); got != "claims_malformed" {
		t.Errorf("claims that nobody verified: %q", got)
	}
}

func TestRules_Read_permissions(t *testing.T) {
	tests := []struct {
		name    string
		from    []issuer.PermissionClaim
		payload string
		want    []string
	}{
		{"words", []issuer.PermissionClaim{{Claim: "scope"}}, `"scope":"b a  a "`, []string{"a", "b"}},
		{"a list", []issuer.PermissionClaim{{Claim: "p"}}, `"p":["b",1,null,"a","a b"]`, []string{"a", "b"}},
		{"what is only elsewhere", nil, `"permissions":["a"],"scope":"a"`, nil},
		{"never to administer", []issuer.PermissionClaim{{Claim: "scope"}}, `"scope":"admin a"`, []string{"a"}},
		{"never to administer, by what is taken away", []issuer.PermissionClaim{{Claim: "scope", Strip: "x:"}}, `"scope":"x:admin x:a"`, []string{"a"}},
		{"never to administer, by what is put in front", []issuer.PermissionClaim{{Claim: "scope", Add: "ad"}}, `"scope":"min a"`, []string{"ada"}},
		{"taken away", []issuer.PermissionClaim{{Claim: "scope", Strip: "api/", Add: "y:"}}, `"scope":"api/a api/ b"`, []string{"y:a"}},
		{"what is no permission", []issuer.PermissionClaim{{Claim: "p"}}, `"p":["ä","a\u0000","","` + strings.Repeat("x", 65) + `"]`, nil},
		{"inside", []issuer.PermissionClaim{{Claim: "realm_access.roles"}}, `"realm_access":{"roles":["a"]}`, []string{"a"}},
		{"a name with a dot goes first", []issuer.PermissionClaim{{Claim: "a.b"}}, `"a":{"b":"x"},"a.b":"y"`, []string{"y"}},
		{"of a number", []issuer.PermissionClaim{{Claim: "p"}}, `"p":7`, nil},
		{"of an object", []issuer.PermissionClaim{{Claim: "p"}}, `"p":{"a":"b"}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rules := issuer.Rules{Permissions: test.from}
			var b issuer.Bearing
			if err := rules.Read(verified(t, `"sub":"alice",`+test.payload), true, &b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, b.Permissions); diff != "" {
				t.Error(diff)
			}
		})
	}
	rules := issuer.Rules{Permissions: []issuer.PermissionClaim{{Claim: "scope"}}}
	words := make([]string, 100)
	for i := range words {
		words[i] = "p" + strings.Repeat("x", i%60) + string(rune('a'+i/60))
	}
	var b issuer.Bearing
	if err := rules.Read(verified(t, `"sub":"alice","scope":"`+strings.Join(words, " ")+`"`), true, &b); err != nil || len(b.Permissions) != access.MaxPermissions {
		t.Errorf("%d permissions, %v", len(b.Permissions), err)
	}
}

// What is read again and again grows no memory, whatever is refused in between.
func TestRules_Read_allocates_nothing(t *testing.T) {
	for _, preset := range append(issuer.Presets(), "") {
		rules := full()
		rules.Preset, rules.Required, rules.Clients = preset, nil, nil
		rules.Permissions = []issuer.PermissionClaim{{Claim: "scope"}, {Claim: "permissions"}, {Claim: "realm_access.roles"}}
		c := verified(t, `"sub":"alice","aud":"api","azp":"app","client_id":"app","token_use":"access","typ":"Bearer","scope":"b a","permissions":["x"],`+
			`"realm_access":{"roles":["r"]},"org_id":"acme"`)
		var b issuer.Bearing
		if err := rules.Read(c, false, &b); err != nil {
			t.Fatalf("%s: %v", preset, err)
		}
		if diff := cmp.Diff([]string{"a", "b", "r", "x"}, b.Permissions); diff != "" || b.Tenant != "acme" {
			t.Errorf("%s: tenant %q, %s", preset, b.Tenant, diff)
		}
		refused := verified(t, `"sub":"alice","events":{}`)
		if n := testing.AllocsPerRun(100, func() {
			if rules.Read(refused, false, &b) == nil || len(b.Permissions) > 0 || b.Tenant != "" {
				t.Fatal("it is not refused, or says something")
			}
			_ = rules.Read(c, false, &b)
		}); n != 0 {
			t.Errorf("%s: %v allocations", preset, n)
		}
	}
}

func TestPermit(t *testing.T) {
	tests := []struct {
		name        string
		held, given []string
		want        []string
	}{
		{"neither", nil, nil, nil},
		{"both", []string{"b", "c"}, []string{"a", "c"}, []string{"a", "b", "c"}},
		{"never to administer", []string{"admin", "a"}, []string{"admin"}, []string{"a"}},
		{"what is no permission", []string{"ä"}, []string{"", "a b"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, issuer.Permit(nil, test.held, test.given)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(append([]string{"z", "z"}, test.want...), issuer.Permit([]string{"z", "z"}, test.held, test.given)); diff != "" {
				t.Errorf("behind others: %s", diff)
			}
		})
	}
}

func TestTyped(t *testing.T) {
	tests := []struct {
		types []string
		want  bool
	}{
		{[]string{"at+jwt"}, true},
		{[]string{"AT+JWT", "application/at+jwt", "Application/At+Jwt"}, true},
		{[]string{"at+jwt", "JWT"}, false},
		{[]string{"at+jwt", ""}, false},
		{[]string{"application/application/at+jwt"}, false},
		{[]string{"application/"}, false},
	}
	for _, test := range tests {
		if got := issuer.Typed(test.types); got != test.want {
			t.Errorf("%q: %t", test.types, got)
		}
	}
}

func TestServiceClient(t *testing.T) {
	for url, want := range map[string]bool{
		"https://a.example/v1/clients/sc": true, "https://a.example/v1/clients/%2f": true, "https://a.example/v1/clients/": false,
		"https://a.example/clients/sc": false, "https://a.example/v1/clients/sc/x": false, "https://a.example/v1/clients/%": false,
		"https://a.example/v1/clients/%zz": false, "https://a.example/v1/Clients/sc": false, "a.example/v1/clients/sc": false, "": false,
		"https://a.example": false, "https://a.example/v1/clients/a%4": false, "https://a.example/v1/clients/%4a": true,
	} {
		if got := issuer.ServiceClient(url); got != want {
			t.Errorf("%s: %t", url, got)
		}
	}
}

func BenchmarkRules_Read(b *testing.B) {
	rules := issuer.Rules{Preset: "auth0", TenantClaim: "org_id", Permissions: []issuer.PermissionClaim{{Claim: "scope"}, {Claim: "permissions"}}}
	c := verified(b, `"sub":"auth0|123456","aud":["https://api.example","https://t.example/userinfo"],"azp":"spa","scope":"openid read:orders","permissions":["read:orders"]`)
	var out issuer.Bearing
	b.ReportAllocs()
	for b.Loop() {
		if err := rules.Read(c, false, &out); err != nil {
			b.Fatal(err)
		}
	}
}
