package auskunft

import (
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
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
