package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/hexward/hexward/adapters/sqlstore"
	"github.com/hexward/hexward/core/fault"
)

// applicationID marks a file as Hexward's; the first migration sets it.
const applicationID = 0x68787764

// migrateTries is how often a migration is tried: another process that is
// started at the same moment may be at it too.
const migrateTries = 10

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := sqlstore.Migrations("sqlite")
	if err != nil {
		return err
	}
	newest, err := newestMigration(files)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		version, err := schemaVersion(ctx, db)
		switch {
		case err != nil:
			return err
		case version == newest:
			return nil
		case version > newest:
			return fault.New(fault.Unsupported, "database_newer", fmt.Sprintf(
				"it was written by a newer version of Hexward (schema %d, this program knows %d): run that version, or restore a backup from before the update",
				version, newest))
		}
		err = migrateUp(ctx, db, files)
		if err != nil && (try == migrateTries || ctx.Err() != nil) {
			return asFault(fmt.Errorf("migrate from schema %d to %d: %w", version, newest, err))
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func migrateUp(ctx context.Context, db *sql.DB, files fs.FS) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// newestMigration returns the number of the last migration.
func newestMigration(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// schemaVersion returns the number of the last migration that a file has had, 0
// for a new one, and refuses a file of another program.
func schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	var application, own, foreign int64
	err := db.QueryRowContext(ctx, `
		SELECT (SELECT application_id FROM pragma_application_id),
			(SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'),
			(SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%')`,
	).Scan(&application, &own, &foreign)
	if err != nil {
		return 0, asFault(err)
	}
	if application != applicationID && (application != 0 || foreign > 0) {
		return 0, fault.New(fault.Unsupported, "database_foreign",
			"it belongs to another program: name another file, or one that is not there yet")
	}
	if own == 0 {
		return 0, nil
	}
	var version sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&version); err != nil {
		return 0, asFault(err)
	}
	return version.Int64, nil
}
