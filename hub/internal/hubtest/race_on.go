//go:build race

package hubtest

// Raced tells whether the race detector runs.
const Raced = true
