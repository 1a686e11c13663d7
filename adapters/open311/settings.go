package open311

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// Modes of an adapter: it stands before the portal of its own authority, or before the
// system of another one to which reports are forwarded.
const (
	modePortal  = "portal"
	modeForward = "forward"
)

// settings stand in the federation directory; README.md explains them.
type settings struct {
	Mode    string  `yaml:"mode"`
	Dialect string  `yaml:"dialect"`
	Details dialect `yaml:"details"`

	URL          string        `yaml:"url"`
	Format       string        `yaml:"format"`
	Jurisdiction string        `yaml:"jurisdiction"`
	KeyFile      string        `yaml:"api-key-file"`
	CA           string        `yaml:"ca"`
	Timeout      time.Duration `yaml:"timeout"`
	MaxBytes     int64         `yaml:"max-bytes"`

	Source string        `yaml:"source"`
	AGS    string        `yaml:"ags"`
	Dir    string        `yaml:"dir"`
	Poll   time.Duration `yaml:"poll"`

	Overlap  time.Duration     `yaml:"overlap"`
	Sweep    time.Duration     `yaml:"sweep"`
	Lookback time.Duration     `yaml:"lookback"`
	Since    time.Duration     `yaml:"since"`
	Zone     string            `yaml:"zone"`
	Notes    string            `yaml:"notes"`
	Services map[string]string `yaml:"services"`
	Media    *media            `yaml:"media"`

	Email        string        `yaml:"email"`
	VisibleAfter time.Duration `yaml:"visible-after"`

	zone *time.Location
}

// media says which photos are fetched.
type media struct {
	Hosts    []string `yaml:"hosts"`
	MaxBytes int64    `yaml:"max-bytes"`
	Internal bool     `yaml:"internal"`
}

func defaults(env hub.Env, name string) settings {
	notes := notesEvent
	if dialects()[name].Updates != "" {
		notes = notesContent // anybody can write an update
	}
	return settings{
		Mode: modePortal, Dialect: name, Details: dialects()[name], Format: georeport.JSON, Timeout: 30 * time.Second, MaxBytes: 8 << 20,
		Dir: "open311/" + env.Adapter, Poll: time.Minute,
		Overlap: 15 * time.Minute, Sweep: time.Hour, Lookback: 90 * day, Since: day, Notes: notes,
		VisibleAfter: 10 * time.Minute,
	}
}

const day = 24 * time.Hour

// What becomes of the notes on a status.
const (
	notesEvent   = "event"
	notesContent = "content"
)

// Kind is the kind "open311".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "open311",
		Title:  "Open311 GeoReport v2: Mängelmeldungen abholen, weiterleiten, Stand melden",
		Source: newSource,
		Sink:   newSink,
		Check: func(env hub.Env, s hub.Settings) ([]hub.Event, error) {
			_, err := decode(env, s)
			return nil, err
		},
	}
}

func decode(env hub.Env, s hub.Settings) (*settings, error) {
	given := defaults(env, "georeport")
	if err := s.Decode(&given); err != nil {
		return nil, err
	}
	if _, known := dialects()[given.Dialect]; !known {
		return nil, s.Errorf("dialect", "must be one of %s", dialectNames())
	}
	// Of a dialect, the defaults are what holds where nothing is said.
	set := defaults(env, given.Dialect)
	if err := s.Decode(&set); err != nil {
		return nil, err
	}
	for _, look := range []func(hub.Env) (string, string){set.endpoint, set.times, set.events, set.mode} {
		if key, why := look(env); why != "" {
			return nil, s.Errorf(key, "%s", why)
		}
	}
	if key, why := set.Details.problem(); why != "" {
		return nil, s.Errorf("details."+key, "%s", why)
	}
	for _, path := range []*string{&set.KeyFile, &set.CA, &set.Dir} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(env.Dir, *path)
		}
	}
	return &set, nil
}

func (set *settings) endpoint(env hub.Env) (key, why string) {
	u, err := url.Parse(set.URL)
	switch {
	case set.URL == "":
		return "url", "is missing: the endpoint, for example https://www.example.org/georeport/v2"
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "url", "must be http(s)://host[:port][/path], without user, password or query"
	case u.Scheme == "http" && env.Production && !loopback(u.Hostname()):
		return "url", "must be https in production"
	case set.Format != georeport.JSON && set.Format != georeport.XML:
		return "format", "must be json or xml"
	case set.Timeout < 100*time.Millisecond || set.Timeout > 10*time.Minute:
		return "timeout", "must be 100ms to 10m"
	case set.MaxBytes < 1<<10 || set.MaxBytes > 64<<20:
		return "max-bytes", "must be 1KiB to 64MiB"
	}
	return "", ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (set *settings) times(hub.Env) (key, why string) {
	var err error
	switch {
	case set.Poll < time.Millisecond:
		return "poll", "must be at least 1ms"
	case set.Overlap < time.Second:
		return "overlap", "must be at least 1s: the server's times are whole seconds"
	case set.Sweep < set.Poll:
		return "sweep", "must be at least poll"
	case set.Lookback < set.Overlap || set.Lookback > 3660*day:
		return "lookback", "must be at least overlap, and at most ten years"
	case set.Since < 0 || set.Since > set.Lookback:
		return "since", "must be 0s up to lookback"
	case set.VisibleAfter < 0:
		return "visible-after", "must be 0s or more"
	}
	if set.Zone != "" {
		if set.zone, err = time.LoadLocation(set.Zone); err != nil {
			return "zone", "must be a time zone like Europe/Berlin"
		}
	}
	return "", ""
}

var agsForm = regexp.MustCompile(`^[0-9]{8}$`)

func (set *settings) events(hub.Env) (key, why string) {
	switch {
	case set.Source == "":
		return "source", "is missing: the source of the events, below a prefix that the application owns"
	case set.AGS != "" && !agsForm.MatchString(set.AGS):
		return "ags", "must have eight digits"
	case set.Dir == "":
		return "dir", "is missing"
	case set.Notes != notesEvent && set.Notes != notesContent:
		return "notes", "must be event or content"
	}
	return set.media()
}

func (set *settings) media() (key, why string) {
	m := set.Media
	if m == nil {
		return "", ""
	}
	if len(m.Hosts) == 0 {
		return "media.hosts", "is missing: the hosts from which photos may be fetched"
	}
	for _, h := range m.Hosts {
		if h == "" || h != strings.ToLower(h) || strings.ContainsAny(h, "/@?# ") {
			return "media.hosts", "must be host or host:port in lower case"
		}
	}
	if m.MaxBytes == 0 {
		m.MaxBytes = 10 << 20
	}
	if m.MaxBytes < 1 || m.MaxBytes > 64<<20 {
		return "media.max-bytes", "must be 1 to 64MiB"
	}
	return "", ""
}

func (set *settings) mode(hub.Env) (key, why string) {
	switch {
	case set.Mode != modePortal && set.Mode != modeForward:
		return "mode", "must be portal or forward"
	case set.Mode == modePortal && set.Email != "":
		return "email", "has no effect in mode portal"
	case set.Mode == modeForward && set.Media != nil:
		return "media", "has no effect in mode forward"
	case set.Mode == modeForward && set.Details.Email && set.Email == "":
		return "email", "is missing: this server demands an address. Give a mailbox of the office, never the reporter's"
	}
	return "", ""
}

// client reads the key and makes the client.
func (set *settings) client(s hub.Settings) (*georeport.Client, error) {
	key := ""
	if set.KeyFile != "" {
		raw, err := os.ReadFile(set.KeyFile)
		if err != nil {
			return nil, s.Errorf("api-key-file", "cannot be read")
		}
		if key = strings.TrimSpace(string(raw)); key == "" {
			return nil, s.Errorf("api-key-file", "is empty")
		}
	}
	c, err := georeport.New(georeport.Config{
		URL: set.URL, Format: set.Format, Jurisdiction: set.Jurisdiction, Key: key, CA: set.CA,
		Timeout: set.Timeout, MaxBytes: set.MaxBytes, PerMinute: set.Details.PerMinute,
	})
	if err != nil {
		return nil, s.Errorf("ca", "%w", err)
	}
	return c, nil
}
