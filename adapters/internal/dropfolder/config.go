package dropfolder

import (
	"path/filepath"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// minPoll keeps a mistyped interval from turning into a busy loop.
const minPoll = time.Millisecond

// Config says where a drop folder is and how it is read. Kinds inline it in
// their settings (yaml:",inline"), with [Defaults] set before decoding.
type Config struct {
	// Dir is the root; the five directories below lie in it.
	Dir string `yaml:"dir"`
	// In is read by the hub, Out is written by the hub; Work, Done and Error
	// belong to the hub alone. All lie on one file system (rename).
	In    string `yaml:"in"`
	Out   string `yaml:"out"`
	Work  string `yaml:"work"`
	Done  string `yaml:"done"`
	Error string `yaml:"error"`
	// Poll is the time between two looks at In.
	Poll time.Duration `yaml:"poll"`
	// MaxBytes is the size of the largest file that is taken.
	MaxBytes int64 `yaml:"max-bytes"`
	// Sidecar is empty, or an ending like ".ok" or ".fertig": then a file is
	// taken only, and at once, when <name><sidecar> lies beside it.
	Sidecar string `yaml:"sidecar"`
	// Forget removes a handled file instead of moving it to Done: for folders that
	// an adapter has to itself, where nobody would empty Done.
	Forget bool `yaml:"-"`
}

// Defaults are the settings of a folder about which nothing is said but Dir.
func Defaults() Config {
	return Config{
		In: "in", Out: "out", Work: "work", Done: "done", Error: "error",
		Poll:     time.Second,
		MaxBytes: 40 << 20,
	}
}

// Under gives c with a relative Dir placed below base.
func (c Config) Under(base string) Config {
	if c.Dir != "" && !filepath.IsAbs(c.Dir) {
		c.Dir = filepath.Join(base, c.Dir)
	}
	return c
}

// Check finds the first value that cannot work; the error comes from s.Errorf
// and points at its key.
func (c Config) Check(s hub.Settings) error {
	if key, text := c.problem(); text != "" {
		return s.Errorf(key, "%s", text)
	}
	return nil
}

// problem names the first key that cannot work, and why; "" means none.
func (c Config) problem() (key, text string) {
	switch {
	case c.Dir == "":
		return "dir", "the drop folder's directory is missing"
	case c.Poll < minPoll:
		return "poll", "must be at least " + minPoll.String()
	case c.MaxBytes < 1:
		return "max-bytes", "must be at least 1"
	case c.Sidecar != "" && (c.Sidecar[0] != '.' || !plainName(c.Sidecar[1:])):
		return "sidecar", `must be an ending like ".ok" or ".fertig"`
	}
	return c.directoryProblem()
}

func (c Config) directoryProblem() (key, text string) {
	owner := map[string]string{}
	for _, d := range c.directories() {
		path := filepath.Clean(d.path)
		if d.path == "" || path == "." || !filepath.IsLocal(d.path) {
			return d.key, "must be a path inside dir"
		}
		if other, taken := owner[path]; taken {
			return d.key, "is the same directory as " + other
		}
		owner[path] = d.key
	}
	return "", ""
}

type directory struct{ key, path string }

func (c Config) directories() []directory {
	return []directory{{"in", c.In}, {"out", c.Out}, {"work", c.Work}, {"done", c.Done}, {"error", c.Error}}
}

// Places tells people where the folder is: hub.Places of a source and a sink.
func (c Config) Places() hub.Places {
	return hub.Places{In: filepath.Join(c.Dir, c.In), Out: filepath.Join(c.Dir, c.Out), SetAside: filepath.Join(c.Dir, c.Error)}
}
