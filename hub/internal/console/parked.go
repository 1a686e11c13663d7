package console

import (
	"context"
	"errors"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// parkedPage lists the keys that cannot proceed.
type parkedPage struct {
	Org  string
	Orgs []*federation.Organisation
	Keys []parkedKey
	Said string // by the hub, about what was asked for
}

type parkedKey struct {
	parked.Entry
	Why  string
	Acts bool // the person may release it or give it back
}

// parkedOf leaves those of an organisation that the person may see.
func (q *request) parkedOf(all []parked.Entry, org string) (out []parked.Entry) {
	for _, e := range all {
		if o := search.Organisation(e.Application); (org == "" || o == org) && q.person.sight(o) >= federation.SightCounts {
			out = append(out, e)
		}
	}
	return out
}

func (q *request) parkedKeys() error { return q.showParked("") }

func (q *request) showParked(said string) error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	entries, err := q.cfg.Hub.Parked(q.r.Context())
	if err != nil {
		return err
	}
	entries = q.parkedOf(entries, org)
	data := &parkedPage{Org: org, Orgs: q.choices(), Said: said}
	for _, e := range entries {
		o := search.Organisation(e.Application)
		if q.person.sight(o) < federation.SightMetadata {
			continue
		}
		k := parkedKey{Entry: e, Acts: q.person.acts(o) && e.Underway == ""}
		if code := refusal.Code(e.Code); codes[code.Token()] == code {
			k.Why = code.Sentence(q.lang)
		}
		data.Keys = append(data.Keys, k)
	}
	return q.show("parked", q.t.ParkedKeys, data)
}

// unparkFor is how long a person waits: many events take longer to give back.
const unparkFor = 10 * time.Second

// unpark releases a key, or gives its events back to the sender.
func (q *request) unpark() error {
	app, act := q.r.PostFormValue("app"), q.r.PostFormValue("act")
	org := search.Organisation(app)
	switch {
	case q.person.sight(org) < federation.SightMetadata:
		return q.notMine(org)
	case !q.person.acts(org):
		return errForbidden
	case act != decision.ActRelease && act != decision.ActReturn:
		return errNotFound
	}
	reason, ok := q.reason()
	if !ok {
		q.back("/parked", "reason")
		return nil
	}
	ctx, cancel := context.WithTimeout(q.r.Context(), unparkFor)
	defer cancel()
	err := q.cfg.Hub.Unpark(ctx, act, Unpark{Application: app, Key: q.r.PostFormValue("key"), Who: q.person.who, Reason: reason, Lang: q.lang})
	if said := says(err); said != "" {
		return q.showParked(said)
	}
	if errors.Is(err, context.DeadlineExceeded) && q.r.Context().Err() == nil {
		return q.showParked(q.t.ParkedLong)
	}
	if err != nil {
		return err
	}
	q.back("/parked", act)
	return nil
}
