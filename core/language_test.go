package core_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// oldGo is the version of Go that the packages of the WebAssembly modules keep to, in language and library: TinyGo compiles
// them too, each release of which knows the Go of its day and no later one.
const oldGo = "1.23"

// flavours are the build tags of the WebAssembly modules.
var flavours = []string{"noeddsa,noecdsa,norsa,nohmac", "full,noeddsa,noecdsa,norsa,nohmac"}

// TestLanguage vets what the modules are made of in a module of that older version, for this machine and as WebAssembly in
// both flavours, by the toolchain at hand: the compiler refuses newer language, and vet's stdversion newer library.
func TestLanguage(t *testing.T) {
	dir := t.TempDir()
	if copied := copyPortable(t, dir); copied < 40 {
		t.Fatalf("copied %d files only: is the working directory core/?", copied)
	}
	wasm := []string{"GOOS=wasip1", "GOARCH=wasm"}
	tests := []struct {
		name string
		tags string
		env  []string
	}{
		{name: "native"},
		{name: "host", tags: flavours[0], env: wasm},
		{name: "full", tags: flavours[1], env: wasm},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if out := vet(t, dir, test.tags, test.env); out != "" {
				t.Errorf("not Go %s, which the packages that TinyGo compiles keep to:\n%s", oldGo, out)
			}
		})
	}
}

// TestLanguage_finds shows that vet finds what it is asked for.
func TestLanguage_finds(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"language", "package a\n\nvar F = new(3)\n", "requires go1.26"},
		{"library", "package a\n\nimport \"strings\"\n\nvar F = strings.SplitSeq\n", "requires go1.24"},
		{"neither", "package a\n\nfunc F() { for range 3 { clear([]int(nil)) } }\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module a\n\ngo "+oldGo+"\n")
			write(t, filepath.Join(dir, "a.go"), test.src)
			out := vet(t, dir, "", nil)
			if (out == "") != (test.want == "") || !strings.Contains(out, test.want) {
				t.Errorf("vet said %q, want %q", out, test.want)
			}
		})
	}
}

// copyPortable lays out in dir, as a module of its own, the packages that wasm/verifier is made of, and returns how many files
// that took.
func copyPortable(t *testing.T, dir string) (files int) {
	t.Helper()
	write(t, filepath.Join(dir, "go.mod"), "module "+module+"\n\ngo "+oldGo+"\n")
	seen := map[string]bool{}
	for _, tags := range flavours {
		out, err := command(t, "..", []string{"GOOS=wasip1", "GOARCH=wasm"},
			"go", "list", "-deps", "-tags="+tags, "-f={{if .Module}}{{.ImportPath}}{{end}}", "./wasm/verifier")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, p := range strings.Fields(out) {
			p, ours := strings.CutPrefix(p, module+"/")
			if !ours {
				t.Fatalf("%s is of another module", p)
			}
			if !seen[p] {
				seen[p] = true
				files += copyPackage(t, p, dir)
			}
		}
	}
	return files
}

// copyPackage copies a package's files but its tests.
func copyPackage(t *testing.T, p, dir string) (files int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("..", p))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join("..", p, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, p, name), string(src))
		files++
	}
	return files
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), fs.ModePerm); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// vet returns what "go vet" says of the module in dir, or nothing when it is content.
func vet(t *testing.T, dir, tags string, env []string) string {
	t.Helper()
	// Reading memory by its address is what the exported functions are for.
	out, err := command(t, dir, env, "go", "vet", "-unsafeptr=false", "-tags="+tags, "./...")
	if err == nil {
		return ""
	}
	if strings.TrimSpace(out) == "" {
		t.Fatal(err)
	}
	return out
}

// command runs a program of the toolchain at hand, which needs nothing from elsewhere, and returns what it says.
func command(t *testing.T, dir string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOPROXY=off", "GOFLAGS=", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
