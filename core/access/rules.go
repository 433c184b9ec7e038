package access

import (
	"errors"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// methods are those that a rule may name: RFC 9110 §9.3, RFC 5789, and those of WebDAV and its kin in the registry of IANA.
var methods = []string{
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY",
	"ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY",
	"MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND", "PROPPATCH", "REBIND", "REPORT",
	"SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
}

// anyMethod are all methods, as a set by their index in methods; the bits above stand for those that are not listed there.
const anyMethod = ^uint64(0)

// pattern is a rule's path and methods, in parts.
type pattern struct {
	segments []string // without a last "**"
	open     bool     // there was one
	methods  uint64
	index    int // of the rule
}

// NewPolicy returns the policy of these rules, in their order, which it copies. Its error joins a *RuleError for every problem, by the rules' order:
//
//   - more than MaxRules rules;
//   - a path that does not begin with a slash; has an empty or dot segment, other than a last empty one, which makes no
//     difference; has "*" other than as a whole segment, or "**" other than as the last; has a control character or one of
//     "%?#;\", since a rule is written decoded; is not valid UTF-8; or has more than 1,024 bytes or 64 segments;
//   - a method that is unknown, not in upper case, or there twice;
//   - a demand or kind that is none; permissions or a kind on a rule that is public, where they would do nothing;
//   - a permission that is not one, see ValidPermission, or is there twice, or more than MaxPermissions;
//   - a rule with the path and methods of an earlier one;
//   - a rule that no request reaches, since for each request that it is about there is an earlier rule. That is found
//     exactly, also where it takes several earlier rules: GET and POST in rules of their own leave nothing to a later one of
//     both, and /a and /a/*/** leave nothing to /a/**. It counts neither the bound of MaxPath nor the methods
//     that exist: a rule without methods is about more than rules that name all of them.
//
// Rules whose path or methods are wrong are not held against others.
func NewPolicy(rules []Rule) (*Policy, error) {
	if len(rules) > MaxRules {
		return nil, &RuleError{Index: -1, flaw: tooManyRules}
	}
	var wrong []*RuleError
	kept := make([]Rule, len(rules))
	patterns := make([]pattern, 0, len(rules))
	for i := range rules {
		kept[i] = rules[i]
		r := &kept[i]
		r.Path = strings.Clone(r.Path)
		r.Methods, r.Permissions = slices.Clone(r.Methods), slices.Clone(r.Permissions)
		fail := func(field string, found flaw, detail string) {
			wrong = append(wrong, &RuleError{Index: i, Field: field, flaw: found, detail: detail})
		}
		pat := pattern{index: i}
		found, detail := flawless, ""
		good := true
		if pat.segments, pat.open, found, detail = readPattern(r.Path); found != flawless {
			fail("path", found, detail)
			good = false
		}
		if pat.methods, found, detail = methodSet(r.Methods); found != flawless {
			fail("methods", found, detail)
			good = false
		}
		checkShown(r, fail)
		if good {
			patterns = append(patterns, pat)
		}
	}
	p := compile(kept, patterns)
	unreached := p.unreached(patterns)
	if len(wrong)+len(unreached) == 0 {
		return p, nil
	}
	errs := make([]error, 0, len(wrong)+len(unreached))
	for i := range rules { // both are in this order
		for ; len(wrong) > 0 && wrong[0].Index == i; wrong = wrong[1:] {
			errs = append(errs, wrong[0])
		}
		for ; len(unreached) > 0 && unreached[0].Index == i; unreached = unreached[1:] {
			errs = append(errs, unreached[0])
		}
	}
	return nil, errors.Join(errs...)
}

// checkShown checks what a rule demands of the principal.
func checkShown(r *Rule, fail func(field string, found flaw, detail string)) {
	if int(r.Demand) >= len(demands) {
		fail("access", noDemand, "")
	}
	if r.Only > Machine {
		fail("only", noKind, "")
	}
	if r.Demand == Public && r.Only != Anonymous {
		fail("only", kindOnPublic, "")
	}
	if r.Demand == Public && len(r.Permissions) > 0 {
		fail("permissions", permissionsOnPublic, "")
	}
	if len(r.Permissions) > MaxPermissions {
		fail("permissions", tooManyPermissions, "")
		return
	}
	for i, permission := range r.Permissions {
		if !ValidPermission(permission) {
			fail("permissions", badPermission, permission)
		} else if slices.Contains(r.Permissions[:i], permission) {
			fail("permissions", twice, permission)
		}
	}
}

// readPattern takes a rule's path apart.
func readPattern(path string) (segments []string, open bool, found flaw, detail string) {
	switch {
	case path == "" || path[0] != '/':
		return nil, false, noSlash, ""
	case len(path) > maxRulePath:
		return nil, false, longPath, ""
	case !utf8.ValidString(path):
		return nil, false, badUTF8, ""
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c < ' ', c == 0x7f, c == '%', c == '?', c == '#', c == ';', c == '\\':
			return nil, false, badByte, path[i : i+1]
		}
	}
	rest := strings.TrimSuffix(path[1:], "/")
	if rest == "" && path != "/" {
		return nil, false, emptySegment, ""
	}
	for more := rest != ""; more; {
		s := rest
		if at := strings.IndexByte(rest, '/'); at < 0 {
			more = false
		} else {
			s, rest = rest[:at], rest[at+1:]
		}
		switch {
		case s == "":
			return nil, false, emptySegment, ""
		case s == "." || s == "..":
			return nil, false, dotSegment, s
		case s == "**" && more:
			return nil, false, earlyOpen, ""
		case s == "**":
			return segments, true, flawless, ""
		case s != "*" && strings.IndexByte(s, '*') >= 0:
			return nil, false, partialStar, s
		case len(segments) == maxDepth:
			return nil, false, deepPath, ""
		}
		segments = append(segments, s)
	}
	return segments, false, flawless, ""
}

// methodSet returns a rule's methods as a set.
func methodSet(names []string) (set uint64, found flaw, detail string) {
	if len(names) == 0 {
		return anyMethod, flawless, ""
	}
	for i, name := range names {
		at := slices.Index(methods, name)
		switch {
		case at < 0:
			return 0, badMethod, name
		case slices.Contains(names[:i], name):
			return 0, twice, name
		}
		set |= 1 << at
		if name == "GET" {
			set |= 1 << slices.Index(methods, "HEAD")
		}
	}
	return set, flawless, ""
}

// compile makes the tables that Match reads. Rules without a pattern are about nothing.
func compile(rules []Rule, patterns []pattern) *Policy {
	p := &Policy{rules: rules}
	depth := 0
	var named uint64
	for i := range patterns {
		depth = max(depth, len(patterns[i].segments))
		if patterns[i].methods != anyMethod {
			named |= patterns[i].methods
		}
	}
	none := func() ruleSet { return make(ruleSet, (len(rules)+63)/64) }
	p.others = none()
	for i, name := range methods {
		if named>>i&1 == 1 {
			p.methods = append(p.methods, methodRules{name, none()})
		}
	}
	p.levels, p.ends = make([]level, depth), make([]ruleSet, depth+2)
	for i := range p.levels {
		p.levels[i].any = none()
	}
	for i := range p.ends {
		p.ends[i] = none()
	}
	for d := range p.levels {
		literals := 0
		for i := range patterns {
			if d < len(patterns[i].segments) && patterns[i].segments[d] != "*" {
				literals++
			}
		}
		p.levels[d].makeRoom(literals)
	}
	for i := range patterns {
		pat := &patterns[i]
		if pat.methods == anyMethod {
			p.others.add(pat.index)
		}
		for _, m := range p.methods {
			if pat.methods>>slices.Index(methods, m.name)&1 == 1 {
				m.rules.add(pat.index)
			}
		}
		for d := range p.levels {
			l := &p.levels[d]
			switch {
			case d >= len(pat.segments) && pat.open, d < len(pat.segments) && pat.segments[d] == "*":
				l.any.add(pat.index)
			case d < len(pat.segments):
				l.add(pat.segments[d], pat.index)
			}
		}
		for n := range p.ends {
			if n == len(pat.segments) || pat.open && n > len(pat.segments) {
				p.ends[n].add(pat.index)
			}
		}
	}
	for i := range p.levels {
		p.levels[i].fit()
	}
	return p
}

// add notes that a rule, which comes after those that were added, takes a text.
func (l *level) add(text string, rule int) {
	at := l.slot(text)
	if l.slots[at] == 0 {
		l.literals = append(l.literals, literal{text: text})
		l.longest = max(l.longest, len(text))
		l.slots[at] = uint16(len(l.literals)) //nolint:gosec // there are at most MaxRules
	}
	found := &l.literals[l.slots[at]-1]
	if n := len(found.parts); n == 0 || found.parts[n-1].word != rule/64 {
		found.parts = append(found.parts, part{word: rule / 64})
	}
	found.parts[len(found.parts)-1].bits |= 1 << (rule % 64)
}

// slot returns where in the hash table a text is, or the free place where it would be.
func (l *level) slot(text string) int {
	at := int(hash(text, false)) & (len(l.slots) - 1)
	for l.slots[at] != 0 && l.literals[l.slots[at]-1].text != text {
		at = (at + 1) & (len(l.slots) - 1)
	}
	return at
}

// makeRoom makes an empty hash table that so many texts fill at most by half.
func (l *level) makeRoom(texts int) {
	if texts == 0 {
		return
	}
	size := 2
	for size < 2*texts {
		size *= 2
	}
	l.slots = make([]uint16, size)
}

// fit makes the hash table as large as the texts that are in it need, of which there may have been several of one kind.
func (l *level) fit() {
	if len(l.slots) < 4*len(l.literals) {
		return
	}
	l.makeRoom(len(l.literals))
	for i := range l.literals {
		l.slots[l.slot(l.literals[i].text)] = uint16(i + 1)
	}
}

// unreached finds the rules that no request reaches. A "*" takes any text, so a request whose segments there are texts that
// no rule has stands for all requests of as many segments: what an earlier rule takes of that one it takes of all.
func (p *Policy) unreached(patterns []pattern) (wrong []*RuleError) {
	of := make([]uint64, len(p.rules)) // methods
	for i := range patterns {
		of[patterns[i].index] = patterns[i].methods
	}
	words := (len(p.rules) + 63) / 64
	before, left, found := make(ruleSet, words), make(ruleSet, words), make(ruleSet, words)
	var seen twins
	for i := range patterns {
		pat := &patterns[i]
		if twin := seen.add(patterns, i); twin >= 0 {
			wrong = append(wrong, &RuleError{Index: pat.index, flaw: duplicateRule, By: []int{patterns[twin].index}})
			continue
		}
		copy(left, before)
		if by := p.takers(pat, left, found, of); len(by) > 0 {
			wrong = append(wrong, &RuleError{Index: pat.index, flaw: unreachedRule, By: by})
		}
		before.add(pat.index)
	}
	return wrong
}

// twins is a hash table of indexes of patterns, plus 1; 0 is free.
type twins []uint16

// add returns the index of an earlier pattern that is the same, or -1 after adding this one.
func (t *twins) add(patterns []pattern, index int) int {
	if *t == nil {
		size := 2
		for size < 2*len(patterns) {
			size *= 2
		}
		*t = make(twins, size)
	}
	pat := &patterns[index]
	h := uint32(pat.methods) ^ uint32(pat.methods>>32) //nolint:gosec // both halves
	for _, s := range pat.segments {
		h = h*31 ^ hash(s, false)
	}
	for at := h; ; at++ {
		slot := &(*t)[int(at)&(len(*t)-1)]
		if *slot == 0 {
			*slot = uint16(index + 1) //nolint:gosec // there are at most MaxRules
			return -1
		}
		twin := &patterns[*slot-1]
		if twin.methods == pat.methods && twin.open == pat.open && slices.Equal(twin.segments, pat.segments) {
			return int(*slot) - 1
		}
	}
}

// takers returns which rules of a set take all requests of a pattern, or none if they leave one. It changes the set, and the
// other one, which is memory for it.
func (p *Policy) takers(pat *pattern, set, found ruleSet, methods []uint64) (by []int) {
	for d, text := range pat.segments {
		l := &p.levels[d]
		set.narrow(l.any, l.find(text, &segment{end: len(text), size: len(text)}))
	}
	clear(found)
	// Longer requests than every rule are all alike.
	for n := len(pat.segments); n < len(p.ends); n++ {
		left := pat.methods
		for i := range set {
			for both := set[i] & p.ends[n][i]; both != 0 && left != 0; both &= both - 1 {
				rule := i*64 + bits.TrailingZeros64(both)
				if methods[rule]&left != 0 {
					left &^= methods[rule]
					found.add(rule)
				}
			}
		}
		if left != 0 {
			return nil
		}
		if !pat.open {
			break
		}
		if n < len(p.levels) {
			set.narrow(p.levels[n].any, nil)
		}
	}
	for i, word := range found {
		for ; word != 0; word &= word - 1 {
			by = append(by, i*64+bits.TrailingZeros64(word))
		}
	}
	return by
}
