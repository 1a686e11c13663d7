package aenderungen

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Kind is the adapter kind "okewo-aenderungen".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "okewo-aenderungen",
		Title:  "OK.EWO: Änderungsmeldungen des Melderegisters aus Kafka",
		Source: newSource,
	}
}

// How much is read of a person (setting anreichern).
const (
	keine   = "keine"   // nothing: somebody's record has changed
	gruppen = "gruppen" // which groups of fields have changed
	person  = "person"  // and the main data as it is now
)

// settings of the source; adapters/akdb/README.md explains them.
type settings struct {
	Source       string        `yaml:"source"`
	AGS          string        `yaml:"ags"`
	DataRef      string        `yaml:"dataref"`
	Einstufung   string        `yaml:"einstufung"` // dataclassification
	Anreichern   string        `yaml:"anreichern"`
	Geheimnis    string        `yaml:"geheimnis"`
	VorgangDauer time.Duration `yaml:"vorgang-dauer"`
	OM           string        `yaml:"ordnungsmerkmal"`
	Abgelegt     string        `yaml:"abgelegt"`
	Kafka        kafkaSettings `yaml:"kafka"`
	Register     register      `yaml:"register"`
	Auskunft     *auskunft     `yaml:"auskunft"`
	Versuche     int           `yaml:"versuche"`
	Warten       time.Duration `yaml:"warten"`
	Hoechstens   time.Duration `yaml:"hoechstens"`

	form *regexp.Regexp
}

type kafkaSettings struct {
	Broker     []string `yaml:"broker"`
	Topics     string   `yaml:"topics"`
	Gruppe     string   `yaml:"gruppe"`
	ClientID   string   `yaml:"client-id"`
	Beginn     string   `yaml:"beginn"` // anfang, ende
	Cluster    string   `yaml:"cluster"`
	Klartext   bool     `yaml:"klartext"`
	CA         string   `yaml:"ca"`
	Zertifikat string   `yaml:"zertifikat"`
	Schluessel string   `yaml:"schluessel"`
}

type register struct {
	eai.Config   `yaml:",inline"`
	Protokoll    string `yaml:"protokoll"` // rest, soap
	BenutzerID   string `yaml:"benutzerid"`
	Unbekannt404 bool   `yaml:"unbekannt-404"`
}

// defaults are what the change service of Ehrenamt-Justiz uses, where it says.
func defaults(env hub.Env) settings {
	return settings{
		Einstufung: "restricted", Anreichern: keine, VorgangDauer: 30 * 24 * time.Hour, OM: `[0-9]{1,20}`,
		Abgelegt: "abgelegt/" + env.Adapter,
		Kafka: kafkaSettings{
			Topics: `lhm-ewo-eai-aenderungen-.*`, Gruppe: "lhm-ewo-eai-aenderungen-amtsbote",
			ClientID: "amtsbote", Beginn: "anfang",
		},
		Register: register{Config: eai.Defaults(), Protokoll: "rest"},
		Versuche: 30, Warten: 5 * time.Second, Hoechstens: 80 * time.Second,
	}
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := defaults(env)
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	for _, check := range []func(hub.Env, hub.Settings) error{set.checkEvent, set.checkKafka, set.checkReading, set.checkAuskunft} {
		if err := check(env, s); err != nil {
			return set, err
		}
	}
	form, err := regexp.Compile(`^(?:` + set.OM + `)$`)
	if err != nil {
		return set, s.Errorf("ordnungsmerkmal", "is no regular expression: %w", err)
	}
	set.form = form
	set.Register.Config = set.Register.Under(env.Dir)
	for _, path := range []*string{&set.Geheimnis, &set.Abgelegt, &set.Kafka.CA, &set.Kafka.Zertifikat, &set.Kafka.Schluessel} {
		*path = eai.Under(env.Dir, *path)
	}
	return set, nil
}

var agsForm = regexp.MustCompile(`^[0-9]{8}$`)

func (set *settings) checkEvent(_ hub.Env, s hub.Settings) error {
	switch {
	case set.Source == "":
		return s.Errorf("source", "the events' source is missing, for example urn:de:ags:09162000:system:ok-ewo")
	case set.Geheimnis == "":
		return s.Errorf("geheimnis", "the file with the adapter's secret is missing (32 random characters or more)")
	case set.AGS != "" && !agsForm.MatchString(set.AGS):
		return s.Errorf("ags", "must be eight digits")
	case set.DataRef != "" && !strings.Contains(set.DataRef, vorgangMark):
		return s.Errorf("dataref", "must hold %s, in whose place the event's subject is put", vorgangMark)
	case !slices.Contains([]string{"", "public", "internal", "confidential", "restricted"}, set.Einstufung):
		return s.Errorf("einstufung", "must be public, internal, confidential, restricted or empty")
	case set.VorgangDauer <= 0:
		return s.Errorf("vorgang-dauer", "must be longer than 0")
	case set.Abgelegt == "":
		return s.Errorf("abgelegt", "the folder for what cannot become an event is missing")
	}
	return nil
}

func (set *settings) checkKafka(env hub.Env, s hub.Settings) error {
	k := set.Kafka
	_, err := regexp.Compile(k.Topics)
	switch {
	case len(k.Broker) == 0:
		return s.Errorf("kafka.broker", "the brokers (host:port) are missing")
	case k.Topics == "" || err != nil:
		return s.Errorf("kafka.topics", "must be a regular expression for the topics' names")
	case k.Gruppe == "":
		return s.Errorf("kafka.gruppe", "the consumer group is missing")
	case k.Beginn != "anfang" && k.Beginn != "ende":
		return s.Errorf("kafka.beginn", "must be anfang or ende")
	case k.Klartext && env.Production:
		return s.Errorf("kafka.klartext", "production wants TLS")
	case (k.Zertifikat == "") != (k.Schluessel == ""):
		return s.Errorf("kafka.schluessel", "zertifikat and schluessel go together")
	}
	return nil
}

func (set *settings) checkReading(env hub.Env, s hub.Settings) error {
	switch {
	case set.Anreichern != keine && set.Anreichern != gruppen && set.Anreichern != person:
		return s.Errorf("anreichern", "must be keine, gruppen or person")
	case set.Versuche < 1:
		return s.Errorf("versuche", "must be at least 1")
	case set.Warten <= 0 || set.Hoechstens < set.Warten:
		return s.Errorf("hoechstens", "warten must be longer than 0 and hoechstens not shorter than warten")
	case set.Anreichern == keine:
		return nil
	case set.Register.Protokoll != "rest" && set.Register.Protokoll != "soap":
		return s.Errorf("register.protokoll", "must be rest or soap")
	case set.Register.BenutzerID == "":
		return s.Errorf("register.benutzerid", "the user in whose name the register is read is missing")
	}
	return set.Register.Check(env, s, "register")
}
