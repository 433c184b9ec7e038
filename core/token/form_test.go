package token_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
)

// TestVerifier_Verify_form has tokens that are not made of a header, a payload and a signature in the usual way.
func TestVerifier_Verify_form(t *testing.T) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s := signers()[name]
			v := verifier(t, config(t, s))
			header, claims := b64(s.header()), b64(goodPayload)
			good := s.signParts(header, claims)
			dot := strings.LastIndexByte(good, '.')
			input, sig := good[:dot], good[dot+1:]
			empty := s.signParts("", "")
			for _, tc := range []struct {
				name, compact string
				want          error
			}{
				{"good", good, nil},
				{"empty", "", token.ErrMalformed},
				{"dots", "..", token.ErrMalformed},
				{"more dots", "....", token.ErrMalformed},
				{"one part", header, token.ErrMalformed},
				{"two parts", input, token.ErrMalformed},
				{"four parts", good + "." + sig, token.ErrMalformed},
				{"trailing dot", good + ".", token.ErrMalformed},
				{"leading dot", "." + good, token.ErrMalformed},
				{"five parts, as if encrypted", header + ".." + claims + "." + sig + ".AA", token.ErrMalformed},
				{"empty header and payload", empty, token.ErrMalformed},
				{"no signature", input + ".", token.ErrSignature},
				{"no payload", s.signParts(header, ""), token.ErrClaims},
				{"JSON serialization", `{"payload":"` + claims + `","protected":"` + header + `","signature":"` + sig + `"}`, token.ErrMalformed},
				{"Bearer", "Bearer " + good, token.ErrMalformed},
				{"leading space", " " + good, token.ErrMalformed},
				{"trailing space", good + " ", token.ErrMalformed},
				{"trailing line end", good + "\n", token.ErrMalformed},
				{"trailing NUL", good + "\x00", token.ErrMalformed},
				{"line end in the payload", s.signParts(header, claims[:4]+"\n"+claims[4:]), token.ErrMalformed},
				{"line end in the header", s.signParts(header[:4]+"\r\n"+header[4:], claims), token.ErrMalformed},
				{"padding in the header", s.signParts(b64(s.header()+" ")+"=", claims), token.ErrMalformed},
				{"padding in the payload", s.signParts(header, claims+"=="), token.ErrMalformed},
				{"padding in the signature", good + "=", token.ErrMalformed},
				{"standard alphabet", s.signParts(header, claims+"+/"), token.ErrMalformed},
				{"not ASCII", s.signParts(header, claims+"é"), token.ErrMalformed},
				{"a character too few", good[:len(good)-len(sig)] + strings.Repeat("A", 85), token.ErrMalformed},
				{"trailing bits in the header", s.signParts(trailingBits(s.header()), claims), token.ErrMalformed},
				{"trailing bits in the payload", s.signParts(header, trailingBits(goodPayload)), token.ErrMalformed},
				{"signature of zeros", input + "." + strings.Repeat("A", len(sig)), token.ErrSignature},
				{"signature too long", input + "." + sig + strings.Repeat("A", 4*(1+len(sig)%2)-len(sig)%4), token.ErrSignature},
				{"signature too short", input + "." + sig[:len(sig)/4*4-4], token.ErrSignature},
				{"signature of another token", input + "." + s.signParts(header, b64(payload))[len(header)+len(b64(payload))+2:], token.ErrSignature},
				{"payload of another token", header + "." + b64(payload) + "." + sig, token.ErrSignature},
				{"header of another token", b64(s.header()+" ") + "." + claims + "." + sig, token.ErrSignature},
				{"of 8,192 bytes", s.sized(t, 8192), nil},
				{"of 8,193 bytes", s.sized(t, 8193), token.ErrTooLong},
				{"long and malformed", strings.Repeat("?", 1<<20), token.ErrTooLong},
				{"bad claims under a bad signature", header + "." + b64("{") + "." + sig, token.ErrSignature},
				{"expired under a bad signature", header + "." + b64(claimsWith("1")) + "." + sig, token.ErrSignature},
			} {
				t.Run(tc.name, func(t *testing.T) {
					var out token.Claims
					err := v.Verify(tc.compact, now, &out)
					if err != tc.want { //nolint:errorlint // sentinels are returned bare, which this checks
						t.Fatalf("got %v, want %v", err, tc.want)
					}
					sameByHalves(t, v, tc.compact, out, err)
				})
			}
		})
	}
}

// trailingBits encodes s, lengthened by spaces, with the bits set that no byte needs.
func trailingBits(s string) string {
	for len(s)%3 != 2 {
		s += " "
	}
	e := b64(s)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return e[:len(e)-1] + string(alphabet[strings.IndexByte(alphabet, e[len(e)-1])|1])
}

// sized returns a good token of that many bytes.
func (s signer) sized(t *testing.T, size int) string {
	t.Helper()
	length, signatureLen := base64.RawURLEncoding.EncodedLen, len(s.signature(""))
	for pad := range size {
		for spaces := range 3 { // a part cannot have every length
			header := s.header() + strings.Repeat(" ", spaces)
			doc := withClaims(`"x":"` + strings.Repeat("x", pad) + `"`)
			if length(len(header))+length(len(doc))+length(signatureLen)+2 == size {
				return s.sign(header, doc)
			}
		}
	}
	t.Fatalf("no token of %d bytes", size)
	return ""
}
