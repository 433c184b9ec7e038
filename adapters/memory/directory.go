package memory

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
