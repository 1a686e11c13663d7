package postgres

import (
	"fmt"
	"slices"
	"strings"
)

// refusal is an error that no retry mends: somebody must change something first.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// fits says why the table cannot be read as the settings say; nil when it can.
func (set outboxSettings) fits(t *table) error {
	for _, judge := range []func(*table) error{set.columnsThere, set.allSeen, set.orderFits, set.rightsFit} {
		if err := judge(t); err != nil {
			return err
		}
	}
	return nil
}

// named are the columns that are read by themselves.
func (c columns) named() []string {
	all := []string{c.ID, c.AggregateType, c.AggregateID, c.Type, c.Payload, c.Headers, c.Time, c.XID, c.Seq, c.Mark}
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

// wanted are the columns that the adapter must be allowed to read.
func (set outboxSettings) wanted() []string {
	c := set.Columns
	if set.Mappings == nil {
		return c.named()
	}
	own := columns{ID: c.ID, XID: c.XID, Seq: c.Seq, Mark: c.Mark}
	return append(own.named(), set.Read...)
}

func (set outboxSettings) columnsThere(t *table) error {
	for _, name := range set.wanted() {
		c, there := t.columns[name]
		switch {
		case !there:
			return refuse("table %s has no column %s: name the right one in columns, or \"\" where the table has none (operator)%s",
				t, name, set.hint(name))
		case !c.MaySelect:
			return refuse("the role may not read column %s of table %s: GRANT SELECT (owner of the database)", name, t)
		}
	}
	return nil
}

// hint leads to the ALTERs where a column of the gap-free order is missing.
func (set outboxSettings) hint(name string) string {
	if name == set.Columns.XID || name == set.Columns.Seq {
		return "; \"amtsbote outbox check\" prints the ALTER TABLE that adds it (owner of the database)"
	}
	return ""
}

// allSeen refuses tables of which the role does not see all rows, or whose numbers
// are those of another cluster.
func (set outboxSettings) allSeen(t *table) error {
	switch {
	case t.policed:
		return refuse("row security of table %s may hide rows from the role, which would be passed over: ALTER ROLE … BYPASSRLS (administrator of the database)", t)
	case t.subscribed && set.Habit == leave:
		return refuse("table %s is filled by logical replication: its rows carry the transaction numbers of another cluster; read the table where it is written (operator), or use the habit mark or delete", t)
	}
	return nil
}

const writerXID = "pg_current_xact_id()"

func (set outboxSettings) orderFits(t *table) error {
	c := set.Columns
	if c.XID != "" {
		xid := t.columns[c.XID]
		switch {
		case xid.Type != "xid8":
			return refuse("column %s of table %s is %s, not xid8: amtsbote outbox check prints the ALTER TABLE (owner of the database)", c.XID, t, xid.Type)
		case !xid.NotNull:
			return refuse("column %s of table %s may be NULL, and such rows would never be read: ALTER COLUMN … SET NOT NULL (owner of the database)", c.XID, t)
		case !strings.Contains(xid.Default, writerXID) && !t.fillsIn():
			return refuse("column %s of table %s does not get the writer's transaction by itself: ALTER COLUMN … SET DEFAULT %s (owner of the database)", c.XID, t, writerXID)
		}
	}
	if set.Habit != leave {
		return nil
	}
	seq := t.columns[c.Seq]
	switch {
	case seq.Type != "bigint" && seq.Type != "integer" && seq.Type != "smallint":
		return refuse("column %s of table %s is %s, not bigint: it must count up (owner of the database)", c.Seq, t, seq.Type)
	case !seq.NotNull:
		return refuse("column %s of table %s may be NULL, and such rows would never be read: ALTER COLUMN … SET NOT NULL (owner of the database)", c.Seq, t)
	case !seq.Always && !t.unique(c.Seq):
		return refuse("column %s of table %s is neither GENERATED ALWAYS AS IDENTITY nor unique: rows with the same number could be passed over; add a unique index on it (owner of the database)", c.Seq, t)
	}
	return nil
}

// fillsIn tells whether a trigger gives new rows the writer's transaction, as far as
// its source tells.
func (t *table) fillsIn() bool {
	return slices.ContainsFunc(t.triggers, func(g trigger) bool { return g.insert && g.before && strings.Contains(g.source, writerXID) })
}

func (set outboxSettings) rightsFit(t *table) error {
	switch {
	case set.Habit == mark && !t.columns[set.Columns.Mark].MayUpdate:
		return refuse("the role may not set column %s of table %s: GRANT UPDATE (%s) (owner of the database)", set.Columns.Mark, t, set.Columns.Mark)
	case set.Habit == remove && !t.mayDelete:
		return refuse("the role may not delete rows of table %s: GRANT DELETE (owner of the database)", t)
	case set.Habit != leave && !t.unique(set.Columns.ID):
		return refuse("column %s of table %s is not unique alone: a row could not be told from another (owner of the database)", set.Columns.ID, t)
	}
	return nil
}
