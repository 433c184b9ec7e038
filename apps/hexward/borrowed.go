package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Other systems have names of their own for some settings in the environment. They
// are understood as they are, and come last: after the flag, HEXWARD_… and the
// configuration file.

// family is the names under which another system knows one provider. It counts as
// a whole, if the anchor is there and none of Hexward's own settings says where the
// provider is: a secret is not for a provider that something else names.
type family struct {
	anchor string            // says where the provider is
	client string            // says that somebody expects the anchor
	names  map[string]string // by setting
	preset string
}

var families = []family{
	{
		anchor: "AUTH0_DOMAIN", client: "AUTH0_CLIENT_ID", preset: "auth0",
		names: map[string]string{ //nolint:gosec // names, no secrets
			"provider-domain": "AUTH0_DOMAIN", "provider-audience": "AUTH0_AUDIENCE",
			"provider-client-id": "AUTH0_CLIENT_ID", "provider-client-secret": "AUTH0_CLIENT_SECRET",
		},
	},
	{
		anchor: "CONF_URL", client: "OIDC_CLIENT", preset: "oidc",
		names: map[string]string{ //nolint:gosec // names, no secrets
			"provider-discovery": "CONF_URL", "provider-scopes": "SCOPE",
			"provider-client-id": "OIDC_CLIENT", "provider-client-secret": "OIDC_CLIENT_SECRET",
		},
	},
}

// plainNames are the rest, by setting. The first one that is there counts.
var plainNames = map[string][]string{
	"front-end":     {"FRONTEND_URL", "LOGIN_REDIRECT_URL"},
	"callback-path": {"CALLBACK_ROUTE"},
	"database":      {"SESSION_FILE"},
	"token-cache":   {"TOKEN_CACHE_SIZE"},
}

// counted are settings of a time that others give as a bare number of this unit.
var counted = map[string]struct {
	name string
	unit time.Duration
	what string
}{
	"token-cache-ttl": {"TOKEN_CACHE_TTL", time.Second, "seconds"},
	"access-life":     {"JWT_ACCESS_TOKEN_EXPIRE_MINUTES", time.Minute, "minutes"},
}

// The names of a secret that a backend signs its tokens with, and of how.
const (
	signingSecret    = "JWT_SECRET_KEY" //nolint:gosec // a name, no secret
	signingAlgorithm = "JWT_ALGORITHM"
)

// switchedOff is false in the environment of an application that is developed without
// signing in.
const switchedOff = "USE_OAUTH"

// borrowed returns the value of a setting under another system's name.
func (s *sources) borrowed(name string) (setting, bool) {
	for _, other := range plainNames[name] {
		if v := s.getenv(other); v != "" {
			return setting{v, other}, true
		}
	}
	switch name {
	case "development":
		on, err := s.bypassed()
		if err != nil {
			s.config.problems = append(s.config.problems, err)
		}
		return setting{"true", switchedOff}, on
	case "cors-origins":
		return s.frontEndOrigin()
	case "signing-secret":
		v := s.getenv(signingSecret)
		return setting{v, signingSecret}, v != "" && !s.own["signing-secret-file"]
	case "algorithm":
		return s.signedWith()
	case "token-cache-ttl", "access-life":
		return s.counted(name)
	}
	f := s.family
	if f == nil {
		return setting{}, false
	}
	switch name {
	case "provider-preset":
		return setting{f.preset, f.anchor}, true
	case "provider-redirect-uris":
		return s.frontEndRedirects()
	}
	other := f.names[name]
	v := s.getenv(other)
	switch {
	case other == "" || v == "" || name == "provider-client-secret" && s.own["provider-client-secret-file"]:
		return setting{}, false
	case other == "AUTH0_DOMAIN":
		_, host, found := strings.Cut(v, "://")
		if !found {
			host = v
		}
		v = strings.TrimSuffix(host, "/")
	case other == "SCOPE":
		v = strings.Join(strings.Fields(v), ",")
	}
	return setting{v, other}, true
}

// chooseFamily finds the one that counts, and says what keeps one from doing so
// that somebody must have meant.
func (s *sources) chooseFamily() {
	for _, name := range []string{"provider-issuer", "provider-discovery", "provider-domain"} {
		if s.own[name] {
			return
		}
	}
	developed, _ := s.bypassed()
	wrong := func(format string, args ...any) {
		s.config.problems = append(s.config.problems, fmt.Errorf(format, args...))
	}
	for i := range families {
		f := &families[i]
		switch {
		case s.getenv(f.anchor) == "" && s.getenv(f.client) != "" && !developed:
			wrong("%s: is needed with %s: it says where the provider is", f.anchor, f.client)
		case s.getenv(f.anchor) == "":
		case s.family != nil:
			wrong("%s and %s: each is a provider, and the environment has room for one; put them in the list providers of a configuration file",
				s.family.anchor, f.anchor)
		default:
			s.family = f
		}
	}
}

// bypassed reports whether the environment asks for the switchedOff.
func (s *sources) bypassed() (bool, error) {
	switch v := strings.ToLower(s.getenv(switchedOff)); v {
	case "false", "0", "no", "off":
		return true, nil
	case "", "true", "1", "yes", "on":
		return false, nil
	default:
		return false, fmt.Errorf("%s: is true or false, not %q", switchedOff, v)
	}
}

// signedWith is the algorithm of other systems, and HS256 where there is a secret to
// sign with.
func (s *sources) signedWith() (setting, bool) {
	if v := s.getenv(signingAlgorithm); v != "" {
		return setting{v, signingAlgorithm}, true
	}
	for _, name := range []string{"signing-secret", "signing-secret-file"} {
		if s.own[name] {
			return setting{"HS256", name}, true
		}
	}
	return setting{"HS256", signingSecret}, s.getenv(signingSecret) != ""
}

// counted is a time that is given as a number.
func (s *sources) counted(name string) (setting, bool) {
	other := counted[name]
	v := strings.TrimSpace(s.getenv(other.name))
	if v == "" {
		return setting{}, false
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		s.config.problems = append(s.config.problems, fmt.Errorf("%s: is a whole number of %s, not %q", other.name, other.what, v))
		return setting{}, false
	}
	return setting{span(time.Duration(n) * other.unit), other.name}, true
}

// frontEndOrigin is the origin of another system's front end, whose pages call the
// service with credentials there.
func (s *sources) frontEndOrigin() (setting, bool) {
	at, ok := s.borrowed("front-end")
	u, err := url.Parse(at.value)
	if !ok || s.own["front-end"] || err != nil || u.Host == "" || u.Scheme == "" {
		return setting{}, false
	}
	return setting{u.Scheme + "://" + strings.ToLower(u.Host), at.origin}, true
}

// frontEndRedirects are where a single-page application at FRONTEND_URL has people
// sent back to.
func (s *sources) frontEndRedirects() (setting, bool) {
	front := s.getenv("FRONTEND_URL")
	if !strings.Contains(front, "://") || strings.ContainsAny(front, "?#,") {
		return setting{}, false
	}
	root := strings.TrimRight(front, "/")
	return setting{strings.Join([]string{root, root + "/", root + "/callback"}, ","), "FRONTEND_URL"}, true
}

// note remembers which settings are given by the names that are Hexward's own.
func (s *sources) note(names []string, flagged func(name string) bool) {
	s.own = map[string]bool{}
	for _, name := range names {
		_, filed := s.file[name]
		s.own[name] = filed || s.getenv(variable(name)) != "" || flagged(name)
	}
	s.chooseFamily()
}

// borrowedNames are all of them, for documentation and tests.
func borrowedNames() []string {
	names := []string{switchedOff, signingSecret, signingAlgorithm}
	for _, other := range counted {
		names = append(names, other.name)
	}
	for _, f := range families {
		for _, name := range f.names {
			names = append(names, name)
		}
	}
	for _, list := range plainNames {
		names = append(names, list...)
	}
	slices.Sort(names)
	return names
}
