package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// Config is what a Service is made of. Everything is required but Captcha, the caches
// of tokens, Edge, and what is for providers and issuers when there are none.
type Config struct {
	Users       ports.Users
	Sessions    ports.Sessions
	SessionSets ports.SessionSets
	MailTokens  ports.MailTokens
	Attempts    ports.Attempts
	Marks       ports.Marks
	Audit       ports.Audit
	Keys        ports.Keys
	Keyring     ports.Keyring
	Signer      ports.Signer
	Sealer      ports.Sealer
	Hasher      ports.Hasher
	Mailer      ports.Mailer
	Captcha     ports.Captcha    // nil switches the check off
	Identities  ports.Identities // required with Providers, and with Issuers whose people come in
	Providers   []Upstream       // whom people may sign in with; none is fine

	Tenants   ports.Tenants
	Directory ports.Directory
	Machines  ports.Machines
	APITokens ports.APITokens
	Issuers   []Trusted        // whose tokens are taken besides our own; none is fine
	Verified  ports.TokenCache // of tokens that are good; nil verifies each every time
	Refused   ports.TokenCache // of tokens that are not; never the same as Verified; nil likewise

	Edge *Edge // what bundles for edge verifiers are made of; nil for none

	Seal *session.Seal    // signs session ids
	Now  func() time.Time // the clock
	Rand io.Reader        // cryptographic randomness

	// Report is told of failures that no caller waits for: what was being done, and
	// the error. It must not block.
	Report func(ctx context.Context, doing string, err error)

	Settings Settings
}

// Registration says who may register.
type Registration string

// The ways to register.
const (
	RegistrationOpen     Registration = "open"     // anybody, and is signed in at once
	RegistrationVerified Registration = "verified" // anybody who reads mail at the address first
	RegistrationClosed   Registration = "closed"   // nobody; an operator adds users
)

// Settings are the choices of whoever runs the service. DefaultSettings has the
// ones that most should keep.
type Settings struct {
	Issuer       string        // the "iss" of tokens: the public URL, without a trailing slash
	Audience     string        // the "aud" of access tokens
	Algorithm    string        // of new signing keys: "EdDSA", "ES256", "RS256", "HS256"
	AccessLife   time.Duration // of access tokens
	Life         session.Life  // of sessions and their refresh tokens
	KeyDelay     time.Duration // between publishing a signing key and signing with it
	Registration Registration
	Passwords    user.Policy
	Site         string // the site's name, which no password may be made of

	AccountLimit user.Limit // failed passwords an account
	AddressLimit user.Limit // attempts to register, sign in or reset from one client network
	MailLimit    user.Limit // mails to one address

	ConfirmLife time.Duration // of links that confirm an address
	ResetLife   time.Duration // of links that reset a password

	// Link returns the absolute URL that a mail of a kind ("confirm", "reset",
	// "register", "setup") leads to with this token.
	Link func(kind, token string) string

	// Callback is the URL that providers send browsers back to; required with
	// providers.
	Callback string

	SessionCache int // sessions kept in memory, at most

	Secret        []byte        // the HS256 signing key, in place of generated keys; empty for those
	TokenCacheTTL time.Duration // how long a token's verification is remembered, at most
	SecretOverlap time.Duration // how long a client's secret works on after another one was made
	VouchLife     time.Duration // of the tokens that Vouch makes
	ForeignLife   time.Duration // how old a token of another issuer may be; what revokes it is remembered for as long
	BundleLife    time.Duration // of bundles: how long an edge verifier goes on that reaches nobody
}

// DefaultSettings returns the recommended settings for a service at a public
// URL.
func DefaultSettings(issuer string) Settings {
	return Settings{
		Issuer: issuer, Audience: issuer, Algorithm: "EdDSA",
		AccessLife: 15 * time.Minute, Life: session.DefaultLife, KeyDelay: 10 * time.Minute,
		Registration: RegistrationOpen, Passwords: user.DefaultPolicy,
		AccountLimit: user.Limit{Count: 10, Window: 15 * time.Minute},
		AddressLimit: user.Limit{Count: 30, Window: time.Minute},
		MailLimit:    user.Limit{Count: 2, Window: 30 * time.Minute},
		ConfirmLife:  24 * time.Hour, ResetLife: 2 * time.Hour,
		Link:         func(kind, tok string) string { return issuer + "/" + kind + "/" + tok },
		SessionCache: 100_000, TokenCacheTTL: 5 * time.Minute, SecretOverlap: 24 * time.Hour, VouchLife: time.Minute,
		ForeignLife: 24 * time.Hour, BundleLife: time.Hour,
	}
}

// leeway is how far clocks may differ, in seconds, between whoever mints and
// whoever checks a token.
const leeway = token.DefaultLeeway

// Service is every use case there is. Make one with New, call Load once, and use
// it from any number of goroutines.
type Service struct {
	Config

	cache   *sessionCache
	changes *changes
	keys    atomic.Pointer[keySet]
	trusted map[string]*Trusted // by URL
	flights flights
	vouched vouched
	bundles bundles
	carried carried

	tenantsMade bool // while loading

	loading sync.Mutex // one Load at a time
	turns   turns

	marksMu sync.RWMutex
	marks   *token.Marks
	issued  atomic.Int64 // the latest issue time of a token, in Unix milliseconds
}

// New returns a Service, or one error that names everything that is missing or
// out of range.
func New(c Config) (*Service, error) {
	if err := errors.Join(c.missing(), c.checkProviders(), c.checkIssuers(), c.checkCaches(), c.checkEdge(), c.Settings.check()); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	clock := c.Now
	c.Now = func() time.Time { return clock().UTC().Truncate(time.Millisecond) } // as exactly as stores keep it
	s := &Service{
		Config: c, cache: newSessionCache(c.Settings.SessionCache), changes: &changes{}, marks: &token.Marks{}, trusted: make(map[string]*Trusted, len(c.Issuers)),
	}
	s.bundles.start()
	for i := range s.Issuers {
		s.trusted[s.Issuers[i].URL] = &s.Issuers[i]
	}
	return s, nil
}

func (c *Config) missing() error {
	var errs []error
	for _, need := range []struct {
		name string
		have bool
	}{
		{"Users", c.Users != nil},
		{"Sessions", c.Sessions != nil},
		{"SessionSets", c.SessionSets != nil},
		{"MailTokens", c.MailTokens != nil},
		{"Attempts", c.Attempts != nil},
		{"Marks", c.Marks != nil},
		{"Audit", c.Audit != nil},
		{"Keys", c.Keys != nil},
		{"Keyring", c.Keyring != nil},
		{"Signer", c.Signer != nil},
		{"Sealer", c.Sealer != nil},
		{"Hasher", c.Hasher != nil},
		{"Mailer", c.Mailer != nil},
		{"Tenants", c.Tenants != nil},
		{"Directory", c.Directory != nil},
		{"Machines", c.Machines != nil},
		{"APITokens", c.APITokens != nil},
		{"Seal", c.Seal != nil},
		{"Now", c.Now != nil},
		{"Rand", c.Rand != nil},
		{"Report", c.Report != nil},
		{"Settings.Link", c.Settings.Link != nil},
	} {
		if !need.have {
			errs = append(errs, fmt.Errorf("%s is required", need.name))
		}
	}
	return errors.Join(errs...)
}

func (s *Settings) check() error {
	var errs []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(s.Issuer == "", "an issuer is required")
	add(s.Audience == "", "an audience is required")
	add(s.AccessLife < time.Minute || s.AccessLife > 24*time.Hour, "an access token lives from 1 minute to 24 hours, not %v", s.AccessLife)
	add(s.Life.Idle < time.Minute, "a session lives at least a minute without a request, not %v", s.Life.Idle)
	add(s.Life.Absolute < s.Life.Idle, "a session's absolute life (%v) is at least its idle life (%v)", s.Life.Absolute, s.Life.Idle)
	add(s.KeyDelay < 0, "a key delay is not negative")
	add(s.ConfirmLife < time.Minute || s.ResetLife < time.Minute, "links that are mailed live at least a minute")
	for _, l := range []struct {
		name string
		user.Limit
	}{{"an account", s.AccountLimit}, {"a client network", s.AddressLimit}, {"mails to an address", s.MailLimit}} {
		add(l.Count < 0 || l.Count > 0 && l.Window < time.Second,
			"the limit on %s is a count from 0 on in a window of at least a second, not %d in %v", l.name, l.Count, l.Window)
	}
	add(s.Passwords.Min < 0 || s.Passwords.Min > user.MaxPassword/4, "a password's least length is 0 to %d characters, not %d", user.MaxPassword/4, s.Passwords.Min)
	add(s.SessionCache < 1, "the session cache holds at least one session")
	add(len(s.Secret) > 0 && len(s.Secret) < leastSecret, "a secret that signs tokens has at least %d bytes, not %d", leastSecret, len(s.Secret))
	add(len(s.Secret) > 0 && s.Algorithm != token.HS256.Name(), "a secret signs with HS256, not with %q", s.Algorithm)
	add(s.TokenCacheTTL != 0 && (s.TokenCacheTTL < time.Second || s.TokenCacheTTL > 24*time.Hour),
		"a token's verification is remembered for 1 second to 24 hours, or 0 for not at all, not %v", s.TokenCacheTTL)
	add(s.VouchLife < 10*time.Second || s.VouchLife > s.AccessLife, "a token about who is asking lives from 10 seconds to the life of an access token, not %v", s.VouchLife)
	add(s.ForeignLife < time.Minute || s.ForeignLife > 31*24*time.Hour, "a token of another issuer is taken for 1 minute to 31 days after it was issued, not %v", s.ForeignLife)
	add(s.BundleLife < time.Minute || s.BundleLife > edge.MaxLife*time.Second, "a bundle lives from 1 minute to 31 days, not %v", s.BundleLife)
	add(s.SecretOverlap < 0, "the overlap of a client's secrets is not negative")
	switch s.Algorithm {
	case "EdDSA", "ES256", "RS256", "HS256":
	default:
		add(true, "the algorithm is EdDSA, ES256, RS256 or HS256, not %q", s.Algorithm)
	}
	switch s.Registration {
	case RegistrationOpen, RegistrationVerified, RegistrationClosed:
	default:
		add(true, "registration is open, verified or closed, not %q", s.Registration)
	}
	return errors.Join(errs...)
}

// Load reads the signing keys and the revocation marks, makes the first key if
// there is none and the tenants that the configuration names, and has sessions and
// what was read about tokens looked up again. Call it once before anything else, and
// again whenever another process may have changed the store.
func (s *Service) Load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	s.changedAll()
	var errs []error // one failure does not keep the rest from being known
	if err := s.loadTenants(ctx); err != nil {
		errs = append(errs, fmt.Errorf("add the tenants that are configured: %w", err))
	}
	if err := s.loadKeys(ctx); err != nil {
		errs = append(errs, fmt.Errorf("load signing keys: %w", err))
	}
	if err := s.loadMarks(ctx); err != nil {
		errs = append(errs, fmt.Errorf("load revocation marks: %w", err))
	}
	s.bundles.loaded(len(errs) == 0)
	return errors.Join(errs...)
}

// keepExpired is for how long their owner sees API tokens that have expired.
const keepExpired = 30 * 24 * time.Hour

// Sweep removes what has expired from the stores. Call it now and then, every
// hour or so; nothing depends on it but space.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	_, sessions := s.SessionSets.DeleteExpired(ctx, now)
	_, mails := s.MailTokens.DeleteExpired(ctx, now)
	_, tokens := s.APITokens.DeleteExpired(ctx, now.Add(-keepExpired))
	_, marks := s.Marks.DeleteExpired(ctx, now)
	longest := max(s.Settings.AccountLimit.Window, s.Settings.AddressLimit.Window, s.Settings.MailLimit.Window, 2*flowLife)
	_, attempts := s.Attempts.DeleteBefore(ctx, now.Add(-longest))
	s.marksMu.Lock()
	s.marks.DropExpired(now.Unix())
	s.marksMu.Unlock()
	return errors.Join(sessions, mails, tokens, marks, attempts, s.dropKeys(ctx, now), s.dropBundleKeys(ctx, now))
}

// all runs writes that do not depend on each other at the same time, so that a
// store may commit them as one, and returns their errors joined.
func all(writes ...func() error) error {
	errs := make([]error, len(writes))
	var wait sync.WaitGroup
	for i, write := range writes[1:] {
		wait.Add(1)
		go func() {
			defer wait.Done()
			errs[i+1] = write()
		}()
	}
	errs[0] = writes[0]()
	wait.Wait()
	return errors.Join(errs...)
}
