//go:build !noeddsa

package token

import "crypto/ed25519"

// EdDSA is Ed25519 (RFC 8037 §3.1); Ed448 is not supported. It verifies as RFC 8032 §5.1.7 does without cofactor, refusing
// an S that is not below the group's order.
var EdDSA Algorithm = edDSA{}

type edDSA struct{}

func (edDSA) Name() string { return "EdDSA" }

func (edDSA) Primitive(k *Key) (Primitive, error) {
	if k == nil || k.Algorithm() != "EdDSA" {
		return nil, ErrKeyMismatch
	}
	return edKey(k.x), nil
}

// edKey is a checked public key of 32 bytes.
type edKey ed25519.PublicKey

func (k edKey) Verify(input, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(ed25519.PublicKey(k), input, signature)
}

// NewEd25519Key returns the key for pub, called kid, or by its thumbprint when kid is empty. It returns ErrKeyMalformed for
// another length than 32 bytes and ErrKeyWeak for what is no point or one of small order.
func NewEd25519Key(kid string, pub ed25519.PublicKey) (*Key, error) {
	k, err := newKey(kid, schemeOf("EdDSA"), clone(pub), nil)
	if err != nil {
		return nil, err
	}
	return k.named(), nil
}
