package primitive_test

import (
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/big"
	"testing"

	"github.com/c2sp/wycheproof"
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

// TestWycheproof_ECDSA runs the groups for P-256 with signatures in the form of JWS. A digest longer than the order is cut to
// its leftmost 256 bits (FIPS 186-5 §6.4.2).
func TestWycheproof_ECDSA(t *testing.T) {
	for name, sum := range map[string]func([]byte) [32]byte{
		"ecdsa_secp256r1_sha256_p1363_test.json":   sha256.Sum256,
		"ecdsa_secp256r1_sha512_p1363_test.json":   func(b []byte) [32]byte { d := sha512.Sum512(b); return [32]byte(d[:32]) },
		"ecdsa_secp256r1_shake128_p1363_test.json": func(b []byte) [32]byte { return [32]byte(sha3.SumSHAKE128(b, 32)) },
	} {
		t.Run(name, func(t *testing.T) {
			f := readWycheproof(t, name)
			run := 0
			for _, g := range f.TestGroups {
				key := newECDSAKey(&oraclePoint{g.PublicKey.WX.number(), g.PublicKey.WY.number()})
				for _, tc := range g.Tests {
					run++
					if got := key.check(t, sum(tc.Msg), tc.Sig); got != (tc.Result == "valid") {
						t.Errorf("%d %s: accepted %v, want %s", tc.ID, tc.Comment, got, tc.Result)
					}
				}
			}
			if run != f.NumberOfTests || run < 250 {
				t.Errorf("%d of %d vectors", run, f.NumberOfTests)
			}
		})
	}
}
