package idp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/idp"
)

func TestPresets(t *testing.T) {
	want := []string{"auth0", "authress", "cognito", "github", "google", "keycloak", "microsoft", "oidc"}
	if diff := cmp.Diff(want, idp.Presets()); diff != "" {
		t.Error(diff)
	}
}

func TestNew_config(t *testing.T) {
	tests := []struct {
		name   string
		change func(*idp.Config)
		want   []string // what the error says; none for a good configuration
	}{
		{"good", func(*idp.Config) {}, nil},
		{"discovery URL for an issuer", func(c *idp.Config) { c.Issuer += discoveryPath }, nil},
		{"loopback", func(c *idp.Config) { c.Issuer = "http://127.0.0.1:8080" }, nil},
		{"loopback, IPv6", func(c *idp.Config) { c.Issuer = "http://[::1]:8080/x" }, nil},
		{"localhost", func(c *idp.Config) { c.Issuer = "http://localhost:8080" }, nil},
		{"no preset of this name", func(c *idp.Config) { c.Preset = "okta" }, []string{"auth0, authress, cognito"}},
		{"no name", func(c *idp.Config) { c.Name = "" }, []string{"a name is"}},
		{"name with a slash", func(c *idp.Config) { c.Name = "a/b" }, []string{"a name is"}},
		{"http issuer", func(c *idp.Config) { c.Issuer = "http://id.example" }, []string{"an issuer is"}},
		{"http issuer that looks local", func(c *idp.Config) { c.Issuer = "http://127.0.0.1.id.example" }, []string{"an issuer is"}},
		{"http issuer at all addresses", func(c *idp.Config) { c.Issuer = "http://0.0.0.0" }, []string{"an issuer is"}},
		{"issuer without a scheme", func(c *idp.Config) { c.Issuer = "id.example" }, []string{"an issuer is"}},
		{"issuer with a query", func(c *idp.Config) { c.Issuer += "?a=b" }, []string{"an issuer is"}},
		{"issuer with a fragment", func(c *idp.Config) { c.Issuer += "#" }, []string{"an issuer is"}},
		{"issuer with a user", func(c *idp.Config) { c.Issuer = "https://a:b@id.example" }, []string{"an issuer is"}},
		{"http discovery", func(c *idp.Config) { c.Issuer = "http://id.example" + discoveryPath }, []string{"a discovery URL is"}},
		{"odd discovery URL", func(c *idp.Config) { c.Issuer, c.Discovery = "", "https://id.example/x" }, []string{"a discovery URL is"}},
		{"odd discovery URL for an issuer", func(c *idp.Config) { c.Discovery = "https://other.example/x" }, nil},
		{"http endpoint", func(c *idp.Config) { c.Endpoints.Token = "http://id.example/t" }, []string{"token_endpoint"}},
		{"http endpoint here, issuer there", func(c *idp.Config) { c.Endpoints.Token = "http://127.0.0.1/t" }, []string{"token_endpoint"}},
		{"domain with a path", func(c *idp.Config) { c.Preset, c.Issuer, c.Domain = "auth0", "", "a.example/x" }, []string{"a domain is"}},
		{"domain for nothing", func(c *idp.Config) { c.Domain = "a.example" }, []string{"a domain means nothing"}},
		{"no openid", func(c *idp.Config) { c.Scopes = []string{"email"} }, []string{"lack openid"}},
		{"two scopes in one", func(c *idp.Config) { c.Scopes = []string{"openid email"} }, []string{"a scope is a word"}},
		{"symmetric", func(c *idp.Config) { c.Algorithms = []string{"HS256"} }, []string{"the algorithms are"}},
		{"none", func(c *idp.Config) { c.Algorithms = []string{"none"} }, []string{"the algorithms are"}},
		{"twice", func(c *idp.Config) { c.Algorithms = []string{"RS256", "RS256"} }, []string{"the algorithms are"}},
		{"state for a parameter", func(c *idp.Config) { c.AuthParams = map[string]string{"state": "x"} }, []string{`"state"`}},
		{"userinfo sometimes", func(c *idp.Config) { c.UserInfo = "sometimes" }, []string{"userinfo is asked"}},
		{"style", func(c *idp.Config) { c.AuthStyle = "jwt" }, []string{"authenticates with basic or post"}},
		{"timeout", func(c *idp.Config) { c.Timeout = -time.Second }, []string{"a timeout is"}},
		{"line break in the secret", func(c *idp.Config) { c.ClientSecret = "top\nsecret" }, []string{"a client secret is"}},
		{"keycloak without issuer", func(c *idp.Config) { c.Preset, c.Issuer = "keycloak", "" }, []string{"a realm's issuer"}},
		{"auth0 without domain", func(c *idp.Config) { c.Preset, c.Issuer = "auth0", "" }, []string{"the tenant's domain"}},
		{"everything at once", func(c *idp.Config) {
			*c = idp.Config{Name: "A B", Issuer: "ftp://x", ClientSecret: "top\x00secret", Timeout: time.Hour, UserInfo: "x", AuthStyle: "y"}
		}, []string{"a name is", "a client id", "a client secret", "a timeout", "an issuer is", "userinfo", "authenticates"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := idp.Config{Name: "work", Issuer: "https://id.example", ClientID: "hexward", ClientSecret: "s"}
			test.change(&c)
			p, err := idp.New(c)
			if (err != nil) != (test.want != nil) || (p == nil) != (err != nil) {
				t.Fatalf("New: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "secret\n") {
				t.Errorf("the error tells the secret: %v", err)
			}
			if c.ClientSecret != "s" && err != nil && strings.Contains(err.Error(), "top") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// TestRedeem_discoveryURL has only the URL of the document, which does not tell whether the issuer ends in a slash.
func TestRedeem_discoveryURL(t *testing.T) {
	for _, suffix := range []string{"", "/"} {
		f := newFake(t)
		f.document["issuer"] = f.URL + suffix
		f.claims = set("iss", f.URL+suffix)
		c := f.config()
		c.Issuer = f.URL + discoveryPath
		if who, err := f.redeem(t, mustNew(t, c)); err != nil || who.Issuer != f.URL+suffix {
			t.Errorf("issuer %q: %q, %v", suffix, who.Issuer, err)
		}
		f.set(func() { f.claims = set("iss", f.URL+suffix+"/x") })
		if _, err := f.redeem(t, mustNew(t, c)); kind(err) != "unauthenticated" {
			t.Errorf("a token of another issuer: %v", err)
		}
	}
}

// TestRedeem_style has discovery or the configuration say how the client authenticates.
func TestRedeem_style(t *testing.T) {
	basic, none := [2]string{"hexward+client", "s3cret%2Fwith%2Bsigns%26more%3D"}, [2]string{}
	tests := []struct {
		name      string
		supported any
		style     string
		secret    string
		auth      [2]string
		form      bool
	}{
		{"as nothing is said", nil, "", clientSecret, basic, false},
		{"as discovery says", []string{"private_key_jwt", "client_secret_post"}, "", clientSecret, none, true},
		{"as both are possible", []string{"client_secret_post", "client_secret_basic"}, "", clientSecret, basic, false},
		{"as configured", []string{"client_secret_post"}, "basic", clientSecret, basic, false},
		{"without a secret", nil, "", "", none, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			if test.supported != nil {
				f.document["token_endpoint_auth_methods_supported"] = test.supported
			}
			c := f.config()
			c.AuthStyle, c.ClientSecret = test.style, test.secret
			if _, err := f.redeem(t, mustNew(t, c)); err != nil {
				t.Fatal(err)
			}
			if f.auth != test.auth || f.form.Has("client_secret") != test.form ||
				f.form.Has("client_id") != (test.auth == none) {
				t.Errorf("basic %q, form %v", f.auth, f.form)
			}
		})
	}
}
