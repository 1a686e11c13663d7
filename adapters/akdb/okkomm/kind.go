package okkomm

import (
	"regexp"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
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
	auskunft.Config `yaml:",inline"`

	Fragen []string   `yaml:"fragen"`
	Leser  []string   `yaml:"leser"`
	Xoev   eai.Config `yaml:"xoevservice"`
	Kom    eai.Config `yaml:"komservice"`
	Abruf  *abholen   `yaml:"abholen"`
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
	set := settings{Config: auskunft.Defaults(env, "okkomm"), Fragen: []string{"1330", "1332"}, Xoev: eai.Defaults(), Kom: eai.Defaults()}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if err := set.Check(s); err != nil {
		return set, err
	}
	set.Config = set.Under(env.Dir)
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
