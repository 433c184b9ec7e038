package mail_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

// outbox returns the messages in a directory, and fails for anything else there.
func outbox(t testing.TB, dir string) (raw [][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !regexp.MustCompile(`^20261122T090500\.000Z-[a-z]+-[0-9a-f]{16}\.eml$`).MatchString(e.Name()) {
			t.Errorf("there is a file %s", e.Name())
		}
		info, err := e.Info()
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, b)
	}
	return raw
}

// sendToDirectory returns a message as it is in its file.
func sendToDirectory(t testing.TB, c mail.Config, m ports.Message) []byte {
	t.Helper()
	dir := t.TempDir()
	mailer, err := mail.NewDirectory(c, dir)
	if err != nil {
		t.Fatal(err)
	}
	send(t, mailer, m)
	raw := outbox(t, dir)
	if len(raw) != 1 {
		t.Fatalf("there are %d files", len(raw))
	}
	return raw[0]
}

func TestDirectory_contract(t *testing.T) {
	porttest.Mailer(t, func(t *testing.T) (ports.Mailer, func() []string) {
		dir := filepath.Join(t.TempDir(), "new", "outbox")
		m, err := mail.NewDirectory(config(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return m, func() (all []string) {
			for _, raw := range outbox(t, dir) {
				all = append(all, parse(t, raw).summary())
			}
			return all
		}
	})
}

func TestDirectory_is_private(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	if _, err := mail.NewDirectory(config(), dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

func TestDirectory_gone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	m, err := mail.NewDirectory(config(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), porttest.MailerMessages()["reset"]); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestNewDirectory_refuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", file, filepath.Join(file, "below")} {
		if m, err := mail.NewDirectory(config(), path); err == nil || m != nil {
			t.Errorf("%q: %v, %v", path, m, err)
		}
	}
}
