package tenant

// Scope is which tenants' things somebody sees. The zero Scope sees nothing.
type Scope struct {
	id    string
	every bool
}

// Only returns the scope of one tenant. An empty id gives the zero Scope.
func Only(id string) Scope { return Scope{id: id} }

// Every returns the scope of whoever works on the machine itself: all tenants.
func Every() Scope { return Scope{every: true} }

// Sees reports whether something of this tenant is within the scope.
func (s Scope) Sees(id string) bool { return s.every || s.id != "" && s.id == id }

// One returns the tenant that the scope is limited to. It is false for Every, and
// for the zero Scope.
func (s Scope) One() (id string, ok bool) { return s.id, s.id != "" && !s.every }

// All reports whether the scope is that of Every.
func (s Scope) All() bool { return s.every }
