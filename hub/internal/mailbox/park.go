package mailbox

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// parkedKey is a key whose copies have left the mailbox for PARKED (ADR 0007).
// While anything lies there, later copies of the key go there too; that keeps
// the order, and no place in hand is taken. All but underway belongs to the
// goroutine that works the key.
type parkedKey struct {
	key      decision.ParkedKey
	underway string // the act that empties it, "" for none; guarded by Mailbox.mu
	asked    *act   // who waits for a return's end; nil for nobody
	last     uint64 // sequence in PARKED of the key's last message; 0: none
	out      uint64 // sequence in OUT of the last copy that went there
	first    uint64 // sequence in OUT of the copy whose fault, code, began it
	code     string
	page     []*event.Message // read from PARKED and not handed out yet
	gone     uint64           // sequence in PARKED up to which all are settled
}

// open reads which keys are parked, and goes on with what was released.
func (b *Mailbox) open(ctx context.Context) error {
	at, err := b.Bus.Mailbox(ctx, b.Application)
	if err != nil {
		return err
	}
	every := decision.ParkedKey{Application: b.Application, Direction: decision.Out, Token: "*"}
	subjects, err := b.Bus.Subjects(ctx, bus.Parked, every.Subject())
	if err != nil {
		return err
	}
	keys := map[string]*parkedKey{}
	for subject := range subjects {
		key, _, _ := decision.ReadParked(subject)
		p := &parkedKey{key: key}
		if err := b.know(ctx, p); err != nil {
			return err
		}
		settled, err := b.allDone(ctx, p)
		if err != nil {
			return err
		}
		if settled { // what the hub before wrote last came late
			if err := b.Bus.Purge(ctx, bus.Parked, subject, bus.Everything); err != nil {
				return err
			}
			continue
		}
		keys[key.Token] = p
	}
	marks, err := b.Bus.Subjects(ctx, bus.Parked, every.Mark("*"))
	if err != nil {
		return err
	}
	for mark := range marks {
		key, act, _ := decision.ReadParked(mark)
		if p := keys[key.Token]; p != nil {
			p.underway = decision.Later(p.underway, act)
			continue
		}
		// the key's last message went, and then the hub, before the mark did
		if err := b.Bus.Purge(ctx, bus.Parked, mark, bus.Everything); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.places, b.parked, b.asked = at.Places, keys, make(chan *act)
	for token, p := range keys {
		if p.underway != "" {
			b.queue(ctx, token)
		}
	}
	return nil
}

// allDone tells whether nothing that lies in PARKED for a key is open. The last
// one being done does not: it may have expired before the others.
func (b *Mailbox) allDone(ctx context.Context, p *parkedKey) (bool, error) {
	for after := uint64(0); ; {
		m, err := b.Bus.At(ctx, bus.Parked, after+1, p.key.Subject())
		if err != nil || m == nil {
			return m == nil, err
		}
		if !b.Index.IsDone(b.Application, restored(m).Seq) {
			return false, nil
		}
		after = m.Seq
	}
}

// know reads what lies in PARKED for a key.
func (b *Mailbox) know(ctx context.Context, p *parkedKey) error {
	m, err := b.Bus.At(ctx, bus.Parked, 1, p.key.Subject())
	if err != nil || m == nil {
		return err
	}
	p.first, p.code = restored(m).Seq, m.Get(event.HeaderCode)
	return b.look(ctx, p)
}

// look reads where a key's messages in PARKED end.
func (b *Mailbox) look(ctx context.Context, p *parkedKey) error {
	m, err := b.Bus.Last(ctx, bus.Parked, p.key.Subject())
	if err != nil {
		return err
	}
	p.last = 0
	if m != nil {
		p.last, p.out = m.Seq, restored(m).Seq
	}
	return nil
}

// beginParking parks a key: from now on its copies go to PARKED.
func (b *Mailbox) beginParking(q *queue, c *bus.Copy, err error) {
	code := faultCode(err)
	b.Log.Error("a key is parked: its copies wait for a steward, all others go on", zap.String("key", q.token),
		zap.Uint64("out", c.Seq), zap.Int("attempts", q.try.attempt), zap.String("fault", code), zap.Error(err))
	if b.SetAside != nil {
		b.SetAside(q.token, code, q.try.attempt)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	q.try, q.failing = try{}, false
	b.parked[q.token] = &parkedKey{
		key:   decision.ParkedKey{Application: b.Application, Direction: decision.Out, Token: q.token},
		first: c.Seq, code: code,
	}
}

func faultCode(err error) string {
	if f := hub.FaultOf(err); f != nil {
		return f.Code
	}
	return ""
}

// park moves copies from the mailbox to PARKED: stored there, then in the
// trail, then acknowledged. After a crash in between they come again and are
// known by their sequence in OUT.
func (b *Mailbox) park(ctx context.Context, p *parkedKey, copies []*bus.Copy) {
	var moving []*bus.Copy
	for _, c := range copies {
		defer b.Hands.Take(ctx, b.Application, c.Seq)()
		if !b.Index.IsDone(b.Application, c.Seq) {
			moving = append(moving, c)
		}
	}
	if !b.untilDone(ctx, func() error { return b.move(ctx, p, moving) }) || b.reach(ctx, "parked") {
		return
	}
	var outcomes []*decision.Delivery
	for _, c := range moving {
		d := b.outcome(c.Message, max(c.Deliveries, 1))
		d.Result, d.Code = decision.Parked, p.why(c.Seq)
		if d.Attempts = b.Attempts.Of(c.Get(event.HeaderDelivery)); len(d.Attempts) > 0 {
			d.Attempt = max(d.Attempt, d.Attempts[len(d.Attempts)-1].N)
		}
		outcomes = append(outcomes, d)
	}
	if !b.untilDone(ctx, func() error { return b.Recorder.Record(ctx, outcomes...) }) || b.reach(ctx, "recorded") {
		return
	}
	for _, c := range copies {
		b.release(ctx, c.Seq)
	}
}

// why is the code under which a copy is parked.
func (p *parkedKey) why(out uint64) string {
	if out == p.first {
		return p.code
	}
	return decision.CodeBehind
}

// move stores the copies that are not yet in PARKED there, in order. After an
// error it looks how far it came.
func (b *Mailbox) move(ctx context.Context, p *parkedKey, copies []*bus.Copy) error {
	var msgs []event.Message
	size := 0
	flush := func() error {
		if len(msgs) == 0 {
			return nil
		}
		first, err := b.Bus.Append(ctx, msgs, p.last)
		if err != nil {
			return fmt.Errorf("park %d copies: %w", len(msgs), err)
		}
		p.last = first + uint64(len(msgs)) - 1
		msgs, size = nil, 0
		return nil
	}
	for _, c := range copies {
		if c.Seq <= p.out {
			continue
		}
		if len(msgs) == bus.MaxBatch || size+sizeOf(c.Message) > bus.MaxBatchBytes {
			if err := flush(); err != nil {
				return b.lost(ctx, p, err)
			}
		}
		m, err := b.whole(ctx, c.Message)
		if err != nil {
			return b.lost(ctx, p, err)
		}
		msgs = append(msgs, stored(p, m))
		size += len(m.Data)
	}
	if err := flush(); err != nil {
		return b.lost(ctx, p, err)
	}
	if n := len(copies); n > 0 {
		p.out = max(p.out, copies[n-1].Seq)
	}
	return nil
}

// lost looks where PARKED ends after a write whose outcome is open.
func (b *Mailbox) lost(ctx context.Context, p *parkedKey, err error) error {
	if lookErr := b.look(ctx, p); lookErr != nil {
		b.Log.Debug("look at PARKED", zap.Error(lookErr))
	}
	return err
}

// stored is a copy as it lies in PARKED: whole, so that restored gives it back.
func stored(p *parkedKey, m *event.Message) event.Message {
	h := maps.Clone(m.Header)
	if h == nil {
		h = map[string][]string{}
	}
	h[event.HeaderOut] = []string{strconv.FormatUint(m.Seq, 10)}
	h[event.HeaderSubject] = []string{event.PercentEncode(m.Subject)}
	h[event.HeaderCode] = []string{p.why(m.Seq)}
	return event.Message{Subject: p.key.Subject(), Header: h, Data: m.Data}
}

// restored is the copy as it lay in OUT.
func restored(m *event.Message) *event.Message {
	c := &event.Message{Stream: bus.Out, Header: maps.Clone(m.Header), Data: m.Data, Time: m.Time}
	c.Seq, _ = strconv.ParseUint(m.Get(event.HeaderOut), 10, 64)
	c.Subject, _ = event.PercentDecode(m.Get(event.HeaderSubject))
	for _, name := range []string{event.HeaderOut, event.HeaderSubject, event.HeaderCode} {
		delete(c.Header, name)
	}
	return c
}
