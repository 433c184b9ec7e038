package token_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/token"
)

func newMarks(t testing.TB, list ...token.Mark) *token.Marks {
	t.Helper()
	m := &token.Marks{}
	for _, mark := range list {
		if err := m.Add(mark); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestMarks_Revoked(t *testing.T) {
	const second = int64(now)
	const kicked = second*1000 + 500 // in the middle of a second
	user := token.Mark{Kind: token.MarkUser, Value: "u1", Before: kicked, Until: second + 900}
	all := token.Mark{Kind: token.MarkAll, Before: kicked, Until: second + 900}
	issued := func(iat, ms int64) token.Claims {
		return token.Claims{Subject: "u1", IssuedAt: iat, IssuedAtMillis: ms}
	}
	for _, tc := range []struct {
		name   string
		mark   token.Mark
		claims token.Claims
		want   bool
	}{
		{"that token", token.Mark{Kind: token.MarkToken, Value: "t1"}, token.Claims{ID: "t1"}, true},
		{"another token", token.Mark{Kind: token.MarkToken, Value: "t1"}, token.Claims{ID: "t2"}, false},
		{"session id equal to a token's", token.Mark{Kind: token.MarkToken, Value: "t1"}, token.Claims{Session: "t1", Subject: "t1"}, false},
		{"that session", token.Mark{Kind: token.MarkSession, Value: "s1"}, token.Claims{Session: "s1", IssuedAt: second + 1e6}, true},
		{"another session", token.Mark{Kind: token.MarkSession, Value: "s1"}, token.Claims{Session: "s2"}, false},
		{"without ids", token.Mark{Kind: token.MarkSession, Value: "s1"}, token.Claims{}, false},
		{"issued a second before", user, issued(second-1, 0), true},
		{"issued in that second, before", user, issued(second, kicked-1), true},
		{"issued in that millisecond", user, issued(second, kicked), true},
		{"issued in that second, after", user, issued(second, kicked+1), false},
		{"issued in that second, no telling", user, issued(second, 0), true},
		{"issued in that second, iat_ms of another", user, issued(second, kicked+5000), true},
		{"issued a second before, iat_ms after", user, issued(second-1, kicked+1), true},
		{"issued in the next second", user, issued(second+1, 0), false},
		{"no iat", user, issued(0, 0), true},
		{"no iat but iat_ms", user, issued(0, kicked+1), true},
		{"no iat but a small iat_ms", user, issued(0, 1), true},
		{"another user", user, token.Claims{Subject: "u2", IssuedAt: second - 1}, false},
		{"everybody, before", all, token.Claims{Subject: "u2", IssuedAt: second}, true},
		{"everybody, without subject", all, token.Claims{}, true},
		{"everybody, in that millisecond", all, issued(second, kicked), true},
		{"everybody, after", all, token.Claims{Subject: "u2", IssuedAt: second + 1}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := newMarks(t, tc.mark).Revoked(&tc.claims); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestMarks_Revoked_nil(t *testing.T) {
	var none *token.Marks
	if none.Revoked(&token.Claims{Subject: "u"}) {
		t.Error("no marks revoke")
	}
	if !none.Revoked(nil) || !newMarks(t).Revoked(nil) {
		t.Error("no claims are good")
	}
}

func TestMarks_Add(t *testing.T) {
	for _, m := range []token.Mark{
		{},
		{Kind: token.MarkToken},
		{Kind: token.MarkSession},
		{Kind: token.MarkUser, Before: 1},
		{Kind: token.MarkUser, Value: "u"},
		{Kind: token.MarkUser, Value: "u", Before: -1},
		{Kind: token.MarkAll},
		{Kind: token.MarkAll, Before: 1, Value: "u"},
		{Kind: 9, Value: "u", Before: 1},
		{Kind: 0, Value: "u", Before: 1},
	} {
		s := newMarks(t)
		if err := s.Add(m); !errors.Is(err, token.ErrMark) || s.Len() != 0 {
			t.Errorf("%+v: got %v and %d marks", m, err, s.Len())
		}
	}
}

func TestMarks_All(t *testing.T) {
	s := newMarks(
		t,
		token.Mark{Kind: token.MarkAll, Before: 5, Until: 50},
		token.Mark{Kind: token.MarkUser, Value: "u", Before: 10, Until: 100},
		token.Mark{Kind: token.MarkUser, Value: "u", Before: 30, Until: 90},
		token.Mark{Kind: token.MarkUser, Value: "u", Before: 20, Until: 120},
		token.Mark{Kind: token.MarkSession, Value: "s", Until: 7},
		token.Mark{Kind: token.MarkToken, Value: "b", Until: 9, Before: 3},
		token.Mark{Kind: token.MarkToken, Value: "a", Until: 8},
		token.Mark{Kind: token.MarkToken, Value: "a", Until: 6},
		token.Mark{Kind: token.MarkAll, Before: 4, Until: 60},
	)
	want := []token.Mark{
		{Kind: token.MarkToken, Value: "a", Until: 8},
		{Kind: token.MarkToken, Value: "b", Until: 9},
		{Kind: token.MarkSession, Value: "s", Until: 7},
		{Kind: token.MarkUser, Value: "u", Before: 30, Until: 120},
		{Kind: token.MarkAll, Before: 5, Until: 60},
	}
	if diff := cmp.Diff(want, s.All()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	before := token.Mark{Kind: token.MarkToken, Value: "before"}
	rest := s.Append([]token.Mark{before})
	if rest[0] != before || len(rest) != len(want)+1 {
		t.Errorf("appended: %v", rest)
	}
	if diff := cmp.Diff(want, newMarks(t, rest[1:]...).All()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, newMarks(t, s.All()...).All()); diff != "" {
		t.Errorf("-want +got when added again\n%s", diff)
	}
	if s.Len() != len(want) {
		t.Errorf("%d marks, want %d", s.Len(), len(want))
	}

	clone := s.Clone()
	for _, step := range []struct {
		now        int64
		drop, left int
	}{{6, 0, 5}, {7, 0, 5}, {8, 1, 4}, {9, 1, 3}, {10, 1, 2}, {60, 0, 2}, {61, 1, 1}, {120, 0, 1}, {121, 1, 0}, {122, 0, 0}} {
		if n := s.DropExpired(step.now); n != step.drop || s.Len() != step.left {
			t.Errorf("at %d dropped %d and kept %d, want %d and %d", step.now, n, s.Len(), step.drop, step.left)
		}
	}
	if s.Revoked(&token.Claims{ID: "a", Session: "s", Subject: "u"}) {
		t.Error("dropped marks revoke")
	}
	if diff := cmp.Diff(want, clone.All()); diff != "" {
		t.Errorf("a clone changed with its origin: -want +got\n%s", diff)
	}
}

func TestMarkKind_String(t *testing.T) {
	got := make([]string, 6)
	for k := range got {
		got[k] = token.MarkKind(k).String()
	}
	if diff := cmp.Diff([]string{"unknown", "token", "session", "user", "all", "unknown"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func ExampleMarks() {
	const minute = 60
	var marks token.Marks
	// Somebody's account is locked at 12:00:00.250; access tokens live for 15 minutes.
	locked := int64(1_800_000_000_250)
	err := marks.Add(token.Mark{
		Kind:   token.MarkUser,
		Value:  "bilbo",
		Before: locked,
		Until:  locked/1000 + 15*minute + token.DefaultLeeway,
	})
	fmt.Println(err)
	before := token.Claims{Subject: "bilbo", IssuedAt: 1_800_000_000, IssuedAtMillis: 1_800_000_000_100}
	after := token.Claims{Subject: "bilbo", IssuedAt: 1_800_000_000, IssuedAtMillis: 1_800_000_000_900}
	fmt.Println(marks.Revoked(&before), marks.Revoked(&after))
	fmt.Println(marks.DropExpired(1_800_001_000), marks.Len())
	// Output:
	// <nil>
	// true false
	// 1 0
}

func BenchmarkMarks_Revoked(b *testing.B) {
	s := &token.Marks{}
	for i := range int64(100_000) {
		m := token.Mark{Kind: token.MarkKind(i%3) + token.MarkToken, Value: fmt.Sprintf("01932d60-1111-7abc-8def-%012d", i), Before: 1, Until: now}
		if err := s.Add(m); err != nil {
			b.Fatal(err)
		}
	}
	c := token.Claims{
		ID:             "01932d60-1111-7abc-8def-999999999999",
		Session:        "01932d60-1111-7abc-8def-999999999998",
		Subject:        "01932d60-1111-7abc-8def-000000000002",
		IssuedAt:       now,
		IssuedAtMillis: now*1000 + 7,
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.Revoked(&c) {
			b.Fatal("revoked")
		}
	}
}
