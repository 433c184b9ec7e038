package token

// HMAC with SHA-2 (RFC 7518 §3.2).
var (
	HS256 Algorithm = Delegated("HS256")
	HS384 Algorithm = Delegated("HS384")
	HS512 Algorithm = Delegated("HS512")
)

// NewHMACKey returns the symmetric key for secret, bound to the named algorithm. An empty kid stands for no kid.
func NewHMACKey(kid, algorithm string, secret []byte) (*Key, error) { return nil, ErrKeyMalformed }
