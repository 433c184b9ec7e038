package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The service does without a proxy: it serves HTTPS itself, with cookies that
// only HTTPS has.
func TestServe_TLS(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"cert.pem": certificate, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i := serve(t, dir, "--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"))
	if !strings.HasPrefix(i.url, "https://127.0.0.1:") {
		t.Fatalf("the service is at %s", i.url)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	b := &browser{base: i.url, http: &http.Client{Jar: jar, Transport: transport}}
	a := b.register(t, "ada")
	if cookies := strings.Join(a.header.Values("Set-Cookie"), "\n"); !strings.Contains(cookies, "__Host-") || strings.Count(strings.ToLower(cookies), "secure") < 3 {
		t.Errorf("cookies:\n%s", cookies)
	}
	b.do(t, "GET", "/auth/me", nil, 200)
	insecure := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}
	t.Cleanup(insecure.CloseIdleConnections)
	if r, err := (&http.Client{Transport: insecure}).Get(i.url); err == nil {
		_ = r.Body.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// A service on an existing database answers soon after it was started, and takes
// little memory when nobody is there. The bounds are loose, since other tests run
// at the same time; `make bench` measures.
func TestServe_starts_small_and_fast(t *testing.T) {
	if runtime.GOOS != "linux" {
		lacking(t, "memory is read from /proc")
	}
	data := t.TempDir()
	serve(t, data).stop()
	best, most := time.Hour, 20<<10 // KiB
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		most *= 5 // the race detector remembers much
	}
	for range 5 {
		port := freePort(t)
		cmd := program(append(settings(data), "--listen", "127.0.0.1:"+port, "--ops-listen", "off")...)
		took, err := startTime(cmd.Start, "http://127.0.0.1:"+port+"/.well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, took)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		m := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindSubmatch(status)
		if m == nil {
			t.Fatalf("no memory in\n%s", status)
		}
		if kib, _ := strconv.Atoi(string(m[1])); kib > most {
			t.Errorf("an idle service holds %d KiB", kib)
		}
	}
	t.Logf("the first answer came %v after the start", best)
	if best > 300*time.Millisecond {
		t.Errorf("the first answer came %v after the start", best)
	}
}

// startTime starts a server and returns how long it took until the first answer.
func startTime(start func() error, url string) (time.Duration, error) {
	began := time.Now()
	if err := start(); err != nil {
		return 0, err
	}
	for time.Since(began) < 10*time.Second {
		r, err := http.Get(url)
		if err != nil {
			time.Sleep(500 * time.Microsecond)
			continue
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("status %d", r.StatusCode)
		}
		return time.Since(began), nil
	}
	return 0, fmt.Errorf("no answer from %s", url)
}
