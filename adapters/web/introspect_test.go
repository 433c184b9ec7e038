package web_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestIntrospect(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	alice := f.browser().register("alice")
	id := alice.user().ID
	f.permit(id, "read", "write")
	tokens := f.tokens("alice")
	m, other := root.machine("read"), root.machine("write")
	token := alice.apiToken("read")
	for _, tt := range []struct {
		name, token string
		want        map[string]any
	}{
		{"a user's access token", tokens.AccessToken, map[string]any{
			"sub": id, "username": "alice", "client_id": publicURL, "aud": publicURL, "scope": "read write", "permissions": []any{"read", "write"},
		}},
		{"a machine's", m.token(), map[string]any{
			"sub": m.ID, "client_id": m.ID, "aud": publicURL, "scope": "read", "permissions": []any{"read"},
		}},
		{"an API token", token.Token, map[string]any{
			"sub": id, "username": "alice", "aud": publicURL, "jti": token.ID, "scope": "read", "permissions": []any{"read"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := other.asks(tt.token)
			a.t = t
			a.private()
			var got map[string]any
			a.into(&got)
			tt.want["active"], tt.want["token_type"], tt.want["iss"], tt.want["tenant"] = true, "Bearer", publicURL, "default"
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreMapEntries(func(name string, _ any) bool {
				return name == "exp" || name == "iat" || name == "sid" || name == "jti" && tt.want["jti"] == nil
			})); diff != "" {
				t.Error(diff)
			}
			if exp, ok := got["exp"].(float64); ok == (tt.token == token.Token) || ok && exp < float64(time.Now().Unix()) {
				t.Errorf("exp %v", got["exp"])
			}
			if _, ok := got["jti"].(string); !ok {
				t.Errorf("no jti in %s", a.Body)
			}
		})
	}
	// Hints are hints.
	for _, hint := range []string{"access_token", "refresh_token", "nonsense"} {
		a := f.post("/oauth/introspect", "token_type_hint="+hint+"&token="+tokens.AccessToken, "Authorization", m.basic()).want(200, "")
		if !strings.HasPrefix(a.Body, `{"active":true`) {
			t.Errorf("with the hint %s: %s", hint, a.Body)
		}
	}
	f.post("/oauth/introspect", "client_id="+m.ID+"&client_secret="+m.Secret+"&token=x").want(200, "")
	f.post("/oauth/introspect", "", "Authorization", m.basic()).refused(400, "invalid_request")
	f.post("/oauth/introspect", "token=", "Authorization", m.basic()).refused(400, "invalid_request")
	f.post("/oauth/introspect", "token="+tokens.AccessToken).refused(401, "invalid_client")
	f.post("/oauth/introspect", "token="+tokens.AccessToken, "Authorization", "Bearer "+tokens.AccessToken).refused(401, "invalid_client")
	root.do("POST", "/admin/clients/"+m.ID+"/disable", nil).want(200, "")
	f.post("/oauth/introspect", "token="+tokens.AccessToken, "Authorization", m.basic()).refused(401, "invalid_client")
}

// Of whatever is not good nothing is told but that, whatever is wrong with it.
func TestIntrospect_Inactive(t *testing.T) {
	f := twoTenants(t)
	m := f.login("acme-root").machine("read")
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	good := f.tokens("acme-user")
	head, rest, _ := strings.Cut(good.AccessToken, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := part(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + "."
	for _, tt := range []struct {
		name string
		make func(t *testing.T) string
	}{
		{"garbage", func(*testing.T) string { return "garbage" }},
		{"binary", func(*testing.T) string { return "\x00\x01" }},
		{"dots", func(*testing.T) string { return ".." }},
		{"endless", func(*testing.T) string { return strings.Repeat("a", 60_000) }},
		{"not signed", func(*testing.T) string { return none }},
		{"signed by nobody", func(*testing.T) string { return head + "." + payload + "." + strings.Repeat("A", 86) }},
		{"cut", func(*testing.T) string { return good.AccessToken[:len(good.AccessToken)-1] }},
		{"of another issuer", func(*testing.T) string {
			return head + "." + part(`{"iss":"https://evil.example","sub":"x","exp":4102444800}`) + "." + strings.Repeat("A", 86)
		}},
		{"a refresh token", func(*testing.T) string { return good.RefreshToken }},
		{"a session id", func(*testing.T) string { return f.login("acme-user").cookies[sessionCookie] }},
		{"a client's secret", func(*testing.T) string { return m.Secret }},
		{"an API token with a typo", func(*testing.T) string {
			token := f.login("acme-user").apiToken().Token
			return token[:len(token)-1] + map[bool]string{true: "1", false: "0"}[strings.HasSuffix(token, "0")]
		}},
		{"an API token that was deleted", func(*testing.T) string {
			b := f.login("acme-user")
			token := b.apiToken()
			b.do("DELETE", "/tokens/"+token.ID, nil).want(204, "")
			return token.Token
		}},
		{"an API token that has expired", func(*testing.T) string {
			var token apiToken
			f.login("acme-user").do("POST", "/tokens", fields{"name": "x", "scopes": []string{}, "expires_in": 1}).want(201, "").into(&token)
			f.clock.Add(int64(2 * time.Second))
			return token.Token
		}},
		{"of who signed out", func(*testing.T) string {
			tokens := f.tokens("acme-user")
			f.bearer(tokens.AccessToken).do("POST", "/auth/logout", nil).want(200, "")
			return tokens.AccessToken
		}},
		{"revoked", func(*testing.T) string {
			tokens := f.tokens("acme-user")
			f.post("/oauth/revoke", "token="+tokens.AccessToken).want(200, "")
			return tokens.AccessToken
		}},
		{"a user's of another tenant", func(*testing.T) string { return f.tokens("globex-user").AccessToken }},
		{"an administrator's of the default tenant", func(*testing.T) string { return f.tokens("root").AccessToken }},
		{"an API token of another tenant", func(*testing.T) string { return f.login("globex-user").apiToken().Token }},
		{"a machine's of another tenant", func(*testing.T) string { return f.login("globex-root").machine("read").token() }},
		{"of a machine that is disabled", func(*testing.T) string {
			root := f.login("acme-root")
			gone := root.machine("read")
			token := gone.token()
			root.do("POST", "/admin/clients/"+gone.ID+"/disable", nil).want(200, "")
			return token
		}},
		{"of a machine that is deleted", func(*testing.T) string {
			root := f.login("acme-root")
			gone := root.machine("read")
			token := gone.token()
			root.do("DELETE", "/admin/clients/"+gone.ID, nil).want(204, "")
			return token
		}},
		{"expired", func(*testing.T) string {
			token := f.tokens("acme-user").AccessToken
			f.clock.Add(int64(17 * time.Minute))
			return token
		}},
		{"of somebody who is banned", func(*testing.T) string {
			token := f.tokens("acme-user").AccessToken
			f.login("acme-root").do("POST", "/admin/users/"+f.login("acme-user").user().ID+"/ban", nil).want(200, "")
			return token
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := m.asks(tt.make(t))
			a.t = t
			if a.private(); a.Body != `{"active":false}` {
				t.Errorf("answer %s", a.Body)
			}
		})
	}
}

func TestRevoke(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	alice := f.browser().register("alice")
	m, other := root.machine("read"), root.machine("read")
	revoke := func(token string, extra ...string) {
		t.Helper()
		if a := f.post("/oauth/revoke", "token="+url.QueryEscape(token), extra...).want(200, "").private(); a.Body != "" {
			t.Errorf("answer %q", a.Body)
		}
	}
	works := func(token string, want int) {
		t.Helper()
		f.bearer(token).do("GET", "/auth/verify", nil).want(want, "")
	}

	one, two := f.tokens("alice"), f.tokens("alice")
	revoke(one.AccessToken)
	works(one.AccessToken, 401)
	works(two.AccessToken, 200)
	f.post("/oauth/token", "grant_type=refresh_token&refresh_token="+one.RefreshToken).want(200, "").into(&one) // the sign-in is not over
	works(one.AccessToken, 200)
	revoke(one.RefreshToken)
	works(one.AccessToken, 401)
	f.post("/oauth/token", "grant_type=refresh_token&refresh_token="+one.RefreshToken).refused(400, "invalid_grant")
	works(two.AccessToken, 200)

	script := alice.apiToken()
	works(script.Token, 200)
	revoke(script.Token)
	works(script.Token, 401)
	if list := alice.apiTokens(); len(list) != 0 {
		t.Errorf("tokens %v", namesOf(list))
	}

	// A machine's token is its own to revoke.
	token := m.token()
	revoke(token)
	works(token, 200)
	revoke(token, "Authorization", other.basic())
	works(token, 200)
	revoke(token, "Authorization", m.basic())
	works(token, 401)

	for _, bad := range []string{"garbage", token, one.RefreshToken, script.Token, "hxw_", "a.b.c", "\x00", strings.Repeat("a", 60_000), alice.cookies[sessionCookie]} {
		revoke(bad)
		revoke(bad, "Authorization", m.basic())
	}
	alice.do("GET", "/auth/verify", nil).want(200, "")
	f.post("/oauth/revoke", "").refused(400, "invalid_request")
	f.post("/oauth/revoke", "token=x", "Authorization", basic(m.ID+":"+other.Secret)).refused(401, "invalid_client")
}
