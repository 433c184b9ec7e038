package token

import "unsafe"

// view returns b as a string without copying it. The caller sees to it that the string is gone before b changes; it is
// what lets one scanner read both decoded bytes and strings, and claims share a Pending's memory, without allocating.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // G103: read-only and bounded by len(b)
}

// bytesOf returns s as bytes without copying it. Nobody keeps or changes them.
func bytesOf(s string) []byte {
	return unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // G103: read-only and bounded by len(s)
}
