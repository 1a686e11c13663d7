package console

import (
	"context"
	"strconv"
	"strings"

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
	schema, _ := q.cfg.Hub.Federation().Schemas.Lookup(e.Type)
	fields := fieldsOf(schema)
	full := q.person.sight(search.Organisation(g.Application)) >= federation.SightFull && !q.session.looking(quarantineAt(e.Seq), q.now()).IsZero()
	for _, w := range no.Wrong {
		if w.Code != refusal.SchemaInvalid || !full && ofSperre(fields, plainPointer(w.At)) {
			continue // that there is a Sperre says where somebody is in danger
		}
		all = append(all, w)
	}
	return all, false, nil
}

// ofSperre tells whether a place is a Sperre or within one.
func ofSperre(fields map[string]schemas.Field, at string) bool {
	for ; at != ""; at = at[:strings.LastIndex(at, "/")] {
		if fields[at].Sperre != "" {
			return true
		}
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
