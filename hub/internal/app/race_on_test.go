//go:build race

package app_test

// raceBuild: the race detector makes everything some ten times slower.
const raceBuild = true
