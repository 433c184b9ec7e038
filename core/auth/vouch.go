package auth

import (
	"context"

	"github.com/hexward/hexward/core/access"
)

// Vouch returns an access token about a principal, with the life of Settings.VouchLife, for a service behind a proxy that asked us:
// it verifies one sort of token, whatever the request showed. A token is made anew well before the one before expires; until then it is the same.
func (s *Service) Vouch(ctx context.Context, p *access.Principal) (string, error) { panic("") }
