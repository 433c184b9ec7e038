package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
)

type apiToken struct {
	ID, Name, Token string
	Scopes          []string
	CreatedAt       time.Time  `json:"created_at"`
	ExpiresAt       *time.Time `json:"expires_at"`
	UsedAt          *time.Time `json:"used_at"`
}

// permit gives a user permissions.
func (f *fixture) permit(id string, permissions ...string) {
	f.Helper()
	operator := access.Operator("test")
	if _, err := f.service.Permit(f.Context(), &operator, id, permissions, webClient); err != nil {
		f.Fatal(err)
	}
	f.clock.Add(int64(time.Millisecond)) // a sign-in within the same one would count as ended
}

// apiToken makes an API token.
func (b *browser) apiToken(scopes ...string) (got apiToken) {
	b.Helper()
	b.do("POST", "/tokens", fields{"name": "a script", "scopes": append([]string{}, scopes...)}).want(201, "").into(&got)
	return got
}

func (b *browser) apiTokens() []apiToken {
	b.Helper()
	var got struct{ Tokens []apiToken }
	a := b.do("GET", "/tokens", nil).want(200, "")
	if a.into(&got); got.Tokens == nil || strings.Contains(a.Body, "hxw_") {
		b.Fatalf("answer %s", a.Body)
	}
	return got.Tokens
}

func TestTokens(t *testing.T) {
	f := newFixture(t, options{})
	alice, bob := f.browser().register("alice"), f.browser().register("bob")
	f.permit(alice.user().ID, "read", "write")
	if list := alice.apiTokens(); len(list) != 0 {
		t.Errorf("a new user has %v", list)
	}
	at := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	var forever, dated, short apiToken
	a := alice.do("POST", "/tokens", fields{"name": "backup", "scopes": []string{"write", "read", "read"}}).want(201, "")
	a.into(&forever)
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Location") != "/tokens/"+forever.ID || forever.Name != "backup" ||
		!cmp.Equal(forever.Scopes, []string{"read", "write"}) || forever.ExpiresAt != nil || forever.UsedAt != nil || !strings.HasPrefix(forever.Token, "hxw_") {
		t.Errorf("answer %v %s", a.Header, a.Body)
	}
	f.clock.Add(int64(time.Second))
	alice.do("POST", "/tokens", fields{"name": "dated", "scopes": []string{}, "expires_at": at.Format(time.RFC3339)}).want(201, "").into(&dated)
	f.clock.Add(int64(time.Second))
	before := f.service.Now()
	alice.do("POST", "/tokens", fields{"name": "short", "scopes": []string{"read"}, "expires_in": 60}).want(201, "").into(&short)
	if dated.ExpiresAt == nil || !dated.ExpiresAt.Equal(at) || short.ExpiresAt == nil || short.ExpiresAt.Sub(before).Round(time.Second) != time.Minute {
		t.Errorf("dated %+v, short %+v", dated, short)
	}
	list := alice.apiTokens()
	if names := namesOf(list); !slices.Equal(names, []string{"short", "dated", "backup"}) {
		t.Errorf("list %v", names)
	}

	script := f.bearer(forever.Token)
	var p struct {
		Subject, Name string
		Permissions   []string
	}
	script.do("GET", "/auth/verify", nil).want(200, "").into(&p)
	if p.Subject != alice.user().ID || p.Name != "alice" || !cmp.Equal(p.Permissions, []string{"read", "write"}) {
		t.Errorf("the script is %+v", p)
	}
	f.bearer(short.Token).do("GET", "/auth/verify", nil).want(200, "")
	f.clock.Add(int64(2 * time.Minute))
	f.bearer(short.Token).do("GET", "/auth/verify", nil).want(401, "")
	if list := alice.apiTokens(); list[2].UsedAt == nil || list[1].UsedAt != nil {
		t.Errorf("used: %+v", list)
	}

	// Another user's.
	foreign := bob.do("DELETE", "/tokens/"+forever.ID, nil).want(404, "")
	none := bob.do("DELETE", "/tokens/01900000-0000-7000-8000-000000000000", nil).want(404, "")
	odd := bob.do("DELETE", "/tokens/x", nil).want(404, "")
	if foreign.Body != none.Body || odd.Body != none.Body {
		t.Errorf("%s, %s, %s", foreign.Body, none.Body, odd.Body)
	}
	if list := bob.apiTokens(); len(list) != 0 {
		t.Errorf("bob sees %v", list)
	}
	alice.do("DELETE", "/tokens/"+forever.ID, nil).want(204, "")
	script.do("GET", "/auth/verify", nil).want(401, "")
	alice.do("DELETE", "/tokens/"+forever.ID, nil).want(404, "")
}

func namesOf(list []apiToken) (names []string) {
	for _, t := range list {
		names = append(names, t.Name)
	}
	return names
}

func TestTokens_Bodies(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	f.permit(alice.user().ID, "read")
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"nothing", ``, 400, "required"},
		{"no scopes", `{"name":"x"}`, 400, "required"},
		{"no name", `{"scopes":[]}`, 400, "required"},
		{"unknown member", `{"name":"x","scopes":[],"user_id":"x"}`, 400, "unknown"},
		{"a tenant", `{"name":"x","scopes":[],"tenant":"globex"}`, 400, "unknown"},
		{"scope twice", `{"name":"x","scopes":[],"scopes":["read"]}`, 400, "duplicate"},
		{"scopes as text", `{"name":"x","scopes":"read"}`, 400, "type"},
		{"a scope that is not held", `{"name":"x","scopes":["read","admin"]}`, 400, "not_held"},
		{"an empty scope", `{"name":"x","scopes":[""]}`, 400, "not_held"},
		{"an empty name", `{"name":" ","scopes":[]}`, 400, "form"},
		{"both expiries", `{"name":"x","scopes":[],"expires_in":60,"expires_at":"2099-01-01T00:00:00Z"}`, 400, "conflict"},
		{"no seconds", `{"name":"x","scopes":[],"expires_in":0}`, 400, "range"},
		{"seconds ago", `{"name":"x","scopes":[],"expires_in":-1}`, 400, "range"},
		{"seconds that wrap around", `{"name":"x","scopes":[],"expires_in":9007199254740991}`, 400, "range"},
		{"parts of a second", `{"name":"x","scopes":[],"expires_in":1.5}`, 400, "type"},
		{"null", `{"name":"x","scopes":[],"expires_at":null}`, 400, "type"},
		{"in the past", `{"name":"x","scopes":[],"expires_at":"2020-01-01T00:00:00Z"}`, 400, "range"},
		{"the zero time, which is not never", `{"name":"x","scopes":[],"expires_at":"0001-01-01T00:00:00Z"}`, 400, "range"},
		{"the zero time elsewhere", `{"name":"x","scopes":[],"expires_at":"0001-01-01T01:00:00+01:00"}`, 400, "range"},
		{"in ages", `{"name":"x","scopes":[],"expires_at":"9999-01-01T00:00:00Z"}`, 400, "range"},
		{"no time", `{"name":"x","scopes":[],"expires_at":"tomorrow"}`, 400, "type"},
		{"a form", `name=x`, 400, "malformed_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := alice.do("POST", "/tokens", tt.body)
			a.t = t
			a.want(tt.status, tt.code)
		})
	}
	alice.do("POST", "/tokens", `{"name":"x","scopes":[]}`, "Content-Type", "text/plain").want(415, "content_type")
	if list := alice.apiTokens(); len(list) != 0 {
		t.Errorf("refused, and made: %v", list)
	}
}

// A token that leaked does not become another one, nor the account.
func TestTokens_Themselves(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	f.permit(alice.user().ID, "read", access.Admin)
	signed := f.tokens("alice").AccessToken
	token := alice.apiToken("read", access.Admin)
	script := f.bearer(token.Token)
	body := fields{"name": "x", "scopes": []string{}}
	for _, tt := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/tokens", nil},
		{"POST", "/tokens", body},
		{"DELETE", "/tokens/" + token.ID, nil},
		{"PUT", "/auth/password", fields{"password": password, "new_password": newSecret}},
		{"GET", "/auth/sessions", nil},
		{"DELETE", "/auth/sessions", nil},
		{"DELETE", "/auth/me", fields{"password": password}},
		{"DELETE", "/auth/identities/01900000-0000-7000-8000-000000000000", nil},
		{"POST", "/auth/confirm", nil},
		{"POST", "/auth/" + alice.user().ID + "/change_username", fields{"username": "mallory"}},
	} {
		script.do(tt.method, tt.path, tt.body).want(403, "person_required")
	}
	if list := alice.apiTokens(); len(list) != 1 {
		t.Errorf("tokens %v", namesOf(list))
	}
	f.login("alice")
	script.do("GET", "/auth/me", nil).want(200, "")

	// Her own access token is as good as her session.
	var made apiToken
	f.bearer(signed).do("POST", "/tokens", body).want(201, "").into(&made)
	f.bearer(signed).do("DELETE", "/tokens/"+made.ID, nil).want(204, "")

	// The machine's are its own.
	m := alice.machine("read", access.Admin)
	for _, method := range []string{"GET", "POST"} {
		if a := f.bearer(m.token()).do(method, "/tokens", body); a.Status != 403 {
			t.Errorf("%s /tokens of a machine: %d %s", method, a.Status, a.Body)
		}
	}
}

// What the owner may no more, the token may no more, and what the owner may since
// then, it never may.
func TestTokens_StaleScopes(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	id := alice.user().ID
	f.permit(id, "read", access.Admin)
	ruling, reading := f.bearer(alice.apiToken("read", access.Admin).Token), f.bearer(alice.apiToken("read").Token)
	may := func(b *browser, want ...string) {
		t.Helper()
		var p struct{ Permissions []string }
		b.do("GET", "/auth/verify", nil).want(200, "").into(&p)
		if !cmp.Equal(append([]string{}, want...), p.Permissions) {
			t.Errorf("may %v, want %v", p.Permissions, want)
		}
	}
	may(ruling, access.Admin, "read")
	may(reading, "read")
	ruling.do("GET", "/admin/users", nil).want(200, "")
	reading.do("GET", "/admin/users", nil).want(403, "forbidden")
	f.permit(id, "write")
	may(ruling)
	may(reading)
	ruling.do("GET", "/admin/users", nil).want(403, "forbidden")
	f.permit(id, "read", "write")
	may(ruling, "read")
	may(reading, "read")

	root := f.admin()
	root.do("POST", "/admin/users/"+id+"/ban", nil).want(200, "")
	ruling.do("GET", "/auth/verify", nil).want(401, "")
	root.do("POST", "/admin/users/"+id+"/unban", nil).want(200, "")
	may(reading, "read")
}

func TestTokens_OtherSites(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	body := fields{"name": "x", "scopes": []string{}}
	token := alice.apiToken()
	for _, site := range []string{"cross-site", "same-site", "weird"} {
		h := func() http.Header {
			return http.Header{"Sec-Fetch-Site": {site}, "Cookie": {sessionCookie + "=" + alice.cookies[sessionCookie]}}
		}
		f.send("POST", "/tokens", body, h()).want(403, "cross_origin")
		f.send("DELETE", "/tokens/"+token.ID, nil, h()).want(403, "cross_origin")
	}
	alice.do("POST", "/tokens", "name=x&scopes=", "Content-Type", "application/x-www-form-urlencoded").want(415, "content_type")
	if list := alice.apiTokens(); len(list) != 1 {
		t.Errorf("tokens %v", namesOf(list))
	}
	f.browser().do("GET", "/tokens", nil).want(401, "unauthenticated")
	f.browser().do("POST", "/tokens", body).want(401, "unauthenticated")
	for _, bad := range []string{token.Token[:len(token.Token)-1], token.Token + "A", "hxw_", strings.Replace(token.Token, "hxw_", "hxc_", 1)} {
		f.bearer(bad).do("GET", "/auth/verify", nil).want(401, "")
	}
	// It is a bearer token, and no cookie.
	f.send("GET", "/auth/verify", nil, http.Header{"Cookie": {accessCookie + "=" + token.Token}}).want(401, "")
	f.send("GET", "/auth/verify", nil, http.Header{"Cookie": {sessionCookie + "=" + token.Token}}).want(401, "")
	f.send("GET", "/auth/verify?access_token="+token.Token, nil, http.Header{}).want(401, "unauthenticated")
}
