package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// clients are the machine identities of a scope.
type clients struct {
	db    *Store
	scope tenant.Scope
}

var (
	_ ports.Clients  = (*clients)(nil)
	_ ports.Machines = (*clients)(nil)
)

const clientColumns = `c.id, c.tenant, c.name, c.permissions, c.secrets, c.keys, c.disabled_at, c.created_at, c.updated_at`

// Create implements ports.Clients.
func (s *clients) Create(ctx context.Context, c client.Client) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	if !s.scope.Sees(c.Tenant) {
		return ports.ErrOutside
	}
	return s.db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		args, err := clientArgs(&c)
		if err != nil {
			return err
		}
		broken, err := s.db.attempt(ctx, tx, `
			INSERT INTO clients (name, permissions, secrets, keys, disabled_at, created_at, updated_at, id, tenant)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(args, c.ID, c.Tenant)...)
		if err != nil {
			return err
		}
		if broken != NoViolation {
			return ports.ErrIDTaken
		}
		return nil
	})
}

// ByID implements ports.Clients and ports.Machines.
func (s *clients) ByID(ctx context.Context, id string) (client.Client, error) {
	and, args := within(s.scope, "c.tenant")
	return point(ctx, s.db, newClientRow(), ports.ErrClientUnknown, `
		SELECT `+clientColumns+` FROM clients c WHERE c.id = ?`+and, append([]any{id}, args...)...)
}

// Update implements ports.Clients.
func (s *clients) Update(ctx context.Context, id string, change func(*client.Client) error) (client.Client, error) {
	and, args := within(s.scope, "c.tenant")
	var result client.Client
	err := s.db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		c, err := one(ctx, s.db, tx, newClientRow(), ports.ErrClientUnknown, `
			SELECT `+clientColumns+` FROM clients c WHERE c.id = ?`+and, append([]any{id}, args...)...)
		if err != nil {
			return err
		}
		home := c.Tenant
		if err := change(&c); err != nil {
			return err
		}
		c.ID, c.Tenant = id, home
		result = cleanClient(c)
		args, err := clientArgs(&result)
		if err != nil {
			return err
		}
		_, err = s.db.exec(ctx, tx, `
			UPDATE clients SET name = ?, permissions = ?, secrets = ?, keys = ?, disabled_at = ?, created_at = ?, updated_at = ?
			WHERE id = ? AND tenant = ?`, append(args, id, home)...)
		return err
	})
	if err != nil {
		return client.Client{}, err
	}
	return result, nil
}

// Delete implements ports.Clients.
func (s *clients) Delete(ctx context.Context, id string) error {
	and, args := within(s.scope, "tenant")
	n, err := s.db.sweep(ctx, `DELETE FROM clients WHERE id = ?`+and, append([]any{id}, args...)...)
	if err == nil && n == 0 {
		return ports.ErrClientUnknown
	}
	return err
}

// List implements ports.Clients.
func (s *clients) List(ctx context.Context, after string, limit int) ([]client.Client, error) {
	and, args := within(s.scope, "c.tenant")
	return scan(ctx, s.db, newClientRow, `
		SELECT `+clientColumns+` FROM clients c WHERE c.id > ?`+and+` ORDER BY c.id LIMIT ?`,
		append(append([]any{after}, args...), ports.Limit(limit))...)
}

// clientArgs returns the columns of a client but the id and the tenant.
func clientArgs(c *client.Client) ([]any, error) {
	permissions, err := jsonText(c.Permissions, len(c.Permissions))
	if err != nil {
		return nil, err
	}
	secrets, err := jsonText(secretsOf(c.Secrets), len(c.Secrets))
	if err != nil {
		return nil, err
	}
	return []any{c.Name, permissions, secrets, blobOrNull(c.Keys), ms(c.DisabledAt), ms(c.CreatedAt), ms(c.UpdatedAt)}, nil
}

// cleanClient returns a client as it will be read, sharing nothing with it.
func cleanClient(c client.Client) client.Client {
	c.Permissions, c.Keys, c.Secrets = slices.Clone(c.Permissions), bytes.Clone(c.Keys), slices.Clone(c.Secrets)
	for i := range c.Secrets {
		one := &c.Secrets[i]
		one.CreatedAt, one.ExpiresAt = at(ms(one.CreatedAt)), at(ms(one.ExpiresAt))
	}
	c.DisabledAt, c.CreatedAt, c.UpdatedAt = at(ms(c.DisabledAt)), at(ms(c.CreatedAt)), at(ms(c.UpdatedAt))
	return c
}

// secretText is a client's secret as JSON.
type secretText struct {
	Hash      []byte `json:"hash"` // base 64
	CreatedAt int64  `json:"created_at"`
	ExpiresAt int64  `json:"expires_at"`
}

func secretsOf(secrets []client.Secret) []secretText {
	texts := make([]secretText, len(secrets))
	for i := range secrets {
		one := &secrets[i]
		texts[i] = secretText{Hash: one.Hash[:], CreatedAt: ms(one.CreatedAt), ExpiresAt: ms(one.ExpiresAt)}
	}
	return texts
}

// secretsColumn scans what secretsOf wrote. An error does not show it.
type secretsColumn []client.Secret

// Scan implements sql.Scanner.
func (c *secretsColumn) Scan(src any) error {
	var texts []secretText
	text, ok := src.(string)
	if !ok || text != "" && json.Unmarshal([]byte(text), &texts) != nil {
		return fmt.Errorf("%T is not the JSON of a client's secrets", src)
	}
	for _, one := range texts {
		s := client.Secret{CreatedAt: at(one.CreatedAt), ExpiresAt: at(one.ExpiresAt)}
		if copy(s.Hash[:], one.Hash) != len(one.Hash) || len(one.Hash) != len(s.Hash) {
			return fmt.Errorf("a hash has %d bytes, want %d", len(one.Hash), len(s.Hash))
		}
		*c = append(*c, s)
	}
	return nil
}

// clientRow is a row of clientColumns.
type clientRow struct{ c client.Client }

func newClientRow() row[client.Client] { return &clientRow{} }

func (r *clientRow) columns(into []any) []any {
	c := &r.c
	return append(into, &c.ID, &c.Tenant, &c.Name, jsonColumn[[]string]{&c.Permissions}, (*secretsColumn)(&c.Secrets), &c.Keys,
		(*timeColumn)(&c.DisabledAt), (*timeColumn)(&c.CreatedAt), (*timeColumn)(&c.UpdatedAt))
}

func (r *clientRow) value() client.Client { return r.c }
