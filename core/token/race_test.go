//go:build race

package token_test

// raceEnabled tells that pools drop what is put into them at random, so that allocations cannot be counted.
const raceEnabled = true
