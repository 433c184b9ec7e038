package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// How long things take at most when the service stops, and how often it sweeps.
const (
	drainWithin = 20 * time.Second // requests that are under way
	mailWithin  = 10 * time.Second // mails that are queued
	sweepEvery  = time.Hour
	reloadAgain = 200 * time.Millisecond // after the store could not be read
)

type serveCommand struct{}

// server is a running service.
type server struct {
	*system
	config   *config
	log      *slog.Logger
	mail     *mail.Queue
	draining atomic.Bool
	stale    atomic.Bool // another process changed the store, and it was not read again yet
}

// Run serves until ctx ends or the process is asked to stop, and then finishes
// what is under way.
func (*serveCommand) Run(ctx context.Context, p *program) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := p.config
	settled, err := c.check()
	if err != nil {
		return err
	}
	_, missing := os.Stat(c.database())
	if err := dataDir(c, true); err != nil {
		return err
	}
	unlock, err := lock(c.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	main, ops, err := c.listeners(ctx)
	if err != nil {
		return err
	}
	defer closeAll(main, ops)
	s := &server{config: c, log: p.logger()}
	if s.mail, err = p.queue(settled, s.log); err != nil {
		return problems{err}
	}
	if s.system, err = p.open(ctx, s.log, true, s.mail); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	app, err := web.New(s.Service, c.web(settled, s.log))
	if err != nil {
		return problems{err}
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s.store.OnForeignChange(func() { s.reload(life) })
	go s.sweep(life)
	failed := make(chan error, 2)
	go func() { failed <- app.Listener(main) }()
	operations := web.Operations(s.ready)
	if ops != nil {
		go func() { failed <- operations.Listener(ops) }()
	}
	p.welcome(ctx, s, errors.Is(missing, os.ErrNotExist))
	select {
	case <-ctx.Done():
	case err = <-failed:
		s.log.Error("stopped listening", "error", err)
	}
	stop() // a second signal ends the process at once
	return errors.Join(err, s.shutDown(app, operations))
}

// shutDown lets what is under way finish, within bounds.
func (s *server) shutDown(app, operations *fiber.App) error {
	s.draining.Store(true)
	s.log.Info("stopping")
	var errs []error
	if err := app.ShutdownWithTimeout(drainWithin); err != nil {
		errs = append(errs, fmt.Errorf("cut off requests that were under way: %w", err))
	}
	ctx, cancel := context.WithTimeout(context.Background(), mailWithin)
	defer cancel()
	if err := s.mail.Close(ctx); err != nil {
		errs = append(errs, err)
	}
	if err := operations.ShutdownWithTimeout(time.Second); err != nil {
		errs = append(errs, fmt.Errorf("finish health checks: %w", err))
	}
	s.log.Info("stopped")
	return errors.Join(errs...)
}

// ready returns why no request should be sent here, and nil otherwise.
func (s *server) ready(ctx context.Context) error {
	switch {
	case s.draining.Load():
		return errors.New("stopping")
	case s.stale.Load():
		return errors.New("the database was changed and could not be read again yet")
	}
	if err := s.store.Ping(ctx); err != nil {
		s.log.WarnContext(ctx, "not ready", "error", err)
		return err
	}
	return nil
}

// reload reads again what another process has changed: a command that bans
// somebody, say. It does not give up before ctx ends, because until it succeeds
// somebody may come in who should not.
func (s *server) reload(ctx context.Context) {
	for {
		err := s.Load(ctx)
		s.stale.Store(err != nil)
		if err == nil {
			s.log.DebugContext(ctx, "read what another process changed")
			return
		}
		s.log.ErrorContext(ctx, "cannot read what another process changed", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(reloadAgain):
		}
	}
}

// sweep removes what has expired, now and then.
func (s *server) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.Sweep(ctx); err != nil {
				s.log.ErrorContext(ctx, "cannot remove what has expired", "error", err)
			}
		}
	}
}

// lock makes this the only server of a data directory: sessions are remembered in
// the process, and two would each remember their own. Commands are no servers.
// The lock ends with the process, however it ends.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the data directory
	if err != nil {
		return nil, problems{fmt.Errorf("data: %s: %w", path, reason(err))}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "server_running",
				"another hexward serves "+filepath.Dir(path)+" already; stop it, or give this one a data directory of its own with --data")
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}

// listeners opens the two listeners; the second one is nil when it is off. A port
// of 0 becomes the one that was given.
func (c *config) listeners(ctx context.Context) (main, ops net.Listener, err error) {
	if main, err = listen(ctx, "listen", c.Listen); err != nil {
		return nil, nil, err
	}
	if strings.HasSuffix(c.Listen, ":0") {
		c.Listen = main.Addr().String()
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			closeAll(main)
			return nil, nil, problems{fmt.Errorf("tls-cert, tls-key: %w", err)}
		}
		main = tls.NewListener(main, &tls.Config{
			Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}
	if c.OpsListen == "off" || c.OpsListen == "" {
		return main, nil, nil
	}
	if ops, err = listen(ctx, "ops-listen", c.OpsListen); err != nil {
		closeAll(main)
		return nil, nil, err
	}
	if strings.HasSuffix(c.OpsListen, ":0") {
		c.OpsListen = ops.Addr().String()
	}
	return main, ops, nil
}

func listen(ctx context.Context, name, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: another program listens on %s; stop it, or choose another port with --%s", name, address, name)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

func closeAll(listeners ...net.Listener) {
	for _, l := range listeners {
		if l != nil {
			_ = l.Close()
		}
	}
}

// web is the configuration of the HTTP adapter.
func (c *config) web(s *settled, log *slog.Logger) web.Config {
	front := c.FrontEnd
	if strings.HasPrefix(front, "/") {
		front = c.publicURL() + front
	}
	policy := s.policy
	if s.forward == "" {
		policy = nil // it is for edge workers only
	}
	return web.Config{
		PublicURL: c.publicURL(), BasePath: c.BasePath, CallbackPath: c.CallbackPath, FrontEnd: front, DevelopmentUser: c.Development,
		TrustedProxies: s.proxies, Forward: s.forward, Policy: policy, ForwardToken: c.ForwardToken, Origins: s.origins, Site: c.Site, Log: log,
		Bundles: c.Bundle != "off", BundleSecret: s.bundleSecret,
	}
}

// queue makes the mailer that is configured and puts a queue before it.
func (p *program) queue(s *settled, log *slog.Logger) (*mail.Queue, error) {
	mailer, err := p.mailer(s)
	if err != nil {
		return nil, err
	}
	return mail.NewQueue(mailer, mail.QueueConfig{
		Report: func(err error) { log.Error("mail was not delivered", "error", err) },
	}), nil
}

// welcome says on standard output where everything is, and on the first run how
// to become the administrator.
func (p *program) welcome(ctx context.Context, s *server, first bool) {
	c := p.config
	mailed := map[string]string{"smtp": "through " + c.SMTPHost, "console": "printed here"}[c.mailer()]
	if s.settled.mailDir != "" {
		mailed = "written to " + s.settled.mailDir
	}
	key := s.settled.masterFile
	if key == "" {
		key = "as configured"
	}
	fmt.Fprintf(p.stdout, "\n  Hexward is running at %s\n\n  data        %s\n  master key  %s\n  mail        %s\n", c.publicURL(), c.Data, key, mailed)
	if c.OpsListen != "" && c.OpsListen != "off" {
		fmt.Fprintf(p.stdout, "  health      http://%s/readyz\n", c.OpsListen)
	}
	fmt.Fprintln(p.stdout)
	s.log.InfoContext(ctx, "serving", "address", c.Listen, "operations", c.OpsListen, "public_url", c.publicURL(), "data", c.Data)
	s.warnOfSecret(ctx)
	if c.Development {
		s.log.WarnContext(ctx, "everybody on this machine is signed in as the development user")
	}
	if !first {
		return
	}
	fmt.Fprint(p.stdout, "  This is the first run. Keep a copy of the master key elsewhere: without it the data is of no use.\n")
	link, err := s.SetupLink(ctx)
	if err != nil {
		s.log.ErrorContext(ctx, "cannot make the link for the first administrator", "error", err)
		return
	}
	if link != "" {
		fmt.Fprintf(p.stdout, "  Become its administrator within 24 hours; \"hexward setup-link\" makes another link:\n\n  %s\n\n", link)
	}
}

// warnOfSecret says what it means that tokens are signed with a secret, if they are.
func (s *server) warnOfSecret(ctx context.Context) {
	keys, err := s.ListKeys(ctx, &s.operator)
	if err != nil {
		s.log.ErrorContext(ctx, "cannot list the signing keys", "error", err)
		return
	}
	if c := s.config; c.Bundle != "off" && slices.ContainsFunc(keys, func(k auth.Key) bool { return k.State != auth.KeyDropped && k.Algorithm == "HS256" }) {
		s.log.WarnContext(ctx, noSecrets)
	}
	secret := slices.ContainsFunc(keys, func(k auth.Key) bool { return k.State == auth.KeyActive && k.Algorithm == "HS256" })
	switch {
	case !secret:
	case len(s.settled.signingSecret) > 0:
		s.log.WarnContext(ctx, "tokens are signed with HS256 and a secret that is shared: every service that has it can make them, for anybody")
	case s.config.Algorithm != "HS256":
		s.log.WarnContext(ctx, `tokens are still signed with an HS256 secret, although algorithm says otherwise; "hexward keys rotate" makes another key`, "algorithm", s.config.Algorithm)
	default:
		s.log.WarnContext(ctx, "tokens are signed with HS256: nobody but this service can verify them")
	}
}
