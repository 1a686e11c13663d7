package console

import (
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// workView is who looks after something, as it is shown.
type workView struct {
	quarantine.Work
	DueDay  time.Time // zero: none
	Overdue bool
	Mine    bool
}

func (q *request) workView(w quarantine.Work) workView {
	v := workView{Work: w, Mine: w.Owner != "" && w.Owner == q.person.who}
	if day, err := time.ParseInLocation(time.DateOnly, w.Due, berlin); err == nil {
		v.DueDay, v.Overdue = day, q.now().After(day.AddDate(0, 0, 1))
	}
	return v
}

func (q *request) workOnRefused() error {
	e, g, err := q.toClear()
	if err != nil {
		return err
	}
	return q.work(quarantine.WorkOfEvent(e.Seq), g.Application, "/quarantine/"+strconv.FormatUint(e.Seq, 10))
}

func (q *request) workOnGroup() error {
	app, code, err := q.groupToClear()
	if err != nil {
		return err
	}
	return q.work(quarantine.WorkOfGroup(app, code), app, groupLink(app, code))
}

// groupToClear is the group of a form or link that the person may clear.
func (q *request) groupToClear() (string, refusal.Code, error) {
	app, code := q.r.FormValue("app"), refusal.Code(q.r.FormValue("code"))
	org := search.Organisation(app)
	switch {
	case codes[code.Token()] != code || !plainApplication(app):
		return "", "", errNotFound
	case q.person.sight(org) < federation.SightMetadata:
		return "", "", q.notMine(org)
	case !q.person.acts(org):
		return "", "", foreign(org)
	}
	return app, code, nil
}

// Bounds of what is written down about work.
const (
	maxOwner = 100
	maxNote  = 300
)

func (q *request) work(name, application, to string) error {
	r := quarantine.WorkRequest{
		Name: name, Application: application, Do: q.r.PostFormValue("do"), Who: q.person.who,
		To: visible(q.r.PostFormValue("to"), maxOwner), Due: q.r.PostFormValue("due"), Text: visible(q.r.PostFormValue("note"), maxNote),
	}
	switch _, err := time.Parse(time.DateOnly, r.Due); {
	case r.Do == quarantine.WorkHand && r.To == "", r.Do == quarantine.WorkNote && r.Text == "", r.Do == quarantine.WorkDue && r.Due != "" && err != nil:
		q.back(to, "empty")
		return nil
	case r.Do != quarantine.WorkTake && r.Do != quarantine.WorkHand && r.Do != quarantine.WorkDue && r.Do != quarantine.WorkNote:
		return errNotFound
	}
	err := q.cfg.Hub.SetWork(q.r.Context(), search.Organisation(application), r)
	if _, is := q.why(err); is {
		q.back(to, "not-done")
		return nil
	}
	if err != nil {
		return err
	}
	q.back(to, "work")
	return nil
}
