package mail_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

var now = time.Date(2026, 11, 22, 9, 5, 0, 0, time.UTC)

func config() mail.Config {
	return mail.Config{From: "Ex & Co <id@example.org>", ReplyTo: "help@example.org", SiteName: "Ex <b>& Cö", Now: func() time.Time { return now }}
}

// parsed is a message as a mail program reads it.
type parsed struct {
	header     netmail.Header
	subject    string
	text, html string
}

// parse reads a message of RFC 5322 with two alternatives.
func parse(t testing.TB, raw []byte) parsed {
	t.Helper()
	if bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) {
		t.Error("a line does not end with CR LF")
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 1000 {
			t.Errorf("a line has %d bytes", len(line))
		}
		for _, c := range line {
			if c > 0x7e {
				t.Fatalf("a line is not ASCII: %q", line)
			}
		}
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{header: m.Header}
	if p.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the content is %q, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for i, want := range []struct {
		kind string
		into *string
	}{{"text/plain", &p.text}, {"text/html", &p.html}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || kind != want.kind || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("part %d is %q, %v", i, part.Header.Get("Content-Type"), err)
		}
		if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "quoted-printable" {
			t.Fatalf("part %d is in %q", i, encoding)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		*want.into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("there is a third part, %v", err)
	}
	return p
}

// summary is what porttest.Mailer looks at.
func (p parsed) summary() string {
	return "To: " + p.header.Get("To") + "\nSubject: " + p.subject + "\n\n" + p.text
}

// TestLetter_parts looks at the messages that go to a directory, part by part.
func TestLetter_parts(t *testing.T) {
	for name, m := range porttest.MailerMessages() {
		t.Run(name, func(t *testing.T) {
			p := parse(t, sendToDirectory(t, config(), m))

			for _, want := range []string{"Ex <b>& Cö"} {
				if !strings.Contains(p.subject, want) || !strings.Contains(p.text, want) {
					t.Errorf("%q is not in the subject %q and the text %q", want, p.subject, p.text)
				}
			}
			if !strings.Contains(p.html, "Ex &lt;b&gt;&amp; Cö") || strings.Contains(p.html, "<b>") {
				t.Error("the site's name is not escaped in the HTML")
			}
			if m.Link != "" {
				escaped := strings.ReplaceAll(m.Link, "&", "&amp;")
				if got := strings.Count(p.html, `href="`+escaped+`"`); got != 2 {
					t.Errorf("the HTML has %d links: %s", got, p.html)
				}
				if !strings.Contains(p.html, ">"+escaped+"</a>") {
					t.Error("the link is not there as text")
				}
				if !strings.Contains(p.text, "\n\n"+m.Link+"\n\n") {
					t.Errorf("the link does not stand alone: %s", p.text)
				}
			} else if strings.Contains(p.html, "<a") || strings.Contains(p.text, "://") {
				t.Error("there is a link where there should be none")
			}
			until := "until 23 November 2026, 09:05 UTC"
			if want := m.Link != "" && !m.Expires.IsZero(); strings.Contains(p.text, until) != want || strings.Contains(p.html, until) != want {
				t.Errorf("the end of the link is there: %v; want %v", !want, want)
			}
			greeting := "Hello " + m.Name + ","
			if m.Name == "" {
				greeting = "Hello,"
			}
			if !strings.HasPrefix(p.text, greeting+"\n") || !strings.Contains(p.html, "<p>"+greeting+"</p>") {
				t.Errorf("the greeting is not %q: %s", greeting, p.text)
			}
			for _, line := range strings.Split(p.text, "\n") {
				if len(line) > 100 && line != m.Link {
					t.Errorf("a line has %d characters: %s", len(line), line)
				}
			}
			if strings.Contains(p.text, "\n\n\n") || strings.Contains(p.text, "{{") || strings.Contains(p.text, "no value") {
				t.Errorf("the text is badly laid out: %q", p.text)
			}
		})
	}
}

// TestLetter_headers holds the headers against RFC 5322 and RFC 3834, and sees
// that there are no others.
func TestLetter_headers(t *testing.T) {
	p := parse(t, sendToDirectory(t, config(), porttest.MailerMessages()["confirm"]))
	if id := p.header.Get("Message-ID"); !regexp.MustCompile(`^<[0-9a-f]{32}@example\.org>$`).MatchString(id) {
		t.Errorf("Message-ID is %q", id)
	}
	delete(p.header, "Message-Id")
	delete(p.header, "Content-Type")
	want := netmail.Header{
		"From": {`"Ex & Co" <id@example.org>`}, "To": {"<ada@example.org>"}, "Reply-To": {"<help@example.org>"},
		"Subject":      {mime.QEncoding.Encode("UTF-8", "Confirm your e-mail address for Ex <b>& Cö")},
		"Date":         {"Sun, 22 Nov 2026 09:05:00 +0000"},
		"Mime-Version": {"1.0"}, "Auto-Submitted": {"auto-generated"}, "X-Auto-Response-Suppress": {"All"},
	}
	if diff := cmp.Diff(want, p.header); diff != "" {
		t.Error(diff)
	}

	c := config()
	c.From, c.ReplyTo = "id@example.org", ""
	p = parse(t, sendToDirectory(t, c, porttest.MailerMessages()["confirm"]))
	from, err := p.header.AddressList("From")
	if err != nil || from[0].Name != c.SiteName {
		t.Errorf("a sender without a name is not called after the site but %v, %v", from, err)
	}
	if _, found := p.header["Reply-To"]; found {
		t.Error("there is an address for answers")
	}
}

// TestLetter_HTML_is_plain sees that the HTML loads nothing, runs nothing, and
// leaves the colours to the reader.
func TestLetter_HTML_is_plain(t *testing.T) {
	p := parse(t, sendToDirectory(t, config(), porttest.MailerMessages()["reset"]))
	for _, bad := range []string{"<img", "<script", "<link", "url(", "@import", "src=", "onclick", "<table", "<form"} {
		if strings.Contains(p.html, bad) {
			t.Errorf("the HTML has %q", bad)
		}
	}
	for _, want := range []string{`<html lang="en">`, `<meta name="color-scheme" content="light dark">`, `<meta charset="utf-8">`} {
		if !strings.Contains(p.html, want) {
			t.Errorf("the HTML has no %q", want)
		}
	}
	if regexp.MustCompile(`body \{[^}]*(color|background)\s*:`).MatchString(p.html) {
		t.Error("the HTML sets colours of the page")
	}
}

func TestConfig_refused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*mail.Config)
		want   []string
	}{
		{"site with a header", func(c *mail.Config) { c.SiteName = "Ex\r\nBcc: eve@example.org" }, []string{"site's name"}},
		{"site with a line feed", func(c *mail.Config) { c.SiteName = "Ex\n" }, []string{"site's name"}},
		{"site that turns around", func(c *mail.Config) { c.SiteName = "Ex\u202e" }, []string{"site's name"}},
		{"long site", func(c *mail.Config) { c.SiteName = strings.Repeat("x", 101) }, []string{"site's name"}},
		{"sender with a header", func(c *mail.Config) { c.From = "id@example.org\r\nBcc: eve@example.org" }, []string{"sender"}},
		{"sender's name with a header", func(c *mail.Config) { c.From = "\"Ex\r\nBcc: eve@example.org\" <id@example.org>" }, []string{"sender"}},
		{"encoded line end", func(c *mail.Config) { c.From = "=?utf-8?b?RXgNCkJjYzogeA==?= <id@example.org>" }, []string{"sender"}},
		{"no sender", func(c *mail.Config) { c.From = "Ex" }, []string{"sender"}},
		{"answers and sender", func(c *mail.Config) { c.From, c.ReplyTo = "x", "y\r\n" }, []string{"sender", "answers"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config()
			tt.change(&c)
			_, console := mail.NewConsole(c, io.Discard)
			_, directory := mail.NewDirectory(c, t.TempDir())
			_, smtp := mail.NewSMTP(c, mail.Server{Host: "smtp.example.org"})
			for _, err := range []error{console, directory, smtp} {
				if err == nil {
					t.Fatal("taken")
				}
				for _, part := range tt.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
			}
		})
	}
}

// send sends a message of the suite's, or fails.
func send(t testing.TB, mailer ports.Mailer, m ports.Message) {
	t.Helper()
	if err := mailer.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}
