package eakte

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Kind is the adapter kind "eakte".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "eakte",
		Title:  "E-Akte (REST-EAI 1.2.5): Akte, Vorgang, Eingang",
		Source: newSource,
		Sink:   newSink,
	}
}

// settings of both; README.md explains them.
type settings struct {
	Source       string        `yaml:"source"`
	Dir          string        `yaml:"dir"`
	Poll         time.Duration `yaml:"poll"`
	EAkte        eai.Config    `yaml:"eakte"`
	UserLogin    string        `yaml:"userlogin"`
	JobOE        string        `yaml:"joboe"`
	JobPosition  string        `yaml:"jobposition"`
	Anwendung    string        `yaml:"anwendung"`
	Gleichzeitig int           `yaml:"gleichzeitig"`
	Ablage       []filing      `yaml:"ablage"`
}

// filing says where events of some types are filed.
type filing struct {
	Typen    []string  `yaml:"typen"`
	Akte     fileSpec  `yaml:"akte"`
	Vorgang  titleSpec `yaml:"vorgang"`
	Eingang  titleSpec `yaml:"eingang"`
	Ereignis *bool     `yaml:"ereignis"` // the event's data as a document of its own
}

// fileSpec is a file that is there (coo), or one that is made below a place of the file
// plan, each title once.
type fileSpec struct {
	COO       string `yaml:"coo"`
	Aktenplan string `yaml:"aktenplan"`
	Titel     string `yaml:"titel"`
	Zugriff   string `yaml:"zugriff"` // accdef
}

type titleSpec struct {
	Titel   string `yaml:"titel"`
	Zugriff string `yaml:"zugriff"` // accdef
}

func defaults(env hub.Env) settings {
	return settings{Dir: "eakte/" + env.Adapter, Poll: time.Second, EAkte: eai.Defaults(), Anwendung: "Amtsbote", Gleichzeitig: 4}
}

var (
	cooForm    = regexp.MustCompile(`^COO(\.[0-9]{1,12}){4}$`)
	headerForm = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]{0,98}[\x21-\x7e])?$`)
	// positions that the city gives to interfaces (eakte-api--parameters.yaml); not OpAdm.
	positions = []string{
		"", "DocumentManager", "OfficialInCharge", "Official", "Secretary", "Head", "Registrar", "TemplateAdministrator", "TemplateManager",
	}
)

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := defaults(env)
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if err := set.check(env, s); err != nil {
		return set, err
	}
	set.Dir = eai.Under(env.Dir, set.Dir)
	set.EAkte = set.EAkte.Under(env.Dir)
	return set, nil
}

func (set settings) check(env hub.Env, s hub.Settings) error {
	switch {
	case set.Source == "":
		return s.Errorf("source", "the events' source is missing, for example urn:de:ags:09162000:system:eakte")
	case set.Dir == "":
		return s.Errorf("dir", "the folder is missing")
	case set.Poll < time.Millisecond:
		return s.Errorf("poll", "must be at least 1ms")
	case set.Gleichzeitig < 1 || set.Gleichzeitig > 100:
		return s.Errorf("gleichzeitig", "must be from 1 to 100")
	case !headerForm.MatchString(set.UserLogin):
		return s.Errorf("userlogin", "the user in whose name is filed is missing")
	case set.JobOE != "" && !cooForm.MatchString(set.JobOE):
		return s.Errorf("joboe", "must be a COO address")
	case !slices.Contains(positions, set.JobPosition):
		return s.Errorf("jobposition", "must be one of%s", strings.Join(positions, " "))
	case !headerForm.MatchString(set.Anwendung):
		return s.Errorf("anwendung", "must be a name in ASCII")
	}
	if err := set.EAkte.Check(env, s, "eakte"); err != nil {
		return err
	}
	return set.checkFiling(s)
}

func (set settings) checkFiling(s hub.Settings) error {
	if len(set.Ablage) == 0 {
		return s.Errorf("ablage", "nothing says what is filed where")
	}
	var types []string
	for i, f := range set.Ablage {
		at := fmt.Sprintf("ablage.%d", i)
		for _, t := range f.Typen {
			if t == "" || slices.Contains(types, t) {
				return s.Errorf(at+".typen", "each type once")
			}
			types = append(types, t)
		}
		if len(f.Typen) == 0 {
			return s.Errorf(at+".typen", "is missing")
		}
		if err := f.check(s, at); err != nil {
			return err
		}
	}
	return nil
}

func (f filing) check(s hub.Settings, at string) error {
	switch {
	case (f.Akte.COO == "") == (f.Akte.Aktenplan == ""):
		return s.Errorf(at+".akte", "either coo, the file, or aktenplan, where files are made")
	case f.Akte.COO != "" && !cooForm.MatchString(f.Akte.COO):
		return s.Errorf(at+".akte.coo", "must be a COO address")
	case f.Akte.Aktenplan != "" && !cooForm.MatchString(f.Akte.Aktenplan):
		return s.Errorf(at+".akte.aktenplan", "must be the COO address of a place in the file plan")
	case f.Akte.COO != "" && f.Akte.Titel != "":
		return s.Errorf(at+".akte.titel", "a file that is there has its title")
	}
	titles := map[string]string{"vorgang": f.Vorgang.Titel, "eingang": f.Eingang.Titel}
	if f.Akte.Aktenplan != "" {
		titles["akte"] = f.Akte.Titel
	}
	for _, key := range []string{"akte", "vorgang", "eingang"} {
		title, needed := titles[key]
		if !needed {
			continue
		}
		if problem := titleProblem(title); problem != "" {
			return s.Errorf(at+"."+key+".titel", "%s", problem)
		}
	}
	return nil
}

// of gives the filing for a type.
func (set settings) of(kind string) (filing, bool) {
	i := slices.IndexFunc(set.Ablage, func(f filing) bool { return slices.Contains(f.Typen, kind) })
	if i < 0 {
		return filing{}, false
	}
	return set.Ablage[i], true
}

func (set settings) answers() string { return filepath.Join(set.Dir, "antworten") }
func (set settings) memory() string  { return filepath.Join(set.Dir, "stand") }
