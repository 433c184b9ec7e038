package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hexward/hexward/core/fault"
)

// Hash is the SHA-256 of a secret. Stores keep it in the place of the secret:
// who reads a store cannot sign in with what they find.
type Hash [sha256.Size]byte

// The layout of a session id: random bytes, issue time, and an HMAC-SHA-256
// over both, in base64url without padding.
const (
	randomSize = 32 // 256 bits
	timeSize   = 8  // Unix milliseconds, big endian
	idSize     = randomSize + timeSize
	signedSize = idSize + sha256.Size

	// CookieLength is the length of a signed session id as text.
	CookieLength = (signedSize*8 + 5) / 6
	// SealKeySize is the least size of a Seal's key in bytes.
	SealKeySize = 32
)

// errCookie is the one answer to any bad cookie; what is wrong with it helps
// only who forged it.
var errCookie = fault.New(fault.Unauthenticated, "session_unknown", "this session is not valid; please sign in")

// Seal signs session ids, so that a forged one is told without a look-up. It is
// safe for concurrent use.
type Seal struct {
	macs []*sync.Pool // of *mac; the first one signs, all check
}

// NewSeal returns a Seal that signs with key and also accepts what previous
// keys signed. A key under SealKeySize bytes is an error. It copies the keys.
func NewSeal(key []byte, previous ...[]byte) (*Seal, error) {
	s := &Seal{}
	for _, k := range append([][]byte{key}, previous...) {
		if len(k) < SealKeySize {
			return nil, fmt.Errorf("session: a key has at least %d bytes, not %d", SealKeySize, len(k))
		}
		k = slices.Clone(k) // the pool reads it at any time, the caller may wipe theirs
		s.macs = append(s.macs, &sync.Pool{New: func() any { return &mac{hash: hmac.New(sha256.New, k)} }})
	}
	return s, nil
}

// Mint makes a new session id from random and returns it signed, for the
// cookie, and hashed, for the store. An error is random's.
func (s *Seal) Mint(random io.Reader, now time.Time) (cookie string, h Hash, err error) {
	var b [signedSize]byte
	if _, err := io.ReadFull(random, b[:randomSize]); err != nil {
		return "", Hash{}, fmt.Errorf("read randomness: %w", err)
	}
	binary.BigEndian.PutUint64(b[randomSize:idSize], uint64(now.UnixMilli()))
	sum := sign(s.macs[0], b[:idSize])
	copy(b[idSize:], sum[:])
	return base64.RawURLEncoding.EncodeToString(b[:]), sha256.Sum256(b[:idSize]), nil
}

// Check returns the hash under which the store knows a signed session id, or an
// Unauthenticated fault if this Seal did not sign it. It allocates nothing.
func (s *Seal) Check(cookie string) (Hash, error) {
	var b [signedSize]byte
	if len(cookie) != CookieLength {
		return Hash{}, errCookie
	}
	var text [CookieLength]byte
	copy(text[:], cookie)
	if n, err := strict.Decode(b[:], text[:]); err != nil || n != signedSize {
		return Hash{}, errCookie
	}
	for _, pool := range s.macs {
		sum := sign(pool, b[:idSize])
		if hmac.Equal(sum[:], b[idSize:]) {
			return sha256.Sum256(b[:idSize]), nil
		}
	}
	return Hash{}, errCookie
}

// strict refuses a second spelling of the same bytes.
var strict = base64.RawURLEncoding.Strict()

// mac is a keyed hash with room for its input and output, which would otherwise
// escape to the heap through the interface at each call.
type mac struct {
	hash hash.Hash
	in   [idSize]byte
	out  [sha256.Size]byte
}

// sign returns the HMAC of an id.
func sign(pool *sync.Pool, id []byte) [sha256.Size]byte {
	m := pool.Get().(*mac)
	m.hash.Reset()
	copy(m.in[:], id)
	m.hash.Write(m.in[:])
	m.hash.Sum(m.out[:0])
	sum := m.out
	pool.Put(m)
	return sum
}
