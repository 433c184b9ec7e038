//go:build tinygo

package access

// stack is memory for the rules that are still about a request. TinyGo puts no value of this size on the stack, and has one
// thread only, so it is the same for all requests.
type stack struct{}

var words [MaxRules / 64]uint64

// words returns that memory, empty.
func (*stack) words() ruleSet { return words[:0] }
