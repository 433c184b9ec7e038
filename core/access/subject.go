package access

import (
	"strings"
	"unicode"
)

// MaxSubject is the most bytes of a subject that is accepted. OpenID Connect Core
// 1.0 §2 has 255; some providers sign longer ones.
const MaxSubject = 512

// ValidSubject reports whether s has the form of what another issuer calls somebody: 1 to MaxSubject bytes of UTF-8 without control
// characters, and without U+FFFD, which is what a decoder makes of bytes that are none: two subjects could look the same.
func ValidSubject(s string) bool {
	return s != "" && len(s) <= MaxSubject && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar
	})
}
