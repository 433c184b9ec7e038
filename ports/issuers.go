package ports

import (
	"context"

	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// Bearer is what a token of another issuer says, after it was verified.
type Bearer struct {
	Claims  token.Claims
	Machine bool   // the rules of the issuer's configuration take it for a machine's
	Client  string // the id of the client that it was issued to, or that it is about; may be empty for a user
	Tenant  string // the claim that the issuer's configuration names, if it is there

	Permissions []string // what the issuer's configuration takes from its claims; sorted, without duplicates
}

// Issuer verifies the access tokens of another authorization server that is trusted. Nothing of it is fetched before
// it is needed, and what is fetched is kept for a while; each method is bounded in time and in what it reads.
type Issuer interface {
	// Verify checks a token in full but for revocation, with token.DefaultLeeway between clocks. One that is refused is
	// an error for which token.ReasonOf tells why; Unavailable when there are no keys to be had.
	Verify(ctx context.Context, compact string) (Bearer, error)

	// Person returns whom a user's token is about: what its claims say, and what the issuer's userinfo or
	// management endpoint says when the configuration has it asked. A token that the endpoint refuses is
	// Unauthenticated; Unavailable when it cannot be reached.
	Person(ctx context.Context, compact string, b *Bearer) (Person, error)

	// Snapshot returns what Verify goes by now, for whoever decides where it cannot be called. While there are no keys, or none that
	// may be used any more, it has them fetched, and waits for that no longer than ctx allows and a short while. Keys is nil when
	// there are none then, and for an issuer that signs with a secret.
	Snapshot(ctx context.Context) IssuerSnapshot

	// Version returns a number that changes whenever the keys that Verify accepts do. It fetches nothing.
	Version() uint64
}

// IssuerSnapshot is what another issuer's tokens are verified by.
type IssuerSnapshot struct {
	Audiences  []string // what aud must name one of; anything if empty
	Types      []string // the accepted typ, "" for none
	Algorithms []string // the accepted alg
	Keys       *token.KeySet
	Version    uint64 // of the keys
	Rules      issuer.Rules
}

// TokenCache remembers what was found out about tokens, by the SHA-256 of their text. It is bounded, forgets at any
// time what it likes, and never waits. Values are kept as they are, shared between goroutines.
type TokenCache interface {
	// Get returns what was put under a key, or nil.
	Get(key [32]byte) any

	// Put remembers a value, in the place of another one with this key.
	Put(key [32]byte, value any)
}
