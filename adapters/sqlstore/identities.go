package sqlstore

import (
	"context"
	"database/sql"

	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type identities Store

var _ ports.Identities = (*identities)(nil)

const identityColumns = `i.id, i.user_id, i.provider, i.issuer, i.subject, i.email, i.created_at, i.used_at`

// Create implements ports.Identities.
func (s *identities) Create(ctx context.Context, i user.Identity) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		broken, err := db.attempt(ctx, tx, `
			INSERT INTO identities (id, user_id, provider, issuer, subject, email, created_at, used_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			i.ID, i.UserID, i.Provider, i.Issuer, i.Subject, i.Email, ms(i.CreatedAt), ms(i.UsedAt))
		switch {
		case err != nil:
			return err
		case broken == ForeignKeyViolation:
			return ports.ErrUserUnknown
		case broken == UniqueViolation:
			if _, err := s.byID(ctx, tx, i.ID); err == nil {
				return ports.ErrIDTaken
			}
			return ports.ErrIdentityTaken
		}
		return nil
	})
}

// BySubject implements ports.Identities. For its subquery see sessions.ByHash.
func (s *identities) BySubject(ctx context.Context, issuer, subject string) (user.Identity, user.User, error) {
	both, err := point(ctx, (*Store)(s), &ownedRow{}, ports.ErrIdentityUnknown, `
		SELECT `+identityColumns+`, `+userColumns+` FROM (
			SELECT * FROM identities WHERE subject = ? AND issuer = ? LIMIT 1
		) i JOIN users u ON u.id = i.user_id`, subject, issuer)
	return both.Identity, both.User, err
}

// ByUser implements ports.Identities.
func (s *identities) ByUser(ctx context.Context, userID string) ([]user.Identity, error) {
	return scan(ctx, (*Store)(s), newIdentityRow, `
		SELECT `+identityColumns+` FROM identities i WHERE i.user_id = ? ORDER BY i.created_at, i.id`, userID)
}

// ByIssuer implements ports.Identities.
func (s *identities) ByIssuer(ctx context.Context, issuer, after string, limit int) ([]ports.UsersIdentity, error) {
	return scan(ctx, (*Store)(s), newOwnedRow, `
		SELECT `+identityColumns+`, `+userColumns+` FROM (
			SELECT * FROM identities WHERE issuer = ? AND id > ? ORDER BY id LIMIT ?
		) i JOIN users u ON u.id = i.user_id ORDER BY i.id`, issuer, after, ports.Limit(limit))
}

// Update implements ports.Identities.
func (s *identities) Update(ctx context.Context, id string, change func(*user.Identity) error) (user.Identity, error) {
	db := (*Store)(s)
	var result user.Identity
	err := db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		before, err := s.byID(ctx, tx, id)
		if err != nil {
			return err
		}
		i := before
		if err := change(&i); err != nil {
			return err
		}
		result = user.Identity{
			ID: id, UserID: before.UserID, Provider: i.Provider, Issuer: before.Issuer, Subject: before.Subject, Email: i.Email,
			CreatedAt: at(ms(i.CreatedAt)), UsedAt: at(ms(i.UsedAt)),
		}
		_, err = db.exec(ctx, tx, `UPDATE identities SET provider = ?, email = ?, created_at = ?, used_at = ? WHERE id = ?`,
			result.Provider, result.Email, ms(result.CreatedAt), ms(result.UsedAt), id)
		return err
	})
	if err != nil {
		return user.Identity{}, err
	}
	return result, nil
}

// Delete implements ports.Identities.
func (s *identities) Delete(ctx context.Context, id string) error {
	n, err := (*Store)(s).sweep(ctx, `DELETE FROM identities WHERE id = ?`, id)
	if err == nil && n == 0 {
		return ports.ErrIdentityUnknown
	}
	return err
}

// byID reads an identity that the transaction is about to change.
func (s *identities) byID(ctx context.Context, tx *sql.Tx, id string) (user.Identity, error) {
	return one(ctx, (*Store)(s), tx, newIdentityRow(), ports.ErrIdentityUnknown, `
		SELECT `+identityColumns+` FROM identities i WHERE i.id = ?`, id)
}

// identityRow is a row of identityColumns.
type identityRow struct{ i user.Identity }

func newIdentityRow() row[user.Identity] { return &identityRow{} }

func (r *identityRow) columns(into []any) []any {
	i := &r.i
	return append(into, &i.ID, &i.UserID, &i.Provider, &i.Issuer, &i.Subject, &i.Email,
		(*timeColumn)(&i.CreatedAt), (*timeColumn)(&i.UsedAt))
}

func (r *identityRow) value() user.Identity { return r.i }

// ownedRow is a row of identityColumns and userColumns.
type ownedRow struct {
	identity identityRow
	user     userRow
}

func newOwnedRow() row[ports.UsersIdentity] { return &ownedRow{} }

func (r *ownedRow) columns(into []any) []any { return r.user.columns(r.identity.columns(into)) }
func (r *ownedRow) value() ports.UsersIdentity {
	return ports.UsersIdentity{Identity: r.identity.value(), User: r.user.value()}
}
