package user_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/user"
)

func TestLoginKey(t *testing.T) {
	tests := []struct{ name, login, want string }{
		{name: "name", login: "alice", want: "alice"},
		{name: "another spelling", login: "ＡＬİＣE", want: "alice"},
		{name: "white space around", login: " Alice\r\n", want: "alice"},
		{name: "address", login: " Alice@B.Example ", want: "alice@b.example"},
		{name: "capitals that would not do for a new name", login: "ВЕРА", want: "вера"},
		{name: "empty", login: ""},
		{name: "no address", login: "alice@"},
		{name: "wide at sign", login: "alice＠b.example"},
		{name: "space", login: "al ice"},
		{name: "too short", login: "al"},
		{name: "too long", login: strings.Repeat("a", 33)},
		{name: "a megabyte", login: strings.Repeat("a\u0300", 1<<19)},
		{name: "mapped to what is mapped on", login: "abİ\u0307"},
		{name: "not UTF-8", login: "ali\xffce"},
		{name: "control", login: "ali\x00ce"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := user.LoginKey(test.login); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Whatever name or address is accepted leads back to its owner, by any of its forms.
func FuzzLoginKey(f *testing.F) {
	for _, seed := range []string{"alice", "Вера", "İstanbul", "Οδός", "a@b.example", "A.B+c@D.example", "ﾀﾅｶ", "اب\u200c", "\xff@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := user.ParseName(s); err == nil {
			for _, login := range []string{s, n.String(), n.Key()} {
				if got := user.LoginKey(login); got != n.Key() {
					t.Errorf("%q leads to %q, not to %q", login, got, n.Key())
				}
			}
		}
		if e, err := user.ParseEmail(s); err == nil {
			for _, login := range []string{s, e.String(), e.Key()} {
				if got := user.LoginKey(login); got != e.Key() {
					t.Errorf("%q leads to %q, not to %q", login, got, e.Key())
				}
			}
		}
	})
}

func ExampleLoginKey() {
	fmt.Println(user.LoginKey("Alice"), user.LoginKey("Alice@B.Example"))
	// Output: alice alice@b.example
}
