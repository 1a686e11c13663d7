package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// newReplayPage asks for the scope of a replay, and shows what a dry run found.
type newReplayPage struct {
	Receivers []*federation.Application
	Apps      []*federation.Application // that send
	Types     []string
	Form      replayForm
	Local     bool
	Fault     string
	// After a dry run.
	Looked, Partial bool
	Rows            []replayRow
	Goes, Held      uint64
	Acts            bool // an adapter hands out what would go
}

// replayForm is what was given, as it was.
type replayForm struct{ App, Agreement, Type, Case, Sender, From, To, Rate string }

// query is how a link fills in the form. The rate is given after the dry run.
func (f *replayForm) query() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"app": f.App, "agreement": f.Agreement, "type": f.Type, "case": f.Case, "sender": f.Sender, "from": f.From, "to": f.To} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// replayReceivers are the applications for which the person may ask: those with a mailbox,
// of the organisations for which they may act.
func (q *request) replayReceivers() (out []*federation.Application) {
	for _, a := range q.cfg.Hub.Federation().Applications() {
		if a.Mailbox != nil && q.person.acts(a.Organisation) {
			out = append(out, a)
		}
	}
	return out
}

// handedByAdapter tells that an adapter in the hub acts on what comes to an application:
// it knows a copy by its delivery, and that of a replay is another one.
func (q *request) handedByAdapter(application string) bool {
	app, ok := q.cfg.Hub.Federation().Application(application)
	return ok && app.Mailbox != nil && app.Mailbox.Mode == federation.ModeSink
}

func (q *request) newReplay() error {
	v := q.r.URL.Query()
	form := replayForm{App: v.Get("app"), Agreement: v.Get("agreement"), Type: v.Get("type"), Case: v.Get("case"), Sender: v.Get("sender"), From: v.Get("from"), To: v.Get("to")}
	return q.askReplay(form, nil, "")
}

// DayOf is a day in Berlin as the fields of forms have it; "" for none.
func DayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(berlin).Format(time.DateOnly)
}

// LastDayOf is the day before which t begins: the last one of a span that t ends.
func LastDayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return DayOf(t.Add(-1))
}

// ParseDay reads a day YYYY-MM-DD as its beginning in Berlin.
func ParseDay(s string) (time.Time, error) { return time.ParseInLocation(time.DateOnly, s, berlin) }

// askReplay shows the form, with what a dry run found, or why there is none.
func (q *request) askReplay(form replayForm, look *replay.Look, fault string) error {
	if q.person.most() < federation.SightMetadata {
		return errForbidden
	}
	if form.Rate == "" {
		form.Rate = strconv.Itoa(replay.DefaultRate)
	}
	q.here = "/replays/new?" + form.query().Encode()
	data := &newReplayPage{
		Receivers: q.replayReceivers(), Types: q.cfg.Hub.Federation().Schemas.Types(), Form: form, Local: q.person.local, Fault: fault,
	}
	if q.person.all() >= federation.SightMetadata { // whom others have is theirs
		data.Apps = q.applications("")
	}
	if look != nil {
		data.Looked, data.Partial = true, !look.Whole
		data.Rows = q.replayRows(look.Counts, nil)
		data.Acts = q.handedByAdapter(form.App)
		data.Goes, data.Held = look.Counts[decision.ReplayGoes], look.Counts.Held()
	}
	return q.show("replaynew", q.t.ReplayNew, data)
}

// replayScope reads the form. Only who may act for the receiver gets an answer.
func (q *request) replayScope() (form replayForm, scope decision.ReplayScope, err error) {
	get := func(name string) string { return strings.TrimSpace(q.r.PostFormValue(name)) }
	form = replayForm{get("app"), get("agreement"), get("type"), get("case"), get("sender"), get("from"), get("to"), get("rate")}
	org := search.Organisation(form.App)
	switch {
	case q.person.sight(org) < federation.SightMetadata:
		return form, scope, q.notMine(org)
	case !q.person.acts(org):
		return form, scope, errForbidden
	}
	scope = decision.ReplayScope{
		Application: form.App, Agreement: form.Agreement, Type: form.Type, Case: form.Case, Sender: form.Sender, From: momentFrom(form.From, false), To: momentFrom(form.To, true),
	}
	if form.From != "" && scope.From.IsZero() || form.To != "" && scope.To.IsZero() || slices.ContainsFunc([]string{form.Agreement, form.Type, form.Case, form.Sender}, func(s string) bool { return len(s) > maxScope }) {
		return form, scope, replay.ErrScope
	}
	return form, scope, nil
}

const (
	// dryRunFor is within what a page may take.
	dryRunFor = 8 * time.Second
	maxScope  = 1024
)

// dryRun counts what a replay of the form's scope would do, which is in the trail when it
// returns.
func (q *request) dryRun() (form replayForm, scope decision.ReplayScope, look replay.Look, err error) {
	if form, scope, err = q.replayScope(); err != nil {
		return form, scope, look, err
	}
	ctx, cancel := context.WithTimeout(q.r.Context(), dryRunFor)
	defer cancel()
	if look, err = q.cfg.Hub.Replays().DryRun(ctx, scope, 0); err == nil {
		err = q.cfg.Hub.Record(q.r.Context(), look.Act(q.by(), q.now()))
	}
	return form, scope, look, err
}

// lookReplay is the dry run.
func (q *request) lookReplay() error {
	form, _, look, err := q.dryRun()
	if said := q.t.replaySays(err); said != "" {
		return q.askReplay(form, nil, said)
	}
	if err != nil {
		return err
	}
	return q.askReplay(form, &look, "")
}

// wantReplay asks for a replay. What it would do is counted again, so that the trail has
// what the hub found and not what a form says.
func (q *request) wantReplay() error {
	if q.person.local {
		return errForbidden
	}
	form, scope, look, err := q.dryRun()
	if err == nil {
		err = q.submit(form, scope, look)
	}
	if said := q.t.replaySays(err); said != "" {
		return q.askReplay(form, nil, said)
	}
	if errors.Is(err, errNoReason) {
		return q.askReplay(form, &look, q.t.SaidReason)
	}
	return err
}

var errNoReason = errors.New("there is no reason")

func (q *request) submit(form replayForm, scope decision.ReplayScope, look replay.Look) error {
	reason, ok := q.reason()
	if !ok {
		return errNoReason
	}
	rate, err := strconv.Atoi(form.Rate)
	if err != nil {
		return replay.ErrScope
	}
	id, err := q.cfg.Hub.Replays().Request(q.r.Context(), q.by(), replay.Wish{Scope: scope, Rate: rate, Reason: reason, Found: look})
	if err != nil {
		return err
	}
	q.back("/replays/"+id, decision.ActReplayRequest)
	return nil
}
