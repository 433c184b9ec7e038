package auth

import (
	"context"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/client"
)

// NewClient is a machine to be.
type NewClient struct {
	Name        string
	Permissions []string // the scopes that it may have
	Keys        []byte   // a JWK Set of public keys to authenticate with (RFC 7523); empty for a secret
}

// AddClient makes a machine client in the principal's tenant, and returns its secret, which is not shown again; it is
// empty for a client with keys. An administrator gives no permission that they do not hold; the operator gives any. The principal is an administrator.
func (s *Service) AddClient(ctx context.Context, p *access.Principal, in NewClient, c Client) (client.Client, string, error) {
	panic("")
}

// ListClients returns the clients that the principal sees, by ascending id, after this one. The principal is an administrator.
func (s *Service) ListClients(ctx context.Context, p *access.Principal, after string, limit int) ([]client.Client, error) {
	panic("")
}

// FindClient returns a client that the principal sees. The principal is an administrator.
func (s *Service) FindClient(ctx context.Context, p *access.Principal, id string) (client.Client, error) {
	panic("")
}

// ChangedClient is what ChangeClient changes; what is nil stays.
type ChangedClient struct {
	Name        *string
	Permissions *[]string
	Keys        *[]byte
}

// ChangeClient changes a client. Tokens that say otherwise are revoked. The principal is an administrator.
func (s *Service) ChangeClient(ctx context.Context, p *access.Principal, id string, in ChangedClient, c Client) (client.Client, error) {
	panic("")
}

// RotateClient makes another secret for a client and returns it; the one before works for Settings.SecretOverlap, or no
// more when it is compromised. The principal is an administrator.
func (s *Service) RotateClient(ctx context.Context, p *access.Principal, id string, compromised bool, c Client) (client.Client, string, error) {
	panic("")
}

// DisableClient shuts a client out, and ends its tokens, or lets it in again. The principal is an administrator.
func (s *Service) DisableClient(ctx context.Context, p *access.Principal, id string, disabled bool, c Client) (client.Client, error) {
	panic("")
}

// DeleteClient removes a client and ends its tokens. The principal is an administrator.
func (s *Service) DeleteClient(ctx context.Context, p *access.Principal, id string, c Client) error {
	panic("")
}
