package sqlite_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/fault"
)

// closed returns the path of a database with so many users that nobody has open.
func closed(t testing.TB, users int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hexward.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range users {
		if err := create(t.Context(), store, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen_refuses(t *testing.T) {
	write := func(name, content string) func(t *testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	mode := func(ending string, mode fs.FileMode) func(t *testing.T) string {
		return func(t *testing.T) string {
			path := closed(t, 1)
			if ending != "" {
				if err := os.WriteFile(path+ending, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path+ending, mode); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	change := func(how func(t *testing.T, content []byte) []byte) func(t *testing.T) string {
		return func(t *testing.T) string {
			path := closed(t, 300)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, how(t, content), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	execute := func(statements ...string) func(t *testing.T) string {
		return func(t *testing.T) string {
			path := closed(t, 1)
			db := outside(t, path)
			run(t, db, statements...)
			_ = db.Close()
			return path
		}
	}
	tests := []struct {
		name    string
		path    func(t *testing.T) string
		kind    fault.Kind
		code    string
		mention string // what the message says
	}{
		{"readable_by_the_group", mode("", 0o640), fault.Invalid, "database_permissions", "chmod 600"},
		{"readable_by_others", mode("", 0o604), fault.Invalid, "database_permissions", "0604"},
		{"writable_by_the_group", mode("", 0o620), fault.Invalid, "database_permissions", "chmod 600"},
		{"wal_readable_by_others", mode("-wal", 0o644), fault.Invalid, "database_permissions", "-wal"},
		{"a_directory", func(t *testing.T) string { return t.TempDir() }, fault.Unsupported, "database_not_file", "no regular file"},
		{"no_directory", func(t *testing.T) string { return filepath.Join(t.TempDir(), "no", "hexward.db") }, fault.Unavailable, "store_unreachable", "create it"},
		{"text", write("text", strings.Repeat("no database ", 1000)), fault.Unsupported, "database_foreign", "no SQLite database"},
		{"a_few_bytes", write("few", "SQLite"), fault.Unsupported, "database_foreign", "no SQLite database"},
		{"nothing_but_the_first_bytes", write("magic", "SQLite format 3\x00"), fault.Internal, "store_corrupt", "backup"},
		{"truncated", change(func(_ *testing.T, b []byte) []byte { return b[:len(b)/2] }), fault.Internal, "store_corrupt", "backup"},
		{"truncated_within_a_page", change(func(_ *testing.T, b []byte) []byte { return b[:len(b)-1000] }), fault.Internal, "store_corrupt", "backup"},
		{"scribbled_over", change(func(_ *testing.T, b []byte) []byte {
			for i := len(b) / 3; i < len(b)/2; i++ {
				b[i] = byte(i)
			}
			return b
		}), fault.Internal, "store_corrupt", ".recover"},
		{"schema_scribbled_over", change(func(_ *testing.T, b []byte) []byte {
			for i := 100; i < 4096; i++ {
				b[i] = 0xAA
			}
			return b
		}), fault.Internal, "store_corrupt", ".recover"},
		{"another_program", execute("PRAGMA application_id = 7"), fault.Unsupported, "database_foreign", "another program"},
		{"another_program_without_an_id", execute("PRAGMA application_id = 0"), fault.Unsupported, "database_foreign", "another program"},
		{"newer", execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"), fault.Unsupported, "database_newer", "newer version"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := test.path(t)
			store, err := sqlite.Open(t.Context(), path)
			if err == nil {
				_ = store.Close()
			}
			wantFault(t, err, test.kind, test.code)
			if err != nil && (!strings.Contains(err.Error(), test.mention) || !strings.Contains(err.Error(), path)) {
				t.Errorf("message says nothing of %q or the path: %v", test.mention, err)
			}
		})
	}
}

func TestOpen_accepts(t *testing.T) {
	t.Run("odd_names", func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{"a b", "100%.db", "what?mode=memory", "#1", "日本語", "file:x", "a&b=c;d", "%41"} {
			path := filepath.Join(dir, name)
			if err := create(t.Context(), open(t, path), 1); err != nil {
				t.Errorf("%q: %v", name, err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 3*8 { // each with its WAL and shared memory
			t.Errorf("%d files in the directory, %v", len(entries), err)
		}
	})
	t.Run("relative", func(t *testing.T) {
		t.Chdir(t.TempDir())
		store := open(t, "hexward.db")
		t.Chdir(t.TempDir()) // where it is was settled by then
		if err := create(t.Context(), store, 1); err != nil {
			t.Error(err)
		}
		if err := store.Backup(t.Context(), "copy.db"); err != nil {
			t.Error(err)
		}
	})
	t.Run("an_empty_file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "hexward.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := create(t.Context(), open(t, path), 1); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_migration_that_was_interrupted", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "hexward.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		db := outside(t, path)
		run(t, db, `CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,
			is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))`,
			"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)")
		_ = db.Close()
		if err := create(t.Context(), open(t, path), 1); err != nil {
			t.Error(err)
		}
	})
	t.Run("again", func(t *testing.T) {
		path := closed(t, 3)
		has(t, open(t, path), 2, true)
	})
	t.Run("larger_than_the_check_limit", func(t *testing.T) {
		has(t, open(t, closed(t, 3), sqlite.WithCheckLimit(1)), 2, true)
	})
	t.Run("by_many_at_once", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "hexward.db")
		var wait sync.WaitGroup
		for n := range 8 {
			wait.Go(func() {
				store, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := create(t.Context(), store, n); err != nil {
					t.Error(err)
				}
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		store := open(t, path)
		for n := range 8 {
			has(t, store, n, true)
		}
	})
}

// Whoever may not write gets told so.
func TestOpen_without_rights(t *testing.T) {
	tests := []struct {
		name   string
		create bool // a database that belongs to them
		mode   fs.FileMode
	}{
		{"new_file_in_a_read_only_directory", false, 0},
		{"file_in_a_read_only_directory", true, 0o600},
		{"read_only_file", true, 0o400},
		{"secret_file", true, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "hexward") // those of t.TempDir cannot be entered by others
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			path := filepath.Join(dir, "hexward.db")
			if test.create {
				content, err := os.ReadFile(closed(t, 1))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				if os.Getuid() == 0 {
					if err := os.Chown(path, nobody, nobody); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Chmod(path, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(dir, 0o555); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.Chmod(dir, 0o700) }()
			asNobody(t, func() {
				store, err := sqlite.Open(context.Background(), path) // in this very thread
				if err == nil {
					_ = store.Close()
				}
				if err == nil || fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), path) {
					t.Errorf("error is %v, want Unavailable", err)
				}
			})
		})
	}
}

const nobody = 65534

// asNobody runs f without the rights of root: as it is for anybody else, and for
// root in a thread that opens files as nobody. The thread ends with it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); errno != 0 {
			t.Errorf("setfsuid: %v", errno)
			return
		}
		f()
	}()
	<-done
}

// A migration that was released is never changed: databases that had it would
// differ from those that get it.
func TestMigrations_are_only_added_to(t *testing.T) {
	released := map[string]string{
		"00001_accounts.sql":  "6f49da4d3bf662da4400ed92d2fc8159550746d27ff821ee6fa1f397c724b11f",
		"00002_providers.sql": "211ad15198fbfb2592ce0f34d68a1576e729d1f7069e37b5e1f3df2565699377",
		"00003_tenants.sql":   "90085b119b3657252d074dcf6cc276747c477039fb279dd6f317de4c9b00b7dd",
		"00005_issuers.sql":   "4b050613366c396d3848c7f342ebfd5299867241e4224d1f99d968b68d9f2162",
		"00004_bundles.sql":   "9704fb13fe19da16c01c5d2905a17caccc54b353d53331ba64df80c878096657",
	}
	files, err := sqlstore.Migrations("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != released[name] {
			t.Errorf("%s has SHA-256 %s, want %s: put the change into a new migration", name, got, released[name])
		}
		delete(released, name)
	}
	for name := range released {
		t.Errorf("%s is gone", name)
	}
}
