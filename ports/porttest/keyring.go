package porttest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// Keyring holds an implementation to the contract of ports.Keyring. The function
// returns two that have different master keys.
func Keyring(t *testing.T, pair func(t *testing.T) (one, other ports.Keyring)) {
	t.Helper()
	ctx := t.Context()
	one, other := pair(t)
	rows := map[string]ports.SigningKey{}

	for _, algorithm := range []string{"EdDSA", "ES256", "RS256", "HS256"} {
		t.Run(algorithm, func(t *testing.T) {
			row, err := one.Generate(ctx, algorithm)
			if err != nil {
				t.Fatal(err)
			}
			rows[algorithm] = row
			private, err := one.Open(ctx, row)
			if err != nil {
				t.Fatal(err)
			}

			t.Run("row", func(t *testing.T) {
				if row.Algorithm != algorithm || row.ID == "" {
					t.Errorf("the row is for %q and called %q", row.Algorithm, row.ID)
				}
				if !row.PublishedAt.IsZero() || !row.SignsFrom.IsZero() || !row.RetiredAt.IsZero() || !row.DropAt.IsZero() {
					t.Error("the row has times, which are the caller's matter")
				}
				second, err := one.Generate(ctx, algorithm)
				if err != nil || second.ID == row.ID || bytes.Equal(second.Sealed, row.Sealed) {
					t.Errorf("the same key was made twice, %v", err)
				}
				checkKeyringRow(t, row, private)
			})

			t.Run("does_not_open_elsewhere", func(t *testing.T) {
				moved := rows["EdDSA"]
				if algorithm == "EdDSA" {
					if moved, err = one.Generate(ctx, "EdDSA"); err != nil {
						t.Fatal(err)
					}
				}
				sealed, id, alg, public := row, row, row, row
				sealed.Sealed, id.ID, public.Public = moved.Sealed, moved.ID, moved.Public
				alg.Algorithm = map[bool]string{true: "RS256", false: "HS256"}[algorithm == "HS256"]
				forged := row // the other key, under this one's name
				forged.Public = bytes.ReplaceAll(moved.Public, []byte(moved.ID), []byte(row.ID))
				cut, changed := row, row
				cut.Sealed, changed.Sealed = nil, bytes.Clone(row.Sealed)
				changed.Sealed[len(changed.Sealed)-1] ^= 1
				for name, bad := range map[string]ports.SigningKey{
					"another key's sealed half": sealed, "another id": id, "another algorithm": alg,
					"another key's public half": public, "another key's public half by this name": forged, "no sealed half": cut, "a changed sealed half": changed,
				} {
					if private, err := one.Open(ctx, bad); err == nil || private != nil {
						t.Errorf("%s: opened, %v", name, err)
					}
				}
				if private, err := other.Open(ctx, row); err == nil || private != nil {
					t.Errorf("opened under another master key, %v", err)
				}
			})

			if algorithm == "HS256" {
				return
			}
			t.Run("imports", func(t *testing.T) {
				der, err := x509.MarshalPKCS8PrivateKey(private)
				if err != nil {
					t.Fatal(err)
				}
				for name, block := range keyringBlocks(t, private, der) {
					imported, err := other.Import(ctx, pem.EncodeToMemory(block))
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					want := row
					want.Sealed = imported.Sealed
					if diff := cmp.Diff(want, imported); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
					again, err := other.Open(ctx, imported)
					if err != nil || !private.(interface{ Equal(crypto.PrivateKey) bool }).Equal(again) {
						t.Errorf("%s: another key came back, %v", name, err)
					}
				}
				if _, err := other.Import(ctx, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:len(der)-1]})); fault.KindOf(err) != fault.Invalid {
					t.Errorf("a key that was cut short: %v", err)
				}
			})
		})
	}

	t.Run("refuses_unknown_algorithms", func(t *testing.T) {
		for _, algorithm := range []string{"", "none", "HS512", "eddsa", "PS256"} {
			if row, err := one.Generate(ctx, algorithm); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q: %+v, %v", algorithm, row, err)
			}
		}
	})

	t.Run("takes_a_secret", func(t *testing.T) {
		secret := []byte("a secret that several systems share")
		row, err := one.ImportSecret(ctx, secret)
		if err != nil {
			t.Fatal(err)
		}
		private, err := one.Open(ctx, row)
		if opened, ok := private.([]byte); err != nil || !ok || !bytes.Equal(opened, secret) || row.Algorithm != "HS256" {
			t.Fatalf("another secret came back for %s, %v", row.Algorithm, err)
		}
		checkKeyringRow(t, row, private)
		again, err := one.ImportSecret(ctx, secret)
		if err != nil || again.ID == row.ID || len(again.ID) != len(row.ID) {
			t.Errorf("the same secret is called %q and %q, %v", row.ID, again.ID, err)
		}
		if string(secret) != "a secret that several systems share" {
			t.Error("the caller's secret was changed")
		}
		for _, short := range [][]byte{nil, secret[:31]} {
			if row, err := one.ImportSecret(ctx, short); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%d bytes: %+v, %v", len(short), row, err)
			}
		}
	})

	t.Run("refuses_what_is_no_key", func(t *testing.T) {
		for _, text := range []string{"", "text", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"} {
			if row, err := one.Import(ctx, []byte(text)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q: %+v, %v", text, row, err)
			}
		}
	})

	t.Run("ends_with_its_context", func(t *testing.T) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		_, generate := one.Generate(over, "EdDSA")
		_, open := one.Open(over, rows["EdDSA"])
		_, imported := one.Import(over, nil)
		_, taken := one.ImportSecret(over, make([]byte, 32))
		for _, err := range []error{generate, open, imported, taken} {
			if !errors.Is(err, context.Canceled) && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("got %v", err)
			}
		}
	})
}

// checkKeyringRow holds a row against its private key.
func checkKeyringRow(t *testing.T, row ports.SigningKey, private crypto.PrivateKey) {
	t.Helper()
	var secret []byte // what must not be found in the row
	var public *token.Key
	var err error
	switch p := private.(type) {
	case ed25519.PrivateKey:
		secret = p.Seed()
		public, err = token.NewEd25519Key("", p.Public().(ed25519.PublicKey))
	case *ecdsa.PrivateKey:
		if secret, err = p.Bytes(); err == nil {
			public, err = token.NewECDSAKey("", &p.PublicKey)
		}
	case *rsa.PrivateKey:
		secret = p.D.Bytes()
		public, err = token.NewRSAKey("", "RS256", &p.PublicKey)
		if bits := p.N.BitLen(); bits < 2048 {
			t.Errorf("an RSA key has %d bits", bits)
		}
	case []byte:
		secret = p
		if len(p) < 32 || len(row.Public) != 0 {
			t.Errorf("an HS256 key has %d bytes and a public half of %d", len(p), len(row.Public))
		}
		key, err := token.NewHMACKey("", "HS256", p)
		if err != nil || key.Thumbprint() == row.ID {
			t.Errorf("the id tells of the secret, %v", err)
		}
	default:
		t.Fatalf("a private key is a %T", private)
	}
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(row.Sealed, secret[:16]) || bytes.Contains(row.Public, secret[:16]) {
		t.Error("the row shows the private key")
	}
	if public == nil {
		return
	}
	stored, err := token.ParseKey(row.Public)
	if err != nil || stored.ID() != row.ID || stored.Algorithm() != row.Algorithm || stored.Thumbprint() != public.Thumbprint() {
		t.Errorf("the public half is %s, %v; want that of the private one", row.Public, err)
	}
	if row.ID != public.Thumbprint() {
		t.Errorf("the id is %q, not the thumbprint %q", row.ID, public.Thumbprint())
	}
}

// keyringBlocks returns the ways to write a private key that an import reads.
func keyringBlocks(t *testing.T, private crypto.PrivateKey, pkcs8 []byte) map[string]*pem.Block {
	t.Helper()
	blocks := map[string]*pem.Block{"PKCS #8": {Type: "PRIVATE KEY", Bytes: pkcs8}}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		blocks["PKCS #1"] = &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(p)}
	case *ecdsa.PrivateKey:
		sec1, err := x509.MarshalECPrivateKey(p)
		if err != nil {
			t.Fatal(err)
		}
		blocks["SEC 1"] = &pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}
	}
	return blocks
}
