package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type apiTokens Store

var _ ports.APITokens = (*apiTokens)(nil)

const apiTokenColumns = `t.id, t.user_id, t.tenant, t.name, t.scopes, t.hash, t.created_at, t.expires_at, t.used_at` //nolint:gosec // names of columns

// Create implements ports.APITokens.
func (s *apiTokens) Create(ctx context.Context, t apitoken.Token, limit int) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		scopes, err := jsonText(t.Scopes, len(t.Scopes))
		if err != nil {
			return err
		}
		broken, err := db.attempt(ctx, tx, `
			INSERT INTO api_tokens (id, user_id, tenant, name, scopes, hash, created_at, expires_at, used_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			t.ID, t.UserID, t.Tenant, t.Name, scopes, t.Hash[:], ms(t.CreatedAt), msOrNull(t.ExpiresAt), ms(t.UsedAt))
		switch {
		case err != nil:
			return err
		case broken == ForeignKeyViolation:
			return ports.ErrUserUnknown
		case broken == UniqueViolation:
			if _, err := s.byID(ctx, tx, t.ID); err == nil {
				return ports.ErrIDTaken
			}
			return ports.ErrHashTaken
		}
		n, err := one(ctx, db, tx, newCountRow(), nil, `SELECT count(*) FROM api_tokens WHERE user_id = ?`, t.UserID)
		if err == nil && n > int64(limit) {
			return ports.ErrTooManyTokens
		}
		return err
	})
}

// ByHash implements ports.APITokens. For its subquery see sessions.ByHash.
func (s *apiTokens) ByHash(ctx context.Context, h secret.Hash) (apitoken.Token, user.User, error) {
	both, err := point(ctx, (*Store)(s), &apiTokenOfRow{}, ports.ErrTokenUnknown, `
		SELECT `+apiTokenColumns+`, `+userColumns+` FROM (
			SELECT * FROM api_tokens WHERE hash = ? LIMIT 1
		) t JOIN users u ON u.id = t.user_id`, h[:])
	return both.Token, both.User, err
}

// ByUser implements ports.APITokens.
func (s *apiTokens) ByUser(ctx context.Context, userID string) ([]apitoken.Token, error) {
	return scan(ctx, (*Store)(s), newAPITokenRow, `
		SELECT `+apiTokenColumns+` FROM api_tokens t WHERE t.user_id = ? ORDER BY t.created_at DESC, t.id DESC`, userID)
}

// Alive implements ports.APITokens.
func (s *apiTokens) Alive(ctx context.Context, now time.Time, after string, limit int) ([]ports.UsersToken, error) {
	return scan(ctx, (*Store)(s), newAPITokenOfRow, `
		SELECT `+apiTokenColumns+`, `+userColumns+` FROM (
			SELECT * FROM api_tokens WHERE id > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY id LIMIT ?
		) t JOIN users u ON u.id = t.user_id ORDER BY t.id`, after, ms(now), ports.Limit(limit))
}

// Touch implements ports.APITokens.
func (s *apiTokens) Touch(ctx context.Context, id string, at time.Time) error {
	n, err := (*Store)(s).sweep(ctx, `
		UPDATE api_tokens SET used_at = CASE WHEN used_at < ? THEN ? ELSE used_at END WHERE id = ?`, ms(at), ms(at), id)
	if err == nil && n == 0 {
		return ports.ErrTokenUnknown
	}
	return err
}

// Delete implements ports.APITokens.
func (s *apiTokens) Delete(ctx context.Context, userID, id string) (apitoken.Token, error) {
	var removed apitoken.Token
	err := s.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		removed, err = one(ctx, (*Store)(s), tx, newAPITokenRow(), ports.ErrTokenUnknown, `
			SELECT `+apiTokenColumns+` FROM api_tokens t WHERE t.id = ? AND t.user_id = ?`, id, userID)
		if err != nil {
			return err
		}
		_, err = (*Store)(s).exec(ctx, tx, `DELETE FROM api_tokens WHERE id = ? AND user_id = ?`, id, userID)
		return err
	})
	if err != nil {
		return apitoken.Token{}, err
	}
	return removed, nil
}

// DeleteExpired implements ports.APITokens.
func (s *apiTokens) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	return (*Store)(s).sweep(ctx, `DELETE FROM api_tokens WHERE expires_at <= ?`, ms(now))
}

// byID reads a token that the transaction came upon.
func (s *apiTokens) byID(ctx context.Context, tx *sql.Tx, id string) (apitoken.Token, error) {
	return one(ctx, (*Store)(s), tx, newAPITokenRow(), ports.ErrTokenUnknown, `
		SELECT `+apiTokenColumns+` FROM api_tokens t WHERE t.id = ?`, id)
}

// msOrNull returns a time for a column in which the zero time is NULL.
func msOrNull(t time.Time) sql.NullInt64 {
	n := ms(t)
	return sql.NullInt64{Int64: n, Valid: n != ms(time.Time{})}
}

// apiTokenRow is a row of apiTokenColumns.
type apiTokenRow struct {
	t       apitoken.Token
	expires sql.NullInt64
}

func newAPITokenRow() row[apitoken.Token] { return &apiTokenRow{} }

func (r *apiTokenRow) columns(into []any) []any {
	t := &r.t
	return append(into, &t.ID, &t.UserID, &t.Tenant, &t.Name, jsonColumn[[]string]{&t.Scopes}, (*hashColumn)(&t.Hash),
		(*timeColumn)(&t.CreatedAt), &r.expires, (*timeColumn)(&t.UsedAt))
}

func (r *apiTokenRow) value() apitoken.Token {
	if r.expires.Valid {
		r.t.ExpiresAt = at(r.expires.Int64)
	}
	return r.t
}

// apiTokenOfRow is a row of apiTokenColumns and userColumns.
type apiTokenOfRow struct {
	token apiTokenRow
	user  userRow
}

func newAPITokenOfRow() row[ports.UsersToken] { return &apiTokenOfRow{} }

func (r *apiTokenOfRow) columns(into []any) []any { return r.user.columns(r.token.columns(into)) }
func (r *apiTokenOfRow) value() ports.UsersToken {
	return ports.UsersToken{Token: r.token.value(), User: r.user.value()}
}
