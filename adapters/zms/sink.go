package zms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/hub"
)

// The orders that the sink carries out, by type of event.
const (
	typeErforderlich = "de.termin.erforderlich.v1"
	typeBuchung      = "de.termin.buchung-beantragt.v1"
	typeAbsage       = "de.termin.absage-beantragt.v1"
	typeReserviert   = "de.termin.reserviert.v1"
	typeAbgelehnt    = "de.termin.auftrag-abgelehnt.v1"
)

type sink struct {
	set    settings
	desk   *desk.Desk
	client *client
	cases  *cases
	teller *teller
	log    *zap.Logger
	now    func() time.Time
	// reserving holds one token: orders of one adapter do not race for the same slot.
	reserving chan struct{}
}

var _ hub.Sink = (*sink)(nil)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.checkOrders(s); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, fmt.Errorf("the time zone of ZMS: %w", err)
	}
	d, err := set.desk()
	if err != nil {
		return nil, err
	}
	return &sink{
		set: set, desk: d, client: set.client(), cases: &cases{dir: set.cases()},
		teller: &teller{source: set.Source, ags: set.AGS, zone: zone}, log: env.Log, now: time.Now,
		reserving: make(chan struct{}, 1),
	}, nil
}

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if d.Event.Context == nil {
		return hub.Permanent("unmappable", "the delivery has no event")
	}
	if hub.IsReceipt(d.Event) {
		return nil
	}
	o, err := readOrder(d)
	if err != nil {
		return err
	}
	return s.desk.Once(ctx, o.id, answerEnding, func() ([]byte, error) {
		a, err := s.carryOut(ctx, o)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	})
}

// order is what an event asks for.
type order struct {
	id       string // of the answer, and of the appointment that is reserved
	kind     string
	cause    string // id of the event
	subject  string
	vorgang  string // correlationid
	delivery string

	Antrag *antrag `json:"antrag"`
	Leika  string  `json:"leika"`
	Anzahl int     `json:"anzahl"`
	Bis    string  `json:"bis"`
	Termin struct {
		ID string `json:"id"`
	} `json:"termin"`
}

var errOrder = errors.New("the event's data does not have the form of its schema")

func readOrder(d hub.Delivery) (order, error) {
	o := order{id: desk.ID(d), kind: d.Event.Type(), cause: d.Event.ID(), subject: d.Event.Subject(), delivery: d.ID}
	if v, ok := d.Event.Extensions()[hub.AttrCorrelationID]; ok {
		o.vorgang = fmt.Sprint(v)
	}
	if json.Unmarshal(d.Event.Data(), &o) != nil { // its text quotes
		return o, hub.Permanent("unmappable", "read the order: %w", errOrder)
	}
	return o, o.check()
}

func (o order) check() error {
	switch o.kind {
	case typeErforderlich:
		_, err := time.Parse(time.DateOnly, o.Bis)
		if o.Antrag == nil || o.Antrag.ID == "" || !leikaForm.MatchString(o.Leika) || o.Anzahl < 0 || o.Anzahl > maxLeistungen || o.Bis != "" && err != nil {
			return hub.Permanent("unmappable", "read the order: %w", errOrder)
		}
	case typeBuchung, typeAbsage:
		if !tokenForm.MatchString(o.Termin.ID) {
			return hub.Permanent("unmappable", "read the order: %w", errOrder)
		}
	default:
		return hub.Permanent("unmappable", "the event is of a type that orders nothing here")
	}
	return nil
}

func (s *sink) carryOut(ctx context.Context, o order) (reply, error) {
	s.log.Debug("zms: an order", zap.String("delivery", o.delivery), zap.String("event", o.cause))
	switch o.kind {
	case typeErforderlich:
		return s.reserve(ctx, o)
	case typeBuchung:
		return s.confirm(ctx, o)
	}
	return s.cancel(ctx, o)
}

// The reasons why an order is refused.
const (
	noneFree    = "kein-termin-frei"
	expired     = "reservierung-abgelaufen"
	unknown     = "termin-unbekannt"
	notPossible = "nicht-absagbar"
)

var orderName = map[string]string{typeErforderlich: "reservierung", typeBuchung: "buchung", typeAbsage: "absage"}

// refuse is the answer to an order that ZMS does not carry out.
func (s *sink) refuse(o order, why string) (reply, error) {
	at := s.now()
	data := map[string]any{"auftrag": orderName[o.kind], "grund": why, "abgelehnt": s.teller.stamp(at.Unix())}
	if o.Antrag != nil {
		data["antrag"] = antrag{o.Antrag.ID}
	}
	subject := o.subject
	if o.Termin.ID != "" {
		subject = o.Termin.ID
		data["termin"] = map[string]string{"id": o.Termin.ID}
	}
	return s.event(typeAbgelehnt, subject, o, at, data)
}

func (s *sink) event(kind, subject string, o order, at time.Time, data any) (reply, error) {
	e := s.teller.envelope(kind, subject, o.vorgang, o.cause)
	e.SetID(o.id)
	e.SetTime(at.UTC())
	if e.SetData("application/json", data) != nil {
		return reply{}, errNoJSON
	}
	raw, err := e.MarshalJSON()
	if err != nil {
		return reply{}, errNoJSON
	}
	return reply{Event: raw, Cause: o.cause}, nil
}
