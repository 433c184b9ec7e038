package idp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// FuzzRedeem has a provider answer each request with anything. Whatever it is, there is a person whose identity is
// sound, or an error of a kind that says whose fault it is, and no panic.
func FuzzRedeem(f *testing.F) {
	const base = "https://id.example"
	document := text(object{
		"issuer": base, "authorization_endpoint": base + "/a", "token_endpoint": base + "/t", "jwks_uri": base + "/k",
		"userinfo_endpoint": base + "/u",
	})
	claims := object{
		"iss": base, "sub": "alice", "aud": clientID, "exp": start.Add(time.Hour).Unix(), "iat": start.Unix(), "nonce": "n",
	}
	f.Add(document, "", `{"alg":"ES256","kid":"ec-1"}`, text(claims), `{"sub":"alice","email":"a@example.org","email_verified":"true"}`)
	claims["tid"], claims["iss"] = "11111111-2222-3333-4444-555555555555", base+"/11111111-2222-3333-4444-555555555555/v2.0"
	f.Add(strings.Replace(document, base+`"`, base+`/{tenantid}/v2.0"`, 1), "", `{"alg":"ES256"}`, text(claims), `{"sub":"alice"}`)
	f.Add(document, `{"keys":[{"kty":"RSA","n":"`+strings.Repeat("_", 342)+`","e":"AQAB","issuer":7},{"kty":"EC","crv":"P-256","x":"AA"}]}`,
		`{"alg":"RS256","typ":"logout+jwt"}`, text(object{"iss": base, "events": object{event: object{}}}), `{}`)
	f.Add(`{}`, `{"keys":[{}]}`, `{}`, `{}`, `[]`)
	f.Fuzz(func(t *testing.T, document, keys, header, payload, info string) {
		serve := func(body string) func(*http.Request) (int, string, string) {
			return func(*http.Request) (int, string, string) { return http.StatusOK, "application/json", body }
		}
		if keys == "" { // those that the token is signed with
			keys = text(object{"keys": []object{ecKey.jwk(), rsaKey.jwk()}})
		}
		raw := ecKey.sign(header, payload)
		net := internet{
			base + discoveryPath: serve(document), base + "/common/v2.0" + discoveryPath: serve(document),
			base + "/k": serve(keys), base + "/u": serve(info),
			base + "/t": serve(text(object{"access_token": accessToken, "token_type": "Bearer", "id_token": raw})),
		}
		for _, c := range []idp.Config{
			{Issuer: base}, {Issuer: base + "/common/v2.0", Preset: "microsoft"}, {Preset: "cognito", Discovery: base + discoveryPath},
		} {
			c.Name, c.ClientID, c.Transport, c.Now = "x", clientID, net, func() time.Time { return start }
			c.UserInfo = idp.UserInfoAlways
			p := mustNew(t, c)
			who, err := p.Redeem(t.Context(), ports.AuthCode{Code: goodCode, Nonce: "n"})
			switch kind(err) {
			case "":
				if user.CheckSubject(who.Subject) != nil || !strings.HasPrefix(who.Issuer, base) || who.EmailVerified && who.Email == "" {
					t.Errorf("%+v", who)
				}
			case "unauthenticated", "unavailable":
			default:
				t.Errorf("Redeem: %v", err)
			}
			if _, err := p.ReadLogout(t.Context(), raw); kind(err) != "" && kind(err) != "invalid" && kind(err) != "unavailable" {
				t.Errorf("ReadLogout: %v", err)
			}
			if at, err := p.End(t.Context(), session.Tokens{ID: raw}, callback); err == nil && at != "" && !strings.HasPrefix(at, "https://") {
				t.Errorf("End leads to %q", at)
			}
		}
	})
}

// FuzzNew takes any text for an issuer: what is accepted is https, or on this machine.
func FuzzNew(f *testing.F) {
	for _, issuer := range []string{
		"https://id.example", "http://127.0.0.1:1", "http://[::ffff:127.0.0.1]", "HTTP://localhost", "http://localhost.", "https:///x",
		"https://id.example" + discoveryPath, "http://id.example@localhost", "http://2130706433/", "//id.example", "https://a b",
	} {
		f.Add(issuer)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		p, err := idp.New(idp.Config{Name: "x", Issuer: issuer, ClientID: "c", Transport: internet{}})
		if err != nil {
			return
		}
		if low := strings.ToLower(issuer); !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "http://localhost") &&
			!strings.HasPrefix(low, "http://127.") && !strings.HasPrefix(low, "http://[") {
			t.Errorf("the issuer %q is accepted", issuer)
		}
		if _, err := p.Begin(t.Context(), ports.AuthRequest{RedirectURI: callback, State: "s", Nonce: "n", Verifier: verifier}); kind(err) != "unavailable" {
			t.Errorf("issuer %q: %v", issuer, err)
		}
	})
}
