package sqlstore

import (
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/ports"
)

type directory Store

var _ ports.Directory = (*directory)(nil)

// People implements ports.Directory.
func (s *directory) People(scope tenant.Scope) ports.People { return &people{(*Store)(s), scope} }

// Clients implements ports.Directory.
func (s *directory) Clients(scope tenant.Scope) ports.Clients { return &clients{(*Store)(s), scope} }

// Log implements ports.Directory.
func (s *directory) Log(scope tenant.Scope) ports.Log { return &log{(*Store)(s), scope} }

// within returns what the WHERE clause of a statement goes on with so that it finds only what a scope
// sees, and the arguments of that. The column has the tenant.
func within(scope tenant.Scope, column string) (condition string, args []any) {
	if scope.All() {
		return "", nil
	}
	if id, ok := scope.One(); ok {
		return " AND " + column + " = ?", []any{id}
	}
	return " AND 1 = 0", nil
}
