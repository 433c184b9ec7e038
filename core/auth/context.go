package auth

import (
	"context"

	"github.com/hexward/hexward/core/access"
)

type principalKey struct{}

// WithPrincipal returns a context that carries who is asking, for the code of an application
// that is several calls away from the request.
func WithPrincipal(ctx context.Context, p *access.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns who is asking: what WithPrincipal put there, or the anonymous principal; never nil.
func PrincipalFrom(ctx context.Context) *access.Principal {
	if p, ok := ctx.Value(principalKey{}).(*access.Principal); ok && p != nil {
		return p
	}
	return anonymous
}

// TenantFrom returns the tenant of who is asking. It is false when nobody is signed in, and then nothing may be
// looked up: an empty tenant is nobody's.
func TenantFrom(ctx context.Context) (id string, ok bool) {
	p := PrincipalFrom(ctx)
	return p.Tenant, p.SignedIn() && p.Tenant != ""
}
