package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// clientLine is what commands print of a client as JSON.
type clientLine struct {
	ID, Name, Tenant string
	Permissions      []string
	Disabled         bool
	Secret           string
	Secrets          []struct {
		ExpiresAt string `json:"expires_at"`
	}
	Keys json.RawMessage
}

// publicKeys is a JWK Set of one public key, that of RFC 8037 appendix A.
const publicKeys = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"first","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

func TestClient(t *testing.T) {
	w := with{t, filepath.Join(t.TempDir(), "data")}
	w.refused(3, "there is no database in", "client", "list")
	w.refused(3, "there is no database in", "client", "rotate", "x")
	if _, err := os.Stat(w.data); err == nil {
		t.Error("a list has made the data directory")
	}

	out, _ := w.run("", 0, "client", "add", "billing job", "--permission", "write,read", "--json")
	job := decode[clientLine](t, out)
	if !strings.HasPrefix(job.Secret, "hxc_") || len(job.Secrets) != 1 || strings.Join(job.Permissions, " ") != "read write" || job.Tenant != "default" {
		t.Errorf("added %s", out)
	}
	out, _ = w.run("", 0, "client", "add", "worker")
	if !regexp.MustCompile(`^added worker\nclient_id: [0-9a-f-]{36}\nclient_secret: hxc_[0-9A-Za-z]{49}\n$`).MatchString(out) {
		t.Errorf("printed %s", out)
	}
	w.refused(2, "name: ", "client", "add", " ")
	w.refused(2, "permissions: ", "client", "add", "x", "--permission", "a b")
	w.refused(2, `expected "<name>"`, "client", "add")
	w.refused(3, "there is no such tenant", "client", "add", "x", "--tenant", "nowhere")

	// Keys in place of a secret.
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(publicKeys), 0o644); err != nil { // public: anybody may read them
		t.Fatal(err)
	}
	out, _ = w.run("", 0, "client", "add", "signer", "--keys", file, "--json")
	signer := decode[clientLine](t, out)
	if signer.Secret != "" || len(signer.Secrets) != 0 || !strings.Contains(string(signer.Keys), "11qYAYKxCrfVS") {
		t.Errorf("added %s", out)
	}
	if out, _ := w.run(publicKeys, 0, "client", "add", "piped", "--keys", "-"); strings.Contains(out, "secret") {
		t.Errorf("printed %s", out)
	}
	w.refused(2, "no such file", "client", "add", "x", "--keys", file+".none")
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "is empty"},
		{"huge", strings.Repeat(" ", 17<<10), "over 16 KiB"},
		{"not_a_set", "hush", "keys: "},
		{"private", `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`, "keys: "},
		{"secret", `{"keys":[{"kty":"oct","k":"aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g"}]}`, "keys: "},
	} {
		if stdout, stderr := w.run(tt.text, 2, "client", "add", "x", "--keys", "-"); !strings.Contains(stderr, tt.want) || stdout != "" || strings.Contains(stderr, "hush") || strings.Contains(stderr, "nWGxne") {
			t.Errorf("%s: said %s%s", tt.name, stdout, stderr)
		}
	}

	out, _ = w.run("", 0, "client", "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "CLIENT ID ") || !strings.Contains(lines[1], "read write") || !strings.Contains(lines[3], "1 key") {
		t.Errorf("listed\n%s", out)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "billing job, worker, signer, piped"},
		{[]string{"--limit", "1"}, "billing job"},
		{[]string{"--after", signer.ID}, "piped"},
		{[]string{"--tenant", "default"}, "billing job, worker, signer, piped"},
	} {
		out, _ := w.run("", 0, append([]string{"client", "list", "--json"}, tt.args...)...)
		var names []string
		for _, c := range decode[[]clientLine](t, out) {
			names = append(names, c.Name)
			if c.Secret != "" {
				t.Errorf("a secret is listed: %s", out)
			}
		}
		if got := strings.Join(names, ", "); got != tt.want {
			t.Errorf("list %v: %s, not %s", tt.args, got, tt.want)
		}
	}
	for _, args := range [][]string{{"show", "nobody"}, {"rotate", "nobody"}, {"disable", "nobody"}, {"enable", "nobody"}, {"permit", "nobody", "a"}, {"remove", "nobody"}} {
		w.refused(3, "there is no such client", append([]string{"client"}, args...)...)
	}

	// Two secrets are alive while one takes over.
	shown := func(id string) clientLine {
		out, _ := w.run("", 0, "client", "show", id, "--json")
		return decode[clientLine](t, out)
	}
	out, _ = w.run("", 0, "client", "rotate", job.ID, "--json")
	if again := decode[clientLine](t, out); again.Secret == "" || again.Secret == job.Secret || len(again.Secrets) != 2 || again.Secrets[0].ExpiresAt == "" || again.Secrets[1].ExpiresAt != "" {
		t.Errorf("rotated: %s", out)
	}
	if out, _ := w.run("", 0, "client", "show", job.ID); strings.Count(out, "works until") != 1 || strings.Contains(out, "hxc_") {
		t.Errorf("shown:\n%s", out)
	}
	w.run("", 0, "client", "rotate", job.ID, "--compromised")
	if c := shown(job.ID); len(c.Secrets) != 1 || c.Secrets[0].ExpiresAt != "" {
		t.Errorf("after a compromise the client has %+v", c)
	}
	w.refused(3, "keys", "client", "rotate", signer.ID)
	w.refused(2, "can't be used together", "client", "rotate", signer.ID, "--compromised", "--keys", file)
	if out, _ := w.run(strings.Replace(publicKeys, "first", "second", 1), 0, "client", "rotate", signer.ID, "--keys", "-"); !strings.HasPrefix(out, "took the keys of signer\n") || strings.Contains(out, "secret") {
		t.Errorf("printed %s", out)
	}
	if c := shown(signer.ID); !strings.Contains(string(c.Keys), "second") {
		t.Errorf("the keys are %s", c.Keys)
	}
	if out, _ := w.run("", 0, "client", "rotate", signer.ID, "--no-keys"); !strings.Contains(out, "client_secret: hxc_") {
		t.Errorf("printed %s", out)
	}
	if c := shown(signer.ID); len(c.Keys) != 0 || len(c.Secrets) != 1 {
		t.Errorf("without keys the client has %+v", c)
	}

	w.run("", 0, "client", "disable", job.ID)
	if !shown(job.ID).Disabled {
		t.Error("the client is not disabled")
	}
	w.run("", 0, "client", "enable", job.ID)
	if shown(job.ID).Disabled {
		t.Error("the client is still disabled")
	}
	if out, _ := w.run("", 0, "client", "permit", job.ID, "b", "a"); out != "billing job may ask for a b\n" {
		t.Errorf("printed %s", out)
	}
	w.refused(2, "--none", "client", "permit", job.ID)
	w.refused(2, "--none", "client", "permit", job.ID, "a", "--none")
	if out, _ := w.run("", 0, "client", "permit", job.ID, "--none"); out != "billing job may ask for nothing\n" {
		t.Errorf("printed %s", out)
	}
	w.run("", 0, "client", "remove", job.ID)
	w.refused(3, "there is no such client", "client", "show", job.ID)

	// Everything is in the audit log, and no secret is.
	out, _ = w.run("", 0, "audit", "list", "--action", "client.", "--json", "--limit", "1000")
	count := map[string]int{}
	for _, e := range decode[[]struct{ Action, Actor, Subject, Outcome string }](t, out) {
		count[e.Action]++
		if e.Actor != "operator" || e.Subject == "" || e.Outcome != "ok" {
			t.Errorf("recorded %+v", e)
		}
	}
	for action, want := range map[string]int{"client.add": 4, "client.rotate": 3, "client.disable": 1, "client.enable": 1, "client.change": 4, "client.delete": 1} {
		if count[action] != want {
			t.Errorf("%s is recorded %d times, not %d", action, count[action], want)
		}
	}
	if strings.Contains(out, "hxc_") {
		t.Errorf("audit log:\n%s", out)
	}
}

func TestTenant(t *testing.T) {
	w := with{t, filepath.Join(t.TempDir(), "data")}
	w.refused(3, "there is no database in", "tenant", "list")
	type external struct{ Source, ID string }
	type tenantLine struct {
		ID, Name string
		External []external
	}
	out, _ := w.run("", 0, "tenant", "add", "acme", "Acme Corporation", "--external", "auth0=org_4f2a", "--external", "work=a,b=c", "--json")
	acme := decode[tenantLine](t, out)
	if acme.Name != "Acme Corporation" || len(acme.External) != 2 || acme.External[1] != (external{"work", "a,b=c"}) {
		t.Errorf("added %s", out)
	}
	if out, _ := w.run("", 0, "tenant", "add", "globex", "Globex"); out != "added globex (Globex)\n" {
		t.Errorf("printed %s", out)
	}
	w.refused(3, "in use already", "tenant", "add", "acme", "Another")
	w.refused(3, "", "tenant", "add", "other", "Other", "--external", "auth0=org_4f2a")
	w.refused(2, "id: ", "tenant", "add", "Acme Corporation", "x")
	w.refused(2, "name: ", "tenant", "add", "x", " ")
	w.refused(2, "like auth0=org_4f2a", "tenant", "add", "x", "X", "--external", "auth0")
	w.refused(2, "like auth0=org_4f2a", "tenant", "link", "acme", "=x")

	ids := func(args ...string) string {
		out, _ := w.run("", 0, append([]string{"tenant", "list", "--json"}, args...)...)
		var list []string
		for _, one := range decode[[]tenantLine](t, out) {
			list = append(list, one.ID)
		}
		return strings.Join(list, " ")
	}
	if got := ids(); got != "acme default globex" {
		t.Errorf("listed %s", got)
	}
	if got := ids("--after", "acme", "--limit", "1"); got != "default" {
		t.Errorf("listed %s", got)
	}
	if out, _ := w.run("", 0, "tenant", "list"); !strings.HasPrefix(out, "ID ") || !strings.Contains(out, "auth0=org_4f2a work=a,b=c") {
		t.Errorf("listed\n%s", out)
	}
	for _, args := range [][]string{{"show", "none"}, {"rename", "none", "x"}, {"link", "none", "a=b"}, {"unlink", "none", "a=b"}} {
		w.refused(3, "there is no such tenant", append([]string{"tenant"}, args...)...)
	}
	if out, _ := w.run("", 0, "tenant", "rename", "acme", "Acme"); out != "acme is Acme, and elsewhere auth0=org_4f2a work=a,b=c\n" {
		t.Errorf("printed %s", out)
	}
	if out, _ := w.run("", 0, "tenant", "unlink", "acme", "auth0=org_4f2a", "work=a,b=c"); out != "acme is Acme, and elsewhere nothing\n" {
		t.Errorf("printed %s", out)
	}
	w.refused(3, "not called so", "tenant", "unlink", "acme", "auth0=org_4f2a")
	w.run("", 0, "tenant", "link", "globex", "auth0=org_4f2a") // it is free now
	w.refused(3, "", "tenant", "link", "acme", "auth0=org_4f2a")
	w.refused(2, "name: ", "tenant", "rename", "acme", "\x1b[31mred")
}

// Users and machines belong to the tenant that they are added to, and are listed with it.
func TestTenant_of_users_and_machines(t *testing.T) {
	w := with{t, filepath.Join(t.TempDir(), "data")}
	w.run("", 0, "tenant", "add", "acme", "Acme")
	w.run("", 0, "user", "add", "ada", "--email", "ada@example.org", "--tenant", "acme", "--admin")
	w.run("", 0, "user", "add", "bob", "--email", "bob@example.org")
	w.run("", 0, "client", "add", "theirs", "--tenant", "acme")
	w.run("", 0, "client", "add", "ours")
	w.refused(3, "there is no such tenant", "user", "add", "eve", "--email", "eve@example.org", "--tenant", "nowhere")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"user", "list"}, "ada bob"},
		{[]string{"user", "list", "--tenant", "acme"}, "ada"},
		{[]string{"user", "list", "--tenant", "default"}, "bob"},
		{[]string{"client", "list"}, "theirs ours"},
		{[]string{"client", "list", "--tenant", "acme"}, "theirs"},
		{[]string{"client", "list", "--tenant", "default"}, "ours"},
	} {
		out, _ := w.run("", 0, append(tt.args, "--json")...)
		var names []string
		for _, one := range decode[[]struct{ Username, Name string }](t, out) {
			names = append(names, one.Username+one.Name)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%v: %s, not %s", tt.args, got, tt.want)
		}
	}
	for id, want := range map[string]string{"acme": "client.add user.add", "default": "client.add user.add tenant.add"} {
		out, _ := w.run("", 0, "audit", "list", "--json", "--tenant", id)
		var actions []string
		for _, e := range decode[[]struct{ Action, Tenant string }](t, out) {
			actions = append(actions, e.Action)
			if e.Tenant != id && (id != "default" || e.Tenant != "") {
				t.Errorf("%s of %q is in the log of %s", e.Action, e.Tenant, id)
			}
		}
		if got := strings.Join(actions, " "); got != want {
			t.Errorf("the log of %s has %s, not %s", id, got, want)
		}
	}
	w.refused(3, "there is no such tenant", "audit", "list", "--tenant", "nowhere")
	w.refused(3, "there is no such tenant", "user", "list", "--tenant", "nowhere")
	w.refused(3, "there is no such tenant", "client", "list", "--tenant", "nowhere")
}
