package user

import (
	"strings"

	"github.com/hexward/hexward/core/fault"
)

// Email is an accepted e-mail address: as it is written to, and the key by
// which two addresses are the same. The zero value is no address.
type Email struct{ address, key string }

// ParseEmail accepts an address with exactly one "@", a local part of 1 to 64
// characters as RFC 5321 §4.1.2 allows without quotes, and a domain of at least
// two labels. White space around it is cut off and the domain is put in lower
// case; in the key the local part is too, since no provider of note tells case
// apart and people do not either. An internationalised domain is written in its
// ASCII form (xn--…). The error is an Invalid fault on the member "email".
func ParseEmail(s string) (Email, error) {
	refuse := func(code, message string) (Email, error) {
		return Email{}, fault.InvalidField("email", code, message)
	}
	s = strings.Trim(s, " \t\r\n")
	if s == "" {
		return refuse("required", "an e-mail address is required")
	}
	if len(s) > 254 { // RFC 5321 §4.5.3.1.3 less the angle brackets
		return refuse("too_long", "an e-mail address has at most 254 characters")
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || strings.Contains(domain, "@") {
		return refuse("malformed", "an e-mail address has exactly one @")
	}
	if !validLocal(local) {
		return refuse("malformed", "what stands before the @ is 1 to 64 ASCII letters, digits or !#$%&'*+-/=?^_`{|}~ with single dots between")
	}
	if !validDomain(domain) { // before it is lowered: K (Kelvin) and İ become ASCII then
		return refuse("malformed", "what stands after the @ is a domain such as example.org, an international one in its ASCII form (xn--…)")
	}
	domain = strings.ToLower(domain)
	return Email{local + "@" + domain, strings.ToLower(local) + "@" + domain}, nil
}

// EmailOf restores an address that ParseEmail once accepted from its two forms.
// It is for stores.
func EmailOf(address, key string) Email { return Email{address, key} }

// String returns the address to write to.
func (e Email) String() string { return e.address }

// Key returns the form by which addresses are compared.
func (e Email) Key() string { return e.key }

// IsZero reports whether there is no address.
func (e Email) IsZero() bool { return e.key == "" }

func validLocal(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(s[i])) {
			return false
		}
	}
	return true
}

func validDomain(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !alphanumeric(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	top := labels[len(labels)-1][0]
	return top < '0' || top > '9' // not an IP address, in decimal or hexadecimal
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
