package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// runtimes are where the examples run. Each function starts one that follows the bundles of a Hexward, of which key is what
// signs them, and returns its address.
var runtimes = []struct {
	name  string
	start func(t *testing.T, hexward, key string) (address string)
}{
	{"cloudflare", func(t *testing.T, hexward, key string) string {
		upstream := newUpstream(t)
		return startWorkerd(t, staged(t, "cloudflare"), "config.capnp", nil, "HEXWARD="+hexward, "BUNDLE_KEY="+key, "UPSTREAM="+upstream.url)
	}},
	{"deno", func(t *testing.T, hexward, key string) string {
		deno := installed(t, "@deno/SYSTEM-PROCESSOR-glibc/deno")
		return startService(t, staged(t, "deno"), hexward, key, deno, "run", "--quiet", "--no-prompt", "--cached-only", "--node-modules-dir=manual",
			"--allow-net", "--allow-env", "--allow-read", "main.js")
	}},
	{"bun", func(t *testing.T, hexward, key string) string {
		return startService(t, staged(t, "bun"), hexward, key, installed(t, "@oven/bun-SYSTEM-PROCESSOR/bin/bun"), "--no-install", "run", "main.js")
	}},
	{"node", func(t *testing.T, hexward, key string) string {
		return startService(t, staged(t, "node"), hexward, key, node(t), "main.js")
	}},
	{"vercel", func(t *testing.T, hexward, key string) string {
		vm := filepath.Dir(installed(t, "@edge-runtime/vm/package.json"))
		driver, err := filepath.Abs(filepath.Join("testdata", "vercel.mjs"))
		if err != nil {
			t.Fatal(err)
		}
		return startService(t, staged(t, "vercel"), hexward, key, node(t), "--no-warnings", "--experimental-vm-modules", driver, vm, "api/hello.js")
	}},
	{"go", func(t *testing.T, hexward, key string) string { return startGo(t, hexward, key) }},
}

// installed returns a file of an npm package for this platform, which SYSTEM and PROCESSOR stand for.
func installed(t testing.TB, name string) string {
	t.Helper()
	processor := strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
	if strings.HasPrefix(name, "@oven/") {
		processor = strings.Replace(processor, "arm64", "aarch64", 1)
	}
	if strings.HasPrefix(name, "@cloudflare/") {
		processor = strings.Replace(processor, "x64", "64", 1)
	}
	if runtime.GOOS != "linux" {
		name = strings.Replace(name, "-glibc", "", 1)
	}
	file, err := filepath.Abs(filepath.Join("..", "runtimes", "node_modules", strings.NewReplacer("SYSTEM", runtime.GOOS, "PROCESSOR", processor).Replace(name)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		lacking(t, "there is no "+file, "run npm --prefix wasm/runtimes ci --ignore-scripts, if the package is made for this machine")
	}
	return file
}

func node(t testing.TB) string {
	t.Helper()
	file, err := exec.LookPath("node")
	if err != nil {
		lacking(t, "node is missing", "install Node 20 or newer")
	}
	return file
}

// startService starts a program that listens where PORT says.
func startService(t testing.TB, dir, hexward, key string, command ...string) string {
	t.Helper()
	port := freePort(t)
	start(t, dir, []string{"HEXWARD=" + hexward, "BUNDLE_KEY=" + key, "PORT=" + port}, nil, command...)
	return listening(t, "http://127.0.0.1:"+port)
}

// listening waits until an address answers, whatever it does.
func listening(t testing.TB, address string) string {
	t.Helper()
	c := newClient(t)
	if _, ok := within(20*time.Second, func() bool {
		_, err := c.try(http.MethodGet, address+"/", "")
		return err == nil
	}); !ok {
		t.Fatalf("nothing listens at %s", address)
	}
	return address
}

// startWorkerd starts workerd with a configuration, whose environment is env.
func startWorkerd(t testing.TB, dir, config string, args []string, env ...string) string {
	t.Helper()
	binary := installed(t, "@cloudflare/workerd-SYSTEM-PROCESSOR/bin/workerd")
	events, told, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	command := append([]string{binary, "serve", config, "--control-fd=3", "--socket-addr=http=127.0.0.1:0"}, args...)
	p := start(t, dir, env, []*os.File{told}, command...)
	_ = told.Close()
	_ = events.SetReadDeadline(time.Now().Add(20 * time.Second))
	var socket struct {
		Port int `json:"port"`
	}
	if err := json.NewDecoder(events).Decode(&socket); err != nil {
		t.Fatalf("workerd does not listen: %v\n%s", err, p.log)
	}
	return "http://127.0.0.1:" + strconv.Itoa(socket.Port)
}

// upstream is what stands behind an edge: it answers what it was asked.
type upstream struct{ url string }

// seen is a request as the upstream saw it.
type seen struct {
	Method string      `json:"method"`
	URI    string      `json:"uri"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	Hello  string      `json:"hello"` // the name of who asks, as the services say it that have no upstream
}

func newUpstream(t testing.TB) *upstream {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		_, _ = io.Copy(&body, http.MaxBytesReader(w, r.Body, 1<<20))
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/moved"):
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/kept"):
			w.Header().Set("Cache-Control", "public, max-age=600")
			fallthrough
		default:
			_ = json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Header, body.String(), r.Header.Get("X-Auth-Name")})
		}
	}))
	t.Cleanup(server.Close)
	return &upstream{server.URL}
}

func (a answer) seen(t testing.TB) (s seen) {
	t.Helper()
	if err := json.Unmarshal(a.body, &s); err != nil {
		t.Fatalf("%v: %v", err, a)
	}
	return s
}
