package auth

import "github.com/hexward/hexward/ports"

// Trusted is another authorization server whose access tokens are taken for good.
type Trusted struct {
	Name   string // in the subjects of its machines, and in the audit log
	URL    string // the "iss" of its tokens, by which a token finds it
	Issuer ports.Issuer

	// Users says whose tokens of people are taken: who has an identity of this issuer already, or anybody, who is made
	// a user by the first token. Neither refuses people's tokens.
	Users UserTokens

	// Tenant, Tenants, TenantRequired and LinkByEmail are those of Upstream, for people and machines alike.
	Tenant         string
	Tenants        map[string]string
	TenantRequired bool
	LinkByEmail    bool
}

// UserTokens says which people's tokens of an issuer are taken.
type UserTokens string

// The choices.
const (
	UsersRefused UserTokens = "refused"
	UsersKnown   UserTokens = "known"
	UsersMade    UserTokens = "made" // just in time
)
