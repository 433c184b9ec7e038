package edge_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

const many = 100_000

// stranger returns claims that nothing marks, so that every set is asked.
func stranger() token.Claims {
	return token.Claims{
		ID:       "01932d60-1111-7abc-8def-99999999999x",
		Session:  "01932d60-1111-7abc-8def-99999999999y",
		Subject:  "01932d60-1111-7abc-8def-99999999999z",
		IssuedAt: noon, IssuedAtMillis: kicked,
	}
}

func BenchmarkMarks_Revoked(b *testing.B) {
	for _, tc := range []struct {
		name string
		each int
	}{{"100,000 sessions", 0}, {"100,000 of each kind", many}} {
		b.Run(tc.name, func(b *testing.B) {
			m := newMarks(b, slices.Concat(crowd(token.MarkSession, many, 1), crowd(token.MarkToken, tc.each, 1), crowd(token.MarkUser, tc.each, 900_000))...)
			// Many different ones, so that no set of theirs stays in the processor's cache.
			claims := make([]token.Claims, 1<<12)
			for i := range claims {
				claims[i] = stranger()
				claims[i].ID, claims[i].Session, claims[i].Subject = fmt.Sprint(claims[i].ID, i), fmt.Sprint(claims[i].Session, i), fmt.Sprint(claims[i].Subject, i)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; m.Revoked(&claims[i%len(claims)]) {
					b.Fatal("revoked")
				}
			}
		})
	}
}

func BenchmarkNewMarks(b *testing.B) {
	list := crowd(token.MarkSession, many, 1)
	b.ReportAllocs()
	for b.Loop() {
		newMarks(b, list...)
	}
}

func BenchmarkParseMarks(b *testing.B) {
	doc := string(newMarks(b, crowd(token.MarkSession, many, 1)...).AppendJSON(nil))
	v, err := token.ParseJSON(doc)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := edge.ParseMarks(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarks_AppendJSON(b *testing.B) {
	m := newMarks(b, crowd(token.MarkSession, many, 1)...)
	to := m.AppendJSON(nil)
	b.SetBytes(int64(len(to)))
	b.ReportAllocs()
	for b.Loop() {
		to = m.AppendJSON(to[:0])
	}
}

// BenchmarkMarks_Merge adds the same number of new marks to 100,000 again and again; the set grows meanwhile, and is made anew
// before it has doubled.
func BenchmarkMarks_Merge(b *testing.B) {
	whole := newMarks(b, crowd(token.MarkSession, many, 1)...)
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d into 100,000", n), func(b *testing.B) {
			added := make([]*edge.Marks, many/2/n)
			for i := range added {
				list := make([]token.Mark, n)
				for j := range list {
					list[j] = token.Mark{Kind: token.MarkSession, Value: fmt.Sprint("new", i, ".", j)}
				}
				added[i] = newMarks(b, list...)
			}
			var m *edge.Marks
			i := len(added)
			b.ReportAllocs()
			for b.Loop() {
				if i == len(added) {
					b.StopTimer()
					m, i = &edge.Marks{}, 0
					if err := m.Merge(whole); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				if err := m.Merge(added[i]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
