//go:build race

package session_test

// raced says that the race detector is on, under which sync.Pool throws values
// away at random and allocations cannot be counted.
const raced = true
