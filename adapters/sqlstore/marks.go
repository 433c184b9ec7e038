package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

type marks Store

var _ ports.Marks = (*marks)(nil)

// Add implements ports.Marks.
func (s *marks) Add(ctx context.Context, m token.Mark) error {
	return s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := (*Store)(s).exec(ctx, tx, `
			INSERT INTO revocation_marks AS m (kind, value, issued_before, kept_until) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, value) DO UPDATE SET
				issued_before = CASE WHEN excluded.issued_before > m.issued_before THEN excluded.issued_before ELSE m.issued_before END,
				kept_until = CASE WHEN excluded.kept_until > m.kept_until THEN excluded.kept_until ELSE m.kept_until END`,
			int64(m.Kind), m.Value, m.Before, m.Until)
		return err
	})
}

// List implements ports.Marks.
func (s *marks) List(ctx context.Context, now time.Time) ([]token.Mark, error) {
	return scan(ctx, (*Store)(s), func() row[token.Mark] { return &markRow{} }, `
		SELECT kind, value, issued_before, kept_until FROM revocation_marks WHERE kept_until >= ? ORDER BY kind, value`,
		now.Unix())
}

// DeleteExpired implements ports.Marks.
func (s *marks) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	return (*Store)(s).sweep(ctx, `DELETE FROM revocation_marks WHERE kept_until < ?`, now.Unix())
}

// markRow is a row of revocation_marks.
type markRow struct{ m token.Mark }

func (r *markRow) columns(into []any) []any {
	return append(into, (*uint8)(&r.m.Kind), &r.m.Value, &r.m.Before, &r.m.Until)
}

func (r *markRow) value() token.Mark { return r.m }
