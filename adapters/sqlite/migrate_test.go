package sqlite_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// firstRows is what a program that knew only schema 1 wrote.
var firstRows = []string{
	`INSERT INTO users (id, tenant, name, name_key, email, email_key, email_confirmed, password_hash, permissions,
		ban_reason, ban_from, ban_until, created_at, updated_at) VALUES
		('u1', 'acme', 'Älice', 'älice', 'A@example.org', 'a@example.org', 1, '$argon2id$1', '["admin","read"]',
			'spam', 1772625600000, -62135596800000, 1772625600000, 1772625660001),
		('u2', 'default', 'Bob', 'bob', '', NULL, 0, '', '', NULL, NULL, NULL, 1772625600000, 1772625600000)`,
	`INSERT INTO user_permissions (permission, user_id) VALUES ('admin', 'u1'), ('read', 'u1')`,
	`INSERT INTO sessions (id, user_id, tenant, hash, former, former_to, signed_in_at, seen_at, idle, ends_at, expires_at,
		rotate, method, sealed, family, refresh, rotation, fresh_at) VALUES
		('s1', 'u1', 'acme', x'` + strings.Repeat("01", 32) + `', x'` + strings.Repeat("02", 32) + `', 1772625610000, 1772625600000,
			1772625660000, 21600000, 1773230400000, 1772647260000, 1, 'password', x'00ff', x'` + strings.Repeat("03", 32) + `', x'` +
		strings.Repeat("04", 32) + `', 7, 1772625661000),
		('s2', 'u2', 'default', x'` + strings.Repeat("05", 32) + `', NULL, -62135596800000, 1772625600000, 1772625600000, 21600000,
			1773230400000, 1772647200000, 0, 'password', NULL, NULL, NULL, 0, -62135596800000)`,
	`INSERT INTO mail_tokens (hash, purpose, subject, email, data, created_at, expires_at) VALUES
		(x'` + strings.Repeat("06", 32) + `', 'reset', 'u1', 'a@example.org', x'01', 1772625600000, 1772629200000)`,
	`INSERT INTO attempts (key, times, latest) VALUES ('login u1', x'0000019CB8EA2C00', 1772625600000)`,
	`INSERT INTO revocation_marks (kind, value, issued_before, kept_until) VALUES (1, 'jti', 1772625600000, 1772629200)`,
	`INSERT INTO audit_events (sequence, id, at, action, outcome, actor, subject, tenant, session, address, agent, request, detail)
		VALUES (41, 'e1', 1772625600000, 'login', 'ok', 'u1', 'u1', 'acme', 's1', '192.0.2.1', 'agent', 'r1', '{"a":"b"}')`,
	`INSERT INTO signing_keys (id, algorithm, public, sealed, published_at, signs_from, retired_at, drop_at) VALUES
		('k1', 'EdDSA', x'7b7d', x'00', 1772625600000, 1772625600000, -62135596800000, -62135596800000)`,
}

// firstTables is what schema 1 has, in the order of its columns.
var firstTables = map[string]string{
	"users": `id, tenant, name, name_key, email, email_key, email_confirmed, password_hash, permissions, ban_reason, ban_from,
		ban_until, created_at, updated_at`,
	"user_permissions": "permission, user_id",
	"sessions": `id, user_id, tenant, hash, former, former_to, signed_in_at, seen_at, idle, ends_at, expires_at, rotate, method,
		sealed, family, refresh, rotation, fresh_at`,
	"mail_tokens":      "hash, purpose, subject, email, data, created_at, expires_at",
	"attempts":         "key, times, latest",
	"revocation_marks": "kind, value, issued_before, kept_until",
	"audit_events":     "sequence, id, at, action, outcome, actor, subject, tenant, session, address, agent, request, detail",
	"signing_keys":     "id, algorithm, public, sealed, published_at, signs_from, retired_at, drop_at",
}

// firstSchema returns the path of a database that a program wrote and closed that
// knew only schema 1.
func firstSchema(t *testing.T) string {
	t.Helper()
	return writtenBy(t, firstRows, "00001_accounts.sql")
}

// writtenBy returns the path of a database with these rows that a program wrote and closed that knew only these migrations.
func writtenBy(t *testing.T, rows []string, migrations ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hexward.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := sqlstore.Migrations("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	known := fstest.MapFS{}
	for _, name := range migrations {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		known[name] = &fstest.MapFile{Data: content}
	}
	db := outside(t, path)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, known, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, db, "PRAGMA journal_mode = WAL")
	run(t, db, rows...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// dump returns what stands in some tables and columns, as in firstTables.
func dump(t *testing.T, db *sql.DB, tables map[string]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for table, columns := range tables {
		quoted := "quote(" + strings.Join(strings.Split(columns, ","), ") || ',' || quote(") + ")"
		all[table] = ask(t, db, fmt.Sprintf("SELECT count(*) || ': ' || group_concat(r, '; ') FROM (SELECT %s r FROM %s ORDER BY 1)", quoted, table))
	}
	return all
}

func TestMigrate_from_schema_1(t *testing.T) {
	noon := time.UnixMilli(1772625600000).UTC()
	hash := func(b byte) (h session.Hash) {
		for i := range h {
			h[i] = b
		}
		return h
	}
	alice := user.User{
		ID: "u1", Tenant: "acme", Name: user.NameOf("Älice", "älice"), Email: user.EmailOf("A@example.org", "a@example.org"),
		EmailConfirmed: true, PasswordHash: "$argon2id$1", Permissions: []string{"admin", "read"}, Ban: &user.Ban{Reason: "spam", From: noon},
		CreatedAt: noon, UpdatedAt: noon.Add(time.Minute + time.Millisecond),
	}
	hers := session.Session{
		ID: "s1", UserID: "u1", Tenant: "acme", Hash: hash(1), Former: hash(2), FormerTo: noon.Add(10 * time.Second),
		SignedInAt: noon, SeenAt: noon.Add(time.Minute), Idle: 6 * time.Hour, EndsAt: noon.Add(7 * 24 * time.Hour), Rotate: true,
		Method: "password", Sealed: []byte{0, 0xff}, Family: hash(3), Refresh: hash(4), Rotation: 7, FreshAt: noon.Add(61 * time.Second),
	}
	equal := func(what string, err error, got, want any) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if diff := cmp.Diff(want, got, cmp.AllowUnexported(user.Name{}, user.Email{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	ctx := t.Context()
	path := firstSchema(t)
	before := outside(t, path)
	want := dump(t, before, firstTables)
	_ = before.Close()
	for table, rows := range want {
		if strings.HasPrefix(rows, "0") {
			t.Errorf("the test has no row in %s", table)
		}
	}

	store := open(t, path)
	after := outside(t, path)
	equal("rows of schema 1", nil, dump(t, after, firstTables), want)
	for statement, want := range map[string]string{
		"PRAGMA integrity_check":                        "ok",
		"PRAGMA application_id":                         "1752725348",
		"SELECT count(*) FROM pragma_foreign_key_check": "0",
		"SELECT max(version_id) FROM goose_db_version":  "5",
	} {
		equal(statement, nil, ask(t, after, statement), want)
	}

	t.Run("reads", func(t *testing.T) {
		for _, login := range []string{"älice", "a@example.org"} {
			u, err := store.Users().ByLogin(ctx, login)
			equal("user", err, u, alice)
		}
		one, u, err := store.Sessions().ByHash(ctx, hash(1))
		equal("session", err, one, hers)
		equal("its user", err, u, alice)
		one, _, err = store.Sessions().ByFamily(ctx, hash(3))
		equal("session by family", err, one, hers)
		found, err := store.Directory().People(tenant.Every()).Search(ctx, ports.UserQuery{Holds: "admin"})
		equal("holders", err, found, []user.User{alice})
		mailed, err := store.MailTokens().Get(ctx, "reset", hash(6), noon)
		equal("subject of a mail token", err, mailed.Subject, "u1")
		marks, err := store.Marks().List(ctx, noon)
		equal("marks", err, marks, []token.Mark{{Kind: 1, Value: "jti", Before: 1772625600000, Until: 1772629200}})
		events, err := store.Directory().Log(tenant.Every()).Search(ctx, ports.EventQuery{})
		equal("audit log", err, len(events), 1)
		keys, err := store.Keys().List(ctx)
		equal("keys", err, len(keys), 1)
		upstream, err := store.SessionSets().ByUpstream(ctx, "", "")
		equal("sessions without an upstream id", err, len(upstream), 0)
		identities, err := store.Identities().ByUser(ctx, "u1")
		equal("identities", err, len(identities), 0)
	})
	t.Run("writes", func(t *testing.T) {
		profile := user.Profile{FullName: "Älice A.", Picture: "https://img.example/a"}
		_, err := store.Users().Update(ctx, "u1", func(u *user.User) error { u.Profile = profile; return nil })
		equal("update of a user", err, nil, nil)
		_, err = store.Sessions().Update(ctx, "s1", func(s *session.Session) error { s.Provider, s.Upstream = "acme", "sid"; return nil })
		equal("update of a session", err, nil, nil)
		identity := user.Identity{ID: "i1", UserID: "u1", Provider: "acme", Issuer: "https://id.example", Subject: "1", CreatedAt: noon, UsedAt: noon}
		equal("a new identity", store.Identities().Create(ctx, identity), nil, nil)

		got, u, err := store.Identities().BySubject(ctx, "https://id.example", "1")
		equal("identity", err, got, identity)
		equal("profile", err, u.Profile, profile)
		upstream, err := store.SessionSets().ByUpstream(ctx, "acme", "sid")
		equal("sessions with an upstream id", err, len(upstream), 1)
		equal("deletion of a user", store.Users().Delete(ctx, "u1"), nil, nil)
		_, _, err = store.Identities().BySubject(ctx, "https://id.example", "1")
		wantFault(t, err, fault.NotFound, "identity_unknown")
		u, err = store.Users().ByID(ctx, "u2")
		equal("another user", err, u.Name.Key(), "bob")
	})
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	_, err := open(t, path).Users().ByID(ctx, "u2")
	equal("user after opening it again", err, nil, nil)
}

// Several processes are started anew at the same moment, as after an update.
func TestMigrate_from_schema_1_by_many(t *testing.T) {
	path := firstSchema(t)
	db := outside(t, path)
	want := dump(t, db, firstTables)
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			store, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := store.Identities().ByUser(t.Context(), "u1"); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if diff := cmp.Diff(want, dump(t, db, firstTables)); diff != "" {
		t.Error(diff)
	}
	for _, version := range []string{"2", "3", "4", "5"} {
		if got := ask(t, db, "SELECT count(*) FROM goose_db_version WHERE version_id = "+version); got != "1" {
			t.Errorf("migration %s was made %s times", version, got)
		}
	}
}

// secondRows is what a program that knew only schema 2 wrote.
var secondRows = append(slices.Clone(firstRows),
	`INSERT INTO users (id, tenant, name, name_key, email, email_key, email_confirmed, password_hash, permissions,
		ban_reason, ban_from, ban_until, created_at, updated_at, full_name, picture) VALUES
		('u3', 'Büro ''7''', 'Carol', 'carol', '', NULL, 0, '', '["read"]', NULL, NULL, NULL, 1772625603000, 1772625609000,
			'Carol C.', 'https://img.example/c'),
		('u4', 'Büro ''7''', 'Dave', 'dave', '', NULL, 0, '', '', 'spam', 1772625600000, 1772625600000, 1772625602000,
			1772625602000, '', ''),
		('u5', '', 'Eve', 'eve', '', NULL, 0, '', '["read"]', NULL, NULL, NULL, 1772625600000, 1772625600000, '', '')`,
	`INSERT INTO user_permissions (permission, user_id) VALUES ('read', 'u3'), ('read', 'u5')`,
	`UPDATE sessions SET provider = 'idp', upstream = 'sid' WHERE id = 's1'`,
	`INSERT INTO identities (id, user_id, provider, issuer, subject, email, created_at, used_at) VALUES
		('i1', 'u1', 'idp', 'https://id.example', '1', 'a@example.org', 1772625600000, 1772625600000)`,
	`INSERT INTO audit_events (sequence, id, at, action, outcome, actor, subject, tenant, session, address, agent, request, detail) VALUES
		(42, 'e2', 1772625600000, 'keys.rotate', 'ok', 'operator', '', '', '', '', '', '', ''),
		(43, 'e3', 1772625600000, 'login', 'ok', 'u2', 'u2', 'default', '', '', '', '', '')`,
)

// secondTables is what schema 2 has, in the order of its columns.
var secondTables = func() map[string]string {
	tables := maps.Clone(firstTables)
	tables["users"] += ", full_name, picture"
	tables["sessions"] += ", provider, upstream"
	tables["identities"] = "id, user_id, provider, issuer, subject, email, created_at, used_at"
	return tables
}()

func TestMigrate_from_schema_2(t *testing.T) {
	ctx, begun := t.Context(), time.Now()
	path := writtenBy(t, secondRows, "00001_accounts.sql", "00002_providers.sql")
	before := outside(t, path)
	want := dump(t, before, secondTables)
	_ = before.Close()
	for table, rows := range want {
		if strings.HasPrefix(rows, "0") {
			t.Errorf("the test has no row in %s", table)
		}
	}

	store := open(t, path)
	after := outside(t, path)
	equal := func(what string, err error, got, want any) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	equal("rows of schema 2", nil, dump(t, after, secondTables), want)
	for statement, want := range map[string]string{
		"PRAGMA integrity_check":                        "ok",
		"SELECT count(*) FROM pragma_foreign_key_check": "0",
		"SELECT max(version_id) FROM goose_db_version":  "5",
		"SELECT count(*) FROM tenants":                  "3", // of the user without one there is none
	} {
		equal(statement, nil, ask(t, after, statement), want)
	}

	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	tenants, err := store.Tenants().List(ctx, "", 0)
	equal("tenants", err, tenants, []tenant.Tenant{ // since the oldest of their users
		{ID: "Büro '7'", Name: "Büro '7'", CreatedAt: at(1772625602000), UpdatedAt: at(1772625602000)},
		{ID: "acme", Name: "acme", CreatedAt: at(1772625600000), UpdatedAt: at(1772625600000)},
		{ID: "default", Name: "default", CreatedAt: at(1772625600000), UpdatedAt: at(1772625600000)},
	})
	for _, test := range []struct {
		name, of string
		give     ports.UserQuery
		want     []string
	}{
		{"all", "acme", ports.UserQuery{}, []string{"u1"}},
		{"holders", "acme", ports.UserQuery{Holds: "read"}, []string{"u1"}},
		{"all", "Büro '7'", ports.UserQuery{}, []string{"u3", "u4"}},
		{"holders", "Büro '7'", ports.UserQuery{Holds: "read"}, []string{"u3"}},
		{"banned", "Büro '7'", ports.UserQuery{Banned: true}, []string{"u4"}},
		{"holders", "default", ports.UserQuery{Holds: "read"}, nil},
		{"all", "", ports.UserQuery{}, []string{"u1", "u2", "u3", "u4", "u5"}},
		{"holders", "", ports.UserQuery{Holds: "read"}, []string{"u1", "u3", "u5"}},
	} {
		scope := tenant.Only(test.of)
		if test.of == "" {
			scope = tenant.Every()
		}
		found, err := store.Directory().People(scope).Search(ctx, test.give)
		var ids []string
		for _, u := range found {
			ids = append(ids, u.ID)
		}
		equal(test.name+" of "+test.of, err, ids, test.want)
	}
	for home, want := range map[string]int{"acme": 1, "default": 2} {
		events, err := store.Directory().Log(tenant.Only(home)).Search(ctx, ports.EventQuery{})
		equal("events of "+home, err, len(events), want)
	}
	robot := client.Client{ID: "c1", Tenant: "acme", Name: "robot", CreatedAt: at(0), UpdatedAt: at(0)}
	equal("a new client", store.Directory().Clients(tenant.Only("acme")).Create(ctx, robot), nil, nil)
	got, err := store.Machines().ByID(ctx, "c1")
	equal("client", err, got, robot)
	script := apitoken.Token{ID: "t1", UserID: "u1", Tenant: "acme", Hash: [32]byte{1}, CreatedAt: at(0)}
	equal("a new API token", store.APITokens().Create(ctx, script, 1), nil, nil)
	equal("deletion of its user", store.Users().Delete(ctx, "u1"), nil, nil)
	_, _, err = store.APITokens().ByHash(ctx, script.Hash)
	wantFault(t, err, fault.NotFound, "token_unknown")

	empty, err := open(t, writtenBy(t, nil, "00001_accounts.sql", "00002_providers.sql")).Tenants().List(ctx, "", 0)
	if err != nil || len(empty) != 1 || empty[0].ID != tenant.Default || empty[0].CreatedAt.Before(begun.Add(-2*time.Second)) {
		t.Errorf("a database without users has the tenants %+v (%v), want the default one, of now", empty, err)
	}
}
