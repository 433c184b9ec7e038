package access_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
)

// FuzzPolicy_Match holds Match against the naive matcher.
func FuzzPolicy_Match(f *testing.F) {
	all := strings.Join(guarded, "\n")
	for _, path := range []string{
		"/", "/admin", "/%61dmin/", "/files/x/raw?a", "/caf%C3%A9/menu", "/%c0%af", "/public/..;/admin", "/%25%32%65", "/a//b", "/%2e", "/.",
		"/%25", "/%252", "/%25zz", "/%f0%9f%98%80", "/%ed%a0%80", "/a%2", "/\x00", "*", "", "/" + strings.Repeat("a/", 2047) + "a",
	} {
		f.Add(all, "GET", path)
		f.Add("/**", "head", path)
	}
	f.Add("GET /*/b\n/a/*\nPOST,PUT /**", "POST", "/a/b")
	f.Fuzz(func(t *testing.T, text, method, path string) {
		lines := strings.Split(text, "\n")
		p, err := access.NewPolicy(rulesOf(lines...))
		if err != nil {
			return
		}
		agree(t, p, lines, method, path)
	})
}

func agree(t *testing.T, p *access.Policy, lines []string, method, path string) {
	t.Helper()
	_, index, ok := p.Match(method, path)
	if wantIndex, wantOK := naive(lines, method, path); index != wantIndex || ok != wantOK {
		t.Errorf("%s %q under %q: got %d, %t, want %d, %t", method, path, lines, index, ok, wantIndex, wantOK)
	}
	if again, secondIndex, _ := p.Match(method, path+"?x"); ok && (secondIndex != index || again == nil) && !strings.Contains(path, "?") {
		t.Errorf("%s %q: a query changes %d to %d", method, path, index, secondIndex)
	}
}

// TestPolicy_Match_naive holds Match against the naive matcher, with policies and paths out of so few words that they
// meet, in many spellings.
func TestPolicy_Match_naive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) // the same paths each time
	words := []string{"a", "b", "ab", "A", "é", "*"}
	spelt := []string{
		"a", "b", "ab", "A", "%61", "%62", "a%62", "%61%62", "%41", "%c3%a9", "%C3%A9", "*", "%2a", "", ".", "%2e", "..", ".%2E", "%2f", "%25", "%2561",
		"a;", "%3b", "\\", "%5c", "%00", "%c3", "%c0%af", "é", "x", "%",
	}
	methods := []string{"", "", "GET ", "HEAD ", "POST ", "GET,POST "}
	paths, found, refusals := 0, 0, 0
	for range 1500 {
		lines := make([]string, 1+r.IntN(80))
		for i := range lines {
			lines[i] = methods[r.IntN(len(methods))]
			for range r.IntN(5) {
				lines[i] += "/" + words[r.IntN(len(words))]
			}
			switch {
			case r.IntN(4) == 0:
				lines[i] += "/**"
			case strings.HasSuffix(lines[i], " ") || lines[i] == "":
				lines[i] += "/"
			}
		}
		p, dropped := reachable(t, lines)
		if len(dropped) == 0 {
			continue
		}
		for range 60 {
			path := ""
			for range r.IntN(6) {
				n := 4
				if r.IntN(4) == 0 {
					n = len(spelt)
				}
				path += "/" + spelt[r.IntN(n)]
			}
			if r.IntN(3) == 0 {
				path += "/"
			}
			method := []string{"GET", "HEAD", "POST", "PUT", "get"}[r.IntN(5)]
			agree(t, p, dropped, method, path)
			paths++
			if _, index, ok := p.Match(method, path); index >= 0 {
				found++
			} else if !ok {
				refusals++
			}
		}
	}
	t.Logf("%d paths, %d with a rule, %d refused", paths, found, refusals)
	if paths < 50_000 || found < paths/4 || refusals < paths/20 || found+refusals > paths*95/100 {
		t.Error("the paths are too few, or too much alike")
	}
}

// reachable drops the rules that NewPolicy says no request reaches, and holds that nothing else is wrong.
func reachable(t *testing.T, lines []string) (*access.Policy, []string) {
	t.Helper()
	p, err := access.NewPolicy(rulesOf(lines...))
	if err == nil {
		return p, lines
	}
	var left []string
	wrong := problemsOf(err)
	for i, line := range lines {
		if !slices.ContainsFunc(wrong, func(e *access.RuleError) bool { return e.Index == i }) {
			left = append(left, line)
		}
	}
	for _, e := range wrong {
		if len(e.By) == 0 {
			t.Fatal(e)
		}
	}
	if p, err = access.NewPolicy(rulesOf(left...)); err != nil {
		t.Fatalf("%q without the rules that are not reached: %v", lines, err)
	}
	return p, left
}

func problemsOf(err error) (list []*access.RuleError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			list = append(list, e.(*access.RuleError)) //nolint:errorlint,forcetypeassert // as documented
		}
	}
	return list
}
