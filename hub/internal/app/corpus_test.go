package app_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// TestCorpusNATS publishes as the corpus's attackers do, with replies and headers
// that mean something to the server: nothing is lost, nothing lies under another
// organisation's subjects, no stream is emptied, and the events after them flow.
func TestCorpusNATS(t *testing.T) {
	inputs := corpus.Read(t, "nats")
	dir, w := t.TempDir(), newWatch()
	hubtest.WriteFederation(t, dir)
	a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0"})
	defer func() { stopApp(t, a) }()
	b, publish := local(t, a)
	nc := rawClient(t, a)
	publish("in.alpha.app."+hubtest.Ding, ding("before"))
	w.expect(t, 1, 0)
	for i, input := range inputs {
		var in struct {
			Reply   string
			Headers map[string][]string
		}
		must(t, json.Unmarshal(input.Data, &in))
		m := nats.NewMsg("in.alpha.app." + hubtest.Ding)
		m.Reply = strings.ReplaceAll(strings.ReplaceAll(in.Reply, "stadt-b", "beta"), "INGRESS", bus.InStream("alpha"))
		for name, values := range in.Headers {
			m.Header[name] = values
		}
		m.Header["Content-Type"] = []string{"application/cloudevents+json"}
		m.Data = ding(fmt.Sprint("corpus-", i))
		must(t, nc.PublishMsg(m))
		must(t, nc.FlushTimeout(5*time.Second))
		// the next good event is through
		publish("in.alpha.app."+hubtest.Ding, ding(fmt.Sprint("good-", i)))
		for through := false; !through; {
			ds, _ := w.expect(t, 1, 0)
			through = ds[0].ID == fmt.Sprint("good-", i)
			foreign := ds[0].In == bus.InStream("beta")
			if !foreign && ds[0].Outcome != hub.Routed || foreign && ds[0].Outcome != hub.Quarantined {
				t.Errorf("%s: %s of %s is %s (%s)", input.File, ds[0].ID, ds[0].In, ds[0].Outcome, ds[0].Code)
			}
		}
	}
	first, err := b.At(t.Context(), bus.InStream("alpha"), 1, ">")
	must(t, err)
	if first == nil || first.Seq != 1 {
		t.Errorf("the first event is gone: %+v", first)
	}
}

// rawClient is a NATS client with the local credential.
func rawClient(t *testing.T, a *app.App) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(a.URL(), nats.UserCredentials(filepath.Join(a.Data(), bus.LocalCredential)))
	must(t, err)
	t.Cleanup(nc.Close)
	return nc
}
