package open311

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// The codes of the sink's own faults.
const (
	unmappable     = "unmappable"
	unknownService = "service-unknown"
	notYet         = "not-visible-yet"
	unknownOutcome = "outcome-unknown"
	withoutID      = "answer-without-id"
	interrupted    = "interrupted"
)

// sink files reports with the server, or writes back how they ended.
type sink struct {
	set    *settings
	client *georeport.Client
	book   *book
	log    *zap.Logger
	now    func() time.Time

	mu       sync.Mutex
	services map[string]bool // of the server, and whether they ask for attributes; nil: not read yet
	readAt   time.Time
	tidied   time.Time // when old marks of what was written were removed
}

var _ hub.Sink = (*sink)(nil)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if set.Mode == modePortal && set.Details.Write == writeNone {
		return nil, s.Errorf("details.write", "is none: this dialect has no way to write a status. Run the adapter with use: source, or set how it is written")
	}
	client, err := set.client(s)
	if err != nil {
		return nil, err
	}
	out := &sink{set: set, client: client, log: cmp.Or(env.Log, zap.NewNop()), now: time.Now}
	if set.Mode == modeForward {
		if out.book, err = openBook(set.Dir); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	switch {
	case d.Event.Context == nil:
		return hub.Permanent(unmappable, "the delivery has no event")
	case hub.IsReceipt(d.Event):
		return nil
	case s.set.Mode == modePortal:
		return s.writeBack(ctx, d)
	}
	return s.forward(ctx, d)
}

// forward files one report, once.
func (s *sink) forward(ctx context.Context, d hub.Delivery) error {
	rep, err := s.set.outgoing(d.Event)
	if err != nil {
		return err
	}
	// Numbers of deliveries begin anew when a hub does, hence the event.
	id := madeOf("weiterleitung", d.ID, d.Event.Source(), d.Event.ID())
	leave, ok := s.book.enter(ctx.Done(), id)
	if !ok {
		return hub.Retryable(interrupted, "wait for the same report: %w", ctx.Err())
	}
	defer leave()
	kept, err := s.book.get(id)
	switch {
	case err != nil:
		return err
	case kept != nil && kept.Phase == filed:
		return nil
	case kept != nil:
		if found, err := s.resume(ctx, id, kept); found || err != nil {
			return err
		}
	}
	if err := s.serviceKnown(ctx, rep); err != nil {
		return err
	}
	return s.file(ctx, id, rep, kept)
}

// file sends a report. That it may be sent is on disk before; earlier is the record of a
// sending whose outcome is not known, or nil.
func (s *sink) file(ctx context.Context, id string, rep *outgoing, earlier *forward) error {
	if err := ctx.Err(); err != nil {
		return hub.Retryable(interrupted, "file a report: %w", err)
	}
	f := &forward{
		Phase: sending, At: s.now().UTC(), Meldung: rep.Meldung, Case: rep.Case, Cause: rep.Cause,
		Without: rep.Without, ServiceCode: rep.code, Tries: 1,
	}
	if earlier != nil {
		f.Tries = earlier.tries() + 1
	}
	if err := s.book.put(id, f); err != nil {
		return err
	}
	a, err := s.client.Send(ctx, "POST", rep.form(s.set, mark(id)), "requests")
	if err != nil {
		e := georeport.ErrorOf(err)
		if !e.Unknown { // it did not arrive: the next attempt begins anew
			if err := s.book.restore(id, earlier); err != nil {
				return err
			}
		}
		if e.Code == georeport.NotFound { // of the service, says GeoReport
			s.forgetServices()
		}
		return e.Fault("file a report")
	}
	return s.taken(id, f, a)
}

// taken notes what the server gave: service_request_id or token, one of them.
func (s *sink) taken(id string, f *forward, a *georeport.Answer) error {
	for _, e := range a.Entries {
		f.ID, f.Token = e.Fields["service_request_id"], e.Fields["token"]
		if f.ID != "" || f.Token != "" {
			break
		}
	}
	switch {
	case !answerID(f.ID) || !answerID(f.Token):
		return s.unnamed(id, f, "an id or token that cannot be one")
	case f.ID == "" && f.Token == "" && s.blackbox(f.ServiceCode):
	case f.ID == "" && f.Token == "":
		return s.unnamed(id, f, "neither service_request_id nor token")
	}
	f.Phase, f.At = filed, s.now().UTC()
	if err := s.book.put(id, f); err != nil {
		return err
	}
	s.log.Info("open311: a report is filed", zap.String("weiterleitung", id))
	return nil
}

// unnamed notes that the server took a report without saying as what: it is looked for,
// and never sent again.
func (s *sink) unnamed(id string, f *forward, has string) error {
	f.ID, f.Token, f.Tries = "", "", mostTries
	if err := s.book.put(id, f); err != nil {
		return err
	}
	return hub.Retryable(withoutID, "file a report: the server's answer has %s; it is looked for", has)
}

// answerID holds for what events and addresses can carry, and for nothing at all.
func answerID(id string) bool {
	return len(id) <= 200 && !strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' })
}
