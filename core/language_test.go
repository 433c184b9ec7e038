package core_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// oldGo is the version of Go that the packages of portable keep to, in language and library.
const oldGo = "1.23"

// portable are the packages that TinyGo compiles too, each release of which knows the Go of its day and no later one.
var portable = []string{"core/token", "core/access", "core/issuer", "core/edge", "wasm/primitive", "wasm/verifier"}

// TestLanguage vets the portable packages in a module of that older version, for this machine and as WebAssembly in both
// flavours, by the toolchain at hand: the compiler refuses newer language, and vet's stdversion newer library.
func TestLanguage(t *testing.T) {
	dir := t.TempDir()
	if copied := copyPortable(t, dir); copied < 20 {
		t.Fatalf("copied %d files only: is the working directory core/?", copied)
	}
	wasm := []string{"GOOS=wasip1", "GOARCH=wasm"}
	tests := []struct {
		name string
		tags string
		env  []string
	}{
		{name: "native"},
		{name: "host", tags: "noeddsa,noecdsa,norsa", env: wasm},
		{name: "full", tags: "full", env: wasm},
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

// copyPortable lays the portable packages out as a module in dir, and returns how many files that took.
func copyPortable(t *testing.T, dir string) (files int) {
	t.Helper()
	write(t, filepath.Join(dir, "go.mod"), "module "+module+"\n\ngo "+oldGo+"\n")
	for _, p := range portable {
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
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// Reading memory by its address is what the exported functions are for.
	cmd := exec.CommandContext(ctx, "go", "vet", "-unsafeptr=false", "-tags="+tags, "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOPROXY=off", "GOFLAGS=", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	if len(bytes.TrimSpace(out)) == 0 {
		t.Fatal(err)
	}
	return string(out)
}
