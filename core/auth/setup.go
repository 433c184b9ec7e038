package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// setupLife is how long the link for the first administrator works.
const setupLife = 24 * time.Hour

// SetupLink returns the link under which the first administrator of the default tenant registers, or ""
// when there is one. It voids the link that it returned before.
func (s *Service) SetupLink(ctx context.Context) (string, error) {
	needed, err := s.needsSetup(ctx)
	if err != nil || !needed {
		return "", err
	}
	secret, hash, err := s.newSecret()
	if err != nil {
		return "", err
	}
	now := s.Now()
	err = s.MailTokens.Put(ctx, ports.MailToken{
		Hash: hash, Purpose: purposeSetup, Subject: purposeSetup, CreatedAt: now, ExpiresAt: now.Add(setupLife),
	})
	if err != nil {
		return "", fmt.Errorf("keep the setup link: %w", err)
	}
	return s.Settings.Link(purposeSetup, secret), nil
}

func (s *Service) needsSetup(ctx context.Context) (bool, error) {
	admins, err := s.Directory.People(tenant.Only(tenant.Default)).Search(ctx, ports.UserQuery{Holds: access.Admin, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("look for an administrator: %w", err)
	}
	return len(admins) == 0, nil // one who is banned counts: a ban makes nobody the first again
}

// CheckSetup returns nil if the secret of a setup link works, and leaves it.
func (s *Service) CheckSetup(ctx context.Context, secret string) error {
	_, err := s.peek(ctx, purposeSetup, secret)
	return err
}

// Setup registers the first administrator with the secret of the setup link and
// signs them in. Input that is refused does not use the link up; once there is an
// administrator it is Forbidden.
func (s *Service) Setup(ctx context.Context, secret string, in NewUser, c Client) (*Grant, error) {
	if err := s.CheckSetup(ctx, secret); err != nil {
		return nil, err
	}
	name, email, password, err := s.accept(in)
	if err != nil {
		return nil, err
	}
	if err := s.free(ctx, name.Key(), errNameTaken); err != nil {
		return nil, err
	}
	if err := s.free(ctx, email.Key(), errEmailTaken); err != nil {
		return nil, err
	}
	if _, err := s.consume(ctx, purposeSetup, secret); err != nil {
		return nil, err
	}
	needed, err := s.needsSetup(ctx)
	if err != nil {
		return nil, err
	}
	if !needed {
		return nil, fault.New(fault.Forbidden, "setup_done", "there is an administrator already")
	}
	operator := access.Operator("setup")
	u, err := s.add(ctx, &operator, tenant.Default, name, email, password, []string{access.Admin}, c)
	if err != nil {
		return nil, err
	}
	return s.signIn(ctx, u, byPassword, c)
}

// Captchas reports whether a captcha is asked for, which a form needs to know.
func (s *Service) Captchas() bool { return s.Captcha != nil }

// PasswordPolicy returns what a new password must be, for a form to say.
func (s *Service) PasswordPolicy() user.Policy { return s.Settings.Passwords }
