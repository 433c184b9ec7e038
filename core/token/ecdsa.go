package token

import "crypto/ecdsa"

// ECDSA with the curve and hash of RFC 7518 §3.4.
var (
	ES256 Algorithm = Delegated("ES256")
	ES384 Algorithm = Delegated("ES384")
	ES512 Algorithm = Delegated("ES512")
)

// NewECDSAKey returns the key for pub, bound to the algorithm of its curve. An empty kid stands for the thumbprint.
func NewECDSAKey(kid string, pub *ecdsa.PublicKey) (*Key, error) { return nil, ErrKeyMalformed }
