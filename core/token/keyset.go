package token

// maxKeys is the greatest number of keys in a set, skipped ones included.
const maxKeys = 128

// KeySet is an immutable set of keys, safe for concurrent use. No two of its keys have the same kid (keys without one are not
// compared), and they are either all symmetric or all asymmetric, so that no public key can ever be taken for a secret.
//
// A token with a kid is verified by the key with exactly that kid, and by no other; a token without one by the only key for
// its algorithm, and by none when there are more.
type KeySet struct{ keys []*Key }

// NewKeySet makes a set of at most 128 keys. It returns ErrKeyDuplicate, ErrKeySetMixed, or ErrKeyMalformed for a nil key or
// too many.
func NewKeySet(keys ...*Key) (*KeySet, error) {
	if len(keys) > maxKeys {
		return nil, ErrKeyMalformed
	}
	s := &KeySet{keys: make([]*Key, 0, len(keys))}
	for _, k := range keys {
		if k == nil {
			return nil, ErrKeyMalformed
		}
		if k.id != "" && s.Lookup(k.id) != nil {
			return nil, ErrKeyDuplicate
		}
		if len(s.keys) > 0 && (s.keys[0].scheme.kty == typeOct) != (k.scheme.kty == typeOct) {
			return nil, ErrKeySetMixed
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// ParseKeySet reads a JWK Set (RFC 7517 §5) of at most 256 KiB and 128 keys.
//
// Keys that are none of ours are skipped, as §5 asks for: those of an unknown kty, crv or alg, and those that are for
// something other than verifying. Any other key that ParseKey would refuse makes the whole set refused with the same error,
// because a set with a malformed, weak or private key in it is not one to trust the rest of. The result may be empty.
func ParseKeySet(jwks []byte) (*KeySet, error) {
	if len(jwks) > maxKeyDocument {
		return nil, ErrKeyMalformed
	}
	doc, err := ParseJSON(string(jwks))
	if err != nil {
		return nil, ErrKeyMalformed
	}
	list, ok := doc.Member("keys")
	if !ok || list.Kind() != KindArray {
		return nil, ErrKeyMalformed
	}
	c := doc.Members()
	for c.Next() {
		if !c.is("keys") && foldsTo(c.name, "keys") {
			return nil, ErrKeyMalformed
		}
	}
	var keys []*Key
	n := 0
	c = list.Members()
	for ; c.Next(); n++ {
		if n == maxKeys {
			return nil, ErrKeyMalformed
		}
		k, err := readKey(c.Value())
		switch ReasonOf(err) {
		case ReasonNone:
			keys = append(keys, k)
		case ReasonKeyUnsupported, ReasonKeyUse:
		default:
			return nil, err
		}
	}
	return NewKeySet(keys...)
}

// Len returns the number of keys.
func (s *KeySet) Len() int { return len(s.keys) }

// At returns the i-th key, in the order in which they were given, or nil when there is none.
func (s *KeySet) At(i int) *Key {
	if i < 0 || i >= len(s.keys) {
		return nil
	}
	return s.keys[i]
}

// Lookup returns the key called kid, or nil.
func (s *KeySet) Lookup(kid string) *Key {
	if kid == "" {
		return nil
	}
	for _, k := range s.keys {
		if k.id == kid {
			return k
		}
	}
	return nil
}

// AppendJWKS appends the set as a JWK Set document for serving, its keys in their order. It returns ErrKeyPrivate for a
// symmetric set.
func (s *KeySet) AppendJWKS(to []byte) ([]byte, error) {
	start := len(to)
	to = append(to, `{"keys":[`...)
	for i, k := range s.keys {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = k.AppendJWK(to); err != nil {
			return to[:start], err
		}
	}
	return append(to, ']', '}'), nil
}

// MarshalJWKS returns what AppendJWKS appends.
func (s *KeySet) MarshalJWKS() ([]byte, error) { return s.AppendJWKS(nil) }
