package sqlite

import (
	"context"
	"errors"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/fault"
)

// faults says what the caller learns for each result code of SQLite
// (https://sqlite.org/rescode.html). A code that is not here is Internal.
var faults = map[sqlite3.ErrNo]struct {
	kind          fault.Kind
	code, message string
}{
	sqlite3.ErrBusy:     {fault.Unavailable, "store_locked", "the database is locked by another program; try again"},
	sqlite3.ErrLocked:   {fault.Unavailable, "store_locked", "the database is locked by another program; try again"},
	sqlite3.ErrProtocol: {fault.Unavailable, "store_locked", "the database is locked by another program; try again"},
	sqlite3.ErrFull:     {fault.Unavailable, "store_full", "the disk is full, or the database has reached its greatest size"},
	sqlite3.ErrReadonly: {fault.Unavailable, "store_read_only", "the database cannot be written: the file, its directory or the file system is read-only"},
	sqlite3.ErrPerm:     {fault.Unavailable, "store_read_only", "the database cannot be written: the file, its directory or the file system is read-only"},
	sqlite3.ErrIoErr:    {fault.Unavailable, "store_io", "the disk failed to read or write the database"},
	sqlite3.ErrCantOpen: {fault.Unavailable, "store_unreachable", "the database file cannot be opened: see that it and its directory exist and belong to this user"},
	sqlite3.ErrNomem:    {fault.Unavailable, "store_memory", "there is not enough memory for the database"},
	sqlite3.ErrCorrupt:  {fault.Internal, "store_corrupt", corruptAdvice},
	sqlite3.ErrNotADB:   {fault.Internal, "store_corrupt", corruptAdvice},
}

const corruptAdvice = "the database file is damaged: stop every program that uses it, keep a copy of it and of the -wal file beside " +
	"it, and put a backup in its place, or what `sqlite3 FILE .recover` makes of it"

// asFault makes a fault of an error of the driver, by its code.
func asFault(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "timed_out", "the call was ended before it was done")
	}
	var driver sqlite3.Error
	if errors.As(err, &driver) {
		code := driver.Code
		if driver.SystemErrno == syscall.ENOSPC || driver.SystemErrno == syscall.EDQUOT {
			code = sqlite3.ErrFull
		}
		if f, known := faults[code]; known {
			return fault.Wrap(err, f.kind, f.code, f.message)
		}
	}
	return fault.Wrap(err, fault.Internal, "store_failed", "the database failed in a way that was not foreseen")
}

// violation tells which constraint an error is about, by its extended code.
func violation(err error) sqlstore.Violation {
	var driver sqlite3.Error
	if !errors.As(err, &driver) {
		return sqlstore.NoViolation
	}
	switch driver.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
		return sqlstore.UniqueViolation
	case sqlite3.ErrConstraintForeignKey:
		return sqlstore.ForeignKeyViolation
	default:
		return sqlstore.NoViolation
	}
}
