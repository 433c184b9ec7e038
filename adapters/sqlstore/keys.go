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
type keyRow struct {
	k                                         ports.SigningKey
	publishedAt, signsFrom, retiredAt, dropAt int64
}

func newKeyRow() row[ports.SigningKey] { return &keyRow{} }

func (r *keyRow) columns() []any {
	return []any{
		&r.k.ID, &r.k.Algorithm, &r.k.Public, &r.k.Sealed, &r.publishedAt, &r.signsFrom, &r.retiredAt, &r.dropAt,
	}
}

func (r *keyRow) value() (ports.SigningKey, error) {
	k := r.k
	k.PublishedAt, k.SignsFrom = at(r.publishedAt), at(r.signsFrom)
	k.RetiredAt, k.DropAt = at(r.retiredAt), at(r.dropAt)
	return k, nil
}
