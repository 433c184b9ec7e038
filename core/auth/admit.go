package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// admit finds the user of a person whom a provider signed in, or makes one, and
// returns the identity that they came by. Who somebody is, is the issuer and the
// subject. An address only ever leads to an account when the provider has verified
// it, and then it takes that account from whoever had claimed the address without
// proof.
func (s *Service) admit(ctx context.Context, up *Upstream, who ports.Person, c Client) (i user.Identity, u user.User, err error) {
	home, err := s.check(ctx, up, who)
	if err != nil {
		return i, u, err
	}
	for range tries {
		if i, u, err = s.admitOnce(ctx, up, who, home, c); err != errTryAgain { //nolint:errorlint // never wrapped
			break
		}
	}
	return i, u, err
}

func (s *Service) admitOnce(ctx context.Context, up *Upstream, who ports.Person, tenant string, c Client) (user.Identity, user.User, error) {
	i, u, err := s.Identities.BySubject(ctx, who.Issuer, who.Subject)
	switch {
	case err == nil:
		if u.Tenant != tenant {
			return i, u, errTenant
		}
		u, err = s.welcomeBack(ctx, up, i, u, who)
		return i, u, err
	case !isNotFound(err):
		return i, u, fmt.Errorf("look up identity: %w", err)
	}
	email, parseErr := user.ParseEmail(who.Email)
	if parseErr != nil {
		email = user.Email{}
	}
	if !email.IsZero() {
		u, err := s.Users.ByLogin(ctx, email.Key())
		switch {
		case err == nil && up.vouches(who) && u.Tenant == tenant:
			return s.linkByEmail(ctx, up, who, u, email, c)
		case err == nil: // somebody else's, as far as is known
			email = user.Email{}
		case !isNotFound(err):
			return i, u, fmt.Errorf("look up e-mail address: %w", err)
		}
	}
	return s.newcomer(ctx, up, who, tenant, email, c)
}

var (
	errTenant   = fault.New(fault.Forbidden, "tenant", "this account does not belong to an organisation that may sign in here")
	errTryAgain = fault.New(fault.Conflict, "changed_meanwhile", "something changed while you signed in; please try again")
)

// check returns the tenant of a person, or why they cannot be anybody here.
func (s *Service) check(ctx context.Context, up *Upstream, who ports.Person) (id string, err error) {
	if who.Issuer == "" {
		return "", fault.New(fault.Unauthenticated, "issuer", "the provider does not say who it is")
	}
	if err := user.CheckSubject(who.Subject); err != nil {
		return "", err
	}
	return s.tenantOf(ctx, up.Name, up.Tenants, up.Tenant, up.TenantRequired, who.Tenant)
}

// vouches reports whether a person's address is as good as confirmed: the provider
// has verified it, and its word on that counts here. Were the word of every
// provider enough, one that lets people claim addresses would let them lie in wait
// for the owners, who sign in with another.
func (up *Upstream) vouches(who ports.Person) bool { return up.LinkByEmail && who.EmailVerified }

// welcomeBack brings what is known of a user up to date.
func (s *Service) welcomeBack(ctx context.Context, up *Upstream, i user.Identity, u user.User, who ports.Person) (user.User, error) {
	now := s.Now()
	if err := banned(&u, now); err != nil {
		return u, err
	}
	_, err := s.Identities.Update(ctx, i.ID, func(i *user.Identity) error {
		i.UsedAt, i.Provider = now, up.Name
		if who.Email != "" {
			i.Email = shown(who.Email)
		}
		return nil
	})
	if isNotFound(err) { // unlinked, or the account was taken over
		return u, errTryAgain
	}
	if err != nil {
		return u, fmt.Errorf("note the use of an identity: %w", err)
	}
	email, err := user.ParseEmail(who.Email)
	if err != nil || !who.EmailVerified {
		email = user.Email{}
	}
	update := func(u *user.User) error {
		if u.PasswordHash == lockedHash {
			return errTryAgain
		}
		u.SetProfile(who.Profile, now)
		// With a password the address is a way in of its own: the user changes it, not
		// the provider.
		if email.IsZero() || u.PasswordHash != "" {
			return nil
		}
		if vouched := up.vouches(who); vouched && !u.EmailConfirmed || u.Email != email && (vouched || !u.EmailConfirmed) {
			u.Email, u.EmailConfirmed, u.UpdatedAt = email, vouched, now
		}
		return nil
	}
	if fresh := u; update(&fresh) == nil && fresh.Profile == u.Profile && fresh.Email == u.Email && fresh.EmailConfirmed == u.EmailConfirmed {
		return u, nil
	}
	after, err := s.Users.Update(ctx, u.ID, update)
	if fault.CodeOf(err) == "email_taken" {
		email = user.Email{}
		after, err = s.Users.Update(ctx, u.ID, update)
	}
	switch {
	case isNotFound(err), errors.Is(err, errTryAgain):
		return u, errTryAgain
	case err != nil:
		return u, fmt.Errorf("update user: %w", err)
	}
	return after, nil
}

// linkByEmail adds an identity to the account that has its verified address. If
// that account never proved the address, somebody else may have registered it to
// lie in wait: every way in that they made ends first.
func (s *Service) linkByEmail(
	ctx context.Context, up *Upstream, who ports.Person, u user.User, email user.Email, c Client,
) (i user.Identity, _ user.User, err error) {
	if err := banned(&u, s.Now()); err != nil {
		return i, u, err
	}
	if unproven(&u) {
		if err := s.dispossess(ctx, u, email, c); err != nil {
			return i, u, err
		}
	}
	u, err = s.Users.Update(ctx, u.ID, func(u *user.User) error {
		now := s.Now()
		switch {
		case u.Email.Key() != email.Key() || !u.EmailConfirmed && u.PasswordHash != lockedHash:
			return errTryAgain
		case u.PasswordHash == lockedHash: // from here on it is theirs
			u.SetPassword("", now)
			u.EmailConfirmed, u.Profile = true, user.Profile{}
		}
		u.SetProfile(who.Profile, now)
		return nil
	})
	switch {
	case isNotFound(err), errors.Is(err, errTryAgain):
		return i, u, errTryAgain
	case err != nil:
		return i, u, fmt.Errorf("update user: %w", err)
	}
	i, err = s.addIdentity(ctx, up, who, u, c)
	if isNotFound(err) || fault.CodeOf(err) == codeIdentityTaken {
		err = errTryAgain
	}
	return i, u, err
}

// lockedHash stands in the place of the password's hash while an account changes
// hands. No password matches it, nothing is linked to the account and nobody signs
// in to it meanwhile; if the change fails half way, it stays so until the address'
// owner comes again or resets the password.
const lockedHash = "!"

// unproven reports whether an account may be somebody's who never proved its
// address, or a change of hands was not finished.
func unproven(u *user.User) bool { return !u.EmailConfirmed || u.PasswordHash == lockedHash }

// dispossess ends what an account's earlier owner had made, who never proved the
// address. It leaves the account locked and the address unconfirmed: were it
// confirmed first, a failure would leave the earlier owner's ways in for good.
//
// The order matters. A sign-in under way that has a session by now loses it to the
// kick; a later one finds that its identity is gone. A link that is under way finds
// either that its identity is gone or that the account is another's.
func (s *Service) dispossess(ctx context.Context, u user.User, email user.Email, c Client) error {
	_, err := s.Users.Update(ctx, u.ID, func(u *user.User) error {
		if u.Email.Key() != email.Key() || !unproven(u) {
			return errTryAgain
		}
		u.SetPassword(lockedHash, s.Now())
		return nil
	})
	switch {
	case isNotFound(err), errors.Is(err, errTryAgain):
		return errTryAgain
	case err != nil:
		return fmt.Errorf("lock account: %w", err)
	}
	if err := s.dropIdentities(ctx, u.ID); err != nil {
		return err
	}
	if err := s.kick(ctx, u.ID); err != nil {
		return err
	}
	if err := s.dropAPITokens(ctx, u.ID); err != nil { // last: who has no session any more makes no other
		return err
	}
	return s.record(ctx, c, ports.Event{Action: "user.dispossess", Subject: u.ID, Tenant: u.Tenant}, nil)
}

// dropIdentities removes every identity of a user.
func (s *Service) dropIdentities(ctx context.Context, userID string) error {
	if s.Identities == nil {
		return nil
	}
	identities, err := s.Identities.ByUser(ctx, userID)
	if err != nil {
		return fmt.Errorf("list identities: %w", err)
	}
	for _, i := range identities {
		err := s.Identities.Delete(ctx, i.ID)
		s.changedWays(userID)
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("delete identity: %w", err)
		}
	}
	return nil
}

// maxIdentityEmail bounds the address that is kept with an identity, in bytes.
const maxIdentityEmail = 254

// shown returns an address as a provider says it so that it can be kept and shown.
func shown(address string) string {
	address = cut(address, 4*maxIdentityEmail)
	return cut(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, address), maxIdentityEmail)
}

// codeIdentityTaken is what a store says of an issuer and subject that it has.
const codeIdentityTaken = "identity_taken"

// addIdentity adds an identity to a user. One that the audit log cannot tell of is
// taken back.
func (s *Service) addIdentity(ctx context.Context, up *Upstream, who ports.Person, u user.User, c Client) (user.Identity, error) {
	id, err := s.newID()
	if err != nil {
		return user.Identity{}, err
	}
	now := s.Now()
	i := user.Identity{
		ID: id, UserID: u.ID, Provider: up.Name, Issuer: who.Issuer, Subject: who.Subject,
		Email: shown(who.Email), CreatedAt: now, UsedAt: now,
	}
	err = s.Identities.Create(ctx, i)
	s.changedWays(identityKey(i.Issuer, i.Subject))
	if err != nil {
		if fault.KindOf(err) != fault.Conflict && !isNotFound(err) { // it may be there all the same
			s.removeIdentity(ctx, i)
		}
		return i, fmt.Errorf("add identity: %w", err)
	}
	err = s.record(ctx, c, ports.Event{
		Action: "identity.link", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant, Detail: map[string]string{"provider": up.Name, "issuer": who.Issuer},
	}, nil)
	if err != nil {
		s.removeIdentity(ctx, i)
	}
	return i, err
}

// removeIdentity takes back an identity that was added.
func (s *Service) removeIdentity(ctx context.Context, i user.Identity) {
	err := s.Identities.Delete(context.WithoutCancel(ctx), i.ID)
	s.changedWays(i.UserID)
	if err != nil && !isNotFound(err) {
		s.Report(ctx, "take an identity back", err)
	}
}

// identityKey is what a change of who has an identity is known by.
func identityKey(url, subject string) string { return issuer.IdentityKey(url, subject) }

// names is how many user names are tried for a newcomer.
const names = 6

// newcomer makes a user for a person who is not known. A user without an identity
// or a line in the audit log is taken back.
func (s *Service) newcomer(
	ctx context.Context, up *Upstream, who ports.Person, tenant string, email user.Email, c Client,
) (i user.Identity, u user.User, err error) {
	id, err := s.newID()
	if err != nil {
		return i, u, err
	}
	u = user.New(id, tenant, user.SuggestName(who.Username, who.Email, who.Profile.FullName), email, "", s.Now())
	u.EmailConfirmed = up.vouches(who) && !email.IsZero()
	u.SetProfile(who.Profile, u.CreatedAt)
	wanted := u.Name.String()
	for try := range names {
		if wanted == "" || try == names-1 {
			wanted = "user"
		}
		if try > 0 || u.Name.Key() == "" {
			if u.Name, err = s.numbered(wanted, try); err != nil {
				return i, user.User{}, err
			}
		}
		if err = s.Users.Create(ctx, u); fault.CodeOf(err) != "username_taken" {
			break
		}
	}
	switch {
	case err == nil:
	case fault.KindOf(err) == fault.Conflict: // another one has the address since it was looked up, or no name is free
		return i, user.User{}, errTryAgain
	default:
		s.removeUser(ctx, u) // it may be there all the same
		return i, user.User{}, fmt.Errorf("create user: %w", err)
	}
	if i, err = s.addIdentity(ctx, up, who, u, c); err == nil {
		err = s.record(ctx, c, ports.Event{
			Action: "register", Actor: u.ID, Subject: u.ID, Tenant: u.Tenant, Detail: map[string]string{"provider": up.Name},
		}, nil)
	}
	if err == nil {
		return i, u, nil
	}
	clash := fault.CodeOf(err) == codeIdentityTaken
	if clash { // another sign-in of the same person was quicker, perhaps by the address of this very user
		if found, owner, findErr := s.Identities.BySubject(ctx, who.Issuer, who.Subject); findErr == nil && owner.ID == u.ID {
			return found, owner, nil
		}
	}
	s.removeUser(ctx, u)
	if clash || isNotFound(err) {
		err = errTryAgain
	}
	return i, user.User{}, err
}

// removeUser takes back a user that was added.
func (s *Service) removeUser(ctx context.Context, u user.User) {
	err := s.Users.Delete(context.WithoutCancel(ctx), u.ID)
	s.changed(u.ID)
	if err != nil && !isNotFound(err) {
		s.Report(ctx, "take a user back", err)
	}
}

// numbered returns a name with something behind it that makes it another one.
func (s *Service) numbered(wanted string, try int) (user.Name, error) {
	if try > 0 && try < 3 && wanted != "user" {
		if name, err := user.ParseName(wanted + strconv.Itoa(try+1)); err == nil {
			return name, nil
		}
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
