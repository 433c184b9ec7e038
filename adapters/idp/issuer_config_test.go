package idp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
)

func TestIssuerPresets(t *testing.T) {
	want := []string{"auth0", "authress", "cognito", "keycloak", "microsoft", "oidc"}
	if diff := cmp.Diff(want, idp.IssuerPresets()); diff != "" {
		t.Error(diff)
	}
}

func TestNewIssuer_config(t *testing.T) {
	type config = idp.IssuerConfig
	some := func() (string, error) { return "x", nil }
	tests := []struct {
		name   string
		change func(*config)
		want   []string // what the error says; none for a good configuration
	}{
		{"good", func(*config) {}, nil},
		{"discovery URL for an issuer", func(c *config) { c.Issuer += discoveryPath }, nil},
		{"discovery URL alone", func(c *config) { c.Issuer, c.Discovery = "", c.Issuer+discoveryPath }, nil},
		{"keys", func(c *config) { c.JWKS = "https://id.example/keys" }, nil},
		{"loopback", func(c *config) { c.Issuer, c.JWKS = "http://127.0.0.1:8080", "http://127.0.0.1:8080/keys" }, nil},
		{"http issuer", func(c *config) { c.Issuer = "http://id.example" }, []string{"an issuer is"}},
		{"http issuer that looks local", func(c *config) { c.Issuer = "http://localhost.id.example" }, []string{"an issuer is"}},
		{"http keys", func(c *config) { c.JWKS = "http://id.example/keys" }, []string{"jwks_uri"}},
		{"http keys here, issuer there", func(c *config) { c.JWKS = "http://127.0.0.1/keys" }, []string{"jwks_uri"}},
		{"http userinfo", func(c *config) { c.UserInfoURL = "http://id.example/u" }, []string{"userinfo_endpoint"}},
		{"no issuer", func(c *config) { c.Issuer = "" }, []string{"an issuer or a discovery URL is needed"}},
		{"no name", func(c *config) { c.Name = "" }, []string{"a name is"}},
		{"name with a bar", func(c *config) { c.Name = "a|b" }, []string{"a name is"}},
		{"preset of opaque tokens", func(c *config) { c.Preset = "google" }, []string{"auth0, authress, cognito, keycloak, microsoft, oidc"}},
		{"no preset of this name", func(c *config) { c.Preset = "okta" }, []string{"the preset is one of"}},
		{"no audience", func(c *config) { c.Audiences = nil }, []string{"an audience is needed"}},
		{"an empty audience", func(c *config) { c.Audiences = []string{""} }, []string{"audiences"}},
		{"an audience twice", func(c *config) { c.Audiences = []string{"a", "a"} }, []string{"audiences"}},
		{"cognito without clients", func(c *config) { c.Preset, c.Audiences = "cognito", nil }, []string{"the clients whose tokens are taken are needed"}},
		{"cognito with an audience in their place", func(c *config) { c.Preset = "cognito" }, []string{"the clients whose tokens are taken are needed"}},
		{"cognito with clients", func(c *config) { c.Preset, c.Audiences, c.Clients = "cognito", nil, []string{"a"} }, nil},
		{"an empty client", func(c *config) { c.Clients = []string{""} }, []string{"clients"}},
		{"an empty prefix, which every token has", func(c *config) { c.Machines.SubjectPrefixes = []string{""} }, []string{"machines: subject prefixes"}},
		{"an empty suffix", func(c *config) { c.Machines.SubjectSuffixes = []string{""} }, []string{"machines: subject suffixes"}},
		{"an empty client prefix", func(c *config) { c.Machines.ClientPrefixes = []string{""} }, []string{"machines: client prefixes"}},
		{"machines and none", func(c *config) { c.Machines.None, c.Machines.Clients = true, []string{"a"} }, []string{"machines: there are rules"}},
		{"a claim without a name", func(c *config) { c.Permissions = []idp.PermissionClaim{{Add: "x"}} }, []string{"permissions come from"}},
		{"types of both", func(c *config) { c.Types = []string{"", "JWT", "at+jwt"} }, nil},
		{"no types", func(c *config) { c.Types = []string{} }, []string{"type"}},
		{"a type twice", func(c *config) { c.Types = []string{"JWT", "JWT"} }, []string{"types"}},
		{"none for an algorithm", func(c *config) { c.Algorithms = []string{"none"} }, []string{"the algorithms are"}},
		{"HS512", func(c *config) { c.Algorithms, c.Secret = []string{"HS512"}, sharedSecret }, []string{"the algorithms are", "a secret is for"}},
		{"HS256", shared, nil},
		{"HS256 without a secret", func(c *config) { c.Algorithms = []string{"HS256"} }, []string{"HS256 needs the secret"}},
		{"HS256 with a short secret", func(c *config) { shared(c); c.Secret = strings.Repeat("s", 31) }, []string{"HS256 needs the secret"}},
		{"HS256 with the shortest secret", func(c *config) { shared(c); c.Secret = strings.Repeat("s", 32) }, nil},
		{"HS256 and RS256", func(c *config) { shared(c); c.Algorithms = []string{"RS256", "HS256"} }, []string{"HS256 alone"}},
		{"HS256 and keys", func(c *config) { shared(c); c.JWKS = "https://id.example/keys" }, []string{"no keys are fetched"}},
		{"a secret without its algorithm", func(c *config) { c.Secret = sharedSecret }, []string{"must be named"}},
		{"userinfo sometimes", func(c *config) { c.UserInfo = "sometimes" }, []string{"userinfo is asked"}},
		{"timeout", func(c *config) { c.Timeout = 2 * time.Minute }, []string{"a timeout is"}},
		{"people", func(c *config) { c.People = idp.People{URL: "https://api.id.example/u/{sub}", Secret: some} }, nil},
		{"people without a secret", func(c *config) { c.People = idp.People{URL: "https://api.id.example/u/{sub}"} }, []string{"people: a secret"}},
		{"people without a place", func(c *config) { c.People = idp.People{URL: "https://api.id.example/u", Secret: some} }, []string{"people: the URL has {sub} once"}},
		{"people with two places", func(c *config) { c.People = idp.People{URL: "https://api.id.example/{sub}/{sub}", Secret: some} }, []string{"people: the URL has {sub} once"}},
		{"people at a host of the subject's choice", func(c *config) { c.People = idp.People{URL: "https://{sub}.id.example/u", Secret: some} }, []string{"not of the host"}},
		{"people at a host that the subject ends", func(c *config) { c.People = idp.People{URL: "https://id.example{sub}", Secret: some} }, []string{"not of the host"}},
		{"people at a port of the subject's choice", func(c *config) { c.People = idp.People{URL: "https://id.example:{sub}/", Secret: some} }, []string{"people"}},
		{"people as a user of the subject's choice", func(c *config) { c.People = idp.People{URL: "https://{sub}@id.example/", Secret: some} }, []string{"people"}},
		{"people over http", func(c *config) { c.People = idp.People{URL: "http://id.example/{sub}", Secret: some} }, []string{"people"}},
		{"people, and userinfo", func(c *config) {
			c.People, c.UserInfoURL = idp.People{URL: "https://id.example/{sub}", Secret: some}, "https://id.example/u"
		}, []string{"in place of the userinfo endpoint"}},
		{"a subject's name without people", func(c *config) { c.People.Subject = "user_id" }, []string{"people: there is no URL"}},
		{"everything at once", func(c *config) {
			*c = config{Name: "A", Issuer: "http://x", Algorithms: []string{"HS256"}, UserInfo: "x"}
		}, []string{"a name is", "an issuer is", "HS256 needs", "userinfo is asked", "an audience is needed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config{Name: "x", Issuer: "https://id.example", Audiences: []string{api}}
			test.change(&c)
			i, err := idp.NewIssuer(c)
			if len(test.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if i.URL() != strings.TrimSuffix(c.Issuer+c.Discovery, discoveryPath) {
					t.Errorf("URL %s", i.URL())
				}
				return
			}
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
		})
	}
}
