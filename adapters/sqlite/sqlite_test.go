package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/ports/porttest"
)

// open returns a store over the file at path, which is closed at the end of the
// test.
func open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// fresh returns a store over a new file.
func fresh(t testing.TB, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "hexward.db"), opts...)
}

func TestStore(t *testing.T) {
	porttest.All(t, func(t *testing.T) porttest.Store { return fresh(t) })
}
