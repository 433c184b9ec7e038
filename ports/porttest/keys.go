package porttest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// Keys is the contract of ports.Keys, for the keys that sign tokens and for those that
// sign bundles.
func Keys(t *testing.T, open func(t *testing.T) Store) {
	t.Run("of_tokens", func(t *testing.T) { keysContract(t, func(t *testing.T) ports.Keys { return open(t).Keys() }) })
	t.Run("of_bundles", func(t *testing.T) { keysContract(t, func(t *testing.T) ports.Keys { return open(t).BundleKeys() }) })
	t.Run("apart", func(t *testing.T) {
		s := open(t)
		setKeys(t, s.Keys(), signingKey("a", 0))
		same(t, "keys of bundles beside one of tokens", len(listKeys(t, s.BundleKeys())), 0)
		setKeys(t, s.BundleKeys(), signingKey("a", 1), signingKey("b", 2))
		same(t, "keys of tokens", listKeys(t, s.Keys()), []ports.SigningKey{signingKey("a", 0)})
		setKeys(t, s.Keys())
		same(t, "keys of bundles", listKeys(t, s.BundleKeys()), []ports.SigningKey{signingKey("a", 1), signingKey("b", 2)})
	})
}

func keysContract(t *testing.T, open func(t *testing.T) ports.Keys) {
	t.Run("keeps_everything", func(t *testing.T) { keysKeep(t, open(t)) })
	t.Run("failing_change_writes_nothing", func(t *testing.T) { keysRollback(t, open(t)) })
	t.Run("parallel_changes", func(t *testing.T) {
		s := open(t)
		for _, err := range parallel(callers, func(i int) error {
			return s.Change(t.Context(), func(all []ports.SigningKey) ([]ports.SigningKey, error) {
				return append(all, signingKey("k"+strconv.Itoa(len(all)), time.Duration(i))), nil
			})
		}) {
			must(t, err)
		}
		same(t, "number of keys", len(listKeys(t, s)), callers)
	})
	t.Run("parallel_first_key", func(t *testing.T) {
		s := open(t)
		exists := fault.New(fault.Conflict, "exists", "there is one")
		oneWinner(t, parallel(callers, func(i int) error {
			return s.Change(t.Context(), func(all []ports.SigningKey) ([]ports.SigningKey, error) {
				if len(all) > 0 {
					return nil, exists
				}
				return []ports.SigningKey{signingKey("k"+strconv.Itoa(i), 0)}, nil
			})
		}), fault.Conflict)
		same(t, "number of keys", len(listKeys(t, s)), 1)
	})
	t.Run("ended_context", func(t *testing.T) {
		s := open(t)
		setKeys(t, s, signingKey("a", 0))
		endedCalls(t, map[string]func(context.Context) error{
			"List": func(ctx context.Context) error { _, err := s.List(ctx); return err },
			"Change": func(ctx context.Context) error {
				return s.Change(ctx, func([]ports.SigningKey) ([]ports.SigningKey, error) { return nil, nil })
			},
		})
		same(t, "keys", listKeys(t, s), []ports.SigningKey{signingKey("a", 0)})
	})
}

// signingKey returns a key that was published some time after noon.
func signingKey(id string, after time.Duration) ports.SigningKey {
	at := noon.Add(after * time.Millisecond)
	return ports.SigningKey{
		ID: id, Algorithm: "EdDSA", Public: []byte(`{"kty":"OKP","kid":"` + id + `"}`), Sealed: []byte("\x00sealed\xff" + id),
		PublishedAt: at, SignsFrom: at.Add(time.Hour), RetiredAt: at.Add(2 * time.Hour), DropAt: at.Add(3 * time.Hour),
	}
}

func listKeys(t *testing.T, s ports.Keys) []ports.SigningKey {
	t.Helper()
	all, err := s.List(t.Context())
	must(t, err)
	return all
}

func setKeys(t *testing.T, s ports.Keys, all ...ports.SigningKey) {
	t.Helper()
	must(t, s.Change(t.Context(), func([]ports.SigningKey) ([]ports.SigningKey, error) { return all, nil }))
}

func keysKeep(t *testing.T, s ports.Keys) {
	same(t, "keys of a new store", len(listKeys(t, s)), 0)
	oldest, middle, newest := signingKey("z", 0), signingKey("a", 1), signingKey("m", 2)
	middle.Algorithm, middle.Public, middle.SignsFrom, middle.RetiredAt, middle.DropAt = "HS256", nil, time.Time{}, time.Time{}, time.Time{}
	give := []ports.SigningKey{newest, oldest, middle}
	want := []ports.SigningKey{oldest, middle, newest}
	setKeys(t, s, give...)
	give[0].Sealed[0] ^= 1
	want[2] = signingKey("m", 2)
	same(t, "keys, the oldest first", listKeys(t, s), want)
	listKeys(t, s)[0].Public[0] = 'x'
	var leaked []ports.SigningKey
	must(t, s.Change(t.Context(), func(all []ports.SigningKey) ([]ports.SigningKey, error) {
		same(t, "keys that the function sees", all, want)
		leaked = all
		return all, nil
	}))
	leaked[0].Public[0], leaked[1] = 'x', ports.SigningKey{}
	same(t, "keys after those of a change were changed", listKeys(t, s), want)

	odd := signingKey("odd", 0)
	at := noon.Add(1_999_999).In(time.FixedZone("", 3600))
	odd.PublishedAt, odd.SignsFrom, odd.RetiredAt, odd.DropAt = at, at, at, at
	even := odd
	at = noon.Add(time.Millisecond)
	even.PublishedAt, even.SignsFrom, even.RetiredAt, even.DropAt = at, at, at, at
	replaced := oldest
	replaced.RetiredAt = noon
	setKeys(t, s, odd, replaced) // one added, one changed, two gone
	same(t, "keys after a change", listKeys(t, s), []ports.SigningKey{replaced, even})
	setKeys(t, s)
	same(t, "keys after all were dropped", len(listKeys(t, s)), 0)
}

func keysRollback(t *testing.T, s ports.Keys) {
	want := []ports.SigningKey{signingKey("a", 0), signingKey("b", 1)}
	setKeys(t, s, want...)
	refused := errors.New("refused on purpose")
	err := s.Change(t.Context(), func(all []ports.SigningKey) ([]ports.SigningKey, error) {
		all[0].Sealed[0] ^= 1
		return all[:1], refused
	})
	if err != refused { //nolint:errorlint // the contract is that the error comes back unwrapped
		t.Errorf("error is %v, want the function's own", err)
	}
	wantFault(t, s.Change(t.Context(), func(all []ports.SigningKey) ([]ports.SigningKey, error) {
		return slices.Concat(all, all[:1]), nil
	}), fault.Conflict, "id_taken")
	unwinding(t, func(inside func()) {
		_ = s.Change(t.Context(), func([]ports.SigningKey) ([]ports.SigningKey, error) {
			inside()
			return nil, nil
		})
	})
	same(t, "keys after failed changes", listKeys(t, s), want)
}
