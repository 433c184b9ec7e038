package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// someSessions adds a user with so many sessions, and returns these.
func someSessions(t testing.TB, store *sqlite.Store, n int) []session.Session {
	t.Helper()
	now := time.Now()
	u := user.New("u", tenant.Default, user.NameOf("Alice", "alice"), user.EmailOf("a@example.org", "a@example.org"), "$argon2id$", now)
	if err := store.Users().Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	all := make([]session.Session, n)
	errs := make(chan error, n)
	for i := range all {
		s := session.New("s"+strconv.Itoa(i), u.ID, u.Tenant, "password", session.DefaultLife, now)
		s.Hash = sha256.Sum256([]byte(s.ID))
		s.Sealed = make([]byte, 120)
		s.Family, s.Refresh = sha256.Sum256([]byte("family "+s.ID)), sha256.Sum256([]byte("refresh "+s.ID))
		all[i] = s
		go func() { errs <- store.Sessions().Create(t.Context(), s) }()
	}
	for range all {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// BenchmarkWrite rotates refresh tokens, durably: one after the other, each with
// its own commit, and from 64 goroutines at once, which share commits. Their
// ratio is what group commit is worth; "insert" is the bare cost of one durable
// commit over the same driver.
func BenchmarkWrite(b *testing.B) {
	rotate := func(store *sqlite.Store, s *session.Session) error {
		_, err := store.Sessions().Update(context.Background(), s.ID, func(s *session.Session) error {
			return s.RotateRefresh(s.Refresh, sha256.Sum256(s.Refresh[:]), s.SeenAt.Add(time.Second))
		})
		return err
	}
	b.Run("insert", func(b *testing.B) {
		db := reference(b, filepath.Join(b.TempDir(), "raw.db"))
		run(b, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)",
			"INSERT INTO t (v) SELECT zeroblob(5000000)", "DELETE FROM t") // the file and its WAL have their size
		insert, err := db.PrepareContext(b.Context(), "INSERT INTO t (v) VALUES (?)")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = insert.Close() }()
		value := make([]byte, 200)
		for b.Loop() {
			if _, err := insert.ExecContext(context.Background(), value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("single", func(b *testing.B) {
		store := fresh(b)
		all := someSessions(b, store, 1000)
		i := 0
		for b.Loop() {
			if err := rotate(store, &all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("grouped", func(b *testing.B) {
		store := fresh(b)
		all := someSessions(b, store, 1000)
		var next atomic.Int64
		b.SetParallelism(32) // on two cores: 64 goroutines
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := rotate(store, &all[int(next.Add(1))%len(all)]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// BenchmarkSessionByHash reads a session with its user, as every request does
// that no cache answers. "raw" is a prepared statement of the driver as it comes
// that reads one blob from a row found by its hash.
func BenchmarkSessionByHash(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hexward.db")
	store := open(b, path)
	all := someSessions(b, store, 10_000)
	b.Run("raw", func(b *testing.B) {
		read, err := reference(b, path).PrepareContext(b.Context(), "SELECT sealed FROM sessions WHERE hash = ?")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = read.Close() }()
		var sealed []byte
		i := 0
		for b.Loop() {
			h := &all[i%len(all)].Hash
			if err := read.QueryRowContext(context.Background(), h[:]).Scan(&sealed); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("store", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if _, _, err := store.Sessions().ByHash(ctx, all[i%len(all)].Hash); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("miss", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := store.Sessions().ByHash(ctx, session.Hash{1}); err == nil {
				b.Fatal("found")
			}
		}
	})
}

// BenchmarkAPITokenByHash reads an API token with its user, as every request with one does that no cache answers.
func BenchmarkAPITokenByHash(b *testing.B) {
	store := fresh(b)
	const all = 1000
	if err := create(b.Context(), store, 1); err != nil {
		b.Fatal(err)
	}
	errs := make(chan error, all)
	hash := func(n int) secret.Hash { return sha256.Sum256([]byte(strconv.Itoa(n))) }
	for n := range all {
		go func() {
			errs <- store.APITokens().Create(b.Context(), apitoken.Token{
				ID: strconv.Itoa(n), UserID: somebody(1).ID, Tenant: tenant.Default, Name: "script", Scopes: []string{"read"}, Hash: hash(n),
			}, all)
		}()
	}
	for range all {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("store", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, _, err := store.APITokens().ByHash(ctx, hash(i%all)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := store.APITokens().ByHash(ctx, secret.Hash{1}); err == nil {
				b.Fatal("found")
			}
		}
	})
}

// reference returns the driver as it comes, with one connection and the same
// durability.
func reference(b *testing.B, path string) *sql.DB {
	b.Helper()
	db := outside(b, path)
	run(b, db, "PRAGMA journal_mode = WAL")
	return db
}
