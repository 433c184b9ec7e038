package access

import (
	"errors"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// RuleError is one thing that is wrong with one rule of a policy, or with the policy.
type RuleError struct {
	Index   int    // of the rule; -1 for the policy as a whole
	Field   string // "path", "methods", "access", "only" or "permissions"; empty for the rule as a whole
	Problem string // what is wrong and what would be right
	By      []int  // the earlier rules that leave no request to this one, when that is the problem
}

// Error returns the rule's index, the field and the problem.
func (e *RuleError) Error() string {
	text := e.Problem
	if len(e.By) > 0 {
		text += " by rule"
		for i, by := range e.By {
			if i > 0 {
				text += ","
			}
			text += " " + strconv.Itoa(by)
		}
	}
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Index < 0 {
		return "policy: " + text
	}
	return "rule " + strconv.Itoa(e.Index) + ": " + text
}

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
		return nil, &RuleError{Index: -1, Problem: "has more than " + strconv.Itoa(MaxRules) + " rules"}
	}
	var wrong []*RuleError
	kept := make([]Rule, len(rules))
	patterns := make([]pattern, 0, len(rules))
	for i := range rules {
		kept[i] = rules[i]
		r := &kept[i]
		r.Path = strings.Clone(r.Path)
		r.Methods, r.Permissions = slices.Clone(r.Methods), slices.Clone(r.Permissions)
		fail := func(field, problem string) {
			wrong = append(wrong, &RuleError{Index: i, Field: field, Problem: problem})
		}
		pat := pattern{index: i}
		problem := ""
		good := true
		if pat.segments, pat.open, problem = readPattern(r.Path); problem != "" {
			fail("path", problem)
			good = false
		}
		if pat.methods, problem = methodSet(r.Methods); problem != "" {
			fail("methods", problem)
			good = false
		}
		checkShown(r, fail)
		if good {
			patterns = append(patterns, pat)
		}
	}
	p := compile(kept, patterns)
	wrong = append(wrong, p.unreached(patterns)...)
	if len(wrong) == 0 {
		return p, nil
	}
	slices.SortStableFunc(wrong, func(a, b *RuleError) int { return a.Index - b.Index })
	errs := make([]error, len(wrong))
	for i := range wrong {
		errs[i] = wrong[i]
	}
	return nil, errors.Join(errs...)
}

// checkShown checks what a rule demands of the principal.
func checkShown(r *Rule, fail func(field, problem string)) {
	if int(r.Demand) >= len(demands) {
		fail("access", "is none of session, session_or_token, token and public")
	}
	if r.Only > Machine {
		fail("only", "is neither user nor machine")
	}
	if r.Demand == Public && r.Only != Anonymous {
		fail("only", "does nothing on a public rule, which admits anybody")
	}
	if r.Demand == Public && len(r.Permissions) > 0 {
		fail("permissions", "do nothing on a public rule, which admits anybody")
	}
	if len(r.Permissions) > MaxPermissions {
		fail("permissions", "are more than "+strconv.Itoa(MaxPermissions))
		return
	}
	for i, permission := range r.Permissions {
		if !ValidPermission(permission) {
			fail("permissions", strconv.Quote(permission)+" is not 1 to 64 letters, digits and .:_-/* characters")
		} else if slices.Contains(r.Permissions[:i], permission) {
			fail("permissions", permission+" is there twice")
		}
	}
}

// readPattern takes a rule's path apart.
func readPattern(path string) (segments []string, open bool, problem string) {
	switch {
	case path == "" || path[0] != '/':
		return nil, false, "does not begin with a slash"
	case len(path) > maxRulePath:
		return nil, false, "has more than " + strconv.Itoa(maxRulePath) + " bytes"
	case !utf8.ValidString(path):
		return nil, false, "is not valid UTF-8"
	}
	for i := range len(path) {
		if c := path[i]; c < ' ' || c == 0x7f || strings.IndexByte(`%?#;\`, c) >= 0 {
			return nil, false, "has " + strconv.QuoteRune(rune(c)) + ", which no decoded path that is accepted has; segments are written decoded"
		}
	}
	rest := strings.TrimSuffix(path[1:], "/")
	if rest == "" && path != "/" {
		return nil, false, "has an empty segment"
	}
	for more := rest != ""; more; {
		var s string
		s, rest, more = strings.Cut(rest, "/")
		switch {
		case s == "":
			return nil, false, "has an empty segment"
		case s == "." || s == "..":
			return nil, false, "has the segment " + s + ", which no request that is accepted has"
		case s == "**" && more:
			return nil, false, "has ** before its end; it is the last segment or none"
		case s == "**":
			return segments, true, ""
		case s != "*" && strings.IndexByte(s, '*') >= 0:
			return nil, false, "has * within " + strconv.Quote(s) + "; it is a whole segment"
		case len(segments) == maxDepth:
			return nil, false, "has more than " + strconv.Itoa(maxDepth) + " segments"
		}
		segments = append(segments, s)
	}
	return segments, false, ""
}

// methodSet returns a rule's methods as a set.
func methodSet(names []string) (set uint64, problem string) {
	if len(names) == 0 {
		return anyMethod, ""
	}
	for i, name := range names {
		at := slices.Index(methods, name)
		switch {
		case at < 0 && slices.Contains(methods, strings.ToUpper(name)):
			return 0, strconv.Quote(name) + " is not in upper case"
		case at < 0:
			return 0, strconv.Quote(name) + " is not a method"
		case slices.Contains(names[:i], name):
			return 0, name + " is there twice"
		}
		set |= 1 << at
		if name == "GET" {
			set |= 1 << slices.Index(methods, "HEAD")
		}
	}
	return set, ""
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
	texts := make([]map[string]int, depth)
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
				if texts[d] == nil {
					texts[d] = map[string]int{}
				}
				l.add(texts[d], pat.segments[d], pat.index)
			}
		}
		for n := range p.ends {
			if n == len(pat.segments) || pat.open && n > len(pat.segments) {
				p.ends[n].add(pat.index)
			}
		}
	}
	for i := range p.levels {
		p.levels[i].index()
	}
	return p
}

// add notes that a rule, which comes after those that were added, takes a text.
func (l *level) add(at map[string]int, text string, rule int) {
	i, ok := at[text]
	if !ok {
		i = len(l.literals)
		at[text] = i
		l.literals = append(l.literals, literal{text: text})
		l.longest = max(l.longest, len(text))
	}
	found := &l.literals[i]
	if n := len(found.parts); n == 0 || found.parts[n-1].word != rule/64 {
		found.parts = append(found.parts, part{word: rule / 64})
	}
	found.parts[len(found.parts)-1].bits |= 1 << (rule % 64)
}

// index makes the hash table, at most half full.
func (l *level) index() {
	if len(l.literals) == 0 {
		return
	}
	size := 2
	for size < 2*len(l.literals) {
		size *= 2
	}
	l.slots = make([]uint16, size)
	for i := range l.literals {
		at := int(hash(l.literals[i].text, false)) & (size - 1)
		for l.slots[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		l.slots[at] = uint16(i + 1) // there are at most MaxRules
	}
}

// unreached finds the rules that no request reaches. A "*" takes any text, so a request whose segments there are texts that
// no rule has stands for all requests of as many segments: what an earlier rule takes of that one it takes of all.
func (p *Policy) unreached(patterns []pattern) (wrong []*RuleError) {
	of := make([]uint64, len(p.rules)) // methods
	for i := range patterns {
		of[patterns[i].index] = patterns[i].methods
	}
	before := make(ruleSet, (len(p.rules)+63)/64)
	seen := make(map[string]int, len(patterns))
	for i := range patterns {
		pat := &patterns[i]
		key := pat.key()
		if twin, ok := seen[key]; ok {
			wrong = append(wrong, &RuleError{Index: pat.index, Problem: "is a duplicate: its path and methods are taken", By: []int{twin}})
			continue
		}
		seen[key] = pat.index
		if by := p.takers(pat, slices.Clone(before), of); len(by) > 0 {
			wrong = append(wrong, &RuleError{Index: pat.index, Problem: "is never reached: all of its requests are taken", By: by})
		}
		before.add(pat.index)
	}
	return wrong
}

// key is the same for patterns that are.
func (p *pattern) key() string {
	text := strconv.FormatUint(p.methods, 16) + "/" + strings.Join(p.segments, "/")
	if p.open {
		text += "/**"
	}
	return text
}

// takers returns which rules of a set take all requests of a pattern, or none if they leave one.
func (p *Policy) takers(pat *pattern, set ruleSet, methods []uint64) (by []int) {
	for d, text := range pat.segments {
		l := &p.levels[d]
		set.narrow(l.any, l.find(text, &segment{end: len(text), size: len(text)}))
	}
	// Longer requests than every rule are all alike.
	for n := len(pat.segments); n < len(p.ends); n++ {
		left := pat.methods
		for i := range set {
			for both := set[i] & p.ends[n][i]; both != 0 && left != 0; both &= both - 1 {
				rule := i*64 + bits.TrailingZeros64(both)
				if methods[rule]&left != 0 {
					left &^= methods[rule]
					if !slices.Contains(by, rule) {
						by = append(by, rule)
					}
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
	slices.Sort(by)
	return by
}
