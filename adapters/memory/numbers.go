package memory

import (
	"context"

	"github.com/hexward/hexward/ports"
)

type numbers Store

var _ ports.Numbers = (*numbers)(nil)

// Next implements ports.Numbers.
func (s *numbers) Next(ctx context.Context, floor int64) (int64, error) {
	if err := ports.CheckFloor(floor); err != nil {
		return 0, err
	}
	if err := ports.Ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := max(s.number+1, floor)
	if next > ports.MaxNumber {
		return 0, ports.ErrNumbers
	}
	s.number = next
	return next, nil
}
