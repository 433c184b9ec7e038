package porttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// People is the contract of ports.People.
func People(t *testing.T, open func(t *testing.T) Store) {
	for name, scope := range map[string]tenant.Scope{"all": tenant.Every(), "of_one_tenant": tenant.Only(tenant.Default)} {
		t.Run("filters_"+name, func(t *testing.T) {
			s := open(t)
			peopleFilters(t, s, scope, s.Directory().People(scope).Search)
		})
		t.Run("pages_"+name, func(t *testing.T) {
			s := open(t)
			peoplePages(t, s, scope, s.Directory().People(scope).Search)
		})
	}
	t.Run("scopes", func(t *testing.T) { peopleScopes(t, open(t)) })
	t.Run("who_moves", func(t *testing.T) { peopleMove(t, open(t)) })
	t.Run("copies", func(t *testing.T) { peopleCopies(t, open(t)) })
	t.Run("clashes_on_update", func(t *testing.T) { peopleClash(t, open(t)) })
	t.Run("update", func(t *testing.T) { peopleUpdate(t, open(t)) })
	t.Run("update_of_each_field", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		people := s.Directory().People(tenant.Only(tenant.Default))
		eachField(t, somebody(), []string{"ID", "Tenant"}, func(change func(*user.User)) user.User {
			got, err := people.Update(t.Context(), id(1), func(u *user.User) error { change(u); return nil })
			must(t, err)
			read, err := people.ByID(t.Context(), id(1))
			must(t, err)
			same(t, "user read after an update", read, got)
			return read
		})
	})
	t.Run("failing_update_writes_nothing", func(t *testing.T) { peopleRollback(t, open(t)) })
	t.Run("parallel_updates", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		people := s.Directory().People(tenant.Only(tenant.Default))
		for _, err := range parallel(callers, func(int) error {
			_, err := people.Update(t.Context(), id(1), func(u *user.User) error { u.PasswordHash += "x"; return nil })
			return err
		}) {
			must(t, err)
		}
		got, err := people.ByID(t.Context(), id(1))
		must(t, err)
		same(t, "count of updates", got.PasswordHash, strings.Repeat("x", callers))
	})
	t.Run("ended_context", func(t *testing.T) {
		store := open(t)
		addPeople(t, store, 1)
		for _, scope := range []tenant.Scope{{}, tenant.Only(tenant.Default), tenant.Every()} {
			s := store.Directory().People(scope)
			endedCalls(t, map[string]func(context.Context) error{
				"ByID":    func(ctx context.Context) error { _, err := s.ByID(ctx, id(1)); return err },
				"ByLogin": func(ctx context.Context) error { _, err := s.ByLogin(ctx, "person1"); return err },
				"Search":  func(ctx context.Context) error { _, err := s.Search(ctx, ports.UserQuery{}); return err },
				"Update": func(ctx context.Context) error {
					_, err := s.Update(ctx, id(1), func(u *user.User) error { u.PasswordHash = "late"; return nil })
					return err
				},
			})
		}
		got, err := store.Users().ByID(t.Context(), id(1))
		must(t, err)
		same(t, "the user that late calls wanted to change", got, person(1))
	})
}

// userSearch is how the suites search for users.
type userSearch = func(ctx context.Context, q ports.UserQuery) ([]user.User, error)

// addTwin adds somebody whom everything finds that finds the user, but who is outside the scope, if anybody can be.
func addTwin(t *testing.T, s Store, scope tenant.Scope, u user.User) {
	t.Helper()
	if scope.All() {
		return
	}
	u.ID, u.Tenant = u.ID+"-", "other"
	u.Name = user.NameOf("x"+u.Name.String(), "x"+u.Name.Key())
	if !u.Email.IsZero() {
		u = withEmail(u, "x"+u.Email.String(), "x"+u.Email.Key())
	}
	must(t, s.Users().Create(t.Context(), u))
}

func peopleFilters(t *testing.T, s Store, scope tenant.Scope, search userSearch) {
	add := func(n int, name, email string, ban bool, permissions ...string) {
		u := person(n)
		u.Name, u.Permissions = user.NameOf(name, name), permissions
		if email != "" {
			u = withEmail(u, email, email)
		}
		if ban {
			u.Ban = &user.Ban{From: noon, Until: noon.Add(-1)}
		}
		must(t, s.Users().Create(t.Context(), u))
		addTwin(t, s, scope, u)
	}
	// not in the order of their ids
	add(5, "100%sure", "", false, "administrator")
	add(1, "alice", "alice@example.org", false, "admin", "read")
	add(3, "al_ice", "under_score@example.org", true)
	add(2, "bob", "bob@alice.example", true, "read")
	add(4, "élan太郎", "", false, "read", "x.admin")
	add(6, "back\\slash", "quo'te@example.org", false)

	tests := []struct {
		name string
		give ports.UserQuery
		want []int
	}{
		{"all", ports.UserQuery{}, []int{1, 2, 3, 4, 5, 6}},
		{"in_name_or_email", ports.UserQuery{Text: "alice"}, []int{1, 2}},
		{"in_the_middle", ports.UserQuery{Text: "lic"}, []int{1, 2}},
		{"percent_is_literal", ports.UserQuery{Text: "%"}, []int{5}},
		{"underscore_is_literal", ports.UserQuery{Text: "_"}, []int{3}},
		{"wildcards_are_literal", ports.UserQuery{Text: "a%e"}, nil},
		{"star_is_literal", ports.UserQuery{Text: "*"}, nil},
		{"backslash_is_literal", ports.UserQuery{Text: "\\"}, []int{6}},
		{"quote_is_literal", ports.UserQuery{Text: "o'te"}, []int{6}},
		{"keys_are_compared_to_the_letter", ports.UserQuery{Text: "ALICE"}, nil},
		{"unicode", ports.UserQuery{Text: "太"}, []int{4}},
		{"accent", ports.UserQuery{Text: "él"}, []int{4}},
		{"nothing_there", ports.UserQuery{Text: "nobody"}, nil},
		{"holds", ports.UserQuery{Holds: "admin"}, []int{1}},
		{"holds_in_any_place", ports.UserQuery{Holds: "read"}, []int{1, 2, 4}},
		{"holds_is_whole", ports.UserQuery{Holds: "adm"}, nil},
		{"holds_is_literal", ports.UserQuery{Holds: "%"}, nil},
		{"banned_even_when_lapsed", ports.UserQuery{Banned: true}, []int{2, 3}},
		{"all_at_once", ports.UserQuery{Text: "alice", Holds: "read", Banned: true, After: id(1), Limit: 5}, []int{2}},
		{"after", ports.UserQuery{After: id(4)}, []int{5, 6}},
		{"after_an_id_that_is_not_there", ports.UserQuery{After: id(4) + "x"}, []int{5, 6}},
		{"after_the_last", ports.UserQuery{After: id(6)}, nil},
		{"limit", ports.UserQuery{Limit: 2}, []int{1, 2}},
		{"limit_counts_matches", ports.UserQuery{Text: "al", Limit: 2}, []int{1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := search(t.Context(), test.give)
			must(t, err)
			var ids, want []string
			for _, u := range found {
				ids = append(ids, u.ID)
			}
			for _, n := range test.want {
				want = append(want, id(n))
			}
			same(t, "ids", ids, want)
		})
	}
}

func peoplePages(t *testing.T, s Store, scope tenant.Scope, search userSearch) {
	const all = 1005
	for _, err := range parallel(all, func(i int) error { return s.Users().Create(t.Context(), person(i)) }) {
		must(t, err)
	}
	for i := range 100 {
		addTwin(t, s, scope, person(i))
	}
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
		found, err := search(t.Context(), ports.UserQuery{Limit: limit})
		must(t, err)
		if len(found) != want {
			t.Errorf("a limit of %d returned %d users, want %d", limit, len(found), want)
		}
	}
	after, n := "", 0
	for {
		page, err := search(t.Context(), ports.UserQuery{Text: "person", After: after, Limit: 300})
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			if u.ID != id(n) {
				t.Fatalf("user %d of all pages is %s, want %s", n, u.ID, id(n))
			}
			n++
		}
		after = page[len(page)-1].ID
	}
	same(t, "users on all pages", n, all)
}

// of returns the nth user, of a tenant, with an address and a permission, and banned.
func of(n int, home string) user.User {
	u := withPermissions(withEmail(person(n), fmt.Sprintf("P%d@example.org", n), fmt.Sprintf("p%d@example.org", n)), "read")
	u.Tenant, u.Ban = home, &user.Ban{Reason: "spam", From: noon}
	return u
}

func peopleScopes(t *testing.T, store Store) {
	d := store.Directory()
	var made []user.User
	for n, home := range []string{"acme", "other", "acme", tenant.Default, "other", "acme "} {
		u := of(n, home)
		must(t, store.Users().Create(t.Context(), u))
		made = append(made, u)
	}
	queries := map[string]ports.UserQuery{
		"all": {}, "text": {Text: "person"}, "address": {Text: "example.org"}, "holds": {Holds: "read"}, "banned": {Banned: true},
		"everything": {Text: "person", Holds: "read", Banned: true, Limit: 10},
	}
	search := func(scope tenant.Scope, q ports.UserQuery) []user.User {
		t.Helper()
		got, err := d.People(scope).Search(t.Context(), q)
		must(t, err)
		return got
	}
	for name, q := range queries {
		same(t, name+" of everybody", search(tenant.Every(), q), made)
		same(t, name+" of acme", search(tenant.Only("acme"), q), []user.User{made[0], made[2]})
		same(t, name+" of default", search(tenant.Only(tenant.Default), q), []user.User{made[3]})
		q.Limit = 1 // counts one's own
		same(t, name+" of other, the first", search(tenant.Only("other"), q), []user.User{made[1]})
		q.After = made[2].ID
		same(t, name+" of other after one of acme", search(tenant.Only("other"), q), []user.User{made[4]})
	}
	for _, scope := range []tenant.Scope{tenant.Only("acme"), tenant.Every()} {
		for call, get := range map[string]func() (user.User, error){
			"ByID":      func() (user.User, error) { return d.People(scope).ByID(t.Context(), made[2].ID) },
			"by_name":   func() (user.User, error) { return d.People(scope).ByLogin(t.Context(), made[2].Name.Key()) },
			"by_e_mail": func() (user.User, error) { return d.People(scope).ByLogin(t.Context(), made[2].Email.Key()) },
		} {
			got, err := get()
			must(t, err)
			same(t, "user of acme "+call, got, made[2])
		}
	}
	hers := made[0]
	var foreign []tenant.Scope
	for _, scope := range append(strangers(), tenant.Only("other"), tenant.Only(tenant.Default)) {
		if !scope.Sees(hers.Tenant) {
			foreign = append(foreign, scope)
		}
	}
	for _, scope := range foreign {
		s := d.People(scope)
		_, absent := s.ByID(t.Context(), id(99))
		for name, call := range map[string]func() error{
			"ByID":      func() error { _, err := s.ByID(t.Context(), hers.ID); return err },
			"by_name":   func() error { _, err := s.ByLogin(t.Context(), hers.Name.Key()); return err },
			"by_e_mail": func() error { _, err := s.ByLogin(t.Context(), hers.Email.Key()); return err },
			"Update": func() error {
				_, err := s.Update(t.Context(), hers.ID, func(*user.User) error {
					t.Errorf("the function was called with a user outside %+v", scope)
					return nil
				})
				return err
			},
		} {
			err := call()
			wantFault(t, err, fault.NotFound, "user_unknown")
			if fmt.Sprint(err) != fmt.Sprint(absent) {
				t.Errorf("%s of a user outside the scope says %q, and of nobody %q", name, err, absent)
			}
		}
		for name, q := range queries {
			for _, u := range search(scope, q) {
				if u.Tenant == hers.Tenant {
					t.Errorf("%s in %+v found a user of %s", name, scope, u.Tenant)
				}
			}
		}
	}
	for _, nobody := range []tenant.Scope{{}, tenant.Only(""), tenant.Only("none"), tenant.Only("%")} {
		for name, q := range queries {
			same(t, fmt.Sprintf("%s of %+v", name, nobody), len(search(nobody, q)), 0)
		}
	}
	same(t, "users after everything that strangers did", search(tenant.Every(), ports.UserQuery{}), made)
}

// Who is put into another tenant is found there alone from then on, by whatever they are looked for.
func peopleMove(t *testing.T, store Store) {
	must(t, store.Users().Create(t.Context(), of(1, "acme")))
	moved, err := store.Users().Update(t.Context(), id(1), func(u *user.User) error { u.Tenant = "other"; return nil })
	must(t, err)
	same(t, "user who moved", moved, of(1, "other"))
	for name, q := range map[string]ports.UserQuery{"all": {}, "text": {Text: "person"}, "holds": {Holds: "read"}, "banned": {Banned: true}} {
		for home, want := range map[string][]user.User{"acme": nil, "other": {moved}} {
			got, err := store.Directory().People(tenant.Only(home)).Search(t.Context(), q)
			must(t, err)
			same(t, name+" of "+home, got, want)
		}
	}
	_, err = store.Directory().People(tenant.Only("acme")).ByID(t.Context(), id(1))
	wantFault(t, err, fault.NotFound, "user_unknown")
	got, err := store.Directory().People(tenant.Only("other")).ByLogin(t.Context(), moved.Email.Key())
	must(t, err)
	same(t, "user who moved", got, moved)
}

func peopleCopies(t *testing.T, store Store) {
	must(t, store.Users().Create(t.Context(), somebody()))
	s := store.Directory().People(tenant.Only(somebody().Tenant))
	for range 2 {
		var kept *user.User
		updated, err := s.Update(t.Context(), id(1), func(u *user.User) error { kept = u; return nil })
		must(t, err)
		kept.Permissions[0], kept.Ban.Reason = "spoilt", "spoilt"
		byID, err := s.ByID(t.Context(), id(1))
		must(t, err)
		byLogin, err := s.ByLogin(t.Context(), somebody().Email.Key())
		must(t, err)
		found, err := s.Search(t.Context(), ports.UserQuery{})
		must(t, err)
		for what, got := range map[string]user.User{"updated": updated, "by id": byID, "by login": byLogin, "found": found[0]} {
			same(t, what, got, somebody())
			got.Permissions[0], got.Ban.Reason = "spoilt", "spoilt"
		}
	}
}

// A name or address that is taken is taken for every tenant alike, and the answer does not tell whose it is.
func peopleClash(t *testing.T, store Store) {
	for n, home := range []string{"acme", "acme", "other"} {
		must(t, store.Users().Create(t.Context(), of(n, home)))
	}
	for _, scope := range []tenant.Scope{tenant.Only("acme"), tenant.Every()} {
		for _, owner := range []user.User{of(1, "acme"), of(2, "other")} {
			for want, change := range map[error]func(*user.User){
				ports.ErrUsernameTaken: func(u *user.User) { u.Name = owner.Name },
				ports.ErrEmailTaken:    func(u *user.User) { u.Email = owner.Email },
			} {
				_, err := store.Directory().People(scope).Update(t.Context(), id(0), func(u *user.User) error {
					u.PasswordHash, u.Permissions = "half", nil
					change(u)
					return nil
				})
				if !errors.Is(err, want) {
					t.Errorf("what a user of %s has: %v, want %v", owner.Tenant, err, want)
				}
			}
		}
	}
	got, err := store.Users().ByID(t.Context(), id(0))
	must(t, err)
	same(t, "user after clashes", got, of(0, "acme"))
}

func peopleUpdate(t *testing.T, store Store) {
	for n, scope := range []tenant.Scope{tenant.Only("acme"), tenant.Every()} {
		before := of(10+n, "acme")
		must(t, store.Users().Create(t.Context(), before))
		s := store.Directory().People(scope)
		want := before
		want.PasswordHash, want.Permissions, want.Ban = "new", []string{"write"}, nil
		got, err := s.Update(t.Context(), before.ID, func(u *user.User) error {
			same(t, "what the function sees", *u, before)
			u.PasswordHash, u.Permissions, u.Ban = "new", []string{"write"}, nil
			u.ID, u.Tenant = "another", "other"
			return nil
		})
		must(t, err)
		same(t, "result", got, want)
		got, err = store.Users().ByID(t.Context(), before.ID)
		must(t, err)
		same(t, "user", got, want)
		for _, q := range []ports.UserQuery{{}, {Holds: "write"}} {
			others, err := store.Directory().People(tenant.Only("other")).Search(t.Context(), q)
			must(t, err)
			same(t, "users of the tenant that they wanted to move to", len(others), 0)
		}
		holders, err := s.Search(t.Context(), ports.UserQuery{Holds: "write", Text: before.Name.Key()})
		must(t, err)
		same(t, "holders of the new permission", holders, []user.User{want})
		holders, err = s.Search(t.Context(), ports.UserQuery{Holds: "read"})
		must(t, err)
		same(t, "holders of the old permission", len(holders), 0)
	}
}

func peopleRollback(t *testing.T, store Store) {
	want := somebody()
	must(t, store.Users().Create(t.Context(), want))
	s := store.Directory().People(tenant.Only(want.Tenant))
	refused := errors.New("refused on purpose")
	spoil := func(u *user.User) {
		u.Permissions[0], u.Ban.Reason, u.Tenant = "spoilt", "spoilt", "spoilt"
		u.Name, u.Email, u.PasswordHash = user.NameOf("X", "x"), user.Email{}, ""
	}
	_, err := s.Update(t.Context(), want.ID, func(u *user.User) error { spoil(u); return refused })
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	unwinding(t, func(inside func()) {
		_, _ = s.Update(t.Context(), want.ID, func(u *user.User) error {
			spoil(u)
			inside()
			return nil
		})
	})
	got, err := s.ByLogin(t.Context(), want.Email.Key())
	must(t, err)
	same(t, "user after failed updates", got, want)
}
