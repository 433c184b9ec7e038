//go:build !nohmac

package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"sync"
)

// HMAC with SHA-2 (RFC 7518 §3.2). Whoever can verify with these can also sign: use them only between a program and itself.
var (
	HS256 Algorithm = hs256{}
	HS384 Algorithm = hs384{}
	HS512 Algorithm = hs512{}
)

type (
	hs256 struct{}
	hs384 struct{}
	hs512 struct{}
)

func (hs256) Name() string { return "HS256" }
func (hs384) Name() string { return "HS384" }
func (hs512) Name() string { return "HS512" }

func (a hs256) Primitive(k *Key) (Primitive, error) { return newHMACPrimitive(a, k, sha256.New) }
func (a hs384) Primitive(k *Key) (Primitive, error) { return newHMACPrimitive(a, k, sha512.New384) }
func (a hs512) Primitive(k *Key) (Primitive, error) { return newHMACPrimitive(a, k, sha512.New) }

// hmacKey keeps states in which the key's two blocks have been hashed already.
type hmacKey struct{ states sync.Pool }

type hmacState struct {
	mac hash.Hash
	sum [sha512.Size]byte
}

func newHMACPrimitive(a Algorithm, k *Key, h func() hash.Hash) (Primitive, error) {
	if k == nil || k.Algorithm() != a.Name() {
		return nil, ErrKeyMismatch
	}
	secret := k.x
	p := &hmacKey{}
	p.states.New = func() any { return &hmacState{mac: hmac.New(h, secret)} }
	return p, nil
}

func (k *hmacKey) Verify(input, signature []byte) bool {
	s, ok := k.states.Get().(*hmacState)
	if !ok {
		return false
	}
	s.mac.Reset()
	s.mac.Write(input)
	good := hmac.Equal(s.mac.Sum(s.sum[:0]), signature)
	k.states.Put(s)
	return good
}

// NewHMACKey returns the symmetric key for secret, bound to the named algorithm ("HS256", "HS384" or "HS512"). An empty kid
// stays empty, since a thumbprint would be a hash of the secret. It returns ErrKeyMismatch for another algorithm and
// ErrKeyWeak for a secret shorter than the algorithm's hash or longer than 1,024 bytes.
func NewHMACKey(kid, algorithm string, secret []byte) (*Key, error) {
	s := schemeOf(algorithm)
	if s == nil || s.kty != typeOct {
		return nil, ErrKeyMismatch
	}
	return newKey(kid, s, clone(secret), nil)
}
