package main

import (
	netmail "net/mail"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/ports"
)

// mailer makes the mailer that is configured.
func (p *program) mailer(s *settled) (ports.Mailer, error) {
	c := p.config
	from := c.MailFrom
	if c.DisplayName != "" {
		address := netmail.Address{Name: c.DisplayName, Address: "no-reply@localhost"}
		if given, err := netmail.ParseAddress(from); err == nil {
			address.Address = given.Address
		}
		from = address.String()
	}
	letters := mail.Config{From: from, SiteName: c.Site, Now: p.now}
	switch {
	case s.mailDir != "":
		return mail.NewDirectory(letters, s.mailDir)
	case c.mailer() == "console":
		return mail.NewConsole(letters, p.stdout)
	default:
		return mail.NewSMTP(letters, mail.Server{
			Host: c.SMTPHost, Port: c.SMTPPort, User: c.SMTPUser, Password: s.smtpPassword, Mode: c.SMTPTLS,
		})
	}
}
