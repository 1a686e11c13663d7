// Package okewo plays a small resident register (Melderegister) in the manner
// of AKDB's OK.EWO, for examples and tests. It stands on the other side of a
// drop folder: it takes the XMeld 1704 that the hub wrote to out/, decides by
// its own rules, and puts its answers into in/: an XMeld 1707 in any case, and
// on acceptance also the CloudEvent de.meldewesen.wohnung-angemeldet.v1.
//
// It answers nothing but a 1704, and each 1704 (by its nachrichtenUUID) once: a
// repeated one changes nothing and gets the same answers, byte for byte, also
// after a restart.
//
// Reading and writing of XMeld it shares with adapters/akdb/xmeld. That the two
// sides do not merely share each other's mistakes is checked from outside: all
// XML is held against KoSIT's schema by xmllint.
//
// How the real OK.EWO hands over files is not known (UNVERIFIED); see
// adapters/akdb/README.md.
package okewo

import (
	"context"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "okewo".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "okewo",
		Title: "Einwohnermelderegister (OK.EWO), das Anmeldungen nach eigenen Regeln entscheidet",
		Run:   run,
	}
}

// settings of the simulator; adapters/akdb/README.md explains them.
type settings struct {
	Dir    string        `yaml:"dir"`
	In     string        `yaml:"in"`
	Out    string        `yaml:"out"`
	Rules  string        `yaml:"rules"`
	State  string        `yaml:"state"`
	Source string        `yaml:"source"`
	Poll   time.Duration `yaml:"poll"`
}

const minPoll = time.Millisecond

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{In: "in", Out: "out", State: "okewo.json", Poll: time.Second}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	switch {
	case set.Dir == "":
		return set, s.Errorf("dir", "the drop folder's directory is missing")
	case set.Rules == "":
		return set, s.Errorf("rules", "the file with the register's rules is missing")
	case set.Source == "":
		return set, s.Errorf("source", "the source of the register's events is missing, for example urn:de:dvdv:ags:09162000")
	case set.Poll < minPoll:
		return set, s.Errorf("poll", "must be at least %v", minPoll)
	}
	set.Dir = under(env.Dir, set.Dir)
	set.State = under(set.Dir, set.State)
	set.Rules = under(env.Federation, set.Rules)
	return set, nil
}

func under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	desk, err := open(env, set, s)
	if err != nil {
		return err
	}
	tick := time.NewTicker(set.Poll)
	defer tick.Stop()
	for {
		if err := desk.work(ctx); err != nil && ctx.Err() == nil {
			env.Log.Warn("okewo: will try again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
