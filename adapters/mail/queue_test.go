package mail_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// mailer calls a function for each message.
type mailer func(ctx context.Context, m ports.Message) error

func (f mailer) Send(ctx context.Context, m ports.Message) error { return f(ctx, m) }

var (
	errDown    = fault.New(fault.Unavailable, "mail_unavailable", "the mail server is down")
	errRefused = fault.New(fault.Invalid, "mail_invalid", "no such kind")
)

// outcome is what a queue did: when each attempt was made, by recipient, and what
// was reported.
type outcome struct {
	sync.Mutex
	start    time.Time
	attempts map[string][]time.Duration
	reports  []string
}

// note records an attempt and returns its number.
func (o *outcome) note(m ports.Message) int {
	o.Lock()
	defer o.Unlock()
	o.attempts[m.To] = append(o.attempts[m.To], time.Since(o.start))
	return len(o.attempts[m.To])
}

func (o *outcome) report(err error) {
	o.Lock()
	defer o.Unlock()
	o.reports = append(o.reports, err.Error())
}

func TestQueue_delivers(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name    string
		send    func(attempt int) error
		expires time.Duration
		want    []time.Duration
		report  string
	}{
		{"at_once", func(int) error { return nil }, 0, []time.Duration{0}, ""},
		{"at_the_third_attempt", func(n int) error {
			if n < 3 {
				return errDown
			}
			return nil
		}, 0, []time.Duration{0, s, 3 * s}, ""},
		{"not_at_all", func(int) error { return errDown }, 0, []time.Duration{0, s, 3 * s, 7 * s}, "given up after 4 attempts"},
		{"what_can_never_be", func(int) error { return errRefused }, 0, []time.Duration{0}, "given up after 1 attempts"},
		{"no_dead_link", func(int) error { return errDown }, 2 * s, []time.Duration{0, s}, "given up after 2 attempts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				did := outcome{start: time.Now(), attempts: map[string][]time.Duration{}}
				q := mail.NewQueue(mailer(func(_ context.Context, m ports.Message) error {
					return tt.send(did.note(m))
				}), mail.QueueConfig{Attempts: 4, Pause: s, Report: did.report})
				m := ports.Message{Kind: "confirm", To: "ada@example.org", Link: "https://id.example/confirm/secret"}
				if tt.expires != 0 {
					m.Expires = time.Now().Add(tt.expires)
				}
				if err := q.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				did.Lock()
				if got := did.attempts[m.To]; !equal(got, tt.want) {
					t.Errorf("tried after %v, not %v", got, tt.want)
				}
				all := strings.Join(did.reports, "\n")
				if !strings.Contains(all, tt.report) || tt.report == "" && all != "" {
					t.Errorf("reported %q", all)
				}
				if strings.Contains(all, "ada@") || strings.Contains(all, "secret") {
					t.Errorf("the report tells whom or what: %q", all)
				}
				did.Unlock()
				if err := q.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func equal(a, b []time.Duration) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestQueue_does_not_wait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := mail.NewQueue(mailer(func(ctx context.Context, _ ports.Message) error {
			<-ctx.Done() // a server that never answers
			return ctx.Err()
		}), mail.QueueConfig{Size: 3, Workers: 1})
		began := time.Now()
		for range 3 {
			if err := q.Send(t.Context(), ports.Message{Kind: "confirm"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Send(t.Context(), ports.Message{Kind: "confirm"}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("a full queue says %v", err)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("waited %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := q.Close(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 messages") {
			t.Errorf("Close says %v", err)
		}
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

// A message that waits to be tried again must not hold up the others.
func TestQueue_one_bad_recipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did := outcome{start: time.Now(), attempts: map[string][]time.Duration{}}
		q := mail.NewQueue(mailer(func(_ context.Context, m ports.Message) error {
			did.note(m)
			if m.To == "bad@example.org" {
				return errDown
			}
			return nil
		}), mail.QueueConfig{Workers: 1})
		for _, to := range []string{"bad@example.org", "ada@example.org"} {
			if err := q.Send(t.Context(), ports.Message{Kind: "confirm", To: to}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		did.Lock()
		if got := did.attempts["ada@example.org"]; !equal(got, []time.Duration{0}) {
			t.Errorf("tried after %v", got)
		}
		did.Unlock()
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestQueue_Close_tries_once_more(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did := outcome{start: time.Now(), attempts: map[string][]time.Duration{}}
		down := true
		q := mail.NewQueue(mailer(func(_ context.Context, m ports.Message) error {
			did.note(m)
			if down {
				return errDown
			}
			return nil
		}), mail.QueueConfig{Pause: time.Hour, Report: did.report})
		if err := q.Send(t.Context(), ports.Message{Kind: "reset", To: "ada@example.org"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		down = false
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := did.attempts["ada@example.org"]; !equal(got, []time.Duration{0, time.Minute}) || len(did.reports) != 0 {
			t.Errorf("tried after %v, reported %q", got, did.reports)
		}
		if err := q.Send(t.Context(), ports.Message{Kind: "reset"}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("a closed queue says %v", err)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Errorf("closing again says %v", err)
		}
	})
}

func ExampleQueue() {
	var out bytes.Buffer
	console, err := mail.NewConsole(mail.Config{SiteName: "Example"}, &out)
	if err != nil {
		panic(err)
	}
	q := mail.NewQueue(console, mail.QueueConfig{})
	err = q.Send(context.Background(), ports.Message{Kind: "changed", To: "ada@example.org", Name: "ada"})
	if err != nil {
		panic(err)
	}
	if err := q.Close(context.Background()); err != nil {
		panic(err)
	}
}
