package access

import (
	"math/bits"
	"unicode/utf8"
)

// The bounds of a policy and of what it is asked about.
const (
	MaxRules    = 4096 // of a policy
	MaxPath     = 4096 // bytes of a request's path, as it came, without its query
	maxRulePath = 1024 // bytes of a rule's path
	maxDepth    = 64   // segments of a rule's path
)

// Policy is an ordered list of rules, of which the first that is about a request holds. It is
// immutable and safe for concurrent use. The zero Policy, like a nil one, has no rules: everything demands a session.
//
// A decision costs at most a pass over the path and, for each of its segments that a rule looks at, a pass over one bit a
// rule; it does not depend on how the rules overlap. The whole takes memory in proportion to the text of the rules.
type Policy struct {
	rules   []Rule
	methods []methodRules
	others  ruleSet   // the rules about any method that no rule names
	levels  []level   // one for each segment that a rule looks at
	ends    []ruleSet // by the number of segments, the rules about paths of that many; the last for any greater number
}

// ruleSet has a bit for each rule, the first rule's being the lowest.
type ruleSet []uint64

// methodRules are the rules about a method.
type methodRules struct {
	name  string
	rules ruleSet
}

// level is what the rules say of the segment at one depth.
type level struct {
	any      ruleSet   // those that take any segment here
	literals []literal // those that take one text only
	slots    []uint16  // a hash table of indexes into literals, plus 1; 0 is free; as many as a power of two
	longest  int       // bytes of the longest literal
}

// literal is the rules that take one text at one depth.
type literal struct {
	text  string
	parts []part
}

// part is one word of a ruleSet, of which the others are zero.
type part struct {
	word int
	bits uint64
}

// noRule is what holds where no rule is about a request.
var noRule = &Rule{}

// Len returns the number of rules.
func (p *Policy) Len() int {
	if p == nil {
		return 0
	}
	return len(p.rules)
}

// Rule returns the rule with an index, or the default for -1 and any other number that is no index. Nobody changes it.
func (p *Policy) Rule(index int) *Rule {
	if index < 0 || index >= p.Len() {
		return noRule
	}
	return &p.rules[index]
}

// Match returns the rule that is about a request, and its index; the default and -1 for a request that no rule is
// about. ok is false, and the rule nil, for a path that can be read in more than one way. The path is as it came, still escaped, and may
// have a query, which is not looked at. Nobody changes the rule. It allocates nothing.
//
// The path's segments are compared decoded and to the letter: case matters, and so do the bytes of a character. A trailing
// slash makes no difference. A path is refused when it
//
//   - is empty, does not begin with a slash ("*" and absolute URLs too), or is longer than MaxPath bytes;
//   - has an empty segment, other than a last one, or a segment that is "." or "..", in whatever spelling;
//   - has a semicolon or backslash, or an escaped slash, semicolon or backslash;
//   - has a control character, escaped or not, or any of space, "#" and bytes above 0x7f that is not escaped;
//   - has a "%" without two hexadecimal digits, or escapes that are not valid UTF-8;
//   - is, decoded once, escaped again: has "%" with two hexadecimal digits after it.
//
// A method that no rule names, and one in lower case, is what rules without methods are about.
func (p *Policy) Match(method, path string) (rule *Rule, index int, ok bool) {
	if path == "" || path[0] != '/' {
		return nil, -1, false
	}
	path = path[:min(len(path), MaxPath+1)]
	var on stack
	set := ruleSet(nil)
	if p.Len() > 0 {
		set = append(on.words(), p.about(method)...)
	}
	depth, left := 0, len(set) > 0
	for at := 1; ; {
		s, ok := readSegment(path, at)
		if !ok {
			return nil, -1, false
		}
		if s.size > 0 {
			if left && depth < len(p.levels) {
				l := &p.levels[depth]
				left = set.narrow(l.any, l.find(path, &s))
			}
			depth++
		}
		if s.end == len(path) || path[s.end] == '?' {
			break
		}
		at = s.end + 1
	}
	if left {
		if first := set.first(p.ends[min(depth, len(p.ends)-1)]); first >= 0 {
			return p.Rule(first), first, true
		}
	}
	return noRule, -1, true
}

// about returns the rules about a method.
func (p *Policy) about(method string) ruleSet {
	for i := range p.methods {
		if p.methods[i].name == method {
			return p.methods[i].rules
		}
	}
	return p.others
}

// narrow keeps the rules that are in one of two sets, the second of which is given by its parts, and reports whether there are
// any.
func (s ruleSet) narrow(a ruleSet, b []part) bool {
	var some uint64
	a = a[:len(s)]
	for i, held := range s {
		keep := a[i]
		if len(b) > 0 && b[0].word == i {
			keep |= b[0].bits
			b = b[1:]
		}
		keep &= held
		s[i] = keep
		some |= keep
	}
	return some != 0
}

// first returns the first rule that both sets have, or -1.
func (s ruleSet) first(other ruleSet) int {
	for i := range s {
		if both := s[i] & other[i]; both != 0 {
			return i*64 + bits.TrailingZeros64(both)
		}
	}
	return -1
}

func (s ruleSet) add(rule int) { s[rule/64] |= 1 << (rule % 64) }

// find returns the rules that take a segment for what it is.
func (l *level) find(path string, s *segment) []part {
	if s.size > l.longest || len(l.slots) == 0 {
		return nil
	}
	text := path[s.start:s.end]
	for at := hash(text, s.escaped); ; at++ {
		i := l.slots[int(at)&(len(l.slots)-1)]
		if i == 0 {
			return nil
		}
		if found := &l.literals[i-1]; same(found.text, text, s.escaped) {
			return found.parts
		}
	}
}

// hash is FNV-1a of a text that is well formed, decoded if it is escaped. An attacker gains nothing by texts of the same
// hash: what is in the table is the policy's.
func hash(text string, escaped bool) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(text); i++ {
		c := text[i]
		if escaped && c == '%' {
			c = unhex(text[i+1])<<4 | unhex(text[i+2])
			i += 2
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// same reports whether a text that is well formed is this one, decoded if it is escaped.
func same(want, text string, escaped bool) bool {
	if !escaped {
		return want == text
	}
	n := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			c = unhex(text[i+1])<<4 | unhex(text[i+2])
			i += 2
		}
		if n == len(want) || want[n] != c {
			return false
		}
		n++
	}
	return n == len(want)
}

// segment is what stands between two slashes.
type segment struct {
	start, end int
	size       int // bytes, decoded
	escaped    bool
}

// The classes of bytes in a path as it came.
const (
	classPlain = iota
	classEnd   // of a segment
	classEscape
	classRefused
)

var classes = func() (c [256]uint8) {
	for i := range c {
		if i <= ' ' || i >= 0x7f {
			c[i] = classRefused
		}
	}
	c['/'], c['?'], c['%'] = classEnd, classEnd, classEscape
	c['#'], c[';'], c['\\'] = classRefused, classRefused, classRefused
	return c
}()

// readSegment reads the segment that starts at an index, up to a slash, a query or the path's end. ok is false if it has what Match refuses.
func readSegment(path string, start int) (s segment, ok bool) {
	i := start
	for i < len(path) && classes[path[i]] == classPlain {
		i++
	}
	s = segment{start: start, end: i, size: i - start}
	if i < len(path) && path[i] == '%' {
		if s, ok = readEscaped(path, start); !ok {
			return s, false
		}
	}
	if s.end > MaxPath || s.end < len(path) && classes[path[s.end]] != classEnd {
		return s, false
	}
	if s.size == 0 {
		return s, s.end == len(path) || path[s.end] == '?'
	}
	text := path[s.start:s.end]
	return s, text != "." && text != ".."
}

// readEscaped is readSegment for one that has an escape. It stops before the first byte that is refused unless escaped.
func readEscaped(path string, start int) (s segment, ok bool) {
	s = segment{start: start, escaped: true}
	onlyDots := true
	twice := 0 // how much of an escape of the second order the last bytes are
	i := start
	for i < len(path) {
		var c byte
		switch classes[path[i]] {
		case classPlain:
			c = path[i]
			i++
		case classEscape:
			n := 0
			if c, n = readEscape(path, i); n == 0 {
				return s, false
			}
			i += 3 * n
			s.size += n - 1
		default:
			s.end = i
			return s, !(onlyDots && s.size <= 2)
		}
		s.size++
		onlyDots = onlyDots && c == '.'
		switch {
		case c == '%':
			twice = 1
		case twice > 0 && unhex(c) < 16:
			twice++
		default:
			twice = 0
		}
		if twice == 3 {
			return s, false
		}
	}
	s.end = i
	return s, !(onlyDots && s.size <= 2)
}

// readEscape reads the escapes that stand for one character and returns its first byte and how many bytes it has, or 0 for none that is
// accepted.
func readEscape(path string, at int) (first byte, n int) {
	var char [utf8.UTFMax]byte
	for n < len(char) {
		if len(path)-at < 3 || path[at] != '%' {
			return 0, 0
		}
		high, low := unhex(path[at+1]), unhex(path[at+2])
		if high > 15 || low > 15 {
			return 0, 0
		}
		char[n] = high<<4 | low
		n++
		at += 3
		if utf8.FullRune(char[:n]) {
			break
		}
	}
	switch c := char[0]; {
	case c < ' ' || c == 0x7f || c == '/' || c == '\\' || c == ';':
		return 0, 0
	case !utf8.Valid(char[:n]):
		return 0, 0
	}
	return char[0], n
}

// unhex returns what a hexadecimal digit stands for, and 255 for any other byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
