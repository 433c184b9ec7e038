package access_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
)

// said returns what NewPolicy says of rules, in short.
func said(err error) []string {
	var list []string
	for _, e := range problemsOf(err) {
		list = append(list, e.Error())
	}
	return list
}

func TestNewPolicy_wrong(t *testing.T) {
	get := func(path string) access.Rule { return access.Rule{Path: path, Methods: []string{"GET"}} }
	tests := []struct {
		name string
		rule access.Rule
		want []string // parts of each problem
	}{
		{"nothing", access.Rule{}, []string{"path: does not begin with a slash"}},
		{"no slash", get("a/b"), []string{"path: does not begin with a slash"}},
		{"a star alone", get("*"), []string{"path: does not begin with a slash"}},
		{"an URL", get("https://example.com/a"), []string{"path: does not begin with a slash"}},
		{"two slashes", get("//"), []string{"path: has an empty segment"}},
		{"two at the front", get("//a"), []string{"path: has an empty segment"}},
		{"two within", get("/a//b"), []string{"path: has an empty segment"}},
		{"two at the end", get("/a//"), []string{"path: has an empty segment"}},
		{"a dot", get("/a/./b"), []string{"path: has the segment ."}},
		{"two dots", get("/a/.."), []string{"path: has the segment .."}},
		{"two dots and a slash", get("/../"), []string{"path: has the segment .."}},
		{"stars before the end", get("/**/a"), []string{"path: has ** before its end"}},
		{"stars twice", get("/a/**/**"), []string{"path: has ** before its end"}},
		{"part of a segment", get("/a*"), []string{`path: has * within "a*"`}},
		{"three stars", get("/***"), []string{`path: has * within "***"`}},
		{"a suffix", get("/*.html"), []string{`path: has * within "*.html"`}},
		{"an escape", get("/%61"), []string{"path: has '%'"}},
		{"a query", get("/a?b"), []string{"path: has '?'"}},
		{"a fragment", get("/a#b"), []string{"path: has '#'"}},
		{"a semicolon", get("/a;b"), []string{"path: has ';'"}},
		{"a backslash", get(`/a\b`), []string{`path: has '\\'`}},
		{"a NUL", get("/a\x00"), []string{`path: has '\x00'`}},
		{"a line feed", get("/a\n"), []string{`path: has '\n'`}},
		{"a delete", get("/a\x7f"), []string{`path: has '\x7f'`}},
		{"no UTF-8", get("/a\xff"), []string{"path: is not valid UTF-8"}},
		{"a surrogate", get("/\xed\xa0\x80"), []string{"path: is not valid UTF-8"}},
		{"1,025 bytes", get("/" + strings.Repeat("a", 1024)), []string{"path: has more than 1024 bytes"}},
		{"65 segments", get(strings.Repeat("/a", 65)), []string{"path: has more than 64 segments"}},

		{"a lower-case method", access.Rule{Path: "/", Methods: []string{"get"}}, []string{`methods: "get" is not in upper case`}},
		{"no method", access.Rule{Path: "/", Methods: []string{"POTS"}}, []string{`methods: "POTS" is not a method`}},
		{"an empty method", access.Rule{Path: "/", Methods: []string{""}}, []string{`methods: "" is not a method`}},
		{"a star for a method", access.Rule{Path: "/", Methods: []string{"*"}}, []string{`methods: "*" is not a method`}},
		{"a method twice", access.Rule{Path: "/", Methods: []string{"PUT", "GET", "PUT"}}, []string{"methods: PUT is there twice"}},

		{"no demand", access.Rule{Path: "/", Demand: 4}, []string{"access: is none of"}},
		{"no kind", access.Rule{Path: "/", Only: 3}, []string{"only: is neither"}},
		{"a public rule for users", access.Rule{Path: "/", Demand: access.Public, Only: access.User}, []string{"only: does nothing on a public rule"}},
		{"a public rule with a permission", access.Rule{Path: "/", Demand: access.Public, Permissions: []string{"a"}}, []string{"permissions: do nothing on a public rule"}},
		{"no permission", access.Rule{Path: "/", Permissions: []string{"a b", "c"}}, []string{`permissions: "a b" is not`}},
		{"an empty permission", access.Rule{Path: "/", Permissions: []string{""}}, []string{`permissions: "" is not`}},
		{"a permission twice", access.Rule{Path: "/", Permissions: []string{"a", "b", "a"}}, []string{"permissions: a is there twice"}},
		{"65 permissions", access.Rule{Path: "/", Permissions: make([]string, 65)}, []string{"permissions: are more than 64"}},

		{
			"everything",
			access.Rule{Path: "a", Methods: []string{"X"}, Demand: access.Public, Only: access.Machine, Permissions: []string{"", "x", "x"}},
			[]string{"path: ", "methods: ", "only: ", "permissions: do", `permissions: ""`, "permissions: x is there twice"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := access.NewPolicy([]access.Rule{{Path: "/before"}, test.rule, {Path: "/after"}})
			if p != nil {
				t.Error("there is a policy")
			}
			list := problemsOf(err)
			if len(list) != len(test.want) {
				t.Fatalf("got %v", err)
			}
			for i, e := range list {
				if e.Index != 1 || !strings.HasPrefix(e.Error(), "rule 1: "+test.want[i]) {
					t.Errorf("got %q, want %q", e, test.want[i])
				}
			}
			var one *access.RuleError
			if !errors.As(err, &one) || one.Index != 1 {
				t.Errorf("errors.As finds %v", one)
			}
		})
	}
}

func TestNewPolicy_good(t *testing.T) {
	for _, path := range []string{
		"/", "/*", "/**", "/a/*/**", "/a/", "/a/**/", "/...", "/..a", "/a.", "/~a", "/a b", "/ä", "/a+b", "/@a:b!$&'(),=", `/"<>^{|}`, "/\uFFFD",
		"/" + strings.Repeat("a", 1023), strings.Repeat("/a", 64), strings.Repeat("/a", 64) + "/**",
	} {
		if _, err := access.NewPolicy([]access.Rule{{Path: path}}); err != nil {
			t.Errorf("%.20s: %v", path, err)
		}
	}
	many := make([]string, 64)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	if _, err := access.NewPolicy([]access.Rule{{Path: "/", Methods: []string{"GET", "HEAD", "VERSION-CONTROL"}, Permissions: many}}); err != nil {
		t.Error(err)
	}
}

func TestNewPolicy_tooMany(t *testing.T) {
	rules := make([]access.Rule, access.MaxRules+1)
	for i := range rules {
		rules[i].Path = fmt.Sprint("/", i)
	}
	var wrong *access.RuleError
	if _, err := access.NewPolicy(rules); !errors.As(err, &wrong) || wrong.Index != -1 || err.Error() != "policy: has more than 4096 rules" {
		t.Errorf("got %v", err)
	}
	if _, err := access.NewPolicy(rules[1:]); err != nil {
		t.Error(err)
	}
}

func TestNewPolicy_unreached(t *testing.T) {
	tests := []struct {
		name  string
		rules []string
		want  []string
	}{
		{"nothing", []string{"/a", "/b", "/*", "/**"}, nil},
		{"twice", []string{"/a", "/b", "/a"}, []string{"rule 2: is a duplicate: its path and methods are taken by rule 0"}},
		{"twice, with a slash", []string{"/a", "/a/"}, []string{"rule 1: is a duplicate: its path and methods are taken by rule 0"}},
		{"twice, methods in another order", []string{"PUT,GET /a", "GET,PUT /a"}, []string{"rule 1: is a duplicate: its path and methods are taken by rule 0"}},
		{"twice, HEAD or not", []string{"GET /a", "GET,HEAD /a"}, []string{"rule 1: is a duplicate: its path and methods are taken by rule 0"}},
		{"three times", []string{"/a", "/a", "/a"}, []string{
			"rule 1: is a duplicate: its path and methods are taken by rule 0", "rule 2: is a duplicate: its path and methods are taken by rule 0",
		}},
		{"twice, and otherwise", []string{"/**", "/a", "/a"}, []string{
			"rule 1: is never reached: all of its requests are taken by rule 0", "rule 2: is a duplicate: its path and methods are taken by rule 1",
		}},
		{"everything is taken", []string{"/**", "GET /a"}, []string{"rule 1: is never reached: all of its requests are taken by rule 0"}},
		{"the root too", []string{"/**", "/"}, []string{"rule 1: is never reached: all of its requests are taken by rule 0"}},
		{"a star takes a word", []string{"/*/b", "/a/b"}, []string{"rule 1: is never reached: all of its requests are taken by rule 0"}},
		{"a word takes no star", []string{"/a/b", "/*/b"}, nil},
		{"a star and a word, crosswise", []string{"/a/*", "/*/b"}, nil},
		{"both take what is in both", []string{"/a/*", "/*/b", "/a/b"}, []string{"rule 2: is never reached: all of its requests are taken by rule 0"}},
		{"the rest takes itself", []string{"/a/**", "/a"}, []string{"rule 1: is never reached: all of its requests are taken by rule 0"}},
		{"the rest takes a shorter rest", []string{"/a/**", "/a/b/**"}, []string{"rule 1: is never reached: all of its requests are taken by rule 0"}},
		{"a shorter rest takes more", []string{"/a/b/**", "/a/**"}, nil},
		{"stars take no rest", []string{"/a", "/a/*", "/a/*/*", "/a/**"}, nil},
		{"two take a rest", []string{"/a", "/a/*/**", "/a/**"}, []string{"rule 2: is never reached: all of its requests are taken by rule 0, 1"}},
		{"three take a rest", []string{"/*/*/*/**", "/*/*", "/*", "/a/**"}, []string{
			"rule 3: is never reached: all of its requests are taken by rule 0, 1, 2",
		}},
		{"two take almost a rest", []string{"/a", "/a/*/*/**", "/a/**"}, nil},
		{"a method is left", []string{"GET /a", "/a"}, nil},
		{"HEAD is GET's", []string{"GET /a", "HEAD /a"}, []string{"rule 1: is never reached: all of its requests are taken by rule 0"}},
		{"GET is not HEAD's", []string{"HEAD /a", "GET /a"}, nil},
		{"methods of two", []string{"GET /a", "POST /**", "GET,POST /a"}, []string{"rule 2: is never reached: all of its requests are taken by rule 0, 1"}},
		{"methods of three, of which one is another's", []string{"PUT /a", "GET /a", "POST /a", "GET,POST /a"}, []string{
			"rule 3: is never reached: all of its requests are taken by rule 1, 2",
		}},
		{"every method and those of two", []string{"GET /a", "POST /a", "/a", "DELETE /a"}, []string{
			"rule 3: is never reached: all of its requests are taken by rule 2",
		}},
		{"methods and a rest", []string{"GET /a", "POST /a/**", "GET /a/*/**", "GET,POST /a/**"}, []string{
			"rule 3: is never reached: all of its requests are taken by rule 0, 1, 2",
		}},
		{"a wrong rule takes nothing", []string{"FETCH /**", "/a"}, []string{`rule 0: methods: "FETCH" is not a method`}},
		{"what is wrong and what is not reached", []string{"/**", "x", "/a"}, []string{
			"rule 1: path: does not begin with a slash", "rule 2: is never reached: all of its requests are taken by rule 0",
		}},
		{"a literal like a text that no rule has", []string{"/x/*", "/*/y", "/x/y/**"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := access.NewPolicy(rulesOf(test.rules...))
			if diff := cmp.Diff(test.want, said(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNewPolicy_unreached_all tries every request there is, of three words and a few segments, against rules by
// chance, and holds that NewPolicy names exactly the rules that none of them reaches.
func TestNewPolicy_unreached_all(t *testing.T) {
	var paths []string
	var spell func(prefix string, n int)
	spell = func(prefix string, n int) {
		paths = append(paths, prefix+"/")
		for _, w := range []string{"/a", "/b", "/neither"} {
			if n > 0 {
				spell(prefix+w, n-1)
			}
		}
	}
	spell("", 4)                     // one more than a rule has
	r := rand.New(rand.NewPCG(3, 4)) // the same rules each time
	named, reachedRules := 0, 0
	for range 400 {
		lines := make([]string, 2+r.IntN(7))
		for i := range lines {
			lines[i] = []string{"", "", "GET ", "POST ", "GET,POST ", "HEAD "}[r.IntN(6)]
			for range r.IntN(4) {
				lines[i] += []string{"/a", "/b", "/*", "/*"}[r.IntN(4)]
			}
			lines[i] += []string{"/", "/**"}[r.IntN(2)]
		}
		reached := make([]bool, len(lines))
		for _, path := range paths {
			for _, method := range []string{"GET", "HEAD", "POST", "BREW"} {
				if i, _ := naive(lines, method, path); i >= 0 {
					reached[i] = true
				}
			}
		}
		_, err := access.NewPolicy(rulesOf(lines...))
		wrong := problemsOf(err)
		for i, line := range lines {
			at := slices.IndexFunc(wrong, func(e *access.RuleError) bool { return e.Index == i })
			if (at < 0) != reached[i] {
				t.Fatalf("rule %d of %q: reached is %t, and %v is said", i, lines, reached[i], err)
			}
			if at < 0 {
				reachedRules++
				continue
			}
			named++
			var by []string // those that are named leave indeed nothing
			for _, earlier := range wrong[at].By {
				by = append(by, lines[earlier])
				if earlier >= i {
					t.Errorf("%q: rule %d is said to be taken by %d", lines, i, earlier)
				}
			}
			alone := append(by, line)
			for _, path := range paths {
				for _, method := range []string{"GET", "HEAD", "POST", "BREW"} {
					if i, _ := naive(alone, method, path); i == len(by) {
						t.Fatalf("%q: %q do not take %s %s of %q", lines, by, method, path, line)
					}
				}
			}
		}
	}
	if named < 400 || reachedRules < 400 {
		t.Errorf("only %d rules are not reached, and %d are", named, reachedRules)
	}
}

// TestNewPolicy_copies holds that a policy does not change with the rules that it was made of.
func TestNewPolicy_copies(t *testing.T) {
	rules := []access.Rule{{Path: "/a", Methods: []string{"GET"}, Permissions: []string{"read"}, Demand: access.TokenOnly}}
	p, err := access.NewPolicy(rules)
	if err != nil {
		t.Fatal(err)
	}
	rules[0].Permissions[0], rules[0].Methods[0], rules[0].Demand = "other", "PUT", access.Public
	rules[0].Path = "/b"
	want := access.Rule{Path: "/a", Methods: []string{"GET"}, Permissions: []string{"read"}, Demand: access.TokenOnly}
	rule, index, _ := p.Match("GET", "/a")
	if diff := cmp.Diff(want, *rule); diff != "" || index != 0 {
		t.Errorf("%d %s", index, diff)
	}
}

func FuzzNewPolicy(f *testing.F) {
	f.Add("/a\n/**", "GET,POST", "read,write", uint8(1), uint8(0))
	f.Add("//\n/a/../b\n%", "get", "", uint8(3), uint8(9))
	f.Add(strings.Repeat("/a", 70), "", "x y", uint8(255), uint8(255))
	f.Fuzz(func(t *testing.T, paths, methods, permissions string, demand, only uint8) {
		var rules []access.Rule
		for path := range strings.SplitSeq(paths, "\n") {
			rules = append(rules, access.Rule{
				Path: path, Methods: strings.FieldsFunc(methods, func(r rune) bool { return r == ',' }), Demand: access.Demand(demand), Only: access.Kind(only),
				Permissions: strings.FieldsFunc(permissions, func(r rune) bool { return r == ',' }),
			})
		}
		p, err := access.NewPolicy(rules)
		if (p == nil) == (err == nil) {
			t.Fatalf("both, or neither: %v, %v", p, err)
		}
		if err != nil {
			if err.Error() == "" {
				t.Error("nothing is said")
			}
			return
		}
		for i := range rules { // each is reached, if by nothing else then by a path that no rule names
			path := strings.ReplaceAll(strings.ReplaceAll(rules[i].Path, "/**", strings.Repeat("/~", 65)), "*", "~")
			if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.Contains(paths, "~") {
				continue
			}
			method := "BREW"
			if len(rules[i].Methods) > 0 {
				method = rules[i].Methods[0]
			}
			if rule, index, ok := p.Match(method, path); !ok || index < 0 || index > i || rule == nil {
				t.Errorf("%s %s is about rule %d, %t, not %d", method, path, index, ok, i)
			}
		}
	})
}
