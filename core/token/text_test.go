package token_test

import (
	"encoding/json"
	"testing"

	"github.com/hexward/hexward/core/token"
)

func TestAppendText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", `""`},
		{"plain", "abc é 😀", `"abc é 😀"`},
		{"quotes", `a"b\c`, `"a\"b\\c"`},
		{"controls", "\x00\n\x1f\x7f", `"\u0000\u000A\u001F\u007F"`},
		{"markup", "</script>&", `"\u003C/script\u003E\u0026"`},
		{"no UTF-8", "a\xffb\xc3", `"a` + "\ufffd" + `b` + "\ufffd" + `"`},
		{"a replacement character of its own", "\ufffd", `"` + "\ufffd" + `"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(token.AppendText([]byte("x"), test.text)); got != "x"+test.want {
				t.Errorf("got %s, want %s", got, "x"+test.want)
			}
		})
	}
}

func FuzzAppendText(f *testing.F) {
	f.Add("a\"\\\x00<é\xff")
	f.Fuzz(func(t *testing.T, text string) {
		var back string
		if err := json.Unmarshal(token.AppendText(nil, text), &back); err != nil {
			t.Fatal(err)
		}
		if want := string([]rune(text)); back != want {
			t.Errorf("%q became %q", text, back)
		}
	})
}
