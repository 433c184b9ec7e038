package main_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

// What the clients of testdata/schema2.sql hold.
const (
	schema2Alice   = "b0itASbJv4lomP8puT5-4N_4IZsWu1nTuJXGMQ884Y3-yTMmDPtl5_3FpPGDXJxj" // a refresh token
	schema2Bob     = "R-QEYoQMbQvv3AseMzUKzlkEpzOc02ast3dS6TOqFBMAAAGiAwWwwNtomhVvdNpNUf7drnahx3vOlAfLIQHH8AOIobAN91ma"
	schema2Key     = "SSh44iAKiToZNOaHfewW8yB4NGze2vh2GpA5MmKZ11s"
	schema2Written = 1795347034000 // Unix milliseconds
)

// schema2 returns a data directory whose database a program wrote an hour ago that
// knew only schema 2.
func schema2(t *testing.T) (data string) {
	t.Helper()
	text, err := os.ReadFile("testdata/schema2.sql")
	if err != nil {
		t.Fatal(err)
	}
	shift := time.Now().Add(-time.Hour).UnixMilli() - schema2Written
	moved := regexp.MustCompile(`\b1795\d{6}(\d{3})?\b`).ReplaceAllStringFunc(string(text), func(digits string) string {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if len(digits) == 10 {
			return strconv.FormatInt(n+shift/1000, 10)
		}
		return strconv.FormatInt(n+shift, 10)
	})
	data = t.TempDir()
	file := filepath.Join(data, "hexward.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"PRAGMA journal_mode = WAL", "PRAGMA application_id = 1752725348", moved} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// A database of the schema before is taken over with everything in it, and everybody
// stays signed in.
func TestServe_upgrade_from_schema_2(t *testing.T) {
	data := schema2(t)
	i := serve(t, data, "--public-url", "http://127.0.0.1:1", "--master-key", key)
	at := func(b *browser) *browser { return direct(i, b) }

	bob := at(i.browser())
	bob.cookie = "hexward_session=" + schema2Bob
	if a := bob.do(t, "GET", "/auth/me", nil, 200); !strings.Contains(string(a.body), `"tenant":"acme"`) || !strings.Contains(string(a.body), `"bob"`) {
		t.Errorf("bob's session is %s", a.body)
	}
	alice := at(i.browser())
	a := alice.do(t, "POST", "/auth/token/refresh", object{"refresh_token": schema2Alice}, 200)
	alice.bearer = a.text("access_token")
	if a := alice.do(t, "GET", "/admin/keys", nil, 200); !strings.Contains(string(a.body), schema2Key) {
		t.Errorf("the keys are %s", a.body)
	}
	if a := alice.do(t, "GET", "/.well-known/jwks.json", nil, 200); !strings.Contains(string(a.body), schema2Key) {
		t.Errorf("the key set is %s", a.body)
	}
	at(i.browser()).do(t, "POST", "/auth/login", object{"login": "bob", "password": password}, 200)
	at(i.browser()).do(t, "POST", "/auth/login", object{"login": "carol", "password": password}, 403)
	if a := alice.do(t, "GET", "/admin/audit", nil, 200); !strings.Contains(string(a.body), `"user.permit"`) || !strings.Contains(string(a.body), "spam") {
		t.Errorf("the audit log is %s", a.body)
	}

	// Tenants that people were in are records now.
	w := with{t, data}
	env := []string{"--master-key", key, "--json"}
	out, _ := w.run("", 0, append([]string{"tenant", "list"}, env...)...)
	var ids []string
	for _, one := range decode[[]struct{ ID string }](t, out) {
		ids = append(ids, one.ID)
	}
	if got := strings.Join(ids, " "); got != "acme default" {
		t.Errorf("the tenants are %s", got)
	}
	out, _ = w.run("", 0, append([]string{"user", "list", "--tenant", "acme"}, env...)...)
	if list := decode[[]userLine](t, out); len(list) != 1 || list[0].Username != "bob" {
		t.Errorf("the users of acme are %s", out)
	}
	out, _ = w.run("", 0, append([]string{"client", "add", "job", "--tenant", "acme", "--permission", "read"}, env...)...)
	job := decode[clientLine](t, out)
	if job.Tenant != "acme" || job.Secret == "" {
		t.Errorf("added %s", out)
	}
}
