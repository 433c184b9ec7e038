package sqlite_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver as it comes, to look at files from outside

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports/porttest"
)

// TestMain lets the test binary also be the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(killedEnv); path != "" {
		writeUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

func TestStore(t *testing.T) {
	porttest.All(t, func(t *testing.T) porttest.Store { return fresh(t) })
}

// open returns a store over the file at path, which is closed at the end of the
// test.
func open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// fresh returns a store over a new file.
func fresh(t testing.TB, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "hexward.db"), opts...)
}

// outside returns a connection of somebody else to the file at path.
func outside(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_busy_timeout=5000&_synchronous=FULL&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// run executes statements of somebody else.
func run(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// ask returns the one value that a statement of somebody else finds.
func ask(t testing.TB, db *sql.DB, statement string) (value string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

// somebody returns the nth user.
func somebody(n int) user.User {
	name := "user" + strconv.Itoa(n)
	return user.New("id-"+strconv.Itoa(n), tenant.Default, user.NameOf(name, name), user.Email{}, "", time.UnixMilli(1_800_000_000_000).UTC())
}

// create adds the nth user.
func create(ctx context.Context, s *sqlite.Store, n int) error {
	return s.Users().Create(ctx, somebody(n))
}

// has fails the test unless the nth user is there, or is not.
func has(t testing.TB, s *sqlite.Store, n int, want bool) {
	t.Helper()
	_, err := s.Users().ByID(t.Context(), somebody(n).ID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		t.Fatal(err)
	}
	if (err == nil) != want {
		t.Errorf("user %d is there: %t, want %t", n, err == nil, want)
	}
}

// wantFault fails the test unless err is a fault of this kind and code.
func wantFault(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("error is %v, want %s %s", err, kind, code)
	}
}

// eventually fails the test unless the condition holds within some seconds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func TestOpen_settings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hexward.db")
	store := open(t, path)
	if err := create(t.Context(), store, 1); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + ending)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode of hexward.db%s is %04o, want 0600", ending, info.Mode().Perm())
		}
	}
	for pragma, want := range map[string][2]string{ // of the connection that writes, of one that reads
		"journal_mode": {"wal", "wal"}, "synchronous": {"2", "2"}, "foreign_keys": {"1", "1"}, "query_only": {"0", "1"},
		"busy_timeout": {"5000", "5000"}, "secure_delete": {"2", "2"}, "trusted_schema": {"0", "0"}, "cell_size_check": {"1", "1"},
	} {
		for i, db := range []*sql.DB{sqlite.WriteDB(store), sqlite.ReadDB(store)} {
			if got := ask(t, db, "PRAGMA "+pragma); got != want[i] {
				t.Errorf("%s is %s, want %s (connection %d)", pragma, got, want[i], i)
			}
		}
	}
}

func TestPing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hexward.db")
	store := open(t, path, sqlite.WithBusyTimeout(50*time.Millisecond))
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, store.Ping(ended), fault.Unavailable, "timed_out")
	other := outside(t, path)
	run(t, other, "BEGIN IMMEDIATE")
	wantFault(t, store.Ping(t.Context()), fault.Unavailable, "store_locked")
	run(t, other, "ROLLBACK")
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hexward.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	const writers = 50
	errs := make(chan error, writers)
	begun := make(chan struct{})
	if err := create(t.Context(), store, 0); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := store.Users().Update(t.Context(), somebody(0).ID, func(u *user.User) error {
			close(begun)
			for sqlite.Waiting(store) < writers { // the others, and Close
				time.Sleep(time.Millisecond)
			}
			u.PasswordHash = "last"
			return nil
		})
		errs <- err
	}()
	<-begun
	for i := 1; i < writers; i++ {
		go func() { errs <- create(t.Context(), store, i) }()
	}
	eventually(t, "writes wait", func() bool { return sqlite.Waiting(store) == writers-1 })
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Errorf("a write that was waiting when the store was closed: %v", err)
		}
	}
	if err := store.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	wantFault(t, create(t.Context(), store, 99), fault.Unavailable, "store_closed")
	_, err = store.Users().ByID(t.Context(), somebody(1).ID)
	wantFault(t, err, fault.Unavailable, "store_closed")
	wantFault(t, store.Ping(t.Context()), fault.Unavailable, "store_closed")
	wantFault(t, store.Backup(t.Context(), path+".copy"), fault.Unavailable, "store_closed")
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the WAL is still there: %v", err)
	}
	again := open(t, path)
	for i := range writers {
		has(t, again, i, true)
	}
}
