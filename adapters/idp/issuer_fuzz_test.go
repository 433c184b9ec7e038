package idp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
)

// FuzzIssuer has an issuer sign anything under any header, serve any document and say anything of its users: what is
// accepted is sound, and what is not has a reason.
func FuzzIssuer(f *testing.F) {
	const base = "https://id.example"
	document, keys := text(object{"issuer": base, "jwks_uri": base + "/k", "userinfo_endpoint": base + "/u"}), text(object{"keys": []object{ecKey.jwk(), rsaKey.jwk()}})
	claims := object{"iss": base, "sub": "alice", "aud": api, "exp": start.Add(time.Hour).Unix(), "iat": start.Unix(), "client_id": "app", "scope": "openid a"}
	f.Add(document, keys, `{"alg":"ES256","kid":"ec-1","typ":"at+jwt"}`, text(claims), `{"sub":"alice","email":"a@example.org"}`)
	claims["token_use"], claims["client_id"], claims["permissions"] = "access", "alice", []string{"admin", "x"}
	f.Add(document, keys, `{"alg":"ES256","typ":"JWT"}`, text(claims), `{"user_id":"alice"}`)
	claims["typ"], claims["azp"], claims["preferred_username"], claims["realm"] = "Bearer", "a", "service-account-a", object{"roles": []any{"b", object{}, 1}}
	f.Add(document, `{"keys":[{}]}`, `{"alg":"ES256","typ":"JWT"}`, text(claims), `{}`)
	f.Add(`{}`, `{"keys":[{"kty":"oct","k":"AA"}]}`, `{}`, `{"sub":1}`, `[]`)
	f.Fuzz(func(t *testing.T, document, keys, header, payload, info string) {
		serve := func(body string) func(*http.Request) (int, string, string) {
			return func(*http.Request) (int, string, string) { return http.StatusOK, "application/json", body }
		}
		net := internet{base + discoveryPath: serve(document), base + "/k": serve(keys), base + "/u": serve(info)}
		raw := ecKey.sign(header, payload)
		for _, c := range []idp.IssuerConfig{
			{Audiences: []string{api}, Types: []string{"", "JWT", "at+jwt"}, Permissions: []idp.PermissionClaim{{Claim: "permissions"}, {Claim: "realm.roles"}}},
			{Preset: "cognito", Clients: []string{"app"}, UserInfo: idp.UserInfoAlways},
			{Preset: "keycloak", Audiences: []string{api}, TenantClaim: "org"},
			{Preset: "auth0", Issuer: base, Audiences: []string{api}, Machines: idp.MachineRules{Claims: map[string]string{"a.b": "c"}}},
		} {
			c.Name, c.Issuer, c.Transport, c.Now = "x", base, net, func() time.Time { return start }
			i, err := idp.NewIssuer(c)
			if err != nil {
				t.Fatal(err)
			}
			b, err := i.Verify(t.Context(), raw)
			if err != nil {
				if token.ReasonOf(err) == token.ReasonOther && kind(err) != "unavailable" {
					t.Errorf("%s: a refusal without a reason: %v", c.Preset, err)
				}
				continue
			}
			if b.Claims.Issuer != i.URL() || user.CheckSubject(b.Claims.Subject) != nil || b.Claims.Expiry < start.Unix()-60 || slices.Contains(b.Permissions, "admin") ||
				!slices.IsSorted(b.Permissions) || b.Machine && b.Client == "" || len(c.Clients) > 0 && b.Client != "app" {
				t.Errorf("%s: %+v", c.Preset, b)
			}
			if use, there := b.Claims.Lookup("token_use"); there && use.Raw() != `"access"` {
				if text, _ := use.Text(); text != "access" {
					t.Errorf("%s: token_use %s", c.Preset, use.Raw())
				}
			}
			who, err := i.Person(t.Context(), raw, &b)
			switch kind(err) {
			case "":
				if who.Issuer != i.URL() || who.Subject != b.Claims.Subject || who.EmailVerified && who.Email == "" {
					t.Errorf("%s: %+v", c.Preset, who)
				}
			case "unauthenticated", "unavailable":
			default:
				t.Errorf("%s: Person: %v", c.Preset, err)
			}
		}
	})
}

// FuzzIssuer_lookUp has any subject: whoever is asked for is that subject and nobody else, under the path that is configured.
func FuzzIssuer_lookUp(f *testing.F) {
	for _, subject := range []string{"alice", "..", "a/../b", "a?b#c", "%2e%2e", "é", "a\\..\\b", "auth0|1", "{sub}", ";a=b", "//evil.example"} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		const base = "https://id.example"
		asked := ""
		i, err := idp.NewIssuer(idp.IssuerConfig{
			Name: "x", Issuer: base, JWKS: base + "/k", Audiences: []string{api}, Now: func() time.Time { return start },
			People: idp.People{URL: base + "/users/{sub}/profile", Secret: func() (string, error) { return managementSecret, nil }},
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				net := internet{base + "/k": func(*http.Request) (int, string, string) {
					return http.StatusOK, "application/json", text(object{"keys": []object{ecKey.jwk()}})
				}}
				if r.URL.Path != "/k" {
					asked = r.URL.String()
				}
				return net.RoundTrip(r)
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		raw := ecKey.sign(`{"alg":"ES256","typ":"at+jwt"}`, text(lasting(object{"iss": base, "aud": api, "sub": subject})))
		b, err := i.Verify(t.Context(), raw)
		if err != nil {
			return
		}
		_, _ = i.Person(t.Context(), raw, &b)
		if asked == "" {
			return
		}
		part, found := strings.CutPrefix(asked, base+"/users/")
		part, also := strings.CutSuffix(part, "/profile")
		back, err := url.PathUnescape(part)
		if !found || !also || err != nil || back != b.Claims.Subject || strings.ContainsAny(part, "/?#\\") || part == "." || part == ".." {
			t.Errorf("subject %q: asked for %s", b.Claims.Subject, asked)
		}
	})
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
