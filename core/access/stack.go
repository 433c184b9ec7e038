//go:build !tinygo

package access

// stack is memory for the rules that are still about a request.
type stack [MaxRules / 64]uint64

// words returns that memory, empty.
func (s *stack) words() ruleSet { return s[:0] }
