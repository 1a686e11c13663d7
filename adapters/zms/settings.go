package zms

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Kind is the adapter kind "zms".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "zms",
		Title:  "ZMS (eAppointment): Termine",
		Source: newSource,
		Sink:   newSink,
	}
}

// settings of both; README.md explains them.
type settings struct {
	Source  string        `yaml:"source"`
	AGS     string        `yaml:"ags"`
	Dir     string        `yaml:"dir"`
	Poll    time.Duration `yaml:"poll"`
	Abstand time.Duration `yaml:"abstand"`
	ZMS     eai.Config    `yaml:"zms"`
	Konto   konto         `yaml:"konto"`
	Scopes  []place       `yaml:"scopes"`
	Tage    days          `yaml:"tage"`
	Status  []string      `yaml:"status"`
	Buchung orders        `yaml:"buchung"`
}

// place is a scope (Standort) that is polled.
type place struct {
	ID           string `yaml:"id"`
	Dienststelle string `yaml:"dienststelle"` // the provider's number, officeId
}

// days are the days that are polled, counted from today.
type days struct {
	Zurueck int `yaml:"zurueck"`
	Voraus  int `yaml:"voraus"`
}

// orders are what the sink needs to reserve.
type orders struct {
	Dienste      []service     `yaml:"dienste"`
	Kunde        customer      `yaml:"kunde"`
	Vorlauf      time.Duration `yaml:"vorlauf"`      // between now and the first appointment
	Voraus       int           `yaml:"voraus"`       // days, where the order names none
	Reservierung time.Duration `yaml:"reservierung"` // how long one lasts, where ZMS does not say
}

// service says where what a LeiKa key stands for is done.
type service struct {
	Leika        string `yaml:"leika"`
	Leistung     string `yaml:"leistung"` // number of the service in ZMS
	Scope        string `yaml:"scope"`
	Dienststelle string `yaml:"dienststelle"`
	Quelle       string `yaml:"quelle"`
}

// customer is whom ZMS is told for all appointments that are ordered by event: never a
// citizen.
type customer struct {
	Name    string `yaml:"name"`
	Email   string `yaml:"email"`
	Telefon string `yaml:"telefon"`
}

func defaults(env hub.Env) settings {
	return settings{
		Dir: "zms/" + env.Adapter, Poll: time.Minute, Abstand: 200 * time.Millisecond, ZMS: eai.Defaults(),
		Tage:    days{Zurueck: 1, Voraus: 60},
		Buchung: orders{Kunde: customer{Name: "Vorgang"}, Vorlauf: 24 * time.Hour, Voraus: 60, Reservierung: 20 * time.Minute},
	}
}

// maxDays is how far a poll may reach in one direction.
const maxDays = 400

var (
	agsForm    = regexp.MustCompile(`^[0-9]{8}$`)
	quelleForm = regexp.MustCompile(`^[a-z0-9_-]{1,20}$`)
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
	set.ZMS = set.ZMS.Under(env.Dir)
	set.Konto.Passwort = eai.Under(env.Dir, set.Konto.Passwort)
	return set, nil
}

func (set settings) check(env hub.Env, s hub.Settings) error {
	switch {
	case set.Source == "":
		return s.Errorf("source", "the events' source is missing, for example urn:de:ags:09162000:system:zms")
	case set.AGS != "" && !agsForm.MatchString(set.AGS):
		return s.Errorf("ags", "must have 8 digits")
	case set.Dir == "":
		return s.Errorf("dir", "the folder is missing")
	case set.Poll < time.Millisecond:
		return s.Errorf("poll", "must be at least 1ms")
	case set.Abstand < 0:
		return s.Errorf("abstand", "must not be negative")
	case (set.Konto.Name == "") != (set.Konto.Passwort == ""):
		return s.Errorf("konto", "name and passwort go together")
	}
	return set.ZMS.Check(env, s, "zms")
}

// checkPolling judges what the source needs.
func (set settings) checkPolling(s hub.Settings) error {
	if len(set.Scopes) == 0 {
		return s.Errorf("scopes", "no scope is named: of which shall the appointments be told?")
	}
	var ids []string
	for i, p := range set.Scopes {
		at := fmt.Sprintf("scopes.%d", i)
		switch {
		case !numberForm.MatchString(p.ID) || slices.Contains(ids, p.ID):
			return s.Errorf(at+".id", "must be the number of a scope, each once")
		case !numberForm.MatchString(p.Dienststelle):
			return s.Errorf(at+".dienststelle", "must be the number of the provider (officeId)")
		}
		ids = append(ids, p.ID)
	}
	for _, status := range set.Status {
		if !slices.Contains(known, status) {
			return s.Errorf("status", "is no status of ZMS")
		}
	}
	if set.Tage.Zurueck < 0 || set.Tage.Voraus < 0 || set.Tage.Zurueck > maxDays || set.Tage.Voraus > maxDays {
		return s.Errorf("tage", "zurueck and voraus must be from 0 to %d", maxDays)
	}
	return nil
}

// checkOrders judges what the sink needs.
func (set settings) checkOrders(s hub.Settings) error {
	b := set.Buchung
	for i, d := range b.Dienste {
		at := fmt.Sprintf("buchung.dienste.%d", i)
		switch {
		case !leikaForm.MatchString(d.Leika):
			return s.Errorf(at+".leika", "must have 14 digits")
		case !numberForm.MatchString(d.Leistung), !numberForm.MatchString(d.Scope), !numberForm.MatchString(d.Dienststelle):
			return s.Errorf(at, "leistung, scope and dienststelle must be numbers of ZMS")
		case d.Quelle != "" && !quelleForm.MatchString(d.Quelle):
			return s.Errorf(at+".quelle", "must be the source of the numbers, for example dldb")
		}
	}
	switch {
	case b.Kunde.Name == "":
		return s.Errorf("buchung.kunde.name", "is missing")
	case b.Vorlauf < 0:
		return s.Errorf("buchung.vorlauf", "must not be negative")
	case b.Voraus < 1 || b.Voraus > maxDays:
		return s.Errorf("buchung.voraus", "must be from 1 to %d", maxDays)
	case b.Reservierung < time.Minute:
		return s.Errorf("buchung.reservierung", "must be at least 1m")
	}
	return nil
}

func (set settings) client() *client {
	return &client{gateway: &eai.Lazy{Config: set.ZMS}, konto: set.Konto, gap: set.Abstand, session: sessionOf(set.ZMS.URL, set.Konto.Name)}
}

// desk is where the sink leaves its answers.
func (set settings) desk() (*desk.Desk, error) { return desk.Open(set.answers()) }

// dienststelle is that of a scope that is polled, "" for another.
func (set settings) dienststelle(scope string) string {
	for _, p := range set.Scopes {
		if p.ID == scope {
			return p.Dienststelle
		}
	}
	return ""
}
