package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// around is a package in which the Go blocks of the README are the body of a function,
// with what they take from their reader's app.
const around = `package snippets

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

func app(ctx context.Context, notes, feed, reports, jobs fiber.Handler) error {
@@
	return err
}
`

// TestReadme_go compiles the Go blocks of the README, in their order, as one function of an app. That such an
// app does what is said of it is held by the examples and tests of adapters/web.
func TestReadme_go(t *testing.T) {
	_, g := guideOf(t)
	var body strings.Builder
	for _, f := range g.other {
		if f.language == "go" {
			body.WriteString(f.text)
		}
	}
	if body.Len() == 0 {
		t.Fatal("the README shows no Go")
	}
	if out, err := compile(t, body.String()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := compile(t, body.String()+"guard.NoSuchMethod()\n"); err == nil {
		t.Error("anything compiles")
	}
}

// compile compiles the body of a function within this module, where nothing of it is written.
func compile(t *testing.T, body string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "snippets.go")
	if err := os.WriteFile(source, []byte(strings.Replace(around, "@@", body, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, "snippets", "snippets.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "-o", os.DevNull, "./snippets").CombinedOutput()
}

// TestReadme_policy holds the policy that the README shows to the one that is run behind
// the proxies.
func TestReadme_policy(t *testing.T) {
	_, g := guideOf(t)
	want, err := os.ReadFile(filepath.Join("deploy", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := g.files["policy.yaml"]; got != string(want) {
		t.Errorf("the README shows\n%s\nand deploy has\n%s", got, want)
	}
}
