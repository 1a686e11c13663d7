package eakte

import (
	"net/http"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Judge is what the hub is told of an answer to a call.
func Judge(status int, body string) *hub.Fault {
	err := judge([]byte(body), &eai.Error{Status: status, Code: eai.Refused, Blocking: status >= http.StatusInternalServerError})
	return hub.FaultOf(fault("call", err))
}

// At makes a sink's clock.
func At(s hub.Sink, now func() time.Time) hub.Sink {
	known, ok := s.(*sink)
	if !ok {
		panic("no sink of this kind")
	}
	known.now = now
	return s
}

// Filled fills in a title.
func Filled(e hub.Event, title string) (string, error) {
	data, err := readData(e)
	if err != nil {
		return "", err
	}
	return filler{e, data, time.UTC}.title(title)
}

// TitleProblem says why a title cannot be filled in.
func TitleProblem(title string) string { return titleProblem(title) }

// Documents are the names and references of what is filed of an event.
func Documents(e hub.Event) (all [][2]string, err error) {
	data, err := readData(e)
	if err != nil {
		return nil, err
	}
	docs, err := documents(e, data, true)
	for _, d := range docs {
		all = append(all, [2]string{d.name, d.ref})
	}
	return all, err
}

// Reference is the Geschäftszeichen behind a title.
func Reference(name, title string) string { return reference(name, title) }
