package edge_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

const (
	noon   = 1_800_000_000   // Unix seconds
	kicked = noon*1000 + 500 // Unix milliseconds, in the middle of a second
	last   = 253402300799999 // the last millisecond of the year 9999
)

var seed = edge.Seed{0x5e, 0xed, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}

func newMarks(t testing.TB, list ...token.Mark) *edge.Marks {
	t.Helper()
	m, err := edge.NewMarks(seed, list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parseMarks(doc string) (*edge.Marks, error) {
	v, err := token.ParseJSON(doc)
	if err != nil {
		return nil, err
	}
	return edge.ParseMarks(v)
}

// reread returns m as a reader of its JSON has it.
func reread(t testing.TB, m *edge.Marks) *edge.Marks {
	t.Helper()
	doc := string(m.AppendJSON(nil))
	got, err := parseMarks(doc)
	if err != nil {
		t.Fatalf("%.200s: %v", doc, err)
	}
	if again := string(got.AppendJSON(nil)); again != doc {
		t.Fatalf("%.200s reads as %.200s", doc, again)
	}
	return got
}

func TestMarks_Revoked(t *testing.T) {
	user := token.Mark{Kind: token.MarkUser, Value: "u1", Before: kicked}
	all := token.Mark{Kind: token.MarkAll, Before: kicked}
	session := token.Mark{Kind: token.MarkSession, Value: "s1"}
	single := token.Mark{Kind: token.MarkToken, Value: "t1"}
	issued := func(iat, ms int64) token.Claims {
		return token.Claims{Subject: "u1", IssuedAt: iat, IssuedAtMillis: ms}
	}
	for _, tc := range []struct {
		name   string
		mark   token.Mark
		claims token.Claims
		want   bool
	}{
		{"that token", single, token.Claims{ID: "t1"}, true},
		{"another token", single, token.Claims{ID: "t2"}, false},
		{"a longer id", single, token.Claims{ID: "t1\x00"}, false},
		{"session and user called like a token", single, token.Claims{Session: "t1", Subject: "t1"}, false},
		{"that session", session, token.Claims{Session: "s1", IssuedAt: noon + 1e6}, true},
		{"another session", session, token.Claims{Session: "s2"}, false},
		{"token and user called like a session", session, token.Claims{ID: "s1", Subject: "s1"}, false},
		{"without a session", session, token.Claims{}, false},
		{"without an id", single, token.Claims{}, false},
		{"token and session called like a user", user, token.Claims{ID: "u1", Session: "u1"}, false},
		{"issued a second before", user, issued(noon-1, 0), true},
		{"issued in that second, before", user, issued(noon, kicked-1), true},
		{"issued in that millisecond", user, issued(noon, kicked), true},
		{"issued in that second, after", user, issued(noon, kicked+1), false},
		{"issued in that second, no telling", user, issued(noon, 0), true},
		{"issued in that second, iat_ms of another", user, issued(noon, kicked+5000), true},
		{"issued a second before, iat_ms after", user, issued(noon-1, kicked+1), true},
		{"issued in the next second", user, issued(noon+1, 0), false},
		{"no iat", user, issued(0, 0), true},
		{"no iat but iat_ms", user, issued(0, kicked+1), true},
		{"another user", user, token.Claims{Subject: "u2", IssuedAt: noon - 1}, false},
		{"without a subject", user, token.Claims{}, false},
		{"everybody, before", all, token.Claims{Subject: "u2", IssuedAt: noon}, true},
		{"everybody, without subject", all, token.Claims{}, true},
		{"everybody, in that millisecond", all, issued(noon, kicked), true},
		{"everybody, after", all, issued(noon, kicked+1), false},
		{"for ever", token.Mark{Kind: token.MarkUser, Value: "u1", Before: math.MaxInt64}, issued(last/1000, last), true},
		{"everybody for ever", token.Mark{Kind: token.MarkAll, Before: math.MaxInt64}, issued(last/1000, last), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var server token.Marks
			if err := server.Add(tc.mark); err != nil {
				t.Fatal(err)
			}
			m := newMarks(t, tc.mark)
			if got := m.Revoked(&tc.claims); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if got := reread(t, m).Revoked(&tc.claims); got != tc.want {
				t.Errorf("got %v when read again, want %v", got, tc.want)
			}
			if got := server.Revoked(&tc.claims); got != tc.want {
				t.Errorf("the server's marks say %v, want %v", got, tc.want)
			}
		})
	}
}

func TestMarks_Revoked_nil(t *testing.T) {
	var none *edge.Marks
	if none.Revoked(&token.Claims{Subject: "u"}) || (&edge.Marks{}).Revoked(&token.Claims{ID: "t", Session: "s", Subject: "u"}) {
		t.Error("no marks revoke")
	}
	if !none.Revoked(nil) || !(&edge.Marks{}).Revoked(nil) {
		t.Error("no claims are good")
	}
	if none.Len() != 0 || string(none.AppendJSON(nil)) != "{}" {
		t.Errorf("no marks are %d, %s", none.Len(), none.AppendJSON(nil))
	}
}

func TestNewMarks_refuses(t *testing.T) {
	for _, mark := range []token.Mark{
		{},
		{Kind: token.MarkToken},
		{Kind: token.MarkSession},
		{Kind: token.MarkUser, Before: 1},
		{Kind: token.MarkUser, Value: "u"},
		{Kind: token.MarkUser, Value: "u", Before: -1},
		{Kind: token.MarkAll},
		{Kind: token.MarkAll, Before: 1, Value: "u"},
		{Kind: 9, Value: "u", Before: 1},
		{Kind: 255, Value: "u", Before: 1},
		{Kind: 0, Value: "u", Before: 1},
	} {
		list := []token.Mark{{Kind: token.MarkToken, Value: "a"}, mark}
		if m, err := edge.NewMarks(seed, list); !errors.Is(err, token.ErrMark) || m != nil {
			t.Errorf("%+v: got %v", mark, err)
		}
		if err := new(token.Marks).Add(mark); !errors.Is(err, token.ErrMark) {
			t.Errorf("%+v: the server's marks take it", mark)
		}
	}
	if _, err := edge.NewMarks(edge.Seed{}, nil); !errors.Is(err, edge.ErrSeed) {
		t.Errorf("without a seed: got %v", err)
	}
}

func TestMarks_Len(t *testing.T) {
	m := newMarks(
		t,
		token.Mark{Kind: token.MarkAll, Before: 5},
		token.Mark{Kind: token.MarkUser, Value: "u", Before: 10},
		token.Mark{Kind: token.MarkUser, Value: "u", Before: 30},
		token.Mark{Kind: token.MarkUser, Value: "u", Before: 20},
		token.Mark{Kind: token.MarkUser, Value: "v", Before: 20},
		token.Mark{Kind: token.MarkSession, Value: "s", Before: 9},
		token.Mark{Kind: token.MarkSession, Value: "s"},
		token.Mark{Kind: token.MarkToken, Value: "s"},
		token.Mark{Kind: token.MarkAll, Before: 4},
	)
	if m.Len() != 5 {
		t.Errorf("%d marks, want 5", m.Len())
	}
}

// world makes marks and claims out of few values, so that they meet.
type world struct{ *rand.Rand }

func (w world) value() string {
	if w.IntN(20) == 0 {
		return ""
	}
	return fmt.Sprintf("%x", w.IntN(60))
}

func (w world) millis() int64 { return kicked - 3000 + w.Int64N(6000) }

func (w world) mark() token.Mark {
	m := token.Mark{Kind: token.MarkToken + token.MarkKind(w.IntN(3)), Value: "x" + w.value(), Before: w.millis()}
	if w.IntN(100) == 0 {
		return token.Mark{Kind: token.MarkAll, Before: w.millis() - 2500}
	}
	return m
}

func (w world) marks(n int) []token.Mark {
	list := make([]token.Mark, n)
	for i := range list {
		list[i] = w.mark()
	}
	return list
}

func (w world) claims() token.Claims {
	ms := w.millis()
	c := token.Claims{ID: "x" + w.value(), Session: "x" + w.value(), Subject: "x" + w.value(), IssuedAt: ms / 1000, IssuedAtMillis: ms}
	switch w.IntN(8) {
	case 0:
		c.IssuedAtMillis = 0
	case 1:
		c.IssuedAtMillis += 1000
	case 2:
		c.IssuedAt = 0
	case 3:
		c.ID, c.Session = "", ""
	case 4:
		c.ID, c.Session, c.Subject = "", "", ""
	}
	return c
}

// TestMarks_asServer holds the marks of an edge against those of the server they were made of: at once, read again, and put
// together from parts.
func TestMarks_asServer(t *testing.T) {
	for round := range uint64(400) {
		w := world{rand.New(rand.NewPCG(round, 1))}
		list := w.marks(w.IntN(40))
		var server token.Marks
		for _, m := range list {
			if err := server.Add(m); err != nil {
				t.Fatal(err)
			}
		}
		whole := newMarks(t, list...)
		snapshot := newMarks(t, server.All()...)
		var parts edge.Marks
		for rest := list; len(rest) > 0; {
			n := 1 + w.IntN(len(rest))
			if err := parts.Merge(reread(t, newMarks(t, rest[:n]...))); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if whole.Len() != server.Len() {
			t.Fatalf("round %d: %d marks, want %d", round, whole.Len(), server.Len())
		}
		doc := string(whole.AppendJSON(nil))
		if got := string(snapshot.AppendJSON(nil)); got != doc {
			t.Fatalf("round %d: %s of a snapshot, %s of what it is of", round, got, doc)
		}
		if got := string(parts.AppendJSON(nil)); len(list) > 0 && got != doc {
			t.Fatalf("round %d: %s of parts, %s of the whole", round, got, doc)
		}
		again := reread(t, whole)
		for range 200 {
			c := w.claims()
			want := server.Revoked(&c)
			if whole.Revoked(&c) != want || again.Revoked(&c) != want || len(list) > 0 && parts.Revoked(&c) != want {
				t.Fatalf("round %d: %+v: %v, %v read again, %v of parts, want %v", round, c, whole.Revoked(&c), again.Revoked(&c), parts.Revoked(&c), want)
			}
		}
	}
}

func TestMarks_Merge(t *testing.T) {
	other, err := edge.NewMarks(edge.Seed{9}, []token.Mark{{Kind: token.MarkToken, Value: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	m := newMarks(t, token.Mark{Kind: token.MarkUser, Value: "u", Before: kicked}, token.Mark{Kind: token.MarkSession, Value: "s"})
	before := string(m.AppendJSON(nil))
	if err := m.Merge(other); !errors.Is(err, edge.ErrSeed) {
		t.Errorf("another seed: got %v", err)
	}
	if err := (*edge.Marks)(nil).Merge(other); !errors.Is(err, edge.ErrSeed) {
		t.Errorf("into nil: got %v", err)
	}
	for name, same := range map[string]*edge.Marks{"nil": nil, "the zero value": {}, "itself": m, "nothing new": newMarks(t)} {
		if err := m.Merge(same); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if after := string(m.AppendJSON(nil)); after != before {
		t.Errorf("changed to %s, want %s", after, before)
	}
	var empty edge.Marks
	if err := empty.Merge(m); err != nil {
		t.Error(err)
	}
	if err := empty.Merge(newMarks(t, token.Mark{Kind: token.MarkUser, Value: "u", Before: kicked + 1})); err != nil {
		t.Error(err)
	}
	if after := string(m.AppendJSON(nil)); after != before {
		t.Errorf("a copy shares memory: changed to %s, want %s", after, before)
	}
	c := token.Claims{Subject: "u", IssuedAt: noon, IssuedAtMillis: kicked + 1}
	if !empty.Revoked(&c) || m.Revoked(&c) {
		t.Error("the later Before does not win in the copy alone")
	}
	if err := empty.Merge(m); err != nil || !empty.Revoked(&c) {
		t.Errorf("an earlier Before wins (%v)", err)
	}
}

// TestMarks_tooMany holds that nothing goes beyond the bound, and that a set at the bound stays whole when more is refused.
func TestMarks_tooMany(t *testing.T) {
	list := make([]token.Mark, 0, edge.MaxMarks+1)
	for i := range edge.MaxMarks + 1 {
		list = append(list, token.Mark{Kind: token.MarkSession, Value: fmt.Sprint(i)})
	}
	if _, err := edge.NewMarks(seed, list); !errors.Is(err, edge.ErrManyMarks) {
		t.Errorf("one too many: got %v", err)
	}
	neighbours := strings.Repeat("1"+strings.Repeat("0", 35), edge.MaxMarks+1)
	for n, want := range map[int]error{edge.MaxMarks: nil, edge.MaxMarks + 1: edge.ErrMarks} {
		if _, err := parseMarks(tokensOf(n, text(neighbours[:36*n]))); !errors.Is(err, want) {
			t.Errorf("%d read: got %v, want %v", n, err, want)
		}
	}
	full := newMarks(t, list[:edge.MaxMarks]...)
	again := reread(t, full)
	added := newMarks(t, token.Mark{Kind: token.MarkToken, Value: "t"}, list[edge.MaxMarks], token.Mark{Kind: token.MarkAll, Before: 1})
	if err := again.Merge(added); !errors.Is(err, edge.ErrManyMarks) {
		t.Errorf("one more: got %v", err)
	}
	if again.Len() != edge.MaxMarks || again.Revoked(&token.Claims{ID: "t", Session: list[edge.MaxMarks].Value, IssuedAt: noon}) {
		t.Errorf("a refused addition changed the set, of %d", again.Len())
	}
	if err := again.Merge(newMarks(t, list[7])); err != nil {
		t.Errorf("one that is there: got %v", err)
	}
	for _, m := range []token.Mark{list[0], list[7], list[edge.MaxMarks-1]} {
		if !again.Revoked(&token.Claims{Session: m.Value}) {
			t.Errorf("%s is not revoked", m.Value)
		}
	}
}

func TestMarks_AppendJSON(t *testing.T) {
	for _, tc := range []struct {
		name string
		list []token.Mark
		want string
	}{
		{"none", nil, `x{"seed":"Xu0BAgMEBQYHCAkKCwwNDg"}`},
		{"everybody", []token.Mark{{Kind: token.MarkAll, Before: kicked}}, `x{"seed":"Xu0BAgMEBQYHCAkKCwwNDg","all":1800000000500}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, string(newMarks(t, tc.list...).AppendJSON([]byte("x")))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	list := []token.Mark{
		{Kind: token.MarkToken, Value: "a"},
		{Kind: token.MarkToken, Value: "b"},
		{Kind: token.MarkSession, Value: "a"},
		{Kind: token.MarkUser, Value: "a", Before: kicked},
		{Kind: token.MarkUser, Value: "b", Before: kicked + 9},
		{Kind: token.MarkAll, Before: 7},
	}
	want := string(newMarks(t, list...).AppendJSON(nil))
	slices.Reverse(list)
	if got := string(newMarks(t, append(list, list...)...).AppendJSON(nil)); got != want {
		t.Errorf("%s in another order, want %s", got, want)
	}
}
