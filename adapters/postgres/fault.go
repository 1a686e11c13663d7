package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// tame takes out of an error of the server what may be data: messages of the
// classes 22 (data), 23 (constraints) and P0 (the owner's own functions) quote
// values, as do details, hints and contexts. The code stays, and the names.
func tame(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch class(pg.Code) {
	case "22", "23", "P0", "XX", "54":
		text := "SQLSTATE " + pg.Code
		for _, name := range []struct{ what, value string }{{"table", pg.TableName}, {"column", pg.ColumnName}, {"constraint", pg.ConstraintName}} {
			if name.value != "" {
				text += ", " + name.what + " " + name.value
			}
		}
		return errors.New(text)
	}
	return fmt.Errorf("%s (SQLSTATE %s)", strings.ToValidUTF8(pg.Message, "?"), pg.Code)
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

const timedOut = "57014" // query_canceled: statement_timeout
