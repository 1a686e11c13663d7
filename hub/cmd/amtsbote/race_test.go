package main

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// notRaced leaves a test out under the race detector: the tests that kill the hub
// run the same code of it there. What a disk does to it is no race.
func notRaced(t *testing.T) {
	t.Helper()
	if raced.On {
		t.Skip("the race detector sees the same code in the tests that kill the hub")
	}
}
