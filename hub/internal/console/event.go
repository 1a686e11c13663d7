package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

// eventPage is an event on one page: all that the trail says about an id.
type eventPage struct {
	ID     string
	Events []eventView
}

type eventView struct {
	*explain.Event
	Sender    string // organisation
	Receivers []receiverView
	Others    []who.Other
	Payload   *payload
	Neighbour []search.Event // of the same case
	Replays   []replayOfEvent
	Receipts  []receiptView
	Sentence  string
	Rule      string
	Schema    string // of its type, when there is one
	Held      string // how the event was found by it
	// Block tells that all receivers are shown, not only the person's own.
	Whole bool
}

type receiverView struct {
	decision.Receiver
	Title     string                // of the application
	Agreement *federation.Agreement // as it was; nil when its version is not kept
	Cut       []string
	Delivery  *decision.Delivery
	Parked    *decision.Delivery
	Took      time.Duration
	Paused    *Pause // its mailbox hands nothing out
	Attempts  attemptsView
}

// mine leaves of an answer what the person may see; it gives the sender of the first that
// they may not.
func (q *request) mine(a *explain.Answer) (others string) {
	a.Events = slices.DeleteFunc(a.Events, func(e *explain.Event) bool {
		var to []string
		for _, r := range e.Decision.Receivers {
			to = append(to, r.Application)
		}
		if q.person.sightOf(e.Decision.In, to) >= federation.SightMetadata {
			return false
		}
		others = search.Sender(e.Decision.In)
		return true
	})
	return others
}

func (q *request) event() error {
	if err := q.spent(); err != nil {
		return err
	}
	id := q.r.FormValue("id")
	if id == "" {
		return errNotFound
	}
	if q.person.most() < federation.SightMetadata {
		return errForbidden
	}
	answer, err := q.cfg.Hub.Explain(q.r.Context(), id)
	if err != nil {
		return err
	}
	others := q.mine(answer)
	if len(answer.Events) == 0 {
		if others != "" {
			if err := q.deny(others); err != nil {
				return err
			}
		} else {
			q.miss()
		}
		return q.notFound(id)
	}
	data := &eventPage{ID: id}
	for _, e := range answer.Events {
		view, err := q.eventView(q.r.Context(), q.veiledEvent(e))
		if err != nil {
			return err
		}
		data.Events = append(data.Events, *view)
	}
	return q.show("event", q.t.Event, data)
}

func (q *request) eventView(ctx context.Context, e *explain.Event) (*eventView, error) {
	d := e.Decision
	v := &eventView{Event: e, Sender: search.Sender(d.In), Sentence: d.Code.Sentence(q.lang), Held: q.t.held(d, q.lang)}
	v.Whole = q.person.sight(v.Sender) >= federation.SightMetadata
	if schema, ok := q.cfg.Hub.Federation().Schemas.Lookup(d.Type); ok {
		v.Schema = schema.Type
	}
	fed, err := q.cfg.Hub.Version(ctx, d.Federation)
	if err != nil {
		return nil, err
	}
	v.Receivers, v.Replays = q.receivers(e, fed), q.replaysOf(e)
	if fed != nil && v.Whole && (d.Outcome == hub.Routed || d.Outcome == hub.Unrouted) {
		v.Others = who.Recall(fed, d).Others
		slices.SortStableFunc(v.Others, func(a, b who.Other) int { // an agreement that did not apply first
			return cmp.Compare(boolInt(a.Clause == nil), boolInt(b.Clause == nil))
		})
	}
	if d.Case != "" {
		if v.Neighbour, err = q.neighbours(d); err != nil {
			return nil, err
		}
	}
	if v.Whole {
		if v.Receipts, err = q.receipts(e); err != nil {
			return nil, err
		}
	}
	v.Payload, err = q.payloadOf(ctx, d)
	return v, err
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (q *request) receivers(e *explain.Event, fed *federation.Federation) (out []receiverView) {
	recalled := map[string][]string{}
	if fed != nil {
		for _, r := range who.Recall(fed, e.Decision).Receivers {
			recalled[r.Application.ID] = r.Cut
		}
	}
	paused, _ := q.cfg.Hub.Paused()
	for i := range e.Decision.Receivers {
		r := e.Decision.Receivers[i]
		if !q.seesReceiver(e.Decision.In, r.Application) {
			continue
		}
		v := receiverView{Receiver: r, Title: q.titleOf(r.Application), Delivery: e.Delivery(r.Application), Parked: e.ParkedAt(r.Application), Cut: recalled[r.Application]}
		if v.Delivery == nil {
			v.Paused = paused[r.Application]
		} else {
			v.Took = e.Lasted(v.Delivery)
		}
		if fed != nil {
			v.Agreement, _ = fed.Agreement(r.Agreement)
		}
		v.Attempts = q.attempts(e, &v)
		out = append(out, v)
	}
	return out
}

// titleOf is what people call an application; "" when the directory has it no more.
func (q *request) titleOf(application string) string {
	if app, ok := q.cfg.Hub.Federation().Application(application); ok {
		return app.Title
	}
	return ""
}

// neighbours are the other events of the case that the person may see.
func (q *request) neighbours(d *decision.Decision) ([]search.Event, error) {
	return q.cfg.Hub.Search().Case(d.Case, func(e *search.Event) bool {
		return (e.In != d.In || e.Seq != d.Seq) && q.person.sightOf(e.In, e.Receivers) >= federation.SightMetadata
	})
}

// payloadOf shows the payload of an event as far as the person's sight goes: only to who
// sees the sender's side, since a receiver may have been given less.
func (q *request) payloadOf(ctx context.Context, d *decision.Decision) (*payload, error) {
	sight := q.person.sight(search.Sender(d.In))
	at := d.In + " " + strconv.FormatUint(d.Seq, 10)
	p := &payload{At: at, In: d.In, Seq: d.Seq, MayLook: sight >= federation.SightFull}
	if sight < federation.SightMasked {
		p.Why = q.t.PayloadNoSight
		return p, nil
	}
	m, err := q.cfg.Hub.Stored(ctx, d.In, d.Seq)
	if err != nil {
		return nil, err
	}
	if m == nil {
		p.Why, p.MayLook = q.t.PayloadGone, false
		return p, nil
	}
	q.fill(p, m, d)
	return p, nil
}

// fill shows what a message holds.
func (q *request) fill(p *payload, m *event.Message, d *decision.Decision) {
	if p.MayLook {
		p.Until = q.session.looking(p.At, q.now())
	}
	p.show(q, m, d.Type, d.At, d.Keyword)
}

// lookFor is how long a payload is shown in full, and how long a reason must be.
const (
	lookFor   = 10 * time.Minute
	minReason = 10
	maxReason = 300
)

// look lets the person see the payload of an event in full for a while; that is in the
// trail before it is shown.
func (q *request) look() error {
	if err := q.spent(); err != nil {
		return err
	}
	id, in := q.r.PostFormValue("id"), q.r.PostFormValue("in")
	seq, err := strconv.ParseUint(q.r.PostFormValue("seq"), 10, 64)
	if err != nil {
		return errNotFound
	}
	answer, err := q.cfg.Hub.Explain(q.r.Context(), id)
	if err != nil {
		return err
	}
	for _, e := range answer.Events {
		if e.Decision.In == in && e.Decision.Seq == seq {
			to := "/event?" + url.Values{"id": {id}}.Encode()
			return q.mayLook(in+" "+strconv.FormatUint(seq, 10), search.Sender(in), e.Decision.Application, to)
		}
	}
	q.miss()
	return errNotFound
}

func (q *request) mayLook(at, organisation, application, to string) error {
	switch sight := q.person.sight(organisation); {
	case sight < federation.SightMetadata: // as if it were not there
		if err := q.deny(organisation); err != nil {
			return err
		}
		return errNotFound
	case sight < federation.SightFull:
		return errForbidden
	}
	reason, ok := q.reason()
	if !ok {
		q.back(to, "reason")
		return nil
	}
	if err := q.record(decision.ActLook, application, event.KeyToken(at), reason); err != nil {
		return err
	}
	q.session.look(at, q.now().Add(lookFor))
	q.redirect(to)
	return nil
}

// reason reads the field of that name: some words, without anything that is not seen.
func (q *request) reason() (string, bool) {
	r := visible(q.r.PostFormValue("reason"), maxReason)
	return r, len([]rune(r)) >= minReason
}
