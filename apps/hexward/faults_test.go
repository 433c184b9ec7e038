package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // to lock and to break the database
)

// While another program holds the database, what only reads goes on, and what
// writes is 503 and not lost without a word.
func TestServe_database_locked(t *testing.T) {
	i := serve(t, t.TempDir())
	ada := i.browser()
	ada.register(t, "ada")
	ada.do(t, "GET", "/auth/verify", nil, 200)

	db, err := sql.Open("sqlite3", "file:"+filepath.Join(i.data, "hexward.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lock, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	ada.do(t, "GET", "/auth/verify", nil, 200)
	var wg sync.WaitGroup
	for _, r := range []struct {
		path string
		body object
	}{
		{"/auth/login", object{"login": "ada", "password": password}},
		{"/auth/register", object{"username": "eve", "email": "eve@example.org", "password": password}},
		{"/auth/token/refresh", object{}},
		{"/auth/logout", object{}},
	} {
		b := i.browser()
		b.http.Jar = ada.http.Jar
		wg.Go(func() {
			a, err := b.try("POST", r.path, r.body)
			if err != nil || a.status != http.StatusServiceUnavailable {
				t.Errorf("POST %s: status %d, %s, %v\n%s", r.path, a.status, a.body, err, i.stderr)
			}
		})
	}
	wg.Wait()
	health := i.browser()
	health.base = i.ops
	health.do(t, "GET", "/healthz", nil, 200)
	health.do(t, "GET", "/readyz", nil, 503)
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	ada.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
	health.do(t, "GET", "/readyz", nil, 200)
}

// When there is no more room, nothing is half written and nobody is told that
// anything was.
func TestServe_no_room(t *testing.T) {
	data := t.TempDir()
	i := spawn(t, data)
	i.browser().register(t, "ada")
	i.stop()

	self := program(append(settings(data), "--mail", "console", "--account-limit", "off")...)
	limited := *self
	limited.Path = "/bin/bash"
	limited.Args = append([]string{"bash", "-c", `ulimit -f 640; exec "$@"`, "bash", self.Path}, self.Args[1:]...) // KiB a file
	full := &instance{t: t, data: data, stdout: &buffer{}, stderr: &buffer{}, ended: make(chan struct{})}
	limited.Stdout, limited.Stderr = full.stdout, full.stderr
	if err := limited.Start(); err != nil {
		t.Fatal(err)
	}
	full.process = limited.Process
	full.cancel = func() { _ = limited.Process.Signal(os.Interrupt) }
	go func() {
		defer close(full.ended)
		_ = limited.Wait()
	}()
	full.up()
	b := full.browser()
	good, refused := 0, 0
	var last string
	for end := time.Now().Add(20 * time.Second); refused < 5 && time.Now().Before(end); {
		a, err := b.try("POST", "/auth/login", object{"login": "ada", "password": password, "delivery": "body"})
		switch {
		case err != nil:
			t.Fatalf("after %d sign-ins: %v\n%s", good, err, full.stderr)
		case a.status == 200:
			good++
			last = a.text("refresh_token")
		case a.status == http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("status %d: %s\n%s", a.status, a.body, full.stderr)
		}
	}
	if good == 0 || refused == 0 {
		t.Fatalf("%d sign-ins, %d refused: this shows nothing", good, refused)
	}
	full.kill()
	again := spawn(t, data)
	again.browser().do(t, "POST", "/auth/token/refresh", object{"refresh_token": last}, 200)
}

// What the service cannot start on it refuses, and says what to do.
func TestServe_refuses(t *testing.T) {
	good := t.TempDir()
	i := serve(t, good)
	i.browser().register(t, "ada")
	i.stop()
	database, err := os.ReadFile(filepath.Join(good, "hexward.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		damage func(dir string) error
		args   []string
		want   string
		code   int
	}{
		{"no_database_at_all", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "hexward.db"), []byte(strings.Repeat("not a database\n", 100)), 0o600)
		}, nil, "hexward.db", 1},
		{"damaged_database", func(dir string) error {
			broken := bytes.Clone(database)
			for n := 4096; n < len(broken); n += 512 {
				copy(broken[n:], "broken broken broken broken broken")
			}
			return os.WriteFile(filepath.Join(dir, "hexward.db"), broken, 0o600)
		}, nil, "backup", 1},
		{"truncated_database", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "hexward.db"), database[:len(database)/2], 0o600)
		}, nil, "backup", 1},
		{"master_key_for_everybody", func(dir string) error {
			return os.Chmod(filepath.Join(dir, "master.key"), 0o644)
		}, nil, "chmod 600", 2},
		{"database_for_everybody", func(dir string) error {
			return os.Chmod(filepath.Join(dir, "hexward.db"), 0o644)
		}, nil, "chmod 600", 2},
		{"master_key_lost", func(dir string) error {
			return os.Remove(filepath.Join(dir, "master.key"))
		}, nil, "backup", 2},
		{"another_master_key", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "master.key"), []byte(strings.Repeat("ab", 32)+"\n"), 0o600)
		}, nil, "former-master-key", 1},
		{"data_is_a_file", func(string) error { return nil }, []string{"--data", "/dev/null"}, "not a directory", 2},
		{"data_for_everybody", func(dir string) error { return os.Chmod(dir, 0o777) }, nil, "chmod 700", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"hexward.db", "master.key"} {
				b, err := os.ReadFile(filepath.Join(good, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.damage(dir); err != nil {
				t.Fatal(err)
			}
			_, stderr, code := command(t, "", append(settings(dir), tt.args...)...)
			if code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, not %d, or no word of %q: %s", code, tt.code, tt.want, stderr)
			}
			if strings.Contains(stderr, "goroutine ") || strings.Count(stderr, "\n") > 3 {
				t.Errorf("too much is said: %s", stderr)
			}
		})
	}
	command(t, "", "version")
	b := serve(t, good).browser() // the copies were damaged, not this one
	b.do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
}

// The master key can be changed: the one before opens what it sealed, the new one
// seals.
func TestServe_master_key_changed(t *testing.T) {
	data := t.TempDir()
	i := serve(t, data, "--public-url", "http://127.0.0.1:1")
	ada := direct(i, i.browser())
	ada.register(t, "ada")
	i.stop()
	former := filepath.Join(data, "master.key")
	fresh := filepath.Join(data, "fresh.key")
	if err := os.WriteFile(fresh, []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i = serve(t, data, "--public-url", "http://127.0.0.1:1", "--master-key-file", fresh, "--former-master-key-file", former)
	direct(i, ada).do(t, "GET", "/auth/verify", nil, 200)
	direct(i, i.browser()).do(t, "POST", "/auth/login", object{"login": "ada", "password": password}, 200)
}
