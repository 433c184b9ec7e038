// Package npm_test runs the tests of the npm package, which are JavaScript.
package npm_test

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

// TestNode runs test/*.test.js.
func TestNode(t *testing.T) {
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			lacking(t, name+" is missing: install Node 20.3 or newer")
		}
	}
	modules(t)
	install(t)
	files, err := filepath.Glob("test/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	if out, err := run(8*time.Minute, "node", append([]string{"--test", "--test-reporter=spec"}, files...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// modules builds the modules that the package holds, unless they are newer than all that they are made of.
func modules(t *testing.T) {
	t.Helper()
	oldest := time.Now()
	for _, name := range []string{"dist/host.wasm", "dist/full.wasm"} {
		info, err := os.Stat(name)
		if err != nil {
			oldest = time.Time{}
			break
		}
		if info.ModTime().Before(oldest) {
			oldest = info.ModTime()
		}
	}
	stale := false
	for _, dir := range []string{"core/token", "core/access", "core/edge", "wasm/verifier", "wasm/primitive"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			info, err := entry.Info()
			stale = stale || err == nil && info.ModTime().After(oldest)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !stale {
		return
	}
	out, err := run(10*time.Minute, "../../.ci/wasm")
	if err != nil {
		t.Fatalf("build the modules: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// install installs what the tests need from npm, as the lock file says, if it is not there.
func install(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("node_modules/typescript/package.json"); err == nil {
		return
	}
	if out, err := run(3*time.Minute, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		lacking(t, "npm ci: "+err.Error()+"\n"+string(out))
	}
}

func run(limit time.Duration, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second
	return cmd.CombinedOutput()
}

// lacking skips a test, or fails it in CI.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
