package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

type tenants Store

var _ ports.Tenants = (*tenants)(nil)

const tenantColumns = `t.id, t.name, t.external, t.created_at, t.updated_at`

// Create implements ports.Tenants.
func (s *tenants) Create(ctx context.Context, t tenant.Tenant) error {
	db := (*Store)(s)
	return db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		external, err := jsonText(textsOf(t.External), len(t.External))
		if err != nil {
			return err
		}
		broken, err := db.attempt(ctx, tx, `INSERT INTO tenants (id, name, external, created_at, updated_at) VALUES (?, ?, ?, ?, ?)`,
			t.ID, t.Name, external, ms(t.CreatedAt), ms(t.UpdatedAt))
		if err != nil {
			return err
		}
		if broken != NoViolation {
			return ports.ErrIDTaken
		}
		return s.call(ctx, tx, &t)
	})
}

// ByID implements ports.Tenants.
func (s *tenants) ByID(ctx context.Context, id string) (tenant.Tenant, error) {
	return point(ctx, (*Store)(s), newTenantRow(), ports.ErrTenantUnknown, `
		SELECT `+tenantColumns+` FROM tenants t WHERE t.id = ?`, id)
}

// ByExternal implements ports.Tenants. For its subquery see sessions.ByHash.
func (s *tenants) ByExternal(ctx context.Context, e tenant.External) (tenant.Tenant, error) {
	return point(ctx, (*Store)(s), newTenantRow(), ports.ErrTenantUnknown, `
		SELECT `+tenantColumns+` FROM (
			SELECT tenant_id FROM tenant_externals WHERE id = ? AND source = ? LIMIT 1
		) e JOIN tenants t ON t.id = e.tenant_id`, e.ID, e.Source)
}

// Update implements ports.Tenants.
func (s *tenants) Update(ctx context.Context, id string, change func(*tenant.Tenant) error) (tenant.Tenant, error) {
	db := (*Store)(s)
	var result tenant.Tenant
	err := db.write.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := one(ctx, db, tx, newTenantRow(), ports.ErrTenantUnknown, `SELECT `+tenantColumns+` FROM tenants t WHERE t.id = ?`, id)
		if err != nil {
			return err
		}
		before := slices.Clone(t.External)
		if err := change(&t); err != nil {
			return err
		}
		result = tenant.Tenant{
			ID: id, Name: t.Name, External: slices.Clone(t.External), CreatedAt: at(ms(t.CreatedAt)), UpdatedAt: at(ms(t.UpdatedAt)),
		}
		external, err := jsonText(textsOf(result.External), len(result.External))
		if err != nil {
			return err
		}
		if _, err := db.exec(ctx, tx, `UPDATE tenants SET name = ?, external = ?, created_at = ?, updated_at = ? WHERE id = ?`,
			result.Name, external, ms(result.CreatedAt), ms(result.UpdatedAt), id); err != nil {
			return err
		}
		if slices.Equal(before, result.External) {
			return nil
		}
		if _, err := db.exec(ctx, tx, `DELETE FROM tenant_externals WHERE tenant_id = ?`, id); err != nil {
			return err
		}
		return s.call(ctx, tx, &result)
	})
	if err != nil {
		return tenant.Tenant{}, err
	}
	return result, nil
}

// List implements ports.Tenants.
func (s *tenants) List(ctx context.Context, after string, limit int) ([]tenant.Tenant, error) {
	return scan(ctx, (*Store)(s), newTenantRow, `
		SELECT `+tenantColumns+` FROM tenants t WHERE t.id > ? ORDER BY t.id LIMIT ?`, after, ports.Limit(limit))
}

// call writes what a tenant is called elsewhere where that is unique.
func (s *tenants) call(ctx context.Context, tx *sql.Tx, t *tenant.Tenant) error {
	for _, e := range t.External {
		broken, err := (*Store)(s).attempt(ctx, tx, `
			INSERT INTO tenant_externals (id, source, tenant_id) VALUES (?, ?, ?)`, e.ID, e.Source, t.ID)
		if err != nil {
			return err
		}
		if broken != NoViolation {
			return ports.ErrExternalTaken
		}
	}
	return nil
}

// externalText is what a tenant is called elsewhere as JSON.
type externalText struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

func textsOf(external []tenant.External) []externalText {
	texts := make([]externalText, len(external))
	for i, e := range external {
		texts[i] = externalText(e)
	}
	return texts
}

// tenantRow is a row of tenantColumns.
type tenantRow struct {
	t        tenant.Tenant
	external []externalText
}

func newTenantRow() row[tenant.Tenant] { return &tenantRow{} }

func (r *tenantRow) columns(into []any) []any {
	t := &r.t
	return append(into, &t.ID, &t.Name, jsonColumn[[]externalText]{&r.external}, (*timeColumn)(&t.CreatedAt), (*timeColumn)(&t.UpdatedAt))
}

func (r *tenantRow) value() tenant.Tenant {
	for _, e := range r.external {
		r.t.External = append(r.t.External, tenant.External(e))
	}
	return r.t
}
