package access_test

import (
	"net/url"
	"strings"
	"unicode/utf8"
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
