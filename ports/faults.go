package ports

import (
	"context"
	"slices"

	"github.com/hexward/hexward/core/fault"
)

// The faults that the contracts of the storage ports speak of, said in the same
// words by every adapter. Nobody changes them.
var (
	ErrUsernameTaken = fault.New(fault.Conflict, "username_taken", "this user name is taken")
	ErrEmailTaken    = fault.New(fault.Conflict, "email_taken", "this e-mail address belongs to another account")
	ErrIDTaken       = fault.New(fault.Conflict, "id_taken", "this id is in use already")
	ErrHashTaken     = fault.New(fault.Conflict, "hash_taken", "this secret is in use already")
	ErrIdentityTaken = fault.New(fault.Conflict, "identity_taken", "this account at the provider is linked already")

	ErrExternalTaken = fault.New(fault.Conflict, "external_taken", "another tenant is called so there")
	ErrTooManyTokens = fault.New(fault.Conflict, "too_many", "there are too many tokens; delete one that is not used any more")

	ErrUserUnknown     = fault.New(fault.NotFound, "user_unknown", "there is no such user")
	ErrSessionUnknown  = fault.New(fault.NotFound, "session_unknown", "there is no such session")
	ErrIdentityUnknown = fault.New(fault.NotFound, "identity_unknown", "there is no such linked account")
	ErrTenantUnknown   = fault.New(fault.NotFound, "tenant_unknown", "there is no such tenant")
	ErrClientUnknown   = fault.New(fault.NotFound, "client_unknown", "there is no such client")
	ErrTokenUnknown    = fault.New(fault.NotFound, "token_unknown", "there is no such token, or it has expired")

	ErrOutside = fault.New(fault.Invalid, "tenant", "this is not within the tenant that the store was asked for")

	ErrFloor   = fault.New(fault.Invalid, "floor", "a number is from 1 to 2^53-1")
	ErrNumbers = fault.New(fault.Internal, "numbers", "there are no more numbers")

	ErrAttemptKeys = fault.New(fault.Invalid, "attempt_keys", "keys of counters have 1 to 300 bytes and stand only once")
)

// Ended returns nil while ctx runs. Afterwards it returns an Unavailable fault
// that wraps ctx.Err(): what an adapter answers to a call whose context ended.
func Ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "timed_out", "the call was ended before it was done")
	}
	return nil
}

// Limit returns how many rows a query for limit rows returns at most: 50 when
// limit says nothing, and never more than 1000.
func Limit(limit int) int {
	switch {
	case limit <= 0:
		return 50
	case limit > 1000:
		return 1000
	default:
		return limit
	}
}

// CheckAttemptKeys returns ErrAttemptKeys unless every key has 1 to 300 bytes
// and stands only once.
func CheckAttemptKeys(keys []string) error {
	for i, key := range keys {
		if key == "" || len(key) > 300 || slices.Contains(keys[:i], key) {
			return ErrAttemptKeys
		}
	}
	return nil
}

// CheckFloor returns ErrFloor unless a number is one that Numbers may give out.
func CheckFloor(floor int64) error {
	if floor < 1 || floor > MaxNumber {
		return ErrFloor
	}
	return nil
}
