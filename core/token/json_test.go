package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/token"
)

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":%d`, i, i)
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

var jsonCases = []struct {
	name, doc string
	ok        bool
}{
	{"empty", "", false},
	{"only space", " \t", false},
	{"object", `{}`, true},
	{"array", `[]`, true},
	{"space everywhere", " { \"a\" : [ 1 , 2 ] , \"b\" : { } }\r\n", true},
	{"other space", "\v{}", false},
	{"byte order mark", "\ufeff{}", false},
	{"literals", `[true,false,null]`, true},
	{"cut literal", `[tru]`, false},
	{"miscased literal", `[True]`, false},
	{"NaN", `[NaN]`, false},
	{"two documents", `{}{}`, false},
	{"trailing bytes", `{} x`, false},
	{"trailing NUL", "{}\x00", false},
	{"trailing comma in an object", `{"a":1,}`, false},
	{"trailing comma in an array", `[1,]`, false},
	{"leading comma", `[,1]`, false},
	{"two commas", `[1,,2]`, false},
	{"no comma", `[1 2]`, false},
	{"no colon", `{"a" 1}`, false},
	{"no value", `{"a":}`, false},
	{"no name", `{:1}`, false},
	{"bare name", `{a:1}`, false},
	{"single quotes", `{'a':1}`, false},
	{"number for a name", `{1:1}`, false},
	{"comment", `{/**/}`, false},
	{"wrong bracket", `[}`, false},
	{"brackets crossed", `[{]}`, false},
	{"unclosed object", `{"a":1`, false},
	{"unclosed array", `[[1]`, false},
	{"closed twice", `[]]`, false},
	{"16 levels", nested(16), true},
	{"17 levels", nested(17), false},
	{"very deep", strings.Repeat("[", 1<<20), false},
	{"256 members", manyMembers(256), true},
	{"257 members", manyMembers(257), false},
	{"numbers", `[0,-0,1,-1,10,1.5,1e5,1E+5,1e-5,-1.25e10]`, true},
	{"leading zero", `[01]`, false},
	{"plus", `[+1]`, false},
	{"minus alone", `[-]`, false},
	{"point first", `[.5]`, false},
	{"point last", `[5.]`, false},
	{"exponent without digits", `[1e]`, false},
	{"exponent sign alone", `[1e+]`, false},
	{"hexadecimal", `[0x1]`, false},
	{"strings", `["","a","\"\\\/\b\f\n\r\t","\u0041\u00e9\u20AC"]`, true},
	{"unclosed string", `["a]`, false},
	{"unknown escape", `["\x41"]`, false},
	{"escape at the end", `["\`, false},
	{"short unicode escape", `["\u004"]`, false},
	{"odd unicode escape", `["\u00g1"]`, false},
	{"surrogate pair", `["\ud83d\ude00"]`, true},
	{"high surrogate alone", `["\ud83d"]`, false},
	{"low surrogate alone", `["\ude00"]`, false},
	{"surrogates swapped", `["\ude00\ud83d"]`, false},
	{"high surrogate twice", `["\ud83d\ud83d"]`, false},
	{"high surrogate and another escape", `["\ud83d\n12345"]`, false},
	{"escaped NUL", `["\u0000"]`, true},
	{"raw control character", "[\"a\x1fbcdefgh\"]", false},
	{"raw line end", "[\"12345678\n\"]", false},
	{"DEL", "[\"\x7f\"]", true},
	{"UTF-8", `["é€😀"]`, true},
	{"bare continuation byte", "[\"\x80\"]", false},
	{"cut sequence", "[\"\xe2\x82\"]", false},
	{"overlong slash", "[\"\xc0\xaf\"]", false},
	{"encoded surrogate", "[\"\xed\xa0\x80\"]", false},
	{"beyond Unicode", "[\"\xf4\x90\x80\x80\"]", false},
	{"replacement character itself", "[\"\ufffd\"]", true},
	{"duplicate member", `{"a":1,"a":2}`, false},
	{"duplicate by escape", `{"a":1,"\u0061":2}`, false},
	{"duplicate by escape of both", `{"\u0061":1,"\u0061":2}`, false},
	{"duplicate slash", `{"\/":1,"/":2}`, false},
	{"duplicate empty name", `{"":1,"":2}`, false},
	{"duplicate by surrogates", `{"😀":1,"\ud83d\ude00":2}`, false},
	{"same name in another case", `{"a":1,"A":2}`, true},
	{"duplicate further in", `{"a":[{"b":1,"c":{},"b":2}]}`, false},
	{"same name at two levels", `{"a":{"a":{"a":1}}}`, true},
	{"same name in two siblings", `[{"a":1},{"a":1}]`, true},
	{"same name after a nested object", `{"a":{"b":1},"b":2,"c":{"b":1}}`, true},
	{"duplicate after a nested object", `{"a":{"b":1},"c":2,"a":3}`, false},
}

func TestParseJSON(t *testing.T) {
	for _, tc := range jsonCases {
		t.Run(tc.name, func(t *testing.T) {
			v, err := token.ParseJSON(tc.doc)
			if (err == nil) != tc.ok {
				t.Fatalf("got %v, want accepted %v", err, tc.ok)
			}
			if err != nil && !errors.Is(err, token.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
			if err == nil && v.Raw() != strings.Trim(tc.doc, " \t\r\n") {
				t.Errorf("raw text is %q", v.Raw())
			}
		})
	}
}

func TestValue_Int(t *testing.T) {
	for _, tc := range []struct {
		doc  string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"-0", 0, true},
		{"-7", -7, true},
		{"1800000000", 1_800_000_000, true},
		{"1800000000.0", 1_800_000_000, true},
		{"1800000000.000000000000000000000000000000", 1_800_000_000, true},
		{"1800000000.5", 0, false},
		{"1.8e9", 1_800_000_000, true},
		{"1.8E+9", 1_800_000_000, true},
		{"18000000000e-1", 1_800_000_000, true},
		{"18000000001e-1", 0, false},
		{"0.0018e12", 1_800_000_000, true},
		{"0e999999999999999999", 0, true},
		{"1e999999999999999999", 0, false},
		{"1e-999999999999999999", 0, false},
		{"1e18446744073709551617", 0, false},
		{"100e-2", 1, true},
		{"9007199254740991", 1<<53 - 1, true},
		{"9007199254740992", 0, false},
		{"9007199254740993", 0, false},
		{"-9007199254740991", -(1<<53 - 1), true},
		{"99999999999999999999", 0, false},
		{"18446744073709551617", 0, false},
		{`"1"`, 0, false},
		{"true", 0, false},
		{"null", 0, false},
		{"[1]", 0, false},
	} {
		t.Run(tc.doc, func(t *testing.T) {
			v, err := token.ParseJSON(tc.doc)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := v.Int(); got != tc.want || ok != tc.ok {
				t.Errorf("got %d %v, want %d %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestValue_Member(t *testing.T) {
	v, err := token.ParseJSON(` {"a" : "x\u0041" ,"\u0062":[1, {"c":true}],"n":null, "s":"}]\"", "":{}} `)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": `"x\u0041"`, "b": `[1, {"c":true}]`, "n": "null", "s": `"}]\""`, "": "{}",
	} {
		if got, ok := v.Member(name); !ok || got.Raw() != want {
			t.Errorf("%q is %q %v, want %q", name, got.Raw(), ok, want)
		}
	}
	for _, name := range []string{"c", "A", "a\x00", `\u0062`} {
		if got, ok := v.Member(name); ok {
			t.Errorf("%q is %q, want none", name, got.Raw())
		}
	}
	a, _ := v.Member("a")
	if text, ok := a.Text(); !ok || text != "xA" {
		t.Errorf("a is %q %v", text, ok)
	}
	if _, ok := a.Member("a"); ok {
		t.Error("a string has members")
	}
	var zero token.Value
	if _, ok := zero.Text(); ok || zero.Kind() != token.KindInvalid || zero.Raw() != "" {
		t.Error("the zero value is something")
	}
	if c := zero.Members(); c.Next() {
		t.Error("the zero value has members")
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, tc := range jsonCases {
		if len(tc.doc) < 1000 {
			f.Add(tc.doc)
		}
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, doc string) {
		v, err := token.ParseJSON(doc)
		want := strictJSON(doc)
		if (err == nil) != (want == nil) {
			t.Fatalf("%q: got %v, want %v", doc, err, want)
		}
		if err != nil {
			return
		}
		var decoded any
		d := json.NewDecoder(strings.NewReader(doc))
		d.UseNumber()
		if err := d.Decode(&decoded); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded, decode(t, v)); diff != "" {
			t.Fatalf("%q: -encoding/json +ours\n%s", doc, diff)
		}
	})
}

// decode turns v into what encoding/json would, by way of the cursor alone.
func decode(t *testing.T, v token.Value) any {
	switch v.Kind() {
	case token.KindObject:
		m := map[string]any{}
		for c := v.Members(); c.Next(); {
			m[c.Name()] = decode(t, c.Value())
			if again, ok := v.Member(c.Name()); !ok || again != c.Value() {
				t.Fatalf("member %q is %q, by name %q", c.Name(), c.Value().Raw(), again.Raw())
			}
		}
		return m
	case token.KindArray:
		list := []any{}
		for c := v.Members(); c.Next(); {
			list = append(list, decode(t, c.Value()))
		}
		return list
	case token.KindString:
		s, _ := v.Text()
		return s
	case token.KindNumber:
		sameInt(t, v)
		return json.Number(v.Raw())
	case token.KindBool:
		b, _ := v.Bool()
		return b
	case token.KindNull:
		return nil
	default:
		t.Fatalf("%q is invalid", v.Raw())
		return nil
	}
}

// sameInt holds Int against exact arithmetic.
func sameInt(t *testing.T, v token.Value) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(v.Raw()), "e")
	if e, err := strconv.Atoi(exponent); len(mantissa) > 50 || exponent != "" && (err != nil || e > 100 || e < -100) {
		return
	}
	exact, ok := new(big.Rat).SetString(v.Raw())
	if !ok {
		t.Fatalf("%q is no number", v.Raw())
	}
	limit := new(big.Rat).SetInt64(1 << 53)
	fits := exact.IsInt() && new(big.Rat).Abs(exact).Cmp(limit) < 0
	got, ok := v.Int()
	if ok != fits || ok && exact.Cmp(new(big.Rat).SetInt64(got)) != 0 {
		t.Fatalf("%s is %d %v", v.Raw(), got, ok)
	}
}

var errStrict = errors.New("refused")

// strictJSON is the package's rules, written with the standard library.
func strictJSON(doc string) error {
	if !json.Valid([]byte(doc)) || !utf8.ValidString(doc) || loneSurrogate(doc) {
		return errStrict
	}
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	type level struct {
		names map[string]bool // nil in an array
		name  bool            // a name comes next
	}
	var levels []level
	open := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if top := len(levels) - 1; top >= 0 && levels[top].names != nil && tok != json.Delim('}') {
			if levels[top].name {
				name := tok.(string)
				if levels[top].names[name] {
					return errStrict
				}
				levels[top].names[name] = true
				if open++; open > 256 {
					return errStrict
				}
				levels[top].name = false
				continue
			}
			levels[top].name = true
		}
		switch tok {
		case json.Delim('{'):
			levels = append(levels, level{names: map[string]bool{}, name: true})
		case json.Delim('['):
			levels = append(levels, level{})
		case json.Delim('}'), json.Delim(']'):
			open -= len(levels[len(levels)-1].names)
			levels = levels[:len(levels)-1]
		}
		if len(levels) > 16 {
			return errStrict
		}
	}
}

// loneSurrogate reports whether a valid JSON text escapes half of a surrogate pair.
func loneSurrogate(doc string) bool {
	b := []byte(strings.ReplaceAll(doc, `\\`, "xx"))
	high := -1
	for i := bytes.IndexByte(b, '\\'); i >= 0 && i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if b[i+1] != 'u' {
			continue
		}
		r, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 16)
		switch {
		case err != nil:
			return true
		case r >= 0xD800 && r <= 0xDBFF:
			if high >= 0 {
				return true
			}
			high = i + 6
			continue
		case r >= 0xDC00 && r <= 0xDFFF:
			if high != i {
				return true
			}
			high = -1
		case high >= 0:
			return true
		}
	}
	return high >= 0
}

func BenchmarkParseJSON(b *testing.B) {
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := token.ParseJSON(payload); err != nil {
			b.Fatal(err)
		}
	}
}
