package runtimes_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// vectors is what core/edge writes; its vectorFile says what the members mean.
type vectors struct {
	Texts map[string]string `json:"texts"`
	Runs  []struct {
		Name  string `json:"name"`
		Trust string `json:"trust"`
		Stale int32  `json:"stale"`
		Steps []step `json:"steps"`
	} `json:"runs"`
}

type step struct {
	Name      string    `json:"name"`
	Now       int64     `json:"now"`
	Trust     *text     `json:"trust"`
	Configure *text     `json:"configure"`
	Load      *text     `json:"load"`
	Decide    []*string `json:"decide"`
	Input     *text     `json:"input"`
	Room      *int32    `json:"room"`
	Returns   int32     `json:"returns"`
	Result    *string   `json:"result"`
	Held      *string   `json:"held"`
}

// text is a text of the vectors. One that is a string may have names of others in it.
type text struct {
	value  string
	plain  bool
	Base64 string `json:"base64"`
	Repeat string `json:"repeat"`
	Count  int    `json:"count"`
}

func (x *text) UnmarshalJSON(doc []byte) error {
	if x.plain = doc[0] == '"'; x.plain {
		return json.Unmarshal(doc, &x.value)
	}
	type bare text
	if err := json.Unmarshal(doc, (*bare)(x)); err != nil {
		return err
	}
	if x.Repeat != "" {
		x.value = strings.Repeat(x.Repeat, x.Count)
		return nil
	}
	value, err := base64.StdEncoding.DecodeString(x.Base64)
	x.value = string(value)
	return err
}

var placeholder = regexp.MustCompile(`\$\{([a-z0-9_]+)\}`)

func (v *vectors) expand(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(name string) string { return v.Texts[name[2:len(name)-1]] })
}

func (v *vectors) bytes(x *text) []byte {
	if x.plain {
		return []byte(v.expand(x.value))
	}
	return []byte(x.value)
}

// request returns the input that a request is.
func (v *vectors) request(fields []*string) []byte {
	list := make([]string, len(fields))
	for i, field := range fields {
		if field != nil {
			list[i] = "=" + v.expand(*field)
		}
	}
	return []byte(strings.Join(list, "\x00"))
}

// steps returns how many there are.
func (v *vectors) steps() (n int) {
	for i := range v.Runs {
		n += len(v.Runs[i].Steps)
	}
	return n
}

// stage is a directory with all that a runtime needs.
type stage struct {
	dir     string
	file    string // of the vectors
	vectors vectors
	modules []string // COMPILER-FLAVOUR, of NAME.wasm
	sources []string // the modules of a worker, by their paths
}

// built is the stage, made once for all tests of the package, in a directory that TestMain removes.
var built struct {
	once  sync.Once
	stage stage
	err   error
}

func TestMain(m *testing.M) {
	m.Run()
	if built.stage.dir != "" {
		_ = os.RemoveAll(built.stage.dir)
	}
}

// staged returns the stage.
func staged(t testing.TB) *stage {
	t.Helper()
	built.once.Do(func() { built.err = built.stage.build(t) })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return &built.stage
}

// build has core/edge write the vectors, and makes the modules by every compiler that is there.
func (s *stage) build(t testing.TB) (err error) {
	if s.dir, err = os.MkdirTemp("", "runtimes"); err != nil {
		return err
	}
	s.file = filepath.Join(s.dir, "vectors.json")
	if err := run("go", nil, "test", "-count=1", "github.com/hexward/hexward/core/edge", "-run", "^TestVectors$", "-vectors", s.file); err != nil {
		return err
	}
	doc, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(doc, &s.vectors); err != nil {
		return err
	}
	if err := s.compile(t); err != nil {
		return err
	}
	var imports, names strings.Builder
	for i, name := range s.modules {
		fmt.Fprintf(&imports, "import m%d from './%s.wasm';\n", i, name)
		fmt.Fprintf(&names, "  '%s': m%d,\n", name, i)
	}
	modules := imports.String() + "\nexport default {\n" + names.String() + "};\n"
	if err := os.WriteFile(filepath.Join(s.dir, "modules.js"), []byte(modules), 0o600); err != nil {
		return err
	}
	s.sources = []string{"modules.js"}
	for _, pattern := range []string{"replay.js", "package.js", "worker.js", "../npm/lib/*.js", "../npm/host/*.js", "../npm/full/*.js"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) == 0 {
			return fmt.Errorf("there is no %s, %w", pattern, err)
		}
		for _, from := range list {
			name := strings.TrimPrefix(filepath.ToSlash(from), "../")
			if err := s.take(from, name); err != nil {
				return err
			}
			s.sources = append(s.sources, name)
		}
	}
	for _, name := range s.modules { // the package's own: any will do, since it is given the one to replay
		_, flavour, _ := strings.Cut(name, "-")
		if err := s.take(s.path(name), "npm/dist/"+flavour+".wasm"); err != nil {
			return err
		}
	}
	return nil
}

// take copies a file to a name on the stage.
func (s *stage) take(from, name string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	to := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

// compile builds the modules, or takes those of the directory that HEXWARD_WASM names, COMPILER-host.wasm and COMPILER-full.wasm each.
func (s *stage) compile(t testing.TB) error {
	if dir := os.Getenv("HEXWARD_WASM"); dir != "" {
		list, err := filepath.Glob(filepath.Join(dir, "*-*.wasm"))
		if err != nil || len(list) == 0 {
			return fmt.Errorf("HEXWARD_WASM: there is no module in %s, %w", dir, err)
		}
		for _, file := range list {
			name := strings.TrimSuffix(filepath.Base(file), ".wasm")
			s.modules = append(s.modules, name)
			if err := s.take(file, name+".wasm"); err != nil {
				return err
			}
		}
		return nil
	}
	for _, compiler := range []string{"go", "tinygo"} {
		if _, err := exec.LookPath(compiler); err != nil {
			t.Logf("without %s, which is not on the PATH: what it makes of the modules is not looked at", compiler)
			continue
		}
		out := filepath.Join(s.dir, compiler)
		if err := run("../../.ci/wasm", []string{"WASM_COMPILER=" + compiler, "WASM_OUT=" + out}); err != nil {
			return err
		}
		for _, flavour := range []string{"host", "full"} {
			name := compiler + "-" + flavour
			s.modules = append(s.modules, name)
			if err := os.Rename(filepath.Join(out, flavour+".wasm"), s.path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs a program to its end.
func run(name string, environment []string, arguments ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // TinyGo takes minutes
	defer cancel()
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Env = append(os.Environ(), environment...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return errors.Join(err, errors.New(tail(string(output))))
	}
	return nil
}
