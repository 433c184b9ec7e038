package auth_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/auth"
)

// returns are paths to return to, as people send them and as attackers do.
var returns = []struct {
	path string
	safe bool
}{
	// What people send.
	{"/", true},
	{"/orders", true},
	{"/orders/", true},
	{"/orders/17", true},
	{"/orders/17/", true},
	{"/a/b/c/d/e/f", true},
	{"/orders?page=2", true},
	{"/orders?page=2&sort=-date", true},
	{"/orders?q=a+b", true},
	{"/orders?q=a%20b", true},
	{"/orders?", true},
	{"/?", true},
	{"/?a", true},
	{"/#", true},
	{"/#top", true},
	{"/#/route/of/an/app", true},
	{"/orders#top", true},
	{"/orders?page=2#top", true},
	{"/orders?to=/elsewhere", true},
	{"/orders?to=https://evil.example", true},
	{"/orders?to=//evil.example", true},
	{"/orders?to=https%3A%2F%2Fevil.example%2F", true},
	{"/orders?at=12:30", true},
	{"/orders?who=a@b.example", true},
	{"/orders?a;b", true},
	{"/#https://evil.example", true},
	{"/#//evil.example", true},
	{"/?//evil.example", true},
	{"/?/../..", true},
	{"/#/../..", true},
	{"/index.html", true},
	{"/a.b/c.d", true},
	{"/.well-known/x", true},
	{"/..a", true},
	{"/a..", true},
	{"/...", true},
	{"/.a", true},
	{"/a.", true},
	{"/-", true},
	{"/_", true},
	{"/~user", true},
	{"/a-b_c~d", true},
	{"/a!b", true},
	{"/a$b", true},
	{"/a&b", true},
	{"/a'b", true},
	{"/(a)", true},
	{"/a*b", true},
	{"/a+b", true},
	{"/a,b", true},
	{"/a=b", true},
	{"/[a]", true},
	{"/a%21", true},
	{"/caf%C3%A9", true},
	{"/caf%c3%a9", true},
	{"/%E2%82%AC", true},
	{"/%F0%9F%99%82", true},
	{"/javascript", true},
	{"/https", true},
	{"/evil.example", true},
	{"/www.evil.example", true},
	{"/?a=%00", true}, // a query is never a part of where it leads
	{"/?a=%0d%0aSet-Cookie", true},
	{"/?%5c%5cevil.example", true},
	{"/" + strings.Repeat("a", 1023), true},

	// Nothing, and what begins otherwise.
	{"", false},
	{" ", false},
	{"orders", false},
	{"./orders", false},
	{"../orders", false},
	{"?page=2", false},
	{"#top", false},
	{".", false},
	{"..", false},
	{"evil.example", false},
	{"evil.example/", false},
	{"www.evil.example", false},
	{"@evil.example", false},
	{":80", false},
	{";/", false},
	{"%2f", false},
	{"%2forders", false},
	{"%2f%2fevil.example", false},
	{"%5cevil.example", false},
	{"%09/evil.example", false},
	{"/" + strings.Repeat("a", 1024), false},

	// Absolute, in every scheme.
	{"http://evil.example", false},
	{"https://evil.example", false},
	{"https://evil.example/", false},
	{"HTTPS://evil.example", false},
	{"https:evil.example", false},
	{"https:/evil.example", false},
	{"https:///evil.example", false},
	{"https:\\\\evil.example", false},
	{"http:evil.example", false},
	{"https://id.example", false},
	{"https://id.example/orders", false},
	{"https://id.example@evil.example/", false},
	{"https://id.example.evil.example/", false},
	{"https://evil.example#id.example", false},
	{"https://evil.example?id.example", false},
	{"https://evil.example\\id.example", false},
	{"ftp://evil.example", false},
	{"ws://evil.example", false},
	{"file:///etc/passwd", false},
	{"mailto:a@evil.example", false},
	{"data:text/html,<script>alert(1)</script>", false},
	{"data:text/html;base64,PHNjcmlwdD4=", false},
	{"javascript:alert(1)", false},
	{"JavaScript:alert(1)", false},
	{"java\nscript:alert(1)", false},
	{"java\tscript:alert(1)", false},
	{"\x01javascript:alert(1)", false},
	{" javascript:alert(1)", false},
	{"javascript://id.example/%0aalert(1)", false},
	{"vbscript:x", false},
	{"blob:https://evil.example/1", false},
	{"about:blank", false},
	{"view-source:https://evil.example", false},
	{"intent://evil.example#Intent;end", false},

	// Two slashes and what is read as such.
	{"//", false},
	{"//evil.example", false},
	{"//evil.example/", false},
	{"//evil.example/orders", false},
	{"//id.example/orders", false},
	{"//id.example@evil.example", false},
	{"//@evil.example", false},
	{"//evil.example:443/", false},
	{"//evil%E3%80%82example", false},
	{"//[::1]/", false},
	{"//127.0.0.1/", false},
	{"//2130706433/", false},
	{"//0x7f000001/", false},
	{"//evil.example?a", false},
	{"//evil.example#a", false},
	{"//?", false},
	{"//#", false},
	{"///", false},
	{"///evil.example", false},
	{"////evil.example", false},
	{"/////evil.example", false},
	{"//\\evil.example", false},
	{"/\\", false},
	{"/\\evil.example", false},
	{"/\\/evil.example", false},
	{"/\\\\evil.example", false},
	{"\\", false},
	{"\\evil.example", false},
	{"\\\\evil.example", false},
	{"\\/evil.example", false},
	{"\\//evil.example", false},
	{"/orders\\", false},
	{"/orders\\..\\", false},
	{"/?a=\\", false},
	{"/#\\", false},
	{"/orders//evil.example", false},
	{"/orders//", false},
	{"/orders///", false},
	{"/a//b", false},

	// Control characters and spaces: browsers drop tabs and line breaks anywhere, and
	// anything up to a space at both ends.
	{"\t//evil.example", false},
	{"\n//evil.example", false},
	{"\r//evil.example", false},
	{"/\t/evil.example", false},
	{"/\n/evil.example", false},
	{"/\r/evil.example", false},
	{"/\r\n/evil.example", false},
	{"/\t\\evil.example", false},
	{"/\x00/evil.example", false},
	{"/\x0b/evil.example", false},
	{"/\x0c/evil.example", false},
	{"/\x1f/evil.example", false},
	{"/\x7f/evil.example", false},
	{"/\x80/evil.example", false},
	{" /orders", false},
	{"/orders ", false},
	{"\x00/orders", false},
	{"\ufeff/orders", false},
	{"/orders\x00", false},
	{"/orders\n", false},
	{"/orders\r\nLocation: https://evil.example", false},
	{"/orders\r\nSet-Cookie: a=b", false},
	{"/orders\t", false},
	{"/ /evil.example", false},
	{"/orders?a=b c", false},
	{"/orders?a=\n", false},
	{"/orders#\n", false},
	{"/orders\u0085", false},
	{"/orders\u2028", false},

	// Letters that some make slashes, dots and colons of.
	{"/／evil.example", false},
	{"／／evil.example", false},
	{"/\u2044evil.example", false},
	{"/\u2215evil.example", false},
	{"/\u29f8evil.example", false},
	{"/\u2216evil.example", false},
	{"/\uff3cevil.example", false},
	{"/\u3002\u3002/evil.example", false},
	{"/\uff0e\uff0e/evil.example", false},
	{"/\u200b/evil.example", false},
	{"/\u202e/evil.example", false},
	{"/\u00a0/evil.example", false},
	{"/café", false},
	{"/İ", false},
	{"/\xff", false},
	{"/\xc0\xaf", false},
	{"/?q=é", false},
	{"/#é", false},

	// Percent-encoded ones, in both cases, encoded again, and overlong.
	{"/%2f", false},
	{"/%2F", false},
	{"/%2fevil.example", false},
	{"/%2Fevil.example", false},
	{"/%2f%2fevil.example", false},
	{"/%2f/evil.example", false},
	{"/%5cevil.example", false},
	{"/%5Cevil.example", false},
	{"/%5c%5cevil.example", false},
	{"/orders%2f..%2f", false},
	{"/orders%5c..", false},
	{"/%252fevil.example", false},
	{"/%252Fevil.example", false},
	{"/%255cevil.example", false},
	{"/%25%32%66evil.example", false},
	{"/%25252fevil.example", false},
	{"/%c0%afevil.example", false},
	{"/%C0%AFevil.example", false},
	{"/%c1%9cevil.example", false},
	{"/%c0%ae%c0%ae/", false},
	{"/%e0%80%afevil.example", false},
	{"/%f0%80%80%afevil.example", false},
	{"/%ed%a0%80", false},
	{"/%ff", false},
	{"/%80", false},
	{"/%c3", false},
	{"/%00", false},
	{"/%00/evil.example", false},
	{"/%01", false},
	{"/%09/evil.example", false},
	{"/%0a/evil.example", false},
	{"/%0A/evil.example", false},
	{"/%0d/evil.example", false},
	{"/%0d%0aLocation:%20https://evil.example", false},
	{"/%0D%0ASet-Cookie=a", false},
	{"/%1f", false},
	{"/%20", false},
	{"/%7f", false},
	{"/%7F", false},
	{"/%3a", false},
	{"/%3A80", false},
	{"/%40evil.example", false},
	{"/%3b/", false},
	{"/%3B/", false},
	{"/%u002f", false},
	{"/%uff0f", false},
	{"/\\x2fevil.example", false},
	{"/\\u002fevil.example", false},
	{"/&#47;evil.example", true}, // nothing decodes that in a path: what follows "#" is a fragment
	{"/&sol;evil.example", false},

	// Percent signs that encode nothing.
	{"/%", false},
	{"/%2", false},
	{"/%zz", false},
	{"/%2x", false},
	{"/%x2f", false},
	{"/a%", false},
	{"/%%2f", false},
	{"/%%", false},
	{"/?%", false},
	{"/?a=%zz", false},
	{"/#%", false},
	{"/#%zz", false},

	// Dot segments, plain and in disguise.
	{"/.", false},
	{"/./", false},
	{"/..", false},
	{"/../", false},
	{"/../..", false},
	{"/..//evil.example", false},
	{"/.//evil.example", false},
	{"/./evil.example", false},
	{"/orders/..", false},
	{"/orders/../", false},
	{"/orders/..//evil.example", false},
	{"/orders/.", false},
	{"/orders/./17", false},
	{"/..?a", false},
	{"/..#a", false},
	{"/%2e", false},
	{"/%2E", false},
	{"/%2e%2e/", false},
	{"/%2E%2e//evil.example", false},
	{"/.%2e/", false},
	{"/%2e./", false},
	{"/%252e%252e/", false},
	{"/..;/", false},
	{"/..;a=b/", false},
	{"/.;/", false},
	{"/;/evil.example", false},
	{"/orders;jsessionid=1", false},
	{"/;@evil.example", false},

	// User information, ports and schemes within the path.
	{"/@evil.example", false},
	{"/:@evil.example", false},
	{"/:80", false},
	{"/:evil.example", false},
	{"/a:b", false},
	{"/a@b", false},
	{"/https://evil.example", false},
	{"/https:/evil.example", false},
	{"/http:evil.example", false},
	{"/javascript:alert(1)", false},
	{"/orders@evil.example/", false},

	// Markup, for where it is shown.
	{"/\"onload=alert(1)", false},
	{"/<script>", false},
	{"/>", false},
	{"/?a=\"", false},
	{"/?a=<script>", false},
	{"/#<img>", false},
	{"/`", false},
	{"/^", false},
	{"/{a}", false},
	{"/a|b", false},
	{"/?a=`", false},
}

func TestSafeReturn(t *testing.T) {
	refused := 0
	seen := map[string]bool{}
	for _, tt := range returns {
		t.Run(fmt.Sprintf("%.60q", tt.path), func(t *testing.T) {
			if got := auth.SafeReturn(tt.path); got != tt.safe {
				t.Errorf("got %t, want %t", got, tt.safe)
			}
			if tt.safe {
				stays(t, tt.path)
			}
		})
		if seen[tt.path] {
			t.Errorf("%q stands twice", tt.path)
		}
		seen[tt.path] = true
		if !tt.safe {
			refused++
		}
	}
	if refused < 200 {
		t.Errorf("%d tricks only", refused)
	}
}

// TestSafeReturn_bytes: every byte, in every place, plain and encoded.
func TestSafeReturn_bytes(t *testing.T) {
	for b := range 256 {
		for _, form := range []string{string([]byte{byte(b)}), fmt.Sprintf("%%%02x", b), fmt.Sprintf("%%%02X", b), fmt.Sprintf("%%25%02x", b)} {
			for _, frame := range []string{"%s", "%s/", "/%s", "/%s/evil.example", "/%sevil.example", "/a%s", "/a/%s/..", "/a/.%s./b", "/?a=%s", "/#%s", "//%s", "/%[1]s%[1]sevil.example"} {
				path := fmt.Sprintf(frame, form)
				if !auth.SafeReturn(path) {
					continue
				}
				stays(t, path)
				if strings.HasPrefix(path, "/?") || strings.HasPrefix(path, "/#") {
					continue
				}
				if b < 0x21 || b >= 0x7f && len(form) == 1 || strings.ContainsRune("\\@:;%", rune(b)) {
					t.Errorf("%q is taken for safe", path)
				}
			}
		}
	}
}

// FuzzSafeReturn: what is accepted stays where it is, however it is read.
func FuzzSafeReturn(f *testing.F) {
	for _, tt := range returns {
		f.Add(tt.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if auth.SafeReturn(path) {
			stays(t, path)
		}
	})
}

// stays fails the test if a path, resolved where the browser is when it is told to
// go there, leads to another origin, as net/url reads it and as a browser does.
func stays(t *testing.T, path string) {
	t.Helper()
	base, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	for how, read := range map[string]string{
		"as it is": path, "as a browser reads it": likeBrowser(path),
		"decoded": decoded(path), "decoded, as a browser reads it": likeBrowser(decoded(path)),
	} {
		u, err := base.Parse(read)
		if err != nil {
			if strings.HasPrefix(how, "decoded") { // there is no such URL
				continue
			}
			t.Errorf("%q %s: %v", path, how, err)
			continue
		}
		if u.Scheme != "https" || u.Host != "id.example" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(u.String(), "https://id.example/") {
			t.Errorf("%q %s leads to %s", path, how, u)
		}
		if how == "as it is" && u.EscapedPath() != strings.SplitN(strings.SplitN(path, "#", 2)[0], "?", 2)[0] {
			t.Errorf("%q leads to the path %q", path, u.EscapedPath())
		}
	}
	if location := "Location: " + path; strings.ContainsAny(location, "\r\n\x00") {
		t.Errorf("%q breaks the header", path)
	}
}

// likeBrowser does what browsers do before they read a URL (WHATWG URL Standard
// §4.4): they cut off what is not printed at both ends, drop tabs and line breaks,
// and read a backslash as a slash. It leaves queries and fragments.
func likeBrowser(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	end := strings.IndexAny(s, "?#")
	if end < 0 {
		end = len(s)
	}
	s = strings.ReplaceAll(s[:end], "\\", "/") + s[end:]
	if rest := strings.TrimLeft(s, "/"); len(s)-len(rest) > 2 { // any number of slashes begins a host
		s = "//" + rest
	}
	return s
}

// decoded is the path as one that decodes it once too often hands it on.
func decoded(s string) string {
	end := strings.IndexAny(s, "?#")
	if end < 0 {
		end = len(s)
	}
	path, err := url.PathUnescape(s[:end])
	if err != nil {
		return s
	}
	return path + s[end:]
}
