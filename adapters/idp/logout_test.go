package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

const event = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims are those of OpenID Connect Back-Channel Logout 1.0 §2.4.
func (f *fake) logoutClaims() object {
	return object{
		"iss": f.URL, "sub": "alice", "aud": clientID, "iat": start.Unix(), "exp": start.Add(2 * time.Minute).Unix(),
		"jti": "logout-1", "sid": "session-1", "events": object{event: object{}},
	}
}

func TestReadLogout(t *testing.T) {
	const refuse = "invalid"
	tests := []struct {
		name   string
		claims func(object)
		header func(object)
		want   string
	}{
		{name: "honest"},
		{name: "typ JWT", header: set("typ", "JWT")},
		{name: "typ written in full", header: set("typ", "application/logout+jwt")},
		{name: "no typ", header: drop("typ"), want: refuse},
		{name: "typ of access tokens", header: set("typ", "at+jwt"), want: refuse},
		{name: "alg none", header: set("alg", "none"), want: refuse},
		{name: "unknown key", header: set("kid", "nobody's"), want: refuse},
		{name: "no events", claims: drop("events"), want: refuse},
		{name: "another event", claims: set("events", object{"http://schemas.openid.net/event/other": object{}}), want: refuse},
		{name: "event in another case", claims: set("events", object{strings.ToUpper(event): object{}}), want: refuse},
		{name: "event no object", claims: set("events", object{event: true}), want: refuse},
		{name: "event null", claims: set("events", object{event: nil}), want: refuse},
		{name: "events a list", claims: set("events", []string{event}), want: refuse},
		{name: "a nonce", claims: set("nonce", "n"), want: refuse},
		{name: "an empty nonce", claims: set("nonce", ""), want: refuse},
		{name: "no sub", claims: drop("sub")},
		{name: "no sid", claims: drop("sid")},
		{name: "neither sub nor sid", claims: func(o object) {
			delete(o, "sub")
			delete(o, "sid")
		}, want: refuse},
		{name: "odd sub", claims: set("sub", "a\nb"), want: refuse},
		{name: "sid too long", claims: set("sid", strings.Repeat("s", 256)), want: refuse},
		{name: "no jti", claims: drop("jti"), want: refuse},
		{name: "empty jti", claims: set("jti", ""), want: refuse},
		{name: "jti too long", claims: set("jti", strings.Repeat("s", 256)), want: refuse},
		{name: "no iat", claims: drop("iat"), want: refuse},
		{name: "no exp", claims: drop("exp"), want: refuse},
		{name: "expired", claims: set("exp", start.Add(-2*time.Minute).Unix()), want: refuse},
		{name: "issued long ago", claims: set("iat", start.Add(-12*time.Minute).Unix()), want: refuse},
		{name: "issued in the future", claims: set("iat", start.Add(2*time.Minute).Unix()), want: refuse},
		{name: "another issuer", claims: set("iss", "https://evil.example"), want: refuse},
		{name: "another audience", claims: set("aud", "another"), want: refuse},
		{name: "too long", claims: set("filler", strings.Repeat("x", 16<<10)), want: refuse},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			claims, header := f.logoutClaims(), object{"alg": "ES256", "kid": "ec-1", "typ": "logout+jwt"}
			if test.claims != nil {
				test.claims(claims)
			}
			if test.header != nil {
				test.header(header)
			}
			got, err := mustNew(t, f.config()).ReadLogout(t.Context(), ecKey.sign(text(header), text(claims)))
			if kind(err) != test.want {
				t.Fatalf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			noSecrets(t, err)
			want := ports.LogoutToken{}
			if test.want == "" {
				sub, _ := claims["sub"].(string)
				sid, _ := claims["sid"].(string)
				want = ports.LogoutToken{Issuer: f.URL, ID: "logout-1", Subject: sub, Session: sid}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("an ID token", func(t *testing.T) {
		f := newFake(t)
		if _, err := mustNew(t, f.config()).ReadLogout(t.Context(), f.idToken()); kind(err) != "invalid" {
			t.Errorf("kind %q, want invalid", kind(err))
		}
	})
	t.Run("the provider is down", func(t *testing.T) {
		f := newFake(t)
		f.handle[keysPath] = down
		raw := ecKey.sign(`{"alg":"ES256","kid":"ec-1","typ":"logout+jwt"}`, text(f.logoutClaims()))
		if _, err := mustNew(t, f.config()).ReadLogout(t.Context(), raw); kind(err) != "unavailable" {
			t.Errorf("kind %q, want unavailable", kind(err))
		}
	})
}

// TestReadLogout_asIDToken gives a logout token to a sign-in.
func TestReadLogout_asIDToken(t *testing.T) {
	f := newFake(t)
	f.signed = func(string, string) string {
		return ecKey.sign(`{"alg":"ES256","kid":"ec-1","typ":"JWT"}`, text(f.logoutClaims()))
	}
	if _, err := f.redeem(t, mustNew(t, f.config())); kind(err) != "unauthenticated" {
		t.Errorf("kind %q, want unauthenticated: %v", kind(err), err)
	}
}

func TestEnd(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	end := func(tokens session.Tokens, back string) url.Values {
		t.Helper()
		at, err := p.End(t.Context(), tokens, back)
		if err != nil || !strings.HasPrefix(at, f.URL+"/end?") {
			t.Fatalf("End: %q, %v", at, err)
		}
		return query(t, at)
	}
	const back = "https://app.example/?a=b&c"
	got := end(session.Tokens{ID: "the.id.token"}, back)
	want := url.Values{"x": {"1"}, "client_id": {clientID}, "id_token_hint": {"the.id.token"}, "post_logout_redirect_uri": {back}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = end(session.Tokens{ID: strings.Repeat("x", 4097)}, "")
	if diff := cmp.Diff(url.Values{"x": {"1"}, "client_id": {clientID}}, got); diff != "" {
		t.Error(diff)
	}

	delete(f.document, "end_session_endpoint")
	if at, err := mustNew(t, f.config()).End(t.Context(), session.Tokens{}, back); at != "" || err != nil {
		t.Errorf("a provider without such a place: %q, %v", at, err)
	}
	f.handle[discoveryPath] = down
	if _, err := mustNew(t, f.config()).End(t.Context(), session.Tokens{}, back); kind(err) != "unavailable" {
		t.Errorf("a provider that is down: %v", err)
	}
}

func TestRevoke(t *testing.T) {
	both := session.Tokens{Access: accessToken, Refresh: refreshToken}
	tests := []struct {
		name   string
		tokens session.Tokens
		way    http.HandlerFunc
		asked  int
		want   string
	}{
		{name: "both", tokens: both, asked: 2},
		{name: "access only", tokens: session.Tokens{Access: accessToken}, asked: 1},
		{name: "none"},
		{name: "empty 200", tokens: both, way: status(200, ""), asked: 2},
		{name: "not JSON", tokens: both, way: status(200, "OK"), asked: 2},
		{name: "unsupported type", tokens: both, way: status(400, `{"error":"unsupported_token_type"}`), asked: 2},
		{name: "only refresh tokens", tokens: both, way: func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("token_type_hint") == "access_token" {
				refuse(w, http.StatusBadRequest, "invalid_request")
			}
		}, asked: 2},
		{name: "not the refresh token", tokens: both, way: status(400, `{"error":"invalid_request"}`), asked: 2, want: "unavailable"},
		{name: "our secret is wrong", tokens: both, way: status(401, `{"error":"invalid_client"}`), asked: 2, want: "unavailable"},
		{name: "down", tokens: both, way: down, asked: 2, want: "unavailable"},
		{name: "redirect", tokens: both, way: redirect, asked: 2, want: "unavailable"},
		{name: "10 MiB", tokens: both, way: endless, asked: 2, want: "unavailable"},
		{name: "echo", tokens: both, way: echo, asked: 2, want: "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			if test.way != nil {
				f.handle["/revoke"] = test.way
			}
			err := mustNew(t, f.config()).Revoke(t.Context(), test.tokens)
			if kind(err) != test.want || f.count("/revoke") != test.asked || f.count("/elsewhere/revoke") != 0 {
				t.Errorf("asked %d times, want %d; kind %q, want %q: %v", f.count("/revoke"), test.asked, kind(err), test.want, err)
			}
			noSecrets(t, err)
		})
	}

	f := newFake(t)
	for _, style := range []string{"", "post"} {
		config := f.config()
		config.AuthStyle = style
		if err := mustNew(t, config).Revoke(t.Context(), both); err != nil {
			t.Fatal(err)
		}
	}
	want := []url.Values{
		{"token": {refreshToken}, "token_type_hint": {"refresh_token"}},
		{"token": {accessToken}, "token_type_hint": {"access_token"}},
		{"token": {refreshToken}, "token_type_hint": {"refresh_token"}, "client_id": {clientID}, "client_secret": {clientSecret}},
		{"token": {accessToken}, "token_type_hint": {"access_token"}, "client_id": {clientID}, "client_secret": {clientSecret}},
	}
	if diff := cmp.Diff(want, f.forms); diff != "" {
		t.Error(diff)
	}

	delete(f.document, "revocation_endpoint")
	if err := mustNew(t, f.config()).Revoke(t.Context(), both); err != nil || len(f.forms) != 4 {
		t.Errorf("a provider that cannot revoke: %v", err)
	}
}

func TestRefresh(t *testing.T) {
	tests := []struct {
		name   string
		do     func(*fake)
		tokens func(*session.Tokens)
		want   string
	}{
		{name: "honest"},
		{name: "no refresh token", tokens: func(t *session.Tokens) { t.Refresh = "" }, want: "unauthenticated"},
		{name: "another refresh token", tokens: func(t *session.Tokens) { t.Refresh = "stolen" }, want: "unauthenticated"},
		{name: "somebody else's", do: func(f *fake) { f.claims = set("sub", "mallory") }, want: "unauthenticated"},
		{name: "another nonce", do: func(f *fake) { f.claims = set("nonce", "another") }, want: "unauthenticated"},
		{name: "no nonce, as is usual", do: func(f *fake) { f.claims = drop("nonce") }},
		{name: "another audience", do: func(f *fake) { f.claims = set("aud", "another") }, want: "unauthenticated"},
		{name: "another key", do: func(f *fake) { f.key = key{"ec-1", "ES256", otherKey.private} }, want: "unauthenticated"},
		{name: "another at_hash", do: func(f *fake) { f.claims = set("at_hash", "AAAA") }, want: "unauthenticated"},
		{name: "down", do: func(f *fake) { f.handle["/token"] = down }, want: "unavailable"},
		{name: "our secret is wrong", do: func(f *fake) { f.handle["/token"] = status(401, `{"error":"invalid_client"}`) }, want: "unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			p := mustNew(t, f.config())
			who, err := f.redeem(t, p)
			if err != nil {
				t.Fatal(err)
			}
			tokens := who.Tokens
			if test.tokens != nil {
				test.tokens(&tokens)
			}
			if test.do != nil {
				f.set(func() { test.do(f) })
			}
			f.clock.pass(5 * time.Minute)
			got, err := p.Refresh(t.Context(), tokens)
			if kind(err) != test.want {
				t.Fatalf("kind %q, want %q: %v", kind(err), test.want, err)
			}
			noSecrets(t, err)
			if test.want != "" {
				if diff := cmp.Diff(session.Tokens{}, got); diff != "" {
					t.Error(diff)
				}
				return
			}
			if got.ID == tokens.ID || got.ID == "" || got.Access != accessToken || got.Refresh != refreshToken ||
				!got.Expires.Equal(start.Add(15*time.Minute)) {
				t.Errorf("tokens: %+v", got)
			}
		})
	}
}

func TestRefresh_leavesOut(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	who, err := f.redeem(t, p)
	if err != nil {
		t.Fatal(err)
	}
	f.set(func() {
		f.answer = func(a object) {
			for _, name := range []string{"id_token", "refresh_token", "expires_in"} {
				delete(a, name)
			}
			a["access_token"] = "new"
		}
	})
	got, err := p.Refresh(t.Context(), who.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(session.Tokens{ID: who.Tokens.ID, Access: "new", Refresh: refreshToken}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRefresh_withoutKeys keeps what the provider gave when the keys to look at its ID token cannot be had: the refresh
// token may have been replaced.
func TestRefresh_withoutKeys(t *testing.T) {
	f := newFake(t)
	p := mustNew(t, f.config())
	who, err := f.redeem(t, p)
	if err != nil {
		t.Fatal(err)
	}
	f.set(func() {
		f.handle[keysPath] = down
		f.header = set("kid", "new")
		f.answer = set("refresh_token", "replaced")
	})
	got, err := p.Refresh(t.Context(), who.Tokens)
	if err != nil || got.ID != who.Tokens.ID || got.Refresh != "replaced" {
		t.Errorf("%+v, %v", got, err)
	}
}
