package web

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
)

// assertionType is the client_assertion_type of private_key_jwt (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertion and maxClientID bound an assertion and an id, in bytes.
const (
	maxAssertion = 8 << 10
	maxClientID  = 255
)

var (
	errClient = &refusal{fiber.StatusUnauthorized, "invalid_client", "the client is not known, or did not prove who it is"}
	errProofs = &refusal{fiber.StatusBadRequest, "invalid_request", "a client proves who it is in one way, with one id"}
	errJWT    = &refusal{fiber.StatusBadRequest, "invalid_request", "client_assertion and client_assertion_type go together"}
)

// proof reads how the client proves who it is (RFC 6749 §2.3): client_secret_basic,
// client_secret_post or private_key_jwt, and one of them at most. It returns nil for a
// client that does not try. An Authorization header is the client's here, and no
// cookie is anybody's.
func (k *call) proof(f form) (*auth.ClientProof, error) {
	p := &auth.ClientProof{ID: f["client_id"], Audiences: k.assertionAudiences()}
	ways := 0
	if values := k.Request().Header.PeekAll(fiber.HeaderAuthorization); len(values) > 0 {
		if len(values) > 1 {
			return nil, errProofs
		}
		id, secret, ok := parseBasic(values[0])
		if !ok {
			return nil, errClient
		}
		if p.ID != "" && p.ID != id {
			return nil, errProofs
		}
		p.ID, p.Secret = id, secret
		ways++
	}
	if secret := f["client_secret"]; secret != "" {
		p.Secret = secret
		ways++
	}
	assertion, sort := f["client_assertion"], f["client_assertion_type"]
	if assertion != "" || sort != "" {
		if assertion == "" || sort == "" {
			return nil, errJWT
		}
		ways++
	}
	switch {
	case ways > 1:
		return nil, errProofs
	case ways == 0:
		return nil, nil
	case assertion == "" && p.ID == "", len(p.ID) > maxClientID, plain(p.ID) != p.ID:
		return nil, errClient
	case assertion != "" && (sort != assertionType || len(assertion) > maxAssertion):
		return nil, errClient
	}
	p.Assertion = assertion
	return p, nil
}

// proven is proof for an endpoint at which a client has to prove who it is.
func (k *call) proven(f form) (auth.ClientProof, error) {
	p, err := k.proof(f)
	if err == nil && p == nil {
		err = errClient
	}
	if err != nil {
		return auth.ClientProof{}, err
	}
	return *p, nil
}

// assertionAudiences are the URLs by which an assertion may name us, besides the
// issuer's: the token endpoint's (RFC 7523 §3), and the one that it was sent to.
func (k *call) assertionAudiences() []string {
	at := k.server.origin + tokenPath
	if k.route.Path == tokenPath {
		return []string{at}
	}
	return []string{at, k.server.origin + k.route.Path}
}

// parseBasic reads an Authorization header with the scheme Basic (RFC 7617 §2), whose
// user name and password are a client's id and secret, each encoded as in a form
// (RFC 6749 §2.3.1).
func parseBasic(value []byte) (id, secret string, ok bool) {
	scheme, rest, ok := bytes.Cut(value, []byte{' '})
	if !ok || !strings.EqualFold(string(scheme), "basic") {
		return "", "", false
	}
	plain, err := base64.StdEncoding.Strict().DecodeString(string(bytes.Trim(rest, " ")))
	if err != nil || bytes.ContainsAny(rest, "\r\n") { // which the decoder skips
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(plain), ":")
	if !ok {
		return "", "", false
	}
	if id, ok = formText(id); !ok || id == "" {
		return "", "", false
	}
	if secret, ok = formText(secret); !ok || secret == "" {
		return "", "", false
	}
	return id, secret, true
}
