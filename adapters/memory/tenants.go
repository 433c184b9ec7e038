package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

type tenants Store

var _ ports.Tenants = (*tenants)(nil)

// Create implements ports.Tenants.
func (s *tenants) Create(ctx context.Context, t tenant.Tenant) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.tenants[t.ID]; taken {
		return ports.ErrIDTaken
	}
	return s.put(t)
}

// ByID implements ports.Tenants.
func (s *tenants) ByID(ctx context.Context, id string) (tenant.Tenant, error) {
	if err := ports.Ended(ctx); err != nil {
		return tenant.Tenant{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(id)
}

// ByExternal implements ports.Tenants.
func (s *tenants) ByExternal(ctx context.Context, e tenant.External) (tenant.Tenant, error) {
	if err := ports.Ended(ctx); err != nil {
		return tenant.Tenant{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, found := s.externals[e]
	if !found {
		return tenant.Tenant{}, ports.ErrTenantUnknown
	}
	return s.get(id)
}

// Update implements ports.Tenants.
func (s *tenants) Update(ctx context.Context, id string, change func(*tenant.Tenant) error) (tenant.Tenant, error) {
	if err := ports.Ended(ctx); err != nil {
		return tenant.Tenant{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.get(id)
	if err != nil {
		return tenant.Tenant{}, err
	}
	if err := change(&t); err != nil {
		return tenant.Tenant{}, err
	}
	t.ID = id
	if err := s.put(t); err != nil {
		return tenant.Tenant{}, err
	}
	return s.get(id)
}

// List implements ports.Tenants.
func (s *tenants) List(ctx context.Context, after string, limit int) ([]tenant.Tenant, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []tenant.Tenant
	for _, t := range s.tenants {
		if t.ID > after {
			found = append(found, cleanTenant(t))
		}
	}
	slices.SortFunc(found, func(a, b tenant.Tenant) int { return strings.Compare(a.ID, b.ID) })
	return found[:min(len(found), ports.Limit(limit))], nil
}

// get returns a copy of a tenant.
func (s *tenants) get(id string) (tenant.Tenant, error) {
	t, found := s.tenants[id]
	if !found {
		return tenant.Tenant{}, ports.ErrTenantUnknown
	}
	return cleanTenant(t), nil
}

// put keeps a tenant in the place of the one with the same id, if there is one.
func (s *tenants) put(t tenant.Tenant) error {
	for i, e := range t.External {
		if owner, taken := s.externals[e]; taken && owner != t.ID || slices.Contains(t.External[:i], e) {
			return ports.ErrExternalTaken
		}
	}
	for _, e := range s.tenants[t.ID].External {
		delete(s.externals, e)
	}
	for _, e := range t.External {
		s.externals[e] = t.ID
	}
	s.tenants[t.ID] = cleanTenant(t)
	return nil
}

// cleanTenant returns a copy of a tenant that shares nothing with it.
func cleanTenant(t tenant.Tenant) tenant.Tenant {
	t.External = copied(t.External)
	t.CreatedAt, t.UpdatedAt = whole(t.CreatedAt), whole(t.UpdatedAt)
	return t
}
