package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// telling are the classes of which the server's own messages name things and hold
// no data: connections, rights, resources, the operator's doing, transactions.
var telling = []string{"08", "0A", "25", "28", "3D", "3F", "40", "53", "55", "57", "58"}

// naming are states of class 42, whose messages name a table, column or function.
var naming = []string{"42501", "42P01", "42703", "42704", "42883", "42P10"}

// tame takes out of an error of the server what may be data. Its own messages stay
// where they hold none. Functions of the owner may raise any state with any text:
// such an error has a context, and of it, as of all other states, only the code and
// the names stay. Details, hints and contexts never do.
func tame(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	if pg.Where == "" && (slices.Contains(telling, class(pg.Code)) || slices.Contains(naming, pg.Code)) {
		return fmt.Errorf("%s (SQLSTATE %s)", strings.ToValidUTF8(pg.Message, "?"), pg.Code)
	}
	text := "SQLSTATE " + pg.Code
	for _, name := range []struct{ what, value string }{{"table", pg.TableName}, {"column", pg.ColumnName}, {"constraint", pg.ConstraintName}} {
		if name.value != "" {
			text += ", " + name.what + " " + name.value
		}
	}
	return errors.New(text)
}

// known are the classes that PostgreSQL defines (manual, appendix A). Any other is
// of a function of the owner, as P0 is.
const known = " 00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX "

// raised tells errors that a function of the owner raises.
func raised(err error) bool {
	c := class(sqlState(err))
	return c == "P0" || c != "" && !strings.Contains(known, " "+c+" ")
}

// class is the first part of an SQLSTATE; "" for none.
func class(code string) string {
	if len(code) != 5 {
		return ""
	}
	return code[:2]
}

// sqlState gives the code of an error that the server gave; "" for others.
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// rowsFault tells errors that come of what stands in a row: data that cannot be
// converted, damage, a value that is too large.
func rowsFault(err error) bool {
	code := sqlState(err)
	return class(code) == "22" || class(code) == "54" || code == "XX001" || code == "XX002"
}

// stubborn tells errors that may pass, or may come of one row for ever: more than
// the server's memory, its time, or an error inside it.
func stubborn(err error) bool {
	code := sqlState(err)
	return code == timedOut || code == "XX000" || code == "53200"
}

const timedOut = "57014" // query_canceled: statement_timeout
