package dataport

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

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
	Umgebung     string   `yaml:"umgebung"`
	TokenURL     string   `yaml:"token-url"`
	API          string   `yaml:"submission-api"`
	Version      string   `yaml:"version"`
	Aussteller   []string `yaml:"aussteller"`
	CA           string   `yaml:"ca"`
	Zustellpunkt string   `yaml:"zustellpunkt"`
	ClientID     string   `yaml:"client-id"`
	ClientSecret string   `yaml:"client-secret"`
	Schluessel   []string `yaml:"schluessel"`
	Signatur     string   `yaml:"signaturschluessel"`

	Source string `yaml:"source"`
	AGS    string `yaml:"ags"`
	Dir    string `yaml:"dir"`

	Poll  time.Duration `yaml:"poll"`
	Seite int           `yaml:"seite"`
	Frist time.Duration `yaml:"frist"`

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
}

// fachdaten says what application data of one schema become.
type fachdaten struct {
	Schema string `yaml:"schema"` // schemaUri of the metadata
	Typ    string `yaml:"typ"`    // type of the event, with a schema of its own; empty: the general one
}

// callback is where the service may wake us.
type callback struct {
	Listen     string `yaml:"listen"`
	Pfad       string `yaml:"pfad"`
	Geheimnis  string `yaml:"geheimnis"`
	Zertifikat string `yaml:"zertifikat"`
	Schluessel string `yaml:"schluessel"`
}

// environments are FITKO's: token URL, Submission API.
var environments = map[string][2]string{
	"test":       {"https://auth-testing.fit-connect.fitko.dev/token", "https://test.fit-connect.fitko.dev/submission-api"},
	"stage":      {"https://auth-refz.fit-connect.fitko.net/token", "https://stage.fit-connect.fitko.net/submission-api"},
	"produktion": {"https://auth-prod.fit-connect.fitko.net/token", "https://prod.fit-connect.fitko.net/submission-api"},
}

const day = 24 * time.Hour

func defaults(env hub.Env) settings {
	return settings{
		Version: "v2", Dir: filepath.Join("fit-connect", env.Adapter),
		Poll: 30 * time.Second, Seite: 100, Frist: 2 * time.Minute,
		Accept: acknowledged, Zurueckweisen: true, Warnen: 3 * day, Eskalieren: 10 * day,
		MaxDaten: 20 << 20, MaxAnlage: 128 << 20, MaxGesamt: 1 << 30,
	}
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := defaults(env)
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if urls, known := environments[set.Umgebung]; known {
		set.TokenURL, set.API = orElse(set.TokenURL, urls[0]), orElse(set.API, urls[1])
	} else if set.Umgebung != "" {
		return set, s.Errorf("umgebung", "must be test, stage or produktion; or give token-url and submission-api")
	}
	set.Zustellpunkt = strings.ToLower(set.Zustellpunkt)
	set.Source = orElse(set.Source, "urn:fit-connect:"+set.Zustellpunkt)
	for _, problem := range []func(bool) (string, string){set.serviceProblem, set.keyProblem, set.workProblem, set.contentProblem, set.callbackProblem} {
		if key, text := problem(env.Production); text != "" {
			return set, s.Errorf(key, "%s", text)
		}
	}
	set.place(env)
	return set, nil
}

func orElse(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

// place makes paths absolute: keys and secrets lie beside the configuration, what
// the adapter writes in the data directory.
func (set *settings) place(env hub.Env) {
	set.Dir = under(env.Dir, set.Dir)
	files := []*string{&set.CA, &set.ClientSecret, &set.Signatur}
	for i := range set.Schluessel {
		files = append(files, &set.Schluessel[i])
	}
	if c := set.Callback; c != nil {
		files = append(files, &c.Geheimnis, &c.Zertifikat, &c.Schluessel)
	}
	for _, f := range files {
		if *f != "" {
			*f = under(env.Federation, *f)
		}
	}
}

func under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func (set *settings) serviceProblem(production bool) (key, text string) {
	switch {
	case addressProblem(set.TokenURL, production) != "":
		return "token-url", addressProblem(set.TokenURL, production)
	case addressProblem(set.API, production) != "":
		return "submission-api", addressProblem(set.API, production)
	case set.Version != "v2":
		return "version", "must be v2: no other version of the Submission API is spoken yet"
	case !fit.IsUUID(set.Zustellpunkt):
		return "zustellpunkt", "the destination's id (UUID) is missing"
	case set.ClientID == "":
		return "client-id", "the client's id is missing (Self-Service-Portal)"
	case set.ClientSecret == "":
		return "client-secret", "the file with the client's secret is missing"
	}
	return "", ""
}

// addressProblem lets plain HTTP pass to the machine itself, outside production.
func addressProblem(address string, production bool) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return "must be an address https://… without user name and password"
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) && !production {
		return ""
	}
	return "must begin with https://"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
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
	case set.Frist <= 0:
		return "frist", "must be longer than 0"
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
	for _, f := range set.Fachdaten {
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
	c.Pfad = orElse(c.Pfad, "/callbacks/fit-connect")
	switch {
	case err != nil:
		return "callback.listen", "must be an address with a port"
	case !strings.HasPrefix(c.Pfad, "/"):
		return "callback.pfad", "must begin with /"
	case c.Geheimnis == "":
		return "callback.geheimnis", "the file with the callback's secret is missing"
	case (c.Zertifikat == "") != (c.Schluessel == ""):
		return "callback.schluessel", "zertifikat and schluessel go together"
	case c.Zertifikat == "" && !loopback(host):
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
