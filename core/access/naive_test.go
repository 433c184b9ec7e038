package access_test

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/hexward/hexward/core/access"
)

// naive decides as the documentation of Match reads, one rule and one condition after the other. Rules are those of
// rulesOf.
func naive(rules []string, method, path string) (index int, ok bool) {
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") || len(path) > 4096 {
		return -1, false
	}
	for _, r := range []byte(path) {
		if r <= ' ' || r >= 0x7f || r == '#' {
			return -1, false
		}
	}
	segments := strings.Split(path, "/")[1:]
	if segments[len(segments)-1] == "" {
		segments = segments[:len(segments)-1]
	}
	for i, s := range segments {
		d, err := url.PathUnescape(s)
		if err != nil || d == "" || d == "." || d == ".." || !utf8.ValidString(d) || strings.ContainsAny(d, `/\;`) {
			return -1, false
		}
		for _, r := range []byte(d) {
			if r < ' ' || r == 0x7f {
				return -1, false
			}
		}
		for at := range d {
			if strings.HasPrefix(d[at:], "%") && len(d[at:]) > 2 {
				if _, err := url.PathUnescape(d[at : at+3]); err == nil {
					return -1, false
				}
			}
		}
		segments[i] = d
	}
	for i, r := range rulesOf(rules...) {
		about := len(r.Methods) == 0
		for _, m := range r.Methods {
			about = about || m == method || m == "GET" && method == "HEAD"
		}
		if about && takes(strings.Split(strings.TrimSuffix(r.Path, "/"), "/")[1:], segments) {
			return i, true
		}
	}
	return -1, true
}

func takes(pattern, segments []string) bool {
	switch {
	case len(pattern) == 0:
		return len(segments) == 0
	case len(pattern) == 1 && pattern[0] == "**":
		return true
	case len(segments) == 0:
		return false
	}
	return (pattern[0] == "*" || pattern[0] == segments[0]) && takes(pattern[1:], segments[1:])
}

// api returns n rules as a service with many resources has them: four a resource, the last about everything else.
func api(n int) []access.Rule {
	rules := make([]access.Rule, 0, n)
	for i := 0; len(rules) < n-1; i++ {
		base := fmt.Sprintf("/api/v1/resource-%03d", i)
		rules = append(rules,
			access.Rule{Path: base, Methods: []string{"GET"}, Demand: access.SessionOrToken},
			access.Rule{Path: base, Methods: []string{"POST"}, Demand: access.SessionOrToken, Permissions: []string{"write"}},
			access.Rule{Path: base + "/*/parts/**", Demand: access.TokenOnly, Permissions: []string{"parts:read"}},
			access.Rule{Path: base + "/*", Demand: access.SessionOrToken, Permissions: []string{"write"}},
		)
	}
	return append(rules[:n-1], access.Rule{Path: "/**", Demand: access.SessionOnly})
}

// tangle returns n rules, at most 1,024, that overlap as much as rules can: a path of ten times "a" fits each but for its
// last segment, by another choice of stars.
func tangle(n int) []access.Rule {
	rules := make([]access.Rule, n)
	for i := range rules {
		for bit := range 10 {
			rules[i].Path += [...]string{"/a", "/*"}[i>>bit&1]
		}
		rules[i].Path += "/z"
	}
	return rules
}
