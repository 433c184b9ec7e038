package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

type mailTokens Store

var _ ports.MailTokens = (*mailTokens)(nil)

// Put implements ports.MailTokens.
func (s *mailTokens) Put(ctx context.Context, t ports.MailToken) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := db.exec(ctx, tx, `DELETE FROM mail_tokens WHERE subject = ? AND purpose = ?`, t.Subject, t.Purpose); err != nil {
			return err
		}
		broken, err := db.attempt(ctx, tx, `
			INSERT INTO mail_tokens (hash, purpose, subject, email, data, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			t.Hash[:], t.Purpose, t.Subject, t.Email, blobOrNull(t.Data), ms(t.CreatedAt), ms(t.ExpiresAt))
		if err != nil {
			return err
		}
		if broken != NoViolation {
			return ports.ErrHashTaken
		}
		return nil
	})
}

// Get implements ports.MailTokens.
func (s *mailTokens) Get(ctx context.Context, purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
	return point(ctx, (*Store)(s), &mailTokenRow{}, ports.ErrTokenUnknown, `
		SELECT hash, purpose, subject, email, data, created_at, expires_at FROM mail_tokens
		WHERE hash = ? AND purpose = ? AND expires_at > ?`, h[:], purpose, ms(now))
}

// Consume implements ports.MailTokens.
func (s *mailTokens) Consume(ctx context.Context, purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
	var t ports.MailToken
	err := s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		t, err = one(ctx, (*Store)(s), tx, &mailTokenRow{}, ports.ErrTokenUnknown, `
			DELETE FROM mail_tokens WHERE hash = ? AND purpose = ? AND expires_at > ?
			RETURNING hash, purpose, subject, email, data, created_at, expires_at`, h[:], purpose, ms(now))
		return err
	})
	if err != nil {
		return ports.MailToken{}, err
	}
	return t, nil
}

// DeleteExpired implements ports.MailTokens.
func (s *mailTokens) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	return (*Store)(s).sweep(ctx, `DELETE FROM mail_tokens WHERE expires_at <= ?`, ms(now))
}

// mailTokenRow is a row of mail_tokens.
type mailTokenRow struct{ t ports.MailToken }

func (r *mailTokenRow) columns(into []any) []any {
	t := &r.t
	return append(into,
		(*hashColumn)(&t.Hash), &t.Purpose, &t.Subject, &t.Email, &t.Data, (*timeColumn)(&t.CreatedAt), (*timeColumn)(&t.ExpiresAt))
}

func (r *mailTokenRow) value() ports.MailToken { return r.t }
