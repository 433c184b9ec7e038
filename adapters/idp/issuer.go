package idp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// renewIn is how old keys are when they are fetched anew while they are still in use, so that nobody waits for it.
const renewIn = 50 * time.Minute

// Issuer verifies the access tokens of one issuer. It is safe for concurrent use.
type Issuer struct {
	source
	config   IssuerConfig
	verifier token.VerifierConfig // but for the keys
	rules    issuer.Rules
	typed    bool                 // the header of every accepted token says that it is an access token
	ring     atomic.Pointer[ring] // nil until keys have been fetched
}

// ring is keys with the verifier that was made of them. It is immutable.
type ring struct {
	keys     keySet
	set      *token.KeySet   // of them, those that tokens are verified by
	verifier *token.Verifier // nil for keys that are too old
	version  uint64
	at       time.Time // when the keys were fetched
}

var _ ports.Issuer = (*Issuer)(nil)

// NewIssuer returns an issuer. It fetches nothing. A configuration that cannot work is an error that names all that
// is wrong.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	if c.Preset == "" {
		c.Preset = "oidc"
	}
	known, ok := presets[c.Preset]
	if !ok || known.bearer == nil {
		return nil, fmt.Errorf("issuer %q: the preset is one of %s, not %q", c.Name, strings.Join(IssuerPresets(), ", "), c.Preset)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Audiences, c.Clients, c.Algorithms = slices.Clone(c.Audiences), slices.Clone(c.Clients), slices.Clone(c.Algorithms)
	c.Types, c.Required, c.Permissions = slices.Clone(c.Types), slices.Clone(c.Required), slices.Clone(c.Permissions)
	c.Machines.Claims = maps.Clone(c.Machines.Claims)
	var at Config
	if err := c.settle(&known, &at); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
	}
	i := &Issuer{config: c, verifier: c.verifier(), rules: c.rules(), typed: issuer.Typed(c.Types), source: source{
		preset: &known, issuer: at.Issuer, discovery: at.Discovery, endpoints: at.Endpoints, needs: []string{"jwks_uri"},
		algorithms: c.Algorithms, timeout: c.Timeout, now: c.Now, client: newClient(c.Transport, c.RootCAs, c.Timeout),
	}}
	if at.Endpoints.JWKS != "" {
		i.fixed = &metadata{issuer: c.Issuer, endpoints: at.Endpoints}
	}
	if c.Secret != "" {
		key, err := token.NewHMACKey("", hmac, []byte(c.Secret))
		if err != nil {
			return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
		}
		i.fixed = &metadata{issuer: c.Issuer, endpoints: at.Endpoints}
		return i, i.adopt(keySet{{Key: key}})
	}
	none, err := token.NewKeySet()
	if err != nil {
		return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
	}
	trial := i.verifier
	trial.Keys = none
	if _, err := token.NewVerifier(trial); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
	}
	return i, nil
}

// Name returns the name under which the issuer is configured.
func (i *Issuer) Name() string { return i.config.Name }

// URL returns the "iss" of the issuer's tokens.
func (i *Issuer) URL() string { return i.config.Issuer }

// Version returns a number that changes whenever the keys that Verify accepts do.
func (i *Issuer) Version() uint64 {
	if r := i.ring.Load(); r != nil {
		return r.version
	}
	return 0
}

// snapshotWait is how long Snapshot waits for keys. The fetch goes on after that.
const snapshotWait = 500 * time.Millisecond

// Snapshot returns what Verify goes by now.
func (i *Issuer) Snapshot(ctx context.Context) ports.IssuerSnapshot {
	s := ports.IssuerSnapshot{
		Audiences: slices.Clone(i.config.Audiences), Types: slices.Clone(i.config.Types), Algorithms: slices.Clone(i.config.Algorithms),
		Rules: i.rules, Version: i.Version(),
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	r, err := i.current(ctx)
	if err == nil && r.verifier != nil {
		s.Version = r.version
		if i.config.Secret == "" {
			s.Keys = r.set
		}
	}
	return s
}

// Verify checks a token in full but for revocation.
func (i *Issuer) Verify(ctx context.Context, compact string) (ports.Bearer, error) {
	r, err := i.current(ctx)
	if err != nil {
		return ports.Bearer{}, err
	}
	var b ports.Bearer
	now := i.now().Unix()
	err = r.verifier.Verify(compact, now, &b.Claims)
	if token.ReasonOf(err) == token.ReasonKeyUnknown && i.config.Secret == "" {
		if r, err = i.again(ctx); err != nil {
			return ports.Bearer{}, err
		}
		err = r.verifier.Verify(compact, now, &b.Claims)
		if token.ReasonOf(err) == token.ReasonKeyUnknown {
			err = i.unknown(err)
		}
	}
	if err == nil {
		err = i.read(&b)
	}
	if err != nil {
		return ports.Bearer{}, err
	}
	return b, nil
}

// read takes from verified claims what the configuration names.
func (i *Issuer) read(b *ports.Bearer) error {
	var said issuer.Bearing
	if err := i.rules.Read(&b.Claims, i.typed, &said); err != nil {
		return err
	}
	b.Machine, b.Client, b.Tenant, b.Permissions = said.Machine, said.Client, said.Tenant, said.Permissions
	return nil
}

// current returns keys that may be used now.
func (i *Issuer) current(ctx context.Context) (*ring, error) {
	r := i.ring.Load()
	if i.config.Secret != "" {
		return r, nil
	}
	if r != nil {
		switch age := i.now().Sub(r.at); {
		case age < renewIn:
			return r, nil
		case age < freshFor, age < staleFor && i.keys.failing():
			i.keys.renew(ctx, i.now, i.fetch)
			return r, nil
		}
	}
	return i.wait(ctx, forUse)
}

// again returns keys for a token whose key is unknown. They are fetched once in a while.
func (i *Issuer) again(ctx context.Context) (*ring, error) { return i.wait(ctx, forBearer) }

func (i *Issuer) wait(ctx context.Context, why reason) (*ring, error) {
	ctx, cancel := context.WithTimeout(ctx, patience*i.timeout)
	defer cancel()
	_, err := i.keys.get(ctx, why, i.now, i.fetch)
	r := i.ring.Load()
	if err == nil && r.verifier == nil {
		err = unavailable("keys", said("are out of date"))
	}
	if err != nil {
		if r != nil && r.verifier != nil && i.now().Sub(r.at) >= staleFor {
			i.ring.CompareAndSwap(r, &ring{version: r.version + 1, at: r.at})
		}
		return nil, err
	}
	return r, nil
}

// unknown returns why there is no key for a token. While the issuer is down it may be that the key is new.
func (i *Issuer) unknown(err error) error {
	if _, _, failed := i.keys.state(); failed != nil {
		return failed
	}
	return err
}

// fetch fetches the keys and takes them into use. The cache has one at a time run.
func (i *Issuer) fetch(ctx context.Context) (keySet, error) {
	m, err := i.metadata(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := i.fetchKeys(ctx, m)
	if err != nil {
		return nil, err
	}
	return keys, i.adopt(keys)
}

// adopt takes keys into use, under a new version if they are others than before.
func (i *Issuer) adopt(keys keySet) error {
	old, now := i.ring.Load(), i.now()
	if old != nil && old.keys.equal(keys) {
		i.ring.Store(&ring{keys: old.keys, set: old.set, verifier: old.verifier, version: old.version, at: now})
		return nil
	}
	set, _, err := keys.of(i.config.Issuer)
	if err != nil {
		return unavailable("keys", said(err.Error()))
	}
	c := i.verifier
	c.Keys = set
	v, err := token.NewVerifier(c)
	if err != nil {
		return unavailable("keys", said(err.Error()))
	}
	version := uint64(1)
	if old != nil {
		version = old.version + 1
	}
	i.ring.Store(&ring{keys: keys, set: set, verifier: v, version: version, at: now})
	return nil
}
