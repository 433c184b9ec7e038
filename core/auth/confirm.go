package auth

import (
	"context"
	"fmt"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// SendConfirm mails the principal a link that confirms their address. One that is
// confirmed already, or missing, is Invalid; too many mails are Throttled.
func (s *Service) SendConfirm(ctx context.Context, p *access.Principal, c Client) error {
	u, err := s.ownUser(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case u.Email.IsZero():
		return fault.New(fault.Invalid, "no_email", "this account has no e-mail address")
	case u.EmailConfirmed:
		return fault.New(fault.Invalid, "already_confirmed", "this e-mail address is confirmed already")
	}
	if err := s.mailConfirm(ctx, u); err != nil {
		return err
	}
	return s.record(ctx, c, by(p, ports.Event{Action: "confirm.send", Subject: u.ID}), nil)
}

// Confirm takes the secret of a mailed link: it confirms the address of a user,
// or finishes a registration that waited for it. The link works once. A secret
// that is not known, used, voided or expired is Forbidden.
func (s *Service) Confirm(ctx context.Context, secret string, c Client) (user.User, error) {
	t, err := s.consume(ctx, purposeConfirm, secret)
	if err == nil {
		return s.confirm(ctx, t, c)
	}
	if fault.KindOf(err) != fault.Forbidden {
		return user.User{}, err
	}
	if t, err = s.consume(ctx, purposeRegister, secret); err != nil {
		return user.User{}, err
	}
	return s.finishRegistration(ctx, t, c)
}

func (s *Service) confirm(ctx context.Context, t ports.MailToken, c Client) (user.User, error) {
	u, err := s.Users.Update(ctx, t.Subject, func(u *user.User) error {
		return u.ConfirmEmail(user.EmailOf(t.Email, t.Email), s.Now())
	})
	if isNotFound(err) {
		return u, errLink
	}
	if err != nil {
		return u, fmt.Errorf("confirm e-mail address: %w", err)
	}
	return u, s.record(ctx, c, ports.Event{Action: "confirm", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant}, nil)
}
