package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// ClientProof is what a client shows at the token endpoint (RFC 6749 §2.3): an id and a secret, or an assertion that
// it signed (private_key_jwt, RFC 7523 §2.2).
type ClientProof struct {
	ID        string // may be empty with an assertion
	Secret    string
	Assertion string
	Audiences []string // what an assertion may name as its audience, besides Settings.Issuer
}

// errClient is the one answer to a client that is not known, that is disabled, and that does not prove itself.
var errClient = fault.New(fault.Unauthenticated, "invalid_client", "the client is not known, or did not prove who it is")

const (
	// maxClientID bounds the id of a client that is looked up, in bytes.
	maxClientID = 64

	// assertionLife is how far ahead an assertion may expire (RFC 7523 §3, item 4), beyond what clocks may differ.
	assertionLife = 10 * time.Minute

	// assertionMemory is for how long an assertion's id is remembered: longer than one can be good, which is from
	// leeway before its signer's present to leeway after its end.
	assertionMemory = 2 * flowLife

	// maxAssertion bounds an assertion, in bytes.
	maxAssertion = token.DefaultMaxLength
)

// AssertionAlgorithms are those that a client may sign its assertions with. All are asymmetric: a public key is never
// taken for a secret.
var AssertionAlgorithms = []token.Algorithm{
	token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
}

// assertionTypes are the types of an assertion: that which rfc7523bis gives it, and what libraries write. Nothing
// else that somebody signs has the former, and the audience tells the latter apart.
var assertionTypes = []string{"client-authentication+jwt", "JWT", ""}

// evidence is a client's proof, taken apart, which can be held against what is known of the client again and again.
type evidence struct {
	id        string
	hash      secret.Hash // of the secret
	assertion string
	audiences []string
}

// show takes a proof apart. The id is not believed yet.
func (s *Service) show(proof ClientProof) (evidence, error) {
	if proof.Secret != "" && proof.Assertion != "" {
		return evidence{}, fault.New(fault.Invalid, "invalid_request", "a client proves who it is in one way")
	}
	sh := evidence{id: proof.ID, assertion: proof.Assertion, audiences: append([]string{s.Settings.Issuer}, proof.Audiences...)}
	var err error
	if proof.Assertion == "" {
		sh.hash, err = secret.Parse(secret.Client, proof.Secret)
	} else if sh.id, err = subjectOf(proof.Assertion); proof.ID != "" && proof.ID != sh.id {
		err = errClient
	}
	if err != nil || sh.id == "" || len(sh.id) > maxClientID {
		return evidence{}, errClient
	}
	return sh, nil
}

// subjectOf reads whom an assertion is about, before it is verified.
func subjectOf(assertion string) (string, error) {
	_, rest, _ := strings.Cut(assertion, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok || len(assertion) > maxAssertion {
		return "", errClient
	}
	plain, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return "", errClient
	}
	doc, err := token.ParseJSON(string(plain))
	if err != nil {
		return "", errClient
	}
	sub, _ := doc.Member("sub")
	id, _ := sub.Text()
	return id, nil
}

// proves holds what was shown against a client. It returns the id of an assertion, which is yet to be used up.
func (sh *evidence) proves(c *client.Client, now time.Time) (jti string, err error) {
	known := false
	if sh.assertion == "" {
		known = c.Knows(sh.hash, now)
	} else {
		jti, known = sh.signedBy(c, now)
	}
	if !known || c.ID != sh.id || c.Disabled() {
		return "", errClient
	}
	return jti, nil
}

// signedBy verifies the assertion as one of this client for us (RFC 7523 §3): the client is issuer and subject, we are
// the one audience, it expires within assertionLife, and it has an id.
func (sh *evidence) signedBy(c *client.Client, now time.Time) (jti string, ok bool) {
	keys, err := token.ParseKeySet(c.Keys)
	if err != nil || keys.Len() == 0 {
		return "", false
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: sh.id, Audiences: sh.audiences, Types: assertionTypes, Algorithms: AssertionAlgorithms, Keys: keys,
		Required: []string{"sub", "jti"}, Leeway: leeway, MaxLength: maxAssertion,
	})
	if err != nil {
		return "", false
	}
	var claims token.Claims
	if err := v.Verify(sh.assertion, now.Unix(), &claims); err != nil {
		return "", false
	}
	last := now.Add(assertionLife + leeway*time.Second).Unix()
	return claims.ID, claims.Subject == sh.id && len(claims.Audience) == 1 && claims.Expiry <= last
}

// proveClient returns the client that proves itself. Nothing is read of it before its id is taken by issueTime, so
// that a token can be minted for it with the time that is returned.
//
// Failures count against the client's network, apart from people's, and when there are too many the answer is
// Throttled. The proof is looked at first all the same: who has a good one is never held up by others behind the same
// network, and nobody guesses one of 2^256 secrets, so there is nothing else for the limit to guard than the audit log
// and whoever reads it.
func (s *Service) proveClient(ctx context.Context, proof ClientProof, action string, c Client) (cl client.Client, sh evidence, at time.Time, err error) {
	event := ports.Event{Action: action}
	sh, err = s.show(proof)
	if err == nil {
		at = s.issueTime(sh.id)
		if cl, err = s.Machines.ByID(ctx, sh.id); isNotFound(err) {
			cl, err = client.Client{}, nil
		}
		if err != nil {
			return cl, sh, at, fmt.Errorf("look up client: %w", err)
		}
		event.Subject, event.Tenant = cl.ID, cl.Tenant
		var jti string
		if jti, err = sh.proves(&cl, s.Now()); err == nil && jti != "" {
			err = s.useUp(ctx, cl.ID, jti)
		}
	}
	switch {
	case err == nil:
		return cl, sh, at, nil
	case fault.KindOf(err) != fault.Unauthenticated:
		return client.Client{}, sh, at, err
	}
	return client.Client{}, sh, at, s.clientFailed(ctx, event, c)
}

// useUp lets an assertion count once (RFC 7523 §3, item 7).
func (s *Service) useUp(ctx context.Context, clientID, jti string) error {
	used := false
	err := s.Attempts.Update(ctx, []string{hashKey("assertion", clientID+" "+jti)}, func(counters []*user.Attempts) {
		used = counters[0].Take(user.Limit{Count: 1, Window: assertionMemory}, s.Now()) > 0
	})
	if err != nil {
		return fmt.Errorf("use up the assertion: %w", err)
	}
	if used {
		return errClient
	}
	return nil
}

// clientFailed counts and records a failure, and returns what is answered. What is throttled is not recorded, so that
// nobody fills the log.
func (s *Service) clientFailed(ctx context.Context, event ports.Event, c Client) error {
	if c.Address.IsValid() {
		var wait time.Duration
		err := s.Attempts.Update(ctx, []string{"clients:" + c.network()}, func(counters []*user.Attempts) {
			wait = counters[0].Take(s.Settings.AddressLimit, s.Now())
		})
		if err != nil {
			return fmt.Errorf("count attempt: %w", err)
		}
		if wait > 0 {
			return fault.RetryIn(wait, "too_many_attempts", "too many attempts; please wait before the next one")
		}
	}
	return s.refused(ctx, c, event, errClient)
}
