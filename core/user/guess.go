package user

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// commonList has one common password, word or keyboard row a line, in lower
// case.
//
//go:embed common.txt
var commonList string

// common holds the list as it is and with the usual substitutions undone.
var common = func() map[string]bool {
	set := make(map[string]bool, 2048)
	for line := range strings.Lines(commonList) {
		if word := strings.TrimSpace(line); word != "" && word[0] != '#' {
			set[fold(word)] = true
			set[plain(fold(word))] = true
		}
	}
	return set
}()

// What makes a password guessable, in its pieces.
const (
	minWord    = 3   // least length of a piece in bytes: shorter ones are found in any text
	fewLetters = 3   // so many different characters or fewer are guessable, however many there are in all
	wordCost   = 2   // of a different common word
	easyCost   = 1   // of a different run or context word: there are few to try
	budget     = 6   // pieces that cost so much or less are guessable: three common words
	fewOthers  = 4   // so many digits and signs around them make them no better: a year, an exclamation mark
	bareBudget = 2   // the budget of a text without letters that has other characters,
	bareOthers = 2   // and how many: else numbers drawn by lot would be guessable
	longest    = 128 // bytes; nobody guesses further, and the search takes time in proportion to the square
)

// guessable reports whether the password, read as an attacker's rules would
// spell it, is nothing but a few common words, runs of neighbouring characters,
// repetitions and context words. Four words apart from each other are never
// guessable, whichever words they are.
func guessable(password string, context []string) bool {
	if variety(password) <= fewLetters {
		return true
	}
	known := map[string]bool{}
	for _, c := range context {
		c = fold(c)
		for _, w := range append(strings.FieldsFunc(c, separates), bare(c)) {
			if len(w) >= minWord {
				known[w], known[plain(w)] = true, true
			}
		}
	}
	if fourWords(password, known) {
		return false
	}
	text := bare(fold(password))
	if unit := repeated(text); unit != text {
		if utf8.RuneCountInString(unit) < minPasswordEver {
			return true
		}
		text = unit
	}
	return few(text, known)
}

// fourWords reports whether the password has four different words with
// something between them or a capital at the start of each: a passphrase, which
// is not guessed however common each of its words is. Context words and runs
// are no words here.
func fourWords(password string, known map[string]bool) bool {
	var spaced strings.Builder
	var before rune
	for _, r := range password {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(r)
		before = r
	}
	seen := map[string]bool{}
	for _, w := range strings.FieldsFunc(spaced.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) }) {
		w = fold(w)
		if len(w) >= minWord && !known[w] && runFrom(w, 0) < len(w) {
			seen[w] = true
		}
	}
	return len(seen) >= 4
}

// few reports whether a text is made of known pieces within the budget and at
// most fewOthers other characters, which are no letters.
func few(text string, known map[string]bool) bool {
	n := len(text)
	if n > longest {
		return false
	}
	undone := plain(text) // as long as text, byte for byte
	// state[i][k] is the cheapest way to cover text[:i] with k other characters:
	// its cost, and where its last part starts.
	type way struct {
		cost, from int
		others     int // k of the state before
	}
	state := make([][fewOthers + 1]way, n+1)
	for i := range state {
		for k := range state[i] {
			state[i][k].cost = budget + 1
		}
	}
	state[0][0].cost = 0
	used := func(i, k int, piece string) bool {
		for i > 0 {
			w := state[i][k]
			if undone[w.from:i] == piece {
				return true
			}
			i, k = w.from, w.others
		}
		return false
	}
	for i := range n {
		reach := -1
		for k := range state[i] {
			at := state[i][k].cost
			if at > budget {
				continue
			}
			if k < fewOthers && other(text[i]) && at < state[i+1][k+1].cost {
				state[i+1][k+1] = way{cost: at, from: i, others: k}
			}
			if reach < 0 {
				reach = runFrom(text, i)
			}
			for end := i + minWord; end <= n; end++ {
				cost := at
				switch {
				case end <= reach, known[text[i:end]], known[undone[i:end]]:
					cost += easyCost
				case common[text[i:end]], common[undone[i:end]]:
					cost += wordCost
				default:
					continue
				}
				if used(i, k, undone[i:end]) {
					cost = at
				}
				if cost < state[end][k].cost {
					state[end][k] = way{cost: cost, from: i, others: k}
				}
			}
		}
	}
	letters := strings.ContainsFunc(text, unicode.IsLetter)
	for k, w := range state[n] {
		if w.cost <= budget && (letters || k == 0 || k <= bareOthers && w.cost <= bareBudget) {
			return true
		}
	}
	return false
}

// other reports whether a byte is a sign or digit of ASCII.
func other(c byte) bool {
	return c < utf8.RuneSelf && !('a' <= c && c <= 'z')
}

// rows are the orders in which neighbouring characters are no surprise, there
// and back.
var rows = func() []string {
	forth := []string{
		"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm", "qwertzuiop", "yxcvbnm",
		"azertyuiop", "qsdfghjklm", "wxcvbn", "!@#$%^&*()", "!\"§$%&/()=",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "!qaz@wsx#edc$rfv%tgb^yhn&ujm*ik(ol)p", "qazwsxedcrfvtgbyhnujmikolp",
		"1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "1234qwerasdfzxcv", "qweasdzxc", "a1b2c3d4e5f6g7h8i9j0", "1a2b3c4d5e6f7g8h9i0j",
		"абвгдежзиклмнопрстуфхцчшщъыьэюя", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
	}
	all := make([]string, 0, 2*len(forth))
	for _, row := range forth {
		back := []rune(row)
		for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
			back[i], back[j] = back[j], back[i]
		}
		all = append(all, row, string(back))
	}
	return all
}()

// runFrom returns the end of the longest run that starts at i: one character
// over and over, or a stretch of a row. It is i if there is none of minWord
// bytes.
func runFrom(s string, i int) int {
	_, size := utf8.DecodeRuneInString(s[i:])
	end := i + size
	for strings.HasPrefix(s[end:], s[i:i+size]) {
		end += size
	}
	if i+minWord <= len(s) {
		for _, row := range rows {
			at := strings.Index(row, s[i:i+minWord])
			if at < 0 {
				continue
			}
			n := minWord
			for i+n < len(s) && at+n < len(row) && s[i+n] == row[at+n] {
				n++
			}
			end = max(end, i+n)
		}
	}
	if end < i+minWord {
		return i
	}
	return end
}

// repeated returns the shortest text of which s is a repetition, the last time
// perhaps cut short: s itself if it does not repeat.
func repeated(s string) string {
	// The failure function of Knuth, Morris and Pratt: fail[i] is the length of
	// the longest border of s[:i+1].
	fail := make([]int, len(s))
	for i, k := 1, 0; i < len(s); i++ {
		for k > 0 && s[i] != s[k] {
			k = fail[k-1]
		}
		if s[i] == s[k] {
			k++
		}
		fail[i] = k
	}
	if n := len(s); n > 0 {
		if period := n - fail[n-1]; 2*period <= n {
			return s[:period]
		}
	}
	return s
}

// variety counts the different characters, up to one more than fewLetters.
func variety(s string) int {
	var seen []rune
	for _, r := range s {
		known := false
		for _, x := range seen {
			known = known || x == r
		}
		if !known {
			if seen = append(seen, r); len(seen) > fewLetters {
				break
			}
		}
	}
	return len(seen)
}

// fold takes case, width and accents off.
func fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// separates reports whether a character stands between words.
func separates(r rune) bool { return strings.ContainsRune(" -_.,@+", r) }

// bare drops what stands between words, but keeps "@", which stands for a.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '@' && separates(r) {
			return -1
		}
		return r
	}, s)
}

// plain undoes the usual substitutions, each of one byte by another. Since 1
// stands for i and for l, l becomes i too.
func plain(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch c {
		case '0':
			b[i] = 'o'
		case '1', '!', '|', 'l':
			b[i] = 'i'
		case '3':
			b[i] = 'e'
		case '4', '@':
			b[i] = 'a'
		case '5', '$':
			b[i] = 's'
		case '7':
			b[i] = 't'
		case '8':
			b[i] = 'b'
		case '9':
			b[i] = 'g'
		}
	}
	return string(b)
}
