// Package where compiles and evaluates the conditions of agreements: CESQL
// expressions (CloudEvents SQL 1.0) over the attributes of an event and the data
// conditions that its schema declares.
package where

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/antlr/antlr4/runtime/Go/antlr"
	cesql "github.com/cloudevents/sdk-go/sql/v2"
	sqlerrors "github.com/cloudevents/sdk-go/sql/v2/errors"
	"github.com/cloudevents/sdk-go/sql/v2/gen"
	"github.com/cloudevents/sdk-go/sql/v2/parser"
	"github.com/cloudevents/sdk-go/sql/v2/runtime"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Limits of a where; its parser has none.
const (
	maxWhere  = 1000
	maxParens = 16
)

// Expression is a compiled CESQL expression (CloudEvents SQL 1.0).
type Expression struct {
	expression cesql.Expression
	plain      plain    // the same, if it asks of texts alone; otherwise nil
	Names      []string // attributes and conditions that it looks at
}

// parsing: the parser's tables are shared and filled as it goes.
var parsing sync.Mutex

// Parse compiles an expression. The library panics on plain mistakes and
// its lexer writes to the process output, so a lexer of our own goes first.
func Parse(s string) (w *Expression, err error) {
	defer func() {
		if recover() != nil {
			w, err = nil, &Mistake{Kind: Syntax}
		}
	}()
	parsing.Lock()
	defer parsing.Unlock()
	if len(s) > maxWhere {
		return nil, &Mistake{TooLong, maxWhere, ""}
	}
	names, plain, err := scanWhere(s)
	if err != nil {
		return nil, err
	}
	e, err := parser.Parse(s)
	if err != nil {
		return nil, &Mistake{Kind: Syntax}
	}
	w = &Expression{e, plain, names}
	if len(names) > 0 {
		return w, nil
	}
	if _, err := w.Holds(FactsOf(nil, nil, nil)); err != nil { // nor will it ever
		return nil, &Mistake{Kind: NoTruth}
	}
	return w, nil
}

// scanWhere collects the names used, reads a condition on texts alone, and refuses what the
// lexer does not know.
func scanWhere(s string) ([]string, plain, error) {
	l := gen.NewCESQLParserLexer(parser.NewCaseChangingStream(antlr.NewInputStream(s), true))
	l.RemoveErrorListeners()
	wrong := &lexErrors{}
	l.AddErrorListener(wrong)
	tokens := l.GetAllTokens()
	if wrong.seen {
		return nil, nil, &Mistake{Character, wrong.at + 1, ""}
	}
	var names []string
	depth := 0
	for i, t := range tokens {
		switch t.GetTokenType() {
		case gen.CESQLParserLexerLR_BRACKET:
			if depth++; depth > maxParens {
				return nil, nil, &Mistake{TooDeep, maxParens, ""}
			}
		case gen.CESQLParserLexerRR_BRACKET:
			depth--
		case gen.CESQLParserLexerIDENTIFIER, gen.CESQLParserLexerIDENTIFIER_WITH_NUMBER:
			name := strings.ToLower(t.GetText())
			if !opens(tokens[i+1:]) {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
				continue
			}
			if err := known(t.GetText(), tokens[i+2:]); err != nil {
				return nil, nil, err
			}
		case gen.CESQLParserLexerFUNCTION_IDENTIFIER_WITH_UNDERSCORE:
			if opens(tokens[i+1:]) {
				if err := known(t.GetText(), tokens[i+2:]); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return names, plainOf(tokens), nil
}

func opens(rest []antlr.Token) bool {
	return len(rest) > 0 && rest[0].GetTokenType() == gen.CESQLParserLexerLR_BRACKET
}

// known looks for a function with as many arguments as stand before the bracket
// closes: the library would only fail at each event.
func known(name string, rest []antlr.Token) error {
	depth, arguments := 1, 0
	for i := 0; i < len(rest) && depth > 0; i++ {
		switch rest[i].GetTokenType() {
		case gen.CESQLParserLexerLR_BRACKET:
			depth++
		case gen.CESQLParserLexerRR_BRACKET:
			depth--
		case gen.CESQLParserLexerCOMMA:
			if depth == 1 {
				arguments++
			}
		}
		if depth > 0 && arguments == 0 {
			arguments = 1
		}
	}
	if runtime.ResolveFunction(name, arguments) == nil {
		return &Mistake{Function, arguments, name}
	}
	return nil
}

type lexErrors struct {
	antlr.DefaultErrorListener
	seen bool
	at   int
}

// SyntaxError notes the first mistake.
func (l *lexErrors) SyntaxError(_ antlr.Recognizer, _ any, _, column int, _ string, _ antlr.RecognitionException) {
	if !l.seen {
		l.seen, l.at = true, column
	}
}

// Facts are what expressions look at: the attributes of one event and the values
// of its data conditions. They are made once and asked by many, one after the other.
type Facts struct {
	attributes event.Attributes
	conditions map[string]string
	values     map[string]any
	event      cloudevents.Event
	taken      []string // names that event has, if they have a value
}

// FactsOf takes the attributes and the data conditions by name; conditions names
// all that the type has. A name that is a condition of the type is taken from
// values alone: a sender's attribute of that name must not pass for it.
func FactsOf(attrs event.Attributes, conditions map[string]string, values map[string]any) *Facts {
	return &Facts{attributes: attrs, conditions: conditions, values: values}
}

// take gives the event what stands at these names. It has no more than is asked for: the
// library copies all of it to look at one.
func (f *Facts) take(names []string) {
	if f.event.Context == nil {
		f.event = cloudevents.New()
	}
	for _, name := range names {
		if slices.Contains(f.taken, name) {
			continue
		}
		f.taken = append(f.taken, name)
		if _, is := f.conditions[name]; is {
			if value, given := f.values[name]; given {
				f.event.SetExtension(name, scalarOf(value))
			}
		} else if value, given := f.attributes.Get(name); given {
			setAttribute(&f.event, name, value)
		}
	}
}

// Holds evaluates w. An error means that it could not be: a no. It names no
// value.
func (w *Expression) Holds(f *Facts) (ok bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			ok, err = false, errors.New("evaluate where: panic")
		}
	}()
	if ok, known := w.plain.holds(f); known {
		return ok, nil
	}
	return w.ask(f)
}

// ask asks the library.
func (w *Expression) ask(f *Facts) (bool, error) {
	f.take(w.Names)
	v, err := w.expression.Evaluate(f.event)
	if err != nil {
		return false, whereError(err)
	}
	ok, isBool := v.(bool)
	if !isBool {
		return false, errors.New("evaluate where: no truth value")
	}
	return ok, nil
}

func setAttribute(e *cloudevents.Event, name, value string) {
	switch name {
	case "specversion":
	case "id":
		e.SetID(value)
	case "source":
		e.SetSource(value)
	case "type":
		e.SetType(value)
	case "subject":
		e.SetSubject(value)
	case "dataschema":
		e.SetDataSchema(value)
	case "datacontenttype":
		e.SetDataContentType(value)
	case "time":
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
			e.SetTime(t)
		}
	default:
		e.SetExtension(name, value)
	}
}

// whereError says what failed without the values, which are data.
func whereError(err error) error {
	switch {
	case sqlerrors.IsMissingAttributeError(err):
		return errors.New("evaluate where: a name has no value")
	case sqlerrors.IsCastError(err):
		return errors.New("evaluate where: a value is of another type")
	}
	return errors.New("evaluate where: failed")
}

// scalarOf turns a JSON value into what CESQL knows.
func scalarOf(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := strconv.ParseInt(string(n), 10, 32); err == nil {
		return int32(i)
	}
	return string(n)
}
