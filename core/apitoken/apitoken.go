// Package apitoken knows the long-lived tokens that people make for their scripts. A
// token never may more than its owner may at that moment.
package apitoken

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
)

// Token is an API token, without its secret. Stores keep and return it as it is.
type Token struct {
	ID        string // UUIDv7
	UserID    string
	Tenant    string
	Name      string   // for its owner
	Scopes    []string // the permissions that it may use; sorted, without duplicates
	Hash      secret.Hash
	CreatedAt time.Time
	ExpiresAt time.Time // the zero time for never
	UsedAt    time.Time // the latest use, to TouchEvery; the zero time for none
}

// The bounds of a token.
const (
	MaxName    = 100 // bytes
	MaxPerUser = 100 // tokens
	MaxLife    = 10 * 366 * 24 * time.Hour
	TouchEvery = time.Minute // how exactly the latest use is known
)

// New returns a token of a user, who holds these permissions, without its hash, or an Invalid fault that
// names every member that is wrong: "name", "scopes" (one that the user does not hold, which nothing that is no
// permission is), "expires_at" (the zero time is fine). A token without scopes is its owner's, and may nothing more.
func New(id, userID, tenant, name string, scopes, held []string, expires, now time.Time) (Token, error) {
	name = strings.TrimSpace(name)
	set := slices.Compact(slices.Sorted(slices.Values(scopes)))
	var wrong []fault.Field
	unseen := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
	if name == "" || len(name) > MaxName || unseen || !utf8.ValidString(name) {
		wrong = append(wrong, fault.Field{Name: "name", Code: "form", Message: "a token's name is 1 to 100 bytes of printable text"})
	}
	if slices.ContainsFunc(set, func(s string) bool { return !slices.Contains(held, s) }) {
		wrong = append(wrong, fault.Field{Name: "scopes", Code: "not_held", Message: "a token has no scope that you do not hold as a permission"})
	}
	if !expires.IsZero() && (!expires.After(now) || expires.Sub(now) > MaxLife) {
		wrong = append(wrong, fault.Field{Name: "expires_at", Code: "range", Message: "a token expires after now, within ten years"})
	}
	if err := fault.FieldsOf(wrong...); err != nil {
		return Token{}, err
	}
	return Token{ID: id, UserID: userID, Tenant: tenant, Name: name, Scopes: set, CreatedAt: now, ExpiresAt: expires}, nil
}

// Alive reports whether the token is good at now.
func (t *Token) Alive(now time.Time) bool { return t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) }

// Permissions returns what the token may, of what its owner holds now, sorted: what the owner lost it lost too, and what
// the owner was given since it has not.
func (t *Token) Permissions(held []string) []string {
	may := make([]string, 0, len(t.Scopes))
	for _, s := range t.Scopes {
		if slices.Contains(held, s) {
			may = append(may, s)
		}
	}
	return may
}

// Stale reports whether a use at now is to be noted.
func (t *Token) Stale(now time.Time) bool { return now.Sub(t.UsedAt) >= TouchEvery }
