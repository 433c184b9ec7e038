package porttest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// Log is the contract of ports.Log.
func Log(t *testing.T, open func(t *testing.T) Store) {
	for name, scope := range map[string]tenant.Scope{"all": tenant.Every(), "of_one_tenant": tenant.Only(tenant.Default)} {
		t.Run("filters_"+name, func(t *testing.T) { logFilters(t, open(t), scope) })
		t.Run("pages_"+name, func(t *testing.T) { logPages(t, open(t), scope) })
	}
	t.Run("scopes", func(t *testing.T) { logScopes(t, open(t)) })
	t.Run("what_somebody_did_to_themselves", func(t *testing.T) {
		s := open(t)
		var want []string
		for n := range 6 { // both found as done by and as done to, and each once
			e := event(n)
			e.Subject, e.Actor = "alice", "alice"
			must(t, s.Audit().Record(t.Context(), e))
			want = append([]string{e.ID}, want...)
		}
		for _, scope := range []tenant.Scope{tenant.Every(), tenant.Only(tenant.Default)} {
			for limit := 1; limit <= len(want); limit++ {
				same(t, "ids", eventIDs(eventsOf(t, s, scope, ports.EventQuery{Subject: "alice", Limit: limit})), want[:limit])
			}
		}
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).Directory()
		for _, scope := range []tenant.Scope{{}, tenant.Only(tenant.Default), tenant.Every()} {
			endedCalls(t, map[string]func(context.Context) error{
				"Search": func(ctx context.Context) error { _, err := s.Log(scope).Search(ctx, ports.EventQuery{}); return err },
			})
		}
	})
}

// echoes returns events that everything finds that finds these, but which are outside the scope, if any can be.
func echoes(scope tenant.Scope, events ...ports.Event) []ports.Event {
	if scope.All() {
		return nil
	}
	events = slices.Clone(events)
	for i := range events {
		events[i].ID += "-"
		events[i].Tenant = "other"
	}
	return events
}

func logScopes(t *testing.T, s Store) {
	var all []string
	of := map[string][]string{} // the ids of each tenant's events, the latest first
	for n, home := range []string{"", "acme", "other", tenant.Default, "acme", "", "acme ", "ACME", "other", "default "} {
		e := event(n)
		e.Tenant, e.Action, e.Actor, e.Subject = home, "user.ban", "operator", "alice"
		must(t, s.Audit().Record(t.Context(), e))
		if home == "" {
			home = tenant.Default // where it belongs
		}
		of[home] = append([]string{e.ID}, of[home]...)
		all = append([]string{e.ID}, all...)
	}
	queries := map[string]ports.EventQuery{
		"all": {}, "action": {Action: "user.ban"}, "actions": {Action: "user."}, "actor": {Subject: "operator"}, "subject": {Subject: "alice"},
		"before": {Before: 1 << 40}, "everything": {Action: "user.", Subject: "alice", Before: 1 << 40, Limit: 20},
	}
	for name, q := range queries {
		same(t, name+" of all tenants", eventIDs(events(t, s, q)), all)
		for home, want := range of {
			got := eventsOf(t, s, tenant.Only(home), q)
			same(t, name+" of "+home, eventIDs(got), want)
			for _, e := range got {
				if e.Tenant != home && (home != tenant.Default || e.Tenant != "") {
					t.Errorf("%s of %s found an event of %q", name, home, e.Tenant)
				}
			}
			one := q
			one.Limit = 1 // counts one's own
			same(t, name+" of "+home+", the latest", eventIDs(eventsOf(t, s, tenant.Only(home), one)), want[:1])
		}
		for _, nobody := range []tenant.Scope{{}, tenant.Only(""), tenant.Only("none"), tenant.Only("%"), tenant.Only("acm"), tenant.Only("acme\x00")} {
			same(t, fmt.Sprintf("%s of %+v", name, nobody), len(eventsOf(t, s, nobody, q)), 0)
		}
	}
	stamped := eventsOf(t, s, tenant.Only(tenant.Default), ports.EventQuery{})
	same(t, "tenant of an event of none", stamped[0].Tenant, "") // it comes back as it was
}

func logFilters(t *testing.T, s Store, scope tenant.Scope) {
	for i, e := range []ports.Event{
		{Action: "user.ban", Actor: "operator", Subject: "alice"},
		{Action: "user.unban", Actor: "operator", Subject: "alice"},
		{Action: "user", Actor: "bob", Subject: "bob"},
		{Action: "users.list", Actor: "bob"},
		{Action: "login", Actor: "alice", Subject: "alice"},
		{Action: "user/ban", Actor: "alic", Subject: "%"},
		{Action: "user.ban.again", Actor: "alice", Subject: "bob"},
		{Action: "USER.ban", Actor: "ALICE"},
	} {
		e.ID, e.Tenant = id(i), []string{"", tenant.Default}[i%2]
		must(t, s.Audit().Record(t.Context(), e))
		must(t, s.Audit().Record(t.Context(), echoes(scope, e)...))
	}
	all := eventsOf(t, s, scope, ports.EventQuery{})
	fourth := all[slices.IndexFunc(all, func(e ports.Event) bool { return e.ID == id(4) })].Sequence
	tests := []struct {
		name string
		give ports.EventQuery
		want []int
	}{
		{"all", ports.EventQuery{}, []int{7, 6, 5, 4, 3, 2, 1, 0}},
		{"action", ports.EventQuery{Action: "user.ban"}, []int{0}},
		{"action_is_whole", ports.EventQuery{Action: "user"}, []int{2}},
		{"actions_by_prefix", ports.EventQuery{Action: "user."}, []int{6, 1, 0}},
		{"longer_prefix", ports.EventQuery{Action: "user.ban."}, []int{6}},
		{"action_is_literal", ports.EventQuery{Action: "%."}, nil},
		{"dot_alone", ports.EventQuery{Action: "."}, nil},
		{"done_to_or_by", ports.EventQuery{Subject: "alice"}, []int{6, 4, 1, 0}},
		{"subject_is_literal", ports.EventQuery{Subject: "%"}, []int{5}},
		{"unknown_subject", ports.EventQuery{Subject: "nobody"}, nil},
		{"before", ports.EventQuery{Before: fourth}, []int{3, 2, 1, 0}},
		{"before_the_first", ports.EventQuery{Before: 1}, nil},
		{"limit", ports.EventQuery{Limit: 3}, []int{7, 6, 5}},
		{"all_at_once", ports.EventQuery{Action: "user.", Subject: "alice", Before: fourth, Limit: 1}, []int{1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			for _, n := range test.want {
				want = append(want, id(n))
			}
			same(t, "ids", eventIDs(eventsOf(t, s, scope, test.give)), want)
		})
	}
}

func logPages(t *testing.T, s Store, scope tenant.Scope) {
	const all = 1005
	batch := make([]ports.Event, all)
	for i := range batch {
		batch[i] = event(i)
		batch[i].Detail = map[string]string{"n": fmt.Sprint(i)}
	}
	must(t, s.Audit().Record(t.Context(), append(batch, echoes(scope, batch[:all/2]...)...)...))
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 5000: 1000} {
		same(t, fmt.Sprintf("events with a limit of %d", limit), len(eventsOf(t, s, scope, ports.EventQuery{Limit: limit})), want)
	}
	n := 0
	for before := int64(0); ; {
		page := eventsOf(t, s, scope, ports.EventQuery{Before: before, Limit: 400})
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			n++
			if e.ID != id(all-n) {
				t.Fatalf("event %d from the end is %s, want %s", n, e.ID, id(all-n))
			}
		}
		before = page[len(page)-1].Sequence
	}
	same(t, "events on all pages", n, all)
}
