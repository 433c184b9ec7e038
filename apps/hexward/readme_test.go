package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// block is shell that a document asks its reader to run, and what it says that
// comes out of it.
type block struct {
	line int // where it begins
	sh   string
	want []string // lines that the output has, in this order
}

// tour returns the blocks of a document that are marked with a comment "tour"
// before them.
func tour(document string) (blocks []block, err error) {
	const outside, marked, shell, after, text, other = 0, 1, 2, 3, 4, 5
	state := outside
	n := 0
	for line := range strings.Lines(document) {
		n++
		line = strings.TrimRight(line, "\r\n")
		last := len(blocks) - 1
		switch state {
		case outside, marked, after:
			switch {
			case line == "":
			case line == "<!-- tour -->":
				state = marked
			case line == "```sh" && state == marked:
				blocks = append(blocks, block{line: n + 1})
				state = shell
			case line == "```text" && state == after:
				state = text
			case state == marked:
				return nil, fmt.Errorf("line %d: a tour's comment stands before a block of sh", n)
			case strings.HasPrefix(line, "```"):
				state = other
			default:
				state = outside
			}
		case shell:
			if line == "```" {
				state = after
				continue
			}
			blocks[last].sh += line + "\n"
		case text:
			if line == "```" {
				state = outside
				continue
			}
			if line = strings.TrimSpace(line); line != "" {
				blocks[last].want = append(blocks[last].want, line)
			}
		case other:
			if line == "```" {
				state = outside
			}
		}
	}
	if state != outside && state != after {
		return nil, fmt.Errorf("a block is not closed")
	}
	return blocks, nil
}

// missing returns the first wanted line that is not, in its order, part of a line
// of the output. An ellipsis stands for anything.
func missing(output string, want []string) (line string, found bool) {
	for _, line := range want {
		pattern := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
		at := pattern.FindStringIndex(output)
		if at == nil {
			return line, true
		}
		output = output[at[1]:]
	}
	return "", false
}

// runTour runs blocks in one shell in a new directory where bin/hexward is the
// program, with ports of its own, and holds their outputs to what is said.
func runTour(t *testing.T, blocks []block) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	start := fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asProgram, self)
	if err := os.WriteFile(filepath.Join(dir, "bin", "hexward"), []byte(start), 0o700); err != nil {
		t.Fatal(err)
	}
	ports := strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:"+freePort(t), "127.0.0.1:8081", "127.0.0.1:"+freePort(t))
	const mark = "@@@ the next block @@@"
	script := "set -euo pipefail\n"
	for _, b := range blocks {
		script += ports.Replace(b.sh) + "echo; echo '" + mark + "'\n"
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + dir,
		"HEXWARD_LISTEN=" + ports.Replace("127.0.0.1:8080"), "HEXWARD_OPS_LISTEN=" + ports.Replace("127.0.0.1:8081"),
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // a server that was left behind
	}
	outputs := strings.Split(out.String(), mark)
	for n, b := range blocks {
		if n >= len(outputs)-1 {
			log, _ := os.ReadFile(filepath.Join(dir, "hexward.log"))
			t.Fatalf("line %d: the block fails: %v\n%s\n%s\nlog:\n%s", b.line, err, outputs[len(outputs)-1], errs.String(), log)
		}
		if line, lacks := missing(outputs[n], b.want); lacks {
			t.Errorf("line %d: %q is not in\n%s", b.line, line, outputs[n])
		}
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// needs fails without a program in CI, and skips elsewhere.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
}

// The tour of README.md ends as it says.
func TestReadme(t *testing.T) {
	needs(t, "bash", "curl")
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := tour(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) < 3 {
		t.Fatalf("the tour has %d blocks only", len(blocks))
	}
	runTour(t, blocks)
}

// Every command and flag that README.md names is there.
func TestReadme_commands(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	help := must(t, "--help") + must(t, "serve", "--help")
	names := map[string]string{} // the help of a command, by its words
	for _, m := range regexp.MustCompile("(?:^|[\n`/])hexward ((?:[a-z-]+ ?){1,2})([^`\n]*)").FindAllStringSubmatch(string(text), -1) {
		words := strings.Fields(m[1])
		for len(words) > 0 && names[strings.Join(words, " ")] == "" {
			out, _, code := command(t, "", append(words, "--help")...)
			if code == 0 {
				names[strings.Join(words, " ")] = out
				break
			}
			if len(words) == 1 {
				t.Errorf("README.md names %q, which is no command", strings.TrimSpace(m[0]))
			}
			words = words[:len(words)-1]
		}
		for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(m[2], -1) {
			if !strings.Contains(names[strings.Join(words, " ")]+help, flag) {
				t.Errorf("README.md names %q, but there is no %s", strings.TrimSpace(m[0]), flag)
			}
		}
	}
}

const sample = `# Sample

~~~
` + "```sh" + `
false # not marked
` + "```" + `

<!-- tour -->
` + "```sh" + `
bin/hexward serve > hexward.log 2>&1 &
until curl -fsS http://127.0.0.1:8081/readyz > ready.txt 2>&1; do sleep 0.1; done
` + "```" + `

Then:

<!-- tour -->

` + "```sh" + `
WHO=alice
curl -sS http://127.0.0.1:8080/.well-known/jwks.json
echo "hello $WHO"
` + "```" + `
` + "```text" + `
"kty":"OKP"

hello al…
` + "```" + `

<!-- tour -->
` + "```sh" + `
hexward user list
kill %1
` + "```" + `
`

func TestTour(t *testing.T) {
	blocks, err := tour(sample)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]int, len(blocks))
	for n, b := range blocks {
		lines[n] = b.line
	}
	if diff := cmp.Diff([]int{10, 19, 31}, lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`"kty":"OKP"`, "hello al…"}, blocks[1].want); diff != "" {
		t.Error(diff)
	}
	if line, lacks := missing("a\nb c d\ne", []string{"a", "b…d", "a"}); !lacks || line != "a" {
		t.Errorf("missing says %q, %v", line, lacks)
	}
	if _, lacks := missing("a\nb\nc", []string{"b", "c"}); lacks {
		t.Error("missing says that something is")
	}
	for _, bad := range []string{"<!-- tour -->\ntext", "<!-- tour -->\n```sh\ntrue"} {
		if _, err := tour(bad); err == nil {
			t.Errorf("%q is a tour", bad)
		}
	}
	needs(t, "bash", "curl")
	runTour(t, blocks)
}

// fences returns the blocks of a document in one language that no comment marks.
func fences(document, language string) (blocks []string) {
	for _, m := range regexp.MustCompile("(?ms)^(<!-- tour -->\n)?```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(document, -1) {
		if m[1] == "" && m[2] == language {
			blocks = append(blocks, m[3])
		}
	}
	return blocks
}

// Every recipe of README.md is a configuration that "hexward config check" takes,
// and every target of make that it names is there.
func TestReadme_recipes(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a client secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := 0
	check := func(env map[string]string, args ...string) {
		t.Helper()
		ran++
		args = append([]string{"config", "check", "--data", t.TempDir()}, args...)
		if _, stderr, code := commandWith(t, env, "", args...); code != 0 {
			t.Errorf("%v %q: exit code %d: %s", env, args, code, stderr)
		}
	}
	for _, block := range fences(string(text), "sh") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(strings.ReplaceAll(line, "…", "something"))
			env := map[string]string{}
			for len(words) > 0 && strings.Contains(words[0], "=") {
				name, value, _ := strings.Cut(words[0], "=")
				env[name], words = value, words[1:]
			}
			switch {
			case len(words) == 2 && words[0] == "make":
				ran++
				if !strings.Contains(string(makefile), "\n"+words[1]+":") {
					t.Errorf("there is no target %s", words[1])
				}
			case len(words) >= 2 && words[0] == "hexward" && words[1] == "serve":
				check(env, words[2:]...)
			default:
				t.Errorf("nothing runs %q: put it into the tour, or teach this test", line)
			}
		}
	}
	for _, block := range fences(string(text), "yaml") {
		block = regexp.MustCompile(`/run/secrets/\w+`).ReplaceAllString(strings.ReplaceAll(block, "…", "something"), secret)
		file := filepath.Join(t.TempDir(), "hexward.yaml")
		if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		check(nil, "--config", file)
	}
	if ran != 6 {
		t.Errorf("%d recipes were run", ran)
	}
}
