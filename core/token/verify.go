package token

import "errors"

// DefaultLeeway is the clock skew, in seconds, that most deployments want. MaxLeeway is the most that a VerifierConfig may
// ask for.
const (
	DefaultLeeway = 60
	MaxLeeway     = 300
)

// DefaultMaxLength is the length in bytes of the longest token that is read, unless VerifierConfig.MaxLength says otherwise.
const DefaultMaxLength = 8192

// TypeAccess is the typ of access tokens (RFC 9068 §2.1), Hexward's own among them.
const TypeAccess = "at+jwt"

// The limits of VerifierConfig.MaxLength and MaxAge.
const (
	limitMaxLength = 64 << 20
	limitMaxAge    = 10 * 366 * 86400
)

// VerifierConfig says what a Verifier accepts. Its defaults are the strictest choice; what widens them has to be written
// down.
type VerifierConfig struct {
	Issuer      string      // the exact iss; required
	Audiences   []string    // aud must name at least one of these; required, unless AnyAudience
	AnyAudience bool        // accept every aud, and none
	Types       []string    // the accepted typ, compared as RFC 7515 §4.1.9 says; "" accepts a token without; required
	Algorithms  []Algorithm // the accepted alg; required
	Keys        *KeySet     // the accepted keys; required, but may be empty
	Required    []string    // further claims of which Claims has a field that must be there and not be empty; exp always is
	Leeway      int64       // clock skew for exp, nbf and iat in seconds, 0 to MaxLeeway
	MaxAge      int64       // the greatest age in seconds, counted from iat, which it makes required; 0 for any
	MaxLength   int         // the longest token in bytes, up to 64 MiB; 0 for DefaultMaxLength
}

// Verifier verifies the tokens of one issuer for one audience. It is immutable and safe for concurrent use.
type Verifier struct {
	issuer     string
	audiences  []string
	types      []string
	algorithms []string
	keys       *KeySet
	primitives []Primitive // of the keys; nil for those whose algorithm is not accepted
	required   uint32
	leeway     int64
	maxAge     int64
	maxLength  int
}

// NewVerifier checks config, copies it, and makes its keys ready. Its error joins one ErrConfig… for every problem, or is the
// error of an Algorithm that refuses a key.
func NewVerifier(config VerifierConfig) (*Verifier, error) {
	v := &Verifier{
		issuer:    config.Issuer,
		audiences: append([]string(nil), config.Audiences...),
		types:     append([]string(nil), config.Types...),
		keys:      config.Keys,
		required:  1 << claimExpiry,
		leeway:    config.Leeway,
		maxAge:    config.MaxAge,
		maxLength: config.MaxLength,
	}
	if v.maxLength == 0 {
		v.maxLength = DefaultMaxLength
	}
	if v.maxAge > 0 {
		v.required |= 1 << claimIssuedAt
	}
	if err := errors.Join(
		need(v.issuer != "", ErrConfigIssuer),
		need((len(v.audiences) > 0) != config.AnyAudience && indexOf("", v.audiences) < 0, ErrConfigAudience),
		need(len(v.types) > 0, ErrConfigType),
		need(v.keys != nil, ErrConfigKeys),
		need(v.leeway >= 0 && v.leeway <= MaxLeeway && v.maxAge >= 0 && v.maxAge <= limitMaxAge &&
			v.maxLength > 0 && v.maxLength <= limitMaxLength, ErrConfigRange),
		need(v.setAlgorithms(config.Algorithms), ErrConfigAlgorithms),
		need(v.setRequired(config.Required), ErrConfigRequired),
	); err != nil {
		return nil, err
	}
	v.primitives = make([]Primitive, v.keys.Len())
	for i, k := range v.keys.keys {
		for _, a := range config.Algorithms {
			if a.Name() != k.Algorithm() {
				continue
			}
			primitive, err := a.Primitive(k)
			if err != nil {
				return nil, err
			}
			v.primitives[i] = primitive
		}
	}
	return v, nil
}

func need(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

func (v *Verifier) setAlgorithms(algorithms []Algorithm) bool {
	for _, a := range algorithms {
		if a == nil || schemeOf(a.Name()) == nil || indexOf(a.Name(), v.algorithms) >= 0 {
			return false
		}
		v.algorithms = append(v.algorithms, a.Name())
	}
	return len(v.algorithms) > 0
}

func (v *Verifier) setRequired(names []string) bool {
	for _, name := range names {
		claim := claimOf(name)
		if claim < 0 {
			return false
		}
		v.required |= 1 << claim
	}
	return true
}

// work is the memory of one call to Verify or Open.
type work struct {
	pending Pending
	input   []byte
}

// maxKept is the greatest buffer, in bytes, that is kept for the next call.
const maxKept = 64 << 10

func (w *work) release() {
	if cap(w.input) <= maxKept && cap(w.pending.buffer) <= maxKept && cap(w.pending.memory.text) <= maxKept {
		w.pending.forget()
		keepWork(w)
	}
}

// Verify checks the compact JWS in full at the time now (Unix seconds), and fills in out, replacing what it held, when it
// accepts the token. Otherwise out is zero and the error one of this package's; see ReasonOf.
//
// The signature is verified before any claim is read. Of several faults of a token the first in the order of the Reason
// constants is reported, but for length and form, which are checked throughout first.
//
// It allocates the memory of the claims (their text, and one array for audience and permissions) and what the primitive
// allocates, nothing else.
func (v *Verifier) Verify(compact string, now int64, out *Claims) error {
	w := newWork()
	defer w.release()
	*out = Claims{}
	if len(compact) > v.maxLength {
		return ErrTooLong
	}
	w.input = append(w.input[:0], compact...)
	return v.verify(&w.pending, w.input, now, out)
}

// VerifyBytes is Verify for a token in a byte slice, which it neither keeps nor changes.
func (v *Verifier) VerifyBytes(compact []byte, now int64, out *Claims) error {
	w := newWork()
	defer w.release()
	*out = Claims{}
	return v.verify(&w.pending, compact, now, out)
}

// verify is VerifyBytes for an out that is zero.
func (v *Verifier) verify(p *Pending, compact []byte, now int64, out *Claims) error {
	if err := v.Prepare(compact, p); err != nil {
		return err
	}
	if !p.Check() {
		return ErrSignature
	}
	return v.finish(p, now, out)
}

// Open checks the form, the header and the signature of a compact JWS, but no claims, and returns a copy of its payload,
// which may be anything. It is for signed documents that are not JWTs; the configuration's typ should be theirs alone.
func (v *Verifier) Open(compact []byte) ([]byte, error) {
	w := newWork()
	defer w.release()
	if err := v.Prepare(compact, &w.pending); err != nil {
		return nil, err
	}
	if !w.pending.Check() {
		return nil, ErrSignature
	}
	return clone(w.pending.payload), nil
}

// Check verifies the signature of what Prepare prepared by the primitive of its algorithm. It reports false when nothing was
// prepared, and for a Delegated algorithm.
func (p *Pending) Check() bool {
	return p.owner != nil && p.primitive.Verify(p.SigningInput, p.Signature)
}

// Payload returns what a token that v prepared says, which may be anything, or nil for a p that v did not prepare. It is Open's
// second half: believed only by a caller who has verified the signature that Prepare gave, and good until the next Prepare.
func (v *Verifier) Payload(p *Pending) []byte {
	if p.owner != v {
		return nil
	}
	return p.payload
}

// Prepare is the first half of Verify: it checks everything that can be checked before the signature, and fills in p with
// what the signature is to be verified with. It keeps a part of compact in p.SigningInput.
//
// What p then holds is not believed yet. The caller verifies p.Signature over p.SigningInput under p.Key with the one
// algorithm that p.Key.Algorithm names, and calls Finish only when that succeeded.
func (v *Verifier) Prepare(compact []byte, p *Pending) error {
	p.forget()
	if len(compact) > v.maxLength {
		return ErrTooLong
	}
	payload, signature, ok := p.split(compact)
	if !ok {
		return ErrMalformed
	}
	i, err := v.pick(p)
	if err != nil {
		p.forget()
		return err
	}
	p.owner, p.Key, p.primitive = v, v.keys.keys[i], v.primitives[i]
	p.payload, p.Signature = payload, signature
	return nil
}

// forget ends the use of what was prepared before.
func (p *Pending) forget() {
	p.owner, p.Key, p.primitive = nil, nil, nil
	p.SigningInput, p.Signature, p.payload, p.header = nil, nil, nil, nil
	p.scanner.text = ""
}

func (v *Verifier) acceptsType(h *header) bool {
	for _, t := range v.types {
		if t == "" && !h.hasTyp || t != "" && h.hasTyp && sameType(t, h.typ) {
			return true
		}
	}
	return false
}

// pick checks the header of p and returns the index of the one key for it. Tokens of one issuer have the same header again
// and again, so p remembers the last one that was accepted, and by whom.
func (v *Verifier) pick(p *Pending) (int, error) {
	if p.known.owner == v && view(p.header) == view(p.known.text) {
		return p.known.key, nil
	}
	mem := memory{text: p.memory.text[:0]} // what an earlier token's claims have there was good until now
	h, err := readHeader(view(p.header), &p.scanner, &mem)
	p.memory.text = mem.text
	if err != nil {
		return 0, err
	}
	if !h.hasAlg || indexOf(h.alg, v.algorithms) < 0 {
		return 0, ErrAlgorithm
	}
	if !v.acceptsType(&h) {
		return 0, ErrType
	}
	i, err := v.keyFor(&h)
	if err != nil {
		return 0, err
	}
	if len(p.header) <= maxKnown {
		p.known.owner, p.known.key = v, i
		p.known.text = append(p.known.text[:0], p.header...)
	}
	return i, nil
}

// keyFor returns the index of the one key for a token with header h.
func (v *Verifier) keyFor(h *header) (int, error) {
	found := -1
	for i, k := range v.keys.keys {
		switch {
		case h.hasKid && k.id == h.kid:
			if k.scheme.alg != h.alg {
				return 0, ErrAlgorithm
			}
			return i, nil
		case !h.hasKid && k.scheme.alg == h.alg:
			if found >= 0 {
				return 0, ErrKeyUnknown
			}
			found = i
		}
	}
	if found < 0 {
		return 0, ErrKeyUnknown
	}
	return found, nil
}

// Finish is the second half of Verify: it checks the claims of p at the time now (Unix seconds), and fills in out, replacing
// what it held, when it accepts them; otherwise out is zero. It must be called only after the caller has verified
// the signature that Prepare gave, and before the bytes given to Prepare change. For a p that v did not prepare it returns
// ErrMalformed.
func (v *Verifier) Finish(p *Pending, now int64, out *Claims) error {
	*out = Claims{}
	if p.owner != v {
		return ErrMalformed
	}
	return v.finish(p, now, out)
}

// finish is Finish for a p that v prepared and an out that is zero.
func (v *Verifier) finish(p *Pending, now int64, out *Claims) error {
	raw, mem := "", memory{}
	if p.Volatile {
		raw = view(p.payload)
		mem = memory{text: p.memory.text[:0], list: p.memory.list[:0]}
	} else {
		raw = string(p.payload)
	}
	if !p.scanner.scanObject(raw) {
		return ErrClaims
	}
	var c Claims // filled in aside and copied at once, which costs the garbage collector less than field by field
	present, ok := c.read(raw, &p.scanner, &mem)
	if p.Volatile {
		p.memory = mem
	}
	if !ok {
		return ErrClaims
	}
	if err := v.check(&c, present, now); err != nil {
		return err
	}
	*out = c
	return nil
}

// check compares the claims with the configuration and the time.
func (v *Verifier) check(c *Claims, present uint32, now int64) error {
	switch {
	case present&v.required != v.required:
		return ErrClaimMissing
	case c.Issuer != v.issuer:
		return ErrIssuer
	case !v.acceptsAudience(c.Audience):
		return ErrAudience
	case now >= c.Expiry+v.leeway:
		return ErrExpired
	case c.NotBefore > 0 && now < c.NotBefore-v.leeway:
		return ErrNotYetValid
	case c.IssuedAt > 0 && now < c.IssuedAt-v.leeway:
		return ErrIssuedInFuture
	case v.maxAge > 0 && now > c.IssuedAt+v.maxAge+v.leeway:
		return ErrTooOld
	default:
		return nil
	}
}

func (v *Verifier) acceptsAudience(audience []string) bool {
	if len(v.audiences) == 0 {
		return true
	}
	for _, a := range audience {
		if indexOf(a, v.audiences) >= 0 {
			return true
		}
	}
	return false
}
