package postgres

import (
	"context"

	"go.uber.org/zap"
)

// resume finds the place to read from: the one that is remembered, if it is still
// true of this database, or what the operator accepts.
func (r *run) resume(ctx context.Context, s *session, c *cursor) error {
	if c == nil {
		r.cursor = r.beginning(s)
		return r.cursor.save(ctx, r.in.State())
	}
	r.cursor = c
	switch {
	case r.set.Accept == "" && c.Accepted != "":
		c.Accepted = "" // the same may be accepted again
		if err := c.save(ctx, r.in.State()); err != nil {
			return err
		}
	case r.set.Accept == s.identity.String() && c.Accepted != r.set.Accept:
		return r.accept(ctx, s)
	}
	return r.recognise(ctx, s)
}

func (r *run) beginning(s *session) *cursor {
	c := &cursor{
		Database: s.identity.Database, Timeline: s.identity.Timeline, Table: s.table.oid, Crash: s.identity.Crash,
		At: s.identity.Now, Marks: []milestone{{At: s.identity.Now}},
	}
	if r.set.Accept == s.identity.String() {
		c.Accepted = r.set.Accept
	}
	return c
}

// accept begins anew, as the operator says, or keeps the place: once for each time
// that the setting is made, whether the database would have been refused or not.
func (r *run) accept(ctx context.Context, s *session) error {
	fresh := r.beginning(s)
	if r.set.AcceptCursor == fromHere {
		if r.cursor.From > s.identity.Next {
			return refuse("accept-cursor: keep has no meaning: the place is transaction %d, and the database has begun transactions up to %d: what it writes until there would be passed over. Set accept-cursor: start (operator)",
				r.cursor.From, s.identity.Next)
		}
		fresh.From = r.cursor.From
		fresh.Marks = []milestone{{fresh.From, s.identity.Now}}
	}
	r.cursor = fresh
	r.log.Warn("postgres: the database is accepted, as the setting accept says; it was acted on once: remove accept now", zap.String("database", s.identity.String()),
		zap.String("cursor", r.set.AcceptCursor))
	return r.cursor.save(ctx, r.in.State())
}
