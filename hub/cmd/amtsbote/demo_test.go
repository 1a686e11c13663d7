package main

import (
	"bytes"
	"testing"
)

// TestStories: every story runs from one command, and all its cases come to their end.
func TestStories(t *testing.T) {
	names := stories()
	if len(names) == 0 {
		t.Fatal("there is none")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := runDemo(t.Context(), &out, name, false, "error"); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}
