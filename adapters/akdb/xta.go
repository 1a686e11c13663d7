package akdb

import (
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// XTA is the adapter kind "xta": the same messages as kind "akdb", through an XTA
// 2 server instead of a drop folder.
func XTA() hub.Kind {
	return hub.Kind{
		Name:   "xta",
		Title:  "XÖV-Nachrichten über einen XTA-2-Server (Namensraum 211)",
		Source: newXTASource,
		Sink:   newXTASink,
	}
}

// xtaSettings of source and sink; README.md explains them.
type xtaSettings struct {
	Messages `yaml:",inline"`

	URL        string        `yaml:"url"`
	Management string        `yaml:"management-url"`
	Send       string        `yaml:"send-url"`
	Box        string        `yaml:"box-url"`
	TLS        xtaTLS        `yaml:"tls"`
	Account    xtaParty      `yaml:"account"`
	Dir        string        `yaml:"dir"`
	Timeout    time.Duration `yaml:"timeout"`
	MaxBytes   int64         `yaml:"max-bytes"`
	MTOM       bool          `yaml:"mtom"`

	Poll      time.Duration `yaml:"poll"`
	Recover   time.Duration `yaml:"recover"`
	Page      int           `yaml:"page"`
	ShortList bool          `yaml:"short-list"`
	CloseWith string        `yaml:"close-with"`

	Services map[string]string   `yaml:"services"`
	Lookup   bool                `yaml:"lookup"`
	Quality  string              `yaml:"service-quality"`
	Scenario xtaList             `yaml:"business-scenario"`
	Lists    map[string]typeList `yaml:"type-lists"`
	TypeCode string              `yaml:"type-code"`
	Report   xtaReport           `yaml:"report"`
	Remember time.Duration       `yaml:"remember"`
}

type xtaTLS struct {
	Cert       string `yaml:"cert"`
	Key        string `yaml:"key"`
	CA         string `yaml:"ca"`
	ServerName string `yaml:"server-name"`
}

type xtaParty struct {
	Kennung  string `yaml:"kennung"`
	Name     string `yaml:"name"`
	Category string `yaml:"category"`
	Type     string `yaml:"type"`
}

type xtaList struct {
	List    string `yaml:"list"`
	Version string `yaml:"version"`
	Code    string `yaml:"code"`
}

// typeList is the code list of a standard's message types; without a version it
// is that of the message.
type typeList struct {
	URI     string `yaml:"uri"`
	Version string `yaml:"version"`
}

type xtaReport struct {
	Every  time.Duration `yaml:"every"`
	Within time.Duration `yaml:"within"`
}

const (
	closeWithFetch = "fetch"
	closeWithList  = "list"
	codeNumber     = "number"
	codeName       = "name"
)

func xtaDefaults(env hub.Env) xtaSettings {
	return xtaSettings{
		Messages: messageDefaults(), Dir: filepath.Join("xta", env.Adapter), Account: xtaParty{Type: "xoev"},
		Timeout: 2 * time.Minute, MaxBytes: 40 << 20, MTOM: true,
		Poll: 30 * time.Second, Recover: time.Hour, Page: 50, CloseWith: closeWithFetch,
		Scenario: xtaList{List: "urn:de:xta:codeliste:business.scenario", Version: "2", Code: "XINNERES_DATA"},
		TypeCode: codeNumber, Report: xtaReport{Every: time.Minute, Within: 24 * time.Hour}, Remember: 90 * 24 * time.Hour,
	}
}

func decodeXTA(env hub.Env, s hub.Settings) (xtaSettings, error) {
	set := xtaDefaults(env)
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	for _, port := range []*string{&set.Management, &set.Send, &set.Box} {
		if *port == "" {
			*port = set.URL
		}
	}
	if len(set.Leser) == 0 {
		set.Leser = []string{set.Account.Kennung}
	}
	set.place(env)
	set.Dir = below(env.Dir, set.Dir)
	for _, file := range []*string{&set.TLS.Cert, &set.TLS.Key, &set.TLS.CA} {
		if *file != "" {
			*file = below(env.Federation, *file)
		}
	}
	if key, text := set.problem(env.Production); text != "" {
		return set, s.Errorf(key, "%s", text)
	}
	return set, set.check(s)
}

func below(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// problem names the first key that cannot work, and why; "" means none.
func (set xtaSettings) problem(production bool) (key, text string) {
	for _, port := range []struct{ key, url string }{
		{"management-url", set.Management}, {"send-url", set.Send}, {"box-url", set.Box},
	} {
		if text := addressProblem(port.url, production); text != "" {
			return port.key, text
		}
	}
	switch {
	case (set.TLS.Cert == "") != (set.TLS.Key == ""):
		return "tls", "a certificate needs its key and the other way round"
	case production && set.TLS.Cert == "":
		return "tls.cert", "the account's certificate is missing: XTA demands mutual TLS"
	case !keyForm.MatchString(set.Account.Kennung):
		return "account.kennung", "the account's DVDV key (prefix:key) is missing or none"
	}
	if key, text := set.answerProblem(); text != "" {
		return key, text
	}
	return set.rangeProblem()
}

// answerProblem finds what a Rückweisung could not be sent with.
func (set xtaSettings) answerProblem() (key, text string) {
	autor := set.Kopf.Autor.Kennung
	_, own := set.Services[xmeld.Rueckweisung]
	_, all := set.Services["*"]
	switch {
	case !set.Rueckweisung.Send:
		return "", ""
	case autor != "" && !strings.EqualFold(autor, set.Account.Kennung):
		return "kopf.autor.kennung", "must be the account's: it is the author of a Rückweisung, and the server takes none of another"
	case !own && !all:
		return "services", "the service of the Rückweisung (0010) is missing"
	}
	return "", ""
}

func (set xtaSettings) rangeProblem() (key, text string) {
	switch {
	case set.Poll < time.Millisecond:
		return "poll", "must be at least 1ms"
	case set.Recover < set.Poll:
		return "recover", "must be at least as long as poll"
	case set.Timeout <= 0:
		return "timeout", "must be more than 0"
	case set.MaxBytes < 1:
		return "max-bytes", "must be at least 1"
	case set.Page < 1:
		return "page", "must be at least 1"
	case set.CloseWith != closeWithFetch && set.CloseWith != closeWithList:
		return "close-with", `must be "fetch" or "list"`
	case set.TypeCode != codeNumber && set.TypeCode != codeName:
		return "type-code", `must be "number" or "name"`
	case set.Report.Every < time.Millisecond:
		return "report.every", "must be at least 1ms"
	}
	return "", ""
}

// addressProblem lets plain HTTP pass to the machine itself, outside production.
func addressProblem(address string, production bool) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return "must be an address https://… without user name and password"
	}
	host := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || host != nil && host.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && local && !production {
		return ""
	}
	return "must begin with https://"
}

func (set xtaSettings) party() wire.Party {
	a := set.Account
	return wire.Party{Type: a.Type, Name: a.Name, Category: a.Category, Kennung: a.Kennung}
}

// dial makes the service, with its fetched contents below dir.
func (set xtaSettings) dial(dir string) (xta.Service, *http.Transport, error) {
	t := set.TLS
	config, err := xta.Files{Cert: t.Cert, Key: t.Key, CA: t.CA, ServerName: t.ServerName}.TLS()
	if err != nil {
		return nil, nil, err
	}
	transport := xta.Transport(config)
	return xta.Dial(xta.Config{
		ManagementPort: set.Management, SendPort: set.Send, BoxPort: set.Box, Account: set.party(), MTOM: set.MTOM,
		Timeout: set.Timeout, Limits: wire.Limits{Bytes: set.MaxBytes}, Dir: dir, ShortList: set.ShortList,
	}, transport), transport, nil
}
