package keyring_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

// box is a ports.Sealer that shows what it was given, behind a key byte, so that
// tests can put rows together. It is no cipher.
type box byte

func (b box) Seal(plain, associated []byte) ([]byte, error) {
	out := append([]byte{byte(b), byte(len(associated))}, associated...)
	for _, c := range plain {
		out = append(out, c^0x55)
	}
	return append(out, sum(out)), nil
}

func (b box) Open(sealed, associated []byte) ([]byte, error) {
	head := append([]byte{byte(b), byte(len(associated))}, associated...)
	if len(sealed) == 0 || !bytes.HasPrefix(sealed, head) || sum(sealed[:len(sealed)-1]) != sealed[len(sealed)-1] {
		return nil, errors.New("box: does not open")
	}
	var plain []byte
	for _, c := range sealed[len(head) : len(sealed)-1] {
		plain = append(plain, c^0x55)
	}
	return plain, nil
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s = s*31 + c
	}
	return s
}

func newRing(t testing.TB, s ports.Sealer) *keyring.Ring {
	t.Helper()
	ring, err := keyring.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestContract(t *testing.T) {
	porttest.Keyring(t, func(t *testing.T) (ports.Keyring, ports.Keyring) {
		return newRing(t, box('a')), newRing(t, box('b'))
	})
}

func TestNew_needs_a_sealer(t *testing.T) {
	if ring, err := keyring.New(nil); err == nil {
		t.Errorf("got %v", ring)
	}
}

type broken struct{ ports.Sealer }

func (broken) Seal(_, _ []byte) ([]byte, error) { return nil, errors.New("broken") }

func TestGenerate_sealer_fails(t *testing.T) {
	if row, err := newRing(t, broken{}).Generate(t.Context(), "EdDSA"); err == nil || row.ID != "" {
		t.Errorf("got %+v, %v", row, err)
	}
}

func TestGenerate_size(t *testing.T) {
	ring := newRing(t, box('a'))
	row, err := ring.Generate(t.Context(), "RS256")
	if err != nil {
		t.Fatal(err)
	}
	private, err := ring.Open(t.Context(), row)
	if err != nil {
		t.Fatal(err)
	}
	if bits := private.(*rsa.PrivateKey).N.BitLen(); bits != 3072 {
		t.Errorf("an RSA key has %d bits", bits)
	}
}

// TestOpen_sealed_for_the_row_but_wrong puts a private key under the id and the
// associated data of another row, as a sealer in the wrong hands could.
func TestOpen_sealed_for_the_row_but_wrong(t *testing.T) {
	ring := newRing(t, box('a'))
	row, err := ring.Generate(t.Context(), "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	place := row.Sealed[2 : 2+int(row.Sealed[1])]
	for name, plain := range map[string][]byte{
		"another Ed25519 key": pkcs8(t, foreign), "a P-256 key": pkcs8(t, ec), "no key": []byte("no key"), "nothing": nil,
	} {
		row.Sealed, err = box('a').Seal(plain, place)
		if err != nil {
			t.Fatal(err)
		}
		if private, err := ring.Open(t.Context(), row); fault.CodeOf(err) != "key_mismatch" || private != nil {
			t.Errorf("%s: opened, %v", name, err)
		}
	}
}

func TestOpen_weak_secret(t *testing.T) {
	ring := newRing(t, box('a'))
	row, err := ring.Generate(t.Context(), "HS256")
	if err != nil {
		t.Fatal(err)
	}
	row.Sealed, err = box('a').Seal([]byte("short"), row.Sealed[2:2+int(row.Sealed[1])])
	if err != nil {
		t.Fatal(err)
	}
	if private, err := ring.Open(t.Context(), row); err == nil || private != nil {
		t.Errorf("opened %v, %v", private, err)
	}
}

func pkcs8(t testing.TB, private crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func text(blocks ...*pem.Block) string {
	var b strings.Builder
	for _, block := range blocks {
		b.Write(pem.EncodeToMemory(block))
	}
	return b.String()
}

func TestImport_refuses(t *testing.T) {
	public, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	good := &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, ed)}
	for _, tt := range []struct{ name, text, code string }{
		{"empty", "", "format"},
		{"too long", strings.Repeat("#\n", 20_000) + text(good), "too_long"},
		{"DER", string(good.Bytes), "format"},
		{"encrypted PKCS #8", text(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: good.Bytes}), "encrypted"},
		{"encrypted by RFC 1423", text(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: good.Bytes, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}}), "encrypted"},
		{"OpenSSH", text(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: good.Bytes}), "format"},
		{"public key", text(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}), "public"},
		{"certificate", text(&pem.Block{Type: "CERTIFICATE", Bytes: publicDER}), "public"},
		{"public key that says it is private", text(&pem.Block{Type: "PRIVATE KEY", Bytes: publicDER}), "malformed"},
		{"two keys", text(good, good), "several"},
		{"key and certificate", text(good, &pem.Block{Type: "CERTIFICATE", Bytes: publicDER}), "several"},
		{"text after the key", text(good) + "more", "several"},
		{"bytes after the key", text(&pem.Block{Type: "PRIVATE KEY", Bytes: append(bytes.Clone(good.Bytes), 0)}), "malformed"},
		{"wrong label", text(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: good.Bytes}), "malformed"},
		{"unknown label", text(&pem.Block{Type: "DSA PRIVATE KEY", Bytes: good.Bytes}), "format"},
		{"P-384", text(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, p384)}), "curve"},
		{"X25519", text(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, x25519)}), "kind"},
		{"RSA of 1,024 bits", text(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, small)}), "weak"},
		{"RSA of 1,024 bits in PKCS #1", text(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(small)}), "weak"},
		{"curve and nothing else", text(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}}), "format"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row, err := newRing(t, box('a')).Import(t.Context(), []byte(tt.text))
			if fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != tt.code || row.ID != "" {
				t.Errorf("got %+v, %v; want code %q", row, err, tt.code)
			}
			if tt.code == "weak" && !strings.Contains(err.Error(), "1024 bits") {
				t.Errorf("the error does not say why: %v", err)
			}
		})
	}
}

// TestImport_OpenSSL takes over what OpenSSL writes.
func TestImport_OpenSSL(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"genpkey -algorithm ed25519", "EdDSA"},
		{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "ES256"},
		{"ecparam -genkey -name prime256v1", "ES256"}, // EC PARAMETERS before EC PRIVATE KEY
		{"genrsa -traditional 2048", "RS256"},
		{"genrsa 2048", "RS256"},
		{"ecparam -genkey -name secp384r1", ""},
		{"genrsa 1024", ""},
		{"genpkey -algorithm ed25519 -aes256 -pass pass:word", ""},
		{"genrsa -traditional -aes256 -passout pass:word 2048", ""},
		{"genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", ""},
		{"genpkey -algorithm ed448", ""},
	} {
		t.Run(tt.args, func(t *testing.T) {
			pem, err := exec.CommandContext(t.Context(), path, strings.Fields(tt.args)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			row, err := newRing(t, box('a')).Import(t.Context(), pem)
			if row.Algorithm != tt.want || (err == nil) != (tt.want != "") || err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %q, %v; want %q", row.Algorithm, err, tt.want)
			}
		})
	}
}

func ExampleRing() {
	ring, err := keyring.New(box('a')) // a *sealer.Sealer
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	row, err := ring.Generate(ctx, "EdDSA")
	if err != nil {
		panic(err)
	}
	private, err := ring.Open(ctx, row)
	fmt.Printf("%d characters, %T, %v\n", len(row.ID), private, err)
	// Output: 43 characters, ed25519.PrivateKey, <nil>
}

func FuzzImport(f *testing.F) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(text(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(f, ed)})))
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\nBgA=\n-----END EC PARAMETERS-----\n"))
	ring := newRing(f, box('a'))
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		row, err := ring.Import(t.Context(), data)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
			return
		}
		if _, err := ring.Open(t.Context(), row); err != nil {
			t.Errorf("what was imported does not open: %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
