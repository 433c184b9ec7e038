package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// The purposes of mailed secrets.
const (
	purposeConfirm  = "confirm"  // proves that a user reads mail at their address
	purposeReset    = "reset"    // lets a user set another password
	purposeRegister = "register" // finishes a registration in verified mode
	purposeSetup    = "setup"    // makes the first administrator
	purposeVoid     = "void"     // opens nothing: takes the time of one that does
)

// NewUser is what somebody who registers says of themselves.
type NewUser struct {
	Username string
	Email    string
	Password string
	Captcha  string // the response, when there is a captcha
	Replaces string // the session cookie that the browser had before, if any
}

// Register makes an account.
//
// In open mode it signs the new user in and mails a link to confirm the address;
// a name or address that is taken is Conflict. In verified mode it returns no
// Grant and no error for a new and for a known address alike: the one is mailed a
// link that finishes the registration, the other a notice, and nobody but its
// reader learns which. Names are public, so a name that is taken is Conflict
// there too. Bad members are an Invalid fault that names each.
func (s *Service) Register(ctx context.Context, in NewUser, c Client) (*Grant, error) {
	if s.Settings.Registration == RegistrationClosed {
		return nil, fault.New(fault.Forbidden, "registration_closed", "registration is closed; an administrator can add you")
	}
	name, email, password, err := s.accept(in)
	if err != nil {
		return nil, err
	}
	if err := s.limits(ctx, c, "", user.Limit{}); err != nil {
		return nil, err
	}
	if err := s.human(ctx, in.Captcha, c); err != nil {
		return nil, err
	}
	if err := s.free(ctx, name.Key(), errNameTaken); err != nil {
		return nil, err
	}
	if s.Settings.Registration == RegistrationVerified {
		return nil, s.registerByMail(ctx, name, email, password, c)
	}
	u, err := s.create(ctx, name, email, password, c)
	if err != nil {
		return nil, err
	}
	if err := s.mailConfirm(ctx, u); err != nil {
		s.Report(ctx, "mail a confirmation link", err) // it can be sent again
	}
	g, err := s.signIn(ctx, u, byPassword, c)
	if err != nil {
		return nil, err
	}
	s.endReplaced(ctx, in.Replaces)
	return g, nil
}

// accept holds every member against its rule and names all that break one.
func (s *Service) accept(in NewUser) (user.Name, user.Email, string, error) {
	name, nameErr := user.ParseName(in.Username)
	email, emailErr := user.ParseEmail(in.Email)
	password, passwordErr := s.Settings.Passwords.Accept("password", in.Password, in.Username, in.Email, s.Settings.Site)
	return name, email, password, fault.Join(nameErr, emailErr, passwordErr)
}

// free spares the hashing of a password for a name or an address that is taken.
// The store decides in the end.
func (s *Service) free(ctx context.Context, key string, taken error) error {
	_, err := s.Users.ByLogin(ctx, key)
	switch {
	case err == nil:
		return taken
	case isNotFound(err):
		return nil
	default:
		return fmt.Errorf("look up user: %w", err)
	}
}

var (
	errNameTaken  = fault.New(fault.Conflict, "username_taken", "this user name is taken")
	errEmailTaken = fault.New(fault.Conflict, "email_taken", "this e-mail address has an account")
)

// create makes a user with a password.
func (s *Service) create(ctx context.Context, name user.Name, email user.Email, password string, c Client) (user.User, error) {
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return user.User{}, fmt.Errorf("hash password: %w", err)
	}
	id, err := s.newID()
	if err != nil {
		return user.User{}, err
	}
	u := user.New(id, tenant.Default, name, email, hash, s.Now())
	return u, s.keep(ctx, u, c)
}

// keep puts a new user into the store and the audit log.
func (s *Service) keep(ctx context.Context, u user.User, c Client) error {
	if err := s.Users.Create(ctx, u); err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return s.record(ctx, c, ports.Event{Action: "register", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant}, nil)
}

// pending is a registration that waits for its link to be followed. There is no
// user until then, so nobody can hold a name or an address that they do not read
// mail at.
type pending struct {
	Username, Email, Hash string
}

func (s *Service) registerByMail(ctx context.Context, name user.Name, email user.Email, password string, c Client) error {
	if err := s.mailLimit(ctx, email); err != nil {
		return err
	}
	// From here on a known and a new address cost the same.
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	known := true
	if _, err := s.Users.ByLogin(ctx, email.Key()); isNotFound(err) {
		known = false
	} else if err != nil {
		return fmt.Errorf("look up e-mail address: %w", err)
	}
	data, err := json.Marshal(pending{name.String(), email.String(), hash})
	if err != nil {
		return fmt.Errorf("encode registration: %w", err)
	}
	subject, err := s.newID() // another registration with this address does not void this one
	if err != nil {
		return err
	}
	if data, err = s.Sealer.Seal(data, []byte("register:"+subject)); err != nil {
		return fmt.Errorf("seal registration: %w", err)
	}
	m := ports.Message{Kind: "register", Name: name.String()}
	purpose := purposeRegister
	if known {
		m, purpose = ports.Message{Kind: "known"}, purposeVoid
	}
	if err := s.mail(ctx, m, mailed{purpose: purpose, subject: subject, email: email, data: data, life: s.Settings.ConfirmLife}); err != nil {
		return err
	}
	return s.record(ctx, c, ports.Event{Action: "register.mail"}, nil)
}

// finishRegistration makes the user of a registration whose link was followed,
// with the address confirmed.
func (s *Service) finishRegistration(ctx context.Context, t ports.MailToken, c Client) (user.User, error) {
	data, err := s.Sealer.Open(t.Data, []byte("register:"+t.Subject))
	if err != nil {
		return user.User{}, fmt.Errorf("open registration: %w", err)
	}
	var p pending
	if err := json.Unmarshal(data, &p); err != nil {
		return user.User{}, fmt.Errorf("decode registration: %w", err)
	}
	name, nameErr := user.ParseName(p.Username)
	email, emailErr := user.ParseEmail(p.Email)
	if err := fault.Join(nameErr, emailErr); err != nil {
		return user.User{}, err
	}
	id, err := s.newID()
	if err != nil {
		return user.User{}, err
	}
	u := user.New(id, tenant.Default, name, email, p.Hash, s.Now())
	u.EmailConfirmed = true
	return u, s.keep(ctx, u, c)
}

// human asks the captcha provider, if there is one.
func (s *Service) human(ctx context.Context, response string, c Client) error {
	if s.Captcha == nil {
		return nil
	}
	return s.Captcha.Check(ctx, response, c.Address)
}
