package user

import (
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/hexward/hexward/core/fault"
)

// The bounds of a password that no Policy can loosen.
const (
	MaxPassword     = 1024 // bytes as typed
	minPasswordEver = 8    // code points; NIST SP 800-63B-4 §3.1.1.2, with another factor
)

// Policy says what a new password must be. It asks for length, not for kinds of
// characters (NIST SP 800-63B-4 §3.1.1.2). It is not applied when somebody signs
// in: old passwords stay good.
type Policy struct {
	Min int // code points; less than 8 counts as 8
}

// DefaultPolicy is what NIST SP 800-63B-4 asks of a password that is the only
// factor.
var DefaultPolicy = Policy{Min: 15}

// Prepare brings a password into the one form that is hashed: PRECIS
// OpaqueString (RFC 8265 §4.2), so that the same characters typed on another
// keyboard are the same password. Empty, overlong and unpreparable input is an
// Invalid fault on member.
func Prepare(member, password string) (string, error) {
	switch {
	case password == "":
		return "", fault.InvalidField(member, "required", "a password is required")
	case len(password) > MaxPassword:
		return "", fault.InvalidField(member, "too_long", "a password has at most 1024 bytes")
	}
	if !utf8.ValidString(password) { // the profile would take every bad byte for the same character
		return "", fault.InvalidField(member, "character", "a password is UTF-8 text without control characters")
	}
	prepared, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", fault.InvalidField(member, "character", "a password is UTF-8 text without control characters")
	}
	return prepared, nil
}

// Least returns how many code points a new password has at least.
func (p Policy) Least() int { return max(p.Min, minPasswordEver) }

// Accept prepares a new password and holds it against the policy: long enough,
// and neither common nor made of what an attacker knows already, which are the
// context words (user name, e-mail address, name of the site). The error is an
// Invalid fault on member.
func (p Policy) Accept(member, password string, context ...string) (string, error) {
	prepared, err := Prepare(member, password)
	if err != nil {
		return "", err
	}
	least := p.Least()
	if utf8.RuneCountInString(prepared) < least {
		return "", fault.InvalidField(member, "too_short", "a password has at least "+strconv.Itoa(least)+" characters; a few words in a row are good")
	}
	if guessable(prepared, context) {
		return "", fault.InvalidField(member, "common", "this password is among the first that an attacker tries; a few unrelated words in a row are good")
	}
	return prepared, nil
}
