package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// payload is what an event holds, as far as the person may see it.
type payload struct {
	At      string
	In      string
	Seq     uint64
	MayLook bool      // in full, with a reason
	Until   time.Time // it is shown in full so long; zero: it is masked
	Why     string    // why nothing is shown; "" when there is something
	Lines   []payloadLine
	Text    string // of what is no JSON, in full only
	Cut     bool   // there is more than is shown
	Size    int
	wrong   []wrong // more that is wrong with it
}

// payloadLine is a value or the beginning of an object or list.
type payloadLine struct {
	Depth  int
	Name   string
	Value  string
	Title  string // of the field, by its schema
	Hidden bool   // the value is not shown
	Wrong  string // what is wrong here, "" for nothing
	Opens  bool   // what follows deeper is part of it
}

// Bounds of what is shown.
const (
	maxLines = 2000
	maxValue = 4000 // characters
	maxText  = 200_000
)

// show fills the payload from a message. pointer ("/data/…") and keyword say what is
// wrong with it; both may be "".
func (p *payload) show(q *request, m *event.Message, typ, pointer, keyword string) {
	full := !p.Until.IsZero()
	e, _ := accept.Decode(m)
	raw := m.Data
	if e != nil {
		raw, typ = e.Data, e.Type()
	}
	p.Size = len(raw)
	v, err := readOrdered(raw)
	switch {
	case err != nil && full:
		p.Text, p.Cut = visibleText(string(raw[:min(len(raw), maxText)])), len(raw) > maxText
		return
	case err != nil:
		p.Why = q.t.PayloadUnreadable
		return
	}
	schema, _ := q.cfg.Hub.Federation().Schemas.Lookup(typ)
	w := &payloadWalk{p: p, full: full, lang: q.lang, t: q.t, fields: fieldsOf(schema)}
	if keyword != "" || pointer != "" {
		w.wrong, w.why = strings.TrimPrefix(pointer, "/data"), refusal.RuleSentence(keyword, q.lang)
		if keyword == "" {
			w.why = q.t.WrongHere
		}
		if pointer != "" && !strings.HasPrefix(pointer, "/data") && e != nil {
			w.wrong = "\x00" // an attribute, not in the payload
		}
	}
	w.more = map[string]string{}
	for _, one := range p.wrong {
		w.more[strings.TrimPrefix(one.At, "/data")] = one.Rule
	}
	w.value("", "", 0, v)
}

type payloadWalk struct {
	p      *payload
	full   bool
	lang   string
	t      *messages
	fields map[string]schemas.Field
	wrong  string // pointer with the places of items
	why    string
	more   map[string]string // why, at other pointers
	at     []string          // the names on the way, with the places of items
}

// value adds the lines of a value. pointer has no places of items, as those of fields.
func (w *payloadWalk) value(name, pointer string, depth int, v any) {
	if len(w.p.Lines) >= maxLines {
		w.p.Cut = true
		return
	}
	f, known := w.fields[pointer]
	if !w.full && f.Sperre != "" {
		return // that there is a Sperre says where somebody is in danger
	}
	l := payloadLine{Depth: min(depth, 12), Name: w.name(name, known), Title: f.Title}
	if w.lang == "en" && f.TitleEn != "" {
		l.Title = f.TitleEn
	}
	l.Wrong = w.wrongHere()
	switch v := v.(type) {
	case ordered:
		l.Opens = true
		if depth > 0 || l.Wrong != "" {
			w.p.Lines = append(w.p.Lines, l)
		}
		for _, m := range v {
			w.down(m.name, func() { w.value(m.name, pointer+"/"+escape(m.name), depth+1, m.value) })
		}
	case []any:
		l.Opens = true
		w.p.Lines = append(w.p.Lines, l)
		for i, item := range v {
			w.down(strconv.Itoa(i), func() { w.value(strconv.Itoa(i+1)+".", pointer, depth+1, item) })
		}
	default:
		if l.Hidden = !w.full && (!known || !f.Leaf || f.Datenkategorie != "" || l.Wrong != ""); !l.Hidden {
			l.Value = visible(text(v), maxValue)
		}
		w.p.Lines = append(w.p.Lines, l)
	}
}

// wrongHere says what is wrong with the value that is looked at; "" for nothing.
func (w *payloadWalk) wrongHere() string {
	at := ""
	if len(w.at) > 0 {
		at = "/" + strings.Join(w.at, "/")
	}
	if w.why != "" && at == w.wrong {
		return w.why
	}
	return w.more[at]
}

func (w *payloadWalk) down(name string, fn func()) {
	w.at = append(w.at, escape(name))
	fn()
	w.at = w.at[:len(w.at)-1]
}

// name of a field; one that no schema knows may be anything, so it is shown in full only.
func (w *payloadWalk) name(name string, known bool) string {
	if w.full || known || name == "" || strings.HasSuffix(name, ".") && isPlace(name) {
		return visible(name, 100)
	}
	return w.t.UnknownField
}

func isPlace(name string) bool {
	_, err := strconv.Atoi(strings.TrimSuffix(name, "."))
	return err == nil
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// visibleText is visible for a text of several lines.
func visibleText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = visible(strings.TrimSuffix(l, "\r"), maxText)
	}
	return strings.Join(lines, "\n")
}

// ordered is an object with its members in their order.
type ordered []member

type member struct {
	name  string
	value any
}

// maxDepth of what is read; deeper JSON is shown as text.
const maxDepth = 64

// readOrdered reads JSON, at most maxLines values of it.
func readOrdered(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	r := &orderedReader{d: d}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.left < 0 {
		return v, nil // the rest is not read
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return v, nil
}

type orderedReader struct {
	d    *json.Decoder
	n    int
	left int // negative: it was enough
}

func (r *orderedReader) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	tok, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	if r.n++; r.n > 4*maxLines {
		r.left = -1
	}
	switch tok {
	case json.Delim('{'):
		return r.object(depth)
	case json.Delim('['):
		return r.list(depth)
	}
	return tok, nil
}

func (r *orderedReader) object(depth int) (any, error) {
	out := ordered{}
	for r.left >= 0 && r.d.More() {
		name, err := r.d.Token()
		if err != nil {
			return nil, err
		}
		s, ok := name.(string)
		if !ok {
			return nil, errors.New("a name is no text")
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, member{s, v})
	}
	return out, r.end()
}

func (r *orderedReader) list(depth int) (any, error) {
	out := []any{}
	for r.left >= 0 && r.d.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return slices.Clip(out), r.end()
}

func (r *orderedReader) end() error {
	if r.left < 0 {
		return nil
	}
	_, err := r.d.Token()
	return err
}
