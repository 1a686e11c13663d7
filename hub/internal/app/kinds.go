package app

import (
	"fmt"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Kinds lets the federation directory be checked against a list of kinds.
type Kinds struct {
	Adapters   []hub.Kind
	Simulators []hub.Simulator
}

var _ federation.Kinds = Kinds{}

func (k Kinds) find(name string) (hub.Kind, bool) {
	for _, kind := range k.Adapters {
		if kind.Name == name {
			return kind, true
		}
	}
	return hub.Kind{}, false
}

func (k Kinds) findSimulator(name string) (hub.Simulator, bool) {
	for _, s := range k.Simulators {
		if s.Name == name {
			return s, true
		}
	}
	return hub.Simulator{}, false
}

// Has implements federation.Kinds.
func (k Kinds) Has(name string) (source, sink, ok bool) {
	kind, ok := k.find(name)
	return kind.Source != nil, kind.Sink != nil, ok
}

// HasSimulator implements federation.Kinds.
func (k Kinds) HasSimulator(name string) bool {
	_, ok := k.findSimulator(name)
	return ok
}

// InvalidError carries the findings of a federation directory that cannot be
// used.
type InvalidError struct {
	Directory string
	Findings  []finding.Finding
}

func (e *InvalidError) Error() string {
	lines := []string{fmt.Sprintf("the federation directory %s has errors:", e.Directory)}
	for _, f := range e.Findings {
		lines = append(lines, "  "+f.String())
	}
	return strings.Join(lines, "\n")
}
