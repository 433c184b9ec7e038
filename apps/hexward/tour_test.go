package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The life of an account, over HTTP, on a real database.
func TestServe_tour(t *testing.T) {
	i := serve(t, t.TempDir())
	ada := i.browser()

	a := ada.register(t, "ada")
	if a.text("user.email_confirmed") != "false" || a.text("user.username") != "ada" {
		t.Errorf("registered as %s", a.body)
	}
	if a.text("access_token") != "" {
		t.Error("a token is in the body although cookies were asked for")
	}
	ada.do(t, "POST", "/auth/confirm/"+i.mailed("confirm", "ada@example.org"), nil, 200)
	if a := ada.do(t, "GET", "/auth/confirm", nil, 200); a.text("confirmed") != "true" {
		t.Errorf("after confirming: %s", a.body)
	}

	login := object{"login": "ada@example.org", "password": password}
	phone := i.browser()
	phone.do(t, "POST", "/auth/login", object{"login": "ada", "password": another}, 401)
	phone.do(t, "POST", "/auth/login", login, 200)
	me := phone.do(t, "GET", "/auth/me", nil, 200)
	id := me.text("user.id")
	if id == "" {
		id = me.text("id")
	}
	if a := phone.do(t, "GET", "/auth/verify", nil, 200); a.header.Get("X-Auth-Subject") != id {
		t.Errorf("verified as %q, not %q", a.header.Get("X-Auth-Subject"), id)
	}
	phone.do(t, "POST", "/auth/token/refresh", object{}, 200)
	phone.do(t, "POST", "/auth/"+id+"/change_username", object{"username": "lovelace"}, 200)
	phone.do(t, "POST", "/auth/"+id+"/change_username", object{"username": "lovelace"}, 400)
	if a := ada.do(t, "GET", "/auth/me", nil, 200); !strings.Contains(string(a.body), "lovelace") {
		t.Errorf("the other browser sees %s", a.body)
	}
	if a := ada.do(t, "GET", "/auth/sessions", nil, 200); strings.Count(string(a.body), `"method"`) != 2 {
		t.Errorf("sessions: %s", a.body)
	}

	phone.do(t, "PUT", "/auth/password", object{"password": password, "new_password": another}, 200)
	ada.do(t, "GET", "/auth/me", nil, 401) // the other browser is signed out
	phone.do(t, "GET", "/auth/me", nil, 200)
	phone.do(t, "POST", "/auth/forgot-password", object{"email": "ada@example.org"}, 202)
	ada.do(t, "POST", "/auth/password/"+i.mailed("reset", "ada@example.org"), object{"password": password}, 200)
	phone.do(t, "GET", "/auth/me", nil, 401)

	script := i.browser()
	a = script.do(t, "POST", "/auth/login", object{"login": "lovelace", "password": password, "delivery": "body"}, 200)
	script.bearer = a.text("access_token")
	script.do(t, "GET", "/auth/verify", nil, 200)
	script.do(t, "POST", "/auth/logout", object{}, 200)
	script.do(t, "GET", "/auth/verify", nil, 401)

	i.stop()
	if i.code != 0 {
		t.Errorf("exit code %d:\n%s", i.code, i.stderr)
	}
}

// The link of the first run makes the first administrator, once.
func TestServe_first_run(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "data")
	i := serve(t, data)
	var link []string
	if !within(5*time.Second, func() bool {
		link = setupLine.FindStringSubmatch(i.stdout.String())
		return link != nil
	}) {
		t.Fatalf("there is no link in\n%s", i.stdout)
	}
	admin := i.browser()
	body := object{"username": "root-of-all", "email": "root@example.org", "password": password}
	admin.do(t, "POST", "/auth/setup/"+link[1], body, 201)
	admin.do(t, "GET", "/admin/users", nil, 200)
	i.browser().do(t, "POST", "/auth/setup/"+link[1], body, 403)
	if _, _, code := command(t, "", "setup-link", "--data", data); code != 3 {
		t.Errorf("setup-link with an administrator there: exit code %d", code)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "hexward.db": 0o600, "master.key": 0o600} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, not %o", name, got, want)
		}
	}
	i.stop()
	if again := serve(t, data); strings.Contains(again.stdout.String(), "/setup/") {
		t.Errorf("the second run prints\n%s", again.stdout)
	}
}

// Everything survives a restart: sessions, keys, revocation marks and counters.
func TestServe_restart(t *testing.T) {
	data := t.TempDir()
	public := "http://127.0.0.1:1" // the ports differ, and the issuer must not
	i := serve(t, data, "--public-url", public)
	ada, eve := direct(i, i.browser()), direct(i, i.browser())
	ada.register(t, "ada")
	token := ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password, "delivery": "body"}, 200).text("access_token")
	revoked := eve.do(t, "POST", "/auth/login", object{"login": "ada", "password": password, "delivery": "body"}, 200).text("access_token")
	out := direct(i, i.browser())
	out.bearer = revoked
	out.do(t, "POST", "/auth/logout", object{}, 200)
	for range 10 {
		eve.do(t, "POST", "/auth/login", object{"login": "ada", "password": another}, 401)
	}
	limited := eve.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 429)
	if limited.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	jwks := string(ada.do(t, "GET", "/.well-known/jwks.json", nil, 200).body)
	i.stop()

	again := serve(t, data, "--public-url", public)
	direct(again, ada)
	direct(again, eve)
	direct(again, out)
	ada.do(t, "GET", "/auth/me", nil, 200)
	if got := string(ada.do(t, "GET", "/.well-known/jwks.json", nil, 200).body); got != jwks {
		t.Errorf("the keys are %s\nand were %s", got, jwks)
	}
	holder := direct(again, again.browser())
	holder.bearer = token
	holder.do(t, "GET", "/auth/verify", nil, 200)
	out.do(t, "GET", "/auth/verify", nil, 401)
	eve.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 429)
}

// direct points a browser at a server's own address, whatever its public URL is.
func direct(i *instance, b *browser) *browser {
	i.t.Helper()
	var line struct{ Msg, Address string }
	if !within(5*time.Second, func() bool {
		for text := range strings.Lines(i.stderr.String()) {
			if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "serving" {
				return true
			}
		}
		return false
	}) {
		i.t.Fatalf("the log does not tell the address:\n%s", i.stderr)
	}
	b.base = "http://" + line.Address
	return b
}

// What a command does while the server runs is effective within a second.
func TestServe_commands_meanwhile(t *testing.T) {
	i := serve(t, t.TempDir())
	ada, root := i.browser(), i.browser()
	ada.register(t, "ada")
	root.register(t, "rootling")
	gone := func(b *browser, path string, status int) {
		t.Helper()
		var last answer
		if !within(time.Second, func() bool {
			last, _ = b.try("GET", path, nil)
			return last.status == status
		}) {
			t.Errorf("GET %s is still %d after a second, not %d", path, last.status, status)
		}
	}
	ada.do(t, "GET", "/auth/verify", nil, 200) // it is in the cache now
	must(t, "user", "ban", "ada", "--data", i.data, "--reason", "spam")
	gone(ada, "/auth/verify", 401)
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 403)
	must(t, "user", "unban", "ada", "--data", i.data)
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	ada.do(t, "GET", "/auth/verify", nil, 200)

	holder := i.browser()
	holder.bearer = ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password, "delivery": "body"}, 200).text("access_token")
	holder.do(t, "GET", "/auth/verify", nil, 200)
	must(t, "user", "kick", "ada", "--data", i.data)
	gone(ada, "/auth/verify", 401)
	gone(holder, "/auth/verify", 401)

	root.do(t, "GET", "/admin/users", nil, 403)
	must(t, "user", "permit", "rootling", "admin", "--data", i.data)
	gone(root, "/admin/users", 200)
	must(t, "user", "blackout", "--data", i.data)
	gone(root, "/auth/verify", 401)

	before := root.do(t, "GET", "/.well-known/jwks.json", nil, 200)
	must(t, "keys", "rotate", "--data", i.data)
	if !within(time.Second, func() bool {
		a, _ := root.try("GET", "/.well-known/jwks.json", nil)
		return len(a.body) > len(before.body)
	}) {
		t.Error("the new key is not published after a second")
	}
}

// One data directory has one server.
func TestServe_twice(t *testing.T) {
	i := serve(t, t.TempDir())
	_, stderr, code := command(t, "", "serve", "--data", i.data, "--listen", "127.0.0.1:0", "--ops-listen", "off")
	if code != 3 || !strings.Contains(stderr, "already") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	i.browser().register(t, "ada") // the first one goes on
}
