package aenderungen

import (
	"context"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

type source struct {
	set settings
	log *zap.Logger
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return &source{set: set, log: env.Log}, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	return hub.Places{
		In:       s.set.Kafka.Topics + " at " + strings.Join(s.set.Kafka.Broker, ", "),
		SetAside: s.set.Abgelegt,
	}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	r, err := s.open(ctx, in)
	if err == nil {
		defer r.close()
		err = r.read(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// open reads the files that the settings name, and asks the cluster its name.
func (s *source) open(ctx context.Context, in hub.Intake) (*run, error) {
	secret, err := eai.Secret(s.set.Geheimnis)
	if err != nil {
		return nil, err
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the adapter's secret is shorter than %d characters", minSecret)
	}
	r := &run{
		set: s.set, in: in, log: s.log,
		journal: &journal{state: in.State()},
		people:  &people{state: in.State(), secret: []byte(secret), dauer: s.set.VorgangDauer, seals: s.set.Auskunft != nil},
		aside:   &aside{dir: s.set.Abgelegt},
	}
	if s.set.Anreichern != keine {
		if r.gateway, r.register, err = s.set.Register.reader(); err != nil {
			return nil, err
		}
	}
	if err := r.connect(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// reader opens the way to the register. SOAP has the user in the message.
func (set register) reader() (*eai.Client, reader, error) {
	conf := set.Config
	if set.Protokoll == "soap" {
		conf.Benutzer, conf.Passwort = "", ""
	}
	gateway, err := conf.Open()
	if err != nil {
		return nil, nil, err
	}
	if set.Protokoll != "soap" {
		return gateway, &ewo.Client{EAI: gateway, BenutzerID: set.BenutzerID, Unbekannt404: set.Unbekannt404}, nil
	}
	password := ""
	if set.Passwort != "" {
		if password, err = eai.Secret(set.Passwort); err != nil {
			return nil, nil, err
		}
	}
	return gateway, &ewo.SOAP{EAI: gateway, Benutzer: set.Benutzer, Passwort: password, BenutzerID: set.BenutzerID}, nil
}
