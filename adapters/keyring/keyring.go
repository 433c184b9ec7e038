// Package keyring makes signing keys, takes them over from PEM files and keeps
// their private halves sealed. It implements ports.Keyring.
//
//	ring, err := keyring.New(sealer)
//	k, err := ring.Generate(ctx, "EdDSA") // or ES256, RS256, HS256
//	private, err := ring.Open(ctx, k)
//
// The id of a key is the RFC 7638 thumbprint of its public half, so the same
// key has the same id wherever it is taken over. An HS256 key has no public half,
// and the thumbprint of its secret would help whoever guesses at it, so its id is
// random.
//
// A private key is sealed as PKCS #8 (an HS256 secret as it is) for its algorithm
// and id. Open then derives the public half again and compares it with the row, so
// a row that was put together from two others does not open.
package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// The algorithms.
const (
	edDSA = "EdDSA"
	es256 = "ES256"
	rs256 = "RS256"
	hs256 = "HS256"
)

const (
	// rsaBits is the size of RSA keys that are made here: 3,072 bits are as strong
	// as P-256 and Ed25519 (NIST SP 800-57 part 1 §5.6.1). Signing with them costs
	// three times that of 2,048.
	rsaBits = 3072
	// minRSABits is the least that an imported key has (RFC 7518 §3.3), maxRSABits
	// the most: signing takes the cube of it.
	minRSABits, maxRSABits = 2048, 8192
	secretSize             = 32 // bytes of an HS256 secret at least, RFC 7518 §3.2
)

// errMismatch is a row whose parts do not belong together.
var errMismatch = fault.New(fault.Internal, "key_mismatch", "this signing key's private and public halves or its id do not belong together")

// Ring makes and opens keys. It is safe for concurrent use.
type Ring struct{ sealer ports.Sealer }

var _ ports.Keyring = (*Ring)(nil)

// New returns a Ring that seals private keys with sealer.
func New(sealer ports.Sealer) (*Ring, error) {
	if sealer == nil {
		return nil, errors.New("keyring: a sealer is needed")
	}
	return &Ring{sealer}, nil
}

// Generate makes a key for EdDSA (Ed25519), ES256, RS256 (3,072 bits) or HS256 (32
// bytes). Another algorithm is Invalid.
func (r *Ring) Generate(ctx context.Context, algorithm string) (ports.SigningKey, error) {
	if err := ctx.Err(); err != nil {
		return ports.SigningKey{}, err
	}
	var private crypto.PrivateKey
	var err error
	switch algorithm {
	case edDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case es256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case rs256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case hs256:
		secret := make([]byte, secretSize)
		_, err = rand.Read(secret)
		private = secret
	default:
		return ports.SigningKey{}, fault.InvalidField("algorithm", "unknown", "an algorithm is one of EdDSA, ES256, RS256 and HS256")
	}
	if err != nil {
		return ports.SigningKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	return r.seal(private)
}

// seal makes the row of a private key.
func (r *Ring) seal(private crypto.PrivateKey) (ports.SigningKey, error) {
	public, err := publicKey(private)
	if err != nil {
		return ports.SigningKey{}, err
	}
	var k ports.SigningKey
	var plain []byte
	if secret, ok := private.([]byte); ok {
		id := make([]byte, 32) // as long as a thumbprint
		if _, err := rand.Read(id); err != nil {
			return ports.SigningKey{}, fmt.Errorf("make a key id: %w", err)
		}
		k = ports.SigningKey{ID: base64.RawURLEncoding.EncodeToString(id), Algorithm: hs256}
		plain = append(plain, secret...)
	} else {
		k = ports.SigningKey{ID: public.ID(), Algorithm: public.Algorithm()}
		if k.Public, err = public.AppendJWK(nil); err != nil {
			return ports.SigningKey{}, fmt.Errorf("write the public key: %w", err)
		}
		if plain, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
			return ports.SigningKey{}, fmt.Errorf("write the private key: %w", err)
		}
	}
	defer clear(plain)
	if k.Sealed, err = r.sealer.Seal(plain, place(k)); err != nil {
		return ports.SigningKey{}, fmt.Errorf("seal the private key: %w", err)
	}
	return k, nil
}

// Open returns the private key of a row. One that was sealed under another
// master key, for another row, or does not belong to the row's public key is an
// error.
func (r *Ring) Open(ctx context.Context, k ports.SigningKey) (crypto.PrivateKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	plain, err := r.sealer.Open(k.Sealed, place(k))
	if err != nil {
		return nil, fmt.Errorf("open the signing key %s: %w", k.ID, err)
	}
	if k.Algorithm == hs256 {
		if _, err := publicKey(plain); err != nil || len(k.Public) != 0 {
			return nil, errMismatch
		}
		return plain, nil
	}
	defer clear(plain)
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errMismatch // the parser's text may tell of the key
	}
	derived, err := publicKey(private)
	if err != nil {
		return nil, errMismatch
	}
	public, err := token.ParseKey(k.Public)
	if err != nil {
		return nil, fmt.Errorf("read the public key of %s: %w", k.ID, err)
	}
	if derived.ID() != k.ID || public.ID() != k.ID || public.Thumbprint() != k.ID ||
		derived.Algorithm() != k.Algorithm || public.Algorithm() != k.Algorithm {
		return nil, errMismatch
	}
	return private, nil
}

// place is what a sealed key is bound to.
func place(k ports.SigningKey) []byte {
	return []byte("signing key " + k.Algorithm + " " + k.ID)
}

// publicKey returns what verifies the signatures of a private key, with its
// thumbprint as its id, or without an id for an HS256 secret.
func publicKey(private crypto.PrivateKey) (*token.Key, error) {
	switch p := private.(type) {
	case ed25519.PrivateKey:
		public, ok := p.Public().(ed25519.PublicKey)
		if !ok || len(p) != ed25519.PrivateKeySize {
			return nil, errMismatch
		}
		return token.NewEd25519Key("", public)
	case *ecdsa.PrivateKey:
		return token.NewECDSAKey("", &p.PublicKey)
	case *rsa.PrivateKey:
		return token.NewRSAKey("", rs256, &p.PublicKey)
	case []byte:
		return token.NewHMACKey("", hs256, p)
	}
	return nil, errMismatch
}
