package sealer_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/sealer"
)

func TestLoadOrCreateKey_creates_once(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	key, created, err := sealer.LoadOrCreateKey(path, bytes.NewReader(master('r')))
	if err != nil || !created || !bytes.Equal(key, master('r')) {
		t.Fatalf("got %x, %v, %v", key, created, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode is %v, %v; want 0600", info.Mode(), err)
	}
	again, created, err := sealer.LoadOrCreateKey(path, rand.Reader)
	if err != nil || created || !bytes.Equal(again, key) {
		t.Errorf("the second time got %x, %v, %v", again, created, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) != 1 {
		t.Errorf("left %v behind, %v", names, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(names) != 0 {
		t.Errorf("left %v behind, %v", names, err)
	}
}

func TestLoadOrCreateKey_concurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	var wg sync.WaitGroup
	keys := make([][]byte, 8)
	made := make([]bool, len(keys))
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], made[i], err = sealer.LoadOrCreateKey(path, rand.Reader); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	makers := 0
	for i, k := range keys {
		if !bytes.Equal(k, keys[0]) || len(k) != sealer.KeySize {
			t.Errorf("caller %d has another key", i)
		}
		if made[i] {
			makers++
		}
	}
	if makers != 1 {
		t.Errorf("%d callers say that they created it", makers)
	}
}

func TestLoadOrCreateKey_refuses(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(master('a')) + "\n"
	write := func(t *testing.T, path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // past the umask
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"group may read", func(t *testing.T, p string) { write(t, p, good, 0o640) }, "chmod 600 "},
		{"others may read", func(t *testing.T, p string) { write(t, p, good, 0o604) }, "chmod 600 "},
		{"others may write", func(t *testing.T, p string) { write(t, p, good, 0o602) }, "chmod 600 "},
		{"empty", func(t *testing.T, p string) { write(t, p, "", 0o600) }, "not 0"},
		{"short", func(t *testing.T, p string) { write(t, p, "c2hvcnQ=", 0o600) }, "not 5"},
		{"long", func(t *testing.T, p string) { write(t, p, strings.Repeat("A", 2000), 0o600) }, "too long"},
		{"not text", func(t *testing.T, p string) { write(t, p, "hush! hush! hush! hush! hush! hush!", 0o600) }, "base64 or hex"},
		{"two keys", func(t *testing.T, p string) { write(t, p, good+good, 0o600) }, "base64 or hex"},
		{"a directory", func(t *testing.T, p string) {
			if err := os.Mkdir(p, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
		{"a link", func(t *testing.T, p string) {
			write(t, p+".real", good, 0o600)
			if err := os.Symlink(p+".real", p); err != nil {
				t.Fatal(err)
			}
		}, "symbolic link"},
		{"a dangling link", func(t *testing.T, p string) {
			if err := os.Symlink(p+".gone", p); err != nil {
				t.Fatal(err)
			}
		}, "symbolic link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			tt.make(t, path)
			before, _ := os.ReadFile(path)
			key, created, err := sealer.LoadOrCreateKey(path, rand.Reader)
			if err == nil || key != nil || created {
				t.Fatalf("got %x, %v, %v", key, created, err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q names not both %q and the file", err, tt.want)
			}
			if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), good[:20]) {
				t.Errorf("error %q shows the file's text", err)
			}
			after, _ := os.ReadFile(path)
			if !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestLoadOrCreateKey_fails_whole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	if key, _, err := sealer.LoadOrCreateKey(path, iotest.ErrReader(errors.New("no entropy"))); err == nil || key != nil {
		t.Errorf("without randomness got %x, %v", key, err)
	}
	if key, _, err := sealer.LoadOrCreateKey(path, io.LimitReader(rand.Reader, 31)); err == nil || key != nil {
		t.Errorf("with 31 random bytes got %x, %v", key, err)
	}
	if key, _, err := sealer.LoadOrCreateKey(filepath.Join(dir, "no", "master.key"), rand.Reader); err == nil || key != nil {
		t.Errorf("without a directory got %x, %v", key, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left %v behind, %v", entries, err)
	}
}

func TestParseKey(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb, 0xff}, 16) // has both signs in which the alphabets differ
	for _, tt := range []struct {
		name, text string
		want       []byte
	}{
		{"base64", base64.StdEncoding.EncodeToString(key), key},
		{"without padding", base64.RawStdEncoding.EncodeToString(key), key},
		{"url alphabet", base64.RawURLEncoding.EncodeToString(key), key},
		{"hexadecimal", hex.EncodeToString(key), key},
		{"upper case", strings.ToUpper(hex.EncodeToString(key)), key},
		{"white space around", " \t" + hex.EncodeToString(key) + "\r\n", key},
		{"white space within", hex.EncodeToString(key[:16]) + " " + hex.EncodeToString(key[:16]), nil},
		{"line break within", base64.StdEncoding.EncodeToString(key[:24]) + "\n" + base64.StdEncoding.EncodeToString(key[24:]), nil},
		{"48 bytes", base64.StdEncoding.EncodeToString(append(key[:32:32], key[:16]...)), nil},
		{"nothing", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sealer.ParseKey(tt.text)
			if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != (tt.want != nil) {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}
