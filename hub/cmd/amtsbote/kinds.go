//go:build !amtsbote_unreliable

package main

import (
	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub"
)

// kinds are the adapters of this binary.
func kinds() []hub.Kind { return adapters.Kinds() }
