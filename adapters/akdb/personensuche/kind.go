package personensuche

import (
	"context"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/eai"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/hub"
)

// The events that ask and answer.
const (
	TypeGesucht   = "de.meldewesen.person-gesucht.v1"
	TypeErmittelt = "de.meldewesen.person-ermittelt.v1"
)

// Kind is the adapter kind "okewo-auskunft".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "okewo-auskunft",
		Title:  "Melderegister: Personensuche über OK.KOMM (1330/1331) oder OK.EWO",
		Source: newSource,
		Sink:   newSink,
	}
}

// settings of both; adapters/akdb/README.md explains them.
type settings struct {
	auskunft.Config `yaml:",inline"`

	Felder   []string    `yaml:"felder"`
	Xoev     *eai.Config `yaml:"xoevservice"` // one of the two
	Register *register   `yaml:"register"`
	Abruf    abruf       `yaml:"abruf"` // with xoevservice
}

// register is the city's OK.EWO.
type register struct {
	eai.Config `yaml:",inline"`

	BenutzerID string   `yaml:"benutzerid"`
	AGS        []string `yaml:"ags"` // whose register it is
}

// abruf is what a 1330 says of who asks and why (XMeld, DatenAbrufendeStelle).
type abruf struct {
	Autor               xmeld.Behoerde `yaml:"autor"`
	Leser               xmeld.Behoerde `yaml:"leser"`
	Produkt             xmeld.Produkt  `yaml:"produkt"`
	Sicherheitsbehoerde bool           `yaml:"sicherheitsbehoerde"`
	Aktenzeichen        string         `yaml:"aktenzeichen"`
	Anlass              string         `yaml:"anlass"`
	Kennung             string         `yaml:"kennung"`
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{
		Config: auskunft.Defaults(env, "okewo-auskunft"),
		Felder: []string{feldName, feldGeburtsdatum, feldAnschrift},
		Abruf:  abruf{Produkt: xmeld.Produkt{Name: "Amtsbote", Hersteller: "Amtsbote"}},
	}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if err := set.Check(s); err != nil {
		return set, err
	}
	set.Config = set.Under(env.Dir)
	for _, c := range set.gateways() {
		if c.Frist == 0 {
			c.Frist = eai.Defaults().Frist
		}
		*c = c.Under(env.Dir)
	}
	return set, nil
}

func (set *settings) gateways() (all []*eai.Config) {
	if set.Xoev != nil {
		all = append(all, set.Xoev)
	}
	if set.Register != nil {
		all = append(all, &set.Register.Config)
	}
	return all
}

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return set.Publisher(env, s)
}

// way is one of the two ways to a register. id and time of a question do not change
// when it is asked again.
type way interface {
	search(ctx context.Context, id string, q *question) (*data, error)
}

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.checkQuestion(env, s); err != nil {
		return nil, err
	}
	var to way
	if set.Xoev != nil {
		to = &xoevService{set: set.Abruf, elemente: elemente(set.Felder), gateway: &eai.Lazy{Config: *set.Xoev}, production: env.Production}
	} else {
		to = &okewo{set: *set.Register, gateway: &eai.Lazy{Config: set.Register.Config}}
	}
	ask := func(ctx context.Context, asked auskunft.Question) (auskunft.Answer, error) {
		q, err := questionOf(asked.Event)
		if err != nil {
			return auskunft.Answer{}, err
		}
		found, err := to.search(ctx, asked.ID, q)
		if err != nil {
			return auskunft.Answer{}, err
		}
		return auskunft.Answer{Data: found.only(set.Felder), AGS: q.AGS}, nil
	}
	return auskunft.Step{Config: set.Config, Type: TypeErmittelt, Ask: ask}.Sink()
}

func (set *settings) checkQuestion(env hub.Env, s hub.Settings) error {
	for _, f := range set.Felder {
		if _, known := codes[f]; !known {
			return s.Errorf("felder", "%q is none of %s", f, strings.Join(felder(), ", "))
		}
	}
	switch {
	case len(set.Felder) == 0:
		return s.Errorf("felder", "nothing is asked for")
	case (set.Xoev == nil) == (set.Register == nil):
		return s.Errorf("", "one of xoevservice and register is needed, and not both")
	case set.Xoev != nil:
		return set.checkAbruf(env, s)
	case set.Register.BenutzerID == "":
		return s.Errorf("register.benutzerid", "the user in whose name the register is read is missing")
	case len(set.Register.AGS) == 0 || slices.ContainsFunc(set.Register.AGS, func(a string) bool { return !agsForm.MatchString(a) }):
		return s.Errorf("register.ags", "the municipalities whose register it is are missing, or have not eight digits")
	}
	return set.Register.Check(env, s, "register")
}

func (set *settings) checkAbruf(env hub.Env, s hub.Settings) error {
	if err := set.Abruf.asked("").Check(); err != nil {
		return s.Errorf("abruf", "%w", err)
	}
	return set.Xoev.Check(env, s, "xoevservice")
}

// asked is who asks and why, about a person of this municipality.
func (a abruf) asked(ags string, elemente ...string) okkomm.Abruf {
	if len(elemente) == 0 {
		elemente = codes[feldName]
	}
	leser := a.Leser
	leser.Kennung = strings.ReplaceAll(leser.Kennung, "{ags}", ags)
	return okkomm.Abruf{
		Autor: a.Autor, Leser: leser, Produkt: a.Produkt, Sicherheitsbehoerde: a.Sicherheitsbehoerde,
		Aktenzeichen: a.Aktenzeichen, Anlass: a.Anlass, Kennung: a.Kennung, Elemente: elemente,
	}
}
