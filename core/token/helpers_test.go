package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hexward/hexward/core/token"
)

// now is the time at which tests verify.
const now = 1_800_000_000

const (
	issuer   = "https://id.example"
	audience = "https://api.example"
)

// signer is a private key with its public counterpart in the package under test.
type signer struct {
	alg  string
	priv any
	key  *token.Key
}

// signers returns one fixed key for each of the four families, made once.
var signers = sync.OnceValue(func() map[string]signer {
	edPub, edPriv, err := ed25519.GenerateKey(rand.Reader)
	fatal(err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	fatal(err)
	secret := []byte("0123456789abcdef0123456789abcdef")
	edKey, err := token.NewEd25519Key("ed", edPub)
	fatal(err)
	ecKey, err := token.NewECDSAKey("ec", &ec.PublicKey)
	fatal(err)
	rsKey, err := token.NewRSAKey("rs", "RS256", &rs.PublicKey)
	fatal(err)
	hsKey, err := token.NewHMACKey("hs", "HS256", secret)
	fatal(err)
	return map[string]signer{
		"EdDSA": {"EdDSA", edPriv, edKey},
		"ES256": {"ES256", ec, ecKey},
		"RS256": {"RS256", rs, rsKey},
		"HS256": {"HS256", secret, hsKey},
	}
})

func fatal(err error) {
	if err != nil {
		panic(err)
	}
}

// algorithms maps the names of signers to the values of the package.
var algorithms = map[string]token.Algorithm{
	"EdDSA": token.EdDSA, "ES256": token.ES256, "RS256": token.RS256, "HS256": token.HS256,
}

var names = []string{"EdDSA", "ES256", "RS256", "HS256"}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// sign returns header and payload, taken as they are, as a compact JWS.
func (s signer) sign(header, payload string) string {
	return s.signParts(b64(header), b64(payload))
}

// signParts signs parts that are encoded already, well or not.
func (s signer) signParts(header, payload string) string {
	input := header + "." + payload
	return input + "." + base64.RawURLEncoding.EncodeToString(s.signature(input))
}

func (s signer) signature(input string) []byte {
	digest := sha256.Sum256([]byte(input))
	switch priv := s.priv.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(priv, []byte(input))
	case *ecdsa.PrivateKey:
		r, v, err := ecdsa.Sign(rand.Reader, priv, digest[:])
		fatal(err)
		return append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		sig, err := rsa.SignPKCS1v15(nil, priv, crypto.SHA256, digest[:])
		fatal(err)
		return sig
	default:
		mac := hmac.New(sha256.New, s.priv.([]byte))
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

// header returns the usual header of s.
func (s signer) header() string {
	return `{"alg":"` + s.alg + `","typ":"at+jwt","kid":"` + s.key.ID() + `"}`
}

// payload is a typical access token of about 450 bytes.
var payload = strings.NewReplacer("IAT", strconv.Itoa(now-10), "EXP", strconv.Itoa(now+890)).Replace(
	`{"iss":"https://id.example","sub":"01932d5e-6f3a-7c4b-9a1e-2f6d8c0b4e57","aud":"https://api.example","exp":EXP,` +
		`"iat":IAT,"iat_ms":IAT123,"jti":"01932d60-1111-7abc-8def-0123456789ab","sid":"01932d5e-7777-7abc-8def-ba9876543210",` +
		`"client_id":"web","tenant":"01932d00-aaaa-7bbb-8ccc-dddddddddddd","username":"bilbo.baggins",` +
		`"permissions":["orders:read","orders:write","invoices:read","admin"],"scope":"openid profile email"}`)

// config returns the usual configuration for the given signers.
func config(t testing.TB, list ...signer) token.VerifierConfig {
	t.Helper()
	c := token.VerifierConfig{
		Issuer:    issuer,
		Audiences: []string{audience},
		Types:     []string{"at+jwt"},
		Leeway:    token.DefaultLeeway,
	}
	var keys []*token.Key
	for _, s := range list {
		keys = append(keys, s.key)
		c.Algorithms = append(c.Algorithms, algorithms[s.alg])
	}
	var err error
	if c.Keys, err = token.NewKeySet(keys...); err != nil {
		t.Fatal(err)
	}
	return c
}

func verifier(t testing.TB, c token.VerifierConfig) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// integers reads R || S.
func integers(sig []byte) (r, s *big.Int) {
	return new(big.Int).SetBytes(sig[:len(sig)/2]), new(big.Int).SetBytes(sig[len(sig)/2:])
}
