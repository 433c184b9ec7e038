//go:build race

package web_test

// raceDetector says that everything takes ten times as long.
const raceDetector = true
