//go:build race

package auth_test

// raceDetector says that everything takes ten times as long.
const raceDetector = true
