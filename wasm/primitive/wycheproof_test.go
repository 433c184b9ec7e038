package primitive_test

import (
	"crypto"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// hexBytes is bytes that a vector holds in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func (h hexBytes) number() *big.Int { return new(big.Int).SetBytes(h) }

type wycheproofFile struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		SHA       string `json:"sha"`
		MGFSHA    string `json:"mgfSha"`
		SaltSize  int    `json:"sLen"`
		TagSize   int    `json:"tagSize"`
		PublicKey struct {
			WX       hexBytes `json:"wx"`
			WY       hexBytes `json:"wy"`
			PK       hexBytes `json:"pk"`
			Modulus  hexBytes `json:"modulus"`
			Exponent hexBytes `json:"publicExponent"`
		} `json:"publicKey"`
		Tests []struct {
			ID      int      `json:"tcId"`
			Comment string   `json:"comment"`
			Flags   []string `json:"flags"`
			Key     hexBytes `json:"key"`
			Msg     hexBytes `json:"msg"`
			Sig     hexBytes `json:"sig"`
			Tag     hexBytes `json:"tag"`
			Result  string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func readWycheproof(t *testing.T, name string) (f wycheproofFile) {
	t.Helper()
	doc, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestWycheproof_ECDSA runs all groups with signatures in the form of JWS. A digest longer than the order is cut to as many bits
// on the left (FIPS 186-5 §6.4.2). With the hash of JWS, the algorithm's own key has to answer the same.
func TestWycheproof_ECDSA(t *testing.T) {
	long := func(b []byte) []byte { d := sha512.Sum512(b); return d[:] }
	for _, test := range []struct {
		name  string
		curve *curve
		sum   func([]byte) []byte // nil for the hash of JWS
	}{
		{"ecdsa_secp256r1_sha256_p1363_test.json", p256, nil},
		{"ecdsa_secp256r1_sha512_p1363_test.json", p256, long},
		{"ecdsa_secp256r1_shake128_p1363_test.json", p256, func(b []byte) []byte { return sha3.SumSHAKE128(b, 32) }},
		{"ecdsa_secp384r1_sha384_p1363_test.json", p384, nil},
		{"ecdsa_secp384r1_sha512_p1363_test.json", p384, long},
		{"ecdsa_secp384r1_shake256_p1363_test.json", p384, func(b []byte) []byte { return sha3.SumSHAKE256(b, 64) }},
		{"ecdsa_secp521r1_sha512_p1363_test.json", p521, nil},
		{"ecdsa_secp521r1_shake256_p1363_test.json", p521, func(b []byte) []byte { return sha3.SumSHAKE256(b, 64) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := readWycheproof(t, test.name)
			run, sum := 0, test.sum
			if sum == nil {
				sum = test.curve.sum
			}
			for _, g := range f.TestGroups {
				point := &oraclePoint{test.curve, g.PublicKey.WX.number(), g.PublicKey.WY.number()}
				key := newECDSAKey(point)
				whole, err := token.NewECDSAKey("", point.public())
				if err != nil {
					t.Fatal(err)
				}
				p, err := test.curve.ours.Primitive(whole)
				if err != nil {
					t.Fatal(err)
				}
				for _, tc := range g.Tests {
					run++
					digest := sum(tc.Msg)
					digest = digest[:min(len(digest), test.curve.size)]
					got := key.check(t, new(big.Int).SetBytes(digest), tc.Sig)
					if got != (tc.Result == "valid") || test.sum == nil && p.Verify(tc.Msg, tc.Sig) != got {
						t.Errorf("%d %s: accepted %v, want %s", tc.ID, tc.Comment, got, tc.Result)
					}
				}
			}
			if run != f.NumberOfTests || run < 150 {
				t.Errorf("%d of %d vectors", run, f.NumberOfTests)
			}
		})
	}
}

// hashes, by their names in Wycheproof.
var hashes = map[string]crypto.Hash{"SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}

// TestWycheproof_RSA runs all groups for PKCS #1 v1.5 and PSS with the hashes of JWS. What Wycheproof calls acceptable (a
// missing NULL) is refused. PSS with a salt of another length than the hash's, or with another hash for the mask, has to be
// what the standard library says.
func TestWycheproof_RSA(t *testing.T) {
	files, err := fs.Glob(wycheproof.TestVectors, "rsa_*_test.json")
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, name := range files {
		pss := strings.HasPrefix(name, "rsa_pss_") && !strings.Contains(name, "_params_")
		if !pss && !strings.HasPrefix(name, "rsa_signature_") {
			continue
		}
		f := readWycheproof(t, name)
		run := 0
		for _, g := range f.TestGroups {
			hash, ok := hashes[g.SHA]
			if !ok {
				continue
			}
			n, e := g.PublicKey.Modulus.number(), g.PublicKey.Exponent.number()
			key := rsaKeyOf(n, nil, e.Int64(), hash)
			usual, verify := true, key.ours[0].Verify
			if pss {
				usual, verify = g.MGFSHA == g.SHA && g.SaltSize == hash.Size(), key.ours[1].Verify
			}
			if !usual { // the standard library's verdict under the parameters of JWS is right, and not the vector's
				verify = func(digest, signature []byte) bool { return key.check(t, pss, digest, signature) }
			}
			for _, tc := range g.Tests {
				run++
				h := hash.New()
				h.Write(tc.Msg)
				if got := verify(h.Sum(nil), tc.Sig); got != (tc.Result == "valid") && usual {
					t.Errorf("%s %d %s: accepted %v, want %s", name, tc.ID, tc.Comment, got, tc.Result)
				}
			}
			if usual {
				ran[fmt.Sprintf("%s %d %v", g.SHA, n.BitLen(), pss)]++
			}
		}
		if run > 0 && len(f.TestGroups) < 100 && run != f.NumberOfTests {
			t.Errorf("%s: %d of %d vectors", name, run, f.NumberOfTests)
		}
	}
	for _, want := range []string{
		"SHA-256 2048 false", "SHA-384 2048 false", "SHA-512 2048 false", "SHA-256 3072 false", "SHA-384 3072 false",
		"SHA-512 3072 false", "SHA-256 4096 false", "SHA-384 4096 false", "SHA-512 4096 false", "SHA-256 8192 false",
		"SHA-384 8192 false", "SHA-512 8192 false", "SHA-256 2048 true", "SHA-384 2048 true", "SHA-512 2048 true",
		"SHA-256 3072 true", "SHA-256 4096 true", "SHA-384 4096 true", "SHA-512 4096 true",
	} {
		if ran[want] == 0 {
			t.Errorf("no group for %s", want)
		}
	}
}

func TestWycheproof_EdDSA(t *testing.T) {
	f := readWycheproof(t, "ed25519_test.json")
	run := 0
	for _, g := range f.TestGroups {
		for _, tc := range g.Tests {
			run++
			if got := checkEd(t, g.PublicKey.PK, tc.Msg, tc.Sig); got != (tc.Result == "valid") {
				t.Errorf("%d %s: accepted %v, want %s", tc.ID, tc.Comment, got, tc.Result)
			}
		}
	}
	if run != f.NumberOfTests || run < 150 {
		t.Errorf("%d of %d vectors", run, f.NumberOfTests)
	}
}

// TestWycheproof_HMAC runs the groups for HMAC with whole tags, and has cut ones refused, as JWS does.
func TestWycheproof_HMAC(t *testing.T) {
	for name, size := range map[string]int{"hmac_sha256_test.json": 32, "hmac_sha384_test.json": 48, "hmac_sha512_test.json": 64} {
		f := readWycheproof(t, name)
		run, whole := 0, 0
		for _, g := range f.TestGroups {
			for _, tc := range g.Tests {
				run++
				if g.TagSize == 8*size {
					whole++
				}
				want := tc.Result == "valid" && g.TagSize == 8*size
				if got := primitive.NewHMACKey(tc.Key, size).Verify(tc.Msg, tc.Tag); got != want {
					t.Errorf("%s %d %s: accepted %v, want %v", name, tc.ID, tc.Comment, got, want)
				}
			}
		}
		if run != f.NumberOfTests || whole < 80 {
			t.Errorf("%s: %d of %d vectors, %d with whole tags", name, run, f.NumberOfTests, whole)
		}
	}
}
