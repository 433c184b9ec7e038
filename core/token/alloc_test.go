//go:build !race

// Under the race detector pools drop what is put into them at random, so that
// allocations cannot be counted.

package token_test

import (
	"strings"
	"testing"

	"github.com/hexward/hexward/core/token"
)

// TestVerifier_allocations holds that accepting a token allocates the text of its claims, one array for its audience and
// permissions, and what the primitive of the standard library allocates by itself.
func TestVerifier_allocations(t *testing.T) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s := signers()[name]
			v := verifier(t, config(t, s))
			compact := s.sign(s.header(), payload)
			input := compact[:strings.LastIndexByte(compact, '.')]
			verify := primitive(s, []byte(input), s.signature(input))
			raw := testing.AllocsPerRun(200, func() {
				if !verify() {
					t.Fatal("refused")
				}
			})
			var claims token.Claims
			ours := testing.AllocsPerRun(200, func() {
				if err := v.Verify(compact, now, &claims); err != nil {
					t.Fatal(err)
				}
			})
			if ours > raw+2 {
				t.Errorf("%v allocations, want the primitive's %v and at most 2", ours, raw)
			}
			forged := compact[:len(compact)-8] + "AAAAAAAA"
			refused := testing.AllocsPerRun(200, func() {
				if err := v.Verify(forged, now, &claims); err == nil {
					t.Fatal("accepted")
				}
			})
			if refused > raw+2 {
				t.Errorf("%v allocations to refuse, want the primitive's %v and at most 2", refused, raw)
			}
		})
	}
}

// TestPending_allocations holds that the two halves allocate nothing at all in memory that is used again.
func TestPending_allocations(t *testing.T) {
	s := signers()["EdDSA"]
	v := verifier(t, config(t, s))
	for name, doc := range map[string]string{
		"plain":   payload,
		"escapes": strings.NewReplacer("https://", `https:\/\/`, "orders", `\u006frders`).Replace(payload),
	} {
		t.Run(name, func(t *testing.T) {
			compact := []byte(s.sign(s.header(), doc))
			other := []byte(s.sign(strings.Replace(s.header(), "at+jwt", "AT+JWT", 1), doc))
			escaped := []byte(s.sign(strings.NewReplacer("at+jwt", `at\u002bjwt`, "EdDSA", `Ed\u0044SA`).Replace(s.header()), doc))
			p := token.Pending{Volatile: true}
			var claims token.Claims
			marks := &token.Marks{}
			if err := marks.Add(token.Mark{Kind: token.MarkUser, Value: "somebody", Before: 1, Until: now}); err != nil {
				t.Fatal(err)
			}
			n := testing.AllocsPerRun(200, func() {
				for _, b := range [][]byte{compact, other, escaped} {
					if named, err := p.PeekIssuer(b); err != nil || named != issuer {
						t.Fatal(named, err)
					}
					if err := v.Prepare(b, &p); err != nil {
						t.Fatal(err)
					}
					if err := v.Finish(&p, now, &claims); err != nil {
						t.Fatal(err)
					}
				}
				if marks.Revoked(&claims) {
					t.Fatal("revoked")
				}
				if _, ok := claims.Lookup("scope"); !ok {
					t.Fatal("no scope")
				}
			})
			if n != 0 {
				t.Errorf("%v allocations, want 0", n)
			}
			if len(claims.Permissions) != 4 || claims.Permissions[0] != "orders:read" || claims.Issuer != issuer {
				t.Errorf("claims are %+v", claims)
			}
		})
	}
}

func TestParseJSON_allocations(t *testing.T) {
	n := testing.AllocsPerRun(200, func() {
		if _, err := token.ParseJSON(payload); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestPending_growth holds that tokens that are each a little longer than the one before, signed by nobody, do not take new
// memory each time.
func TestPending_growth(t *testing.T) {
	s := signers()["EdDSA"]
	v := verifier(t, config(t, s))
	var tokens [][]byte
	for n := 1; n <= 4000; n += 8 {
		header := `{"alg":"EdDSA","typ":"at\u002bjwt","kid":"\u0061` + strings.Repeat("a", n) + `"}`
		tokens = append(tokens, []byte(s.sign(header, "{}")))
	}
	allocations := testing.AllocsPerRun(1, func() {
		var p token.Pending
		for _, b := range tokens {
			if err := v.Prepare(b, &p); err == nil {
				t.Fatal("accepted")
			}
		}
	})
	if allocations > 20 {
		t.Errorf("%v allocations for %d tokens", allocations, len(tokens))
	}
}
