package eakte

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the days of the E-Akte are those of Berlin wherever the hub runs
	"unicode"

	"github.com/amtsbote/amtsbote/hub"
)

// maxTitle is how many characters of a title are sent.
const maxTitle = 200

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// titleProblem says why a title cannot be filled in, "" if it can.
func titleProblem(title string) string {
	if strings.TrimSpace(title) == "" {
		return "the title is missing"
	}
	for _, found := range placeholder.FindAllStringSubmatch(title, -1) {
		switch name := found[1]; name {
		case "jahr", "monat", "tag", "vorgang", "typ":
		default:
			if !strings.HasPrefix(name, "/") {
				return "knows {jahr}, {monat}, {tag}, {vorgang}, {typ} and JSON Pointers like {/antrag/id}"
			}
		}
	}
	return ""
}

// filler fills in titles from an event.
type filler struct {
	event hub.Event
	data  any
	zone  *time.Location
}

// title fills a title in. The error names no value.
func (f filler) title(title string) (string, error) {
	var failed error
	filled := placeholder.ReplaceAllStringFunc(title, func(found string) string {
		value, err := f.value(found[1 : len(found)-1])
		if err != nil && failed == nil {
			failed = err
		}
		return value
	})
	return shorten(tame(filled), maxTitle), failed
}

func (f filler) value(name string) (string, error) {
	at := f.event.Time().In(f.zone)
	if f.event.Time().IsZero() && (name == "jahr" || name == "monat" || name == "tag") {
		return "", hub.Permanent("unmappable", "fill in a title: the event has no time")
	}
	switch name {
	case "jahr":
		return at.Format("2006"), nil
	case "monat":
		return at.Format("2006-01"), nil
	case "tag":
		return at.Format("02.01.2006"), nil
	case "typ":
		return f.event.Type(), nil
	case "vorgang":
		return caseOf(f.event), nil
	}
	return f.pointed(name)
}

// pointed is the text or number at a JSON Pointer (RFC 6901).
func (f filler) pointed(pointer string) (string, error) {
	v := f.data
	for _, step := range strings.Split(pointer[1:], "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(in) {
				return "", missing(pointer)
			}
			v = in[n]
		default:
			return "", missing(pointer)
		}
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	return "", missing(pointer)
}

// missing names a pointer of the settings.
func missing(pointer string) error {
	return hub.Permanent("unmappable", "fill in a title: the event's data has no text at %s", pointer)
}

// caseOf is what an event belongs to: its case, else its matter, else itself.
func caseOf(e hub.Event) string {
	if v, ok := e.Extensions()[hub.AttrCorrelationID]; ok {
		return fmt.Sprint(v)
	}
	if e.Subject() != "" {
		return e.Subject()
	}
	return e.ID()
}

// caseKey is caseOf as it stands in a mark: what is no case of the hub is unique only
// within its source.
func caseKey(e hub.Event) []string {
	if _, ok := e.Extensions()[hub.AttrCorrelationID]; ok {
		return []string{caseOf(e)}
	}
	return []string{e.Source(), caseOf(e)}
}

// tame takes out what is no character of a line.
func tame(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
}

func shorten(s string, limit int) string {
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit])
	}
	return s
}
