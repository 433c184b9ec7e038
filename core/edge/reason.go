package edge

import "github.com/hexward/hexward/core/token"

// refusal is the type of every error of this package: a fixed sentence and its code. Errors compare by identity.
type refusal struct{ text, code string }

func (r *refusal) Error() string { return r.text }

// The errors of loading a bundle. Those of its form, key and signature are core/token's.
var (
	ErrBundle error = &refusal{"edge: the bundle's payload is malformed", "bundle_malformed"}
	ErrPolicy error = &refusal{"edge: the bundle's policy is refused", "bundle_policy"}
	ErrOld    error = &refusal{"edge: the bundle's number is not greater than the one held", "bundle_old"}
	ErrBase   error = &refusal{"edge: the delta is to another bundle than the one held", "bundle_base"}
	ErrIssuer error = &refusal{"edge: the bundle is another issuer's than the one held", "bundle_issuer"}
	ErrEarly  error = &refusal{"edge: the bundle was issued in the future", "bundle_early"}
	ErrPassed error = &refusal{"edge: the bundle has expired", "bundle_expired"}

	// ErrMarks, ErrSeed and ErrManyMarks are those of Marks.
	ErrMarks     error = &refusal{"edge: revocation marks are malformed", "bundle_marks"}
	ErrSeed      error = &refusal{"edge: revocation marks need a seed, and the same one to be merged", "bundle_seed"}
	ErrManyMarks error = &refusal{"edge: more revocation marks of a kind than a bundle holds", "bundle_marks_many"}

	ErrConfig error = &refusal{"edge: the configuration is out of range, or lacks what it needs", "config"}
)

// CodeOf returns the stable code of an error of this package, such as "bundle_old", or for one of core/token "bundle_" and its
// reason, such as "bundle_signature"; "" for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	if r, ok := err.(*refusal); ok { //nolint:errorlint // never wrapped
		return r.code
	}
	return "bundle_" + token.ReasonOf(err).String()
}

// DetailOf returns what an error of this package, or of core/token, says, or "" for any other.
func DetailOf(err error) string {
	if r, ok := err.(*refusal); ok { //nolint:errorlint // never wrapped
		return r.text
	}
	return token.DetailOf(err)
}
