package token

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON values. KindInvalid is that of the zero Value.
const (
	KindInvalid Kind = iota
	KindObject
	KindArray
	KindString
	KindNumber
	KindBool
	KindNull
)

// Value is one value of a JSON document that ParseJSON has checked. It is a view into that document's text, and finding a
// member means reading the text again, so it suits documents that are read once, in order. None of its methods allocates
// but Text, and that only for a string with escapes. The zero Value is invalid: it has no members and converts to nothing.
type Value struct{ text string }

// ParseJSON checks that doc is one strict JSON text (RFC 8259 and the rules in the package comment; at most 2^30 bytes) and
// returns its value. Otherwise it returns ErrMalformed. It allocates nothing.
func ParseJSON(doc string) (Value, error) {
	var s scanner
	if !s.scan(doc) {
		return Value{}, ErrMalformed
	}
	return Value{text: trimSpace(doc)}, nil
}

func trimSpace(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// Kind returns the type of v.
func (v Value) Kind() Kind {
	if v.text == "" {
		return KindInvalid
	}
	switch v.text[0] {
	case '{':
		return KindObject
	case '[':
		return KindArray
	case '"':
		return KindString
	case 't', 'f':
		return KindBool
	case 'n':
		return KindNull
	default:
		return KindNumber
	}
}

// Raw returns the JSON text of v without whitespace around it.
func (v Value) Raw() string { return v.text }

// Text returns the string that v is, unescaped, and whether v is a string.
func (v Value) Text() (string, bool) {
	if v.Kind() != KindString {
		return "", false
	}
	inside := v.text[1 : len(v.text)-1]
	if !hasEscape(inside) {
		return inside, true
	}
	return string(appendUnescaped(make([]byte, 0, len(inside)), inside)), true
}

// Int returns the integer that v is, and whether v is a number with an integral value (1, 1.0 and 10e-1 alike) of less
// than 2^53 in magnitude.
func (v Value) Int() (int64, bool) {
	if v.Kind() != KindNumber {
		return 0, false
	}
	return parseInt(v.text)
}

// Bool returns the boolean that v is, and whether v is one.
func (v Value) Bool() (value, ok bool) {
	return v.text == "true", v.Kind() == KindBool
}

// Member returns the member of the object v called name, and whether v is an object with such a member.
func (v Value) Member(name string) (Value, bool) {
	if v.Kind() != KindObject {
		return Value{}, false
	}
	c := v.Members()
	for c.Next() {
		if c.is(name) {
			return c.value, true
		}
	}
	return Value{}, false
}

// Members returns a cursor over the elements of an array or the members of an object, in the document's order. The
// cursor of any other value is empty.
func (v Value) Members() Cursor {
	kind := v.Kind()
	if kind != KindObject && kind != KindArray {
		return Cursor{}
	}
	return Cursor{rest: v.text[1:], object: kind == KindObject}
}

// Cursor walks an array or an object:
//
//	for c := v.Members(); c.Next(); {
//		use(c.Name(), c.Value())
//	}
type Cursor struct {
	rest   string // what follows the current element, from its comma or closing bracket on
	name   string // still escaped
	value  Value
	object bool
}

// Next moves to the next element and reports whether there is one.
func (c *Cursor) Next() bool {
	s := c.rest
	for len(s) > 0 && (isSpace(s[0]) || s[0] == ',') {
		s = s[1:]
	}
	c.rest, c.name, c.value = "", "", Value{}
	if s == "" || s[0] == ']' || s[0] == '}' {
		return false
	}
	if c.object {
		n := stringLen(s)
		if n < 2 {
			return false
		}
		c.name = s[1 : n-1]
		for s = s[n:]; len(s) > 0 && (isSpace(s[0]) || s[0] == ':'); {
			s = s[1:]
		}
	}
	n := valueLen(s)
	c.value, c.rest = Value{text: s[:n]}, s[n:]
	return n > 0
}

// Name returns the unescaped name of the current member, or "" in an array.
func (c *Cursor) Name() string {
	if !hasEscape(c.name) {
		return c.name
	}
	return string(appendUnescaped(nil, c.name))
}

// Value returns the current element, or the zero Value outside of the walk.
func (c *Cursor) Value() Value { return c.value }

// is reports whether the current member is called name.
func (c *Cursor) is(name string) bool {
	u := unescaper{text: c.name}
	for i := 0; i < len(name); i++ {
		if b, ok := u.next(); !ok || b != name[i] {
			return false
		}
	}
	_, more := u.next()
	return !more
}

// stringLen returns the length of the checked JSON string at the start of s, its quotes included.
func stringLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(s)
}

// valueLen returns the length of the checked JSON value at the start of s.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '"':
			i += stringLen(s[i:])
			if depth == 0 {
				return min(i, len(s))
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
			if depth == 0 {
				return i
			}
		case ',', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
			i++
		default:
			i++
		}
	}
	return len(s)
}

// maxInt is the greatest integer that every JSON reader takes exactly (RFC 8259 §6).
const maxInt = 1<<53 - 1

// parseInt returns the value of a checked JSON number that is integral and of at most maxInt in magnitude.
func parseInt(s string) (int64, bool) {
	if v, ok := parseDigits(s); ok {
		return v, true
	}
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	// value = m × 10^(zeros - fraction + exponent), where the last digit that went into m is not zero.
	var m int64
	zeros, fraction, exponent := 0, 0, 0
	point := false
	i := 0
	for ; i < len(s) && s[i]|0x20 != 'e'; i++ {
		switch c := s[i]; {
		case c == '.':
			point = true
			continue
		case !isDigit(c):
			return 0, false
		case c == '0':
			zeros++
		default:
			for ; zeros > 0 && m > 0; zeros-- {
				if m *= 10; m > maxInt {
					return 0, false
				}
			}
			zeros = 0
			if m = m*10 + int64(c-'0'); m > maxInt {
				return 0, false
			}
		}
		if point {
			fraction++
		}
	}
	if i < len(s) {
		i++ // e
		down := i < len(s) && s[i] == '-'
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		for ; i < len(s); i++ {
			if !isDigit(s[i]) {
				return 0, false
			}
			exponent = min(exponent*10+int(s[i]-'0'), maxDocument/10-1)
		}
		if down {
			exponent = -exponent
		}
	}
	if m == 0 {
		return 0, true
	}
	shift := zeros - fraction + exponent
	if shift < 0 {
		return 0, false
	}
	for ; shift > 0; shift-- {
		if m *= 10; m > maxInt {
			return 0, false
		}
	}
	if negative {
		m = -m
	}
	return m, true
}

// parseDigits is parseInt for what nearly all integers look like.
func parseDigits(s string) (v int64, ok bool) {
	if len(s) > 15 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
	}
	return v, true
}

// length returns the number of elements of an array or members of an object, and 0 for another value.
func (v Value) length() int {
	n := 0
	c := v.Members()
	for c.Next() {
		n++
	}
	return n
}
