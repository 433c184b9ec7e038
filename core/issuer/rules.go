package issuer

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hexward/hexward/core/token"
)

// Rules say what one issuer's access tokens are like, and what is taken from them. They are plain data; nobody changes them while
// they are in use.
type Rules struct {
	Preset      string            // one of Presets; empty for "oidc"
	Clients     []string          // whom a token must have been issued to, one of them; anybody if empty
	Required    []string          // claims that must be there, beyond iss, sub, exp and iat
	TenantClaim string            // the claim that is the tenant; none if empty
	Permissions []PermissionClaim // where permissions are taken from; nowhere if empty
	Machines    Machines          // in place of the preset's
}

// PermissionClaim is a claim whose words are permissions: an array of strings, or a string of
// words with spaces in between. A name with dots leads into objects, unless there is a claim with that very name.
type PermissionClaim struct {
	Claim string
	Strip string // only words that begin so count, and lose it
	Add   string // is put in front
}

// Machines tell the tokens of machines from those of people. A token that any of them is about is a machine's. The zero value leaves
// that to the preset.
type Machines struct {
	None            bool        // every token is a person's
	Clients         []string    // it was issued to one of these clients
	ClientPrefixes  []string    // or to one whose id begins so
	SubjectPrefixes []string    // sub begins so
	SubjectSuffixes []string    // sub ends so
	Claims          []ClaimWord // a claim is this string, or is an array that has it
}

// ClaimWord is a claim, named as in PermissionClaim, and a word of it.
type ClaimWord struct{ Claim, Word string }

// IsZero reports whether there are no rules about machines.
func (m *Machines) IsZero() bool { return !m.None && !m.any() }

func (m *Machines) any() bool {
	return len(m.Clients)+len(m.ClientPrefixes)+len(m.SubjectPrefixes)+len(m.SubjectSuffixes)+len(m.Claims) > 0
}

// The bounds of rules that can be carried.
const (
	maxWords = 1024 // of a list
	maxWord  = 1024 // bytes
)

// ErrRules says that rules are not well formed, or too large to be carried.
var ErrRules = errors.New("issuer: rules that name an unknown preset, an empty, overlong or unprintable word, or too many, or that contradict themselves")

// Check returns ErrRules unless the preset is known and every list is bounded and has no word that is empty, there twice, longer
// than 1 KiB, no UTF-8 or has control characters; and unless there are either no machines, or rules about them.
func (r *Rules) Check() error {
	m := &r.Machines
	ok := presetOf(r.Preset) != unknown && validOrEmpty(r.TenantClaim) && len(r.Permissions) <= maxWords && len(m.Claims) <= maxWords &&
		!(m.None && m.any())
	for _, list := range [...][]string{r.Clients, r.Required, m.Clients, m.ClientPrefixes, m.SubjectPrefixes, m.SubjectSuffixes} {
		ok = ok && validWords(list)
	}
	for i := range r.Permissions {
		p := &r.Permissions[i]
		ok = ok && validWord(p.Claim) && validOrEmpty(p.Strip) && validOrEmpty(p.Add)
	}
	for i, c := range m.Claims {
		ok = ok && validWord(c.Claim) && validOrEmpty(c.Word) && (i == 0 || m.Claims[i-1].Claim < c.Claim)
	}
	if !ok {
		return ErrRules
	}
	return nil
}

func validWords(list []string) bool {
	if len(list) > maxWords {
		return false
	}
	for i, word := range list {
		if !validWord(word) || slices.Contains(list[:i], word) {
			return false
		}
	}
	return true
}

func validWord(word string) bool { return word != "" && validOrEmpty(word) }

func validOrEmpty(word string) bool {
	return len(word) <= maxWord && utf8.ValidString(word) && !strings.ContainsFunc(word, unicode.IsControl)
}

// Typed reports whether the header of every token with one of these typ says that it is an access token (RFC 9068 §2.1): then no
// other sort of token can be taken for one.
func Typed(types []string) bool {
	for _, typ := range types {
		if short, is := cutFold(typ, "application/"); is {
			typ = short
		}
		if !fold(typ, token.TypeAccess) {
			return false
		}
	}
	return true
}

// fold reports whether two texts are equal but for the case of ASCII letters.
func fold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// cutFold is strings.CutPrefix but for the case of ASCII letters.
func cutFold(text, prefix string) (rest string, is bool) {
	if len(text) < len(prefix) || !fold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// cut is strings.Cut at a byte.
func cut(text string, at byte) (before, after string, found bool) {
	for i := range len(text) {
		if text[i] == at {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}
