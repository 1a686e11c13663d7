package adapters_test

import (
	"regexp"
	"testing"

	"github.com/amtsbote/amtsbote/adapters"
)

var name = regexp.MustCompile(`^[a-z0-9-]+$`)

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range adapters.Kinds() {
		if !name.MatchString(k.Name) || seen[k.Name] {
			t.Errorf("name of kind %q is not [a-z0-9-] or stands twice", k.Name)
		}
		if k.Title == "" || k.Source == nil && k.Sink == nil {
			t.Errorf("kind %s lacks a title, or source and sink both", k.Name)
		}
		seen[k.Name] = true
	}
}

func TestSimulators(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range adapters.Simulators() {
		if !name.MatchString(s.Name) || seen[s.Name] {
			t.Errorf("name of simulator %q is not [a-z0-9-] or stands twice", s.Name)
		}
		if s.Title == "" || s.Run == nil {
			t.Errorf("simulator %s lacks a title or Run", s.Name)
		}
		seen[s.Name] = true
	}
}
