package send_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	receiver = "d12caea8-f372-4eb1-b102-b0a228253a11"
	mailbox  = "0b799252-deb9-42b0-98d3-c50d24bbafe0" // the ZBP
	leika    = "99107001017000"
	schema   = "https://schema.example.org/hund_1.0.schema.json"
	dogType  = "de.stadt.hund-angemeldet.v1"
	source   = "urn:fit-connect:senden:stadt"
	ars      = "091620000000"
)

// keys: the receiver's, its signature, the service's, the ZBP's.
var keys = sync.OnceValue(func() [4]fit.PrivateKey {
	var all [4]fit.PrivateKey
	for i := range all {
		k, err := fit.NewKey(2048)
		if err != nil {
			panic(err)
		}
		all[i] = k
	}
	return all
})

// service is a simulated Zustelldienst, and the sender's directory beside it.
type service struct {
	*fitsim.Server
	url, dir string
	logs     *observer.ObservedLogs
	log      *zap.Logger

	mu     sync.Mutex
	around func(http.Handler) http.Handler
}

func newService(t testing.TB, change ...func(*fitsim.Options)) *service {
	t.Helper()
	k := keys()
	s := &service{dir: t.TempDir()}
	core, logs := observer.New(zapcore.InfoLevel)
	s.log, s.logs = zap.New(core), logs
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		around := s.around
		s.mu.Unlock()
		if around != nil {
			around(s.Server).ServeHTTP(w, r)
			return
		}
		s.ServeHTTP(w, r)
	}))
	s.url = web.URL
	opt := fitsim.Options{
		Base: web.URL + "/submission-api", Key: k[2], Dir: t.TempDir(), MinBits: 2048,
		Clients: map[string]fitsim.Client{"sender": {Secret: "geheim"}, "amt": {Secret: "geheim", Destinations: []string{receiver}}},
		Destinations: map[string]fitsim.Destination{
			receiver: {
				Encryption: k[0].Public(), Signature: k[1].Public(), Services: []string{fit.ServicePrefix + leika}, Region: "DE09162",
				Schema: schema, Keys: []string{ars, "09162000"},
			},
			mailbox: {Encryption: k[3].Public(), Signature: k[1].Public()},
		},
	}
	for _, c := range change {
		c(&opt)
	}
	s.Server = fitsim.New(opt)
	t.Cleanup(func() { s.Stop(); web.Close() })
	s.write(t, "client", []byte("geheim\n"))
	return s
}

func (s *service) write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// age makes a record old.
func (s *service) age(t testing.TB, id string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "fit", "out", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), `"since":"`)
	_, rest, ended := strings.Cut(rest, `"`)
	if !found || !ended {
		t.Fatal("the record has no time")
	}
	s.write(t, "fit/out/"+id+".json", []byte(before+`"since":"2026-01-01T00:00:00Z"`+rest))
}

// wrap has calls go through something else; nil: no more.
func (s *service) wrap(around func(http.Handler) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.around = around
}

const dogs = "{typ: " + dogType + ", schema: '" + schema + "', datentyp: application/json, daten: /hund}, {typ: de.antrag.eingereicht.v1}"

func (s *service) settings(further string) adaptertest.Settings { return s.sending(dogs, further) }

// sending are settings with other things to be sent.
func (s *service) sending(what, further string) adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf("{token-url: '%s/token', submission-api: '%s/submission-api', routing-api: '%s/routing', client-id: sender, client-secret: client, "+
		"source: '%s', absender: Stadt Beispiel, poll: 1ms, frist: 5s, dir: fit, sendungen: [%s]%s}", s.url, s.url, s.url, source, what, further))
}

func (s *service) env() hub.Env {
	e := adaptertest.Env(s.dir)
	e.Federation, e.Log = s.dir, s.log
	return e
}

func (s *service) sink(t testing.TB, further string) hub.Sink {
	t.Helper()
	x, err := send.Kind().Sink(s.env(), s.settings(further))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (s *service) follow(t testing.TB, further string) hub.Source {
	t.Helper()
	x, err := send.Kind().Source(s.env(), s.settings(further))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// blobs are what events refer to.
type blobs map[string][]byte

func (b blobs) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	content, there := b[ref]
	if !there {
		return nil, hub.Permanent("blob-missing", "there is no such blob")
	}
	return io.NopCloser(strings.NewReader(string(content))), ctx.Err()
}

// reference adds a blob, and gives its reference as events have it.
func (b blobs) reference(name, mediaType string, content []byte) map[string]any {
	ref, sum := "blob:"+strings.NewReplacer(".", "_").Replace(name), sha256.Sum256(content)
	b[ref] = content
	return map[string]any{"ref": ref, "sha256": hex.EncodeToString(sum[:]), "size": len(content), "mediaType": mediaType, "filename": name}
}

// stored are the attachments of all dogs.
func stored() (blobs, []any) {
	b := blobs{}
	return b, []any{
		map[string]any{"id": receiver, "zweck": "formular", "dokument": b.reference("antrag.pdf", "application/pdf", []byte("%PDF-1.7 Antrag"))},
		b.reference("foto.png", "image/png", []byte("\x89PNG\r\n\x1a\n...")),
	}
}

// dog is the nth event.
func dog(n int) hub.Event {
	_, attachments := stored()
	return event(dogType, fmt.Sprintf("hund-%d", n), map[string]any{
		"antrag": map[string]any{"id": fmt.Sprintf("a-%d", n), "leistung": leika}, "anlagen": attachments,
		"hund": map[string]any{"name": "Rex", "nummer": n},
	})
}

func event(typ, id string, data any) hub.Event {
	e := cloudevents.New()
	e.SetID(id)
	e.SetSource("urn:example:fachverfahren")
	e.SetType(typ)
	e.SetSubject("v-" + id)
	e.SetExtension(hub.AttrCorrelationID, "vorgang-"+id)
	e.SetExtension(hub.AttrAGS, "09162000")
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	if err := e.SetData("application/json", raw); err != nil {
		panic(err)
	}
	return e
}

func delivery(id string, e hub.Event) hub.Delivery {
	b, _ := stored()
	return hub.Delivery{ID: id, Attempt: 1, Agreement: "test", Event: e, Blobs: b}
}

// deliver delivers until the sink has done it, at most so often, and gives the last
// error.
func deliver(t testing.TB, s hub.Sink, d hub.Delivery, most int) (err error) {
	t.Helper()
	for range most {
		if err = s.Deliver(t.Context(), d); err == nil {
			return nil
		}
	}
	return err
}

// part decrypts what a receiver gets.
func part(t testing.TB, compact string, key fit.PrivateKey) string {
	t.Helper()
	plain, _, err := fit.Decrypt(compact, fit.Keyring{key}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// received is what a receiver has of a submission: data, and attachments by the
// order in the metadata.
func (s *service) received(t testing.TB, submission string, key fit.PrivateKey) (*fit.Metadata, string, []string) {
	t.Helper()
	metadata, data, files := s.Parts(submission)
	m, err := fit.ReadMetadata([]byte(part(t, metadata, key)))
	if err != nil {
		t.Fatal(err)
	}
	var attachments []string
	for _, a := range m.Attachments {
		raw, err := os.ReadFile(files[a.ID])
		if err != nil {
			t.Fatal(err)
		}
		attachments = append(attachments, part(t, string(raw), key))
	}
	return m, part(t, data, key), attachments
}

// only gives the one submission that waits for a destination.
func (s *service) only(t testing.TB, destination string) string {
	t.Helper()
	all := s.Waiting(destination)
	if len(all) != 1 {
		t.Fatalf("%d submissions wait, want 1", len(all))
	}
	return all[0]
}

func (s *service) order(t testing.TB, orders ...fitsim.Order) {
	t.Helper()
	if err := s.Order(orders...); err != nil {
		t.Fatal(err)
	}
}

// until runs a source until ready says so.
func until(t testing.TB, s hub.Source, in hub.Intake, ready func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- s.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case err := <-end:
			t.Fatal("Run ended:", err)
		case <-ctx.Done():
			t.Fatal("it did not come to that")
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
}

// types are those of events, in order.
func types(all []hub.Event) []string {
	var names []string
	for _, e := range all {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(e.Type(), "de.nachricht."), ".v1"))
	}
	return names
}

func field(e hub.Event, path ...string) string {
	var v any
	if json.Unmarshal(e.Data(), &v) != nil {
		return ""
	}
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return fmt.Sprint(v)
}

var idle = []goleak.Option{
	goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
}
