package token

// Algorithm is one signature algorithm of RFC 7518 §3.1 or RFC 8037 §3.1, brought in as a value: EdDSA, ES256, RS256, HS256
// and so on. Implementations outside of this package may replace the primitive, but not add names.
type Algorithm interface {
	// Name returns the registered alg value, such as "ES256".
	Name() string
	// Primitive returns what verifies signatures under k, whose Algorithm is Name() and whose parameters have been
	// checked. It is called once a key, when a Verifier is made.
	Primitive(k *Key) (Primitive, error)
}

// Primitive verifies signatures under one key. It is safe for concurrent use.
type Primitive interface {
	// Verify reports whether signature, in the form of JWS (R || S for ECDSA), is one of the key over input. It neither
	// keeps nor changes its arguments.
	Verify(input, signature []byte) bool
}

// Delegated returns an algorithm called name whose signatures the host verifies between Prepare and Finish. By itself
// it accepts no signature: Verify and Open answer ErrSignature.
func Delegated(name string) Algorithm { return delegated(name) }

type delegated string

func (d delegated) Name() string                      { return string(d) }
func (d delegated) Primitive(*Key) (Primitive, error) { return d, nil }
func (d delegated) Verify(_, _ []byte) bool           { return false }

// Key is one verification key, bound to exactly one algorithm (RFC 8725 §3.1). It is immutable.
type Key struct {
	id   string
	alg  string
	kty  string
	crv  string
	x, y []byte // OKP and EC: coordinates; RSA: modulus and exponent; oct: secret
}

// ID returns the key's kid, or "".
func (k *Key) ID() string { return k.id }

// Algorithm returns the one alg that the key is for.
func (k *Key) Algorithm() string { return k.alg }

// Type returns the key's kty: "OKP", "EC", "RSA" or "oct".
func (k *Key) Type() string { return k.kty }

// Curve returns the key's crv, or "" for RSA and oct.
func (k *Key) Curve() string { return k.crv }

// Parameter returns a copy of the decoded JWK parameter called name ("x", "y", "n", "e" or "k"), or nil when a key of this
// type has none.
func (k *Key) Parameter(name string) []byte { return nil }

// String describes the key without its parameters, so that a key that is logged by accident tells no secret.
func (k *Key) String() string { return k.alg + " key " + k.id }

// Thumbprint returns the base64url SHA-256 thumbprint of the key (RFC 7638 §3), which is the kid of Hexward's own keys.
// That of a symmetric key is a hash of the secret: keep it private too.
func (k *Key) Thumbprint() string { return "" }

// AppendJWK appends the public key as a JWK with alg, use "sig" and, if it has one, kid. Members are in alphabetical order. It
// returns ErrKeyPrivate for a symmetric key.
func (k *Key) AppendJWK(to []byte) ([]byte, error) { return to, ErrKeyPrivate }

// ParseKey reads a public or symmetric JWK.
func ParseKey(jwk []byte) (*Key, error) { return nil, ErrKeyMalformed }
