package token

import "crypto/rsa"

// RSA signatures of RFC 7518 §3.3 (PKCS #1 v1.5) and §3.5 (PSS).
var (
	RS256 Algorithm = Delegated("RS256")
	RS384 Algorithm = Delegated("RS384")
	RS512 Algorithm = Delegated("RS512")
	PS256 Algorithm = Delegated("PS256")
	PS384 Algorithm = Delegated("PS384")
	PS512 Algorithm = Delegated("PS512")
)

// NewRSAKey returns the key for pub, bound to the named algorithm. An empty kid stands for the thumbprint.
func NewRSAKey(kid, algorithm string, pub *rsa.PublicKey) (*Key, error) { return nil, ErrKeyMalformed }
