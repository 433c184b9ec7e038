package user

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
)

// Identity is the account that a user has at a provider. What makes it one is the
// issuer and the subject together (OpenID Connect Core 1.0 §5.7): a subject alone
// is anybody's at another issuer, and an e-mail address changes hands.
type Identity struct {
	ID        string // UUIDv7
	UserID    string
	Provider  string // the name under which the provider is configured
	Issuer    string
	Subject   string
	Email     string // as the provider said last, to tell identities apart by; it proves nothing
	CreatedAt time.Time
	UsedAt    time.Time // the latest sign-in
}

// MaxSubject is the most bytes of a subject that is accepted.
const MaxSubject = access.MaxSubject

// CheckSubject returns an Unauthenticated fault if s cannot be a subject, see access.ValidSubject.
func CheckSubject(s string) error {
	if !access.ValidSubject(s) {
		return fault.New(fault.Unauthenticated, "subject", "the provider does not say who you are")
	}
	return nil
}

// Profile is what a provider says of its user beyond the identity. It is shown, and
// decides nothing.
type Profile struct {
	FullName string
	Picture  string // an https URL
}

// The bounds of a profile, in bytes.
const (
	maxFullName = 200
	maxPicture  = 2000
)

// Clean returns the profile without what cannot be shown: control characters,
// overlong text, and pictures that are not at an https URL.
func (p Profile) Clean() Profile {
	var b strings.Builder
	for _, r := range strings.TrimSpace(p.FullName) { // which ends at what is kept, however long the text is
		if b.Len()+utf8.RuneLen(r) > maxFullName {
			break
		}
		if !unicode.IsControl(r) && !unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) && r != unicode.ReplacementChar {
			b.WriteRune(r)
		}
	}
	p.FullName = strings.TrimSpace(b.String())
	if len(p.Picture) > maxPicture || !validPicture(p.Picture) {
		p.Picture = ""
	}
	return p
}

func validPicture(s string) bool {
	if !strings.HasPrefix(s, "https://") ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'<>\\`", r) }) {
		return false
	}
	host := s[len("https://"):]
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	return host != "" && host[0] != ':' && !strings.Contains(host, "@")
}

// SetProfile takes over what a provider says, and reports whether that changed
// anything. What it does not say stays.
func (u *User) SetProfile(p Profile, now time.Time) (changed bool) {
	p = p.Clean()
	if p.FullName == "" {
		p.FullName = u.Profile.FullName
	}
	if p.Picture == "" {
		p.Picture = u.Profile.Picture
	}
	if p == u.Profile {
		return false
	}
	u.Profile, u.UpdatedAt = p, now
	return true
}

// SuggestName returns the first of the candidates that can be made a user name, cut
// to the length that leaves room for a number, or the zero Name. An e-mail address
// counts by what stands before the "@".
func SuggestName(candidates ...string) Name {
	for _, c := range candidates {
		c, _, _ = strings.Cut(c, "@")
		c = strings.Join(strings.Fields(c), ".")
		if runes := []rune(c); len(runes) > MaxName-6 {
			c = string(runes[:MaxName-6])
		}
		if name, err := ParseName(c); err == nil {
			return name
		}
	}
	return Name{}
}
