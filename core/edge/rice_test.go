package edge_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

const (
	top      = 1 << 56
	seedText = "Xu0BAgMEBQYHCAkKCwwNDg"
)

// text returns digits, each '0' or '1', as base64url of whole bytes.
func text(digits string) string {
	digits += strings.Repeat("0", (8-len(digits)%8)%8)
	raw := make([]byte, 0, len(digits)/8)
	for ; digits != ""; digits = digits[8:] {
		b, err := strconv.ParseUint(digits[:8], 2, 8)
		if err != nil {
			panic(err)
		}
		raw = append(raw, byte(b))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// binaryOf returns the low n bits of v as digits.
func binaryOf(v uint64, n int) string {
	var b strings.Builder
	for n--; n >= 0; n-- {
		b.WriteByte('0' + byte(v>>n&1))
	}
	return b.String()
}

// riceOf writes a set of ascending hashes, of which each is followed by its tail, digit by digit.
func riceOf(hashes []uint64, tails ...string) string {
	k := 56 - bits.Len(uint(len(hashes)))
	var b strings.Builder
	next := uint64(0)
	for i, h := range hashes {
		b.WriteString(strings.Repeat("0", int((h-next)>>k)) + "1" + binaryOf(h-next, k))
		if tails != nil {
			b.WriteString(tails[i])
		}
		next = h + 1
	}
	return b.String()
}

func docOf(set string) string { return `{"seed":"` + seedText + `",` + set + `}` }

func tokensOf(n int, hashes string) string {
	return docOf(fmt.Sprintf(`"tokens":{"count":%d,"hashes":"%s"}`, n, hashes))
}

func usersOf(n int, from int64, width int, hashes string) string {
	return docOf(fmt.Sprintf(`"users":{"count":%d,"from":%d,"width":%d,"hashes":"%s"}`, n, from, width, hashes))
}

var (
	oneText   = text(riceOf([]uint64{1 << 20})) // its last digit has four bits to spare
	three     = []uint64{7, 8, top / 2}
	threeText = text(riceOf(three))
	timesText = text(riceOf(three, "0101", "1111", "0000"))
)

var marksCases = []struct {
	name, doc string
	ok        bool
}{
	{"nothing", `{}`, true},
	{"a seed alone", `{"seed":"` + seedText + `"}`, true},
	{"space", ` { "seed" : "` + seedText + `" , "all" : 5 } `, true},
	{"another order", `{"all":5,"seed":"` + seedText + `"}`, true},
	{"tokens", tokensOf(3, threeText), true},
	{"sessions", strings.Replace(tokensOf(3, threeText), "tokens", "sessions", 1), true},
	{"users", usersOf(3, kicked, 4, timesText), true},
	{"users of one moment", usersOf(3, kicked, 0, threeText), true},
	{"least and greatest hash", tokensOf(2, text(riceOf([]uint64{0, top - 1}))), true},
	{"one hash, the greatest", tokensOf(1, text(riceOf([]uint64{top - 1}))), true},
	{"neighbours at the end", tokensOf(3, text(riceOf([]uint64{top - 3, top - 2, top - 1}))), true},
	{"all of them", docOf(`"tokens":{"count":3,"hashes":"` + threeText + `"},"sessions":{"count":3,"hashes":"` + threeText +
		`"},"users":{"count":3,"from":1,"width":4,"hashes":"` + timesText + `"},"all":1`), true},
	{"the widest times", usersOf(2, 1, 48, text(riceOf([]uint64{1, 2}, binaryOf(0, 48), binaryOf(last-1, 48)))), true},
	{"the last moment", usersOf(1, last, 0, text(riceOf([]uint64{1}))), true},
	{"everybody, last moment", docOf(`"all":253402300799999`), true},

	{"null", `null`, false},
	{"array", `[]`, false},
	{"string", `"` + seedText + `"`, false},
	{"number", `1`, false},
	{"unknown member", docOf(`"until":1`), false},
	{"unknown member alone", `{"x":1}`, false},
	{"miscased member", docOf(`"All":1`), false},
	{"duplicate member", docOf(`"all":1,"all":1`), false},
	{"duplicate by escape", docOf(`"all":1,"\u0061ll":1`), false},
	{"no seed", `{"all":1}`, false},
	{"null for a seed", `{"seed":null}`, false},
	{"number for a seed", `{"seed":1}`, false},
	{"empty seed", `{"seed":""}`, false},
	{"zero seed", `{"seed":"AAAAAAAAAAAAAAAAAAAAAA"}`, false},
	{"short seed", `{"seed":"Xu0BAgMEBQYHCAkKCwwN"}`, false},
	{"long seed", `{"seed":"Xu0BAgMEBQYHCAkKCwwNDgA"}`, false},
	{"seed with trailing bits", `{"seed":"Xu0BAgMEBQYHCAkKCwwNDh"}`, false},
	{"seed with padding", `{"seed":"` + seedText + `=="}`, false},
	{"seed with an escape", `{"seed":"\u0058u0BAgMEBQYHCAkKCwwNDg"}`, false},
	{"seed in the other alphabet", `{"seed":"+u0BAgMEBQYHCAkKCwwNDg"}`, false},

	{"everybody at 0", docOf(`"all":0`), false},
	{"everybody at -1", docOf(`"all":-1`), false},
	{"everybody at a half", docOf(`"all":1.5`), false},
	{"everybody as text", docOf(`"all":"1"`), false},
	{"everybody null", docOf(`"all":null`), false},
	{"everybody in the year 10000", docOf(`"all":253402300800000`), false},

	{"set null", docOf(`"tokens":null`), false},
	{"set an array", docOf(`"tokens":[3,"` + threeText + `"]`), false},
	{"set a string", docOf(`"tokens":"` + threeText + `"`), false},
	{"empty set", docOf(`"tokens":{}`), false},
	{"no count", docOf(`"tokens":{"hashes":"` + threeText + `"}`), false},
	{"no hashes", docOf(`"tokens":{"count":3}`), false},
	{"hashes null", docOf(`"tokens":{"count":3,"hashes":null}`), false},
	{"hashes a number", docOf(`"tokens":{"count":3,"hashes":3}`), false},
	{"unknown member in a set", docOf(`"tokens":{"count":3,"hashes":"` + threeText + `","x":1}`), false},
	{"times in a set without", docOf(`"tokens":{"count":3,"hashes":"` + threeText + `","from":1}`), false},
	{"widths in a set without", docOf(`"tokens":{"count":3,"hashes":"` + threeText + `","width":0}`), false},
	{"seed in a set", docOf(`"tokens":{"count":3,"hashes":"` + threeText + `","seed":"` + seedText + `"}`), false},
	{"count text", docOf(`"tokens":{"count":"3","hashes":"` + threeText + `"}`), false},
	{"count a half", docOf(`"tokens":{"count":2.5,"hashes":"` + threeText + `"}`), false},
	{"count 0", tokensOf(0, threeText), false},
	{"count 0 of nothing", tokensOf(0, ""), false},
	{"count -1", tokensOf(-1, threeText), false},
	{"count one less", tokensOf(2, threeText), false},
	{"count one more", tokensOf(4, threeText), false},
	{"count the most", tokensOf(edge.MaxMarks, threeText), false},
	{"count beyond the most", tokensOf(edge.MaxMarks+1, threeText), false},
	{"count beyond 32 bits", docOf(`"tokens":{"count":4294967299,"hashes":"` + threeText + `"}`), false},
	{"count beyond 53 bits", docOf(`"tokens":{"count":18446744073709551619,"hashes":"` + threeText + `"}`), false},
	{"nothing of 3", tokensOf(3, ""), false},
	{"a digit short", tokensOf(3, threeText[:len(threeText)-1]), false},
	{"a byte short", tokensOf(3, text(riceOf(three)[:8*(len(riceOf(three))/8)])), false},
	{"a digit more", tokensOf(3, threeText+"A"), false},
	{"a byte more", tokensOf(3, text(riceOf(three)+strings.Repeat("0", 8))), false},
	{"many zeros more", tokensOf(3, threeText+strings.Repeat("A", 1<<16)), false},
	{"a bit set after the end", tokensOf(3, text(riceOf(three)+"1")), false},
	{"a bit set after the last byte", tokensOf(1, oneText[:len(oneText)-1]+"B"), false},
	{"another bit set after the last byte", tokensOf(1, oneText[:len(oneText)-1]+"I"), false},
	{"padding", tokensOf(3, threeText+"="), false},
	{"line end", tokensOf(3, threeText[:4]+`\n`+threeText[4:]), false},
	{"escaped digit", tokensOf(3, `\u0041`+threeText[1:]), false},
	{"no digit", tokensOf(3, "*"+threeText[1:]), false},
	{"no digit last", tokensOf(3, threeText[:len(threeText)-1]+"*"), false},
	{"no ASCII", tokensOf(3, "é"+threeText[2:]), false},
	{"zeros without an end", tokensOf(1, strings.Repeat("A", 1<<16)), false},
	{"hash of 2^56", tokensOf(1, text("001"+strings.Repeat("0", 55))), false},
	{"hash of 2^56 by a neighbour", tokensOf(2, text("0001"+strings.Repeat("1", 54)+"1"+strings.Repeat("0", 54))), false},
	{"hash of nearly 2^57", tokensOf(2, text(strings.Repeat("0001"+strings.Repeat("1", 54), 2))), false},
	{"zeros that would wrap", tokensOf(2, text(strings.Repeat("0", 1024)+"1"+strings.Repeat("0", 54)+"1"+strings.Repeat("0", 54))), false},

	{"users without times", docOf(`"users":{"count":3,"hashes":"` + threeText + `"}`), false},
	{"users without from", docOf(`"users":{"count":3,"hashes":"` + threeText + `","width":0}`), false},
	{"users without width", docOf(`"users":{"count":3,"hashes":"` + threeText + `","from":1}`), false},
	{"from text", docOf(`"users":{"count":3,"hashes":"` + threeText + `","from":"1","width":0}`), false},
	{"width text", docOf(`"users":{"count":3,"hashes":"` + threeText + `","from":1,"width":"0"}`), false},
	{"from 0", usersOf(3, 0, 4, timesText), false},
	{"from before 1970", usersOf(3, -1, 4, timesText), false},
	{"from in the year 10000", usersOf(3, last+1, 0, threeText), false},
	{"from none's", usersOf(3, kicked, 4, text(riceOf(three, "0101", "1111", "0001"))), false},
	{"wider than needed", usersOf(3, kicked, 5, text(riceOf(three, "00101", "01111", "00000"))), false},
	{"width -1", usersOf(3, kicked, -1, threeText), false},
	{"width 49", usersOf(2, 1, 49, text(riceOf([]uint64{1, 2}, binaryOf(0, 49), binaryOf(1<<48, 49)))), false},
	{"width 64", usersOf(3, kicked, 64, threeText+threeText+threeText), false},
	{"width beyond 32 bits", docOf(`"users":{"count":3,"hashes":"` + timesText + `","from":1,"width":4294967300}`), false},
	{"a time in the year 10000", usersOf(2, 1, 48, text(riceOf([]uint64{1, 2}, binaryOf(0, 48), binaryOf(last, 48)))), false},
	{"a time short", usersOf(3, kicked, 4, text(riceOf(three, "0101", "1111", ""))), false},
}

func TestParseMarks(t *testing.T) {
	if !strings.HasSuffix(oneText, "A") {
		t.Fatalf("%s has no bits to spare", oneText)
	}
	for _, tc := range marksCases {
		t.Run(tc.name, func(t *testing.T) {
			m, err := parseMarks(tc.doc)
			if (err == nil) != tc.ok || (m == nil) == tc.ok {
				t.Fatalf("got %v, %v, want accepted %v", m, err, tc.ok)
			}
			if err != nil && !errors.Is(err, edge.ErrMarks) && !strings.HasPrefix(tc.name, "duplicate") {
				t.Errorf("got %v, want ErrMarks", err)
			}
			if err == nil {
				sameDocument(t, tc.doc, string(m.AppendJSON(nil)))
			}
		})
	}
	if _, err := edge.ParseMarks(token.Value{}); !errors.Is(err, edge.ErrMarks) {
		t.Errorf("no value: got %v", err)
	}
}

type setDoc struct {
	Count  float64  `json:"count"`
	From   *float64 `json:"from"`
	Width  *float64 `json:"width"`
	Hashes string   `json:"hashes"`
}

type marksDoc struct {
	Seed     string   `json:"seed"`
	Tokens   *setDoc  `json:"tokens"`
	Sessions *setDoc  `json:"sessions"`
	Users    *setDoc  `json:"users"`
	All      *float64 `json:"all"`
}

// sameDocument holds that what was read and what is written are the same but for how JSON is spelt.
func sameDocument(t *testing.T, read, written string) {
	t.Helper()
	var docs [2]marksDoc
	for i, text := range []string{read, written} {
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&docs[i]); err != nil {
			t.Fatalf("%.300s: %v", text, err)
		}
	}
	if diff := cmp.Diff(docs[0], docs[1]); diff != "" {
		t.Fatalf("-read +written\n%s", diff)
	}
}

// TestParseMarks_allocations holds that a count allocates nothing that its text does not bear out.
func TestParseMarks_allocations(t *testing.T) {
	for _, tc := range []struct {
		name, doc string
		most      uint64 // bytes
	}{
		{"a count alone", tokensOf(edge.MaxMarks, threeText), 2048},
		{"users, a count alone", usersOf(edge.MaxMarks, 1, 48, threeText), 2048},
		{"users, no room for times", usersOf(1<<14, 1, 48, strings.Repeat("A", 8<<14)), 2048},
		{"zeros", tokensOf(1<<14, strings.Repeat("A", 1<<17)), 1 << 18},
		{"a set that is too long", tokensOf(1, strings.Repeat("A", 1<<20)), 2048},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := token.ParseJSON(tc.doc)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 10 {
				if _, err := edge.ParseMarks(v); err == nil {
					t.Fatal("accepted")
				}
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / 10; got > tc.most {
				t.Errorf("%d bytes, want at most %d", got, tc.most)
			}
		})
	}
}

// TestMarks_clustered holds sets that no hash would make: neighbours, the ends, everything below one leading bit.
func TestMarks_clustered(t *testing.T) {
	for round := range uint64(300) {
		r := rand.New(rand.NewPCG(round, 2))
		set := func() []uint64 {
			base := r.Uint64N(top)
			list := make([]uint64, 1+r.IntN(300))
			for i := range list {
				switch r.IntN(4) {
				case 0:
					list[i] = r.Uint64N(top)
				case 1:
					list[i] = r.Uint64N(50)
				case 2:
					list[i] = top - 1 - r.Uint64N(50)
				default:
					list[i] = min(base+r.Uint64N(1<<(2+r.IntN(10))), top-1)
				}
			}
			slices.Sort(list)
			return slices.Compact(list)
		}
		a, b := set(), set()
		m := parsed(t, a)
		holdsOnly(t, m, a)
		if err := m.Merge(parsed(t, b)); err != nil {
			t.Fatal(err)
		}
		both := append(slices.Clone(a), b...)
		slices.Sort(both)
		both = slices.Compact(both)
		holdsOnly(t, m, both)
		if want := tokensOf(len(both), text(riceOf(both))); string(m.AppendJSON(nil)) != want {
			t.Fatalf("%v and %v make %s, want %s", a, b, m.AppendJSON(nil), want)
		}
	}
}

// parsed returns the marks of tokens with these hashes.
func parsed(t testing.TB, hashes []uint64) *edge.Marks {
	t.Helper()
	doc := tokensOf(len(hashes), text(riceOf(hashes)))
	m, err := parseMarks(doc)
	if err != nil {
		t.Fatalf("%s of %v: %v", doc, hashes, err)
	}
	if got := string(m.AppendJSON(nil)); got != doc {
		t.Fatalf("%v read as %s, want %s", hashes, got, doc)
	}
	return m
}

func holdsOnly(t testing.TB, m *edge.Marks, hashes []uint64) {
	t.Helper()
	if m.Len() != len(hashes) {
		t.Fatalf("%d hashes, want %d", m.Len(), len(hashes))
	}
	for _, h := range hashes {
		for near := max(h, 2) - 2; near <= min(h+2, top-1); near++ {
			if _, want := slices.BinarySearch(hashes, near); m.HasToken(near) != want {
				t.Fatalf("%d among %v: got %v, want %v", near, hashes, !want, want)
			}
		}
	}
}

// crowd returns marks of n values that look like our ids, made at random moments of so many milliseconds.
func crowd(kind token.MarkKind, n int, window int64) []token.Mark {
	r := rand.New(rand.NewPCG(uint64(n), uint64(kind)))
	list := make([]token.Mark, n)
	for i := range list {
		list[i] = token.Mark{Kind: kind, Value: fmt.Sprintf("01932d60-%04x-7%03x-8def-%012x", r.IntN(1<<16), r.IntN(1<<12), r.Int64N(1<<48))}
		if kind == token.MarkUser {
			list[i].Before = kicked + r.Int64N(window)
		}
	}
	return list
}

// TestMarks_size holds what 100,000 marks take of a bundle, which is a compact JWS: its payload is base64url once more.
func TestMarks_size(t *testing.T) {
	const n, most, quarter = 100_000, 1_000_000, 15 * 60 * 1000
	for _, tc := range []struct {
		name   string
		kind   token.MarkKind
		window int64
		most   int
		packed int // with gzip
	}{
		{"tokens", token.MarkToken, 0, most, most},
		{"sessions", token.MarkSession, 0, most, most},
		{"users at one moment", token.MarkUser, 1, most, most},
		{"users within a quarter of an hour", token.MarkUser, quarter, 1_400_000, most},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMarks(t, crowd(tc.kind, n, tc.window)...)
			reread(t, m)
			doc := m.AppendJSON(nil)
			part := base64.RawURLEncoding.EncodeToString(doc)
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			fmt.Fprint(w, part)
			w.Close()
			t.Logf("%d marks: %.2f bits each before base64, %d bytes of JSON, %d of the JWS, %d with gzip",
				m.Len(), float64(len(doc)*6)/n, len(doc), len(part), packed.Len())
			if m.Len() != n || len(part) > tc.most || packed.Len() > tc.packed {
				t.Errorf("%d marks take %d bytes, %d with gzip, want at most %d and %d", m.Len(), len(part), packed.Len(), tc.most, tc.packed)
			}
		})
	}
}

// TestMarks_allocations holds that looking up allocates nothing, and that many small additions move the set seldom.
func TestMarks_allocations(t *testing.T) {
	list := slices.Concat(crowd(token.MarkToken, 1000, 1), crowd(token.MarkSession, 1000, 1), crowd(token.MarkUser, 1000, 1000))
	m := newMarks(t, list...)
	claims := []token.Claims{
		{ID: "a", Session: "b", Subject: "c", IssuedAt: noon},
		{ID: list[0].Value, Session: "b", Subject: "c", IssuedAt: noon},
		{ID: "a", Session: list[1000].Value, Subject: "c", IssuedAt: noon},
		{ID: "a", Session: "b", Subject: list[2000].Value, IssuedAt: noon},
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range claims {
			if m.Revoked(&claims[i]) != (i > 0) {
				t.Fatal("wrong")
			}
		}
	}); n != 0 {
		t.Errorf("looking up makes %v allocations, want 0", n)
	}
	var added []*edge.Marks
	for i := 0; i < len(list); i += 3 {
		added = append(added, newMarks(t, list[i:i+3]...))
	}
	if n := testing.AllocsPerRun(1, func() {
		var m edge.Marks
		for _, a := range added {
			if err := m.Merge(a); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 100 {
		t.Errorf("%d additions make %v allocations, want at most 100", len(added), n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := m.Merge(added[0]); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("adding what is there makes %v allocations, want 0", n)
	}
}

func FuzzParseMarks(f *testing.F) {
	for _, tc := range marksCases {
		if len(tc.doc) < 1000 {
			f.Add(tc.doc)
		}
	}
	f.Add(string(newMarks(f, crowd(token.MarkSession, 20, 1)...).AppendJSON(nil)))
	f.Add(string(newMarks(f, crowd(token.MarkUser, 20, 1<<20)...).AppendJSON(nil)))
	f.Fuzz(func(t *testing.T, doc string) {
		m, err := parseMarks(doc)
		if err != nil {
			return
		}
		written := m.AppendJSON(nil)
		sameDocument(t, doc, string(written))
		again := reread(t, m)
		if err := again.Merge(m); err != nil || !bytes.Equal(again.AppendJSON(nil), written) {
			t.Fatalf("%s with itself: %v, %s", doc, err, again.AppendJSON(nil))
		}
		var copied edge.Marks
		if err := copied.Merge(m); err != nil || !bytes.Equal(copied.AppendJSON(nil), written) {
			t.Fatalf("%s with nothing: %v, %s", doc, err, copied.AppendJSON(nil))
		}
		m.Revoked(&token.Claims{ID: "a", Session: "b", Subject: "c", IssuedAt: noon})
	})
}

// FuzzMarks_hashes reads two sets of arbitrary hashes, each as a difference of up to seven bytes, and merges them.
func FuzzMarks_hashes(f *testing.F) {
	f.Add([]byte{1, 0, 1, 0, 2, 1, 0}, []byte{7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Add([]byte{7, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 5}, []byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, x, y []byte) {
		sets := [2][]uint64{ascending(x), ascending(y)}
		if len(sets[0]) == 0 || len(sets[1]) == 0 {
			return
		}
		m := parsed(t, sets[0])
		if err := m.Merge(parsed(t, sets[1])); err != nil {
			t.Fatal(err)
		}
		both := slices.Concat(sets[0], sets[1])
		slices.Sort(both)
		holdsOnly(t, m, slices.Compact(both))
		reread(t, m)
	})
}

// ascending reads differences, each the number of its bytes and those.
func ascending(data []byte) (list []uint64) {
	next := uint64(0)
	for len(data) > 0 && len(list) < 1000 {
		n := min(int(data[0]%8), len(data)-1)
		var d [8]byte
		copy(d[8-n:], data[1:1+n])
		data = data[1+n:]
		if next += binary.BigEndian.Uint64(d[:]); next >= top {
			break
		}
		list = append(list, next)
		next++
	}
	return list
}

// FuzzMarks_Revoked makes marks and claims of a few values each and holds the verdicts against those of the server's marks.
func FuzzMarks_Revoked(f *testing.F) {
	f.Add([]byte{1, 1, 5, 2, 2, 5, 3, 3, 5, 4, 0, 5}, byte(2), []byte{1, 2, 3, 0, 5, 9, 9, 3, 1, 4, 0, 0, 0, 1, 1})
	f.Fuzz(func(t *testing.T, marks []byte, cut byte, claims []byte) {
		value := func(b byte) string {
			if b%16 == 0 {
				return ""
			}
			return strings.Repeat("v", int(b%16))
		}
		var server token.Marks
		var list []token.Mark
		for ; len(marks) >= 3; marks = marks[3:] {
			m := token.Mark{Kind: token.MarkKind(marks[0] % 6), Value: value(marks[1]), Before: kicked + 100*(int64(marks[2])-128)}
			err := server.Add(m)
			if _, err2 := edge.NewMarks(seed, []token.Mark{m}); !errors.Is(err2, err) {
				t.Fatalf("%+v: got %v, want %v", m, err2, err)
			}
			if err == nil {
				list = append(list, m)
			}
		}
		at := min(int(cut), len(list))
		m := reread(t, newMarks(t, list[:at]...))
		if err := m.Merge(reread(t, newMarks(t, list[at:]...))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(newMarks(t, server.All()...).AppendJSON(nil)), string(m.AppendJSON(nil))); diff != "" {
			t.Fatal(diff)
		}
		for ; len(claims) >= 5; claims = claims[5:] {
			ms := kicked + 100*(int64(claims[4])-128)
			c := token.Claims{ID: value(claims[0]), Session: value(claims[1]), Subject: value(claims[2]), IssuedAt: ms / 1000, IssuedAtMillis: ms}
			switch claims[3] % 4 {
			case 1:
				c.IssuedAtMillis = 0
			case 2:
				c.IssuedAt = 0
			case 3:
				c.IssuedAt--
			}
			if got, want := m.Revoked(&c), server.Revoked(&c); got != want {
				t.Fatalf("%+v: got %v, want %v", c, got, want)
			}
		}
	})
}
