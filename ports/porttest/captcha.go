package porttest

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// Captcha holds an implementation to the contract of ports.Captcha. Of the two
// that the function returns, one says yes to the response good and no to every
// other; nobody answers the other.
func Captcha(t *testing.T, good string, pair func(t *testing.T) (up, down ports.Captcha)) {
	t.Helper()
	up, down := pair(t)
	ctx := t.Context()
	clients := map[string]netip.Addr{
		"IPv4": netip.MustParseAddr("192.0.2.7"), "IPv6": netip.MustParseAddr("2001:db8::7"), "unknown": {},
	}
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			if err := up.Check(ctx, good, client); err != nil {
				t.Errorf("a good response: %v", err)
			}
			for _, bad := range []string{"", "bad", good + "x", strings.Repeat(good, 10_000), "\x00", good + "&success=true"} {
				err := up.Check(ctx, bad, client)
				var f *fault.Error
				if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != "captcha" {
					t.Errorf("a response that begins %.10q: %v", bad, err)
				}
			}
			if err := down.Check(ctx, good, client); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("when nobody answers: %v", err)
			}
			over, cancel := context.WithCancel(ctx)
			cancel()
			if err := up.Check(over, good, client); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("when the call is over: %v", err)
			}
		})
	}
}
