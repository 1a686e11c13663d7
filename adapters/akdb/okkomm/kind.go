package okkomm

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/eai"
	"github.com/amtsbote/amtsbote/adapters/akdb/spool"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// Kind is the adapter kind "okkomm": its sink asks, its source brings the
// answers.
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "okkomm",
		Title:  "OK.KOMM: XMeld-Abrufe (1330, 1332) und ihre Antworten, Abholen über KomService",
		Source: newSource,
		Sink:   newSink,
	}
}

// settings of both; adapters/akdb/README.md explains them.
type settings struct {
	Dir    string        `yaml:"dir"`
	Source string        `yaml:"source"`
	Fragen []string      `yaml:"fragen"`
	Leser  []string      `yaml:"leser"`
	Poll   time.Duration `yaml:"poll"`
	Xoev   eai.Config    `yaml:"xoevservice"`
	Kom    eai.Config    `yaml:"komservice"`
	Abruf  *abholen      `yaml:"abholen"`
}

// abholen is what the source asks KomService again and again.
type abholen struct {
	Alle        time.Duration `yaml:"alle"`
	Verfahren   string        `yaml:"verfahren"`
	Typ         string        `yaml:"typ"`
	Ausfuehrung string        `yaml:"ausfuehrung"`
	ZielAGS     string        `yaml:"ziel-ags"`
	TechUser    string        `yaml:"techuser"`
	TechPwd     string        `yaml:"techpwd"` // file
	AppTyp      string        `yaml:"app-typ"`
	AppName     string        `yaml:"app-name"`
	AppVersion  string        `yaml:"app-version"`
	AppAGS      string        `yaml:"app-ags"`
	Suche       []Feld        `yaml:"suche"`
}

func decodeSettings(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{Dir: "okkomm/" + env.Adapter, Fragen: []string{"1330", "1332"}, Poll: time.Second, Xoev: eai.Defaults(), Kom: eai.Defaults()}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if set.Dir == "" {
		return set, s.Errorf("dir", "the folder for answers is missing")
	}
	if set.Poll < time.Millisecond {
		return set, s.Errorf("poll", "must be at least 1ms")
	}
	set.Dir = eai.Under(env.Dir, set.Dir)
	if set.Abruf != nil {
		if err := set.checkAbholen(env, s); err != nil {
			return set, err
		}
		set.Abruf.TechPwd = eai.Under(env.Dir, set.Abruf.TechPwd)
	}
	set.Xoev, set.Kom = set.Xoev.Under(env.Dir), set.Kom.Under(env.Dir)
	return set, nil
}

var agsForm = regexp.MustCompile(`^[0-9]{8}$`)

func (set *settings) checkAbholen(env hub.Env, s hub.Settings) error {
	a := set.Abruf
	switch {
	case a.Alle < time.Millisecond:
		return s.Errorf("abholen.alle", "must be at least 1ms")
	case a.Verfahren == "" || a.Typ == "" || a.Ausfuehrung == "":
		return s.Errorf("abholen", "verfahren, typ and ausfuehrung are needed")
	case !agsForm.MatchString(a.ZielAGS):
		return s.Errorf("abholen.ziel-ags", "must be eight digits")
	case (a.TechUser == "") != (a.TechPwd == ""):
		return s.Errorf("abholen.techpwd", "techuser and techpwd go together")
	}
	for _, f := range a.Suche {
		if !elementName.MatchString(f.Name) {
			return s.Errorf("abholen.suche", "a name must be of capitals, digits and _")
		}
	}
	return set.Kom.Check(env, s, "komservice")
}

// folder is where answers wait until the hub has them: a drop folder that only
// this adapter uses.
func (set *settings) folder() dropfolder.Config {
	c := dropfolder.Defaults()
	c.Dir = set.Dir
	c.Poll = set.Poll
	c.MaxBytes = eai.MaxAnswer
	return c
}

func (set *settings) in(name string) string { return filepath.Join(set.Dir, "in", name) }

// mkdir makes the folders that the sink writes to.
func (set *settings) mkdir() error {
	for _, dir := range []string{"in", "gefragt"} {
		if err := os.MkdirAll(filepath.Join(set.Dir, dir), spool.DirMode); err != nil {
			return fmt.Errorf("make folders for answers: %w", err)
		}
	}
	return nil
}
