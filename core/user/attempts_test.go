package user_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hexward/hexward/core/user"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAttempts_Take(t *testing.T) {
	limit := user.Limit{Count: 3, Window: time.Minute}
	type step struct {
		at   time.Duration // from noon
		want time.Duration // to wait; 0 when let through
	}
	tests := []struct {
		name  string
		limit user.Limit
		steps []step
	}{
		{name: "up to the limit", limit: limit, steps: []step{{0, 0}, {0, 0}, {0, 0}, {0, time.Minute}}},
		{name: "the oldest leaves the window", limit: limit, steps: []step{
			{0, 0},
			{10 * time.Second, 0},
			{20 * time.Second, 0},
			{30 * time.Second, 30 * time.Second},
			{time.Minute - time.Millisecond, time.Millisecond},
			{time.Minute, 0},
			{time.Minute, 10 * time.Second},
			{70 * time.Second, 0},
		}},
		{name: "what is refused is not counted", limit: limit, steps: []step{
			{0, 0}, {0, 0}, {0, 0}, {59 * time.Second, time.Second}, {59 * time.Second, time.Second}, {time.Minute, 0}, {time.Minute, 0}, {time.Minute, 0},
		}},
		{name: "no burst where two fixed windows meet", limit: limit, steps: []step{
			{59 * time.Second, 0}, {59 * time.Second, 0}, {59 * time.Second, 0}, {61 * time.Second, 58 * time.Second}, {119 * time.Second, 0},
		}},
		{name: "a limit of one", limit: user.Limit{Count: 1, Window: time.Second}, steps: []step{{0, 0}, {0, time.Second}, {time.Second, 0}}},
		{name: "clock set back", limit: limit, steps: []step{
			{time.Hour, 0},
			{time.Hour, 0},
			{time.Hour, 0},
			{0, time.Minute}, // they count as made now: neither forgotten nor kept for an hour
			{30 * time.Second, 30 * time.Second},
			{time.Minute, 0},
		}},
		{name: "switched off", limit: user.Limit{Window: time.Hour}, steps: []step{{0, 0}, {0, 0}, {0, 0}, {0, 0}}},
		{name: "negative is off too", limit: user.Limit{Count: -1, Window: time.Hour}, steps: []step{{0, 0}, {0, 0}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var a user.Attempts
			for i, s := range test.steps {
				if got := a.Take(test.limit, noon.Add(s.at)); got != s.want {
					t.Errorf("step %d at %v: got %v, want %v", i, s.at, got, s.want)
				}
				if len(a.Times) > max(0, test.limit.Count) {
					t.Errorf("step %d: keeps %d times", i, len(a.Times))
				}
			}
		})
	}
}

// TestAttempts_Take_model holds the sliding window against a model that keeps
// every attempt ever let through and looks at all of them.
func TestAttempts_Take_model(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4)) // reproducible
	for range 300 {
		limit := user.Limit{Count: 1 + chance.IntN(6), Window: time.Duration(1+chance.IntN(50)) * time.Millisecond}
		var a user.Attempts
		var through []time.Time
		now := noon
		back := chance.IntN(3) == 0 // whether this clock is ever set back
		for range 200 {
			before := now
			now = now.Add(time.Duration(chance.IntN(20)) * time.Millisecond)
			if back && chance.IntN(20) == 0 {
				now = now.Add(-time.Duration(chance.IntN(100)) * time.Millisecond)
				// What has left the window stays out of it, the rest was made now at the latest.
				through = slices.DeleteFunc(through, func(at time.Time) bool { return before.Sub(at) >= limit.Window })
				for i, at := range through {
					if at.After(now) {
						through[i] = now
					}
				}
			}
			room := func(at time.Time) bool {
				n := 0
				for _, was := range through {
					if at.Sub(was) < limit.Window {
						n++
					}
				}
				return n < limit.Count
			}
			want := time.Duration(0)
			for !room(now.Add(want)) {
				want += time.Millisecond
			}
			got := a.Take(limit, now)
			if got != want {
				t.Fatalf("%+v at %v: got %v, want %v; let through %v", limit, now.Sub(noon), got, want, through)
			}
			if want == 0 {
				through = append(through, now)
			}
			if !slices.IsSorted(a.Times) || len(a.Times) > limit.Count {
				t.Fatalf("%+v keeps %v", limit, a.Times)
			}
		}
	}
}

func TestAttempts_Take_less(t *testing.T) {
	var a user.Attempts
	for range 10 {
		a.Take(user.Limit{Count: 10, Window: time.Hour}, noon)
	}
	// With a smaller count from now on, enough of them must leave, not only one.
	a.Times[9] += 1000
	got := a.Take(user.Limit{Count: 1, Window: time.Hour}, noon.Add(time.Minute))
	if want := 59*time.Minute + time.Second; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAttempts_Forget(t *testing.T) {
	limit := user.Limit{Count: 1, Window: time.Hour}
	var a user.Attempts
	a.Forget()
	a.Take(limit, noon)
	a.Forget()
	if len(a.Times) != 0 {
		t.Errorf("keeps %v", a.Times)
	}
	if wait := a.Take(limit, noon); wait != 0 {
		t.Errorf("wait %v", wait)
	}
}

func TestAttempts_Undo(t *testing.T) {
	limit := user.Limit{Count: 2, Window: time.Hour}
	var a user.Attempts
	a.Undo() // of nothing
	a.Take(limit, noon)
	a.Take(limit, noon.Add(time.Second))
	a.Undo()
	if want := []int64{noon.UnixMilli()}; !slices.Equal(a.Times, want) {
		t.Errorf("keeps %v, want %v", a.Times, want)
	}
}

func ExampleAttempts_Take() {
	limit := user.Limit{Count: 2, Window: 15 * time.Minute}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var a user.Attempts
	for range 3 {
		fmt.Println(a.Take(limit, now))
		now = now.Add(time.Minute)
	}
	// Output:
	// 0s
	// 0s
	// 13m0s
}
