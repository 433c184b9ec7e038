//go:build !race

package edge_test

import (
	"testing"

	"github.com/hexward/hexward/core/edge"
)

// The tokens of other issuers cost no memory either.
func TestVerifier_alloc_foreign(t *testing.T) {
	f := newAbroad(t)
	requests := map[string]*edge.Request{
		"person":   bearer("GET", "/orders/1", as(f.partner, partnerURL, "alice", map[string]any{"scope": "b a"})),
		"machine":  bearer("GET", "/orders/1", as(f.partner, partnerURL, "job", map[string]any{"client_id": "job", "scope": "orders:read b"})),
		"stranger": bearer("GET", "/orders/1", as(f.other, otherURL, "frank", map[string]any{"org": "org-a"})),
		"nobody's": bearer("GET", "/orders/1", as(f.other, "https://evil.example", "frank", nil)),
	}
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			var p edge.Pending
			p.Token.Volatile = true
			var v edge.Verdict
			if n := testing.AllocsPerRun(100, func() {
				if f.PrepareDecide(r, now, &p, &v) {
					f.FinishDecide(&p, true, now, &v)
				}
			}); n != 0 {
				t.Errorf("%v allocations for %s", n, v.Code)
			}
		})
	}
}

func BenchmarkVerifier_Decide_foreign(b *testing.B) {
	f := newAbroad(b)
	r := bearer("GET", "/orders/1", as(f.partner, partnerURL, "alice", map[string]any{"scope": "b a"}))
	var p edge.Pending
	p.Token.Volatile = true
	var v edge.Verdict
	b.ReportAllocs()
	for b.Loop() {
		f.PrepareDecide(r, now, &p, &v)
		f.FinishDecide(&p, true, now, &v)
	}
}
