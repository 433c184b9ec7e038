package token

import (
	"crypto/sha256"
	"unicode/utf8"
)

// Limits of keys. Beyond them a key or a document is refused.
const (
	maxKeyID       = 256       // bytes of a kid
	maxKeyDocument = 256 << 10 // bytes of a JWK or JWK Set
	maxSecret      = 1024      // bytes of a symmetric key
	minRSABits     = 2048      // RFC 7518 §3.3
	maxRSABits     = 8192
	minRSAExponent = 65537 // FIPS 186-5 §5.1
	maxRSAExponent = 1<<31 - 1
)

// Algorithm is one signature algorithm of RFC 7518 §3.1 or RFC 8037 §3.1, brought in as a value: EdDSA, ES256, RS256, HS256
// and so on. An implementation outside of this package may replace a primitive, but not add a name.
type Algorithm interface {
	// Name returns the registered alg value, such as "ES256".
	Name() string
	// Primitive returns what verifies signatures under k, whose Algorithm is Name() and whose parameters have been
	// checked. It is called once a key, when a Verifier is made.
	Primitive(k *Key) (Primitive, error)
}

// Primitive verifies signatures under one key. It is safe for concurrent use.
type Primitive interface {
	// Verify reports whether signature, in the form of JWS (R || S for ECDSA), is one of the key over input. It neither
	// keeps nor changes its arguments.
	Verify(input, signature []byte) bool
}

// Delegated returns an algorithm called name whose signatures the host verifies between Prepare and Finish. By itself
// it accepts no signature: Verify and Open answer ErrSignature.
func Delegated(name string) Algorithm { return delegated(name) }

type delegated string

func (d delegated) Name() string                      { return string(d) }
func (d delegated) Primitive(*Key) (Primitive, error) { return d, nil }
func (d delegated) Verify(_, _ []byte) bool           { return false }

// The kty values of RFC 7518 §6.1 and RFC 8037 §2.
const (
	typeOKP = "OKP"
	typeEC  = "EC"
	typeRSA = "RSA"
	typeOct = "oct"
)

// scheme is what an alg demands of its keys.
type scheme struct {
	alg, kty, crv string
	size          int // bytes: of a coordinate, or the least of a secret
}

// schemes holds the supported algorithms. The first for a kty and crv is that of a key that names none, but oct keys must.
var schemes = [...]scheme{
	{"EdDSA", typeOKP, "Ed25519", 32},
	{"ES256", typeEC, "P-256", 32},
	{"ES384", typeEC, "P-384", 48},
	{"ES512", typeEC, "P-521", 66},
	{"RS256", typeRSA, "", 0},
	{"RS384", typeRSA, "", 0},
	{"RS512", typeRSA, "", 0},
	{"PS256", typeRSA, "", 0},
	{"PS384", typeRSA, "", 0},
	{"PS512", typeRSA, "", 0},
	{"HS256", typeOct, "", 32},
	{"HS384", typeOct, "", 48},
	{"HS512", typeOct, "", 64},
}

// schemeOf returns the scheme called alg, or nil.
func schemeOf(alg string) *scheme {
	for i := range schemes {
		if schemes[i].alg == alg {
			return &schemes[i]
		}
	}
	return nil
}

// Key is one verification key, bound to exactly one algorithm (RFC 8725 §3.1). It is immutable. Make one with ParseKey,
// ParseKeySet or one of the New…Key functions, which all refuse weak keys: RSA outside of 2,048 to 8,192 bits, with an even
// modulus, an exponent other than odd and 65,537 to 2^31-1, or the mark of CVE-2017-15361; points off their curve or of small
// order; secrets shorter than their hash (RFC 7518 §3.2) or longer than 1,024 bytes.
type Key struct {
	id     string
	scheme *scheme
	x, y   []byte // OKP: x; EC: x and y; RSA: modulus and exponent; oct: secret
}

// ID returns the key's kid, or "".
func (k *Key) ID() string { return k.id }

// Algorithm returns the one alg that the key is for.
func (k *Key) Algorithm() string { return k.scheme.alg }

// Type returns the key's kty: "OKP", "EC", "RSA" or "oct".
func (k *Key) Type() string { return k.scheme.kty }

// Curve returns the key's crv, or "" for RSA and oct.
func (k *Key) Curve() string { return k.scheme.crv }

// Parameter returns a copy of the decoded JWK parameter called name ("x", "y", "n", "e" or "k"; numbers are big-endian), or
// nil when a key of this type has none.
func (k *Key) Parameter(name string) []byte {
	first, second := "x", ""
	switch k.scheme.kty {
	case typeEC:
		second = "y"
	case typeRSA:
		first, second = "n", "e"
	case typeOct:
		first = "k"
	}
	switch name {
	case "":
		return nil
	case first:
		return clone(k.x)
	case second:
		return clone(k.y)
	default:
		return nil
	}
}

// String describes the key without its parameters, so that a key that is logged by accident tells no secret.
func (k *Key) String() string { return k.scheme.alg + " key " + k.id }

// GoString is String, for the same reason.
func (k *Key) GoString() string { return k.String() }

// newKey checks the parameters and returns the key. It takes x and y over.
func newKey(kid string, s *scheme, x, y []byte) (*Key, error) {
	if len(kid) > maxKeyID || !utf8.ValidString(kid) {
		return nil, ErrKeyMalformed
	}
	k := &Key{id: string([]byte(kid)), scheme: s, x: x, y: y} // a copy, so as not to keep a whole document
	var err error
	switch s.kty {
	case typeOKP:
		err = checkOKP(s, x)
	case typeEC:
		err = checkEC(s, x, y)
	case typeRSA:
		err = checkRSA(x, y)
	default:
		err = checkSecret(s, x)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

func checkOKP(s *scheme, x []byte) error {
	if len(x) != s.size {
		return ErrKeyMalformed
	}
	if !safeEd25519(x) {
		return ErrKeyWeak
	}
	return nil
}

func checkEC(s *scheme, x, y []byte) error {
	if len(x) != s.size || len(y) != s.size {
		return ErrKeyMalformed
	}
	prime, b := p256Prime, p256B
	switch s.crv {
	case "P-384":
		prime, b = p384Prime, p384B
	case "P-521":
		prime, b = p521Prime, p521B
	}
	if !onNISTCurve(prime, b, x, y) {
		return ErrKeyWeak
	}
	return nil
}

func checkRSA(n, e []byte) error {
	// RFC 7518 §6.3.1: Base64urlUInt, the fewest bytes that hold the number.
	if len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 {
		return ErrKeyMalformed
	}
	bits := len(n) * 8
	for top := n[0]; top&0x80 == 0; top <<= 1 {
		bits--
	}
	if bits < minRSABits || bits > maxRSABits || n[len(n)-1]&1 == 0 || len(e) > 4 {
		return ErrKeyWeak
	}
	exponent := exponentOf(e)
	if exponent < minRSAExponent || exponent > maxRSAExponent || exponent&1 == 0 || isROCA(n) {
		return ErrKeyWeak
	}
	return nil
}

// exponentOf returns the number that at most eight big-endian bytes hold.
func exponentOf(e []byte) int64 {
	var v int64
	for _, b := range e {
		v = v<<8 | int64(b)
	}
	return v
}

func checkSecret(s *scheme, k []byte) error {
	if len(k) < s.size || len(k) > maxSecret {
		return ErrKeyWeak
	}
	return nil
}

// named returns k with its thumbprint for a kid when it has none.
func (k *Key) named() *Key {
	if k.id == "" {
		k.id = k.Thumbprint()
	}
	return k
}

// Thumbprint returns the base64url SHA-256 thumbprint of the key (RFC 7638 §3), which is the kid of Hexward's own keys.
// That of a symmetric key is a hash of the secret: keep it to yourself too (RFC 7638 §7).
func (k *Key) Thumbprint() string {
	var doc []byte
	switch k.scheme.kty {
	case typeOKP:
		doc = appendMember(append(doc, '{'), "crv", k.scheme.crv)
		doc = appendMember(doc, "kty", typeOKP)
		doc = appendParameter(doc, "x", k.x)
	case typeEC:
		doc = appendMember(append(doc, '{'), "crv", k.scheme.crv)
		doc = appendMember(doc, "kty", typeEC)
		doc = appendParameter(doc, "x", k.x)
		doc = appendParameter(doc, "y", k.y)
	case typeRSA:
		doc = appendParameter(append(doc, '{'), "e", k.y)
		doc = appendMember(doc, "kty", typeRSA)
		doc = appendParameter(doc, "n", k.x)
	default:
		doc = appendParameter(append(doc, '{'), "k", k.x)
		doc = appendMember(doc, "kty", typeOct)
	}
	sum := sha256.Sum256(append(doc, '}'))
	return string(appendBase64(nil, sum[:]))
}

// AppendJWK appends the public key to a buffer as a JWK with alg, use "sig" and, when it has one, kid; members are in
// alphabetical order and there is no whitespace. It returns ErrKeyPrivate for a symmetric key.
func (k *Key) AppendJWK(to []byte) ([]byte, error) {
	if k.scheme.kty == typeOct {
		return to, ErrKeyPrivate
	}
	to = appendMember(append(to, '{'), "alg", k.scheme.alg)
	if k.scheme.crv != "" {
		to = appendMember(to, "crv", k.scheme.crv)
	}
	if k.scheme.kty == typeRSA {
		to = appendParameter(to, "e", k.y)
	}
	if k.id != "" {
		to = appendMember(to, "kid", k.id)
	}
	to = appendMember(to, "kty", k.scheme.kty)
	if k.scheme.kty == typeRSA {
		to = appendParameter(to, "n", k.x)
	}
	to = appendMember(to, "use", "sig")
	if k.scheme.kty != typeRSA {
		to = appendParameter(to, "x", k.x)
	}
	if k.scheme.kty == typeEC {
		to = appendParameter(to, "y", k.y)
	}
	return append(to, '}'), nil
}

// appendName appends a comma, unless it would follow an opening brace, and a name.
func appendName(to []byte, name string) []byte {
	if to[len(to)-1] != '{' {
		to = append(to, ',')
	}
	to = append(append(to, '"'), name...)
	return append(to, '"', ':')
}

// appendParameter appends a member with a base64url value.
func appendParameter(to []byte, name string, value []byte) []byte {
	to = appendBase64(append(appendName(to, name), '"'), value)
	return append(to, '"')
}

// appendMember appends a member with a string value.
func appendMember(to []byte, name, value string) []byte {
	return AppendText(appendName(to, name), value)
}

func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
