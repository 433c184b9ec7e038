package idp_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/issuer"
)

// trusting is an issuer with a preset in this internet.
func (i internet) trusting(t *testing.T, c idp.IssuerConfig) *idp.Issuer {
	t.Helper()
	c.Name, c.Transport, c.Now = "x", i, func() time.Time { return start }
	return mustIssuer(t, c)
}

// keysAt serves a discovery document and the EC and RSA keys.
func (i internet) keysAt(issuer, discovery, jwks string) internet {
	i.json(discovery, object{"issuer": issuer, "jwks_uri": jwks})
	i.json(jwks, object{"keys": []object{ecKey.jwk(), rsaKey.jwk(), edKey.jwk()}})
	return i
}

// lasting is claims with the times that all tokens have.
func lasting(claims ...object) object {
	all := object{"iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
	for _, c := range claims {
		maps.Copy(all, c)
	}
	return all
}

// presetCase is a token of a preset: what is peculiar to it is taken from the documents that presets.go cites.
type presetCase struct {
	name    string
	header  object
	claims  object
	want    string // the reason
	client  string
	machine bool
}

func checkPreset(t *testing.T, i *idp.Issuer, k key, base object, tests []presetCase) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			header := object{"alg": k.alg, "kid": k.kid}
			maps.Copy(header, test.header)
			claims := lasting(base, test.claims)
			maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
			raw := k.sign(text(header), text(claims))
			sameAtEdge(t, i, func() time.Time { return start }, raw)
			b, err := i.Verify(t.Context(), raw)
			if got := reason(err); got != test.want {
				t.Fatalf("%q, want %q: %v", got, test.want, err)
			}
			if b.Machine != test.machine || b.Client != test.client {
				t.Errorf("machine %t of %q, want %t of %q", b.Machine, b.Client, test.machine, test.client)
			}
		})
	}
}

func TestIssuer_auth0(t *testing.T) {
	net := internet{}.keysAt("https://t.auth0.example/", "https://t.auth0.example"+discoveryPath, "https://t.auth0.example/.well-known/jwks.json")
	i := net.trusting(t, idp.IssuerConfig{Preset: "auth0", Domain: "t.auth0.example", Audiences: []string{api}})
	if i.URL() != "https://t.auth0.example/" {
		t.Errorf("URL %s", i.URL())
	}
	jwt, at := object{"typ": "JWT"}, object{"typ": "at+jwt"}
	user := object{"iss": "https://t.auth0.example/", "sub": "auth0|123456", "aud": []string{api, "https://t.auth0.example/userinfo"}, "scope": "openid read:orders"}
	checkPreset(t, i, rsaKey, user, []presetCase{
		{name: "user", header: jwt, claims: object{"azp": "spa"}, client: "spa"},
		{name: "user, RFC 9068", header: at, claims: object{"client_id": "spa", "jti": "j"}, client: "spa"},
		{name: "machine", header: jwt, claims: object{"azp": "job", "sub": "job@clients", "gty": "client-credentials", "aud": api}, client: "job", machine: true},
		{name: "machine, RFC 9068", header: at, claims: object{"client_id": "job", "sub": "job@clients", "aud": api}, client: "job", machine: true},
		{name: "a user who is called like a machine", header: jwt, claims: object{"azp": "spa", "sub": "auth0|job@clients"}, client: "spa"},
		{name: "a user who is called like another machine", header: jwt, claims: object{"azp": "spa", "sub": "job@clients"}, client: "spa"},
		{name: "a machine's subject by a password", header: jwt, claims: object{"azp": "job", "sub": "job@clients", "gty": "password"}, client: "job"},
		{name: "ID token", header: jwt, claims: object{"aud": "spa", "nonce": "n", "scope": nil}, want: "audience"},
		{name: "ID token of an application that is called like the API", header: jwt, claims: object{"aud": api, "scope": nil, "sid": "s"}, want: "type"},
		{name: "ID token of such an application, with a nonce", header: jwt, claims: object{"aud": api, "azp": api, "nonce": "n"}, want: "type"},
		{name: "no typ", header: object{}, claims: object{"azp": "spa"}, want: "type"},
	})
}

func TestIssuer_cognito(t *testing.T) {
	const pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
	net := internet{}.keysAt(pool, pool+discoveryPath, pool+"/.well-known/jwks.json")
	i := net.trusting(t, idp.IssuerConfig{
		Preset: "cognito", Issuer: pool, Clients: []string{"app", "job"},
		Permissions: []idp.PermissionClaim{{Claim: "scope", Strip: api + "/"}, {Claim: "cognito:groups", Add: "team:"}},
	})
	user := object{
		"iss": pool, "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "token_use": "access", "client_id": "app", "username": "alice", "version": 2,
		"scope": "openid aws.cognito.signin.user.admin " + api + "/read", "cognito:groups": []string{"red", "admin"}, "auth_time": start.Unix(), "jti": "j",
	}
	checkPreset(t, i, rsaKey, user, []presetCase{
		{name: "user", client: "app"},
		{name: "user, with a typ as a local server makes it", header: object{"typ": "JWT"}, client: "app"},
		{name: "machine", claims: object{"sub": "job", "client_id": "job", "username": nil}, client: "job", machine: true},
		{name: "another client", claims: object{"client_id": "theirs"}, want: "audience"},
		{name: "another client that names ours as the audience", claims: object{"client_id": "theirs", "aud": "app", "azp": "app"}, want: "audience"},
		{name: "no client", claims: object{"client_id": nil, "aud": "app"}, want: "audience"},
		{name: "ID token", claims: object{"token_use": "id", "aud": "app", "client_id": nil}, want: "type"},
		{name: "ID token with a client", claims: object{"token_use": "id", "aud": "app"}, want: "type"},
		{name: "no token_use", claims: object{"token_use": nil}, want: "type"},
		{name: "token_use in capitals", claims: object{"token_use": "Access"}, want: "type"},
		{name: "a user whose id is a client's", claims: object{"sub": "app"}, client: "app"},
		{name: "another typ", header: object{"typ": "dpop+jwt"}, want: "type"},
	})
	b, err := i.Verify(t.Context(), rsaKey.sign(`{"alg":"RS256","kid":"rsa-1"}`, text(lasting(user))))
	if diff := cmp.Diff([]string{"read", "team:admin", "team:red"}, b.Permissions); diff != "" || err != nil {
		t.Error(diff, err)
	}

	// With an audience too, as tokens for a resource have it.
	i = net.trusting(t, idp.IssuerConfig{Preset: "cognito", Issuer: pool, Clients: []string{"app"}, Audiences: []string{api}})
	checkPreset(t, i, rsaKey, user, []presetCase{
		{name: "for a resource", claims: object{"aud": api}, client: "app"},
		{name: "for another resource", claims: object{"aud": "https://other.example"}, want: "audience"},
		{name: "for none", want: "audience"},
	})
}

func TestIssuer_keycloak(t *testing.T) {
	const realm = "https://id.example/realms/staff"
	net := internet{}.keysAt(realm, realm+discoveryPath, realm+"/protocol/openid-connect/certs")
	i := net.trusting(t, idp.IssuerConfig{
		Preset: "keycloak", Issuer: realm, Audiences: []string{api},
		Permissions: []idp.PermissionClaim{{Claim: "realm_access.roles"}, {Claim: "resource_access.shop.roles", Add: "shop:"}},
	})
	jwt := object{"typ": "JWT"}
	user := object{
		"iss": realm, "sub": "0f0e5bd2-6b9e-4a3c-9f0a-0c9b0f6b5a11", "typ": "Bearer", "azp": "web", "aud": []string{api, "account"},
		"preferred_username": "alice", "scope": "openid email", "sid": "s", "realm_access": object{"roles": []string{"staff", "admin"}},
		"resource_access": object{"shop": object{"roles": []any{"clerk", 7, "no permission"}}},
	}
	checkPreset(t, i, rsaKey, user, []presetCase{
		{name: "user", header: jwt, client: "web"},
		{name: "user, at+jwt", header: object{"typ": "at+jwt"}, client: "web"},
		{name: "user, with the nonce that older ones put in", header: jwt, claims: object{"nonce": "n"}, client: "web"},
		{name: "service account", header: jwt, claims: object{
			"azp": "Job", "client_id": "Job", "preferred_username": "service-account-job", "clientHost": "10.0.0.1",
		}, client: "Job", machine: true},
		{name: "service account of an older one", header: jwt, claims: object{
			"azp": "job", "clientId": "job", "preferred_username": "service-account-job",
		}, client: "job", machine: true},
		{name: "a user who calls themselves a service account", header: jwt, claims: object{"preferred_username": "service-account-web"}, client: "web"},
		{name: "a service account in another client's name", header: jwt, claims: object{
			"client_id": "job", "preferred_username": "service-account-job",
		}, client: "web"},
		{name: "ID token", header: jwt, claims: object{"typ": "ID", "aud": "web", "nonce": "n"}, want: "audience"},
		{name: "ID token with an audience mapped", header: jwt, claims: object{"typ": "ID", "nonce": "n"}, want: "type"},
		{name: "refresh token", header: jwt, claims: object{"typ": "Refresh"}, want: "type"},
		{name: "no typ in the claims", header: object{"typ": "at+jwt"}, claims: object{"typ": nil}, want: "type"},
		{name: "client_id beside azp", header: jwt, claims: object{"client_id": "other"}, client: "web"},
	})
	b, err := i.Verify(t.Context(), rsaKey.sign(`{"alg":"RS256","kid":"rsa-1","typ":"JWT"}`, text(lasting(user))))
	if diff := cmp.Diff([]string{"shop:clerk", "staff"}, b.Permissions); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestIssuer_microsoft(t *testing.T) {
	const tid = "11111111-2222-3333-4444-555555555555"
	const issuer = "https://login.microsoftonline.com/" + tid + "/v2.0"
	const jwks = "https://login.microsoftonline.com/" + tid + "/discovery/v2.0/keys"
	net := internet{}.keysAt(issuer, issuer+discoveryPath, jwks)
	one, other := rsaKey.jwk(), ecKey.jwk()
	one["issuer"], other["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0", "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
	net.json(jwks, object{"keys": []object{one, other}})
	c := idp.IssuerConfig{Preset: "microsoft", Issuer: issuer, Audiences: []string{"api-app"}, Permissions: []idp.PermissionClaim{{Claim: "scp"}, {Claim: "roles"}}}
	i := net.trusting(t, c)
	jwt := object{"typ": "JWT"}
	user := object{"iss": issuer, "aud": "api-app", "sub": "pairwise", "oid": "alice-oid", "tid": tid, "azp": "spa", "azpacr": "0", "scp": "read write", "ver": "2.0"}
	checkPreset(t, i, rsaKey, user, []presetCase{
		{name: "user", header: jwt, client: "spa"},
		{name: "user, one registration for both", header: jwt, claims: object{"azp": "api-app"}, client: "api-app"},
		{name: "app", header: jwt, claims: object{"scp": nil, "roles": []string{"jobs"}, "sub": "job-oid", "oid": "job-oid", "azp": "job"}, client: "job", machine: true},
		{name: "app, as idtyp says", header: jwt, claims: object{"idtyp": "app", "azp": "job", "sub": "x"}, client: "job", machine: true},
		{name: "user, as idtyp says", header: jwt, claims: object{"idtyp": "user", "scp": nil, "sub": "alice-oid"}, client: "spa"},
		{name: "user of roles alone", header: jwt, claims: object{"scp": nil, "roles": []string{"jobs"}}, client: "spa"},
		{name: "ID token", header: jwt, claims: object{"azp": nil, "azpacr": nil, "scp": nil, "nonce": "n"}, want: "type"},
		{name: "ID token without a nonce", header: jwt, claims: object{"azp": nil, "azpacr": nil, "scp": nil}, want: "type"},
		{name: "another tenant", header: jwt, claims: object{"iss": "https://login.microsoftonline.com/66666666-2222-3333-4444-555555555555/v2.0"}, want: "issuer"},
	})
	checkPreset(t, i, ecKey, user, []presetCase{{name: "signed with the key of another issuer", header: jwt, want: "key_unknown"}})
	b, err := i.Verify(t.Context(), rsaKey.sign(`{"alg":"RS256","kid":"rsa-1","typ":"JWT"}`, text(lasting(user))))
	if b.Tenant != tid || cmp.Diff([]string{"read", "write"}, b.Permissions) != "" || err != nil {
		t.Errorf("%+v %v", b, err)
	}
	for _, many := range []string{"common", "organizations", "{tenantid}"} {
		c.Name, c.Issuer = "x", "https://login.microsoftonline.com/"+many+"/v2.0"
		if _, err := idp.NewIssuer(c); err == nil {
			t.Errorf("the issuer of every tenant on earth is trusted: %s", many)
		}
	}
}

func TestIssuer_authress(t *testing.T) {
	const account, client = "https://acme.login.authress.io", "https://api.authress.io/v1/clients/sc_1%2B2"
	net := internet{}.keysAt(account, account+discoveryPath, account+"/.well-known/openid-configuration/jwks")
	net.keysAt(client, client+discoveryPath, "https://api.authress.io/v1/clients/sc_1+2"+discoveryPath+"/jwks")
	at := object{"typ": "at+jwt"}
	i := net.trusting(t, idp.IssuerConfig{Preset: "authress", Domain: "acme.login.authress.io", Audiences: []string{api}})
	checkPreset(t, i, edKey, object{"iss": account, "sub": "google|1", "aud": api, "azp": "app", "scope": "openid"}, []presetCase{
		{name: "user", header: at, client: "app"},
		{name: "ID token", header: object{"typ": "JWT"}, want: "type"},
		{name: "client", header: at, claims: object{"sub": "sc_1", "client_id": "sc_1"}, client: "sc_1", machine: true},
	})
	i = net.trusting(t, idp.IssuerConfig{Preset: "authress", Issuer: client, Audiences: []string{"acme.accounts.authress.io"}})
	checkPreset(t, i, edKey, object{"iss": client, "sub": "sc_1+2", "aud": "acme.accounts.authress.io", "scope": "openid"}, []presetCase{
		{name: "service client", header: at, client: "sc_1+2", machine: true},
		{name: "service client that speaks of a user", header: at, claims: object{"sub": "google|1", "client_id": "sc_1+2"}, want: "claims_malformed"},
		{name: "service client that speaks of another", header: at, claims: object{"sub": "sc_2"}, want: "claims_malformed"},
		{name: "what a service client signs for a user to sign in", header: object{"typ": "oauth-authz-req+jwt"}, claims: object{"sub": "sc_1+2"}, want: "type"},
	})
}

func TestIssuer_anyPreset(t *testing.T) {
	f := newFake(t)
	checkPreset(t, mustIssuer(t, f.issuer()), ecKey, object{"iss": f.URL, "aud": api, "sub": "alice"}, []presetCase{
		{name: "user", header: object{"typ": "at+jwt"}, claims: object{"client_id": "app"}, client: "app"},
		{name: "user of a client that is only a party", header: object{"typ": "at+jwt"}, claims: object{"azp": "app"}, client: "app"},
		{name: "machine", header: object{"typ": "at+jwt"}, claims: object{"client_id": "job", "sub": "job"}, client: "job", machine: true},
		{name: "no client", header: object{"typ": "at+jwt"}},
	})
}

func TestIssuer_machines(t *testing.T) {
	f := newFake(t)
	tests := []struct {
		name   string
		rules  idp.MachineRules
		claims object
		want   bool
	}{
		{"the preset's, without any", idp.MachineRules{}, object{"client_id": "job", "sub": "job"}, true},
		{"none in place of the preset's", idp.MachineRules{None: true}, object{"client_id": "job", "sub": "job"}, false},
		{"others in place of the preset's", idp.MachineRules{Clients: []string{"x"}}, object{"client_id": "job", "sub": "job"}, false},
		{"client", idp.MachineRules{Clients: []string{"x", "job"}}, object{"client_id": "job"}, true},
		{"client by azp", idp.MachineRules{Clients: []string{"job"}}, object{"azp": "job"}, true},
		{"client by azp, but client_id is another", idp.MachineRules{Clients: []string{"job"}}, object{"azp": "job", "client_id": "app"}, false},
		{"another client", idp.MachineRules{Clients: []string{"job"}}, object{"client_id": "job2"}, false},
		{"no client", idp.MachineRules{Clients: []string{"job"}}, object{}, false},
		{"client prefix", idp.MachineRules{ClientPrefixes: []string{"m2m-"}}, object{"client_id": "m2m-1"}, true},
		{"client prefix elsewhere", idp.MachineRules{ClientPrefixes: []string{"m2m-"}}, object{"client_id": "no-m2m-1", "sub": "m2m-1"}, false},
		{"subject prefix", idp.MachineRules{SubjectPrefixes: []string{"sc_"}}, object{"sub": "sc_1"}, true},
		{"subject prefix elsewhere", idp.MachineRules{SubjectPrefixes: []string{"sc_"}}, object{"sub": "x|sc_1", "client_id": "sc_1"}, false},
		{"subject suffix", idp.MachineRules{SubjectSuffixes: []string{"@clients"}}, object{"sub": "job@clients"}, true},
		{"subject suffix elsewhere", idp.MachineRules{SubjectSuffixes: []string{"@clients"}}, object{"sub": "job@clients.example"}, false},
		{"claim", idp.MachineRules{Claims: map[string]string{"gty": "client-credentials"}}, object{"gty": "client-credentials"}, true},
		{"claim in a list", idp.MachineRules{Claims: map[string]string{"gty": "client-credentials"}}, object{"gty": []any{1, "client-credentials"}}, true},
		{"claim in an object", idp.MachineRules{Claims: map[string]string{"act.kind": "machine"}}, object{"act": object{"kind": "machine"}}, true},
		{"claim with a dot", idp.MachineRules{Claims: map[string]string{"https://x.example/kind": "machine"}}, object{"https://x.example/kind": "machine"}, true},
		{"claim is another", idp.MachineRules{Claims: map[string]string{"gty": "client-credentials"}}, object{"gty": "password"}, false},
		{"claim no string", idp.MachineRules{Claims: map[string]string{"machine": "true"}}, object{"machine": true}, false},
		{"no claim", idp.MachineRules{Claims: map[string]string{"gty": "client-credentials"}}, object{}, false},
		{"one of several", idp.MachineRules{SubjectPrefixes: []string{"sc_"}, Claims: map[string]string{"gty": "x"}}, object{"gty": "x"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.Machines = test.rules }))
			b, err := i.Verify(t.Context(), f.bearer(func(_, claims object) {
				delete(claims, "client_id")
				maps.Copy(claims, test.claims)
			}))
			if err != nil || b.Machine != test.want {
				t.Errorf("machine %t, want %t: %v", b.Machine, test.want, err)
			}
			if b.Machine && b.Client == "" {
				t.Error("a machine without an id")
			}
		})
	}
}

func TestIssuer_permissions(t *testing.T) {
	f := newFake(t)
	many := make([]string, 300)
	for n := range many {
		many[n] = "p" + string(rune('a'+n%26)) + string(rune('a'+n/26%26))
	}
	tests := []struct {
		name   string
		from   []idp.PermissionClaim
		claims object
		want   []string
	}{
		{"nowhere", nil, object{"permissions": []string{"a"}}, nil},
		{"a list", []idp.PermissionClaim{{Claim: "permissions"}}, object{"permissions": []string{"b", "a", "b"}}, []string{"a", "b"}},
		{"words", []idp.PermissionClaim{{Claim: "scope"}}, object{"scope": "b  a b "}, []string{"a", "b"}},
		{"both", []idp.PermissionClaim{{Claim: "scope"}, {Claim: "permissions"}}, object{"scope": "c", "permissions": []string{"a"}}, []string{"a", "c"}},
		{"never admin", []idp.PermissionClaim{{Claim: "permissions"}}, object{"permissions": []string{"admin", "a"}}, []string{"a"}},
		{"never admin, with escapes", []idp.PermissionClaim{{Claim: "scope"}}, object{"scope": "\u0061dmin admin"}, nil},
		{"never admin by stripping", []idp.PermissionClaim{{Claim: "groups", Strip: "x-"}}, object{"groups": []string{"x-admin", "x-a"}}, []string{"a"}},
		{"never admin by adding", []idp.PermissionClaim{{Claim: "groups", Add: "ad"}}, object{"groups": []string{"min", "d"}}, []string{"add"}},
		{"with a prefix in place of another", []idp.PermissionClaim{{Claim: "scope", Strip: "https://api.example/", Add: "api:"}}, object{
			"scope": "openid https://api.example/read https://api.example/ https://evil.example/https://api.example/x",
		}, []string{"api:read"}},
		{"what is no permission", []idp.PermissionClaim{{Claim: "roles"}}, object{"roles": []any{"a b", "ä", "", 7, nil, "ok", object{"a": "b"}}}, []string{"ok"}},
		{"no list of words", []idp.PermissionClaim{{Claim: "roles"}}, object{"roles": object{"a": true}}, nil},
		{"within an object", []idp.PermissionClaim{{Claim: "realm_access.roles"}}, object{"realm_access": object{"roles": []string{"a"}}}, []string{"a"}},
		{"a name with dots before a way into objects", []idp.PermissionClaim{{Claim: "a.b"}}, object{"a.b": "plain", "a": object{"b": "deep"}}, []string{"plain"}},
		{"a way that ends early", []idp.PermissionClaim{{Claim: "a.b.c"}}, object{"a": object{"b": "x"}}, nil},
		{"a URL", []idp.PermissionClaim{{Claim: "https://x.example/roles"}}, object{"https://x.example/roles": []string{"a"}}, []string{"a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.Permissions = test.from }))
			b, err := i.Verify(t.Context(), f.bearer(with(test.claims)))
			if diff := cmp.Diff(test.want, b.Permissions); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.Permissions = []idp.PermissionClaim{{Claim: "permissions"}} }))
	if b, err := i.Verify(t.Context(), f.bearer(with(object{"permissions": many}))); err != nil || len(b.Permissions) > 64 {
		t.Errorf("%d permissions, %v", len(b.Permissions), err)
	}
}

func TestIssuer_tenant(t *testing.T) {
	f := newFake(t)
	for _, test := range []struct {
		name  string
		claim string
		value any
		want  string
	}{
		{"none configured", "", "red", ""},
		{"there", "org", "red", "red"},
		{"absent", "org", nil, ""},
		{"no string", "org", 7, ""},
		{"with a line break", "org", "red\nblue", ""},
		{"too long", "org", string(make([]byte, 300)), ""},
		{"turned off", "-", "red", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := mustIssuer(t, f.issuer(func(c *idp.IssuerConfig) { c.TenantClaim = test.claim }))
			b, err := i.Verify(t.Context(), f.bearer(with(object{"org": test.value})))
			if err != nil || b.Tenant != test.want {
				t.Errorf("tenant %q, want %q: %v", b.Tenant, test.want, err)
			}
		})
	}
}

// What is configured here can be read by core/issuer, and the other way round.
func TestIssuerPresets_can_be_read(t *testing.T) {
	if diff := cmp.Diff(issuer.Presets(), idp.IssuerPresets()); diff != "" {
		t.Error(diff)
	}
}
