package where

import (
	"slices"
	"strings"
	"unicode"

	"github.com/antlr/antlr4/runtime/Go/antlr"
	"github.com/cloudevents/sdk-go/sql/v2/gen"
)

// plain is a condition that asks of texts alone: all its tests hold. Most agreements have one, and
// an event is asked by many of them, while the library copies an event for each name that it looks
// at. It says what the library says, or nothing (TestPlainSaysTheSame).
type plain []test

// test asks whether the text at a name is one of some, or begins with the only one of them; not:
// whether it is none, or begins otherwise.
type test struct {
	name        string
	not, begins bool
	texts       []string
}

// holds says whether all tests hold; known is false where the library is to be asked.
func (p plain) holds(f *Facts) (holds, known bool) {
	for _, t := range p {
		text, ok := f.text(t.name)
		switch {
		case !ok, t.begins && strings.Contains(text, "%"): // it would meet that of the pattern as a character
			return false, false
		case t.begins:
			ok = strings.HasPrefix(text, t.texts[0])
		default:
			ok = slices.Contains(t.texts, text)
		}
		if ok == t.not {
			return false, true
		}
	}
	return len(p) > 0, len(p) > 0
}

// text gives what stands at a name if that is a text which the library leaves as it is: it reads
// some attributes, and trims others.
func (f *Facts) text(name string) (string, bool) {
	_, condition := f.conditions[name]
	switch name {
	case "specversion", "source", "time", "dataschema", "datacontenttype":
		return "", false
	case "id", "type", "subject":
		text, ok := f.attributes.Get(name)
		return text, ok && !condition && text != "" && text == strings.TrimSpace(text)
	}
	if condition {
		text, ok := f.values[name].(string)
		return text, ok
	}
	return f.attributes.Get(name)
}

// plainOf reads tests with AND between them: name = 'text', name [NOT] IN ('text', ...) and
// name [NOT] LIKE 'text%'. It gives nil for anything else.
func plainOf(tokens []antlr.Token) plain {
	r := reader{rest: tokens}
	for {
		r.test()
		switch {
		case r.bad:
			return nil
		case len(r.rest) == 0:
			return r.read
		}
		r.one(gen.CESQLParserLexerAND)
	}
}

type reader struct {
	read plain
	rest []antlr.Token
	bad  bool
}

// one takes the next token, which is to be of one of these kinds.
func (r *reader) one(kinds ...int) string {
	if r.bad || len(r.rest) == 0 || !slices.Contains(kinds, r.rest[0].GetTokenType()) {
		r.bad = true
		return ""
	}
	text := r.rest[0].GetText()
	r.rest = r.rest[1:]
	return text
}

// is tells whether the next token is of a kind, and takes it then.
func (r *reader) is(kind int) bool {
	if r.bad || len(r.rest) == 0 || r.rest[0].GetTokenType() != kind {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) test() {
	name := r.one(gen.CESQLParserLexerIDENTIFIER, gen.CESQLParserLexerIDENTIFIER_WITH_NUMBER)
	r.bad = r.bad || strings.ContainsFunc(name, func(c rune) bool { return c > unicode.MaxASCII }) // an ı is an I to the lexer
	t := test{name: strings.ToLower(name)}
	t.not = r.is(gen.CESQLParserLexerNOT)
	switch {
	case !t.not && r.is(gen.CESQLParserLexerEQUAL):
		t.texts = []string{r.text()}
	case r.is(gen.CESQLParserLexerLIKE):
		begin, is := strings.CutSuffix(r.text(), "%")
		r.bad = r.bad || !is || strings.ContainsAny(begin, "%_")
		t.begins, t.texts = true, []string{begin}
	default:
		r.one(gen.CESQLParserLexerIN)
		r.one(gen.CESQLParserLexerLR_BRACKET)
		for t.texts = []string{r.text()}; r.is(gen.CESQLParserLexerCOMMA); {
			t.texts = append(t.texts, r.text())
		}
		r.one(gen.CESQLParserLexerRR_BRACKET)
	}
	r.read = append(r.read, t)
}

// text takes a text without anything escaped.
func (r *reader) text() string {
	quoted := r.one(gen.CESQLParserLexerSQUOTED_STRING_LITERAL, gen.CESQLParserLexerDQUOTED_STRING_LITERAL)
	if r.bad {
		return ""
	}
	text := quoted[1 : len(quoted)-1]
	r.bad = strings.ContainsAny(text, `'"\`)
	return text
}
