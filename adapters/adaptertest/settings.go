package adaptertest

import (
	"fmt"

	"go.uber.org/zap"
	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/hub"
)

// Settings are hub.Settings from YAML text, decoded strictly as in the
// federation directory.
type Settings string

var _ hub.Settings = Settings("")

// Decode implements hub.Settings.
func (s Settings) Decode(into any) error {
	return yaml.Load([]byte(s), into, yaml.WithKnownFields())
}

// Errorf implements hub.Settings.
func (s Settings) Errorf(key, format string, args ...any) error {
	return fmt.Errorf("%s: %w", key, fmt.Errorf(format, args...))
}

// Env is the surroundings of an adapter under test; relative paths start at
// dir.
func Env(dir string) hub.Env {
	return hub.Env{Application: "test.fach", Adapter: "test", Dir: dir, Log: zap.NewNop()}
}
