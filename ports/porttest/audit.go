package porttest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// Audit is the contract of ports.Audit.
func Audit(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { auditKeep(t, open(t)) })
	t.Run("all_or_none", func(t *testing.T) { auditAllOrNone(t, open(t)) })
	t.Run("parallel_records", func(t *testing.T) {
		s := open(t)
		for _, err := range parallel(callers, func(i int) error {
			return s.Audit().Record(t.Context(), event(3*i), event(3*i+1), event(3*i+2))
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
		s := open(t)
		must(t, s.Audit().Record(t.Context(), event(1)))
		endedCalls(t, map[string]func(context.Context) error{
			"Record": func(ctx context.Context) error { return s.Audit().Record(ctx, event(2)) },
		})
		same(t, "ids", eventIDs(events(t, s, ports.EventQuery{})), []string{id(1)})
	})
}

// event returns the nth event, of little.
func event(n int) ports.Event {
	return ports.Event{ID: id(n), At: noon.Add(time.Duration(n) * time.Second), Action: "login", Outcome: "ok"}
}

// events returns what a search of the whole log finds.
func events(t *testing.T, s Store, q ports.EventQuery) []ports.Event {
	return eventsOf(t, s, tenant.Every(), q)
}

// eventsOf returns what a search within a scope finds.
func eventsOf(t *testing.T, s Store, scope tenant.Scope, q ports.EventQuery) []ports.Event {
	t.Helper()
	got, err := s.Directory().Log(scope).Search(t.Context(), q)
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

func auditKeep(t *testing.T, s Store) {
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
	must(t, s.Audit().Record(t.Context(), full, odd))
	must(t, s.Audit().Record(t.Context(), zero))
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

func auditAllOrNone(t *testing.T, s Store) {
	must(t, s.Audit().Record(t.Context(), event(1)))
	wantFault(t, s.Audit().Record(t.Context(), event(2), event(1), event(3)), fault.Conflict, "id_taken")
	wantFault(t, s.Audit().Record(t.Context(), event(4), event(4)), fault.Conflict, "id_taken")
	must(t, s.Audit().Record(t.Context()))
	same(t, "ids", eventIDs(events(t, s, ports.EventQuery{})), []string{id(1)})
	must(t, s.Audit().Record(t.Context(), event(2), event(3), event(4)))
	same(t, "ids", eventIDs(events(t, s, ports.EventQuery{})), []string{id(4), id(3), id(2), id(1)})
}
