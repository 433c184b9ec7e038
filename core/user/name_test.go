package user_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hexward/hexward/core/user"
)

func TestParseName(t *testing.T) {
	tests := []struct {
		name, in     string
		display, key string
		code         string // why it is refused, or ""
	}{
		{name: "plain", in: "alice", display: "alice", key: "alice"},
		{name: "case is kept and maps", in: "Alice", display: "Alice", key: "alice"},
		{name: "digits and punctuation", in: "o'Brien_42-x.y", display: "o'Brien_42-x.y", key: "o'brien_42-x.y"},
		{name: "digits only", in: "12345", display: "12345", key: "12345"},
		{name: "full width", in: "ＡＬＩＣＥ１", display: "ALICE1", key: "alice1"},
		{name: "half width", in: "ﾀﾅｶ", display: "タナカ", key: "タナカ"},
		{name: "composition", in: "u\u0308ber", display: "über", key: "über"},
		{name: "Angstrom sign", in: "\u212Bngstrom", display: "Ångstrom", key: "ångstrom"},
		{name: "Kelvin sign", in: "mar\u212A", display: "marK", key: "mark"},
		{name: "capital sharp s", in: "STRA\u1E9EE", display: "STRA\u1E9EE", key: "straße"},
		{name: "Turkish capital i", in: "İstanbul", display: "İstanbul", key: "istanbul"},
		{name: "Turkish small i", in: "Işık", display: "Işık", key: "işik"},
		{name: "i with a dot of its own", in: "i\u0307van", display: "i\u0307van", key: "ivan"},
		{name: "j with a dot of its own", in: "j\u0307an", display: "j\u0307an", key: "jan"},
		{name: "final sigma", in: "Οδός", display: "Οδός", key: "οδόσ"},
		{name: "sigma in capitals", in: "ΟΔΌΣ", display: "ΟΔΌΣ", key: "οδόσ"},

		{name: "Polish", in: "Łódź", display: "Łódź", key: "łódź"},
		{name: "Vietnamese", in: "Đặng", display: "Đặng", key: "đặng"},
		{name: "Romanian", in: "Ștefan", display: "Ștefan", key: "ștefan"},
		{name: "Azerbaijani", in: "Əli", display: "Əli", key: "əli"},
		{name: "Cyrillic", in: "Роман", display: "Роман", key: "роман"},
		{name: "Greek", in: "Νίκος", display: "Νίκος", key: "νίκοσ"},
		{name: "Armenian", in: "Հայկ", display: "Հայկ", key: "հայկ"},
		{name: "Georgian", in: "გიორგი", display: "გიორგი", key: "გიორგი"},
		{name: "Hebrew", in: "מנחם", display: "מנחם", key: "מנחם"},
		{name: "Arabic", in: "محمد", display: "محمد", key: "محمد"},
		{name: "Arabic with its digits", in: "محمد١٢", display: "محمد١٢", key: "محمد١٢"},
		{name: "Arabic with vowel signs", in: "مُحَمَّد", display: "مُحَمَّد", key: "مُحَمَّد"},
		{name: "Hindi", in: "हिन्दी", display: "हिन्दी", key: "हिन्दी"},
		{name: "Thai", in: "สวัสดี", display: "สวัสดี", key: "สวัสดี"},
		{name: "Tibetan", in: "བསྒྲུབས", display: "བསྒྲུབས", key: "བསྒྲུབས"},
		{name: "Chinese", in: "王小明", display: "王小明", key: "王小明"},
		{name: "Japanese in three scripts", in: "お田中タロー", display: "お田中タロー", key: "お田中タロー"},
		{name: "Korean in two scripts", in: "김철수金", display: "김철수金", key: "김철수金"},
		{name: "Chinese with phonetic marks", in: "王ㄅㄆ", display: "王ㄅㄆ", key: "王ㄅㄆ"},
		{name: "Catalan middle dot", in: "col·la", display: "col·la", key: "col·la"},

		{name: "3 code points", in: "abc", display: "abc", key: "abc"},
		{name: "3 wide code points", in: "王小明", display: "王小明", key: "王小明"},
		{name: "32 code points", in: strings.Repeat("ж", 32), display: strings.Repeat("ж", 32), key: strings.Repeat("ж", 32)},
		{name: "32 code points after composition", in: strings.Repeat("u\u0308", 32), display: strings.Repeat("ü", 32), key: strings.Repeat("ü", 32)},
		{name: "empty", in: "", code: "required"},
		{name: "2 code points", in: "ab", code: "too_short"},
		{name: "2 after composition", in: "au\u0308", code: "too_short"},
		{name: "2 once a dot is off", in: "i\u0307o", code: "too_short"},
		{name: "33 code points", in: strings.Repeat("ж", 33), code: "too_long"},
		{name: "longer than is looked at", in: strings.Repeat("a", 513), code: "too_long"},
		{name: "a megabyte", in: strings.Repeat("a\u0300", 1<<19), code: "too_long"},

		{name: "at sign", in: "alice@home", code: "character"},
		{name: "wide at sign", in: "alice＠home", code: "character"},
		{name: "small at sign", in: "alice\uFE6Bhome", code: "character"},
		{name: "space", in: "al ice", code: "character"},
		{name: "space around", in: " alice ", code: "character"},
		{name: "no-break space", in: "al\u00A0ice", code: "character"},
		{name: "line break", in: "alice\r\nX-Admin: 1", code: "character"},
		{name: "NUL", in: "ali\x00ce", code: "character"},
		{name: "punctuation only", in: "...", code: "character"},
		{name: "emoji", in: "ali😀ce", code: "character"},
		{name: "symbol", in: "ali™ce", code: "character"},
		{name: "ligature", in: "ﬁsher", code: "character"},
		{name: "circled", in: "ⓐⓓⓜⓘⓝ", code: "character"},
		{name: "mathematical", in: "𝐚𝐝𝐦𝐢𝐧", code: "character"},
		{name: "superscript", in: "abc²", code: "character"},
		{name: "Roman numeral", in: "ⅷabc", code: "character"},
		{name: "long s", in: "ſam", code: "character"},
		{name: "old Hangul", in: "\u1113\u1161\u11AB\u1112\u1161", code: "character"},
		{name: "zero width space", in: "ali\u200Bce", code: "character"},
		{name: "zero width no-break space", in: "\uFEFFalice", code: "character"},
		{name: "word joiner", in: "ali\u2060ce", code: "character"},
		{name: "soft hyphen", in: "ali\u00ADce", code: "character"},
		{name: "combining grapheme joiner", in: "ali\u034Fce", code: "character"},
		{name: "variation selector", in: "ali\uFE0Fce", code: "character"},
		{name: "Hangul filler", in: "ali\u3164ce", code: "character"},
		{name: "blank Braille", in: "ali\u2800ce", code: "character"},
		{name: "tag", in: "ali\U000E0061ce", code: "character"},
		{name: "right-to-left override", in: "ali\u202Ece", code: "character"},
		{name: "right-to-left isolate", in: "ali\u2067ce", code: "character"},
		{name: "left-to-right mark", in: "ali\u200Ece", code: "character"},
		{name: "both directions", in: "abcאבג", code: "character"},
		{name: "right to left with a Latin end", in: "אבגa", code: "character"},
		{name: "Arabic digit in a Latin name", in: "abc٠", code: "character"},
		{name: "Arabic and Persian digits", in: "محمد١۱", code: "character"},
		{name: "middle dot elsewhere", in: "a·b", code: "character"},
		{name: "private use", in: "ali\uE000ce", code: "character"},
		{name: "unassigned", in: "ali\u0378ce", code: "character"},
		{name: "mark in front", in: "\u0301alice", code: "character"},
		{name: "spacing mark in front", in: "\u093Eकखग", code: "confusable"},
		{name: "not UTF-8", in: "ali\xffce", code: "not_utf8"},
		{name: "surrogate", in: "ali\xed\xa0\x80ce", code: "not_utf8"},
		{name: "overlong", in: "ali\xc0\xafce", code: "not_utf8"},

		{name: "Latin with a Cyrillic a", in: "аdmin", code: "confusable"},
		{name: "Latin with a Greek o", in: "rοot", code: "confusable"},
		{name: "Latin with a Cherokee capital", in: "Ꭺdmin", code: "confusable"},
		{name: "Latin with an Armenian letter", in: "rօօt", code: "confusable"},
		{name: "Latin with a Katakana mark", in: "adーmin", code: "confusable"},
		{name: "Latin with a Devanagari digit", in: "user०", code: "confusable"},
		{name: "Latin with Han", in: "adminー王", code: "confusable"},
		{name: "Cyrillic with Greek", in: "ромαν", code: "confusable"},
		{name: "Bopomofo with kana", in: "ㄅㄆの", code: "confusable"},
		{name: "Hangul with kana", in: "김철の", code: "confusable"},
		{name: "wholly Cyrillic of Latin shape", in: "сосо", code: "confusable"},
		{name: "and with digits", in: "сосо-2000", code: "confusable"},
		{name: "Cyrillic capitals of Latin shape", in: "ТОМ", code: "confusable"},
		{name: "small letters of that name", in: "том", display: "том", key: "том"},
		{name: "Greek of Latin shape", in: "ρορ", code: "confusable"},
		{name: "Greek capitals of Latin shape", in: "ΤΟΜ", code: "confusable"},
		{name: "Armenian of Latin shape", in: "հօս", code: "confusable"},
		{name: "Lisu, all of Latin shape", in: "ꓮꓓꓟꓲꓠ", code: "confusable"},
		{name: "Deseret", in: "𐐀𐐁𐐂", code: "confusable"},
		{name: "Coptic", in: "ⲟⲣⲥ", code: "confusable"},
		{name: "phonetic alpha", in: "ɑdmin", code: "confusable"},
		{name: "phonetic g", in: "ɡuest", code: "confusable"},
		{name: "click letter", in: "adm\u01C0n", code: "confusable"},
		{name: "small capital", in: "aᴅmin", code: "confusable"},
		{name: "modifier apostrophe", in: "o\u02BCbrien", code: "confusable"},
		{name: "length mark", in: "admin\u02D0", code: "confusable"},
		{name: "stroke laid over", in: "o\u0338le", code: "confusable"},
		{name: "joiner", in: "क्\u200Dषत्र", code: "confusable"},
		{name: "non-joiner", in: "می\u200Cخواهم", code: "confusable"},
		{name: "the same mark twice", in: "a\u0301\u0301lice", code: "confusable"},
		{name: "marks piled up", in: "a\u0300\u0308\u0301\u0306\u0304lice", code: "confusable"},
		{name: "two kinds of digits", in: "हिन्दी०0", code: "confusable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := user.ParseName(test.in)
			if test.code != "" {
				wantField(t, err, "username", test.code)
			} else if err != nil {
				t.Fatal(err)
			}
			if got.String() != test.display || got.Key() != test.key {
				t.Errorf("got %q with the key %q, want %q with %q", got, got.Key(), test.display, test.key)
			}
		})
	}
}

// Spellings of one name that only one person may have.
func TestName_Key_same(t *testing.T) {
	for _, same := range [][]string{
		{"Alice", "alice", "ALICE", "ＡＬＩＣＥ", "ａlice", "aLıce", "aLİce"},
		{"über", "ÜBER", "u\u0308ber", "U\u0308BER"},
		{"Οδός", "ΟΔΌΣ", "οδόσ"},
		{"Işık", "IŞIK", "ışık", "işik", "İŞİK"},
		{"タナカ", "ﾀﾅｶ"},
		{"ガス屋", "ｶﾞｽ屋"},
	} {
		want, err := user.ParseName(same[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range same {
			if got, err := user.ParseName(s); err != nil || got.Key() != want.Key() {
				t.Errorf("%q: got the key %q, %v, want %q", s, got.Key(), err, want.Key())
			}
		}
	}
}

func TestNameOf(t *testing.T) {
	want, err := user.ParseName("Alice")
	if err != nil {
		t.Fatal(err)
	}
	if got := user.NameOf(want.String(), want.Key()); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{
		"alice", "ＡＬＩＣＥ", "İı", "ΟΔΟΣς", "u\u0308ber", "ﾀﾅｶ", "김철수", "क्\u200Dष", "מנחם", "محمد١", "аdmin", "a\u0345\u0301", "\u1E9E", "ǰ\u0323",
		"i\u0307\u0301", "ᾳͅ", "Ԁ", "ʼn", "\u0130\u0307\u0307", "l·l", "·", "ゝ・", "Ⴀ", "Ა", "ꭰ", "\xff", "j\u030C\u0307", "\u0958",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := user.ParseName(s)
		if err != nil {
			if n != (user.Name{}) {
				t.Errorf("got %v with an error", n)
			}
			return
		}
		if again, err := user.ParseName(n.String()); err != nil || again != n {
			t.Errorf("%q displays as %q with the key %q, and that as %q with %q, %v", s, n, n.Key(), again, again.Key(), err)
		}
		for _, text := range []string{n.String(), n.Key()} {
			if c := utf8.RuneCountInString(text); !utf8.ValidString(text) || c > user.MaxName {
				t.Errorf("%q came out as %q", s, text)
			}
		}
		if utf8.RuneCountInString(n.Key()) < user.MinName {
			t.Errorf("the key %q is too short", n.Key())
		}
		for _, r := range n.Key() {
			if unicode.ToLower(r) != r || unicode.IsSpace(r) || unicode.IsControl(r) || r == '@' || unicode.Is(unicode.Cf, r) {
				t.Errorf("the key %q has %U", n.Key(), r)
			}
		}
		// A store looks a key up as it would a login: the key leads to itself, unless it alone looks Latin or is.
		if again, err := user.ParseName(n.Key()); err == nil && again.Key() != n.Key() {
			t.Errorf("the key %q has the key %q", n.Key(), again.Key())
		}
	})
}

func BenchmarkParseName(b *testing.B) {
	for _, bench := range []struct{ name, in string }{
		{"ASCII", "Alice_Liddell.42"},
		{"Cyrillic", "Роман-Борисович"},
		{"longest", strings.Repeat("ば", 32)},
		{"refused", strings.Repeat("a\u0300", 170)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = user.ParseName(bench.in)
			}
		})
	}
}

func ExampleParseName() {
	name, err := user.ParseName("Ａlice")
	fmt.Println(name, name.Key(), err)
	_, err = user.ParseName("аlice") // the first letter is Cyrillic
	fmt.Println(err)
	// Output:
	// Alice alice <nil>
	// confusable: username: a user name is written in one script: letters of different alphabets that look alike are refused
}
