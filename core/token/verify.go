package token

// DefaultLeeway is the clock skew, in seconds, that deployments usually allow. MaxLeeway is the most that a
// VerifierConfig may allow.
const (
	DefaultLeeway = 60
	MaxLeeway     = 300
)

// DefaultMaxLength is the longest token, in bytes, that a Verifier reads unless its configuration says otherwise.
const DefaultMaxLength = 8192

// VerifierConfig says what a Verifier accepts.
type VerifierConfig struct {
	Issuer      string      // the exact iss; required
	Audiences   []string    // aud must name one of these; required unless AnyAudience
	AnyAudience bool        // accept any aud, and none
	Types       []string    // accepted typ values; "" accepts a token without typ; required
	Algorithms  []Algorithm // accepted algorithms; required
	Keys        *KeySet     // required, may be empty
	Required    []string    // claims that must be there and not be empty, besides exp
	Leeway      int64       // clock skew in seconds, 0 to MaxLeeway; 0 allows none
	MaxAge      int64       // greatest age by iat in seconds; 0 for any
	MaxLength   int         // longest token in bytes; 0 for DefaultMaxLength
}

// Verifier verifies tokens of one kind. It is immutable and safe for concurrent use.
type Verifier struct{ config VerifierConfig }

// NewVerifier checks config and prepares its keys. Its error joins one ErrConfig… for each problem, or is that of a key.
func NewVerifier(config VerifierConfig) (*Verifier, error) { return nil, ErrConfigKeys }

// Pending is a token whose signature has yet to be verified, and the memory that it was decoded into.
type Pending struct {
	Algorithm    string // the alg of the header and of the key
	Key          *Key   // the key that the signature must verify under
	SigningInput []byte // what was signed: a part of the bytes given to Prepare
	Signature    []byte // decoded; valid until the next Prepare

	// Volatile makes the claims of Finish share this Pending's memory: they are good until its next Prepare, and nothing is
	// allocated once the memory has grown to its size. Otherwise claims have memory of their own.
	Volatile bool
}

// Verify checks the token compact at the time now (Unix seconds) and fills in out.
func (v *Verifier) Verify(compact string, now int64, out *Claims) error { return ErrMalformed }

// VerifyBytes is Verify for a token in a byte slice, which it neither keeps nor changes.
func (v *Verifier) VerifyBytes(compact []byte, now int64, out *Claims) error { return ErrMalformed }

// Open checks the form, the type and the signature of a JWS, but no claims, and returns its payload.
func (v *Verifier) Open(compact []byte) ([]byte, error) { return nil, ErrMalformed }

// Prepare checks everything about a token that can be checked before its signature.
func (v *Verifier) Prepare(compact []byte, p *Pending) error { return ErrMalformed }

// Finish checks the claims of a token whose signature the caller has verified.
func (v *Verifier) Finish(p *Pending, now int64, out *Claims) error { return ErrMalformed }
