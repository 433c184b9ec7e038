package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// admit finds the user of a person whom a provider signed in, or makes one. Who
// somebody is, is the issuer and the subject. An address only ever leads to an
// account when the provider has verified it, and then it takes that account from
// whoever had claimed the address without proof.
func (s *Service) admit(ctx context.Context, up *Upstream, who ports.Person, c Client) (user.User, error) {
	if err := user.CheckSubject(who.Subject); err != nil {
		return user.User{}, err
	}
	tenant, err := up.tenantOf(who)
	if err != nil {
		return user.User{}, err
	}
	identity, u, err := s.Identities.BySubject(ctx, who.Issuer, who.Subject)
	switch {
	case err == nil:
		if u.Tenant != tenant {
			return u, errTenant
		}
		return s.welcomeBack(ctx, identity, who)
	case !isNotFound(err):
		return u, fmt.Errorf("look up identity: %w", err)
	}
	email, parseErr := user.ParseEmail(who.Email)
	if parseErr != nil {
		email = user.Email{}
	}
	if !email.IsZero() {
		u, err := s.Users.ByLogin(ctx, email.Key())
		switch {
		case err == nil && up.LinkByEmail && who.EmailVerified && u.Tenant == tenant:
			return s.linkByEmail(ctx, up, who, u, email, c)
		case err == nil: // somebody else's, as far as is known
			email = user.Email{}
		case !isNotFound(err):
			return u, fmt.Errorf("look up e-mail address: %w", err)
		}
	}
	return s.newcomer(ctx, up, who, tenant, email, c)
}

var errTenant = fault.New(fault.Forbidden, "tenant", "this account does not belong to an organisation that may sign in here")

// tenantOf returns the tenant of a person.
func (up *Upstream) tenantOf(who ports.Person) (string, error) {
	if len(up.Tenants) > 0 {
		if tenant := up.Tenants[who.Tenant]; tenant != "" && who.Tenant != "" {
			return tenant, nil
		}
		return "", errTenant
	}
	if up.Tenant != "" {
		return up.Tenant, nil
	}
	return user.DefaultTenant, nil
}

// welcomeBack brings what is known of a user up to date.
func (s *Service) welcomeBack(ctx context.Context, i user.Identity, who ports.Person) (user.User, error) {
	now := s.Now()
	email, err := user.ParseEmail(who.Email)
	if err != nil || !who.EmailVerified {
		email = user.Email{}
	}
	_, err = s.Identities.Update(ctx, i.ID, func(i *user.Identity) error {
		i.UsedAt = now
		if who.Email != "" {
			i.Email = cut(who.Email, maxIdentityEmail)
		}
		return nil
	})
	if err != nil {
		return user.User{}, fmt.Errorf("note the use of an identity: %w", err)
	}
	update := func(email user.Email) (user.User, error) {
		return s.Users.Update(ctx, i.UserID, func(u *user.User) error {
			u.SetProfile(who.Profile, now)
			if !email.IsZero() && (u.Email != email || !u.EmailConfirmed) {
				u.Email, u.EmailConfirmed, u.UpdatedAt = email, true, now
			}
			return nil
		})
	}
	before, err := s.Users.ByID(ctx, i.UserID)
	if err != nil {
		return before, fmt.Errorf("read user: %w", err)
	}
	if before.PasswordHash != "" { // the address is a way in of its own: the user changes it, not the provider
		email = user.Email{}
	}
	u, err := update(email)
	if err != nil && fault.KindOf(err) == fault.Conflict { // another account has the address
		u, err = update(user.Email{})
	}
	if err != nil {
		return u, fmt.Errorf("update user: %w", err)
	}
	s.cache.forgetUser(u.ID)
	return u, nil
}

// linkByEmail adds an identity to the account that has its verified address. If
// that account never proved the address, somebody else may have registered it to
// lie in wait: every way in that they made ends first.
func (s *Service) linkByEmail(ctx context.Context, up *Upstream, who ports.Person, u user.User, email user.Email, c Client) (user.User, error) {
	unproven := false
	u, err := s.Users.Update(ctx, u.ID, func(u *user.User) error {
		if u.Email.Key() != email.Key() {
			return errMoved
		}
		now := s.Now()
		unproven = !u.EmailConfirmed
		if unproven {
			u.SetPassword("", now)
			u.EmailConfirmed = true
		}
		u.SetProfile(who.Profile, now)
		return nil
	})
	if errors.Is(err, errMoved) || isNotFound(err) {
		return u, errTryAgain
	}
	if err != nil {
		return u, fmt.Errorf("update user: %w", err)
	}
	if unproven {
		if err := s.dispossess(ctx, u, c); err != nil {
			return u, err
		}
	}
	return u, s.addIdentity(ctx, up, who, u, c)
}

var (
	errMoved    = fault.New(fault.Conflict, "email_moved", "the e-mail address has changed")
	errTryAgain = fault.New(fault.Conflict, "changed_meanwhile", "something changed while you signed in; please try again")
)

// dispossess ends what an account's earlier owner had made.
func (s *Service) dispossess(ctx context.Context, u user.User, c Client) error {
	identities, err := s.Identities.ByUser(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("list identities: %w", err)
	}
	for _, i := range identities {
		if err := s.Identities.Delete(ctx, i.ID); err != nil && !isNotFound(err) {
			return fmt.Errorf("delete identity: %w", err)
		}
	}
	if err := s.kick(ctx, u.ID); err != nil {
		return err
	}
	return s.record(ctx, c, ports.Event{Action: "user.dispossess", Subject: u.ID, Tenant: u.Tenant}, nil)
}

// maxIdentityEmail bounds the address that is kept with an identity, in bytes.
const maxIdentityEmail = 254

func (s *Service) addIdentity(ctx context.Context, up *Upstream, who ports.Person, u user.User, c Client) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	now := s.Now()
	err = s.Identities.Create(ctx, user.Identity{
		ID: id, UserID: u.ID, Provider: up.Name, Issuer: who.Issuer, Subject: who.Subject,
		Email: cut(who.Email, maxIdentityEmail), CreatedAt: now, UsedAt: now,
	})
	if err != nil {
		return fmt.Errorf("add identity: %w", err)
	}
	return s.record(ctx, c, ports.Event{
		Action: "identity.link", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant, Detail: map[string]string{"provider": up.Name, "issuer": who.Issuer},
	}, nil)
}

// names is how many user names are tried for a newcomer.
const names = 6

// newcomer makes a user for a person who is not known.
func (s *Service) newcomer(ctx context.Context, up *Upstream, who ports.Person, tenant string, email user.Email, c Client) (user.User, error) {
	id, err := s.newID()
	if err != nil {
		return user.User{}, err
	}
	u := user.New(id, tenant, user.SuggestName(who.Username, who.Email, who.Profile.FullName), email, "", s.Now())
	u.EmailConfirmed = who.EmailVerified && !email.IsZero()
	u.SetProfile(who.Profile, u.CreatedAt)
	wanted := u.Name.String()
	for try := range names {
		if wanted == "" || try == names-1 {
			wanted = "user"
		}
		if try > 0 || u.Name.Key() == "" {
			if u.Name, err = s.numbered(wanted, try); err != nil {
				return u, err
			}
		}
		err = s.Users.Create(ctx, u)
		switch {
		case err == nil:
			err = s.addIdentity(ctx, up, who, u, c)
			if err != nil { // another sign-in of the same person was quicker, or the store failed
				if delErr := s.Users.Delete(context.WithoutCancel(ctx), u.ID); delErr != nil && !isNotFound(delErr) {
					s.Report(ctx, "remove a user without an identity", delErr)
				}
				if fault.KindOf(err) == fault.Conflict {
					_, u, err = s.Identities.BySubject(ctx, who.Issuer, who.Subject)
				}
				return u, err
			}
			return u, s.record(ctx, c, ports.Event{Action: "register", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant, Detail: map[string]string{"provider": up.Name}}, nil)
		case fault.CodeOf(err) == "email_taken":
			u.Email, u.EmailConfirmed = user.Email{}, false
		case fault.CodeOf(err) != "username_taken":
			return u, fmt.Errorf("create user: %w", err)
		}
	}
	return u, errTryAgain
}

// numbered returns a name with something behind it that makes it another one.
func (s *Service) numbered(wanted string, try int) (user.Name, error) {
	if try > 0 && try < 3 && wanted != "user" {
		return user.ParseName(wanted + strconv.Itoa(try+1))
	}
	var b [3]byte
	if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
		return user.Name{}, fmt.Errorf("read randomness: %w", err)
	}
	if name, err := user.ParseName(wanted + hex.EncodeToString(b[:])); err == nil {
		return name, nil
	}
	return user.ParseName("user" + hex.EncodeToString(b[:]))
}
