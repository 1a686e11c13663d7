package console

import (
	"context"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
	"github.com/amtsbote/amtsbote/schemas"
)

// nowWrong is what a refused event would break today: its record names the first rule
// alone. passes tells that nothing hinders it any more.
func (q *request) nowWrong(ctx context.Context, e *refusedEvent, g group) (all []wrong, passes bool, err error) {
	if e.Copy {
		return nil, false, nil
	}
	err = q.cfg.Hub.Try(ctx, search.Organisation(g.Application), e.Seq)
	if err == nil {
		return nil, true, nil
	}
	no, is := q.why(err)
	if !is {
		return nil, false, err
	}
	for _, w := range q.veiled(e, g, no).Wrong {
		if w.Code == refusal.SchemaInvalid && w.Rule != "" {
			all = append(all, w)
		}
	}
	return all, false, nil
}

// veils tells whether a place in an event's data is one that this person is not told of:
// that there is a Sperre says where somebody is in danger. place is where the event lies,
// as looks in full name it.
func (q *request) veils(typ, organisation, place, at string) bool {
	if at == "" || q.person.sight(organisation) >= federation.SightFull && !q.session.looking(place, q.now()).IsZero() {
		return false
	}
	schema, _ := q.cfg.Hub.Federation().Schemas.Lookup(typ)
	return ofSperre(fieldsOf(schema), plainPointer(at))
}

// veil takes out of a refused event what the person is not told of.
func (q *request) veil(e *refusedEvent, g group) {
	if q.veils(e.Type, search.Organisation(g.Application), quarantineAt(e.Seq), e.At) {
		e.At, e.Keyword = "", ""
	}
}

// veiledEvent is an event without what the person is not told of.
func (q *request) veiledEvent(e *explain.Event) *explain.Event {
	d := e.Decision
	if !q.veils(d.Type, search.Sender(d.In), d.In+" "+strconv.FormatUint(d.Seq, 10), d.At) {
		return e
	}
	shown, decided := *e, *d
	decided.At, decided.Keyword = "", ""
	shown.Decision = &decided
	return &shown
}

// veiled is what a refused event would break without what the person is not told of.
func (q *request) veiled(e *refusedEvent, g group, no notDone) notDone {
	out := notDone{Text: no.Text}
	for _, w := range no.Wrong {
		if q.veils(e.Type, search.Organisation(g.Application), quarantineAt(e.Seq), w.At) {
			w.At, w.Rule = "", ""
		}
		out.Wrong = append(out.Wrong, w)
	}
	return out
}

// ofSperre tells whether a place is a Sperre or within one.
func ofSperre(fields map[string]schemas.Field, at string) bool {
	for strings.HasPrefix(at, "/") { // else it is that of an attribute
		if fields[at].Sperre != "" {
			return true
		}
		at = at[:strings.LastIndex(at, "/")]
	}
	return false
}

// plainPointer is a place in the data as fields have it: without places of items.
func plainPointer(at string) string {
	parts := strings.Split(strings.TrimPrefix(at, "/data"), "/")
	out := parts[:0]
	for _, p := range parts {
		if _, err := strconv.Atoi(p); err != nil {
			out = append(out, p)
		}
	}
	return strings.Join(out, "/")
}
