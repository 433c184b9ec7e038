package user

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// script is a set of scripts, one bit each.
type script uint32

// The scripts that have a name here; the others of known have a bit only.
const (
	latin script = 1 << iota
	cyrillic
	greek
	armenian
	arabic
	han
	hiragana
	katakana
	hangul
	bopomofo
)

// known lists the Recommended Scripts of UAX #31 (table 5), those in everyday use. Others are refused: several of them
// (Lisu, Cherokee, Coptic, Deseret) have letters that cannot be told from Latin ones.
var known = []*unicode.RangeTable{
	unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Arabic, unicode.Han, unicode.Hiragana,
	unicode.Katakana, unicode.Hangul, unicode.Bopomofo, // in the order of the constants
	unicode.Bengali, unicode.Devanagari, unicode.Ethiopic, unicode.Georgian, unicode.Gujarati, unicode.Gurmukhi,
	unicode.Hebrew, unicode.Kannada, unicode.Khmer, unicode.Lao, unicode.Malayalam, unicode.Myanmar, unicode.Oriya,
	unicode.Sinhala, unicode.Tamil, unicode.Telugu, unicode.Thaana, unicode.Thai, unicode.Tibetan,
}

// together lists the scripts that one writing system uses side by side (UTS #39 §5.1, augmented script sets).
var together = [...]script{
	han | hiragana | katakana, // Japanese
	han | hangul,              // Korean
	han | bopomofo,            // Chinese with phonetic marks
}

// looksLatin are the Cyrillic, Greek and Armenian letters, small and capital, whose shapes are Latin ones (after the
// confusables of UTS #39). A name that has no other letter passes for a Latin name.
const looksLatin = "асԁегһіјӏорԛѕԝхуүѵь" + "АВСЕԌҺІЈӀКМНОРԚЅТԜХУҮѴ" +
	"αγιϳνορσυχ" + "ΑΒΕΖΗΙͿΚΜΝΟΡΤΥΧ" +
	"ցհյլոսօզ" + "ԼՈՍՏՕ"

// confusable says how a name, as it is displayed, could be taken for another one, or "" if no rule here finds that it
// could: letters of scripts that are not written together, rare or technical letters that stand in for common ones,
// foreign letters only of Latin shape, two kinds of digits, marks that hide or pile up.
func confusable(display string) string {
	var seen script
	var zero rune // the zero of the digits seen
	foreign, alike := 0, 0
	for _, r := range display {
		s, ok := scriptOf(r)
		if !ok {
			return "a user name is written in the letters of one living script, without technical or look-alike ones"
		}
		seen |= s
		if s&(cyrillic|greek|armenian) != 0 && unicode.IsLetter(r) {
			foreign++
			if strings.ContainsRune(looksLatin, r) {
				alike++
			}
		}
		if z := zeroOf(r); z != 0 {
			if zero != 0 && zero != z {
				return "a user name has one kind of digits"
			}
			zero = z
		}
	}
	if hasPiles(display) {
		return "a user name has at most 4 marks on a letter, no mark twice, and does not begin with one"
	}
	if !written(seen) {
		return "a user name is written in one script: letters of different alphabets that look alike are refused"
	}
	if foreign > 0 && foreign == alike {
		return "a user name is not made only of letters that look like Latin ones; please add one that does not"
	}
	return ""
}

// written reports whether one writing system uses all of these scripts.
func written(seen script) bool {
	if seen&(seen-1) == 0 {
		return true
	}
	for _, set := range together {
		if seen&^set == 0 {
			return true
		}
	}
	return false
}

// hasPiles reports whether a name begins with a mark, or has a letter with the
// same mark twice in a row or more than maxMarks.
func hasPiles(display string) bool {
	if ascii(display) {
		return false
	}
	marks := 0
	var before rune
	for _, r := range norm.NFD.String(display) {
		if !unicode.Is(unicode.M, r) {
			marks = 0
		} else if before == 0 || r == before {
			return true
		} else if unicode.Is(unicode.Mn, r) {
			marks++
		}
		if marks > maxMarks {
			return true
		}
		before = r
	}
	return false
}

// maxMarks is how many non-spacing marks may follow a letter, as in UTS #39 §5.4: Myanmar and Tibetan need that many, and more would
// pile up over other people's lines.
const maxMarks = 4

// scriptOf returns the script of a character, no script for what belongs to
// every one, and false for a character that names do not have.
func scriptOf(r rune) (script, bool) {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return latin, true
		}
		return 0, true
	case r == 'ー': // common to both kana
		return katakana, true
	case 0x0660 <= r && r <= 0x0669, 0x064B <= r && r <= 0x0655, r == 0x0670: // digits and vowel signs shared with Thaana and Syriac
		return arabic, true
	case 0x0300 <= r && r <= 0x036F:
		return 0, r < 0x0334 || r > 0x0338 // not the overlays, which make one letter of another (o, ø)
	case unicode.Is(unicode.Inherited, r):
		return 0, false // joiners, variation selectors, marks for transcription
	case unicode.Is(unicode.Common, r):
		return 0, !unicode.IsLetter(r) // the letters are phonetic, or quotes in disguise
	case unicode.Is(unicode.Latin, r):
		return latin, everydayLatin(r)
	}
	for i, table := range known {
		if unicode.Is(table, r) {
			return 1 << i, true
		}
	}
	return 0, false
}

// everydayLatin reports whether a letter beyond ASCII is in the alphabet of a living language. The others are phonetic,
// medieval or technical, and many cannot be told from a letter of ASCII (ɑ, ɡ, ɪ, ǀ, ꜱ).
func everydayLatin(r rune) bool {
	switch {
	case r <= 0x017F: // Latin-1, Extended-A: Europe
		return true
	case 0x01CD <= r && r <= 0x01DC, 0x01DE <= r && r <= 0x01EF, 0x01F4 <= r && r <= 0x021B, 0x021E <= r && r <= 0x0233:
		return r != 0x021C && r != 0x021D
	case 0x1E00 <= r && r <= 0x1EFF: // Extended Additional: Vietnamese, and letters with marks
		return true
	}
	return strings.ContainsRune("ƠơƯưƏəƁɓƊɗƉɖƎǝƐɛƆɔƑƒƔɣƘƙƝɲƤƥƬƭƲʋƳƴ", r) // Vietnam, Azerbaijan, Africa
}

// zeroOf returns the zero of the ten digits that a digit belongs to, or 0 for
// what is no digit.
func zeroOf(r rune) rune {
	if r < utf8.RuneSelf {
		if '0' <= r && r <= '9' {
			return '0'
		}
		return 0
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0
	}
	for _, span := range unicode.Nd.R16 {
		if lo := rune(span.Lo); lo <= r && r <= rune(span.Hi) {
			return r - (r-lo)%10
		}
	}
	for _, span := range unicode.Nd.R32 {
		if lo := rune(span.Lo); lo <= r && r <= rune(span.Hi) { //nolint:gosec // a code point
			return r - (r-lo)%10
		}
	}
	return 0
}
