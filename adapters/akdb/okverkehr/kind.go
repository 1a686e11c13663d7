package okverkehr

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Type of the event that answers.
const Type = "de.kfz.halter-ermittelt.v1"

// Kind is the adapter kind "okverkehr": its sink asks who kept the vehicle that an
// event names, its source brings the answers.
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "okverkehr",
		Title:  "OK.VERKEHR: Halterabfrage zu Ereignissen mit Kennzeichen",
		Source: newSource,
		Sink:   newSink,
	}
}

// settings of both; adapters/akdb/README.md explains them.
type settings struct {
	auskunft.StepConfig `yaml:",inline"`

	Kennzeichen string   `yaml:"kennzeichen"` // JSON Pointer
	Stichtag    string   `yaml:"stichtag"`    // JSON Pointer, or heute
	Register    register `yaml:"register"`
}

type register struct {
	eai.Config `yaml:",inline"`

	BenutzerID string `yaml:"benutzerid"`
	Verfahren  string `yaml:"verfahren"`
}

// heute as Stichtag is the day on which is asked.
const heute = "heute"

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{StepConfig: auskunft.StepDefaults(env, "okverkehr"), Register: register{Config: eai.Defaults()}}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if err := set.Check(s); err != nil {
		return set, err
	}
	set.Config, set.Register.Config = set.Under(env.Dir), set.Register.Under(env.Dir)
	return set, nil
}

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return set.Publisher(env, s)
}

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.checkQuestion(env, s); err != nil {
		return nil, err
	}
	k := &asking{set: set, gateway: &eai.Lazy{Config: set.Register.Config}, log: cmp.Or(env.Log, zap.NewNop()), now: time.Now}
	return auskunft.Step{StepConfig: set.StepConfig, Type: Type, Ask: k.ask, Production: env.Production}.Sink()
}

func (set *settings) checkQuestion(env hub.Env, s hub.Settings) error {
	if err := set.CheckAsking(s); err != nil {
		return err
	}
	switch {
	case !isPointer(set.Kennzeichen):
		return s.Errorf("kennzeichen", "must be a JSON Pointer into the event's data, for example /fahrzeug/kennzeichen")
	case set.Stichtag != heute && !isPointer(set.Stichtag):
		return s.Errorf("stichtag", "must be heute, or a JSON Pointer into the event's data, for example /tat/am")
	case set.Register.BenutzerID == "":
		return s.Errorf("register.benutzerid", "the user in whose name is asked is missing")
	case set.Register.Verfahren == "":
		return s.Errorf("register.verfahren", "the procedure for which is asked is missing")
	}
	return set.Register.Check(env, s, "register")
}

func isPointer(s string) bool { return strings.HasPrefix(s, "/") && jsontext.Pointer(s).IsValid() }

// asking is the step's half that asks.
type asking struct {
	set     settings
	gateway *eai.Lazy
	log     *zap.Logger
	now     func() time.Time
}

// ask logs the id of every question before it is asked, with that of the event that will
// tell the answer, and nothing of what the answer was.
func (k *asking) ask(ctx context.Context, q auskunft.Question) (auskunft.Answer, error) {
	plate, day, err := k.question(q.Event)
	if err != nil {
		return auskunft.Answer{}, err
	}
	gateway, err := k.gateway.Client()
	if err != nil {
		return auskunft.Answer{}, hub.Retryable("settings", "ask OK.VERKEHR: %w", err)
	}
	client := &Client{EAI: gateway, Benutzer: k.set.Register.BenutzerID, Verfahren: k.set.Register.Verfahren}
	id := uuid.NewString()
	k.log.Info("okverkehr: asks", zap.String("anfrageid", id), zap.String("delivery", q.Delivery), zap.String("event", q.ID))
	a, err := client.Halter(ctx, id, plate, day)
	if err != nil {
		return auskunft.Answer{}, auskunft.Fault(err)
	}
	d := dataOf(a, day)
	d.Anfrage = q.Anfrage()
	return auskunft.Answer{Data: d}, nil
}
