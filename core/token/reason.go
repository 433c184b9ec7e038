package token

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

// refusal is the type of every error of this package: a reason, and which of that reason's errors it is. Each is one pointer,
// so that errors compare by identity and returning one allocates nothing. What it says stands elsewhere, so that a program
// that never asks for it does not hold it.
type refusal struct {
	reason Reason
	which  uint8
}

func (r *refusal) Error() string {
	if r.reason == ReasonConfig {
		return "token: config " + configTexts[r.which]
	}
	return "token: " + reasonTexts[r.reason]
}

// The errors of this package. They are returned bare, never wrapped with details of the token; compare them with
// errors.Is. Each but the configuration errors has a reason of its own.
var (
	ErrTooLong        error = &refusal{ReasonTooLong, 0}
	ErrMalformed      error = &refusal{ReasonMalformed, 0}
	ErrHeader         error = &refusal{ReasonHeader, 0}
	ErrCrit           error = &refusal{ReasonCrit, 0}
	ErrAlgorithm      error = &refusal{ReasonAlgorithm, 0}
	ErrType           error = &refusal{ReasonType, 0}
	ErrKeyUnknown     error = &refusal{ReasonKeyUnknown, 0}
	ErrSignature      error = &refusal{ReasonSignature, 0}
	ErrClaims         error = &refusal{ReasonClaims, 0}
	ErrClaimMissing   error = &refusal{ReasonClaimMissing, 0}
	ErrIssuer         error = &refusal{ReasonIssuer, 0}
	ErrAudience       error = &refusal{ReasonAudience, 0}
	ErrExpired        error = &refusal{ReasonExpired, 0}
	ErrNotYetValid    error = &refusal{ReasonNotYetValid, 0}
	ErrIssuedInFuture error = &refusal{ReasonIssuedInFuture, 0}
	ErrTooOld         error = &refusal{ReasonTooOld, 0}
	// ErrRevoked is returned by callers that consult Marks; Verify itself knows no marks.
	ErrRevoked error = &refusal{ReasonRevoked, 0}

	ErrKeyMalformed   error = &refusal{ReasonKeyMalformed, 0}
	ErrKeyUnsupported error = &refusal{ReasonKeyUnsupported, 0}
	ErrKeyUse         error = &refusal{ReasonKeyUse, 0}
	ErrKeyMismatch    error = &refusal{ReasonKeyMismatch, 0}
	ErrKeyWeak        error = &refusal{ReasonKeyWeak, 0}
	ErrKeyPrivate     error = &refusal{ReasonKeyPrivate, 0}
	ErrKeyDuplicate   error = &refusal{ReasonKeyDuplicate, 0}
	ErrKeySetMixed    error = &refusal{ReasonKeySetMixed, 0}

	ErrMark error = &refusal{ReasonMark, 0}

	ErrConfigIssuer     error = &refusal{ReasonConfig, 0}
	ErrConfigAudience   error = &refusal{ReasonConfig, 1}
	ErrConfigType       error = &refusal{ReasonConfig, 2}
	ErrConfigAlgorithms error = &refusal{ReasonConfig, 3}
	ErrConfigKeys       error = &refusal{ReasonConfig, 4}
	ErrConfigRange      error = &refusal{ReasonConfig, 5}
	ErrConfigRequired   error = &refusal{ReasonConfig, 6}
)

var reasonTexts = [reasonCount]string{
	ReasonTooLong:        "longer than the limit",
	ReasonMalformed:      "malformed",
	ReasonHeader:         "header has a member that is not accepted",
	ReasonCrit:           "critical header extensions are not supported",
	ReasonAlgorithm:      "algorithm is not accepted",
	ReasonType:           "type is not accepted",
	ReasonKeyUnknown:     "no single key fits",
	ReasonSignature:      "signature does not verify",
	ReasonClaims:         "claims are malformed",
	ReasonClaimMissing:   "a required claim is missing",
	ReasonIssuer:         "issuer is not accepted",
	ReasonAudience:       "audience is not accepted",
	ReasonExpired:        "expired",
	ReasonNotYetValid:    "not yet valid",
	ReasonIssuedInFuture: "issued in the future",
	ReasonTooOld:         "issued too long ago",
	ReasonRevoked:        "revoked",
	ReasonKeyMalformed:   "key is malformed",
	ReasonKeyUnsupported: "key type, curve or algorithm is not supported",
	ReasonKeyUse:         "key is not for verifying signatures",
	ReasonKeyMismatch:    "key does not fit its algorithm",
	ReasonKeyWeak:        "key is too weak",
	ReasonKeyPrivate:     "private or secret key where a public key belongs",
	ReasonKeyDuplicate:   "two keys have the same kid",
	ReasonKeySetMixed:    "symmetric and asymmetric keys in one set",
	ReasonMark:           "mark needs a known kind, and a value or a time",
}

// configTexts are those of the errors with ReasonConfig.
var configTexts = [...]string{
	"needs an issuer",
	"needs audiences without empty ones, or AnyAudience and none",
	"needs at least one type",
	"needs known algorithms, each once",
	"needs a key set",
	"leeway, maximum age or length is out of range",
	"requires a claim that is not read",
}

// ReasonOf returns why err refused: ReasonNone for nil, ReasonOther for an error that this package did not make. Of
// joined configuration errors it reports the first.
func ReasonOf(err error) Reason {
	if err == nil {
		return ReasonNone
	}
	if r := refusalIn(err); r != nil {
		return r.reason
	}
	return ReasonOther
}

// DetailOf returns what an error of this package says, also one that is wrapped or joined, or "" for any other. Asking err
// itself would have a module hold what every error in it says.
func DetailOf(err error) string {
	if r := refusalIn(err); r != nil {
		return r.Error()
	}
	return ""
}

// refusalIn returns the first refusal that err is or wraps, as errors.As would but without its reflection.
func refusalIn(err error) *refusal {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // it is what this function looks for
		case *refusal:
			return e
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				if r := refusalIn(one); r != nil {
					return r
				}
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}
