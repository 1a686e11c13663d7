package schemas

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Problem is why a schema, or an example of one, is not admitted.
type Problem struct {
	Code         string // SCHEMA_META, REF_FORBIDDEN …
	File         string // within the schema directory
	Pointer      string // in the file
	Line, Column int    // from 1; 0 when the problem is the file as a whole
	De, En       string // what is wrong
}

// Codes of problems.
const (
	CodeLayout   = "SCHEMA_LAYOUT"     // a file or folder that does not belong
	CodeJSON     = "SCHEMA_JSON"       // not strict JSON
	CodeMeta     = "SCHEMA_META"       // no valid JSON Schema 2020-12
	CodeKeyword  = "SCHEMA_KEYWORD"    // a keyword that is unknown or not allowed here
	CodeOpen     = "SCHEMA_OPEN"       // accepts what it does not name
	CodeMark     = "SCHEMA_MARK"       // an x- mark is missing or wrong
	CodeCost     = "SCHEMA_COST"       // too large or too dear once references are resolved
	CodeTaken    = "SCHEMA_TAKEN"      // the type has a schema elsewhere
	CodeExample  = "SCHEMA_EXAMPLE"    // examples are missing or do not do what they say
	CodeRefBan   = "REF_FORBIDDEN"     // a reference out of the registry
	CodeRefGone  = "REF_UNRESOLVED"    // a reference to nothing
	CodeRefLoop  = "REF_LOOP"          // a reference to itself
	CodeRegex    = "REGEX_UNSUPPORTED" // a pattern that RE2 does not know
	CodeInternal = "INTERNAL"
)

// Error is the problem in English, as a line.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Code, p.En)
}

// problems collects what is wrong with one file.
type problems struct {
	file string
	raw  []byte
	list []error
}

func (p *problems) at(pointer, code, de, en string, args ...any) {
	line, column := 0, 0
	if p.raw != nil {
		line, column = position(p.raw, pointer)
	}
	p.list = append(p.list, &Problem{
		Code: code, File: p.file, Pointer: pointer, Line: line, Column: column,
		De: fmt.Sprintf(de, args...), En: fmt.Sprintf(en, args...),
	})
}

func (p *problems) open(at string) {
	p.at(at, CodeOpen, "Das Objekt ist offen: additionalProperties: false fehlt.", "The object is open: additionalProperties: false is missing.")
}

// syntax reports that the file is no strict JSON, where the decoder stopped.
func (p *problems) syntax(err error) {
	problem := &Problem{Code: CodeJSON, File: p.file, De: "Kein gültiges JSON: " + err.Error() + ".", En: "Not valid JSON: " + err.Error() + "."}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		problem.Line, problem.Column = lineColumn(p.raw, int(s.ByteOffset))
		cause := strings.TrimPrefix(fmt.Sprint(s.Err), "jsontext: ")
		problem.De, problem.En = "Kein gültiges JSON: "+cause+".", "Not valid JSON: "+cause+"."
	}
	p.list = append(p.list, problem)
}
