package token_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/token"
)

// words are the stable words, which clients go by.
var words = []string{
	"none", "other", "too_long", "malformed", "header_refused", "crit", "alg_refused", "type", "key_unknown", "signature",
	"claims_malformed", "claim_missing", "issuer", "audience", "expired", "not_yet_valid", "issued_in_future", "too_old",
	"revoked", "key_malformed", "key_unsupported", "key_use", "key_mismatch", "key_weak", "key_private", "key_duplicate",
	"key_set_mixed", "mark", "config",
}

func TestReason_String(t *testing.T) {
	var got []string
	for r := token.ReasonNone; r < token.ReasonCount; r++ {
		if got = append(got, r.String()); !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(r.String()) {
			t.Errorf("%d is %q", r, r)
		}
	}
	if diff := cmp.Diff(words, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if token.ReasonCount.String() != "other" || token.Reason(255).String() != "other" {
		t.Error("what is no reason has a word of its own")
	}
}

func TestReasonOf(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want token.Reason
	}{
		{"nil", nil, token.ReasonNone},
		{"foreign", errors.New("x"), token.ReasonOther},
		{"bare", token.ErrExpired, token.ReasonExpired},
		{"wrapped", fmt.Errorf("check session: %w", token.ErrSignature), token.ReasonSignature},
		{"wrapped, joined, wrapped", fmt.Errorf("a: %w", errors.Join(errors.New("x"), fmt.Errorf("b: %w", token.ErrKeyWeak), token.ErrMark)), token.ReasonKeyWeak},
		{"joined without", errors.Join(errors.New("x"), fmt.Errorf("b: %w", errors.New("y"))), token.ReasonOther},
		{"joined", errors.Join(token.ErrConfigIssuer, token.ErrConfigKeys), token.ReasonConfig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := token.ReasonOf(tc.err); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestDetailOf(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"foreign", errors.New("x"), ""},
		{"bare", token.ErrExpired, "token: expired"},
		{"wrapped", fmt.Errorf("check session: %w", token.ErrSignature), "token: signature does not verify"},
		{"joined", errors.Join(token.ErrConfigIssuer, token.ErrConfigKeys), "token: config needs an issuer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := token.DetailOf(tc.err); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestErrors_text holds that every error says something of its own, also those that share a reason.
func TestErrors_text(t *testing.T) {
	seen := map[string]bool{}
	for _, err := range []error{
		token.ErrTooLong, token.ErrMalformed, token.ErrHeader, token.ErrCrit, token.ErrAlgorithm, token.ErrType, token.ErrKeyUnknown,
		token.ErrSignature, token.ErrClaims, token.ErrClaimMissing, token.ErrIssuer, token.ErrAudience, token.ErrExpired,
		token.ErrNotYetValid, token.ErrIssuedInFuture, token.ErrTooOld, token.ErrRevoked, token.ErrKeyMalformed,
		token.ErrKeyUnsupported, token.ErrKeyUse, token.ErrKeyMismatch, token.ErrKeyWeak, token.ErrKeyPrivate, token.ErrKeyDuplicate,
		token.ErrKeySetMixed, token.ErrMark, token.ErrConfigIssuer, token.ErrConfigAudience, token.ErrConfigType,
		token.ErrConfigAlgorithms, token.ErrConfigKeys, token.ErrConfigRange, token.ErrConfigRequired,
	} {
		if text := err.Error(); !regexp.MustCompile(`^token: [a-z]`).MatchString(text) || seen[text] {
			t.Errorf("%v says %q", token.ReasonOf(err), text)
		}
		seen[err.Error()] = true
	}
	for err, want := range map[error]string{
		token.ErrExpired:          "token: expired",
		token.ErrKeyWeak:          "token: key is too weak",
		token.ErrConfigKeys:       "token: config needs a key set",
		token.ErrConfigRequired:   "token: config requires a claim that is not read",
		token.ErrConfigAudience:   "token: config needs audiences without empty ones, or AnyAudience and none",
		token.ErrIssuedInFuture:   "token: issued in the future",
		token.ErrKeyUnsupported:   "token: key type, curve or algorithm is not supported",
		token.ErrConfigIssuer:     "token: config needs an issuer",
		token.ErrClaimMissing:     "token: a required claim is missing",
		token.ErrKeySetMixed:      "token: symmetric and asymmetric keys in one set",
		token.ErrConfigAlgorithms: "token: config needs known algorithms, each once",
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func ExampleReasonOf() {
	err := fmt.Errorf("who is asking: %w", token.ErrExpired)
	fmt.Println(errors.Is(err, token.ErrExpired), token.ReasonOf(err))
	// Output: true expired
}
