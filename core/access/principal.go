// Package access knows who is asking and what they may do. It imports only
// core/token and the standard library and compiles to WebAssembly, so that an
// edge worker decides as the server does.
package access

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
	AccessToken              // a short-lived signed token
	LocalOperator            // whoever can run commands on the machine with the database
)

// Admin is the one permission that the core itself knows: it opens the
// administration of users, keys and the audit log.
const Admin = "admin"

// Principal is who is asking. The zero value is the anonymous principal. A
// Principal may be shared between goroutines; nobody changes one, or its
// slices, after it was made.
type Principal struct {
	Kind        Kind
	Via         Credential
	Subject     string   // the user's or client's id; empty when anonymous
	Name        string   // the user name, for logs and headers
	Tenant      string   // the tenant that the credential belongs to
	Permissions []string // sorted, without duplicates
	Session     string   // the session's public id (sid), when there is one
	Token       string   // the token's id (jti), when a token was shown
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
