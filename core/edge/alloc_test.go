//go:build !race

package edge_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// What a request costs beyond its signature allocates nothing where the host reuses its memory, as a WebAssembly module does.
func TestVerifier_alloc(t *testing.T) {
	f := newFixture(t)
	b := f.next(t)
	b.Marks = newMarks(t, token.Mark{Kind: token.MarkSession, Value: "x"}, token.Mark{Kind: token.MarkUser, Value: "u9", Before: now})
	f.load(t, b)
	compact := f.own.token(nil)
	requests := map[string]*edge.Request{
		"bearer":  bearer("GET", "/orders/1", compact),
		"cookie":  {Method: "POST", Path: "/write", Cookie: "a=b; hw_access=" + compact, Origin: issuer},
		"nobody":  {Method: "GET", Path: "/orders/1"},
		"garbage": bearer("GET", "/orders/1", "garbage"),
	}
	var p edge.Pending
	p.Token.Volatile = true
	var out edge.Verdict
	var text []byte
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			n := testing.AllocsPerRun(100, func() {
				if f.PrepareDecide(r, now, &p, &out) {
					f.FinishDecide(&p, true, now, &out)
				}
				text = out.AppendJSON(text[:0])
			})
			if n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// A delta costs a verifier that is alone what it is long, and not what is held.
func TestVerifier_Load_alloc(t *testing.T) {
	const deltas = 64
	f := newFixture(t, ways["alone"])
	b := f.next(t)
	b.Marks = newMarks(t, crowd(token.MarkSession, many, 1)...)
	f.load(t, b)
	signed := make([][]byte, deltas)
	for i := range signed {
		signed[i] = f.publisher.bundle(t, f.delta(t, token.Mark{Kind: token.MarkSession, Value: fmt.Sprint("new", i)}))
	}
	if err := f.Load(signed[0], now); err != nil { // the marks move to where there is room
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, d := range signed[1:] {
		if err := f.Load(d, now); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / (deltas - 1); each > 16<<10 {
		t.Errorf("a delta costs %d bytes beside %d marks", each, many)
	} else {
		t.Logf("a delta costs %d bytes", each)
	}
}

func BenchmarkVerifier_Decide(b *testing.B) {
	f := loaded(b)
	r := bearer("GET", "/orders/1", f.own.token(nil))
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		var out edge.Verdict
		for b.Loop() {
			f.Decide(r, now, &out)
		}
	})
	b.Run("but the signature", func(b *testing.B) {
		b.ReportAllocs()
		var p edge.Pending
		p.Token.Volatile = true
		var out edge.Verdict
		for b.Loop() {
			f.PrepareDecide(r, now, &p, &out)
			f.FinishDecide(&p, true, now, &out)
		}
	})
}
