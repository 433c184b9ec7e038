package keyring

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// maxPEM is more than an RSA key of 8,192 bits needs, in bytes.
const maxPEM = 32 << 10

// Import takes over the one private key in a PEM text: PKCS #8 ("PRIVATE KEY"),
// PKCS #1 ("RSA PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY", which "EC PARAMETERS"
// may precede, as OpenSSL writes it). Ed25519 becomes EdDSA, P-256 ES256, and RSA
// of 2,048 to 8,192 bits RS256. Everything else is Invalid, and the message says
// what to do.
func (r *Ring) Import(ctx context.Context, text []byte) (ports.SigningKey, error) {
	if err := ctx.Err(); err != nil {
		return ports.SigningKey{}, err
	}
	private, err := parse(text)
	if err != nil {
		return ports.SigningKey{}, err
	}
	if _, err := publicKey(private); err != nil {
		return ports.SigningKey{}, refuse("weak", "this key is weak: "+err.Error())
	}
	return r.seal(private)
}

// ImportSecret takes over a secret for HS256, of 32 bytes at least (RFC 7518 §3.2).
// A shorter one is Invalid.
func (r *Ring) ImportSecret(ctx context.Context, secret []byte) (ports.SigningKey, error) {
	if err := ctx.Err(); err != nil {
		return ports.SigningKey{}, err
	}
	if len(secret) < secretSize {
		return ports.SigningKey{}, fault.InvalidField("secret", "weak", fmt.Sprintf("a secret for HS256 has at least %d bytes, not %d", secretSize, len(secret)))
	}
	return r.seal(bytes.Clone(secret))
}

// refuse is the fault of a key that is not taken over.
func refuse(code, message string) error {
	return fault.InvalidField("key", code, message)
}

// parse reads the one private key in a PEM text.
func parse(text []byte) (crypto.PrivateKey, error) {
	if len(text) > maxPEM {
		return nil, refuse("too_long", "this is too long to be a private key")
	}
	block, rest, err := next(text)
	if err == nil && block.Type == "EC PARAMETERS" { // they stand in the key again
		block, rest, err = next(rest)
	}
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, refuse("several", "there is more than one private key here; give a file with nothing else in it")
	}
	// The parsers ignore what follows the key within the block.
	if extra, err := asn1.Unmarshal(block.Bytes, new(asn1.RawValue)); err != nil || len(extra) > 0 {
		return nil, errMalformed
	}
	var private any
	switch block.Type {
	case "PRIVATE KEY":
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		private, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncrypted
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, refuse("public", "this is a public key or certificate; the private key is needed")
	case "OPENSSH PRIVATE KEY":
		return nil, refuse("format", "this is a key in OpenSSH's own format; convert it to PKCS #8")
	default:
		return nil, refuse("format", "this PEM block is not a private key; PRIVATE KEY, RSA PRIVATE KEY and EC PRIVATE KEY are understood")
	}
	if err != nil { // the parser's text may tell of the key
		return nil, errMalformed
	}
	if err := check(private); err != nil {
		return nil, err
	}
	return private, nil
}

var errMalformed = refuse("malformed", "this private key cannot be read; is the file damaged?")

var errEncrypted = refuse("encrypted", "this key is protected by a passphrase; `openssl pkey -in FILE -out PLAIN` takes it off")

// next returns the first PEM block and what follows. Text before a block is
// allowed, as OpenSSL and others write comments there.
func next(text []byte) (*pem.Block, []byte, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, nil, refuse("format", "this is no PEM text; it begins with -----BEGIN PRIVATE KEY-----")
	}
	if block.Headers["DEK-Info"] != "" || block.Headers["Proc-Type"] != "" { // RFC 1423
		return nil, nil, errEncrypted
	}
	return block, rest, nil
}

// check refuses kinds of keys that nothing here signs with, and RSA keys whose
// size is out of bounds.
func check(private any) error {
	switch p := private.(type) {
	case ed25519.PrivateKey:
		return nil
	case *ecdsa.PrivateKey:
		if p.Curve != elliptic.P256() {
			return refuse("curve", "this key is on "+p.Curve.Params().Name+"; of elliptic curves P-256 and Ed25519 are supported")
		}
		return nil
	case *rsa.PrivateKey:
		bits := p.N.BitLen()
		if bits < minRSABits || bits > maxRSABits {
			return refuse("weak", fmt.Sprintf("this RSA key has %d bits; %d to %d are supported", bits, minRSABits, maxRSABits))
		}
		if len(p.Primes) != 2 {
			return refuse("malformed", "this RSA key has more than two primes, which is not supported")
		}
		if err := p.Validate(); err != nil {
			return refuse("malformed", "this RSA key's numbers do not belong together")
		}
		return nil
	}
	return refuse("kind", "keys of this kind do not sign tokens; Ed25519, P-256 and RSA are supported")
}
