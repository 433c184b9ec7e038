package edge_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.Hash
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync"
)

// penman signs for the vectors. Its keys and its signatures are the same each time: they protect nothing.
type penman struct {
	alg, kid string
	priv     any
}

// hashOf is what the number in an alg names.
func hashOf(alg string) crypto.Hash {
	return map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
}

// drawn returns bytes that follow from a label.
func drawn(label string, n int) []byte {
	r := rand.NewChaCha8(sha256.Sum256([]byte("vectors: " + label)))
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

// prime returns a prime of this many bits, the two highest set, that follows from a label.
func prime(label string, bits int) *big.Int {
	p := new(big.Int).SetBytes(drawn(label, bits/8))
	p.SetBit(p.SetBit(p.SetBit(p, bits-1, 1), bits-2, 1), 0, 1)
	for !p.ProbablyPrime(8) || new(big.Int).Mod(p, big.NewInt(65537)).Cmp(big.NewInt(1)) == 0 {
		p.Add(p, big.NewInt(2))
	}
	return p
}

// rsaKey returns a key that follows from a label.
func rsaKey(label string, bits int) *rsa.PrivateKey {
	p, q := prime(label+" p", bits/2), prime(label+" q", bits/2)
	one, e := big.NewInt(1), big.NewInt(65537)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: new(big.Int).ModInverse(e, phi), Primes: []*big.Int{p, q},
	}
	key.Precompute()
	return key
}

var oneRSA = sync.OnceValue(func() *rsa.PrivateKey { return rsaKey("rsa", 2048) })

var curves = map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}

// newPenman makes the one of this kid, whose key follows from it.
func newPenman(alg, kid string) penman {
	s := penman{alg: alg, kid: kid}
	switch alg[:2] {
	case "Ed":
		s.priv = ed25519.NewKeyFromSeed(drawn(kid, 32))
	case "ES":
		curve := curves[alg]
		scalar := drawn(kid, (curve.Params().BitSize+7)/8)
		scalar[0] = 0 // less than the order
		key, err := ecdsa.ParseRawPrivateKey(curve, scalar)
		must(err)
		s.priv = key
	case "HS":
		s.priv = drawn(kid, 64)
	default:
		s.priv = oneRSA()
	}
	return s
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk returns the public key, or the secret, as a JWK, with more members.
func (s penman) jwk(more ...string) string {
	members := []string{`"alg":"` + s.alg + `"`}
	if s.kid != "" {
		members = append(members, `"kid":"`+s.kid+`"`)
	}
	switch key := s.priv.(type) {
	case ed25519.PrivateKey:
		members = append(members, `"kty":"OKP"`, `"crv":"Ed25519"`, `"x":"`+base64url(key.Public().(ed25519.PublicKey))+`"`)
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		must(err)
		half := (len(point) - 1) / 2
		members = append(members, `"kty":"EC"`, `"crv":"`+key.Params().Name+`"`,
			`"x":"`+base64url(point[1:1+half])+`"`, `"y":"`+base64url(point[1+half:])+`"`)
	case *rsa.PrivateKey:
		members = append(members, `"kty":"RSA"`, `"n":"`+base64url(key.N.Bytes())+`"`, `"e":"AQAB"`)
	case []byte:
		members = append(members, `"kty":"oct"`, `"k":"`+base64url(key)+`"`)
	}
	return "{" + strings.Join(append(members, more...), ",") + "}"
}

// jwks returns a JWK Set.
func jwks(list ...penman) string {
	keys := make([]string, len(list))
	for i, s := range list {
		keys[i] = s.jwk()
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// header returns a header with this typ.
func (s penman) header(typ string) string {
	return fmt.Sprintf(`{"alg":%q,"typ":%q,"kid":%q}`, s.alg, typ, s.kid)
}

// sign returns a compact JWS of a header and a payload, both as they are.
func (s penman) sign(header, payload string) string {
	input := base64url([]byte(header)) + "." + base64url([]byte(payload))
	return input + "." + base64url(s.signature(input))
}

// token returns an access token with these claims.
func (s penman) token(claims string) string { return s.sign(s.header("at+jwt"), claims) }

// signature signs, the same input always with the same signature.
func (s penman) signature(input string) []byte {
	switch key := s.priv.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	case *ecdsa.PrivateKey:
		r, v := s.pair(input)
		size := (key.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), v.FillBytes(make([]byte, size))...)
	case *rsa.PrivateKey:
		hash := hashOf(s.alg)
		h := hash.New()
		h.Write([]byte(input))
		if s.alg[:2] == "PS" {
			return signPSS(key, hash, h.Sum(nil), drawn(input, hash.Size()))
		}
		signature, err := rsa.SignPKCS1v15(nil, key, hash, h.Sum(nil))
		must(err)
		return signature
	case []byte:
		mac := hmac.New(hashOf(s.alg).New, key)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
	panic("no key")
}

// pair returns R and S of an ECDSA signature (RFC 6979).
func (s penman) pair(input string) (r, v *big.Int) {
	key := s.priv.(*ecdsa.PrivateKey)
	hash := hashOf(s.alg)
	h := hash.New()
	h.Write([]byte(input))
	der, err := key.Sign(nil, h.Sum(nil), hash)
	must(err)
	var both struct{ R, S *big.Int }
	_, err = asn1.Unmarshal(der, &both)
	must(err)
	return both.R, both.S
}

// signPSS signs with a salt that the caller chooses (RFC 8017 §8.1.1), which the standard library does not let one.
func signPSS(key *rsa.PrivateKey, hash crypto.Hash, digest, salt []byte) []byte {
	bits := key.N.BitLen() - 1
	size := (bits + 7) / 8
	h := hash.New()
	h.Write(make([]byte, 8))
	h.Write(digest)
	h.Write(salt)
	mark := h.Sum(nil)
	masked := append(bytes.Repeat([]byte{0}, size-len(salt)-len(mark)-2), append([]byte{1}, salt...)...)
	var stream []byte
	for counter := byte(0); len(stream) < len(masked); counter++ {
		h.Reset()
		h.Write(mark)
		h.Write([]byte{0, 0, 0, counter})
		stream = h.Sum(stream)
	}
	for i := range masked {
		masked[i] ^= stream[i]
	}
	masked[0] &= 0xff >> (8*size - bits)
	encoded := append(append(masked, mark...), 0xbc)
	m := new(big.Int).Exp(new(big.Int).SetBytes(encoded), key.D, key.N)
	return m.FillBytes(make([]byte, (key.N.BitLen()+7)/8))
}

func decodeBase64url(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }
