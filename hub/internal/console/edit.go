package console

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// editPage is a refused event as a text that can be changed.
type editPage struct {
	Seq      uint64
	ID       string
	Code     string
	Sentence string
	At, Rule string
	Text     string
	Reason   string
	Why      string // it cannot be edited here
	NotDone  notDone
}

// toEdit is toClear for who sees the event in full, which is in the trail by now.
func (q *request) toEdit() (*refusedEvent, group, error) {
	e, g, err := q.toClear()
	if err == nil && q.person.sight(search.Organisation(g.Application)) < federation.SightFull {
		err = foreign(search.Organisation(g.Application))
	}
	if err == nil && e.Copy {
		err = errNotFound
	}
	return e, g, err
}

func (q *request) editRefused() error {
	if done, err := q.cleared(); done || err != nil {
		return err
	}
	e, g, err := q.toEdit()
	if err != nil {
		return err
	}
	if q.session.looking(quarantineAt(e.Seq), q.now()).IsZero() {
		q.back("/quarantine/"+strconv.FormatUint(e.Seq, 10), "look")
		return nil
	}
	data := q.editPage(e, g)
	if d, ok := q.drafts.find(q.session, e.Seq); ok && q.r.URL.Query().Has(draftField) {
		data.Text, data.Reason = d.text, d.reason
		return q.showEdit(data, d.err)
	}
	var ok bool
	if data.Text, ok = editable(e.message); !ok {
		data.Why = q.t.EditNoText
	} else if len(data.Text) > quarantine.MaxEdited {
		data.Why, data.Text = q.t.EditTooLarge, ""
	}
	return q.show("edit", q.t.Edit, data)
}

func (q *request) editPage(e *refusedEvent, g group) *editPage {
	data := &editPage{Seq: e.Seq, ID: e.ID, Code: string(g.Code), Sentence: g.Code.Sentence(q.lang), At: e.At}
	if e.Keyword != "" {
		data.Rule = q.rule(e.Keyword)
	}
	return data
}

// resubmitEdited sends what was edited in the place of a refused event.
func (q *request) resubmitEdited() error {
	if done, err := q.again(decision.ActQuarantineEdit); done || err != nil {
		return err
	}
	if done, err := q.cleared(); done || err != nil {
		return err
	}
	e, g, err := q.toEdit()
	if err != nil {
		return err
	}
	data := q.editPage(e, g)
	data.Text = strings.ReplaceAll(q.r.PostFormValue("event"), "\r\n", "\n") // as browsers send it
	reason, ok := q.reason()
	data.Reason = reason
	if !ok {
		return q.notTaken(data, errNoReason)
	}
	r := quarantine.Request{
		Act: decision.ActQuarantineEdit, Seq: e.Seq, Who: q.person.who, Reason: reason, Application: g.Application, Edited: []byte(data.Text),
	}
	return q.act(r, func(err error) error { return q.notTaken(data, err) })
}

// draftField in the address of the editing page asks for what was not taken.
const draftField = "entwurf"

// notTaken shows again what was edited. Whoever now changes the language asks for the page
// anew, and finds it there.
func (q *request) notTaken(data *editPage, err error) error {
	q.drafts.keep(draft{session: q.session, seq: data.Seq, text: data.Text, reason: data.Reason, err: err})
	q.here = "/quarantine/" + strconv.FormatUint(data.Seq, 10) + "/edit?" + draftField + "=1"
	return q.showEdit(data, err)
}

func (q *request) showEdit(data *editPage, err error) error {
	if errors.Is(err, errNoReason) {
		data.NotDone.Text = q.t.SaidReason
	} else {
		data.NotDone, _ = q.why(err)
	}
	return q.show("edit", q.t.Edit, data)
}

// editable gives a refused event as structured JSON, as far as it can be read; ok is
// false for bytes that are no text.
func editable(m *event.Message) (text string, ok bool) {
	e, _ := accept.Decode(m)
	switch {
	case e != nil && e.Structured:
		return escaped(string(m.Data)), true
	case e != nil:
		return escaped(structured(e)), true
	case !utf8.Valid(m.Data):
		return "", false
	}
	attributes := map[string]string{}
	for name, values := range m.Header {
		if attr, is := strings.CutPrefix(strings.ToLower(name), "ce-"); is && len(values) > 0 {
			attributes[attr], _ = event.PercentDecode(values[0])
		}
	}
	if len(attributes) == 0 { // structured, or nothing that can be told
		return escaped(string(m.Data)), true
	}
	if t := m.Get("Content-Type"); t != "" && attributes["datacontenttype"] == "" {
		attributes["datacontenttype"] = t
	}
	return escaped(object(attributes, `"data": `+string(m.Data))), true
}

// structured writes an event that came in binary mode as its sender could have.
func structured(e *event.Event) string {
	attributes := map[string]string{}
	for _, a := range e.Attributes {
		attributes[a.Name] = a.Value
	}
	switch {
	case len(e.Data) == 0:
		return object(attributes, "")
	case e.JSON:
		return object(attributes, `"data": `+string(bytes.TrimSpace(e.Data)))
	}
	return object(attributes, `"data_base64": "`+base64.StdEncoding.EncodeToString(e.Data)+`"`)
}

// leading are the attributes that people look for.
var leading = []string{"specversion", "id", "source", "type"}

func object(attributes map[string]string, data string) string {
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		if !slices.Contains(leading, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var lines []string
	for _, name := range append(slices.Clone(leading), names...) {
		n, _ := json.Marshal(name)
		v, _ := json.Marshal(attributes[name])
		lines = append(lines, fmt.Sprintf("  %s: %s", n, v))
	}
	if data != "" {
		lines = append(lines, "  "+data)
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// escaped makes characters seen that do something instead, in the way of JSON.
func escaped(s string) string {
	if !strings.ContainsFunc(s, acts) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func acts(r rune) bool { return hidden(r) && r != '\n' && r != '\r' && r != '\t' }
