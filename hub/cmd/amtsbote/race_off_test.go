//go:build !race

package main

const (
	raceBuild  = false
	killEvents = 20_000
	killTimes  = 20
)
