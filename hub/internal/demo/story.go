package demo

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// Plan is what the demo.yaml of a story says.
type Plan struct {
	About  string   `yaml:"about,required"`
	Cases  []Case   `yaml:"cases,required"`
	HandIn []HandIn `yaml:"hand-in"`
}

// HandIn are files that applications hand in when the hub runs.
type HandIn struct {
	Files string `yaml:"files,required"` // pattern, from the story's folder
	To    string `yaml:"to,required"`    // folder below the data directory
	// After is the type of an event that must have reached its receivers before; empty:
	// at once.
	After string `yaml:"after"`
}

// PlanFile is where the plan of a story is, from its folder.
const PlanFile = "faelle/demo.yaml"

// ReadPlan reads the plan of the story in a directory. The error joins a Finding for
// each problem.
func ReadPlan(story fs.FS) (*Plan, error) {
	raw, err := fs.ReadFile(story, PlanFile)
	if err != nil {
		return nil, fmt.Errorf("read the story's plan: %w", err)
	}
	found := &finding.List{}
	plan := strictyaml.Read[Plan](found, PlanFile, raw)
	if errs := found.Errors(); errs != nil {
		return nil, errs
	}
	for _, h := range plan.HandIn {
		if h.After != "" && !plan.has(h.After) {
			return nil, fmt.Errorf("%s: hand-in: no step is of the type %s that is waited for", PlanFile, h.After)
		}
	}
	return plan, nil
}

func (p *Plan) has(eventType string) bool {
	for _, c := range p.Cases {
		if slices.ContainsFunc(c.Steps, func(s Step) bool { return s.Type == eventType }) {
			return true
		}
	}
	return false
}

// Do hands in what the plan says, as applications would: under a temporary name
// first. from is the story's folder, data the hub's data directory. wait returns when
// an event of a type has reached its receivers.
func (p *Plan) Do(from, data string, wait func(after string) error) error {
	for _, h := range p.HandIn {
		if h.After != "" {
			if err := wait(h.After); err != nil {
				return err
			}
		}
		files, err := filepath.Glob(filepath.Join(from, h.Files))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("hand in: nothing is called %s", h.Files)
		}
		for _, file := range files {
			if err := handIn(file, filepath.Join(data, h.To)); err != nil {
				return fmt.Errorf("hand in an application: %w", err)
			}
		}
	}
	return nil
}

func handIn(file, to string) error {
	raw, err := os.ReadFile(file) //nolint:gosec // of a story of ours
	if err != nil {
		return err
	}
	target := filepath.Join(to, filepath.Base(file))
	if err := os.WriteFile(target+".tmp", raw, 0o600); err != nil { //nolint:gosec // of a story of ours
		return err
	}
	return os.Rename(target+".tmp", target)
}
