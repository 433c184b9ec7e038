// Package sealer encrypts small values at rest under one master key: private
// signing keys, upstream tokens, whatever a stolen database must not give away.
// It implements ports.Sealer with AES-256-GCM.
//
//	master, created, err := sealer.LoadOrCreateKey(filepath.Join(dir, "master.key"), rand.Reader)
//	s, err := sealer.New(master)
//	cookies, err := session.NewSeal(sealer.Derive(master, "session cookie"))
//
// The master key itself encrypts nothing: each use has a key of its own, derived
// from it by HKDF. To change the master key, give the new one to New followed by
// the old ones, which then open what they sealed and seal nothing more.
//
// # Format
//
// A sealed value is
//
//	version (1 byte, 0x01) | key id (4 bytes) | nonce (12 bytes) | ciphertext | tag (16 bytes)
//
// The key id is derived from the master key, and tells keys apart without
// telling anything of them. Version, key id and associated data are
// authenticated. Nonces are random, so a master key is good for 2^32 values
// (NIST SP 800-38D §8.3).
package sealer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// KeySize is the size of a master key in bytes.
const KeySize = 32

// Overhead is by how many bytes a sealed value is longer than the plain one.
const Overhead = headerSize + nonceSize + tagSize

const (
	version    = 1
	idSize     = 4
	headerSize = 1 + idSize
	nonceSize  = 12
	tagSize    = 16
)

// What Open fails with; compare with errors.Is.
var (
	// ErrKey says that no key that the Sealer has sealed this value: the master key
	// was changed and the one before was not given.
	ErrKey error = fault.New(fault.Internal, "seal_key", "sealed under a master key that is not configured; give the former one too")
	// ErrBroken says that the value is not a sealed one, was changed, or was sealed
	// for another place.
	ErrBroken error = fault.New(fault.Internal, "seal_broken", "this is not a sealed value, or was changed or moved since it was sealed")
)

// Sealer seals and opens. It is safe for concurrent use.
type Sealer struct {
	keys []key // the first seals, all open
}

type key struct {
	header [headerSize]byte
	aead   cipher.AEAD
}

var _ ports.Sealer = (*Sealer)(nil)

// New returns a Sealer that seals under the master key current and also opens
// what previous ones sealed. A key that has not KeySize bytes is an error.
func New(current []byte, previous ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, master := range append([][]byte{current}, previous...) {
		if len(master) != KeySize {
			return nil, fmt.Errorf("sealer: a master key has %d bytes, not %d", KeySize, len(master))
		}
		block, err := aes.NewCipher(Derive(master, "seal aes-256-gcm"))
		if err != nil {
			return nil, fmt.Errorf("sealer: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("sealer: %w", err)
		}
		k := key{aead: aead}
		k.header[0] = version
		copy(k.header[1:], Derive(master, "seal key id"))
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// Seal encrypts plain, which may be empty, for the place that associated names.
func (s *Sealer) Seal(plain, associated []byte) ([]byte, error) {
	k := &s.keys[0]
	sealed := make([]byte, headerSize, len(plain)+Overhead)
	copy(sealed, k.header[:])
	return k.aead.Seal(sealed, nil, plain, k.bind(associated)), nil //nolint:gosec // the AEAD makes a random nonce itself and takes none
}

// Open returns what was sealed for the place that associated names. It fails
// with ErrKey or ErrBroken.
func (s *Sealer) Open(sealed, associated []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrBroken
	}
	err := ErrKey
	for i := range s.keys {
		k := &s.keys[i]
		if !bytes.Equal(sealed[:headerSize], k.header[:]) {
			continue
		}
		plain, bad := k.aead.Open(nil, nil, sealed[headerSize:], k.bind(associated))
		if bad == nil {
			return plain, nil
		}
		err = ErrBroken // but two keys may share an id: ask the others
	}
	return nil, err
}

// bind puts the header, which has a fixed length, in front of the associated
// data.
func (k *key) bind(associated []byte) []byte {
	return append(k.header[:headerSize:headerSize], associated...)
}

// Derive returns the 32-byte key for one purpose, by HKDF-SHA-256 (RFC 5869)
// from a master key. Keys for different purposes tell nothing of each other or
// of the master key.
func Derive(master []byte, purpose string) []byte {
	sub, err := hkdf.Key(sha256.New, master, nil, "hexward/1 "+purpose, KeySize)
	if err != nil { // only for lengths over 255 hashes, or a short master key in FIPS mode
		panic("sealer: " + err.Error())
	}
	return sub
}
