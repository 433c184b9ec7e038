package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// workerd is one that runs.
type workerd struct {
	cmd     *exec.Cmd
	address string
	stderr  bytes.Buffer
}

func workerdBinary() string {
	name := fmt.Sprintf("@cloudflare/workerd-%s-%s/bin/workerd", runtime.GOOS, strings.Replace(runtime.GOARCH, "amd64", "64", 1))
	file, err := filepath.Abs(filepath.Join(runtimesDir, "node_modules", name))
	if err != nil {
		return ""
	}
	return file
}

// configure writes a configuration for a worker that begins with this file and may import all others of the directory.
func configure(dir, worker string) (file string, err error) {
	list := []string{worker}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil && name != worker {
			list = append(list, name)
		}
		return err
	})
	var b strings.Builder
	b.WriteString("using Workerd = import \"/workerd/workerd.capnp\";\nconst config :Workerd.Config = (\n  services = [(name = \"main\", worker = (modules = [\n")
	kinds := map[string]string{".js": "esModule", ".json": "json", ".wasm": "wasm"}
	for _, name := range list {
		if kind := kinds[filepath.Ext(name)]; kind != "" && name != "package.json" {
			fmt.Fprintf(&b, "    (name = %q, %s = embed %[1]q),\n", name, kind)
		}
	}
	b.WriteString("  ], compatibilityDate = \"2026-04-01\"))],\n" +
		"  sockets = [(name = \"http\", address = \"127.0.0.1:0\", http = (), service = \"main\")],\n);\n")
	file = filepath.Join(dir, "config.capnp")
	if err == nil {
		err = os.WriteFile(file, []byte(b.String()), 0o600)
	}
	return file, err
}

// startWorkerd starts one and waits until it listens.
func startWorkerd(config string) (*workerd, error) {
	events, told, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer events.Close()
	home := filepath.Dir(config)
	w := &workerd{cmd: exec.Command(workerdBinary(), "serve", config, "--control-fd=3")}
	w.cmd.Stderr, w.cmd.ExtraFiles, w.cmd.Env = &w.stderr, []*os.File{told}, []string{"HOME=" + home, "TMPDIR=" + home}
	err = w.cmd.Start()
	_ = told.Close()
	if err != nil {
		return nil, err
	}
	var listening struct{ Port int }
	if err = events.SetReadDeadline(time.Now().Add(30 * time.Second)); err == nil {
		err = json.NewDecoder(events).Decode(&listening)
	}
	if err != nil {
		w.stop()
		return nil, fmt.Errorf("workerd does not listen: %w\n%s", err, w.stderr.Bytes())
	}
	w.address = fmt.Sprintf("http://127.0.0.1:%d/", listening.Port)
	return w, nil
}

func (w *workerd) stop() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

func (w *workerd) get(path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("workerd answers /%s with %d: %s", path, answer.StatusCode, body)
	}
	return body, err
}

// processor is the processor time that all threads of it have used.
func (w *workerd) processor() (sum time.Duration) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", w.cmd.Process.Pid))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		if first, _, found := strings.Cut(string(text), " "); found {
			ns, _ := strconv.ParseInt(first, 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// run has a contestant verify n tokens.
func (w *workerd) run(contestant string, n int) (taken, error) {
	cpu, begin := w.processor(), time.Now()
	_, err := w.get(url.PathEscape(contestant) + "?n=" + strconv.Itoa(n))
	ns := float64(time.Since(begin))
	used := float64(w.processor()-cpu) / float64(n)
	return taken{ns / float64(n), &used}, err
}

// inWorkerd measures in workerd. The time of a request is in it, so a contestant gets twice as long as elsewhere.
func (s *stage) inWorkerd(rounds int, each time.Duration) ([]map[figure]float64, error) {
	each *= 2
	if _, err := os.Stat(workerdBinary()); err != nil {
		s.missing = append(s.missing, "workerd")
		return nil, nil
	}
	config, err := configure(s.dir, "worker.js")
	if err != nil {
		return nil, err
	}
	w, err := startWorkerd(config)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	body, err := w.get("")
	if err != nil {
		return nil, err
	}
	var names []string
	if err := json.Unmarshal(body, &names); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, name := range names {
		counts[name] = 4
		for end := time.Now().Add(10 * each); time.Now().Before(end); {
			took, err := w.run(name, counts[name])
			if err != nil {
				return nil, err
			}
			counts[name] = 1 + int(float64(each)/took.NS)
		}
	}
	measured := make([]map[figure]float64, rounds)
	for i := range measured {
		round := map[string]taken{}
		for j := range names {
			name := names[(i+j)%len(names)]
			if round[name], err = w.run(name, counts[name]); err != nil {
				return nil, err
			}
		}
		measured[i] = figures("workerd", round)
	}
	return measured, nil
}

// cold measures how long a worker takes from nothing to its first answer: one that only answers, and one that verifies a
// token before it does.
func (s *stage) cold(rounds int) ([]map[figure]float64, error) {
	if _, err := os.Stat(workerdBinary()); err != nil {
		return nil, nil
	}
	configs := map[string]string{}
	for _, name := range append([]string{"plain"}, s.compilers...) {
		dir := filepath.Join(s.dir, "cold", name)
		worker := "plain.js"
		if name != "plain" {
			worker = "cold.js"
			for _, part := range []string{"lib", "host"} {
				if err := os.CopyFS(filepath.Join(dir, "verifier", part), os.DirFS(filepath.Join(packageDir, part))); err != nil {
					return nil, err
				}
			}
			if err := copyFile(filepath.Join(dir, "verifier", "dist", "host.wasm"), filepath.Join(s.dir, "verifier", name, "dist", "host.wasm")); err != nil {
				return nil, err
			}
		}
		for _, file := range []string{worker, "cold.json"} {
			if err := copyFile(filepath.Join(dir, file), filepath.Join(s.dir, file)); err != nil {
				return nil, err
			}
		}
		var err error
		if configs[name], err = configure(dir, worker); err != nil {
			return nil, err
		}
	}
	measured := make([]map[figure]float64, rounds)
	for i := range measured {
		measured[i] = map[figure]float64{}
		for name, config := range configs {
			begin := time.Now()
			w, err := startWorkerd(config)
			if err != nil {
				return nil, err
			}
			_, err = w.get("")
			measured[i][figure{wasm, "cold/" + name, ""}] = float64(time.Since(begin))
			w.stop()
			if err != nil {
				return nil, err
			}
		}
	}
	return measured, nil
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}
