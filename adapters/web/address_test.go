package web_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/user"
)

func TestNearest(t *testing.T) {
	trusted := func(a netip.Addr) bool { return netip.MustParsePrefix("10.0.0.0/8").Contains(a) }
	for _, tt := range []struct {
		name, list, want string
		done             bool
	}{
		{"one", "192.0.2.1", "192.0.2.1", true},
		{"spoofed on the left", "1.2.3.4, 192.0.2.1", "192.0.2.1", true},
		{"behind two proxies", "192.0.2.1, 10.0.0.2", "192.0.2.1", true},
		{"spoofed behind two proxies", "10.9.9.9, 192.0.2.1, 10.0.0.2", "192.0.2.1", true},
		{"only proxies", "10.0.0.3, 10.0.0.2", "10.0.0.3", false},
		{"empty", "", "10.0.0.1", true},
		{"garbage", "garbage", "10.0.0.1", true},
		{"garbage nearest", "192.0.2.1, garbage", "10.0.0.1", true},
		{"garbage behind a proxy", "192.0.2.1, unknown, 10.0.0.2", "10.0.0.2", true},
		{"trailing comma", "192.0.2.1,", "10.0.0.1", true},
		{"port", "192.0.2.1:1234", "192.0.2.1", true},
		{"white space", " \t192.0.2.1 ", "192.0.2.1", true},
		{"IPv6", "2001:db8::1", "2001:db8::1", true},
		{"IPv6 in brackets", "[2001:db8::1]", "2001:db8::1", true},
		{"IPv6 with port", "[2001:db8::1]:443", "2001:db8::1", true},
		{"IPv4 in IPv6", "::ffff:192.0.2.1", "192.0.2.1", true},
		{"a proxy as IPv4 in IPv6", "192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1", true},
		{"zone", "fe80::1%eth0", "fe80::1", true},
		{"IPv4 in brackets", "[192.0.2.1]", "10.0.0.1", true},
		{"half a bracket", "[2001:db8::1", "10.0.0.1", true},
		{"host name", "localhost", "10.0.0.1", true},
		{"leading zeros", "192.0.02.1", "10.0.0.1", true},
		{"number", "3221225985", "10.0.0.1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, done := web.Nearest(tt.list, netip.MustParseAddr("10.0.0.1"), trusted)
			if got.String() != tt.want || done != tt.done {
				t.Errorf("%v %v, want %s %v", got, done, tt.want, tt.done)
			}
		})
	}
}

// attempts signs in without success from an address that X-Forwarded-For makes
// up, and returns how many were let through before the first 429.
func attempts(f *fixture, forwarded func(i int) []string) int {
	for i := range 12 {
		a := f.send("POST", "/auth/login", fields{"login": fmt.Sprint("nobody", i), "password": "x"}, http.Header{"X-Forwarded-For": forwarded(i)})
		if a.Status == 429 {
			return i
		}
	}
	return 12
}

func TestAddress_Limits(t *testing.T) {
	limit := func(c *auth.Config) { c.Settings.AddressLimit = user.Limit{Count: 4, Window: time.Minute} }
	for _, tt := range []struct {
		name      string
		trusted   bool
		forwarded func(i int) []string
		want      int
	}{
		{"made up by a client", false, func(i int) []string { return []string{fmt.Sprintf("192.0.2.%d", i)} }, 4},
		{"from a proxy", true, func(i int) []string { return []string{fmt.Sprintf("192.0.2.%d", i)} }, 12},
		{"made up through a proxy", true, func(i int) []string { return []string{fmt.Sprintf("192.0.2.%d, 198.51.100.1", i)} }, 4},
		{"made up in another header", true, func(i int) []string { return []string{fmt.Sprintf("192.0.2.%d", i), "198.51.100.1"} }, 4},
		{"made up before garbage", true, func(i int) []string { return []string{fmt.Sprintf("192.0.2.%d, x", i)} }, 4},
		{"one network of IPv6", true, func(i int) []string { return []string{fmt.Sprintf("2001:db8::%d:%x", i, i*7)} }, 4},
		{"networks of IPv6", true, func(i int) []string { return []string{fmt.Sprintf("2001:db8:0:%x::1", i)} }, 12},
		{"ports", true, func(i int) []string { return []string{fmt.Sprintf("192.0.2.1:%d", 1000+i)} }, 4},
		{"two spellings", true, func(i int) []string { return []string{[]string{"192.0.2.1", "::ffff:192.0.2.1"}[i%2]} }, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, options{auth: limit, web: func(c *web.Config) {
				if tt.trusted {
					c.TrustedProxies = []netip.Prefix{viaProxy}
				}
			}})
			if got := attempts(f, tt.forwarded); got != tt.want {
				t.Errorf("%d attempts, want %d", got, tt.want)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		trusted  bool
		kept     bool
	}{
		{"a proxy's", "abc-123_X.y", true, true},
		{"anybody's", "abc-123", false, false},
		{"too long", fmt.Sprintf("%065d", 1), true, false},
		{"not one word", "a b", true, false},
		{"forged line", "a\"},{\"level\":\"INFO", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, options{web: func(c *web.Config) {
				if tt.trusted {
					c.TrustedProxies = []netip.Prefix{viaProxy}
				}
			}})
			got := f.send("GET", "/auth/me", nil, http.Header{"X-Request-Id": {tt.id}}).want(401, "").Header.Get("X-Request-Id")
			if (got == tt.id) != tt.kept || len(got) < 11 {
				t.Errorf("request id %q", got)
			}
		})
	}
}
