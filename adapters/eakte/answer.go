package eakte

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// The events that answer.
const (
	TypeVorgang  = "de.eakte.vorgang-angelegt.v1"
	TypeDokument = "de.eakte.dokument-abgelegt.v1"

	answerEnding = ".json"
)

// vorgang and dokument are the data of these events.
type vorgang struct {
	COO          string `json:"coo"`
	Aktenzeichen string `json:"aktenzeichen,omitempty"`
	Angelegt     string `json:"angelegt"`
	Fremdkennung string `json:"fremdkennung,omitempty"`
}

type dokument struct {
	COO          string   `json:"coo"`
	VorgangCOO   string   `json:"vorgangCoo"`
	Aktenzeichen string   `json:"aktenzeichen,omitempty"`
	Art          string   `json:"art"`
	Inhalte      []string `json:"inhalte,omitempty"`
	Abgelegt     string   `json:"abgelegt"`
	Fremdkennung string   `json:"fremdkennung,omitempty"`
}

// answer gives the events that tell what was filed: the procedure, if no answer has told
// it yet, and the document. The event about a procedure is the same (id and time)
// whichever answer tells it.
func (s *sink) answer(j job, procedure, incoming step) ([]byte, error) {
	var all []hub.Event
	if !procedure.Told {
		id := uuid.NewSHA1(uuid.NameSpaceURL, []byte("vorgang|"+j.caseMark+"|"+procedure.COO)).String()
		all = append(all, s.event(j, id, TypeVorgang, procedure.At, vorgang{
			COO: procedure.COO, Aktenzeichen: procedure.Name, Angelegt: procedure.At.In(s.zone).Format(time.RFC3339), Fremdkennung: shorten(caseOf(j.event), maxTitle),
		}))
	}
	slices.Sort(incoming.Contents)
	all = append(all, s.event(j, j.id, TypeDokument, incoming.At, dokument{
		COO: incoming.COO, VorgangCOO: procedure.COO, Aktenzeichen: procedure.Name, Art: "eingehend", Inhalte: slices.Compact(incoming.Contents),
		Abgelegt: incoming.At.In(s.zone).Format(time.RFC3339), Fremdkennung: shorten(j.event.ID(), maxTitle),
	}))
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, errors.New("write the answer: it has no JSON")
	}
	return raw, nil
}

func (s *sink) event(j job, id, kind string, at time.Time, data any) hub.Event {
	e := cloudevents.New()
	e.SetID(id)
	e.SetSource(s.set.Source)
	e.SetType(kind)
	e.SetSubject(j.event.Subject())
	e.SetTime(at)
	e.SetDataSchema("urn:amtsbote:schema:" + kind)
	for _, name := range []string{hub.AttrCorrelationID, hub.AttrTraceparent, hub.AttrTracestate, hub.AttrAGS, hub.AttrDataClassification, hub.AttrDataRegulation} {
		if value, there := j.event.Extensions()[name]; there {
			e.SetExtension(name, value)
		}
	}
	e.SetExtension(hub.AttrCausationID, j.event.ID())
	_ = e.SetData("application/json", data) // structs of texts: they have a JSON
	return e
}

// source publishes the answers.
type source struct {
	set    settings
	folder *dropfolder.Folder
	log    *zap.Logger
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

// maxAnswer is how long a file with an answer may be.
const maxAnswer = 1 << 20

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	f := dropfolder.Defaults()
	f.Dir, f.Poll, f.MaxBytes, f.Forget = set.answers(), set.Poll, maxAnswer, true
	folder, err := dropfolder.Open(f, []string{answerEnding}, env.Log)
	if err != nil {
		return nil, err
	}
	return &source{set: set, folder: folder, log: env.Log}, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.folder.Places()
	return hub.Places{In: p.In, Out: s.set.EAkte.URL, SetAside: p.SetAside}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	tending, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		desk.Tend(tending, s.set.answers(), s.log, (&memory{dir: s.set.memory()}).forget)
	}()
	defer func() { stop(); <-ended }()
	return s.folder.Watch(ctx, func(ctx context.Context, f dropfolder.File) error {
		raw, err := f.Bytes()
		if err != nil {
			return err
		}
		all, err := ReadAnswer(raw)
		if err != nil {
			return err
		}
		for _, e := range all {
			if err := in.Publish(ctx, e); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		}
		return nil
	})
}

// ReadAnswer reads what the sink left for the source.
func ReadAnswer(raw []byte) ([]hub.Event, error) {
	var all []hub.Event
	if json.Unmarshal(raw, &all) != nil || len(all) == 0 { // its text quotes
		return nil, hub.Permanent("unlesbar", "the file is no answer of the sink")
	}
	for _, e := range all {
		if e.Context == nil || e.Validate() != nil || !strings.HasPrefix(e.Type(), "de.eakte.") {
			return nil, hub.Permanent("unlesbar", "the file is no answer of the sink")
		}
	}
	return all, nil
}
