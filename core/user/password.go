package user

import (
	_ "embed"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/hexward/hexward/core/fault"
)

// The bounds of a password that no Policy can loosen.
const (
	MaxPassword     = 1024 // bytes as typed
	minPasswordEver = 8    // code points; NIST SP 800-63B-4 §3.1.1.2, with another factor
)

// Policy says what a new password must be. It asks for length, not for kinds of
// characters (NIST SP 800-63B-4 §3.1.1.2). It is not applied when somebody signs
// in: old passwords stay good.
type Policy struct {
	Min int // code points; less than 8 counts as 8
}

// DefaultPolicy is what NIST SP 800-63B-4 asks of a password that is the only
// factor.
var DefaultPolicy = Policy{Min: 15}

// Prepare brings a password into the one form that is hashed: PRECIS
// OpaqueString (RFC 8265 §4.2), so that the same characters typed on another
// keyboard are the same password. Empty, overlong and unpreparable input is an
// Invalid fault on member.
func Prepare(member, password string) (string, error) {
	switch {
	case password == "":
		return "", fault.InvalidField(member, "required", "a password is required")
	case len(password) > MaxPassword:
		return "", fault.InvalidField(member, "too_long", "a password has at most 1024 bytes")
	}
	prepared, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", fault.InvalidField(member, "character", "a password is UTF-8 text without control characters")
	}
	return prepared, nil
}

// Accept prepares a new password and holds it against the policy: long enough,
// and neither common nor made of what an attacker knows already, which are the
// context words (user name, e-mail address, name of the site). The error is an
// Invalid fault on member.
func (p Policy) Accept(member, password string, context ...string) (string, error) {
	prepared, err := Prepare(member, password)
	if err != nil {
		return "", err
	}
	least := max(p.Min, minPasswordEver)
	if utf8.RuneCountInString(prepared) < least {
		return "", fault.InvalidField(member, "too_short", "a password has at least "+strconv.Itoa(least)+" characters; a few words in a row are good")
	}
	if guessable(prepared, context) {
		return "", fault.InvalidField(member, "common", "this password is among the first that an attacker tries; a few unrelated words in a row are good")
	}
	return prepared, nil
}

// commonList has one common password, word or keyboard row a line, in lower
// case.
//
//go:embed common.txt
var commonList string

var common = func() map[string]bool {
	set := make(map[string]bool, 1024)
	for line := range strings.Lines(commonList) {
		if word := strings.TrimSpace(line); word != "" && word[0] != '#' {
			set[word] = true
			set[plain(word)] = true
		}
	}
	return set
}()

// guessable reports whether the password, read as an attacker's rules would
// spell it, is nothing but common words, runs of neighbouring characters,
// repetitions and context words. Four words or more make no common password,
// unless they repeat.
func guessable(password string, context []string) bool {
	known := map[string]bool{}
	for _, c := range context {
		words := []string{c}
		if local, domain, found := strings.Cut(c, "@"); found {
			words = []string{c, local, domain}
			words = append(words, strings.Split(domain, ".")...)
		}
		for _, w := range words {
			if w = plain(strings.ToLower(w)); len(w) >= minWord {
				known[w] = true
			}
		}
	}
	lower := strings.ToLower(password)
	for _, s := range []string{lower, plain(lower)} {
		if common[s] || distinct(s) < 5 || parts(s, known) <= 3 {
			return true
		}
	}
	return false
}

// minWord is the least length of a piece that counts as a word: shorter ones
// are found in any text.
const minWord = 3

// parts returns the least number of different known pieces that a string is
// made of, counting a repeated piece once, or a large number if it is not made
// of them wholly. Up to four characters may be left over at the end, as people
// append a year or an exclamation mark.
func parts(s string, known map[string]bool) int {
	const impossible = 1 << 20
	const leftover = 4
	n := len(s)
	if n > 128 { // nobody guesses that far, and the search is quadratic
		return impossible
	}
	// best[i] holds the least number of pieces for s[:i], from[i] where its
	// last piece starts.
	best, from := make([]int, n+1), make([]int, n+1)
	for i := 1; i <= n; i++ {
		best[i] = impossible
		for j := max(0, i-40); j <= i-minWord; j++ {
			piece := s[j:i]
			if best[j] >= impossible || !common[piece] && !known[piece] && !run(piece) {
				continue
			}
			cost := best[j] + 1
			for k := j; k > 0; k = from[k] {
				if s[from[k]:k] == piece {
					cost--
					break
				}
			}
			if cost < best[i] {
				best[i], from[i] = cost, j
			}
		}
	}
	least := impossible
	for i := max(0, n-leftover); i <= n; i++ {
		if i > 0 {
			least = min(least, best[i])
		}
	}
	return least
}

// rows are the orders in which neighbouring characters are no surprise.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm",
	"qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
}

// run reports whether a piece is one character over and over, or a stretch of
// one of the rows forwards or backwards.
func run(s string) bool {
	if strings.Count(s, s[:1]) == len(s) {
		return true
	}
	back := []byte(s)
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	for _, row := range rows {
		if strings.Contains(row, s) || strings.Contains(row, string(back)) {
			return true
		}
	}
	return false
}

// distinct counts the different bytes.
func distinct(s string) int {
	var seen [256]bool
	n := 0
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n
}

// plain undoes the usual substitutions and drops what stands between words.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '0':
			return 'o'
		case '1', '!', '|':
			return 'i'
		case '3':
			return 'e'
		case '4', '@':
			return 'a'
		case '5', '$':
			return 's'
		case '7':
			return 't'
		case ' ', '-', '_', '.', ',':
			return -1
		}
		return r
	}, s)
}
