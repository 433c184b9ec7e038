// Package ports names what the use cases of core/auth need from the world:
// places to keep values, a signer, a hasher, a mailer. An adapter implements a
// port; package porttest holds every adapter of a port to the same contract, and
// package mock has generated mocks of them for unit tests.
//
// Stores are plain. They keep and return values, and decide nothing but
// uniqueness and atomicity. What holds for every method of every port:
//
//   - ctx bounds the call; a call that ended by it returns an error for which
//     errors.Is(err, ctx.Err()) holds or a fault of kind Unavailable.
//   - A miss is a fault of kind NotFound, a clash one of kind Conflict. A store
//     that is locked, full, read-only or out of reach is Unavailable.
//   - When a method that writes returns nil, what it wrote survives a crash of
//     the process and of the machine.
//   - Update methods read, call the function, and write what it left, as one
//     atomic step; concurrent updates of the same row happen one after the other.
//     If the function returns an error, nothing is written and the method returns
//     that error unwrapped. The function may run more than once and has no other
//     effects.
//   - Values go in and come out as copies: a caller may change what it got.
//   - Times are kept to the millisecond and come back in UTC. The zero time comes
//     back as the zero time.
package ports

//go:generate go tool -modfile=../.ci/tools/go.mod moq -rm -out mock/mock.go -pkg mock . Users Tenants Directory People Clients Log Machines APITokens Issuer TokenCache Sessions SessionSets MailTokens Attempts Marks Audit Keys Numbers Keyring Signer Sealer Hasher Mailer Captcha Identities Provider ProviderLogout

import (
	"context"
	"crypto"
	"net/netip"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
)

// Users keeps the people. Names and e-mail addresses are unique by their keys;
// any number of users may have no address.
type Users interface {
	// Create adds a user. A clash is Conflict with the code "username_taken" or
	// "email_taken" (the name's when both clash), and with "id_taken" for an id
	// that is there already.
	Create(ctx context.Context, u user.User) error

	// ByID returns the user with this id.
	ByID(ctx context.Context, id string) (user.User, error)

	// ByLogin returns the user whose e-mail key (if it has an "@") or whose name
	// key this is.
	ByLogin(ctx context.Context, key string) (user.User, error)

	// Update changes a user and returns the result. Clashes as in Create. The id
	// does not change.
	Update(ctx context.Context, id string, change func(*user.User) error) (user.User, error)

	// Delete removes a user, all their sessions and all their mail tokens.
	// Deleting somebody who is not there is NotFound.
	Delete(ctx context.Context, id string) error
}

// UserQuery narrows a search for users. Its zero value finds all.
type UserQuery struct {
	Text   string // part of a name's or e-mail address' key; taken literally
	Holds  string // only users who hold this permission
	Banned bool   // only users with a ban, lapsed or not
	After  string // only users whose id sorts after this one: the last one of the page before
	Limit  int    // at most this many; 0 means 50, and more than 1000 means 1000
}

// Sessions keeps the sign-ins.
type Sessions interface {
	// Create adds a session. Its user exists, else NotFound. Conflict when the
	// id, the hash or the family is there already.
	Create(ctx context.Context, s session.Session) error

	// ByHash returns the session whose present or former id has this hash, and its
	// user. It does not ask whether the session is alive.
	ByHash(ctx context.Context, h session.Hash) (session.Session, user.User, error)

	// ByFamily returns the session with this refresh family, and its user.
	ByFamily(ctx context.Context, family session.Hash) (session.Session, user.User, error)

	// Update changes a session and returns the result.
	Update(ctx context.Context, id string, change func(*session.Session) error) (session.Session, error)

	// Delete removes a session and returns it as it was. One that is not there is
	// NotFound.
	Delete(ctx context.Context, id string) (session.Session, error)
}

// SessionSets works on many sessions at once.
type SessionSets interface {
	// ByUser returns a user's sessions, the latest sign-in first; none is no
	// error.
	ByUser(ctx context.Context, userID string) ([]session.Session, error)

	// DeleteByUser removes a user's sessions but the one with the id except (which
	// may be empty), and returns the ids of those removed.
	DeleteByUser(ctx context.Context, userID, except string) ([]string, error)

	// DeleteBefore removes every session that was signed in to at or before t and
	// returns how many there were.
	DeleteBefore(ctx context.Context, t time.Time) (int, error)

	// DeleteExpired removes every session that is not alive at now and returns how
	// many there were.
	DeleteExpired(ctx context.Context, now time.Time) (int, error)

	// MarkRotate sets Rotate on every session of a user.
	MarkRotate(ctx context.Context, userID string) error

	// ByUpstream returns the sessions of a provider with this Upstream id; none is
	// no error, and an empty id has none.
	ByUpstream(ctx context.Context, provider, upstream string) ([]session.Session, error)
}

// MailToken is a secret that was mailed to somebody to prove that they read
// mail at an address. The store has only its SHA-256.
type MailToken struct {
	Hash      session.Hash
	Purpose   string // "confirm", "reset", "register", "setup"
	Subject   string // the user's id, or what the token is about when there is no user yet
	Email     string // the key of the address it was mailed to
	Data      []byte // what the use case wants back; sealed if it is secret
	CreatedAt time.Time
	ExpiresAt time.Time
}

// MailTokens keeps mailed secrets until they are used once.
type MailTokens interface {
	// Put adds a token and removes every other one of the same purpose and
	// subject.
	Put(ctx context.Context, t MailToken) error

	// Get returns a token of a purpose that has not expired at now, and leaves it.
	Get(ctx context.Context, purpose string, h session.Hash, now time.Time) (MailToken, error)

	// Consume is Get that removes the token: of concurrent callers one gets it.
	Consume(ctx context.Context, purpose string, h session.Hash, now time.Time) (MailToken, error)

	// DeleteExpired removes what has expired at now and returns how many there
	// were.
	DeleteExpired(ctx context.Context, now time.Time) (int, error)
}

// Attempts keeps the counters against brute force.
type Attempts interface {
	// Update hands the function the counters with these keys, in their order, new
	// ones empty, and keeps what it leaves, as one atomic step. A counter left
	// without times is removed. Keys are 1 to 300 bytes, without duplicates.
	Update(ctx context.Context, keys []string, change func([]*user.Attempts)) error

	// DeleteBefore removes the counters whose latest time is before t and returns
	// how many there were.
	DeleteBefore(ctx context.Context, t time.Time) (int, error)
}

// Marks keeps the revocation marks.
type Marks interface {
	// Add keeps a mark. A mark of the same kind and value is merged: the greater
	// Before and the greater Until stay.
	Add(ctx context.Context, m token.Mark) error

	// List returns the marks whose Until is not before now.
	List(ctx context.Context, now time.Time) ([]token.Mark, error)

	// DeleteExpired removes the marks whose Until is before now and returns how
	// many there were.
	DeleteExpired(ctx context.Context, now time.Time) (int, error)
}

// Event is one line of the audit log: who did what to whom, from where, with
// what outcome. It carries no secret.
type Event struct {
	ID       string // UUIDv7
	At       time.Time
	Action   string // "login", "password.change", "user.ban" …
	Outcome  string // "ok", or the code of the fault
	Actor    string // the id of who did it; "operator", or empty when unknown
	Subject  string // the id of whom or what it was done to
	Tenant   string
	Session  string
	Address  string // of the client
	Agent    string // its User-Agent header, cut to 200 bytes
	Request  string // the request's id
	Detail   map[string]string
	Sequence int64 // set by the store, ascending
}

// EventQuery narrows a look at the audit log. Its zero value finds the latest.
type EventQuery struct {
	Action  string // this action, or with a trailing "." every action that begins so
	Subject string // done to or by this id
	Before  int64  // only events with a smaller Sequence; 0 for no bound
	Limit   int    // at most this many; 0 means 50, and more than 1000 means 1000
}

// Audit keeps the audit log, which only grows. What reads it is Log.
type Audit interface {
	// Record adds events, all or none. An id that is there already is Conflict with the code "id_taken".
	Record(ctx context.Context, events ...Event) error
}

// SigningKey is a key that signs tokens, in the order of its life: published so
// that verifiers learn it, then signed with, then retired (it verifies only),
// then dropped. A zero time is not planned yet.
type SigningKey struct {
	ID          string // RFC 7638 thumbprint; the "kid"
	Algorithm   string // "EdDSA", "ES256", "RS256", "HS256"
	Public      []byte // the public JWK; empty for HS256
	Sealed      []byte // the sealed private key
	PublishedAt time.Time
	SignsFrom   time.Time
	RetiredAt   time.Time
	DropAt      time.Time
}

// Keys keeps the signing keys.
type Keys interface {
	// List returns every key, the oldest first.
	List(ctx context.Context) ([]SigningKey, error)

	// Change hands the function every key, the oldest first, and keeps what it
	// returns in their place, as one atomic step. If the function returns an error
	// nothing changes.
	Change(ctx context.Context, change func([]SigningKey) ([]SigningKey, error)) error
}

// Numbers gives out numbers that only rise, for whoever must tell what is newer
// whatever the clocks say.
type Numbers interface {
	// Next returns a number that is greater than every one before, of any process on
	// the store, and at least floor: the one after the last, or floor. Concurrent
	// callers get different ones. A floor that is not from 1 to MaxNumber is Invalid;
	// when all up to MaxNumber are used up the error is Internal, and nothing changes.
	Next(ctx context.Context, floor int64) (int64, error)
}

// MaxNumber is the greatest number: the greatest integer that JavaScript keeps
// exactly.
const MaxNumber = 1<<53 - 1

// Keyring makes private keys and opens sealed ones. A private key is what the
// standard library has for its algorithm: ed25519.PrivateKey, *ecdsa.PrivateKey,
// *rsa.PrivateKey, or []byte for HS256.
type Keyring interface {
	// Generate makes a key for an algorithm. One that is not known is Invalid.
	Generate(ctx context.Context, algorithm string) (SigningKey, error)

	// Import takes a private key from PEM (PKCS #8, PKCS #1, SEC 1). One that
	// cannot be read or is weak is Invalid.
	Import(ctx context.Context, pem []byte) (SigningKey, error)

	// ImportSecret takes a secret for HS256, of 32 bytes at least. A shorter one is
	// Invalid. The id tells nothing of it, and is another one each time.
	ImportSecret(ctx context.Context, secret []byte) (SigningKey, error)

	// Open returns the private key. One sealed under another master key, or moved
	// from another row, is an error.
	Open(ctx context.Context, k SigningKey) (crypto.PrivateKey, error)
}

// Signer signs claims, or any other payload, as a compact JWS (RFC 7515).
type Signer interface {
	// Sign returns the token with this typ, signed by the private key of k.
	Sign(ctx context.Context, k SigningKey, private crypto.PrivateKey, typ string, claims token.Claims) (string, error)

	// SignPayload returns the JWS of this typ with a payload as it is, likewise. It
	// is for what is no token: a typ that tokens have is the caller's mistake.
	SignPayload(ctx context.Context, k SigningKey, private crypto.PrivateKey, typ string, payload []byte) ([]byte, error)
}

// Sealer encrypts small values at rest. The associated data binds a sealed value
// to its place: it opens only with the same.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	// Open fails when the value was changed, moved, or sealed under a key that is
	// not known.
	Open(sealed, associated []byte) ([]byte, error)
}

// Hasher hashes passwords slowly, in PHC strings, at most so many at a time as
// there are cores; further callers wait for as long as ctx allows, then get
// Unavailable.
type Hasher interface {
	// Hash returns the PHC string of a password.
	Hash(ctx context.Context, password string) (string, error)

	// Verify compares a password with a hash and reports whether it matches, and if
	// so whether the hash is of another kind or weaker than Hash makes now and
	// should be replaced. An empty hash takes the time of a real one and matches
	// nothing.
	Verify(ctx context.Context, hash, password string) (matches, outdated bool, err error)
}

// Message is a mail to one person. What it says is the mailer's matter.
type Message struct {
	Kind    string // "confirm", "reset", "register", "known" (somebody tried to register your address), "changed" (your password was changed)
	To      string
	Name    string    // the user name, if there is one
	Link    string    // absolute; empty for kinds without one
	Expires time.Time // when the link does
}

// Mailer sends mail.
type Mailer interface {
	// Send takes a message for delivery. It does not wait for a mail server, so that
	// how long it takes tells nobody whether there was a message to send; delivery is
	// retried for a while. Unavailable when no more messages can be taken.
	Send(ctx context.Context, m Message) error
}

// Captcha asks whether a response comes from a person.
type Captcha interface {
	// Check returns nil for a good response, an Invalid fault on "captcha" for a bad
	// or missing one, and Unavailable if nobody could be asked.
	Check(ctx context.Context, response string, client netip.Addr) error
}
