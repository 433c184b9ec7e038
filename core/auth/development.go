package auth

import (
	"context"
	"fmt"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

// What marks the user that everybody is while an application is developed without
// signing in. Nobody can get into that tenant or account any other way: it has
// neither password nor address nor identity.
const (
	DevelopmentTenant = "development"
	developerName     = "developer"
	developerTitle    = "Development user"
)

// DevelopmentUser returns the user whom an adapter lets everybody be while an
// application is developed, and makes it the first time. An account of that name
// that is not it is Conflict.
func (s *Service) DevelopmentUser(ctx context.Context, c Client) (user.User, error) {
	name, err := user.ParseName(developerName)
	if err != nil {
		return user.User{}, err
	}
	u, err := s.Users.ByLogin(ctx, name.Key())
	if isNotFound(err) {
		if u, err = s.developer(ctx, name, c); fault.KindOf(err) == fault.Conflict {
			u, err = s.Users.ByLogin(ctx, name.Key()) // somebody was quicker
		}
	}
	if err != nil {
		return user.User{}, fmt.Errorf("find the development user: %w", err)
	}
	if u.Tenant != DevelopmentTenant {
		return user.User{}, fault.New(fault.Conflict, "developer_taken", `there is an account called "developer" that is not the development user's`)
	}
	return u, banned(&u, s.Now())
}

func (s *Service) developer(ctx context.Context, name user.Name, c Client) (user.User, error) {
	id, err := s.newID()
	if err != nil {
		return user.User{}, err
	}
	u := user.New(id, DevelopmentTenant, name, user.Email{}, "", s.Now())
	u.Profile.FullName = developerTitle
	return u, s.keep(ctx, u, c)
}
