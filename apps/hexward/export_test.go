package main

// What the tests start.
var (
	Run  = run
	Exit = exit
)
