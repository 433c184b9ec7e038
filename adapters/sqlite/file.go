package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hexward/hexward/core/fault"
)

// magic begins every SQLite file (https://sqlite.org/fileformat2.html, §1.3).
const magic = "SQLite format 3\x00"

// besides are the endings of what SQLite puts beside a file.
var besides = []string{"-wal", "-shm", "-journal"}

// prepareFile creates the file if it is not there, empty and for its owner
// alone: SQLite gives what it puts beside the same permissions. Of one that is
// there it checks what can be told before SQLite touches it. It returns the
// absolute path and the size in bytes.
func prepareFile(path string) (string, int64, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", 0, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator says where
	if err == nil {
		err = errors.Join(f.Close(), syncDir(filepath.Dir(path)))
	} else if errors.Is(err, fs.ErrExist) {
		err = checkFile(path)
	}
	if err != nil {
		return "", 0, explain(path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, explain(path, err)
	}
	return path, info.Size(), nil
}

// checkFile refuses a file that others may read or write, and one that is no
// SQLite file at all.
func checkFile(path string) error {
	for _, ending := range append([]string{""}, besides...) {
		info, err := os.Stat(path + ending)
		switch {
		case ending != "" && errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fault.New(fault.Unsupported, "database_not_file", "it is no regular file: name the database file, or one that is not there yet")
		case info.Mode().Perm()&0o077 != 0:
			return fault.New(fault.Invalid, "database_permissions", fmt.Sprintf(
				"others than its owner may read or write %s (mode %04o): run chmod 600 on it, and think about who may have read the password hashes and sealed keys in it",
				path+ending, info.Mode().Perm()))
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the operator says where
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(magic))
	switch n, err := io.ReadFull(f, head); {
	case err == nil && string(head) == magic, n == 0 && errors.Is(err, io.EOF):
		return nil
	case err == nil, errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Unsupported, "database_foreign", "it is no SQLite database: name another file, or move this one away and let a new one be made")
	default:
		return err
	}
}

// explain names the file in an error of Open and turns one of the operating
// system into a fault.
func explain(path string, err error) error {
	var known *fault.Error
	if !errors.As(err, &known) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			known = fault.New(fault.Unavailable, "store_unreachable", "its directory is not there: create it")
		case errors.Is(err, fs.ErrPermission):
			known = fault.New(fault.Unavailable, "store_unreachable", "this user may not read and write it, or not create it in its directory: see to its owner")
		default:
			known = fault.New(fault.Unavailable, "store_unreachable", "it cannot be opened")
		}
	}
	return fault.Wrap(err, known.Kind, known.Code, "database "+path+": "+known.Message)
}

// quickCheck reads every page of a file and returns a fault if one is damaged.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return asFault(err)
	}
	if verdict != "ok" {
		return fault.Wrap(errors.New(verdict), fault.Internal, "store_corrupt", corruptAdvice)
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // the operator says where
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
