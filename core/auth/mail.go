package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// mailed is a secret on its way to a mailbox.
type mailed struct {
	purpose string
	subject string
	email   user.Email
	data    []byte
	life    time.Duration
}

// mailLimit counts a mail to an address, whether anybody has it or not, so that a
// refusal says nothing about the address.
func (s *Service) mailLimit(ctx context.Context, to user.Email) error {
	return s.limits(ctx, Client{}, hashKey("mail", to.Key()), s.Settings.MailLimit)
}

// mail keeps the hash of a new secret and sends the message with a link that has
// the secret. A message without a receiver is not sent.
func (s *Service) mail(ctx context.Context, m ports.Message, t mailed) error {
	secret, hash, err := s.newSecret()
	if err != nil {
		return err
	}
	now := s.Now()
	err = s.MailTokens.Put(ctx, ports.MailToken{
		Hash: hash, Purpose: t.purpose, Subject: t.subject, Email: t.email.Key(), Data: t.data,
		CreatedAt: now, ExpiresAt: now.Add(t.life),
	})
	if err != nil {
		return fmt.Errorf("keep mailed secret: %w", err)
	}
	if m.Kind == "" {
		return nil
	}
	m.To = t.email.String()
	if t.purpose != purposeVoid {
		m.Link, m.Expires = s.Settings.Link(m.Kind, secret), now.Add(t.life)
	}
	if err := s.Mailer.Send(ctx, m); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// mailConfirm mails a user a link that confirms the address.
func (s *Service) mailConfirm(ctx context.Context, u user.User) error {
	if err := s.mailLimit(ctx, u.Email); err != nil {
		return err
	}
	return s.mail(ctx, ports.Message{Kind: "confirm", Name: u.Name.String()},
		mailed{purpose: purposeConfirm, subject: u.ID, email: u.Email, life: s.Settings.ConfirmLife})
}

// mailChanged tells a user that the password was changed. That it cannot be told
// does not undo the change.
func (s *Service) mailChanged(ctx context.Context, u user.User) {
	if u.Email.IsZero() {
		return
	}
	err := s.Mailer.Send(ctx, ports.Message{Kind: "changed", To: u.Email.String(), Name: u.Name.String()})
	if err != nil {
		s.Report(ctx, "mail that the password was changed", err)
	}
}

// consume takes a mailed secret, once.
func (s *Service) consume(ctx context.Context, purpose, secret string) (ports.MailToken, error) {
	return s.mailToken(ctx, s.MailTokens.Consume, purpose, secret)
}

// peek reads a mailed secret and leaves it.
func (s *Service) peek(ctx context.Context, purpose, secret string) (ports.MailToken, error) {
	return s.mailToken(ctx, s.MailTokens.Get, purpose, secret)
}

func (s *Service) mailToken(
	ctx context.Context, get func(context.Context, string, session.Hash, time.Time) (ports.MailToken, error), purpose, secret string,
) (ports.MailToken, error) {
	t, err := get(ctx, purpose, hashSecret(secret), s.Now())
	if isNotFound(err) {
		return t, errLink
	}
	if err != nil {
		return t, fmt.Errorf("read mailed secret: %w", err)
	}
	return t, nil
}
