package main

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hexward/hexward/adapters/passhash"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

// settled is what a config that passed check comes to.
type settled struct {
	proxies       []netip.Prefix
	forward       string // the proxy that asks about each request, if any
	policy        *access.Policy
	origins       []string
	mailDir       string // of "file:DIR"
	smtpPassword  string
	captchaSecret string
	masterKey     []byte // nil when it is in the file
	masterFile    string
	formerKey     []byte
	signingSecret []byte // empty when keys are made
	bundleSecret  string // empty when the bundle is anybody's
	providers     []auth.Upstream
	issuers       []auth.Trusted
	hasher        *passhash.Hasher
}

// problems is everything that is wrong with a configuration.
type problems []error

// Error lists the problems, one a line.
func (p problems) Error() string {
	if len(p) == 1 {
		return "the configuration is wrong: " + p[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration is wrong in %d places:", len(p))
	for _, err := range p {
		b.WriteString("\n  - " + strings.ReplaceAll(err.Error(), "\n", "\n    "))
	}
	return b.String()
}

// checker collects problems.
type checker struct {
	*config
	found problems
}

func (k *checker) wrong(format string, args ...any) {
	k.found = append(k.found, fmt.Errorf(format, args...))
}

// check holds every setting against its rule. The error is problems.
func (c *config) check() (*settled, error) {
	k := checker{config: c}
	for _, err := range c.problems {
		k.found = append(k.found, unjoin(err)...)
	}
	s := &settled{}
	k.listening(s)
	k.people(s)
	k.lives()
	k.secrets(s)
	k.hashing(s)
	k.mail(s)
	k.captcha()
	k.upstreams(s)
	k.trusted(s)
	k.development()
	k.forward(s)
	k.bundle(s)
	k.data()
	if len(k.found) > 0 {
		return nil, k.found
	}
	return s, nil
}

// unjoin splits what errors.Join, possibly wrapped once, put together.
func unjoin(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	whole, list := err.Error(), joined.Unwrap()
	prefix := strings.TrimSuffix(whole, errors.Join(list...).Error())
	for i, e := range list {
		list[i] = fmt.Errorf("%s%w", prefix, e)
	}
	return list
}

func (k *checker) listening(s *settled) {
	open := k.address("listen", k.Listen)
	if k.OpsListen != "off" && k.OpsListen != "" {
		k.address("ops-listen", k.OpsListen)
		if _, port, _ := net.SplitHostPort(k.OpsListen); k.OpsListen == k.Listen && port != "0" {
			k.wrong("ops-listen: is the address of listen too; give it one of its own, or off")
		}
	}
	if (k.TLSCert == "") != (k.TLSKey == "") {
		k.wrong("tls-cert and tls-key: give both, or neither")
	}
	u, err := url.Parse(k.publicURL())
	switch {
	case k.PublicURL == "" && open:
		k.wrong("public-url: is needed when listen (%s) is not a loopback address: the https:// URL that browsers use", k.Listen)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		k.wrong("public-url: %q is not a URL like https://id.example.com", k.PublicURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		k.wrong("public-url: is a scheme, a host and a port only, like https://id.example.com; a path is what base-path is for")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		k.wrong("public-url: %s would send passwords and cookies in the clear; use https:// (http:// is for loopback only)", k.PublicURL)
	case u.Scheme == "http" && open:
		k.wrong("listen: %s can be reached from other machines, but public-url is http://; "+
			"listen on 127.0.0.1, or put a TLS proxy in front and give its https:// URL", k.Listen)
	}
	k.basePath()
	k.proxies(s)
	for _, o := range k.CORS {
		k.origin(s, o)
	}
	if f := k.FrontEnd; f != "" && (f[0] != '/' || strings.HasPrefix(f, "//") || strings.Contains(f, `\`)) {
		u, err := url.Parse(f)
		if err != nil || u.Host == "" || u.User != nil || !slices.Contains(append(s.origins, k.publicURL()), u.Scheme+"://"+u.Host) {
			k.wrong("front-end: %q is neither a path nor a URL of the public URL's or one of the CORS origins", f)
		}
	}
	if !slices.Contains([]string{"text", "json"}, k.LogFormat) {
		k.wrong("log-format: is text or json, not %q", k.LogFormat)
	}
}

// address checks an address to listen on and reports whether other machines
// reach it.
func (k *checker) address(name, address string) (open bool) {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || n > 65535 {
		k.wrong("%s: %q is not a host and a port like 127.0.0.1:8080", name, address)
		return false
	}
	return !loopbackHost(host)
}

func loopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// taken reports whether other routes begin with this segment, so that the base
// path cannot.
func taken(segment string) bool {
	return slices.Contains([]string{"tokens", "oauth", "openapi.json"}, segment) ||
		slices.ContainsFunc(web.Routes(), func(r web.Route) bool {
			return !r.Based && strings.Split(r.Path, "/")[1] == segment
		})
}

func (k *checker) basePath() {
	p := k.BasePath
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	plain := strings.IndexFunc(p, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_.~", r))
	}) < 0
	switch {
	case len(p) < 2 || p[0] != '/' || path.Clean(p) != p || !plain:
		k.wrong("base-path: %q is not a path like /auth or /api/users: a slash and plain segments, without a slash at the end", p)
	case taken(first):
		k.wrong("base-path: /%s is where other routes are; choose another one", first)
	}
}

func (k *checker) proxies(s *settled) {
	for _, text := range k.TrustProxy {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if a, addrErr := netip.ParseAddr(text); addrErr == nil {
			prefix, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		least := 8
		if err == nil && prefix.Addr().Is6() {
			least = 16
		}
		switch {
		case err != nil:
			k.wrong("trusted-proxies: %q is neither an address nor a network like 10.0.0.0/24", text)
		case prefix.Bits() < least:
			k.wrong("trusted-proxies: %s lets anybody there claim any client address; list your proxies only", text)
		default:
			s.proxies = append(s.proxies, prefix.Masked())
		}
	}
}

func (k *checker) origin(s *settled, text string) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "*") || text == "null":
		k.wrong("cors-origins: %q would let any page act for whoever is signed in; list each origin exactly", text)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Scheme+"://"+strings.ToLower(u.Host) != text:
		k.wrong("cors-origins: %q is not an origin like https://app.example.com", text)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		k.wrong("cors-origins: whoever is on the network can speak for %s; use https:// (http:// is for loopback only)", text)
	default:
		s.origins = append(s.origins, text)
	}
}

func (k *checker) people(*settled) {
	if !slices.Contains([]string{"open", "verified", "closed"}, k.Register) {
		k.wrong("registration: is open, verified or closed, not %q", k.Register)
	}
	if k.PasswordMin < 8 || k.PasswordMin > 128 {
		k.wrong("password-min: is 8 to 128 characters, not %d; 15 or more if there is no second factor", k.PasswordMin)
	}
	for _, text := range []struct{ name, value string }{{"site", k.Site}, {"display-name", k.DisplayName}} {
		if len(text.value) > 100 || strings.ContainsFunc(text.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			k.wrong("%s: is at most 100 bytes in one line", text.name)
		}
	}
	if k.Site == "" {
		k.wrong("site: is empty; give the name that mails and pages show")
	}
}

func (k *checker) lives() {
	for _, life := range []struct {
		name        string
		value       time.Duration
		least, most time.Duration
	}{
		{"access-life", k.AccessLife, time.Minute, 24 * time.Hour},
		{"idle", k.Idle, time.Minute, 365 * 24 * time.Hour},
		{"absolute", k.Absolute, time.Minute, 365 * 24 * time.Hour},
		{"key-delay", k.KeyDelay, 0, 30 * 24 * time.Hour},
		{"confirm-life", k.ConfirmLife, time.Minute, 30 * 24 * time.Hour},
		{"reset-life", k.ResetLife, time.Minute, 24 * time.Hour},
		{"token-cache-ttl", k.TokenTTL, 0, time.Hour},
		{"secret-overlap", k.SecretOverlap, 0, 365 * 24 * time.Hour},
		{"vouch-life", k.VouchLife, 10 * time.Second, time.Hour},
		{"bundle-life", k.BundleLife, time.Minute, 31 * 24 * time.Hour},
	} {
		if life.value < life.least || life.value > life.most {
			k.wrong("%s: is %s to %s, not %s", life.name, span(life.least), span(life.most), span(life.value))
		}
	}
	if k.Absolute < k.Idle {
		k.wrong("absolute: a session's whole life (%s) is at least its idle life (%s)", span(k.Absolute), span(k.Idle))
	}
	if !slices.Contains([]string{"EdDSA", "ES256", "RS256", "HS256"}, k.Algorithm) {
		k.wrong("algorithm: is EdDSA, ES256, RS256 or HS256, not %q", k.Algorithm)
	}
	if k.Cache < 1 || k.Cache > 10_000_000 {
		k.wrong("session-cache: is 1 to 10000000 sessions, not %d", k.Cache)
	}
	if k.TokenCache < 0 || k.TokenCache > 10_000_000 {
		k.wrong("token-cache: is 0 to 10000000 tokens, not %d", k.TokenCache)
	}
}

func (k *checker) secrets(s *settled) {
	read := func(name string, given secret, path string) string {
		v, err := readSecret(name, given, path)
		if err != nil {
			k.wrong("%w", err)
		}
		return string(v)
	}
	s.smtpPassword = read("smtp-password", k.SMTPPassword, k.SMTPPassFile)
	s.captchaSecret = read("captcha-secret", k.CaptchaSecret, k.CaptchaFile)
	s.bundleSecret = read("bundle-secret", k.BundleSecret, k.BundleFile)
	k.signing(s, read("signing-secret", k.SigningSecret, k.SigningFile))
	key := func(name, text string) []byte {
		if text == "" {
			return nil
		}
		b, err := sealer.ParseKey(text)
		if err != nil {
			k.wrong("%s: %w", name, err)
		}
		return b
	}
	s.formerKey = key("former-master-key", read("former-master-key", k.FormerKey, k.FormerFile))
	switch {
	case k.MasterKey != "" && k.MasterFile != "":
		k.wrong("master-key and master-key-file are both given: which one?")
	case k.MasterKey != "":
		s.masterKey = key("master-key", read("master-key", k.MasterKey, ""))
	default:
		s.masterFile = k.masterFile()
	}
}

func (k *checker) hashing(s *settled) {
	if k.HashPermits < 0 {
		k.wrong("hash-permits: is 0 or more, not %d", k.HashPermits)
		return
	}
	var err error
	s.hasher, err = passhash.New(passhash.Config{Memory: k.HashMemory, Passes: k.HashPasses, Threads: k.HashThreads, Permits: k.HashPermits})
	if err != nil {
		k.wrong("hash-memory, hash-passes, hash-threads: %w", err)
	}
}

func (k *checker) mail(s *settled) {
	kind, dir, isFile := strings.Cut(k.mailer(), ":")
	switch {
	case kind == "file" && isFile && dir != "":
		s.mailDir = dir
	case kind == "console" && !isFile:
	case kind == "smtp" && !isFile:
		k.smtp(s)
	default:
		k.wrong("mail: is smtp, console or file:DIR, not %q", k.Mail)
	}
	if kind != "smtp" && k.SMTPHost+k.SMTPUser+string(k.SMTPPassword)+k.SMTPPassFile != "" {
		k.wrong("mail: is %s although there are settings of smtp; give the one or the other", k.mailer())
	}
	if k.MailFrom != "" {
		if _, err := mail.ParseAddress(k.MailFrom); err != nil {
			k.wrong("mail-from: %q is not an address like no-reply@example.com", k.MailFrom)
		}
	}
}

func (k *checker) smtp(s *settled) {
	if k.SMTPHost == "" {
		k.wrong("smtp-host: is needed when mail is smtp")
	}
	if k.MailFrom == "" {
		k.wrong("mail-from: is needed when mail is smtp: the address that mails are from, like no-reply@example.com")
	}
	if k.SMTPPort < 0 || k.SMTPPort > 65535 {
		k.wrong("smtp-port: is 1 to 65535, not %d", k.SMTPPort)
	}
	switch k.SMTPTLS {
	case "starttls", "tls":
	case "none":
		if !loopbackHost(k.SMTPHost) {
			k.wrong("smtp-tls: none would send mails and the password to %s in the clear; use starttls or tls", k.SMTPHost)
		}
	default:
		k.wrong("smtp-tls: is starttls, tls or none, not %q", k.SMTPTLS)
	}
	if (k.SMTPUser == "") != (s.smtpPassword == "") {
		k.wrong("smtp-user and smtp-password: give both, or neither")
	}
}

func (k *checker) captcha() {
	switch k.Captcha {
	case "none":
		if k.CaptchaSecret != "" || k.CaptchaFile != "" {
			k.wrong("captcha: is none although there is a secret; give the provider: recaptcha, hcaptcha or turnstile")
		}
	case "recaptcha", "hcaptcha", "turnstile":
		if k.CaptchaSecret == "" && k.CaptchaFile == "" {
			k.wrong("captcha-secret: is needed with %s", k.Captcha)
		}
	default:
		k.wrong("captcha: is recaptcha, hcaptcha, turnstile or none, not %q", k.Captcha)
	}
}

// data checks the data directory, and that of the database, if they are there.
func (k *checker) data() {
	if k.Base != "" {
		if info, err := os.Stat(filepath.Dir(k.Base)); err == nil && info.Mode().Perm()&0o002 != 0 {
			k.wrong("database: everybody on this machine may write to %s (mode %04o), and so make the database theirs; give it a directory of its own",
				filepath.Dir(k.Base), info.Mode().Perm())
		}
		if info, err := os.Stat(k.Base); err == nil && !info.Mode().IsRegular() {
			k.wrong("database: %s is not a file", k.Base)
		}
	}
	if k.Data == "" {
		k.wrong("data: is empty; give a directory")
		return
	}
	info, err := os.Stat(k.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		k.wrong("data: %s: %w", k.Data, reason(err))
	case !info.IsDir():
		k.wrong("data: %s is not a directory", k.Data)
	case info.Mode().Perm()&0o002 != 0:
		k.wrong("data: everybody on this machine may write to %s (mode %04o): chmod 700 it", k.Data, info.Mode().Perm())
	default:
		probe, err := os.CreateTemp(k.Data, ".writable-")
		if err != nil {
			k.wrong("data: %s cannot be written to: %w; give its owner, or run as them", k.Data, reason(err))
			return
		}
		_ = probe.Close()
		_ = os.Remove(probe.Name())
	}
}
