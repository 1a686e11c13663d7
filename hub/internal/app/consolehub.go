package app

import (
	"context"
	"encoding/json"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// consoleHub is what the console asks the hub for.
type consoleHub struct{ a *App }

var _ console.Hub = consoleHub{}

// Federation implements console.Hub.
func (h consoleHub) Federation() *federation.Federation { return h.a.Federation() }

// Search implements console.Hub.
func (h consoleHub) Search() *search.Index { return h.a.steward.search }

// Version implements console.Hub.
func (h consoleHub) Version(ctx context.Context, digest string) (*federation.Federation, error) {
	if fed := h.a.Federation(); digest == fed.Digest || digest == "" {
		return fed, nil
	}
	return h.a.steward.version.get(ctx, h.a.bus, digest)
}

// versions keeps the version that was asked for last: reading one takes a while.
type versions struct {
	turn   chan struct{} // holds one while somebody reads
	digest string
	last   *federation.Federation
}

func (v *versions) get(ctx context.Context, b *bus.Bus, digest string) (*federation.Federation, error) {
	select { // who gives up does not wait for another's turn
	case v.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-v.turn }()
	if v.digest == digest {
		return v.last, nil
	}
	fed, err := Version(ctx, b, digest)
	if err == nil {
		v.digest, v.last = digest, fed
	}
	return fed, err
}

// Explain implements console.Hub. The search index knows where the trail says something
// of an id, so that nothing else of it is read.
func (h consoleHub) Explain(ctx context.Context, id string) (*explain.Answer, error) {
	seqs, err := h.Search().Records(id)
	if err != nil {
		return nil, err
	}
	if len(seqs) == 0 {
		return &explain.Answer{ID: id}, nil
	}
	var records []*event.Message
	for _, seq := range seqs {
		m, err := h.a.bus.Get(ctx, bus.Trail, seq)
		if err != nil {
			return nil, err
		}
		if m != nil {
			records = append(records, m)
		}
	}
	return explain.Of(ctx, h.a.bus, id, records)
}

// Attempts implements console.Hub.
func (h consoleHub) Attempts(d *decision.Decision, application string) []decision.Attempt {
	return h.a.attempts.Of(send.DeliveryID(d, application))
}

// Stored implements console.Hub.
func (h consoleHub) Stored(ctx context.Context, stream string, seq uint64) (*event.Message, error) {
	m, err := h.a.bus.At(ctx, stream, seq, ">")
	if err != nil || m == nil || m.Seq != seq {
		return nil, err
	}
	return m, nil
}

// Refused implements console.Hub.
func (h consoleHub) Refused(ctx context.Context, organisation string) (map[string]uint64, error) {
	filter := "quarantine.>"
	if organisation != "" {
		filter = "quarantine." + organisation + ".>"
	}
	return h.a.bus.Subjects(ctx, bus.Quarantine, filter)
}

// RefusedPage implements console.Hub.
func (h consoleHub) RefusedPage(ctx context.Context, filter string, after uint64, limit int) ([]*event.Message, error) {
	return h.a.bus.Page(ctx, bus.Quarantine, filter, after, limit)
}

// Parked implements console.Hub.
func (h consoleHub) Parked(ctx context.Context) ([]parked.Entry, error) {
	return parked.List(ctx, h.a.bus)
}

// Unpark implements console.Hub.
func (h consoleHub) Unpark(ctx context.Context, act string, u console.Unpark) error {
	req, err := json.Marshal(ParkedRequest{Key: u.Key, Application: u.Application, Who: u.Who, Reason: u.Reason, Lang: u.Lang})
	if err != nil {
		return err
	}
	_, err = h.a.parkedAct(ctx, act, req)
	return err
}

// Record implements console.Hub.
func (h consoleHub) Record(ctx context.Context, act *decision.Act) error {
	m, err := trail.Act(act)
	if err != nil {
		return err
	}
	_, err = h.a.bus.AppendUnguarded(ctx, []event.Message{m})
	return err
}

// Streams implements console.Hub.
func (h consoleHub) Streams(ctx context.Context) ([]bus.Usage, error) { return h.a.bus.Usage(ctx) }

// Mailboxes implements console.Hub.
func (h consoleHub) Mailboxes() (out []console.Mailbox) {
	for application, holds := range h.a.boxes.Holds() {
		out = append(out, console.Mailbox{Application: application, Copies: holds.Copies, Used: holds.Bytes, Limit: h.a.mailboxQuota(application)})
	}
	return out
}

// Credentials implements console.Hub.
func (h consoleHub) Credentials() (out []console.Credential) {
	if h.a.doors == nil {
		return nil
	}
	for _, c := range h.a.doors.Accounts().List() {
		if c.Condition == accounts.Active || c.Condition == accounts.Suspended {
			out = append(out, console.Credential{ID: c.ID, Application: c.Application, Expires: c.Ends(), Suspended: c.Condition == accounts.Suspended})
		}
	}
	return out
}
