package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/hexward/hexward/adapters/mail"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

// authority is a certificate authority of the test's own.
type authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t), roots: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.roots.AddCert(a.cert)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue returns the TLS settings of a server whose certificate names host and is
// good until then.
func (a *authority) issue(t testing.TB, host string, until time.Time) *tls.Config {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// postOffice is a real SMTP server on a loopback address.
type postOffice struct {
	port      int
	rcpt      error  // answers RCPT
	data      error  // answers DATA
	mechanism string // of authentication that it offers; empty for none
	stall     chan struct{}

	mu   sync.Mutex
	mail []envelope
}

type envelope struct {
	from string
	to   []string
	user string
	tls  bool
	raw  []byte
}

// open starts the server; tls is nil for one without.
func (o *postOffice) open(t testing.TB, config *tls.Config, implicit bool) *postOffice {
	t.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		session := &visit{office: o, conn: c}
		if o.mechanism != "" {
			return authVisit{session}, nil
		}
		return session, nil
	}))
	s.Domain, s.ReadTimeout, s.WriteTimeout, s.AllowInsecureAuth = "localhost", 10*time.Second, 10*time.Second, true
	s.ErrorLog = quiet{}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.port = l.Addr().(*net.TCPAddr).Port
	if implicit {
		l = tls.NewListener(l, config)
	} else {
		s.TLSConfig = config
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return o
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (o *postOffice) delivered() []envelope {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mail
}

type visit struct {
	office *postOffice
	conn   *smtp.Conn
	now    envelope
}

func (v *visit) Reset()        { v.now = envelope{user: v.now.user} }
func (v *visit) Logout() error { return nil }
func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	v.now.from = from
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.now.to = append(v.now.to, to)
	return v.office.rcpt
}

func (v *visit) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if v.office.stall != nil {
		<-v.office.stall
	}
	if v.office.data != nil {
		return v.office.data
	}
	v.now.raw = raw
	_, v.now.tls = v.conn.TLSConnectionState()
	v.office.mu.Lock()
	defer v.office.mu.Unlock()
	v.office.mail = append(v.office.mail, v.now)
	return nil
}

// authVisit lets in ada with the password "pass".
type authVisit struct{ *visit }

func (v authVisit) AuthMechanisms() []string { return strings.Fields(v.office.mechanism) }

func (v authVisit) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "ada" || password != "pass" {
			return smtp.ErrAuthFailed
		}
		v.now.user = user
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case sasl.Login:
		return &login{check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// login is the server's side of the mechanism LOGIN, which has no RFC.
type login struct {
	check func(user, password string) error
	said  []string
}

func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		l.said = append(l.said, string(response))
	}
	switch len(l.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.said[0], l.said[1])
}

func newSMTP(t testing.TB, s mail.Server) *mail.SMTP {
	t.Helper()
	if s.Host == "" {
		s.Host = "127.0.0.1"
	}
	m, err := mail.NewSMTP(config(), s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func later() time.Time { return time.Now().Add(time.Hour) }

func TestSMTP_contract(t *testing.T) {
	ca := newAuthority(t)
	for _, mode := range []string{mail.STARTTLS, mail.TLS, mail.None} {
		t.Run(mode, func(t *testing.T) {
			porttest.Mailer(t, func(t *testing.T) (ports.Mailer, func() []string) {
				config := ca.issue(t, "127.0.0.1", later())
				if mode == mail.None {
					config = nil
				}
				office := new(postOffice).open(t, config, mode == mail.TLS)
				return newSMTP(t, mail.Server{Port: office.port, Mode: mode, Roots: ca.roots}), func() (all []string) {
					for _, e := range office.delivered() {
						all = append(all, parse(t, e.raw).summary())
						if e.tls != (mode != mail.None) || e.from != "id@example.org" || len(e.to) != 1 {
							t.Errorf("from %s to %v, TLS %v", e.from, e.to, e.tls)
						}
					}
					return all
				}
			})
		})
	}
}

func TestSMTP_authentication(t *testing.T) {
	ca := newAuthority(t)
	for _, mode := range []string{mail.STARTTLS, mail.TLS, mail.None} {
		for _, tt := range []struct{ name, mechanisms, password, want string }{
			{"PLAIN", "PLAIN", "pass", "ada"},
			{"LOGIN", "LOGIN", "pass", "ada"},
			{"the better of two", "LOGIN PLAIN", "pass", "ada"},
			{"wrong password", "PLAIN LOGIN", "a wrong one", ""},
			{"none offered", "", "pass", ""},
			{"none known", "GSSAPI", "pass", ""},
		} {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				config := ca.issue(t, "127.0.0.1", later())
				if mode == mail.None {
					config = nil
				}
				office := (&postOffice{mechanism: tt.mechanisms}).open(t, config, mode == mail.TLS)
				m := newSMTP(t, mail.Server{Port: office.port, Mode: mode, Roots: ca.roots, User: "ada", Password: tt.password})
				err := m.Send(t.Context(), porttest.MailerMessages()["reset"])
				got := office.delivered()
				if tt.want != "" {
					if err != nil || len(got) != 1 || got[0].user != tt.want {
						t.Errorf("delivered %v, %v", got, err)
					}
					return
				}
				if fault.KindOf(err) != fault.Unavailable || len(got) != 0 {
					t.Fatalf("delivered %v, %v", got, err)
				}
				if strings.Contains(err.Error(), tt.password) {
					t.Errorf("the error shows the password: %v", err)
				}
			})
		}
	}
}

// TestSMTP_refuses_a_server_that_nobody_vouches_for also sees that nothing is
// sent without TLS when somebody on the way takes STARTTLS out.
func TestSMTP_refuses_a_server_that_nobody_vouches_for(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	for _, tt := range []struct {
		name   string
		config *tls.Config
	}{
		{"another authority", other.issue(t, "127.0.0.1", later())},
		{"another host", ca.issue(t, "smtp.example.org", later())},
		{"expired", ca.issue(t, "127.0.0.1", time.Now().Add(-time.Minute))},
		{"no TLS", nil},
	} {
		for _, mode := range []string{mail.STARTTLS, mail.TLS} {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				office := (&postOffice{mechanism: "PLAIN"}).open(t, tt.config, mode == mail.TLS && tt.config != nil)
				m := newSMTP(t, mail.Server{Port: office.port, Mode: mode, Roots: ca.roots, User: "ada", Password: "pass", Timeout: 5 * time.Second})
				if err := m.Send(t.Context(), porttest.MailerMessages()["reset"]); fault.KindOf(err) != fault.Unavailable {
					t.Errorf("got %v", err)
				}
				if got := office.delivered(); len(got) != 0 {
					t.Errorf("delivered %v", got)
				}
			})
		}
	}
}

func TestSMTP_server_refuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		office *postOffice
		want   string
	}{
		{"recipient", &postOffice{rcpt: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}}, "550"},
		{"recipient for now", &postOffice{rcpt: &smtp.SMTPError{Code: 450, Message: "greylisted"}}, "450"},
		{"message", &postOffice{data: &smtp.SMTPError{Code: 554, Message: "looks like spam"}}, "554"},
		{"full", &postOffice{data: &smtp.SMTPError{Code: 452, Message: "no space"}}, "452"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			office := tt.office.open(t, nil, false)
			m := porttest.MailerMessages()["reset"]
			err := newSMTP(t, mail.Server{Port: office.port, Mode: mail.None}).Send(t.Context(), m)
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want one that says %s", err, tt.want)
			}
			if strings.Contains(err.Error(), m.Link) {
				t.Errorf("the error shows the link: %v", err)
			}
		})
	}
}

// TestSMTP_deadline has servers that fall silent at each step, and sees that Send
// returns in time, by its own bound or by the caller's, and leaves no connection
// behind.
func TestSMTP_deadline(t *testing.T) {
	ca := newAuthority(t)
	for _, tt := range []struct {
		name string
		mode string
		talk func(conn net.Conn) // what the server says before it falls silent
	}{
		{"greeting", mail.None, func(net.Conn) {}},
		{"hello", mail.None, func(c net.Conn) { say(c, "220 hello") }},
		{"handshake", mail.TLS, func(net.Conn) {}},
		{"STARTTLS", mail.STARTTLS, func(c net.Conn) {
			say(c, "220 hello")
			hear(c)
			say(c, "250-localhost\r\n250 STARTTLS")
			hear(c)
		}},
		{"handshake after STARTTLS", mail.STARTTLS, func(c net.Conn) {
			say(c, "220 hello")
			hear(c)
			say(c, "250-localhost\r\n250 STARTTLS")
			hear(c)
			say(c, "220 go ahead")
		}},
		{"sender", mail.None, func(c net.Conn) {
			say(c, "220 hello")
			hear(c)
			say(c, "250 localhost")
			hear(c)
		}},
		{"slow greeting without end", mail.None, func(c net.Conn) {
			for range 1000 {
				if _, err := io.WriteString(c, "220-still here\r\n"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}},
	} {
		for _, whose := range []string{"own", "caller's"} {
			t.Run(tt.name+"/"+whose, func(t *testing.T) {
				port, ended := listen(t, tt.talk)
				server := mail.Server{Port: port, Mode: tt.mode, Roots: ca.roots}
				ctx := t.Context()
				if whose == "own" {
					server.Timeout = 200 * time.Millisecond
				} else {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
					defer cancel()
				}
				start := time.Now()
				err := newSMTP(t, server).Send(ctx, porttest.MailerMessages()["reset"])
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("took %v", took)
				}
				if fault.KindOf(err) != fault.Unavailable {
					t.Errorf("got %v", err)
				}
				select {
				case <-ended:
				case <-time.After(5 * time.Second):
					t.Error("the connection was left open")
				}
			})
		}
	}
}

// listen serves one connection with talk and then hears whatever comes; ended is
// closed when the other side has hung up.
func listen(t testing.TB, talk func(net.Conn)) (port int, ended chan struct{}) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		talk(conn)
		_, _ = io.Copy(io.Discard, conn)
	}()
	return l.Addr().(*net.TCPAddr).Port, ended
}

func say(c net.Conn, line string) { _, _ = io.WriteString(c, line+"\r\n") }
func hear(c net.Conn)             { _, _ = bufio.NewReader(c).ReadString('\n') }

func TestSMTP_cancelled_while_the_server_thinks(t *testing.T) {
	office := &postOffice{stall: make(chan struct{})}
	office.open(t, nil, false)
	t.Cleanup(func() { close(office.stall) })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	err := newSMTP(t, mail.Server{Port: office.port, Mode: mail.None}).Send(ctx, porttest.MailerMessages()["reset"])
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestSMTP_accepted_then_gone has a server that takes the message and hangs up
// before the client has said goodbye: the message is not to be sent twice.
func TestSMTP_accepted_then_gone(t *testing.T) {
	port, _ := listen(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		say(c, "220 hello")
		for _, answer := range []string{"250 localhost", "250 ok", "250 ok", "354 go ahead"} {
			_, _ = r.ReadString('\n')
			say(c, answer)
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil || line == ".\r\n" {
				break
			}
		}
		say(c, "250 taken")
		_ = c.Close()
	})
	if err := newSMTP(t, mail.Server{Port: port, Mode: mail.None}).Send(t.Context(), porttest.MailerMessages()["reset"]); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestSMTP_nobody_there(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := newSMTP(t, mail.Server{Port: port, Mode: mail.None}).Send(t.Context(), porttest.MailerMessages()["reset"]); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestSMTP_leaves_no_goroutines(t *testing.T) {
	office := new(postOffice).open(t, nil, false)
	m := newSMTP(t, mail.Server{Port: office.port, Mode: mail.None})
	send(t, m, porttest.MailerMessages()["reset"])
	before := runtime.NumGoroutine()
	for range 20 {
		send(t, m, porttest.MailerMessages()["reset"])
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there were %d goroutines, now there are %d", before, runtime.NumGoroutine())
		}
	}
}

func TestNewSMTP(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   string
		server mail.Server
		want   []string // parts of the error; none for no error
	}{
		{name: "STARTTLS by default", from: "id@example.org", server: mail.Server{Host: "smtp.example.org"}},
		{name: "with a user", from: "id@example.org", server: mail.Server{Host: "smtp.example.org", User: "ada", Password: "pass", Mode: mail.TLS}},
		{name: "loopback in the clear", from: "id@example.org", server: mail.Server{Host: "::1", Mode: mail.None, User: "ada", Password: "pass"}},
		{name: "allowed in the clear", from: "id@example.org", server: mail.Server{Host: "smtp.internal", Mode: mail.None, Cleartext: true}},
		{name: "nothing", want: []string{"sender is needed", "host name"}},
		{name: "in the clear", from: "id@example.org", server: mail.Server{Host: "smtp.example.org", Mode: mail.None}, want: []string{"in the clear"}},
		{name: "almost loopback", from: "id@example.org", server: mail.Server{Host: "127.0.0.1.example.org", Mode: mail.None}, want: []string{"in the clear"}},
		{name: "a password in the clear", from: "id@example.org", server: mail.Server{Host: "smtp.internal", Mode: mail.None, Cleartext: true, User: "ada", Password: "pass"}, want: []string{"a password is not sent in the clear"}},
		{name: "user without password", from: "id@example.org", server: mail.Server{Host: "smtp.example.org", User: "ada"}, want: []string{"or neither"}},
		{name: "password without user", from: "id@example.org", server: mail.Server{Host: "smtp.example.org", Password: "pass"}, want: []string{"or neither"}},
		{name: "unknown mode", from: "id@example.org", server: mail.Server{Host: "smtp.example.org", Mode: "ssl"}, want: []string{`"ssl"`}},
		{name: "port", from: "id@example.org", server: mail.Server{Host: "smtp.example.org", Port: 70000}, want: []string{"70000"}},
		{name: "socket", from: "id@example.org", server: mail.Server{Host: "unix:///run/smtp"}, want: []string{"host name"}},
		{name: "several", from: "x", server: mail.Server{Host: "smtp.example.org", Mode: "ssl", Timeout: -1}, want: []string{"sender", `"ssl"`, "timeout"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mail.NewSMTP(mail.Config{From: tt.from}, tt.server)
			if (err == nil) != (len(tt.want) == 0) || (m == nil) != (err != nil) {
				t.Fatalf("got %v, %v", m, err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if err != nil && strings.Contains(fmt.Sprint(err), `"pass"`) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
