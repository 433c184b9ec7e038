// Package client knows the machines: programs with an identity of their own, which
// get short-lived tokens for a secret or for an assertion signed with their key.
package client

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
)

// Client is the identity of a machine. Stores keep and return it as it is; its
// methods hold the rules.
type Client struct {
	ID          string // UUIDv7; the "client_id"
	Tenant      string
	Name        string   // for people
	Permissions []string // the scopes that it may have; sorted, without duplicates
	Secrets     []Secret // at most MaxSecrets, the newest last; none for a client that signs assertions
	Keys        []byte   // a JWK Set of public keys that its assertions are signed with; empty for none
	DisabledAt  time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Secret is one of a client's secrets, of which there is only the hash.
type Secret struct {
	Hash      secret.Hash
	CreatedAt time.Time
	ExpiresAt time.Time // the zero time while it is the present one
}

// The bounds of a client.
const (
	MaxSecrets = 2 // alive at a time
	MaxName    = 200
	MaxKeys    = 16 << 10 // bytes of the JWK Set
)

// Disabled reports whether the client is shut out.
func (c *Client) Disabled() bool { return !c.DisabledAt.IsZero() }

// Rename gives the client another name. One that is empty, longer than MaxName bytes or
// has control characters is an Invalid fault on "name".
func (c *Client) Rename(name string, now time.Time) error {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > MaxName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return fault.InvalidField("name", "form", "a client's name is 1 to 200 bytes of printable text")
	}
	c.Name, c.UpdatedAt = name, now
	return nil
}

// AddSecret makes a secret the present one. The one before works until "until", and
// older ones no more.
func (c *Client) AddSecret(h secret.Hash, until, now time.Time) {
	kept := slices.Clone(c.Secrets)
	kept = slices.DeleteFunc(kept, func(s Secret) bool { return !s.alive(now) })
	if len(kept) >= MaxSecrets {
		kept = kept[len(kept)-MaxSecrets+1:]
	}
	for i := range kept {
		if kept[i].ExpiresAt.IsZero() || kept[i].ExpiresAt.After(until) {
			kept[i].ExpiresAt = until
		}
	}
	kept = slices.DeleteFunc(kept, func(s Secret) bool { return !s.alive(now) })
	c.Secrets = append(kept, Secret{Hash: h, CreatedAt: now})
	c.UpdatedAt = now
}

func (s *Secret) alive(now time.Time) bool { return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) }

// Knows reports whether this is the hash of one of the secrets that are alive. It takes
// the same time for every hash.
func (c *Client) Knows(h secret.Hash, now time.Time) bool {
	found := 0
	for i := range c.Secrets {
		s := &c.Secrets[i]
		if s.alive(now) {
			found |= subtle.ConstantTimeCompare(s.Hash[:], h[:])
		}
	}
	return found == 1
}

// Grant returns the scopes that the client gets for those that it asks for: all of its
// own when it asks for none, and an Invalid fault with the code "invalid_scope" when it asks for one
// that it may not have (RFC 6749 §3.3).
func (c *Client) Grant(asked []string) ([]string, error) {
	if len(asked) == 0 {
		return c.Permissions, nil
	}
	asked = slices.Compact(slices.Sorted(slices.Values(asked)))
	for _, scope := range asked {
		if !slices.Contains(c.Permissions, scope) {
			return nil, ErrScope
		}
	}
	return asked, nil
}

// ErrScope says that a scope was asked for that the client may not have.
var ErrScope = fault.New(fault.Invalid, "invalid_scope", "the client may not have one of these scopes")

// Disable shuts the client out, or lets it in again.
func (c *Client) Disable(disabled bool, now time.Time) {
	c.DisabledAt = time.Time{}
	if disabled {
		c.DisabledAt = now
	}
	c.UpdatedAt = now
}
