package postgres

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of what is read of one row beside its document.
const (
	maxText    = 1000     // characters of an id, a type …
	maxHeaders = 64 << 10 // bytes
	// budget is about how many bytes of documents are read at once; one row may
	// go beyond it.
	budget = 4 << 20
)

// statement builds the queries for one table.
type statement struct {
	set outboxSettings
	t   *table
	one bool // the window is one transaction
}

// col gives a column of t as text, bounded; NULL where the table has none.
func (s statement) col(name string) string {
	if name == "" {
		return "NULL::text"
	}
	return fmt.Sprintf("left(t.%s::text, %d)", quoted(name), maxText+1)
}

// sources are the columns that the row's document is made of, in order.
func (s statement) sources() []string {
	switch {
	case s.set.Mappings == nil:
		return []string{s.set.Columns.Payload}
	case s.set.Read != nil:
		return s.set.Read
	}
	return s.t.readable()
}

// document is the expression of the row's document, as bytes; value gives that of
// its nth column.
func (s statement) document(value func(n int) string) string {
	if s.set.Mappings == nil {
		if s.t.columns[s.set.Columns.Payload].Type == "bytea" {
			return value(0)
		}
		return fmt.Sprintf("convert_to(%s::text, 'UTF8')", value(0))
	}
	var list []string
	for n, name := range s.sources() {
		list = append(list, value(n)+" AS "+quoted(name))
	}
	return fmt.Sprintf("convert_to((SELECT row_to_json(r)::text FROM (SELECT %s) r), 'UTF8')", strings.Join(list, ", "))
}

// inTable and inBatch give a column of the document in t, and in the subquery k
// that carries it on.
func (s statement) inTable(n int) string { return "t." + quoted(s.sources()[n]) }
func (s statement) inBatch(n int) string { return fmt.Sprintf("k.r%d", n) }

func (s statement) xid() string {
	if s.set.Columns.XID == "" {
		return "'0'::xid8"
	}
	return "t." + quoted(s.set.Columns.XID)
}

// headers gives the expression and its size.
func (s statement) headers() (value, size string) {
	if s.set.Columns.Headers == "" {
		return "NULL::text", "0"
	}
	value = "t." + quoted(s.set.Columns.Headers) + "::text"
	size = "coalesce(octet_length(" + value + "), 0)"
	return fmt.Sprintf("CASE WHEN %s <= %d THEN %s END", size, maxHeaders, value), size
}

func (s statement) time(name string) string {
	if name == "" {
		return "NULL::timestamptz"
	}
	name = "t." + quoted(name) + "::timestamptz"
	return "CASE WHEN isfinite(" + name + ") THEN " + name + " END"
}

// seq is the place within a transaction as a number; 0 where it is no number,
// which only matters to people.
func (s statement) seq() string {
	switch s.t.columns[s.set.Columns.Seq].Type {
	case "bigint", "integer", "smallint":
		return "t." + quoted(s.set.Columns.Seq) + "::bigint"
	}
	return "0::bigint"
}

// order is how rows come: by their numbers, which are given while the writer holds
// its aggregate, and so are in the order of each aggregate's changes. (The numbers
// of transactions are not: they are given before a lock is waited for.)
func (s statement) order() string {
	by := "t." + quoted(s.set.Columns.Seq)
	if s.set.Habit != leave {
		by += ", t." + quoted(s.set.Columns.ID)
	}
	return by
}

// where selects what is to be read: with the habit leave what the cursor says
// ($1 to $5), with delete all but those in $1, which could not be deleted.
func (s statement) where() string {
	c := s.set.Columns
	switch {
	case s.set.Habit == mark:
		return s.unmarked() + s.wanted()
	case s.set.Habit == remove:
		return fmt.Sprintf("t.%s <> ALL (%s)", quoted(c.ID), s.ids("$1")) + s.wanted()
	case s.one: // in the order of the index
		return fmt.Sprintf("t.%s = $1::text::xid8 AND t.%s > $2::bigint", quoted(c.XID), quoted(c.Seq))
	}
	return fmt.Sprintf("t.%[1]s >= $1::text::xid8 AND t.%[1]s < $2::text::xid8 AND t.%[2]s > $3::bigint AND (t.%[1]s < $4::text::xid8 OR t.%[2]s = ANY ($5::bigint[]))", quoted(c.XID), quoted(c.Seq))
}

// ids turns an array of texts into one of the id's type.
func (s statement) ids(param string) string {
	return param + "::text[]::" + s.t.columns[s.set.Columns.ID].Type + "[]"
}

func (s statement) unmarked() string {
	name := "t." + quoted(s.set.Columns.Mark)
	if s.t.columns[s.set.Columns.Mark].Type == "boolean" {
		return name + " IS NOT TRUE"
	}
	return name + " IS NULL"
}

// batch reads rows in order: at most most, of about budget bytes. What is too large
// itself comes without its document, and counts as an eighth of the budget, since
// its size was asked for. The innermost query takes the first rows as they stand;
// sizes are asked of these alone, and before documents are made.
func (s statement) batch(most int) string {
	headers, headerSize := s.headers()
	var raw, carried []string
	for n := range s.sources() {
		raw = append(raw, fmt.Sprintf("%s AS r%d", s.inTable(n), n))
		carried = append(carried, fmt.Sprintf("b.r%d", n))
	}
	c := s.set.Columns
	if s.set.Mappings != nil { // the document has it all
		c = columns{ID: c.ID, XID: c.XID, Seq: c.Seq}
	}
	return fmt.Sprintf(`
SELECT k.c1, k.c2, k.c3, k.c4, k.c5, k.c6, k.c7, k.c8, k.c9, k.c10, CASE WHEN k.c10 <= %d THEN %s END
FROM (
  SELECT b.c1, b.c2, b.c3, b.c4, b.c5, b.c6, b.c7, b.c8, b.c9, b.c10, b.p, sum(CASE WHEN b.c10 <= %d THEN b.c10 WHEN b.c10 IS NULL THEN 0 ELSE %d END + b.c8) OVER (ORDER BY b.p) AS total, %s
  FROM (
    SELECT %s, %s AS c4, %s AS c5, %s AS c6, %s AS c7, %s AS c8, %s AS c9, octet_length(%s) AS c10, row_number() OVER (ORDER BY %s) AS p, %s
    FROM (SELECT %s FROM %s t WHERE %s ORDER BY %s LIMIT %d) t
  ) b
) k WHERE k.p = 1 OR k.total <= %d ORDER BY k.p`,
		s.set.MaxBytes, s.document(s.inBatch), s.set.MaxBytes, budget/8, strings.Join(carried, ", "),
		s.place(), s.col(c.AggregateType), s.col(c.AggregateID), s.col(c.Type), headers, headerSize, s.time(c.Time), s.document(s.inTable), s.order(), strings.Join(raw, ", "),
		s.plainly(c), s.t.sql(), s.where(), s.order(), most, budget)
}

// plainly lists the columns that are read, as they stand.
func (s statement) plainly(c columns) string {
	c.Mark = ""
	names := append(c.named(), s.sources()...)
	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		names[i] = "t." + quoted(name)
	}
	return strings.Join(names, ", ")
}

// place is what tells where a row is.
func (s statement) place() string {
	return fmt.Sprintf("%s::text AS c1, %s AS c2, left(t.%s::text, %d) AS c3", s.xid(), s.seq(), quoted(s.set.Columns.ID), s.idMost())
}

// idMost bounds what is read of an id. Rows that are marked or deleted are found by
// it: it comes whole, since a unique index bounds it.
func (s statement) idMost() int {
	if s.set.Habit == leave {
		return maxText + 1
	}
	return 1 << 20
}

// next reads the place of the next row and nothing else of it.
func (s statement) next() string {
	return fmt.Sprintf("SELECT %s FROM %s t WHERE %s ORDER BY %s LIMIT 1", s.place(), s.t.sql(), s.where(), s.order())
}

// is selects one row by its place: $1 is the id, and with the habit leave $2 and
// $3 are transaction and number, since an id need not be unique there.
func (s statement) is() string {
	c := s.set.Columns
	if s.set.Habit == leave {
		return fmt.Sprintf("left(t.%s::text, %d) = $1 AND t.%s = $2::text::xid8 AND t.%s = $3::bigint", quoted(c.ID), s.idMost(), quoted(c.XID), quoted(c.Seq))
	}
	return fmt.Sprintf("t.%s = ANY (%s)", quoted(c.ID), s.ids("ARRAY[$1]"))
}

// piece reads a part of the whole row as JSON: so many bytes from one on, counted
// from 1; and how many it has. OFFSET 0 has the JSON made once.
func (s statement) piece(from, size int) string {
	var list []string
	for _, name := range s.t.readable() {
		list = append(list, "t."+quoted(name))
	}
	return fmt.Sprintf("SELECT substr(r.w, %d, %d), octet_length(r.w) FROM (SELECT convert_to((SELECT row_to_json(v)::text FROM (SELECT %s) v), 'UTF8') AS w FROM %s t WHERE %s OFFSET 0) r",
		from, size, strings.Join(list, ", "), s.t.sql(), s.is())
}
