package porttest

import (
	"context"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

// MailTokens is the contract of ports.MailTokens.
func MailTokens(t *testing.T, open func(t *testing.T) Store) {
	t.Run("keeps_everything", func(t *testing.T) { mailKeep(t, open(t)) })
	t.Run("put_replaces", func(t *testing.T) { mailReplace(t, open(t)) })
	t.Run("expires", func(t *testing.T) { mailExpire(t, open(t)) })
	t.Run("consume", func(t *testing.T) { mailConsume(t, open(t)) })
	t.Run("parallel_consumers", func(t *testing.T) {
		s := open(t).MailTokens()
		must(t, s.Put(t.Context(), mailed("reset", "somebody")))
		oneWinner(t, parallel(callers, func(int) error {
			got, err := s.Consume(t.Context(), "reset", hashOf("reset somebody"), noon)
			if err == nil {
				same(t, "token", got, mailed("reset", "somebody"))
			}
			return err
		}), fault.NotFound)
	})
	t.Run("parallel_puts_leave_one", func(t *testing.T) {
		s := open(t).MailTokens()
		for _, err := range parallel(callers, func(i int) error {
			one := mailed("reset", "somebody")
			one.Hash = hashOf("number %d", i)
			return s.Put(t.Context(), one)
		}) {
			must(t, err)
		}
		there := 0
		for i := range callers {
			if _, err := s.Get(t.Context(), "reset", hashOf("number %d", i), noon); err == nil {
				there++
			}
		}
		same(t, "tokens there", there, 1)
	})
	t.Run("delete_expired", func(t *testing.T) {
		s := open(t).MailTokens()
		for i := range 3 {
			one := mailed("reset", id(i))
			one.ExpiresAt = noon.Add(time.Duration(i-1) * time.Millisecond)
			must(t, s.Put(t.Context(), one))
		}
		n, err := s.DeleteExpired(t.Context(), noon)
		must(t, err)
		same(t, "number deleted", n, 2)
		_, err = s.Get(t.Context(), "reset", hashOf("reset %s", id(2)), noon)
		must(t, err)
		_, err = s.Get(t.Context(), "reset", hashOf("reset %s", id(0)), noon.Add(-time.Hour))
		wantFault(t, err, fault.NotFound, "")
		n, err = s.DeleteExpired(t.Context(), noon)
		must(t, err)
		same(t, "number deleted again", n, 0)
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).MailTokens()
		there, h := mailed("reset", "somebody"), hashOf("reset somebody")
		must(t, s.Put(t.Context(), there))
		endedCalls(t, map[string]func(context.Context) error{
			"Put": func(ctx context.Context) error {
				late := there
				late.Hash = hashOf("late")
				return s.Put(ctx, late)
			},
			"Get":           func(ctx context.Context) error { _, err := s.Get(ctx, "reset", h, noon); return err },
			"Consume":       func(ctx context.Context) error { _, err := s.Consume(ctx, "reset", h, noon); return err },
			"DeleteExpired": func(ctx context.Context) error { _, err := s.DeleteExpired(ctx, there.ExpiresAt); return err },
		})
		got, err := s.Consume(t.Context(), "reset", h, noon)
		must(t, err)
		same(t, "the token that late calls wanted to change", got, there)
	})
}

// mailed returns a token that is good for an hour from noon on.
func mailed(purpose, subject string) ports.MailToken {
	return ports.MailToken{
		Hash: hashOf("%s %s", purpose, subject), Purpose: purpose, Subject: subject, Email: "me@example.org",
		Data: []byte("\x00data\xff"), CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func mailKeep(t *testing.T, s Store) {
	odd := func() ports.MailToken {
		one := mailed("confirm", "odd")
		one.CreatedAt, one.ExpiresAt = noon.Add(1_999_999).In(time.FixedZone("", 60)), noon.Add(time.Hour+1_999_999)
		return one
	}
	for _, build := range []func() ports.MailToken{
		func() ports.MailToken { return mailed("confirm", id(1)) },
		func() ports.MailToken {
			long := mailed("register", "日本語 'quoted' % _")
			long.Data = make([]byte, 50_000)
			return long
		},
		func() ports.MailToken {
			return ports.MailToken{Hash: hashOf("empty"), Purpose: "setup", ExpiresAt: noon.Add(time.Hour)}
		},
		odd,
	} {
		give, want := build(), build()
		want.CreatedAt, want.ExpiresAt = want.CreatedAt.Truncate(time.Millisecond).UTC(), want.ExpiresAt.Truncate(time.Millisecond)
		must(t, s.MailTokens().Put(t.Context(), give))
		for range 2 {
			spoil(give.Data) // first the caller's own, then what it got
			got, err := s.MailTokens().Get(t.Context(), give.Purpose, give.Hash, noon)
			must(t, err)
			same(t, "token", got, want)
			give = got
		}
	}
}

// spoil changes bytes that the store must not share with its callers.
func spoil(b []byte) {
	for i := range b {
		b[i] ^= 1
	}
}

func mailReplace(t *testing.T, s Store) {
	first := mailed("reset", id(1))
	other := mailed("confirm", id(1))
	stranger := mailed("reset", id(2))
	for _, one := range []ports.MailToken{first, other, stranger} {
		must(t, s.MailTokens().Put(t.Context(), one))
	}
	second := first
	second.Hash, second.Data = hashOf("second"), []byte("second")
	must(t, s.MailTokens().Put(t.Context(), second))
	_, err := s.MailTokens().Get(t.Context(), "reset", first.Hash, noon)
	wantFault(t, err, fault.NotFound, "token_unknown")
	for _, want := range []ports.MailToken{second, other, stranger} {
		got, err := s.MailTokens().Get(t.Context(), want.Purpose, want.Hash, noon)
		must(t, err)
		same(t, "token", got, want)
	}
	second.Data = []byte("again")
	must(t, s.MailTokens().Put(t.Context(), second)) // the same secret once more
	got, err := s.MailTokens().Get(t.Context(), "reset", second.Hash, noon)
	must(t, err)
	same(t, "token put twice", got, second)

	thief := mailed("reset", id(3))
	thief.Hash = stranger.Hash
	wantFault(t, s.MailTokens().Put(t.Context(), thief), fault.Conflict, "")
	got, err = s.MailTokens().Get(t.Context(), "reset", stranger.Hash, noon)
	must(t, err)
	same(t, "token after a clash", got, stranger)
}

func mailExpire(t *testing.T, s Store) {
	one := mailed("reset", id(1))
	must(t, s.MailTokens().Put(t.Context(), one))
	for _, step := range []struct {
		at   time.Time
		good bool
	}{
		{one.CreatedAt.Add(-time.Hour), true},
		{one.ExpiresAt.Add(-time.Millisecond), true},
		{one.ExpiresAt, false},
		{one.ExpiresAt.Add(time.Hour), false},
	} {
		_, err := s.MailTokens().Get(t.Context(), "reset", one.Hash, step.at)
		if step.good {
			must(t, err)
			continue
		}
		wantFault(t, err, fault.NotFound, "token_unknown")
		_, err = s.MailTokens().Consume(t.Context(), "reset", one.Hash, step.at)
		wantFault(t, err, fault.NotFound, "token_unknown")
	}
}

func mailConsume(t *testing.T, s Store) {
	one := mailed("reset", id(1))
	must(t, s.MailTokens().Put(t.Context(), one))
	for _, wrong := range []struct {
		purpose string
		hash    session.Hash
	}{{"confirm", one.Hash}, {"", one.Hash}, {"Reset", one.Hash}, {"reset", session.Hash{}}, {"reset", hashOf("guess")}} {
		_, err := s.MailTokens().Get(t.Context(), wrong.purpose, wrong.hash, noon)
		wantFault(t, err, fault.NotFound, "token_unknown")
		_, err = s.MailTokens().Consume(t.Context(), wrong.purpose, wrong.hash, noon)
		wantFault(t, err, fault.NotFound, "token_unknown")
	}
	got, err := s.MailTokens().Consume(t.Context(), "reset", one.Hash, noon)
	must(t, err)
	same(t, "token", got, one)
	_, err = s.MailTokens().Consume(t.Context(), "reset", one.Hash, noon)
	wantFault(t, err, fault.NotFound, "token_unknown")
	_, err = s.MailTokens().Get(t.Context(), "reset", one.Hash, noon)
	wantFault(t, err, fault.NotFound, "token_unknown")
}
