package token

import (
	"crypto/sha256"
	"strings"
)

// PeekIssuer returns what a compact JWS says is its issuer, which nobody has
// verified: it is only to pick the verifier by, which then refuses the token if it
// is not that issuer's. The token and its payload have the form that Verify demands,
// and no other claim than iss is looked at; else the error is ErrMalformed or
// ErrClaims. It is ErrClaimMissing when no issuer is named. The caller bounds the
// length.
func PeekIssuer(compact string) (string, error) {
	w := newWork()
	defer w.release()
	w.input = append(w.input[:0], compact...)
	payload, _, ok := w.pending.split(w.input)
	if !ok {
		return "", ErrMalformed
	}
	text, s := view(payload), &w.pending.scanner
	if !s.scanObject(text) {
		return "", ErrClaims
	}
	issuer := Value{}
	for i := range s.n {
		m := &s.members[i]
		is := text[m.name:m.nameEnd] == claimNames[claimIssuer]
		if m.odd {
			claim, ok := m.oddIndex(text, claimNames[claimIssuer:claimIssuer+1])
			if !ok {
				return "", ErrClaims
			}
			is = claim == claimIssuer
		}
		if is {
			issuer = Value{text: text[m.value:m.valueEnd]}
		}
	}
	if issuer.Kind() == KindInvalid {
		return "", ErrClaimMissing
	}
	named, ok := issuer.Text()
	switch {
	case !ok:
		return "", ErrClaims
	case named == "":
		return "", ErrClaimMissing
	}
	return strings.Clone(named), nil // not a part of what the next token is decoded into
}

// Digest returns the SHA-256 of a token's text, under which what is known of it can
// be kept. It allocates nothing.
func Digest(text string) [sha256.Size]byte { return sha256.Sum256(bytesOf(text)) }
