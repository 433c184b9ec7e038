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
		{"joined", errors.Join(token.ErrConfigIssuer, token.ErrConfigKeys), token.ReasonConfig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := token.ReasonOf(tc.err); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func ExampleReasonOf() {
	err := fmt.Errorf("who is asking: %w", token.ErrExpired)
	fmt.Println(errors.Is(err, token.ErrExpired), token.ReasonOf(err))
	// Output: true expired
}
