// Package sqlite keeps everything in one SQLite file.
//
//	store, err := sqlite.Open(ctx, "data/hexward.db")
//	if err != nil { … }
//	defer store.Close()
//	users := store.Users()
//
// The statements are those of package sqlstore. This package opens the file
// safely, commits concurrent writes together (see writer), reads over
// connections that cannot write, notices when another process wrote, and copies
// the file while it is in use.
//
// The file is in WAL mode with synchronous=FULL: what was acknowledged survives
// a crash of the machine. WAL needs shared memory, so the file must be on a local
// disk. Any number of processes on the machine may have it open.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/fault"
)

// Store is every storage port at once, over one SQLite file. It is safe for
// concurrent use.
//
// A read of one row (a session by its cookie, a user by their id) looks at its
// context only before it begins: watching it costs as much as the read, which
// takes some microseconds, and the busy timeout at most. Searches and lists
// watch theirs all the time. For writes see writer.
type Store struct {
	*sqlstore.Store
	path    string
	options options
	write   *writer
	read    *sql.DB
	watch   *watch
	closed  atomic.Bool
}

type options struct {
	busyTimeout time.Duration
	readers     int
	checkLimit  int64
}

// An Option changes how Open opens a file.
type Option func(*options)

// WithBusyTimeout sets how long a call waits while another process holds the
// lock on the file, before it is Unavailable: 5 s by default.
func WithBusyTimeout(d time.Duration) Option {
	return func(o *options) { o.busyTimeout = max(d, time.Millisecond) }
}

// WithReaders sets how many connections read at the same time, at least 2. By
// default there is one more than there are cores, from 3 to 8.
func WithReaders(n int) Option { return func(o *options) { o.readers = max(n, 2) } }

// WithCheckLimit sets up to which size in bytes Open checks the whole file for
// damage, which takes some 2 ms a MiB: 8 MiB by default. Larger ones are
// checked only where they are read.
func WithCheckLimit(n int64) Option { return func(o *options) { o.checkLimit = n } }

// Open opens the file at path, or creates it, readable by its owner alone, and
// brings its schema up to date. It refuses, and says what is wrong and what to
// do, a file that others may read or write, that is no database, is damaged,
// belongs to another program, or was written by a newer version of this one.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := options{busyTimeout: 5 * time.Second, readers: min(max(3, runtime.GOMAXPROCS(0)+1), 8), checkLimit: 8 << 20}
	for _, set := range opts {
		set(&o)
	}
	path, size, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, options: o}
	s.write = &writer{db: openDB(dsn(path, o, forWriting), 1), failure: s.fault}
	if err := s.setUp(ctx, size); err != nil {
		_ = s.write.db.Close()
		return nil, explain(path, err)
	}
	s.read = openDB(dsn(path, o, forReading), o.readers)
	s.watch = newWatch(s.write)
	s.Store = sqlstore.New(sqlstore.Config{
		Read: s.read, Write: s.write, Scans: o.readers - 1,
		Dialect: sqlstore.Dialect{
			Rebind:       func(statement string) string { return statement },
			Contains:     func(column string) string { return "instr(" + column + ", ?) > 0" },
			Violation:    violation,
			Fault:        s.fault,
			PointContext: context.WithoutCancel,
		},
	})
	return s, nil
}

// setUp checks the file and migrates it.
func (s *Store) setUp(ctx context.Context, size int64) error {
	var mode string
	if err := s.write.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return asFault(err)
	}
	if mode != "wal" {
		return fault.New(fault.Unsupported, "database_not_wal", "it cannot be switched to WAL mode (it stays in "+mode+
			" mode): put it on a local disk, and see that no other program holds it open")
	}
	if size > 0 && size <= s.options.checkLimit {
		if err := quickCheck(ctx, s.write.db); err != nil {
			return err
		}
	}
	return migrate(ctx, s.write.db)
}

// Ping returns nil if the store can be read and a write can begin.
func (s *Store) Ping(ctx context.Context) error {
	alive := errors.New("alive")
	err := s.write.Write(ctx, func(ctx context.Context, _ *sql.Tx) error {
		var n int
		if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM users LIMIT 1)").Scan(&n); err != nil {
			return s.fault(err)
		}
		return alive // nothing to commit
	})
	if errors.Is(err, alive) {
		return nil
	}
	return err
}

// Close lets the writes that were begun end, refuses new ones, brings everything
// into the one file and closes it. Further calls do nothing.
func (s *Store) Close() error {
	if !s.write.shut() {
		return nil
	}
	s.closed.Store(true)
	s.watch.stop()
	err := s.read.Close()
	_, checkpointErr := s.write.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	err = errors.Join(err, checkpointErr, s.write.db.Close())
	if err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return nil
}

// fault makes a fault of an error of the driver.
func (s *Store) fault(err error) error {
	if s.closed.Load() {
		return errClosed
	}
	return asFault(err)
}
