package edge

import (
	"sync"
	"sync/atomic"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/token"
)

// Config says whom a Verifier believes.
type Config struct {
	Trust      *token.KeySet     // the public keys that sign bundles; nil where there is only Configure
	Algorithms []token.Algorithm // the primitives, of bundles and of tokens; token.Delegated ones where the host verifies
	StaleFor   int64             // for how many seconds past its end a bundle is decided by, 0 to MaxLife; 0 for none

	// Alone says that no two methods of the Verifier ever run at the same time. Then a delta is added to the marks that are
	// held, not to a copy of them, which is what it costs and, where no memory is given back, what it leaves behind.
	Alone bool
}

// Verifier decides by the bundle that it holds. Unless it is Alone, it is safe for concurrent use: a decision that began by one
// bundle while another one is loaded asks the marks of the latest.
type Verifier struct {
	algorithms []token.Algorithm
	stale      int64
	alone      bool
	trust      *token.Verifier

	loading sync.Mutex // one Load at a time
	state   atomic.Pointer[state]
}

// state is a bundle with what is made of it. It never changes but by add.
type state struct {
	bundle     *Bundle
	configured bool            // nobody signed it, and it has no end
	own        *token.Verifier // nil where only the server has the keys
	foreign    []foreign       // the other issuers
	policy     *access.Policy
	marks      *Marks
}

// New returns a Verifier without a bundle, which refuses everything with 503 "bundle_missing". A configuration that cannot
// work is ErrConfig.
func New(c Config) (*Verifier, error) {
	v := &Verifier{algorithms: append([]token.Algorithm(nil), c.Algorithms...), stale: c.StaleFor, alone: c.Alone}
	if c.StaleFor < 0 || c.StaleFor > MaxLife || len(c.Algorithms) == 0 {
		return nil, ErrConfig
	}
	if c.Trust == nil {
		return v, nil
	}
	if c.Trust.Len() == 0 || symmetric(c.Trust) {
		return nil, ErrConfig
	}
	var err error
	v.trust, err = token.NewVerifier(token.VerifierConfig{
		Issuer: "-", AnyAudience: true, Types: []string{Type}, Algorithms: v.algorithmsOf(c.Trust), Keys: c.Trust, MaxLength: MaxBundle,
	})
	if err != nil {
		return nil, ErrConfig
	}
	return v, nil
}

// symmetric reports whether the keys of a set are secrets; there is no set with some that are.
func symmetric(set *token.KeySet) bool { return set.Len() > 0 && set.At(0).Type() == "oct" }

// Load takes a signed bundle into use: a compact JWS of at most MaxBundle bytes with the typ Type, under one of the trusted keys. A
// delta is added to what is held. Whatever is refused changes nothing; CodeOf tells why. A number that is not greater than the one
// held is ErrOld, whose callers have nothing newer to use. now is in Unix milliseconds.
func (v *Verifier) Load(compact []byte, now int64) error {
	if v.trust == nil {
		return ErrConfig
	}
	payload, err := v.trust.Open(compact)
	if err != nil {
		return err
	}
	return v.load(string(payload), now)
}

// PrepareLoad is the first half of Load: it checks everything that can be checked before the signature, and fills in p with
// what the host is to verify. It keeps a part of compact.
func (v *Verifier) PrepareLoad(compact []byte, p *token.Pending) error {
	if v.trust == nil {
		return ErrConfig
	}
	return v.trust.Prepare(compact, p)
}

// FinishLoad is the second half of Load. It is called only after the signature was verified.
func (v *Verifier) FinishLoad(p *token.Pending, now int64) error {
	if v.trust == nil {
		return ErrConfig
	}
	payload := v.trust.Payload(p)
	if payload == nil {
		return token.ErrMalformed
	}
	return v.load(string(payload), now)
}

func (v *Verifier) load(payload string, now int64) error {
	b, err := ParseBundle(payload)
	if err != nil {
		return err
	}
	v.loading.Lock()
	defer v.loading.Unlock()
	held := v.state.Load()
	if held != nil && held.configured {
		held = nil
	}
	switch {
	case b.Number == 0 || b.Keys != nil && symmetric(b.Keys):
		return ErrBundle
	case held != nil && b.Issuer != held.bundle.Issuer:
		return ErrIssuer
	case held != nil && b.Number <= held.bundle.Number:
		return ErrOld
	case b.IssuedAt-token.MaxLeeway > now/1000:
		return ErrEarly
	case now/1000 >= b.Expires+v.stale:
		return ErrPassed
	}
	var next *state
	switch {
	case b.Base == 0:
		next, err = v.stateOf(b)
	case held == nil || held.bundle.Number < b.Base:
		err = ErrBase
	case v.alone:
		next, err = held, held.add(b)
	default:
		next, err = held.with(b)
	}
	if err != nil {
		return err
	}
	v.state.Store(next)
	return nil
}

// with returns the state after a delta.
func (s *state) with(delta *Bundle) (*state, error) {
	b := *s.bundle
	next := &state{bundle: &b, own: s.own, foreign: s.foreign, policy: s.policy, marks: s.marks}
	if delta.Marks.Len() > 0 {
		next.marks = &Marks{}
		if err := next.marks.Merge(s.marks); err != nil {
			return nil, err
		}
	}
	return next, next.add(delta)
}

// add makes s the state after a delta, or returns an error and leaves s as it was.
func (s *state) add(delta *Bundle) error {
	if delta.Marks.Len() > 0 {
		if s.marks == nil {
			s.marks = &Marks{}
		}
		if err := s.marks.Merge(delta.Marks); err != nil {
			return err
		}
	}
	s.bundle.Number, s.bundle.IssuedAt, s.bundle.Expires = delta.Number, delta.IssuedAt, delta.Expires
	return nil
}

// stateOf makes a bundle ready that stands alone.
func (v *Verifier) stateOf(b *Bundle) (*state, error) {
	s := &state{bundle: b, marks: b.Marks}
	var err error
	if s.policy, err = access.NewPolicy(b.Rules); err != nil {
		return nil, ErrPolicy
	}
	if s.foreign, err = v.foreigners(b); err != nil {
		return nil, err
	}
	if b.Keys == nil || b.Keys.Len() == 0 {
		return s, nil
	}
	types := b.Types
	if len(types) == 0 {
		types = []string{token.TypeAccess}
	}
	s.own, err = token.NewVerifier(token.VerifierConfig{
		Issuer: b.Issuer, Audiences: b.Audiences, AnyAudience: len(b.Audiences) == 0, Types: types,
		Algorithms: v.algorithmsOf(b.Keys), Keys: b.Keys, Leeway: b.Leeway, Required: b.Required,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// algorithmsOf returns those of the configuration that there are keys for.
func (v *Verifier) algorithmsOf(keys *token.KeySet) (list []token.Algorithm) {
	for _, a := range v.algorithms {
		for i := 0; i < keys.Len(); i++ {
			if keys.At(i).Algorithm() == a.Name() {
				list = append(list, a)
				break
			}
		}
	}
	return list
}

// Configure takes a bundle into use that nobody signed, in place of any that is held: what the caller itself has written down.
// Its Number, Base, IssuedAt and Expires are not looked at, and its keys may be secrets. Where b has no policy, Verify is what
// is of use.
func (v *Verifier) Configure(b *Bundle) error {
	own := *b
	own.Number, own.Base, own.IssuedAt, own.Expires = 0, 0, 0, 0
	if err := own.check(); err != nil {
		return err
	}
	s, err := v.stateOf(&own)
	if err != nil {
		return err
	}
	s.configured = true
	v.loading.Lock()
	defer v.loading.Unlock()
	v.state.Store(s)
	return nil
}

// Held returns the number of the bundle that is held and its end in Unix seconds; zeros when there is none, and for one that was
// configured.
func (v *Verifier) Held() (number, expires int64) {
	if s := v.state.Load(); s != nil {
		return s.bundle.Number, s.bundle.Expires
	}
	return 0, 0
}

// usable reports whether there is a bundle that may be decided by, and refuses otherwise.
func (v *Verifier) usable(s *state, now int64, out *Verdict) bool {
	switch {
	case s == nil:
		out.refuse(503, "bundle_missing", "there is nothing yet to decide by; please try again", false)
	case !s.configured && now/1000 >= s.bundle.Expires+v.stale:
		out.refuse(503, "bundle_expired", "what is to be decided by is out of date; please try again", false)
	default:
		return true
	}
	return false
}
