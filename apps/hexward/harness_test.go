package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	main "github.com/hexward/hexward/apps/hexward"
)

// asProgram makes the test binary the program itself, so that a test can start,
// signal and kill a real process.
const asProgram = "HEXWARD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(main.Exit(os.Stderr, main.Run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)))
	}
	if address := os.Getenv(asBare); address != "" {
		panic(bare().Listen(address))
	}
	os.Exit(m.Run())
}

// A good password, and another one.
const (
	password = "four quiet walruses paint"
	another  = "nine loud herons whistle"
)

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

// instance is a running server.
type instance struct {
	t              testing.TB
	data           string
	url, ops       string
	stdout, stderr *buffer
	ended          chan struct{} // closed when it has ended
	code           int           // then its exit code
	process        *os.Process   // nil when it runs within the test
	cancel         context.CancelFunc
}

// settings are what every test server has, before what the test gives.
func settings(data string) []string {
	return []string{
		"serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0",
		"--mail", "file:" + filepath.Join(data, "mail"), "--address-limit", "off", "--mail-limit", "off", "--log-format", "json",
	}
}

// serve runs a server within the test until the test ends.
func serve(t testing.TB, data string, args ...string) *instance {
	t.Helper()
	return serveWith(t, nil, data, args...)
}

// serveWith is serve with an environment.
func serveWith(t testing.TB, env map[string]string, data string, args ...string) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{t: t, data: data, stdout: &buffer{}, stderr: &buffer{}, ended: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(i.ended)
		err := main.Run(ctx, append(settings(data), args...), func(name string) string { return env[name] }, strings.NewReader(""), i.stdout, i.stderr)
		i.code = main.Exit(i.stderr, err)
	}()
	i.up()
	return i
}

// spawn runs a server as a process of its own.
func spawn(t testing.TB, data string, args ...string) *instance {
	t.Helper()
	i := &instance{t: t, data: data, stdout: &buffer{}, stderr: &buffer{}, ended: make(chan struct{})}
	cmd := program(append(settings(data), args...)...)
	if _, benchmark := t.(*testing.B); benchmark {
		cmd = measured(t, cmd)
	}
	cmd.Stdout, cmd.Stderr = i.stdout, i.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	i.process = cmd.Process
	i.cancel = func() { _ = cmd.Process.Signal(os.Interrupt) }
	go func() {
		defer close(i.ended)
		_ = cmd.Wait()
		i.code = cmd.ProcessState.ExitCode()
	}()
	i.up()
	return i
}

// program is the program with args as a process that was not started yet.
func program(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	return cmd
}

var (
	addressLine = regexp.MustCompile(`running at (http\S+)`)
	healthLine  = regexp.MustCompile(`health +(http\S+)/readyz`)
	setupLine   = regexp.MustCompile(`http\S+/setup/(\S+)`)
)

// up waits until the server is ready.
func (i *instance) up() {
	i.t.Helper()
	i.t.Cleanup(func() { i.stop() })
	ready := within(10*time.Second, func() bool {
		if i.over() {
			return true
		}
		at, health := addressLine.FindStringSubmatch(i.stdout.String()), healthLine.FindStringSubmatch(i.stdout.String())
		if at == nil || health == nil {
			return false
		}
		i.url, i.ops = at[1], health[1]
		r, err := http.Get(i.ops + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	if !ready || i.url == "" {
		i.t.Fatalf("the server is not ready:\n%s\n%s", i.stdout, i.stderr)
	}
}

// within waits until a condition holds and reports whether it did in time.
func within(limit time.Duration, holds func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return holds()
}

// stop asks the server to stop, and waits until it has.
func (i *instance) stop() {
	i.t.Helper()
	i.cancel()
	select {
	case <-i.ended:
	case <-time.After(30 * time.Second):
		if i.process != nil {
			_ = i.process.Kill()
		}
		i.t.Errorf("the server does not stop:\n%s", i.stderr)
	}
}

// over reports whether the server has ended.
func (i *instance) over() bool {
	select {
	case <-i.ended:
		return true
	default:
		return false
	}
}

// kill ends the process as a crash would.
func (i *instance) kill() {
	_ = i.process.Kill()
	<-i.ended
}

// mailed returns the link that the latest mail of a kind to an address has, once
// it is there.
func (i *instance) mailed(kind, to string) (token string) {
	i.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(i.url) + `/(?:[a-z]+/)*` + kind + `/([A-Za-z0-9_-]{20,})`)
	found := within(5*time.Second, func() bool {
		files, _ := filepath.Glob(filepath.Join(i.data, "mail", "*.eml"))
		slices.Sort(files)
		for _, name := range slices.Backward(files) {
			text, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(text, []byte("<"+to+">")) && !bytes.Contains(text, []byte("To: "+to)) {
				continue
			}
			plain := strings.ReplaceAll(strings.ReplaceAll(string(text), "=\r\n", ""), "=\n", "")
			if m := link.FindStringSubmatch(plain); m != nil {
				token = m[1]
				return true
			}
		}
		return false
	})
	if !found {
		i.t.Fatalf("no mail of kind %s to %s", kind, to)
	}
	return token
}

// browser is somebody who keeps cookies, or carries a token.
type browser struct {
	base   string
	bearer string
	cookie string // besides those that it keeps
	http   *http.Client
}

func (i *instance) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	i.t.Cleanup(transport.CloseIdleConnections)
	return &browser{base: i.url, http: &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: transport}}
}

// answer is what a server said.
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

type object map[string]any

// try makes a request. The error is the network's.
func (b *browser) try(method, path string, body object) (answer, error) {
	if body == nil {
		return b.send(method, path, "", "")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	return b.send(method, path, "application/json", string(text))
}

// send makes a request with a body of a media type, if any, and more headers as
// "Name: value".
func (b *browser) send(method, path, media, body string, headers ...string) (answer, error) {
	request, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	if b.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	if b.cookie != "" {
		request.Header.Set("Cookie", b.cookie)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	response, err := b.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, text}, err
}

// do makes a request whose answer has this status.
func (b *browser) do(t *testing.T, method, path string, body object, status int) answer {
	t.Helper()
	a, err := b.try(method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		t.Fatalf("%s %s: status %d, not %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// register makes an account that is signed in.
func (b *browser) register(t *testing.T, name string) answer {
	t.Helper()
	return b.do(t, "POST", "/auth/register", object{"username": name, "email": name + "@example.org", "password": password}, 201)
}

// command runs a command of the program within the test.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return commandWith(t, nil, stdin, args...)
}

// commandWith is command with an environment.
func commandWith(t *testing.T, env map[string]string, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := main.Run(ctx, args, func(name string) string { return env[name] }, strings.NewReader(stdin), &out, &errs)
	code = main.Exit(&errs, err)
	return out.String(), errs.String(), code
}

// must runs a command that succeeds.
func must(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := command(t, "", args...)
	if code != 0 {
		t.Fatalf("hexward %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}
