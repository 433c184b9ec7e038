// Package runtimes_test holds every runtime against the same vectors: what a module decides in Node, Deno, Bun, workerd,
// miniflare, Vercel's virtual machine, Chromium and wazero is to the letter what Go decides.
//
// The runtimes come from npm, but for Node itself and Chromium; package-lock.json says which. What is not there is skipped,
// and in continuous integration a failure.
package runtimes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// limit is how long one runtime may take for all modules.
const limit = 5 * time.Minute

// lacking skips a test for want of something, and fails it where everything has to be there.
func lacking(t testing.TB, what, remedy string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s; %s", what, remedy)
	}
	t.Skipf("SKIPPED: %s; %s", what, remedy)
}

// report is what replay.js says about a module and one way to verify signatures.
type report struct {
	Steps       int      `json:"steps"`
	Signatures  int      `json:"signatures"`
	Waits       int      `json:"waits"`
	Pages       int      `json:"pages"`
	Differences []string `json:"differences"`
	Of          int      `json:"of"`
}

// reports are those about one module, by the way.
type reports map[string]report

const install = "npm --prefix wasm/runtimes ci --ignore-scripts"

// installed makes sure that the packages are there, once.
var installed = sync.OnceValue(func() error {
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s is missing", name)
		}
	}
	if _, err := os.Stat(filepath.Join("node_modules", "@edge-runtime", "vm", "package.json")); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	return nil
})

// platform is how this machine is called in the names of packages.
func platform() (system, processor string) {
	processor = runtime.GOARCH
	if processor == "amd64" {
		processor = "x64"
	}
	return runtime.GOOS, processor
}

// program returns a program of an npm package for this platform: in its name SYSTEM and PROCESSOR stand for that.
func program(t testing.TB, name string) string {
	t.Helper()
	if err := installed(); err != nil {
		lacking(t, err.Error(), "install Node 20 or newer and run "+install)
	}
	system, processor := platform()
	file, err := filepath.Abs(filepath.Join("node_modules", strings.NewReplacer("SYSTEM", system, "PROCESSOR", processor).Replace(name)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		lacking(t, "there is no "+file, "run "+install+", if the package is made for this machine")
	}
	return file
}

// confined is the environment of a runtime: it asks nobody for updates and leaves nothing behind.
func confined(t testing.TB) []string {
	home := t.TempDir()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "DENO_DIR=" + home, "DENO_NO_UPDATE_CHECK=1", "DO_NOT_TRACK=1",
		"BUN_INSTALL_CACHE_DIR=" + home, "NO_COLOR=1",
	}
}

// printed runs a program that prints a line of JSON for each module.
func printed(t *testing.T, command ...string) map[string]reports {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, confined(t)
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, tail(stderr.String()))
	}
	all := map[string]reports{}
	for _, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n") {
		var one struct {
			Module  string  `json:"module"`
			Reports reports `json:"reports"`
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("printed %.200q: %v\n%s", line, err, tail(stderr.String()))
		}
		all[one.Module] = one.Reports
	}
	return all
}

// tail returns the end of an output.
func tail(s string) string { return s[max(0, len(s)-4000):] }

// files returns the paths of the staged modules.
func (s *stage) files() (list []string) {
	for _, name := range s.modules {
		list = append(list, s.path(name))
	}
	return list
}

func (s *stage) path(module string) string { return filepath.Join(s.dir, module+".wasm") }

// inNode replays in a runtime that has Node's interface, by host.js.
func inNode(t *testing.T, s *stage, command ...string) map[string]reports {
	t.Helper()
	return printed(t, append(append(command, "host.js", s.file), s.files()...)...)
}

// inWorkerd replays in a bare workerd.
func inWorkerd(t *testing.T, s *stage) map[string]reports {
	t.Helper()
	system, processor := platform()
	if processor == "x64" {
		processor = "64"
	}
	binary := program(t, "@cloudflare/workerd-"+system+"-"+processor+"/bin/workerd")
	var config strings.Builder
	config.WriteString(`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "vectors.json", text = embed "vectors.json"),
`)
	for _, name := range s.sources {
		if name != "worker.js" { // which is first, since it is what answers
			fmt.Fprintf(&config, "    (name = %q, esModule = embed %[1]q),\n", name)
		}
	}
	for _, name := range append([]string{"npm/dist/host", "npm/dist/full"}, s.modules...) {
		fmt.Fprintf(&config, "    (name = %q, wasm = embed %[1]q),\n", name+".wasm")
	}
	config.WriteString(`  ], compatibilityDate = "2026-04-01"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`)
	file := filepath.Join(s.dir, "config.capnp")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	events, told, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "serve", file, "--control-fd=3")
	cmd.Stderr, cmd.Env, cmd.ExtraFiles = &stderr, confined(t), []*os.File{told}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { // stderr may be read from here on
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(tail(stderr.String()))
		}
	}()
	_ = told.Close()
	defer events.Close()
	_ = events.SetReadDeadline(time.Now().Add(30 * time.Second))
	var listening struct {
		Port int `json:"port"`
	}
	if err := json.NewDecoder(events).Decode(&listening); err != nil {
		t.Errorf("workerd does not listen: %v", err)
		return nil
	}
	all := map[string]reports{}
	for _, name := range s.modules {
		one, err := fetched(ctx, fmt.Sprintf("http://127.0.0.1:%d/%s", listening.Port, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		all[name] = one
	}
	return all
}

// fetched returns the reports that an address answers.
func fetched(ctx context.Context, address string) (reports, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%d: %s", answer.StatusCode, body)
	}
	var one reports
	return one, json.Unmarshal(body, &one)
}

// inChromium replays in a page.
func inChromium(t *testing.T, s *stage) map[string]reports {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		lacking(t, "chromium is missing", "install it (apt-get install chromium)")
	}
	files := http.FileServer(http.Dir(s.dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>vectors</title>")
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	options := append(
		chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Env("HOME="+t.TempDir()),
		chromedp.WSURLReadTimeout(60*time.Second),
	)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	defer end()
	ctx, leave := chromedp.NewContext(ctx)
	defer leave()
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
		lacking(t, "chromium does not start: "+err.Error(), "look whether it starts by hand")
	}
	all := map[string]reports{}
	for _, name := range s.modules {
		answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
			const [{ reports }, { replayPackage }, host, full] = await Promise.all(
				['/replay.js', '/package.js', '/npm/host/browser.js', '/npm/full/browser.js'].map((file) => import(file)));
			const packages = { replay: replayPackage, host: host.createVerifier, full: full.createVerifier };
			const compiled = await WebAssembly.compileStreaming(fetch('/%[1]s.wasm'));
			return JSON.stringify(await reports('%[1]s', compiled, await (await fetch('/vectors.json')).json(), { packages }));
		})()`, name), chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var one reports
		if err := json.Unmarshal([]byte(answer), &one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = one
	}
	return all
}

func TestRuntimes(t *testing.T) {
	s := staged(t)
	system, processor := platform()
	suffix := "" // of Deno's package
	if system == "linux" {
		suffix = "-glibc"
	}
	tests := []struct {
		name        string
		synchronous bool // there is a synchronous way to verify
		packaged    bool // the package is replayed, too: the edge's machine imports nothing, so that it would have to be bundled
		run         func(t *testing.T) map[string]reports
	}{
		{"node", true, true, func(t *testing.T) map[string]reports {
			if _, err := exec.LookPath("node"); err != nil {
				lacking(t, "node is missing", "install Node 20 or newer")
			}
			return inNode(t, s, "node")
		}},
		{"node 22", true, true, func(t *testing.T) map[string]reports {
			return inNode(t, s, program(t, "node-SYSTEM-PROCESSOR/bin/node"))
		}},
		{"deno", true, true, func(t *testing.T) map[string]reports {
			binary := program(t, "@deno/SYSTEM-PROCESSOR"+suffix+"/deno")
			return inNode(t, s, binary, "run", "--quiet", "--no-prompt", "--no-config", "--no-remote", "--no-npm", "--allow-read")
		}},
		{"bun", true, true, func(t *testing.T) map[string]reports {
			architecture := strings.Replace(processor, "arm64", "aarch64", 1)
			return inNode(t, s, program(t, "@oven/bun-SYSTEM-"+architecture+"/bin/bun"), "--no-install")
		}},
		{"workerd", false, true, func(t *testing.T) map[string]reports { return inWorkerd(t, s) }},
		{"miniflare", false, true, func(t *testing.T) map[string]reports {
			program(t, "miniflare/package.json")
			return printed(t, append([]string{"node", "miniflare.js", s.dir}, s.modules...)...)
		}},
		{"edge vm", false, false, func(t *testing.T) map[string]reports {
			program(t, "@edge-runtime/vm/package.json")
			return printed(t, append([]string{"node", "edge.js", s.file}, s.files()...)...)
		}},
		{"chromium", false, true, func(t *testing.T) map[string]reports { return inChromium(t, s) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := test.run(t)
			for _, module := range s.modules {
				ways := []string{"webcrypto"}
				if test.synchronous {
					ways = append(ways, "synchronous")
				}
				if strings.HasSuffix(module, "full") {
					ways = append(ways, "inside")
				}
				if test.packaged {
					ways = append(ways, "package")
				}
				if len(all[module]) != len(ways) {
					t.Errorf("%s: reports about %d ways to verify, want %d", module, len(all[module]), len(ways))
				}
				for _, way := range ways {
					all[module][way].hold(t, s, module+", "+way, way)
				}
			}
		})
	}
}

// hold fails the test where a report says that anything is different, or does not cover everything.
func (r report) hold(t *testing.T, s *stage, name, way string) {
	t.Helper()
	t.Logf("%s: %d steps, %d signatures, %d of them waited for, %d differences; at most %d KiB", name, r.Steps, r.Signatures, r.Waits, r.Of, 64*r.Pages)
	for _, difference := range r.Differences {
		t.Errorf("%s: %s", name, difference)
	}
	if all := s.vectors.steps(); r.Of != 0 || way != "package" && r.Steps != all || r.Steps < all/2 {
		t.Errorf("%s: %d differences in %d of %d steps", name, r.Of, r.Steps, all)
	}
	if way == "package" { // it verifies by itself
		return
	}
	if outside := way != "inside"; outside != (r.Signatures > 0) || (way == "webcrypto") != (r.Waits > 0) {
		t.Errorf("%s: %d signatures were verified outside, %d of them waited for", name, r.Signatures, r.Waits)
	}
}
