// Package access knows who is asking and what they may do: a Principal is the
// one, and a Policy says what each route demands of them. It imports only
// core/token and the standard library and compiles to WebAssembly, so that an
// edge worker decides as the server does.
//
//	policy, err := access.NewPolicy(rules)
//	decision := policy.Decide(method, pathAsItCame, &who)
//	if decision.Reason != access.Allowed { … decision.Reason.Status() … }
//
// A policy takes the path as it came, because whoever decodes it first decides
// about something else than what is answered later. A path that two programs may
// read in two ways is refused rather than read.
//
// What a policy cannot know is how the program behind it reads paths: one that
// makes no difference between upper and lower case, or that drops a trailing dot
// or an extension, answers for paths that the policy takes for others. There, end
// the rules with one for "/**" that demands enough.
package access

import "github.com/hexward/hexward/core/token"

// Kind tells anonymous callers, people and machines apart.
type Kind uint8

// The kinds of principals.
const (
	Anonymous Kind = iota
	User
	Machine
)

// String returns "anonymous", "user" or "machine".
func (k Kind) String() string {
	switch k {
	case User:
		return "user"
	case Machine:
		return "machine"
	default:
		return "anonymous"
	}
}

// Credential is what a principal showed to prove who they are.
type Credential uint8

// The credentials.
const (
	NoCredential  Credential = iota
	SessionCookie            // the signed session id
	AccessCookie             // an access token of ours in a cookie: a session, to who cannot look sessions up
	AccessToken              // a short-lived signed token of ours
	APIToken                 // a long-lived token that a user made for a script
	ForeignToken             // a signed token of another issuer that is trusted
	VouchedToken             // a signed token of ours about whoever showed something else, made for a service behind a proxy
	LocalOperator            // whoever can run commands on the machine with the database
)

// Session reports whether the credential is a browser's session.
func (c Credential) Session() bool { return c == SessionCookie || c == AccessCookie }

// Token reports whether the credential is a token that a program showed.
func (c Credential) Token() bool {
	return c == AccessToken || c == APIToken || c == ForeignToken || c == VouchedToken
}

// String returns "session", "session_token", "access_token", "api_token", "foreign_token",
// "vouched_token", "operator" or "none".
func (c Credential) String() string {
	switch c {
	case SessionCookie:
		return "session"
	case AccessCookie:
		return "session_token"
	case AccessToken:
		return "access_token"
	case APIToken:
		return "api_token"
	case ForeignToken:
		return "foreign_token"
	case VouchedToken:
		return "vouched_token"
	case LocalOperator:
		return "operator"
	default:
		return "none"
	}
}

// Admin is the one permission that the core itself knows: it opens the
// administration of its holder's tenant.
const Admin = "admin"

// Principal is who is asking. The zero value is the anonymous principal. A
// Principal may be shared between goroutines; nobody changes one, or its
// slices, after it was made.
type Principal struct {
	Kind        Kind
	Via         Credential
	Subject     string   // the user's or client's id; "issuer|subject" for another issuer's machine; empty when anonymous
	Name        string   // the user name, for logs and headers; empty for machines
	Tenant      string   // the tenant that the credential belongs to
	Permissions []string // sorted, without duplicates
	Session     string   // the session's public id (sid), when there is one
	Token       string   // the token's id (jti, or an API token's), when a token was shown
	Expires     int64    // when what was shown ends, in Unix milliseconds; 0 for never
}

// VouchedParty is the authorized party ("azp") of the tokens that are made for a service behind a proxy, about whoever asks:
// it was issued to that service and not to them.
const VouchedParty = "vouched"

// Of returns whom an access token of ours is about, as its claims, which were verified, say.
// A machine's token has its client's id as the subject (RFC 9068 §2.2); no user has an id that a client has. Claims without a
// subject are about nobody. A token with VouchedParty is a VouchedToken, wherever it was shown.
func Of(c *token.Claims, via Credential) Principal {
	if c.Subject == "" {
		return Principal{}
	}
	p := Principal{
		Kind: User, Via: via, Subject: c.Subject, Name: c.Username,
		Tenant: c.Tenant, Permissions: c.Permissions, Session: c.Session, Token: c.ID, Expires: c.Expiry * 1000,
	}
	if c.ClientID == c.Subject {
		p.Kind = Machine
	}
	if c.AuthorizedParty == VouchedParty {
		p.Via = VouchedToken
	}
	return p
}

// SignedIn reports whether the principal is anybody at all.
func (p *Principal) SignedIn() bool { return p.Kind != Anonymous }

// Has reports whether the principal holds the permission. Nobody holds the
// empty one.
func (p *Principal) Has(permission string) bool {
	if permission == "" {
		return false
	}
	for _, held := range p.Permissions {
		if held == permission {
			return true
		}
	}
	return false
}

// Operator returns the principal of somebody who runs commands next to the
// database: they could change any row, so they may do anything.
func Operator(name string) Principal {
	return Principal{Kind: Machine, Via: LocalOperator, Subject: "operator", Name: name, Permissions: []string{Admin}}
}
