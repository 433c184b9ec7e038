package auth

import (
	"context"
	"time"
)

// ClientProof is what a client shows at the token endpoint (RFC 6749 §2.3): an id and a secret, or an assertion that
// it signed (private_key_jwt, RFC 7523 §2.2).
type ClientProof struct {
	ID        string // may be empty with an assertion
	Secret    string
	Assertion string
	Audiences []string // what an assertion may name as its audience, besides Settings.Issuer
}

// MachineGrant is a machine's token.
type MachineGrant struct {
	Access string
	Life   time.Duration
	Scopes []string
}

// IssueMachineToken gives a client a token with the scopes that it asks for, or all that it may have (RFC 6749 §4.4). A client that
// is not known, is disabled, or does not prove itself is Unauthenticated with the code "invalid_client"; a scope that it may
// not have is Invalid with "invalid_scope".
func (s *Service) IssueMachineToken(ctx context.Context, proof ClientProof, scopes []string, c Client) (MachineGrant, error) {
	panic("")
}

// Introspection is what is told of a token (RFC 7662 §2.2). Only Active is set for one that is not good.
type Introspection struct {
	Active      bool
	Type        string // "Bearer"
	Scope       string // the permissions, separated by spaces
	ClientID    string
	Username    string
	Subject     string
	Tenant      string
	Permissions []string
	Session     string
	Issuer      string
	Audience    []string
	ID          string
	Expiry      int64 // Unix seconds; 0 for never
	IssuedAt    int64
	NotBefore   int64
}

// Introspect tells a client of an access or API token of its own tenant. Every other token, whatever is wrong with it, is not
// active. The error is that of IssueMachineToken for a client that does not prove itself, or Unavailable.
func (s *Service) Introspect(ctx context.Context, proof ClientProof, text string, c Client) (Introspection, error) {
	panic("")
}

// RevokeToken ends what whoever holds a token may end with it (RFC 7009): an access token, an API token, or by a refresh token its
// whole sign-in. A token that is not good, or that was issued to another client, is no error. proof is nil for
// a client that cannot authenticate; then a machine's token is left alone.
func (s *Service) RevokeToken(ctx context.Context, proof *ClientProof, text string, c Client) error {
	panic("")
}
