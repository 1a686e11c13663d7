package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// groupLink leads to a group.
func groupLink(application string, code refusal.Code) string {
	return "/quarantine/group?" + url.Values{"app": {application}, "code": {string(code)}}.Encode()
}

// groupOfAct is where a person goes on after an act: the group that the form names, if it
// is one of the console's.
func (q *request) groupOfAct(seq uint64, group string) string {
	if u, err := url.Parse(group); err == nil && u.Path == "/quarantine/group" && u.Host == "" && !u.IsAbs() {
		return group
	}
	return "/quarantine/" + strconv.FormatUint(seq, 10)
}

// rule says a rule of JSON Schema in words.
func (q *request) rule(keyword string) string { return refusal.RuleSentence(keyword, q.lang) }

// bulkChoice is an act that can be done to a group.
type bulkChoice struct{ Title, Link string }

// clearingOf fills in what can be done to a group.
func (q *request) clearingOf(data *refusalsPage) error {
	work, err := q.cfg.Hub.Work(q.r.Context(), quarantine.WorkOfGroup(data.Application, data.Code))
	if err != nil {
		return err
	}
	data.Work = q.workView(work)
	org := search.Organisation(data.Application)
	for _, r := range q.runsOf(org) {
		if r.Application == data.Application && r.Code == data.Code && r.Ended.IsZero() {
			data.Runs = append(data.Runs, r)
		}
	}
	if data.Acts = q.person.acts(org); !data.Acts || len(data.Events) == 0 {
		return nil
	}
	for _, act := range q.bulkOf(data.Code, data.Events[0].Copy) {
		link := url.Values{"app": {data.Application}, "code": {string(data.Code)}, "act": {act}}
		data.Bulk = append(data.Bulk, bulkChoice{q.t.bulk()[act], "/quarantine/bulk?" + link.Encode()})
	}
	return nil
}

// bulkOf are the acts that can be done to a group: copies can only be discarded.
func (q *request) bulkOf(code refusal.Code, copied bool) []string {
	if copied || code == refusal.ReceiverRefused {
		return []string{decision.ActQuarantineDiscard}
	}
	return quarantine.Bulk
}

// previewPage says what a run would do.
type previewPage struct {
	group
	Act, What string
	Name      string // of the run
	Total     uint64
	UpTo      uint64
	Events    []refusedEvent // the first ones
	Tried     int            // so many of them were tried,
	Passing   int            // and so many would pass
	NotDone   notDone
}

// examples is how many events a preview shows and tries.
const examples = 10

func (q *request) previewRun() error { return q.preview(notDone{}) }

func (q *request) preview(no notDone) error {
	app, code, err := q.groupToClear()
	if err != nil {
		return err
	}
	act := q.r.FormValue("act")
	if !slices.Contains(quarantine.Bulk, act) {
		return errNotFound
	}
	q.here = "/quarantine/bulk?" + url.Values{"app": {app}, "code": {string(code)}, "act": {act}}.Encode()
	ctx := q.r.Context()
	page, err := q.cfg.Hub.RefusedPage(ctx, quarantine.Filter(app, code), 0, examples)
	if err != nil {
		return err
	}
	data := &previewPage{
		group: group{Application: app, Code: code, Sentence: code.Sentence(q.lang), Link: groupLink(app, code)},
		Act:   act, What: q.t.bulk()[act], Name: quarantine.NewRun(), NotDone: no,
	}
	for _, m := range page {
		e := readRefused(m)
		q.veil(&e, data.group)
		data.Events = append(data.Events, e)
	}
	if data.Total, data.UpTo, err = q.extent(ctx, app, code); err != nil {
		return err
	}
	if act == decision.ActQuarantineResubmit {
		if err := q.tryFirst(ctx, data); err != nil {
			return err
		}
	}
	return q.show("bulk", q.t.Bulk, data)
}

// extent tells how many events a group has and up to where they lie.
func (q *request) extent(ctx context.Context, app string, code refusal.Code) (total, upTo uint64, err error) {
	subjects, err := q.cfg.Hub.Refused(ctx, search.Organisation(app))
	if err != nil {
		return 0, 0, err
	}
	for subject, n := range subjects {
		if a, c, ok := quarantine.Group(subject); ok && a == app && c == code {
			total += n
		}
	}
	upTo, err = q.cfg.Hub.QuarantineEnd(ctx)
	return total, upTo, err
}

func (q *request) tryFirst(ctx context.Context, data *previewPage) error {
	for i := range data.Events {
		err := q.cfg.Hub.Try(ctx, search.Organisation(data.Application), data.Events[i].Seq)
		no, isNo := errors.AsType[*quarantine.NotDone](err)
		switch {
		case err == nil:
			data.Passing++
		case !isNo:
			return err
		case no.Why == quarantine.Starting:
			data.NotDone, _ = q.why(err)
		}
		data.Tried++
	}
	return nil
}

// startRun has an act done to a group.
func (q *request) startRun() error {
	app, code, err := q.groupToClear()
	if err != nil {
		return err
	}
	upTo, err1 := strconv.ParseUint(q.r.PostFormValue("upto"), 10, 64)
	total, err2 := strconv.ParseUint(q.r.PostFormValue("total"), 10, 64)
	act, name := q.r.PostFormValue("act"), q.r.PostFormValue("name")
	if err1 != nil || err2 != nil || !slices.Contains(quarantine.Bulk, act) || !plainRun(name) {
		return errNotFound
	}
	reason, ok := q.reason()
	if !ok {
		return q.preview(notDone{Text: q.t.SaidReason})
	}
	err = q.cfg.Hub.StartRun(q.r.Context(), search.Organisation(app), quarantine.RunRequest{
		Name: name, Act: act, Application: app, Code: code, UpTo: upTo, Total: total, Who: q.person.who, Reason: reason,
	})
	if no, is := q.why(err); is {
		return q.preview(no)
	}
	if err != nil {
		return err
	}
	q.back("/quarantine/runs", "run")
	return nil
}

func plainRun(name string) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(name) == 22
}

// runView is a run as it is shown.
type runView struct {
	quarantine.Progress
	What string
	Acts bool
	Left []string // why some stay
}

// runsPage lists runs.
type runsPage struct {
	Org  string
	Orgs []*federation.Organisation
	Runs []runView
}

// runsOf are the runs of an organisation ("": all) that the person may see.
func (q *request) runsOf(org string) (out []runView) {
	for _, o := range q.cfg.Hub.Federation().Organisations {
		if org != "" && o.ID != org || q.person.sight(o.ID) < federation.SightMetadata {
			continue
		}
		for _, p := range q.cfg.Hub.Runs(o.ID) {
			v := runView{Progress: p, What: q.t.bulk()[p.Act], Acts: q.person.acts(o.ID)}
			for why, n := range p.Why {
				v.Left = append(v.Left, format{q.lang, q.t, q.now()}.Number(n)+": "+why.Sentence(q.lang))
			}
			slices.Sort(v.Left)
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b runView) int { return b.At.Compare(a.At) })
	return out
}

func (q *request) runs() error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	return q.show("runs", q.t.Runs, &runsPage{Org: org, Orgs: q.choices(), Runs: q.runsOf(org)})
}

// stopRun ends a run.
func (q *request) stopRun() error {
	org, name := search.Organisation(q.r.PostFormValue("app")), q.r.PostFormValue("name")
	switch {
	case q.person.sight(org) < federation.SightMetadata:
		return q.notMine(org)
	case !q.person.acts(org):
		return foreign(org)
	case !plainRun(name):
		return errNotFound
	}
	err := q.cfg.Hub.StopRun(q.r.Context(), org, name, q.person.who, q.t.RunStopped)
	if _, is := q.why(err); is {
		q.back("/quarantine/runs", "run-over")
		return nil
	}
	if err != nil {
		return err
	}
	q.back("/quarantine/runs", "run-stop")
	return nil
}
