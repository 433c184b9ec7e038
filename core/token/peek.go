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
	named, err := w.pending.PeekIssuer(w.input)
	return strings.Clone(named), err // not a part of what the next token is decoded into
}

// PeekIssuer is the function PeekIssuer for a token in a byte slice. What it returns shares p's memory: it is good until the next use
// of p. It allocates nothing once that memory has grown to its size.
func (p *Pending) PeekIssuer(compact []byte) (string, error) {
	p.forget()
	payload, _, ok := p.split(compact)
	p.SigningInput = nil
	if !ok {
		return "", ErrMalformed
	}
	text, s := view(payload), &p.scanner
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
	mem := memory{text: p.memory.text[:0]}
	named, ok := mem.unescape(issuer, len(text))
	p.memory.text = mem.text
	switch {
	case !ok:
		return "", ErrClaims
	case named == "":
		return "", ErrClaimMissing
	}
	return named, nil
}

// Join returns texts one after another. It is for who decides about the claims of p: with Volatile the result shares p's memory as they
// do, and is good until the next Prepare or Join.
func (p *Pending) Join(texts ...string) string {
	p.joined = p.joined[:0]
	for _, text := range texts {
		p.joined = append(p.joined, text...)
	}
	if p.Volatile {
		return view(p.joined)
	}
	return string(p.joined)
}

// Digest returns the SHA-256 of a token's text, under which what is known of it can
// be kept. It allocates nothing.
func Digest(text string) [sha256.Size]byte { return sha256.Sum256(bytesOf(text)) }
