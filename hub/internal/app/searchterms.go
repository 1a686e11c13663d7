package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/search"
	"github.com/amtsbote/amtsbote/schemas"
)

// termsKey is derived from the key of the ledger, which each installation has for itself.
func termsKey(installation []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, installation, nil, "amtsbote search terms", sha256.Size)
}

// learnTerms has the search index keep hashes of what callers may have. What goes wrong
// there leaves the hub at work.
func (a *App) learnTerms(ctx context.Context) error {
	x := a.steward.search
	for {
		err := x.Learn(ctx, payloads{a})
		if err == nil || ctx.Err() != nil || x.Err() != nil { // the index has told of that
			return nil
		}
		a.log.Warn("the search index of the console does not read payloads; trying again", zap.Error(err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// payloads are the events in the in streams.
type payloads struct{ a *App }

var _ search.Payloads = payloads{}

// Known implements search.Payloads.
func (p payloads) Known(subject string) bool {
	parts := strings.SplitN(subject, ".", 4) // in.<org>.<app>.<type>
	if len(parts) != 4 {
		return false
	}
	fed := p.a.Federation()
	_, app := fed.Application(parts[1] + "." + parts[2])
	_, typ := fed.Schemas.Lookup(parts[3])
	return app && typ
}

// readOnFrom is how many events of one stream are read in a row rather than one by one.
const readOnFrom = 32

var errFar = errors.New("read far enough")

// Terms implements search.Payloads. Types without anything to search for are not read.
func (p payloads) Terms(ctx context.Context, events []search.Event) (out []search.Found, err error) {
	byStream := map[string]map[uint64]*search.Event{}
	for i := range events {
		e := &events[i]
		s, ok := p.a.Federation().Schemas.Lookup(e.Type)
		if !ok || len(s.Suchbar) == 0 && len(s.SuchbarAttribute) == 0 {
			continue
		}
		if byStream[e.In] == nil {
			byStream[e.In] = map[uint64]*search.Event{}
		}
		byStream[e.In][e.Seq] = e
	}
	for in, wanted := range byStream {
		err := p.read(ctx, in, wanted, func(e *search.Event, m *event.Message) {
			if f := p.found(e, m); f != nil {
				out = append(out, *f)
			}
		})
		if err != nil {
			if _, gone := p.a.bus.State(ctx, in); errors.Is(gone, bus.ErrNoStream) {
				continue
			}
			return nil, err
		}
	}
	return out, nil
}

// read gives the messages of a stream that are wanted and there.
func (p payloads) read(ctx context.Context, in string, wanted map[uint64]*search.Event, fn func(*search.Event, *event.Message)) error {
	first, last := ^uint64(0), uint64(0)
	for seq := range wanted {
		first, last = min(first, seq), max(last, seq)
	}
	if n := uint64(len(wanted)); n >= readOnFrom && last-first < 4*n {
		err := p.a.bus.Read(ctx, in, first, nil, func(m *event.Message) error {
			if e := wanted[m.Seq]; e != nil {
				fn(e, m)
			}
			if m.Seq >= last {
				return errFar
			}
			return nil
		})
		if errors.Is(err, errFar) {
			err = nil
		}
		return err
	}
	for seq, e := range wanted {
		m, err := p.a.bus.Get(ctx, in, seq)
		if err != nil {
			return err
		}
		if m != nil {
			fn(e, m)
		}
	}
	return nil
}

// found reads what may be searched for; nil when there is nothing.
func (p payloads) found(e *search.Event, m *event.Message) *search.Found {
	read, _ := accept.Decode(m)
	if read == nil {
		return nil
	}
	s, ok := p.a.Federation().Schemas.Lookup(read.Type())
	if !ok {
		return nil
	}
	f := search.Found{Event: *e, Subject: m.Subject}
	for _, name := range s.SuchbarAttribute {
		if v := read.Attributes.Value(name); v != "" {
			f.Terms = append(f.Terms, search.Term{Art: name, Pointer: search.AttributePlace + name, Value: v})
		}
	}
	if read.JSON {
		f.Terms = append(f.Terms, termsOf(s, read.Data)...)
	}
	if len(f.Terms) == 0 {
		return nil
	}
	return &f
}

func termsOf(s *schemas.Schema, data []byte) (out []search.Term) {
	for _, one := range s.Searched(data) {
		out = append(out, search.Term{Art: one.Art, Pointer: one.Pointer, Value: one.Value})
	}
	return out
}
