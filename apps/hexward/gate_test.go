package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The name that the examples in deploy have for the host of the app and Hexward.
const appHost = "app.example"

// seen is a request as an app behind a proxy got it.
type seen struct {
	method, target string
	headers        [][2]string // as they came
	body           string
	trailers       [][2]string
}

// get returns the values of headers that anybody could take for this one.
func (s *seen) get(name string) (values []string) {
	for _, h := range s.headers {
		if plainName(h[0]) == plainName(name) {
			values = append(values, h[1])
		}
	}
	return values
}

// plainName is a header's name as CGI and its heirs know it.
func plainName(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// app is what a proxy protects. It reads requests to the letter and answers 200 to
// every one.
type app struct {
	listener net.Listener
	mu       sync.Mutex
	requests []seen
	broken   []string // what it could not read
}

func newApp(t *testing.T) *app {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go a.serve(conn)
		}
	}()
	return a
}

func (a *app) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	r := bufio.NewReader(conn)
	for {
		s, err := readRequest(r)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				a.mu.Lock()
				a.broken = append(a.broken, err.Error())
				a.mu.Unlock()
			}
			return
		}
		a.mu.Lock()
		a.requests = append(a.requests, s)
		a.mu.Unlock()
		body := "app\n"
		if s.method == "HEAD" {
			body = ""
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n%s", body)
	}
}

// readRequest reads the next request of a connection.
func readRequest(r *bufio.Reader) (s seen, err error) {
	line := func() (string, error) {
		text, err := r.ReadString('\n')
		if err != nil && text != "" {
			err = fmt.Errorf("after %q: %w", text, io.ErrUnexpectedEOF)
		}
		return strings.TrimRight(text, "\r\n"), err
	}
	fields := func() (list [][2]string, err error) {
		for {
			text, err := line()
			if err != nil || text == "" {
				return list, err
			}
			name, value, _ := strings.Cut(text, ":")
			list = append(list, [2]string{name, strings.TrimSpace(value)})
		}
	}
	first, err := line()
	if err != nil {
		return s, err
	}
	s.method, first, _ = strings.Cut(first, " ")
	if at := strings.LastIndexByte(first, ' '); at >= 0 {
		s.target = first[:at]
	}
	if s.headers, err = fields(); err != nil {
		return s, fmt.Errorf("headers: %w", err)
	}
	var body []byte
	if lengths := s.get("Content-Length"); len(lengths) == 1 {
		n, err := strconv.Atoi(lengths[0])
		if err != nil {
			return s, err
		}
		body = make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return s, err
		}
	} else if len(s.get("Transfer-Encoding")) > 0 {
		if body, err = io.ReadAll(httputil.NewChunkedReader(r)); err != nil {
			return s, err
		}
		if s.trailers, err = fields(); err != nil {
			return s, err
		}
	}
	s.body = string(body)
	return s, nil
}

// since returns the requests from the nth on.
func (a *app) since(n int) []seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]seen(nil), a.requests[n:]...)
}

func (a *app) count() int { return len(a.since(0)) }

// gate is a real proxy before an app, with the configuration of deploy, which asks
// Hexward, or whatever stands in its place.
type gate struct {
	t       *testing.T
	name    string
	address string
	trust   *x509.CertPool
	app     *app
	log     func() string
}

// gates start a proxy each, by the name that forward-auth has for it. They are given
// where Hexward is.
var gates = map[string]func(t *testing.T, decider string) *gate{"nginx": startNginx, "caddy": startCaddy}

// newGate makes what every proxy needs: an address, an app, and a directory with a
// certificate.
func newGate(t *testing.T, name string) (g *gate, dir string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g = &gate{t: t, name: name, address: l.Addr().String(), app: newApp(t), trust: x509.NewCertPool()}
	_ = l.Close() // the proxy opens it again
	dir = t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: appHost}, DNSNames: []string{appHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	g.trust.AppendCertsFromPEM(certificate)
	g.write(dir, "cert.pem", certificate)
	g.write(dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return g, dir
}

func (g *gate) write(dir, name string, text []byte) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// example is a file of deploy with addresses filled in. Each of the texts is there.
func (g *gate) example(name string, fill ...string) string {
	g.t.Helper()
	text, err := os.ReadFile(filepath.Join("deploy", name))
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(fill); i += 2 {
		if !bytes.Contains(text, []byte(fill[i])) {
			g.t.Fatalf("deploy/%s does not have %q", name, fill[i])
		}
		text = bytes.ReplaceAll(text, []byte(fill[i]), []byte(fill[i+1]))
	}
	return string(text)
}

// start runs the proxy until the test ends, and waits until it listens.
func (g *gate) start(cmd *exec.Cmd, log func() string) {
	g.t.Helper()
	out := &buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	g.log = func() string { return out.String() + log() }
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	g.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if g.t.Failed() {
			g.t.Logf("%s says:\n%s", g.name, g.log())
		}
	})
	up := within(20*time.Second, func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		conn, err := net.DialTimeout("tcp4", g.address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	select {
	case <-ended:
		g.t.Fatalf("%s ended:\n%s", g.name, g.log())
	default:
		if !up {
			g.t.Fatalf("%s does not listen:\n%s", g.name, g.log())
		}
	}
}

func startNginx(t *testing.T, decider string) *gate {
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path = "/usr/sbin/nginx"; !executable(path) {
			lacking(t, "nginx is missing: apt-get install nginx-light")
		}
	}
	g, dir := newGate(t, "nginx")
	g.write(dir, "app.conf", []byte(g.example(
		"nginx.conf", "listen 443 ssl", "listen "+g.address+" ssl", "127.0.0.1:8080", decider, "127.0.0.1:3000", g.app.listener.Addr().String(),
		"/etc/ssl/certs/app.example.pem", filepath.Join(dir, "cert.pem"), "/etc/ssl/private/app.example.key", filepath.Join(dir, "key.pem"))))
	config := "daemon off;\nmaster_process off;\npid nginx.pid;\nevents { worker_connections 256; }\nhttp {\n\taccess_log off;\n"
	for _, temp := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += "\t" + temp + "_temp_path " + temp + ";\n"
	}
	g.write(dir, "nginx.conf", []byte(config+"\tinclude app.conf;\n}\n"))
	errorLog := filepath.Join(dir, "error.log")
	g.start(exec.Command(path, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", errorLog), func() string {
		text, _ := os.ReadFile(errorLog)
		return string(text)
	})
	return g
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// caddyBuild is Caddy, built once for all tests of a run.
var caddyBuild = sync.OnceValues(func() (path string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	path = filepath.Join(cache, "hexward-test", "caddy")
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute) // the first time; "make test" does it before
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join("testdata", "caddy")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly -buildvcs=false", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func startCaddy(t *testing.T, decider string) *gate {
	path, err := caddyBuild()
	if err != nil {
		lacking(t, "caddy is not built: (cd apps/hexward/testdata/caddy && go build .): "+err.Error())
	}
	g, dir := newGate(t, "caddy")
	_, port, _ := net.SplitHostPort(g.address)
	settings := "{\n\tadmin off\n\tpersist_config off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n"
	g.write(dir, "Caddyfile", []byte(settings+g.example(
		"Caddyfile", appHost+" {", appHost+":"+port+" {\n\ttls "+filepath.Join(dir, "cert.pem")+" "+filepath.Join(dir, "key.pem"),
		"127.0.0.1:8080", decider, "127.0.0.1:3000", g.app.listener.Addr().String())))
	cmd := exec.Command(path, "run", "--config", filepath.Join(dir, "Caddyfile"), "--adapter", "caddyfile")
	cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	g.start(cmd, func() string { return "" })
	return g
}

// reply is what a client of the proxy gets; the zero reply when there is none.
type reply struct {
	status int
	header http.Header
	body   string
}

// patience is how long an answer may take that is due.
const patience = 20 * time.Second

// raw sends bytes and returns the first answer, and what the app saw until the proxy
// hung up or the limit was reached.
func (g *gate) raw(text string, limit time.Duration) (reply, []seen) {
	g.t.Helper()
	before := g.app.count()
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{RootCAs: g.trust, ServerName: appHost, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(g.t.Context(), "tcp4", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	_, _ = io.WriteString(conn, text) // the proxy may have hung up already
	all, _ := io.ReadAll(conn)
	method, _, _ := strings.Cut(text, " ")
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), &http.Request{Method: method})
	if err != nil {
		return reply{body: string(all)}, g.app.since(before)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(body)}, g.app.since(before)
}

// ask sends a request with headers, each as "Name: value".
func (g *gate) ask(method, target string, headers ...string) (reply, []seen) {
	g.t.Helper()
	return g.raw(method+" "+target+" HTTP/1.1\r\nHost: "+appHost+"\r\nConnection: close\r\n"+lines(headers)+"\r\n", patience)
}

func lines(headers []string) string {
	text := ""
	for _, h := range headers {
		if h != "" {
			text += h + "\r\n"
		}
	}
	return text
}

// browser is somebody who goes through the proxy.
func (g *gate) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: g.trust, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, g.address)
	}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &browser{base: "https://" + appHost, http: &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var servingLine = regexp.MustCompile(`"address":"(127\.0\.0\.1:[0-9]+)"`)

// serveFor runs Hexward for a proxy, and returns it and where it listens.
func serveFor(t *testing.T, proxy string, args ...string) (i *instance, address string) {
	t.Helper()
	i = serve(t, t.TempDir(), append([]string{
		"--public-url", "https://" + appHost, "--trusted-proxies", "127.0.0.1", "--forward-auth", proxy, "--policy", filepath.Join("deploy", "policy.yaml"),
	}, args...)...)
	if m := servingLine.FindStringSubmatch(i.stderr.String()); m != nil {
		return i, m[1]
	}
	t.Fatalf("no address in %s", i.stderr)
	return nil, ""
}
