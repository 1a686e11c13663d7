package phoenix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

type webdavSettings struct {
	URL       string        `yaml:"url"`
	CA        string        `yaml:"ca"`
	Benutzer  string        `yaml:"benutzer"`
	Passwort  string        `yaml:"passwort"` // file
	Ordner    string        `yaml:"ordner"`
	Anlegen   bool          `yaml:"anlegen"`
	Dokumente bool          `yaml:"dokumente"`
	Move      bool          `yaml:"move"`
	MaxBytes  int64         `yaml:"max-bytes"`
	Frist     time.Duration `yaml:"frist"`
	Dir       string        `yaml:"dir"`
	Merken    time.Duration `yaml:"merken"`
}

// WebDAV is the kind "webdav".
func WebDAV() hub.Kind {
	return hub.Kind{
		Name: "webdav", Title: "Ereignisse und Dokumente als Dateien in einen WebDAV-Ordner (openDesk: Nextcloud)",
		Sink: newWebDAV,
		Check: func(env hub.Env, s hub.Settings) ([]hub.Event, error) {
			_, err := decodeWebDAV(env, s)
			return nil, err
		},
	}
}

func decodeWebDAV(env hub.Env, s hub.Settings) (webdavSettings, error) {
	set := webdavSettings{Move: true, Anlegen: true, MaxBytes: 128 << 20, Frist: 5 * time.Minute, Merken: 30 * 24 * time.Hour}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	var errs []error
	bad := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, s.Errorf(key, format, args...))
		}
	}
	bad(!goodURL(set.URL, env.Production), "url", "must be a folder's address, https://host/path (http: to this machine, or in a test federation)")
	bad((set.Benutzer == "") != (set.Passwort == ""), "passwort", "benutzer and passwort go together")
	bad(set.Benutzer != oneLine(set.Benutzer, 200) || strings.Contains(set.Benutzer, ":"), "benutzer", "must be one line without a colon")
	for part := range strings.SplitSeq(set.Ordner, "/") {
		bad(set.Ordner != "" && (part == "" || part == "." || part == ".." || part != oneLine(part, 200)), "ordner", "must be a path below url, like eingang/amtsbote")
	}
	bad(set.MaxBytes < 1, "max-bytes", "must be at least 1")
	bad(set.Frist <= 0, "frist", "must be longer than 0")
	bad(set.Merken < minMemory, "merken", "must be at least %s", minMemory)
	return set, errors.Join(errs...)
}

// webdavSink puts events into a folder, each once.
type webdavSink struct {
	set        webdavSettings
	folder     *folder
	journal    *journal
	production bool
	log        *zap.Logger
}

var (
	_ hub.Sink   = (*webdavSink)(nil)
	_ hub.Placed = (*webdavSink)(nil)
)

func newWebDAV(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decodeWebDAV(env, s)
	if err != nil {
		return nil, err
	}
	client, err := httpClient(under(env.Federation, set.CA), set.Frist)
	if err != nil {
		return nil, s.Errorf("ca", "%w", err)
	}
	set.Passwort = under(env.Federation, set.Passwort)
	if err := readable(s, map[string]string{"passwort": set.Passwort}); err != nil {
		return nil, err
	}
	j, err := openJournal(dir(env, set.Dir), set.Merken)
	if err != nil {
		return nil, err
	}
	log := env.Log
	if log == nil {
		log = zap.NewNop()
	}
	return &webdavSink{set: set, folder: &folder{set, client}, journal: j, production: env.Production, log: log}, nil
}

// Places implements hub.Placed.
func (s *webdavSink) Places() hub.Places { return hub.Places{Out: s.folder.at(nil)} }

// Deliver implements hub.Sink: it puts the documents of the event, then the event
// itself, into the folder. Whoever sees the event's file has the documents, too.
//
// The names are made of the delivery, so a repetition finds what is there. What was
// taken away meanwhile does not come again, as long as the journal remembers.
func (s *webdavSink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("deliver to the folder: %w", err)
	}
	if err := admissible(d, s.production); err != nil {
		return err
	}
	if err := s.journal.tidy(ctx, time.Now()); err != nil {
		s.log.Warn("webdav: what was handed over long ago is not forgotten", zap.Error(err))
	}
	name := nameOf(d)
	if told, err := s.journal.has(done, name); err != nil || told {
		return err
	}
	content, err := structured(d.Event)
	if err != nil {
		return err
	}
	if int64(len(content)) > s.set.MaxBytes {
		return hub.Permanent("too-large", "the event is longer than %d bytes (setting max-bytes)", s.set.MaxBytes)
	}
	stem := d.Event.Type() + "_" + name
	if err := s.documents(ctx, d, stem); err != nil {
		return err
	}
	if err := s.put(ctx, stem+".json", "application/cloudevents+json", content); err != nil {
		return err
	}
	return s.journal.put(nil, done, name)
}

func (s *webdavSink) put(ctx context.Context, name, media string, content []byte) error {
	return s.folder.put(ctx, name, media, func() (body, error) { return bytesBody(content), nil })
}

// structured writes the event in the structured mode of the CloudEvents JSON format.
func structured(e hub.Event) ([]byte, error) {
	if err := validate(e); err != nil {
		return nil, err
	}
	raw, err := e.MarshalJSON()
	if err != nil {
		return nil, hub.Permanent("unmappable", "the event cannot be written as JSON")
	}
	return append(raw, '\n'), nil
}

var errStatus = map[int]struct{ code, text string }{
	http.StatusInsufficientStorage:   {"storage-full", "the folder's server has no room left (HTTP 507)"},
	http.StatusLocked:                {"locked", "a file in the folder is locked (HTTP 423)"},
	http.StatusMethodNotAllowed:      {"no-folder", "the address is no WebDAV folder (HTTP 405)"},
	http.StatusRequestEntityTooLarge: {"too-large", "the server takes no file of this size (HTTP 413)"},
}
