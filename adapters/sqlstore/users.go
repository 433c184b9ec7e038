package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type users Store

var _ ports.Users = (*users)(nil)

const userColumns = `u.id, u.tenant, u.name, u.name_key, u.email, u.email_key, u.email_confirmed, u.password_hash,
	u.permissions, u.ban_reason, u.ban_from, u.ban_until, u.created_at, u.updated_at, u.full_name, u.picture`

// Create implements ports.Users.
func (s *users) Create(ctx context.Context, u user.User) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		args, err := userArgs(&u)
		if err != nil {
			return err
		}
		broken, err := db.attempt(ctx, tx, `
			INSERT INTO users (tenant, name, name_key, email, email_key, email_confirmed, password_hash, permissions,
				ban_reason, ban_from, ban_until, created_at, updated_at, full_name, picture, id)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, args...)
		if err != nil {
			return err
		}
		if broken != NoViolation {
			if _, err := s.byID(ctx, tx, u.ID); err == nil {
				return ports.ErrIDTaken
			}
			return s.clash(ctx, tx, &u)
		}
		return s.permit(ctx, tx, &u)
	})
}

// ByID implements ports.Users.
func (s *users) ByID(ctx context.Context, id string) (user.User, error) {
	return point(ctx, (*Store)(s), newUserRow(), ports.ErrUserUnknown, `
		SELECT `+userColumns+` FROM users u WHERE u.id = ?`, id)
}

// ByLogin implements ports.Users.
func (s *users) ByLogin(ctx context.Context, key string) (user.User, error) {
	if strings.Contains(key, "@") {
		return point(ctx, (*Store)(s), newUserRow(), ports.ErrUserUnknown, `
			SELECT `+userColumns+` FROM users u WHERE u.email_key = ?`, key)
	}
	return point(ctx, (*Store)(s), newUserRow(), ports.ErrUserUnknown, `
		SELECT `+userColumns+` FROM users u WHERE u.name_key = ?`, key)
}

// Update implements ports.Users.
func (s *users) Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error) {
	return s.update(ctx, tenant.Every(), id, change)
}

// update changes a user of a scope.
func (s *users) update(ctx context.Context, scope tenant.Scope, id string, change func(*user.User) error) (user.User, error) {
	db := (*Store)(s)
	and, args := within(scope, "u.tenant")
	var result user.User
	err := db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		u, err := one(ctx, db, tx, newUserRow(), ports.ErrUserUnknown, `
			SELECT `+userColumns+` FROM users u WHERE u.id = ?`+and, append([]any{id}, args...)...)
		if err != nil {
			return err
		}
		before, home := slices.Clone(u.Permissions), u.Tenant
		if err := change(&u); err != nil {
			return err
		}
		u.ID = id
		args, err := userArgs(&u)
		if err != nil {
			return err
		}
		broken, err := db.attempt(ctx, tx, `
			UPDATE users SET tenant = ?, name = ?, name_key = ?, email = ?, email_key = ?, email_confirmed = ?,
				password_hash = ?, permissions = ?, ban_reason = ?, ban_from = ?, ban_until = ?, created_at = ?, updated_at = ?,
				full_name = ?, picture = ?
			WHERE id = ?`, args...)
		if err != nil {
			return err
		}
		if broken != NoViolation {
			return s.clash(ctx, tx, &u)
		}
		if !slices.Equal(before, u.Permissions) || home != u.Tenant {
			if _, err := db.exec(ctx, tx, `DELETE FROM user_permissions WHERE user_id = ?`, id); err != nil {
				return err
			}
			if err := s.permit(ctx, tx, &u); err != nil {
				return err
			}
		}
		result = cleanUser(u)
		return nil
	})
	if err != nil {
		return user.User{}, err
	}
	return result, nil
}

// Delete implements ports.Users.
func (s *users) Delete(ctx context.Context, id string) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := db.exec(ctx, tx, `DELETE FROM users WHERE id = ?`, id) // sessions, identities and permissions go by cascade
		if err != nil {
			return err
		}
		if n == 0 {
			return ports.ErrUserUnknown
		}
		_, err = db.exec(ctx, tx, `DELETE FROM mail_tokens WHERE subject = ?`, id)
		return err
	})
}

// byID reads a user that the transaction came upon.
func (s *users) byID(ctx context.Context, tx *sql.Tx, id string) (user.User, error) {
	return one(ctx, (*Store)(s), tx, newUserRow(), ports.ErrUserUnknown, `
		SELECT `+userColumns+` FROM users u WHERE u.id = ?`, id)
}

// clash tells which key of a user somebody else has: the databases say that one
// is taken, and not each says which.
func (s *users) clash(ctx context.Context, tx *sql.Tx, u *user.User) error {
	_, err := one(ctx, (*Store)(s), tx, newTextRow(), ports.ErrEmailTaken, `
		SELECT id FROM users WHERE name_key = ? AND id <> ?`, u.Name.Key(), u.ID)
	if err != nil {
		return err
	}
	return ports.ErrUsernameTaken
}

// permit writes a user's permissions where they are searched.
func (s *users) permit(ctx context.Context, tx *sql.Tx, u *user.User) error {
	for _, permission := range u.Permissions {
		if _, err := (*Store)(s).exec(ctx, tx, `
			INSERT INTO user_permissions (permission, user_id, tenant) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			permission, u.ID, u.Tenant); err != nil {
			return err
		}
	}
	return nil
}

// userArgs returns the columns of a user but the id, then the id.
func userArgs(u *user.User) ([]any, error) {
	var email, reason sql.NullString
	var from, until sql.NullInt64
	if !u.Email.IsZero() {
		email = sql.NullString{String: u.Email.Key(), Valid: true}
	}
	if u.Ban != nil {
		reason = sql.NullString{String: u.Ban.Reason, Valid: true}
		from, until = sql.NullInt64{Int64: ms(u.Ban.From), Valid: true}, sql.NullInt64{Int64: ms(u.Ban.Until), Valid: true}
	}
	permissions, err := jsonText(u.Permissions, len(u.Permissions))
	if err != nil {
		return nil, err
	}
	return []any{
		u.Tenant, u.Name.String(), u.Name.Key(), u.Email.String(), email, u.EmailConfirmed, u.PasswordHash, permissions,
		reason, from, until, ms(u.CreatedAt), ms(u.UpdatedAt), u.Profile.FullName, u.Profile.Picture, u.ID,
	}, nil
}

// cleanUser returns a user as it will be read, sharing nothing with it.
func cleanUser(u user.User) user.User {
	u.Permissions = slices.Clone(u.Permissions)
	if u.Ban != nil {
		u.Ban = &user.Ban{Reason: u.Ban.Reason, From: at(ms(u.Ban.From)), Until: at(ms(u.Ban.Until))}
	}
	u.CreatedAt, u.UpdatedAt = at(ms(u.CreatedAt)), at(ms(u.UpdatedAt))
	return u
}

// userRow is a row of userColumns.
type userRow struct {
	u                    user.User
	name, nameKey, email string
	emailKey, reason     sql.NullString
	banFrom, banUntil    sql.NullInt64
}

func newUserRow() row[user.User] { return &userRow{} }

func (r *userRow) columns(into []any) []any {
	u := &r.u
	return append(into,
		&u.ID, &u.Tenant, &r.name, &r.nameKey, &r.email, &r.emailKey, &u.EmailConfirmed, &u.PasswordHash,
		jsonColumn[[]string]{&u.Permissions}, &r.reason, &r.banFrom, &r.banUntil, (*timeColumn)(&u.CreatedAt),
		(*timeColumn)(&u.UpdatedAt), &u.Profile.FullName, &u.Profile.Picture)
}

func (r *userRow) value() user.User {
	r.u.Name = user.NameOf(r.name, r.nameKey)
	r.u.Email = user.EmailOf(r.email, r.emailKey.String)
	if r.banFrom.Valid {
		r.u.Ban = &user.Ban{Reason: r.reason.String, From: at(r.banFrom.Int64), Until: at(r.banUntil.Int64)}
	}
	return r.u
}
