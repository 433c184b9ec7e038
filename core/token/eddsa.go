package token

import "crypto/ed25519"

// EdDSA is Ed25519 (RFC 8037 §3.1).
var EdDSA Algorithm = Delegated("EdDSA")

// NewEd25519Key returns the key for pub. An empty kid stands for the thumbprint.
func NewEd25519Key(kid string, pub ed25519.PublicKey) (*Key, error) { return nil, ErrKeyMalformed }
