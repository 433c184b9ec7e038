package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// SetMaxPages limits how large the file may grow, as a full disk does.
func SetMaxPages(s *Store, pages int) error {
	_, err := s.write.db.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	return err
}

// Waiting returns how many writes wait for their turn.
func Waiting(s *Store) int {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	return len(s.write.queue)
}

// WriteDB and ReadDB return the pools of connections.
func WriteDB(s *Store) *sql.DB { return s.write.db }

// ReadDB is described at WriteDB.
func ReadDB(s *Store) *sql.DB { return s.read }

// Write runs statements in a transaction that others share.
func Write(ctx context.Context, s *Store, statements ...string) error {
	return s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range statements {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return asFault(err)
			}
		}
		return nil
	})
}
