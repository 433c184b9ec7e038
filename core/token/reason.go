package token

import "errors"

// Reason says in one small number why a token, a key or a configuration was refused. Its zero value means that nothing
// was refused. The numbers may change between releases; the words that String gives do not.
type Reason uint8

// The reasons, in the order in which Verify can come upon them, then those of keys and configurations.
const (
	ReasonNone           Reason = iota // nothing was refused
	ReasonOther                        // an error that is not one of this package
	ReasonTooLong                      // longer than the configured limit
	ReasonMalformed                    // no strict JSON, not three canonical base64url parts, or a header that is no object
	ReasonHeader                       // a header member that is never accepted: b64, zip, jwk, jku, x5u, x5c, a miscased name
	ReasonCrit                         // a crit header member: no extension is understood
	ReasonAlgorithm                    // alg is missing, none, not configured or not the one of the key
	ReasonType                         // typ is missing or not one of the configured types
	ReasonKeyUnknown                   // no key, or more than one, fits the token
	ReasonSignature                    // the signature does not verify
	ReasonClaims                       // the payload is no strict JSON object, or a claim has the wrong type or range
	ReasonClaimMissing                 // a required claim is missing or empty
	ReasonIssuer                       // iss is not the configured issuer
	ReasonAudience                     // aud names none of the configured audiences
	ReasonExpired                      // exp has passed
	ReasonNotYetValid                  // nbf has not come
	ReasonIssuedInFuture               // iat has not come
	ReasonTooOld                       // iat is longer ago than the configured maximum age
	ReasonRevoked                      // a revocation mark matches
	ReasonKeyMalformed                 // a JWK or JWK Set that is not well formed
	ReasonKeyUnsupported               // a JWK of an unknown type, curve or algorithm
	ReasonKeyUse                       // a JWK that is not for verifying signatures
	ReasonKeyMismatch                  // a JWK whose alg does not fit its kty or crv
	ReasonKeyWeak                      // a key whose parameters are too small, off the curve or otherwise unsafe
	ReasonKeyPrivate                   // a JWK with private members where a public key belongs, or a secret to be published
	ReasonKeyDuplicate                 // two keys of a set with the same kid
	ReasonKeySetMixed                  // a set with symmetric and asymmetric keys
	ReasonMark                         // a revocation mark without a kind, a value or a time
	ReasonConfig                       // a verifier's configuration is incomplete or out of range
	reasonCount
)

var reasonWords = [reasonCount]string{
	ReasonNone:           "none",
	ReasonOther:          "other",
	ReasonTooLong:        "too_long",
	ReasonMalformed:      "malformed",
	ReasonHeader:         "header_refused",
	ReasonCrit:           "crit",
	ReasonAlgorithm:      "alg_refused",
	ReasonType:           "type",
	ReasonKeyUnknown:     "key_unknown",
	ReasonSignature:      "signature",
	ReasonClaims:         "claims_malformed",
	ReasonClaimMissing:   "claim_missing",
	ReasonIssuer:         "issuer",
	ReasonAudience:       "audience",
	ReasonExpired:        "expired",
	ReasonNotYetValid:    "not_yet_valid",
	ReasonIssuedInFuture: "issued_in_future",
	ReasonTooOld:         "too_old",
	ReasonRevoked:        "revoked",
	ReasonKeyMalformed:   "key_malformed",
	ReasonKeyUnsupported: "key_unsupported",
	ReasonKeyUse:         "key_use",
	ReasonKeyMismatch:    "key_mismatch",
	ReasonKeyWeak:        "key_weak",
	ReasonKeyPrivate:     "key_private",
	ReasonKeyDuplicate:   "key_duplicate",
	ReasonKeySetMixed:    "key_set_mixed",
	ReasonMark:           "mark",
	ReasonConfig:         "config",
}

// String returns the stable snake_case word for r, such as "expired", or "other" for a number that is no reason.
func (r Reason) String() string {
	if r >= reasonCount {
		r = ReasonOther
	}
	return reasonWords[r]
}

// refusal is the type of every error of this package: a fixed sentence and its reason. Each is one pointer, so that
// errors compare by identity and returning one allocates nothing.
type refusal struct {
	text   string
	reason Reason
}

func (r *refusal) Error() string { return r.text }

// The errors of this package. They are returned bare, never wrapped with details of the token; compare them with
// errors.Is. Each but the configuration errors has a reason of its own.
var (
	ErrTooLong        error = &refusal{"token: longer than the limit", ReasonTooLong}
	ErrMalformed      error = &refusal{"token: malformed", ReasonMalformed}
	ErrHeader         error = &refusal{"token: header has a member that is not accepted", ReasonHeader}
	ErrCrit           error = &refusal{"token: critical header extensions are not supported", ReasonCrit}
	ErrAlgorithm      error = &refusal{"token: algorithm is not accepted", ReasonAlgorithm}
	ErrType           error = &refusal{"token: type is not accepted", ReasonType}
	ErrKeyUnknown     error = &refusal{"token: no single key fits", ReasonKeyUnknown}
	ErrSignature      error = &refusal{"token: signature does not verify", ReasonSignature}
	ErrClaims         error = &refusal{"token: claims are malformed", ReasonClaims}
	ErrClaimMissing   error = &refusal{"token: a required claim is missing", ReasonClaimMissing}
	ErrIssuer         error = &refusal{"token: issuer is not accepted", ReasonIssuer}
	ErrAudience       error = &refusal{"token: audience is not accepted", ReasonAudience}
	ErrExpired        error = &refusal{"token: expired", ReasonExpired}
	ErrNotYetValid    error = &refusal{"token: not yet valid", ReasonNotYetValid}
	ErrIssuedInFuture error = &refusal{"token: issued in the future", ReasonIssuedInFuture}
	ErrTooOld         error = &refusal{"token: issued too long ago", ReasonTooOld}
	// ErrRevoked is returned by callers that consult Marks; Verify itself knows no marks.
	ErrRevoked error = &refusal{"token: revoked", ReasonRevoked}

	ErrKeyMalformed   error = &refusal{"token: key is malformed", ReasonKeyMalformed}
	ErrKeyUnsupported error = &refusal{"token: key type, curve or algorithm is not supported", ReasonKeyUnsupported}
	ErrKeyUse         error = &refusal{"token: key is not for verifying signatures", ReasonKeyUse}
	ErrKeyMismatch    error = &refusal{"token: key does not fit its algorithm", ReasonKeyMismatch}
	ErrKeyWeak        error = &refusal{"token: key is too weak", ReasonKeyWeak}
	ErrKeyPrivate     error = &refusal{"token: private or secret key where a public key belongs", ReasonKeyPrivate}
	ErrKeyDuplicate   error = &refusal{"token: two keys have the same kid", ReasonKeyDuplicate}
	ErrKeySetMixed    error = &refusal{"token: symmetric and asymmetric keys in one set", ReasonKeySetMixed}

	ErrMark error = &refusal{"token: mark needs a known kind, and a value or a time", ReasonMark}

	ErrConfigIssuer     error = &refusal{"token: config needs an issuer", ReasonConfig}
	ErrConfigAudience   error = &refusal{"token: config needs audiences without empty ones, or AnyAudience and none", ReasonConfig}
	ErrConfigType       error = &refusal{"token: config needs at least one type", ReasonConfig}
	ErrConfigAlgorithms error = &refusal{"token: config needs known algorithms, each once", ReasonConfig}
	ErrConfigKeys       error = &refusal{"token: config needs a key set", ReasonConfig}
	ErrConfigRange      error = &refusal{"token: config leeway, maximum age or length is out of range", ReasonConfig}
	ErrConfigRequired   error = &refusal{"token: config requires a claim that is not read", ReasonConfig}
)

// ReasonOf returns why err refused: ReasonNone for nil, ReasonOther for an error that this package did not make. Of
// joined configuration errors it reports the first.
func ReasonOf(err error) Reason {
	if err == nil {
		return ReasonNone
	}
	var r *refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return ReasonOther
}
