package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// ring makes and opens signing keys, and signs with them for real.
type ring struct {
	made    int
	private map[string]crypto.PrivateKey
}

var b64 = base64.RawURLEncoding

func (r *ring) generate(algorithm string) (ports.SigningKey, error) {
	if r.private == nil {
		r.private = map[string]crypto.PrivateKey{}
	}
	r.made++
	seed := sha256.Sum256(fmt.Appendf(nil, "key %d", r.made))
	k := ports.SigningKey{Algorithm: algorithm, ID: fmt.Sprintf("key-%d", r.made), Sealed: []byte("sealed")}
	switch algorithm {
	case "EdDSA":
		private := ed25519.NewKeyFromSeed(seed[:])
		x := private.Public().(ed25519.PublicKey)
		k.Public = fmt.Appendf(nil, `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":%q,"x":%q}`, k.ID, b64.EncodeToString(x))
		r.private[k.ID] = private
	case "ES256":
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
		if err != nil {
			return k, err
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			return k, err
		}
		k.Public = fmt.Appendf(nil, `{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":%q,"x":%q,"y":%q}`,
			k.ID, b64.EncodeToString(point[1:33]), b64.EncodeToString(point[33:]))
		r.private[k.ID] = private
	case "HS256":
		r.private[k.ID] = seed[:]
	default:
		return k, fault.InvalidField("algorithm", "unknown", "this algorithm is not known")
	}
	return k, nil
}

// sign returns a compact JWS, written by hand so that it is no work of the
// packages under test.
func sign(k ports.SigningKey, private crypto.PrivateKey, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return signBytes(k, private, typ, payload)
}

func signBytes(k ports.SigningKey, private crypto.PrivateKey, typ string, payload []byte) (string, error) {
	input := b64.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"typ":%q,"kid":%q}`, k.Algorithm, typ, k.ID)) + "." + b64.EncodeToString(payload)
	var signature []byte
	switch p := private.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(p, []byte(input))
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, p, sum[:])
		if err != nil {
			return "", err
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case []byte:
		m := hmac.New(sha256.New, p)
		m.Write([]byte(input))
		signature = m.Sum(nil)
	default:
		return "", fmt.Errorf("a private key of type %T", private)
	}
	return input + "." + b64.EncodeToString(signature), nil
}

// payload is the claims as they stand in a token.
func payload(c token.Claims) map[string]any {
	return map[string]any{
		"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience, "exp": c.Expiry, "iat": c.IssuedAt, "iat_ms": c.IssuedAtMillis,
		"jti": c.ID, "sid": c.Session, "client_id": c.ClientID, "azp": c.AuthorizedParty, "tenant": c.Tenant, "username": c.Username, "scope": c.Scope,
		"permissions": append([]string{}, c.Permissions...), "auth_time": c.AuthTime,
	}
}

// claimsOf reads an access token without checking it.
func (w *world) claimsOf(compact string) token.Claims {
	w.t.Helper()
	var out struct {
		Iss, Sub, Sid, Jti, Username, Tenant, Scope string
		Aud, Permissions                            []string
		Exp, Iat, IatMs                             int64
		AuthTime                                    int64
	}
	var raw map[string]any
	parts := splitToken(compact)
	b, err := b64.DecodeString(parts[1])
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		w.t.Fatal(err)
	}
	number := func(name string) int64 {
		f, _ := raw[name].(float64)
		return int64(f)
	}
	return token.Claims{
		Issuer: out.Iss, Scope: out.Scope, ClientID: raw["client_id"].(string), Subject: out.Sub, Session: out.Sid, ID: out.Jti, Username: out.Username, Tenant: out.Tenant, Audience: out.Aud,
		Permissions: out.Permissions, Expiry: number("exp"), IssuedAt: number("iat"), IssuedAtMillis: number("iat_ms"),
		AuthTime: number("auth_time"),
	}
}

func splitToken(compact string) [3]string {
	var parts [3]string
	n := 0
	for i := range len(compact) {
		if compact[i] == '.' && n < 2 {
			n++
			continue
		}
		parts[n] += compact[i : i+1]
	}
	return parts
}

func (w *world) generate(ctx context.Context, algorithm string) (k ports.SigningKey, err error) {
	err = w.do(ctx, "Keyring.Generate", func() (err error) {
		k, err = w.ring.generate(algorithm)
		return err
	})
	return k, err
}

func (w *world) importKey(ctx context.Context, pem []byte) (k ports.SigningKey, err error) {
	err = w.do(ctx, "Keyring.Import", func() (err error) {
		if string(pem) != "a good key" {
			return fault.InvalidField("pem", "malformed", "this is no private key")
		}
		k, err = w.ring.generate("EdDSA")
		return err
	})
	return k, err
}

func (w *world) importSecret(ctx context.Context, secret []byte) (k ports.SigningKey, err error) {
	err = w.do(ctx, "Keyring.ImportSecret", func() (err error) {
		k, err = w.ring.generate("HS256")
		w.ring.private[k.ID] = bytes.Clone(secret)
		return err
	})
	return k, err
}

func (w *world) openKey(ctx context.Context, k ports.SigningKey) (private crypto.PrivateKey, err error) {
	err = w.do(ctx, "Keyring.Open", func() error {
		private = w.ring.private[k.ID]
		return nil
	})
	return private, err
}

func (w *world) signToken(ctx context.Context, k ports.SigningKey, private crypto.PrivateKey, typ string, c token.Claims) (compact string, err error) {
	err = w.do(ctx, "Signer.Sign", func() (err error) {
		compact, err = sign(k, private, typ, payload(c))
		return err
	})
	if err != nil {
		return "", err
	}
	return compact, nil
}

func (w *world) signPayload(ctx context.Context, k ports.SigningKey, private crypto.PrivateKey, typ string, payload []byte) (compact []byte, err error) {
	err = w.do(ctx, "Signer.SignPayload", func() error {
		text, err := signBytes(k, private, typ, payload)
		compact = []byte(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return compact, nil
}
