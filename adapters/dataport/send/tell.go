package send

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// Types of the events that tell what became of a submission.
const (
	typeNews      = "de.nachricht.stand-gemeldet.v1"
	typeDelivered = "de.nachricht.zugestellt.v1"
	typeFailed    = "de.nachricht.gescheitert.v1"

	schemaPrefix = "urn:amtsbote:schema:"
)

// news are the words for what ends nothing.
var news = map[string]string{
	fit.CreateSubmission: "angelegt", fit.SubmitSubmission: "eingereicht", fit.NotifySubmission: "benachrichtigt",
	fit.ForwardSubmission: "weitergeleitet", fit.DeleteSubmission: "geloescht",
}

// kanal is the way by which a message goes.
const kanal = "fit-connect"

// report is the data of all three types.
type report struct {
	Nachricht struct {
		ID    string `json:"id"`
		Kanal string `json:"kanal"`
	} `json:"nachricht"`
	Stand       string  `json:"stand,omitempty"`
	Gemeldet    string  `json:"gemeldet,omitempty"`
	Zugestellt  string  `json:"zugestellt,omitempty"`
	Gescheitert string  `json:"gescheitert,omitempty"`
	Endgueltig  *bool   `json:"endgueltig,omitempty"`
	Grund       *reason `json:"grund,omitempty"`
	Quittung    *blob   `json:"quittung,omitempty"`
}

type reason struct {
	Code string `json:"code"`
	Text string `json:"text,omitempty"`
}

// tell makes an event of an entry of the log, unless that was done. What was told
// is noted only then: after a crash the same event comes again.
func (s *source) tell(ctx context.Context, in hub.Intake, r *record, one entry) error {
	if slices.Contains(r.Told, s.idOf(r, one)) || r.State == done {
		return nil
	}
	receipt, err := in.Blobs().Put(ctx, strings.NewReader(one.compact))
	if err != nil {
		return hubError("store a receipt", err)
	}
	typ, data := tellOf(r, one)
	data.Quittung = &blob{Ref: receipt.Ref, SHA256: receipt.SHA256, Size: receipt.Size, MediaType: "application/jose"}
	e, err := s.event(r, s.idOf(r, one), one.IssuedAt, typ, data)
	if err != nil {
		return err
	}
	if err := in.Publish(ctx, e); err != nil {
		return hubError("publish", err)
	}
	s.progress = true
	next := sent
	if one.Event == fit.AcceptSubmission || one.Event == fit.RejectSubmission || one.Event == fit.DeleteSubmission {
		next = done
	}
	r.Told = append(r.Told, e.ID())
	return s.out.save(r, next)
}

func hubError(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if hub.FaultOf(err).Permanent {
		return err
	}
	return hubAway{err}
}

// tellOf says what an entry means: accepted is delivered, rejected is failed. So
// is what names other tags than ours: somebody has changed what was sent.
func tellOf(r *record, one entry) (string, *report) {
	d := &report{}
	d.Nachricht.ID, d.Nachricht.Kanal = r.Submission, kanal
	at := one.IssuedAt.UTC().Format(time.RFC3339)
	foreign := (one.Event == fit.SubmitSubmission || one.Event == fit.AcceptSubmission) && !r.is(one.Payload.Tags)
	switch {
	case foreign:
		end := one.Event == fit.AcceptSubmission
		d.Gescheitert, d.Endgueltig = at, &end
		d.Grund = &reason{fit.IncorrectTag, "Die Prüfwerte sind nicht die der gesendeten Teile: " + one.Event}
		return typeFailed, d
	case one.Event == fit.AcceptSubmission:
		d.Zugestellt = at
		return typeDelivered, d
	case one.Event == fit.RejectSubmission:
		end := true
		d.Gescheitert, d.Endgueltig, d.Grund = at, &end, reasonOf(one.Payload.Problems)
		return typeFailed, d
	}
	d.Stand, d.Gemeldet = news[one.Event], at
	if d.Stand == "" {
		d.Stand = "sonstiges"
	}
	return typeNews, d
}

// reasonOf puts the problems that a receiver names together: the code of the first,
// and the words of all. The receipt has them whole.
func reasonOf(problems []fit.Problem) *reason {
	r := &reason{Code: "rejected"}
	var words []string
	for i, p := range problems {
		if name := clean(strings.TrimPrefix(p.Type, fit.ProblemPrefix), 40); i == 0 && name != "" {
			r.Code = name
		}
		for _, w := range []string{p.Title, p.Detail} {
			if w = clean(w, 1000); w != "" {
				words = append(words, w)
			}
		}
	}
	r.Text = clean(strings.Join(words, "; "), 1000)
	return r
}

// clean cuts a text and takes control characters out of it.
func clean(text string, most int) string {
	return strings.TrimSpace(cut(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text), most))
}

// events are the name space of the events' ids.
var events = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/amtsbote/amtsbote/adapters/dataport/send"))

// idOf is that of the event that tells of an entry: a token's own is its issuer's choice.
func (s *source) idOf(r *record, one entry) string { return s.id(r, one.Issuer, one.Event, one.ID) }

// id is that of an event about a submission, which parts tell apart from others.
func (s *source) id(r *record, parts ...string) string {
	return uuid.NewSHA1(events, []byte(s.set.Source+"\n"+r.Submission+"\n"+strings.Join(parts, "\n"))).String()
}

// event is an event of the case of what was sent; all of it follows from the entry,
// if there is one, and the record.
func (s *source) event(r *record, id string, at time.Time, typ string, d *report) (hub.Event, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	e := cloudevents.New()
	e.SetID(id)
	e.SetSource(s.set.Source)
	e.SetType(typ)
	e.SetTime(at)
	e.SetDataSchema(schemaPrefix + typ)
	e.SetSubject(r.Event.Subject)
	for name, value := range map[string]string{
		hub.AttrCorrelationID: r.Event.Correlation, hub.AttrCausationID: r.Event.ID, hub.AttrAGS: r.Event.AGS,
	} {
		if value != "" {
			e.SetExtension(name, value)
		}
	}
	if err := e.SetData("application/json", data); err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	return e, nil
}
