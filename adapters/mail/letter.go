// Package mail sends the few messages that Hexward writes: confirm an address,
// reset a password, finish a registration, and two notices. It implements
// ports.Mailer three times:
//
//	m, err := mail.NewConsole(config, os.Stdout)      // prints them, for development
//	m, err := mail.NewDirectory(config, "outbox")     // one .eml file a message
//	m, err := mail.NewSMTP(config, mail.Server{Host: "smtp.example.org", User: …, Password: …})
//
// Each message has a plain text and an HTML part, from the templates in
// templates/. The HTML is one column of text with a link, takes the reader's
// colours, light or dark, and loads nothing.
//
// What other people chose is kept out of harm's way: an address, a link or a
// setting with a line break in it is refused, headers take nothing from users but
// the recipient's address, and a user name that a mail program could turn into a
// link is left out, since anybody can register with the address of somebody else
// to have it mailed to them.
//
// Nothing here logs, and no error has a link or a body in it.
package mail

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"net/mail"
	"net/url"
	"strings"
	text "text/template"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// DefaultSiteName stands for a site without a name.
const DefaultSiteName = "Hexward"

// defaultFrom sends what stays on this machine.
const defaultFrom = "no-reply@localhost"

// Config says who writes.
type Config struct {
	From     string           // an address, or a name and an address in angle brackets; NewSMTP needs it
	ReplyTo  string           // the same, for answers; may be empty
	SiteName string           // as it is called in messages; empty for DefaultSiteName
	Now      func() time.Time // nil for time.Now
}

//go:embed templates
var files embed.FS

var (
	texts = text.Must(text.ParseFS(files, "templates/*.txt"))
	pages = html.Must(html.ParseFS(files, "templates/*.html"))
)

// kinds says which kinds of message there are, and whether they are about a
// link.
var kinds = map[string]struct{ link bool }{
	"confirm":  {link: true},
	"reset":    {link: true},
	"register": {link: true},
	"known":    {},
	"changed":  {},
}

// letter is a message, written.
type letter struct{ to, subject, text, html string }

// writer writes letters.
type writer struct {
	from, replyTo *mail.Address // replyTo may be nil
	site          string
	now           func() time.Time
}

// newWriter checks a Config. The error names all that is wrong.
func newWriter(c Config) (*writer, error) {
	w := &writer{site: c.SiteName, now: c.Now}
	if w.site == "" {
		w.site = DefaultSiteName
	}
	if w.now == nil {
		w.now = time.Now
	}
	if c.From == "" {
		c.From = defaultFrom
	}
	var errs []error
	if strings.ContainsFunc(w.site, unprintable) || len(w.site) > 100 {
		errs = append(errs, errors.New("a site's name is one line of at most 100 bytes"))
	}
	var err error
	if w.from, err = parseAddress(c.From); err != nil {
		errs = append(errs, fmt.Errorf("the sender %q is no e-mail address; write `Name <address@example.org>`", c.From))
	} else if w.from.Name == "" {
		w.from.Name = w.site
	}
	if c.ReplyTo != "" {
		if w.replyTo, err = parseAddress(c.ReplyTo); err != nil {
			errs = append(errs, fmt.Errorf("the address for answers %q is no e-mail address; write `Name <address@example.org>`", c.ReplyTo))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return w, nil
}

// parseAddress reads an address on one line.
func parseAddress(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(s, unprintable) || strings.ContainsFunc(a.Name, unprintable) || strings.ContainsFunc(a.Address, unprintable) {
		return nil, errors.New("an address is one line")
	}
	return a, nil
}

// unprintable reports whether a character has no place in a line of text: line
// ends and control characters, and those that turn the direction of writing.
func unprintable(r rune) bool {
	return !unicode.IsPrint(r) && r != ' '
}

// errMessage is a message that the caller put together wrongly.
func errMessage(what string) error {
	return fault.New(fault.Internal, "mail_message", "this message cannot be written: "+what)
}

// write writes a message.
func (w *writer) write(m ports.Message) (letter, error) {
	kind, known := kinds[m.Kind]
	to, err := parseAddress(m.To)
	switch {
	case !known:
		return letter{}, errMessage("there is no such kind")
	case err != nil || to.Address != m.To:
		return letter{}, errMessage("the recipient is no bare e-mail address")
	case m.Link == "" && kind.link:
		return letter{}, errMessage("it needs a link")
	case m.Link != "" && !linkable(m.Link):
		return letter{}, errMessage("its link is no absolute http or https URL")
	}
	data := struct{ Site, Name, Link, Until string }{Site: w.site, Name: greetable(m.Name), Link: m.Link}
	if !m.Expires.IsZero() {
		data.Until = m.Expires.UTC().Format("2 January 2006, 15:04 UTC")
	}
	l := letter{to: m.To}
	for _, part := range []struct {
		into    *string
		execute func(io.Writer, string, any) error
		name    string
	}{
		{&l.subject, texts.ExecuteTemplate, m.Kind + " subject"},
		{&l.text, texts.ExecuteTemplate, m.Kind},
		{&l.html, pages.ExecuteTemplate, m.Kind},
	} {
		var b bytes.Buffer
		if err := part.execute(&b, part.name, data); err != nil {
			return letter{}, fmt.Errorf("write the message %q: %w", m.Kind, err)
		}
		*part.into = strings.TrimSpace(b.String())
	}
	l.text += "\n"
	l.html += "\n"
	return l, nil
}

// linkable reports whether a link is one that every mail program keeps whole.
func linkable(link string) bool {
	for i := range len(link) {
		if c := link[i]; c <= ' ' || c > '~' || strings.IndexByte("<>\"\\^`{|}", c) >= 0 {
			return false
		}
	}
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// greetable returns a user name if it is one that no mail program takes for a
// link or an address, else nothing.
func greetable(name string) string {
	if len(name) > 200 || strings.ContainsAny(name, ".:/@。．｡") || strings.ContainsFunc(name, func(r rune) bool { return unprintable(r) || unicode.IsSpace(r) }) {
		return ""
	}
	return name
}

// mime brings a letter into the form of RFC 5322.
func (w *writer) mime(l letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(w.from)
	if err := m.To(l.to); err != nil {
		return nil, errMessage("the recipient is no e-mail address")
	}
	if w.replyTo != nil {
		m.ReplyToMailAddress(w.replyTo)
	}
	m.Subject(l.subject)
	m.SetDateWithValue(w.now())
	unique := make([]byte, 16)
	if _, err := rand.Read(unique); err != nil {
		return nil, fmt.Errorf("make a message id: %w", err)
	}
	_, domain, _ := strings.Cut(w.from.Address, "@")
	m.SetMessageIDWithValue(hex.EncodeToString(unique) + "@" + domain)
	m.SetGenHeader("Auto-Submitted", "auto-generated")  // RFC 3834 §5: nobody answers on their own
	m.SetGenHeader("X-Auto-Response-Suppress", "All")   // the same for Exchange
	m.SetBodyString(gomail.TypeTextPlain, l.text)       // what comes last is what readers prefer:
	m.AddAlternativeString(gomail.TypeTextHTML, l.html) // RFC 2046 §5.1.4
	return m, nil
}

// unavailable is the fault of a message that was not handed over.
func unavailable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "mail_unavailable", "the message could not be sent; please try again later")
}
