package session_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
)

func begin(t testing.TB, random io.Reader) (session.Session, string) {
	t.Helper()
	s := session.New("sid", "uid", "default", "password", session.DefaultLife, noon)
	token, err := s.MintRefresh(random)
	if err != nil {
		t.Fatal(err)
	}
	return s, token
}

func TestSession_MintRefresh(t *testing.T) {
	random := &chance{}
	s, token := begin(t, random)
	if len(token) != session.RefreshLength {
		t.Errorf("the token has %d characters, not %d", len(token), session.RefreshLength)
	}
	r, err := session.ParseRefresh(token)
	if err != nil {
		t.Fatal(err)
	}
	if r.Family != s.Family || r.Whole != s.Refresh {
		t.Errorf("the session has the family %x and the token %x, the token says %x and %x", s.Family, s.Refresh, r.Family, r.Whole)
	}
	if s.Family == (session.Hash{}) || s.Refresh == (session.Hash{}) || s.Family == s.Refresh {
		t.Errorf("hashes %x and %x", s.Family, s.Refresh)
	}
	if !s.FreshAt.Equal(noon) || s.Rotation != 0 {
		t.Errorf("fresh at %v, rotation %d", s.FreshAt, s.Rotation)
	}
	other, _ := begin(t, random)
	if other.Family == s.Family || other.Refresh == s.Refresh {
		t.Error("two sessions share a family")
	}
	if _, err := s.MintRefresh(strings.NewReader("only a little")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
	if r.Whole != s.Refresh {
		t.Error("a failure changes the session")
	}
}

func TestParseRefresh(t *testing.T) {
	_, token := begin(t, &chance{})
	tests := []struct {
		name, in string
		refused  bool
	}{
		{name: "as minted", in: token},
		{name: "any 48 bytes have the form", in: strings.Repeat("A", session.RefreshLength)},
		{name: "empty", refused: true},
		{name: "one character less", in: token[1:], refused: true},
		{name: "one character more", in: token + "A", refused: true},
		{name: "padding", in: token[:len(token)-1] + "=", refused: true},
		{name: "standard alphabet", in: token[:len(token)-1] + "+", refused: true},
		{name: "a line break at the end", in: token[:len(token)-1] + "\n", refused: true},
		{name: "line breaks within", in: token[:20] + "\r\n\r\n" + token[24:], refused: true},
		{name: "line breaks only", in: strings.Repeat("\n", session.RefreshLength), refused: true},
		{name: "not ASCII", in: strings.Repeat("é", session.RefreshLength/2), refused: true},
		{name: "a megabyte", in: strings.Repeat("A", 1<<20), refused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := session.ParseRefresh(test.in)
			if test.refused {
				wantRefused(t, err, "refresh_unknown", test.in)
				if got != (session.Refresh{}) {
					t.Errorf("got %+v with an error", got)
				}
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefresh_Next(t *testing.T) {
	random := &chance{}
	s, token := begin(t, random)
	seen := map[string]bool{token: true}
	for range 5 {
		r, err := session.ParseRefresh(token)
		if err != nil {
			t.Fatal(err)
		}
		next, whole, err := r.Next(random)
		if err != nil {
			t.Fatal(err)
		}
		n, err := session.ParseRefresh(next)
		if err != nil {
			t.Fatal(err)
		}
		if n.Family != s.Family || n.Whole != whole || seen[next] {
			t.Errorf("%s follows %s with the family %x and the hash %x; want %x and %x", next, token, n.Family, n.Whole, s.Family, whole)
		}
		seen[next] = true
		token = next
	}
	r, err := session.ParseRefresh(token)
	if err != nil {
		t.Fatal(err)
	}
	next, whole, err := r.Next(strings.NewReader("only a little"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || next != "" || whole != (session.Hash{}) {
		t.Errorf("without randomness: %q, %x, %v", next, whole, err)
	}
}

func TestSession_RotateRefresh(t *testing.T) {
	one, two, three := session.Hash{1}, session.Hash{2}, session.Hash{3}
	later := noon.Add(time.Minute)
	tests := []struct {
		name            string
		has, presented  session.Hash
		refused         bool
		before, fresh   time.Time // SeenAt before, FreshAt after
		wantRefresh     session.Hash
		wantRotation    int64
		wantSeenAtAfter time.Time
	}{
		{name: "the present one", has: one, presented: one, before: noon, fresh: later, wantRefresh: three, wantRotation: 8, wantSeenAtAfter: later},
		{name: "SeenAt does not go back", has: one, presented: one, before: later.Add(1), fresh: later, wantRefresh: three, wantRotation: 8, wantSeenAtAfter: later.Add(1)},
		{name: "one that was replaced", has: two, presented: one, refused: true, before: noon, fresh: noon, wantRefresh: two, wantRotation: 7, wantSeenAtAfter: noon},
		{name: "a session without one", presented: one, refused: true, before: noon, fresh: noon, wantRotation: 7, wantSeenAtAfter: noon},
		{name: "nothing for nothing", refused: true, before: noon, fresh: noon, wantRotation: 7, wantSeenAtAfter: noon},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := session.Session{Refresh: test.has, Rotation: 7, SeenAt: test.before, FreshAt: noon}
			err := s.RotateRefresh(test.presented, three, later)
			if (err != nil) != test.refused || err != nil && !errors.Is(err, session.ErrReused) {
				t.Errorf("got %v", err)
			}
			if s.Refresh != test.wantRefresh || s.Rotation != test.wantRotation || !s.SeenAt.Equal(test.wantSeenAtAfter) || !s.FreshAt.Equal(test.fresh) {
				t.Errorf("got %+v", s)
			}
		})
	}
	wantRefused(t, session.ErrReused, "refresh_reused", "")
}

func FuzzParseRefresh(f *testing.F) {
	_, token := begin(f, &chance{})
	for _, s := range []string{token, "", strings.Repeat("\n", session.RefreshLength), token[:60] + "\r\n\r\n", token[:63] + "=", strings.Repeat("_", session.RefreshLength)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := session.ParseRefresh(s)
		if err != nil {
			if r != (session.Refresh{}) || fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("got %+v, %v", r, err)
			}
			return
		}
		// One spelling: what is accepted is what its bytes are written as.
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || base64.RawURLEncoding.EncodeToString(b) != s || len(b) != 48 {
			t.Errorf("accepted %q, which is %x, %v", s, b, err)
		}
		next, whole, err := r.Next(&chance{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := session.ParseRefresh(next)
		if err != nil || n.Family != r.Family || n.Whole != whole {
			t.Errorf("%q is followed by %q: %+v, %v", s, next, n, err)
		}
	})
}

func BenchmarkParseRefresh(b *testing.B) {
	_, token := begin(b, &chance{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.ParseRefresh(token); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleSession_RotateRefresh() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	random := rand.NewChaCha8([32]byte{}) // in a program crypto/rand.Reader
	s := session.New("sid", "uid", "default", "password", session.DefaultLife, now)
	first, _ := s.MintRefresh(random)

	for range 2 { // its owner uses it, and so does whoever has a copy
		r, err := session.ParseRefresh(first)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, next, _ := r.Next(random)
		fmt.Println(s.RotateRefresh(r.Whole, next, now))
	}
	// Output:
	// <nil>
	// refresh_reused: this refresh token was used before; every token of this sign-in has ended
}
