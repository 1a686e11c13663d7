package dropfolder

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v4"
)

func TestConfigDecodesInlined(t *testing.T) {
	settings := struct {
		Config `yaml:",inline"`

		Own string `yaml:"own"`
	}{Config: Defaults()}
	const text = "dir: lhm/kfz\npoll: 250ms\nmax-bytes: 1024\nsidecar: .ok\nout: ausgang\nown: x\n"
	if err := yaml.Load([]byte(text), &settings, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Dir, want.Poll, want.MaxBytes, want.Sidecar, want.Out = "lhm/kfz", 250*time.Millisecond, 1024, ".ok", "ausgang"
	if diff := cmp.Diff(want, settings.Config); diff != "" {
		t.Error(diff)
	}
}

func TestConfigUnder(t *testing.T) {
	if got := (Config{Dir: "a"}).Under("/base").Dir; got != "/base/a" {
		t.Errorf("relative: %s", got)
	}
	if got := (Config{Dir: "/a"}).Under("/base").Dir; got != "/a" {
		t.Errorf("absolute: %s", got)
	}
	if got := (Config{}).Under("/base").Dir; got != "" {
		t.Errorf("missing: %s", got)
	}
}

// settings stands in for the federation directory's.
type settings struct{}

func (settings) Decode(any) error { return errors.New("not used") }

func (settings) Errorf(key, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{key}, args...)...)
}

func TestConfigCheck(t *testing.T) {
	cases := map[string]struct {
		change func(*Config)
		want   string
	}{
		"good":           {func(*Config) {}, ""},
		"nested":         {func(c *Config) { c.In = "von-lhm/neu" }, ""},
		"no dir":         {func(c *Config) { c.Dir = "" }, "dir: the drop folder's directory is missing"},
		"no poll":        {func(c *Config) { c.Poll = 0 }, "poll: must be at least 1ms"},
		"no size":        {func(c *Config) { c.MaxBytes = 0 }, "max-bytes: must be at least 1"},
		"sidecar":        {func(c *Config) { c.Sidecar = "ok" }, `sidecar: must be an ending like ".ok" or ".fertig"`},
		"sidecar dot":    {func(c *Config) { c.Sidecar = "." }, `sidecar: must be an ending like ".ok" or ".fertig"`},
		"sidecar path":   {func(c *Config) { c.Sidecar = "./ok" }, `sidecar: must be an ending like ".ok" or ".fertig"`},
		"empty in":       {func(c *Config) { c.In = "" }, "in: must be a path inside dir"},
		"outside":        {func(c *Config) { c.Out = "../out" }, "out: must be a path inside dir"},
		"absolute":       {func(c *Config) { c.Work = "/work" }, "work: must be a path inside dir"},
		"same directory": {func(c *Config) { c.Error = "./done/" }, "error: is the same directory as done"},
		"dir itself":     {func(c *Config) { c.Done = "." }, "done: must be a path inside dir"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := Defaults()
			cfg.Dir = t.TempDir()
			c.change(&cfg)
			var got string
			if err := cfg.Check(settings{}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if _, err := Open(cfg, []string{".xml"}, zap.NewNop()); (err != nil) != (c.want != "") {
				t.Errorf("Open: %v", err)
			}
		})
	}
	if _, err := Open(Config{Dir: t.TempDir()}, nil, zap.NewNop()); err == nil {
		t.Error("Open without extensions")
	}
}
