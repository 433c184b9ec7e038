package main_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// worker is what decides at the edge: it believes the keys that the operator printed.
type worker struct {
	*edge.Verifier
	t *testing.T
}

func newWorker(t *testing.T, jwks string) worker {
	t.Helper()
	trust, err := token.ParseKeySet([]byte(strings.TrimSpace(jwks)))
	if err != nil {
		t.Fatalf("%v: %s", err, jwks)
	}
	v, err := edge.New(edge.Config{Trust: trust, Algorithms: []token.Algorithm{token.ES256, token.EdDSA, token.RS256}})
	if err != nil {
		t.Fatal(err)
	}
	return worker{v, t}
}

// load takes a bundle into use.
func (w worker) load(compact []byte) {
	w.t.Helper()
	if err := w.Load(compact, time.Now().UnixMilli()); err != nil {
		w.t.Fatalf("%v (%s): %.200s", err, edge.CodeOf(err), compact)
	}
}

// says is the code of what becomes of a token.
func (w worker) says(compact string) string {
	var out edge.Verdict
	w.Verify(compact, time.Now().UnixMilli(), &out)
	return out.Code
}

// follow fetches what is newer than what the worker holds, waiting for so many seconds.
func (w worker) follow(b *browser, wait int) int {
	w.t.Helper()
	number, _ := w.Held()
	a, err := b.try("GET", fmt.Sprintf("/.well-known/hexward-bundle?since=%d&wait=%d", number, wait), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if a.status == 200 {
		w.load(a.body)
	}
	return a.status
}

// TestServe_bundle: what is revoked, here or by a command in another process, is refused at
// the edge within a second or two.
func TestServe_bundle(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("- path: /notes\n  access: session_or_token\n  permissions: [notes]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	args := []string{"--bundle", "public", "--policy", policy, "--public-url", "http://127.0.0.1:1"} // the ports differ, and the issuer must not
	i := serve(t, data, args...)
	keys := must(t, "bundle", "key", "show", "--data", data)
	w := newWorker(t, keys)
	fetch := direct(i, i.browser())
	if status := w.follow(fetch, 0); status != 200 {
		t.Fatalf("status %d", status)
	}
	for name, revoke := range map[string]func(b *browser, name string){
		"sign-out": func(b *browser, _ string) { b.do(t, "POST", "/auth/logout", object{}, 200) },
		"password": func(b *browser, _ string) {
			b.do(t, "PUT", "/auth/password", object{"password": password, "new_password": another}, 200)
		},
		"name": func(b *browser, name string) {
			id := b.do(t, "GET", "/auth/me", nil, 200).text("id")
			b.do(t, "POST", "/auth/"+id+"/change_username", object{"username": "re" + name}, 200)
		},
		"kick":       func(_ *browser, name string) { must(t, "user", "kick", name, "--data", data) },
		"ban":        func(_ *browser, name string) { must(t, "user", "ban", name, "--data", data) },
		"permission": func(_ *browser, name string) { must(t, "user", "permit", name, "notes", "--data", data) },
	} {
		t.Run(name, func(t *testing.T) {
			b := direct(i, i.browser())
			b.do(t, "POST", "/auth/register", object{"username": "person-" + name, "email": name + "@example.org", "password": password, "delivery": "body"}, 201)
			b.bearer = b.do(t, "POST", "/auth/login", object{"login": "person-" + name, "password": password, "delivery": "body"}, 200).text("access_token")
			if got := w.says(b.bearer); got != "allowed" {
				t.Fatalf("before: %s", got)
			}
			held := b.bearer
			heard := make(chan int)
			go func() { heard <- w.follow(fetch, 20) }()
			time.Sleep(50 * time.Millisecond)
			revoke(b, "person-"+name)
			begun := time.Now()
			if status := <-heard; status != 200 {
				t.Fatalf("status %d", status)
			}
			took := time.Since(begun)
			for w.says(held) == "allowed" && time.Since(begun) < 5*time.Second { // the first news may be about something else
				w.follow(fetch, 1)
			}
			if got := w.says(held); got != "token_revoked" {
				t.Errorf("after: %s", got)
			}
			if took > 4*time.Second {
				t.Errorf("the worker heard after %v", took)
			}
			t.Logf("heard after %v", took)
		})
	}
	last, _ := w.Held()

	begun, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		_, _ = fetch.try("GET", fmt.Sprintf("/.well-known/hexward-bundle?since=%d&wait=30", last), nil)
	}()
	time.Sleep(200 * time.Millisecond)
	i.stop()
	<-done
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("stopping took %v while somebody waited", took)
	}

	again := serve(t, data, args...)
	if status := w.follow(direct(again, again.browser()), 0); status != 200 {
		t.Errorf("after a restart: %d", status)
	}
	if number, _ := w.Held(); number <= last {
		t.Errorf("number %d after a restart, and %d before", number, last)
	}
	if got := must(t, "bundle", "key", "--data", data); got != keys {
		t.Errorf("other keys after a restart: %s", got)
	}
}

// TestServe_bundle_killed: what was acknowledged is in the next process' bundle, whose
// number is greater.
func TestServe_bundle_killed(t *testing.T) {
	data := t.TempDir()
	args := []string{"--bundle", "public", "--public-url", "http://127.0.0.1:1", "--account-limit", "off"}
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	var w *worker
	var ended []string
	for round := range rounds {
		i := spawn(t, data, args...)
		if w == nil {
			made := newWorker(t, must(t, "bundle", "key", "--data", data))
			w = &made
		}
		fetch := direct(i, i.browser())
		before, _ := w.Held()
		if w.follow(fetch, 0) != 200 {
			t.Fatal("no bundle after a start")
		}
		if number, _ := w.Held(); number <= before {
			t.Fatalf("number %d after %d", number, before)
		}
		for n, text := range ended {
			if got := w.says(text); got != "token_revoked" {
				t.Errorf("after %d kills token %d is %s", round, n, got)
			}
		}
		b := direct(i, i.browser())
		name := fmt.Sprintf("person-%d", round)
		b.bearer = b.do(t, "POST", "/auth/register", object{"username": name, "email": name + "@example.org", "password": password, "delivery": "body"}, 201).text("access_token")
		text := b.bearer
		if got := w.says(text); got != "allowed" {
			t.Errorf("a new token is %s", got)
		}
		b.do(t, "POST", "/auth/logout", object{}, 200)
		i.kill()
		ended = append(ended, text)
	}
}

// TestServe_bundle_secret: who does not know it gets nothing, and nobody is told it.
func TestServe_bundle_secret(t *testing.T) {
	const secret = "bK3-canary.zT9/pQ7+wL2=xV5~nM8_hJ4"
	data := t.TempDir()
	i := serveWith(t, map[string]string{"HEXWARD_BUNDLE_SECRET": secret}, data, "--bundle", "secret", "--bundle-api-tokens", "--debug")
	b := i.browser()
	b.do(t, "GET", "/.well-known/hexward-bundle", nil, 401)
	b.bearer = secret + "x"
	b.do(t, "GET", "/.well-known/hexward-bundle", nil, 401)
	b.bearer = secret
	a := b.do(t, "GET", "/.well-known/hexward-bundle", nil, 200)
	newWorker(t, must(t, "bundle", "key", "--data", data)).load(a.body)
	if got := a.header.Get("Cache-Control"); !strings.HasPrefix(got, "private") {
		t.Errorf("Cache-Control: %s", got)
	}
	i.stop()
	if strings.Contains(i.stderr.String()+i.stdout.String(), secret) {
		t.Error("the secret is in the log")
	}
	stdout, stderr, code := commandWith(t, map[string]string{"HEXWARD_BUNDLE_SECRET": secret, "HEXWARD_BUNDLE": "secret"}, "", "config", "print", "--data", data)
	if code != 0 || strings.Contains(stdout+stderr, secret) || !strings.Contains(stdout, "bundle-secret: '********'") && !strings.Contains(stdout, `bundle-secret: "********"`) {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestServe_bundle_off(t *testing.T) {
	i := serve(t, t.TempDir())
	i.browser().do(t, "GET", "/.well-known/hexward-bundle", nil, 404)
}

func TestConfig_bundle_warns(t *testing.T) {
	for args, want := range map[string]bool{
		"--bundle public": false, "--algorithm HS256": false, "--bundle public --algorithm HS256": true, "--bundle public --algorithm ES256": false,
	} {
		stdout, stderr, code := command(t, "", append([]string{"config", "check", "--data", filepath.Join(t.TempDir(), "data")}, strings.Fields(args)...)...)
		if code != 0 || strings.Contains(stdout, "HS256") != want {
			t.Errorf("%s: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
}

// TestBundle_commands: a bundle is exported and looked at as a worker does.
func TestBundle_commands(t *testing.T) {
	dir := t.TempDir()
	w := with{t, filepath.Join(dir, "data")}
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys, _ := w.run("", 0, "bundle", "key")
	if again, _ := w.run("", 0, "bundle", "key", "show"); again != keys || strings.Contains(keys, `"d"`) || strings.Count(keys, "kty") != 1 {
		t.Errorf("keys %s, then %s", keys, again)
	}
	pinned := file("keys.json", keys)
	w.refused(2, "bundle is off", "bundle", "export")
	policy := file("policy.yaml", "- path: /status\n  access: public\n- path: /**\n  access: session\n")
	on := []string{"bundle", "export", "--bundle", "public", "--policy", policy}
	text, _ := w.run("", 0, on...)
	first := file("first.jws", text)
	out := filepath.Join(dir, "out.jws")
	said, _ := w.run("", 0, append(on, "--out", out)...)
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(said, out) {
		t.Errorf("%v, %v: %s", info, err, said)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".bundle-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	w.refused(2, "--out", append(on, "--out", filepath.Join(dir, "no", "where"))...)

	type shown struct {
		Issuer, SignedBy string
		Number           int64
		Rules, Marks     int
		Keys             []string
		Expires          time.Time
	}
	look := func(path string) shown {
		t.Helper()
		text, _ := w.run("", 0, "bundle", "verify", path, "--keys", pinned, "--json")
		return decode[shown](t, text)
	}
	one, two := look(first), look(out)
	if one.Rules != 2 || len(one.Keys) != 1 || one.Issuer == "" || two.Number <= one.Number || time.Until(one.Expires) < 59*time.Minute {
		t.Errorf("%+v, %+v", one, two)
	}
	plain, _ := w.run("", 0, "bundle", "verify", out, "--keys", pinned)
	for _, want := range []string{fmt.Sprint(two.Number, ", whole"), "rules     2", "marks     0", "expires   20", one.Keys[0]} {
		if !strings.Contains(plain, want) {
			t.Errorf("no %q in\n%s", want, plain)
		}
	}
	w.run(text, 0, "bundle", "verify", "-", "--keys", pinned)
	w.run(keys, 0, "bundle", "verify", first, "--keys", "-")
	w.run("", 0, "bundle", "verify", out, "--keys", pinned, "--after", fmt.Sprint(one.Number))

	parts := strings.Split(strings.TrimSpace(text), ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	forged := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"/status"`, `"/admin"`, 1)))
	other := with{t, filepath.Join(dir, "other")}
	others, _ := other.run("", 0, "bundle", "key")
	for name, tt := range map[string]struct {
		content, keys string
		args          []string
		want          string
	}{
		"older":          {text, keys, []string{"--after", fmt.Sprint(two.Number)}, "number is not greater"},
		"the same":       {text, keys, []string{"--after", fmt.Sprint(one.Number)}, "number is not greater"},
		"another's keys": {text, others, nil, "key"},
		"forged":         {parts[0] + "." + forged + "." + parts[2], keys, nil, "signature"},
		"cut":            {text[:len(text)-20], keys, nil, ""},
		"no signature":   {parts[0] + "." + parts[1] + ".", keys, nil, ""},
		"no bundle":      {"hello", keys, nil, ""},
		"nothing":        {"", keys, nil, ""},
		"alg none":       {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"hexward-bundle+jwt"}`)) + "." + parts[1] + ".", keys, nil, ""},
		"two bundles":    {text + text, keys, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := with{t, w.data}
			args := append([]string{"bundle", "verify", file("try.jws", tt.content), "--keys", file("try.json", tt.keys)}, tt.args...)
			stdout, stderr := in.run("", 3, args...)
			if !strings.Contains(stderr, "a worker would refuse it") || !strings.Contains(stderr, tt.want) {
				t.Errorf("says %s%s", stdout, stderr)
			}
		})
	}
	w.refused(2, "no JWK Set", "bundle", "verify", first, "--keys", first)
	w.refused(2, "no JWK Set", "bundle", "verify", first, "--keys", file("empty.json", `{"keys":[]}`))
	w.refused(2, "both be standard input", "bundle", "verify", "-", "--keys", "-")
	w.refused(2, "no such file", "bundle", "verify", first+".none", "--keys", pinned)
	w.refused(2, "bytes", "bundle", "verify", file("large.jws", strings.Repeat("x", 17<<20)), "--keys", pinned)
}

// TestBundle_keys: a key rotates with time to tell the workers.
func TestBundle_keys(t *testing.T) {
	w := with{t, filepath.Join(t.TempDir(), "data")}
	type keyLine struct{ ID, Algorithm, State string }
	list := func() []keyLine {
		t.Helper()
		out, _ := w.run("", 0, "bundle", "key", "list", "--json")
		return decode[[]keyLine](t, out)
	}
	states := func() (text string) {
		t.Helper()
		for _, k := range list() {
			text += k.Algorithm + " " + k.State + " "
		}
		return text
	}
	w.refused(2, "--delay", "bundle", "key", "rotate", "--delay=-1h")
	w.refused(2, "can't be used together", "bundle", "key", "rotate", "--now", "--delay", "1h")
	first, _ := w.run("", 0, "bundle", "key")
	both, said := w.run("", 0, "bundle", "key", "rotate")
	if strings.Count(both, `"kid"`) != 2 || !strings.Contains(said, "signs bundles from") {
		t.Errorf("rotated to %s, saying %s", both, said)
	}
	if got := states(); got != "ES256 active ES256 published " {
		t.Errorf("after a rotation: %s", got)
	}
	policy := filepath.Join(filepath.Dir(w.data), "bundle.jws")
	w.run("", 0, "bundle", "export", "--bundle", "public", "--out", policy)
	pinned := filepath.Join(filepath.Dir(w.data), "first.json")
	if err := os.WriteFile(pinned, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run("", 0, "bundle", "verify", policy, "--keys", pinned) // workers that do not know the new one go on
	w.refused(3, "no other key would sign", "bundle", "key", "retire", "--data", w.data, "--", list()[0].ID)
	w.refused(3, "no such key", "bundle", "key", "retire", "nothing")
	w.run("", 0, "bundle", "key", "rotate", "--now")
	if got := states(); got != "ES256 retired ES256 retired ES256 active " && got != "ES256 retired ES256 published ES256 active " {
		t.Errorf("after a rotation at once: %s", got)
	}
	w.run("", 0, "bundle", "export", "--bundle", "public", "--out", policy)
	w.refused(3, "a worker would refuse it", "bundle", "verify", policy, "--keys", pinned)
	left, _ := w.run("", 0, "bundle", "key", "retire", "--compromised", "--data", w.data, "--", list()[0].ID)
	if strings.Contains(left, list()[0].ID) {
		t.Errorf("a compromised key is among %s", left)
	}
	if out, _ := w.run("", 0, "bundle", "key", "list"); strings.Contains(strings.ToLower(out), "sealed") || !strings.Contains(out, "ES256") {
		t.Errorf("listed\n%s", out)
	}
}
