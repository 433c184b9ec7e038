package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/access"
)

// api returns n rules as a service with many resources has them: four a resource, the last about everything else.
func api(n int) []access.Rule {
	rules := make([]access.Rule, 0, n)
	for i := 0; len(rules) < n-1; i++ {
		base := fmt.Sprintf("/api/v1/resource-%03d", i)
		rules = append(rules,
			access.Rule{Path: base, Methods: []string{"GET"}, Demand: access.SessionOrToken},
			access.Rule{Path: base, Methods: []string{"POST"}, Demand: access.SessionOrToken, Permissions: []string{"write"}},
			access.Rule{Path: base + "/*/parts/**", Demand: access.TokenOnly, Permissions: []string{"parts:read"}},
			access.Rule{Path: base + "/*", Demand: access.SessionOrToken, Permissions: []string{"write"}},
		)
	}
	return append(rules[:n-1], access.Rule{Path: "/**", Demand: access.SessionOnly})
}

// tangle returns n rules, at most 1,024, that overlap as much as rules can: a path of ten times "a" fits each but for its
// last segment, by another choice of stars.
func tangle(n int) []access.Rule {
	rules := make([]access.Rule, n)
	for i := range rules {
		for bit := range 10 {
			rules[i].Path += [...]string{"/a", "/*"}[i>>bit&1]
		}
		rules[i].Path += "/z"
	}
	// Later rules have no star where all the earlier ones that would take their requests have one.
	return rules
}

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
				for b.Loop() {
					if d := bench.policy.Decide("DELETE", bench.path, who); d.Rule != bench.want {
						b.Fatalf("%+v", d)
					}
				}
			})
		}
	}
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
