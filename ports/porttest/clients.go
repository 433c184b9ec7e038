package porttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// strangers are the scopes of nobody, and of those who are not quite the tenant "acme".
func strangers() []tenant.Scope {
	scopes := []tenant.Scope{{}}
	for _, id := range []string{"", "none", "%", "ACME", "acm", "acme ", "acme\x00", "acme' OR '1'='1"} {
		scopes = append(scopes, tenant.Only(id))
	}
	return scopes
}

// Clients is the contract of ports.Clients.
func Clients(t *testing.T, open func(t *testing.T) Store) {
	all := func(t *testing.T) ports.Clients { return open(t).Directory().Clients(tenant.Every()) }
	t.Run("keeps_everything", func(t *testing.T) { clientsKeep(t, open(t)) })
	t.Run("keeps_times_to_the_millisecond", func(t *testing.T) { clientsTimes(t, all(t)) })
	t.Run("copies", func(t *testing.T) { clientsCopies(t, all(t)) })
	t.Run("misses", func(t *testing.T) { clientsMisses(t, all(t)) })
	t.Run("clashes", func(t *testing.T) { clientsClash(t, open(t)) })
	t.Run("scopes", func(t *testing.T) { clientsScopes(t, open(t)) })
	t.Run("outside", func(t *testing.T) { clientsOutside(t, open(t)) })
	t.Run("update", func(t *testing.T) { clientsUpdate(t, open(t)) })
	t.Run("update_of_each_field", func(t *testing.T) {
		s := open(t).Directory().Clients(tenant.Only("acme"))
		must(t, s.Create(t.Context(), machine(1, "acme")))
		eachField(t, fullClient(), []string{"ID", "Tenant"}, func(change func(*client.Client)) client.Client {
			got, err := s.Update(t.Context(), id(1), func(c *client.Client) error { change(c); return nil })
			must(t, err)
			read, err := s.ByID(t.Context(), id(1))
			must(t, err)
			same(t, "client read after an update", read, got)
			return read
		})
	})
	t.Run("failing_update_writes_nothing", func(t *testing.T) { clientsRollback(t, all(t)) })
	t.Run("delete", func(t *testing.T) {
		s := all(t)
		must(t, s.Create(t.Context(), machine(1, "acme")))
		must(t, s.Create(t.Context(), machine(2, "acme")))
		must(t, s.Delete(t.Context(), id(1)))
		wantFault(t, s.Delete(t.Context(), id(1)), fault.NotFound, "client_unknown")
		_, err := s.ByID(t.Context(), id(1))
		wantFault(t, err, fault.NotFound, "client_unknown")
		left, err := s.List(t.Context(), "", 0)
		must(t, err)
		same(t, "clients left", left, []client.Client{machine(2, "acme")})
		must(t, s.Create(t.Context(), machine(1, "other"))) // the id is free again
	})
	t.Run("pages", func(t *testing.T) { clientsPages(t, open(t)) })
	t.Run("parallel", func(t *testing.T) { clientsParallel(t, all(t)) })
	t.Run("ended_context", func(t *testing.T) {
		s := all(t)
		must(t, s.Create(t.Context(), machine(1, "acme")))
		endedCalls(t, map[string]func(context.Context) error{
			"Create": func(ctx context.Context) error { return s.Create(ctx, machine(2, "acme")) },
			"ByID":   func(ctx context.Context) error { _, err := s.ByID(ctx, id(1)); return err },
			"Update": func(ctx context.Context) error {
				_, err := s.Update(ctx, id(1), func(c *client.Client) error { c.Name = "late"; return nil })
				return err
			},
			"Delete": func(ctx context.Context) error { return s.Delete(ctx, id(1)) },
			"List":   func(ctx context.Context) error { _, err := s.List(ctx, "", 0); return err },
		})
		left, err := s.List(t.Context(), "", 0)
		must(t, err)
		same(t, "clients that late calls wanted to change", left, []client.Client{machine(1, "acme")})
	})
}

// Machines is the contract of ports.Machines.
func Machines(t *testing.T, open func(t *testing.T) Store) {
	t.Run("finds_those_of_every_tenant", func(t *testing.T) {
		s := open(t)
		var made []client.Client
		for n, home := range []string{"acme", "other", tenant.Default, ""} {
			c := machine(n, home)
			must(t, s.Directory().Clients(tenant.Every()).Create(t.Context(), c))
			made = append(made, c)
		}
		for _, want := range made {
			got, err := s.Machines().ByID(t.Context(), want.ID)
			must(t, err)
			same(t, "client", got, want)
			got.Permissions[0], got.Secrets[0].Hash = "spoilt", hashOf("spoilt")
			got, err = s.Machines().ByID(t.Context(), want.ID)
			must(t, err)
			same(t, "client after the one got was changed", got, want)
		}
		for _, missing := range []string{"", id(9), "%", "acme", strings.ToUpper(id(1)) + " "} {
			_, err := s.Machines().ByID(t.Context(), missing)
			wantFault(t, err, fault.NotFound, "client_unknown")
		}
		must(t, s.Directory().Clients(tenant.Only("acme")).Delete(t.Context(), made[0].ID))
		_, err := s.Machines().ByID(t.Context(), made[0].ID)
		wantFault(t, err, fault.NotFound, "client_unknown")
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t)
		must(t, s.Directory().Clients(tenant.Every()).Create(t.Context(), machine(1, "acme")))
		endedCalls(t, map[string]func(context.Context) error{
			"ByID": func(ctx context.Context) error { _, err := s.Machines().ByID(ctx, id(1)); return err },
		})
	})
}

// machine returns the nth client, of a tenant.
func machine(n int, home string) client.Client {
	return client.Client{
		ID: id(n), Tenant: home, Name: fmt.Sprint("machine ", n), Permissions: []string{"read"},
		Secrets: []client.Secret{{Hash: hashOf("secret %d", n), CreatedAt: noon}}, CreatedAt: noon, UpdatedAt: noon,
	}
}

// fullClient returns a client with every field set.
func fullClient() client.Client {
	return client.Client{
		ID: id(1), Tenant: "acme", Name: "Büro \"& Söhne\" 日本 '; DROP", Permissions: []string{"admin", "read:*", "write:a/b"},
		Secrets: []client.Secret{
			{Hash: hashOf("old"), CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}, {Hash: hashOf("new"), CreatedAt: noon.Add(time.Minute)},
		},
		Keys: []byte("{\"keys\":[]}\x00\xff"), DisabledAt: noon.Add(time.Second), CreatedAt: noon.Add(time.Minute), UpdatedAt: noon.Add(time.Hour),
	}
}

func clientsKeep(t *testing.T, store Store) {
	allSet(t, fullClient())
	long := machine(2, strings.Repeat("t", tenant.MaxID))
	long.Keys, long.Permissions = []byte(strings.Repeat("k", client.MaxKeys)), nil
	for n := range 200 {
		long.Permissions = append(long.Permissions, strings.Repeat("p", 60)+fmt.Sprint(n))
	}
	for _, want := range []client.Client{fullClient(), long, {ID: id(3), Tenant: tenant.Default}} {
		s := store.Directory().Clients(tenant.Only(want.Tenant))
		must(t, s.Create(t.Context(), want))
		got, err := s.ByID(t.Context(), want.ID)
		must(t, err)
		same(t, "client", got, want)
		list, err := s.List(t.Context(), "", 0)
		must(t, err)
		same(t, "clients of its tenant", list, []client.Client{want})
	}
}

func clientsTimes(t *testing.T, s ports.Clients) {
	odd, even := noon.Add(1_999_999).In(time.FixedZone("elsewhere", 3600)), noon.Add(time.Millisecond)
	at := func(c client.Client, when time.Time) client.Client {
		c.Secrets = []client.Secret{{Hash: hashOf("one"), CreatedAt: when, ExpiresAt: when}}
		c.DisabledAt, c.CreatedAt, c.UpdatedAt = when, when, when
		return c
	}
	must(t, s.Create(t.Context(), at(machine(1, "acme"), odd)))
	for _, step := range []struct{ give, want time.Time }{{odd, even}, {time.Time{}, time.Time{}}, {odd, even}} {
		updated, err := s.Update(t.Context(), id(1), func(c *client.Client) error {
			*c = at(*c, step.give)
			return nil
		})
		must(t, err)
		got, err := s.ByID(t.Context(), id(1))
		must(t, err)
		same(t, "client", got, at(machine(1, "acme"), step.want))
		same(t, "result", updated, got)
	}
	must(t, s.Create(t.Context(), at(machine(2, "acme"), odd)))
	got, err := s.ByID(t.Context(), id(2))
	must(t, err)
	same(t, "client as it was made", got, at(machine(2, "acme"), even))
}

func clientsCopies(t *testing.T, s ports.Clients) {
	spoil := func(c *client.Client) {
		c.Permissions[0], c.Keys[0] = "spoilt", 'X'
		c.Secrets[0].Hash = hashOf("spoilt")
	}
	give := fullClient()
	must(t, s.Create(t.Context(), give))
	spoil(&give)
	for range 2 {
		got, err := s.ByID(t.Context(), id(1))
		must(t, err)
		same(t, "client after others were changed", got, fullClient())
		spoil(&got)
		list, err := s.List(t.Context(), "", 0)
		must(t, err)
		same(t, "clients after the one got was changed", list, []client.Client{fullClient()})
		spoil(&list[0])
		var kept *client.Client
		got, err = s.Update(t.Context(), id(1), func(c *client.Client) error { kept = c; return nil })
		must(t, err)
		spoil(kept)
		same(t, "result after the updated one was changed", got, fullClient())
		spoil(&got)
	}
}

func clientsMisses(t *testing.T, s ports.Clients) {
	must(t, s.Create(t.Context(), machine(1, "acme")))
	for _, missing := range []string{"", id(3), "%", "machine 1"} {
		_, err := s.ByID(t.Context(), missing)
		wantFault(t, err, fault.NotFound, "client_unknown")
		_, err = s.Update(t.Context(), missing, func(*client.Client) error {
			t.Error("the function was called without a client")
			return nil
		})
		wantFault(t, err, fault.NotFound, "client_unknown")
		wantFault(t, s.Delete(t.Context(), missing), fault.NotFound, "client_unknown")
	}
}

// An id that is taken is taken for every tenant alike, so that the answer tells nobody whose it is.
func clientsClash(t *testing.T, store Store) {
	d := store.Directory()
	must(t, d.Clients(tenant.Only("acme")).Create(t.Context(), machine(1, "acme")))
	for home, scope := range map[string]tenant.Scope{"acme": tenant.Only("acme"), "other": tenant.Only("other"), "third": tenant.Every()} {
		c := machine(1, home)
		c.Name = "another"
		if err := d.Clients(scope).Create(t.Context(), c); !errors.Is(err, ports.ErrIDTaken) {
			t.Errorf("a client of %s with an id that is taken: %v, want %v", home, err, ports.ErrIDTaken)
		}
	}
	all, err := d.Clients(tenant.Every()).List(t.Context(), "", 0)
	must(t, err)
	same(t, "clients after clashes", all, []client.Client{machine(1, "acme")})
}

func clientsScopes(t *testing.T, store Store) {
	d := store.Directory()
	var made []client.Client
	for n, home := range []string{"acme", "other", "acme", tenant.Default, "other"} {
		c := machine(n, home)
		must(t, d.Clients(tenant.Every()).Create(t.Context(), c))
		made = append(made, c)
	}
	list := func(scope tenant.Scope, after string, limit int) []client.Client {
		t.Helper()
		got, err := d.Clients(scope).List(t.Context(), after, limit)
		must(t, err)
		return got
	}
	same(t, "clients of all", list(tenant.Every(), "", 0), made)
	same(t, "clients of acme", list(tenant.Only("acme"), "", 0), []client.Client{made[0], made[2]})
	same(t, "one client of other", list(tenant.Only("other"), "", 1), []client.Client{made[1]}) // the limit counts one's own
	same(t, "clients of other after one of acme", list(tenant.Only("other"), made[2].ID, 0), []client.Client{made[4]})
	same(t, "clients of default", list(tenant.Only(tenant.Default), "", 0), []client.Client{made[3]})

	foreign := append(strangers(), tenant.Only("other"), tenant.Only(tenant.Default))
	for _, scope := range foreign {
		s := d.Clients(scope)
		_, absent := s.ByID(t.Context(), id(99))
		calls := map[string]func() error{
			"ByID": func() error { _, err := s.ByID(t.Context(), made[0].ID); return err },
			"Update": func() error {
				_, err := s.Update(t.Context(), made[0].ID, func(*client.Client) error {
					t.Errorf("the function was called with a client outside %+v", scope)
					return nil
				})
				return err
			},
			"Delete": func() error { return s.Delete(t.Context(), made[0].ID) },
		}
		for name, call := range calls {
			err := call()
			wantFault(t, err, fault.NotFound, "client_unknown")
			if fmt.Sprint(err) != fmt.Sprint(absent) {
				t.Errorf("%s of a client outside the scope says %q, and of none %q", name, err, absent)
			}
		}
	}
	for _, scope := range strangers() {
		same(t, fmt.Sprintf("clients of %+v", scope), len(list(scope, "", 0)), 0)
	}
	same(t, "clients after everything that strangers did", list(tenant.Every(), "", 0), made)
	must(t, d.Clients(tenant.Only("acme")).Delete(t.Context(), made[0].ID))
	same(t, "clients of acme after it deleted one", list(tenant.Only("acme"), "", 0), []client.Client{made[2]})
}

func clientsOutside(t *testing.T, store Store) {
	d := store.Directory()
	taken := machine(1, "other")
	must(t, d.Clients(tenant.Only("other")).Create(t.Context(), taken))
	for _, scope := range append(strangers(), tenant.Only("acme")) {
		for _, c := range []client.Client{taken, machine(2, "other")} { // the answer does not tell which ids there are
			if err := d.Clients(scope).Create(t.Context(), c); !errors.Is(err, ports.ErrOutside) {
				t.Errorf("a client outside %+v: %v, want %v", scope, err, ports.ErrOutside)
			}
		}
		wantFault(t, d.Clients(scope).Create(t.Context(), machine(3, "")), fault.Invalid, "tenant") // that of no tenant is of nobody
	}
	all, err := d.Clients(tenant.Every()).List(t.Context(), "", 0)
	must(t, err)
	same(t, "clients", all, []client.Client{taken})
}

func clientsUpdate(t *testing.T, store Store) {
	for n, scope := range []tenant.Scope{tenant.Only("acme"), tenant.Every()} {
		s := store.Directory().Clients(scope)
		before, want := machine(10+n, "acme"), fullClient()
		want.ID = before.ID
		must(t, s.Create(t.Context(), before))
		got, err := s.Update(t.Context(), before.ID, func(c *client.Client) error {
			same(t, "what the function sees", *c, before)
			*c = fullClient()
			c.ID, c.Tenant = "another", "other"
			return nil
		})
		must(t, err)
		same(t, "result", got, want)
		got, err = s.ByID(t.Context(), before.ID)
		must(t, err)
		same(t, "client", got, want)
		_, err = s.ByID(t.Context(), "another")
		wantFault(t, err, fault.NotFound, "")
		others, err := store.Directory().Clients(tenant.Only("other")).List(t.Context(), "", 0)
		must(t, err)
		same(t, "clients of the tenant that it wanted to move to", len(others), 0)
	}
}

func clientsRollback(t *testing.T, s ports.Clients) {
	want := fullClient()
	must(t, s.Create(t.Context(), want))
	refused := errors.New("refused on purpose")
	spoil := func(c *client.Client) {
		c.Permissions[0], c.Keys[0], c.Name, c.DisabledAt = "spoilt", 'X', "spoilt", time.Time{}
		c.Secrets[0].Hash = hashOf("spoilt")
	}
	_, err := s.Update(t.Context(), want.ID, func(c *client.Client) error { spoil(c); return refused })
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	unwinding(t, func(inside func()) {
		_, _ = s.Update(t.Context(), want.ID, func(c *client.Client) error {
			spoil(c)
			inside()
			return nil
		})
	})
	got, err := s.ByID(t.Context(), want.ID)
	must(t, err)
	same(t, "client after failed updates", got, want)
	_, err = s.Update(t.Context(), want.ID, func(c *client.Client) error { c.Name = "new"; return nil })
	must(t, err)
}

func clientsPages(t *testing.T, store Store) {
	const all = 1005
	homes := []string{"acme", "other"}
	for _, err := range parallel(2*all, func(n int) error {
		return store.Directory().Clients(tenant.Every()).Create(t.Context(), machine(n, homes[n%2]))
	}) {
		must(t, err)
	}
	s := store.Directory().Clients(tenant.Only("acme"))
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
		found, err := s.List(t.Context(), "", limit)
		must(t, err)
		same(t, fmt.Sprintf("clients with a limit of %d", limit), len(found), want)
	}
	n := 0
	for after := ""; ; {
		page, err := s.List(t.Context(), after, 400)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			if c.ID != id(2*n) {
				t.Fatalf("client %d of all pages is %s, want %s", n, c.ID, id(2*n))
			}
			n++
		}
		after = page[len(page)-1].ID
	}
	same(t, "clients on all pages", n, all)
}

func clientsParallel(t *testing.T, s ports.Clients) {
	oneWinner(t, parallel(callers, func(int) error { return s.Create(t.Context(), machine(1, "acme")) }), fault.Conflict)
	for _, err := range parallel(callers, func(int) error {
		_, err := s.Update(t.Context(), id(1), func(c *client.Client) error { c.Name += "x"; return nil })
		return err
	}) {
		must(t, err)
	}
	got, err := s.ByID(t.Context(), id(1))
	must(t, err)
	same(t, "count of updates", got.Name, machine(1, "").Name+strings.Repeat("x", callers))
	oneWinner(t, parallel(callers, func(int) error { return s.Delete(t.Context(), id(1)) }), fault.NotFound)
}
