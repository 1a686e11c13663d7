package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tableName is a schema and a table, as they stand in the catalog.
type tableName struct{ schema, name string }

func parseTable(text string) (tableName, bool) {
	schema, name, qualified := strings.Cut(text, ".")
	if !qualified {
		schema, name = "public", text
	}
	t := tableName{schema, name}
	return t, identifier(schema) && identifier(name)
}

// identifier bounds names as PostgreSQL does; they are quoted wherever they are
// used.
func identifier(name string) bool {
	return name != "" && len(name) < 64 && !strings.ContainsRune(name, 0) && !strings.Contains(name, ".")
}

func (t tableName) sql() string    { return pgx.Identifier{t.schema, t.name}.Sanitize() }
func (t tableName) String() string { return t.schema + "." + t.name }
func quoted(name string) string    { return pgx.Identifier{name}.Sanitize() }

// table is what the catalog says of a table.
type table struct {
	tableName

	oid      uint32
	about    float64 // how many rows, as the server estimates
	kind     string  // r: table, p: partitioned
	columns  map[string]column
	indexes  []index
	triggers []trigger
	// What the role may do with the table as a whole.
	mayInsert, mayDelete bool
	policed              bool // row security hides rows from the role
	subscribed           bool // rows come by logical replication
}

type column struct {
	Name, Type, Default         string
	NotNull, Identity, Always   bool
	MaySelect, MayUpdate, MayIn bool
}

// index is over plain columns, all rows, and valid.
type index struct {
	columns []string
	unique  bool
	primary bool
}

type trigger struct {
	source string // of its function
	insert bool
	before bool
}

const columnsQuery = `
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''),
  a.attnotnull, a.attidentity <> '', a.attidentity = 'a',
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'UPDATE'),
  pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT')
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`

const indexesQuery = `
SELECT i.indisunique, i.indisprimary, array_agg(coalesce(a.attname::text, '') ORDER BY k.place)
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
WHERE i.indrelid = $1 AND i.indisvalid AND i.indpred IS NULL AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisunique, i.indisprimary`

const triggersQuery = `
SELECT p.prosrc, (t.tgtype::int & 4) <> 0, (t.tgtype::int & 2) <> 0
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')`

// look reads what the catalog says.
func look(ctx context.Context, conn *pgx.Conn, name tableName) (*table, error) {
	t := &table{tableName: name, columns: map[string]column{}}
	err := conn.QueryRow(ctx, `
SELECT c.oid, c.relkind::text, c.reltuples::float8, pg_catalog.has_table_privilege(c.oid, 'INSERT'), pg_catalog.has_table_privilege(c.oid, 'DELETE'),
  pg_catalog.row_security_active(c.oid), EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2`, name.schema, name.name).Scan(&t.oid, &t.kind, &t.about, &t.mayInsert, &t.mayDelete, &t.policed, &t.subscribed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, refuse("there is no table %s in this database: set the right one (operator), or create it (owner of the database)", name)
	case err != nil:
		return nil, fmt.Errorf("look at table %s: %w", name, tame(err))
	case t.kind != "r" && t.kind != "p":
		return nil, refuse("%s is no table: a view says nothing of keys and defaults; name the table itself, and grant its columns", name)
	}
	if err := t.parts(ctx, conn); err != nil {
		return nil, fmt.Errorf("look at table %s: %w", name, tame(err))
	}
	return t, nil
}

func (t *table) parts(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, columnsQuery, t.oid)
	if err != nil {
		return err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		return err
	}
	for _, c := range columns {
		t.columns[c.Name] = c
	}
	if rows, err = conn.Query(ctx, indexesQuery, t.oid); err != nil {
		return err
	}
	if t.indexes, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (i index, err error) {
		return i, r.Scan(&i.unique, &i.primary, &i.columns)
	}); err != nil {
		return err
	}
	if rows, err = conn.Query(ctx, triggersQuery, t.oid); err != nil {
		return err
	}
	t.triggers, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (g trigger, err error) {
		return g, r.Scan(&g.source, &g.insert, &g.before)
	})
	return err
}

// unique tells whether no two rows have the same value in the column.
func (t *table) unique(name string) bool {
	return slices.ContainsFunc(t.indexes, func(i index) bool { return i.unique && len(i.columns) == 1 && i.columns[0] == name })
}

// counted tells whether the column counts up: an identity, or the default of a
// sequence.
func (t *table) counted(name string) bool {
	c := t.columns[name]
	return c.Identity || strings.HasPrefix(c.Default, "nextval(")
}

// ordered tells whether an index begins with the columns.
func (t *table) ordered(names ...string) bool {
	return slices.ContainsFunc(t.indexes, func(i index) bool {
		return len(i.columns) >= len(names) && slices.Equal(i.columns[:len(names)], names)
	})
}

// readable are the columns that the role may read, by name.
func (t *table) readable() []string {
	var names []string
	for name, c := range t.columns {
		if c.MaySelect {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
