package eakte

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/hub"
)

type sink struct {
	set    settings
	desk   *desk.Desk
	client *client
	memory *memory
	lanes  *lanes
	zone   *time.Location
	log    *zap.Logger
	now    func() time.Time
}

var _ hub.Sink = (*sink)(nil)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, fmt.Errorf("the time zone of the E-Akte: %w", err)
	}
	d, err := desk.Open(set.answers())
	if err != nil {
		return nil, err
	}
	m, err := openMemory(set.memory())
	if err != nil {
		return nil, err
	}
	return &sink{set: set, desk: d, client: newClient(set), memory: m, lanes: newLanes(set.Gleichzeitig), zone: zone, log: env.Log, now: time.Now}, nil
}

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if d.Event.Context == nil {
		return hub.Permanent("unmappable", "the delivery has no event")
	}
	if hub.IsReceipt(d.Event) {
		return nil
	}
	j, err := s.job(d)
	if err != nil {
		return err
	}
	err = s.desk.Once(ctx, j.id, answerEnding, func() ([]byte, error) { return s.carryOut(ctx, j) })
	if err != nil {
		return err
	}
	// The answer says it now. What cannot be noted is told once more, as the same event.
	if err := errors.Join(s.memory.drop(j.mark), s.memory.told(j.caseMark)); err != nil {
		s.log.Warn("eakte: what was told cannot be noted", zap.Error(err))
	}
	return nil
}

// job is an event with all that is filed of it.
type job struct {
	id    string // of the answer
	event hub.Event
	where filing
	docs  []document
	blobs opener

	fileTitle, caseTitle, title string
	fileMark, caseMark, mark    string
}

// job reads a delivery. Its error is a Permanent Fault without any value of it.
func (s *sink) job(d hub.Delivery) (job, error) {
	j := job{id: desk.ID(d), event: d.Event, blobs: d.Blobs}
	var ok bool
	if j.where, ok = s.set.of(d.Event.Type()); !ok {
		return j, hub.Permanent("unmappable", "nothing says where events of this type are filed (setting ablage)")
	}
	data, err := readData(d.Event)
	if err != nil {
		return j, err
	}
	if j.docs, err = documents(d.Event, data, j.where.Ereignis == nil || *j.where.Ereignis); err != nil {
		return j, err
	}
	f := filler{d.Event, data, s.zone}
	for title, spec := range map[*string]string{&j.fileTitle: j.where.Akte.Titel, &j.caseTitle: j.where.Vorgang.Titel, &j.title: j.where.Eingang.Titel} {
		if *title, err = f.title(spec); err != nil {
			return j, err
		}
	}
	j.fileMark = mark("akte", j.where.Akte.COO, j.where.Akte.Aktenplan, j.fileTitle)
	j.caseMark = mark("vorgang", append([]string{j.where.Akte.COO, j.where.Akte.Aktenplan}, caseKey(d.Event)...)...)
	j.mark = mark("eingang", j.id)
	return j, nil
}

// readData reads an event's data, if they are JSON.
func readData(e hub.Event) (data any, err error) {
	if media := e.DataContentType(); media != "" && !strings.Contains(media, "json") || len(e.Data()) == 0 {
		return nil, nil //nolint:nilnil // nothing to look into
	}
	dec := json.NewDecoder(bytes.NewReader(e.Data()))
	dec.UseNumber()
	if dec.Decode(&data) != nil { // its text quotes
		return nil, hub.Permanent("unmappable", "the event's data are no JSON")
	}
	return data, nil
}

// carryOut files, and gives the events that tell of it.
func (s *sink) carryOut(ctx context.Context, j job) ([]byte, error) {
	leave, err := s.lanes.enter(ctx, j.fileMark)
	if err != nil {
		return nil, hub.Retryable("abgebrochen", "file: %w", err)
	}
	defer leave()
	procedure, err := s.procedure(ctx, j)
	if err != nil {
		return nil, err
	}
	incoming, err := s.incoming(ctx, j, procedure)
	if err != nil {
		return nil, err
	}
	s.log.Info("eakte: filed", zap.String("event", j.event.ID()), zap.String("coo", incoming.COO), zap.Int("documents", len(j.docs)))
	return s.answer(j, procedure, incoming)
}
