//go:build unix

package access_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/hexward/hexward/core/access"
)

func BenchmarkPolicy_Decide(b *testing.B) {
	who := &access.Principal{Kind: access.User, Via: access.AccessToken, Permissions: []string{"parts:read", "write"}}
	for _, n := range []int{10, 100, 1000} {
		typical, err := access.NewPolicy(api(n))
		if err != nil {
			b.Fatal(err)
		}
		last := (n-1)/4 - 1
		worst, err := access.NewPolicy(tangle(n))
		if err != nil {
			b.Fatal(err)
		}
		for _, bench := range []struct {
			name, path string
			policy     *access.Policy
			want       int
		}{
			{"typical", fmt.Sprintf("/api/v1/resource-%03d/0199d7b2/parts/7?x=y", last), typical, 4*last + 2},
			{"escaped", fmt.Sprintf("/api/v1/resource%%2d%03d/0199%%c3%%a9/parts/7?x=y", last), typical, 4*last + 2},
			{"default", "/assets/app.css", typical, n - 1},
			{"refused", fmt.Sprintf("/api/v1/resource-%03d/../parts", last), typical, -1},
			{"worst", strings.Repeat("/a", 10) + "/y", worst, -1},
			{"longest", "/" + strings.Repeat("a", access.MaxPath-1), typical, n - 1},
			{"deepest", strings.Repeat("/a", access.MaxPath/2), typical, n - 1},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, bench.name), func(b *testing.B) {
				b.ReportAllocs()
				before := processorTime(b)
				for b.Loop() {
					if d := bench.policy.Decide("DELETE", bench.path, who); d.Rule != bench.want {
						b.Fatalf("%+v", d)
					}
				}
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// processorTime is how long the process has run, in nanoseconds: on a machine that others use too, the clock also measures them.
func processorTime(b *testing.B) int64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}

func BenchmarkNewPolicy(b *testing.B) {
	for name, rules := range map[string][]access.Rule{"api/1000": api(1000), "tangle/1000": tangle(1000), "api/4096": api(access.MaxRules)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := access.NewPolicy(rules); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
