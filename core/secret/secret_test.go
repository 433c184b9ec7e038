package secret_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
)

// known is what other implementations have made of the form, and what they refuse.
type known struct {
	Good []struct {
		Name, Prefix, Random, Text, CRC32, SHA256 string
	}
	Refused []struct{ Name, Text string }
}

func read(t testing.TB) (k known) {
	t.Helper()
	text, err := os.ReadFile("testdata/secrets.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	if len(k.Good) < 18 || len(k.Refused) < 25 {
		t.Fatalf("there are %d and %d", len(k.Good), len(k.Refused))
	}
	return k
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMint_known(t *testing.T) {
	for _, test := range read(t).Good {
		t.Run(test.Prefix+" "+test.Name, func(t *testing.T) {
			text, h, err := secret.Mint(bytes.NewReader(unhex(t, test.Random)), test.Prefix)
			if err != nil || text != test.Text || hex.EncodeToString(h[:]) != test.SHA256 || len(text) != secret.Length {
				t.Errorf("got %s, %x, %v", text, h, err)
			}
			if crc := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text[:len(text)-6]))); crc != test.CRC32 {
				t.Errorf("the checksum is of %s", crc)
			}
			if parsed, err := secret.Parse(test.Prefix, text); err != nil || parsed != h {
				t.Errorf("parsed %x, %v", parsed, err)
			}
			for _, other := range []string{secret.APIToken, secret.Client, "hxx_"} {
				if _, err := secret.Parse(other, text); (err == nil) != (other == test.Prefix) {
					t.Errorf("as %s: %v", other, err)
				}
			}
		})
	}
}

func TestParse_refused(t *testing.T) {
	for _, test := range read(t).Refused {
		t.Run(test.Name, func(t *testing.T) {
			h, err := secret.Parse(secret.APIToken, test.Text)
			if !errors.Is(err, secret.ErrForm) || h != (secret.Hash{}) {
				t.Errorf("got %x, %v", h, err)
			}
			if test.Text != "" && strings.Contains(err.Error(), test.Text) {
				t.Errorf("the error repeats it: %v", err)
			}
		})
	}
	if fault.KindOf(secret.ErrForm) != fault.Unauthenticated {
		t.Error("it is another kind of fault")
	}
}

// TestParse_typos holds that no slip of one byte, and no two neighbours in each other's place, pass.
func TestParse_typos(t *testing.T) {
	text := read(t).Good[12].Text
	slips := 0
	try := func(typo string) {
		if typo == text {
			return
		}
		slips++
		if _, err := secret.Parse(secret.APIToken, typo); err == nil {
			t.Errorf("%q passes", typo)
		}
	}
	for i := range text {
		for c := range 256 {
			try(text[:i] + string([]byte{byte(c)}) + text[i+1:])
		}
		try(text[:i] + text[i+1:])
		try(text[:i] + "0" + text[i:])
		if i > 0 {
			try(text[:i-1] + text[i:i+1] + text[i-1:i] + text[i+1:])
		}
	}
	if slips < 53*255 {
		t.Errorf("only %d", slips)
	}
}

func TestMint_random(t *testing.T) {
	form := regexp.MustCompile(`^hx[wc]_[0-9A-Za-z]{49}$`)
	b := make([]byte, 32)
	for i := range 2000 {
		for j := range b {
			b[j] = byte(i*31 + j*j*7 + i*j)
		}
		text, h, err := secret.Mint(iotest.OneByteReader(bytes.NewReader(b)), secret.Client)
		if err != nil || !form.MatchString(text) || h != sha256.Sum256([]byte(text)) {
			t.Fatalf("got %s, %v", text, err)
		}
		// The digits are the bytes, by a way of their own: math/big has the lower-case letters first.
		swapped := strings.Map(func(r rune) rune {
			switch {
			case 'a' <= r && r <= 'z':
				return r - 'a' + 'A'
			case 'A' <= r && r <= 'Z':
				return r - 'A' + 'a'
			}
			return r
		}, text[4:47])
		n, ok := new(big.Int).SetString(swapped, 62)
		if !ok || n.Cmp(new(big.Int).SetBytes(b)) != 0 {
			t.Fatalf("%s is not %x", text, b)
		}
	}
}

func TestMint_fails(t *testing.T) {
	broken := errors.New("broken")
	for name, random := range map[string]io.Reader{
		"at once":     iotest.ErrReader(broken),
		"too little":  io.MultiReader(bytes.NewReader(make([]byte, 31)), iotest.ErrReader(broken)),
		"nothing yet": iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(make([]byte, 40)))),
	} {
		t.Run(name, func(t *testing.T) {
			text, h, err := secret.Mint(random, secret.APIToken)
			if err == nil || text != "" || h != (secret.Hash{}) {
				t.Errorf("got %q, %x, %v", text, h, err)
			}
		})
	}
	if _, _, err := secret.Mint(bytes.NewReader(make([]byte, 31)), secret.APIToken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestParse_allocates(t *testing.T) {
	k := read(t)
	texts := []string{k.Good[0].Text, strings.Repeat("a", 10_000)}
	for _, r := range k.Refused {
		texts = append(texts, r.Text)
	}
	for _, text := range texts {
		if n := testing.AllocsPerRun(100, func() { _, _ = secret.Parse(secret.APIToken, text) }); n != 0 {
			t.Errorf("%.60q: %v allocations", text, n)
		}
	}
}

// FuzzParse holds Parse against its description, and that what it takes is what it hashes.
func FuzzParse(f *testing.F) {
	k := read(f)
	for _, g := range k.Good {
		f.Add(g.Prefix, g.Text)
	}
	for _, r := range k.Refused {
		f.Add(secret.APIToken, r.Text)
	}
	f.Add("", strings.Repeat("0", secret.Length))
	f.Add(strings.Repeat("0", 100), strings.Repeat("0", secret.Length))
	f.Fuzz(func(t *testing.T, prefix, text string) {
		h, err := secret.Parse(prefix, text)
		if err != nil {
			if err != secret.ErrForm || h != (secret.Hash{}) { //nolint:errorlint // bare, as documented
				t.Errorf("got %x, %v", h, err)
			}
			return
		}
		if len(text) != secret.Length || !strings.HasPrefix(text, prefix) || h != sha256.Sum256([]byte(text)) {
			t.Errorf("%q passes as %q with %x", text, prefix, h)
		}
		if !regexp.MustCompile(`^[0-9A-Za-z]*$`).MatchString(text[len(prefix):]) {
			t.Errorf("%q passes", text)
		}
		typo := []byte(text)
		typo[len(typo)/2] ^= 1
		if _, err := secret.Parse(prefix, string(typo)); err == nil {
			t.Errorf("%q passes too", typo)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	k := read(b)
	for name, text := range map[string]string{"good": k.Good[12].Text, "typo": k.Good[12].Text[:52] + "~"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = secret.Parse(secret.APIToken, text)
			}
		})
	}
}

func ExampleMint() {
	random := strings.NewReader("a stand-in for 32 bytes of chance") // crypto/rand.Reader, elsewhere
	text, hash, err := secret.Mint(random, secret.APIToken)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text)

	parsed, err := secret.Parse(secret.APIToken, text)
	fmt.Println(parsed == hash, err)
	_, err = secret.Parse(secret.APIToken, strings.Replace(text, "VcjLj", "VcjlJ", 1))
	fmt.Println(err)
	// Output:
	// hxw_N1y27NMoofhxrJJYpsYZWqNXconZ2VcjLjYhK0ODwn52YF6xF
	// true <nil>
	// token_form: this is not a token of ours, or not all of it
}
