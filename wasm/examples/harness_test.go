// Package examples_test runs each example as somebody who copied it would: in its real runtime, by the bundle of a real
// Hexward, or of a publisher that is more obedient.
//
// The runtimes come from npm, by wasm/runtimes/package-lock.json. What is not there is skipped, and in continuous integration
// a failure.
package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var scratch string // a directory for what is built, for all tests

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "hexward-examples-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// lacking skips a test for want of something, and fails it where everything has to be there.
func lacking(t testing.TB, what, remedy string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s; %s", what, remedy)
	}
	t.Skipf("SKIPPED: %s; %s", what, remedy)
}

// built returns a function that builds a program or a module once and returns its file, unless a variable says where it is.
func built(name, source, variable string, env []string, flags ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		if file := os.Getenv(variable); variable != "" && file != "" {
			return file, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		file := filepath.Join(scratch, name)
		cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", file}, flags...), source)...)
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return file, nil
	})
}

var (
	program   = built("hexward", "../../apps/hexward", "HEXWARD_BINARY", nil)
	goService = built("service", "./go", "", nil)
	hostWasm  = built("host.wasm", "../verifier", "HEXWARD_HOST_WASM", []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"},
		"-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-tags=noeddsa,noecdsa,norsa")
)

func must(t testing.TB, build func() (string, error)) string {
	t.Helper()
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// process is a program at work.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  *buffer
	over chan struct{} // closed when it has ended
	kill context.CancelFunc
}

// buffer is written by one goroutine and read by others.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts a program in a directory, with these variables and few others, until the test ends.
func start(t testing.TB, dir string, env []string, files []*os.File, command ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	p := &process{t: t, cmd: exec.CommandContext(ctx, command[0], command[1:]...), log: &buffer{}, over: make(chan struct{}), kill: cancel}
	home := t.TempDir()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr, p.cmd.ExtraFiles, p.cmd.WaitDelay = dir, p.log, p.log, files, time.Second
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "DENO_DIR=" + home, "DENO_NO_UPDATE_CHECK=1", "DO_NOT_TRACK=1", "NO_COLOR=1",
	}, env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.over)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(command[0]), tail(p.log.String()))
		}
	})
	return p
}

// stop asks the program to end, and waits until it has.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.over:
	case <-time.After(15 * time.Second):
		p.t.Errorf("%s does not end", filepath.Base(p.cmd.Path))
		p.kill()
		<-p.over
	}
	p.kill()
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// freePort returns a port of this machine that nobody listens at.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// within waits until a condition holds, and returns after how long it did.
func within(limit time.Duration, holds func() bool) (took time.Duration, ok bool) {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if holds() {
			return time.Since(began), true
		}
		if time.Since(began) > limit {
			return 0, false
		}
	}
}

// copied copies what is in a directory into another one.
func copied(t testing.TB, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		err := os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name)))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// staged is an example with the package that it depends on, as npm installs it.
func staged(t testing.TB, example string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	copied(t, example, dir, ".")
	installed := filepath.Join(dir, "node_modules", "@hexward", "verifier")
	copied(t, filepath.Join("..", "npm"), installed, "host", "lib")
	text, err := os.ReadFile(filepath.Join("..", "npm", "package.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(installed, "package.json"), text, 0o600)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(installed, "dist"), 0o700)
	}
	if err == nil {
		err = os.Symlink(must(t, hostWasm), filepath.Join(installed, "dist", "host.wasm"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// client asks over connections of its own.
type client struct {
	t    testing.TB
	http *http.Client
}

func newClient(t testing.TB) *client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, &http.Client{
		Transport: transport, Timeout: 15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what somebody said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// text returns a member of the body, "a.b" being member b of member a.
func (a answer) text(path string) string {
	var v any
	_ = json.Unmarshal(a.body, &v)
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// try makes a request with headers as "Name: value". The error is the network's.
func (c *client) try(method, address, body string, headers ...string) (answer, error) {
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header[name] = append(request.Header[name], value) // as it is written here
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, text}, errors.Join(err, response.Body.Close())
}

// do makes a request that is answered with this status.
func (c *client) do(want int, method, address, body string, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(method, address, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, address, err)
	}
	if a.status != want {
		c.t.Fatalf("%s %s: status %d, not %d: %s", method, address, a.status, want, a.body)
	}
	return a
}

// get is do for GET.
func (c *client) get(want int, address string, headers ...string) answer {
	c.t.Helper()
	return c.do(want, http.MethodGet, address, "", headers...)
}

// refused holds an answer to a refusal as the server writes it.
func refused(t testing.TB, a answer, status int, code, challenge string) {
	t.Helper()
	want := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Www-Authenticate": challenge}
	if status == http.StatusServiceUnavailable {
		want["Retry-After"] = "2"
	}
	for name, value := range want {
		if got := a.header.Get(name); got != value {
			t.Errorf("%d %s: %s is %q, want %q", a.status, a.text("code"), name, got, value)
		}
	}
	if a.status != status || a.text("code") != code || a.text("status") != strconv.Itoa(status) || a.text("title") != http.StatusText(status) {
		t.Errorf("answered %v, want %d %s", a, status, code)
	}
}

// raw makes a request to the letter, which is answered.
func raw(t testing.TB, address, head string) answer {
	t.Helper()
	a, err := rawTry(address, head)
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return a
}

// rawTry makes a request to the letter. The error is the network's.
func rawTry(address, head string) (answer, error) {
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(address, "http://"), 5*time.Second)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, text}, errors.Join(err, response.Body.Close())
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
