package sqlstore

import (
	"context"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// people are the users of a scope.
type people struct {
	db    *Store
	scope tenant.Scope
}

var _ ports.People = (*people)(nil)

// ByID implements ports.People.
func (s *people) ByID(ctx context.Context, id string) (user.User, error) {
	and, args := within(s.scope, "u.tenant")
	return point(ctx, s.db, newUserRow(), ports.ErrUserUnknown, `
		SELECT `+userColumns+` FROM users u WHERE u.id = ?`+and, append([]any{id}, args...)...)
}

// ByLogin implements ports.People.
func (s *people) ByLogin(ctx context.Context, key string) (user.User, error) {
	and, args := within(s.scope, "u.tenant")
	args = append([]any{key}, args...)
	if strings.Contains(key, "@") {
		return point(ctx, s.db, newUserRow(), ports.ErrUserUnknown, `
			SELECT `+userColumns+` FROM users u WHERE u.email_key = ?`+and, args...)
	}
	return point(ctx, s.db, newUserRow(), ports.ErrUserUnknown, `
		SELECT `+userColumns+` FROM users u WHERE u.name_key = ?`+and, args...)
}

// Update implements ports.People.
func (s *people) Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error) {
	return (*users)(s.db).update(ctx, s.scope, id, func(u *user.User) error {
		home := u.Tenant
		err := change(u)
		u.Tenant = home
		return err
	})
}

// Search implements ports.People. Whatever it looks for, it reads the users of an index in the order of their ids, and no
// further than the limit: those who hold the permission, or are banned, or are of the tenant.
func (s *people) Search(ctx context.Context, q ports.UserQuery) ([]user.User, error) {
	from, key, home := "users u", "u.id", "u.tenant"
	where, args := []string{"1 = 1"}, []any(nil)
	if q.Holds != "" {
		from, key, home = "user_permissions p CROSS JOIN users u", "p.user_id", "p.tenant" // in this order: SQLite keeps to that of CROSS JOIN
		where, args = []string{"u.id = p.user_id AND p.permission = ?"}, []any{q.Holds}
	}
	if q.After != "" {
		where = append(where, key+" > ?")
		args = append(args, q.After)
	}
	if q.Text != "" {
		contains := s.db.dialect.Contains
		where = append(where, "("+contains("u.name_key")+" OR "+contains("u.email_key")+")")
		args = append(args, q.Text, q.Text)
	}
	if q.Banned {
		where = append(where, "u.ban_from IS NOT NULL")
	}
	and, more := within(s.scope, home)
	return scan(ctx, s.db, newUserRow, `
		SELECT `+userColumns+` FROM `+from+` WHERE `+strings.Join(where, " AND ")+and+` ORDER BY `+key+` LIMIT ?`,
		append(append(args, more...), ports.Limit(q.Limit))...)
}
