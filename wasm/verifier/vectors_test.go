package main_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/token"
	main "github.com/hexward/hexward/wasm/verifier"
)

// TestVectors replays what core/edge writes down for every runtime, by the interface as it is before it is compiled to WebAssembly.
func TestVectors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vectors.json")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "github.com/hexward/hexward/core/edge", "-run", "^TestVectors$", "-vectors", file)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Texts map[string]string
		Runs  []struct {
			Name, Trust string
			Stale       int32
			Steps       []struct {
				Name                          string
				Now                           int64
				Trust, Configure, Load, Input json.RawMessage
				Decide                        []*string
				Room                          *int32
				Returns                       int32
				Result, Held                  string
			}
		}
	}
	if err := json.Unmarshal(doc, &vectors); err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\$\{([a-z0-9_]+)\}`)
	whole := func(s string) []byte {
		return []byte(named.ReplaceAllStringFunc(s, func(name string) string { return vectors.Texts[name[2:len(name)-1]] }))
	}
	text := func(doc json.RawMessage) []byte { // of the three forms that edge's vectorFile tells of
		var plain string
		if json.Unmarshal(doc, &plain) == nil {
			return whole(plain)
		}
		var other struct {
			Base64, Repeat string
			Count          int
		}
		if err := json.Unmarshal(doc, &other); err != nil {
			t.Fatal(err)
		}
		if other.Repeat != "" {
			return []byte(strings.Repeat(other.Repeat, other.Count))
		}
		b, err := base64.StdEncoding.DecodeString(other.Base64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	steps := 0
	for _, r := range vectors.Runs {
		m := &main.Module{}
		if r.Trust != "" && m.Call("trust", whole(r.Trust), 0, 0) != 0 {
			t.Fatalf("%s: the keys to trust are refused", r.Name)
		}
		if m.Call("stale", nil, r.Stale, 0) != 0 {
			t.Fatalf("%s: stale is refused", r.Name)
		}
		for _, s := range r.Steps {
			steps++
			returned := int32(-1)
			switch {
			case s.Trust != nil:
				returned = m.Call("trust", text(s.Trust), 0, 0)
			case s.Configure != nil:
				returned = m.Call("configure", text(s.Configure), 0, 0)
			case s.Load != nil:
				returned = replayed(t, m, "load", text(s.Load), s.Now)
			case s.Input != nil:
				returned = replayed(t, m, "decide", text(s.Input), s.Now)
			case s.Decide != nil:
				fields := make([]string, len(s.Decide))
				for i, field := range s.Decide {
					if field != nil {
						fields[i] = "=" + string(whole(*field))
					}
				}
				returned = replayed(t, m, "decide", []byte(strings.Join(fields, "\x00")), s.Now)
			case s.Room != nil:
				returned = m.Call("input", nil, *s.Room, 0)
			}
			if returned != s.Returns || s.Result != "" && m.Result() != s.Result {
				t.Errorf("%s / %s: got %d %s, want %d %s", r.Name, s.Name, returned, m.Result(), s.Returns, s.Result)
			}
			if s.Held == "" {
				continue
			}
			if m.Call("held", nil, 0, 0); m.Result() != s.Held {
				t.Errorf("%s / %s: holds %s, want %s", r.Name, s.Name, m.Result(), s.Held)
			}
		}
	}
	if t.Logf("%d steps", steps); steps < 500 {
		t.Error("those are few")
	}
}

var everyAlgorithm = []token.Algorithm{
	token.EdDSA, token.ES256, token.ES384, token.ES512, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
}

// replayed makes a call, and verifies the signature that is wanted as a host does: by the key that is handed out.
func replayed(t *testing.T, m *main.Module, name string, input []byte, now int64) int32 {
	t.Helper()
	returned := m.Call(name, input, 0, float64(now))
	if returned != 1 {
		return returned
	}
	signed, signature := m.Wanted()
	if got := m.Call("key", nil, m.Call("wanted_key", nil, 0, 0), 0); got != 0 {
		t.Fatalf("%s: there is no key: %d", name, got)
	}
	key, err := token.ParseKey([]byte(m.Result()))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range everyAlgorithm {
		if a.Name() != key.Algorithm() {
			continue
		}
		primitive, err := a.Primitive(key)
		if err != nil {
			t.Fatal(err)
		}
		if primitive.Verify(signed, signature) {
			return m.Call("settle", nil, 1, 0)
		}
	}
	return m.Call("settle", nil, 0, 0)
}
