// Package filedrop is the generic adapter for applications that speak through
// a directory: they drop CloudEvents as JSON files into in/ and find theirs in
// out/. One file holds one event in the structured mode of the CloudEvents JSON
// format 1.0. How files are taken, kept and set aside: see package dropfolder
// and adapters/README.md.
package filedrop

import (
	"fmt"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

const extension = ".json"

// Settings stand in the federation directory.
type Settings struct {
	dropfolder.Config `yaml:",inline"`
}

// Kind is the kind "filedrop".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "filedrop",
		Title:  "CloudEvents as JSON files in a drop folder",
		Source: newSource,
		Sink:   newSink,
	}
}

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	folder, err := open(env, s)
	if err != nil {
		return nil, err
	}
	return &source{folder: folder}, nil
}

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	folder, err := open(env, s)
	if err != nil {
		return nil, err
	}
	return &sink{folder: folder}, nil
}

func open(env hub.Env, s hub.Settings) (*dropfolder.Folder, error) {
	settings := Settings{Config: dropfolder.Defaults()}
	if err := s.Decode(&settings); err != nil {
		return nil, fmt.Errorf("filedrop settings: %w", err)
	}
	if err := settings.Check(s); err != nil {
		return nil, fmt.Errorf("filedrop settings: %w", err)
	}
	return dropfolder.Open(settings.Under(env.Dir), []string{extension}, env.Log)
}
