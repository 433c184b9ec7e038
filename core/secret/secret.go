// Package secret makes and reads the secrets that programs carry: API tokens and
// clients' secrets. Each begins with what it is, so that people and scanners
// recognise it, and ends in a checksum, so that a typo or a made-up one is told
// without looking anything up. They are 256 random bits, of which a store has only the
// SHA-256.
//
//	text, hash, err := secret.Mint(random, secret.APIToken)
//	hash, err := secret.Parse(secret.APIToken, text)
//
// A secret is its prefix, 43 digits of base 62 that are the random bits, and 6 that are
// the CRC-32 of all that; as a pattern for scanners, hx[wc]_[0-9A-Za-z]{49}. testdata has
// examples for other implementations.
//
// The checksum guards nothing: anybody computes it, and what of it is compared is nobody's
// secret. What guards a secret is that it cannot be guessed, and that it is looked up by a
// hash that nobody steers: how far a comparison of hashes comes tells nothing about another
// hash that is like it.
package secret

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

// Hash is the SHA-256 of a secret as text.
type Hash = [sha256.Size]byte

// The prefixes of what there is.
const (
	APIToken = token.APITokenPrefix
	Client   = "hxc_"
)

const (
	size     = 32 // random bytes
	digits   = 43 // as many of base 62 hold size bytes
	alphabet = token.OpaqueDigits
)

// Length is the length of a secret as text, in bytes.
const Length = token.OpaqueLength

// Mint makes a secret with a prefix of this package, of 32 bytes of random. An error is random's, and then there is no text.
func Mint(random io.Reader, prefix string) (text string, h Hash, err error) {
	var b [size]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", h, fmt.Errorf("read randomness: %w", err)
	}
	var out [digits]byte
	for i := range out {
		out[digits-1-i] = alphabet[divide(&b)]
	}
	text = prefix + string(out[:])
	check := token.OpaqueChecksum(text)
	text += string(check[:])
	return text, sha256.Sum256([]byte(text)), nil
}

// divide divides a number, the most significant byte first, by 62 and returns what is left over.
func divide(number *[size]byte) (rest int) {
	for i, b := range number {
		rest = rest<<8 | int(b)
		number[i] = byte(rest / len(alphabet)) //nolint:gosec // rest is below 62 * 256
		rest %= len(alphabet)
	}
	return rest
}

// ErrForm says that a text is not a secret of the sort that was asked for, or has a typo.
var ErrForm = fault.New(fault.Unauthenticated, "token_form", "this is not a token of ours, or not all of it")

// Parse returns the hash of a secret with this prefix, to look it up by. What has not its form or not its checksum is
// ErrForm, whether or not there is anything like it. It allocates nothing, and never panics.
func Parse(prefix, text string) (h Hash, err error) {
	if !token.ValidOpaque(prefix, text) {
		return h, ErrForm
	}
	var whole [Length]byte
	copy(whole[:], text)
	return sha256.Sum256(whole[:]), nil
}
