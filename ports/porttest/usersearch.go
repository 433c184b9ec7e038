package porttest

import (
	"context"
	"testing"

	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

// UserSearch is the contract of ports.UserSearch.
func UserSearch(t *testing.T, open func(t *testing.T) Store) {
	t.Run("filters", func(t *testing.T) { s := open(t); peopleFilters(t, s, tenant.Every(), s.UserSearch().Search) })
	t.Run("pages", func(t *testing.T) { s := open(t); peoplePages(t, s, tenant.Every(), s.UserSearch().Search) })
	t.Run("ended_context", func(t *testing.T) {
		s := open(t).UserSearch()
		endedCalls(t, map[string]func(context.Context) error{
			"Search": func(ctx context.Context) error { _, err := s.Search(ctx, ports.UserQuery{}); return err },
		})
	})
}
