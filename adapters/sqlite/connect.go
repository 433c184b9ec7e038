package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"strconv"
	"time"

	"github.com/mattn/go-sqlite3"
)

// access is what a connection is for.
type access int

const (
	forWriting access = iota
	forReading
	forBackup
	forCheck // of a file that nobody writes
)

// dsn returns what a connection is opened with: every setting that the driver
// knows is here, and those that it does not are in onConnect.
func dsn(path string, o options, a access) string {
	settings := url.Values{
		"mode":             {"rw"}, // prepareFile has created it
		"_mutex":           {"no"}, // database/sql gives a connection to one goroutine at a time
		"_busy_timeout":    {strconv.FormatInt(o.busyTimeout.Milliseconds(), 10)},
		"_foreign_keys":    {"1"},
		"_stmt_cache_size": {"64"}, // of every statement in package sqlstore
		"_synchronous":     {"FULL"},
		// Zeroes what is deleted where the page is written anyway.
		"_secure_delete": {"FAST"},
	}
	switch a {
	case forWriting:
		settings.Set("_journal_mode", "WAL")
		settings.Set("_txlock", "immediate")
	case forReading:
		settings.Set("_query_only", "1")
	case forBackup:
	case forCheck:
		settings.Set("mode", "ro")
		settings.Set("immutable", "1")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
}

// onConnect are the settings that the driver has no word for: a schema that was
// tampered with runs no functions, a damaged page is noticed when it is read, and
// the WAL is cut back after it was large.
const onConnect = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 16777216"

// openDB returns a pool of at most so many connections, which are kept.
func openDB(dsn string, connections int) *sql.DB {
	db := sql.OpenDB(connector{dsn, &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		_, err := c.Exec(onConnect, nil)
		return err
	}}})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(0)
	db.SetConnMaxLifetime(time.Duration(0))
	return db
}

// connector opens connections without a driver registered by name.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }
