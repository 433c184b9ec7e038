package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// decode reads what a command has printed as JSON.
func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// userLine is what commands print of a user as JSON.
type userLine struct {
	ID, Username, Email string
	Permissions         []string
	Banned              bool
	Password            string
	BanReason           string `json:"ban_reason"`
	Sessions            []struct{ ID string }
}

// with runs commands on one data directory.
type with struct {
	t    *testing.T
	data string
}

func (w with) run(stdin string, code int, args ...string) (stdout, stderr string) {
	w.t.Helper()
	if !slices.Contains(args, "--data") {
		args = append(args, "--data", w.data)
	}
	stdout, stderr, got := command(w.t, stdin, args...)
	if got != code {
		w.t.Errorf("hexward %s: exit code %d, not %d: %s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	if strings.Contains(stderr, "goroutine ") || strings.Contains(stderr, "%!") {
		w.t.Errorf("hexward %s says %s", strings.Join(args, " "), stderr)
	}
	return stdout, stderr
}

// refused runs a command that fails, and says this on standard error and nothing
// on standard output.
func (w with) refused(code int, want string, args ...string) {
	w.t.Helper()
	stdout, stderr := w.run("", code, args...)
	if !strings.Contains(stderr, want) || stdout != "" {
		w.t.Errorf("hexward %s: %q is not said: %s%s", strings.Join(args, " "), want, stdout, stderr)
	}
}

func TestUser(t *testing.T) {
	w := with{t, filepath.Join(t.TempDir(), "data")}
	w.refused(3, "there is no database in", "user", "list")
	if _, err := os.Stat(w.data); err == nil {
		t.Error("a list has made the data directory")
	}

	// Made passwords are shown once, given ones never.
	out, _ := w.run("", 0, "user", "add", "ada", "--email", "ada@example.org", "--admin", "--json")
	ada := decode[userLine](t, out)
	if len(ada.Password) < 20 || strings.Join(ada.Permissions, " ") != "admin" {
		t.Errorf("added %s", out)
	}
	out, _ = w.run(password+"\n", 0, "user", "add", "bob", "--email", "bob@example.org", "--permission", "read,write", "--password-stdin")
	if !strings.HasPrefix(out, "added bob (") || strings.Contains(out, "password") || strings.Contains(out, password) {
		t.Errorf("printed %s", out)
	}
	out, _ = w.run("", 0, "user", "add", "eve", "--email", "eve@example.org")
	if !regexp.MustCompile(`^added eve \(.{36}\)\npassword: [A-Z2-7]{26}\n$`).MatchString(out) {
		t.Errorf("printed %s", out)
	}

	w.refused(3, "is taken", "user", "add", "ADA", "--email", "else@example.org")
	w.refused(2, "username: ", "user", "add", "x", "--email", "nobody")
	w.refused(2, "email: ", "user", "add", "x", "--email", "nobody")
	w.refused(2, "missing flags: --email", "user", "add", "someone")
	if _, stderr := w.run("short\n", 2, "user", "add", "carol", "--email", "carol@example.org", "--password-stdin"); !strings.Contains(stderr, "password: ") {
		t.Errorf("said %s", stderr)
	}

	out, _ = w.run("", 0, "user", "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "ID ") || !strings.Contains(lines[2], "read write") {
		t.Errorf("listed\n%s", out)
	}
	column := strings.Index(lines[0], "BANNED")
	for _, line := range lines[1:] {
		if line[column-1] != ' ' || line[column] != '-' {
			t.Errorf("the columns do not stand below each other:\n%s", out)
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "ada bob eve"},
		{[]string{"--search", "bo"}, "bob"},
		{[]string{"--permission", "admin"}, "ada"},
		{[]string{"--limit", "1"}, "ada"},
		{[]string{"--after", ada.ID}, "bob eve"},
		{[]string{"--banned"}, ""},
		{[]string{"--search", "%"}, ""},
	} {
		out, _ := w.run("", 0, append([]string{"user", "list", "--json"}, tt.args...)...)
		var names []string
		for _, u := range decode[[]userLine](t, out) {
			names = append(names, u.Username)
		}
		if got := strings.Join(names, " "); got != tt.want || !strings.HasPrefix(out, "[") {
			t.Errorf("list %v: %s, not %s", tt.args, got, tt.want)
		}
	}

	// A user is found by id, name and address.
	for _, who := range []string{ada.ID, "Ada", "ada@example.org"} {
		out, _ := w.run("", 0, "user", "show", who, "--json")
		if u := decode[userLine](t, out); u.ID != ada.ID || u.Sessions == nil {
			t.Errorf("show %s: %s", who, out)
		}
	}
	w.refused(3, "there is no such user", "user", "show", "nobody")
	w.refused(3, "there is no such user", "user", "ban", "nobody")

	w.run("", 0, "user", "ban", "eve", "--reason", "spam", "--for", "48h")
	out, _ = w.run("", 0, "user", "show", "eve", "--json")
	if u := decode[userLine](t, out); !u.Banned || u.BanReason != "spam" {
		t.Errorf("banned: %s", out)
	}
	w.run("", 0, "user", "ban", "eve", "--until", "2099-01-01T00:00:00Z")
	if out, _ := w.run("", 0, "user", "show", "eve"); !strings.Contains(out, "until 2099-01-01T00:00:00Z") {
		t.Errorf("banned:\n%s", out)
	}
	w.run("", 0, "user", "ban", "eve", "--reason", "\x1b[31mred\nid  forged")
	for _, args := range [][]string{{"user", "show", "eve"}, {"audit", "list"}} {
		if out, _ := w.run("", 0, args...); strings.Contains(out, "\x1b") || strings.Contains(out, "\nid  forged") || !strings.Contains(out, "?[31mred?id  forged") {
			t.Errorf("what somebody wrote steers the terminal: %q", out)
		}
	}
	w.refused(2, "until: ", "user", "ban", "eve", "--until", "2001-01-01T00:00:00Z")
	w.refused(2, "--for", "user", "ban", "eve", "--for=-1h")
	w.refused(2, "--until and --for can't be used together", "user", "ban", "eve", "--for", "1h", "--until", "2099-01-01T00:00:00Z")
	w.run("", 0, "user", "unban", "eve")
	if out, _ := w.run("", 0, "user", "list", "--banned", "--json"); out != "[]\n" {
		t.Errorf("banned: %s", out)
	}
	w.run("", 0, "user", "kick", "eve")

	w.run("", 0, "user", "permit", "eve", "b", "a")
	if out, _ := w.run("", 0, "user", "permit", "eve", "b", "a"); out != "eve holds a b\n" {
		t.Errorf("printed %s", out)
	}
	w.refused(2, "--none", "user", "permit", "eve")
	w.refused(2, "--none", "user", "permit", "eve", "a", "--none")
	w.refused(2, "permission", "user", "permit", "eve", "a b")
	if out, _ := w.run("", 0, "user", "permit", "eve", "--none"); out != "eve holds no permission\n" {
		t.Errorf("printed %s", out)
	}
	w.run("", 0, "user", "blackout")
	w.refused(2, "before", "user", "blackout", "--before", "2099-01-01T00:00:00Z")

	// Everything is in the audit log, by whom it was done.
	out, _ = w.run("", 0, "audit", "list", "--action", "user.", "--json", "--limit", "1000")
	type event struct {
		Action, Outcome, Actor, Subject string
		Sequence                        int64
	}
	count := map[string]int{}
	events := decode[[]event](t, out)
	for _, e := range events {
		count[e.Action]++
		if e.Actor != "operator" || e.Subject == "" || e.Outcome != "ok" {
			t.Errorf("recorded %+v", e)
		}
	}
	for action, want := range map[string]int{"user.add": 3, "user.ban": 3, "user.unban": 1, "user.kick": 1, "user.permit": 3} {
		if count[action] != want {
			t.Errorf("%s is recorded %d times, not %d", action, count[action], want)
		}
	}
	if out, _ := w.run("", 0, "audit", "list"); !strings.Contains(out, "blackout") || strings.Contains(out, password) || strings.Contains(out, ada.Password) {
		t.Errorf("audit log:\n%s", out)
	}
}

func TestKeys(t *testing.T) {
	w := with{t, filepath.Join(t.TempDir(), "data")}
	type keyLine struct{ ID, Algorithm, State string }
	states := func() string {
		out, _ := w.run("", 0, "keys", "list", "--json")
		var all []string
		for _, k := range decode[[]keyLine](t, out) {
			all = append(all, k.Algorithm+" "+k.State)
		}
		return strings.Join(all, ", ")
	}
	w.run("", 0, "keys", "rotate", "--json") // on nothing it makes everything
	if got := states(); got != "EdDSA active, EdDSA published" {
		t.Errorf("after the first rotation: %s", got)
	}
	w.run("", 0, "keys", "rotate", "--of", "ES256", "--now")
	if got := states(); !strings.HasSuffix(got, "ES256 active") {
		t.Errorf("after a rotation without delay: %s", got)
	}
	w.refused(2, "EdDSA", "keys", "rotate", "--of", "none")
	w.refused(2, "--now and --delay can't be used together", "keys", "rotate", "--now", "--delay", "1h")
	w.refused(2, "--delay", "keys", "rotate", "--delay=-1h")

	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := w.run("", 0, "keys", "import", file, "--delay", "0s", "--json")
	imported := decode[keyLine](t, out)
	if imported.State != "active" || imported.Algorithm != "ES256" {
		t.Errorf("imported %s", out)
	}
	w.refused(3, "in use already", "keys", "import", file)
	if _, stderr := w.run("no key\n", 2, "keys", "import", "-"); strings.Contains(stderr, "no key\n") {
		t.Errorf("said %s", stderr)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	w.refused(2, "everybody on this machine may read it", "keys", "import", file)
	w.refused(2, "no such file", "keys", "import", file+".none")

	w.refused(3, "rotate", "keys", "retire", "--data", w.data, "--", imported.ID) // the only one that signs
	w.refused(3, "no such key", "keys", "retire", "nothing")
	w.refused(3, "no such key", "keys", "retire", "--data", w.data, "--", "-3begins-with-a-dash")
	w.run("", 0, "keys", "rotate", "--now")
	w.run("", 0, "keys", "retire", "--compromised", "--data", w.data, "--", imported.ID)
	out, _ = w.run("", 0, "keys", "list", "--json")
	for _, k := range decode[[]keyLine](t, out) {
		if k.ID == imported.ID && k.State != "dropped" {
			t.Errorf("a compromised key is %s", k.State)
		}
	}
	if out, _ := w.run("", 0, "keys", "list"); strings.Contains(out, "PRIVATE") || strings.Contains(strings.ToLower(out), "sealed") {
		t.Errorf("listed\n%s", out)
	}
}

// A copy that was made while the service runs is the service's whole state.
func TestBackup(t *testing.T) {
	i := serve(t, t.TempDir())
	i.browser().register(t, "ada")
	w := with{t, i.data}
	copied := filepath.Join(t.TempDir(), "copy.db")
	w.run("", 0, "backup", copied)
	w.refused(3, "is there already", "backup", copied)
	w.refused(1, "", "backup", filepath.Join(i.data, "none", "copy.db"))
	info, err := os.Stat(copied)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %o", info.Mode().Perm())
	}
	i.browser().register(t, "late")

	other := t.TempDir()
	for from, to := range map[string]string{copied: "hexward.db", filepath.Join(i.data, "master.key"): "master.key"} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(other, to), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restored := serve(t, other)
	restored.browser().do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	restored.browser().do(t, "POST", "/auth/login", object{"login": "late", "password": password}, 401)
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		out  string
		err  string
	}{
		{"nothing", nil, 0, "Usage: hexward <command>", ""},
		{"help", []string{"--help"}, 0, "user blackout", ""},
		{"help_of_serve", []string{"serve", "--help"}, 0, "--trusted-proxies", ""},
		{"help_of_a_command", []string{"user", "ban", "--help"}, 0, "--until", ""},
		{"version", []string{"version"}, 0, "hexward ", ""},
		{"version_for_programs", []string{"version", "--json"}, 0, `"version":`, ""},
		{"unknown_command", []string{"server"}, 2, "", `did you mean "serve"?`},
		{"unknown_flag", []string{"serve", "--lissten", "x"}, 2, "", `did you mean "--listen"?`},
		{"half_a_command", []string{"user"}, 2, "", `"add"`},
		{"wrong_value", []string{"serve", "--idle", "soon"}, 2, "", "--idle"},
		{"too_many_words", []string{"version", "now"}, 2, "", "unexpected argument now"},
		{"certificate_missing", []string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "off", "--tls-cert", "none.pem", "--tls-key", "none.pem"}, 2, "", "tls-cert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := command(t, "", tt.args...)
			if code != tt.code || !strings.Contains(stdout, tt.out) || !strings.Contains(stderr, tt.err) {
				t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
			}
			if code != 0 && stdout != "" || code == 0 && stderr != "" {
				t.Errorf("said on the wrong stream:\n%s\n%s", stdout, stderr)
			}
		})
	}
	if out := must(t, "user", "ban", "--help"); strings.Contains(out, "--smtp-host") {
		t.Errorf("the help of a command lists every setting:\n%s", out)
	}
	i := serve(t, t.TempDir())
	address := strings.TrimPrefix(i.url, "http://")
	if _, stderr, code := command(t, "", "serve", "--data", t.TempDir(), "--listen", address); code != 1 || !strings.Contains(stderr, "--listen") {
		t.Errorf("a taken port: exit code %d: %s", code, stderr)
	}
}
