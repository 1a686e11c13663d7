package app_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestStartCompletesTheTrail: a crash has left a decision in front of its copies alone, of an
// organisation that has left the directory since: no lane will look. The start records it.
func TestStartCompletesTheTrail(t *testing.T) {
	s := &stock{fed: filepath.Join(t.TempDir(), "fed"), data: filepath.Join(t.TempDir(), "data")}
	hubtest.WriteFederation(t, s.fed)
	stopApp(t, s.start(t, s.data))
	s.leave(t, &decision.Decision{
		In: "IN_gone", Seq: 1, Application: "gone.app", ID: "e", Source: "urn:gone", Digest: "sha256:x", Federation: "f",
		Outcome: hub.Routed, Receivers: []decision.Receiver{{Application: "beta.one", Agreement: "a"}},
		Stored: time.Now().UTC(), Decided: time.Now().UTC(),
	})
	a := s.start(t, s.data)
	defer stopApp(t, a)
	var got []*decision.Decision
	if err := a.Bus().Read(t.Context(), bus.Trail, 1, []string{"trail.decision.IN_gone.>"}, func(m *event.Message) (err error) {
		some, err := trail.ReadDecisions(m)
		got = append(got, some...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].ID != "e" {
		t.Errorf("in the trail are %+v", got)
	}
}

// leave stores what a hub leaves that ends in the middle of a pair.
func (s *stock) leave(t *testing.T, d *decision.Decision) {
	t.Helper()
	srv, err := bus.StartEmbedded(bus.Embedded{Dir: s.data, MaxStore: 1 << 46, AllowTemp: true}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	b, err := srv.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.MakeStream(t.Context(), bus.StreamSpec{Name: d.In, Subjects: []string{"in.gone.>"}, MaxBytes: 1 << 20}, 1); err != nil {
		t.Fatal(err)
	}
	records, err := trail.Decisions([]*decision.Decision{d})
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := json.Marshal(decision.Cursor{Epoch: 1, Batch: "b", Decided: &decision.Decided{Records: [][]byte{records[0].Data}, UpTo: d.Seq}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []event.Message{{Subject: "in.gone.app.t", Data: []byte("{}")}, {Subject: decision.CursorSubject("out", d.In), Data: cursor}} {
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}
