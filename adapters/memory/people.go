package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// people are the users of a scope.
type people struct {
	*Store
	scope tenant.Scope
}

var _ ports.People = (*people)(nil)

// ByID implements ports.People.
func (s *people) ByID(ctx context.Context, id string) (user.User, error) {
	return s.within((*users)(s.Store).ByID(ctx, id))
}

// ByLogin implements ports.People.
func (s *people) ByLogin(ctx context.Context, key string) (user.User, error) {
	return s.within((*users)(s.Store).ByLogin(ctx, key))
}

// within makes a miss of a user outside the scope.
func (s *people) within(u user.User, err error) (user.User, error) {
	if err == nil && !s.scope.Sees(u.Tenant) {
		return user.User{}, ports.ErrUserUnknown
	}
	return u, err
}

// Update implements ports.People.
func (s *people) Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error) {
	return (*users)(s.Store).update(ctx, s.scope, id, func(u *user.User) error {
		home := u.Tenant
		err := change(u)
		u.Tenant = home
		return err
	})
}

// Search implements ports.People.
func (s *people) Search(ctx context.Context, q ports.UserQuery) ([]user.User, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []user.User
	for _, u := range s.users {
		switch {
		case !s.scope.Sees(u.Tenant):
		case !strings.Contains(u.Name.Key(), q.Text) && !strings.Contains(u.Email.Key(), q.Text):
		case q.Holds != "" && !slices.Contains(u.Permissions, q.Holds):
		case q.Banned && u.Ban == nil:
		case u.ID <= q.After && q.After != "":
		default:
			found = append(found, cleanUser(u))
		}
	}
	slices.SortFunc(found, func(a, b user.User) int { return strings.Compare(a.ID, b.ID) })
	return found[:min(len(found), ports.Limit(q.Limit))], nil
}
