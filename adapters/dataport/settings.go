package dataport

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/access"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// When a submission is accepted (setting accept).
const (
	acknowledged = "acknowledged" // when every receiver has acknowledged its copy
	stored       = "stored"       // when the hub has it
)

// settings of the source; README.md explains them.
type settings struct {
	access.Settings `yaml:",inline"`

	Zustellpunkt string   `yaml:"zustellpunkt"`
	Schluessel   []string `yaml:"schluessel"`
	Signatur     string   `yaml:"signaturschluessel"`

	Source string `yaml:"source"`
	AGS    string `yaml:"ags"`
	Dir    string `yaml:"dir"`

	Poll  time.Duration `yaml:"poll"`
	Seite int           `yaml:"seite"`

	Accept        string            `yaml:"accept"`
	Forward       bool              `yaml:"forward"`
	Zurueckweisen bool              `yaml:"zurueckweisen"`
	Probleme      map[string]string `yaml:"probleme"`
	Warnen        time.Duration     `yaml:"warnen"`
	Eskalieren    time.Duration     `yaml:"eskalieren"`

	Leistungen   []string    `yaml:"leistungen"`
	Fachdaten    []fachdaten `yaml:"fachdaten"`
	NurBekannte  bool        `yaml:"nur-bekannte"`
	MaxDaten     int64       `yaml:"max-daten"`
	MaxAnlage    int64       `yaml:"max-anlage"`
	MaxGesamt    int64       `yaml:"max-gesamt"`
	AnlagenTypen []string    `yaml:"anlagen-typen"`
	Clamd        string      `yaml:"clamd"`

	Callback *callback `yaml:"callback"`

	maps mappings // by the schema of the data
}

// fachdaten says what application data of one schema become.
type fachdaten struct {
	Schema string `yaml:"schema"` // schemaUri of the metadata
	Typ    string `yaml:"typ"`    // type of the event, with a schema of its own; empty: the general one
	// Mappings are files that make fields of the data, and name the type; the first
	// that fits counts.
	Mappings []string `yaml:"mappings"`
	// Huelle are the members of the general event that stand beside mapped data.
	Huelle []string `yaml:"huelle"`
}

// callback is where the service may wake us.
type callback struct {
	Listen     string `yaml:"listen"`
	Pfad       string `yaml:"pfad"`
	Geheimnis  string `yaml:"geheimnis"`
	Zertifikat string `yaml:"zertifikat"`
	Schluessel string `yaml:"schluessel"`
}

const day = 24 * time.Hour

func defaults(env hub.Env) settings {
	return settings{
		Settings: access.Defaults(), Dir: filepath.Join("fit-connect", env.Adapter),
		Poll: 30 * time.Second, Seite: 100,
		Accept: acknowledged, Zurueckweisen: true, Warnen: 3 * day, Eskalieren: 10 * day,
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
	set.Zustellpunkt = strings.ToLower(set.Zustellpunkt)
	set.Source = access.OrElse(set.Source, "urn:fit-connect:"+set.Zustellpunkt)
	for _, problem := range []func(bool) (string, string){set.serviceProblem, set.keyProblem, set.workProblem, set.contentProblem, set.callbackProblem} {
		if key, text := problem(env.Production); text != "" {
			return set, s.Errorf(key, "%s", text)
		}
	}
	set.place(env)
	return set, set.loadMappings(env, s)
}

// place makes paths absolute: keys and secrets lie beside the configuration, what
// the adapter writes in the data directory.
func (set *settings) place(env hub.Env) {
	set.Dir = access.Under(env.Dir, set.Dir)
	set.Place(env.Federation)
	files := []*string{&set.Signatur}
	for i := range set.Schluessel {
		files = append(files, &set.Schluessel[i])
	}
	if c := set.Callback; c != nil {
		files = append(files, &c.Geheimnis, &c.Zertifikat, &c.Schluessel)
	}
	for _, f := range files {
		if *f != "" {
			*f = access.Under(env.Federation, *f)
		}
	}
}

func (set *settings) serviceProblem(production bool) (key, text string) {
	if key, text := set.Problem(production); text != "" {
		return key, text
	}
	if !fit.IsUUID(set.Zustellpunkt) {
		return "zustellpunkt", "the destination's id (UUID) is missing"
	}
	return "", ""
}

func (set *settings) keyProblem(bool) (key, text string) {
	switch {
	case len(set.Schluessel) == 0:
		return "schluessel", "the files with the private keys for decryption are missing, the present one first"
	case set.Signatur == "":
		return "signaturschluessel", "the file with the private key that signs is missing"
	}
	return "", ""
}

var agsForm = regexp.MustCompile(`^[0-9]{8}$`)

func (set *settings) workProblem(bool) (key, text string) {
	switch {
	case set.AGS != "" && !agsForm.MatchString(set.AGS):
		return "ags", "must be eight digits"
	case set.Poll < time.Millisecond:
		return "poll", "must be at least 1ms"
	case set.Seite < 1 || set.Seite > 500:
		return "seite", "must be 1 to 500"
	case set.Accept != acknowledged && set.Accept != stored:
		return "accept", "must be acknowledged (every receiver has its copy) or stored (the hub has it)"
	case set.Warnen <= 0 || set.Eskalieren < set.Warnen:
		return "eskalieren", "warnen must be longer than 0, and eskalieren not shorter than warnen"
	}
	return "", ""
}

var (
	leikaForm = regexp.MustCompile(`^[0-9]{14}$`)
	typeForm  = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+\.v[0-9]+$`)
)

func (set *settings) contentProblem(bool) (key, text string) {
	for _, l := range set.Leistungen {
		if !leikaForm.MatchString(l) {
			return "leistungen", "a key of a public service (LeiKa) is 14 digits"
		}
	}
	seen := map[string]bool{}
	for i, f := range set.Fachdaten {
		if text := f.mappingProblem(); text != "" {
			return fmt.Sprintf("fachdaten.%d", i), text
		}
		if seen[f.Schema] {
			return fmt.Sprintf("fachdaten.%d.schema", i), "stands there twice"
		}
		seen[f.Schema] = true
		if f.Schema == "" || f.Typ != "" && (!typeForm.MatchString(f.Typ) || f.Typ == generalType) {
			return "fachdaten", "each needs a schema (schemaUri), and as typ a type of your own or none"
		}
	}
	switch {
	case set.NurBekannte && len(set.Fachdaten) == 0:
		return "nur-bekannte", "fachdaten names no schema, so nothing could be taken"
	case set.MaxDaten < 1 || set.MaxDaten > 64<<20:
		return "max-daten", "must be 1 to 67108864"
	case set.MaxAnlage < 1:
		return "max-anlage", "must be at least 1"
	case set.MaxGesamt < 1:
		return "max-gesamt", "must be at least 1"
	}
	return "", ""
}

func (set *settings) callbackProblem(bool) (key, text string) {
	c := set.Callback
	if c == nil {
		return "", ""
	}
	host, _, err := net.SplitHostPort(c.Listen)
	c.Pfad = access.OrElse(c.Pfad, "/callbacks/fit-connect")
	switch {
	case err != nil:
		return "callback.listen", "must be an address with a port"
	case !strings.HasPrefix(c.Pfad, "/"):
		return "callback.pfad", "must begin with /"
	case c.Geheimnis == "":
		return "callback.geheimnis", "the file with the callback's secret is missing"
	case (c.Zertifikat == "") != (c.Schluessel == ""):
		return "callback.schluessel", "zertifikat and schluessel go together"
	case c.Zertifikat == "" && !access.Loopback(host):
		return "callback.zertifikat", "is needed beyond loopback (or a reverse proxy on this machine)"
	}
	return "", ""
}

// wants says whether a service is one of ours.
func (set *settings) wants(leistung string) bool {
	return len(set.Leistungen) == 0 || slices.Contains(set.Leistungen, leistung)
}

// allows says whether attachments may be of a media type.
func (set *settings) allows(mediaType string) bool {
	return len(set.AnlagenTypen) == 0 || slices.Contains(set.AnlagenTypen, mediaType)
}

// data gives what is said about a schema.
func (set *settings) data(schema string) (fachdaten, bool) {
	i := slices.IndexFunc(set.Fachdaten, func(f fachdaten) bool { return f.Schema == schema })
	if i < 0 {
		return fachdaten{}, false
	}
	return set.Fachdaten[i], true
}

// limits are bounds of content, decrypted and decompressed, bytes.
type limits struct {
	Daten  int64 `json:"daten"`
	Anlage int64 `json:"anlage"`
	Gesamt int64 `json:"gesamt"`
}

func (set *settings) limits() limits { return limits{set.MaxDaten, set.MaxAnlage, set.MaxGesamt} }

// atLeast is the larger one of each.
func (l limits) atLeast(m limits) limits {
	return limits{max(l.Daten, m.Daten), max(l.Anlage, m.Anlage), max(l.Gesamt, m.Gesamt)}
}
