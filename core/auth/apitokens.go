package auth

import (
	"context"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
)

// NewAPIToken is an API token to be.
type NewAPIToken struct {
	Name    string
	Scopes  []string  // permissions of its owner that it may use
	Expires time.Time // the zero time for never
}

// MakeAPIToken makes a token for the principal's scripts, and returns its text, which is not shown again. The principal
// is a user who is signed in themselves: no API token and no other issuer's token makes another one.
func (s *Service) MakeAPIToken(ctx context.Context, p *access.Principal, in NewAPIToken, c Client) (apitoken.Token, string, error) {
	panic("")
}

// ListAPITokens returns the principal's own tokens, the newest first, expired ones too.
func (s *Service) ListAPITokens(ctx context.Context, p *access.Principal) ([]apitoken.Token, error) {
	panic("")
}

// DeleteAPIToken ends one of the principal's own tokens, from the next request on. Another user's is NotFound, like one that never was.
func (s *Service) DeleteAPIToken(ctx context.Context, p *access.Principal, id string, c Client) error {
	panic("")
}
