package porttest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/token"
)

// Marks is the contract of ports.Marks.
func Marks(t *testing.T, open func(t *testing.T) Store) {
	soon := noon.Add(time.Hour).Unix()
	all := []token.Mark{
		{Kind: token.MarkToken, Value: "jti '%_ 日本語", Until: soon},
		{Kind: token.MarkSession, Value: id(1), Until: soon + 1},
		{Kind: token.MarkUser, Value: id(1), Before: noon.UnixMilli(), Until: soon + 2},
		{Kind: token.MarkAll, Before: noon.UnixMilli() + 7, Until: soon + 3},
	}
	t.Run("keeps_everything", func(t *testing.T) {
		s := open(t).Marks()
		wantMarks(t, s.List, noon)
		for _, m := range all {
			must(t, s.Add(t.Context(), m))
		}
		wantMarks(t, s.List, noon, all...)
	})
	t.Run("merges", func(t *testing.T) {
		s := open(t).Marks()
		mark := func(value string, before, until int64) token.Mark {
			return token.Mark{Kind: token.MarkUser, Value: value, Before: before, Until: until}
		}
		for _, m := range []token.Mark{
			mark("a", 10, soon), mark("a", 20, soon-5), mark("a", 5, soon+5), mark("b", 1, soon),
			{Kind: token.MarkSession, Value: "a", Until: soon},
		} {
			must(t, s.Add(t.Context(), m))
		}
		wantMarks(t, s.List, noon, mark("a", 20, soon+5), mark("b", 1, soon), token.Mark{Kind: token.MarkSession, Value: "a", Until: soon})
	})
	t.Run("until", func(t *testing.T) {
		s := open(t).Marks()
		for _, m := range all {
			must(t, s.Add(t.Context(), m))
		}
		last := time.Unix(soon+1, 999_999_999) // still in the last second of all[1]
		wantMarks(t, s.List, last, all[1:]...)
		n, err := s.DeleteExpired(t.Context(), last)
		must(t, err)
		same(t, "number deleted", n, 1)
		wantMarks(t, s.List, noon, all[1:]...)
		n, err = s.DeleteExpired(t.Context(), time.Unix(soon+3, 0))
		must(t, err)
		same(t, "number deleted", n, 2)
		wantMarks(t, s.List, noon, all[3])
	})
	t.Run("parallel_adds", func(t *testing.T) {
		s := open(t).Marks()
		for _, err := range parallel(callers, func(i int) error {
			return s.Add(t.Context(), token.Mark{Kind: token.MarkUser, Value: "a", Before: int64(1 + i), Until: soon + int64(callers-i)})
		}) {
			must(t, err)
		}
		wantMarks(t, s.List, noon, token.Mark{Kind: token.MarkUser, Value: "a", Before: callers, Until: soon + callers})
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).Marks()
		must(t, s.Add(t.Context(), all[0]))
		endedCalls(t, map[string]func(context.Context) error{
			"Add":           func(ctx context.Context) error { return s.Add(ctx, all[1]) },
			"List":          func(ctx context.Context) error { _, err := s.List(ctx, noon); return err },
			"DeleteExpired": func(ctx context.Context) error { _, err := s.DeleteExpired(ctx, noon.Add(48*time.Hour)); return err },
		})
		wantMarks(t, s.List, noon, all[0])
	})
}

// wantMarks checks what a store lists at now, in any order.
func wantMarks(t *testing.T, list func(context.Context, time.Time) ([]token.Mark, error), now time.Time, want ...token.Mark) {
	t.Helper()
	got, err := list(t.Context(), now)
	must(t, err)
	order := func(a, b token.Mark) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Value, b.Value))
	}
	want = slices.Clone(want)
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	same(t, "marks", got, want)
}
