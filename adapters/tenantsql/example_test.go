package tenantsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/hexward/hexward/adapters/tenantsql"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

// A handler behind the web adapter's middleware has who asks in its context already.
func ExampleDB_Run() {
	dir, err := os.MkdirTemp("", "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pool, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "orders.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	ctx := context.Background()
	if _, err := pool.ExecContext(ctx, `CREATE TABLE orders (tenant TEXT NOT NULL, item TEXT NOT NULL)`); err != nil {
		log.Fatal(err)
	}

	db := tenantsql.New(pool, tenantsql.Plain)
	order := func(ctx context.Context, item string) error {
		return db.Run(ctx, func(tx *tenantsql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO orders (tenant, item) VALUES (?, ?)`, tx.Tenant, item)
			return err
		})
	}
	ada := auth.WithPrincipal(ctx, &access.Principal{Kind: access.User, Via: access.SessionCookie, Subject: "0199…", Tenant: "acme"})
	fmt.Println(order(ada, "anvil"))
	fmt.Println(order(ctx, "anvil"))
	// Output:
	// <nil>
	// unauthenticated: please sign in
}
