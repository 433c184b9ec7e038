package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hexward/hexward/core/fault"
)

// Backup writes a consistent copy of the database to dest while it is in use:
// everything that was acknowledged before the call, and nothing by half. Nothing
// may be at dest yet (else Conflict), and nothing is there unless nil is
// returned: the copy is written beside it, readable by its owner alone, checked
// page by page, and given its name when it is durable. What was deleted from the
// database is not in the copy.
func (s *Store) Backup(ctx context.Context, dest string) error {
	if s.closed.Load() {
		return errClosed
	}
	dest, err := filepath.Abs(dest)
	if err != nil {
		return err
	}
	taken := fault.New(fault.Conflict, "backup_exists", "there is something at "+dest+" already: name another file")
	if _, err := os.Lstat(dest); err == nil {
		return taken
	}
	dir := filepath.Dir(dest)
	f, err := os.CreateTemp(dir, "."+filepath.Base(dest)+".*.partial") // with mode 0600
	if err != nil {
		return backupFault(dest, err)
	}
	partial := f.Name()
	defer func() { _ = os.Remove(partial) }()
	if err := s.copyTo(ctx, partial); err != nil {
		_ = f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return backupFault(dest, err)
	}
	// Unlike a rename, a link never takes the place of what came there meanwhile.
	err = os.Link(partial, dest)
	switch {
	case errors.Is(err, fs.ErrExist):
		return taken
	case err != nil: // a file system without links
		err = os.Rename(partial, dest)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return backupFault(dest, err)
	}
	return nil
}

// copyTo writes the database into an empty file and checks it.
func (s *Store) copyTo(ctx context.Context, partial string) error {
	db := openDB(dsn(s.path, s.options, forBackup), 1)
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", partial)
	if err = errors.Join(err, db.Close()); err != nil {
		return s.fault(err)
	}
	written := openDB(dsn(partial, s.options, forCheck), 1)
	defer func() { _ = written.Close() }()
	if err := quickCheck(ctx, written); err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	return nil
}

// backupFault says that a copy could not be written.
func backupFault(dest string, err error) error {
	return fault.Wrap(err, fault.Unavailable, "backup_failed",
		"the backup could not be written to "+dest+": see that its directory is there, is writable and has room")
}
