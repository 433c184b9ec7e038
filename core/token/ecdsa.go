//go:build !noecdsa

package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"sync"
)

// ECDSA with the curve and the hash of RFC 7518 §3.4. Both (r, s) and (r, n-s) verify, so never tell tokens apart by their
// text.
var (
	ES256 Algorithm = es256{} // P-256, SHA-256
	ES384 Algorithm = es384{} // P-384, SHA-384
	ES512 Algorithm = es512{} // P-521, SHA-512
)

type (
	es256 struct{}
	es384 struct{}
	es512 struct{}
)

func (es256) Name() string { return "ES256" }
func (es384) Name() string { return "ES384" }
func (es512) Name() string { return "ES512" }

func (a es256) Primitive(k *Key) (Primitive, error) {
	pub, err := ecdsaPublic(a, k, elliptic.P256())
	return es256Key{pub}, err
}

func (a es384) Primitive(k *Key) (Primitive, error) {
	pub, err := ecdsaPublic(a, k, elliptic.P384())
	return es384Key{pub}, err
}

func (a es512) Primitive(k *Key) (Primitive, error) {
	pub, err := ecdsaPublic(a, k, elliptic.P521())
	return es512Key{pub}, err
}

func ecdsaPublic(a Algorithm, k *Key, curve elliptic.Curve) (*ecdsa.PublicKey, error) {
	if k == nil || k.Algorithm() != a.Name() {
		return nil, ErrKeyMismatch
	}
	return &ecdsa.PublicKey{
		Curve: curve,
		X:     new(big.Int).SetBytes(k.x), //nolint:staticcheck // the constructor that replaces this is newer than Go 1.23
		Y:     new(big.Int).SetBytes(k.y), //nolint:staticcheck // likewise
	}, nil
}

type (
	es256Key struct{ pub *ecdsa.PublicKey }
	es384Key struct{ pub *ecdsa.PublicKey }
	es512Key struct{ pub *ecdsa.PublicKey }
)

func (k es256Key) Verify(input, signature []byte) bool {
	s, ok := ecdsaStates.Get().(*ecdsaState)
	if !ok {
		return false
	}
	defer ecdsaStates.Put(s)
	*(*[sha256.Size]byte)(s.digest[:]) = sha256.Sum256(input)
	return s.verify(k.pub, 32, s.digest[:sha256.Size], signature)
}

func (k es384Key) Verify(input, signature []byte) bool {
	s, ok := ecdsaStates.Get().(*ecdsaState)
	if !ok {
		return false
	}
	defer ecdsaStates.Put(s)
	*(*[sha512.Size384]byte)(s.digest[:]) = sha512.Sum384(input)
	return s.verify(k.pub, 48, s.digest[:sha512.Size384], signature)
}

func (k es512Key) Verify(input, signature []byte) bool {
	s, ok := ecdsaStates.Get().(*ecdsaState)
	if !ok {
		return false
	}
	defer ecdsaStates.Put(s)
	s.digest = sha512.Sum512(input)
	return s.verify(k.pub, 66, s.digest[:], signature)
}

// ecdsaState is the memory that the standard library lets escape.
type ecdsaState struct {
	digest [sha512.Size]byte
	der    [2*66 + 9]byte
}

var ecdsaStates = sync.Pool{New: func() any { return new(ecdsaState) }}

// verify verifies R || S, each of size bytes (RFC 7518 §3.4).
func (s *ecdsaState) verify(pub *ecdsa.PublicKey, size int, digest, signature []byte) bool {
	if len(signature) != 2*size {
		return false
	}
	content := appendInteger(s.der[3:3], signature[:size])
	content = appendInteger(content, signature[size:])
	// A SEQUENCE of up to 127 bytes has a length of one byte, a longer one of two.
	start := 1
	if len(content) > 0x7F {
		start = 0
		s.der[1] = 0x81
	}
	s.der[start], s.der[2] = 0x30, byte(len(content))
	return ecdsa.VerifyASN1(pub, digest, s.der[start:3+len(content)])
}

// appendInteger appends the DER form of the unsigned big-endian number v.
func appendInteger(to, v []byte) []byte {
	for len(v) > 1 && v[0] == 0 {
		v = v[1:]
	}
	if v[0]&0x80 != 0 {
		to = append(to, 0x02, byte(len(v)+1), 0)
	} else {
		to = append(to, 0x02, byte(len(v)))
	}
	return append(to, v...)
}

// NewECDSAKey returns the key for pub, bound to the algorithm of its curve and called kid, or by its thumbprint when kid is
// empty. It returns ErrKeyUnsupported for a curve other than P-256, P-384 and P-521, and ErrKeyMalformed or ErrKeyWeak for
// what is no point on it.
func NewECDSAKey(kid string, pub *ecdsa.PublicKey) (*Key, error) {
	if pub == nil || pub.Curve == nil {
		return nil, ErrKeyMalformed
	}
	var s *scheme
	switch pub.Curve {
	case elliptic.P256():
		s = schemeOf("ES256")
	case elliptic.P384():
		s = schemeOf("ES384")
	case elliptic.P521():
		s = schemeOf("ES512")
	default:
		return nil, ErrKeyUnsupported
	}
	if pub.X == nil || pub.Y == nil { //nolint:staticcheck // ECDH would dereference them
		return nil, ErrKeyMalformed
	}
	point, err := pub.ECDH()
	if err != nil {
		return nil, ErrKeyWeak
	}
	xy := point.Bytes()
	if len(xy) != 1+2*s.size {
		return nil, ErrKeyMalformed
	}
	k, err := newKey(kid, s, clone(xy[1:1+s.size]), clone(xy[1+s.size:]))
	if err != nil {
		return nil, err
	}
	return k.named(), nil
}
