package token

// ParseKey reads one public or symmetric key from a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2) of at most 256 KiB.
//
// A key without alg is bound to the one that its curve stands for, or RS256 for RSA (the default of OpenID Connect
// Discovery 1.0 §3); a symmetric key must name its own. Other members, certificates among them, are ignored.
//
// It returns ErrKeyMalformed for anything but a strict JSON object with the members of its kty, of the right type, length and
// canonical encoding, and none of another kty's; ErrKeyUnsupported for a kty, crv or alg that this package does not know;
// ErrKeyUse for a use other than sig or key_ops without verify; ErrKeyMismatch for an alg that does not fit kty and crv, or a
// symmetric key without alg; ErrKeyPrivate for a private key, since one that gets here is public by now; and
// ErrKeyWeak for what the comment of Key lists.
func ParseKey(jwk []byte) (*Key, error) {
	if len(jwk) > maxKeyDocument {
		return nil, ErrKeyMalformed
	}
	v, err := ParseJSON(string(jwk))
	if err != nil {
		return nil, ErrKeyMalformed
	}
	return readKey(v)
}

// jwkMembers are the members of a JWK that are read, in the order of the constants below.
var jwkMembers = [...]string{
	"kty", "alg", "kid", "use", "crv", "x", "y", "n", "e", "k", "d", "p", "q", "dp", "dq", "qi", "oth", "key_ops",
}

// Indexes into jwkMembers. Those up to jwkK are strings; those after it but key_ops are private.
const (
	jwkKty = iota
	jwkAlg
	jwkKid
	jwkUse
	jwkCrv
	jwkX
	jwkY
	jwkN
	jwkE
	jwkK
	jwkD
	jwkKeyOps = len(jwkMembers) - 1
)

// fields holds the members of one JWK that are read.
type fields struct {
	text [jwkK + 1]string
	has  uint32 // bit i is set when jwkMembers[i] is there
}

func (f *fields) hasAny(members ...int) bool {
	for _, i := range members {
		if f.has&(1<<i) != 0 {
			return true
		}
	}
	return false
}

func (f *fields) private() bool {
	return f.has&(1<<jwkKeyOps-1<<jwkD) != 0
}

// readFields reads the members of v and whether its key_ops, if any, allow verifying.
func readFields(v Value) (f fields, verifies bool, err error) {
	verifies = true
	if v.Kind() != KindObject {
		return f, false, ErrKeyMalformed
	}
	c := v.Members()
	for c.Next() {
		i := indexOf(c.Name(), jwkMembers[:])
		switch {
		case i < 0:
			if foldsToAny(c.name, jwkMembers[:]) {
				return f, false, ErrKeyMalformed
			}
			continue
		case i <= jwkK:
			text, ok := c.Value().Text()
			if !ok {
				return f, false, ErrKeyMalformed
			}
			f.text[i] = text
		case i == jwkKeyOps:
			var ok bool
			if verifies, ok = readKeyOps(c.Value()); !ok {
				return f, false, ErrKeyMalformed
			}
		}
		f.has |= 1 << i
	}
	return f, verifies, nil
}

// readKeyOps reads key_ops (RFC 7517 §4.3): strings, each once.
func readKeyOps(v Value) (verifies, ok bool) {
	if v.Kind() != KindArray {
		return false, false
	}
	seen := make([]string, 0, 8)
	c := v.Members()
	for c.Next() {
		op, isText := c.Value().Text()
		if !isText || len(seen) == cap(seen) || indexOf(op, seen) >= 0 {
			return false, false
		}
		seen = append(seen, op)
		verifies = verifies || op == "verify"
	}
	return verifies, true
}

func readKey(v Value) (*Key, error) {
	f, verifies, err := readFields(v)
	if err != nil {
		return nil, err
	}
	kty := f.text[jwkKty]
	if kty == "" || f.hasAny(jwkKid) && f.text[jwkKid] == "" {
		return nil, ErrKeyMalformed
	}
	if kty != typeOKP && kty != typeEC && kty != typeRSA && kty != typeOct {
		return nil, ErrKeyUnsupported
	}
	if kty != typeOct && (f.private() || f.hasAny(jwkK)) {
		return nil, ErrKeyPrivate
	}
	if !verifies || f.hasAny(jwkUse) && f.text[jwkUse] != "sig" {
		return nil, ErrKeyUse
	}
	s, err := f.scheme()
	if err != nil {
		return nil, err
	}
	x, y, err := f.parameters()
	if err != nil {
		return nil, err
	}
	return newKey(f.text[jwkKid], s, x, y)
}

// scheme returns the scheme that alg names, or the one for the key's type and curve.
func (f *fields) scheme() (*scheme, error) {
	kty, crv := f.text[jwkKty], f.text[jwkCrv]
	fits := func(s *scheme) bool { return s.kty == kty && (s.crv == crv || s.crv == "") }
	if f.hasAny(jwkAlg) {
		s := schemeOf(f.text[jwkAlg])
		switch {
		case s == nil:
			return nil, ErrKeyUnsupported
		case !fits(s):
			return nil, ErrKeyMismatch
		}
		return s, nil
	}
	if kty == typeOct {
		return nil, ErrKeyMismatch
	}
	for i := range schemes {
		if fits(&schemes[i]) {
			return &schemes[i], nil
		}
	}
	return nil, ErrKeyUnsupported
}

// parameters decodes the members that belong to the key's type and refuses those that do not.
func (f *fields) parameters() (x, y []byte, err error) {
	var first, second int
	var foreign bool
	switch f.text[jwkKty] {
	case typeOKP:
		first, second, foreign = jwkX, jwkX, f.hasAny(jwkY, jwkN, jwkE)
	case typeEC:
		first, second, foreign = jwkX, jwkY, f.hasAny(jwkN, jwkE)
	case typeRSA:
		first, second, foreign = jwkN, jwkE, f.hasAny(jwkCrv, jwkX, jwkY)
	default:
		first, second, foreign = jwkK, jwkK, f.hasAny(jwkCrv, jwkX, jwkY, jwkN, jwkE) || f.private()
	}
	if foreign || !f.hasAny(first) || !f.hasAny(second) {
		return nil, nil, ErrKeyMalformed
	}
	x, ok := decodeText(f.text[first])
	if !ok {
		return nil, nil, ErrKeyMalformed
	}
	if second != first {
		if y, ok = decodeText(f.text[second]); !ok {
			return nil, nil, ErrKeyMalformed
		}
	}
	return x, y, nil
}

func decodeText(s string) ([]byte, bool) {
	b := make([]byte, base64Len(len(s)))
	n, ok := decodeBase64(b, []byte(s))
	return b[:n], ok
}

// indexOf returns the index of s in list, or -1.
func indexOf(s string, list []string) int {
	for i := range list {
		if list[i] == s {
			return i
		}
	}
	return -1
}

// foldsToAny reports whether name, escaped as it stands in a document, equals one of the words but for case.
func foldsToAny(name string, words []string) bool {
	for _, w := range words {
		if foldsTo(name, w) {
			return true
		}
	}
	return false
}
