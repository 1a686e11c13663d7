package zms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
	"github.com/amtsbote/amtsbote/hub"
)

func (o *office) order(t *testing.T, fault string) {
	t.Helper()
	var f simhttp.Fault
	if err := json.Unmarshal([]byte(fault), &f); err != nil {
		t.Fatal(err)
	}
	if err := o.sim.Order(f); err != nil {
		t.Fatal(err)
	}
}

func (o *office) journal(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(o.dir, "zms", "bestand", "bestand.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// discreet looks through all that the adapter has written anywhere.
func (o *office) discreet(t *testing.T, in *adaptertest.Intake) {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(filepath.Join(o.dir, "zms"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all.WriteString(path)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range o.logs.All() {
		fmt.Fprintln(&all, line.Message, line.ContextMap())
	}
	for _, e := range in.Events() {
		all.WriteString(e.String())
	}
	for _, secret := range secrets {
		if i := strings.Index(all.String(), secret); i >= 0 {
			t.Errorf("%q is written: …%s…", secret, all.String()[max(0, i-80):min(all.Len(), i+80)])
		}
	}
}

// Whatever happens, the authKey of a process, its client, and the adapter's own
// password and session are in no event, file, log or error.
func TestNothingLeaves(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.offer(2)
	for n, status := range []string{"confirmed", "reserved", "called", "missed", "finished", "vielleicht", "deleted"} {
		o.put(t, process(n, status, 5, begin+int64(n*60)))
	}
	o.put(t, fmt.Appendf(nil, `{"id":"Zaunkönig","authKey":"q7zk","status":"confirmed","clients":[{"familyName":"Zaunkönig"}],"appointments":[{"date":%d,"scope":{"id":"58"}}]}`, begin))
	for _, fault := range []string{"500", "429", "unlesbar", "typen", "abgeschnitten", "leer", "verloren"} {
		o.order(t, fmt.Sprintf(`{"art":"%s"}`, fault))
	}
	stop := o.running(t, in, nil)
	until(t, "what can be told is told", func() bool { return len(in.Events()) >= 6 })
	sink, err := o.sink()
	if err != nil {
		t.Fatal(err)
	}
	o.deliver(t, sink, delivery(1, needed(1)))
	until(t, "the reservation is told", func() bool { return o.last(in).Type() == "de.termin.reserviert.v1" })
	id := o.last(in).Subject()
	for n, what := range []string{"buchung-beantragt", "absage-beantragt"} {
		for _, fault := range []string{"500", "typen", "403", "400"} {
			o.order(t, fmt.Sprintf(`{"art":"%s","pfad":"/externaluserid/"}`, fault))
			err := sink.Deliver(t.Context(), delivery(10+n, ordered(10+n, what, `{"termin":{"id":"`+id+`"}}`)))
			if err == nil || strings.Contains(err.Error(), "Zaunk") || strings.Contains(err.Error(), o.url) {
				t.Errorf("%s: %v", fault, err)
			}
		}
		o.deliver(t, sink, delivery(10+n, ordered(10+n, what, `{"termin":{"id":"`+id+`"}}`)))
	}
	until(t, "the cancellation is told", func() bool { return o.last(in).Type() == "de.termin.abgesagt.v1" })
	stop()
	types(t, in)
	o.discreet(t, in)
	for _, p := range o.sim.Processes() { // the test would see them: ZMS has them
		if p["id"] == "100000" && p["authKey"] != "q7zk" {
			t.Error("the simulator has no authKey")
		}
	}
}

func (o *office) last(in *adaptertest.Intake) hub.Event {
	all := in.Events()
	return all[len(all)-1]
}

func (o *office) deliver(t *testing.T, sink hub.Sink, d hub.Delivery) {
	t.Helper()
	if err := sink.Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
