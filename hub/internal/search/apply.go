package search

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Event is a decision as it is listed: what the record says, without fields.
type Event struct {
	Place       Place        `json:"-"`
	In          string       `json:"in"`
	Seq         uint64       `json:"seq"`
	ID          string       `json:"id,omitempty"`
	Source      string       `json:"source,omitempty"`
	Type        string       `json:"type,omitempty"`
	Case        string       `json:"case,omitempty"`
	Application string       `json:"app"`
	Authority   string       `json:"authority,omitempty"`
	Outcome     hub.Outcome  `json:"outcome"`
	Code        refusal.Code `json:"code,omitempty"`
	Receivers   []string     `json:"receivers,omitempty"`
	Stored      time.Time    `json:"stored"`
	Decided     time.Time    `json:"decided"`
}

// Organisation of an application <organisation>.<application>.
func Organisation(application string) string {
	org, _, _ := strings.Cut(application, ".")
	return org
}

// Sender is the organisation whose in stream the event came by, which says more than
// what its subject claims.
func Sender(in string) string {
	_, org, _ := strings.Cut(in, "_") // IN_<organisation>, EDGE_<organisation>
	return org
}

// Concerns tells whether an organisation has sent the event or was given a copy.
func (e *Event) Concerns(organisation string) bool {
	if Sender(e.In) == organisation {
		return true
	}
	for _, r := range e.Receivers {
		if Organisation(r) == organisation {
			return true
		}
	}
	return false
}

// maxBatch is how much waits for Flush at most.
const maxBatch = 4 << 20

// Apply takes a message of TRAIL in. Messages must come in their order; what was taken
// in already changes nothing. A message that cannot be read is noted and passed over: it
// would be no better the next time.
func (x *Index) Apply(m *event.Message) error {
	if x.guard.failed() {
		return ErrFailed
	}
	if x.take(m) > maxBatch {
		return x.Flush()
	}
	return nil
}

// take gives how much waits.
func (x *Index) take(m *event.Message) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.batch == nil || m.Seq <= x.applied {
		return 0
	}
	if err := x.apply(m); err != nil {
		x.skipped++
		x.opts.Log.Error("a record of the trail cannot be read and is missing in the search index", zap.Uint64("seq", m.Seq), zap.Uint64("missing", x.skipped))
	}
	x.applied = m.Seq
	return x.batch.Len()
}

func (x *Index) apply(m *event.Message) error {
	switch decision.Kind(m.Subject) {
	case decision.KindDecision:
		ds, err := trail.ReadDecisions(m)
		if err != nil {
			return err
		}
		for i, d := range ds {
			if err := x.decided(Place{m.Seq, uint16(i)}, d); err != nil {
				return err
			}
		}
	case decision.KindDelivery:
		d, err := trail.ReadDelivery(m)
		if err != nil {
			return err
		}
		return x.delivered(m.Seq, d)
	case decision.KindReplay:
		r, err := trail.ReadReplayed(m)
		if err != nil {
			return err
		}
		return x.replayed(m.Seq, r)
	case decision.KindRefused:
		d, err := trail.ReadDoorRefusal(m)
		if err != nil {
			return err
		}
		x.countDoor(d)
	case decision.KindRemoval:
		r, err := trail.ReadRemoval(m)
		if err != nil {
			return err
		}
		return x.removed(m.Seq, r)
	case decision.KindAct:
		return x.acted(m)
	}
	return nil
}

func (x *Index) decided(at Place, d *decision.Decision) error {
	e := Event{
		In: d.In, Seq: d.Seq, ID: d.ID, Source: d.Source, Type: d.Type, Case: d.Case, Application: d.Application, Authority: d.Authority,
		Outcome: d.Outcome, Code: d.Code, Stored: d.Stored, Decided: d.Decided,
	}
	for i := range d.Receivers {
		e.Receivers = append(e.Receivers, d.Receivers[i].Application)
	}
	raw, err := json.Marshal(&e)
	if err != nil {
		return err
	}
	if err := x.batch.Set(key(keyEvent, at.newestFirst()), raw, nil); err != nil {
		return err
	}
	for _, k := range e.keys(at) {
		if err := x.batch.Set(k, nil, nil); err != nil {
			return err
		}
	}
	x.fresh[decision.Ref{In: d.In, Seq: d.Seq}] = d.Application
	x.countEvent(&e, d)
	return nil
}

// keys are the other ways to an event.
func (e *Event) keys(at Place) [][]byte {
	out := [][]byte{}
	for _, org := range e.organisations() {
		out = append(out, key(keyOrg, hashed(org), at.newestFirst()))
	}
	if e.Case != "" {
		out = append(out, key(keyCase, hashed(e.Case), at.oldestFirst()))
	}
	if e.ID != "" {
		out = append(out, key(keyID, hashed(e.ID), at.oldestFirst()))
	}
	return out
}

// organisations that an event concerns, each once.
func (e *Event) organisations() []string {
	out := []string{Sender(e.In)}
	for _, r := range e.Receivers {
		known := false
		for _, o := range out {
			known = known || o == Organisation(r)
		}
		if !known {
			out = append(out, Organisation(r))
		}
	}
	return out
}

// acted takes in what a person had the hub do; when that was to an event in quarantine,
// its id leads there.
func (x *Index) acted(m *event.Message) error {
	if err := x.batch.Set(key(keyAct, Place{Seq: m.Seq}.newestFirst()), m.Data, nil); err != nil {
		return err
	}
	a, err := trail.ReadAct(m)
	if err != nil || a.Cleared == nil || a.ID == "" {
		return err
	}
	at := Place{Seq: m.Seq}.oldestFirst()
	if err := x.batch.Set(joined(clearedKey(a.Of.In, a.Of.Seq), at), nil, nil); err != nil {
		return err
	}
	return x.batch.Set(key(keyID, hashed(a.ID), at), nil, nil)
}

func clearedKey(in string, seq uint64) []byte {
	return key(keyCleared, hashed(in), binary.BigEndian.AppendUint64(nil, seq))
}

func copyKey(in string, seq uint64) []byte {
	return key(keyCopy, hashed(in), binary.BigEndian.AppendUint64(nil, seq))
}

func (x *Index) delivered(seq uint64, d *decision.Delivery) error {
	c := Copy{Mailbox: d.Mailbox, Result: d.Result, Code: d.Code, Attempt: d.Attempt, At: d.At, ID: d.ID, Replay: d.Replay}
	if err := x.copied(seq, decision.Ref{In: d.In, Seq: d.Seq}, &c); err != nil {
		return err
	}
	if d.Replay == "" { // the counts are of events, each once
		x.countCopy(d)
		return x.countError(d)
	}
	return nil
}

// countError counts a copy that its receiver did not take, on its way.
func (x *Index) countError(d *decision.Delivery) error {
	if d.Result == decision.Done {
		return nil
	}
	from, err := x.senderOf(d)
	if err != nil || from == "" {
		return err
	}
	x.edge(dayOf(d.At), from, d.Mailbox, countErrors)
	x.rates.restore(dayOf(d.At), from+sep+d.Mailbox)
	return nil
}

// senderOf gives the application that sent the event of a copy; "" when it is not known
// any more.
func (x *Index) senderOf(d *decision.Delivery) (string, error) {
	of := decision.Ref{In: d.In, Seq: d.Seq}
	for _, known := range []map[decision.Ref]string{x.fresh, x.before} {
		if app, ok := known[of]; ok {
			return app, nil
		}
	}
	seqs, err := x.places(key(keyID, hashed(d.ID)), maxRecords)
	for _, at := range seqs {
		raw, getErr := x.get(key(keyEvent, readOldest(at).newestFirst()))
		if getErr != nil {
			return "", getErr
		}
		var e Event
		if raw != nil && json.Unmarshal(raw, &e) == nil && e.In == d.In && e.Seq == d.Seq {
			return e.Application, nil
		}
	}
	return "", err
}

// replayed takes in what a replay decided; its Result is the verdict.
func (x *Index) replayed(seq uint64, r *decision.Replayed) error {
	return x.copied(seq, r.Place(), &Copy{Mailbox: r.Mailbox, Result: decision.Result(r.Verdict), At: r.At, ID: r.ID, Replay: r.Run})
}

func (x *Index) copied(seq uint64, of decision.Ref, c *Copy) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := x.batch.Set(joined(copyKey(of.In, of.Seq), Place{Seq: seq}.oldestFirst()), raw, nil); err != nil {
		return err
	}
	if c.ID == "" {
		return nil
	}
	return x.batch.Set(key(keyID, hashed(c.ID), Place{Seq: seq}.oldestFirst()), nil, nil)
}

// Copy is what became of one copy.
type Copy struct {
	Mailbox string          `json:"mailbox"`
	Result  decision.Result `json:"result"`
	Code    string          `json:"code,omitempty"`
	Attempt int             `json:"attempt"`
	At      time.Time       `json:"at"`
	ID      string          `json:"id,omitempty"`
	// Replay names the replay that the copy is of; its Result may be a
	// decision.ReplayVerdict.
	Replay string `json:"replay,omitempty"`
}
