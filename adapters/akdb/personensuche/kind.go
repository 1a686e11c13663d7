package personensuche

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
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
	auskunft.StepConfig `yaml:",inline"`

	Felder    []string    `yaml:"felder"`
	Gesperrte string      `yaml:"gesperrte"`
	Xoev      *eai.Config `yaml:"xoevservice"` // one of the two
	Register  *register   `yaml:"register"`
	Abruf     *abruf      `yaml:"abruf"` // with xoevservice
}

// What is told of a person with a block (setting gesperrte).
const (
	verschweigen   = "verschweigen"    // the same as of one that nobody found
	mitKennzeichen = "mit-kennzeichen" // the person, with the block
)

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
	// Verzicht: no later answer by hand to a neutral one (§ 38 (5) BMG). It would go to
	// nobody: the step knows only the answer that comes at once.
	Verzicht bool `yaml:"verzicht-auf-mitteilung"`
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	given := defaults(env)
	if err := s.Decode(&given); err != nil {
		return given, err
	}
	// Of what is there, the defaults are what holds where nothing is said.
	set := defaults(env)
	if given.Xoev != nil {
		c := eai.Defaults()
		set.Xoev = &c
	}
	if given.Register != nil {
		set.Register = &register{Config: eai.Defaults()}
	}
	if given.Abruf != nil {
		set.Abruf = &abruf{Produkt: xmeld.Produkt{Name: "Amtsbote", Hersteller: "Amtsbote"}, Verzicht: true}
	}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if err := set.Check(s); err != nil {
		return set, err
	}
	set.Config = set.Under(env.Dir)
	for _, c := range set.gateways() {
		*c = c.Under(env.Dir)
	}
	return set, nil
}

func defaults(env hub.Env) settings {
	return settings{
		StepConfig: auskunft.StepDefaults(env, "okewo-auskunft"),
		Felder:     []string{feldName, feldGeburtsdatum, feldAnschrift},
		Gesperrte:  verschweigen,
	}
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
	search(ctx context.Context, asked auskunft.Question, q *question) (found, error)
}

// found is what a way gives.
type found struct {
	*data

	test string // the register's mark that it is a test
}

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.checkQuestion(env, s); err != nil {
		return nil, err
	}
	to := set.way(cmp.Or(env.Log, zap.NewNop()))
	ask := func(ctx context.Context, asked auskunft.Question) (auskunft.Answer, error) {
		q, err := questionOf(asked.Event)
		if err != nil {
			return auskunft.Answer{}, err
		}
		f, err := to.search(ctx, asked, q)
		if err != nil {
			return auskunft.Answer{}, err
		}
		told := f.only(set.Felder).toldOf(set.Gesperrte)
		told.Anfrage = asked.Anfrage()
		return auskunft.Answer{Data: told, AGS: q.AGS, Test: f.test}, nil
	}
	return auskunft.Step{StepConfig: set.StepConfig, Type: TypeErmittelt, Ask: ask, Production: env.Production}.Sink()
}

func (set *settings) way(log *zap.Logger) way {
	if set.Xoev != nil {
		return &xoevService{set: *set.Abruf, elemente: elemente(set.Felder), gateway: &eai.Lazy{Config: *set.Xoev}, log: log}
	}
	return &okewo{set: *set.Register, gateway: &eai.Lazy{Config: set.Register.Config}, log: log}
}

func (set *settings) checkQuestion(env hub.Env, s hub.Settings) error {
	if err := set.CheckAsking(s); err != nil {
		return err
	}
	for _, f := range set.Felder {
		if _, known := codes[f]; !known {
			return s.Errorf("felder", "%q is none of %s", f, strings.Join(felder(), ", "))
		}
	}
	switch {
	case len(set.Felder) == 0:
		return s.Errorf("felder", "nothing is asked for")
	case !slices.Contains([]string{verschweigen, mitKennzeichen}, set.Gesperrte):
		return s.Errorf("gesperrte", "must be %s or %s", verschweigen, mitKennzeichen)
	case (set.Xoev == nil) == (set.Register == nil):
		return s.Errorf("", "one of xoevservice and register is needed, and not both")
	case set.Xoev != nil:
		return set.checkAbruf(env, s)
	}
	return set.checkRegister(env, s)
}

func (set *settings) checkRegister(env hub.Env, s hub.Settings) error {
	switch {
	case set.Abruf != nil:
		return s.Errorf("abruf", "has no effect with register: OK.EWO's search has no place for it")
	case slices.Contains(set.Felder, feldGeschlecht):
		return s.Errorf("felder", "geschlecht has no effect with register: how OK.EWO writes it is not known")
	case set.Register.BenutzerID == "":
		return s.Errorf("register.benutzerid", "the user in whose name the register is read is missing")
	case len(set.Register.AGS) == 0 || slices.ContainsFunc(set.Register.AGS, func(a string) bool { return !agsForm.MatchString(a) }):
		return s.Errorf("register.ags", "the municipalities whose register it is are missing, or have not eight digits")
	}
	return set.Register.Check(env, s, "register")
}

func (set *settings) checkAbruf(env hub.Env, s hub.Settings) error {
	if set.Abruf == nil {
		return s.Errorf("abruf", "who asks and why is missing")
	}
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
		VerzichtAufMitteilung: a.Verzicht,
	}
}
