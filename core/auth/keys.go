package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// accessType is the "typ" of access tokens (RFC 9068 §2.1).
const accessType = "at+jwt"

// keySet is the signing keys as they were read from the store, with what is made
// of them. It never changes.
type keySet struct {
	keys      []ports.SigningKey // the oldest first
	accepted  []ports.SigningKey // those that verify
	private   map[string]crypto.PrivateKey
	verifiers []*token.Verifier // one for public keys, one for secrets: a set has one sort only
	version   uint64            // another one whenever other keys verify
	public    *token.KeySet     // those that anybody may know
	jwks      []byte
	etag      string
}

// signs returns the key that signs at now: of those published long enough and not
// retired the one that began last.
func signs(keys []ports.SigningKey, now time.Time) (ports.SigningKey, bool) {
	var best ports.SigningKey
	found := false
	for _, k := range keys {
		begun := !k.SignsFrom.IsZero() && !k.SignsFrom.After(now)
		over := !k.RetiredAt.IsZero() && !k.RetiredAt.After(now)
		if begun && !over && (!found || k.SignsFrom.After(best.SignsFrom)) {
			best, found = k, true
		}
	}
	return best, found
}

// alwaysSigns reports whether a key signs at now and at every moment from then on
// at which another one retires.
func alwaysSigns(keys []ports.SigningKey, now time.Time) bool {
	moments := []time.Time{now}
	for _, k := range keys {
		if k.RetiredAt.After(now) {
			moments = append(moments, k.RetiredAt)
		}
	}
	for _, t := range moments {
		if _, ok := signs(keys, t); !ok {
			return false
		}
	}
	return true
}

// dropped reports whether a key verifies nothing any more.
func dropped(k ports.SigningKey, now time.Time) bool {
	return !k.DropAt.IsZero() && !k.DropAt.After(now)
}

// leastSecret is the least length in bytes of a secret that signs (RFC 7518 §3.2).
const leastSecret = 32

// loadKeys reads the keys, makes the first one if none can sign, or takes over the
// one that is configured, and builds the verifiers.
func (s *Service) loadKeys(ctx context.Context) error {
	keys, err := s.Keys.List(ctx)
	if err != nil {
		return err
	}
	now := s.Now()
	if len(s.Settings.Secret) > 0 {
		// Only when the service starts: of two processes with different secrets, as while
		// one replaces the other, the later one decides and the earlier one follows.
		if s.keys.Load() == nil {
			if keys, err = s.takeSecret(ctx, keys, now); err != nil {
				return err
			}
		}
	} else if _, ok := signs(keys, now); !ok {
		if keys, err = s.firstKey(ctx, s.tokenKeys(), now); err != nil {
			return err
		}
	}
	set, err := s.newKeySet(ctx, keys, now)
	if err != nil {
		return err
	}
	set.version = 1
	if old := s.keys.Load(); old != nil {
		set.version = old.version
		if !slices.EqualFunc(old.accepted, set.accepted, sameKey) {
			set.version++
		}
	}
	s.keys.Store(set)
	return nil
}

// keyUse is what a store of keys is for: to sign tokens, or bundles.
type keyUse struct {
	keys      ports.Keys
	algorithm string        // of new keys
	delay     time.Duration // until a new key signs
	life      time.Duration // how long what a key signed is good
	action    string        // what the names of its events begin with
	settled   bool          // the settings say which key signs
}

func (s *Service) tokenKeys() keyUse {
	return keyUse{s.Keys, s.Settings.Algorithm, s.Settings.KeyDelay, s.tokenLife(), "key", len(s.Settings.Secret) > 0}
}

// firstKey makes a key that signs from now on, unless one does, and returns the keys as
// they are then.
func (s *Service) firstKey(ctx context.Context, of keyUse, now time.Time) (keys []ports.SigningKey, err error) {
	first, err := s.Keyring.Generate(ctx, of.algorithm)
	if err != nil {
		return nil, err
	}
	err = of.keys.Change(ctx, func(stored []ports.SigningKey) ([]ports.SigningKey, error) {
		keys = stored
		if _, ok := signs(stored, now); !ok { // nobody else was quicker
			first.PublishedAt, first.SignsFrom = now, now
			keys = append(slices.Clone(stored), first)
		}
		return keys, nil
	})
	return keys, err
}

// sameKey reports whether two rows are of one key.
func sameKey(a, b ports.SigningKey) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && bytes.Equal(a.Public, b.Public)
}

// ownVersion returns the version of the keys that verify our tokens; 0 before Load.
func (s *Service) ownVersion() uint64 {
	if set := s.keys.Load(); set != nil {
		return set.version
	}
	return 0
}

// takeSecret sees to it that the secret of the settings signs, and no other key. It
// returns the keys as they are then.
func (s *Service) takeSecret(ctx context.Context, keys []ports.SigningKey, now time.Time) ([]ports.SigningKey, error) {
	same := map[string]bool{} // the rows that hold it
	for _, k := range keys {
		if k.Algorithm != token.HS256.Name() || dropped(k, now) {
			continue
		}
		private, err := s.Keyring.Open(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("open signing key %s: %w", k.ID, err)
		}
		b, _ := private.([]byte)
		same[k.ID] = subtle.ConstantTimeCompare(b, s.Settings.Secret) == 1
	}
	if only(keys, same, now) {
		return keys, nil
	}
	fresh, err := s.Keyring.ImportSecret(ctx, s.Settings.Secret)
	if err != nil {
		return nil, err
	}
	fresh.PublishedAt, fresh.SignsFrom = now, now
	err = s.Keys.Change(ctx, func(stored []ports.SigningKey) ([]ports.SigningKey, error) {
		keys = slices.Clone(stored)
		if only(keys, same, now) { // another process was quicker
			return keys, nil
		}
		mine := slices.IndexFunc(keys, func(k ports.SigningKey) bool { return same[k.ID] && !dropped(k, now) })
		if mine < 0 {
			mine = len(keys)
			keys = append(keys, fresh)
		}
		for i := range keys {
			if i != mine {
				retire(&keys[i], now, s.tokenLife())
			}
		}
		keys[mine].SignsFrom, keys[mine].RetiredAt, keys[mine].DropAt = now, time.Time{}, time.Time{}
		return keys, nil
	})
	return keys, err
}

// only reports whether one of these keys signs, now and as far as is planned.
func only(keys []ports.SigningKey, these map[string]bool, now time.Time) bool {
	active, ok := signs(keys, now)
	return ok && these[active.ID] && active.RetiredAt.IsZero() && !slices.ContainsFunc(keys, func(k ports.SigningKey) bool {
		return k.ID != active.ID && (k.RetiredAt.IsZero() || k.RetiredAt.After(now))
	})
}

func (s *Service) newKeySet(ctx context.Context, keys []ports.SigningKey, now time.Time) (*keySet, error) {
	set := &keySet{keys: keys, private: make(map[string]crypto.PrivateKey, len(keys))}
	var public, secret []*token.Key
	for _, k := range keys {
		if dropped(k, now) {
			continue
		}
		private, err := s.Keyring.Open(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("open signing key %s: %w", k.ID, err)
		}
		set.private[k.ID] = private
		set.accepted = append(set.accepted, k)
		if k.Algorithm == token.HS256.Name() {
			b, _ := private.([]byte)
			key, err := token.NewHMACKey(k.ID, k.Algorithm, b)
			if err != nil {
				return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
			}
			secret = append(secret, key)
			continue
		}
		key, err := token.ParseKey(k.Public)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		public = append(public, key)
	}
	for _, sort := range [][]*token.Key{public, secret} {
		if len(sort) == 0 {
			continue
		}
		ring, err := token.NewKeySet(sort...)
		if err != nil {
			return nil, err
		}
		v, err := token.NewVerifier(token.VerifierConfig{
			Issuer: s.Settings.Issuer, Audiences: []string{s.Settings.Audience}, Types: []string{accessType},
			Algorithms: algorithms(sort), Keys: ring, Leeway: leeway, Required: []string{"sub", "iat"},
		})
		if err != nil {
			return nil, err
		}
		set.verifiers = append(set.verifiers, v)
	}
	ring, err := token.NewKeySet(public...)
	if err != nil {
		return nil, err
	}
	set.public = ring
	if set.jwks, err = ring.MarshalJWKS(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(set.jwks)
	set.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return set, nil
}

// algorithms returns those that the keys are for.
func algorithms(keys []*token.Key) []token.Algorithm {
	var used []token.Algorithm
	for _, a := range []token.Algorithm{token.EdDSA, token.ES256, token.RS256, token.HS256} {
		if slices.ContainsFunc(keys, func(k *token.Key) bool { return k.Algorithm() == a.Name() }) {
			used = append(used, a)
		}
	}
	return used
}

// JWKS returns the public signing keys as a JWK Set (RFC 7517 §5) with a strong
// entity tag. Secrets (HS256) are never in it. The bytes are shared: do not change
// them.
func (s *Service) JWKS() (document []byte, etag string) {
	set := s.keys.Load()
	if set == nil {
		return nil, ""
	}
	return set.jwks, set.etag
}

// sign mints a token with these claims by the key that signs now.
func (s *Service) sign(ctx context.Context, typ string, claims token.Claims) (string, error) {
	set := s.keys.Load()
	if set == nil {
		return "", errNotLoaded
	}
	k, ok := signs(set.keys, s.Now())
	if !ok {
		return "", fault.New(fault.Unavailable, "no_signing_key", "no signing key is active")
	}
	return s.Signer.Sign(ctx, k, set.private[k.ID], typ, claims)
}

// verify checks an access token of ours, revocation marks included, and fills in
// its claims.
func (s *Service) verify(compact string, now time.Time, claims *token.Claims) error {
	set := s.keys.Load()
	if set == nil {
		return errNotLoaded
	}
	return s.verifyBy(set, compact, now, claims)
}

func (s *Service) verifyBy(set *keySet, compact string, now time.Time, claims *token.Claims) error {
	err := error(token.ErrKeyUnknown)
	for _, v := range set.verifiers {
		if err = v.Verify(compact, now.Unix(), claims); err == nil {
			break
		}
		if !errors.Is(err, token.ErrAlgorithm) && !errors.Is(err, token.ErrKeyUnknown) {
			break
		}
	}
	if err == nil && s.revoked(claims) {
		err = token.ErrRevoked
	}
	if err != nil {
		return badToken(err)
	}
	return nil
}

var errNotLoaded = fault.New(fault.Unavailable, "not_ready", "the service is starting; please try again")

// KeyState says where a signing key stands in its life.
type KeyState string

// The states, in their order.
const (
	KeyPublished KeyState = "published" // verifies; will sign
	KeyActive    KeyState = "active"    // signs and verifies
	KeyRetired   KeyState = "retired"   // verifies what it has signed
	KeyDropped   KeyState = "dropped"   // of no use any more
)

// Key is a signing key without its private part.
type Key struct {
	ports.SigningKey
	State KeyState
}

// ListKeys returns the signing keys, the oldest first. The principal is an
// administrator of the default tenant, or the operator.
func (s *Service) ListKeys(ctx context.Context, p *access.Principal) ([]Key, error) {
	return s.listKeys(ctx, p, s.tokenKeys())
}

func (s *Service) listKeys(ctx context.Context, p *access.Principal, of keyUse) ([]Key, error) {
	if err := s.stewards(ctx, p, Client{}, ports.Event{Action: of.action + ".list"}); err != nil {
		return nil, err
	}
	stored, err := of.keys.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	now := s.Now()
	active, _ := signs(stored, now)
	keys := make([]Key, len(stored))
	for i, k := range stored {
		keys[i] = Key{k, keyState(k, active.ID, now)}
		keys[i].Sealed = nil
	}
	return keys, nil
}

func keyState(k ports.SigningKey, active string, now time.Time) KeyState {
	switch {
	case dropped(k, now):
		return KeyDropped
	case k.ID == active:
		return KeyActive
	case k.SignsFrom.After(now) && (k.RetiredAt.IsZero() || k.RetiredAt.After(now)):
		return KeyPublished
	default:
		return KeyRetired
	}
}

var errConfigured = fault.New(fault.Conflict, "key_configured", "the secret of the settings signs tokens; change it there, and restart")

// Rotation says how a new signing key takes over.
type Rotation struct {
	Algorithm string        // of the key to make; empty for the configured one
	PEM       []byte        // a private key to import in the place of making one
	Delay     time.Duration // until it signs; negative for the configured delay
}

// RotateKeys makes or imports a signing key, publishes it at once, and lets it
// sign after the delay, when every other key retires. Retired keys verify until
// the last token that they signed has expired, so no request is lost. Where
// Settings.Secret signs, nothing takes over, and the error is Conflict. The principal is an
// administrator of the default tenant, or the operator.
func (s *Service) RotateKeys(ctx context.Context, p *access.Principal, r Rotation, c Client) (Key, error) {
	return s.rotateKeys(ctx, p, s.tokenKeys(), r, c)
}

func (s *Service) rotateKeys(ctx context.Context, p *access.Principal, of keyUse, r Rotation, c Client) (Key, error) {
	if err := s.stewards(ctx, p, c, ports.Event{Action: of.action + ".rotate"}); err != nil {
		return Key{}, err
	}
	if of.settled {
		return Key{}, errConfigured
	}
	var k ports.SigningKey
	var err error
	if r.PEM != nil {
		k, err = s.Keyring.Import(ctx, r.PEM)
	} else {
		if r.Algorithm == "" {
			r.Algorithm = of.algorithm
		}
		k, err = s.Keyring.Generate(ctx, r.Algorithm)
	}
	if err != nil {
		return Key{}, err
	}
	if r.Delay < 0 {
		r.Delay = of.delay
	}
	now := s.Now()
	k.PublishedAt, k.SignsFrom = now, now.Add(r.Delay)
	err = of.keys.Change(ctx, func(keys []ports.SigningKey) ([]ports.SigningKey, error) {
		for i := range keys {
			if keys[i].ID == k.ID {
				return nil, fault.New(fault.Conflict, "key_taken", "this key is in use already")
			}
			retire(&keys[i], k.SignsFrom, of.life)
		}
		return append(keys, k), nil
	})
	if err != nil {
		return Key{}, fmt.Errorf("rotate signing keys: %w", err)
	}
	if err := s.keysChanged(ctx, p, c, of.action+".rotate", k.ID); err != nil {
		return Key{}, err
	}
	active, _ := signs([]ports.SigningKey{k}, now)
	k.Sealed = nil
	return Key{k, keyState(k, active.ID, now)}, nil
}

// retire lets a key stop signing at a moment, unless it stops before, and
// verifying when all that it signed, which is good for so long, has expired.
func retire(k *ports.SigningKey, at time.Time, life time.Duration) {
	if k.RetiredAt.IsZero() || k.RetiredAt.After(at) {
		k.RetiredAt = at
		k.DropAt = at.Add(life)
	}
}

// RetireKey takes a key out of use now. With compromised it stops verifying at
// once, and every token that it signed is refused; else it verifies until they
// have expired. The only key that signs cannot be retired: rotate first. The
// principal is an administrator of the default tenant, or the operator.
func (s *Service) RetireKey(ctx context.Context, p *access.Principal, id string, compromised bool, c Client) error {
	return s.retireKey(ctx, p, s.tokenKeys(), id, compromised, c)
}

func (s *Service) retireKey(ctx context.Context, p *access.Principal, of keyUse, id string, compromised bool, c Client) error {
	if err := s.stewards(ctx, p, c, ports.Event{Action: of.action + ".retire", Subject: id}); err != nil {
		return err
	}
	now := s.Now()
	err := of.keys.Change(ctx, func(keys []ports.SigningKey) ([]ports.SigningKey, error) {
		i := slices.IndexFunc(keys, func(k ports.SigningKey) bool { return k.ID == id })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "key_unknown", "there is no such key")
		}
		retire(&keys[i], now, of.life)
		if compromised {
			keys[i].DropAt = now
		}
		if !alwaysSigns(keys, now) {
			return nil, fault.New(fault.Conflict, "key_last", "no other key would sign: rotate without a delay first, then retire this one")
		}
		return keys, nil
	})
	if err != nil {
		return fmt.Errorf("retire signing key: %w", err)
	}
	return s.keysChanged(ctx, p, c, of.action+".retire", id)
}

func (s *Service) keysChanged(ctx context.Context, p *access.Principal, c Client, action, id string) error {
	return s.finished(ctx, c, by(p, ports.Event{Action: action, Subject: id}), s.Load(ctx))
}

// dropKeys removes keys that verify nothing any more.
func (s *Service) dropKeys(ctx context.Context, now time.Time) error {
	set := s.keys.Load()
	if set == nil || !slices.ContainsFunc(set.keys, goneAt(now)) {
		return nil
	}
	if err := removeGone(ctx, s.Keys, now); err != nil {
		return err
	}
	return s.Load(ctx)
}

// goneAt returns what reports whether a key verifies nothing any more.
func goneAt(now time.Time) func(ports.SigningKey) bool {
	return func(k ports.SigningKey) bool { return dropped(k, now) }
}

func removeGone(ctx context.Context, from ports.Keys, now time.Time) error {
	return from.Change(ctx, func(keys []ports.SigningKey) ([]ports.SigningKey, error) {
		return slices.DeleteFunc(keys, goneAt(now)), nil
	})
}
