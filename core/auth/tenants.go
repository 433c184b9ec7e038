package auth

import (
	"context"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/tenant"
)

// AddTenant makes a tenant. The principal is an administrator of the default tenant, or the operator.
func (s *Service) AddTenant(ctx context.Context, p *access.Principal, id, name string, external []tenant.External, c Client) (tenant.Tenant, error) {
	panic("")
}

// ListTenants returns the tenants that the principal sees, by ascending id, after this one: all for administrators of the default tenant and
// the operator, their own for others. The principal is an administrator.
func (s *Service) ListTenants(ctx context.Context, p *access.Principal, after string, limit int) ([]tenant.Tenant, error) {
	panic("")
}

// FindTenant returns a tenant that the principal sees. The principal is an administrator.
func (s *Service) FindTenant(ctx context.Context, p *access.Principal, id string) (tenant.Tenant, error) {
	panic("")
}

// ChangedTenant is what ChangeTenant changes; what is nil stays.
type ChangedTenant struct {
	Name   *string
	Link   []tenant.External // added
	Unlink []tenant.External // removed
}

// ChangeTenant changes a tenant. The principal is an administrator of the default tenant, or the operator; to
// another tenant's administrator every tenant but their own is NotFound, and their own Forbidden.
func (s *Service) ChangeTenant(ctx context.Context, p *access.Principal, id string, in ChangedTenant, c Client) (tenant.Tenant, error) {
	panic("")
}
