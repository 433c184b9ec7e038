package porttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// Audit is the contract of ports.Audit.
func Audit(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { auditKeep(t, open(t).Audit()) })
	t.Run("all_or_none", func(t *testing.T) { auditAllOrNone(t, open(t).Audit()) })
	t.Run("filters", func(t *testing.T) { auditFilters(t, open(t).Audit()) })
	t.Run("pages", func(t *testing.T) { auditPages(t, open(t).Audit()) })
	t.Run("parallel_records", func(t *testing.T) {
		s := open(t).Audit()
		for _, err := range parallel(callers, func(i int) error {
			return s.Record(t.Context(), event(3*i), event(3*i+1), event(3*i+2))
		}) {
			must(t, err)
		}
		got := events(t, s, ports.EventQuery{Limit: 1000})
		same(t, "number of events", len(got), 3*callers)
		for i := 1; i < len(got); i++ {
			if got[i].Sequence >= got[i-1].Sequence {
				t.Errorf("sequence %d does not come before %d", got[i].Sequence, got[i-1].Sequence)
			}
		}
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).Audit()
		must(t, s.Record(t.Context(), event(1)))
		endedCalls(t, map[string]func(context.Context) error{
			"Record": func(ctx context.Context) error { return s.Record(ctx, event(2)) },
			"Search": func(ctx context.Context) error { _, err := s.Search(ctx, ports.EventQuery{}); return err },
		})
		same(t, "ids", eventIDs(events(t, s, ports.EventQuery{})), []string{id(1)})
	})
}

// event returns the nth event, of little.
func event(n int) ports.Event {
	return ports.Event{ID: id(n), At: noon.Add(time.Duration(n) * time.Second), Action: "login", Outcome: "ok"}
}

// events returns what a search finds.
func events(t *testing.T, s ports.Audit, q ports.EventQuery) []ports.Event {
	t.Helper()
	got, err := s.Search(t.Context(), q)
	must(t, err)
	return got
}

func eventIDs(events []ports.Event) []string {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func auditKeep(t *testing.T, s ports.Audit) {
	same(t, "an empty log", len(events(t, s, ports.EventQuery{})), 0)
	full := ports.Event{
		ID: id(1), At: noon, Action: "password.change", Outcome: "wrong_password", Actor: id(2), Subject: id(3), Tenant: "acme",
		Session: id(4), Address: "2001:db8::1", Agent: strings.Repeat("Mozilla ", 25), Request: "r-1",
		Detail: map[string]string{"old": "'quoted' \"twice\" \\ \x00 日本語 <&>", "new": "", "": "x"}, Sequence: 99,
	}
	odd := event(2)
	odd.At = noon.Add(1_999_999).In(time.FixedZone("", 3600))
	odd.Detail = map[string]string{}
	zero := ports.Event{ID: id(3)}
	must(t, s.Record(t.Context(), full, odd))
	must(t, s.Record(t.Context(), zero))
	full.Detail["old"] = "spoilt" // the caller's own
	got := events(t, s, ports.EventQuery{})
	if len(got) != 3 {
		t.Fatalf("%d events, want 3", len(got))
	}
	full.Detail["old"] = "'quoted' \"twice\" \\ \x00 日本語 <&>"
	odd.At = noon.Add(time.Millisecond)
	want := []ports.Event{zero, odd, full}
	for i := range want {
		if i > 0 && got[i].Sequence >= got[i-1].Sequence || got[i].Sequence <= 0 {
			t.Errorf("sequences are not positive and descending: %d", got[i].Sequence)
		}
		want[i].Sequence = got[i].Sequence
	}
	same(t, "events, the latest first", got, want)
	got[2].Detail["old"] = "spoilt"
	same(t, "events after those got were changed", events(t, s, ports.EventQuery{}), want)
}

func auditAllOrNone(t *testing.T, s ports.Audit) {
	must(t, s.Record(t.Context(), event(1)))
	wantFault(t, s.Record(t.Context(), event(2), event(1), event(3)), fault.Conflict, "id_taken")
	wantFault(t, s.Record(t.Context(), event(4), event(4)), fault.Conflict, "id_taken")
	must(t, s.Record(t.Context()))
	same(t, "ids", eventIDs(events(t, s, ports.EventQuery{})), []string{id(1)})
	must(t, s.Record(t.Context(), event(2), event(3), event(4)))
	same(t, "ids", eventIDs(events(t, s, ports.EventQuery{})), []string{id(4), id(3), id(2), id(1)})
}

func auditFilters(t *testing.T, s ports.Audit) {
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
		e.ID = id(i)
		must(t, s.Record(t.Context(), e))
	}
	all := events(t, s, ports.EventQuery{})
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
			same(t, "ids", eventIDs(events(t, s, test.give)), want)
		})
	}
}

func auditPages(t *testing.T, s ports.Audit) {
	const all = 1005
	batch := make([]ports.Event, all)
	for i := range batch {
		batch[i] = event(i)
		batch[i].Detail = map[string]string{"n": fmt.Sprint(i)}
	}
	must(t, s.Record(t.Context(), batch...))
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 5000: 1000} {
		same(t, fmt.Sprintf("events with a limit of %d", limit), len(events(t, s, ports.EventQuery{Limit: limit})), want)
	}
	n := 0
	for before := int64(0); ; {
		page := events(t, s, ports.EventQuery{Before: before, Limit: 400})
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
