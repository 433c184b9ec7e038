package porttest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// Hasher holds an implementation to the contract of ports.Hasher. It hashes
// about twenty times.
func Hasher(t *testing.T, h ports.Hasher) {
	t.Helper()
	ctx := t.Context()
	const password = "correct horse battery staple"
	hash := func(t *testing.T, password string) string {
		t.Helper()
		phc, err := h.Hash(ctx, password)
		if err != nil {
			t.Fatal(err)
		}
		return phc
	}
	phc := hash(t, password)

	t.Run("verifies_what_it_hashed", func(t *testing.T) {
		for _, p := range []string{password, "pä߀🐎 wörd", strings.Repeat("long ", 200), " "} {
			if matches, outdated, err := h.Verify(ctx, hash(t, p), p); !matches || outdated || err != nil {
				t.Errorf("%q: matches %v, outdated %v, %v", p, matches, outdated, err)
			}
		}
	})

	t.Run("refuses_other_passwords", func(t *testing.T) {
		for _, p := range []string{"", "correct horse battery stapl", password + " ", strings.ToUpper(password)} {
			if matches, outdated, err := h.Verify(ctx, phc, p); matches || outdated || err != nil {
				t.Errorf("%q: matches %v, outdated %v, %v", p, matches, outdated, err)
			}
		}
	})

	t.Run("is_a_PHC_string_with_a_salt", func(t *testing.T) {
		second := hash(t, password)
		if !strings.HasPrefix(phc, "$") || strings.Contains(phc, password) {
			t.Errorf("%q is no PHC string", phc)
		}
		if phc == second {
			t.Error("the same password was hashed to the same string twice")
		}
	})

	t.Run("empty_hash_matches_nothing_in_the_time_of_a_real_one", func(t *testing.T) {
		took := func(hash string) time.Duration {
			start := time.Now()
			if matches, outdated, err := h.Verify(ctx, hash, ""); matches || outdated || err != nil {
				t.Fatalf("matches %v, outdated %v, %v", matches, outdated, err)
			}
			return time.Since(start)
		}
		// The least of several times is what it costs; on a busy machine it takes more of them.
		full, empty := time.Hour, time.Hour
		for round := range 40 {
			full, empty = min(full, took(phc)), min(empty, took(""))
			if round >= 2 && empty >= full/2 && empty <= full*2 {
				return
			}
		}
		t.Errorf("an empty hash takes %v, a real one %v", empty, full)
	})

	t.Run("refuses_what_is_no_hash", func(t *testing.T) {
		for _, text := range []string{"$", "plain", "$unknown$x", phc[:len(phc)/2], "$" + phc} {
			if matches, _, err := h.Verify(ctx, text, password); matches || err == nil {
				t.Errorf("%q: matches %v, %v", text, matches, err)
			} else if strings.Contains(err.Error(), phc[len(phc)-8:]) {
				t.Errorf("the error shows the hash: %v", err)
			}
		}
	})

	t.Run("a_call_that_is_over_is_unavailable", func(t *testing.T) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		_, err := h.Hash(over, password)
		_, _, verify := h.Verify(over, phc, password)
		_, _, empty := h.Verify(over, "", password)
		for _, err := range []error{err, verify, empty} {
			if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Unavailable {
				t.Errorf("got %v, want an Unavailable fault that wraps the context's", err)
			}
		}
	})

	t.Run("concurrent_callers", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				want := i%2 == 0
				p := password
				if !want {
					p = "something else entirely"
				}
				if matches, _, err := h.Verify(ctx, phc, p); matches != want || err != nil {
					t.Errorf("matches %v, %v; want %v", matches, err, want)
				}
			})
		}
		wg.Wait()
	})
}
