package token

import (
	"strings"
	"unicode/utf8"
)

// escapeLen returns the length of the escape sequence at the start of s, a surrogate pair taken as one, or 0 when it is
// none.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := hex4(s, 2)
		switch {
		case !ok || r >= 0xDC00 && r <= 0xDFFF:
			return 0
		case r < 0xD800 || r > 0xDBFF:
			return 6
		}
		if len(s) < 12 || s[6] != '\\' || s[7] != 'u' {
			return 0
		}
		if low, ok := hex4(s, 8); ok && low >= 0xDC00 && low <= 0xDFFF {
			return 12
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits at s[i:].
func hex4(s string, i int) (rune, bool) {
	if len(s)-i < 4 {
		return 0, false
	}
	var r rune
	for _, d := range [4]byte{s[i], s[i+1], s[i+2], s[i+3]} {
		c := d
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescaper yields, byte by byte, what the inside of a JSON string stands for. The text must have been checked.
type unescaper struct {
	text string
	pos  int
	rest [utf8.UTFMax]byte // of a rune that was escaped
	n, i int
}

func (u *unescaper) next() (byte, bool) {
	if u.i < u.n {
		c := u.rest[u.i]
		u.i++
		return c, true
	}
	if u.pos >= len(u.text) {
		return 0, false
	}
	c := u.text[u.pos]
	if c != '\\' {
		u.pos++
		return c, true
	}
	size := escapeLen(u.text[u.pos:])
	if size == 0 {
		return 0, false
	}
	c = u.text[u.pos+1]
	if c == 'u' {
		r, _ := hex4(u.text, u.pos+2)
		if size == 12 {
			low, _ := hex4(u.text, u.pos+8)
			r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		}
		u.pos += size
		u.n, u.i = utf8.EncodeRune(u.rest[:], r), 1
		return u.rest[0], true
	}
	u.pos += size
	switch c {
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	default:
		return c, true
	}
}

func hasEscape(s string) bool { return strings.IndexByte(s, '\\') >= 0 }

// appendUnescaped appends what the inside s of a checked JSON string stands for; that is never longer than s.
func appendUnescaped(dst []byte, s string) []byte {
	u := unescaper{text: s}
	for c, ok := u.next(); ok; c, ok = u.next() {
		dst = append(dst, c)
	}
	return dst
}

// oddByte is not zero for the bytes of a name that keep it from being compared as it stands: escapes, and what has or folds
// to another case.
var oddByte = func() (t [256]byte) {
	for c := range t {
		if c == '\\' || c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			t[c] = 1
		}
	}
	return t
}()

// hashName returns a number that is the same for equal names, their escapes resolved, and seldom for others (the length,
// and three of the bytes), and whether the name holds an oddByte.
func hashName(s string) (h uint32, odd bool) {
	if s == "" {
		return 0, false
	}
	var seen byte
	for i := 0; i < len(s); i++ {
		seen |= oddByte[s[i]]
	}
	if seen == 0 || !hasEscape(s) {
		return hashBytes(len(s), s[0], s[len(s)/2], s[len(s)-1]), seen != 0
	}
	n := 0
	u := unescaper{text: s}
	for ; ; n++ {
		if _, ok := u.next(); !ok {
			break
		}
	}
	u = unescaper{text: s}
	var first, middle, last byte
	for i := range n {
		last, _ = u.next()
		if i == 0 {
			first = last
		}
		if i == n/2 {
			middle = last
		}
	}
	return hashBytes(n, first, middle, last), true
}

func hashBytes(n int, first, middle, last byte) uint32 {
	return uint32(n)&0xFF | uint32(first)<<8 | uint32(middle)<<16 | uint32(last)<<24
}

// equalNames reports whether two names are equal once their escapes are resolved.
func equalNames(a, b string) bool {
	if !hasEscape(a) && !hasEscape(b) {
		return a == b
	}
	ua, ub := unescaper{text: a}, unescaper{text: b}
	for {
		ca, okA := ua.next()
		cb, okB := ub.next()
		if okA != okB || ca != cb {
			return false
		}
		if !okA {
			return true
		}
	}
}

// nameIs reports whether the escaped name stands for want, which holds no backslash.
func nameIs(escaped, want string) bool {
	return escaped == want || hasEscape(escaped) && equalNames(escaped, want)
}

// foldsTo reports whether name, its escapes resolved, equals the lower-case ASCII word want when letters are compared
// without regard to case, in the way of readers that fold: ASCII, and the two other characters whose simple folding is an
// ASCII letter, U+017F (s) and U+212A (k).
func foldsTo(name, want string) bool {
	u := unescaper{text: name}
	for i := 0; i < len(want); i++ {
		c, ok := u.next()
		if !ok {
			return false
		}
		switch {
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c == 0xC5 && want[i] == 's':
			if d, _ := u.next(); d == 0xBF {
				c = 's'
			}
		case c == 0xE2 && want[i] == 'k':
			d, _ := u.next()
			if e, _ := u.next(); d == 0x84 && e == 0xAA {
				c = 'k'
			}
		}
		if c != want[i] {
			return false
		}
	}
	_, more := u.next()
	return !more
}
