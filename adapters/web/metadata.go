package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
)

const (
	metadataPath = "/.well-known/oauth-authorization-server"
	jwksPath     = "/.well-known/jwks.json"
)

// metadataJSON says where the endpoints are and what they take (RFC 8414 §2).
type metadataJSON struct {
	Issuer        string `json:"issuer"`
	Token         string `json:"token_endpoint"`
	JWKS          string `json:"jwks_uri"`
	Introspection string `json:"introspection_endpoint"`
	Revocation    string `json:"revocation_endpoint"`

	// ResponseTypes is required, and there is no authorization endpoint.
	ResponseTypes []string `json:"response_types_supported"`
	GrantTypes    []string `json:"grant_types_supported"`

	TokenAuth          []string `json:"token_endpoint_auth_methods_supported"`
	TokenAlgs          []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth  []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAlgs  []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuth     []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
}

// document is something public that changes only when the server starts anew.
type document struct {
	body []byte
	etag string
}

// newMetadata returns the metadata of an issuer whose endpoints are at an origin.
func newMetadata(issuer, origin string) (document, error) {
	algorithms := make([]string, len(auth.AssertionAlgorithms))
	for i, a := range auth.AssertionAlgorithms {
		algorithms[i] = a.Name()
	}
	proven := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	public := append([]string{"none"}, proven...) // for a user's tokens, of whoever holds them
	body, err := json.Marshal(metadataJSON{
		Issuer: issuer, Token: origin + tokenPath, JWKS: origin + jwksPath,
		Introspection: origin + introspectPath, Revocation: origin + revokePath,
		ResponseTypes: []string{}, GrantTypes: []string{"client_credentials", "refresh_token"},
		TokenAuth: public, TokenAlgs: algorithms,
		IntrospectionAuth: proven, IntrospectionAlgs: algorithms,
		RevocationAuth: public, RevocationAuthAlgs: algorithms,
	})
	if err != nil {
		return document{}, fmt.Errorf("encode metadata: %w", err)
	}
	sum := sha256.Sum256(body)
	return document{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// metadata serves the metadata. It is the same for everybody, as the keys are.
func (k *call) oauthMetadata() error {
	return k.public(k.metadata.body, k.metadata.etag, fiber.MIMEApplicationJSON)
}

// public answers with something that is the same for everybody, so that caches may
// keep it for a while, or that the client has it already.
func (k *call) public(body []byte, etag, contentType string) error {
	h := &k.Response().Header
	h.Set(fiber.HeaderCacheControl, "public, max-age=300")
	h.Set(fiber.HeaderETag, etag)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if matches(k.Get(fiber.HeaderIfNoneMatch), etag) {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	h.SetContentType(contentType)
	k.Response().SetBodyRaw(body)
	return nil
}
