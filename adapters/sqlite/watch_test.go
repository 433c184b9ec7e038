package sqlite_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/sqlite"
)

func TestOnForeignChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hexward.db")
	store, other := open(t, path), open(t, path)
	var calls, late atomic.Int64
	store.OnForeignChange(func() { calls.Add(1) })

	for n := range 2000 { // enough for checkpoints
		if err := create(t.Context(), store, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")); err != nil {
		t.Fatal(err)
	}
	has(t, other, 1999, true)
	time.Sleep(3 * 200 * time.Millisecond)
	if got := calls.Load(); got != 0 {
		t.Errorf("%d calls for own writes", got)
	}

	for n := range 3 {
		before := calls.Load()
		began := time.Now()
		if err := create(t.Context(), other, 10_000+n); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a call for another's write", func() bool { return calls.Load() > before })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v to notice", took)
		}
		time.Sleep(3 * 200 * time.Millisecond)
		if got := calls.Load(); got != before+1 {
			t.Errorf("%d calls for one write", got-before)
		}
	}

	store.OnForeignChange(func() { late.Add(1) })
	before := calls.Load()
	if err := create(t.Context(), other, 20_000); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), store, 20_001); err != nil { // does not hide the other's
		t.Fatal(err)
	}
	eventually(t, "both functions are called", func() bool { return calls.Load() > before && late.Load() > 0 })
}

// A write of somebody else is noticed although own writes never pause.
func TestOnForeignChange_busy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hexward.db")
	store, other := open(t, path), open(t, path)
	var calls atomic.Int64
	store.OnForeignChange(func() { calls.Add(1) })
	quit, done := make(chan struct{}), make(chan struct{})
	for g := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for n := 100_000 * (g + 1); ; n++ {
				select {
				case <-quit:
					return
				default:
				}
				if err := create(t.Context(), store, n); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	time.Sleep(50 * time.Millisecond)
	if got := calls.Load(); got != 0 {
		t.Errorf("%d calls for own writes", got)
	}
	if err := create(t.Context(), other, 1); err != nil {
		t.Error(err)
	}
	eventually(t, "a call", func() bool { return calls.Load() == 1 })
	close(quit)
	for range 4 {
		<-done
	}
}

func TestOnForeignChange_closed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hexward.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	store.OnForeignChange(func() {})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store.OnForeignChange(func() { t.Error("called") })
}
