package zms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/zms"
	"github.com/amtsbote/amtsbote/adapters/zms/zmssim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

const (
	eventSource = "urn:de:ags:09162000:system:zms"
	key         = "0123456789abcdef0123456789abcdef"
	leika       = "99115005070000"
	patience    = 2 * time.Minute
)

// office is a simulated ZMS that can be away, and the folder of an adapter.
type office struct {
	sim  *zmssim.Server
	dir  string
	url  string
	away atomic.Bool
	more string // settings

	frist string
	logs  *observer.ObservedLogs
	log   *zap.Logger
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{sim: zmssim.New(), dir: t.TempDir(), frist: "60s"}
	o.sim.Name, o.sim.Password = "amtsbote", "probe-probe"
	handler := o.sim.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.away.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	t.Cleanup(server.Close)
	o.url = server.URL + zmssim.BasePath
	core, logs := observer.New(zapcore.DebugLevel)
	o.logs, o.log = logs, zap.New(core)
	o.write(t, "passwort", "probe-probe")
	if err := os.MkdirAll(filepath.Join(o.dir, "zms", "bestand"), 0o750); err != nil {
		t.Fatal(err)
	}
	o.write(t, "zms/bestand/geheimnis", key)
	return o
}

func (o *office) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (o *office) settings() adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf(`{source: '%s', ags: '09162000', dir: zms, poll: 1ms, abstand: 0s,
 zms: {url: '%s', frist: %s}, konto: {name: amtsbote, passwort: passwort},
 scopes: [{id: '58', dienststelle: '10546'}, {id: '228', dienststelle: '10489'}], tage: {zurueck: 0, voraus: 2},
 buchung: {vorlauf: 1h, voraus: 2, dienste: [{leika: '%s', leistung: '1063475', scope: '58', dienststelle: '10546', quelle: dldb}]}%s}`,
		eventSource, o.url, o.frist, leika, o.more))
}

func (o *office) env() hub.Env {
	env := adaptertest.Env(o.dir)
	env.Log = o.log
	return env
}

func (o *office) source() (hub.Source, error) { return zms.Kind().Source(o.env(), o.settings()) }
func (o *office) sink() (hub.Sink, error)     { return zms.Kind().Sink(o.env(), o.settings()) }

// reports are the reasons of what was set aside.
func (o *office) reports() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(o.dir, "zms", "abgelegt", "*.fehler.json"))
	var all []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var r struct{ Code, Text string }
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		all = append(all, r.Code+": "+r.Text)
	}
	return all, err
}

// tomorrow is a time within the window, and later than now for as long as a test runs.
func tomorrow() int64 { return time.Now().Add(26 * time.Hour).Truncate(time.Minute).Unix() }

// process is a process as schema-process.json has it, with all that must never leave.
func process(n int, status string, changed int, begin int64) []byte {
	return fmt.Appendf(nil, `{"id":"%d","authKey":"q7zk","status":"%s","lastChange":%d,"createTimestamp":"1727853590",
 "amendment":"Bitte Rampe für Zaunkönig","customTextfield":"Zaunkönig","customTextfield2":"x","createIP":"172.19.0.77",
 "clients":[{"familyName":"Zaunkönig","email":"ottilie@example.org","emailSendCount":"0","telephone":"089 4711-0815"}],
 "appointments":[{"date":%d,"scope":{"id":"58","source":"dldb"},"availability":{"id":"6712","slotTimeInMinutes":"5"},"slotCount":"3"}],
 "queue":{"number":"%d","withAppointment":"1","status":"%s"},
 "requests":[{"id":"1063475","name":"Wohnsitzanmeldung","source":"dldb","data":{"leika":"%s","name":"x"}}]}`,
		100000+n, status, changed, begin, 100000+n, status, leika)
}

// secrets must be nowhere but in ZMS.
var secrets = []string{"q7zk", "fb43", "Zaunkönig", "Zaunk", "ottilie", "4711-0815", "Rampe", "172.19.0.77", "probe-probe"}

// running runs a source until the test ends; stop ends it earlier.
func (o *office) running(t *testing.T, in *adaptertest.Intake, clock func() time.Time) (stop func()) {
	t.Helper()
	src, err := o.source()
	if err != nil {
		t.Fatal(err)
	}
	if clock != nil {
		src = zms.At(src, clock)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-end; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// until waits for something that gives no notice.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("not within two minutes: " + what)
		case <-tick.C:
		}
	}
}

// rounds waits until the source has looked at everything n times more.
func (o *office) rounds(t *testing.T, n int) {
	t.Helper()
	first := o.sim.Calls()
	until(t, "rounds", func() bool { return o.sim.Calls() >= first+(n+1)*6 }) // 2 scopes, 3 days
}

// types are those of the stored events, without prefix and version; each holds to its
// schema and to what it may tell.
func types(t *testing.T, in *adaptertest.Intake) (all []string) {
	t.Helper()
	for _, e := range in.Events() {
		valid(t, e)
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(e.Type(), "de.termin."), ".v1"))
	}
	return all
}

var catalogue = sync.OnceValues(schemas.Embedded)

func valid(t *testing.T, e hub.Event) {
	t.Helper()
	registry, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.ByID(e.DataSchema())
	if !ok || schema.Type != e.Type() {
		t.Fatal("no schema for " + e.Type())
	}
	var doc any
	if err := json.Unmarshal(e.Data(), &doc); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(doc); found != nil {
		t.Errorf("%s breaks its schema: %v\n%s", e.Type(), found, e.Data())
	}
	for _, secret := range secrets {
		if strings.Contains(e.String(), secret) {
			t.Errorf("%s tells %q: %s", e.Type(), secret, e)
		}
	}
}

// ordered is an event that orders something.
func ordered(n int, what, data string) hub.Event {
	e := cloudevents.New()
	e.SetID(fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n))
	e.SetSource("urn:de:ags:09162000:system:digiwf")
	e.SetType("de.termin." + what + ".v1")
	e.SetTime(time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC))
	e.SetSubject(fmt.Sprintf("vorgang-%d", n))
	e.SetExtension("correlationid", fmt.Sprintf("fall-%d", n))
	if err := e.SetData("application/json", []byte(data)); err != nil {
		panic(err)
	}
	return e
}

func needed(n int) hub.Event {
	return ordered(n, "erforderlich", fmt.Sprintf(`{"antrag":{"id":"antrag-%d"},"leika":"%s","anzahl":1}`, n, leika))
}

func delivery(n int, e hub.Event) hub.Delivery {
	return hub.Delivery{ID: fmt.Sprintf("IN_lhm-%d-lhm.zms", n), Attempt: 1, Agreement: "test", Event: e}
}

// offer adds n free appointments from tomorrow on.
func (o *office) offer(n int) {
	for i := range n {
		o.sim.Offer(zmssim.Slot{Scope: "58", Anbieter: "10546", Beginn: tomorrow() + int64(i*60), Minuten: 10, Reserviert: 15})
	}
}
