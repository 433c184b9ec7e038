package porttest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// MailerMessages has a message of each kind, by a name for it.
func MailerMessages() map[string]ports.Message {
	until := time.Date(2026, 11, 23, 9, 5, 0, 0, time.UTC)
	message := func(kind, link string) ports.Message {
		return ports.Message{Kind: kind, To: "ada@example.org", Name: "ada", Link: link, Expires: until}
	}
	const link = "https://id.example/confirm?t=0123456789abcdefghijklmnopqrstuvwxyz_-ABCDEFGHIJKLMNOPQRSTUVWXYZ&x=1"
	all := map[string]ports.Message{
		"known_without_link": message("known", ""), "changed_without_link": message("changed", ""),
	}
	for _, kind := range []string{"confirm", "reset", "register", "known", "changed"} {
		all[kind] = message(kind, link)
	}
	nameless := message("register", link)
	nameless.Name, nameless.Expires = "", time.Time{}
	all["register_without_name"] = nameless
	odd := message("confirm", link)
	odd.To = "!#$%&'*+-/=?^_`{|}~.x@xn--bcher-kva.example"
	all["odd_address"] = odd
	return all
}

// Mailer holds an implementation to the contract of ports.Mailer. The function
// returns one, and what it has delivered so far: the texts of the messages,
// decoded, with their headers To and Subject.
func Mailer(t *testing.T, open func(t *testing.T) (m ports.Mailer, delivered func() []string)) {
	t.Helper()
	ctx := t.Context()

	for name, m := range MailerMessages() {
		t.Run(name, func(t *testing.T) {
			mailer, delivered := open(t)
			if err := mailer.Send(ctx, m); err != nil {
				t.Fatal(err)
			}
			got := delivered()
			if len(got) != 1 {
				t.Fatalf("%d messages were delivered", len(got))
			}
			for _, want := range []string{m.To, m.Name, "\n" + m.Link + "\n"} {
				if !strings.Contains(got[0], want) {
					t.Errorf("%q is not in\n%s", want, got[0])
				}
			}
		})
	}

	good := MailerMessages()["confirm"]
	t.Run("refuses", func(t *testing.T) {
		mailer, delivered := open(t)
		for name, change := range map[string]func(*ports.Message){
			"unknown kind":             func(m *ports.Message) { m.Kind = "spam" },
			"no kind":                  func(m *ports.Message) { m.Kind = "" },
			"part of a kind":           func(m *ports.Message) { m.Kind = "confirm subject" },
			"no recipient":             func(m *ports.Message) { m.To = "" },
			"no address":               func(m *ports.Message) { m.To = "ada" },
			"two recipients":           func(m *ports.Message) { m.To = "ada@example.org, eve@example.org" },
			"a header in the address":  func(m *ports.Message) { m.To = "ada@example.org\r\nBcc: eve@example.org" },
			"a line end after it":      func(m *ports.Message) { m.To = "ada@example.org\n" },
			"a name with the address":  func(m *ports.Message) { m.To = "Ada <ada@example.org>" },
			"no link":                  func(m *ports.Message) { m.Link = "" },
			"a relative link":          func(m *ports.Message) { m.Link = "/confirm" },
			"a link without host":      func(m *ports.Message) { m.Link = "https:///confirm" },
			"a script":                 func(m *ports.Message) { m.Link = "javascript:alert(1)" },
			"a line end in the link":   func(m *ports.Message) { m.Link = "https://id.example/\r\n\r\nhello" },
			"markup in the link":       func(m *ports.Message) { m.Link = `https://id.example/"><b>` },
			"a space in the link":      func(m *ports.Message) { m.Link = "https://id.example/ x" },
			"somebody else's password": func(m *ports.Message) { m.Link = "https://id.example@evil.example/" },
		} {
			m := good
			change(&m)
			err := mailer.Send(ctx, m)
			if err == nil || fault.KindOf(err) == fault.Unavailable {
				t.Errorf("%s: %v", name, err)
			} else if strings.Contains(err.Error(), "t=0123") {
				t.Errorf("%s: the error shows the link: %v", name, err)
			}
		}
		if got := delivered(); len(got) != 0 {
			t.Errorf("delivered all the same: %q", got)
		}
	})

	t.Run("a_name_stays_in_its_place", func(t *testing.T) {
		for _, name := range []string{
			"evil.example", "https://evil.example", "eve@example.org", "ada\r\nBcc: eve@example.org", "ada\n\nhttps://evil.example",
			"ada\u2028evil", "\u202egnp.exe", "x\x1b[31m", strings.Repeat("x", 1000), "two words", "evil。example",
		} {
			mailer, delivered := open(t)
			m := good
			m.Name = name
			if err := mailer.Send(ctx, m); err != nil {
				t.Errorf("%q: %v", name, err)
				continue
			}
			if got := delivered(); len(got) != 1 || strings.Contains(got[0], name) || strings.Contains(got[0], "Bcc") || strings.Contains(got[0], "evil") {
				t.Errorf("%q is in %q", name, got)
			}
		}
	})

	t.Run("a_call_that_is_over_is_unavailable", func(t *testing.T) {
		mailer, delivered := open(t)
		over, cancel := context.WithCancel(ctx)
		cancel()
		if err := mailer.Send(over, good); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
		if got := delivered(); len(got) != 0 {
			t.Errorf("delivered all the same: %q", got)
		}
	})

	t.Run("concurrent_callers", func(t *testing.T) {
		mailer, delivered := open(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := mailer.Send(ctx, good); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := delivered()
		if len(got) != 8 {
			t.Fatalf("%d messages were delivered", len(got))
		}
		for _, text := range got {
			if strings.Count(text, good.Link) != 1 {
				t.Errorf("not one message, whole: %q", text)
			}
		}
	})
}
