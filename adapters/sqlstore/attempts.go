package sqlstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type attempts Store

var _ ports.Attempts = (*attempts)(nil)

// Update implements ports.Attempts.
func (s *attempts) Update(ctx context.Context, keys []string, change func([]*user.Attempts)) error {
	if err := ports.CheckAttemptKeys(keys); err != nil {
		return err
	}
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		counters := make([]*user.Attempts, len(keys))
		before := make([][]int64, len(keys))
		for i, key := range keys {
			times, err := one(ctx, db, tx, &timesRow{}, nil, `SELECT times FROM attempts WHERE key = ?`, key)
			if err != nil {
				return err
			}
			counters[i], before[i] = &user.Attempts{Key: key, Times: times}, slices.Clone(times)
		}
		change(slices.Clone(counters))
		for i, key := range keys {
			if slices.Equal(before[i], counters[i].Times) {
				continue
			}
			if err := s.keep(ctx, tx, key, counters[i].Times); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteBefore implements ports.Attempts.
func (s *attempts) DeleteBefore(ctx context.Context, t time.Time) (int, error) {
	return (*Store)(s).sweep(ctx, `DELETE FROM attempts WHERE latest < ?`, ms(t))
}

// keep writes the times of a counter.
func (s *attempts) keep(ctx context.Context, tx *sql.Tx, key string, times []int64) error {
	if len(times) == 0 {
		_, err := (*Store)(s).exec(ctx, tx, `DELETE FROM attempts WHERE key = ?`, key)
		return err
	}
	packed := make([]byte, 0, 8*len(times))
	for _, t := range times {
		packed = binary.BigEndian.AppendUint64(packed, uint64(t)) //nolint:gosec // a bit pattern, read back as it was written
	}
	_, err := (*Store)(s).exec(ctx, tx, `
		INSERT INTO attempts (key, times, latest) VALUES (?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET times = excluded.times, latest = excluded.latest`, key, packed, slices.Max(times))
	return err
}

// timesRow is the packed times of a counter.
type timesRow struct{ times []int64 }

func (r *timesRow) columns(into []any) []any { return append(into, r) }
func (r *timesRow) value() []int64           { return r.times }

// Scan implements sql.Scanner.
func (r *timesRow) Scan(src any) error {
	packed, ok := src.([]byte)
	if !ok || len(packed)%8 != 0 {
		return fmt.Errorf("times are %T of %d bytes, want 8 for each", src, len(packed))
	}
	for ; len(packed) > 0; packed = packed[8:] {
		r.times = append(r.times, int64(binary.BigEndian.Uint64(packed))) //nolint:gosec // see keep
	}
	return nil
}
