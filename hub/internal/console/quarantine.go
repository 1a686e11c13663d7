package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// quarantinePage groups what lies in the Klärungsfach by reason and application.
type quarantinePage struct {
	Org    string
	Orgs   []*federation.Organisation
	Groups []group
	Total  uint64
	Runs   bool // there is something to see on the page of runs
}

// group are the refused events of one application with one reason.
type group struct {
	Application string // sender, or the receiver that has refused its copy
	Code        refusal.Code
	Sentence    string
	N           uint64
	Link        string
	Work        workView
	refuser     bool // the application is the receiver
}

// codes by their token in subjects.
var codes = func() map[string]refusal.Code {
	out := map[string]refusal.Code{}
	for _, c := range refusal.Codes() {
		out[c.Token()] = c
	}
	return out
}()

// groupOf reads a subject quarantine.<org>.<app>.<code>, with the copy's sequence behind
// it for what a receiver has refused.
func groupOf(subject string) (g group, ok bool) {
	parts := strings.Split(subject, ".")
	if len(parts) < 4 || len(parts) > 5 || parts[0] != "quarantine" {
		return g, false
	}
	g = group{Application: parts[1] + "." + parts[2], Code: codes[parts[3]], refuser: len(parts) == 5}
	return g, g.Code != ""
}

// worked is of how many groups, the largest first, it is said who looks after them: each
// is read by itself.
const worked = 100

func (q *request) quarantine() error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	subjects, err := q.cfg.Hub.Refused(q.r.Context(), org)
	if err != nil {
		return err
	}
	data := &quarantinePage{Org: org, Orgs: q.choices()}
	of := map[string]*group{}
	for subject, n := range subjects {
		g, ok := groupOf(subject)
		if !ok {
			continue
		}
		key := g.Application + "." + string(g.Code)
		if of[key] == nil {
			g.Sentence = g.Code.Sentence(q.lang)
			g.Link = "/quarantine/group?" + url.Values{"app": {g.Application}, "code": {string(g.Code)}}.Encode()
			of[key] = &g
		}
		of[key].N += n
		data.Total += n
	}
	for _, g := range of {
		data.Groups = append(data.Groups, *g)
	}
	slices.SortFunc(data.Groups, func(a, b group) int {
		return cmp.Or(-cmp.Compare(a.N, b.N), cmp.Compare(a.Application, b.Application), cmp.Compare(a.Code, b.Code))
	})
	for i := range data.Groups[:min(len(data.Groups), worked)] {
		g := &data.Groups[i]
		work, err := q.cfg.Hub.Work(q.r.Context(), quarantine.WorkOfGroup(g.Application, g.Code))
		if err != nil {
			return err
		}
		g.Work = q.workView(work)
	}
	data.Runs = len(q.runsOf(org)) > 0
	return q.show("quarantine", q.t.Quarantine, data)
}

// refusalsPage lists a group.
type refusalsPage struct {
	group
	Events []refusedEvent
	More   string
	Acts   bool // the person may clear it
	Work   workView
	Bulk   []bulkChoice
	Runs   []runView // of this group, that run
}

// refusedEvent is an event in quarantine.
type refusedEvent struct {
	Seq      uint64 // in QUARANTINE
	In       string
	InSeq    uint64
	ID, Type string
	Case     string
	Code     refusal.Code
	At       string
	Keyword  string
	Stored   time.Time
	Size     int
	Copy     bool           // that its receiver has refused
	message  *event.Message // as it came
}

const refusedPage = 50

func (q *request) refusals() error {
	app, code := q.r.FormValue("app"), refusal.Code(q.r.FormValue("code"))
	org := search.Organisation(app)
	if codes[code.Token()] != code || !plainApplication(app) {
		return errNotFound
	}
	if q.person.sight(org) < federation.SightMetadata {
		return q.notMine(org)
	}
	data := &refusalsPage{group: group{Application: app, Code: code, Sentence: code.Sentence(q.lang)}}
	filter := quarantine.Filter(app, code)
	after, _ := strconv.ParseUint(q.r.FormValue("after"), 10, 64)
	page, err := q.cfg.Hub.RefusedPage(q.r.Context(), filter, after, refusedPage)
	if err != nil {
		return err
	}
	for _, m := range page {
		e := readRefused(m)
		q.veil(&e, data.group)
		data.Events = append(data.Events, e)
	}
	if len(page) > 0 {
		next := url.Values{"app": {app}, "code": {string(code)}, "after": {strconv.FormatUint(page[len(page)-1].Seq, 10)}}
		if len(page) == refusedPage {
			data.More = "/quarantine/group?" + next.Encode()
		}
	}
	if err := q.clearingOf(data); err != nil {
		return err
	}
	return q.show("refusals", q.t.Quarantine, data)
}

// notMine is the answer about an organisation whose side the person does not see: for a
// steward it is recorded.
func (q *request) notMine(org string) error {
	if len(q.person.own()) > 0 && q.person.all() < federation.SightMetadata {
		return foreign(org)
	}
	return errForbidden
}

func plainApplication(app string) bool {
	org, name, ok := strings.Cut(app, ".")
	return ok && plainName(org) && plainName(name)
}

func plainName(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// readRefused reads a message of QUARANTINE.
func readRefused(m *event.Message) refusedEvent {
	e := refusedEvent{
		Seq: m.Seq, In: m.Get(event.HeaderIn), Code: refusal.Code(m.Get(event.HeaderCode)), At: m.Get(event.HeaderAt), Keyword: m.Get(event.HeaderKeyword),
		Stored: m.Time, message: send.Refused(m),
	}
	e.InSeq, _ = strconv.ParseUint(m.Get(event.HeaderSeq), 10, 64)
	if at, err := time.Parse(time.RFC3339Nano, m.Get(event.HeaderStored)); err == nil {
		e.Stored = at
	}
	e.Size = len(e.message.Data)
	if e.In == "" { // a copy that its receiver has refused says so in its own headers
		e.Copy = true
		e.In, e.InSeq = e.message.Of()
		e.Keyword = ""
	}
	if read, _ := accept.Decode(e.message); read != nil {
		e.ID, e.Type, e.Case = read.ID(), read.Type(), read.Attributes.Value("correlationid")
	}
	return e
}

// refusalPage is one refused event.
type refusalPage struct {
	refusedEvent
	Application string
	Sender      string
	Sentence    string
	Rule        string
	Attributes  event.Attributes
	Payload     *payload
	Group       string
	All         []wrong // all rules that it would break today, where the record names the first
	Passes      bool    // it would break none any more
	clearingView
}

// refusedAt finds the event of a link that the person may see; an organisation's name
// when it is one that they may not.
func (q *request) refusedAt(ctx context.Context) (*refusedEvent, group, error) {
	if err := q.spent(); err != nil {
		return nil, group{}, err
	}
	seq, err := strconv.ParseUint(q.r.PathValue("seq"), 10, 64)
	if err != nil {
		return nil, group{}, errNotFound
	}
	m, err := q.cfg.Hub.Stored(ctx, bus.Quarantine, seq)
	if err != nil {
		return nil, group{}, err
	}
	if m == nil {
		q.miss()
		return nil, group{}, errNotFound
	}
	g, ok := groupOf(m.Subject)
	if !ok {
		return nil, group{}, errNotFound
	}
	org := search.Organisation(g.Application)
	if q.person.sight(org) < federation.SightMetadata {
		if err := q.notMine(org); err != error(errForbidden) { //nolint:errorlint // the very one
			if err := q.deny(org); err != nil {
				return nil, g, err
			}
			return nil, g, errNotFound
		}
		return nil, g, errForbidden
	}
	e := readRefused(m)
	q.veil(&e, g)
	return &e, g, nil
}

func (q *request) refusal() error { return q.showRefusal(notDone{}) }

// showRefusal shows a refused event, and why what was asked for was not done to it.
func (q *request) showRefusal(no notDone) error {
	if done, err := q.cleared(); done || err != nil {
		return err
	}
	e, g, err := q.refusedAt(q.r.Context())
	if err != nil {
		return err
	}
	q.here = "/quarantine/" + strconv.FormatUint(e.Seq, 10)
	data := &refusalPage{refusedEvent: *e, Application: g.Application, Sender: search.Sender(e.In), Sentence: g.Code.Sentence(q.lang)}
	if e.Keyword != "" && g.Code == refusal.SchemaInvalid {
		data.Rule = refusal.RuleSentence(e.Keyword, q.lang)
	}
	data.Group = "/quarantine/group?" + url.Values{"app": {g.Application}, "code": {string(g.Code)}}.Encode()
	if read, _ := accept.Decode(e.message); read != nil {
		data.Attributes = slices.Clone(read.Attributes)
		slices.SortFunc(data.Attributes, func(a, b event.Attribute) int { return cmp.Compare(a.Name, b.Name) })
	}
	sight := q.person.sight(search.Organisation(g.Application))
	data.Payload = &payload{At: quarantineAt(e.Seq), Seq: e.Seq, MayLook: sight >= federation.SightFull}
	if data.All, data.Passes, err = q.nowWrong(q.r.Context(), e, g); err != nil {
		return err
	}
	data.Payload.wrong = data.All
	if sight < federation.SightMasked {
		data.Payload.Why = q.t.PayloadNoSight
	} else {
		q.fill(data.Payload, e.message, &decision.Decision{Type: e.Type, At: e.At, Keyword: e.Keyword})
	}
	if data.clearingView, err = q.clearingView(&data.refusedEvent, g, q.veiled(e, g, no)); err != nil {
		return err
	}
	return q.show("refused", q.t.Refused, data)
}

func quarantineAt(seq uint64) string { return bus.Quarantine + " " + strconv.FormatUint(seq, 10) }

func (q *request) lookRefused() error {
	if seq, a, err := q.actOn(); err != nil || a != nil { // it was edited, and its original is kept
		if err != nil {
			return err
		}
		return q.mayLook(quarantineAt(seq), search.Organisation(a.Application), a.Application, "/quarantine/"+strconv.FormatUint(seq, 10))
	}
	e, g, err := q.refusedAt(q.r.Context())
	if err != nil {
		return err
	}
	to := "/quarantine/" + strconv.FormatUint(e.Seq, 10)
	return q.mayLook(quarantineAt(e.Seq), search.Organisation(g.Application), g.Application, to)
}
