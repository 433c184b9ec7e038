package sqlstore

import (
	"context"
	"database/sql"

	"github.com/hexward/hexward/ports"
)

// numbers are those of one name.
type numbers struct {
	*Store
	name string
}

var _ ports.Numbers = (*numbers)(nil)

// Next implements ports.Numbers.
func (s *numbers) Next(ctx context.Context, floor int64) (n int64, err error) {
	if err := ports.CheckFloor(floor); err != nil {
		return 0, err
	}
	err = s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.exec(ctx, tx, `
			INSERT INTO numbers AS n (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = CASE WHEN excluded.value > n.value THEN excluded.value ELSE n.value + 1 END`,
			s.name, floor); err != nil {
			return err
		}
		n, err = one(ctx, s.Store, tx, newCountRow(), ports.ErrNumbers, `SELECT value FROM numbers WHERE name = ?`, s.name)
		if err == nil && n > ports.MaxNumber {
			return ports.ErrNumbers
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
