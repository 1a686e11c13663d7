//go:build !race

package main

const (
	killEvents = 20_000
	killTimes  = 20
)
