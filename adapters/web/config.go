package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

// Config is what the adapter has to know of the place where it runs. Only
// PublicURL is required.
type Config struct {
	// PublicURL is the origin under which browsers reach the service, as
	// "https://id.example". It is https, or http with a loopback host.
	PublicURL string

	// BasePath is the path before the routes of accounts, as browsers see it:
	// "/auth" when empty, or with Mount the group's own prefix.
	BasePath string

	// FrontEnd is where GET /logout leads, and GET /callback for whoever wanted
	// nothing else; the root of PublicURL when empty.
	FrontEnd string

	// CallbackPath is a second path where providers may send browsers back to, from
	// the root as "/oidc/callback/", besides /callback under BasePath. It is New's
	// and MountRoot's; none when empty.
	CallbackPath string

	// TrustedProxies are the addresses whose X-Forwarded-For, X-Forwarded-Proto and
	// X-Request-Id headers are believed. Nobody's when empty.
	TrustedProxies []netip.Prefix

	// Forward names the proxy that asks at /verify whether somebody's request may go
	// on, and thereby how it says which request that is: "nginx" in X-Original-Method
	// and X-Original-URI, "traefik" and "caddy" in X-Forwarded-Method and
	// X-Forwarded-Uri, "envoy" in the method and by the path after /verify. It must be
	// one of TrustedProxies. When empty, /verify answers whoever asks about themselves.
	Forward string

	// Policy says what the requests demand that Forward's proxy asks about. When nil,
	// each demands a session or a token.
	Policy *access.Policy

	// ForwardToken gives what is behind Forward's proxy a short-lived access token of
	// ours about whoever asks, in X-Auth-Token, whatever the request showed.
	ForwardToken bool

	// Origins are the other origins whose pages may use the API with credentials,
	// as "https://app.example", to the letter.
	Origins []string

	// Bundles publishes the bundle by which edge verifiers decide, at
	// /.well-known/hexward-bundle; the service has auth.Config.Edge then.
	Bundles bool

	// BundleSecret is what the bundle is given out for, as a bearer token; to anybody
	// when empty. A bundle shows the policy, and whose API tokens and which people of
	// other issuers it carries, if it does.
	BundleSecret string

	// Site is the name that pages show; the host of PublicURL when empty.
	Site string

	// CookieNames is the first part of the names of cookies; "hexward" when empty.
	CookieNames string

	// HSTS is the max-age of Strict-Transport-Security on https: a year when zero,
	// none when negative.
	HSTS time.Duration

	// DevelopmentUser makes every request without credentials the development user's,
	// so that an application can be worked on without signing in. It is refused unless
	// PublicURL is a loopback address and there are no trusted proxies, holds for
	// requests of this machine to itself only, without any sign of a proxy or of
	// another site, and marks every answer with X-Hexward-Development. It is not for
	// anything that other people reach: have the listener on a loopback address too.
	DevelopmentUser bool

	// Log takes one line a request, and the causes of answers of 500 and 503. Nothing
	// is logged when nil.
	Log *slog.Logger

	// AccessLevel chooses the level of a request's line by its route ("/verify") and
	// status. When nil, a successful check, or one for a bundle, is slog.LevelDebug, an answer of 500 or
	// more slog.LevelError, and everything else slog.LevelInfo. A line below the
	// level of Log costs nothing.
	AccessLevel func(route string, status int) slog.Level

	// Timeout bounds a use case; 10 seconds when zero.
	Timeout time.Duration

	// ReadTimeout, WriteTimeout and IdleTimeout bound how long a client may take to
	// send a request, to take an answer, and between two requests. They are New's;
	// 10 seconds, 10 seconds and a minute when zero.
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration
}

const (
	defaultBase    = "/auth"
	defaultTimeout = 10 * time.Second
	defaultIdle    = time.Minute
	year           = 365 * 24 * time.Hour

	// maxHeaders and maxBody bound a request, in bytes.
	maxHeaders = 8 << 10
	maxBody    = 64 << 10
)

// server is a Config, checked and worked out.
type server struct {
	service *auth.Service
	Config

	origin  string // the public one, as a browser says it
	https   bool
	base    string
	allowed map[string]bool // Origins
	cookies cookieNames
	headers []header // on every answer
	pages   bool     // the routes of pages are there
	asking  *proxy   // Forward

	metadata document // of the authorization server
	bundleState

	appChecked sync.Once
	appError   error // see checkApp
}

// newServer checks a Config and names everything that is wrong with it.
func newServer(service *auth.Service, c Config) (*server, error) {
	if service == nil {
		return nil, errors.New("web: a service is required")
	}
	s := &server{service: service, Config: c, base: c.BasePath, allowed: make(map[string]bool, len(c.Origins))}
	var errs []error
	origin, err := parseOrigin(c.PublicURL, true)
	if err != nil {
		errs = append(errs, fmt.Errorf("the public URL %w", err))
	}
	s.origin, s.https = origin, strings.HasPrefix(origin, "https:")
	for _, text := range c.Origins {
		o, err := parseOrigin(text, false)
		if err == nil && o != text {
			err = fmt.Errorf("is written %q, not %q", o, text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("an allowed origin %w", err))
		}
		s.allowed[o] = true
	}
	if !validBase(s.base) {
		errs = append(errs, fmt.Errorf("the base path begins with a slash and has only letters, digits and -._~ between slashes, not %q", s.base))
	}
	if err := s.checkCallback(); err != nil {
		errs = append(errs, err)
	}
	if s.FrontEnd == "" {
		s.FrontEnd = s.origin + "/"
	} else if u, err := url.Parse(s.FrontEnd); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		errs = append(errs, fmt.Errorf("the front end is an absolute https or http URL, not %q", s.FrontEnd))
	}
	if s.CookieNames == "" {
		s.CookieNames = "hexward"
	}
	if s.Site == "" {
		_, s.Site, _ = strings.Cut(s.origin, "://")
	}
	if strings.Trim(s.CookieNames, letters+digits+"-_") != "" {
		errs = append(errs, fmt.Errorf("cookie names have letters, digits, - and _ only, not %q", s.CookieNames))
	}
	for _, p := range s.TrustedProxies {
		if !p.IsValid() {
			errs = append(errs, errors.New("a trusted proxy is an address prefix as 10.0.0.0/8"))
		}
	}
	errs = append(errs, s.checkForward()...)
	if s.Bundles && service.Edge == nil {
		errs = append(errs, errors.New("bundles are published, but auth.Config.Edge is not set"))
	}
	if s.Bundles && s.BundleSecret == "" && service.Edge != nil && (service.Edge.APITokens || slices.ContainsFunc(service.Issuers, func(t auth.Trusted) bool { return t.Edge })) {
		errs = append(errs, errors.New("bundles tell whose API tokens and which people of other issuers there are: they need a secret"))
	}
	if s.BundleSecret != "" && parseBearer([]byte("Bearer "+s.BundleSecret)) != s.BundleSecret {
		errs = append(errs, errors.New("a secret of bundles has letters, digits and -._~+/= only, since it is shown as a bearer token"))
	}
	if s.BundleSecret != "" && !s.Bundles {
		errs = append(errs, errors.New("there is a secret of bundles, but they are not published"))
	}
	for _, d := range []time.Duration{c.Timeout, c.ReadTimeout, c.WriteTimeout, c.IdleTimeout} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("a timeout is not negative: %v", d))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.metadata, err = newMetadata(service.Settings.Issuer, s.origin); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.defaults()
	if s.DevelopmentUser {
		if err := s.startDevelopment(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// checkCallback holds the second callback path against every other route.
func (s *server) checkCallback() error {
	path := s.CallbackPath
	if path == "" {
		return nil
	}
	if !validBase(strings.TrimSuffix(path, "/")) || path == "/" {
		return fmt.Errorf("the callback path begins with a slash and has only letters, digits and -._~ between slashes, not %q", path)
	}
	for _, route := range Routes() {
		taken := route.Path
		if route.Based {
			taken = s.base + route.Path
		}
		if !(route.Based && (s.base == "" || route.Path == callbackPath)) && serves(taken, path) {
			return fmt.Errorf("the callback path %q belongs to %s", path, taken)
		}
	}
	return nil
}

// serves reports whether a route's path is met by a path.
func serves(route, path string) bool {
	is, want := strings.Split(path, "/"), strings.Split(route, "/")
	return slices.EqualFunc(is, want, func(is, want string) bool { return is == want || strings.HasPrefix(want, "{") && is != "" })
}

func (s *server) defaults() {
	for _, d := range []struct {
		at   *time.Duration
		zero time.Duration
	}{
		{&s.Timeout, defaultTimeout},
		{&s.ReadTimeout, defaultTimeout},
		{&s.WriteTimeout, defaultTimeout},
		{&s.IdleTimeout, defaultIdle},
		{&s.HSTS, year},
	} {
		if *d.at == 0 {
			*d.at = d.zero
		}
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.AccessLevel == nil {
		s.AccessLevel = accessLevel
	}
	s.cookies = newCookieNames(s.CookieNames, s.base, s.https)
	s.headers = securityHeaders(s.https, s.HSTS)
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// parseOrigin returns a URL's origin as a browser writes it (RFC 6454 §6.2). The
// URL has nothing but the origin, but for one trailing slash.
func parseOrigin(text string, loopbackOnly bool) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("is as https://id.example, not %q", text)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("has no path, query or fragment: %q", text)
	case loopbackOnly && u.Scheme == "http" && !loopback(u.Hostname()):
		return "", fmt.Errorf("is https unless its host is a loopback address, because cookies and passwords would travel in the clear: %q", text)
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, nil
}

// loopback reports whether a host name or address never leaves the machine
// (RFC 6761 §6.3).
func loopback(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// validBase reports whether a path is empty or segments that need no escape.
func validBase(path string) bool {
	if path == "" {
		return true
	}
	if path[0] != '/' {
		return false
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || strings.Trim(segment, letters+digits+"-._~") != "" {
			return false
		}
	}
	return true
}
