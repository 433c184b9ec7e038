package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	sessionCookie = "__Host-hexward_session"
	accessCookie  = "__Host-hexward_access"
	refreshCookie = "__Secure-hexward_refresh"
)

func TestAuthorization_DecidesAlone(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	token := f.tokens("alice").AccessToken
	for _, tt := range []struct {
		name   string
		values []string
		want   int
	}{
		{"bearer", []string{"Bearer " + token}, 200},
		{"another case", []string{"bEaReR " + token}, 200},
		{"two spaces", []string{"Bearer   " + token}, 200},
		{"empty", []string{""}, 401},
		{"scheme alone", []string{"Bearer"}, 401},
		{"scheme and space", []string{"Bearer "}, 401},
		{"basic", []string{"Basic YWxpY2U6cGFzc3dvcmQ="}, 401},
		{"token alone", []string{token}, 401},
		{"another scheme", []string{"Bearerx " + token}, 401},
		{"tab", []string{"Bearer\t" + token}, 401},
		{"two tokens", []string{"Bearer " + token + " " + token}, 401},
		{"two tokens with a comma", []string{"Bearer " + token + ", Bearer " + token}, 401},
		{"two headers", []string{"Bearer " + token, "Bearer " + token}, 401},
		{"two headers, the first empty", []string{"", "Bearer " + token}, 401},
		{"session id", []string{"Bearer " + alice.cookies[sessionCookie]}, 401},
		{"garbage", []string{"Bearer a.b.c"}, 401},
		{"beyond ASCII", []string{"Bearer \xff\xfe"}, 401},
		{"changed", []string{"Bearer " + token[:len(token)-3] + "AAA"}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"Authorization": tt.values, "Cookie": {sessionCookie + "=" + alice.cookies[sessionCookie]}}
			a := f.send("GET", "/auth/verify", nil, header).want(tt.want, "")
			if tt.want == 401 {
				if got := a.Header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
					t.Errorf("WWW-Authenticate: %s", got)
				}
				if len(a.sets) > 0 {
					t.Errorf("sets %v", a.Header["Set-Cookie"])
				}
			}
		})
	}
	alice.do("GET", "/auth/verify", nil).want(200, "") // its session did not suffer
}

func TestCookies_Bad(t *testing.T) {
	f := newFixture(t, options{})
	alice, mallory := f.browser().register("alice"), f.browser().register("mallory")
	id, access := alice.cookies[sessionCookie], alice.cookies[accessCookie]
	dead := f.browser()
	dead.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
	deadID, deadAccess := dead.cookies[sessionCookie], dead.cookies[accessCookie]
	dead.do("POST", "/auth/logout", nil).want(200, "")
	for _, tt := range []struct {
		name   string
		cookie []string
		want   int
		drops  string // the cookie that the browser is told to forget
	}{
		{"session", []string{sessionCookie + "=" + id}, 200, ""},
		{"access", []string{accessCookie + "=" + access}, 200, ""},
		{"among others", []string{"a=b;" + sessionCookie + "=" + id + " ; c"}, 200, ""},
		{"none", nil, 401, ""},
		{"of somebody else", []string{"hexward_session=" + id}, 401, ""},
		{"in another case", []string{strings.ToLower(sessionCookie) + "=" + id}, 401, ""},
		{"empty", []string{sessionCookie + "="}, 401, sessionCookie},
		{"tampered", []string{sessionCookie + "=" + string(id[0]^1) + id[1:]}, 401, sessionCookie},
		{"cut", []string{sessionCookie + "=" + id[:len(id)-1]}, 401, sessionCookie},
		{"grown", []string{sessionCookie + "=" + id + "A"}, 401, sessionCookie},
		{"quoted", []string{sessionCookie + `="` + id + `"`}, 401, sessionCookie},
		{"signed out", []string{sessionCookie + "=" + deadID}, 401, sessionCookie},
		{"signed out access token", []string{accessCookie + "=" + deadAccess}, 401, accessCookie},
		{"signed out, with an access token that works", []string{sessionCookie + "=" + deadID + "; " + accessCookie + "=" + access}, 401, sessionCookie},
		{"tossed first", []string{sessionCookie + "=" + mallory.cookies[sessionCookie] + "; " + sessionCookie + "=" + id}, 401, ""},
		{"tossed last", []string{sessionCookie + "=" + id + "; " + sessionCookie + "=" + mallory.cookies[sessionCookie]}, 401, ""},
		{"tossed in another header", []string{sessionCookie + "=" + id, sessionCookie + "=" + mallory.cookies[sessionCookie]}, 401, ""},
		{"tossed empty", []string{sessionCookie + "=; " + sessionCookie + "=" + id}, 401, ""},
		{"the same twice", []string{sessionCookie + "=" + id + "; " + sessionCookie + "=" + id}, 401, ""},
		{"access token twice", []string{accessCookie + "=" + access + "; " + accessCookie + "=" + access}, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := f.send("GET", "/auth/verify", nil, http.Header{"Cookie": tt.cookie}).want(tt.want, "")
			drops := ""
			for name, c := range a.sets {
				drops += name
				if c.Value != "" || c.Expires.IsZero() || time.Until(c.Expires) > 0 || !c.Secure || c.Path != "/" {
					t.Errorf("Set-Cookie: %s", c.Raw)
				}
			}
			if drops != tt.drops {
				t.Errorf("drops %q, want %q", drops, tt.drops)
			}
			if tt.want == 401 && a.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

// A session id that was planted in a browser is not the one that its owner signs
// in to, and ends.
func TestLogin_Fixation(t *testing.T) {
	f := newFixture(t, options{})
	f.browser().register("alice")
	mallory := f.browser().register("mallory")
	planted := mallory.cookies[sessionCookie]
	victim := f.browser()
	victim.cookies[sessionCookie] = planted
	victim.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
	if victim.cookies[sessionCookie] == planted || victim.user().Username != "alice" {
		t.Error("the planted session was kept")
	}
	mallory.do("GET", "/auth/verify", nil).want(401, "session_unknown")
}

// An access token that no browser would keep is not sent as a cookie; an older one
// does not stay in its place.
func TestCookies_TooLarge(t *testing.T) {
	f := newFixture(t, options{})
	root, alice := f.admin(), f.browser().register("alice")
	permissions := make([]string, 64)
	for i := range permissions {
		permissions[i] = fmt.Sprintf("%064d", i)
	}
	root.do("PUT", "/admin/users/"+alice.user().ID+"/permissions", fields{"permissions": permissions}).want(200, "")
	a := alice.do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(200, "")
	if c := a.sets[accessCookie]; c == nil || c.Value != "" {
		t.Errorf("the access cookie is %v", c)
	}
	if v := alice.do("GET", "/auth/verify", nil).want(200, ""); v.Header.Get("X-Auth-Permissions") != strings.Join(permissions, ",") {
		t.Errorf("permissions %q", v.Header.Get("X-Auth-Permissions"))
	}
	var u userAnswer
	alice.do("POST", "/auth/token/refresh", nil).want(200, "").into(&struct{ User *userAnswer }{&u})
	if !cmp.Equal(u.Permissions, permissions) {
		t.Error(cmp.Diff(u.Permissions, permissions))
	}
}

// A planted cookie must not outlive a sign-out: its session ends with ours.
func TestLogout_Tossed(t *testing.T) {
	f := newFixture(t, options{})
	alice, mallory := f.browser().register("alice"), f.browser().register("mallory")
	both := sessionCookie + "=" + mallory.cookies[sessionCookie] + "; " + sessionCookie + "=" + alice.cookies[sessionCookie]
	a := f.send("POST", "/auth/logout", nil, http.Header{"Cookie": {both}}).want(200, "")
	if len(a.sets) != 3 {
		t.Errorf("sets %v", a.Header["Set-Cookie"])
	}
	alice.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	mallory.do("GET", "/auth/verify", nil).want(401, "session_unknown")
}

// Signing out by bearer ends that sign-in and leaves the cookies alone.
func TestLogout_Bearer(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	token := f.tokens("alice").AccessToken
	if a := alice.do("POST", "/auth/logout", nil, "Authorization", "Bearer "+token).want(200, ""); len(a.sets) > 0 {
		t.Errorf("sets %v", a.Header["Set-Cookie"])
	}
	f.bearer(token).do("GET", "/auth/verify", nil).want(401, "token_revoked")
	f.bearer(token).do("POST", "/auth/logout", nil).want(401, "token_revoked")
	alice.do("GET", "/auth/verify", nil).want(200, "")
}

func TestLogin_Alike(t *testing.T) {
	f := newFixture(t, options{})
	f.browser().register("alice")
	shape := func(login, pass string) answer {
		a := f.browser().do("POST", "/auth/login", fields{"login": login, "password": pass}).want(401, "bad_credentials")
		a.Header.Del("X-Request-Id")
		a.Header.Del("Date")
		return a
	}
	want := shape("alice", "not the right password")
	for _, login := range []string{"nobody", "nobody@mail.example", "Alice@mail.example", "ALICE", "<script>", strings.Repeat("ä", 200)} {
		got := shape(login, "not the right password")
		if got.Body != want.Body || !cmp.Equal(got.Header, want.Header) {
			t.Errorf("%s: %s %s", login, got.Body, cmp.Diff(want.Header, got.Header))
		}
	}
}

func TestRefresh(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")

	t.Run("by body", func(t *testing.T) {
		first := f.tokens("alice")
		if first.Delivery != "body" || first.TokenType != "Bearer" || first.AccessToken == "" || first.Access != first.AccessToken ||
			first.ExpiresIn < 890 || first.ExpiresIn > 900 || first.RefreshToken == "" {
			t.Errorf("login answers %+v", first)
		}
		var next tokenAnswer
		a := f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": first.RefreshToken}).want(200, "")
		a.into(&next)
		if len(a.sets) > 0 || next.Delivery != "body" || next.Access == "" || next.Access != next.AccessToken || next.RefreshToken == first.RefreshToken {
			t.Errorf("refresh answers %s and sets %v", a.Body, a.Header["Set-Cookie"])
		}
		f.bearer(next.AccessToken).do("GET", "/auth/verify", nil).want(200, "")
		// Reuse ends everything of this sign-in.
		f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": first.RefreshToken}).want(401, "refresh_reused")
		f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": next.RefreshToken}).want(401, "")
		f.bearer(next.AccessToken).do("GET", "/auth/verify", nil).want(401, "token_revoked")
	})

	t.Run("by cookie", func(t *testing.T) {
		old := alice.cookies[refreshCookie]
		a := alice.do("POST", "/auth/token/refresh", nil).want(200, "")
		if strings.Contains(a.Body, "token\":") || a.sets[refreshCookie] == nil || a.sets[accessCookie] == nil {
			t.Errorf("refresh answers %s and sets %v", a.Body, a.Header["Set-Cookie"])
		}
		thief := f.browser()
		thief.cookies[refreshCookie] = old
		a = thief.do("POST", "/auth/token/refresh", nil).want(401, "refresh_reused")
		if c := a.sets[refreshCookie]; c == nil || c.Value != "" || c.Path != "/auth/token/refresh" {
			t.Errorf("sets %v", a.Header["Set-Cookie"])
		}
		alice.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	})

	for _, tt := range []struct{ name, cookie, body, bearer string }{
		{"nothing", "", "", ""},
		{"garbage", "", `{"refresh_token":"garbage"}`, ""},
		{"empty", "", `{"refresh_token":""}`, ""},
		{"garbage in the cookie", refreshCookie + "=garbage", "", ""},
		{"cookie twice", refreshCookie + "=a; " + refreshCookie + "=b", "", ""},
		{"cookie beside an Authorization header", refreshCookie + "=" + f.tokens("alice").RefreshToken, "", "Bearer x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"Sec-Fetch-Site": {"same-origin"}}
			for name, value := range map[string]string{"Cookie": tt.cookie, "Authorization": tt.bearer} {
				if value != "" {
					header.Set(name, value)
				}
			}
			var body any
			if tt.body != "" {
				body = tt.body
			}
			f.send("POST", "/auth/token/refresh", body, header).want(401, "")
		})
	}
}

func TestRefresh_Race(t *testing.T) {
	f := newFixture(t, options{})
	f.browser().register("alice")
	token := f.tokens("alice").RefreshToken
	statuses := make([]int, 32)
	var wait sync.WaitGroup
	for i := range statuses {
		wait.Go(func() {
			statuses[i] = f.send("POST", "/auth/token/refresh", fields{"refresh_token": token}, http.Header{}).Status
		})
	}
	wait.Wait()
	count := map[int]int{}
	for _, s := range statuses {
		count[s]++
	}
	if count[200] != 1 || count[401] != 31 {
		t.Errorf("statuses %v", count)
	}
	f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": token}).want(401, "")
}

func TestRefresh_Expired(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	f.clock.Store(int64(7 * time.Hour)) // idle too long
	alice.do("POST", "/auth/token/refresh", nil).want(401, "session_unknown")
	alice.do("GET", "/auth/verify", nil).want(401, "session_unknown")
	alice.do("GET", "/auth/verify", nil).want(401, "token_expired") // its access token decides now
	alice.do("GET", "/auth/verify", nil).want(401, "unauthenticated")
}
