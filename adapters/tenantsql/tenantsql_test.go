package tenantsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/hexward/hexward/adapters/tenantsql"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
)

// asking returns a context in which somebody of a tenant is asking.
func asking(ctx context.Context, tenant, user string, permissions ...string) context.Context {
	return auth.WithPrincipal(ctx, &access.Principal{Kind: access.User, Subject: user, Tenant: tenant, Permissions: permissions})
}

// sqlite returns a database with orders of two tenants.
func sqlite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "app.db")+"?_journal_mode=WAL&_busy_timeout=5000&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	execute(t, db, `CREATE TABLE orders (tenant TEXT NOT NULL, item TEXT NOT NULL)`)
	execute(t, db, `INSERT INTO orders VALUES ('acme', 'anvil'), ('globex', 'globe')`)
	return db
}

func items(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string, args ...any,
) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []string{}
	for rows.Next() {
		var item string
		if err := rows.Scan(&item); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

func TestDB_Run(t *testing.T) {
	db := sqlite(t)
	scoped := tenantsql.New(db, tenantsql.Plain)
	ctx := asking(t.Context(), "acme", "alice", "orders.read")
	err := scoped.Run(ctx, func(tx *tenantsql.Tx) error {
		if tx.Tenant != "acme" || tx.User != "alice" || !slices.Equal(tx.Permissions, []string{"orders.read"}) {
			t.Errorf("got %s, %s, %v", tx.Tenant, tx.User, tx.Permissions)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO orders VALUES (?, 'axe')`, tx.Tenant)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := items(ctx, db, `SELECT item FROM orders WHERE tenant = 'acme' ORDER BY item`)
	if want := []string{"anvil", "axe"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestDB_Run_nobody(t *testing.T) {
	scoped := tenantsql.New(sqlite(t), tenantsql.Plain)
	for name, ctx := range map[string]context.Context{
		"no principal":                 t.Context(),
		"a nil principal":              auth.WithPrincipal(t.Context(), nil),
		"the anonymous principal":      auth.WithPrincipal(t.Context(), &access.Principal{}),
		"nobody who claims a tenant":   auth.WithPrincipal(t.Context(), &access.Principal{Tenant: "acme", Subject: "alice"}),
		"somebody without a tenant":    asking(t.Context(), "", "alice"),
		"the operator, who has no one": auth.WithPrincipal(t.Context(), operator()),
	} {
		t.Run(name, func(t *testing.T) {
			for _, run := range []func(context.Context, func(*tenantsql.Tx) error) error{scoped.Run, scoped.Read} {
				err := run(ctx, func(*tenantsql.Tx) error { t.Error("the function ran"); return nil })
				if !errors.Is(err, tenantsql.ErrNobody) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func operator() *access.Principal {
	p := access.Operator("root")
	return &p
}

func TestDB_Run_undone(t *testing.T) {
	broken := errors.New("broken")
	for name, end := range map[string]func(context.CancelFunc) error{
		"an error":         func(context.CancelFunc) error { return broken },
		"a panic":          func(context.CancelFunc) error { panic(broken) },
		"an ended context": func(cancel context.CancelFunc) error { cancel(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			db := sqlite(t)
			ctx, cancel := context.WithCancel(asking(t.Context(), "acme", "alice"))
			defer cancel()
			err := func() (err error) {
				defer func() {
					if r := recover(); r != nil {
						err = r.(error)
					}
				}()
				return tenantsql.New(db, tenantsql.Plain).Run(ctx, func(tx *tenantsql.Tx) error {
					if _, err := tx.ExecContext(ctx, `DELETE FROM orders`); err != nil {
						t.Fatal(err)
					}
					return end(cancel)
				})
			}()
			if err == nil {
				t.Error("no error")
			}
			if name != "an ended context" && !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			left, err := items(t.Context(), db, `SELECT item FROM orders`)
			if err != nil || len(left) != 2 {
				t.Errorf("left: %v, %v", left, err)
			}
			// database/sql rolls back after an ended context on a goroutine of its own.
			for deadline := time.Now().Add(10 * time.Second); db.Stats().InUse != 0; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d connections are not given back", db.Stats().InUse)
				}
			}
		})
	}
}

// What a tenant's transaction sees and does under row-level security, with
// queries that forget to name the tenant.
func TestDB_Run_postgresql(t *testing.T) {
	connect := postgres(t)
	owner := connect("owner")
	for _, q := range []string{
		`CREATE ROLE app LOGIN`,
		`CREATE TABLE orders (tenant text NOT NULL, item text NOT NULL)`,
		`INSERT INTO orders VALUES ('acme', 'anvil'), ('globex', 'globe'), ('', 'nobody''s')`,
		`ALTER TABLE orders ENABLE ROW LEVEL SECURITY`,
		`ALTER TABLE orders FORCE ROW LEVEL SECURITY`,
		`CREATE POLICY tenant ON orders USING (tenant = current_setting('hexward.tenant', true) AND tenant <> '')`,
		`GRANT ALL ON orders TO app`,
	} {
		execute(t, owner, q)
	}
	pool := connect("app")
	scoped := tenantsql.New(pool, tenantsql.PostgreSQL)
	acme := asking(t.Context(), "acme", "alice", "orders.read", "orders.write")

	t.Run("sees its own only", func(t *testing.T) {
		err := scoped.Run(acme, func(tx *tenantsql.Tx) error {
			got, err := items(acme, tx, `SELECT item FROM orders`)
			if want := []string{"anvil"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
			settings, err := items(acme, tx, `SELECT current_setting('hexward.user') || '|' || current_setting('hexward.permissions')`)
			if want := []string{"alice|orders.read orders.write"}; err != nil || !slices.Equal(settings, want) {
				t.Errorf("settings: %v, %v, want %v", settings, err, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("writes no other's", func(t *testing.T) {
		err := scoped.Run(acme, func(tx *tenantsql.Tx) error {
			_, err := tx.ExecContext(acme, `INSERT INTO orders VALUES ('globex', 'planted')`)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("got %v", err)
		}
		err = scoped.Run(acme, func(tx *tenantsql.Tx) error {
			r, err := tx.ExecContext(acme, `UPDATE orders SET item = 'changed' WHERE tenant = 'globex'`)
			if err != nil {
				return err
			}
			if n, _ := r.RowsAffected(); n != 0 {
				t.Errorf("%d rows of another tenant were changed", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("leaves nothing on the connection", func(t *testing.T) {
		pool.SetMaxOpenConns(1)
		defer pool.SetMaxOpenConns(0)
		if err := scoped.Run(acme, func(*tenantsql.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := items(t.Context(), pool, `SELECT item FROM orders`); err != nil || len(got) != 0 {
			t.Errorf("outside Run: %v, %v", got, err)
		}
	})
	t.Run("a tenant with a name that is SQL", func(t *testing.T) {
		evil := asking(t.Context(), `acme', true), set_config('hexward.tenant', 'globex`, "mallory")
		err := scoped.Read(evil, func(tx *tenantsql.Tx) error {
			if got, err := items(evil, tx, `SELECT item FROM orders`); err != nil || len(got) != 0 {
				t.Errorf("got %v, %v", got, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("reading changes nothing", func(t *testing.T) {
		err := scoped.Read(acme, func(tx *tenantsql.Tx) error {
			_, err := tx.ExecContext(acme, `DELETE FROM orders`)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("tenants at once on few connections", func(t *testing.T) {
		pool.SetMaxOpenConns(3)
		want := map[string]string{"acme": "anvil", "globex": "globe"}
		var wait sync.WaitGroup
		for worker := range 8 {
			wait.Go(func() {
				for i := range 50 {
					tenant := []string{"acme", "globex"}[(worker+i)%2]
					ctx := asking(t.Context(), tenant, fmt.Sprint(worker))
					err := scoped.Run(ctx, func(tx *tenantsql.Tx) error {
						got, err := items(ctx, tx, `SELECT item FROM orders`)
						if err == nil && !slices.Equal(got, []string{want[tenant]}) {
							err = fmt.Errorf("%s sees %v", tenant, got)
						}
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
	})
}
