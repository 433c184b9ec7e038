package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/token"
)

// Keys of RFC 8037 A.2, RFC 7515 A.3 and RFC 7638 §3.1, as members of a JWK.
const (
	okpMembers = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	ecMembers  = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	rsaModulus = `0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj` +
		`hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr` +
		`n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw`
	rsaMembers = `"kty":"RSA","e":"AQAB","n":"` + rsaModulus + `"`
	octMembers = `"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"`
)

// number returns n as base64url of the fewest bytes.
func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func modulus() *big.Int {
	b, err := base64.RawURLEncoding.DecodeString(rsaModulus)
	fatal(err)
	return new(big.Int).SetBytes(b)
}

// odd number of that many bits.
func oddBits(bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return number(n.Add(n, big.NewInt(12345)))
}

func rsaWith(n, e string) string { return `{"kty":"RSA","n":"` + n + `","e":"` + e + `"}` }

func okpWith(t testing.TB, x string) string {
	t.Helper()
	b, err := hex.DecodeString(x)
	if err != nil {
		t.Fatal(err)
	}
	return `{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(b) + `"}`
}

type jwkCase struct {
	name, jwk string
	want      error
}

func jwkCases(t testing.TB) []jwkCase {
	even := modulus()
	even.Sub(even, big.NewInt(1))
	return []jwkCase{
		{"OKP", `{` + okpMembers + `}`, nil},
		{"EC", `{` + ecMembers + `}`, nil},
		{"RSA", `{` + rsaMembers + `}`, nil},
		{"oct", `{` + octMembers + `}`, nil},
		{"all members", `{"alg":"ES256","kid":"1","use":"sig","key_ops":["verify"],"x5c":["!"],"x5t":"!","ext":true,` + ecMembers + `}`, nil},
		{"escaped names and values", `{"\u006bty":"O\u004bP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, nil},

		{"empty", ``, token.ErrKeyMalformed},
		{"no object", `[]`, token.ErrKeyMalformed},
		{"a string", `"{}"`, token.ErrKeyMalformed},
		{"empty object", `{}`, token.ErrKeyMalformed},
		{"two", `{` + okpMembers + `}{}`, token.ErrKeyMalformed},
		{"duplicate member", `{"kid":"a","kid":"a",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"duplicate member further in", `{"ext":{"a":1,"a":1},` + okpMembers + `}`, token.ErrKeyMalformed},
		{"no kty", `{"crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, token.ErrKeyMalformed},
		{"miscased name", `{"Use":"sig",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"name miscased by an escape", `{"\u0055se":"sig",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"name miscased by the Kelvin sign", `{"` + "\u212a" + `id":"a",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"name miscased by the long s", `{"u` + "\u017f" + `e":"enc",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"kid is a number", `{"kid":1,` + okpMembers + `}`, token.ErrKeyMalformed},
		{"kid is null", `{"kid":null,` + okpMembers + `}`, token.ErrKeyMalformed},
		{"kid is empty", `{"kid":"",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"kid of 256 bytes", `{"kid":"` + strings.Repeat("k", 256) + `",` + okpMembers + `}`, nil},
		{"kid of 257 bytes", `{"kid":"` + strings.Repeat("k", 257) + `",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"alg is a list", `{"alg":["EdDSA"],` + okpMembers + `}`, token.ErrKeyMalformed},
		{"over-large", `{"x5c":"` + strings.Repeat("A", 256<<10) + `",` + okpMembers + `}`, token.ErrKeyMalformed},

		{"unknown kty", `{"kty":"AKP","alg":"ML-DSA-44"}`, token.ErrKeyUnsupported},
		{"miscased kty", `{"kty":"ec","crv":"P-256"}`, token.ErrKeyUnsupported},
		{"unknown curve", `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, token.ErrKeyUnsupported},
		{"key agreement", `{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, token.ErrKeyUnsupported},
		{"no curve", `{"kty":"EC","x":"AA","y":"AA"}`, token.ErrKeyUnsupported},
		{"unknown alg", `{"alg":"ES256K",` + ecMembers + `}`, token.ErrKeyUnsupported},
		{"alg none", `{"alg":"none",` + octMembers[len(`"kty":"oct","alg":"HS256",`):] + `,"kty":"oct"}`, token.ErrKeyUnsupported},
		{"empty alg", `{"alg":"",` + ecMembers + `}`, token.ErrKeyUnsupported},
		{"miscased alg", `{"alg":"es256",` + ecMembers + `}`, token.ErrKeyUnsupported},

		{"alg of another curve", `{"alg":"ES384",` + ecMembers + `}`, token.ErrKeyMismatch},
		{"alg of another type", `{"alg":"RS256",` + ecMembers + `}`, token.ErrKeyMismatch},
		{"symmetric alg with a public key", `{"alg":"HS256",` + rsaMembers + `}`, token.ErrKeyMismatch},
		{"asymmetric alg with a secret", strings.Replace(`{`+octMembers+`}`, "HS256", "RS256", 1), token.ErrKeyMismatch},
		{"secret without alg", strings.Replace(`{`+octMembers+`}`, `"alg":"HS256",`, "", 1), token.ErrKeyMismatch},

		{"use enc", `{"use":"enc",` + ecMembers + `}`, token.ErrKeyUse},
		{"empty use", `{"use":"",` + ecMembers + `}`, token.ErrKeyUse},
		{"key_ops without verify", `{"key_ops":["sign"],` + ecMembers + `}`, token.ErrKeyUse},
		{"key_ops empty", `{"key_ops":[],` + ecMembers + `}`, token.ErrKeyUse},
		{"key_ops twice the same", `{"key_ops":["verify","verify"],` + ecMembers + `}`, token.ErrKeyMalformed},
		{"key_ops is a string", `{"key_ops":"verify",` + ecMembers + `}`, token.ErrKeyMalformed},
		{"key_ops with a number", `{"key_ops":["verify",1],` + ecMembers + `}`, token.ErrKeyMalformed},
		{"key_ops without end", `{"key_ops":["verify","1","2","3","4","5","6","7","8"],` + ecMembers + `}`, token.ErrKeyMalformed},

		{"private OKP", `{"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",` + okpMembers + `}`, token.ErrKeyPrivate},
		{"private EC", `{"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",` + ecMembers + `}`, token.ErrKeyPrivate},
		{"private RSA", `{"d":"AQ",` + rsaMembers + `}`, token.ErrKeyPrivate},
		{"half private RSA", `{"p":"AQ",` + rsaMembers + `}`, token.ErrKeyPrivate},
		{"private RSA by qi", `{"qi":"AQ",` + rsaMembers + `}`, token.ErrKeyPrivate},
		{"private RSA of many primes", `{"oth":[],` + rsaMembers + `}`, token.ErrKeyPrivate},
		{"null for a private member", `{"d":null,` + rsaMembers + `}`, token.ErrKeyPrivate},
		{"secret in a public key", `{"k":"AQ",` + rsaMembers + `}`, token.ErrKeyPrivate},
		{"EC members in RSA", `{"crv":"P-256",` + rsaMembers + `}`, token.ErrKeyMalformed},
		{"RSA members in EC", `{"n":"AQ",` + ecMembers + `}`, token.ErrKeyMalformed},
		{"y in OKP", `{"y":"AQ",` + okpMembers + `}`, token.ErrKeyMalformed},
		{"public member in a secret", `{"n":"AQ",` + octMembers + `}`, token.ErrKeyMalformed},
		{"private member in a secret", `{"d":"AQ",` + octMembers + `}`, token.ErrKeyMalformed},

		{"x missing", `{"kty":"EC","crv":"P-256","y":"AA"}`, token.ErrKeyMalformed},
		{"y missing", `{"kty":"EC","crv":"P-256","x":"AA"}`, token.ErrKeyMalformed},
		{"x too short", strings.Replace(`{`+ecMembers+`}`, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA", 1), token.ErrKeyMalformed},
		{"x with a leading zero", strings.Replace(`{`+ecMembers+`}`, `"f83O`, `"AAAAf83O`, 1), token.ErrKeyMalformed},
		{"trailing bits", strings.Replace(`{`+ecMembers+`}`, "RVEU", "RVEV", 1), token.ErrKeyMalformed},
		{"padding", strings.Replace(`{`+ecMembers+`}`, "RVEU", "RVEU=", 1), token.ErrKeyMalformed},
		{"standard alphabet", strings.Replace(`{`+ecMembers+`}`, "x_FE", "x/FE", 1), token.ErrKeyMalformed},
		{"point off the curve", strings.Replace(`{`+ecMembers+`}`, "x_FE", "x_FF", 1), token.ErrKeyWeak},
		{"point at zero", `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`, token.ErrKeyWeak},
		{"coordinate not below the prime", `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("_", 42) + `8","y":"` + strings.Repeat("A", 43) + `"}`, token.ErrKeyWeak},
		{"P-256 point on P-384", strings.Replace(`{`+ecMembers+`}`, "P-256", "P-384", 1), token.ErrKeyMalformed},

		{"OKP too short", okpWith(t, "d75a98"), token.ErrKeyMalformed},
		{"OKP no point", okpWith(t, "0200000000000000000000000000000000000000000000000000000000000000"), token.ErrKeyWeak},
		{"OKP identity", okpWith(t, "0100000000000000000000000000000000000000000000000000000000000000"), token.ErrKeyWeak},
		{"OKP order 2", okpWith(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), token.ErrKeyWeak},
		{"OKP order 4", okpWith(t, "0000000000000000000000000000000000000000000000000000000000000000"), token.ErrKeyWeak},
		{"OKP order 4, other sign", okpWith(t, "0000000000000000000000000000000000000000000000000000000000000080"), token.ErrKeyWeak},
		{"OKP order 8", okpWith(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), token.ErrKeyWeak},
		{"OKP order 8, other sign", okpWith(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"), token.ErrKeyWeak},
		{"OKP order 8, other y", okpWith(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), token.ErrKeyWeak},
		{"OKP not below the prime", okpWith(t, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), token.ErrKeyWeak},

		{"RSA without n", `{"kty":"RSA","e":"AQAB"}`, token.ErrKeyMalformed},
		{"RSA without e", `{"kty":"RSA","n":"` + rsaModulus + `"}`, token.ErrKeyMalformed},
		{"RSA with empty n", rsaWith("", "AQAB"), token.ErrKeyMalformed},
		{"RSA with empty e", rsaWith(rsaModulus, ""), token.ErrKeyMalformed},
		{"RSA n with a leading zero", rsaWith(base64.RawURLEncoding.EncodeToString(append([]byte{0}, modulus().Bytes()...)), "AQAB"), token.ErrKeyMalformed},
		{"RSA e with a leading zero", rsaWith(rsaModulus, "AAEAAQ"), token.ErrKeyMalformed},
		{"RSA of 2,047 bits", rsaWith(oddBits(2047), "AQAB"), token.ErrKeyWeak},
		{"RSA of 2,048 bits", rsaWith(oddBits(2048), "AQAB"), nil},
		{"RSA of 8,192 bits", rsaWith(oddBits(8192), "AQAB"), nil},
		{"RSA of 8,193 bits", rsaWith(oddBits(8193), "AQAB"), token.ErrKeyWeak},
		{"RSA even", rsaWith(number(even), "AQAB"), token.ErrKeyWeak},
		{"RSA exponent 1", rsaWith(rsaModulus, "AQ"), token.ErrKeyWeak},
		{"RSA exponent 3", rsaWith(rsaModulus, "Aw"), token.ErrKeyWeak},
		{"RSA exponent 65,535", rsaWith(rsaModulus, "__8"), token.ErrKeyWeak},
		{"RSA exponent 65,538", rsaWith(rsaModulus, "AQAC"), token.ErrKeyWeak},
		{"RSA exponent 2^31-1", rsaWith(rsaModulus, "f____w"), nil},
		{"RSA exponent 2^31+1", rsaWith(rsaModulus, "gAAAAQ"), token.ErrKeyWeak},
		{"RSA exponent of 9 bytes", rsaWith(rsaModulus, "AQAAAAAAAQAB"), token.ErrKeyWeak},

		{"oct without k", `{"kty":"oct","alg":"HS256"}`, token.ErrKeyMalformed},
		{"oct of 31 bytes", `{"kty":"oct","alg":"HS256","k":"` + b64(strings.Repeat("s", 31)) + `"}`, token.ErrKeyWeak},
		{"oct of 32 bytes", `{"kty":"oct","alg":"HS256","k":"` + b64(strings.Repeat("s", 32)) + `"}`, nil},
		{"oct of 47 bytes for HS384", `{"kty":"oct","alg":"HS384","k":"` + b64(strings.Repeat("s", 47)) + `"}`, token.ErrKeyWeak},
		{"oct of 63 bytes for HS512", `{"kty":"oct","alg":"HS512","k":"` + b64(strings.Repeat("s", 63)) + `"}`, token.ErrKeyWeak},
		{"oct of 1,025 bytes", `{"kty":"oct","alg":"HS256","k":"` + b64(strings.Repeat("s", 1025)) + `"}`, token.ErrKeyWeak},
	}
}

func TestParseKey(t *testing.T) {
	for _, tc := range jwkCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			key, err := token.ParseKey([]byte(tc.jwk))
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if (key == nil) != (tc.want != nil) {
				t.Errorf("got key %v with %v", key, err)
			}
		})
	}
}

func TestKey_Algorithm(t *testing.T) {
	for _, tc := range []struct{ jwk, alg, kty, crv string }{
		{`{` + okpMembers + `}`, "EdDSA", "OKP", "Ed25519"},
		{`{` + ecMembers + `}`, "ES256", "EC", "P-256"},
		{`{` + rsaMembers + `}`, "RS256", "RSA", ""},
		{`{"alg":"PS512",` + rsaMembers + `}`, "PS512", "RSA", ""},
		{`{` + octMembers + `}`, "HS256", "oct", ""},
	} {
		key, err := token.ParseKey([]byte(tc.jwk))
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]string{key.Algorithm(), key.Type(), key.Curve()}; got != [3]string{tc.alg, tc.kty, tc.crv} {
			t.Errorf("got %v, want %v", got, tc)
		}
	}
}

func TestKey_Thumbprint(t *testing.T) {
	for _, tc := range []struct{ name, jwk, want string }{
		{"RFC 7638 §3.1", `{"kid":"2011-04-29","alg":"RS256",` + rsaMembers + `}`, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037 A.3", `{` + okpMembers + `}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		{"EC", `{` + ecMembers + `}`, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := token.ParseKey([]byte(tc.jwk))
			if err != nil {
				t.Fatal(err)
			}
			if got := key.Thumbprint(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestKey_AppendJWK(t *testing.T) {
	for _, tc := range []struct{ name, jwk, want string }{
		{"OKP", `{` + okpMembers + `}`, `{"alg":"EdDSA","crv":"Ed25519","kty":"OKP","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`},
		{"EC", `{"kid":"a\"\\\u0001é",` + ecMembers + `}`, `{"alg":"ES256","crv":"P-256","kid":"a\"\\\u0001é","kty":"EC","use":"sig",` + ecMembers[len(`"kty":"EC","crv":"P-256",`):] + `}`},
		{"RSA", `{"kid":"1","alg":"PS256",` + rsaMembers + `}`, `{"alg":"PS256","e":"AQAB","kid":"1","kty":"RSA","n":"` + rsaModulus + `","use":"sig"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := token.ParseKey([]byte(tc.jwk))
			if err != nil {
				t.Fatal(err)
			}
			got, err := key.AppendJWK([]byte("x"))
			if diff := cmp.Diff("x"+tc.want, string(got)); diff != "" || err != nil {
				t.Errorf("%v -want +got\n%s", err, diff)
			}
			again, err := token.ParseKey(got[1:])
			if err != nil || again.Thumbprint() != key.Thumbprint() || again.ID() != key.ID() || again.Algorithm() != key.Algorithm() {
				t.Errorf("reads again as %v, %v", again, err)
			}
		})
	}
	secret, err := token.ParseKey([]byte(`{` + octMembers + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := secret.AppendJWK(nil); !errors.Is(err, token.ErrKeyPrivate) || len(got) != 0 {
		t.Errorf("a secret is published: %s, %v", got, err)
	}
}

// TestKey_secrecy holds that no verb of fmt prints a secret.
func TestKey_secrecy(t *testing.T) {
	key, err := token.NewHMACKey("k1", "HS256", []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, key); got != "HS256 key k1" {
			t.Errorf("%s prints %q", format, got)
		}
	}
}

func TestKey_Parameter(t *testing.T) {
	key := signers()["HS256"].key
	k := key.Parameter("k")
	if string(k) != "0123456789abcdef0123456789abcdef" {
		t.Errorf("k is %q", k)
	}
	clear(k)
	if key.Parameter("k")[0] != '0' {
		t.Error("a parameter can be changed")
	}
	for _, tc := range []struct {
		alg  string
		want string
	}{{"EdDSA", "x"}, {"ES256", "xy"}, {"RS256", "ne"}, {"HS256", "k"}} {
		for _, name := range []string{"x", "y", "n", "e", "k", "d", ""} {
			got := signers()[tc.alg].key.Parameter(name) != nil
			if want := name != "" && strings.Contains(tc.want, name); got != want {
				t.Errorf("%s has %q: %v", tc.alg, name, got)
			}
		}
	}
}

// TestCurves holds the hand-written curve equations against the standard library's keys and neighbours of these.
func TestCurves(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		for range 20 {
			priv, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			key, err := token.NewECDSAKey("", &priv.PublicKey)
			if err != nil {
				t.Fatalf("%s: %v", curve.Params().Name, err)
			}
			if key.ID() != key.Thumbprint() {
				t.Errorf("kid is %q", key.ID())
			}
			x, y := key.Parameter("x"), key.Parameter("y")
			y[len(y)-1] ^= 1
			jwk := fmt.Sprintf(`{"kty":"EC","crv":%q,"x":%q,"y":%q}`, key.Curve(),
				base64.RawURLEncoding.EncodeToString(x), base64.RawURLEncoding.EncodeToString(y))
			if _, err := token.ParseKey([]byte(jwk)); !errors.Is(err, token.ErrKeyWeak) {
				t.Errorf("%s: off the curve, got %v", curve.Params().Name, err)
			}
		}
	}
}

// TestSafeEd25519 holds the check of points against math/big, for keys and for random bytes, half of which are no point.
func TestSafeEd25519(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).Mod(new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p)), p)
	one := big.NewInt(1)
	points := 0
	for range 200 {
		pub := make([]byte, 32)
		if _, err := rand.Read(pub); err != nil {
			t.Fatal(err)
		}
		reversed := bytes.Clone(pub)
		for i := range reversed {
			reversed[i] = pub[31-i]
		}
		reversed[0] &= 0x7F
		y := new(big.Int).SetBytes(reversed)
		yy := new(big.Int).Mul(y, y)
		u := new(big.Int).Mod(new(big.Int).Sub(yy, one), p)
		v := new(big.Int).Mod(new(big.Int).Add(new(big.Int).Mul(d, yy), one), p)
		want := y.Cmp(p) < 0 && big.Jacobi(new(big.Int).Mod(new(big.Int).Mul(u, v), p), p) == 1
		if want {
			points++
		}
		if got := token.SafeEd25519(pub); got != want {
			t.Errorf("%x: got %v, want %v", pub, got, want)
		}
		key, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !token.SafeEd25519(key) {
			t.Errorf("%x is refused", key)
		}
	}
	if points < 50 || points > 150 {
		t.Errorf("%d of 200 are points", points)
	}
}

// TestSafeEd25519_smallOrder shows why such keys are refused: the standard library accepts a signature that nobody made.
func TestSafeEd25519_smallOrder(t *testing.T) {
	identity := append([]byte{1}, make([]byte, 31)...)
	forged := append(bytes.Clone(identity), make([]byte, 32)...) // R = identity, S = 0
	for _, small := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		pub, err := hex.DecodeString(small)
		if err != nil {
			t.Fatal(err)
		}
		accepted := 0
		for i := range 400 {
			if ed25519.Verify(pub, fmt.Append(nil, "message ", i), forged) {
				accepted++
			}
		}
		if accepted < 20 {
			t.Errorf("%s: %d of 400 forgeries accepted: not of small order", small, accepted)
		}
		if token.SafeEd25519(pub) {
			t.Errorf("%s is safe", small)
		}
	}
}

func TestNewKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big2048 := &signers()["RS256"].priv.(*rsa.PrivateKey).PublicKey
	secret := make([]byte, 64)
	for _, tc := range []struct {
		name string
		make func() (*token.Key, error)
		want error
	}{
		{"Ed25519 nil", func() (*token.Key, error) { return token.NewEd25519Key("", nil) }, token.ErrKeyMalformed},
		{"Ed25519 zero", func() (*token.Key, error) { return token.NewEd25519Key("", make([]byte, 32)) }, token.ErrKeyWeak},
		{"ECDSA nil", func() (*token.Key, error) { return token.NewECDSAKey("", nil) }, token.ErrKeyMalformed},
		{"ECDSA zero", func() (*token.Key, error) { return token.NewECDSAKey("", &ecdsa.PublicKey{}) }, token.ErrKeyMalformed},
		{"ECDSA without point", func() (*token.Key, error) {
			return token.NewECDSAKey("", &ecdsa.PublicKey{Curve: elliptic.P256()})
		}, token.ErrKeyMalformed},
		{"ECDSA off the curve", func() (*token.Key, error) {
			return token.NewECDSAKey("", &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}) //nolint:staticcheck // there is no other way to a bad point
		}, token.ErrKeyWeak},
		{"ECDSA P-224", func() (*token.Key, error) { return token.NewECDSAKey("", &p224.PublicKey) }, token.ErrKeyUnsupported},
		{"RSA nil", func() (*token.Key, error) { return token.NewRSAKey("", "RS256", nil) }, token.ErrKeyMalformed},
		{"RSA zero", func() (*token.Key, error) { return token.NewRSAKey("", "RS256", &rsa.PublicKey{}) }, token.ErrKeyMalformed},
		{"RSA 1024", func() (*token.Key, error) { return token.NewRSAKey("", "RS256", &small.PublicKey) }, token.ErrKeyWeak},
		{"RSA for HS256", func() (*token.Key, error) { return token.NewRSAKey("", "HS256", big2048) }, token.ErrKeyMismatch},
		{"RSA for nothing", func() (*token.Key, error) { return token.NewRSAKey("", "", big2048) }, token.ErrKeyMismatch},
		{"RSA for PS384", func() (*token.Key, error) { return token.NewRSAKey("", "PS384", big2048) }, nil},
		{"HMAC short", func() (*token.Key, error) { return token.NewHMACKey("", "HS512", secret[:63]) }, token.ErrKeyWeak},
		{"HMAC nil", func() (*token.Key, error) { return token.NewHMACKey("", "HS256", nil) }, token.ErrKeyWeak},
		{"HMAC for RS256", func() (*token.Key, error) { return token.NewHMACKey("", "RS256", secret) }, token.ErrKeyMismatch},
		{"HMAC", func() (*token.Key, error) { return token.NewHMACKey("", "HS512", secret) }, nil},
		{"kid too long", func() (*token.Key, error) {
			return token.NewHMACKey(strings.Repeat("k", 257), "HS512", secret)
		}, token.ErrKeyMalformed},
		{"kid not UTF-8", func() (*token.Key, error) { return token.NewHMACKey("\xff", "HS512", secret) }, token.ErrKeyMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if key, err := tc.make(); !errors.Is(err, tc.want) || (key == nil) != (err != nil) {
				t.Errorf("got %v, %v, want %v", key, err, tc.want)
			}
		})
	}
}

func FuzzParseKey(f *testing.F) {
	for _, tc := range jwkCases(f) {
		if len(tc.jwk) < 4096 {
			f.Add([]byte(tc.jwk))
		}
	}
	f.Fuzz(func(t *testing.T, jwk []byte) {
		key, err := token.ParseKey(jwk)
		if err != nil {
			if r := token.ReasonOf(err); r < token.ReasonKeyMalformed || r > token.ReasonKeyPrivate {
				t.Fatalf("%s: odd reason %v", jwk, r)
			}
			return
		}
		checkKey(t, key)
		var m map[string]any
		if err := json.Unmarshal(jwk, &m); err != nil {
			t.Fatalf("%s: encoding/json says %v", jwk, err)
		}
		for _, name := range []string{"x", "y", "n", "e", "k"} {
			text, _ := m[name].(string)
			if want := base64.RawURLEncoding.EncodeToString(key.Parameter(name)); text != want {
				t.Fatalf("%s: %s is %q, encoding/json says %q", jwk, name, want, text)
			}
		}
		if kid, _ := m["kid"].(string); kid != key.ID() {
			t.Fatalf("%s: kid is %q, encoding/json says %q", jwk, key.ID(), kid)
		}
	})
}

// checkKey holds an accepted key to what all keys promise.
func checkKey(t *testing.T, key *token.Key) {
	for _, a := range allAlgorithms {
		p, err := a.Primitive(key)
		if (err == nil) != (a.Name() == key.Algorithm()) {
			t.Fatalf("%s takes a key for %s: %v", a.Name(), key.Algorithm(), err)
		}
		if err == nil && (p.Verify(nil, nil) || p.Verify([]byte("x"), make([]byte, 64)) || p.Verify([]byte("x"), make([]byte, 256))) {
			t.Fatalf("%v verifies nothing", key)
		}
	}
	if key.Type() == "EC" {
		size := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
		point := append(append([]byte{4}, key.Parameter("x")...), key.Parameter("y")...)
		if _, err := ecdsa.ParseUncompressedPublicKey(size[key.Curve()], point); err != nil {
			t.Fatalf("%v: the standard library says %v", key, err)
		}
	}
	jwk, err := key.AppendJWK(nil)
	if key.Type() == "oct" {
		if !errors.Is(err, token.ErrKeyPrivate) {
			t.Fatalf("a secret is published: %s, %v", jwk, err)
		}
		return
	}
	again, err2 := token.ParseKey(jwk)
	if err != nil || err2 != nil || again.Thumbprint() != key.Thumbprint() || again.ID() != key.ID() || again.Algorithm() != key.Algorithm() {
		t.Fatalf("%s reads as %v: %v, %v", jwk, again, err, err2)
	}
}

func ExampleParseKey() {
	key, err := token.ParseKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	fmt.Println(err, key.Algorithm(), key.Thumbprint())
	_, err = token.ParseKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`))
	fmt.Println(token.ReasonOf(err))
	// Output:
	// <nil> EdDSA kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
	// key_weak
}
