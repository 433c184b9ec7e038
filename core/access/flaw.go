package access

import (
	"slices"
	"strconv"
	"strings"
)

// RuleError is one thing that is wrong with one rule of a policy, or with the policy.
type RuleError struct {
	Index  int    // of the rule; -1 for the policy as a whole
	Field  string // "path", "methods", "access", "only" or "permissions"; empty for the rule as a whole
	By     []int  // the earlier rules that leave no request to this one, when that is the problem
	flaw   flaw
	detail string // the part of the field that it is about
}

// Error returns the rule's index, the field and the problem.
func (e *RuleError) Error() string {
	text := e.Problem()
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

// flaw is what is wrong with a rule.
type flaw uint8

const (
	flawless flaw = iota
	tooManyRules
	noDemand
	noKind
	kindOnPublic
	permissionsOnPublic
	tooManyPermissions
	badPermission
	twice
	noSlash
	longPath
	badUTF8
	badByte
	emptySegment
	dotSegment
	earlyOpen
	partialStar
	deepPath
	badMethod
	duplicateRule
	unreachedRule
)

// Problem says what is wrong and what would be right. It is put into words here and not where it is found, so that a module
// which never asks does not hold them.
func (e *RuleError) Problem() string {
	switch e.flaw {
	case tooManyRules:
		return "has more than " + strconv.Itoa(MaxRules) + " rules"
	case noDemand:
		return "is none of session, session_or_token, token and public"
	case noKind:
		return "is neither user nor machine"
	case kindOnPublic:
		return "does nothing on a public rule, which admits anybody"
	case permissionsOnPublic:
		return "do nothing on a public rule, which admits anybody"
	case tooManyPermissions:
		return "are more than " + strconv.Itoa(MaxPermissions)
	case badPermission:
		return strconv.Quote(e.detail) + " is not 1 to 64 letters, digits and .:_-/* characters"
	case twice:
		return e.detail + " is there twice"
	case noSlash:
		return "does not begin with a slash"
	case longPath:
		return "has more than " + strconv.Itoa(maxRulePath) + " bytes"
	case badUTF8:
		return "is not valid UTF-8"
	case badByte:
		return "has " + strconv.QuoteRune([]rune(e.detail)[0]) + ", which no decoded path that is accepted has; segments are written decoded"
	case emptySegment:
		return "has an empty segment"
	case dotSegment:
		return "has the segment " + e.detail + ", which no request that is accepted has"
	case earlyOpen:
		return "has ** before its end; it is the last segment or none"
	case partialStar:
		return "has * within " + strconv.Quote(e.detail) + "; it is a whole segment"
	case deepPath:
		return "has more than " + strconv.Itoa(maxDepth) + " segments"
	case badMethod:
		if slices.Contains(methods, strings.ToUpper(e.detail)) {
			return strconv.Quote(e.detail) + " is not in upper case"
		}
		return strconv.Quote(e.detail) + " is not a method"
	case duplicateRule:
		return "is a duplicate: its path and methods are taken"
	case unreachedRule:
		return "is never reached: all of its requests are taken"
	default:
		return "is wrong"
	}
}
