package user_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
)

func TestCheckSubject(t *testing.T) {
	tests := []struct {
		name, subject string
		good          bool
	}{
		{"a number", "1", true},
		{"a UUID", "0190aaaa-0000-7000-8000-00000000000a", true},
		{"a pipe", "auth0|5f7c8ec7c33c6c004bbafe82", true},
		{"an address", "a@b.example", true},
		{"letters", "äöü", true},
		{"a space", "a b", true},
		{"the longest", strings.Repeat("s", user.MaxSubject), true},
		{"too long", strings.Repeat("s", user.MaxSubject+1), false},
		{"too long in bytes", strings.Repeat("ä", user.MaxSubject/2+1), false},
		{"none", "", false},
		{"NUL", "a\x00", false},
		{"a line break", "a\nb", false},
		{"C1 control", "a\u0085", false},
		{"DEL", "a\x7f", false},
		{"not UTF-8", "a\xff", false},
		{"what decoders make of that", "a\ufffd", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := user.CheckSubject(tt.subject)
			if (err == nil) != tt.good || err != nil && (fault.KindOf(err) != fault.Unauthenticated || fault.CodeOf(err) != "subject") {
				t.Errorf("got %v", err)
			}
			if err != nil && tt.subject != "" && strings.Contains(err.Error(), tt.subject) {
				t.Error("the error has the subject")
			}
		})
	}
}

func TestProfile_Clean(t *testing.T) {
	tests := []struct{ name, fullName, picture, wantName, wantPicture string }{
		{name: "nothing"},
		{"as it should be", "Dana D", "https://pics.example/a.png?s=96#x", "Dana D", "https://pics.example/a.png?s=96#x"},
		{"other scripts", "Дана 王 دانا", "", "Дана 王 دانا", ""},
		{"a joiner", "می\u200cخواهم", "", "می\u200cخواهم", ""},
		{"white space around", " \t Dana \n", "", "Dana", ""},
		{"control", "Da\x00na\r\n\x1b[31m", "", "Dana[31m", ""},
		{"only control", "\x00\x01", "", "", ""},
		{"white space behind control", "\x00 Dana \x00", "", "Dana", ""},
		{"turned round", "Dana\u202e\u2066D", "", "DanaD", ""},
		{"line separators", "Da\u2028na\u2029", "", "Dana", ""},
		{"not UTF-8", "Da\xffna\ufffd", "", "Dana", ""},
		{"the longest", strings.Repeat("a", 200), "", strings.Repeat("a", 200), ""},
		{"longer", strings.Repeat("a", 201), "", strings.Repeat("a", 200), ""},
		{"longer in bytes", strings.Repeat("ä", 101), "", strings.Repeat("ä", 100), ""},
		{"cut at a whole letter", "a" + strings.Repeat("ä", 101), "", "a" + strings.Repeat("ä", 99), ""},
		{"cut at a space", strings.Repeat("a", 199) + " b", "", strings.Repeat("a", 199), ""},
		{"http picture", "", "http://pics.example/a", "", ""},
		{"picture in a script", "", "javascript:alert(1)", "", ""},
		{"picture in data", "", "data:image/svg+xml,<svg>", "", ""},
		{"scheme in capitals", "", "HTTPS://pics.example/a", "", ""},
		{"picture without a host", "", "https:///a", "", ""},
		{"picture without anything", "", "https://", "", ""},
		{"picture without a host but a port", "", "https://:443/a", "", ""},
		{"picture with a user", "", "https://a:b@pics.example/a", "", ""},
		{"an @ in the path", "", "https://pics.example/@a", "", "https://pics.example/@a"},
		{"a quote", "", "https://pics.example/\"onerror=", "", ""},
		{"an apostrophe", "", "https://pics.example/'", "", ""},
		{"markup", "", "https://pics.example/<script>", "", ""},
		{"a backslash", "", "https://pics.example\\a", "", ""},
		{"a backtick", "", "https://pics.example/`", "", ""},
		{"a space", "", "https://pics.example/a b", "", ""},
		{"a line break", "", "https://pics.example/a\n", "", ""},
		{"letters", "", "https://pics.example/ä", "", ""},
		{"the longest picture", "", "https://p.example/" + strings.Repeat("a", 1982), "", "https://p.example/" + strings.Repeat("a", 1982)},
		{"a longer picture", "", "https://p.example/" + strings.Repeat("a", 1983), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := user.Profile{FullName: tt.fullName, Picture: tt.picture}.Clean()
			want := user.Profile{FullName: tt.wantName, Picture: tt.wantPicture}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if again := got.Clean(); again != got {
				t.Errorf("cleaned again it is %+v", again)
			}
		})
	}
}

// TestProfile_Clean_long: a name of megabytes costs no more than a long one.
func TestProfile_Clean_long(t *testing.T) {
	huge := strings.Repeat("ä", 2<<20)
	if got := (user.Profile{FullName: huge}).Clean().FullName; got != strings.Repeat("ä", 100) { // rune by rune it would take days
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzProfile_Clean(f *testing.F) {
	f.Add("Dana\x00 D", "https://pics.example/a")
	f.Add(strings.Repeat("ä", 150), "https://a@b")
	f.Fuzz(func(t *testing.T, name, picture string) {
		got := user.Profile{FullName: name, Picture: picture}.Clean()
		if len(got.FullName) > 200 || !utf8.ValidString(got.FullName) || strings.ContainsAny(got.FullName, "\r\n\x00\ufffd\u202e") || got.FullName != strings.TrimSpace(got.FullName) {
			t.Errorf("%q became %q", name, got.FullName)
		}
		if got.Picture != "" && (got.Picture != picture || !strings.HasPrefix(picture, "https://") || strings.ContainsAny(picture, "\"'<>\\` \r\n\t")) {
			t.Errorf("%q became %q", picture, got.Picture)
		}
		if again := got.Clean(); again != got {
			t.Errorf("%+v cleaned again is %+v", got, again)
		}
	})
}

func TestUser_SetProfile(t *testing.T) {
	had := user.Profile{FullName: "Alice A", Picture: "https://pics.example/a"}
	tests := []struct {
		name    string
		says    user.Profile
		want    user.Profile
		changed bool
	}{
		{"the same", had, had, false},
		{"nothing", user.Profile{}, had, false},
		{"the same in disguise", user.Profile{FullName: " Alice\x00 A "}, had, false},
		{"another name", user.Profile{FullName: "Alice B"}, user.Profile{FullName: "Alice B", Picture: had.Picture}, true},
		{"another picture", user.Profile{Picture: "https://pics.example/b"}, user.Profile{FullName: had.FullName, Picture: "https://pics.example/b"}, true},
		{"a picture that is none", user.Profile{Picture: "http://pics.example/b"}, had, false},
		{"both", user.Profile{FullName: "B", Picture: "https://b.example/"}, user.Profile{FullName: "B", Picture: "https://b.example/"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := alice(t)
			u.Profile = had
			want := u
			if tt.changed {
				want.Profile, want.UpdatedAt = tt.want, noon.Add(time.Hour)
			}
			if got := u.SetProfile(tt.says, noon.Add(time.Hour)); got != tt.changed {
				t.Errorf("changed: %t", got)
			}
			if diff := cmp.Diff(want, u, same); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSuggestName(t *testing.T) {
	long := strings.Repeat("d", 40)
	tests := []struct {
		name       string
		candidates []string
		want       string
	}{
		{"none", nil, ""},
		{"empty", []string{"", ""}, ""},
		{"the first", []string{"dana", "other"}, "dana"},
		{"the first that can be one", []string{"", "\x00", "d", "dana"}, "dana"},
		{"an address", []string{"dana.d@b.example"}, "dana.d"},
		{"an address without a name", []string{"@b.example", "dana"}, "dana"},
		{"spaces", []string{" Dana  van\tD "}, "Dana.van.D"},
		{"too long", []string{long}, long[:user.MaxName-6]},
		{"too long by letters", []string{strings.Repeat("ä", 40)}, strings.Repeat("ä", user.MaxName-6)},
		{"not UTF-8", []string{"dana\xff", "dana"}, "dana"},
		{"a picture", []string{"🙂🙂🙂"}, ""},
		{"scripts that do not go together", []string{"pаypal", "paypal2"}, "paypal2"}, // the first has a Cyrillic а
		{"capitals stay", []string{"DanaD"}, "DanaD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := user.SuggestName(tt.candidates...)
			if got.String() != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got.Key() == "" {
				return
			}
			for _, behind := range []string{"2", "ffffff"} { // room for a number
				if _, err := user.ParseName(got.String() + behind); err != nil {
					t.Errorf("%q%s: %v", got, behind, err)
				}
			}
		})
	}
}
