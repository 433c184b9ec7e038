package user_test

import (
	"fmt"
	"net/mail"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/user"
)

func TestParseEmail(t *testing.T) {
	local64, label63 := strings.Repeat("l", 64), strings.Repeat("d", 63)
	tests := []struct {
		name, in     string
		address, key string
		code         string // why it is refused, or ""
	}{
		{name: "plain", in: "alice@b.example", address: "alice@b.example", key: "alice@b.example"},
		{name: "case", in: "Alice.Liddell@B.EXAMPLE", address: "Alice.Liddell@b.example", key: "alice.liddell@b.example"},
		{name: "tag", in: "alice+shop@b.example", address: "alice+shop@b.example", key: "alice+shop@b.example"},
		{name: "every sign that needs no quotes", in: "a!#$%&'*+-/=?^_`{|}~z@b.example", address: "a!#$%&'*+-/=?^_`{|}~z@b.example", key: "a!#$%&'*+-/=?^_`{|}~z@b.example"},
		{name: "one character", in: "a@b.example", address: "a@b.example", key: "a@b.example"},
		{name: "digits", in: "123@456.example", address: "123@456.example", key: "123@456.example"},
		{name: "white space around", in: " \ta@b.example\r\n", address: "a@b.example", key: "a@b.example"},
		{name: "international domain", in: "a@xn--bcher-kva.example", address: "a@xn--bcher-kva.example", key: "a@xn--bcher-kva.example"},
		{name: "international top level", in: "a@b.xn--p1ai", address: "a@b.xn--p1ai", key: "a@b.xn--p1ai"},
		{name: "longest local part", in: local64 + "@b.example", address: local64 + "@b.example", key: local64 + "@b.example"},
		{name: "longest label", in: "a@" + label63 + ".example", address: "a@" + label63 + ".example", key: "a@" + label63 + ".example"},
		{
			name:    "254 characters",
			in:      local64 + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 61),
			address: local64 + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 61),
			key:     local64 + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 61),
		},

		{name: "empty", in: "", code: "required"},
		{name: "white space", in: " \r\n", code: "required"},
		{name: "255 characters", in: local64 + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 62), code: "too_long"},
		{name: "a megabyte", in: strings.Repeat("a.", 1<<19) + "@b.example", code: "too_long"},
		{name: "no at sign", in: "alice.b.example", code: "malformed"},
		{name: "two at signs", in: "alice@b@c.example", code: "malformed"},
		{name: "two at signs together", in: "alice@@c.example", code: "malformed"},
		{name: "quoted at sign", in: `"alice@b"@c.example`, code: "malformed"},
		{name: "wide at sign", in: "alice＠b.example", code: "malformed"},
		{name: "wide and plain at sign", in: "alice＠b.example@c.example", code: "malformed"},
		{name: "no local part", in: "@b.example", code: "malformed"},
		{name: "no domain", in: "alice@", code: "malformed"},
		{name: "65 characters before", in: local64 + "l@b.example", code: "malformed"},
		{name: "dot in front", in: ".alice@b.example", code: "malformed"},
		{name: "dot behind", in: "alice.@b.example", code: "malformed"},
		{name: "two dots", in: "al..ice@b.example", code: "malformed"},
		{name: "quotes", in: `"alice"@b.example`, code: "malformed"},
		{name: "comment", in: "alice(home)@b.example", code: "malformed"},
		{name: "display name", in: "Alice <alice@b.example>", code: "malformed"},
		{name: "brackets", in: "<alice@b.example>", code: "malformed"},
		{name: "two addresses", in: "alice@b.example,bob", code: "malformed"},
		{name: "two addresses in full", in: "alice@b.example,bob@b.example", code: "malformed"},
		{name: "semicolon", in: "alice;bob@b.example", code: "malformed"},
		{name: "backslash", in: `ali\ce@b.example`, code: "malformed"},
		{name: "source route", in: "@a.example:alice@b.example", code: "malformed"},
		{name: "space within", in: "al ice@b.example", code: "malformed"},
		{name: "space before the at sign", in: "alice @b.example", code: "malformed"},
		{name: "space after the at sign", in: "alice@ b.example", code: "malformed"},
		{name: "header behind", in: "alice@b.example\r\nBcc: eve@evil.example", code: "malformed"},
		{name: "header behind, one at sign", in: "alice@b.example\r\nX: y", code: "malformed"},
		{name: "line feed", in: "alice@b.example\nX: y", code: "malformed"},
		{name: "carriage return", in: "alice@b.example\rX", code: "malformed"},
		{name: "line break before", in: "al\r\n ice@b.example", code: "malformed"},
		{name: "encoded line break", in: "alice%0d%0a@b.example", address: "alice%0d%0a@b.example", key: "alice%0d%0a@b.example"},
		{name: "NUL", in: "alice\x00@b.example", code: "malformed"},
		{name: "NUL behind", in: "alice@b.example\x00", code: "malformed"},
		{name: "delete", in: "alice\x7f@b.example", code: "malformed"},
		{name: "vertical tab behind", in: "alice@b.example\v", code: "malformed"},
		{name: "no-break space behind", in: "alice@b.example\u00A0", code: "malformed"},
		{name: "letters beyond ASCII", in: "älice@b.example", code: "malformed"},
		{name: "domain beyond ASCII", in: "alice@bücher.example", code: "malformed"},
		{name: "Kelvin sign", in: "alice@mar\u212A.example", code: "malformed"},
		{name: "Kelvin sign before", in: "mar\u212A@b.example", code: "malformed"},
		{name: "dotted capital I", in: "alice@gİthub.example", code: "malformed"},
		{name: "dotless i", in: "alice@gıthub.example", code: "malformed"},
		{name: "ideographic full stop", in: "alice@b。example", code: "malformed"},
		{name: "soft hyphen", in: "alice@b\u00AD.example", code: "malformed"},
		{name: "not UTF-8", in: "alice@b\xff.example", code: "malformed"},
		{name: "one label", in: "alice@localhost", code: "malformed"},
		{name: "dot behind the domain", in: "alice@b.example.", code: "malformed"},
		{name: "dot before the domain", in: "alice@.b.example", code: "malformed"},
		{name: "empty label", in: "alice@b..example", code: "malformed"},
		{name: "hyphen in front of a label", in: "alice@-b.example", code: "malformed"},
		{name: "hyphen behind a label", in: "alice@b-.example", code: "malformed"},
		{name: "underscore in the domain", in: "alice@b_c.example", code: "malformed"},
		{name: "label of 64", in: "alice@" + label63 + "d.example", code: "malformed"},
		{name: "IPv4 address", in: "alice@127.0.0.1", code: "malformed"},
		{name: "IPv4 address in part hexadecimal", in: "alice@127.0.0.0x1", code: "malformed"},
		{name: "IPv4 literal", in: "alice@[127.0.0.1]", code: "malformed"},
		{name: "IPv6 literal", in: "alice@[IPv6:::1]", code: "malformed"},
		{name: "port", in: "alice@b.example:25", code: "malformed"},
		{name: "path", in: "alice@b.example/x", code: "malformed"},
		{name: "UUCP", in: "alice@b.example!host", code: "malformed"},
		{name: "percent", in: "alice@b%c.example", code: "malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := user.ParseEmail(test.in)
			if test.code != "" {
				wantField(t, err, "email", test.code)
			} else if err != nil {
				t.Fatal(err)
			}
			if got.String() != test.address || got.Key() != test.key {
				t.Errorf("got %q with the key %q, want %q with %q", got, got.Key(), test.address, test.key)
			}
			if got.IsZero() != (test.code != "") {
				t.Errorf("IsZero is %t", got.IsZero())
			}
		})
	}
}

func TestEmailOf(t *testing.T) {
	want, err := user.ParseEmail("Alice@b.example")
	if err != nil {
		t.Fatal(err)
	}
	if got := user.EmailOf(want.String(), want.Key()); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if !user.EmailOf("", "").IsZero() {
		t.Error("no address is not the zero value")
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{
		"alice@b.example", "A.B+c@D.example", "a@b@c.d", "\"a b\"@c.d", "a@[1.2.3.4]", "a@b.c\r\nBcc: d", "mar\u212A@mar\u212A.example",
		" a@b.c ", "a..b@c.d", "a@1.2.3.4", "a@b.0x1", "@", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := user.ParseEmail(s)
		if err != nil {
			if !e.IsZero() {
				t.Errorf("got %v with an error", e)
			}
			return
		}
		if again, err := user.ParseEmail(e.String()); err != nil || again != e {
			t.Errorf("%q came out as %q, and that as %q, %v", s, e, again, err)
		}
		for _, text := range []string{e.String(), e.Key()} {
			if strings.Count(text, "@") != 1 || len(text) > 254 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%q came out as %q", s, text)
			}
			// The standard library reads RFC 5322: it sees this one address and nothing around it.
			if a, err := mail.ParseAddress(text); err != nil || a.Address != text || a.Name != "" {
				t.Errorf("%q is read as %v, %v", text, a, err)
			}
		}
		if e.Key() != strings.ToLower(e.String()) {
			t.Errorf("%q has the key %q", e, e.Key())
		}
	})
}

func BenchmarkParseEmail(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = user.ParseEmail("Alice.Liddell@Wonderland.example")
	}
}

func ExampleParseEmail() {
	email, err := user.ParseEmail("Alice@B.Example")
	fmt.Println(email, email.Key(), err)
	_, err = user.ParseEmail("alice@b.example\r\nBcc: eve@c.example")
	fmt.Println(err)
	// Output:
	// Alice@b.example alice@b.example <nil>
	// malformed: email: an e-mail address has exactly one @
}
