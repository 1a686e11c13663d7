package console

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// notDone is why nothing was done of what was asked for; the zero value: nothing was.
type notDone struct {
	Text  string
	Wrong []wrong
}

// wrong is a rule that an event would break.
type wrong struct {
	Code     refusal.Code
	Sentence string
	At       string
	Rule     string
}

// why tells of an error what a person may read; ok is false for a fault.
func (q *request) why(err error) (no notDone, ok bool) {
	e, ok := errors.AsType[*quarantine.NotDone](err)
	if !ok {
		return no, false
	}
	no.Text = e.Why.Sentence(q.lang)
	for _, v := range e.Violations {
		w := wrong{Code: v.Code, Sentence: v.Code.Sentence(q.lang), At: v.At}
		if v.Keyword != "" {
			w.Rule = refusal.RuleSentence(v.Keyword, q.lang)
		}
		no.Wrong = append(no.Wrong, w)
	}
	return no, true
}

// clearingView is what can be done about a refused event.
type clearingView struct {
	Acts    bool // the person may act
	Tells   bool // the sender takes receipts
	MayEdit bool
	NotDone notDone
	Work    workView
}

func (q *request) clearingView(e *refusedEvent, g group, no notDone) (v clearingView, err error) {
	org := search.Organisation(g.Application)
	v = clearingView{Acts: q.person.acts(org), NotDone: no}
	if app, ok := q.cfg.Hub.Federation().Application(g.Application); ok {
		v.Tells = app.Receipts != nil
	}
	v.MayEdit = v.Acts && !e.Copy && q.person.sight(org) >= federation.SightFull
	work, err := q.cfg.Hub.Work(q.r.Context(), quarantine.WorkOfEvent(e.Seq))
	v.Work = q.workView(work)
	return v, err
}

// toClear is refusedAt for who wants to change something: whoever may not is refused, and
// that is recorded.
func (q *request) toClear() (*refusedEvent, group, error) {
	e, g, err := q.refusedAt(q.r.Context())
	if err == nil && !q.person.acts(search.Organisation(g.Application)) {
		err = foreign(search.Organisation(g.Application))
	}
	return e, g, err
}

// clear sends a refused event again as it is, gives it back, or discards it.
func (q *request) clear() error {
	act := q.r.PostFormValue("act")
	if !slices.Contains(quarantine.Bulk, act) {
		return errNotFound
	}
	if done, err := q.again(act); done || err != nil {
		return err
	}
	if done, err := q.cleared(); done || err != nil {
		return err
	}
	e, g, err := q.toClear()
	if err != nil {
		return err
	}
	reason, ok := q.reason()
	if !ok {
		q.back("/quarantine/"+strconv.FormatUint(e.Seq, 10), "reason")
		return nil
	}
	return q.act(quarantine.Request{Act: act, Seq: e.Seq, Who: q.person.who, Reason: reason, Application: g.Application}, func(err error) error {
		no, _ := q.why(err)
		return q.showRefusal(no)
	})
}

// act has the hub act, and leads back to the group; failed shows why it was not done, a
// *quarantine.NotDone.
func (q *request) act(r quarantine.Request, failed func(error) error) error {
	org := search.Organisation(r.Application)
	out, err := q.cfg.Hub.Clear(q.r.Context(), org, r)
	if _, ok := q.why(err); ok {
		return failed(err)
	}
	if err != nil {
		return err
	}
	q.drafts.drop(q.session)
	said := r.Act
	if out == quarantine.Underway {
		said = "underway"
	}
	q.back(q.groupOfAct(r.Seq, q.r.PostFormValue("group")), said)
	return nil
}

// again answers a form that was sent twice: what is gone was dealt with, and who did
// that is led on as the first time.
func (q *request) again(act string) (done bool, err error) {
	seq, a, err := q.actOn()
	if err != nil || a == nil || a.Who != q.person.who || a.Act != act {
		return false, err
	}
	q.back("/quarantine/"+strconv.FormatUint(seq, 10), act)
	return true, nil
}

// actOn gives the act by which the event of a link left quarantine; nil while it is
// there, and for what never was.
func (q *request) actOn() (uint64, *decision.Act, error) {
	if err := q.spent(); err != nil {
		return 0, nil, err
	}
	seq, err := strconv.ParseUint(q.r.PathValue("seq"), 10, 64)
	if err != nil {
		return 0, nil, errNotFound
	}
	a, _, err := q.cfg.Hub.Cleared(q.r.Context(), seq)
	if err != nil || a == nil {
		return seq, nil, err
	}
	m, err := q.cfg.Hub.Stored(q.r.Context(), bus.Quarantine, seq)
	if m != nil { // it is marked and recorded, and does not leave yet
		return seq, nil, err
	}
	return seq, a, err
}

// clearedPage is what became of an event that was in quarantine.
type clearedPage struct {
	Application   string
	What          string
	Code          refusal.Code
	ID            string
	Who, Reason   string
	At            time.Time
	Before, After string
	Group         string
	Original      *payload // of one that was edited
	Seq           uint64
	Until         time.Time
}

// cleared shows what became of an event that has left quarantine; done is false when it
// is there, or never was.
func (q *request) cleared() (done bool, err error) {
	seq, a, err := q.actOn()
	if err != nil || a == nil {
		return false, err
	}
	org := search.Organisation(a.Application)
	if q.person.sight(org) < federation.SightMetadata {
		if q.notMine(org) == error(errForbidden) { //nolint:errorlint // the very one
			return true, errForbidden
		}
		if err := q.deny(org); err != nil {
			return true, err
		}
		return true, errNotFound
	}
	q.here = "/quarantine/" + strconv.FormatUint(seq, 10)
	data := &clearedPage{
		Application: a.Application, What: q.t.act(a.Act), Code: a.Code, ID: a.ID, Who: a.Who, Reason: a.Reason, At: a.At,
		Before: a.Before, After: a.After, Group: groupLink(a.Application, a.Code), Seq: seq,
	}
	if err := q.original(data, org); err != nil {
		return true, err
	}
	return true, q.show("cleared", q.t.Cleared, data)
}

// original fills in what an edited event was before.
func (q *request) original(data *clearedPage, org string) error {
	_, m, err := q.cfg.Hub.Cleared(q.r.Context(), data.Seq)
	if err != nil || m == nil {
		return err
	}
	data.Until = m.Time.Add(quarantine.KeepOriginals)
	e := readRefused(m)
	sight := q.person.sight(org)
	data.Original = &payload{At: quarantineAt(data.Seq), Seq: data.Seq, MayLook: sight >= federation.SightFull}
	if sight < federation.SightMasked {
		data.Original.Why = q.t.PayloadNoSight
		return nil
	}
	q.fill(data.Original, e.message, &decision.Decision{Type: e.Type, At: e.At, Keyword: e.Keyword})
	return nil
}
