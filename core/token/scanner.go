package token

import "unicode/utf8"

// Limits of the JSON that is read. Beyond them a document is refused, not truncated.
const (
	maxDepth    = 16      // objects and arrays inside one another
	maxMembers  = 256     // members of an object together with those before it in the objects around it
	maxDocument = 1 << 30 // bytes, so that offsets fit 32 bits
)

// member is where one member of an object stands in the text: its name between the quotes, and its value.
type member struct {
	hash            uint32 // of the unescaped name
	odd             bool   // the name holds an oddByte
	name, nameEnd   uint32
	value, valueEnd uint32 // valueEnd is set for members of the outermost object only
}

// scanner checks a JSON text in one pass, without recursion and without allocating, and afterwards holds the members of
// the outermost object in members[:n].
type scanner struct {
	text    string
	pos     int
	n       int
	depth   int
	escapes bool              // there is an escape somewhere in the text
	objects uint32            // bit d is set when the container at depth d is an object
	base    [maxDepth + 1]int // index of the first member of the container at that depth
	members [maxMembers]member
}

// plain marks the bytes that stand for themselves in a string and need no further look.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// scan reports whether text is one strict JSON text.
func (s *scanner) scan(text string) bool {
	s.text, s.pos, s.n, s.depth, s.objects, s.escapes = text, 0, 0, 0, 0, false
	if len(text) > maxDocument {
		return false
	}
	s.space()
	for {
		opened, ok := s.begin()
		if !ok {
			return false
		}
		if opened {
			continue
		}
		more, ok := s.end()
		if !ok {
			return false
		}
		if !more {
			return s.pos == len(s.text)
		}
	}
}

// scanObject is scan for a text that must be an object.
func (s *scanner) scanObject(text string) bool {
	return s.scan(text) && s.objects&2 != 0
}

// begin reads a scalar, an empty container, or the start of a container up to its first value; opened tells the latter.
func (s *scanner) begin() (opened, ok bool) {
	if s.pos >= len(s.text) {
		return false, false
	}
	switch c := s.text[s.pos]; c {
	case '{', '[':
		if s.depth == maxDepth {
			return false, false
		}
		s.pos++
		s.depth++
		s.base[s.depth] = s.n
		s.space()
		if c == '[' {
			s.objects &^= 1 << s.depth
			if s.pos < len(s.text) && s.text[s.pos] == ']' {
				s.pos++
				s.depth--
				return false, true
			}
			return true, true
		}
		s.objects |= 1 << s.depth
		if s.pos < len(s.text) && s.text[s.pos] == '}' {
			s.pos++
			s.depth--
			return false, true
		}
		return true, s.memberName()
	case '"':
		return false, s.str()
	case 't':
		return false, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return false, s.literal("null")
	default:
		return false, s.number()
	}
}

// end reads what follows a value: the ends of containers, then a comma and, in an object, the next member's name. more is
// false when the outermost value has ended.
func (s *scanner) end() (more, ok bool) {
	for {
		if s.depth == 1 && s.objects&2 != 0 && s.n > 0 {
			s.members[s.n-1].valueEnd = uint32(s.pos)
		}
		s.space()
		if s.depth == 0 {
			return false, true
		}
		if s.pos >= len(s.text) {
			return false, false
		}
		object := s.objects&(1<<s.depth) != 0
		switch c := s.text[s.pos]; {
		case c == ',':
			s.pos++
			s.space()
			if object {
				return true, s.memberName()
			}
			return true, true
		case c == '}' && object, c == ']' && !object:
			s.pos++
			if s.depth > 1 {
				s.n = s.base[s.depth]
			}
			s.depth--
		default:
			return false, false
		}
	}
}

func (s *scanner) space() {
	for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.pos < len(word) || s.text[s.pos:s.pos+len(word)] != word {
		return false
	}
	s.pos += len(word)
	return true
}

// memberName reads a name, which must be new in its object, the colon, and the space before the value.
func (s *scanner) memberName() bool {
	if s.n == maxMembers || s.pos >= len(s.text) || s.text[s.pos] != '"' {
		return false
	}
	start := s.pos + 1
	if !s.str() {
		return false
	}
	name := s.text[start : s.pos-1]
	hash, odd := hashName(name)
	for i := s.base[s.depth]; i < s.n; i++ {
		m := &s.members[i]
		if m.hash == hash && equalNames(s.text[m.name:m.nameEnd], name) {
			return false
		}
	}
	m := &s.members[s.n]
	m.hash, m.odd, m.name, m.nameEnd = hash, odd, uint32(start), uint32(s.pos-1)
	s.n++
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != ':' {
		return false
	}
	s.pos++
	s.space()
	m.value = uint32(s.pos)
	return true
}

// str reads a string, from its opening to its closing quote.
func (s *scanner) str() bool {
	text, i := s.text, s.pos+1
	for i < len(text)-7 && plain8(text[i:i+8]) {
		i += 8
	}
	for i < len(text) {
		c := text[i]
		switch {
		case plain[c]:
			i++
		case c == '"':
			s.pos = i + 1
			return true
		case c == '\\':
			n := escapeLen(text[i:])
			if n == 0 {
				return false
			}
			i += n
			s.escapes = true
		case c < utf8.RuneSelf: // a control character
			return false
		default:
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n <= 1 {
				return false
			}
			i += n
		}
	}
	return false
}

// plain8 reports whether the eight bytes of s are plain, all at once.
func plain8(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	// Of bytes below 0x80, subtracting n sets the top bit of those below n, and of some above such a one.
	return (x|(x-ones*0x20)|((x^ones*'"')-ones)|((x^ones*'\\')-ones))&tops == 0
}

// number reads a number (RFC 8259 §6).
func (s *scanner) number() bool {
	if s.pos < len(s.text) && s.text[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.text) && s.text[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.text) && s.text[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.text) && s.text[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.text) && (s.text[s.pos] == '+' || s.text[s.pos] == '-') {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && isDigit(s.text[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func isDigit(c byte) bool { return c-'0' <= 9 }
