package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

var errNoTenant = fault.New(fault.NotFound, "tenant_unknown", "there is no such tenant")

// AddTenant makes a tenant. One whose id or external name is taken is Conflict. The principal is an administrator of the
// default tenant, or the operator.
func (s *Service) AddTenant(ctx context.Context, p *access.Principal, id, name string, external []tenant.External, c Client) (tenant.Tenant, error) {
	event := ports.Event{Action: "tenant.add", Subject: id}
	if err := s.stewards(ctx, p, c, event); err != nil {
		return tenant.Tenant{}, err
	}
	now := s.Now()
	t, err := tenant.New(id, name, now)
	if err = fault.Join(err, linkAll(&t, external, now)); err != nil {
		return tenant.Tenant{}, err
	}
	if err := s.Tenants.Create(ctx, t); err != nil {
		return tenant.Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	s.changedAll()
	if err := s.record(ctx, c, by(p, event), nil); err != nil {
		return tenant.Tenant{}, err
	}
	return t, nil
}

// linkAll adds what a tenant is called elsewhere.
func linkAll(t *tenant.Tenant, external []tenant.External, now time.Time) error {
	for _, e := range external {
		if err := t.Link(e, now); err != nil {
			return err
		}
	}
	return nil
}

// ListTenants returns the tenants that the principal sees, by ascending id, after this one: all for administrators of the default tenant and
// the operator, their own for others. The principal is an administrator.
func (s *Service) ListTenants(ctx context.Context, p *access.Principal, after string, limit int) ([]tenant.Tenant, error) {
	if _, err := s.administers(ctx, p, Client{}, ports.Event{Action: "tenant.list"}); err != nil {
		return nil, err
	}
	if steward(p) {
		list, err := s.Tenants.List(ctx, after, limit)
		if err != nil {
			return nil, fmt.Errorf("list tenants: %w", err)
		}
		return list, nil
	}
	if p.Tenant <= after {
		return nil, nil
	}
	own, err := s.Tenants.ByID(ctx, p.Tenant)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up tenant: %w", err)
	}
	return []tenant.Tenant{own}, nil
}

// FindTenant returns a tenant that the principal sees. The principal is an administrator.
func (s *Service) FindTenant(ctx context.Context, p *access.Principal, id string) (tenant.Tenant, error) {
	if _, err := s.administers(ctx, p, Client{}, ports.Event{Action: "tenant.find", Subject: id}); err != nil {
		return tenant.Tenant{}, err
	}
	if !steward(p) && id != p.Tenant {
		return tenant.Tenant{}, errNoTenant
	}
	t, err := s.Tenants.ByID(ctx, id)
	if isNotFound(err) {
		return tenant.Tenant{}, errNoTenant
	}
	if err != nil {
		return tenant.Tenant{}, fmt.Errorf("look up tenant: %w", err)
	}
	return t, nil
}

// ChangedTenant is what ChangeTenant changes; what is nil stays.
type ChangedTenant struct {
	Name   *string
	Link   []tenant.External // added
	Unlink []tenant.External // removed
}

// ChangeTenant changes a tenant. What it is not called elsewhere cannot be removed, which is NotFound with "external_unknown"; what
// another one is called is Conflict. The principal is an administrator of the default tenant, or the operator; to
// another tenant's administrator every tenant but their own is NotFound, and their own Forbidden.
func (s *Service) ChangeTenant(ctx context.Context, p *access.Principal, id string, in ChangedTenant, c Client) (tenant.Tenant, error) {
	event := ports.Event{Action: "tenant.change", Subject: id}
	if _, err := s.administers(ctx, p, c, event); err != nil {
		return tenant.Tenant{}, err
	}
	if !steward(p) && id != p.Tenant {
		return tenant.Tenant{}, errNoTenant
	}
	if err := s.stewards(ctx, p, c, event); err != nil {
		return tenant.Tenant{}, err
	}
	now := s.Now()
	t, err := s.Tenants.Update(ctx, id, func(t *tenant.Tenant) error {
		if in.Name != nil {
			if err := t.Rename(*in.Name, now); err != nil {
				return err
			}
		}
		for _, e := range in.Unlink {
			if err := t.Unlink(e, now); err != nil {
				return err
			}
		}
		return linkAll(t, in.Link, now)
	})
	s.changedAll()
	if isNotFound(err) && fault.CodeOf(err) != codeNoExternal {
		return tenant.Tenant{}, errNoTenant
	}
	if err != nil {
		return tenant.Tenant{}, fmt.Errorf("change tenant: %w", err)
	}
	if err := s.record(ctx, c, by(p, event), nil); err != nil {
		return tenant.Tenant{}, err
	}
	return t, nil
}

// codeNoExternal is what a tenant says of what it is not called.
const codeNoExternal = "external_unknown"
