// Package signer signs claims, and other payloads, as compact JSON Web Signatures (RFC 7515). It
// implements ports.Signer with the primitives of golang-jwt.
//
//	compact, err := signer.New().Sign(ctx, key, private, "at+jwt", claims)
//
// The header has alg, kid and typ. A claim that is empty or zero is left out; one
// audience is written as a string, several as an array (RFC 7519 §4.1.3).
package signer

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

// Signer signs. It is safe for concurrent use.
type Signer struct{}

var _ ports.Signer = Signer{}

// New returns a Signer.
func New() Signer { return Signer{} }

const (
	minSecret = 32  // bytes of an HS256 secret, RFC 7518 §3.2
	room      = 512 // bytes of most signatures or fewer
)

// header is what stands before the claims, in the order in which it is written.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// payload is token.Claims as JSON.
type payload struct {
	Issuer          string   `json:"iss,omitempty"`
	Subject         string   `json:"sub,omitempty"`
	Audience        any      `json:"aud,omitempty"` // a string or an array
	Expiry          int64    `json:"exp,omitempty"`
	NotBefore       int64    `json:"nbf,omitempty"`
	IssuedAt        int64    `json:"iat,omitempty"`
	IssuedAtMillis  int64    `json:"iat_ms,omitempty"`
	ID              string   `json:"jti,omitempty"`
	Session         string   `json:"sid,omitempty"`
	ClientID        string   `json:"client_id,omitempty"`
	Tenant          string   `json:"tenant,omitempty"`
	Username        string   `json:"username,omitempty"`
	Scope           string   `json:"scope,omitempty"`
	Permissions     []string `json:"permissions,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
	AuthorizedParty string   `json:"azp,omitempty"`
	AccessTokenHash string   `json:"at_hash,omitempty"`
	AuthTime        int64    `json:"auth_time,omitempty"`
}

// Sign returns claims as a token of this type, signed by the private key of k. It
// waits for nothing and does not judge the claims. A private key of another kind
// than k's algorithm demands is an error.
func (s Signer) Sign(ctx context.Context, k ports.SigningKey, private crypto.PrivateKey, typ string, claims token.Claims) (string, error) {
	body, err := json.Marshal(payloadOf(claims))
	if err != nil {
		return "", fmt.Errorf("write the claims: %w", err)
	}
	compact, err := s.SignPayload(ctx, k, private, typ, body)
	return string(compact), err
}

// SignPayload returns a payload as it is as a JWS of this type, likewise.
func (Signer) SignPayload(ctx context.Context, k ports.SigningKey, private crypto.PrivateKey, typ string, payload []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	method, err := methodOf(k.Algorithm, private)
	if err != nil {
		return nil, err
	}
	if k.ID == "" || typ == "" {
		return nil, fault.New(fault.Internal, "sign", "a token needs a key id and a type")
	}
	head, err := json.Marshal(header{Algorithm: k.Algorithm, KeyID: k.ID, Type: typ})
	if err != nil {
		return nil, fmt.Errorf("write the header: %w", err)
	}
	b64 := base64.RawURLEncoding
	compact := make([]byte, 0, b64.EncodedLen(len(head))+b64.EncodedLen(len(payload))+b64.EncodedLen(room)+2)
	compact = b64.AppendEncode(compact, head)
	compact = append(compact, '.')
	compact = b64.AppendEncode(compact, payload)
	signed, err := method.Sign(string(compact), private)
	if err != nil {
		return nil, fmt.Errorf("sign with the key %s: %w", k.ID, err)
	}
	compact = append(compact, '.')
	return b64.AppendEncode(compact, signed), nil
}

// payloadOf brings claims into the form in which they are written.
func payloadOf(c token.Claims) payload {
	p := payload{
		Issuer:          c.Issuer,
		Subject:         c.Subject,
		Expiry:          c.Expiry,
		NotBefore:       c.NotBefore,
		IssuedAt:        c.IssuedAt,
		IssuedAtMillis:  c.IssuedAtMillis,
		ID:              c.ID,
		Session:         c.Session,
		ClientID:        c.ClientID,
		Tenant:          c.Tenant,
		Username:        c.Username,
		Scope:           c.Scope,
		Permissions:     c.Permissions,
		Nonce:           c.Nonce,
		AuthorizedParty: c.AuthorizedParty,
		AccessTokenHash: c.AccessTokenHash,
		AuthTime:        c.AuthTime,
	}
	switch len(c.Audience) {
	case 0:
	case 1:
		p.Audience = c.Audience[0]
	default:
		p.Audience = c.Audience
	}
	return p
}

// methodOf returns what signs for an algorithm, if the key is one for it: a key is
// never used with another algorithm than its own (RFC 8725 §3.1).
func methodOf(algorithm string, private crypto.PrivateKey) (jwt.SigningMethod, error) {
	switch p := private.(type) {
	case ed25519.PrivateKey:
		if algorithm == "EdDSA" && len(p) == ed25519.PrivateKeySize {
			return jwt.SigningMethodEdDSA, nil
		}
	case *ecdsa.PrivateKey:
		if algorithm == "ES256" && p.Curve == elliptic.P256() {
			return jwt.SigningMethodES256, nil
		}
	case *rsa.PrivateKey:
		if algorithm == "RS256" {
			return jwt.SigningMethodRS256, nil
		}
	case []byte:
		if algorithm == "HS256" && len(p) >= minSecret {
			return jwt.SigningMethodHS256, nil
		}
	}
	return nil, fault.New(fault.Internal, "sign", "this private key is not one for the algorithm "+algorithm)
}
