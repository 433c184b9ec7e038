package auth

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxReturn bounds a path to return to, in bytes.
const maxReturn = 1024

// SafeReturn reports whether s is a path of the same origin, with a query or
// without: nothing that any browser, proxy or framework would read as leading to
// another site or as a script. It is narrower than what URLs allow: one slash at
// the beginning, no empty or dot segments, no backslash, no control or non-ASCII
// characters, no encoded slash, backslash, dot, percent or control character and
// nothing but UTF-8 in the path, no "@", ":" or ";" before the query, and
// percent-encoding that is whole.
func SafeReturn(s string) bool {
	if s == "" || len(s) > maxReturn || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}", c) >= 0 {
			return false
		}
	}
	head, fragment, _ := strings.Cut(s, "#")
	path, query, _ := strings.Cut(head, "?")
	if strings.ContainsAny(path, "@:;") {
		return false
	}
	if decoded, err := url.PathUnescape(path); err != nil || !utf8.ValidString(decoded) {
		return false
	}
	for _, rest := range []string{query, fragment} {
		if _, err := url.PathUnescape(rest); err != nil {
			return false
		}
	}
	for _, after := range strings.Split(strings.ToLower(path), "%")[1:] {
		switch code := after[:2]; {
		case code == "2f", code == "5c", code == "2e", code == "25", code == "3a", code == "40", code == "3b", code == "7f", code < "21":
			return false
		}
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}
