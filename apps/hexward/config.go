package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hexward/hexward/core/user"
)

// config is every setting there is. A field is a flag, an environment variable
// and a key of the configuration file, all by the name in its tag.
type config struct {
	File string `name:"config" placeholder:"FILE" help:"Read settings from this YAML file; its keys are the names of the flags."`
	Data string `default:"./data" placeholder:"DIR" help:"Where the database and the master key are; made if it is not there."`
	Base string `name:"database" placeholder:"FILE" help:"The database, if it is not hexward.db in the data directory."`

	Listen     string   `default:"127.0.0.1:8080" placeholder:"ADDRESS" group:"Listening" help:"Address to serve on (${default})."`
	OpsListen  string   `default:"127.0.0.1:8081" placeholder:"ADDRESS" group:"Listening" help:"Address for health, readiness and metrics (${default}), or off."`
	PublicURL  string   `name:"public-url" placeholder:"URL" group:"Listening" help:"What people's browsers reach the service under; mails link to it. http://LISTEN if it is not given, which is for loopback only."`
	BasePath   string   `default:"/auth" placeholder:"PATH" group:"Listening" help:"Where the routes of accounts and sessions hang (${default})."`
	FrontEnd   string   `placeholder:"URL" group:"Listening" help:"Where browsers go after signing in or out; a path, or a URL of the public or an allowed origin."`
	TrustProxy []string `name:"trusted-proxies" placeholder:"CIDR,…" group:"Listening" help:"Proxies whose X-Forwarded headers are believed: addresses or networks."`
	CORS       []string `name:"cors-origins" placeholder:"ORIGIN,…" group:"Listening" help:"Other origins whose pages may call the service with credentials, each exactly."`
	TLSCert    string   `name:"tls-cert" placeholder:"FILE" group:"Listening" help:"Serve HTTPS with this PEM certificate chain."`
	TLSKey     string   `name:"tls-key" placeholder:"FILE" group:"Listening" help:"The certificate's private key, in PEM."`

	Site        string `default:"Hexward" placeholder:"NAME" group:"People" help:"The site's name, in mails and on pages (${default})."`
	DisplayName string `placeholder:"NAME" group:"People" help:"Who mails are from; the site's name if it is not given."`
	Register    string `name:"registration" default:"open" placeholder:"MODE" group:"People" help:"Who may register (${default}): open, verified (by mail first) or closed."`
	PasswordMin int    `default:"15" placeholder:"N" group:"People" help:"Least characters of a new password (${default})."`

	AccessLife  time.Duration `default:"15m" placeholder:"TIME" group:"Sessions and tokens" help:"Life of an access token (${default})."`
	Idle        time.Duration `default:"6h" placeholder:"TIME" group:"Sessions and tokens" help:"A session without a request ends after this (${default})."`
	Absolute    time.Duration `default:"168h" placeholder:"TIME" group:"Sessions and tokens" help:"Every session ends after this (${default})."`
	Audience    string        `placeholder:"NAME" group:"Sessions and tokens" help:"Who access tokens are for; the public URL if it is not given."`
	Algorithm   string        `default:"EdDSA" placeholder:"NAME" group:"Sessions and tokens" help:"Of new signing keys (${default}): EdDSA, ES256, RS256 or HS256."`
	KeyDelay    time.Duration `default:"10m" placeholder:"TIME" group:"Sessions and tokens" help:"A new signing key is published this long before it signs (${default})."`
	ConfirmLife time.Duration `default:"24h" placeholder:"TIME" group:"Sessions and tokens" help:"Life of a link that confirms an address (${default})."`
	ResetLife   time.Duration `default:"2h" placeholder:"TIME" group:"Sessions and tokens" help:"Life of a link that resets a password (${default})."`
	Cache       int           `name:"session-cache" default:"100000" placeholder:"N" group:"Sessions and tokens" help:"Sessions kept in memory, at most (${default})."`

	SigningSecret secret        `placeholder:"SECRET" group:"Sessions and tokens" help:"Sign access tokens with HS256 and this secret, which other services know too, in place of keys that are made: 32 bytes or more."`
	SigningFile   string        `name:"signing-secret-file" placeholder:"FILE" group:"Sessions and tokens" help:"The file that has it."`
	TokenCache    int           `default:"10000" placeholder:"N" group:"Sessions and tokens" help:"Tokens whose verification is remembered, at most (${default}); 0 for none."`
	TokenTTL      time.Duration `name:"token-cache-ttl" default:"5m" placeholder:"TIME" group:"Sessions and tokens" help:"And for how long at most (${default}); what revokes a token counts at once all the same."`
	SecretOverlap time.Duration `default:"24h" placeholder:"TIME" group:"Sessions and tokens" help:"A client's secret works on this long after another one was made (${default})."`

	Policy       string        `placeholder:"FILE" group:"Deciding for a proxy" help:"The YAML file with the rules about what each route demands; without it every route demands a session or a token."`
	ForwardAuth  string        `default:"off" placeholder:"NAME" group:"Deciding for a proxy" help:"The proxy that asks GET /verify about each request (${default}): nginx, traefik, caddy, envoy or off."`
	ForwardToken bool          `group:"Deciding for a proxy" help:"Give it a short-lived access token of whoever asks, for the services behind it."`
	VouchLife    time.Duration `default:"1m" placeholder:"TIME" group:"Deciding for a proxy" help:"Life of such a token (${default})."`

	Bundle       string        `default:"off" placeholder:"MODE" group:"Deciding at the edge" help:"Who gets the bundle by which edge workers decide (${default}): public (anybody), secret (who has the secret) or off."`
	BundleSecret secret        `placeholder:"SECRET" group:"Deciding at the edge" help:"What workers show for it, as a bearer token: 32 bytes or more."`
	BundleFile   string        `name:"bundle-secret-file" placeholder:"FILE" group:"Deciding at the edge" help:"The file that has it."`
	BundleLife   time.Duration `default:"1h" placeholder:"TIME" group:"Deciding at the edge" help:"How long a worker goes on that cannot reach the service (${default})."`
	BundleTokens bool          `name:"bundle-api-tokens" group:"Deciding at the edge" help:"Have workers decide about API tokens too: the bundle, which takes a secret then, carries their hashes and whose they are."`

	AccountLimit limit  `default:"10/15m" placeholder:"N/TIME" group:"Limits and hashing" help:"Failed sign-ins of one account (${default})."`
	AddressLimit limit  `default:"30/1m" placeholder:"N/TIME" group:"Limits and hashing" help:"Attempts to register, sign in or reset from one network (${default})."`
	MailLimit    limit  `default:"2/30m" placeholder:"N/TIME" group:"Limits and hashing" help:"Mails to one address (${default})."`
	HashMemory   uint32 `default:"19456" placeholder:"KIB" group:"Limits and hashing" help:"Memory of one argon2id hash in KiB (${default})."`
	HashPasses   uint32 `default:"2" placeholder:"N" group:"Limits and hashing" help:"Passes of an argon2id hash over its memory (${default})."`
	HashThreads  uint8  `default:"1" placeholder:"N" group:"Limits and hashing" help:"Threads of an argon2id hash (${default})."`
	HashPermits  int    `default:"0" placeholder:"N" group:"Limits and hashing" help:"Hashes that run at a time; 0 for the number of cores."`

	Mail         string `placeholder:"WHERE" group:"Mail" help:"Where mail goes: smtp, console, or file:DIR (one .eml a message). smtp if a host is given, else console."`
	MailFrom     string `placeholder:"ADDRESS" group:"Mail" help:"The address that mails are from."`
	SMTPHost     string `name:"smtp-host" placeholder:"HOST" group:"Mail" help:"Mail server."`
	SMTPPort     int    `name:"smtp-port" placeholder:"PORT" group:"Mail" help:"Its port; if it is not given 587, or 465 with tls, or 25 with none."`
	SMTPUser     string `name:"smtp-user" placeholder:"NAME" group:"Mail" help:"Whom to sign in to it as."`
	SMTPPassword secret `name:"smtp-password" placeholder:"SECRET" group:"Mail" help:"And with which password."`
	SMTPPassFile string `name:"smtp-password-file" placeholder:"FILE" group:"Mail" help:"The file that has it."`
	SMTPTLS      string `name:"smtp-tls" default:"starttls" placeholder:"MODE" group:"Mail" help:"How the connection is secured (${default}): starttls, tls, or none (loopback only)."`

	Captcha         string `default:"none" placeholder:"NAME" group:"Captcha" help:"Who tells people from programs (${default}): recaptcha, hcaptcha, turnstile or none."`
	CaptchaSecret   secret `placeholder:"SECRET" group:"Captcha" help:"The secret that the provider gave."`
	CaptchaFile     string `name:"captcha-secret-file" placeholder:"FILE" group:"Captcha" help:"The file that has it."`
	CaptchaHostname string `placeholder:"HOST" group:"Captcha" help:"The host that a response must have been made on; the public URL's if it is not given."`

	MasterKey  secret `placeholder:"SECRET" group:"Master key" help:"The key that everything at rest is sealed under: 32 bytes in base64 or hexadecimal."`
	MasterFile string `name:"master-key-file" placeholder:"FILE" group:"Master key" help:"The file that has it; master.key in the data directory if neither is given, made if it is not there."`
	FormerKey  secret `name:"former-master-key" placeholder:"SECRET" group:"Master key" help:"The one before, which still opens what it sealed."`
	FormerFile string `name:"former-master-key-file" placeholder:"FILE" group:"Master key" help:"The file that has it."`

	Provider     provider `embed:"" prefix:"provider-" group:"Signing in with a provider"`
	CallbackPath string   `placeholder:"PATH" group:"Signing in with a provider" help:"A second path that providers may send browsers back to; they are told this one."`
	Development  bool     `group:"Signing in with a provider" help:"Sign everybody in as a development user, without asking anybody. For loopback only; refuses to start elsewhere."`

	LogFormat string `default:"text" placeholder:"NAME" group:"Logging" help:"Of the log on standard error (${default}): text or json."`
	Debug     bool   `group:"Logging" help:"Log more. Never logs a secret."`

	listed listed

	// What reading found wrong, and where each value came from; the rest is check's.
	problems []error
	origins  map[string]string
}

// Names in the data directory.
const (
	databaseName = "hexward.db"
	masterName   = "master.key"
	lockName     = "server.lock"
)

func (c *config) database() string {
	if c.Base != "" {
		return c.Base
	}
	return filepath.Join(c.Data, databaseName)
}

// lockFile is where a server says that it serves the database.
func (c *config) lockFile() string {
	if c.Base != "" {
		return c.Base + ".lock"
	}
	return filepath.Join(c.Data, lockName)
}

func (c *config) masterFile() string {
	if c.MasterFile != "" {
		return c.MasterFile
	}
	return filepath.Join(c.Data, masterName)
}

// publicURL is the configured public URL, or else that of the listener, without a
// trailing slash.
func (c *config) publicURL() string {
	if c.PublicURL != "" {
		scheme, rest, found := strings.Cut(strings.TrimRight(c.PublicURL, "/"), "://")
		host, path, _ := strings.Cut(rest, "/")
		if !found || path != "" {
			return c.PublicURL // check refuses it
		}
		scheme, host = strings.ToLower(scheme), strings.ToLower(host)
		return scheme + "://" + strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return scheme + "://" + c.Listen
	}
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// mailer is where mail goes: "smtp", "console" or "file:DIR".
func (c *config) mailer() string {
	switch {
	case c.Mail != "":
		return c.Mail
	case c.SMTPHost != "":
		return "smtp"
	default:
		return "console"
	}
}

// secret is a setting that is never shown.
type secret string

// mask is what a secret is shown as.
const mask = "********"

// String returns a mask in the place of the secret.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString returns a mask too.
func (s secret) GoString() string { return s.String() }

// MarshalText returns a mask too.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// limit is so many of something in a time, written "10/15m", or "off".
type limit user.Limit

// UnmarshalText reads a limit.
func (l *limit) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*l = limit{}
		return nil
	}
	count, window, found := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(count)
	if !found || err != nil || n < 1 {
		return errLimit
	}
	d, err := time.ParseDuration(window)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return errLimit
	}
	*l = limit{Count: n, Window: d}
	return nil
}

var errLimit = errors.New("a limit is how many in which time, a second to a day, like 10/15m; or off")

// String writes a limit as it is read.
func (l limit) String() string {
	if l.Count == 0 {
		return "off"
	}
	return fmt.Sprintf("%d/%s", l.Count, span(l.Window))
}

// MarshalText is String.
func (l limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// span writes a duration without units that are zero: "15m" for "15m0s".
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
