package porttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// Tenants is the contract of ports.Tenants.
func Tenants(t *testing.T, open func(t *testing.T) Store) {
	t.Run("begins_with_the_default_one", func(t *testing.T) {
		all, err := open(t).Tenants().List(t.Context(), "", 0)
		must(t, err)
		if len(all) != 1 || all[0].CreatedAt.IsZero() || all[0].UpdatedAt != all[0].CreatedAt {
			t.Fatalf("a new store has the tenants %+v, want one, made at some time", all)
		}
		same(t, "the default tenant", all[0], tenant.Tenant{
			ID: tenant.Default, Name: tenant.Default, CreatedAt: all[0].CreatedAt, UpdatedAt: all[0].UpdatedAt,
		})
	})
	t.Run("keeps_everything", func(t *testing.T) { tenantsKeep(t, open(t).Tenants()) })
	t.Run("keeps_times_to_the_millisecond", func(t *testing.T) { tenantsTimes(t, open(t).Tenants()) })
	t.Run("copies", func(t *testing.T) { tenantsCopies(t, open(t).Tenants()) })
	t.Run("misses", func(t *testing.T) { tenantsMisses(t, open(t).Tenants()) })
	t.Run("clashes_on_create", func(t *testing.T) { tenantsClash(t, open(t).Tenants()) })
	t.Run("clashes_on_update", func(t *testing.T) { tenantsClashLater(t, open(t).Tenants()) })
	t.Run("to_the_letter", func(t *testing.T) { tenantsToTheLetter(t, open(t).Tenants()) })
	t.Run("update", func(t *testing.T) { tenantsUpdate(t, open(t).Tenants()) })
	t.Run("update_of_each_field", func(t *testing.T) {
		s := open(t).Tenants()
		must(t, s.Create(t.Context(), organisation("acme")))
		eachField(t, fullTenant(), []string{"ID"}, func(change func(*tenant.Tenant)) tenant.Tenant {
			got, err := s.Update(t.Context(), "acme", func(one *tenant.Tenant) error { change(one); return nil })
			must(t, err)
			read, err := s.ByID(t.Context(), "acme")
			must(t, err)
			same(t, "tenant read after an update", read, got)
			return read
		})
	})
	t.Run("failing_update_writes_nothing", func(t *testing.T) { tenantsRollback(t, open(t).Tenants()) })
	t.Run("list", func(t *testing.T) { tenantsList(t, open(t).Tenants()) })
	t.Run("parallel", func(t *testing.T) { tenantsParallel(t, open) })
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).Tenants()
		must(t, s.Create(t.Context(), organisation("acme", called("a"))))
		endedCalls(t, map[string]func(context.Context) error{
			"Create":     func(ctx context.Context) error { return s.Create(ctx, organisation("late")) },
			"ByID":       func(ctx context.Context) error { _, err := s.ByID(ctx, "acme"); return err },
			"ByExternal": func(ctx context.Context) error { _, err := s.ByExternal(ctx, called("a")); return err },
			"Update": func(ctx context.Context) error {
				_, err := s.Update(ctx, "acme", func(one *tenant.Tenant) error { one.Name = "late"; return nil })
				return err
			},
			"List": func(ctx context.Context) error { _, err := s.List(ctx, "", 0); return err },
		})
		got, err := s.ByID(t.Context(), "acme")
		must(t, err)
		same(t, "the tenant that late calls wanted to change", got, organisation("acme", called("a")))
		_, err = s.ByID(t.Context(), "late")
		wantFault(t, err, fault.NotFound, "")
	})
}

// organisation returns a tenant that is called so elsewhere.
func organisation(id string, external ...tenant.External) tenant.Tenant {
	return tenant.Tenant{ID: id, Name: strings.ToUpper(id), External: external, CreatedAt: noon, UpdatedAt: noon}
}

// called returns what a tenant is called by the one provider that most cases have.
func called(id string) tenant.External { return tenant.External{Source: "idp", ID: id} }

// fullTenant returns a tenant with every field set.
func fullTenant() tenant.Tenant {
	return tenant.Tenant{
		ID: "acme.example_1-2", Name: "Ácme \"& Söhne\" 日本 \\ '; DROP",
		External:  []tenant.External{{Source: "idp-2", ID: "org_z'\"<&>日本"}, {Source: "idp-1", ID: "b"}, {Source: "idp-1", ID: "a"}, {Source: "a", ID: "a"}},
		CreatedAt: noon, UpdatedAt: noon.Add(time.Minute),
	}
}

func tenantsKeep(t *testing.T, s ports.Tenants) {
	allSet(t, fullTenant())
	full := organisation("full")
	for n := range tenant.MaxExternal {
		full.External = append(full.External, called(strings.Repeat("e", 200)+fmt.Sprint(n)))
	}
	for _, want := range []tenant.Tenant{fullTenant(), full, organisation("bare"), {ID: "nothing"}} {
		must(t, s.Create(t.Context(), want))
		got, err := s.ByID(t.Context(), want.ID)
		must(t, err)
		same(t, "tenant by id", got, want)
		for _, e := range want.External {
			got, err := s.ByExternal(t.Context(), e)
			must(t, err)
			same(t, "tenant by an external name", got, want)
		}
	}
}

func tenantsTimes(t *testing.T, s ports.Tenants) {
	odd, even := noon.Add(1_999_999).In(time.FixedZone("elsewhere", 3600)), noon.Add(time.Millisecond)
	give, want := organisation("acme"), organisation("acme")
	give.CreatedAt, give.UpdatedAt = odd, odd
	want.CreatedAt, want.UpdatedAt = even, even
	must(t, s.Create(t.Context(), give))
	got, err := s.ByID(t.Context(), "acme")
	must(t, err)
	same(t, "tenant", got, want)
	got, err = s.Update(t.Context(), "acme", func(one *tenant.Tenant) error { one.CreatedAt, one.UpdatedAt = odd, odd; return nil })
	must(t, err)
	same(t, "tenant updated", got, want)
	want.CreatedAt, want.UpdatedAt = time.Time{}, time.Time{}
	_, err = s.Update(t.Context(), "acme", func(one *tenant.Tenant) error {
		one.CreatedAt, one.UpdatedAt = time.Time{}, time.Time{}
		return nil
	})
	must(t, err)
	got, err = s.ByID(t.Context(), "acme")
	must(t, err)
	same(t, "tenant without times", got, want)
}

func tenantsCopies(t *testing.T, s ports.Tenants) {
	spoil := func(one *tenant.Tenant) { one.External[0] = called("spoilt") }
	give := fullTenant()
	must(t, s.Create(t.Context(), give))
	spoil(&give)
	got, err := s.ByID(t.Context(), give.ID)
	must(t, err)
	same(t, "tenant after the one put in was changed", got, fullTenant())
	spoil(&got)
	got, err = s.ByExternal(t.Context(), fullTenant().External[0])
	must(t, err)
	same(t, "tenant after the one got was changed", got, fullTenant())
	spoil(&got)
	var kept *tenant.Tenant
	got, err = s.Update(t.Context(), give.ID, func(one *tenant.Tenant) error { kept = one; return nil })
	must(t, err)
	spoil(kept)
	same(t, "result after the updated one was changed", got, fullTenant())
	spoil(&got)
	list, err := s.List(t.Context(), "", 1)
	must(t, err)
	same(t, "tenants after the result was changed", list, []tenant.Tenant{fullTenant()})
	spoil(&list[0])
	got, err = s.ByID(t.Context(), give.ID)
	must(t, err)
	same(t, "tenant after the list was changed", got, fullTenant())
}

func tenantsMisses(t *testing.T, s ports.Tenants) {
	must(t, s.Create(t.Context(), organisation("acme", called("a"))))
	for _, missing := range []string{"", "%", "ACME", "acme ", "acm", "a"} {
		_, err := s.ByID(t.Context(), missing)
		wantFault(t, err, fault.NotFound, "tenant_unknown")
		_, err = s.Update(t.Context(), missing, func(*tenant.Tenant) error {
			t.Error("the function was called without a tenant")
			return nil
		})
		wantFault(t, err, fault.NotFound, "tenant_unknown")
	}
	for _, missing := range []tenant.External{{}, called(""), {ID: "a"}, {Source: "a", ID: "idp"}, called("A"), called("%"), {Source: "IDP", ID: "a"}} {
		_, err := s.ByExternal(t.Context(), missing)
		wantFault(t, err, fault.NotFound, "tenant_unknown")
	}
}

func tenantsClash(t *testing.T, s ports.Tenants) {
	first := organisation("acme", called("a"), called("b"))
	must(t, s.Create(t.Context(), first))
	tests := []struct {
		name string
		give tenant.Tenant
		code string
	}{
		{"id", organisation("acme", called("c")), "id_taken"},
		{"the_default_id", organisation(tenant.Default, called("c")), "id_taken"},
		{"external", organisation("other", called("c"), called("b")), "external_taken"},
		{"external_twice", organisation("other", called("c"), called("d"), called("c")), "external_taken"},
		{"both", organisation("acme", called("a")), "id_taken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantFault(t, s.Create(t.Context(), test.give), fault.Conflict, test.code)
			got, err := s.ByID(t.Context(), "acme")
			must(t, err)
			same(t, "tenant after a clash", got, first)
			_, err = s.ByID(t.Context(), "other")
			wantFault(t, err, fault.NotFound, "tenant_unknown")
			_, err = s.ByExternal(t.Context(), called("c"))
			wantFault(t, err, fault.NotFound, "tenant_unknown")
		})
	}
	must(t, s.Create(t.Context(), organisation("other", called("c"), tenant.External{Source: "another", ID: "a"})))
}

func tenantsClashLater(t *testing.T, s ports.Tenants) {
	first, second := organisation("first", called("a")), organisation("second", called("b"), called("c"))
	must(t, s.Create(t.Context(), first))
	must(t, s.Create(t.Context(), second))
	for name, external := range map[string][]tenant.External{
		"besides":      {called("b"), called("c"), called("a")},
		"in_its_place": {called("a")},
		"twice":        {called("b"), called("d"), called("d")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Update(t.Context(), "second", func(one *tenant.Tenant) error {
				one.Name, one.External = "half", external
				return nil
			})
			wantFault(t, err, fault.Conflict, "external_taken")
			all, err := s.List(t.Context(), tenant.Default, 0)
			must(t, err)
			same(t, "tenants after a clash", all, []tenant.Tenant{first, second})
			for e, want := range map[string]tenant.Tenant{"a": first, "b": second, "c": second} {
				got, err := s.ByExternal(t.Context(), called(e))
				must(t, err)
				same(t, "tenant by external name after a clash", got, want)
			}
			_, err = s.ByExternal(t.Context(), called("d"))
			wantFault(t, err, fault.NotFound, "")
		})
	}
}

// Whoever controls a name that only looks like another must not get into its tenant.
func tenantsToTheLetter(t *testing.T, s ports.Tenants) {
	names := []tenant.External{
		called("acme"), called("Acme"), called("acme "), called(" acme"), called("7"), called("007"), called("7.0"), called("7e0"),
		called("é"), called("e\u0301"), called("ａcme"), called("ac\u200bme"), called("\ufffd"), called("NULL"), called("a%"), called("a_me"),
		{Source: "IDP", ID: "acme"},
		{Source: "idp ", ID: "acme"},
		{Source: "acme", ID: "idp"},
		{Source: "idpa", ID: "cme"},
		{Source: "id", ID: "pacme"},
	}
	var want []tenant.Tenant
	for n, e := range names {
		one := organisation(fmt.Sprintf("t%d", n), e)
		if err := s.Create(t.Context(), one); err != nil {
			t.Errorf("%q is taken for another: %v", e, err)
		}
		want = append(want, one)
	}
	for n, e := range names {
		got, err := s.ByExternal(t.Context(), e)
		must(t, err)
		same(t, "tenant", got, want[n])
	}
	for _, e := range []string{"ACME", "acm", "%", "acme%", "", "7 "} {
		_, err := s.ByExternal(t.Context(), called(e))
		wantFault(t, err, fault.NotFound, "tenant_unknown")
	}
}

func tenantsUpdate(t *testing.T, s ports.Tenants) {
	must(t, s.Create(t.Context(), organisation("acme", called("old"), called("kept"))))
	must(t, s.Create(t.Context(), organisation("other", called("theirs"))))
	want := organisation("acme", called("new"), called("kept"))
	want.Name = "Another"
	got, err := s.Update(t.Context(), "acme", func(one *tenant.Tenant) error {
		same(t, "what the function sees", *one, organisation("acme", called("old"), called("kept")))
		one.External[0] = called("new") // in place
		one.ID, one.Name = "moved", "Another"
		return nil
	})
	must(t, err)
	same(t, "result", got, want)
	for _, e := range want.External {
		got, err = s.ByExternal(t.Context(), e)
		must(t, err)
		same(t, "tenant by external name", got, want)
	}
	_, err = s.ByExternal(t.Context(), called("old"))
	wantFault(t, err, fault.NotFound, "")
	_, err = s.ByID(t.Context(), "moved")
	wantFault(t, err, fault.NotFound, "")
	must(t, s.Create(t.Context(), organisation("heir", called("old")))) // what was given up can be had again
	got, err = s.Update(t.Context(), "acme", func(one *tenant.Tenant) error { one.External = nil; return nil })
	must(t, err)
	want.External = nil
	same(t, "tenant with everything taken away", got, want)
	for e, home := range map[string]string{"old": "heir", "theirs": "other"} {
		got, err := s.ByExternal(t.Context(), called(e))
		must(t, err)
		same(t, "who is called "+e, got.ID, home)
	}
	_, err = s.ByExternal(t.Context(), called("kept"))
	wantFault(t, err, fault.NotFound, "")
}

func tenantsRollback(t *testing.T, s ports.Tenants) {
	want := organisation("acme", called("a"))
	must(t, s.Create(t.Context(), want))
	refused := errors.New("refused on purpose")
	spoil := func(one *tenant.Tenant) { one.Name, one.External[0] = "spoilt", called("spoilt") }
	_, err := s.Update(t.Context(), "acme", func(one *tenant.Tenant) error { spoil(one); return refused })
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	unwinding(t, func(inside func()) {
		_, _ = s.Update(t.Context(), "acme", func(one *tenant.Tenant) error {
			spoil(one)
			inside()
			return nil
		})
	})
	got, err := s.ByExternal(t.Context(), called("a"))
	must(t, err)
	same(t, "tenant after failed updates", got, want)
	_, err = s.ByExternal(t.Context(), called("spoilt"))
	wantFault(t, err, fault.NotFound, "")
	_, err = s.Update(t.Context(), "acme", func(one *tenant.Tenant) error { one.Name = "new"; return nil })
	must(t, err)
}

func tenantsList(t *testing.T, s ports.Tenants) {
	const all = 1005 // and the default one, which sorts before them
	for _, err := range parallel(all, func(n int) error {
		return s.Create(t.Context(), organisation(fmt.Sprintf("t%04d", n), called(fmt.Sprint(n))))
	}) {
		must(t, err)
	}
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
		found, err := s.List(t.Context(), "", limit)
		must(t, err)
		same(t, fmt.Sprintf("tenants with a limit of %d", limit), len(found), want)
	}
	n := 0
	for after := tenant.Default; ; {
		page, err := s.List(t.Context(), after, 300)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, one := range page {
			same(t, "tenant of all pages", one, organisation(fmt.Sprintf("t%04d", n), called(fmt.Sprint(n))))
			n++
		}
		after = page[len(page)-1].ID
	}
	same(t, "tenants on all pages", n, all)
	found, err := s.List(t.Context(), "t1003x", 5)
	must(t, err)
	same(t, "tenants after an id that is not there", len(found), 1)
}

func tenantsParallel(t *testing.T, open func(t *testing.T) Store) {
	s := open(t).Tenants()
	oneWinner(t, parallel(callers, func(n int) error {
		return s.Create(t.Context(), organisation("wanted", called(fmt.Sprint("same id ", n))))
	}), fault.Conflict)
	oneWinner(t, parallel(callers, func(n int) error {
		return s.Create(t.Context(), organisation(fmt.Sprintf("t%d", n), called("wanted")))
	}), fault.Conflict)
	s = open(t).Tenants()
	for n := range callers {
		must(t, s.Create(t.Context(), organisation(fmt.Sprintf("t%d", n))))
	}
	oneWinner(t, parallel(callers, func(n int) error {
		_, err := s.Update(t.Context(), fmt.Sprintf("t%d", n), func(one *tenant.Tenant) error { return one.Link(called("wanted"), noon) })
		return err
	}), fault.Conflict)
	for _, err := range parallel(callers, func(n int) error {
		_, err := s.Update(t.Context(), tenant.Default, func(one *tenant.Tenant) error { return one.Link(called(fmt.Sprint(n)), noon) })
		return err
	}) {
		must(t, err)
	}
	got, err := s.ByID(t.Context(), tenant.Default)
	must(t, err)
	same(t, "count of updates", len(got.External), callers)
}
