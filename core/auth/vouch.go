package auth

import "context"

// Vouch returns an access token about who is asking, with the life of Settings.VouchLife, for a service behind a proxy that asked us:
// it verifies one sort of token, whatever the request showed. The identity is as Authenticate returned it. A token is made anew well before the one before expires; until then it is the same.
func (s *Service) Vouch(ctx context.Context, id Identity) (string, error) { panic("") }
