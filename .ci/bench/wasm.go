package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	packageDir  = "wasm/npm"
	runtimesDir = "wasm/runtimes"
	joseDir     = runtimesDir + "/node_modules/jose"
)

// stage is a directory with all that is measured of the modules and the package around them: the modules of every compiler
// that is there, each in a copy of the package, and jose.
type stage struct {
	dir       string
	compilers []string
	sizes     map[figure]float64
	missing   []string // runtimes that are not installed
}

// compilers returns those that are there, the one that users get first.
func compilers() (list []string) {
	for _, name := range []string{"tinygo", "go"} {
		if _, err := exec.LookPath(name); err == nil {
			list = append(list, name)
		}
	}
	return list
}

// newStage fills the directory. What has to be built or installed for that takes a while the first time.
func newStage(dir string) (*stage, error) {
	s := &stage{dir: dir, compilers: compilers(), sizes: map[figure]float64{}}
	for of, probe := range map[string]string{runtimesDir: joseDir, packageDir: packageDir + "/node_modules/esbuild"} {
		if err := installed(of, probe); err != nil {
			return nil, err
		}
	}
	f, err := newFixture(time.Now())
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	first, err := json.Marshal(map[string]any{"bundle": f.Bundle, "key": f.Key, "token": f.Algorithms["EdDSA"].Tokens[0]})
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{"fixture.json": text, "cold.json": first, "package.json": []byte(`{"type":"module"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(
		os.CopyFS(dir, os.DirFS(".ci/bench/wasm")),
		os.CopyFS(filepath.Join(dir, "jose"), os.DirFS(joseDir+"/dist/webapi")),
	); err != nil {
		return nil, err
	}
	var imports, names strings.Builder
	for i, compiler := range s.compilers {
		to := filepath.Join(dir, "verifier", compiler)
		built, err := modules(compiler)
		if err != nil {
			return nil, err
		}
		for _, part := range []string{"lib", "host", "full"} {
			if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(packageDir, part))); err != nil {
				return nil, err
			}
		}
		if err := os.CopyFS(filepath.Join(to, "dist"), os.DirFS(built)); err != nil {
			return nil, err
		}
		fmt.Fprintf(&imports, "import { createVerifier as c%d } from './verifier/%s/host/workerd.js';\n", i, compiler)
		fmt.Fprintf(&names, "%s: c%d, ", compiler, i)
	}
	packages := imports.String() + "\nexport default { " + names.String() + "};\n"
	if err := os.WriteFile(filepath.Join(dir, "packages.js"), []byte(packages), 0o600); err != nil {
		return nil, err
	}
	return s, nil
}

// weighAll fills in the sizes of the modules, and of the code around them as it is deployed.
func (s *stage) weighAll() error {
	for _, compiler := range s.compilers {
		for _, flavour := range []string{"host", "full"} {
			if err := s.weigh("size/"+flavour+"/"+compiler, filepath.Join(s.dir, "verifier", compiler, "dist", flavour+".wasm")); err != nil {
				return err
			}
		}
	}
	glue := filepath.Join(s.dir, "glue.js")
	if out, err := exec.Command(packageDir+"/node_modules/.bin/esbuild", packageDir+"/host/workerd.js", "--bundle", "--minify", "--format=esm",
		"--target=es2022", "--external:*.wasm", "--log-level=warning", "--outfile="+glue).CombinedOutput(); err != nil {
		return fmt.Errorf("bundle the package: %w\n%s", err, out)
	}
	return s.weigh("size/glue", glue)
}

// installed makes sure that what a package.json names is there.
func installed(dir, probe string) error {
	if _, err := os.Stat(probe); err == nil {
		return nil
	}
	out, err := exec.Command("npm", "--prefix", dir, "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput()
	if err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
	}
	return nil
}

// modules returns the directory with a compiler's modules, which it builds unless what is there is newer than everything
// that they are made of.
func modules(compiler string) (string, error) {
	dir := filepath.Join("bin", "wasm", compiler)
	built := time.Now()
	for _, name := range []string{"host.wasm", "full.wasm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			built = time.Time{}
		} else if info.ModTime().Before(built) {
			built = info.ModTime()
		}
	}
	stale := false
	for _, source := range []string{".ci/wasm", "go.mod", "core/token", "core/access", "core/edge", "wasm/primitive", "wasm/verifier"} {
		err := filepath.WalkDir(source, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(entry.Name(), "_test.go") {
				return err
			}
			info, err := entry.Info()
			stale = stale || err == nil && info.ModTime().After(built)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	if !stale {
		return dir, nil
	}
	fmt.Fprintf(os.Stderr, "building the modules by %s\n", compiler)
	cmd := exec.Command(".ci/wasm")
	cmd.Env = append(os.Environ(), "WASM_COMPILER="+compiler, "WASM_OUT="+dir)
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
}

// weigh fills in the sizes of a file, in thousands of bytes.
func (s *stage) weigh(name, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	brotli, err := exec.Command("node", "-e",
		`console.log(require("zlib").brotliCompressSync(require("fs").readFileSync(process.argv[1])).length)`, file).Output()
	if err != nil {
		return fmt.Errorf("compress %s: %w", file, err)
	}
	var short int
	if _, err := fmt.Sscan(string(brotli), &short); err != nil {
		return err
	}
	for metric, size := range map[string]int{"raw-kB": len(content), "gzip-kB": zipped.Len(), "brotli-kB": short} {
		s.sizes[figure{wasm, name, metric}] = float64(size) / 1000
	}
	return nil
}

// runner is a runtime with Node's interface.
type runner struct {
	name    string
	command []string
	ways    string
	few     bool // only the modules of the first compiler
}

func runners() []runner {
	system, processor := runtime.GOOS, strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
	suffix := ""
	if system == "linux" {
		suffix = "-glibc"
	}
	from := func(format string, args ...any) string {
		file, err := filepath.Abs(filepath.Join(runtimesDir, "node_modules", fmt.Sprintf(format, args...)))
		if err != nil {
			return ""
		}
		return file
	}
	return []runner{
		{"Node", []string{"node", "host.js"}, "node:crypto,WebCrypto,inside", false},
		{"Deno", []string{from("@deno/%s-%s%s/deno", system, processor, suffix), "run", "--quiet", "--no-prompt", "--no-config", "--no-remote", "--no-npm", "--allow-read", "host.js"}, "node:crypto", true},
		{"Bun", []string{from("@oven/bun-%s-%s/bin/bun", system, strings.Replace(processor, "arm64", "aarch64", 1)), "--no-install", "host.js"}, "node:crypto", true},
	}
}

// taken is what a token took a contestant.
type taken struct {
	NS  float64  `json:"ns"`
	CPU *float64 `json:"cpu"` // null where it cannot be told
}

// contest has a runtime measure.
func (s *stage) contest(r runner, rounds int, each time.Duration) ([]map[figure]float64, error) {
	if _, err := exec.LookPath(r.command[0]); err != nil {
		s.missing = append(s.missing, r.name)
		return nil, nil
	}
	made := s.compilers
	if r.few {
		made = made[:1]
	}
	args := append(append([]string{}, r.command[1:]...), fmt.Sprint(rounds), fmt.Sprint(each.Milliseconds()), r.ways)
	out, err := s.output(r.command[0], append(args, made...)...)
	if err != nil {
		return nil, err
	}
	var measured []map[figure]float64
	err = lines(out, func(round map[string]taken) { measured = append(measured, figures(r.name, round)) })
	return measured, err
}

// lines decodes lines of JSON.
func lines[T any](out []byte, each func(T)) error {
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var line T
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("printed no JSON: %w", err)
		}
		each(line)
	}
}

// lookups measures what the marks of a bundle cost a decision.
func (s *stage) lookups(rounds int) (measured []map[figure]float64, err error) {
	for _, compiler := range s.compilers {
		out, err := s.output("node", "lookup.js", fmt.Sprint(rounds), compiler)
		if err == nil {
			err = lines(out, func(took struct{ Among, Without float64 }) {
				measured = append(measured, map[figure]float64{{wasm, "look-up/" + compiler, "cpu-ns/op"}: took.Among - took.Without})
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return measured, nil
}

// figures are those of one round in a runtime.
func figures(name string, round map[string]taken) map[figure]float64 {
	into := map[figure]float64{}
	for contestant, took := range round {
		into[figure{wasm, name + "/" + contestant, ""}] = took.NS
		if took.CPU != nil {
			into[figure{wasm, name + "/" + contestant, "cpu-ns/op"}] = *took.CPU
		}
	}
	return into
}

// output runs a program in the stage to its end.
func (s *stage) output(name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = s.dir, &stderr
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "DENO_DIR=" + s.dir, "DENO_NO_UPDATE_CHECK=1", "DO_NOT_TRACK=1", "NO_COLOR=1"}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// memory measures an instance over a million verifications, and an edge that follows bundles.
func (s *stage) memory(into map[figure]float64) error {
	const mib = 1 << 20
	for _, compiler := range s.compilers {
		for _, flavour := range []string{"host", "full"} {
			out, err := s.output("node", "memory.js", compiler, flavour, "1000000")
			if err != nil {
				return err
			}
			var took struct {
				First, Last float64
				Count       map[string]int
			}
			if err := json.Unmarshal(out, &took); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "memory of %s by %s over %v verifications\n", flavour, compiler, took.Count)
			into[figure{wasm, "memory/" + flavour + "/" + compiler, "MiB"}] = took.Last / mib
			into[figure{wasm, "growth/" + flavour + "/" + compiler, "MiB"}] = (took.Last - took.First) / mib
		}
		out, err := s.output("node", "follow.js", compiler, "30", fmt.Sprint(deltasHeld))
		if err != nil {
			return err
		}
		var took struct{ Most, Early, Whole, Delta float64 }
		if err := json.Unmarshal(out, &took); err != nil {
			return err
		}
		into[figure{wasm, "follow/" + compiler, "MiB"}] = took.Most / mib
		into[figure{wasm, "follow/" + compiler, "early"}] = took.Early
		into[figure{wasm, "follow/whole/" + compiler, ""}] = took.Whole * 1e6
		into[figure{wasm, "follow/delta/" + compiler, ""}] = took.Delta * 1e6
	}
	return nil
}
