// Package passhash hashes passwords. It implements ports.Hasher: new hashes are
// argon2id (RFC 9106) in PHC strings; hashes that other systems made verify as
// well and are reported as outdated, so that the next sign-in replaces them.
//
//	h, err := passhash.New(passhash.Config{})
//	phc, err := h.Hash(ctx, password)
//	matches, outdated, err := h.Verify(ctx, phc, password)
//
// # Memory
//
// A hash takes memory on purpose, 19 MiB by default, so only Config.Permits of
// them run at a time, in the order in which they were asked for, and everybody
// else waits as long as their context allows. A stored hash that takes more
// memory than Hash does counts as several. What is live at once is therefore at
// most Permits times the memory of one, whatever the number of callers; until
// the garbage collector has caught up the process may hold twice as much, unless a
// soft memory limit (GOMEMLIMIT, debug.SetMemoryLimit) makes it hurry.
//
// # Other formats
//
//	$argon2id$, $argon2i$, $argon2d$   version 19
//	$2a$, $2b$, $2y$                   bcrypt, cost 4 to 16
//	$bcrypt-sha256$                    as passlib writes it, version 2
//	$scrypt$                           ln=, r=, p=
//	$pbkdf2$, $pbkdf2-sha1$, …-sha224$, …-sha256$, …-sha384$, …-sha512$
//
// The LDAP spellings {CRYPT}$…, {ARGON2}$… and {PBKDF2-SHA256}… of these are
// understood too. Like every implementation of bcrypt this one looks at the
// first 72 bytes of a password only; the hash that replaces it sees all. $2x$ and
// $2$, which are computed wrongly, are refused.
//
// Passwords are taken as they are: core/user prepares them.
package passhash

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// The parameters of a Config that says nothing: what OWASP's Password Storage
// Cheat Sheet recommends for argon2id.
const (
	DefaultMemory    = 19 * 1024  // KiB
	DefaultPasses    = 2          //
	DefaultThreads   = 1          //
	DefaultMaxMemory = 256 * 1024 // KiB
)

const (
	saltSize = 16 // bytes, RFC 9106 §3.1
	keySize  = 32
	// maxThreads is beyond what any server has to spare for one sign-in.
	maxThreads = 16
	// maxWork bounds the time of one hash: so many KiB are written, which takes a
	// few seconds on a slow core.
	maxWork = 4 * 1024 * 1024
)

// floor has the pairs of memory and passes that OWASP calls equally strong. New
// hashes are at least as strong as one of them.
var floor = [...]struct{ memory, passes uint32 }{
	{46 * 1024, 1}, {19 * 1024, 2}, {12 * 1024, 3}, {9 * 1024, 4}, {7 * 1024, 5},
}

// Config says how costly hashes are. Its zero value is good.
type Config struct {
	Memory    uint32    // KiB a hash takes; 0 for DefaultMemory
	Passes    uint32    // passes over the memory; 0 for DefaultPasses
	Threads   uint8     // lanes of one hash; 0 for DefaultThreads; more make sense only with idle cores
	Permits   int       // hashes that run at a time; 0 for GOMAXPROCS
	MaxMemory uint32    // KiB that verifying a hash made elsewhere may take; 0 for DefaultMaxMemory, at least Memory
	Random    io.Reader // of the salts; nil for crypto/rand
}

// Hasher hashes and verifies passwords. It is safe for concurrent use.
type Hasher struct {
	config  Config
	permits *semaphore.Weighted
	format  string // of a PHC string, but for salt and key
}

var _ ports.Hasher = (*Hasher)(nil)

// New returns a Hasher. Parameters that are weaker than OWASP recommends (19 MiB
// and 2 passes, or 46 and 1, 12 and 3, 9 and 4, 7 and 5) or beyond reason are an
// error that names all that is wrong.
func New(c Config) (*Hasher, error) {
	set(&c.Memory, DefaultMemory)
	set(&c.Passes, DefaultPasses)
	set(&c.Threads, DefaultThreads)
	set(&c.Permits, runtime.GOMAXPROCS(0))
	set(&c.MaxMemory, max(DefaultMaxMemory, c.Memory))
	if c.Random == nil {
		c.Random = rand.Reader
	}
	var errs []error
	if !strong(c.Memory, c.Passes) {
		errs = append(errs, fmt.Errorf("%d KiB and %d passes are too weak; take %d KiB and %d passes, or more", c.Memory, c.Passes, DefaultMemory, DefaultPasses))
	}
	if work := uint64(c.Memory) * uint64(c.Passes); work > maxWork {
		errs = append(errs, fmt.Errorf("%d KiB and %d passes take too long; memory times passes is at most %d KiB", c.Memory, c.Passes, maxWork))
	}
	if c.Threads > maxThreads {
		errs = append(errs, fmt.Errorf("%d threads are too many; at most %d", c.Threads, maxThreads))
	}
	if c.Permits < 1 {
		errs = append(errs, fmt.Errorf("%d hashes at a time are too few; at least 1", c.Permits))
	}
	if c.MaxMemory < c.Memory {
		errs = append(errs, fmt.Errorf("hashes made elsewhere may take %d KiB, less than the %d KiB of new ones", c.MaxMemory, c.Memory))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("passhash: %w", err)
	}
	return &Hasher{
		config:  c,
		permits: semaphore.NewWeighted(int64(c.Permits)),
		format:  fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%%s$%%s", argon2.Version, c.Memory, c.Passes, c.Threads),
	}, nil
}

// Hash returns the PHC string of a password. It waits for a permit as long as
// ctx allows, then fails with Unavailable.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(h.config.Random, salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	release, err := h.acquire(ctx, h.config.Memory)
	if err != nil {
		return "", err
	}
	defer release()
	key := h.derive(password, salt)
	return fmt.Sprintf(h.format, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Verify reports whether a password has this hash, and if so whether the hash
// should be replaced, because it is of another kind or was made with other
// parameters than Hash uses. Stronger ones count too: as long as they are there,
// the time of a sign-in tells whose account exists. An empty hash takes the time of
// one that Hash made and matches nothing. A hash that cannot be read, or would
// take more memory or time than Config allows, is an error.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (matches, outdated bool, err error) {
	if hash == "" {
		release, err := h.acquire(ctx, h.config.Memory)
		if err != nil {
			return false, false, err
		}
		defer release()
		h.derive(password, make([]byte, saltSize))
		return false, false, nil
	}
	s, err := parse(hash, h.config.MaxMemory)
	if err != nil {
		return false, false, err
	}
	release, err := h.acquire(ctx, s.memory)
	if err != nil {
		return false, false, err
	}
	defer release()
	if s.ours(h.config) { // by the function that also hashes and pretends, so that all take the same time
		matches = subtle.ConstantTimeCompare(h.derive(password, s.digest.Salt()), s.digest.Key()) == 1
		return matches, false, nil
	}
	matches, err = s.digest.MatchAdvanced(password)
	if err != nil {
		return false, false, fault.Wrap(err, fault.Internal, "password_hash", "this password hash cannot be computed")
	}
	return matches, matches, nil
}

// derive is the slow step.
func (h *Hasher) derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, h.config.Passes, h.config.Memory, h.config.Threads, keySize)
}

// acquire waits for as many permits as a hash of so many KiB takes. Who has a
// permit releases it.
func (h *Hasher) acquire(ctx context.Context, memory uint32) (release func(), err error) {
	n := min((int64(memory)+int64(h.config.Memory)-1)/int64(h.config.Memory), int64(h.config.Permits))
	n = max(n, 1)
	if err := h.permits.Acquire(ctx, n); err != nil {
		busy := fault.Wrap(err, fault.Unavailable, "busy", "too many people sign in at this moment; please try again")
		busy.RetryAfter = time.Second
		return nil, busy
	}
	return func() { h.permits.Release(n) }, nil
}

// strong reports whether parameters are at least as strong as one of the floor.
func strong(memory, passes uint32) bool {
	for _, f := range floor {
		if memory >= f.memory && passes >= f.passes {
			return true
		}
	}
	return false
}

// set gives a setting that was left out its default.
func set[T comparable](setting *T, to T) {
	var zero T
	if *setting == zero {
		*setting = to
	}
}
