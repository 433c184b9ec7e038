package auth_test

import (
	"context"
	"testing"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

func init() {
	flows = append(flows, flow{
		name: "DevelopmentUser",
		start: func(w *world) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				u, err := w.service.DevelopmentUser(ctx, client)
				if err != nil {
					return nil, err
				}
				return &u, nil
			}
		},
		calls:  []string{"Users.ByLogin", "Users.Create", "Audit.Record"},
		misses: map[string]string{"Users.ByLogin#1": "ok"},
	})
}

func TestService_DevelopmentUser(t *testing.T) {
	w := newWorld(t)
	u, err := w.service.DevelopmentUser(t.Context(), client)
	if err != nil || u.Tenant != auth.DevelopmentTenant || u.Name.String() != "developer" || u.PasswordHash != "" || !u.Email.IsZero() ||
		len(u.Permissions) > 0 || u.Profile.FullName != "Development user" {
		t.Fatalf("the development user is %+v: %v", u, err)
	}
	again, err := w.service.DevelopmentUser(t.Context(), client)
	if err != nil || again.ID != u.ID {
		t.Errorf("the second time it is %s, was %s: %v", again.ID, u.ID, err)
	}
	for _, password := range []string{alicePassword, otherPassword} { // no other way in
		if _, err := w.service.Login(t.Context(), auth.PasswordLogin{Login: "developer", Password: password}, client); outcome(err) != "unauthenticated bad_credentials" {
			t.Errorf("signing in as the development user: %v", err)
		}
	}

	w.edit(u.ID, func(u *user.User) { u.Ban = &user.Ban{From: epoch} })
	if _, err := w.service.DevelopmentUser(t.Context(), client); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a ban of the development user: %v", err)
	}

	other := newWorld(t)
	other.addUser("01900000-0000-7000-8000-0000000000dd", "developer", "dev@example.org", alicePassword)
	if _, err := other.service.DevelopmentUser(t.Context(), client); fault.CodeOf(err) != "developer_taken" {
		t.Errorf("somebody else is called developer: %v", err)
	}
}

// TestService_DevelopmentUser_twice: of two first requests, one makes the user.
func TestService_DevelopmentUser_twice(t *testing.T) {
	w := newWorld(t)
	var quicker user.User
	w.before["Users.Create#1"] = func() (err error) {
		delete(w.before, "Users.Create#1")
		quicker, err = w.service.DevelopmentUser(t.Context(), client)
		return err
	}
	u, err := w.service.DevelopmentUser(t.Context(), client)
	if err != nil || u.ID != quicker.ID {
		t.Errorf("got %+v, another request made %+v: %v", u, quicker, err)
	}
}
