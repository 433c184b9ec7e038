package sqlstore

import (
	"context"
	"database/sql"

	"github.com/hexward/hexward/ports"
)

type keys Store

var _ ports.Keys = (*keys)(nil)

const selectKeys = `
	SELECT id, algorithm, public, sealed, published_at, signs_from, retired_at, drop_at
	FROM signing_keys ORDER BY published_at, id`

// List implements ports.Keys.
func (s *keys) List(ctx context.Context) ([]ports.SigningKey, error) {
	return scan(ctx, (*Store)(s), newKeyRow, selectKeys)
}

// Change implements ports.Keys.
func (s *keys) Change(ctx context.Context, change func([]ports.SigningKey) ([]ports.SigningKey, error)) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		all, err := list(ctx, db, tx, newKeyRow, selectKeys)
		if err != nil {
			return err
		}
		all, err = change(all)
		if err != nil {
			return err
		}
		if _, err := db.exec(ctx, tx, `DELETE FROM signing_keys`); err != nil {
			return err
		}
		for _, k := range all {
			broken, err := db.attempt(ctx, tx, `
				INSERT INTO signing_keys (id, algorithm, public, sealed, published_at, signs_from, retired_at, drop_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, k.ID, k.Algorithm, blobOrNull(k.Public), blobOrNull(k.Sealed),
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

// keyRow is a row of signing_keys.
type keyRow struct{ k ports.SigningKey }

func newKeyRow() row[ports.SigningKey] { return &keyRow{} }

func (r *keyRow) columns(into []any) []any {
	k := &r.k
	return append(into,
		&k.ID, &k.Algorithm, &k.Public, &k.Sealed, (*timeColumn)(&k.PublishedAt), (*timeColumn)(&k.SignsFrom),
		(*timeColumn)(&k.RetiredAt), (*timeColumn)(&k.DropAt))
}

func (r *keyRow) value() ports.SigningKey { return r.k }
