package user_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

func TestPrepare(t *testing.T) {
	tests := []struct {
		name, password string
		want           string // what is hashed
		code           string // or why not
	}{
		{name: "as typed", password: "Correct Horse, Battery!", want: "Correct Horse, Battery!"},
		{name: "case stays", password: "ABC", want: "ABC"},
		{name: "width stays", password: "ＡＢＣ", want: "ＡＢＣ"}, // OpaqueString maps no width, RFC 8265 §4.2.2
		{name: "spaces stay", password: "  a  b  ", want: "  a  b  "},
		{name: "ideographic space", password: "a\u3000b", want: "a b"},
		{name: "no-break space", password: "a\u00A0b", want: "a b"},
		{name: "decomposed", password: "u\u0308ber", want: "über"},
		{name: "Angstrom sign", password: "\u212B", want: "Å"},
		{name: "Hangul by parts", password: "\u1112\u1161\u11AB", want: "한"},
		{name: "emoji", password: "🐎🔋", want: "🐎🔋"},
		{name: "1 KiB", password: strings.Repeat("x", 1024), want: strings.Repeat("x", 1024)},
		{name: "empty", password: "", code: "required"},
		{name: "over 1 KiB", password: strings.Repeat("x", 1025), code: "too_long"},
		{name: "over 1 KiB in fewer characters", password: strings.Repeat("ü", 513), code: "too_long"},
		{name: "NUL", password: "abc\x00def", code: "character"},
		{name: "line break", password: "abc\ndef", code: "character"},
		{name: "escape", password: "abc\x1bdef", code: "character"},
		{name: "delete", password: "abc\x7fdef", code: "character"},
		{name: "not UTF-8", password: "abc\xffdef", code: "character"},
		{name: "half a character", password: "abc\xc3", code: "character"},
		{name: "surrogate", password: "abc\xed\xa0\x80", code: "character"},
		{name: "unassigned", password: "abc\u0378", code: "character"},
		{name: "zero width", password: "abc\u200Bdef", code: "character"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := user.Prepare("new_password", test.password)
			if test.code != "" {
				wantField(t, err, "new_password", test.code)
			} else if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// wantField wants an Invalid fault about one member.
func wantField(t *testing.T, err error, member, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault on %s", err, member)
	}
	if f.Kind != fault.Invalid || f.Code != code || len(f.Fields) != 1 || f.Fields[0].Name != member || f.Fields[0].Code != code {
		t.Errorf("got %v of kind %v on %v, want %s on %s", f, f.Kind, f.Fields, code, member)
	}
	if f.Fields[0].Message == "" {
		t.Error("no message")
	}
}

func TestPolicy_Accept(t *testing.T) {
	context := []string{"alice", "alice.liddell@wonderland.example", "Hexward"}
	tests := []struct {
		name, password string
		min            int
		code           string // "" when it is accepted
	}{
		{name: "14 characters", password: "kv8 fjw2 p0q x", code: "too_short"},
		{name: "15 characters", password: "kv8 fjw2 p0q xz"},
		{name: "15 characters of several bytes", password: "žluťoučký kůňúp"},
		{name: "14 characters of several bytes", password: "žluťoučký kůňú", code: "too_short"},
		{name: "counted as prepared", password: strings.Repeat("u\u0308", 10) + "abcd", code: "too_short"},
		{name: "a smaller least", password: "kv8fjw2p", min: 8},
		{name: "a least under 8 is 8", password: "kv8fjw2", min: 4, code: "too_short"},
		{name: "a greater least", password: "kv8fjw2pkv8fjw2q", min: 20, code: "too_short"},
		{name: "control character", password: "kv8fjw2p\x01kv8fjw2q", code: "character"},
		{name: "over 1 KiB", password: strings.Repeat("kv8fjw2p", 129), code: "too_long"},
		{name: "empty", code: "required"},

		{name: "common as it is", password: "correcthorsebatterystaple", code: "common"},
		{name: "common with a space", password: "correct horse battery", code: "common"},
		{name: "common in capitals", password: "PASSWORDPASSWORD", code: "common"},
		{name: "common with digits after", password: "Password1234567", code: "common"},
		{name: "common with a year after", password: "administrator2026", code: "common"},
		{name: "common with signs after", password: "administrator!!!", code: "common"},
		{name: "common with digits before", password: "99 administrator", code: "common"},
		{name: "common with signs between", password: "super#secret#password", code: "common"},
		{name: "common letter by letter", password: "p-a-s-s-w-o-r-d-1-2-3", code: "common"},
		{name: "three words", password: "summer sunshine baseball", code: "common"},
		{name: "short and common", password: "password", min: 8, code: "common"},
		{name: "short and common with a digit", password: "welcome1", min: 8, code: "common"},
		{name: "substitutions", password: "P@$$w0rd!P@$$w0rd!", code: "common"},
		{name: "more substitutions", password: "4dm1n157r470r!!", code: "common"},
		{name: "1 for l", password: "we1come he11o ye11ow", code: "common"},
		{name: "1 for i", password: "l1verp00l m1dn1ght", code: "common"},
		{name: "accents", password: "Contraseña123456", code: "common"},
		{name: "other accents", password: "pàsswórd pâssword", code: "common"},
		{name: "full width", password: "ｐａｓｓｗｏｒｄ１２３４５６７", code: "common"},

		{name: "one character", password: strings.Repeat("a", 15), code: "common"},
		{name: "one character, 1 KiB", password: strings.Repeat("a", 1024), code: "common"},
		{name: "three characters", password: "aabbccaabbccabcabc", code: "common"},
		{name: "one emoji", password: strings.Repeat("🐎", 20), code: "common"},
		{name: "repetition of a short part", password: "kv8fkv8fkv8fkv8f", code: "common"},
		{name: "repetition cut short", password: "kv8fjkv8fjkv8fjkv", code: "common"},
		{name: "repetition of a common word, 1 KiB", password: strings.Repeat("password", 128), code: "common"},
		{name: "repetition with spaces", password: strings.Repeat("secret ", 30), code: "common"},
		{name: "runs of characters", password: "aaaabbbbccccdddd", code: "common"},
		{name: "five runs of characters", password: "aaabbbcccdddeee1", code: "common"},
		{name: "seven runs of characters", password: "aaabbbcccdddeeefffggg"},
		{name: "four runs of a keyboard", password: "qwerty asdfgh zxcvbn 12345", code: "common"},
		{name: "runs and words", password: "1234password4567summer", code: "common"},
		{name: "digits between three words", password: "pass7summer11dragon!", code: "common"},
		{name: "four years", password: "1987198819891990"},
		{name: "digits and two signs", password: "12345678901234!!", code: "common"},
		{name: "a short part twice", password: "kv8fkv8f", min: 8, code: "common"},
		{name: "three words over and over", password: "summer winter summer dragon winter", code: "common"},
		{name: "repetition of a long part", password: "kv8fjw2p kv8fjw2p"},
		{name: "spaces only", password: strings.Repeat(" ", 20), code: "common"},
		{name: "separators only", password: "-_., -_., -_., -_.,", code: "common"},

		{name: "keyboard row", password: "qwertyuiopasdfghjkl", code: "common"},
		{name: "keyboard row backwards", password: "poiuytrewqlkjhgfdsa", code: "common"},
		{name: "keyboard columns", password: "1qaz2wsx3edc4rfv", code: "common"},
		{name: "keyboard columns with shift", password: "1qaz2wsx!QAZ@WSX", code: "common"},
		{name: "German keyboard", password: "qwertzuiopyxcvbnm", code: "common"},
		{name: "French keyboard", password: "azertyuiopqsdfghjklm", code: "common"},
		{name: "Russian keyboard", password: "йцукенгшщзфывапролд", code: "common"},
		{name: "the shifted digits", password: "!@#$%^&*()!@#$%^", code: "common"},
		{name: "alphabet", password: "abcdefghijklmnopqrst", code: "common"},
		{name: "alphabet backwards", password: "zyxwvutsrqponmlkj", code: "common"},
		{name: "digits", password: "123456789012345", code: "common"},
		{name: "digits backwards", password: "9876543210987654", code: "common"},
		{name: "alphabet and digits", password: "abcdefgh12345678", code: "common"},
		{name: "alphabet and digits in turn", password: "a1b2c3d4e5f6g7h8", code: "common"},

		{name: "user name", password: "alicealicealice", code: "common"},
		{name: "user name, a rare and a common word", password: "Alice hates password"},
		{name: "user name and run", password: "Alice123456789!", code: "common"},
		{name: "user name and substitutions", password: "4L1C3 password 1", code: "common"},
		{name: "local part of the address", password: "liddell-alice-2026", code: "common"},
		{name: "domain of the address", password: "wonderland2026!", code: "common"},
		{name: "whole address", password: "alice.liddell@wonderland.example", code: "common"},
		{name: "name of the site", password: "hexward-hexward-1", code: "common"},
		{name: "name of the site and password", password: "HexwardPassword1!", code: "common"},
		{name: "four words of context", password: "alice liddell wonderland hexward alice", code: "common"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policy := user.DefaultPolicy
			if test.min != 0 {
				policy.Min = test.min
			}
			got, err := policy.Accept("password", test.password, context...)
			switch {
			case test.code != "":
				wantField(t, err, "password", test.code)
				if got != "" {
					t.Errorf("returns %q with an error", got)
				}
			case err != nil:
				t.Errorf("%q: %v", test.password, err)
			}
		})
	}
}

// TestPolicy_Accept_decent holds the policy to letting good passwords through,
// without which it would drive people to worse ones.
func TestPolicy_Accept_decent(t *testing.T) {
	for _, password := range []string{
		// Dice, English and other languages, with and without separators.
		"correct horse battery staple", // famous, but four words: see the list for it without spaces
		"cleft cam synod lacy yr wok",
		"unvented-reset-exile-kinship",
		"stingray.chess.moisture.doorbell",
		"Wolf Tiger Lion Eagle", // of the list, every one
		"love peace hope faith",
		"love-peace-hope-zoo",
		"MonkeyDragonShadowMaster",
		"1 summer 2 winter 3 spring 4 autumn",
		"horsebatteryzoostaple",
		"blaufelchen wanderdüne kesselflicker",
		"vier alte Kühe tanzen im Mondschein",
		"le chat mange une pomme verte",
		"zażółć gęślą jaźń wieczorem",
		"příliš žluťoučký kůň úpěl",
		"синий трактор едет домой",
		"ο γάτος κοιμάται στον ήλιο",
		"חתול שחור על גג חם בלילה",
		"القط الأسود ينام على السطح",
		"काली बिल्ली छत पर सोती है",
		"黒い猫が屋根の上で静かに眠っている",
		"我的黑猫每天晚上都在屋顶上睡觉",
		"검은 고양이가 지붕 위에서 잔다",
		"แมวดำนอนหลับอยู่บนหลังคาบ้าน",
		"con mèo đen ngủ trên mái nhà",
		"el gato negro duerme en el tejado",
		// What password managers make.
		"xK9$mQ2!vR7&nL4@",
		"tY3-hW8-pZ6-jB1-qF5",
		"7Hb2kPqX9wLmN4vRtZs8",
		"fywfed-hYkxu4-qybtym",
		"hunter2-Kx7Qp-velvet",
		"\"'`;--<script>{}$()",
		"d41d8cd98f00b204e9800998ecf8427e",
		"01890a5d-ac96-774b-bcce-b302099a8057",
		"gLx2FZ7sVvJpQm1bTnRw0w==",
		"729405183662914",
		"🐎🔋📎✅🍎🌊🚲🎻🪁🧊🪴🦊🧭🪶🥁",
		// Sentences and private systems.
		"My aunt keeps 3 goats in Bergen!",
		"tWtMbAiAdC7pm&nB",
		"I never liked the password rules here",
	} {
		if got, err := user.DefaultPolicy.Accept("password", password, "alice", "alice@b.example", "Hexward"); err != nil {
			t.Errorf("%s: %v", password, err)
		} else if n := utf8.RuneCountInString(got); n < 15 {
			t.Errorf("%s: came out with %d characters", password, n)
		}
	}
}

// TestPolicy_Accept_random: no password from a generator is ever refused, and
// neither is a passphrase of four words, even if the words are the very ones of
// the list.
func TestPolicy_Accept_random(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2)) // reproducible
	of := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[chance.IntN(len(alphabet))]
		}
		return string(b)
	}
	lower := "abcdefghijklmnopqrstuvwxyz"
	kinds := []struct {
		name string
		make func() string
	}{
		{"lower-case letters", func() string { return of(lower, 15) }},
		{"letters and digits", func() string { return of(lower+strings.ToUpper(lower)+"0123456789", 15) }},
		{"printable ASCII", func() string {
			return of(lower+strings.ToUpper(lower)+"0123456789!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~ ", 15)
		}},
		{"hexadecimal", func() string { return hex.EncodeToString([]byte(of("\x00\x3f\x91\xa7\xe2\x5b\x18\xcc\xd4\x76", 16))) }},
		{"base64", func() string { return base64.StdEncoding.EncodeToString([]byte(of(lower+"\x00\xff\x80", 24))) }},
		{"fifteen digits", func() string { return of("0123456789", 15) }},
	}
	for _, kind := range kinds {
		for range 1000 {
			if password := kind.make(); true {
				if _, err := user.DefaultPolicy.Accept("password", password, "alice", "alice@b.example"); err != nil {
					t.Fatalf("%s: %q: %v", kind.name, password, err)
				}
			}
		}
	}
	words := commonWords(t)
	for range 3000 {
		var phrase []string
		for len(phrase) < 4 {
			phrase = append(phrase, words[chance.IntN(len(words))])
			for _, w := range phrase[:len(phrase)-1] {
				if w == phrase[len(phrase)-1] {
					phrase = phrase[:len(phrase)-1]
					break
				}
			}
		}
		for _, sep := range []string{" ", "-", "_", ".", "1"} {
			if _, err := (user.Policy{Min: 12}).Accept("password", strings.Join(phrase, sep)); err != nil {
				t.Fatalf("%q: %v", strings.Join(phrase, sep), err)
			}
		}
	}
}

// commonWords returns the words of the list that are words: letters only, and
// no stretch of a keyboard.
func commonWords(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for line := range strings.Lines(string(list)) {
		w := strings.TrimSpace(line)
		if len(w) < 3 || strings.ContainsFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) {
			continue
		}
		switch w[:3] {
		case "abc", "asd", "aze", "lkj", "mnb", "poi", "qaz", "qwe", "xxx", "zxc", "www":
			continue
		}
		words = append(words, w)
	}
	if len(words) < 500 {
		t.Fatalf("only %d words", len(words))
	}
	return words
}

// TestCommon_alone: whatever is on the list is refused as it is, doubled, with
// digits after it, and with substitutions.
func TestCommon_alone(t *testing.T) {
	leet := strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0", "s", "$", "t", "7")
	policy := user.Policy{Min: 8}
	for _, w := range commonWords(t) {
		for _, password := range []string{w, w + w, w + "1234", w + "2026!", strings.ToUpper(w) + "12345678", leet.Replace(w) + "!!!", "1" + w + "23"} {
			if utf8.RuneCountInString(password) < 8 {
				continue
			}
			if _, err := policy.Accept("password", password); fault.CodeOf(err) != "common" {
				t.Errorf("%q: got %v, want it refused as common", password, err)
			}
		}
	}
}

// The policy is asked before a request is known to be worth anything, so no
// input may make it work long.
func FuzzPolicy_Accept(f *testing.F) {
	for _, seed := range []string{
		"", "password", "correct horse battery staple", strings.Repeat("a", 1024), strings.Repeat("abc123", 21), strings.Repeat("aaabbb111", 14),
		strings.Repeat("qwe", 42), "p@ssw0rd p@ssw0rd", "ｐａｓｓ", "\xff\xfe", strings.Repeat("e\u0301\u0302", 100), "йцукен", "İıſK",
	} {
		f.Add(seed, "alice", 8)
	}
	f.Add("alicealice", strings.Repeat("al.ice@", 50), 0)
	f.Fuzz(func(t *testing.T, password, context string, least int) {
		start := time.Now()
		prepared, err := user.Policy{Min: least}.Accept("password", password, context)
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v for %d bytes", took, len(password))
		}
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || prepared != "" {
				t.Errorf("got %q and %v", prepared, err)
			}
			return
		}
		if !utf8.ValidString(prepared) || utf8.RuneCountInString(prepared) < max(8, least) || len(password) > user.MaxPassword {
			t.Errorf("accepted %q as %q", password, prepared)
		}
		again, err := user.Prepare("password", prepared)
		if len(prepared) <= user.MaxPassword && (err != nil || again != prepared) {
			t.Errorf("%q prepares to %q, and that to %q, %v", password, prepared, again, err)
		}
	})
}

func BenchmarkPolicy_Accept(b *testing.B) {
	for _, bench := range []struct{ name, password string }{
		{"phrase", "unvented-reset-exile-kinship"},
		{"random", "xK9$mQ2!vR7&nL4@"},
		{"common", "Password1234567"},
		{"worst", strings.Repeat("aaabbb111q", 12) + "zzzzzzzz"},
		{"long", strings.Repeat("kv8fjw2p", 127) + "abcdefgh"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = user.DefaultPolicy.Accept("password", bench.password, "alice", "alice@b.example", "Hexward")
			}
		})
	}
}
