package mailbox

import (
	"context"
	"fmt"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// A mailbox may have a thousand copies in hand, of a receiver that takes none for
// days. So those in hand keep their data only while it is small; it is read again
// for each attempt.

const (
	// leanAbove is how much data a copy in hand keeps.
	leanAbove = 4 << 10
	// largeAbove is the size from which only largeAtOnce deliveries are underway at
	// a time: a receiver that hangs holds no more of them in memory.
	largeAbove  = 64 << 10
	largeAtOnce = 2
)

// Headers of a copy without its data: its event's id and how much it was.
const (
	headerLeanID   = event.HubHeaders + "Lean-Id"
	headerLeanSize = event.HubHeaders + "Lean-Size"
)

// lean takes its data from a copy.
func lean(m *event.Message) *event.Message {
	if len(m.Data) <= leanAbove {
		return m
	}
	h := map[string][]string{headerLeanID: {idOf(m)}, headerLeanSize: {fmt.Sprint(len(m.Data))}, event.HeaderKey: {event.PercentEncode(m.KeyOf())}}
	for _, name := range []string{event.HeaderDelivery, event.HeaderIn, event.HeaderSeq, event.HeaderConfirm, event.HeaderReplay} {
		if values := m.Header[name]; values != nil {
			h[name] = values
		}
	}
	return &event.Message{Stream: m.Stream, Seq: m.Seq, Subject: m.Subject, Header: h, Time: m.Time}
}

// sizeOf tells how much data a copy has, whether it is with it or not.
func sizeOf(m *event.Message) (n int) {
	if _, err := fmt.Sscan(m.Get(headerLeanSize), &n); err == nil {
		return n
	}
	return len(m.Data)
}

// whole gives a copy with its data.
func (b *Mailbox) whole(ctx context.Context, m *event.Message) (*event.Message, error) {
	if m.Get(headerLeanSize) == "" {
		return m, nil
	}
	again, err := b.Bus.At(ctx, bus.Out, m.Seq, m.Subject)
	if err != nil {
		return nil, err
	}
	if again == nil || again.Seq != m.Seq {
		return nil, fmt.Errorf("copy %d of OUT is not there any more", m.Seq)
	}
	return again, nil
}
