//go:build !norsa

package token

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
)

// RSA signatures: PKCS #1 v1.5 (RFC 7518 §3.3), and PSS with a salt as long as the hash (§3.5).
var (
	RS256 Algorithm = rsaScheme{"RS256", crypto.SHA256, false}
	RS384 Algorithm = rsaScheme{"RS384", crypto.SHA384, false}
	RS512 Algorithm = rsaScheme{"RS512", crypto.SHA512, false}
	PS256 Algorithm = rsaScheme{"PS256", crypto.SHA256, true}
	PS384 Algorithm = rsaScheme{"PS384", crypto.SHA384, true}
	PS512 Algorithm = rsaScheme{"PS512", crypto.SHA512, true}
)

type rsaScheme struct {
	name string
	hash crypto.Hash
	pss  bool
}

func (a rsaScheme) Name() string { return a.name }

func (a rsaScheme) Primitive(k *Key) (Primitive, error) {
	if k == nil || k.Algorithm() != a.name {
		return nil, ErrKeyMismatch
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(k.x), E: int(exponentOf(k.y))}
	if a.pss {
		return pssKey{pub, a.hash, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}}, nil
	}
	return pkcs1Key{pub, a.hash}, nil
}

type pkcs1Key struct {
	pub  *rsa.PublicKey
	hash crypto.Hash
}

func (k pkcs1Key) Verify(input, signature []byte) bool {
	var sum [sha512.Size]byte
	return rsa.VerifyPKCS1v15(k.pub, k.hash, digest(&sum, k.hash, input), signature) == nil
}

type pssKey struct {
	pub     *rsa.PublicKey
	hash    crypto.Hash
	options *rsa.PSSOptions
}

func (k pssKey) Verify(input, signature []byte) bool {
	var sum [sha512.Size]byte
	return rsa.VerifyPSS(k.pub, k.hash, digest(&sum, k.hash, input), signature, k.options) == nil
}

// digest returns the hash of input, kept in sum.
func digest(sum *[sha512.Size]byte, hash crypto.Hash, input []byte) []byte {
	switch hash {
	case crypto.SHA384:
		*(*[sha512.Size384]byte)(sum[:]) = sha512.Sum384(input)
	case crypto.SHA512:
		*sum = sha512.Sum512(input)
	default:
		*(*[sha256.Size]byte)(sum[:]) = sha256.Sum256(input)
	}
	return sum[:hash.Size()]
}

// NewRSAKey returns the key for pub, bound to the named algorithm ("RS256" … "PS512") and called kid, or by its thumbprint
// when kid is empty. It returns ErrKeyMismatch for another algorithm, ErrKeyMalformed for a key without numbers, and
// ErrKeyWeak as the comment of Key says.
func NewRSAKey(kid, algorithm string, pub *rsa.PublicKey) (*Key, error) {
	s := schemeOf(algorithm)
	if s == nil || s.kty != typeRSA {
		return nil, ErrKeyMismatch
	}
	if pub == nil || pub.N == nil || pub.N.Sign() <= 0 || pub.E <= 0 {
		return nil, ErrKeyMalformed
	}
	k, err := newKey(kid, s, pub.N.Bytes(), big.NewInt(int64(pub.E)).Bytes())
	if err != nil {
		return nil, err
	}
	return k.named(), nil
}
