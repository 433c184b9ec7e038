package core_test

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// module is what every import path of ours begins with.
const module = "github.com/hexward/hexward"

// room is what the source files of one directory, or of every directory below
// one, may import. Lists of ours hold directories; a trailing "/..." stands for
// everything below.
type room struct {
	dir  string   // "core/user", or "adapters/..." for any directory below adapters
	ours []string // packages of this module, besides those of the same adapter
	std  []string // packages of the standard library; nil for all of them but testing
	lib  []string // modules of others, by prefix; "*" for any
}

// The packages that compute and do nothing else, which every rule may use.
var pure = []string{
	"bytes", "cmp", "errors", "iter", "maps", "math", "math/bits", "slices", "sort", "strconv", "strings",
	"unicode", "unicode/utf8",
}

// What token, access, issuer and edge may use of the standard library: they are also
// compiled by TinyGo, where fmt, reflect and the encoding packages make the
// module many times larger or do not work.
var (
	tiny     = slices.Concat(pure, []string{"sync", "sync/atomic"})
	tinySums = slices.Concat(tiny, []string{
		"crypto", "crypto/ecdh", "crypto/ecdsa", "crypto/ed25519", "crypto/elliptic", "crypto/hmac", "crypto/rsa",
		"crypto/sha256", "crypto/sha512", "crypto/subtle", "hash", "math/big",
	})
)

// rooms is the import table. The first entry that fits a directory holds.
var rooms = []room{
	{dir: "core", std: []string{}},
	{dir: "core/fault", std: slices.Concat(pure, []string{"fmt", "time"})},
	{dir: "core/token", std: tinySums},
	{dir: "core/access", std: tiny, ours: []string{"core/token"}},
	{dir: "core/issuer", std: tiny, ours: []string{"core/token", "core/access"}},
	{dir: "core/edge", std: tinySums, ours: []string{"core/token", "core/access", "core/issuer"}},
	{dir: "core/tenant", ours: []string{"core/fault"}, std: slices.Concat(pure, []string{"time"})},
	{
		dir: "core/secret", ours: []string{"core/fault", "core/token"},
		std: slices.Concat(pure, []string{"crypto/sha256", "fmt", "io"}),
	},
	{
		dir: "core/client", ours: []string{"core/fault", "core/access", "core/secret", "core/token"},
		std: slices.Concat(pure, []string{"crypto/subtle", "time"}),
	},
	{dir: "core/apitoken", ours: []string{"core/fault", "core/secret"}, std: slices.Concat(pure, []string{"time"})},
	{
		dir: "core/session", ours: []string{"core/fault", "core/access"},
		std: slices.Concat(pure, []string{
			"crypto/hmac", "crypto/sha256", "crypto/subtle", "encoding/base64", "encoding/binary", "fmt", "hash", "io",
			"net/netip", "sync", "sync/atomic", "time",
		}),
	},
	{
		dir: "core/user", ours: []string{"core/fault", "core/access"}, lib: []string{"golang.org/x/text"},
		std: slices.Concat(pure, []string{"embed", "fmt", "net/netip", "sync", "time"}),
	},
	{
		dir: "core/auth",
		ours: []string{
			"core/fault", "core/token", "core/access", "core/issuer", "core/edge", "core/session", "core/user", "core/tenant", "core/client",
			"core/secret", "core/apitoken", "ports",
		},
		std: slices.Concat(pure, []string{
			"context", "crypto", "crypto/hmac", "crypto/sha256", "crypto/subtle", "encoding/base32", "encoding/base64",
			"encoding/binary", "encoding/hex", "encoding/json", "fmt", "hash", "hash/crc32", "io", "net/netip", "net/url",
			"sync", "sync/atomic", "time",
		}),
	},
	{
		dir: "ports",
		ours: []string{
			"core/fault", "core/token", "core/access", "core/issuer", "core/edge", "core/session", "core/user", "core/tenant", "core/client",
			"core/secret", "core/apitoken",
		},
	},
	{dir: "ports/mock", ours: []string{"core/...", "ports"}},
	{dir: "ports/porttest", ours: []string{"core/...", "ports"}, lib: []string{"github.com/google/go-cmp"}},
	{dir: "adapters/sqlite/...", ours: []string{"core/...", "ports", "adapters/sqlstore"}, lib: []string{"*"}},
	{dir: "adapters/postgres/...", ours: []string{"core/...", "ports", "adapters/sqlstore"}, lib: []string{"*"}},
	{dir: "adapters/...", ours: []string{"core/...", "ports"}, lib: []string{"*"}},
	{dir: "apps/...", ours: []string{"core/...", "ports", "adapters/..."}, lib: []string{"*"}},
	{
		dir: "wasm/examples/wazero", ours: []string{"core/token", "core/access", "core/edge"}, lib: []string{"github.com/tetratelabs/wazero"},
	},
	{dir: "wasm/verifier", ours: []string{"core/token", "core/access", "core/edge", "wasm/primitive"}},
	{dir: "wasm/...", ours: []string{"core/token", "core/access", "core/edge"}},
}

// unsafeIn is the one file of the core that may import unsafe, to read decoded
// bytes as a string without copying them.
const unsafeIn = "core/token/view.go"

// The functions that ask the world behind a rule's back, by package. Any mention
// counts, not only a call: handing time.Now on is reading the clock.
var behindTheBack = map[string][]string{
	"time":    {"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"},
	"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
	"os":      {"Getenv", "LookupEnv", "Environ"},
}

// vague names say nothing about what a package is for, and collect everything.
var vague = []string{"models", "types", "util", "utils", "common", "helpers", "const", "consts", "misc", "base", "shared"}

// Why each rule exists and what to do about it.
const (
	whyRoom = "every package has a place in the table of core/imports_test.go and on the map in core/doc.go; " +
		"put the file where its role belongs, or add the place to both"
	whyVague = "a name that says nothing collects everything; name the package for what it is for"
	whyStd   = "core does no I/O, reads no clock and makes no randomness, so that it can be tested at any moment and run at " +
		"the edge; take what you need as an argument, or put it behind a port and do it in an adapter"
	whyTiny = "token, access, issuer and edge are compiled to WebAssembly by TinyGo too, without fmt, reflect, encoding, time or net; " +
		"write it with the packages in the table, pass times as Unix seconds"
	whyLib = "the core rests on the standard library alone (core/user also on golang.org/x/text), so that no library can " +
		"change a rule; use it in an adapter behind a port"
	whyInward = "source points inward only: rules know nothing of ports, ports nothing of use cases, nothing of adapters; " +
		"move the code outward, or declare what you need as a port"
	whyAdapter = "an adapter imports no other, so that each can be taken out alone; what two share belongs in core or ports, " +
		"and what joins them in apps"
	whyTest = "mocks and contract suites are for tests: they must not be in a program; move it to a _test.go file"
	whyWasm = "the verifier holds token, access and edge and nothing else, to stay small and to link no server code; " +
		"move what it needs into one of these"
	whyTestInward = "a test of the core needs no adapter: use a value, or a mock in core/auth; what needs the real thing is " +
		"tested beside it"
	whyApps  = "nothing imports a program; start its run function from a test in its own directory"
	whyMock  = "mocks are for the unit tests of core/auth; everybody else tests against the memory adapter"
	whyClock = "the core asks for nothing behind its caller's back: rules take now as an argument, services hold Now, a port " +
		"is bounded by the ctx it is given"
	whyDot    = "a dot import hides where a name comes from, from readers and from this test; import the package by name"
	whyUnsafe = "unsafe gets around every other rule here; " + unsafeIn + " has all that the core needs of it"
	whyGo     = "TinyGo builds the verifier without a scheduler, where a goroutine never runs; do it in line"
	whyRec    = "recover does nothing under TinyGo, where a panic traps; check before, so that nothing panics"
)

// breach is one place where a file breaks a rule.
type breach struct {
	where string // path:line
	what  string
	why   string
}

func (b breach) String() string { return b.where + ": " + b.what + "\n\t" + b.why }

// inspect holds one file, given by its path from the module's root with forward
// slashes, against the table and returns what it breaks.
func inspect(file string, src []byte) ([]breach, error) {
	dir, test := path.Dir(file), strings.HasSuffix(file, "_test.go")
	core := dir == "core" || strings.HasPrefix(dir, "core/")
	mode := parser.ImportsOnly
	if core && !test {
		mode = parser.SkipObjectResolution | parser.ParseComments
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, mode)
	if err != nil {
		return nil, err
	}
	var found []breach
	add := func(at token.Pos, what, why string) {
		found = append(found, breach{file + ":" + strconv.Itoa(fset.Position(at).Line), what, why})
	}
	if slices.Contains(vague, path.Base(dir)) {
		add(f.Package, "a package called "+path.Base(dir), whyVague)
	}
	at := slices.IndexFunc(rooms, func(r room) bool { return within(dir, r.dir) })
	if at < 0 {
		if !test {
			add(f.Package, "package "+dir+" has no place in the house", whyRoom)
		}
		at = slices.IndexFunc(rooms, func(r room) bool { return r.dir == "core" })
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if core && spec.Name != nil && spec.Name.Name == "." {
			add(spec.Pos(), "dot import of "+imported, whyDot)
		}
		why := ""
		if core && !test && imported == "unsafe" {
			if file != unsafeIn {
				why = whyUnsafe
			}
		} else if test {
			why = refuseInTest(dir, imported)
		} else {
			why = refuse(rooms[at], dir, imported)
		}
		if why != "" {
			add(spec.Pos(), "imports "+imported, why)
		}
	}
	if core && !test {
		deeds(f, dir, add)
	}
	return found, nil
}

// within reports whether a directory is the one of a pattern, or below one that
// ends in "/...".
func within(dir, pattern string) bool {
	parent, below := strings.CutSuffix(pattern, "/...")
	return dir == parent && !below || below && (dir == parent || strings.HasPrefix(dir, parent+"/"))
}

// among reports whether a directory is named by one of the patterns.
func among(dir string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(dir, p) })
}

// refuse says why a source file may not import a package, or "".
func refuse(r room, dir, imported string) string {
	local, ours := strings.CutPrefix(imported, module+"/")
	first, _, _ := strings.Cut(imported, "/")
	tinyRoom := among(dir, []string{"core/token", "core/access", "core/issuer", "core/edge"})
	switch {
	case ours:
		if among(local, r.ours) || adapterOf(dir) != "" && adapterOf(dir) == adapterOf(local) ||
			strings.HasPrefix(dir, "apps/") && strings.HasPrefix(local, dir+"/") {
			return ""
		}
		return whyNot(dir, local)
	case strings.Contains(first, "."):
		if slices.ContainsFunc(r.lib, func(lib string) bool {
			return lib == "*" || imported == lib || strings.HasPrefix(imported, lib+"/")
		}) {
			return ""
		}
		if strings.HasPrefix(dir, "wasm/") {
			return whyWasm
		}
		return whyLib
	case r.std == nil:
		if first == "testing" && dir != "ports/porttest" {
			return whyTest
		}
		return ""
	case slices.Contains(r.std, imported):
		return ""
	case tinyRoom:
		return whyTiny
	default:
		return whyStd
	}
}

// whyNot says why a package of ours may not be imported.
func whyNot(dir, local string) string {
	switch {
	case local == "ports/mock" || local == "ports/porttest":
		return whyTest
	case strings.HasPrefix(local, "apps/"):
		return whyApps
	case adapterOf(dir) != "" && adapterOf(local) != "":
		return whyAdapter
	case strings.HasPrefix(dir, "wasm/"):
		return whyWasm
	default:
		return whyInward
	}
}

// adapterOf returns the name of the adapter that a directory belongs to, or "".
func adapterOf(dir string) string {
	rest, _ := strings.CutPrefix(dir, "adapters/")
	if rest == dir {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// refuseInTest says why a test file may not import a package, or "".
func refuseInTest(dir, imported string) string {
	local, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case !ours:
		return ""
	case strings.HasPrefix(local, "apps/") && !strings.HasPrefix(dir+"/", local+"/") && !strings.HasPrefix(local, dir+"/"):
		return whyApps
	case strings.HasPrefix(local, "adapters/") && strings.HasPrefix(dir, "core/"):
		return whyTestInward
	case local == "ports/mock" && dir != "core/auth":
		return whyMock
	}
	return ""
}

// deeds finds what a source file of the core does that no import list shows.
func deeds(f *ast.File, dir string, add func(token.Pos, string, string)) {
	names := map[string]string{} // what a package is called in this file
	for _, spec := range f.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	tinyRoom := among(dir, []string{"core/token", "core/access", "core/issuer", "core/edge"})
	for _, group := range f.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:linkname") {
				add(c.Pos(), "links to another package's insides", whyUnsafe)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			if imported := names[identName(id, ok)]; imported != "" && slices.Contains(behindTheBack[imported], n.Sel.Name) {
				add(n.Pos(), "uses "+imported+"."+n.Sel.Name, whyClock)
			}
		case *ast.GoStmt:
			if tinyRoom {
				add(n.Pos(), "starts a goroutine", whyGo)
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); tinyRoom && identName(id, ok) == "recover" {
				add(n.Pos(), "calls recover", whyRec)
			}
		}
		return true
	})
}

func identName(id *ast.Ident, ok bool) string {
	if !ok {
		return ""
	}
	return id.Name
}

// TestImports holds every Go file of the module against the table.
func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			base := entry.Name()
			_, nested := os.Stat(filepath.Join(name, "go.mod"))
			if name != ".." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || nested == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		breaches, err := inspect(filepath.ToSlash(rel), src)
		for _, b := range breaches {
			t.Error(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("looked at %d files only: is the working directory core/?", files)
	}
}

// TestInspect shows that the checker finds what it is there to find.
func TestInspect(t *testing.T) {
	tests := []struct {
		name, file, src string
		want            []breach
	}{
		{name: "pure rule", file: "core/user/a.go", src: `import "strings"`},
		{name: "file system in core", file: "core/user/a.go", src: `import "os"`, want: []breach{{"core/user/a.go:2", "imports os", whyStd}}},
		{name: "randomness in core", file: "core/auth/a.go", src: `import "math/rand/v2"`, want: []breach{{"core/auth/a.go:2", "imports math/rand/v2", whyStd}}},
		{name: "crypto randomness in core", file: "core/session/a.go", src: `import r "crypto/rand"`, want: []breach{{"core/session/a.go:2", "imports crypto/rand", whyStd}}},
		{name: "network in core", file: "core/auth/a.go", src: `import "net/http"`, want: []breach{{"core/auth/a.go:2", "imports net/http", whyStd}}},
		{name: "log in core", file: "core/auth/a.go", src: `import "log/slog"`, want: []breach{{"core/auth/a.go:2", "imports log/slog", whyStd}}},
		{name: "addresses in core", file: "core/auth/a.go", src: `import "net/netip"`},
		{name: "addresses in token", file: "core/token/a.go", src: `import "net/netip"`, want: []breach{{"core/token/a.go:2", "imports net/netip", whyTiny}}},
		{name: "fmt in token", file: "core/token/a.go", src: `import "fmt"`, want: []breach{{"core/token/a.go:2", "imports fmt", whyTiny}}},
		{name: "json in token", file: "core/token/a.go", src: `import "encoding/json"`, want: []breach{{"core/token/a.go:2", "imports encoding/json", whyTiny}}},
		{name: "time in access", file: "core/access/a.go", src: `import "time"`, want: []breach{{"core/access/a.go:2", "imports time", whyTiny}}},
		{name: "unsafe in core", file: "core/token/a.go", src: `import "unsafe"`, want: []breach{{"core/token/a.go:2", "imports unsafe", whyUnsafe}}},
		{name: "unsafe in its one place", file: unsafeIn, src: `import "unsafe"`},
		{name: "link to the runtime", file: unsafeIn, src: "import _ \"unsafe\"\n\n//go:linkname now time.now\nfunc now()", want: []breach{{unsafeIn + ":4", "links to another package's insides", whyUnsafe}}},
		{name: "cgo in core", file: "core/user/a.go", src: `import "C"`, want: []breach{{"core/user/a.go:2", "imports C", whyStd}}},
		{name: "blank import in core", file: "core/session/a.go", src: `import _ "os/user"`, want: []breach{{"core/session/a.go:2", "imports os/user", whyStd}}},
		{name: "normalisation in user", file: "core/user/a.go", src: `import "golang.org/x/text/secure/precis"`},
		{name: "normalisation elsewhere", file: "core/session/a.go", src: `import "golang.org/x/text/secure/precis"`, want: []breach{{"core/session/a.go:2", "imports golang.org/x/text/secure/precis", whyLib}}},
		{name: "prefix of a library", file: "core/user/a.go", src: `import "golang.org/x/textile"`, want: []breach{{"core/user/a.go:2", "imports golang.org/x/textile", whyLib}}},
		{name: "library in ports", file: "ports/a.go", src: `import "github.com/google/uuid"`, want: []breach{{"ports/a.go:2", "imports github.com/google/uuid", whyLib}}},

		{name: "token from access", file: "core/access/a.go", src: `import "` + module + `/core/token"`},
		{name: "access from token", file: "core/token/a.go", src: `import "` + module + `/core/access"`, want: []breach{{"core/token/a.go:2", "imports " + module + "/core/access", whyInward}}},
		{name: "fault from token", file: "core/token/a.go", src: `import "` + module + `/core/fault"`, want: []breach{{"core/token/a.go:2", "imports " + module + "/core/fault", whyInward}}},
		{name: "token from session", file: "core/session/a.go", src: `import "` + module + `/core/token"`, want: []breach{{"core/session/a.go:2", "imports " + module + "/core/token", whyInward}}},
		{name: "user from session", file: "core/session/a.go", src: `import "` + module + `/core/user"`, want: []breach{{"core/session/a.go:2", "imports " + module + "/core/user", whyInward}}},
		{name: "ports from a rule", file: "core/user/a.go", src: `import "` + module + `/ports"`, want: []breach{{"core/user/a.go:2", "imports " + module + "/ports", whyInward}}},
		{name: "ports from auth", file: "core/auth/a.go", src: `import "` + module + `/ports"`},
		{name: "mock from auth", file: "core/auth/a.go", src: `import "` + module + `/ports/mock"`, want: []breach{{"core/auth/a.go:2", "imports " + module + "/ports/mock", whyTest}}},
		{name: "mock from a test of auth", file: "core/auth/a_test.go", src: `import "` + module + `/ports/mock"`},
		{name: "mock from a test of an adapter", file: "adapters/web/a_test.go", src: `import "` + module + `/ports/mock"`, want: []breach{{"adapters/web/a_test.go:2", "imports " + module + "/ports/mock", whyMock}}},
		{name: "adapter from auth", file: "core/auth/a.go", src: `import "` + module + `/adapters/memory"`, want: []breach{{"core/auth/a.go:2", "imports " + module + "/adapters/memory", whyInward}}},
		{name: "adapter from a test of auth", file: "core/auth/a_test.go", src: `import "` + module + `/adapters/memory"`, want: []breach{{"core/auth/a_test.go:2", "imports " + module + "/adapters/memory", whyTestInward}}},
		{name: "auth from ports", file: "ports/a.go", src: `import "` + module + `/core/auth"`, want: []breach{{"ports/a.go:2", "imports " + module + "/core/auth", whyInward}}},
		{name: "session from ports", file: "ports/a.go", src: `import "` + module + `/core/session"`},
		{name: "something in the map's own package", file: "core/a.go", src: `import "strings"`, want: []breach{{"core/a.go:2", "imports strings", whyStd}}},

		{name: "auth from an adapter", file: "adapters/web/a.go", src: `import "` + module + `/core/auth"`},
		{name: "library in an adapter", file: "adapters/web/a.go", src: `import "github.com/gofiber/fiber/v2"`},
		{name: "adapter from another", file: "adapters/web/a.go", src: `import "` + module + `/adapters/memory"`, want: []breach{{"adapters/web/a.go:2", "imports " + module + "/adapters/memory", whyAdapter}}},
		{name: "adapter from another's test", file: "adapters/web/a_test.go", src: `import "` + module + `/adapters/memory"`},
		{name: "sqlstore from sqlite", file: "adapters/sqlite/a.go", src: `import "` + module + `/adapters/sqlstore"`},
		{name: "sqlstore from postgres", file: "adapters/postgres/a.go", src: `import "` + module + `/adapters/sqlstore"`},
		{name: "sqlite from sqlstore", file: "adapters/sqlstore/a.go", src: `import "` + module + `/adapters/sqlite"`, want: []breach{{"adapters/sqlstore/a.go:2", "imports " + module + "/adapters/sqlite", whyAdapter}}},
		{name: "sqlstore from memory", file: "adapters/memory/a.go", src: `import "` + module + `/adapters/sqlstore"`, want: []breach{{"adapters/memory/a.go:2", "imports " + module + "/adapters/sqlstore", whyAdapter}}},
		{name: "own part of an adapter", file: "adapters/sqlite/a.go", src: `import "` + module + `/adapters/sqlite/migrations"`},
		{name: "adapter whose name begins alike", file: "adapters/sqlite/a.go", src: `import "` + module + `/adapters/sqlite2"`, want: []breach{{"adapters/sqlite/a.go:2", "imports " + module + "/adapters/sqlite2", whyAdapter}}},
		{name: "program from an adapter", file: "adapters/web/a.go", src: `import "` + module + `/apps/hexward"`, want: []breach{{"adapters/web/a.go:2", "imports " + module + "/apps/hexward", whyApps}}},
		{name: "contract suite in an adapter", file: "adapters/memory/a.go", src: `import "` + module + `/ports/porttest"`, want: []breach{{"adapters/memory/a.go:2", "imports " + module + "/ports/porttest", whyTest}}},
		{name: "contract suite in an adapter's test", file: "adapters/memory/a_test.go", src: `import "` + module + `/ports/porttest"`},
		{name: "testing in the contract suite", file: "ports/porttest/a.go", src: `import "testing"`},
		{name: "testing in an adapter", file: "adapters/memory/a.go", src: `import "testing"`, want: []breach{{"adapters/memory/a.go:2", "imports testing", whyTest}}},

		{name: "adapter from the program", file: "apps/hexward/a.go", src: `import "` + module + `/adapters/web"`},
		{name: "mock from the program", file: "apps/hexward/a.go", src: `import "` + module + `/ports/mock"`, want: []breach{{"apps/hexward/a.go:2", "imports " + module + "/ports/mock", whyTest}}},
		{name: "contract suite from the program", file: "apps/hexward/a.go", src: `import "` + module + `/ports/porttest"`, want: []breach{{"apps/hexward/a.go:2", "imports " + module + "/ports/porttest", whyTest}}},
		{name: "access from the verifier", file: "wasm/verifier/a.go", src: `import "` + module + `/core/access"`},
		{name: "session from the verifier", file: "wasm/verifier/a.go", src: `import "` + module + `/core/session"`, want: []breach{{"wasm/verifier/a.go:2", "imports " + module + "/core/session", whyWasm}}},
		{name: "library in the verifier", file: "wasm/verifier/a.go", src: `import "github.com/google/uuid"`, want: []breach{{"wasm/verifier/a.go:2", "imports github.com/google/uuid", whyWasm}}},

		{name: "unknown package in core", file: "core/billing/a.go", src: ``, want: []breach{{"core/billing/a.go:1", "package core/billing has no place in the house", whyRoom}}},
		{name: "file at the root", file: "main.go", src: ``, want: []breach{{"main.go:1", "package . has no place in the house", whyRoom}}},
		{name: "vague package", file: "adapters/web/helpers/a.go", src: ``, want: []breach{{"adapters/web/helpers/a.go:1", "a package called helpers", whyVague}}},

		{name: "clock", file: "core/auth/a.go", src: "import \"time\"\nvar now = time.Now()", want: []breach{{"core/auth/a.go:3", "uses time.Now", whyClock}}},
		{name: "clock handed on", file: "core/auth/a.go", src: "import \"time\"\nvar now = time.Now", want: []breach{{"core/auth/a.go:3", "uses time.Now", whyClock}}},
		{name: "clock by another name", file: "core/user/a.go", src: "import t \"time\"\nvar age = t.Since(t.Unix(0, 0))", want: []breach{{"core/user/a.go:3", "uses time.Since", whyClock}}},
		{name: "clock by a dot import", file: "core/user/a.go", src: "import . \"time\"\nvar now = Now()", want: []breach{{"core/user/a.go:2", "dot import of time", whyDot}}},
		{name: "clock through a context", file: "core/auth/a.go", src: "import \"context\"\nvar f = context.WithTimeout", want: []breach{{"core/auth/a.go:3", "uses context.WithTimeout", whyClock}}},
		{name: "environment", file: "core/auth/a.go", src: "import \"os\"\nvar home = os.Getenv(\"HOME\")", want: []breach{{"core/auth/a.go:2", "imports os", whyStd}, {"core/auth/a.go:3", "uses os.Getenv", whyClock}}},
		{name: "clock as an argument", file: "core/user/a.go", src: "import \"time\"\nfunc old(now time.Time) bool { return now.After(time.Unix(0, 0)) }"},
		{name: "a Now of one's own", file: "core/auth/a.go", src: "type s struct{ Now func() int }\nfunc (x s) f() int { return x.Now() }"},
		{name: "clock in a test", file: "core/auth/a_test.go", src: "import \"time\"\nvar now = time.Now()"},
		{name: "clock in an adapter", file: "adapters/web/a.go", src: "import \"time\"\nvar now = time.Now()"},
		{name: "goroutine in token", file: "core/token/a.go", src: "func f() { go f() }", want: []breach{{"core/token/a.go:2", "starts a goroutine", whyGo}}},
		{name: "goroutine in auth", file: "core/auth/a.go", src: "func f() { go f() }"},
		{name: "recover in token", file: "core/token/a.go", src: "func f() { defer func() { _ = recover() }() }", want: []breach{{"core/token/a.go:2", "calls recover", whyRec}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := inspect(test.file, []byte("package a\n"+test.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(breach{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := inspect("core/user/a.go", []byte("pakage a")); err == nil {
		t.Error("a file that does not parse is no error")
	}
}

// topLevel is everything that the root of the module has, besides dotfiles.
var topLevel = []string{"core", "ports", "adapters", "apps", "wasm", "go.mod", "go.sum", "Makefile", "README.md"}

// intruders returns the names among paths whose first element the top level has
// no place for.
func intruders(paths []string) []string {
	var found []string
	for _, p := range paths {
		first, _, _ := strings.Cut(p, "/")
		if first != "" && !strings.HasPrefix(first, ".") && !slices.Contains(topLevel, first) {
			found = append(found, first)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// TestTopLevel holds the root to its fixed list: what git tracks, or without git
// what is there less what running and building leave.
func TestTopLevel(t *testing.T) {
	paths := tracked(t)
	if len(paths) == 0 {
		entries, err := os.ReadDir("..")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if left := []string{"data", "bin", "coverage.out"}; !slices.Contains(left, e.Name()) {
				paths = append(paths, e.Name())
			}
		}
	}
	for _, name := range intruders(paths) {
		t.Errorf("%s: the top level is %s and dotfiles, so that a newcomer finds everything in one look; "+
			"code belongs in one of these rooms, settings of tools in a dotfile, documentation in README.md or a package's doc.go",
			name, strings.Join(topLevel, ", "))
	}
}

// tracked returns the paths that git tracks, or nothing where there is no git.
func tracked(t *testing.T) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	git := exec.CommandContext(ctx, "git", "ls-files", "-z")
	git.Dir = ".."
	out, err := git.Output()
	if err != nil {
		t.Logf("reading the directory instead: git ls-files: %v", err)
		return nil
	}
	var paths []string
	for p := range bytes.SplitSeq(out, []byte{0}) {
		if len(p) > 0 {
			paths = append(paths, string(p))
		}
	}
	return paths
}

func TestIntruders(t *testing.T) {
	got := intruders([]string{
		"core/doc.go", "go.mod", ".gitignore", ".ci/run", "docs/a.md", "docs/b.md", "main.go", "corex/a.go", "README.md", "Makefile", "wasm/npm/x",
	})
	if diff := cmp.Diff([]string{"corex", "docs", "main.go"}, got); diff != "" {
		t.Error(diff)
	}
	if got := intruders(topLevel); got != nil {
		t.Errorf("intruders among the top level itself: %v", got)
	}
}
