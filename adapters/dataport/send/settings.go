package send

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/access"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// settings of sink and source; README.md of dataport explains them.
type settings struct {
	access.Settings `yaml:",inline"`

	Routing     string `yaml:"routing-api"`
	RoutingKeys string `yaml:"routing-schluessel"`
	Roots       string `yaml:"zertifikate"`

	Source   string        `yaml:"source"`
	Absender string        `yaml:"absender"`
	Dir      string        `yaml:"dir"`
	Poll     time.Duration `yaml:"poll"`
	Merken   time.Duration `yaml:"merken"`
	Warnen   time.Duration `yaml:"warnen"`

	MaxDaten  int64 `yaml:"max-daten"`
	MaxAnlage int64 `yaml:"max-anlage"`
	MaxGesamt int64 `yaml:"max-gesamt"`

	unchecked bool // zertifikate: keine

	Sendungen []sendung `yaml:"sendungen"`
	ZBP       *zbpBox   `yaml:"zbp"`
}

// sendung says how events of one type are handed in.
type sendung struct {
	Typ          string  `yaml:"typ"`
	Zustellpunkt string  `yaml:"zustellpunkt"` // fixed; empty: asked of the routing service
	Leistung     string  `yaml:"leistung"`     // empty: /antrag/leistung of the event
	Name         string  `yaml:"name"`
	Schema       string  `yaml:"schema"`   // empty: /fachschema/uri
	Datentyp     string  `yaml:"datentyp"` // empty: /fachschema/mediaType
	Daten        *string `yaml:"daten"`    // JSON Pointer; none: /original
	Anlagen      string  `yaml:"anlagen"`  // likewise; /anlagen
	ARS          string  `yaml:"ars"`      // fixed; empty: at ARSAus, else the attribute ags
	ARSAus       string  `yaml:"ars-aus"`
}

// zbpBox says how a changed status goes to the citizen.
type zbpBox struct {
	Zustellpunkt   string            `yaml:"zustellpunkt"`
	Schluessel     string            `yaml:"schluessel"`
	Zertifikat     string            `yaml:"zertifikat"`
	Leistungen     map[string]string `yaml:"leistungen"` // names by LeiKa key
	Sonst          string            `yaml:"leistung-sonst"`
	Vertrauen      int               `yaml:"vertrauensniveau"`
	Texte          map[string]string `yaml:"texte"` // of a message, by status
	NachrichtImmer bool              `yaml:"nachricht-immer"`
}

const day = 24 * time.Hour

func defaults(env hub.Env) settings {
	return settings{
		Settings: access.Defaults(), Dir: filepath.Join("fit-connect", env.Adapter), Poll: time.Minute, Merken: 90 * day, Warnen: 10 * day,
		MaxDaten: 20 << 20, MaxAnlage: 128 << 20, MaxGesamt: 1 << 30,
	}
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := defaults(env)
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if key, text := set.Complete(); text != "" {
		return set, s.Errorf(key, "%s", text)
	}
	set.Routing = access.OrElse(set.Routing, access.Environments[set.Umgebung].Routing)
	for _, problem := range []func(bool) (string, string){set.Problem, set.trustProblem, set.workProblem, set.routingProblem, set.sendungProblem, set.zbpProblem} {
		if key, text := problem(env.Production); text != "" {
			return set, s.Errorf(key, "%s", text)
		}
	}
	set.Dir = access.Under(env.Dir, set.Dir)
	set.Place(env.Federation)
	files := []*string{&set.RoutingKeys, &set.Roots}
	if z := set.ZBP; z != nil {
		files = append(files, &z.Schluessel, &z.Zertifikat)
	}
	for _, f := range files {
		if *f != "" {
			*f = access.Under(env.Federation, *f)
		}
	}
	return set, nil
}

// noRoots says in so many words that certificates of keys are not to be looked at.
const noRoots = "keine"

// trustProblem: in production it must be said whose certificates are believed, since
// else the service alone decides who can read what is sent.
func (set *settings) trustProblem(production bool) (key, text string) {
	if set.Roots == "" && (production || set.Umgebung == "produktion") {
		return "zertifikate", "in production, give the authorities (PEM) whose certificates receivers' keys must bring, or say that there are none: " + noRoots
	}
	if set.Roots == noRoots {
		set.Roots, set.unchecked = "", true
	}
	return "", ""
}

func (set *settings) workProblem(bool) (key, text string) {
	switch {
	case set.Source == "":
		return "source", "is missing: the source of the events that tell what became of a submission, for example urn:fit-connect:senden:stadt"
	case set.Absender == "" || len([]rune(set.Absender)) > 100:
		return "absender", "is missing, or longer than 100 characters: the name of the authority that sends"
	case set.Poll < time.Millisecond:
		return "poll", "must be at least 1ms"
	case set.Merken < day:
		return "merken", "must be at least 24h"
	case set.Warnen <= 0:
		return "warnen", "must be longer than 0"
	case set.MaxDaten < 1 || set.MaxDaten > 64<<20:
		return "max-daten", "must be 1 to 67108864"
	case set.MaxAnlage < 1 || set.MaxGesamt < 1:
		return "max-anlage", "max-anlage and max-gesamt must be at least 1"
	}
	return "", ""
}

func (set *settings) routingProblem(production bool) (key, text string) {
	if set.Routing != "" {
		if text := access.AddressProblem(set.Routing, production); text != "" {
			return "routing-api", text
		}
		return "", ""
	}
	for i, s := range set.Sendungen {
		if s.Zustellpunkt == "" {
			return fmt.Sprintf("sendungen.%d.zustellpunkt", i), "give a destination, or routing-api"
		}
	}
	return "", ""
}

var (
	leikaForm = regexp.MustCompile(`^99[0-9]{12}$`)
	arsForm   = regexp.MustCompile(`^(?:[0-9]{2}|[0-9]{3}|[0-9]{5}|[0-9]{9}|[0-9]{12})$`)
	agsForm   = regexp.MustCompile(`^[0-9]{8}$`)
)

const (
	mimeJSON = "application/json"
	mimeXML  = "application/xml"
)

func (set *settings) sendungProblem(bool) (key, text string) {
	if len(set.Sendungen) == 0 && set.ZBP == nil {
		return "sendungen", "nothing is sent: give sendungen, zbp or both"
	}
	types := map[string]bool{}
	for i := range set.Sendungen {
		s := &set.Sendungen[i]
		s.Zustellpunkt, s.Anlagen = strings.ToLower(s.Zustellpunkt), access.OrElse(s.Anlagen, "/anlagen")
		if key, text := s.problem(); text != "" {
			return fmt.Sprintf("sendungen.%d.%s", i, key), text
		}
		if types[s.Typ] || s.Typ == statusType && set.ZBP != nil {
			return fmt.Sprintf("sendungen.%d.typ", i), "events of this type are sent already"
		}
		types[s.Typ] = true
	}
	return "", ""
}

func (s *sendung) problem() (key, text string) {
	switch {
	case s.Typ == "":
		return "typ", "is missing: the type of the events"
	case s.Zustellpunkt != "" && !fit.IsUUID(s.Zustellpunkt):
		return "zustellpunkt", "a destination's id is a UUID"
	case s.Leistung != "" && !leikaForm.MatchString(s.Leistung):
		return "leistung", "a key of a public service (LeiKa) is 14 digits, the first 99"
	case s.Datentyp != "" && s.Datentyp != mimeJSON && s.Datentyp != mimeXML:
		return "datentyp", "must be application/json or application/xml"
	case (s.Schema == "") != (s.Datentyp == ""):
		return "schema", "schema and datentyp go together"
	case s.ARS != "" && !arsForm.MatchString(s.ARS):
		return "ars", "must be 2, 3, 5, 9 or 12 digits"
	case s.Daten != nil && *s.Daten != "" && !strings.HasPrefix(*s.Daten, "/"):
		return "daten", `must be a JSON Pointer like /daten, or "" for all of the event's data`
	case !strings.HasPrefix(s.Anlagen, "/"), s.ARSAus != "" && !strings.HasPrefix(s.ARSAus, "/"):
		return "anlagen", "anlagen and ars-aus must be JSON Pointers like /anlagen"
	}
	return "", ""
}

func (set *settings) zbpProblem(bool) (key, text string) {
	z := set.ZBP
	if z == nil {
		return "", ""
	}
	z.Zustellpunkt = strings.ToLower(z.Zustellpunkt)
	if z.Vertrauen == 0 {
		z.Vertrauen = 1
	}
	switch {
	case !fit.IsUUID(z.Zustellpunkt):
		return "zbp.zustellpunkt", "the id (UUID) of the ZBP's destination is missing"
	case z.Schluessel == "" || z.Zertifikat == "":
		return "zbp.schluessel", "schluessel and zertifikat are needed: the ZBP takes what the authority has signed"
	case z.Vertrauen < 1 || z.Vertrauen > 4:
		return "zbp.vertrauensniveau", "must be 1 to 4"
	}
	for key, name := range z.Leistungen {
		if !leikaForm.MatchString(key) || name == "" || len([]rune(name)) > 100 {
			return "zbp.leistungen", "each is a LeiKa key of 14 digits, and a name of at most 100 characters"
		}
	}
	if len([]rune(z.Sonst)) > 100 {
		return "zbp.leistung-sonst", "must have at most 100 characters"
	}
	for status := range z.Texte {
		if _, known := statuses[status]; !known {
			return "zbp.texte", "each is of a status of " + statusType
		}
	}
	return "", ""
}
