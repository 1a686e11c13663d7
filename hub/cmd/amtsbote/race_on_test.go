//go:build race

package main

// Under the race detector the hub itself is built with it, and is slower: the
// kill test sends less and looks for races instead.
const (
	killEvents = 1_200
	killTimes  = 2
)
