package sqlstore

import (
	"context"
	"database/sql"

	"github.com/hexward/hexward/ports"
)

// keys are those of one table.
type keys struct {
	*Store
	table *keyTable
}

var _ ports.Keys = (*keys)(nil)

// keyTable is a table's statements.
type keyTable struct{ list, clear, insert string }

func newKeyTable(name string) *keyTable {
	const columns = "id, algorithm, public, sealed, published_at, signs_from, retired_at, drop_at"
	return &keyTable{
		list:   "SELECT " + columns + " FROM " + name + " ORDER BY published_at, id",
		clear:  "DELETE FROM " + name,
		insert: "INSERT INTO " + name + " (" + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	}
}

// The tables: of the keys that sign tokens, and of those that sign bundles.
var (
	signingKeys = newKeyTable("signing_keys")
	bundleKeys  = newKeyTable("bundle_keys")
)

// List implements ports.Keys.
func (s *keys) List(ctx context.Context) ([]ports.SigningKey, error) {
	return scan(ctx, s.Store, newKeyRow, s.table.list)
}

// Change implements ports.Keys.
func (s *keys) Change(ctx context.Context, change func([]ports.SigningKey) ([]ports.SigningKey, error)) error {
	return s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		all, err := list(ctx, s.Store, tx, newKeyRow, s.table.list)
		if err != nil {
			return err
		}
		all, err = change(all)
		if err != nil {
			return err
		}
		if _, err := s.exec(ctx, tx, s.table.clear); err != nil {
			return err
		}
		for _, k := range all {
			broken, err := s.attempt(ctx, tx, s.table.insert, k.ID, k.Algorithm, blobOrNull(k.Public), blobOrNull(k.Sealed),
				ms(k.PublishedAt), ms(k.SignsFrom), ms(k.RetiredAt), ms(k.DropAt))
			if err != nil {
				return err
			}
			if broken != NoViolation {
				return ports.ErrIDTaken
			}
		}
		return nil
	})
}

// keyRow is a row of signing_keys or bundle_keys.
type keyRow struct{ k ports.SigningKey }

func newKeyRow() row[ports.SigningKey] { return &keyRow{} }

func (r *keyRow) columns(into []any) []any {
	k := &r.k
	return append(into,
		&k.ID, &k.Algorithm, &k.Public, &k.Sealed, (*timeColumn)(&k.PublishedAt), (*timeColumn)(&k.SignsFrom),
		(*timeColumn)(&k.RetiredAt), (*timeColumn)(&k.DropAt))
}

func (r *keyRow) value() ports.SigningKey { return r.k }
