package user

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

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
// composition make no second name. On top of the profile it refuses "@", which
// would make a name look like an e-mail address, letters of scripts that are
// never written together, and names written wholly in letters that look like
// Latin ones (UTS #39). The error is an Invalid fault on the member "username".
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
	key, err := precis.UsernameCaseMapped.String(s)
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
	if mixesScripts(key) {
		return refuse("confusable", "a user name is written in one script: letters of different alphabets that look alike are refused")
	}
	return Name{display, key}, nil
}

// NameOf restores a name that ParseName once accepted from its two forms. It is
// for stores.
func NameOf(display, key string) Name { return Name{display, key} }

// String returns the name as its owner writes it.
func (n Name) String() string { return n.display }

// Key returns the form by which names are compared: two names with the same key
// are the same name.
func (n Name) Key() string { return n.key }

// together lists the scripts that are written together in one name, each set
// with the writing system that does so (UTS #39 §5.1, augmented script sets).
var together = []map[string]bool{
	{"Han": true, "Hiragana": true, "Katakana": true}, // Japanese
	{"Han": true, "Hangul": true},                     // Korean
	{"Han": true, "Bopomofo": true},                   // Chinese with phonetic marks
}

// looksLatin are the lower-case Cyrillic and Greek letters whose shapes are
// Latin ones (from the confusables of UTS #39). A name that has no other letter
// passes for a Latin name.
const looksLatin = "асԁеһіјӏорԛѕԝхуѵьӕαινορυχϳ"

// mixesScripts reports whether the letters of a case-mapped name come from
// scripts that are not written together, or are all look-alikes of Latin.
func mixesScripts(key string) bool {
	seen := map[string]bool{}
	foreign, alike := 0, 0
	for _, r := range key {
		script := scriptOf(r)
		if script == "" {
			continue
		}
		seen[script] = true
		if script == "Cyrillic" || script == "Greek" {
			foreign++
			if strings.ContainsRune(looksLatin, r) {
				alike++
			}
		}
	}
	if foreign > 0 && foreign == alike {
		return true
	}
	if len(seen) <= 1 {
		return false
	}
	for _, set := range together {
		all := true
		for script := range seen {
			all = all && set[script]
		}
		if all {
			return false
		}
	}
	return true
}

// scriptOf returns the script of a letter or mark, and "" for what belongs to
// every script: digits, punctuation, inherited marks.
func scriptOf(r rune) string {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' {
			return "Latin"
		}
		return ""
	case unicode.In(r, unicode.Common, unicode.Inherited):
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "Unknown"
}
