package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Limits of one atomic batch, cursor included.
const (
	MaxBatch      = 1000 // messages, the server's limit
	MaxBatchBytes = 8 << 20
)

// codes of the JetStream API that mean something of their own here.
const (
	codeWrongLastSequence jetstream.ErrorCode = 10071
	codeStreamFull        jetstream.ErrorCode = 10077
	codeNoStorage         jetstream.ErrorCode = 10023
	codeMemberRefused     jetstream.ErrorCode = 10047
	codeIncompleteBatch   jetstream.ErrorCode = 10176
)

// Append stores messages as one atomic batch, in one sync: all or none. The
// first message is guarded: it is stored only if the last message of its
// subject has sequence last (0: there is none). It returns the sequence of the
// first message.
//
// ErrFenced means that the guard did not hold; ErrStreamFull and ErrNotStaged that
// there is no room. Any other error leaves open whether the batch was stored: read the
// guarded subject with Last to find out.
func (b *Bus) Append(ctx context.Context, msgs []event.Message, last uint64) (uint64, error) {
	if len(msgs) == 1 && b.Chained(1) { // it is one step as it is
		return b.publishGuarded(ctx, &msgs[0], last)
	}
	// Not behind the known end: for a batch a server alone compares another number with
	// the sequence that is expected (2.15.2), and refuses.
	return b.append(ctx, msgs, jetstreamext.WithBatchExpectLastSequencePerSubject(last))
}

// publishGuarded stores one message if the last one of its subject has sequence last,
// or what says the same for less (see known).
func (b *Bus) publishGuarded(ctx context.Context, m *event.Message, last uint64) (uint64, error) {
	stream, guard := ownStream(m.Subject), Guard{m.Subject, last}
	end, connection, sure := b.sure(stream, guard)
	if sure {
		seq, err := b.publish(ctx, m, jetstream.WithExpectLastSequence(end))
		if !errors.Is(err, ErrFenced) {
			return seq, err
		}
		b.known.forget(stream, end) // somebody has written meanwhile; it is not stored
	}
	seq, err := b.publish(ctx, m, jetstream.WithExpectLastSequencePerSubject(last))
	if err == nil {
		b.learn(stream, connection, guard, seq, []event.Message{*m})
	}
	return seq, err
}

// AppendBehind stores records that may stand there twice, with a guard that is not
// of them: only if the last message of subject, which they do not have, has sequence
// last. After an error other than ErrFenced and ErrStreamFull some may be stored.
func (b *Bus) AppendBehind(ctx context.Context, msgs []event.Message, subject string, last uint64) (uint64, error) {
	if b.Chained(len(msgs)) {
		return b.Chain(ctx, msgs, Guard{subject, last})
	}
	return b.append(ctx, msgs, jetstreamext.WithBatchExpectLastSequenceForSubject(last, subject))
}

// AppendUnguarded is Append without a guard, for records that may stand there
// twice: after an error they may be stored or not, and are stored again.
func (b *Bus) AppendUnguarded(ctx context.Context, msgs []event.Message) (uint64, error) {
	if len(msgs) == 1 && b.Chained(1) {
		return b.publish(ctx, &msgs[0])
	}
	return b.append(ctx, msgs)
}

func (b *Bus) append(ctx context.Context, msgs []event.Message, guard ...jetstreamext.BatchMsgOpt) (uint64, error) {
	if len(msgs) == 0 || len(msgs) > MaxBatch {
		return 0, fmt.Errorf("append %d messages: a batch holds 1 to %d", len(msgs), MaxBatch)
	}
	done, err := b.ahead.write(ctx, msgs)
	if err != nil {
		return 0, fmt.Errorf("append %d messages: %w", len(msgs), err)
	}
	defer done()
	connection, _ := b.connection()
	began := time.Now()
	p, err := jetstreamext.NewBatchPublisher(b.js, jetstreamext.BatchFlowControl{AckTimeout: Timeout})
	if err != nil {
		return 0, fmt.Errorf("open a batch: %w", err)
	}
	if free := b.turns.among(msgs[0].Subject); free != nil {
		defer free()
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var out outgoing
	final := len(msgs) - 1
	for i := range msgs[:final] {
		if err := p.AddMsg(out.of(&msgs[i]), guard...); err != nil {
			return 0, fmt.Errorf("add to the batch for %s: %w", msgs[0].Subject, meaning(err))
		}
		guard = nil // only the first is guarded
	}
	ack, err := p.CommitMsg(ctx, out.of(&msgs[final]), guard...)
	if err != nil {
		if err = meaning(err); errors.Is(err, ErrNotStaged) {
			b.unstaged.Add(1)
		}
		return 0, fmt.Errorf("commit the batch for %s: %w", msgs[0].Subject, err)
	}
	b.costs.batched(len(msgs), time.Since(began))
	first := ack.Sequence - uint64(len(msgs)) + 1
	b.stored(connection, ack.Stream, first, msgs)
	return first, nil
}

// outgoing makes NATS messages, one after the other: what was published is copied
// by then, so all of them use the same memory. Each has a header of its own to
// which batches and chains add theirs.
type outgoing struct{ msg nats.Msg }

// of gives a message. Headers of the batch or chain that a stored message came in
// are stored with it, and would act again.
func (o *outgoing) of(m *event.Message) *nats.Msg {
	h := o.msg.Header
	if h == nil {
		h = make(nats.Header, len(m.Header)+4)
	}
	clear(h)
	for k, v := range m.Header {
		if !strings.HasPrefix(k, "Nats-") || !foreign(k) {
			h[k] = v
		}
	}
	o.msg = nats.Msg{Subject: m.Subject, Header: h, Data: m.Data}
	return &o.msg
}

// foreign tells whether a header is of the batch or the chain that a message came
// in.
func foreign(header string) bool {
	return strings.HasPrefix(header, "Nats-Batch-") || strings.HasPrefix(header, "Nats-Expected-") || header == jetstream.MsgIDHeader
}

// meaning turns API errors that callers act on into this package's errors.
func meaning(err error) error {
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return err
	}
	switch api.ErrorCode {
	case codeWrongLastSequence:
		return fmt.Errorf("%w (%w)", ErrFenced, err)
	case codeStreamFull, codeNoStorage, codeMemberRefused:
		return fmt.Errorf("%w (%w)", ErrStreamFull, err)
	case codeIncompleteBatch: // each batch is staged in files of its own
		return fmt.Errorf("%w (%w)", ErrNotStaged, err)
	}
	return err
}

// Unstaged counts the batches that ended with ErrNotStaged.
func (b *Bus) Unstaged() uint64 { return b.unstaged.Load() }

// Last gives the last message of a subject (wildcards allowed); nil if there is
// none.
func (b *Bus) Last(ctx context.Context, stream, subject string) (*event.Message, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	connection, _ := b.connection()
	raw, err := s.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last message of %s: %w", subject, err)
	}
	m := rawMessage(stream, raw)
	b.cursors.lies(connection, m)
	return m, nil
}

// At gives the message with sequence seq, or the next one after it whose
// subject fits filter; nil if there is none.
func (b *Bus) At(ctx context.Context, stream string, seq uint64, filter string) (*event.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	query, err := json.Marshal(map[string]any{"seq": seq, "next_by_subj": filter})
	if err != nil {
		return nil, err
	}
	resp, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, query)
	if err != nil {
		return nil, fmt.Errorf("read %s from sequence %d: %w", stream, seq, err)
	}
	return storedMessage(stream, seq, resp.Data)
}

// storedMessage reads the API's answer. Place and subject come from the answer,
// not from headers; headers that cannot be read are left out, as they are when
// the message is delivered.
func storedMessage(stream string, seq uint64, answer []byte) (*event.Message, error) {
	var got struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("read %s from sequence %d: %w", stream, seq, err)
	}
	if got.Error != nil && got.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil, nil
	}
	if got.Error != nil || got.Message == nil {
		return nil, fmt.Errorf("read %s from sequence %d: %w", stream, seq, got.Error)
	}
	m := &event.Message{Stream: stream, Seq: got.Message.Seq, Subject: got.Message.Subject, Data: got.Message.Data, Time: got.Message.Time}
	if h, err := nats.DecodeHeadersMsg(got.Message.Header); err == nil {
		m.Header = h
	}
	return m, nil
}

func rawMessage(stream string, raw *jetstream.RawStreamMsg) *event.Message {
	return &event.Message{Stream: stream, Seq: raw.Sequence, Subject: raw.Subject, Header: raw.Header, Data: raw.Data, Time: raw.Time}
}
