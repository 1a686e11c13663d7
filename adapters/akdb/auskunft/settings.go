package auskunft

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Config are the settings that all steps have; they inline it.
type Config struct {
	Source string        `yaml:"source"` // of the events that answer, or its prefix
	Dir    string        `yaml:"dir"`    // answers until the hub has them
	Poll   time.Duration `yaml:"poll"`   // between two looks into it
}

// Defaults put the answers into a folder of the adapter's own.
func Defaults(env hub.Env, kind string) Config {
	return Config{Dir: kind + "/" + env.Adapter, Poll: time.Second}
}

// StepConfig are the settings of kinds whose answers are events of their own.
type StepConfig struct {
	Config `yaml:",inline"`

	// Fragesteller is the source, or its prefix, of the one application that asks.
	Fragesteller string `yaml:"fragesteller"`
	// Einstufung is the least dataclassification of an answer.
	Einstufung string `yaml:"einstufung"`
}

// levels of dataclassification, the lowest first.
var levels = []string{"public", "internal", "confidential", "restricted"}

// StepDefaults are Defaults for a step. An answer is as confidential as what other
// kinds say of persons.
func StepDefaults(env hub.Env, kind string) StepConfig {
	return StepConfig{Config: Defaults(env, kind), Einstufung: "restricted"}
}

// CheckAsking judges what the sink of a step needs.
func (c StepConfig) CheckAsking(s hub.Settings) error {
	switch {
	case c.Fragesteller == "":
		return s.Errorf("fragesteller", "the source, or its prefix, of the one application that asks is missing, for example urn:de:ags:09162000:system:owi")
	case !slices.Contains(levels, c.Einstufung):
		return s.Errorf("einstufung", "must be one of %s", strings.Join(levels, ", "))
	}
	return nil
}

// asks tells whether events of this source are the asker's. A prefix ends where a
// part of the source does: system:owi is not the prefix of system:owi2.
func (c StepConfig) asks(source string) bool {
	rest, ok := strings.CutPrefix(source, c.Fragesteller)
	return ok && (rest == "" || strings.ContainsAny(c.Fragesteller[len(c.Fragesteller)-1:]+rest[:1], ":/#?;"))
}

// classification of the answer to a question that has this one. One that is not
// known is passed on: the hub takes it for higher than all others.
func (c StepConfig) classification(asked string) string {
	known := slices.Contains(levels, asked)
	if asked == "" || known && slices.Index(levels, asked) < slices.Index(levels, c.Einstufung) {
		return c.Einstufung
	}
	return asked
}

// Check judges what sink and source both need.
func (c Config) Check(s hub.Settings) error {
	switch {
	case c.Dir == "":
		return s.Errorf("dir", "the folder for answers is missing")
	case c.Poll < time.Millisecond:
		return s.Errorf("poll", "must be at least 1ms")
	}
	return nil
}

// Under makes a relative Dir start at dir.
func (c Config) Under(dir string) Config {
	c.Dir = eai.Under(dir, c.Dir)
	return c
}

// In is the path of a file that the source is to take.
func (c Config) In(name string) string { return filepath.Join(c.Dir, "in", name) }

// Folder opens the folder from which the source takes answers. What the hub has
// is removed from it, what it refuses goes to error/.
func (c Config) Folder(log *zap.Logger, endings ...string) (*dropfolder.Folder, error) {
	f := dropfolder.Defaults()
	f.Dir, f.Poll, f.MaxBytes, f.Forget = c.Dir, c.Poll, MaxBytes, true
	return dropfolder.Open(f, endings, log)
}

// MaxBytes is how long an answer may be; an envelope around one of eai.MaxAnswer in
// base64 is not longer than this.
const MaxBytes = 2 * eai.MaxAnswer
