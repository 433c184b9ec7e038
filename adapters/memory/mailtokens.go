package memory

import (
	"context"
	"time"

	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/ports"
)

type mailTokens Store

var _ ports.MailTokens = (*mailTokens)(nil)

// mailKey is what a mailed token is looked up by.
type mailKey struct {
	purpose string
	hash    session.Hash
}

// Put implements ports.MailTokens.
func (s *mailTokens) Put(ctx context.Context, t ports.MailToken) error {
	if err := ports.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := mailKey{t.Purpose, t.Hash}
	if there, taken := s.mailTokens[key]; taken && there.Subject != t.Subject {
		return ports.ErrHashTaken
	}
	for k, there := range s.mailTokens {
		if there.Purpose == t.Purpose && there.Subject == t.Subject {
			delete(s.mailTokens, k)
		}
	}
	s.mailTokens[key] = cleanMailToken(t)
	return nil
}

// Get implements ports.MailTokens.
func (s *mailTokens) Get(ctx context.Context, purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
	if err := ports.Ended(ctx); err != nil {
		return ports.MailToken{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(purpose, h, now)
}

// Consume implements ports.MailTokens.
func (s *mailTokens) Consume(ctx context.Context, purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
	if err := ports.Ended(ctx); err != nil {
		return ports.MailToken{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.get(purpose, h, now)
	if err == nil {
		delete(s.mailTokens, mailKey{purpose, h})
	}
	return t, err
}

// DeleteExpired implements ports.MailTokens.
func (s *mailTokens) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	if err := ports.Ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, t := range s.mailTokens {
		if !now.Before(t.ExpiresAt) {
			delete(s.mailTokens, key)
			n++
		}
	}
	return n, nil
}

func (s *mailTokens) get(purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
	t, found := s.mailTokens[mailKey{purpose, h}]
	if !found || !now.Before(t.ExpiresAt) {
		return ports.MailToken{}, ports.ErrTokenUnknown
	}
	return cleanMailToken(t), nil
}

// cleanMailToken returns a copy of a token that shares nothing with it.
func cleanMailToken(t ports.MailToken) ports.MailToken {
	t.Data = copied(t.Data)
	t.CreatedAt, t.ExpiresAt = whole(t.CreatedAt), whole(t.ExpiresAt)
	return t
}
