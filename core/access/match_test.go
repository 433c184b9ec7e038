package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
)

// policyOf returns the policy of rules, each written as methods, if any, and a path: "GET,POST /orders/*".
func policyOf(t testing.TB, rules ...string) *access.Policy {
	t.Helper()
	p, err := access.NewPolicy(rulesOf(rules...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rulesOf(texts ...string) []access.Rule {
	rules := make([]access.Rule, len(texts))
	for i, text := range texts {
		rules[i].Demand = access.TokenOnly
		rules[i].Path = text
		if methods, path, ok := strings.Cut(text, " "); ok && text[0] != '/' {
			rules[i].Methods, rules[i].Path = strings.Split(methods, ","), path
		}
	}
	return rules
}

// The rules that the hostile paths are held against. Whatever reaches what is behind /admin meets its rule or is refused.
var guarded = []string{
	"/admin/**",       // 0
	"/files/*/raw",    // 1
	"GET /public/**",  // 2
	"/café/menu",      // 3
	"/a b/+",          // 4
	"/100/literal",    // 5
	"/",               // 6
	"/AZ",             // 7
	"/reports/**",     // 8
	"/files/index/**", // 9
}

const refused = -2 // the path is

func TestPolicy_Match_path(t *testing.T) {
	p := policyOf(t, guarded...)
	tests := []struct {
		name, path string
		want       int
	}{
		// What is meant.
		{"a literal", "/admin", 0},
		{"below it", "/admin/users/1", 0},
		{"a trailing slash", "/admin/", 0},
		{"a trailing slash below", "/admin/users/", 0},
		{"the root", "/", 6},
		{"the root with a query", "/?a=b", 6},
		{"a query", "/admin?x=/../public", 0},
		{"a query after a trailing slash", "/admin/?x", 0},
		{"an empty query", "/admin?", 0},
		{"a query has what it likes", "/admin?//;%zz\\#\x00\xff", 0},
		{"a star", "/files/x/raw", 1},
		{"a star is one segment", "/files/x/y/raw", -1},
		{"a star is not none", "/files/raw", -1},
		{"a star is itself too", "/files/*/raw", 1},
		{"the earlier rule of two", "/files/index/raw", 1},
		{"a literal where another rule has a star", "/files/index/other", 9},
		{"more than a rule has", "/AZ/x", -1},
		{"less than a rule has", "/files/x", -1},
		{"no rule", "/elsewhere", -1},
		{"a longer word", "/administrator", -1},
		{"a shorter word", "/admi", -1},
		{"many segments", "/admin" + strings.Repeat("/a", 2000), 0},

		// Other spellings of the same path.
		{"an escaped letter", "/%61dmin", 0},
		{"every letter escaped", "/%61%64%6d%69%6e", 0},
		{"hexadecimal in upper case", "/%61%64%6D%69%6E/x", 0},
		{"the last letter escaped", "/admi%6e", 0},
		{"escaped and then a query", "/%61dmin?x", 0},
		{"escaped characters", "/caf%C3%A9/menu", 3},
		{"escaped characters in lower case", "/caf%c3%a9/menu", 3},
		{"a space", "/a%20b/%2B", 4},
		{"a plus is no space", "/a+b/+", -1},
		{"escaped far below", "/files/x/%72aw", 1},

		// Other paths, however alike.
		{"upper case", "/ADMIN", -1},
		{"escaped upper case", "/%41dmin", -1},
		{"lower case", "/az", -1},
		{"a combining accent", "/cafe%CC%81/menu", -1},
		{"a fullwidth letter", "/%EF%BD%81dmin", -1},
		{"a percent sign", "/100%25/literal", -1},
		{"a percent sign and one digit", "/100%252", -1},
		{"a percent sign and letters", "/%25zz", -1},
		{"three dots", "/...", -1},
		{"a file that begins with a dot", "/.well-known/x", -1},
		{"a file that begins with two", "/..a/admin", -1},
		{"a trailing dot", "/admin.", -1},
		{"an escaped letter and a dot", "/%61.", -1},
		{"a dot and an escaped letter", "/.%61", -1},
		{"a trailing escaped space", "/admin%20", -1},

		// Dot segments, in every spelling.
		{"dot", "/./admin", refused},
		{"dot dot", "/public/../admin", refused},
		{"dot at the end", "/admin/.", refused},
		{"dot dot at the end", "/public/..", refused},
		{"dot before a query", "/public/..?x", refused},
		{"dot dot and a slash at the end", "/public/../", refused},
		{"only dot dot", "/..", refused},
		{"an escaped dot", "/public/%2e/admin", refused},
		{"an escaped dot in upper case", "/public/%2E", refused},
		{"half escaped", "/public/.%2e/admin", refused},
		{"the other half", "/public/%2e./admin", refused},
		{"both escaped", "/public/%2e%2e/admin", refused},
		{"both escaped before a query", "/public/%2e%2e?x", refused},
		{"with a parameter", "/public/..;/admin", refused},
		{"with a parameter and a value", "/public/..;a=b/admin", refused},
		{"a parameter on a word", "/public;x/admin", refused},
		{"an escaped semicolon", "/public/..%3b/admin", refused},
		{"an escaped semicolon in upper case", "/public%3Bx", refused},

		// Empty segments.
		{"two slashes", "//admin", refused},
		{"three slashes", "///admin", refused},
		{"two slashes within", "/public//admin", refused},
		{"two slashes at the end", "/admin//", refused},
		{"only two slashes", "//", refused},
		{"two slashes before a query", "/admin//?x", refused},
		{"another host", "//example.com/admin", refused},

		// Slashes that are none, or may be.
		{"an escaped slash", "/public%2fadmin", refused},
		{"an escaped slash in upper case", "/public%2Fadmin", refused},
		{"traversal with escaped slashes", "/public/..%2f..%2fadmin", refused},
		{"an escaped slash at the front", "/%2fadmin", refused},
		{"a backslash", `/public\admin`, refused},
		{"traversal with a backslash", `/public/..\admin`, refused},
		{"an escaped backslash", "/public%5cadmin", refused},
		{"an escaped backslash in upper case", "/public/%5C../admin", refused},

		// Escaped twice.
		{"dots escaped twice", "/public/%252e%252e/admin", refused},
		{"a slash escaped twice", "/public%252fadmin", refused},
		{"three times", "/public%25252fadmin", refused},
		{"the second escape escaped", "/public/%25%32%65/admin", refused},
		{"its second digit escaped", "/public/%252%65/admin", refused},
		{"its first digit escaped", "/public/%25%32e/admin", refused},
		{"a percent before it", "/%25%252e", refused},
		{"upper case digits", "/%25AF", refused},

		// Escapes that are none.
		{"a bare percent sign", "/100%", refused},
		{"one digit", "/%6", refused},
		{"one digit and a slash", "/%6/x", refused},
		{"one digit and a query", "/%6?x", refused},
		{"no digits", "/%zz", refused},
		{"one that is none", "/%6g", refused},
		{"sixteen bits", "/%u002e%u002e/admin", refused},
		{"a sign", "/%+1", refused},

		// Bytes that are no text.
		{"an overlong slash", "/public%c0%afadmin", refused},
		{"an overlong dot", "/public/%c0%ae%c0%ae/admin", refused},
		{"an overlong dot of three", "/%e0%80%ae", refused},
		{"an overlong dot of four", "/%f0%80%80%ae", refused},
		{"the overlong letters of another time", "/%c1%a1dmin", refused},
		{"a surrogate", "/%ed%a0%80", refused},
		{"beyond Unicode", "/%f4%90%80%80", refused},
		{"a lone continuation", "/%80", refused},
		{"half a character", "/caf%C3", refused},
		{"half a character and a letter", "/caf%C3A9/menu", refused},
		{"half a character and an escaped letter", "/caf%C3%41", refused},
		{"half a character across a slash", "/caf%C3/%A9", refused},
		{"three quarters of a character", "/%f0%9f%98", refused},
		{"a byte that is never one", "/%ff", refused},
		{"raw UTF-8", "/café/menu", refused},
		{"a raw byte", "/admin\xff", refused},
		{"half raw", "/caf%C3\xa9/menu", refused},

		// Control characters.
		{"an escaped NUL", "/admin%00", refused},
		{"an escaped NUL before a suffix", "/admin%00.html", refused},
		{"a raw NUL", "/admin\x00", refused},
		{"an escaped line feed", "/admin%0a", refused},
		{"an escaped carriage return", "/admin%0D%0AX: y", refused},
		{"a raw line feed", "/admin\nx", refused},
		{"a raw tab", "/admin\tx", refused},
		{"an escaped delete", "/admin%7f", refused},
		{"the last escaped control character", "/admin%1f", refused},
		{"a raw delete", "/admin\x7f", refused},
		{"a raw space", "/a b/+", refused},
		{"a raw space at the end", "/admin ", refused},

		// What is no path.
		{"empty", "", refused},
		{"only a query", "?x", refused},
		{"OPTIONS of the server", "*", refused},
		{"no slash", "admin", refused},
		{"an URL", "http://example.com/admin", refused},
		{"a host", "example.com:443", refused},
		{"a fragment", "/admin#x", refused},
		{"a fragment before a query", "/admin#?x", refused},
		{"an escaped fragment is a letter", "/admin/%23", 0},
		{"an escaped query is a letter", "/admin%3Fx", -1},

		// Long ones.
		{"as long as may be", "/admin/" + strings.Repeat("a", access.MaxPath-7), 0},
		{"longer", "/admin/" + strings.Repeat("a", access.MaxPath-6), refused},
		{"as long as may be, escaped", "/admin/" + strings.Repeat("%61", (access.MaxPath-7)/3), 0},
		{"longer, escaped", "/admin/" + strings.Repeat("%61", access.MaxPath), refused},
		{"cut in an escape", "/" + strings.Repeat("a", access.MaxPath-2) + "%61", refused},
		{"a long query", "/admin?" + strings.Repeat("a", 1<<20), 0},
		{"as long as may be, and a query", "/admin/" + strings.Repeat("a", access.MaxPath-7) + "?x", 0},
		{"longer, and a query", "/admin/" + strings.Repeat("a", access.MaxPath-6) + "?x", refused},
		{"slashes", strings.Repeat("/", 1<<20), refused},
		{"escaped escapes", "/" + strings.Repeat("%25", 1000), -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule, index, ok := p.Match("GET", test.path)
			got := index
			if !ok {
				got = refused
				if rule != nil || index != -1 {
					t.Errorf("refused with rule %v and index %d", rule, index)
				}
			} else if rule != p.Rule(index) {
				t.Errorf("the rule is not that of index %d", index)
			}
			if got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
			if want, ok := naive(guarded, "GET", test.path); want != index || ok != (got != refused) {
				t.Errorf("the naive matcher says %d, %t", want, ok)
			}
		})
	}
}

func TestPolicy_Match_method(t *testing.T) {
	p := policyOf(t, "HEAD /a", "GET /a", "POST,PUT /a", "PROPFIND /a", "/a", "GET /b", "HEAD /c")
	tests := []struct {
		method, path string
		want         int
	}{
		{"HEAD", "/a", 0},
		{"GET", "/a", 1},
		{"POST", "/a", 2},
		{"PUT", "/a", 2},
		{"PROPFIND", "/a", 3},
		{"DELETE", "/a", 4},
		{"OPTIONS", "/a", 4},
		{"get", "/a", 4},
		{"Get", "/a", 4},
		{"GETS", "/a", 4},
		{" GET", "/a", 4},
		{"", "/a", 4},
		{"\x00", "/a", 4},
		{strings.Repeat("G", 1<<16), "/a", 4},
		{"GET", "/b", 5},
		{"HEAD", "/b", 5},
		{"POST", "/b", -1},
		{"get", "/b", -1},
		{"HEAD", "/c", 6},
		{"GET", "/c", -1},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%.8q %s", test.method, test.path), func(t *testing.T) {
			if _, got, ok := p.Match(test.method, test.path); got != test.want || !ok {
				t.Errorf("got %d, %t, want %d", got, ok, test.want)
			}
		})
	}
}

func TestPolicy_Match_pattern(t *testing.T) {
	tests := []struct {
		rule, path string
		want       bool
	}{
		{"/", "/", true},
		{"/", "/a", false},
		{"/**", "/", true},
		{"/**", "/a", true},
		{"/**", "/a/b/c/", true},
		{"/*", "/", false},
		{"/*", "/a", true},
		{"/*", "/a/", true},
		{"/*", "/a/b", false},
		{"/*/**", "/", false},
		{"/*/**", "/a", true},
		{"/*/**", "/a/b", true},
		{"/a/**", "/", false},
		{"/a/**", "/a", true},
		{"/a/**", "/b", false},
		{"/a/*/**", "/a", false},
		{"/a/*/**", "/a/b", true},
		{"/a/", "/a", true},
		{"/a/", "/a/", true},
		{"/a/**/", "/a/b", true},
		{"/a/*/c", "/a/b/c", true},
		{"/a/*/c", "/a/b/d", false},
		{"/a/*/c/**", "/a/b/c", true},
		{"/a/*/c/**", "/a/b/c/d/e/f", true},
		{"/a/*/c/**", "/a/b/d/c", false},
		{"/**/", "/x", true},
		{"/ä", "/%c3%a4", true},
		{"/a b", "/a%20b", true},
		{"/a&b=c", "/a&b=c", true},
		{"/a:b", "/a%3Ab", true},
		{"/😀", "/%F0%9F%98%80", true},
		{"/\uFFFD", "/%EF%BF%BD", true},
		{"/admin", "/%61", false},
		{"/admin", "/%61d", false},
		{"/admin", "/%61dm", false},
		{"/admin", "/%61dmi", false},
		{"/admin", "/%61dmio", false},
		{"/admin", "/%61dmins", false},
		{"/\uFFFD", "/%ff", false},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.path, func(t *testing.T) {
			if _, index, _ := policyOf(t, test.rule).Match("GET", test.path); (index == 0) != test.want {
				t.Errorf("got %d, want %t", index, test.want)
			}
		})
	}
}

// TestPolicy_Match_alike tries every text that is a rule's but for a byte at its end, so that some fall on the rule's place in its
// table.
func TestPolicy_Match_alike(t *testing.T) {
	rules := []string{"/admin", "/administration"}
	p := policyOf(t, rules...)
	for c := range byte(0x80) {
		for _, text := range []string{"/admin", "/%61dmin", "/admi", "/%61dmi"} {
			agree(t, p, rules, "GET", text+string(rune(c)))
		}
	}
}

// TestPolicy_Match_order holds that the first of many rules that are all about a request is the one, wherever it stands.
func TestPolicy_Match_order(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 127, 128, 1000, access.MaxRules} {
		for _, at := range []int{0, n / 2, n - 1} {
			rules := make([]access.Rule, n)
			for i := range rules {
				rules[i].Path = fmt.Sprintf("/other/%d/x", i)
			}
			rules[at].Path = "/mine/*"
			if at+1 < n {
				rules[n-1].Path = "/**"
			}
			p, err := access.NewPolicy(rules)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := p.Match("GET", "/mine/x"); got != at {
				t.Errorf("of %d: got %d, want %d", n, got, at)
			}
			for i := range rules {
				if i == at || i == n-1 {
					continue
				}
				if _, got, _ := p.Match("GET", rules[i].Path); got != i {
					t.Fatalf("of %d: %s is about %d", n, rules[i].Path, got)
				}
			}
		}
	}
}

func TestPolicy_none(t *testing.T) {
	empty, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*access.Policy{"nil": nil, "zero": {}, "without rules": empty} {
		t.Run(name, func(t *testing.T) {
			rule, index, ok := p.Match("GET", "/a/b")
			if !ok || index != -1 || rule == nil || rule.Demand != access.SessionOnly {
				t.Errorf("got %+v, %d, %t", rule, index, ok)
			}
			if _, _, ok := p.Match("GET", "/a//b"); ok {
				t.Error("an ambiguous path is not refused")
			}
			if p.Len() != 0 || p.Rule(0).Demand != access.SessionOnly || p.Rule(-1) != p.Rule(7) {
				t.Error("it has rules")
			}
		})
	}
}
