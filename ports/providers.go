package ports

import (
	"context"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
)

// Identities keeps which accounts at providers are whose. An issuer and subject
// together are unique.
type Identities interface {
	// Create adds an identity. Its user exists, else NotFound; Conflict when the
	// issuer and subject, or the id, are there already.
	Create(ctx context.Context, i user.Identity) error

	// BySubject returns the identity with this issuer and subject, to the letter, and
	// its user.
	BySubject(ctx context.Context, issuer, subject string) (user.Identity, user.User, error)

	// ByUser returns a user's identities, the oldest first; none is no error.
	ByUser(ctx context.Context, userID string) ([]user.Identity, error)

	// ByIssuer returns the identities of an issuer, with their users, by ascending id, that sort after this one; see Limit.
	ByIssuer(ctx context.Context, issuer, after string, limit int) ([]UsersIdentity, error)

	// Update changes an identity and returns the result. The id, the user, the issuer
	// and the subject do not change.
	Update(ctx context.Context, id string, change func(*user.Identity) error) (user.Identity, error)

	// Delete removes an identity. One that is not there is NotFound. Deleting a user
	// removes the user's identities.
	Delete(ctx context.Context, id string) error
}

// UsersIdentity is an identity with its user.
type UsersIdentity struct {
	Identity user.Identity
	User     user.User
}

// AuthRequest is what a provider is asked to sign somebody in with.
type AuthRequest struct {
	RedirectURI string
	State       string
	Nonce       string
	Verifier    string // of PKCE (RFC 7636); the provider is shown its S256 challenge
}

// AuthCode is what came back.
type AuthCode struct {
	Code        string
	Issuer      string // the "iss" parameter (RFC 9207), if there was one
	RedirectURI string
	Nonce       string // empty only when a front end that did the redirect itself had none
	Verifier    string // empty only likewise
}

// Person is whom a provider signed in.
type Person struct {
	Issuer        string
	Subject       string
	Session       string // the provider's session id ("sid"), if it says one
	Tenant        string // the claim that the provider's configuration names, if it is there
	Username      string // preferred_username, nickname or login; a suggestion
	Email         string
	EmailVerified bool // the provider says that it has verified Email: true, or "true"
	Profile       user.Profile
	Tokens        session.Tokens
}

// Provider signs people in: an OpenID Connect provider, or an OAuth 2.0 one that
// says who its users are. Nothing of it is fetched before it is needed. What holds
// for each method: it is bounded in time and in what it reads; Unavailable when the
// provider cannot be reached, or answers what cannot be understood.
type Provider interface {
	// Begin returns where the browser is sent to.
	Begin(ctx context.Context, r AuthRequest) (url string, err error)

	// Redeem takes an authorization code for tokens and verifies all that they say.
	// A code or token that is refused, by the provider or here, is Unauthenticated.
	Redeem(ctx context.Context, c AuthCode) (Person, error)

	// Refresh takes the refresh token for new tokens. What the answer leaves out
	// stays. A refresh token that is refused, or missing, is Unauthenticated.
	Refresh(ctx context.Context, t session.Tokens) (session.Tokens, error)
}

// LogoutToken is what a provider says in a back-channel logout (OpenID Connect
// Back-Channel Logout 1.0 §2.4).
type LogoutToken struct {
	Issuer  string
	ID      string // jti
	Subject string // who is signed out; empty if only Session is said
	Session string // of which session; empty for every session of Subject
}

// ProviderLogout signs people out at their provider too.
type ProviderLogout interface {
	// Revoke revokes the tokens (RFC 7009). A provider that cannot do so is no error.
	Revoke(ctx context.Context, t session.Tokens) error

	// End returns where the browser is sent to for signing out at the provider, which
	// sends it on to back, or "" if the provider has no such place.
	End(ctx context.Context, t session.Tokens, back string) (url string, err error)

	// ReadLogout verifies a logout token. One that is refused is Invalid.
	ReadLogout(ctx context.Context, logoutToken string) (LogoutToken, error)
}
