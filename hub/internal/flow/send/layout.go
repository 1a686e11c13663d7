package send

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// layout is which headers untouched copies have: those of the event in its content mode, and
// behind them the hub's. Most copies have one of a few, so their headers are kept with it and
// filled anew: a map of a dozen headers costs more than what is written into it.
type layout struct {
	structured, typed bool     // the content mode; there is a content type
	attributes        []string // of the event in binary mode
	names             []string // of all headers
	bytes             int      // of names
	used              sync.Pool
}

// hubs are the hub's headers that all copies have. They come last in a layout, since they differ
// from receiver to receiver. Which event it is, the second one says (event.Message.Of).
var hubs = []string{event.HeaderAgreement, event.HeaderDelivery}

func newLayout(e *event.Event) *layout {
	l := &layout{structured: e.Structured}
	if l.typed = e.Structured || e.ContentType() != ""; l.typed {
		l.names = append(l.names, "Content-Type")
	}
	if e.Structured {
		l.names = append(l.names, event.HeaderKey)
	} else {
		for _, a := range e.Attributes {
			name := strings.Clone(a.Name) // which may be a piece of the message
			l.attributes = append(l.attributes, name)
			l.names = append(l.names, event.HeaderOf(name))
		}
	}
	l.names = append(l.names, hubs...)
	for _, name := range l.names {
		l.bytes += len(name)
	}
	l.used.New = func() any {
		own := &event.Own{Header: make(map[string][]string, len(l.names)+ofChain), Values: make([]string, len(l.names)), Pool: &l.used}
		for i, name := range l.names {
			own.Header[name] = own.Values[i : i+1 : i+1]
		}
		return own
	}
	return l
}

// ofChain is how many headers a message gets as part of a chain.
const ofChain = 2

func (l *layout) fits(e *event.Event) bool {
	named := func(name string, a event.Attribute) bool { return name == a.Name }
	return l.structured == e.Structured && (l.structured || l.typed == (e.ContentType() != "") && slices.EqualFunc(l.attributes, e.Attributes, named))
}

// common appends the values that all copies of an event have.
func (l *layout) common(to []string, e *event.Event) []string {
	switch {
	case l.structured:
		return append(to, "application/cloudevents+json", event.PercentEncode(e.Key()))
	case l.typed:
		to = append(to, e.ContentType())
	}
	for i := range l.attributes { // the event's, by fits
		to = append(to, event.PercentEncode(e.Attributes[i].Value))
	}
	return to
}

// copyOf makes a message with the headers of an untouched copy.
func (l *layout) copyOf(common []string, agreement, delivery string) event.Message {
	own, _ := l.used.Get().(*event.Own)
	n := copy(own.Values, common)
	own.Values[n], own.Values[n+1] = agreement, delivery
	own.Bytes = l.bytes
	for _, v := range own.Values {
		own.Bytes += len(v)
	}
	return event.Message{Header: own.Header, Own: own}
}

// layouts are those that came lately.
type layouts struct {
	last atomic.Pointer[layout]
	mu   sync.Mutex
	all  []*layout
}

// maxLayouts is how many are kept.
const maxLayouts = 64

func (s *layouts) of(e *event.Event) *layout {
	if l := s.last.Load(); l != nil && l.fits(e) {
		return l
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(l *layout) bool { return l.fits(e) })
	if i < 0 {
		if len(s.all) == maxLayouts {
			s.all = slices.Delete(s.all, 0, 1)
		}
		i, s.all = len(s.all), append(s.all, newLayout(e))
	}
	s.last.Store(s.all[i])
	return s.all[i]
}

// loose are the headers of copies that have been written anew.
var loose sync.Pool

func init() {
	loose.New = func() any { return &event.Own{Header: make(map[string][]string, usualHeaders), Pool: &loose} }
}

// usualHeaders is about how many headers such a copy has, those of a chain included.
const usualHeaders = 12

// more are the headers that only some copies have.
var more = []string{event.HeaderRetain, event.HeaderConfirm, event.HeaderReceipt}

// Done takes back what Copies made, once it is stored: nobody may use its headers then.
func Done(copies []event.Message) {
	for i := range copies {
		own := copies[i].Own
		if own == nil {
			continue
		}
		copies[i].Header, copies[i].Own = nil, nil
		switch {
		case own.Values == nil:
			clear(own.Header)
			own.Place.Says = 0
		case own.More > 0:
			for _, name := range more {
				delete(own.Header, name)
			}
		}
		own.More = 0
		own.Pool.Put(own)
	}
}
