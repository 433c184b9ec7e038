package porttest

import (
	"context"
	"slices"
	"testing"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// Numbers is the contract of ports.Numbers.
func Numbers(t *testing.T, open func(t *testing.T) Store) {
	next := func(t *testing.T, s ports.Numbers, floor int64) int64 {
		t.Helper()
		n, err := s.Next(t.Context(), floor)
		must(t, err)
		return n
	}
	t.Run("rises", func(t *testing.T) {
		s := open(t).BundleNumbers()
		const ms = 1_772_625_600_000
		for i, step := range []struct{ floor, want int64 }{
			{1, 1},
			{1, 2},
			{ms, ms},
			{ms, ms + 1},             // in the same millisecond
			{ms - 3_600_000, ms + 2}, // a clock that was set back
			{1, ms + 3},
			{ms + 100, ms + 100},
			{ms + 101, ms + 101},
			{ms + 101, ms + 102},
		} {
			if got := next(t, s, step.floor); got != step.want {
				t.Errorf("number %d with the floor %d is %d, want %d", i, step.floor, got, step.want)
			}
		}
	})
	t.Run("parallel", func(t *testing.T) {
		s := open(t).BundleNumbers()
		got := make([]int64, callers)
		for _, err := range parallel(callers, func(i int) (err error) {
			got[i], err = s.Next(t.Context(), int64(10*(i%2)+1))
			return err
		}) {
			must(t, err)
		}
		slices.Sort(got)
		same(t, "numbers that were given out twice", callers-len(slices.Compact(slices.Clone(got))), 0)
		if last := next(t, s, 1); last <= got[callers-1] {
			t.Errorf("the next number is %d, after %d", last, got[callers-1])
		}
	})
	t.Run("bounds", func(t *testing.T) {
		s := open(t).BundleNumbers()
		for _, floor := range []int64{0, -1, ports.MaxNumber + 1, 1<<63 - 1} {
			n, err := s.Next(t.Context(), floor)
			wantFault(t, err, fault.Invalid, "floor")
			same(t, "number for a floor out of bounds", n, int64(0))
		}
		same(t, "the last but one", next(t, s, ports.MaxNumber-1), int64(ports.MaxNumber-1))
		same(t, "the last", next(t, s, 1), int64(ports.MaxNumber))
		for range 2 { // nothing was written the first time
			_, err := s.Next(t.Context(), 1)
			wantFault(t, err, fault.Internal, "numbers")
		}
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).BundleNumbers()
		next(t, s, 7)
		endedCalls(t, map[string]func(context.Context) error{
			"Next": func(ctx context.Context) error { _, err := s.Next(ctx, 100); return err },
		})
		same(t, "the number afterwards", next(t, s, 1), int64(8))
	})
}
