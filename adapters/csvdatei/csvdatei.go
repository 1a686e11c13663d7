// Package csvdatei is the generic adapter for CSV files of offices, from a
// folder or from an SFTP server: one event a row, made by a mapping file of the
// federation directory. README.md says how one is set up.
package csvdatei

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// settings stand in the federation directory; README.md explains them.
type settings struct {
	dropfolder.Config `yaml:",inline"`

	Source  string       `yaml:"source"`
	Mapping string       `yaml:"mapping"`
	Endings []string     `yaml:"endings"`
	MaxBad  int          `yaml:"max-bad-rows"`
	SFTP    sftpSettings `yaml:"sftp"`
}

const (
	defaultMaxBytes = 1 << 30
	// maxBad is what fits into one value of the source's memory.
	maxBad = 250
)

func defaults() settings {
	set := settings{Config: dropfolder.Defaults(), Endings: []string{".csv"}, MaxBad: 100, SFTP: sftpDefaults()}
	set.MaxBytes = defaultMaxBytes
	return set
}

// Kind is the kind "csv".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "csv",
		Title:  "CSV files of an office, one event a row (folder or SFTP)",
		Source: newSource,
		Check:  check,
	}
}

var endingForm = regexp.MustCompile(`^\.[A-Za-z0-9]{1,16}$`)

// decode reads the settings and the mapping; the mapping is nil after an error.
func decode(env hub.Env, s hub.Settings) (settings, *mapping.Mapping, error) {
	set := defaults()
	if err := s.Decode(&set); err != nil {
		return set, nil, err
	}
	if err := set.Check(s); err != nil {
		return set, nil, err
	}
	if key, why := set.problem(); why != "" {
		return set, nil, s.Errorf(key, "%s", why)
	}
	m, err := mapping.Load(env.Federation, set.Mapping)
	if err != nil {
		return set, nil, err
	}
	if m.Format() != mapping.CSV {
		return set, nil, s.Errorf("mapping", "is a mapping of %s, not of csv", m.Format())
	}
	set.Config = set.Under(env.Dir)
	return set, m, nil
}

func (set settings) problem() (key, why string) {
	switch {
	case set.Source == "":
		return "source", "is missing: the source of the events, below a prefix that the application owns"
	case set.Mapping == "":
		return "mapping", "is missing: a mapping file of the federation directory, for example mappings/liste.yaml"
	case len(set.Endings) == 0:
		return "endings", "is empty"
	case set.MaxBad < 0 || set.MaxBad > maxBad:
		return "max-bad-rows", "must be 0 to 250"
	}
	for _, e := range set.Endings {
		if !endingForm.MatchString(e) || strings.EqualFold(e, ".tmp") || strings.EqualFold(e, ".part") {
			return "endings", `must be endings like ".csv"`
		}
	}
	if key, why := set.SFTP.problem(); why != "" {
		return "sftp." + key, why
	}
	return "", ""
}

// check judges settings and mapping, and runs the mapping's examples.
func check(env hub.Env, s hub.Settings) ([]hub.Event, error) {
	set, m, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return m.Try(set.Source)
}

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, m, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if _, err := m.Try(set.Source); err != nil {
		return nil, err
	}
	folder, err := dropfolder.Open(set.Config, set.Endings, env.Log)
	if err != nil {
		return nil, err
	}
	src := &source{set: set, mapping: m, folder: folder, log: env.Log}
	if set.SFTP.given() {
		if src.remote, err = newRemote(env, set); err != nil {
			return nil, errors.Join(s.Errorf("sftp", "cannot be set up"), err)
		}
	}
	return src, nil
}

// aside is where rows go that cannot become events.
func (set settings) aside() string { return filepath.Join(set.Dir, set.Error) }
