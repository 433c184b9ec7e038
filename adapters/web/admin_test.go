package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/web"
)

func TestAdmin_Demands(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice")
	for _, r := range web.Routes() {
		if r.Demand != web.Administrator {
			continue
		}
		path := strings.ReplaceAll(r.Path, "{id}", "0199a0b0-0000-7000-8000-000000000001")
		t.Run(r.Method+" "+path, func(t *testing.T) {
			f.browser().do(r.Method, path, nil).want(401, "unauthenticated")
			alice.do(r.Method, path, nil).want(403, "forbidden")
		})
	}
}

func TestRoutes_Demands(t *testing.T) {
	f := newFixture(t, options{})
	for _, r := range web.Routes() {
		path := strings.NewReplacer("{id}", "x", "{token}", "x").Replace(r.Path)
		if r.Based {
			path = "/auth" + path
		}
		a := f.browser().do(r.Method, path, nil)
		if (a.Status == 401) != (r.Demand != web.Anybody || path == "/auth/token/refresh") {
			t.Errorf("%s %s for anybody: %d %s", r.Method, path, a.Status, a.Body)
		}
		if a.Status >= 500 {
			t.Errorf("%s %s: %d %s", r.Method, path, a.Status, a.Body)
		}
		for _, h := range []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "X-Frame-Options", "Cache-Control", "X-Request-Id"} {
			if a.Header.Get(h) == "" {
				t.Errorf("%s %s: no %s", r.Method, path, h)
			}
		}
		public := path == "/static/style.css" || strings.HasPrefix(path, "/.well-known/")
		if (a.Header.Get("Cache-Control") == "no-store") == public {
			t.Errorf("%s %s: Cache-Control: %s", r.Method, path, a.Header.Get("Cache-Control"))
		}
	}
}

type adminUser struct {
	userAnswer
	Ban *struct {
		Reason string
		Until  *time.Time
	}
}

func TestAdmin_Users(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	var added adminUser
	a := root.do("POST", "/admin/users", fields{"username": "carol", "email": "carol@mail.example", "password": password, "permissions": []string{"write", "read"}}).want(201, "")
	a.into(&added)
	if !added.EmailConfirmed || !slices.Equal(added.Permissions, []string{"read", "write"}) || a.Header.Get("Location") != "/admin/users/"+added.ID {
		t.Errorf("added %s at %s", a.Body, a.Header.Get("Location"))
	}
	root.do("POST", "/admin/users", fields{"username": "carol", "email": "other@mail.example", "password": password}).want(409, "username_taken")
	for i := range 3 {
		f.browser().register(fmt.Sprintf("user%d", i))
	}
	search := func(query string) (names []string, last string) {
		var got struct{ Users []adminUser }
		root.do("GET", "/admin/users"+query, nil).want(200, "").into(&got)
		for _, u := range got.Users {
			names, last = append(names, u.Username), u.ID
		}
		return names, last
	}
	all, _ := search("")
	if got, want := slices.Sorted(slices.Values(all)), []string{"carol", "root", "user0", "user1", "user2"}; !slices.Equal(got, want) {
		t.Errorf("all: %v", all)
	}
	page, last := search("?limit=3")
	rest, _ := search("?limit=3&after=" + last)
	if !slices.Equal(append(page, rest...), all) {
		t.Errorf("pages %v and %v", page, rest)
	}
	if got, _ := search("?text=" + url.QueryEscape("er1@mail")); !slices.Equal(got, []string{"user1"}) {
		t.Errorf("text: %v", got)
	}
	if got, _ := search("?permission=write"); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("permission: %v", got)
	}
	root.do("POST", "/admin/users/"+added.ID+"/ban", fields{"reason": "spam"}).want(200, "")
	if got, _ := search("?banned=true"); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("banned: %v", got)
	}
	for _, query := range []string{"?limit=x", "?limit=-1", "?banned=yes", "?nothing=1", "?limit=1&limit=2"} {
		root.do("GET", "/admin/users"+query, nil).want(400, "")
	}
	var found adminUser
	root.do("GET", "/admin/users/"+added.ID, nil).want(200, "").into(&found)
	if found.Username != "carol" || found.Ban == nil || found.Ban.Reason != "spam" || found.Ban.Until != nil {
		t.Errorf("found %+v", found)
	}
}

// What is no id has the answer of an id that nobody has.
func TestAdmin_UnknownIDs(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	for _, tt := range []struct{ method, path string }{
		{"GET", "/admin/users/%s"},
		{"POST", "/admin/users/%s/unban"},
		{"POST", "/admin/users/%s/kick"},
		{"POST", "/admin/users/%s/ban"},
		{"DELETE", "/auth/sessions/%s"},
	} {
		want := root.do(tt.method, fmt.Sprintf(tt.path, "0199a0b0-0000-7000-8000-00000000dead"), nil).want(404, "").Body
		for _, id := range []string{"x", "root", "root@mail.example", "0199A0B0-0000-7000-8000-00000000dead", "0199a0b0-0000-7000-8000-00000000deadx", "%20", "'", "00000000000000000000000000000000000-"} {
			if got := root.do(tt.method, fmt.Sprintf(tt.path, id), nil).want(404, "").Body; got != want {
				t.Errorf("%s %s with %q: %s, want %s", tt.method, tt.path, id, got, want)
			}
		}
	}
	root.do("POST", "/admin/keys/none/retire", nil).want(404, "key_unknown")
}

// TestEffects holds that what an administrator does shows on the very next
// request, whichever credential it has.
func TestEffects(t *testing.T) {
	for _, tt := range []struct {
		name       string
		act        func(root *browser, id string)
		refresh    int
		login      int
		sessionEnd bool
	}{
		{"kick", func(root *browser, id string) { root.do("POST", "/admin/users/"+id+"/kick", nil).want(204, "") }, 401, 200, true},
		{"ban", func(root *browser, id string) {
			root.do("POST", "/admin/users/"+id+"/ban", fields{"reason": "spam", "until": time.Now().Add(time.Hour).Format(time.RFC3339)}).want(200, "")
		}, 401, 403, true},
		{"permissions", func(root *browser, id string) {
			root.do("PUT", "/admin/users/"+id+"/permissions", fields{"permissions": []string{"read"}}).want(200, "")
		}, 200, 200, false},
		{"blackout", func(root *browser, _ string) { root.do("POST", "/admin/blackout", nil).want(200, "") }, 401, 200, true},
		{"compromised key", func(root *browser, _ string) {
			var list struct{ Keys []struct{ ID, State string } }
			root.do("POST", "/admin/keys/rotate", fields{"delay": 0}).want(201, "")
			root.do("GET", "/admin/keys", nil).want(200, "").into(&list)
			root.do("POST", "/admin/keys/"+list.Keys[0].ID+"/retire", fields{"compromised": true}).want(204, "")
		}, 200, 200, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, options{})
			root := f.admin()
			alice := f.browser().register("alice")
			tokens := f.tokens("alice")
			bearer := f.bearer(tokens.AccessToken)
			id := alice.user().ID
			bearer.do("GET", "/auth/verify", nil).want(200, "")

			tt.act(root, id)

			bearer.do("GET", "/auth/verify", nil).want(401, "")
			if tt.sessionEnd {
				alice.do("GET", "/auth/verify", nil).want(401, "session_unknown")
			} else {
				alice.do("GET", "/auth/verify", nil).want(200, "")
			}
			f.browser().do("POST", "/auth/token/refresh", fields{"refresh_token": tokens.RefreshToken}).want(tt.refresh, "")
			f.browser().do("POST", "/auth/login", fields{"login": "alice", "password": password}).want(tt.login, "")
		})
	}
}

// A change of permissions shows at once and gives the session another id, on the
// first of our own routes that it is used for.
func TestPermissions_RotateSession(t *testing.T) {
	f := newFixture(t, options{})
	root, alice := f.admin(), f.browser().register("alice")
	id, old := alice.user().ID, alice.cookies[sessionCookie]
	root.do("PUT", "/admin/users/"+id+"/permissions", fields{"permissions": []string{"write", "read"}}).want(200, "")
	v := alice.do("GET", "/auth/verify", nil).want(200, "")
	if got := v.Header.Get("X-Auth-Permissions"); got != "read,write" || len(v.sets) > 0 {
		t.Errorf("permissions %q, sets %v", got, v.Header["Set-Cookie"])
	}
	alice.user()
	if alice.cookies[sessionCookie] == old {
		t.Error("the id was not replaced")
	}
	alice.do("GET", "/auth/verify", nil).want(200, "")
	f.clock.Store(int64(time.Minute)) // beyond the grace for requests under way
	alice.do("GET", "/auth/verify", nil).want(200, "")
	thief := f.browser()
	thief.cookies[sessionCookie] = old
	thief.do("GET", "/auth/verify", nil).want(401, "session_unknown")
}

// An administrator who is demoted while writing gets nothing through afterwards.
func TestDemotion_Race(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	deputy := f.browser().register("deputy")
	id := deputy.user().ID
	root.do("PUT", "/admin/users/"+id+"/permissions", fields{"permissions": []string{"admin"}}).want(200, "")
	deputy.user() // takes its new session id
	tokens := f.tokens("deputy")
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for _, b := range []*browser{f.bearer(tokens.AccessToken), {f, map[string]string{sessionCookie: deputy.cookies[sessionCookie]}, nil}} {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				header := b.header.Clone()
				if header == nil {
					header = map[string][]string{"Cookie": {sessionCookie + "=" + b.cookies[sessionCookie]}}
				}
				f.send("GET", "/admin/users", nil, header)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	root.do("PUT", "/admin/users/"+id+"/permissions", fields{"permissions": []string{}}).want(200, "")
	f.bearer(tokens.AccessToken).do("GET", "/admin/users", nil).want(401, "token_revoked")
	deputy.do("GET", "/admin/users", nil).want(403, "forbidden")
	close(stop)
	wait.Wait()
}

func TestAdmin_KeysAndAudit(t *testing.T) {
	f := newFixture(t, options{})
	root := f.admin()
	first := f.browser().do("GET", "/.well-known/jwks.json", nil).want(200, "")
	etag := first.Header.Get("ETag")
	if etag == "" || first.Header.Get("Cache-Control") != "public, max-age=300" || !json.Valid([]byte(first.Body)) {
		t.Errorf("%v %s", first.Header, first.Body)
	}
	for _, tag := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		a := f.browser().do("GET", "/.well-known/jwks.json", nil, "If-None-Match", tag).want(304, "")
		if a.Body != "" || a.Header.Get("ETag") != etag {
			t.Errorf("%s: %v %s", tag, a.Header, a.Body)
		}
	}
	token := f.tokens("root").AccessToken
	root.do("POST", "/admin/keys/rotate", fields{"algorithm": "ES256", "delay": 0}).want(201, "")
	if a := f.browser().do("GET", "/.well-known/jwks.json", nil, "If-None-Match", etag).want(200, ""); a.Header.Get("ETag") == etag {
		t.Error("another key set has the same tag")
	}
	f.bearer(token).do("GET", "/auth/verify", nil).want(200, "") // a rotation loses no request
	f.bearer(f.tokens("root").AccessToken).do("GET", "/auth/verify", nil).want(200, "")
	root.do("POST", "/admin/keys/rotate", fields{"algorithm": "none"}).want(400, "")
	root.do("POST", "/admin/keys/rotate", fields{"delay": -1000}).want(400, "range")
	root.do("POST", "/admin/keys/rotate", fields{"delay": 1.5}).want(400, "type")

	var log struct {
		Events []struct {
			Sequence        int64
			Action, Outcome string
			Request         string `json:"request_id"`
		}
	}
	root.do("GET", "/admin/audit?action=key.&limit=1", nil).want(200, "").into(&log)
	if len(log.Events) != 1 || log.Events[0].Action != "key.rotate" || log.Events[0].Request == "" {
		t.Errorf("events %+v", log.Events)
	}
	before := fmt.Sprint(log.Events[0].Sequence)
	root.do("GET", "/admin/audit?before="+before, nil).want(200, "").into(&log)
	if len(log.Events) == 0 || log.Events[0].Action == "key.rotate" {
		t.Errorf("events %+v", log.Events)
	}
	root.do("GET", "/admin/audit?before=x", nil).want(400, "type")
}
