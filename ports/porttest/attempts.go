package porttest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

// Attempts is the contract of ports.Attempts.
func Attempts(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_counters_in_order", func(t *testing.T) { attemptsKeep(t, open(t)) })
	t.Run("keys", func(t *testing.T) { attemptsKeys(t, open(t)) })
	t.Run("failing_update_writes_nothing", func(t *testing.T) {
		s := open(t)
		count(t, s, "a", 1, 2)
		unwinding(t, func(inside func()) {
			_ = s.Attempts().Update(t.Context(), []string{"a", "b"}, func(all []*user.Attempts) {
				all[0].Times[0], all[1].Times = 99, []int64{99}
				inside()
			})
		})
		same(t, "times after failed updates", times(t, s, "a"), []int64{1, 2})
		same(t, "times of a counter that was new", times(t, s, "b"), []int64(nil))
	})
	t.Run("delete_before", func(t *testing.T) {
		s := open(t)
		at := noon.UnixMilli()
		count(t, s, "old", at-2, at-1)
		count(t, s, "edge", at-2, at)
		count(t, s, "new", at-2, at+1)
		count(t, s, "unordered", at+1, at-2)
		n, err := s.Attempts().DeleteBefore(t.Context(), noon)
		must(t, err)
		same(t, "number deleted", n, 1)
		same(t, "times of an old counter", times(t, s, "old"), []int64(nil))
		for _, key := range []string{"edge", "new", "unordered"} {
			same(t, "number of times of "+key, len(times(t, s, key)), 2)
		}
	})
	t.Run("parallel_limit", func(t *testing.T) {
		s := open(t)
		limit := user.Limit{Count: 10, Window: time.Minute}
		errs := parallel(callers, func(int) error {
			refused := false
			err := s.Attempts().Update(t.Context(), []string{"account", "network"}, func(all []*user.Attempts) {
				refused = all[0].Take(limit, noon) > 0
				all[1].Take(user.Limit{Count: 1000, Window: time.Minute}, noon)
			})
			if err == nil && refused {
				err = fault.RetryIn(time.Minute, "too_many", "too many")
			}
			return err
		})
		let := 0
		for _, err := range errs {
			if err == nil {
				let++
			} else if fault.KindOf(err) != fault.Throttled {
				t.Errorf("unexpected error: %v", err)
			}
		}
		same(t, "attempts let through", let, limit.Count)
		same(t, "attempts counted", len(times(t, s, "network")), callers)
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t)
		count(t, s, "a", 1)
		endedCalls(t, map[string]func(context.Context) error{
			"Update": func(ctx context.Context) error {
				return s.Attempts().Update(ctx, []string{"a"}, func(all []*user.Attempts) { all[0].Forget() })
			},
			"DeleteBefore": func(ctx context.Context) error { _, err := s.Attempts().DeleteBefore(ctx, noon); return err },
		})
		same(t, "times after late calls", times(t, s, "a"), []int64{1})
	})
}

// count sets the times of a counter.
func count(t *testing.T, s Store, key string, times ...int64) {
	t.Helper()
	must(t, s.Attempts().Update(t.Context(), []string{key}, func(all []*user.Attempts) { all[0].Times = times }))
}

// times returns the times of a counter.
func times(t *testing.T, s Store, key string) []int64 {
	t.Helper()
	var got []int64
	must(t, s.Attempts().Update(t.Context(), []string{key}, func(all []*user.Attempts) { got = slices.Clone(all[0].Times) }))
	return got
}

func attemptsKeep(t *testing.T, s Store) {
	long := strings.Repeat("k", 300)
	keys := []string{"b", "a", long, "日本語 '%_\\", "a "}
	given := []int64{noon.UnixMilli(), -5, 0, 1 << 60}
	must(t, s.Attempts().Update(t.Context(), keys, func(all []*user.Attempts) {
		for i, one := range all {
			same(t, "key", one.Key, keys[i])
			same(t, "times of a new counter", len(one.Times), 0)
			if i != 1 {
				one.Times = append(given[:0:0], given[i:]...)
			}
			one.Key = "another" // is not the function's to change
		}
		all[0], all[1] = all[1], all[0] // nor is the order
	}))
	wants := map[string][]int64{"b": given, "a": nil, long: given[2:], "日本語 '%_\\": given[3:], "a ": nil, "another": nil}
	for key, want := range wants {
		same(t, "times of "+key, times(t, s, key), want)
	}

	var leaked *user.Attempts
	must(t, s.Attempts().Update(t.Context(), []string{"b", "a"}, func(all []*user.Attempts) {
		same(t, "times", all[0].Times, given)
		leaked = all[0]
		all[1].Times = []int64{1}
	}))
	leaked.Times[0] = 99
	same(t, "times after those of an update were changed", times(t, s, "b"), given)
	must(t, s.Attempts().Update(t.Context(), []string{"b"}, func(all []*user.Attempts) { all[0].Times[1] = 77 }))
	same(t, "times that were changed in place", times(t, s, "b"), []int64{given[0], 77, given[2], given[3]})
	must(t, s.Attempts().Update(t.Context(), []string{"b"}, func(all []*user.Attempts) { all[0].Forget() }))
	same(t, "times of a counter that was emptied", times(t, s, "b"), []int64(nil))
	same(t, "times of a counter nobody touched", times(t, s, "a"), []int64{1})
	n, err := s.Attempts().DeleteBefore(t.Context(), time.UnixMilli(2))
	must(t, err)
	same(t, "number of old counters: empty ones are gone already", n, 1)
}

func attemptsKeys(t *testing.T, s Store) {
	for name, keys := range map[string][]string{
		"empty":    {"a", ""},
		"too long": {strings.Repeat("k", 301)},
		"twice":    {"a", "b", "a"},
	} {
		err := s.Attempts().Update(t.Context(), keys, func([]*user.Attempts) { t.Errorf("the function was called with %s keys", name) })
		wantFault(t, err, fault.Invalid, "attempt_keys")
	}
	called := false
	must(t, s.Attempts().Update(t.Context(), nil, func(all []*user.Attempts) { called = len(all) == 0 }))
	same(t, "function was called without counters", called, true)
}
