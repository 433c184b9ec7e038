// Package memory keeps everything in the memory of the process: for tests, and
// for trying Hexward out. What it holds is gone when the process ends, so the
// one sentence of the storage contracts that it does not fulfil is that writes
// survive a crash.
//
//	store := memory.New()
//	users, sessions := store.Users(), store.Sessions()
package memory

import (
	"slices"
	"sync"
	"time"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Store is every storage port at once. It is safe for concurrent use. One lock
// guards it all: the functions that are handed to Update and Change run under it,
// and must not call the store.
type Store struct {
	mu sync.RWMutex

	users  map[string]user.User
	names  map[string]string // the user id of each name key
	emails map[string]string // and of each e-mail key

	sessions map[string]session.Session
	hashes   map[session.Hash]string // the session id of each present hash
	formers  map[session.Hash]string // of each former hash
	families map[session.Hash]string // of each refresh family

	upstreams map[upstreamKey]map[string]struct{} // the session ids of each upstream session

	identities map[string]user.Identity
	subjects   map[subjectKey]string // the identity id of each issuer and subject

	mailTokens map[mailKey]ports.MailToken
	attempts   map[string][]int64
	marks      map[markKey]token.Mark
	events     []ports.Event // by ascending sequence
	eventIDs   map[string]struct{}
	keys       []ports.SigningKey // the oldest first
	bundleKeys []ports.SigningKey // likewise
	number     int64              // of the latest bundle

	tenants   map[string]tenant.Tenant
	externals map[tenant.External]string // the tenant id of each name elsewhere
	clients   map[string]client.Client
	apiTokens map[string]apitoken.Token
	secrets   map[secret.Hash]string // the API token id of each hash
}

// New returns a store with nothing in it but the default tenant.
func New() *Store {
	now := whole(time.Now())
	return &Store{
		users:      map[string]user.User{},
		names:      map[string]string{},
		emails:     map[string]string{},
		sessions:   map[string]session.Session{},
		hashes:     map[session.Hash]string{},
		formers:    map[session.Hash]string{},
		families:   map[session.Hash]string{},
		upstreams:  map[upstreamKey]map[string]struct{}{},
		identities: map[string]user.Identity{},
		subjects:   map[subjectKey]string{},
		mailTokens: map[mailKey]ports.MailToken{},
		attempts:   map[string][]int64{},
		marks:      map[markKey]token.Mark{},
		eventIDs:   map[string]struct{}{},
		tenants: map[string]tenant.Tenant{
			tenant.Default: {ID: tenant.Default, Name: tenant.Default, CreatedAt: now, UpdatedAt: now},
		},
		externals: map[tenant.External]string{},
		clients:   map[string]client.Client{},
		apiTokens: map[string]apitoken.Token{},
		secrets:   map[secret.Hash]string{},
	}
}

// Users returns the store as ports.Users.
func (s *Store) Users() ports.Users { return (*users)(s) }

// Sessions returns the store as ports.Sessions.
func (s *Store) Sessions() ports.Sessions { return (*sessions)(s) }

// SessionSets returns the store as ports.SessionSets.
func (s *Store) SessionSets() ports.SessionSets { return (*sessions)(s) }

// Identities returns the store as ports.Identities.
func (s *Store) Identities() ports.Identities { return (*identities)(s) }

// MailTokens returns the store as ports.MailTokens.
func (s *Store) MailTokens() ports.MailTokens { return (*mailTokens)(s) }

// Attempts returns the store as ports.Attempts.
func (s *Store) Attempts() ports.Attempts { return (*attempts)(s) }

// Marks returns the store as ports.Marks.
func (s *Store) Marks() ports.Marks { return (*marks)(s) }

// Audit returns the store as ports.Audit.
func (s *Store) Audit() ports.Audit { return (*audit)(s) }

// Keys returns the store as ports.Keys.
func (s *Store) Keys() ports.Keys { return &keys{s, &s.keys} }

// BundleKeys returns the store of the keys that sign bundles as ports.Keys.
func (s *Store) BundleKeys() ports.Keys { return &keys{s, &s.bundleKeys} }

// BundleNumbers returns the store of the numbers of bundles as ports.Numbers.
func (s *Store) BundleNumbers() ports.Numbers { return (*numbers)(s) }

// Tenants returns the store as ports.Tenants.
func (s *Store) Tenants() ports.Tenants { return (*tenants)(s) }

// Directory returns the store as ports.Directory.
func (s *Store) Directory() ports.Directory { return (*directory)(s) }

// Machines returns the store as ports.Machines.
func (s *Store) Machines() ports.Machines { return &clients{s, tenant.Every()} }

// APITokens returns the store as ports.APITokens.
func (s *Store) APITokens() ports.APITokens { return (*apiTokens)(s) }

// whole cuts a time to what every store keeps: milliseconds, in UTC.
func whole(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// copied returns a copy of a slice, and nil for an empty one.
func copied[E any](in []E) []E {
	if len(in) == 0 {
		return nil
	}
	return slices.Clone(in)
}
