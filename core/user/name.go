package user

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/hexward/hexward/core/fault"
)

// The bounds of a user name, in code points after normalisation.
const (
	MinName = 3
	MaxName = 32
)

// Name is an accepted user name: as its owner writes it, and the key by which
// two names are the same. The zero value is no name.
type Name struct{ display, key string }

// ParseName accepts a user name of MinName to MaxName code points under the
// PRECIS profile UsernameCaseMapped (RFC 8265 §3.3), so that width, case and
// composition make no second name; nor does the dot of i and ı, whose capitals
// are each other's in Turkish, or the form of a final σ. On top of the profile it refuses "@", which
// would make a name look like an e-mail address, invisible joiners, and what
// passes for somebody else's name: letters of scripts that are not written
// together, or that are rare or technical, or all of which look like Latin ones
// (UTS #39). The error is an Invalid fault on the member "username".
func ParseName(s string) (Name, error) {
	refuse := func(code, message string) (Name, error) {
		return Name{}, fault.InvalidField("username", code, message)
	}
	if s == "" {
		return refuse("required", "a user name is required")
	}
	if len(s) > 16*MaxName { // before the profile does work in proportion to it
		return refuse("too_long", "a user name has at most 32 characters")
	}
	if !utf8.ValidString(s) {
		return refuse("not_utf8", "a user name is UTF-8 text")
	}
	display, err := precis.UsernameCasePreserved.String(s)
	if err != nil {
		return refuse("character", "a user name has letters, digits and common punctuation, and no spaces or symbols")
	}
	key, err := keyOf(display)
	if err != nil {
		return refuse("character", "a user name has letters, digits and common punctuation, and no spaces or symbols")
	}
	switch n := utf8.RuneCountInString(key); {
	case n < MinName:
		return refuse("too_short", "a user name has at least 3 characters")
	case n > MaxName || utf8.RuneCountInString(display) > MaxName:
		return refuse("too_long", "a user name has at most 32 characters")
	}
	if strings.ContainsRune(key, '@') {
		return refuse("character", "a user name has no @, which would make it look like an e-mail address")
	}
	if !strings.ContainsFunc(key, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		return refuse("character", "a user name has at least one letter or digit")
	}
	if why := confusable(display); why != "" {
		return refuse("confusable", why)
	}
	return Name{display, key}, nil
}

// keyOf maps a displayed name to its key. The key is its own key: a name whose
// is not could be registered under one key and looked up under another.
func keyOf(display string) (string, error) {
	key, err := mapped(display)
	if err != nil {
		return "", err
	}
	if again, err := mapped(key); err != nil || again != key {
		return "", errUnstable
	}
	return key, nil
}

var errUnstable = errors.New("the profile does not map this name to itself")

// mapped applies the profile and folds the letters whose case it leaves apart.
func mapped(s string) (string, error) {
	s, err := precis.UsernameCaseMapped.String(s)
	if err != nil || ascii(s) {
		return s, err
	}
	s = strings.NewReplacer("ı", "i", "ς", "σ").Replace(s)
	for _, dotted := range []string{"i", "j", "į", "ị"} {
		s = strings.ReplaceAll(s, dotted+"\u0307", dotted)
	}
	return norm.NFC.String(s), nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// NameOf restores a name that ParseName once accepted from its two forms. It is
// for stores.
func NameOf(display, key string) Name { return Name{display, key} }

// String returns the name as its owner writes it.
func (n Name) String() string { return n.display }

// Key returns the form by which names are compared: two names with the same key
// are the same name.
func (n Name) Key() string { return n.key }
