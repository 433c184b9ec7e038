package auth

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// BundleKeyDelay is how long a new key that signs bundles waits before it does: time to
// tell every verifier of it, which no verifier finds out by itself.
const BundleKeyDelay = 24 * time.Hour

var errNoBundleKey = fault.New(fault.Unavailable, "no_bundle_key", "no key is active that signs bundles")

// bundleRing is the keys that sign bundles, as they were read. It never changes.
type bundleRing struct {
	keys    []ports.SigningKey // the oldest first
	usable  []ports.SigningKey // those that were not dropped, likewise
	private map[string]crypto.PrivateKey
}

// bundleKeys are ES256, which every host of a verifier has a primitive for. What one signed
// is good for a bundle's life.
func (s *Service) bundleKeys() keyUse {
	return keyUse{s.Edge.Keys, token.ES256.Name(), BundleKeyDelay, s.Settings.BundleLife, "bundle_key", false}
}

// signer returns the key that signs at now. Where none has begun, since the clock was set
// back, it is the first that is not retired: verifiers know no key that is made for
// the occasion.
func (r *bundleRing) signer(now time.Time) (ports.SigningKey, bool) {
	if k, ok := signs(r.usable, now); ok {
		return k, true
	}
	i := slices.IndexFunc(r.usable, func(k ports.SigningKey) bool { return k.RetiredAt.IsZero() || k.RetiredAt.After(now) })
	if i < 0 {
		return ports.SigningKey{}, false
	}
	return r.usable[i], true
}

// loadBundleKeys reads the keys that sign bundles, and makes the first one if there is none to sign with.
func (s *Service) loadBundleKeys(ctx context.Context, now time.Time) (*bundleRing, error) {
	keys, err := s.Edge.Keys.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the keys of bundles: %w", err)
	}
	r := newBundleRing(keys, now)
	if _, ok := r.signer(now); !ok {
		if keys, err = s.firstKey(ctx, s.bundleKeys(), now); err != nil {
			return nil, fmt.Errorf("make a key of bundles: %w", err)
		}
		r = newBundleRing(keys, now)
	}
	for _, k := range r.usable {
		if r.private[k.ID], err = s.Keyring.Open(ctx, k); err != nil {
			return nil, fmt.Errorf("open key %s of bundles: %w", k.ID, err)
		}
	}
	return r, nil
}

func newBundleRing(keys []ports.SigningKey, now time.Time) *bundleRing {
	return &bundleRing{keys, slices.DeleteFunc(slices.Clone(keys), goneAt(now)), map[string]crypto.PrivateKey{}}
}

// signPayload signs a bundle's payload. The caller has the turn.
func (s *Service) signPayload(ctx context.Context, payload []byte, now time.Time) ([]byte, error) {
	r := s.bundles.ring
	k, ok := r.signer(now)
	if !ok {
		return nil, errNoBundleKey
	}
	return s.Signer.SignPayload(ctx, k, r.private[k.ID], edge.Type, payload)
}

// BundleKeys returns the public keys that sign bundles, or will, or have signed some that
// have not ended, as a JWK Set. Verifiers are given it by whoever sets them up,
// and by no server: whoever answers in its place would be believed. The first key is made
// if there is none. NotFound without Config.Edge.
func (s *Service) BundleKeys(ctx context.Context) ([]byte, error) {
	if s.Edge == nil {
		return nil, errNoBundles
	}
	r, err := s.loadBundleKeys(ctx, s.Now())
	if err != nil {
		return nil, err
	}
	public := make([]*token.Key, len(r.usable))
	for i, k := range r.usable {
		if public[i], err = token.ParseKey(k.Public); err != nil {
			return nil, fmt.Errorf("key %s of bundles: %w", k.ID, err)
		}
	}
	set, err := token.NewKeySet(public...)
	if err != nil {
		return nil, err
	}
	return set.MarshalJWKS()
}

// ListBundleKeys is ListKeys for the keys that sign bundles, as RotateBundleKeys and
// RetireBundleKey are RotateKeys and RetireKey. Verifiers that have not been told of a key refuse what
// it signs, and go on by what they hold until that ends; those that have been told of one go on
// believing it, whatever happens to it here, until they are told otherwise.
func (s *Service) ListBundleKeys(ctx context.Context, p *access.Principal) ([]Key, error) {
	if s.Edge == nil {
		return nil, errNoBundles
	}
	return s.listKeys(ctx, p, s.bundleKeys())
}

// RotateBundleKeys makes a key: see ListBundleKeys. It is ES256; another algorithm or key is Invalid.
func (s *Service) RotateBundleKeys(ctx context.Context, p *access.Principal, r Rotation, c Client) (Key, error) {
	if s.Edge == nil {
		return Key{}, errNoBundles
	}
	if r.PEM != nil || r.Algorithm != "" && r.Algorithm != token.ES256.Name() {
		return Key{}, fault.InvalidField("algorithm", "unsupported", "bundles are signed with ES256, by a key that is made here")
	}
	return s.rotateKeys(ctx, p, s.bundleKeys(), r, c)
}

// RetireBundleKey takes a key out of use: see ListBundleKeys.
func (s *Service) RetireBundleKey(ctx context.Context, p *access.Principal, id string, compromised bool, c Client) error {
	if s.Edge == nil {
		return errNoBundles
	}
	return s.retireKey(ctx, p, s.bundleKeys(), id, compromised, c)
}

// dropBundleKeys removes keys that have signed nothing that is good still.
func (s *Service) dropBundleKeys(ctx context.Context, now time.Time) error {
	s.bundles.mu.Lock()
	ring := s.bundles.ring
	s.bundles.mu.Unlock()
	if ring == nil || !slices.ContainsFunc(ring.keys, goneAt(now)) {
		return nil
	}
	if err := removeGone(ctx, s.Edge.Keys, now); err != nil {
		return err
	}
	s.bundles.mu.Lock()
	defer s.bundles.mu.Unlock()
	s.bundles.rekeyed = true
	s.bundles.touch()
	return nil
}
