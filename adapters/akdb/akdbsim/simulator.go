// Package akdbsim plays AKDB's world in one: an XTA 2 server, OK.KOMM, OK.EWO with
// its REST Auskunft and its feed of changes, and OK.VERKEHR with its holder query. Each
// part is played by its own package.
package akdbsim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehrsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator plays the parts that are named, or all.
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "akdb",
		Title: "AKDB: XTA-2-Server, OK.KOMM, OK.EWO mit REST-Auskunft und Kafka, OK.VERKEHR",
		Run:   run,
	}
}

// settings are those of the parts, each below its name.
type settings struct {
	Plays     []string              `yaml:"spielt"`
	XTA       xtasim.Settings       `yaml:"xta"`
	OKKomm    okkommsim.Settings    `yaml:"okkomm"`
	OKEwo     ewosim.Settings       `yaml:"okewo"`
	OKVerkehr okverkehrsim.Settings `yaml:"okverkehr"`
}

// part is one simulator with what it is told.
type part struct {
	name string
	play hub.Simulator
	set  hub.Settings
}

func parts(set *settings, s hub.Settings) []part {
	return []part{
		{"xta", xtasim.Simulator(), given[xtasim.Settings]{set.XTA, s, "xta"}},
		{"okkomm", okkommsim.Simulator(), given[okkommsim.Settings]{set.OKKomm, s, "okkomm"}},
		{"okewo", ewosim.Simulator(), given[ewosim.Settings]{set.OKEwo, s, "okewo"}},
		{"okverkehr", okverkehrsim.Simulator(), given[okverkehrsim.Settings]{set.OKVerkehr, s, "okverkehr"}},
	}
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set := settings{
		Plays: []string{"xta", "okkomm", "okewo", "okverkehr"},
		XTA:   xtasim.Defaults(), OKKomm: okkommsim.Defaults(), OKEwo: ewosim.Defaults(), OKVerkehr: okverkehrsim.Defaults(),
	}
	if err := s.Decode(&set); err != nil {
		return err
	}
	all := map[string]part{}
	for _, p := range parts(&set, s) {
		all[p.name] = p
	}
	var playing []part
	for _, name := range set.Plays {
		p, ok := all[name]
		if !ok {
			return s.Errorf("spielt", "%q is none of xta, okkomm, okewo, okverkehr, or is there twice", name)
		}
		delete(all, name)
		playing = append(playing, p)
	}
	return together(ctx, env, playing)
}

// together plays until ctx ends or one of them cannot go on.
func together(ctx context.Context, env hub.Env, playing []part) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(playing))
	var wg sync.WaitGroup
	for i, p := range playing {
		wg.Go(func() {
			defer stop()
			if err := p.play.Run(ctx, env, p.set); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// given are the settings of a part, decoded with the whole.
type given[T any] struct {
	set   T
	whole hub.Settings
	name  string
}

// Decode implements hub.Settings.
func (g given[T]) Decode(into any) error {
	p, ok := into.(*T)
	if !ok {
		return fmt.Errorf("settings of %s: %T is not what they are", g.name, into)
	}
	*p = g.set
	return nil
}

// Errorf implements hub.Settings.
func (g given[T]) Errorf(key, format string, args ...any) error {
	return g.whole.Errorf(strings.TrimSuffix(g.name+"."+key, "."), format, args...)
}
