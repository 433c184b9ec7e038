package user

import (
	"slices"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
)

// User is a person with an account. Stores keep and return it as it is; its
// methods hold the rules.
type User struct {
	ID             string // UUIDv7
	Tenant         string // the tenant's id; never empty
	Name           Name
	Email          Email // the zero value when the account has none
	EmailConfirmed bool
	PasswordHash   string   // a PHC string; empty when the account has no password
	Profile        Profile  // what a provider says; empty for accounts without one
	Permissions    []string // sorted, without duplicates
	Ban            *Ban     // nil when not banned
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Ban shuts a user out from From on until Until, or for ever when Until is
// zero.
type Ban struct {
	Reason string
	From   time.Time
	Until  time.Time
}

// New returns a user of a tenant, with no permissions and an unconfirmed
// address.
func New(id, tenant string, name Name, email Email, passwordHash string, now time.Time) User {
	return User{
		ID: id, Tenant: tenant, Name: name, Email: email, PasswordHash: passwordHash,
		CreatedAt: now, UpdatedAt: now,
	}
}

// Banned reports whether the user is shut out at now.
func (u *User) Banned(now time.Time) bool {
	return u.Ban != nil && (u.Ban.Until.IsZero() || now.Before(u.Ban.Until))
}

// ShutOut bans the user from now until a moment, or for ever when until is
// zero. A moment that has passed is an Invalid fault on "until".
func (u *User) ShutOut(reason string, until, now time.Time) error {
	if !until.IsZero() && !until.After(now) {
		return fault.InvalidField("until", "past", "a ban ends after now")
	}
	if len(reason) > 500 {
		return fault.InvalidField("reason", "too_long", "a reason has at most 500 bytes")
	}
	u.Ban = &Ban{Reason: reason, From: now, Until: until}
	u.UpdatedAt = now
	return nil
}

// LetIn lifts a ban.
func (u *User) LetIn(now time.Time) {
	u.Ban = nil
	u.UpdatedAt = now
}

// Rename gives the user another name. The name as it stands, to the letter, is
// an Invalid fault on "username"; another spelling of the same name is fine.
func (u *User) Rename(name Name, now time.Time) error {
	if name == u.Name {
		return fault.InvalidField("username", "unchanged", "this is the user name already")
	}
	u.Name = name
	u.UpdatedAt = now
	return nil
}

// ConfirmEmail marks the address as proven, if it is still the one that the
// proof was sent to.
func (u *User) ConfirmEmail(email Email, now time.Time) error {
	if u.Email.Key() != email.Key() || email.IsZero() {
		return fault.New(fault.Forbidden, "token_unknown", "this link is not valid any more")
	}
	if u.EmailConfirmed {
		return fault.New(fault.Invalid, "already_confirmed", "this e-mail address is confirmed already")
	}
	u.EmailConfirmed = true
	u.UpdatedAt = now
	return nil
}

// SetPassword replaces the password's hash.
func (u *User) SetPassword(hash string, now time.Time) {
	u.PasswordHash = hash
	u.UpdatedAt = now
}

// MaxPermissions is how many permissions a user has at most.
const MaxPermissions = access.MaxPermissions

// Permit sets the permissions, sorted and without duplicates, and reports
// whether that changed anything. A permission is 1 to 64 letters, digits and
// ".:_-/*" (access.ValidPermission); anything else, or more than MaxPermissions, is an
// Invalid fault on "permissions".
func (u *User) Permit(permissions []string, now time.Time) (changed bool, err error) {
	set := slices.Clone(permissions)
	slices.Sort(set)
	set = slices.Compact(set)
	if len(set) > MaxPermissions {
		return false, fault.InvalidField("permissions", "too_many", "a user has at most 64 permissions")
	}
	for _, p := range set {
		if !access.ValidPermission(p) {
			return false, fault.InvalidField("permissions", "character", "a permission is 1 to 64 letters, digits and .:_-/* characters")
		}
	}
	if slices.Equal(set, u.Permissions) {
		return false, nil
	}
	u.Permissions = set
	u.UpdatedAt = now
	return true, nil
}
