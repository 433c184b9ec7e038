package web

import (
	"net"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// remote returns the address at the other end of the connection.
func (k *call) remote() netip.Addr {
	if !k.peer.IsValid() {
		if a, ok := k.Context().RemoteAddr().(*net.TCPAddr); ok {
			k.peer = a.AddrPort().Addr().Unmap().WithZone("")
		}
	}
	return k.peer
}

// trusts reports whether an address is a trusted proxy's.
func (s *server) trusts(a netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// address returns the client's address: the nearest hop that is not a trusted
// proxy.
func (k *call) address() netip.Addr {
	peer := k.remote()
	if !k.trusts(peer) {
		return peer
	}
	values := k.Request().Header.PeekAll(fiber.HeaderXForwardedFor)
	for i := len(values) - 1; i >= 0; i-- {
		next, done := nearest(string(values[i]), peer, k.trusts)
		if peer = next; done {
			break
		}
	}
	return peer
}

// nearest walks an X-Forwarded-For header from the right, starting behind a
// trusted peer, and returns the first address that is not trusted. At the end of
// the header, and before an entry that is no address, the last trusted one is
// returned; done says that the walk does not go on in another header.
func nearest(list string, peer netip.Addr, trusted func(netip.Addr) bool) (a netip.Addr, done bool) {
	for more := true; more; {
		entry := list
		if i := strings.LastIndexByte(list, ','); i >= 0 {
			list, entry = list[:i], list[i+1:]
		} else {
			more = false
		}
		hop, ok := parseHop(strings.Trim(entry, " \t"))
		if !ok {
			return peer, true
		}
		if !trusted(hop) {
			return hop, true
		}
		peer = hop
	}
	return peer, false
}

// parseHop reads an address with or without brackets and port.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		bracketed := strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && a.Is6()
		plain := !strings.ContainsAny(s, "[]")
		return a.Unmap().WithZone(""), bracketed || plain
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return ap.Addr().Unmap().WithZone(""), true
}
