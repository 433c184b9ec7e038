package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/hexward/hexward/ports"
)

// How a connection to a mail server is protected.
const (
	STARTTLS = "starttls" // begins in the clear and turns to TLS before anything else, or ends (RFC 3207); port 587
	TLS      = "tls"      // TLS from the first byte (RFC 8314 §3); port 465
	None     = "none"     // in the clear, to a loopback address or if Server.Cleartext is set; port 25
)

// DefaultTimeout bounds the handing over of one message.
const DefaultTimeout = 30 * time.Second

// Server says which mail server takes the messages.
type Server struct {
	Host      string
	Port      int            // 0 for the one that is usual for the mode
	User      string         // empty for no authentication
	Password  string         // goes over TLS or to a loopback address only
	Mode      string         // STARTTLS, TLS or None; empty for STARTTLS
	Cleartext bool           // allows None to another machine: who listens on the way can sign in as anybody
	Timeout   time.Duration  // of one message; 0 for DefaultTimeout
	Roots     *x509.CertPool // who may vouch for the server; nil for the system's
}

// mechanisms are those of authentication, the best first. The ones that show
// the password are used over TLS or on a loopback address only.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5,
}

// SMTP hands messages to a mail server (RFC 6409), over a connection each. It is
// safe for concurrent use.
type SMTP struct {
	writer *writer
	server Server
	tls    *tls.Config
}

var _ ports.Mailer = (*SMTP)(nil)

// NewSMTP returns a Mailer that sends through a server. It does not connect yet.
// Settings that cannot work or are not safe are an error that names all of
// them.
func NewSMTP(c Config, s Server) (*SMTP, error) {
	w, err := newWriter(c)
	errs := []error{err}
	if c.From == "" {
		errs = append(errs, errors.New("mail: a sender is needed"))
	}
	if s.Host == "" || strings.ContainsAny(s.Host, " /@\r\n\t") || strings.Contains(s.Host, "://") {
		errs = append(errs, fmt.Errorf("mail: the server's name %q is no host name", s.Host))
	}
	if s.Mode == "" {
		s.Mode = STARTTLS
	}
	usual, known := map[string]int{STARTTLS: 587, TLS: 465, None: 25}[s.Mode]
	if !known {
		errs = append(errs, fmt.Errorf("mail: a connection is protected by starttls, tls or none, not %q", s.Mode))
	}
	if s.Port == 0 {
		s.Port = usual
	}
	if s.Port < 0 || s.Port > 65535 {
		errs = append(errs, fmt.Errorf("mail: there is no port %d", s.Port))
	}
	if s.Mode == None && !loopback(s.Host) {
		if !s.Cleartext {
			errs = append(errs, fmt.Errorf("mail: messages to %s would go in the clear, links and all; use starttls or tls", s.Host))
		}
		if s.User != "" {
			errs = append(errs, errors.New("mail: a password is not sent in the clear; use starttls or tls"))
		}
	}
	if (s.User == "") != (s.Password == "") {
		errs = append(errs, errors.New("mail: a user and a password are needed, or neither"))
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Timeout < 0 {
		errs = append(errs, errors.New("mail: a timeout is positive"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &SMTP{w, s, &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}}, nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Send hands a message to the server and returns when it has accepted it. Every
// failure is Unavailable, a recipient that the server refuses too: who is at
// fault is the operator's to find out, from the log.
func (s *SMTP) Send(ctx context.Context, m ports.Message) error {
	l, err := s.writer.write(m)
	if err != nil {
		return err
	}
	message, err := s.writer.mime(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.server.Timeout)
	defer cancel()
	if err := s.deliver(ctx, message); err != nil && !message.IsDelivered() { // what goes wrong after that is nobody's loss
		if over := ctx.Err(); over != nil {
			err = fmt.Errorf("%w: %w", over, err)
		}
		return unavailable(err)
	}
	return nil
}

// deliver hands a message over, on a connection that is closed when it returns or
// ctx ends.
func (s *SMTP) deliver(ctx context.Context, message *gomail.Msg) error {
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close() // the client leaves it open when something fails
		}
	}()
	dial := func(dialCtx context.Context, network, address string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(dialCtx, network, address)
		if err != nil {
			return nil, err
		}
		conn = raw
		context.AfterFunc(ctx, func() { _ = raw.Close() }) // the client looks at ctx only while it dials
		if s.server.Mode != TLS {
			return raw, nil
		}
		secure := tls.Client(raw, s.tls)
		if err := secure.HandshakeContext(dialCtx); err != nil {
			return nil, err
		}
		return secure, nil
	}
	options := []gomail.Option{
		gomail.WithPort(s.server.Port),
		gomail.WithTimeout(s.server.Timeout),
		gomail.WithTLSConfig(s.tls),
		gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithDialContextFunc(dial),
		gomail.WithoutNoop(),
	}
	switch s.server.Mode {
	case TLS:
		options = append(options, gomail.WithSSL()) // no STARTTLS: dial has done it
	case None:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.server.User != "" {
		options = append(options, gomail.WithUsername(s.server.User), gomail.WithPassword(s.server.Password), gomail.WithOpportunisticSMTPAuth(mechanisms...))
	}
	client, err := gomail.NewClient(s.server.Host, options...) // it remembers what it finds out about one server
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, message)
}
