package postgres

import (
	"context"
	"fmt"
	"strings"
)

// settle marks or deletes rows whose ids are in $1.
func (s statement) settle() string {
	c := s.set.Columns
	if s.set.Habit == remove {
		return fmt.Sprintf("DELETE FROM %s t WHERE t.%s = ANY (%s)", s.t.sql(), quoted(c.ID), s.ids("$1"))
	}
	value := "now()"
	if s.t.columns[c.Mark].Type == "boolean" {
		value = "true"
	}
	return fmt.Sprintf("UPDATE %s t SET %s = %s WHERE t.%s = ANY (%s) AND %s", s.t.sql(), quoted(c.Mark), value, quoted(c.ID), s.ids("$1"), s.unmarked())
}

// rest counts the rows among those in $1 that are there and not marked.
func (s statement) rest() string {
	c := s.set.Columns
	text := fmt.Sprintf("SELECT count(*) FROM %s t WHERE t.%s = ANY (%s)", s.t.sql(), quoted(c.ID), s.ids("$1"))
	if s.set.Habit == mark {
		text += " AND " + s.unmarked()
	}
	return text
}

// wanted selects rows of the types that are for the hub, where others are not: with
// the habits mark and delete these stay as they are. It says what typeOf says.
func (s statement) wanted() string {
	if s.set.Others != ignore || s.set.Type != "" || s.set.Mappings != nil {
		return ""
	}
	name := "t." + quoted(s.set.Columns.Type) + "::text"
	if s.set.Types == nil {
		return fmt.Sprintf(` AND %s || coalesce(%s, '') COLLATE "C" ~ %s`, literal(s.set.TypePrefix), name, literal(typeForm.String()))
	}
	var list []string
	for typ := range s.set.Types {
		list = append(list, literal(typ))
	}
	return fmt.Sprintf(" AND %s IN (%s)", name, strings.Join(list, ", "))
}

// literal is a text in SQL, whatever standard_conforming_strings is.
func literal(text string) string {
	return " E'" + strings.NewReplacer("'", "''", `\`, `\\`, "\x00", "").Replace(text) + "'"
}

// letGo marks or deletes rows, and looks that it is so: where a trigger or a policy
// of the owner prevents it silently, they would come again and again.
func (r *run) letGo(ctx context.Context, s *session, ids []string) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	done, err := s.conn.Exec(ctx, s.sql.settle(), ids)
	if err != nil {
		return fmt.Errorf("%s rows that are stored: %w", r.set.Habit, tame(err))
	}
	if done.RowsAffected() >= int64(len(ids)) {
		return nil
	}
	var rest int
	if err := s.conn.QueryRow(ctx, s.sql.rest(), ids).Scan(&rest); err != nil {
		return fmt.Errorf("look at rows that are stored: %w", tame(err))
	}
	if rest > 0 {
		return refuse("%d rows of table %s are stored as events, and %s changes nothing in them without an error: a trigger or a policy prevents it (owner of the database)",
			rest, s.table, r.set.Habit)
	}
	return nil // others were faster
}
