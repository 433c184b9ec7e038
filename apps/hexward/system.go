package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/hexward/hexward/adapters/cache"
	"github.com/hexward/hexward/adapters/captcha"
	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// system is the service on its database.
type system struct {
	*auth.Service
	store    *sqlite.Store
	settled  *settled
	operator access.Principal
	created  bool // the master key was made just now: this is the first run
}

// busyWithin bounds how long a write waits for a command that holds the database.
// Requests wait one after the other, and each has ten seconds.
const busyWithin = 2 * time.Second

// by is the client that commands are recorded under in the audit log.
var by = auth.Client{Agent: "hexward command"}

// open wires the service on the data directory, which it makes only if create
// says so, and loads it. The mailer is for mail that a use case sends; commands
// send none.
func (p *program) open(ctx context.Context, log *slog.Logger, create bool, mailer ports.Mailer) (_ *system, err error) {
	c := p.config
	settled, err := c.check()
	if err != nil {
		return nil, err
	}
	if err := dataDir(c, create); err != nil {
		return nil, err
	}
	s := &system{settled: settled, operator: access.Operator(operatorName(p.getenv))}
	master := settled.masterKey
	if master == nil {
		if master, s.created, err = masterKey(settled.masterFile, c.database()); err != nil {
			return nil, err
		}
	}
	keys, cookies := [][]byte{}, [][]byte{}
	if settled.formerKey != nil {
		keys, cookies = append(keys, settled.formerKey), append(cookies, sealer.Derive(settled.formerKey, "session cookie"))
	}
	seals, err := sealer.New(master, keys...)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	ids, err := session.NewSeal(sealer.Derive(master, "session cookie"), cookies...)
	if err != nil {
		return nil, fmt.Errorf("session cookies: %w", err)
	}
	ring, err := keyring.New(seals)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	human, err := c.captchaChecker(settled)
	if err != nil {
		return nil, problems{fmt.Errorf("captcha: %w", err)}
	}
	verified, refused, err := c.tokenCaches()
	if err != nil {
		return nil, problems{err}
	}
	if s.store, err = sqlite.Open(ctx, c.database(), sqlite.WithBusyTimeout(busyWithin)); err != nil {
		return nil, fmt.Errorf("open the database %s: %w", c.database(), err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.store.Close())
		}
	}()
	s.Service, err = auth.New(auth.Config{
		Users: s.store.Users(), Sessions: s.store.Sessions(), SessionSets: s.store.SessionSets(),
		MailTokens: s.store.MailTokens(), Attempts: s.store.Attempts(), Marks: s.store.Marks(), Audit: s.store.Audit(), Keys: s.store.Keys(),
		Keyring: ring, Signer: signer.New(), Sealer: seals, Hasher: settled.hasher, Mailer: mailer, Captcha: human,
		Identities: s.store.Identities(), Providers: settled.providers, Issuers: settled.issuers,
		Tenants: s.store.Tenants(), Directory: s.store.Directory(), Machines: s.store.Machines(), APITokens: s.store.APITokens(),
		Verified: verified, Refused: refused,
		Edge: &auth.Edge{
			Keys: s.store.BundleKeys(), Numbers: s.store.BundleNumbers(),
			Policy: settled.policy, Site: c.web(settled, log).Edge(), APITokens: c.BundleTokens,
		},
		Seal: ids, Now: p.now, Rand: rand.Reader,
		Report: func(ctx context.Context, doing string, err error) {
			log.ErrorContext(ctx, "failed in the background", "doing", doing, "error", err)
		},
		Settings: c.settings(settled),
	})
	if err != nil {
		return nil, problems{err}
	}
	if err := s.Load(ctx); err != nil {
		return nil, fmt.Errorf("%w%s", err, hint(err))
	}
	return s, nil
}

// hint says what may be done about an error that the service could not start
// with.
func hint(err error) string {
	if errors.Is(err, sealer.ErrKey) {
		return "; if the master key was changed, give the one before as former-master-key or former-master-key-file"
	}
	return ""
}

// settings are the choices of the service.
func (c *config) settings(settled *settled) auth.Settings {
	s := auth.DefaultSettings(c.publicURL())
	if c.Audience != "" {
		s.Audience = c.Audience
	}
	s.Algorithm, s.AccessLife, s.KeyDelay = c.Algorithm, c.AccessLife, c.KeyDelay
	s.Life = session.Life{Idle: c.Idle, Absolute: c.Absolute}
	s.Registration, s.Passwords, s.Site = auth.Registration(c.Register), user.Policy{Min: c.PasswordMin}, c.Site
	s.AccountLimit, s.AddressLimit, s.MailLimit = user.Limit(c.AccountLimit), user.Limit(c.AddressLimit), user.Limit(c.MailLimit)
	s.ConfirmLife, s.ResetLife, s.SessionCache = c.ConfirmLife, c.ResetLife, c.Cache
	s.Callback = c.publicURL() + c.callback()
	s.Secret, s.TokenCacheTTL, s.SecretOverlap, s.VouchLife = settled.signingSecret, c.TokenTTL, c.SecretOverlap, c.VouchLife
	s.BundleLife = c.BundleLife
	return s
}

// refusedShare is how many of the entries for good tokens there are for refused ones,
// which anybody can make more of, and which are forgotten soon.
const refusedShare = 10

// tokenCaches returns the caches of good and of refused tokens; nil, empty interfaces,
// when nothing is to be remembered.
func (c *config) tokenCaches() (verified, refused ports.TokenCache, err error) {
	if c.TokenCache == 0 || c.TokenTTL == 0 {
		return nil, nil, nil
	}
	good, err := cache.New(c.TokenCache)
	if err != nil {
		return nil, nil, fmt.Errorf("token-cache: %w", err)
	}
	bad, err := cache.New(max(1, c.TokenCache/refusedShare))
	if err != nil {
		return nil, nil, fmt.Errorf("token-cache: %w", err)
	}
	return good, bad, nil
}

// captchaChecker returns nil, an empty interface, when there is no captcha.
func (c *config) captchaChecker(s *settled) (ports.Captcha, error) {
	if c.Captcha == "none" {
		return nil, nil
	}
	host := c.CaptchaHostname
	if host == "" {
		if u, err := url.Parse(c.publicURL()); err == nil {
			host = u.Hostname()
		}
	}
	return captcha.New(captcha.Config{Provider: c.Captcha, Secret: s.captchaSecret, Hostname: host})
}

// dataDir makes the data directory, or sees that it holds a database.
func dataDir(c *config, create bool) error {
	if !create {
		_, err := os.Stat(c.database())
		switch {
		case errors.Is(err, os.ErrNotExist):
			return fault.New(fault.NotFound, "no_data", "there is no database in "+c.Data+`; say where with --data, or run "hexward serve" once to make one`)
		case err != nil:
			return fmt.Errorf("data: %s: %w", c.database(), reason(err))
		}
		return nil
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return problems{fmt.Errorf("data: %s cannot be made: %w", c.Data, reason(err))}
	}
	if c.Base != "" {
		if err := os.MkdirAll(filepath.Dir(c.Base), 0o700); err != nil {
			return problems{fmt.Errorf("database: %s cannot be made: %w", filepath.Dir(c.Base), reason(err))}
		}
	}
	return nil
}

// masterKey reads the master key's file, or makes it for a new database. A
// database that is there has been sealed under a key that is not: a new one would
// only hide the loss.
func masterKey(file, database string) (key []byte, created bool, err error) {
	if _, missing := os.Stat(file); errors.Is(missing, os.ErrNotExist) {
		if _, err := os.Stat(database); err == nil {
			return nil, false, problems{fmt.Errorf("master-key-file: %s is not there, and %s is sealed under the key that was in it: put it back from a backup", file, database)}
		}
	}
	key, created, err = sealer.LoadOrCreateKey(file, rand.Reader)
	if err != nil {
		return nil, false, problems{fmt.Errorf("master-key-file: %w", err)}
	}
	return key, created, nil
}

// operatorName is who runs a command, as far as the environment says.
func operatorName(getenv func(string) string) string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if v := getenv(name); v != "" && len(v) <= 64 {
			return v
		}
	}
	return "operator"
}

// noMail takes no mail.
type noMail struct{}

// Send refuses.
func (noMail) Send(context.Context, ports.Message) error {
	return fault.New(fault.Unavailable, "no_mail", "commands send no mail")
}

// use runs f on the service of the data directory, for a command.
func (p *program) use(ctx context.Context, create bool, f func(*system) error) error {
	s, err := p.open(ctx, p.logger(), create, noMail{})
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.store.Close())
}
