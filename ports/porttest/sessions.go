package porttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
)

// Sessions is the contract of ports.Sessions.
func Sessions(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { sessionsKeep(t, open(t)) })
	t.Run("keeps_times_to_the_millisecond", func(t *testing.T) { sessionsTimes(t, open(t)) })
	t.Run("copies", func(t *testing.T) { sessionsCopies(t, open(t)) })
	t.Run("misses", func(t *testing.T) { sessionsMisses(t, open(t)) })
	t.Run("clashes", func(t *testing.T) { sessionsClash(t, open(t)) })
	t.Run("former_hash", func(t *testing.T) { sessionsFormer(t, open(t)) })
	t.Run("update", func(t *testing.T) { sessionsUpdate(t, open(t)) })
	t.Run("update_of_each_field", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1, 2)
		must(t, s.Sessions().Create(t.Context(), signIn(1, id(2))))
		eachField(t, fullSession(), []string{"ID"}, func(change func(*session.Session)) session.Session {
			got, err := s.Sessions().Update(t.Context(), signIn(1, "").ID, func(one *session.Session) error { change(one); return nil })
			must(t, err)
			read, _, err := s.Sessions().ByHash(t.Context(), got.Hash)
			must(t, err)
			same(t, "session read after an update", read, got)
			return read
		})
	})
	t.Run("failing_update_writes_nothing", func(t *testing.T) { sessionsRollback(t, open(t)) })
	t.Run("delete", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		must(t, s.Sessions().Create(t.Context(), fullSession()))
		got, err := s.Sessions().Delete(t.Context(), fullSession().ID)
		must(t, err)
		same(t, "session deleted", got, fullSession())
		_, err = s.Sessions().Delete(t.Context(), fullSession().ID)
		wantFault(t, err, fault.NotFound, "session_unknown")
		_, _, err = s.Sessions().ByHash(t.Context(), fullSession().Hash)
		wantFault(t, err, fault.NotFound, "session_unknown")
		_, err = s.Users().ByID(t.Context(), id(1))
		must(t, err)
		must(t, s.Sessions().Create(t.Context(), fullSession())) // nothing of it was left
	})
	t.Run("parallel_rotation_has_one_winner", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		one := signIn(1, id(1))
		one.Refresh = hashOf("first")
		must(t, s.Sessions().Create(t.Context(), one))
		oneWinner(t, parallel(callers, func(i int) error {
			_, err := s.Sessions().Update(t.Context(), one.ID, func(one *session.Session) error {
				return one.RotateRefresh(hashOf("first"), hashOf("next %d", i), noon)
			})
			return err
		}), fault.Unauthenticated)
		got, _, err := s.Sessions().ByHash(t.Context(), one.Hash)
		must(t, err)
		same(t, "number of rotations", got.Rotation, int64(1))
	})
	t.Run("parallel_deletes", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		must(t, s.Sessions().Create(t.Context(), fullSession()))
		oneWinner(t, parallel(callers, func(int) error {
			_, err := s.Sessions().Delete(t.Context(), fullSession().ID)
			return err
		}), fault.NotFound)
	})
	t.Run("parallel_updates", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		must(t, s.Sessions().Create(t.Context(), signIn(1, id(1))))
		for _, err := range parallel(callers, func(int) error {
			_, err := s.Sessions().Update(t.Context(), signIn(1, "").ID, func(one *session.Session) error { one.Rotation++; return nil })
			return err
		}) {
			must(t, err)
		}
		got, _, err := s.Sessions().ByHash(t.Context(), signIn(1, "").Hash)
		must(t, err)
		same(t, "count of updates", got.Rotation, int64(callers))
	})
	t.Run("parallel_creates_of_a_hash", func(t *testing.T) {
		s := open(t)
		addPeople(t, s, 1)
		oneWinner(t, parallel(callers, func(i int) error {
			one := signIn(i, id(1))
			one.Hash = hashOf("wanted")
			return s.Sessions().Create(t.Context(), one)
		}), fault.Conflict)
	})
	t.Run("ended_context", func(t *testing.T) {
		store := open(t)
		addPeople(t, store, 1)
		s := store.Sessions()
		must(t, s.Create(t.Context(), fullSession()))
		endedCalls(t, map[string]func(context.Context) error{
			"Create":   func(ctx context.Context) error { return s.Create(ctx, signIn(2, id(1))) },
			"ByHash":   func(ctx context.Context) error { _, _, err := s.ByHash(ctx, fullSession().Hash); return err },
			"ByFamily": func(ctx context.Context) error { _, _, err := s.ByFamily(ctx, fullSession().Family); return err },
			"Update": func(ctx context.Context) error {
				_, err := s.Update(ctx, fullSession().ID, func(one *session.Session) error { one.Rotation++; return nil })
				return err
			},
			"Delete": func(ctx context.Context) error { _, err := s.Delete(ctx, fullSession().ID); return err },
		})
		got, _, err := s.ByHash(t.Context(), fullSession().Hash)
		must(t, err)
		same(t, "the session that late calls wanted to change", got, fullSession())
		_, _, err = s.ByHash(t.Context(), signIn(2, "").Hash)
		wantFault(t, err, fault.NotFound, "")
	})
}

// fullSession returns a session of person 1 with every field set.
func fullSession() session.Session {
	return session.Session{
		ID: id(77), UserID: id(1), Tenant: "acme", Hash: hashOf("hash"), Former: hashOf("former"),
		FormerTo: noon.Add(time.Second), SignedInAt: noon, SeenAt: noon.Add(time.Minute), Idle: 90*time.Minute + time.Millisecond,
		EndsAt: noon.Add(48 * time.Hour), Rotate: true, Method: "provider", Sealed: []byte("\x00sealed\xff"),
		Provider: "acme", Upstream: "Upstream'; 日本語",
		Family: hashOf("family"), Refresh: hashOf("refresh"), Rotation: 1 << 40, FreshAt: noon.Add(2 * time.Minute),
	}
}

func sessionsKeep(t *testing.T, s Store) {
	allSet(t, fullSession())
	owner := somebody()
	must(t, s.Users().Create(t.Context(), owner))
	long := signIn(1, owner.ID)
	long.Sealed = make([]byte, 100_000)
	for _, one := range []session.Session{fullSession(), signIn(2, owner.ID), long} {
		must(t, s.Sessions().Create(t.Context(), one))
		got, u, err := s.Sessions().ByHash(t.Context(), one.Hash)
		must(t, err)
		same(t, "session", got, one)
		same(t, "its user", u, owner)
	}
	got, u, err := s.Sessions().ByFamily(t.Context(), hashOf("family"))
	must(t, err)
	same(t, "session by family", got, fullSession())
	same(t, "its user", u, owner)
	got, u, err = s.Sessions().ByHash(t.Context(), hashOf("former"))
	must(t, err)
	same(t, "session by its former hash", got, fullSession())
	same(t, "its user", u, owner)

	dead := signIn(3, owner.ID)
	dead.SignedInAt, dead.SeenAt, dead.EndsAt = time.Time{}, time.Time{}, time.Time{}
	must(t, s.Sessions().Create(t.Context(), dead))
	got, _, err = s.Sessions().ByHash(t.Context(), dead.Hash)
	must(t, err)
	same(t, "a session that ended long ago", got, dead)

	changed, err := s.Users().Update(t.Context(), owner.ID, func(u *user.User) error { u.EmailConfirmed = false; return nil })
	must(t, err)
	_, u, err = s.Sessions().ByHash(t.Context(), dead.Hash)
	must(t, err)
	same(t, "the user of a session after they changed", u, changed)
}

func sessionsTimes(t *testing.T, s Store) {
	addPeople(t, s, 1)
	odd := noon.Add(1_999_999).In(time.FixedZone("elsewhere", 3600))
	one := fullSession()
	one.FormerTo, one.SignedInAt, one.SeenAt, one.EndsAt, one.FreshAt = odd, odd, odd, odd, odd
	want := one
	even := noon.Add(time.Millisecond)
	want.FormerTo, want.SignedInAt, want.SeenAt, want.EndsAt, want.FreshAt = even, even, even, even, even
	must(t, s.Sessions().Create(t.Context(), one))
	got, _, err := s.Sessions().ByHash(t.Context(), one.Hash)
	must(t, err)
	same(t, "session", got, want)
	got, err = s.Sessions().Update(t.Context(), one.ID, func(got *session.Session) error { *got = one; return nil })
	must(t, err)
	same(t, "session updated", got, want)
	zero := session.Session{ID: one.ID, UserID: id(1), Hash: one.Hash}
	_, err = s.Sessions().Update(t.Context(), one.ID, func(got *session.Session) error { *got = zero; return nil })
	must(t, err)
	got, _, err = s.Sessions().ByHash(t.Context(), one.Hash)
	must(t, err)
	same(t, "session without times", got, zero)
}

func sessionsCopies(t *testing.T, s Store) {
	must(t, s.Users().Create(t.Context(), somebody()))
	give := fullSession()
	must(t, s.Sessions().Create(t.Context(), give))
	give.Sealed[0] = 'x'
	read := func(what string) (session.Session, user.User) {
		t.Helper()
		got, u, err := s.Sessions().ByHash(t.Context(), give.Hash)
		must(t, err)
		same(t, "session after "+what+" was changed", got, fullSession())
		same(t, "user after "+what+" was changed", u, somebody())
		return got, u
	}
	got, u := read("the one put in")
	got.Sealed[0], u.Permissions[0], u.Ban.Reason = 'x', "x", "x"
	read("the one got")
	var kept *session.Session
	got, err := s.Sessions().Update(t.Context(), give.ID, func(one *session.Session) error { kept = one; return nil })
	must(t, err)
	kept.Sealed[0] = 'x'
	same(t, "result after the updated one was changed", got, fullSession())
	got.Sealed[0] = 'x'
	read("the result of an update")
	of, err := s.SessionSets().ByUser(t.Context(), id(1))
	must(t, err)
	of[0].Sealed[0] = 'x'
	read("one of a list")
}

func sessionsMisses(t *testing.T, s Store) {
	addPeople(t, s, 1)
	must(t, s.Sessions().Create(t.Context(), signIn(1, id(1)))) // has neither a former hash nor a family
	for _, h := range []session.Hash{{}, hashOf("nothing")} {
		_, _, err := s.Sessions().ByHash(t.Context(), h)
		wantFault(t, err, fault.NotFound, "session_unknown")
		_, _, err = s.Sessions().ByFamily(t.Context(), h)
		wantFault(t, err, fault.NotFound, "session_unknown")
	}
	_, _, err := s.Sessions().ByFamily(t.Context(), signIn(1, "").Hash)
	wantFault(t, err, fault.NotFound, "session_unknown")
	for _, missing := range []string{"", id(5), "%"} {
		_, err = s.Sessions().Update(t.Context(), missing, func(*session.Session) error {
			t.Error("the function was called without a session")
			return nil
		})
		wantFault(t, err, fault.NotFound, "session_unknown")
		_, err = s.Sessions().Delete(t.Context(), missing)
		wantFault(t, err, fault.NotFound, "session_unknown")
	}
	for _, nobody := range []string{"", id(9)} {
		wantFault(t, s.Sessions().Create(t.Context(), signIn(2, nobody)), fault.NotFound, "user_unknown")
	}
	_, _, err = s.Sessions().ByHash(t.Context(), signIn(2, "").Hash)
	wantFault(t, err, fault.NotFound, "session_unknown")
}

func sessionsClash(t *testing.T, s Store) {
	addPeople(t, s, 1)
	must(t, s.Sessions().Create(t.Context(), fullSession()))
	other := signIn(1, id(1))
	must(t, s.Sessions().Create(t.Context(), other)) // no family twice is no clash
	must(t, s.Sessions().Create(t.Context(), signIn(2, id(1))))
	tests := []struct {
		name   string
		change func(*session.Session)
	}{
		{"id", func(s *session.Session) { s.ID = fullSession().ID }},
		{"hash", func(s *session.Session) { s.Hash = fullSession().Hash }},
		{"family", func(s *session.Session) { s.Family = fullSession().Family }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			one := signIn(3, id(1))
			test.change(&one)
			wantFault(t, s.Sessions().Create(t.Context(), one), fault.Conflict, "")
			if test.name != "id" {
				_, err := s.Sessions().Update(t.Context(), other.ID, func(one *session.Session) error {
					one.Method = "half"
					test.change(one)
					return nil
				})
				wantFault(t, err, fault.Conflict, "")
			}
			list, err := s.SessionSets().ByUser(t.Context(), id(1))
			must(t, err)
			same(t, "number of sessions after a clash", len(list), 3)
			got, _, err := s.Sessions().ByHash(t.Context(), other.Hash)
			must(t, err)
			same(t, "session after a clash", got, other)
		})
	}
}

func sessionsFormer(t *testing.T, s Store) {
	addPeople(t, s, 1)
	one := signIn(1, id(1))
	must(t, s.Sessions().Create(t.Context(), one))
	replace := func(h session.Hash, now bool) session.Session {
		t.Helper()
		got, err := s.Sessions().Update(t.Context(), one.ID, func(one *session.Session) error {
			if now {
				one.ReplaceNow(h, noon)
			} else {
				one.Replace(h, noon)
			}
			return nil
		})
		must(t, err)
		return got
	}
	found := func(h session.Hash, want session.Session) {
		t.Helper()
		got, _, err := s.Sessions().ByHash(t.Context(), h)
		must(t, err)
		same(t, "session", got, want)
	}
	lost := func(h session.Hash) {
		t.Helper()
		_, _, err := s.Sessions().ByHash(t.Context(), h)
		wantFault(t, err, fault.NotFound, "session_unknown")
	}
	after := replace(hashOf("second"), false)
	found(one.Hash, after) // even when its time is over: the store does not ask
	found(hashOf("second"), after)
	after = replace(hashOf("third"), false)
	lost(one.Hash)
	found(hashOf("second"), after)
	found(hashOf("third"), after)
	after = replace(hashOf("fourth"), true)
	lost(hashOf("second"))
	lost(hashOf("third"))
	found(hashOf("fourth"), after)
	lost(session.Hash{})
}

func sessionsUpdate(t *testing.T, s Store) {
	addPeople(t, s, 1)
	before, bystander := signIn(1, id(1)), signIn(2, id(1))
	must(t, s.Sessions().Create(t.Context(), before))
	must(t, s.Sessions().Create(t.Context(), bystander))
	want := fullSession()
	want.ID = before.ID
	got, err := s.Sessions().Update(t.Context(), before.ID, func(one *session.Session) error {
		same(t, "what the function sees", *one, before)
		*one = fullSession()
		return nil
	})
	must(t, err)
	same(t, "result", got, want)
	got, _, err = s.Sessions().ByFamily(t.Context(), want.Family)
	must(t, err)
	same(t, "session", got, want)
	_, _, err = s.Sessions().ByHash(t.Context(), before.Hash)
	wantFault(t, err, fault.NotFound, "")
	got, _, err = s.Sessions().ByHash(t.Context(), bystander.Hash)
	must(t, err)
	same(t, "a session nobody touched", got, bystander)

	want.Sealed = []byte("\x01sealed\xff")
	want.Rotation++
	got, err = s.Sessions().Update(t.Context(), want.ID, func(one *session.Session) error {
		one.Sealed[0] = 1 // in place
		one.Rotation++
		return nil
	})
	must(t, err)
	same(t, "result", got, want)
	got, _, err = s.Sessions().ByHash(t.Context(), want.Hash)
	must(t, err)
	same(t, "session that was changed in place", got, want)
}

func sessionsRollback(t *testing.T, s Store) {
	addPeople(t, s, 1)
	must(t, s.Sessions().Create(t.Context(), fullSession()))
	refused := errors.New("refused on purpose")
	_, err := s.Sessions().Update(t.Context(), fullSession().ID, func(one *session.Session) error {
		one.Sealed[0], one.Rotation = 'x', 0
		one.ReplaceNow(hashOf("half"), noon)
		return refused
	})
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	unwinding(t, func(inside func()) {
		_, _ = s.Sessions().Update(t.Context(), fullSession().ID, func(one *session.Session) error {
			one.Rotation = 0
			inside()
			return nil
		})
	})
	got, _, err := s.Sessions().ByHash(t.Context(), fullSession().Hash)
	must(t, err)
	same(t, "session after failed updates", got, fullSession())
	_, _, err = s.Sessions().ByHash(t.Context(), hashOf("half"))
	wantFault(t, err, fault.NotFound, "")
}
