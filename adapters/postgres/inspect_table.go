package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// inspector judges one table.
type inspector struct {
	conn   *pgx.Conn
	t      *table
	report *Report
	xid    string // the column of type xid8; "" when there is none
	seq    string // the column that counts up
}

func (x *inspector) all(ctx context.Context) error {
	x.findColumns()
	if err := x.habit(ctx); err != nil {
		return err
	}
	old, err := x.server(ctx)
	if err != nil || old {
		return err
	}
	x.order()
	if err := x.cached(ctx); err != nil {
		return err
	}
	x.seen()
	x.keys()
	x.wake()
	if err := x.ahead(ctx); err != nil {
		return err
	}
	if err := x.waits(ctx); err != nil {
		return err
	}
	return x.role(ctx)
}

// findColumns finds the columns of the order.
func (x *inspector) findColumns() {
	for _, name := range x.t.names() {
		c := x.t.columns[name]
		if c.Type == "xid8" && x.xid == "" {
			x.xid = name
		}
		if c.Type == "bigint" && x.t.counted(name) && (x.seq == "" || name == "seq") {
			x.seq = name
		}
	}
}

// names are all columns, by name.
func (t *table) names() []string {
	var names []string
	for name := range t.columns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// markNames are names that systems give the column that says a row was sent.
var markNames = []string{"published_at", "processed_at", "sent_at", "dispatched_at", "completion_date", "published", "processed", "sent", "verarbeitet", "versendet"}

// habit tells what the system does with its rows, by the statistics of the server.
func (x *inspector) habit(ctx context.Context) error {
	var inserted, deleted, live int64
	err := x.conn.QueryRow(ctx, `SELECT coalesce(sum(n_tup_ins), 0)::bigint, coalesce(sum(n_tup_del), 0)::bigint, coalesce(sum(n_live_tup), 0)::bigint
FROM pg_catalog.pg_stat_all_tables WHERE relid = $1 OR relid IN (SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1)`, x.t.oid).
		Scan(&inserted, &deleted, &live)
	if err != nil {
		return err
	}
	flag := x.markColumn()
	switch {
	case inserted > 0 && deleted >= inserted && live == 0:
		x.report.Habit = fmt.Sprintf("every row is deleted again (%d written, %d deleted, none there)", inserted, deleted)
		x.report.add(Warning, "if the writer deletes its rows in the transaction that writes them, as Debezium users do, no reader ever sees them: "+
			"the system must leave them (owner of the application); deleting is the reader's, habit: delete")
	case flag != "":
		x.report.Habit = fmt.Sprintf("rows are marked in column %s once they are sent", flag)
		x.report.add(Note, fmt.Sprintf("use habit: mark with columns: {mark: %s}, unless another reader sets it; then habit: leave", flag))
	case deleted > 0:
		x.report.Habit = fmt.Sprintf("rows are deleted some time (%d written, %d deleted)", inserted, deleted)
		x.report.add(Note, "whoever deletes must wait until the adapter has read: rows whose xid is below that of its place; with habit: delete the adapter does it itself")
	default:
		x.report.Habit = "rows stay"
	}
	return nil
}

func (x *inspector) markColumn() string {
	for _, name := range markNames {
		if c, there := x.t.columns[name]; there && (c.Type == "boolean" || strings.HasPrefix(c.Type, "timestamp")) {
			return name
		}
	}
	return ""
}

// seen judges whether all rows are there to be read.
func (x *inspector) seen() {
	if x.t.policed {
		x.report.add(Error, "row security may hide rows from the role that asks: they are never read", "ALTER ROLE amtsbote_outbox BYPASSRLS;")
	}
	if x.t.subscribed {
		x.report.add(Error, "the table is filled by logical replication: its rows carry the transaction numbers of another cluster; read it where it is written")
	}
	if c, there := x.t.columns[x.seq]; there && !c.Always && !x.t.unique(x.seq) {
		x.report.add(Error, fmt.Sprintf("column %s is neither GENERATED ALWAYS AS IDENTITY nor unique: of two rows with one number the second may be passed over", x.seq),
			fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);", quoted(x.t.name+"_"+x.seq), x.t.sql(), quoted(x.seq)))
	}
}

// order judges what the gap-free query needs.
func (x *inspector) order() {
	t := x.t.sql()
	if x.seq == "" {
		x.seq = "seq"
		x.report.add(Error, "no bigint column counts up: rows of one transaction have no order",
			fmt.Sprintf("ALTER TABLE %s ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY; -- rewrites and locks the table", t))
	} else if c := x.t.columns[x.seq]; !c.NotNull {
		x.report.add(Error, fmt.Sprintf("column %s may be NULL: such rows are never read", x.seq),
			fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;", t, quoted(x.seq)))
	}
	if x.xid == "" {
		x.xid = "xid"
		x.report.add(Error, fmt.Sprintf("no column holds the writer's transaction: whoever reads by %s > last loses the rows of every transaction that commits late", x.seq),
			fmt.Sprintf("ALTER TABLE %s ADD COLUMN xid xid8 NOT NULL DEFAULT %s; -- rewrites and locks the table", t, writerXID))
	} else {
		x.xidFits(t)
	}
	if !x.t.ordered(x.xid, x.seq) {
		x.report.add(Warning, fmt.Sprintf("no index on (%s, %s): each look reads the whole table", x.xid, x.seq),
			fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s (%s, %s);", quoted(x.t.name+"_feed"), t, quoted(x.xid), quoted(x.seq)))
	}
}

// cached looks at the sequence of the numbers: one that hands them out in advance
// gives a later writer a lower number.
func (x *inspector) cached(ctx context.Context) error {
	if _, there := x.t.columns[x.seq]; !there {
		return nil
	}
	var (
		name string
		size int64
	)
	err := x.conn.QueryRow(ctx, `SELECT s.seqrelid::regclass::text, s.seqcache FROM pg_catalog.pg_sequence s
WHERE s.seqrelid = pg_catalog.pg_get_serial_sequence($1, $2)::regclass`, x.t.sql(), x.seq).Scan(&name, &size)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err == nil && size > 1:
		x.report.add(Error, fmt.Sprintf("the sequence of column %s hands out %d numbers in advance: the order of an aggregate's changes is lost", x.seq, size),
			fmt.Sprintf("ALTER SEQUENCE %s CACHE 1;", name))
	}
	return err
}

func (x *inspector) xidFits(t string) {
	c := x.t.columns[x.xid]
	if !strings.Contains(c.Default, writerXID) && !x.t.fillsIn() {
		x.report.add(Error, fmt.Sprintf("column %s does not get the writer's transaction by itself", x.xid),
			fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s;", t, quoted(x.xid), writerXID))
	}
	if !c.NotNull {
		x.report.add(Error, fmt.Sprintf("column %s may be NULL: such rows are never read", x.xid),
			fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s IS NULL;", t, quoted(x.xid), writerXID, quoted(x.xid)),
			fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;", t, quoted(x.xid)))
	}
}

// keys judges what tells rows apart.
func (x *inspector) keys() {
	id, there := x.t.columns["id"]
	switch {
	case !there:
		x.report.add(Warning, "there is no column id: name in columns.id the one that tells events apart for good")
		return
	case !x.t.unique("id"):
		x.report.add(Error, "column id is not unique: of two rows with one id the second counts as a repetition of the first and is lost",
			fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (id);", x.t.sql()))
	case id.Type != "uuid":
		x.report.add(Note, "column id is "+id.Type+", not uuid: its values must never come again, also not after a restore")
	}
	if !slices.ContainsFunc(x.t.indexes, func(i index) bool { return i.primary }) {
		x.report.add(Warning, "the table has no primary key")
	}
}

// wake looks for what tells readers of new rows.
func (x *inspector) wake() {
	if slices.ContainsFunc(x.t.triggers, func(g trigger) bool { return g.insert && strings.Contains(strings.ToLower(g.source), "pg_notify") }) {
		return
	}
	function := quoted(x.t.schema) + "." + quoted(x.t.name+"_wake")
	x.report.add(Note, "nothing notifies of new rows: the adapter finds them at its next poll. Optional, with channel: "+x.t.name,
		fmt.Sprintf("CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('%s', ''); RETURN NULL; END $$;",
			function, strings.ReplaceAll(x.t.name, "'", "''")),
		fmt.Sprintf("CREATE TRIGGER %s AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s();", quoted(x.t.name+"_wake"), x.t.sql(), function))
}
