// Package secret makes and reads the secrets that programs carry: API tokens and
// clients' secrets. Each begins with what it is, so that people and scanners
// recognise it, and ends in a checksum, so that a typo or a made-up one is told
// without looking anything up. They are 256 random bits, of which a store has only the
// SHA-256.
//
//	text, hash, err := secret.Mint(random, secret.APIToken)
//	hash, err := secret.Parse(secret.APIToken, text)
package secret

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/hexward/hexward/core/fault"
)

// Hash is the SHA-256 of a secret as text.
type Hash = [sha256.Size]byte

// The prefixes of what there is.
const (
	APIToken = "hxw_"
	Client   = "hxc_"
)

const (
	size     = 32 // random bytes
	digits   = 43 // as many of base 62 hold size bytes
	checks   = 6  // as many of base 62 hold a CRC-32
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Length is the length of a secret as text, in bytes.
const Length = len(APIToken) + digits + checks

// Mint makes a secret with a prefix of this package. An error is random's.
func Mint(random io.Reader, prefix string) (text string, h Hash, err error) {
	var b [size]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", h, fmt.Errorf("read randomness: %w", err)
	}
	out := append(make([]byte, 0, Length), prefix...)
	out = appendBase62(out, b, digits)
	out = appendCheck(out)
	return string(out), sha256.Sum256(out), nil
}

// ErrForm says that a text is not a secret of the sort that was asked for, or has a typo.
var ErrForm = fault.New(fault.Unauthenticated, "token_form", "this is not a token of ours, or not all of it")

// Parse returns the hash of a secret with this prefix. What has not its form or not its checksum is
// ErrForm, whether or not there is anything like it.
func Parse(prefix, text string) (h Hash, err error) {
	if len(text) != Length || text[:len(prefix)] != prefix {
		return h, ErrForm
	}
	var b [Length]byte
	copy(b[:], text)
	var want [Length]byte
	if string(appendCheck(append(want[:0], b[:Length-checks]...))) != text {
		return h, ErrForm
	}
	for _, c := range b[len(prefix):] {
		if c-'0' > 9 && c-'A' > 25 && c-'a' > 25 {
			return h, ErrForm
		}
	}
	return sha256.Sum256(b[:]), nil
}

// appendCheck appends the CRC-32 (IEEE) of what is there.
func appendCheck(b []byte) []byte {
	sum := crc32.ChecksumIEEE(b)
	var wide [size]byte
	for i := range 4 {
		wide[size-1-i] = byte(sum >> (8 * i))
	}
	return appendBase62(b, wide, checks)
}

// appendBase62 appends a number as n digits, the most significant first.
func appendBase62(to []byte, number [size]byte, n int) []byte {
	at := len(to)
	to = append(to, make([]byte, n)...)
	for i := n - 1; i >= 0; i-- {
		rest := uint64(0)
		for j := range number {
			q, r := bits.Div64(0, rest<<8|uint64(number[j]), 62)
			number[j], rest = byte(q), r
		}
		to[at+i] = alphabet[rest]
	}
	return to
}
