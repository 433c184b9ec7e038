package token_test

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds that the package stays small under WebAssembly: only the file of a signature algorithm may import more
// cryptography than SHA-256, and nothing imports reflection, formatting or a clock.
func TestImports(t *testing.T) {
	everywhere := []string{"bytes", "crypto/sha256", "errors", "slices", "strings", "sync", "unicode/utf8"}
	alone := map[string][]string{
		"view.go":  {"unsafe"},
		"eddsa.go": {"crypto/ed25519"},
		"ecdsa.go": {"crypto/ecdsa", "crypto/elliptic", "crypto/sha512", "math/big"},
		"rsa.go":   {"crypto", "crypto/rsa", "crypto/sha512", "math/big"},
		"hmac.go":  {"crypto/hmac", "crypto/sha512", "hash"},
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, entry := range files {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		seen++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(everywhere, path) && !slices.Contains(alone[name], path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d files", seen)
	}
}
