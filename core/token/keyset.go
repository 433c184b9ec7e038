package token

// KeySet is an immutable set of keys of which no two have the same kid, either all symmetric or all asymmetric.
type KeySet struct{ keys []*Key }

// NewKeySet makes a set of keys.
func NewKeySet(keys ...*Key) (*KeySet, error) { return nil, ErrKeyMalformed }

// ParseKeySet reads a JWK Set (RFC 7517 §5).
func ParseKeySet(jwks []byte) (*KeySet, error) { return nil, ErrKeyMalformed }

// Len returns the number of keys.
func (s *KeySet) Len() int { return len(s.keys) }

// At returns the i-th key, in the order in which they were given, or nil when there is none.
func (s *KeySet) At(i int) *Key { return nil }

// Lookup returns the key called kid, or nil.
func (s *KeySet) Lookup(kid string) *Key { return nil }

// AppendJWKS appends the set as a JWK Set document for serving. It returns ErrKeyPrivate for a symmetric set.
func (s *KeySet) AppendJWKS(to []byte) ([]byte, error) { return to, ErrKeyPrivate }

// MarshalJWKS returns the set as a JWK Set document for serving. It returns ErrKeyPrivate for a symmetric set.
func (s *KeySet) MarshalJWKS() ([]byte, error) { return s.AppendJWKS(nil) }
