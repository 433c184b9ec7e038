package token

// What tests of the external package need to reach.

// DecodeBase64 is decodeBase64 into a new slice of just the right length.
func DecodeBase64(src []byte) ([]byte, bool) {
	dst := make([]byte, base64Len(len(src)))
	n, ok := decodeBase64(dst, src)
	return dst[:n], ok
}

// AppendBase64 is appendBase64.
func AppendBase64(dst, src []byte) []byte { return appendBase64(dst, src) }

// SafeEd25519 is safeEd25519.
func SafeEd25519(pub []byte) bool { return safeEd25519(pub) }

// ReasonCount is the number of reasons.
const ReasonCount = reasonCount
