package quarantine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Subjects in QUARANTINE beside those of events, which have four tokens or more.
const (
	markRoot     = "quarantine.act."      // and the sequence: an act is underway
	originalRoot = "quarantine.original." // and the sequence: the original of what was edited
	runRoot      = "quarantine.bulk."     // and its name: a run is underway
)

// mark says that an act is underway, and holds all that carrying it out needs beside the
// event.
type mark struct {
	Act         string       `json:"act"`
	Seq         uint64       `json:"seq"`
	Application string       `json:"app"`
	Code        refusal.Code `json:"code"`
	Of          decision.Ref `json:"of"`
	ID          string       `json:"id,omitempty"`
	Who         string       `json:"who"`
	Reason      string       `json:"reason,omitempty"`
	At          time.Time    `json:"at"`
	Bulk        string       `json:"bulk,omitempty"`
	Before      string       `json:"before"`
	After       string       `json:"after,omitempty"`
	Edited      []byte       `json:"edited,omitempty"`
	Type        string       `json:"type,omitempty"` // of the edited event

	lies  uint64 // sequence of the mark
	acted bool   // it has taken effect
	told  bool   // that it does not come to its end
}

func (m *mark) subject() string { return markRoot + strconv.FormatUint(m.Seq, 10) }

// record is what the trail says of it.
func (m *mark) record(decided bool) *decision.Act {
	return &decision.Act{
		Act: m.Act, Application: m.Application, Who: m.Who, Reason: m.Reason, At: m.At,
		Cleared: &decision.Cleared{
			Seq: m.Seq, Of: m.Of, ID: m.ID, Code: m.Code, Bulk: m.Bulk, Before: "sha256:" + m.Before, After: prefixed(m.After), Decided: decided,
		},
	}
}

func prefixed(digest string) string {
	if digest == "" {
		return ""
	}
	return "sha256:" + digest
}

// begin judges what is asked and marks it; nil when the same person has had it done.
func (c *Clerk) begin(ctx context.Context, r *Request) (*mark, error) {
	m, err := c.Bus.Get(ctx, bus.Quarantine, r.Seq)
	if err != nil {
		return nil, err
	}
	it, ok := Read(m)
	if !ok || it.Organisation() != c.Organisation || r.Application != "" && r.Application != it.Application {
		return nil, c.gone(ctx, r)
	}
	mk, err := c.judge(r, it)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(mk)
	if err != nil {
		return nil, err
	}
	if err := c.reach("judged"); err != nil {
		return nil, err
	}
	// who asked may go meanwhile: that must not leave it unclear what is stored
	lies, err := c.Bus.Append(context.WithoutCancel(ctx), []event.Message{{Subject: mk.subject(), Data: data}}, 0)
	if errors.Is(err, bus.ErrFenced) {
		return nil, c.taken(ctx, r, mk)
	}
	if err != nil { // it may be stored: then it is done, and told of when it is asked again
		c.forget()
		return nil, fmt.Errorf("mark what is to be done in quarantine: %w", err)
	}
	mk.lies = lies
	c.opened(mk)
	return mk, c.reach("marked")
}

// opened takes in a mark that is stored. While the marks are to be read anew that finds it,
// but perhaps not the reading that is on its way.
func (c *Clerk) opened(mk *mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.missed = true
		return
	}
	c.open[mk.Seq] = mk
}

// forget has Run read anew what is underway.
func (c *Clerk) forget() {
	c.mu.Lock()
	c.open = nil
	c.mu.Unlock()
	c.poke()
}

// gone tells what became of an event that is not there: nothing is wrong when the same
// person has had the same done.
func (c *Clerk) gone(ctx context.Context, r *Request) error {
	act, err := Last(ctx, c.Bus, r.Seq)
	if err != nil {
		return err
	}
	if act != nil && act.Act == r.Act && act.Who == r.Who {
		return nil
	}
	return &NotDone{Why: Gone}
}

// taken tells whether who is first is the same person, with the same.
func (c *Clerk) taken(ctx context.Context, r *Request, mine *mark) error {
	m, err := c.Bus.Last(ctx, bus.Quarantine, mine.subject())
	if err != nil {
		return err
	}
	if m == nil {
		return c.gone(ctx, r)
	}
	var first mark
	if err := json.Unmarshal(m.Data, &first); err != nil {
		return fmt.Errorf("read what is underway at %s: %w", m.Subject, err)
	}
	if first.Act == r.Act && first.Who == r.Who && first.After == mine.After {
		return nil
	}
	return &NotDone{Why: Taken}
}

// Last gives the act by which an event left QUARANTINE; nil when it was none.
func Last(ctx context.Context, b *bus.Bus, seq uint64) (*decision.Act, error) {
	m, err := b.Last(ctx, bus.Trail, decision.ClearedBy(seq))
	if err != nil || m == nil {
		return nil, err
	}
	return trail.ReadAct(m)
}

// Returning tells whether an event is being given back: its receipt may be stored again,
// and relies on the first one still lying there.
func Returning(ctx context.Context, b *bus.Bus) (bool, error) {
	subjects, err := b.Subjects(ctx, bus.Quarantine, markRoot+"*")
	if err != nil {
		return false, err
	}
	for subject := range subjects {
		m, err := b.Last(ctx, bus.Quarantine, subject)
		if err != nil {
			return false, err
		}
		var mk mark
		if m != nil && (json.Unmarshal(m.Data, &mk) != nil || mk.Act == decision.ActQuarantineReturn) {
			return true, nil
		}
	}
	return false, nil
}

// load reads what was underway.
func (c *Clerk) load(ctx context.Context) error {
	c.mu.Lock()
	c.missed = false
	c.mu.Unlock()
	subjects, err := c.Bus.Subjects(ctx, bus.Quarantine, markRoot+"*")
	if err != nil {
		return err
	}
	open := map[uint64]*mark{}
	for subject := range subjects {
		m, err := c.Bus.Last(ctx, bus.Quarantine, subject)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		mk := &mark{lies: m.Seq}
		if err := json.Unmarshal(m.Data, mk); err != nil {
			return fmt.Errorf("read what is underway at %s: %w", subject, err)
		}
		if organisationOf(mk.Application) == c.Organisation {
			open[mk.Seq] = mk
		}
	}
	if err := c.loadRuns(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		if !c.missed { // else it is read again at once
			c.open = open
		}
		return nil
	}
	for seq, mk := range open {
		if c.open[seq] == nil {
			c.open[seq] = mk
		}
	}
	return nil
}
