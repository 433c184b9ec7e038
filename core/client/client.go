// Package client knows the machines: programs with an identity of their own, which
// get short-lived tokens for a secret or for an assertion signed with their key.
package client

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/token"
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

// The bounds of a client. It has as many permissions as a user, at most.
const (
	MaxSecrets     = 2 // alive at a time
	MaxName        = 200
	MaxPermissions = access.MaxPermissions
	MaxKeys        = 16 << 10 // bytes of the JWK Set
)

// New returns a client of a tenant with these permissions, and with keys if it is to sign assertions; otherwise it is to
// be given a secret. The error is an Invalid fault that names every member that is wrong, as Rename, Permit and SetKeys
// do.
func New(id, tenant, name string, permissions []string, keys []byte, now time.Time) (Client, error) {
	c := Client{ID: id, Tenant: tenant, CreatedAt: now}
	if err := fault.Join(c.Rename(name, now), c.Permit(permissions, now), c.SetKeys(keys, now)); err != nil {
		return Client{}, err
	}
	return c, nil
}

// Disabled reports whether the client is shut out.
func (c *Client) Disabled() bool { return !c.DisabledAt.IsZero() }

// Rename gives the client another name, without space around it. One that is empty, longer than MaxName bytes or has
// characters that cannot be seen is an Invalid fault on "name".
func (c *Client) Rename(name string, now time.Time) error {
	name = strings.TrimSpace(name)
	unseen := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
	if name == "" || len(name) > MaxName || unseen || !utf8.ValidString(name) {
		return fault.InvalidField("name", "form", "a client's name is 1 to 200 bytes of printable text")
	}
	c.Name, c.UpdatedAt = name, now
	return nil
}

// Permit sets the permissions, sorted and without duplicates. One that has not the form of a permission
// (access.ValidPermission), or more than MaxPermissions, is an Invalid fault on "permissions".
func (c *Client) Permit(permissions []string, now time.Time) error {
	set := slices.Compact(slices.Sorted(slices.Values(permissions)))
	if len(set) > MaxPermissions {
		return fault.InvalidField("permissions", "too_many", "a client has at most 64 permissions")
	}
	for _, p := range set {
		if !access.ValidPermission(p) {
			return fault.InvalidField("permissions", "character", "a permission is 1 to 64 letters, digits and .:_-/* characters")
		}
	}
	c.Permissions, c.UpdatedAt = set, now
	return nil
}

// SetKeys sets the keys that the client's assertions are signed with: what ParseKeys makes of a JWK Set, written anew, so
// that nothing else that came with it is kept. None, an empty text, takes the keys away. What ParseKeys refuses is
// its fault. The client has no secret after that: it proves itself in one way.
func (c *Client) SetKeys(jwks []byte, now time.Time) error {
	var kept []byte
	if len(jwks) > 0 {
		keys, err := ParseKeys(jwks)
		if err != nil {
			return err
		}
		if kept, err = keys.MarshalJWKS(); err != nil || len(kept) > MaxKeys {
			return errKeysLong
		}
	}
	c.Keys, c.Secrets, c.UpdatedAt = kept, nil, now
	return nil
}

// ParseKeys reads a JWK Set (RFC 7517 §5) of at most MaxKeys bytes that has at least one public key for EdDSA, ES, RS or PS
// signatures; token.ParseKeySet says which others are skipped. Anything else is an Invalid fault on "keys", and so is a private key or a secret, which is
// nobody's secret any more, once it was sent.
func ParseKeys(jwks []byte) (*token.KeySet, error) {
	if len(jwks) > MaxKeys {
		return nil, errKeysLong
	}
	keys, err := token.ParseKeySet(jwks)
	if err != nil {
		reason := token.ReasonOf(err).String()
		return nil, fault.InvalidField("keys", reason, "a client's keys are a JWK Set (RFC 7517) of public keys, not this: "+reason)
	}
	for i := range keys.Len() {
		if keys.At(i).Type() == "oct" {
			return nil, fault.InvalidField("keys", "key_private", "a client's keys are public ones; a secret is given to it, not by it")
		}
	}
	if keys.Len() == 0 {
		return nil, fault.InvalidField("keys", "key_unsupported", "none of these keys is one that verifies EdDSA, ES, RS or PS signatures")
	}
	return keys, nil
}

var errKeysLong = fault.InvalidField("keys", "too_long", "a client's keys are a JWK Set of at most 16 KiB")

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
// the same time for every hash, whether it is one of them and which.
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

// Grant returns the scopes that the client gets for those that it asks for, sorted and without duplicates: all of its
// own when it asks for none, and an Invalid fault with the code "invalid_scope" when it asks for one
// that it may not have (RFC 6749 §3.3).
func (c *Client) Grant(asked []string) ([]string, error) {
	if len(asked) == 0 {
		return slices.Clone(c.Permissions), nil
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

// Disable shuts the client out, or lets it in again. One that is shut out already is so since it was.
func (c *Client) Disable(disabled bool, now time.Time) {
	switch {
	case !disabled:
		c.DisabledAt = time.Time{}
	case !c.Disabled():
		c.DisabledAt = now
	}
	c.UpdatedAt = now
}
