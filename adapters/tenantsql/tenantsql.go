// Package tenantsql is for applications with a SQL database of their own: it runs a
// function in a transaction that belongs to the tenant and the user who are asking,
// as auth.WithPrincipal put them into the context. The web adapter's middleware does so.
//
//	db := tenantsql.New(pool, tenantsql.PostgreSQL)
//	err := db.Run(ctx, func(tx *tenantsql.Tx) error {
//		_, err := tx.ExecContext(ctx, `INSERT INTO orders (tenant, item) VALUES ($1, $2)`, tx.Tenant, item)
//		return err
//	})
//
// In PostgreSQL the transaction also has the settings hexward.tenant, hexward.user
// and hexward.permissions, so that row-level security keeps tenants apart even where a query forgets
// to:
//
//	ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
//	ALTER TABLE orders FORCE ROW LEVEL SECURITY; -- for its owner too
//	CREATE POLICY tenant ON orders USING (tenant = current_setting('hexward.tenant', true));
//
// The role that the application connects as is neither a superuser nor one with
// BYPASSRLS, for whom no policy holds. Outside Run the setting is missing or empty, and
// no row is anybody's. Settings guard against a forgotten condition, not against SQL that
// somebody injects: that could set them.
//
// Other engines have no settings that end with a transaction. There a query names tx.Tenant,
// and Run sees to it that there is one.
package tenantsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// Engine is a kind of database.
type Engine uint8

// The engines, by what they can do.
const (
	Plain      Engine = iota // any that database/sql has a driver for: SQLite, MySQL …
	PostgreSQL               // settings of a transaction (set_config)
)

// DB runs transactions for tenants. It is safe for concurrent use.
type DB struct {
	db     *sql.DB
	engine Engine
}

// New returns a DB on a pool of connections, which stays the caller's.
func New(db *sql.DB, engine Engine) *DB { return &DB{db, engine} }

// Tx is a transaction of one tenant.
type Tx struct {
	*sql.Tx
	Tenant      string   // whose transaction it is; never empty
	User        string   // the subject of who is asking: a user or a machine
	Permissions []string // sorted; not to be changed
}

// ErrNobody says that there is no tenant, because nobody is signed in.
var ErrNobody = fault.New(fault.Unauthenticated, "unauthenticated", "please sign in")

// Run runs f in a transaction that belongs to the principal in ctx, and commits it if f returns nil. Otherwise, and when f panics
// or ctx ends, nothing that f did stays. Without a principal that has a tenant it is ErrNobody, and f does not
// run. An error of f comes back as it is; one of the database, wrapped.
//
// f uses tx and no other connection: what goes past it has no tenant. It neither commits nor rolls back.
func (d *DB) Run(ctx context.Context, f func(tx *Tx) error) error { return d.run(ctx, nil, f) }

// Read is Run for a transaction that changes nothing, which the engine sees to if it can.
func (d *DB) Read(ctx context.Context, f func(tx *Tx) error) error {
	return d.run(ctx, &sql.TxOptions{ReadOnly: true}, f)
}

func (d *DB) run(ctx context.Context, options *sql.TxOptions, f func(tx *Tx) error) (err error) {
	id, ok := auth.TenantFrom(ctx)
	if !ok {
		return ErrNobody
	}
	p := auth.PrincipalFrom(ctx)
	tx, err := d.db.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	done := false
	defer func() {
		if done {
			return
		}
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) && err != nil {
			err = errors.Join(err, fmt.Errorf("roll back: %w", undo))
		}
	}()
	if d.engine == PostgreSQL {
		const set = `SELECT set_config('hexward.tenant', $1, true), set_config('hexward.user', $2, true), set_config('hexward.permissions', $3, true)`
		if _, err := tx.ExecContext(ctx, set, id, p.Subject, strings.Join(p.Permissions, " ")); err != nil {
			return fmt.Errorf("set tenant and user: %w", err)
		}
	}
	if err := f(&Tx{Tx: tx, Tenant: id, User: p.Subject, Permissions: p.Permissions}); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
