package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hexward/hexward/core/fault"
)

// A backup has what was acknowledged before it, and no transaction by half.
func TestBackup(t *testing.T) {
	store := fresh(t)
	const secret = "deleted-secret-that-no-copy-has"
	gone := somebody(999_999)
	gone.PasswordHash = secret
	if err := store.Users().Create(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := store.Users().Delete(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	quit := make(chan struct{})
	var wait sync.WaitGroup
	var last [4]atomic.Int64
	for g := range last {
		wait.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-quit:
					return
				default:
				}
				u := somebody(g*100_000 + n)
				u.Permissions = []string{"one", "two"} // rows of two tables
				if err := store.Users().Create(context.Background(), u); err != nil {
					t.Error(err)
					return
				}
				last[g].Store(int64(n))
			}
		})
	}
	dir := t.TempDir()
	for round := range 3 {
		time.Sleep(30 * time.Millisecond)
		var before [len(last)]int64
		for g := range last {
			before[g] = last[g].Load()
		}
		dest := filepath.Join(dir, "copy of 'it' "+string(rune('a'+round))+".db")
		if err := store.Backup(t.Context(), dest); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dest)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy: %v, %v", info, err)
		}
		content, err := os.ReadFile(dest)
		if err != nil || strings.Contains(string(content), secret) {
			t.Errorf("the copy holds what was deleted, or %v", err)
		}
		restored := open(t, dest)
		for g, n := range before {
			has(t, restored, g*100_000+int(n), true)
		}
		raw := outside(t, dest)
		if got := ask(t, raw, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("integrity: %s", got)
		}
		if got := ask(t, raw, "SELECT 2 * (SELECT count(*) FROM users) - (SELECT count(*) FROM user_permissions)"); got != "0" {
			t.Errorf("users and permissions differ by %s", got)
		}
		if err := create(t.Context(), restored, 777_777); err != nil {
			t.Errorf("write to the copy: %v", err)
		}
	}
	close(quit)
	wait.Wait()
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files left over: %v, %v", left, err)
	}
}

func TestBackup_refuses(t *testing.T) {
	store := fresh(t)
	u := somebody(1)
	u.PasswordHash = strings.Repeat("x", 1<<20)
	if err := store.Users().Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	wantFault(t, store.Backup(t.Context(), there), fault.Conflict, "backup_exists")
	wantFault(t, store.Backup(t.Context(), dangling), fault.Conflict, "backup_exists")
	wantFault(t, store.Backup(t.Context(), dir), fault.Conflict, "backup_exists")
	wantFault(t, store.Backup(t.Context(), filepath.Join(dir, "no", "copy")), fault.Unavailable, "backup_failed")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, store.Backup(ended, filepath.Join(dir, "late")), fault.Unavailable, "timed_out")
	if content, err := os.ReadFile(there); err != nil || string(content) != "keep me" {
		t.Errorf("the file that was there is %q, %v", content, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
	if err := create(t.Context(), store, 2); err != nil {
		t.Error(err)
	}
}

// One backup of many at once gets the name.
func TestBackup_race(t *testing.T) {
	store := fresh(t)
	dest := filepath.Join(t.TempDir(), "copy.db")
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { errs <- store.Backup(context.Background(), dest) }()
	}
	won := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			won++
		} else {
			wantFault(t, err, fault.Conflict, "backup_exists")
		}
	}
	if won != 1 {
		t.Errorf("%d backups won, want 1", won)
	}
}
