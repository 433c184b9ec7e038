package access

// The bounds of permissions, for whoever holds them.
const (
	MaxPermissions = 64 // of one user or client, and of one rule
	maxPermission  = 64 // bytes
)

// ValidPermission reports whether s has the form of a permission: 1 to 64 ASCII letters, digits and ".:_-/*". Every
// permission is a scope-token of RFC 6749 §3.3.
func ValidPermission(s string) bool {
	if s == "" || len(s) > maxPermission {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == ':', c == '_', c == '-', c == '/', c == '*':
		default:
			return false
		}
	}
	return true
}
