package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "hexward")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "hexward.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	name, _ := user.ParseName("Alice")
	alice := user.New("0195c6a0-0000-7000-8000-000000000001", tenant.Default, name, user.Email{}, "", time.Now())
	fmt.Println(store.Users().Create(ctx, alice))
	found, err := store.Users().ByLogin(ctx, "alice")
	fmt.Println(found.Name, err)
	fmt.Println(store.Users().Create(ctx, alice))
	// Output:
	// <nil>
	// Alice <nil>
	// id_taken: this id is in use already
}
