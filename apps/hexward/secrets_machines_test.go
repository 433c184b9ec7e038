package main_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No client's secret, API token or machine's token is ever in the log or readable in the
// database, its journal or a copy of it, however wrongly it was given.
func TestSecrets_of_machines_stay_secret(t *testing.T) {
	data := t.TempDir()
	i := serve(t, data, "--debug", "--account-limit", "off", "--signing-secret", signing)
	canaries := map[string]string{"signing secret": signing}
	ada := i.browser()
	ada.register(t, "ada")
	must(t, "user", "permit", "ada", "admin", "read", "--data", data)
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)

	job := i.machineOf(t, "job", "--permission", "read")
	canaries["client secret"] = job.Secret
	made := ada.do(t, "POST", "/admin/clients", object{"name": "other", "permissions": []string{"read"}}, 201)
	canaries["client secret by the API"] = made.text("secret")
	rotated := ada.do(t, "POST", "/admin/clients/"+made.text("id")+"/rotate", object{}, 200)
	canaries["second client secret"] = rotated.text("secret")
	apiToken := ada.do(t, "POST", "/tokens", object{"name": "script", "scopes": []string{"read"}}, 201)
	canaries["API token"] = apiToken.text("token")
	b := i.browser()
	canaries["machine's token"] = b.form(t, "/oauth/token", 200, byItself, basic(job.ID, job.Secret)).text("access_token")
	for name, value := range canaries {
		if len(value) < 32 {
			t.Fatalf("the %s is %q", name, value)
		}
	}

	// Rightly, and into every wrong place.
	for name, value := range canaries {
		script := i.browser()
		script.bearer = value
		a, err := script.try("GET", "/auth/verify", nil)
		if err != nil {
			t.Fatal(err)
		}
		if good := name == "API token" || name == "machine's token"; good != (a.status == 200) {
			t.Errorf("the %s as a bearer is answered %d", name, a.status)
		}
		b.form(t, "/oauth/introspect", 200, url.Values{"token": {value}}, basic(job.ID, job.Secret))
		for _, wrong := range []struct {
			path       string
			parameters url.Values
			header     string
		}{
			{"/oauth/introspect?token=" + url.QueryEscape(value), url.Values{}, basic(job.ID, job.Secret)},
			{"/oauth/token?client_secret=" + url.QueryEscape(value), byItself, "X-Nothing: x"},
			{"/oauth/token", byItself, basic(value, value+"x")},
			{"/oauth/token", url.Values{"grant_type": {value}}, basic(job.ID, job.Secret)},
			{"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "scope": {value}}, basic(job.ID, job.Secret)},
			{"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {value}, "client_secret": {value + "x"}}, "X-Nothing: x"},
			{"/oauth/token", url.Values{"grant_type": {"client_credentials"}, value: {value}}, "Authorization: " + value},
		} {
			a, err := b.send("POST", wrong.path, "application/x-www-form-urlencoded", wrong.parameters.Encode(), wrong.header)
			if err != nil || a.status/100 != 4 || bytes.Contains(a.body, []byte(value)) {
				t.Errorf("the %s at %s with %v: %d %s %v", name, wrong.path, wrong.parameters, a.status, a.body, err)
			}
		}
		for _, path := range []string{"/tokens/" + value, "/admin/clients/" + value, "/admin/tenants/" + value} {
			if a, err := ada.try("DELETE", path, nil); err != nil || a.status/100 != 4 || bytes.Contains(a.body, []byte(value)) {
				t.Errorf("DELETE %s: %d %s %v", path, a.status, a.body, err)
			}
		}
		for _, body := range []object{{"login": value, "password": password}, {"login": "ada", "password": value}, {"login": "ada", value: value}} {
			if a, err := b.try("POST", "/auth/login", body); err != nil || a.status/100 != 4 {
				t.Errorf("the %s in a sign-in: %d %s %v", name, a.status, a.body, err)
			}
		}
		_, stderr, code := command(t, "", "client", "show", value, "--data", data)
		if code != 3 || strings.Contains(stderr, value) {
			t.Errorf("a command says %s", stderr)
		}
	}
	must(t, "client", "rotate", job.ID, "--compromised", "--data", data)
	finder := i.browser()
	finder.form(t, "/oauth/revoke", 200, url.Values{"token": {canaries["API token"]}})

	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, "backup", copied, "--data", data)
	files, err := filepath.Glob(filepath.Join(data, "hexward.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("there is no database with its journal: %v", files)
	}
	var stored bytes.Buffer
	for _, name := range append(files, copied) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stored.Write(text)
	}
	if bytes.Count(stored.Bytes(), []byte(job.ID)) < 2 {
		t.Fatal("the database and its copy show nothing")
	}
	audit := must(t, "audit", "list", "--json", "--limit", "1000", "--data", data)
	i.stop()
	log := i.stdout.String() + i.stderr.String()
	if strings.Count(log, `"msg":"request"`) < 20 || !strings.Contains(audit, "client.rotate") {
		t.Fatalf("the log shows nothing:\n%s", log)
	}
	for name, value := range canaries {
		for where, has := range map[string]bool{
			"log": strings.Contains(log, value), "audit log": strings.Contains(audit, value), "database": bytes.Contains(stored.Bytes(), []byte(value)),
		} {
			if has {
				t.Errorf("the %s has the %s", where, name)
			}
		}
	}

	// Nor in what is said about a configuration.
	env := map[string]string{"JWT_SECRET_KEY": "canary-" + signing, "JWT_ALGORITHM": "RS256", "HEXWARD_SIGNING_SECRET_FILE": ""}
	for _, args := range [][]string{{"config", "print"}, {"config", "print", "--json"}, {"config", "check"}, {"serve"}, {"client", "list"}} {
		stdout, stderr, code := commandWith(t, env, "", append(args, "--data", data)...)
		if code != 2 || strings.Contains(stdout+stderr, "canary") || strings.Contains(stdout+stderr, signing) {
			t.Errorf("%v: exit code %d\n%s\n%s", args, code, stdout, stderr)
		}
	}
}
