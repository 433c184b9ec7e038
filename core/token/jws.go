package token

import "bytes"

// minBuffer is the capacity, in bytes, that a Pending starts with: enough for any token of the default length.
const minBuffer = DefaultMaxLength

// Pending is a token whose signature has yet to be verified, together with the memory that it was decoded into. Its zero
// value is ready for use; it can be used for one token after another, but not by two goroutines at a time.
type Pending struct {
	Key          *Key   // the key that the signature must verify under; its Algorithm is that of the token
	SigningInput []byte // what was signed: a part of the bytes given to Prepare
	Signature    []byte // the decoded signature, in the form of JWS; good until the next Prepare

	// Volatile makes the claims that Finish fills in share this Pending's memory: they are good until its next Prepare, and
	// nothing is allocated once that memory has grown to its size. Otherwise claims get memory of their own.
	Volatile bool

	owner     *Verifier // who prepared this; nil when nobody did
	primitive Primitive
	header    []byte // decoded
	payload   []byte // decoded
	buffer    []byte // what all decoded parts are in
	joined    []byte // see Join
	memory    memory
	scanner   scanner
	known     struct { // the last header that was accepted
		owner *Verifier
		text  []byte
		key   int
	}
}

// maxKnown is the length in bytes of the longest header that a Pending remembers.
const maxKnown = 512

// split takes a compact JWS (RFC 7515 §7.1) apart and decodes its three parts into p's buffer.
func (p *Pending) split(compact []byte) (payload, signature []byte, ok bool) {
	first := bytes.IndexByte(compact, '.')
	if first < 0 {
		return nil, nil, false
	}
	second := bytes.IndexByte(compact[first+1:], '.')
	if second < 0 {
		return nil, nil, false
	}
	second += first + 1
	if cap(p.buffer) < len(compact) {
		p.buffer = make([]byte, max(len(compact), minBuffer, 2*cap(p.buffer)))
	}
	buffer := p.buffer[:cap(p.buffer)]
	h, okHeader := decodeBase64(buffer, compact[:first])
	y, okPayload := decodeBase64(buffer[h:], compact[first+1:second])
	s, okSignature := decodeBase64(buffer[h+y:], compact[second+1:]) // a third dot is no base64url
	if !okHeader || !okPayload || !okSignature {
		return nil, nil, false
	}
	p.SigningInput, p.header = compact[:second:second], buffer[:h:h]
	return buffer[h : h+y : h+y], buffer[h+y : h+y+s : h+y+s], true
}

// header is what counts of a JOSE header.
type header struct {
	alg, typ, kid          string
	hasAlg, hasTyp, hasKid bool
}

// The header members that are read, as indexes into headerNames. Those after headerCrit are refused.
const (
	headerAlg = iota
	headerTyp
	headerKid
	headerCrit
	headerNever
)

var headerNames = [...]string{"alg", "typ", "kid", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"}

func headerOf(name string) int {
	switch name {
	case "alg":
		return headerAlg
	case "typ":
		return headerTyp
	case "kid":
		return headerKid
	case "crit":
		return headerCrit
	case "b64", "zip", "jwk", "jku", "x5u", "x5c":
		return headerNever
	default:
		return -1
	}
}

// readHeader reads a JOSE header (RFC 7515 §4). What it returns shares the text's memory, or mem's.
func readHeader(text string, s *scanner, mem *memory) (h header, err error) {
	if !s.scanObject(text) {
		return h, ErrMalformed
	}
	for i := range s.n {
		m := &s.members[i]
		v := Value{text: text[m.value:m.valueEnd]}
		index, ok := -1, true
		if m.odd {
			index, ok = m.oddIndex(text, headerNames[:])
		} else {
			index = headerOf(text[m.name:m.nameEnd])
		}
		if !ok || index >= headerNever {
			return h, ErrHeader
		}
		ok = true
		switch index {
		case headerAlg:
			h.alg, ok = mem.unescape(v, len(text))
			h.hasAlg = true
		case headerTyp:
			h.typ, ok = mem.unescape(v, len(text))
			h.hasTyp = true
		case headerKid:
			h.kid, ok = mem.unescape(v, len(text))
			h.hasKid = true
			ok = ok && h.kid != "" && len(h.kid) <= maxKeyID
		case headerCrit:
			return h, ErrCrit
		}
		if !ok {
			return h, ErrMalformed
		}
	}
	return h, nil
}

// sameType reports whether two typ values name the same media type: without regard to case, and "application/" may be
// left out of one that has no other slash (RFC 7515 §4.1.9).
func sameType(a, b string) bool {
	return equalFold(shortType(a), shortType(b))
}

func shortType(t string) string {
	const prefix = "application/"
	if len(t) <= len(prefix) || !equalFold(t[:len(prefix)], prefix) {
		return t
	}
	short := t[len(prefix):]
	for i := 0; i < len(short); i++ {
		if short[i] == '/' {
			return t
		}
	}
	return short
}

// equalFold reports whether a and b are equal but for the case of ASCII letters.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}
