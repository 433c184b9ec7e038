package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// guide is what a document marks for the tests, in a comment on the line before a fenced
// block: "tour" for shell that begins with nothing, "tour: NAME" for shell of a recipe, which begins with
// the server running, "file: NAME" for a file that is there for all of them, and "file: PATH/NAME" for the text of a file
// of this tree, which has tests of its own.
type guide struct {
	tours  map[string][]block
	files  map[string]string
	copies map[string]string // by their paths from the root
	other  []fence           // what is not marked
}

// fence is a fenced block.
type fence struct {
	line           int
	mark, language string // the mark is empty, "tour", "tour: NAME", "file: NAME" or "file: PATH/NAME"
	text           string
}

var (
	markLine  = regexp.MustCompile(`^<!-- (tour|tour: [a-z-]+|file: [a-z./-]+) -->$`)
	fenceLine = regexp.MustCompile("^```([a-z]*)$")
)

// fencesOf returns the fenced blocks of a document.
func fencesOf(document string) (all []fence, err error) {
	mark, open, n := "", false, 0
	for line := range strings.Lines(document) {
		n++
		line = strings.TrimRight(line, "\r\n")
		switch {
		case open && line == "```":
			open = false
		case open:
			all[len(all)-1].text += line + "\n"
		case fenceLine.MatchString(line):
			open = true
			all = append(all, fence{line: n + 1, mark: mark, language: line[3:]})
			mark = ""
		case line == "":
		case mark != "":
			return nil, fmt.Errorf("line %d: a comment with a mark stands before a block", n)
		case markLine.MatchString(line):
			mark = markLine.FindStringSubmatch(line)[1]
		}
	}
	if open || mark != "" {
		return nil, errors.New("a block is not closed, or missing")
	}
	return all, nil
}

// read returns what a document marks. A block of text right after one of shell is what comes out of it.
func read(document string) (*guide, error) {
	all, err := fencesOf(document)
	if err != nil {
		return nil, err
	}
	g := &guide{tours: map[string][]block{}, files: map[string]string{}, copies: map[string]string{}}
	last := "" // the tour that a block of text would belong to
	for i, f := range all {
		kind, name, _ := strings.Cut(f.mark, ": ")
		follows := i > 0 && all[i-1].language == "sh" && strings.HasPrefix(all[i-1].mark, "tour")
		switch {
		case kind == "tour" && f.language == "sh":
			g.tours[name] = append(g.tours[name], block{line: f.line, sh: f.text})
			last = name
		case kind == "tour":
			return nil, fmt.Errorf("line %d: a tour's comment stands before a block of sh", f.line)
		case kind == "file" && strings.Contains(name, "/"):
			g.copies[name] = f.text
		case kind == "file":
			g.files[name] = f.text
		case f.language == "text" && follows:
			blocks := g.tours[last]
			for line := range strings.Lines(f.text) {
				if line = strings.TrimSpace(line); line != "" {
					blocks[len(blocks)-1].want = append(blocks[len(blocks)-1].want, line)
				}
			}
		default:
			g.other = append(g.other, f)
		}
	}
	return g, nil
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

// strays returns the copies that are not word for word what is in the tree.
func (g *guide) strays(root string) (list []string) {
	for name, text := range g.copies {
		want, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil || string(want) != text {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// begin is how every recipe begins.
const begin = `bin/hexward serve > hexward.log 2>&1 &
until curl -fsS http://127.0.0.1:8081/readyz > ready.txt 2>&1; do sleep 0.1; done
`

// run runs a tour of the guide in one shell in a new directory where bin/hexward is the
// program, with ports of its own, and holds its outputs to what is said.
func (g *guide) run(t *testing.T, name string) {
	t.Helper()
	dir, blocks := t.TempDir(), g.tours[name]
	for file, text := range g.files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
	if name != "" {
		script += ports.Replace(begin)
	}
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

// guideOf reads README.md.
func guideOf(t *testing.T) (text string, g *guide) {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if g, err = read(string(b)); err != nil {
		t.Fatal(err)
	}
	return string(b), g
}

// The tour of README.md and its recipes end as it says.
func TestReadme(t *testing.T) {
	needs(t, "bash", "curl")
	_, g := guideOf(t)
	if len(g.tours[""]) < 3 {
		t.Fatalf("the tour has %d blocks only", len(g.tours[""]))
	}
	for name := range g.tours {
		t.Run("tour_"+name, func(t *testing.T) { g.run(t, name) })
	}
}

// What README.md shows of a file is all of it, as it is.
func TestReadme_copies(t *testing.T) {
	_, g := guideOf(t)
	for _, name := range g.strays(filepath.Join("..", "..")) {
		t.Errorf("README.md shows another %s than there is", name)
	}
}

// Every command and flag that README.md names is there.
func TestReadme_commands(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	help := must(t, "--help") + must(t, "serve", "--help")
	names := map[string]string{} // the help of a command, by its words
	for _, m := range regexp.MustCompile("(?:^|[\n`/])hexward ((?:[a-z-]+ ?){1,3})([^`\n]*)").FindAllStringSubmatch(string(text), -1) {
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

<!-- file: words.txt -->
` + "```yaml" + `
hello: everybody
` + "```" + `

<!-- file: some/where/main.js -->
` + "```js" + `
serve();
` + "```" + `

<!-- tour: greeting -->
` + "```sh" + `
hexward user list --json
cat words.txt
` + "```" + `
` + "```text" + `
[]
hello: everybody
` + "```" + `
`

func TestTour(t *testing.T) {
	g, err := read(sample)
	if err != nil {
		t.Fatal(err)
	}
	blocks := g.tours[""]
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
	if len(g.tours["greeting"]) != 1 || len(g.files) != 1 || len(g.other) != 1 || g.other[0].text != "false # not marked\n" {
		t.Errorf("read %+v", g)
	}
	root := t.TempDir()
	place := filepath.Join(root, "some", "where")
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{"serve();\n": nil, "serve( );\n": {"some/where/main.js"}} {
		if err := os.WriteFile(filepath.Join(place, "main.js"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, g.strays(root)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	if got := g.strays(place); len(got) != 1 {
		t.Errorf("a copy of what is not there is good: %q", got)
	}
	if line, lacks := missing("a\nb c d\ne", []string{"a", "b…d", "a"}); !lacks || line != "a" {
		t.Errorf("missing says %q, %v", line, lacks)
	}
	if _, lacks := missing("a\nb\nc", []string{"b", "c"}); lacks {
		t.Error("missing says that something is")
	}
	for _, bad := range []string{
		"<!-- tour -->\ntext", "<!-- tour -->\n```sh\ntrue", "<!-- tour -->", "<!-- tour: a -->\n```yaml\na: b\n```\n", "<!-- file: a -->\n\ntext\n```\n```\n",
	} {
		if _, err := read(bad); err == nil {
			t.Errorf("%q is a guide", bad)
		}
	}
	needs(t, "bash", "curl")
	for name := range g.tours {
		t.Run("tour_"+name, func(t *testing.T) { g.run(t, name) })
	}
}

// Every configuration in README.md is one that "hexward config check" takes, every target of
// make that it names is there, and everything else in sh is in a tour.
func TestReadme_recipes(t *testing.T) {
	text, g := guideOf(t)
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a-client-secret-of-32-bytes-or-more"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range g.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A file that the document shows is where it says.
	place := func(text string) string {
		text = regexp.MustCompile(`/run/secrets/\w+`).ReplaceAllString(strings.ReplaceAll(text, "…", strings.TrimPrefix(signing, "hush-")), secret)
		for name := range g.files {
			text = strings.ReplaceAll(text, name, filepath.Join(dir, name))
		}
		return text
	}
	check := func(env map[string]string, args ...string) {
		t.Helper()
		args = append([]string{"config", "check", "--data", t.TempDir()}, args...)
		if _, stderr, code := commandWith(t, env, "", args...); code != 0 {
			t.Errorf("%v %q: exit code %d: %s", env, args, code, stderr)
		}
	}
	checked := map[string]int{} // by language
	for _, f := range g.other {
		checked[f.language]++
		switch f.language {
		case "sh":
			for line := range strings.Lines(f.text) {
				line, _, _ = strings.Cut(line, "#")
				words := strings.Fields(place(line))
				env := map[string]string{}
				for len(words) > 0 && strings.Contains(words[0], "=") {
					name, value, _ := strings.Cut(words[0], "=")
					env[name], words = value, words[1:]
				}
				switch {
				case len(words) == 2 && words[0] == "make":
					if !strings.Contains(string(makefile), "\n"+words[1]+":") {
						t.Errorf("line %d: there is no target %s", f.line, words[1])
					}
				case len(words) >= 2 && words[0] == "hexward" && words[1] == "serve":
					check(env, words[2:]...)
				default:
					t.Errorf("line %d: nothing runs %q: put it into a tour, or teach this test", f.line, line)
				}
			}
		case "yaml":
			check(nil, "--config", writeConfig(t, place(f.text)))
		}
	}
	// None is passed over, however it is written.
	for language, marked := range map[string]int{"sh": len(slices.Concat(slices.Collect(maps.Values(g.tours))...)), "yaml": 0} {
		for name := range g.files {
			if language == "yaml" && strings.HasSuffix(name, ".yaml") {
				marked++
			}
		}
		if all := len(regexp.MustCompile("(?m)^[ \t]*(```|~~~) *"+language).FindAllString(text, -1)); all == 0 || all != checked[language]+marked {
			t.Errorf("of %d blocks of %s %d were checked and %d are in a tour", all, language, checked[language], marked)
		}
	}
}
