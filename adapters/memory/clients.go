package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// clients are the machine identities of a scope.
type clients struct {
	*Store
	scope tenant.Scope
}

var (
	_ ports.Clients  = (*clients)(nil)
	_ ports.Machines = (*clients)(nil)
)

// Create implements ports.Clients.
func (s *clients) Create(ctx context.Context, c client.Client) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	if !s.scope.Sees(c.Tenant) {
		return ports.ErrOutside
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.clients[c.ID]; taken {
		return ports.ErrIDTaken
	}
	s.clients[c.ID] = cleanClient(c)
	return nil
}

// ByID implements ports.Clients and ports.Machines.
func (s *clients) ByID(ctx context.Context, id string) (client.Client, error) {
	if err := ports.Ended(ctx); err != nil {
		return client.Client{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(id)
}

// Update implements ports.Clients.
func (s *clients) Update(ctx context.Context, id string, change func(*client.Client) error) (client.Client, error) {
	if err := ports.Ended(ctx); err != nil {
		return client.Client{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.get(id)
	if err != nil {
		return client.Client{}, err
	}
	home := c.Tenant
	if err := change(&c); err != nil {
		return client.Client{}, err
	}
	c.ID, c.Tenant = id, home
	s.clients[id] = cleanClient(c)
	return s.get(id)
}

// Delete implements ports.Clients.
func (s *clients) Delete(ctx context.Context, id string) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.get(id); err != nil {
		return err
	}
	delete(s.clients, id)
	return nil
}

// List implements ports.Clients.
func (s *clients) List(ctx context.Context, after string, limit int) ([]client.Client, error) {
	if err := ports.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []client.Client
	for _, c := range s.clients {
		if s.scope.Sees(c.Tenant) && c.ID > after {
			found = append(found, cleanClient(c))
		}
	}
	slices.SortFunc(found, func(a, b client.Client) int { return strings.Compare(a.ID, b.ID) })
	return found[:min(len(found), ports.Limit(limit))], nil
}

// get returns a copy of a client of the scope.
func (s *clients) get(id string) (client.Client, error) {
	c, found := s.clients[id]
	if !found || !s.scope.Sees(c.Tenant) {
		return client.Client{}, ports.ErrClientUnknown
	}
	return cleanClient(c), nil
}

// cleanClient returns a copy of a client that shares nothing with it.
func cleanClient(c client.Client) client.Client {
	c.Permissions, c.Keys, c.Secrets = copied(c.Permissions), copied(c.Keys), copied(c.Secrets)
	for i := range c.Secrets {
		one := &c.Secrets[i]
		one.CreatedAt, one.ExpiresAt = whole(one.CreatedAt), whole(one.ExpiresAt)
	}
	c.DisabledAt, c.CreatedAt, c.UpdatedAt = whole(c.DisabledAt), whole(c.CreatedAt), whole(c.UpdatedAt)
	return c
}
