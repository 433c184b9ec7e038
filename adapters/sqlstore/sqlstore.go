// Package sqlstore keeps everything in a relational database: the statements
// that every such database understands, written once over database/sql. An
// adapter for one of them (package sqlite) opens it, brings the schema up to date
// from Migrations, and says in a Dialect and a Writer where the databases differ.
//
//	store := sqlstore.New(sqlstore.Config{Read: db, Write: writer, Dialect: dialect})
//
// Statements stand beside the method that uses them. They are constants, so that
// the driver's cache of prepared statements finds them again; nothing here
// prepares any.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the numbered migrations of a database, for goose. They are
// only ever added to: one that was released is not changed any more.
func Migrations(database string) (fs.FS, error) { return fs.Sub(migrations, "migrations/"+database) }

// Writer runs functions in transactions.
type Writer interface {
	// Write runs the function in a transaction, commits, and returns nil once that is
	// durable. Transactions come out as if they had run one after the other; where a
	// database gets there by trying again, the function runs more than once. If it
	// returns an error, panics or ends its goroutine, nothing is written and the
	// error is returned as it is. The context that the function gets is the one for
	// its statements.
	Write(ctx context.Context, work func(ctx context.Context, tx *sql.Tx) error) error
}

// Violation is the constraint that a statement broke.
type Violation int

// The constraints that uses rely on.
const (
	NoViolation Violation = iota
	UniqueViolation
	ForeignKeyViolation
)

// Dialect is where databases differ. Every field is required.
type Dialect struct {
	// Rebind writes the placeholders "?" of a statement as the database has them.
	Rebind func(statement string) string
	// Contains returns an expression that holds when the text of a column contains
	// that of a placeholder, both taken literally.
	Contains func(column string) string
	// Violation tells which constraint an error of the driver is about, by its code.
	Violation func(err error) Violation
	// Fault makes a fault of any other error of the driver, by its code.
	Fault func(err error) error
	// PointContext returns the context for a statement that reads one row by an
	// index. It may be without an end if that costs the driver less and the statement
	// is bounded otherwise; that ctx has not ended is checked before.
	PointContext func(ctx context.Context) context.Context
}

// Config is what a Store is made of. Every field but Scans is required.
type Config struct {
	Read    *sql.DB // what Write committed is seen here at once
	Write   Writer
	Dialect Dialect
	Scans   int // how many searches and lists read at a time; 0 for any number
}

// Store is every storage port at once, over one database. It is safe for
// concurrent use.
type Store struct {
	read    *sql.DB
	write   Writer
	dialect Dialect
	scans   chan struct{} // holds a value for each search under way; nil for no bound
}

// New returns a Store. The schema must be there.
func New(c Config) *Store {
	s := &Store{read: c.Read, write: c.Write, dialect: c.Dialect}
	if c.Scans > 0 {
		s.scans = make(chan struct{}, c.Scans)
	}
	return s
}

// Users returns the store as ports.Users.
func (s *Store) Users() ports.Users { return (*users)(s) }

// Sessions returns the store as ports.Sessions.
func (s *Store) Sessions() ports.Sessions { return (*sessions)(s) }

// SessionSets returns the store as ports.SessionSets.
func (s *Store) SessionSets() ports.SessionSets { return (*sessions)(s) }

// Identities returns the store as ports.Identities.
func (s *Store) Identities() ports.Identities { return (*identities)(s) }

// MailTokens returns the store as ports.MailTokens.
func (s *Store) MailTokens() ports.MailTokens { return (*mailTokens)(s) }

// Attempts returns the store as ports.Attempts.
func (s *Store) Attempts() ports.Attempts { return (*attempts)(s) }

// Marks returns the store as ports.Marks.
func (s *Store) Marks() ports.Marks { return (*marks)(s) }

// Audit returns the store as ports.Audit.
func (s *Store) Audit() ports.Audit { return (*audit)(s) }

// Keys returns the store as ports.Keys.
func (s *Store) Keys() ports.Keys { return &keys{s, signingKeys} }

// BundleKeys returns the store of the keys that sign bundles as ports.Keys.
func (s *Store) BundleKeys() ports.Keys { return &keys{s, bundleKeys} }

// BundleNumbers returns the store of the numbers of bundles as ports.Numbers.
func (s *Store) BundleNumbers() ports.Numbers { return &numbers{s, "bundle"} }

// Tenants returns the store as ports.Tenants.
func (s *Store) Tenants() ports.Tenants { return (*tenants)(s) }

// Directory returns the store as ports.Directory.
func (s *Store) Directory() ports.Directory { return (*directory)(s) }

// Machines returns the store as ports.Machines.
func (s *Store) Machines() ports.Machines { return &clients{s, tenant.Every()} }

// APITokens returns the store as ports.APITokens.
func (s *Store) APITokens() ports.APITokens { return (*apiTokens)(s) }

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// row is what a statement's row is scanned into: a value, taken apart.
type row[T any] interface {
	columns(into []any) []any // appends pointers to scan into, in the order of the statement
	value() T
}

// one returns the one row that a statement finds, or miss.
func one[T any](ctx context.Context, s *Store, q querier, r row[T], miss error, statement string, args ...any) (T, error) {
	var none T
	err := q.QueryRowContext(ctx, s.dialect.Rebind(statement), args...).Scan(r.columns(make([]any, 0, columnsMost))...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return none, miss
	case err != nil:
		return none, s.fault(ctx, err)
	}
	return r.value(), nil
}

// columnsMost is how many columns the widest statement has.
const columnsMost = 36

// point is one outside of any transaction.
func point[T any](ctx context.Context, s *Store, r row[T], miss error, statement string, args ...any) (T, error) {
	if err := ports.Ended(ctx); err != nil {
		var none T
		return none, err
	}
	return one(s.dialect.PointContext(ctx), s, s.read, r, miss, statement, args...)
}

// list returns every row that a statement finds, each scanned into what fresh
// returns.
func list[T any](ctx context.Context, s *Store, q querier, fresh func() row[T], statement string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, s.dialect.Rebind(statement), args...)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	var all []T
	columns := make([]any, 0, columnsMost)
	for rows.Next() {
		r := fresh()
		columns = r.columns(columns[:0])
		if err := rows.Scan(columns...); err != nil {
			return nil, s.fault(ctx, err)
		}
		all = append(all, r.value())
	}
	if err := rows.Err(); err != nil {
		return nil, s.fault(ctx, err)
	}
	return all, nil
}

// scan is list outside of any transaction. As many as Config.Scans read at a
// time, so that they never take every connection from the points.
func scan[T any](ctx context.Context, s *Store, fresh func() row[T], statement string, args ...any) ([]T, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	if s.scans != nil {
		select {
		case s.scans <- struct{}{}:
			defer func() { <-s.scans }()
		case <-ctx.Done():
			return nil, ports.Ended(ctx)
		}
	}
	return list(ctx, s, s.read, fresh, statement, args...)
}

// exec runs a statement in a transaction and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int, error) {
	result, err := tx.ExecContext(ctx, s.dialect.Rebind(statement), args...)
	if err != nil {
		return 0, s.fault(ctx, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, s.fault(ctx, err)
	}
	return int(n), nil
}

// attempt is exec for a statement that may break a constraint. It returns which
// one, and the transaction goes on: a database that ends the transaction then
// needs a savepoint here.
func (s *Store) attempt(ctx context.Context, tx *sql.Tx, statement string, args ...any) (Violation, error) {
	_, err := tx.ExecContext(ctx, s.dialect.Rebind(statement), args...)
	if err == nil {
		return NoViolation, nil
	}
	if v := s.dialect.Violation(err); v != NoViolation {
		return v, nil
	}
	return NoViolation, s.fault(ctx, err)
}

// sweep removes rows in a transaction of its own and returns how many there
// were.
func (s *Store) sweep(ctx context.Context, statement string, args ...any) (n int, err error) {
	err = s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err = s.exec(ctx, tx, statement, args...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// fault makes a fault of an error of the driver.
func (s *Store) fault(ctx context.Context, err error) error {
	if ended := ports.Ended(ctx); ended != nil {
		return ended
	}
	return s.dialect.Fault(err)
}

// ms returns a time as it is kept.
func ms(t time.Time) int64 { return t.UnixMilli() }

// at returns the time that was kept.
func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// timeColumn scans a time.
type timeColumn time.Time

// Scan implements sql.Scanner.
func (c *timeColumn) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is %T, want milliseconds", src)
	}
	*c = timeColumn(at(n))
	return nil
}

// hashOrNull returns a hash for a column in which none is NULL.
func hashOrNull(h session.Hash) []byte {
	if h == (session.Hash{}) {
		return nil
	}
	return h[:]
}

// hashColumn scans a hash, or none from NULL.
type hashColumn session.Hash

// Scan implements sql.Scanner.
func (c *hashColumn) Scan(src any) error {
	b, ok := src.([]byte)
	if src != nil && (!ok || len(b) != len(c)) {
		return fmt.Errorf("a hash is %T of %d bytes, want %d", src, len(b), len(c))
	}
	clear(c[:])
	copy(c[:], b)
	return nil
}

// blobOrNull returns bytes for a column in which none are NULL.
func blobOrNull(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// jsonColumn scans JSON text, or nothing from an empty text. An error does not
// show the text.
type jsonColumn[T any] struct{ to *T }

// Scan implements sql.Scanner.
func (c jsonColumn[T]) Scan(src any) error {
	text, ok := src.(string)
	if !ok || text != "" && json.Unmarshal([]byte(text), c.to) != nil {
		return fmt.Errorf("%T is not the JSON of %T", src, *c.to)
	}
	return nil
}

// jsonText returns what jsonColumn scans.
func jsonText(v any, length int) (string, error) {
	if length == 0 {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// textRow is a row of one text column.
type textRow struct{ text string }

func newTextRow() row[string] { return &textRow{} }

func (r *textRow) columns(into []any) []any { return append(into, &r.text) }
func (r *textRow) value() string            { return r.text }

// countRow is a row of one number.
type countRow struct{ n int64 }

func newCountRow() row[int64] { return &countRow{} }

func (r *countRow) columns(into []any) []any { return append(into, &r.n) }
func (r *countRow) value() int64             { return r.n }
