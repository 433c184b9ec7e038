package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hexward/hexward/core/token"
)

// primitive returns the fastest use of the standard library for one signature over one input, with whatever can be made
// ready beforehand made ready.
func primitive(s signer, input, sig []byte) func() bool {
	switch priv := s.priv.(type) {
	case ed25519.PrivateKey:
		pub := priv.Public().(ed25519.PublicKey)
		return func() bool { return ed25519.Verify(pub, input, sig) }
	case *ecdsa.PrivateKey:
		r, v := integers(sig)
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(r)
			b.AddASN1BigInt(v)
		})
		der := b.BytesOrPanic()
		return func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(&priv.PublicKey, digest[:], der)
		}
	case *rsa.PrivateKey:
		return func() bool {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(&priv.PublicKey, crypto.SHA256, digest[:], sig) == nil
		}
	default:
		mac := hmac.New(sha256.New, s.priv.([]byte))
		sum := make([]byte, 0, 32)
		return func() bool {
			mac.Reset()
			mac.Write(input)
			return hmac.Equal(mac.Sum(sum), sig)
		}
	}
}

// golangJWT returns golang-jwt set up to check as much as it can of what the package does.
func golangJWT(s signer) (*jwt.Parser, jwt.Keyfunc) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{s.alg}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(token.DefaultLeeway*time.Second),
		jwt.WithTimeFunc(func() time.Time { return time.Unix(now, 0) }),
		jwt.WithStrictDecoding(),
	)
	var key any
	switch priv := s.priv.(type) {
	case crypto.Signer:
		key = priv.Public()
	default:
		key = priv
	}
	return parser, func(*jwt.Token) (any, error) { return key, nil }
}

func BenchmarkVerify(b *testing.B) {
	for _, name := range names {
		s := signers()[name]
		compact := s.sign(s.header(), payload)
		dot := strings.LastIndexByte(compact, '.')
		input := compact[:dot]
		b.Run(name+"/raw", func(b *testing.B) {
			verify := primitive(s, []byte(input), s.signature(input))
			b.ReportAllocs()
			for b.Loop() {
				if !verify() {
					b.Fatal("refused")
				}
			}
		})
		b.Run(name+"/ours", func(b *testing.B) {
			v := verifier(b, config(b, s))
			var claims token.Claims
			b.ReportAllocs()
			for b.Loop() {
				if err := v.Verify(compact, now, &claims); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/golang-jwt", func(b *testing.B) {
			parser, keyfunc := golangJWT(s)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.ParseWithClaims(compact, jwt.MapClaims{}, keyfunc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPrepareFinish is all of Verify but the primitive.
func BenchmarkPrepareFinish(b *testing.B) {
	s := signers()["ES256"]
	v := verifier(b, config(b, s))
	compact := []byte(s.sign(s.header(), payload))
	for _, volatile := range []bool{false, true} {
		name := "own memory"
		if volatile {
			name = "volatile"
		}
		b.Run(name, func(b *testing.B) {
			p := token.Pending{Volatile: volatile}
			var claims token.Claims
			b.ReportAllocs()
			for b.Loop() {
				if err := v.Prepare(compact, &p); err != nil {
					b.Fatal(err)
				}
				if err := v.Finish(&p, now, &claims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
