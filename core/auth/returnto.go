package auth

import "strings"

// maxReturn bounds a path to return to, in bytes.
const maxReturn = 1024

// SafeReturn reports whether s is a path of the same origin, with a query or
// without: nothing that any browser, proxy or framework would read as leading to
// another site or as a script. It is narrower than what URLs allow: one slash at
// the beginning, no empty or dot segments, no backslash, no control or non-ASCII
// characters, no encoded slash, backslash or dot in the path, and no "@" or ":"
// before the query.
func SafeReturn(s string) bool {
	if s == "" || len(s) > maxReturn || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}", c) >= 0 {
			return false
		}
	}
	path, _, _ := strings.Cut(s, "#")
	path, _, _ = strings.Cut(path, "?")
	if strings.ContainsAny(path, "@:;") {
		return false
	}
	lower := strings.ToLower(path)
	for rest := lower; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			break
		}
		if len(after) < 2 || !hexDigit(after[0]) || !hexDigit(after[1]) {
			return false
		}
		switch code := after[:2]; {
		case code == "2f", code == "5c", code == "2e", code == "25", code == "3a", code == "40", code == "7f", code < "21":
			return false
		}
		rest = after[2:]
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
