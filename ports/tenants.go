package ports

import (
	"context"
	"time"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// Tenants keeps the organisations. A new store has the default one.
type Tenants interface {
	// Create adds a tenant. A clash is Conflict with the code "id_taken", or "external_taken" when one of its
	// external names is another tenant's, or stands twice.
	Create(ctx context.Context, t tenant.Tenant) error

	// ByID returns the tenant with this id.
	ByID(ctx context.Context, id string) (tenant.Tenant, error)

	// ByExternal returns the tenant that is called so elsewhere.
	ByExternal(ctx context.Context, e tenant.External) (tenant.Tenant, error)

	// Update changes a tenant and returns the result. Clashes as in Create. The id does not change.
	Update(ctx context.Context, id string, change func(*tenant.Tenant) error) (tenant.Tenant, error)

	// List returns the tenants by ascending id that sort after this one; see Limit.
	List(ctx context.Context, after string, limit int) ([]tenant.Tenant, error)
}

// Directory hands out what administration works on. There is no way to any of it without a scope: what is not within it
// is neither found nor changed, as if it were not there. A new row outside it is Invalid with the code "tenant",
// whatever else would be wrong with it. The zero Scope sees nothing.
type Directory interface {
	People(tenant.Scope) People
	Clients(tenant.Scope) Clients
	Log(tenant.Scope) Log
}

// People are the users of a scope.
type People interface {
	// ByID returns the user with this id.
	ByID(ctx context.Context, id string) (user.User, error)

	// ByLogin returns the user whose e-mail key (if it has an "@") or whose name key this is.
	ByLogin(ctx context.Context, key string) (user.User, error)

	// Search returns matching users by ascending id, which is by age.
	Search(ctx context.Context, q UserQuery) ([]user.User, error)

	// Update is that of Users. The tenant does not change.
	Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error)
}

// Clients are the machine identities of a scope.
type Clients interface {
	// Create adds a client. A clash is Conflict with the code "id_taken".
	Create(ctx context.Context, c client.Client) error

	// ByID returns the client with this id.
	ByID(ctx context.Context, id string) (client.Client, error)

	// Update changes a client and returns the result. Neither the id nor the tenant changes.
	Update(ctx context.Context, id string, change func(*client.Client) error) (client.Client, error)

	// Delete removes a client. One that is not there is NotFound.
	Delete(ctx context.Context, id string) error

	// List returns the clients by ascending id, which is by age, that sort after this one; see Limit.
	List(ctx context.Context, after string, limit int) ([]client.Client, error)
}

// Log is the audit log of a scope. What has no tenant belongs to the default one.
type Log interface {
	// Search returns matching events, the latest first.
	Search(ctx context.Context, q EventQuery) ([]Event, error)
}

// Machines finds clients by what they show, when their tenant is not known yet.
type Machines interface {
	// ByID returns the client with this id, of whatever tenant.
	ByID(ctx context.Context, id string) (client.Client, error)
}

// APITokens keeps the tokens that users make for scripts. Deleting a user removes the user's tokens.
type APITokens interface {
	// Create adds a token if its user has fewer than limit, expired ones counted. Its user exists, else NotFound. A clash
	// is Conflict with the code "id_taken" or "hash_taken", and with "too_many" at the limit.
	Create(ctx context.Context, t apitoken.Token, limit int) error

	// ByHash returns the token with this hash, and its user. It does not ask whether the token is alive.
	ByHash(ctx context.Context, h secret.Hash) (apitoken.Token, user.User, error)

	// ByUser returns a user's tokens, the newest first; none is no error.
	ByUser(ctx context.Context, userID string) ([]apitoken.Token, error)

	// Alive returns the tokens of all users that are alive at now, with their users, by ascending id, that sort after this one; see
	// Limit.
	Alive(ctx context.Context, now time.Time, after string, limit int) ([]UsersToken, error)

	// Touch notes that a token was used. An earlier use than the latest that is known changes nothing. A token that is not
	// there is NotFound.
	Touch(ctx context.Context, id string, at time.Time) error

	// Delete removes a token of a user and returns it as it was. One that is not there, or is another user's, is
	// NotFound.
	Delete(ctx context.Context, userID, id string) (apitoken.Token, error)

	// DeleteExpired removes what has expired at now and returns how many there were.
	DeleteExpired(ctx context.Context, now time.Time) (int, error)
}

// UsersToken is an API token with its user.
type UsersToken struct {
	Token apitoken.Token
	User  user.User
}
