package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// developmentHeader is on every answer of a server whose anonymous requests are the
// development user's.
const developmentHeader = "X-Hexward-Development"

// startDevelopment refuses to let everybody be the development user where somebody
// else may be, and says aloud what it does.
func (s *server) startDevelopment() error {
	_, host, _ := strings.Cut(s.origin, "://")
	switch {
	case !loopbackHost(host):
		return fmt.Errorf("web: a development user is for a public URL on a loopback address only, not for %s", s.origin)
	case len(s.TrustedProxies) > 0:
		return errors.New("web: a development user and trusted proxies exclude each other: behind a proxy, everybody would come from this machine")
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	defer cancel()
	if _, err := s.service.DevelopmentUser(ctx, auth.Client{}); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	s.headers = append(s.headers, header{[]byte(developmentHeader), []byte("true")})
	s.Log.Warn("signing in is switched off: every request from this machine without credentials is the development user's", "public_url", s.origin)
	return nil
}

// develop makes an anonymous request the development user's, if everything about it
// says that it was made on this machine, by somebody who works on it.
func (k *call) develop() error {
	if !k.local() {
		return nil
	}
	u, err := k.service.DevelopmentUser(k.ctx(), k.client())
	if err != nil {
		if kind := fault.KindOf(err); kind == fault.Conflict || kind == fault.Forbidden {
			return nil // then there is none
		}
		return err
	}
	k.identity.Principal = &access.Principal{
		Kind: access.User, Via: access.SessionCookie, Subject: u.ID, Name: u.Name.String(), Tenant: u.Tenant, Permissions: u.Permissions,
	}
	return nil
}

// local reports whether a request comes from this machine to this machine, by no
// way round. A page elsewhere whose name was made to lead here (DNS rebinding) says
// its own name in Host, and one that just sends requests here says so in Origin or
// Sec-Fetch-Site, on reads as on writes. A proxy says that it is one, or speaks
// HTTP/1.0, as those do that say nothing.
func (k *call) local() bool {
	listener, ok := k.Context().LocalAddr().(*net.TCPAddr)
	if !ok || !listener.IP.IsLoopback() || !k.remote().IsLoopback() {
		return false
	}
	h := &k.Request().Header
	if !h.IsHTTP11() || !loopbackHost(string(h.Host())) || !loopbackHost(string(k.Request().URI().Host())) {
		return false
	}
	ok = true
	h.VisitAll(func(name, value []byte) {
		switch plain := strings.ReplaceAll(strings.ToLower(string(name)), "_", "-"); {
		case strings.HasPrefix(plain, "x-forwarded"), strings.HasPrefix(plain, "x-original-"), slices.Contains(forwarding, plain):
			ok = false
		case plain == "origin", plain == "referer":
			u, err := url.Parse(string(value))
			ok = ok && err == nil && loopbackHost(u.Host)
		case plain == "sec-fetch-site":
			ok = ok && string(value) != "cross-site"
		}
	})
	return ok
}

// forwarding are other headers by which a proxy shows.
var forwarding = []string{
	"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip",
	"x-envoy-external-address", "x-appengine-user-ip", "x-proxyuser-ip", "proxy-connection", "cdn-loop",
}

// loopbackHost reports whether a host, with a port or without, is a loopback
// address.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return loopback(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}
