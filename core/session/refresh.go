package session

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/hexward/hexward/core/fault"
)

// A refresh token is two random parts in base64url: 16 bytes that name the
// family and stay, and 32 bytes that are new each time. The store knows the
// SHA-256 of both, so it can tell a token that was replaced (the family is
// known, the rest is not the present one) from one that never was, at one row a
// session.
const (
	familySize  = 16
	freshSize   = 32
	refreshSize = familySize + freshSize

	// RefreshLength is the length of a refresh token as text.
	RefreshLength = refreshSize * 8 / 6
)

var errRefresh = fault.New(fault.Unauthenticated, "refresh_unknown", "this refresh token is not valid; please sign in")

// MintRefresh makes the first refresh token of a family, which it sets in the
// session. An error is random's.
func (s *Session) MintRefresh(random io.Reader) (token string, err error) {
	var b [refreshSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	s.Family, s.Refresh = sha256.Sum256(b[:familySize]), sha256.Sum256(b[:])
	s.FreshAt = s.SignedInAt
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Refresh is a refresh token that somebody presented, taken apart.
type Refresh struct {
	Family Hash // by which the store finds the session
	Whole  Hash // by which the session knows whether the token is the present one
	family [familySize]byte
}

// ParseRefresh takes a refresh token apart. What has not the form of one is an
// Unauthenticated fault.
func ParseRefresh(token string) (Refresh, error) {
	var r Refresh
	if len(token) != RefreshLength {
		return r, errRefresh
	}
	b, err := strict.DecodeString(token)
	if err != nil || len(b) != refreshSize { // the decoder skips line breaks
		return r, errRefresh
	}
	copy(r.family[:], b)
	r.Family, r.Whole = sha256.Sum256(b[:familySize]), sha256.Sum256(b)
	return r, nil
}

// Next makes the token that follows in the family, and its hash. An error is
// random's.
func (r *Refresh) Next(random io.Reader) (token string, whole Hash, err error) {
	var b [refreshSize]byte
	copy(b[:], r.family[:])
	if _, err := io.ReadFull(random, b[familySize:]); err != nil {
		return "", Hash{}, fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), sha256.Sum256(b[:]), nil
}
