package auth_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/apitoken"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/mock"
)

func (w *world) mockTenants() *mock.TenantsMock {
	clash := func(t tenant.Tenant) error {
		for _, other := range w.tenants {
			if other.ID != t.ID && slices.ContainsFunc(other.External, func(e tenant.External) bool { return slices.Contains(t.External, e) }) {
				return fault.New(fault.Conflict, "external_taken", "taken")
			}
		}
		return nil
	}
	return &mock.TenantsMock{
		CreateFunc: func(ctx context.Context, t tenant.Tenant) error {
			return w.do(ctx, "Tenants.Create", func() error {
				if _, there := w.tenants[t.ID]; there {
					return fault.New(fault.Conflict, "id_taken", "taken")
				}
				if err := clash(t); err != nil {
					return err
				}
				w.tenants[t.ID] = copyTenant(t)
				return nil
			})
		},
		ByIDFunc: func(ctx context.Context, id string) (t tenant.Tenant, err error) {
			err = w.do(ctx, "Tenants.ByID", func() error {
				found, ok := w.tenants[id]
				if !ok {
					return miss()
				}
				t = copyTenant(found)
				return nil
			})
			return t, err
		},
		ByExternalFunc: func(ctx context.Context, e tenant.External) (t tenant.Tenant, err error) {
			err = w.do(ctx, "Tenants.ByExternal", func() error {
				for _, found := range w.tenants {
					if slices.Contains(found.External, e) {
						t = copyTenant(found)
						return nil
					}
				}
				return miss()
			})
			return t, err
		},
		UpdateFunc: func(ctx context.Context, id string, change func(*tenant.Tenant) error) (t tenant.Tenant, err error) {
			err = w.do(ctx, "Tenants.Update", func() error {
				found, ok := w.tenants[id]
				if !ok {
					return miss()
				}
				twice := copyTenant(found) // the function may run more than once
				_ = change(&twice)
				changed := copyTenant(found)
				if err := change(&changed); err != nil {
					return err
				}
				if err := clash(changed); err != nil {
					return err
				}
				w.tenants[id], t = copyTenant(changed), changed
				return nil
			})
			return t, err
		},
		ListFunc: func(ctx context.Context, after string, limit int) (list []tenant.Tenant, err error) {
			err = w.do(ctx, "Tenants.List", func() error {
				for id, t := range w.tenants {
					if id > after {
						list = append(list, copyTenant(t))
					}
				}
				slices.SortFunc(list, func(a, b tenant.Tenant) int { return strings.Compare(a.ID, b.ID) })
				list = list[:min(len(list), pageOf(limit))]
				return nil
			})
			return list, err
		},
	}
}

func copyTenant(t tenant.Tenant) tenant.Tenant {
	t.External = slices.Clone(t.External)
	return t
}

func copyClient(c machine.Client) machine.Client {
	c.Permissions, c.Secrets, c.Keys = slices.Clone(c.Permissions), slices.Clone(c.Secrets), slices.Clone(c.Keys)
	return c
}

func copyAPIToken(t apitoken.Token) apitoken.Token {
	t.Scopes = slices.Clone(t.Scopes)
	return t
}

func pageOf(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 1000)
}

func (w *world) mockDirectory() *mock.DirectoryMock {
	return &mock.DirectoryMock{
		PeopleFunc:  func(s tenant.Scope) ports.People { return w.mockPeople(s) },
		ClientsFunc: func(s tenant.Scope) ports.Clients { return w.mockClients(s) },
		LogFunc:     func(s tenant.Scope) ports.Log { return w.mockLog(s) },
	}
}

func (w *world) mockPeople(scope tenant.Scope) *mock.PeopleMock {
	find := func(ctx context.Context, call string, is func(user.User) bool) (u user.User, err error) {
		err = w.do(ctx, call, func() error {
			for _, found := range w.users {
				if scope.Sees(found.Tenant) && is(found) {
					u = copyUser(found)
					return nil
				}
			}
			return miss()
		})
		return u, err
	}
	return &mock.PeopleMock{
		ByIDFunc: func(ctx context.Context, id string) (user.User, error) {
			return find(ctx, "People.ByID", func(u user.User) bool { return u.ID == id })
		},
		ByLoginFunc: func(ctx context.Context, key string) (user.User, error) {
			return find(ctx, "People.ByLogin", func(u user.User) bool {
				return strings.Contains(key, "@") && u.Email.Key() == key || u.Name.Key() == key
			})
		},
		SearchFunc: func(ctx context.Context, q ports.UserQuery) (list []user.User, err error) {
			err = w.do(ctx, "People.Search", func() error {
				for _, u := range w.users {
					if scope.Sees(u.Tenant) && (q.Holds == "" || slices.Contains(u.Permissions, q.Holds)) && u.ID > q.After {
						list = append(list, copyUser(u))
					}
				}
				slices.SortFunc(list, func(a, b user.User) int { return strings.Compare(a.ID, b.ID) })
				list = list[:min(len(list), pageOf(q.Limit))]
				return nil
			})
			return list, err
		},
		UpdateFunc: func(ctx context.Context, id string, change func(*user.User) error) (u user.User, err error) {
			err = w.do(ctx, "People.Update", func() error {
				found, ok := w.users[id]
				if !ok || !scope.Sees(found.Tenant) {
					return miss()
				}
				u, err = w.updateUser(found, change)
				return err
			})
			return u, err
		},
	}
}

// updateUser changes a user, under the lock.
func (w *world) updateUser(found user.User, change func(*user.User) error) (user.User, error) {
	twice := copyUser(found) // the function may run more than once
	_ = change(&twice)
	changed := copyUser(found)
	if err := change(&changed); err != nil {
		return user.User{}, err
	}
	if err := w.clash(changed); err != nil {
		return user.User{}, err
	}
	w.users[found.ID] = copyUser(changed)
	return changed, nil
}

func (w *world) mockClients(scope tenant.Scope) *mock.ClientsMock {
	find := func(id string) (machine.Client, error) {
		c, ok := w.clients[id]
		if !ok || !scope.Sees(c.Tenant) {
			return machine.Client{}, miss()
		}
		return copyClient(c), nil
	}
	return &mock.ClientsMock{
		CreateFunc: func(ctx context.Context, c machine.Client) error {
			return w.do(ctx, "Clients.Create", func() error {
				if !scope.Sees(c.Tenant) {
					return fault.InvalidField("tenant", "foreign", "out of scope")
				}
				if _, there := w.clients[c.ID]; there {
					return fault.New(fault.Conflict, "id_taken", "taken")
				}
				w.clients[c.ID] = copyClient(c)
				return nil
			})
		},
		ByIDFunc: func(ctx context.Context, id string) (c machine.Client, err error) {
			err = w.do(ctx, "Clients.ByID", func() (err error) {
				c, err = find(id)
				return err
			})
			return c, err
		},
		UpdateFunc: func(ctx context.Context, id string, change func(*machine.Client) error) (c machine.Client, err error) {
			err = w.do(ctx, "Clients.Update", func() error {
				found, err := find(id)
				if err != nil {
					return err
				}
				twice := copyClient(found) // the function may run more than once
				_ = change(&twice)
				changed := copyClient(found)
				if err := change(&changed); err != nil {
					return err
				}
				w.clients[id], c = copyClient(changed), changed
				return nil
			})
			return c, err
		},
		DeleteFunc: func(ctx context.Context, id string) error {
			return w.do(ctx, "Clients.Delete", func() error {
				if _, err := find(id); err != nil {
					return err
				}
				delete(w.clients, id)
				return nil
			})
		},
		ListFunc: func(ctx context.Context, after string, limit int) (list []machine.Client, err error) {
			err = w.do(ctx, "Clients.List", func() error {
				for id, c := range w.clients {
					if id > after && scope.Sees(c.Tenant) {
						list = append(list, copyClient(c))
					}
				}
				slices.SortFunc(list, func(a, b machine.Client) int { return strings.Compare(a.ID, b.ID) })
				list = list[:min(len(list), pageOf(limit))]
				return nil
			})
			return list, err
		},
	}
}

func (w *world) mockLog(scope tenant.Scope) *mock.LogMock {
	return &mock.LogMock{SearchFunc: func(ctx context.Context, q ports.EventQuery) (list []ports.Event, err error) {
		err = w.do(ctx, "Log.Search", func() error {
			for _, e := range slices.Backward(w.events) {
				seen := scope.Sees(e.Tenant) || e.Tenant == "" && scope.Sees(tenant.Default)
				if seen && (q.Before == 0 || e.Sequence < q.Before) && len(list) < pageOf(q.Limit) {
					list = append(list, e)
				}
			}
			return nil
		})
		return list, err
	}}
}

func (w *world) mockMachines() *mock.MachinesMock {
	return &mock.MachinesMock{ByIDFunc: func(ctx context.Context, id string) (c machine.Client, err error) {
		err = w.do(ctx, "Machines.ByID", func() error {
			found, ok := w.clients[id]
			if !ok {
				return miss()
			}
			c = copyClient(found)
			return nil
		})
		return c, err
	}}
}

func (w *world) mockAPITokens() *mock.APITokensMock {
	return &mock.APITokensMock{
		CreateFunc: func(ctx context.Context, t apitoken.Token, limit int) error {
			return w.do(ctx, "APITokens.Create", func() error {
				if _, there := w.users[t.UserID]; !there {
					return miss()
				}
				n := 0
				for _, other := range w.tokens {
					if other.ID == t.ID || other.Hash == t.Hash {
						return fault.New(fault.Conflict, "id_taken", "taken")
					}
					if other.UserID == t.UserID {
						n++
					}
				}
				if n >= limit {
					return fault.New(fault.Conflict, "too_many", "too many")
				}
				w.tokens[t.ID] = copyAPIToken(t)
				return nil
			})
		},
		ByHashFunc: func(ctx context.Context, h secret.Hash) (t apitoken.Token, u user.User, err error) {
			err = w.do(ctx, "APITokens.ByHash", func() error {
				for _, found := range w.tokens {
					if found.Hash == h {
						t, u = copyAPIToken(found), copyUser(w.users[found.UserID])
						return nil
					}
				}
				return miss()
			})
			return t, u, err
		},
		ByUserFunc: func(ctx context.Context, userID string) (list []apitoken.Token, err error) {
			err = w.do(ctx, "APITokens.ByUser", func() error {
				for _, t := range w.tokens {
					if t.UserID == userID {
						list = append(list, copyAPIToken(t))
					}
				}
				slices.SortFunc(list, func(a, b apitoken.Token) int { return strings.Compare(b.ID, a.ID) })
				return nil
			})
			return list, err
		},
		AliveFunc: func(ctx context.Context, now time.Time, after string, limit int) (list []ports.UsersToken, err error) {
			err = w.do(ctx, "APITokens.Alive", func() error {
				for _, t := range w.tokens {
					if t.ID > after && t.Alive(now) {
						list = append(list, ports.UsersToken{Token: copyAPIToken(t), User: copyUser(w.users[t.UserID])})
					}
				}
				slices.SortFunc(list, func(a, b ports.UsersToken) int { return strings.Compare(a.Token.ID, b.Token.ID) })
				list = list[:min(len(list), pageOf(limit))]
				return nil
			})
			return list, err
		},
		TouchFunc: func(ctx context.Context, id string, at time.Time) error {
			return w.do(ctx, "APITokens.Touch", func() error {
				t, there := w.tokens[id]
				if !there {
					return miss()
				}
				t.UsedAt = at
				w.tokens[id] = t
				return nil
			})
		},
		DeleteFunc: func(ctx context.Context, userID, id string) (t apitoken.Token, err error) {
			err = w.do(ctx, "APITokens.Delete", func() error {
				found, there := w.tokens[id]
				if !there || found.UserID != userID {
					return miss()
				}
				delete(w.tokens, id)
				t = found
				return nil
			})
			return t, err
		},
		DeleteExpiredFunc: func(ctx context.Context, now time.Time) (n int, err error) {
			err = w.do(ctx, "APITokens.DeleteExpired", func() error {
				for id, t := range w.tokens {
					if !t.Alive(now) {
						delete(w.tokens, id)
						n++
					}
				}
				return nil
			})
			return n, err
		},
	}
}
