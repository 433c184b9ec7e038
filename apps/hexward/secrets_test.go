package main_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No password, token, cookie or key is ever in the log or readable in the
// database, however wrongly it was given.
func TestSecrets_stay_secret(t *testing.T) {
	data := t.TempDir()
	secretFile := filepath.Join(t.TempDir(), "captcha")
	if err := os.WriteFile(secretFile, []byte("captcha-canary-7f3a"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := serve(t, data, "--debug", "--master-key", key, "--registration", "verified", "--account-limit", "off")
	canaries := map[string]string{"master key": key, "password": password, "new password": another, "wrong password": "wrong-canary-55aa-55aa"}
	note := func(name, value string) {
		if len(value) < 16 {
			t.Errorf("%s is only %q", name, value)
			return
		}
		canaries[name] = value
	}

	ada := i.browser()
	ada.do(t, "POST", "/auth/register", object{"username": "ada", "email": "ada@example.org", "password": password}, 202)
	note("register token", i.mailed("register", "ada@example.org"))
	ada.do(t, "POST", "/auth/confirm/"+canaries["register token"], nil, 200)
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": canaries["wrong password"]}, 401)
	ada.do(t, "POST", "/auth/login", object{"login": canaries["wrong password"], "password": password}, 401) // into the wrong field
	ada.do(t, "POST", "/auth/login?password="+canaries["wrong password"], object{"login": "ada", "password": password}, 200)
	at, err := url.Parse(i.url + "/auth/token/refresh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range ada.http.Jar.Cookies(at) {
		note("cookie "+c.Name, c.Value)
	}
	script := i.browser()
	a := script.do(t, "POST", "/auth/login", object{"login": "ada", "password": password, "delivery": "body"}, 200)
	note("access token", a.text("access_token"))
	note("refresh token", a.text("refresh_token"))
	script.bearer = canaries["access token"]
	script.do(t, "GET", "/auth/verify?access_token="+canaries["access token"], nil, 200)
	script.do(t, "GET", "/auth/nothing/"+canaries["access token"], nil, 404)
	script.bearer = canaries["access token"][:len(canaries["access token"])-4] + "AAAA"
	script.do(t, "GET", "/auth/verify", nil, 401)
	script.bearer = ""
	script.do(t, "POST", "/auth/token/refresh", object{"refresh_token": canaries["refresh token"]}, 200)
	script.do(t, "POST", "/auth/token/refresh", object{"refresh_token": canaries["refresh token"]}, 401)
	ada.do(t, "POST", "/auth/forgot-password", object{"email": "ada@example.org"}, 202)
	note("reset token", i.mailed("reset", "ada@example.org"))
	ada.do(t, "POST", "/auth/password/"+canaries["reset token"], object{"password": "short"}, 400)
	ada.do(t, "POST", "/auth/password/"+canaries["reset token"], object{"password": another}, 200)
	ada.do(t, "POST", "/auth/register", object{"username": "eve", "email": "eve@example.org", "password": password, "extra-canary": 1}, 400)
	i.stop()
	if i.code != 0 {
		t.Errorf("exit code %d", i.code)
	}

	log := i.stdout.String() + i.stderr.String()
	if strings.Count(log, `"msg":"request"`) < 10 {
		t.Fatalf("the log shows nothing:\n%s", log)
	}
	var stored bytes.Buffer
	files, err := filepath.Glob(filepath.Join(data, "hexward.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there is no database")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stored.Write(b)
	}
	if !bytes.Contains(stored.Bytes(), []byte("ada@example.org")) {
		t.Fatal("the database shows nothing")
	}
	for name, value := range canaries {
		if strings.Contains(log, value) {
			t.Errorf("the log has the %s", name)
		}
		if bytes.Contains(stored.Bytes(), []byte(value)) {
			t.Errorf("the database has the %s", name)
		}
	}

	// Nor in what is said about a configuration.
	env := map[string]string{
		"HEXWARD_CAPTCHA_SECRET_FILE": secretFile, "HEXWARD_CAPTCHA": "turnstile", "HEXWARD_MASTER_KEY": key + "00",
		"HEXWARD_SMTP_PASSWORD": "smtp-canary-9c1d", "HEXWARD_SMTP_HOST": "mail.example.org", "HEXWARD_FORMER_MASTER_KEY": "former-canary-1234",
	}
	for _, args := range [][]string{{"config", "print"}, {"config", "print", "--json"}, {"config", "check"}, {"serve"}, {"user", "list"}} {
		stdout, stderr, code := commandWith(t, env, "", append(args, "--data", data)...)
		if code != 2 {
			t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
		if strings.Contains(stdout+stderr, "canary") || strings.Contains(stdout+stderr, key) {
			t.Errorf("%v says\n%s\n%s", args, stdout, stderr)
		}
	}
}
