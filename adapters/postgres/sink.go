package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// sink adds a row for each event.
type sink struct {
	set    inboxSettings
	pool   *pool
	insert string
	there  string // finds the row of a delivery
}

var (
	_ hub.Sink   = (*sink)(nil)
	_ hub.Placed = (*sink)(nil)
)

// Places implements hub.Placed.
func (s *sink) Places() hub.Places {
	return hub.Places{Out: s.set.Database.place() + " " + s.set.name.String()}
}

// insert is one statement, and so one transaction: a delivery that is there already
// stays as it is.
func (set inboxSettings) insert() string {
	var names, values []string
	for i, name := range set.order {
		names = append(names, quoted(name))
		values = append(values, fmt.Sprintf("$%d", i+1))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO NOTHING",
		set.name.sql(), strings.Join(names, ", "), strings.Join(values, ", "), quoted(set.key))
}

func (set inboxSettings) there() string {
	return fmt.Sprintf("SELECT FROM %s WHERE %s = $1", set.name.sql(), quoted(set.key))
}

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	values, err := s.set.values(d)
	if err != nil {
		return err
	}
	changed, err := s.pool.exec(ctx, s.insert, values...)
	if err == nil && changed == 0 {
		return s.repeated(ctx, d.ID)
	}
	return s.judge(ctx, err)
}

// repeated looks for the row of a delivery that added none: a trigger of the owner
// may have dropped it without an error.
func (s *sink) repeated(ctx context.Context, id string) error {
	found, err := s.pool.exec(ctx, s.there, id)
	if err == nil && found == 0 {
		return hub.Permanent("refused-by-database", "insert into %s: no row was added, and none is there: a trigger drops it (owner of the database)", s.set.name)
	}
	return s.judge(ctx, err)
}

// judge tells faults of this event from those of the database, by SQLSTATE. What an
// administrator can mend (rights, columns, space) passes.
func (s *sink) judge(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("insert into %s: %w", s.set.name, ctx.Err())
	}
	code := sqlState(err)
	tamed := fmt.Errorf("insert into %s: %w", s.set.name, tame(err))
	switch class(code) {
	case "22":
		return hub.Permanent("bad-value", "%w", tamed)
	case "23":
		return hub.Permanent("constraint", "%w", tamed)
	case "54":
		return hub.Permanent("too-large", "%w", tamed)
	}
	switch {
	case raised(err):
		return hub.Permanent("refused-by-database", "%w", tamed)
	case code == "42P10":
		return hub.Retryable("no-unique-key", "insert into %s: column %s is not unique, so that a repetition cannot be told; the owner of the database adds a primary key or a unique index on it", s.set.name, s.set.key)
	case class(code) == "42" || class(code) == "28" || class(code) == "3D" || class(code) == "3F":
		return hub.Retryable("not-set-up", "%w; the owner of the database or the operator of the adapter must change something", tamed)
	case errors.Is(err, errNoConnection):
		return hub.Retryable("unreachable", "%w", tamed)
	}
	return hub.Retryable("database", "%w", tamed)
}
