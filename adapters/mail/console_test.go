package mail_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

func TestConsole_contract(t *testing.T) {
	porttest.Mailer(t, func(t *testing.T) (ports.Mailer, func() []string) {
		var out bytes.Buffer
		m, err := mail.NewConsole(config(), &out)
		if err != nil {
			t.Fatal(err)
		}
		return m, func() []string { // one for each frame
			blocks := strings.Split(out.String(), "┌── mail ")
			return blocks[1:]
		}
	})
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestConsole_write_fails(t *testing.T) {
	m, err := mail.NewConsole(config(), full{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), porttest.MailerMessages()["reset"]); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func ExampleConsole() {
	m, err := mail.NewConsole(mail.Config{SiteName: "Example"}, os.Stdout)
	if err != nil {
		panic(err)
	}
	err = m.Send(context.Background(), ports.Message{
		Kind: "reset", To: "ada@example.org", Name: "ada", Link: "https://id.example/password/AbC123",
		Expires: time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC),
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// ┌── mail ────────────────────────────────────────────────────────────────
	// To:      ada@example.org
	// Subject: Choose a new password for Example
	//
	// Hello ada,
	//
	// somebody, hopefully you, asked for a new password for your account at Example.
	// Please open this link to choose one:
	//
	// https://id.example/password/AbC123
	//
	// The link is good once, until 22 November 2026, 11:00 UTC.
	//
	// If it was not you, you need not do anything: your password stays as it is.
	// └────────────────────────────────────────────────────────────────────────
}
