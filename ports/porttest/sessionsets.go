package porttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/session"
)

// SessionSets is the contract of ports.SessionSets.
func SessionSets(t *testing.T, open func(t *testing.T) Store) {
	t.Run("by_user", func(t *testing.T) { setsByUser(t, open(t)) })
	t.Run("delete_by_user", func(t *testing.T) { setsDeleteByUser(t, open(t)) })
	t.Run("delete_before", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1, 2)
		for i, at := range []time.Duration{-time.Millisecond, 0, time.Millisecond, time.Hour} {
			one := signIn(i, id(1+i%2))
			one.SignedInAt = noon.Add(at)
			must(t, s.Sessions().Create(t.Context(), one))
		}
		n, err := s.SessionSets().DeleteBefore(t.Context(), noon)
		must(t, err)
		same(t, "number deleted", n, 2)
		same(t, "sessions left", left(t, s, 4), []int{2, 3})
		n, err = s.SessionSets().DeleteBefore(t.Context(), noon)
		must(t, err)
		same(t, "number deleted again", n, 0)
	})
	t.Run("delete_expired", func(t *testing.T) { setsDeleteExpired(t, open(t)) })
	t.Run("mark_rotate", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1, 2)
		for i, owner := range []int{1, 1, 2} {
			must(t, s.Sessions().Create(t.Context(), signIn(i, id(owner))))
		}
		must(t, s.SessionSets().MarkRotate(t.Context(), id(1)))
		must(t, s.SessionSets().MarkRotate(t.Context(), id(9))) // nobody is no error
		for i, marked := range []bool{true, true, false} {
			want := signIn(i, id(1+i/2))
			want.Rotate = marked
			got, _, err := s.Sessions().ByHash(t.Context(), want.Hash)
			must(t, err)
			same(t, "session", got, want)
		}
	})
	t.Run("by_upstream", func(t *testing.T) { setsByUpstream(t, open(t)) })
	t.Run("by_upstream_after_changes", func(t *testing.T) { setsByUpstreamLater(t, open(t)) })
	t.Run("ended_context", func(t *testing.T) {
		store := open(t)
		addPeople(t, store, 1)
		one := signIn(0, id(1))
		one.Provider, one.Upstream = "acme", "up"
		must(t, store.Sessions().Create(t.Context(), one))
		s := store.SessionSets()
		endedCalls(t, map[string]func(context.Context) error{
			"ByUser":        func(ctx context.Context) error { _, err := s.ByUser(ctx, id(1)); return err },
			"DeleteByUser":  func(ctx context.Context) error { _, err := s.DeleteByUser(ctx, id(1), ""); return err },
			"DeleteBefore":  func(ctx context.Context) error { _, err := s.DeleteBefore(ctx, noon); return err },
			"DeleteExpired": func(ctx context.Context) error { _, err := s.DeleteExpired(ctx, one.EndsAt); return err },
			"MarkRotate":    func(ctx context.Context) error { return s.MarkRotate(ctx, id(1)) },
			"ByUpstream":    func(ctx context.Context) error { _, err := s.ByUpstream(ctx, "acme", "up"); return err },
		})
		got, _, err := store.Sessions().ByHash(t.Context(), one.Hash)
		must(t, err)
		same(t, "the session that late calls wanted to change", got, one)
	})
}

// left returns which of the sessions 0 to n-1 are there.
func left(t *testing.T, s Store, n int) []int {
	t.Helper()
	var there []int
	for i := range n {
		if _, _, err := s.Sessions().ByHash(t.Context(), signIn(i, "").Hash); err == nil {
			there = append(there, i)
		}
	}
	return there
}

func setsByUser(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	var want []session.Session
	for i, minutes := range []int{5, 20, 10, 0} { // not in their order
		one := signIn(i, id(1))
		one.SignedInAt = noon.Add(time.Duration(minutes) * time.Minute)
		one.Sealed = []byte{byte(i)}
		must(t, s.Sessions().Create(t.Context(), one))
		want = append(want, one)
	}
	must(t, s.Sessions().Create(t.Context(), signIn(9, id(2))))
	got, err := s.SessionSets().ByUser(t.Context(), id(1))
	must(t, err)
	same(t, "sessions, the latest first", got, []session.Session{want[1], want[2], want[0], want[3]})
	for _, nobody := range []string{id(3), "", "%"} {
		got, err = s.SessionSets().ByUser(t.Context(), nobody)
		must(t, err)
		same(t, "sessions of nobody", len(got), 0)
	}
}

func setsDeleteByUser(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	for i, owner := range []int{1, 1, 1, 2} {
		must(t, s.Sessions().Create(t.Context(), signIn(i, id(owner))))
	}
	ids, err := s.SessionSets().DeleteByUser(t.Context(), id(1), signIn(1, "").ID)
	must(t, err)
	slices.Sort(ids)
	same(t, "ids deleted", ids, []string{signIn(0, "").ID, signIn(2, "").ID})
	same(t, "sessions left", left(t, s, 4), []int{1, 3})
	ids, err = s.SessionSets().DeleteByUser(t.Context(), id(2), signIn(1, "").ID) // somebody else's is no exception
	must(t, err)
	same(t, "ids deleted", ids, []string{signIn(3, "").ID})
	ids, err = s.SessionSets().DeleteByUser(t.Context(), id(1), "")
	must(t, err)
	same(t, "ids deleted", ids, []string{signIn(1, "").ID})
	ids, err = s.SessionSets().DeleteByUser(t.Context(), id(1), "")
	must(t, err)
	same(t, "number deleted again", len(ids), 0)
}

func setsDeleteExpired(t *testing.T, s Store) {
	addPeople(t, s, 1)
	lives := []struct {
		seen, idle, end time.Duration // from noon on
	}{
		{0, time.Hour, 48 * time.Hour},                                  // idle too long at 13:00
		{time.Minute, time.Hour, 48 * time.Hour},                        // at 13:01
		{30 * time.Minute, time.Hour, time.Hour},                        // at its end at 13:00
		{0, time.Hour + time.Millisecond, 48 * time.Hour},               // a moment after 13:00
		{-48 * time.Hour, 1000 * time.Hour, -time.Hour},                 // ended yesterday
		{-48 * time.Hour, time.Hour - time.Millisecond, 48 * time.Hour}, // idle since yesterday
	}
	for i, life := range lives {
		one := signIn(i, id(1))
		one.SeenAt, one.Idle, one.EndsAt = noon.Add(life.seen), life.idle, noon.Add(life.end)
		must(t, s.Sessions().Create(t.Context(), one))
	}
	for _, step := range []struct {
		at   time.Duration
		n    int
		left []int
	}{
		{0, 2, []int{0, 1, 2, 3}},
		{time.Hour - time.Millisecond, 0, []int{0, 1, 2, 3}},
		{time.Hour, 2, []int{1, 3}},
		{time.Hour + time.Millisecond, 1, []int{1}},
	} {
		n, err := s.SessionSets().DeleteExpired(t.Context(), noon.Add(step.at))
		must(t, err)
		same(t, "number deleted", n, step.n)
		same(t, "sessions left", left(t, s, len(lives)), step.left)
	}
	_, err := s.Sessions().Update(t.Context(), signIn(1, "").ID, func(one *session.Session) error {
		one.Touch(noon.Add(2 * time.Hour))
		return nil
	})
	must(t, err)
	n, err := s.SessionSets().DeleteExpired(t.Context(), noon.Add(2*time.Hour))
	must(t, err)
	same(t, "sessions deleted although they were seen since", n, 0)
}

// ofUpstream returns the sessions with an upstream id, by ascending id: the
// contract has no order.
func ofUpstream(t *testing.T, s Store, provider, upstream string) []session.Session {
	t.Helper()
	got, err := s.SessionSets().ByUpstream(t.Context(), provider, upstream)
	must(t, err)
	slices.SortFunc(got, func(a, b session.Session) int { return strings.Compare(a.ID, b.ID) })
	return got
}

func setsByUpstream(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	type key struct{ provider, upstream string }
	var made []session.Session
	of := map[key][]session.Session{}
	for i, k := range []key{
		{"acme", "sid"},
		{"acme", "sid"},
		{"acme", "sid"}, // of two users: the provider may say so
		{"other", "sid"},
		{"acme", "SID"},
		{"acme", "sid "},
		{"acme", "sid\x00"},
		{"acme", "%"},
		{"acme", "s_d"},
		{"Acme", "sid"},
		{"acmes", "id"},
		{"acme", "7"},
		{"acme", "07"},
		{"", "sid"},
		{"acme", ""},
		{"acme", ""},
		{"", ""},
		{"", ""},
	} {
		one := signIn(i, id(1+i%2))
		one.Provider, one.Upstream, one.Sealed = k.provider, k.upstream, []byte{byte(i)}
		must(t, s.Sessions().Create(t.Context(), one))
		made = append(made, one)
		of[k] = append(of[k], one)
	}
	for k, want := range of {
		if k.upstream == "" {
			want = nil
		}
		same(t, fmt.Sprintf("sessions with %q", k), ofUpstream(t, s, k.provider, k.upstream), want)
	}
	for _, k := range []key{{"acme", "si"}, {"acme", "sid%"}, {"%", "sid"}, {"sid", "acme"}, {"nobody", "sid"}, {"nobody", ""}} {
		same(t, fmt.Sprintf("sessions with %q", k), len(ofUpstream(t, s, k.provider, k.upstream)), 0)
	}
	got := ofUpstream(t, s, "other", "sid")
	got[0].Sealed[0] = 'x'
	same(t, "session after the one got was changed", ofUpstream(t, s, "other", "sid"), []session.Session{made[3]})
}

func setsByUpstreamLater(t *testing.T, s Store) {
	addPeople(t, s, 1, 2)
	first := make([]session.Session, 4)
	for i := range first {
		first[i] = signIn(i, id(1+i/3))
		first[i].Provider, first[i].Upstream = "acme", "sid"
		must(t, s.Sessions().Create(t.Context(), first[i]))
	}
	set := func(i int, provider, upstream string) session.Session {
		t.Helper()
		got, err := s.Sessions().Update(t.Context(), first[i].ID, func(one *session.Session) error {
			one.Provider, one.Upstream = provider, upstream
			return nil
		})
		must(t, err)
		return got
	}
	moved := set(0, "acme", "next")
	same(t, "sessions with the former id", ofUpstream(t, s, "acme", "sid"), first[1:])
	same(t, "sessions with the new id", ofUpstream(t, s, "acme", "next"), []session.Session{moved})
	moved = set(0, "other", "next")
	same(t, "sessions with the former provider", len(ofUpstream(t, s, "acme", "next")), 0)
	same(t, "sessions with the new provider", ofUpstream(t, s, "other", "next"), []session.Session{moved})
	set(0, "other", "")
	same(t, "sessions with an id that was taken away", len(ofUpstream(t, s, "other", "next")), 0)
	same(t, "sessions without an id", len(ofUpstream(t, s, "other", "")), 0)

	changed, err := s.Sessions().Update(t.Context(), first[1].ID, func(one *session.Session) error {
		one.Touch(noon.Add(time.Minute))
		one.Replace(hashOf("another"), noon)
		return nil
	})
	must(t, err)
	same(t, "sessions after one changed", ofUpstream(t, s, "acme", "sid"), []session.Session{changed, first[2], first[3]})
	_, err = s.Sessions().Delete(t.Context(), first[1].ID)
	must(t, err)
	same(t, "sessions after a delete", ofUpstream(t, s, "acme", "sid"), first[2:])
	_, err = s.SessionSets().DeleteByUser(t.Context(), id(1), "")
	must(t, err)
	same(t, "sessions after those of a user were deleted", ofUpstream(t, s, "acme", "sid"), first[3:])
	must(t, s.SessionSets().MarkRotate(t.Context(), id(2)))
	if got := ofUpstream(t, s, "acme", "sid"); len(got) != 1 || !got[0].Rotate {
		t.Errorf("after a mark to rotate: %+v", got)
	}
	must(t, s.Users().Delete(t.Context(), id(2)))
	same(t, "sessions after their user was deleted", len(ofUpstream(t, s, "acme", "sid")), 0)
}
