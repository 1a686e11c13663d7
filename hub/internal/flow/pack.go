package flow

import (
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// load is what one event brings into a target: its messages are stored in one
// batch, or, when they do not fit into one, in numbered parts.
type load struct {
	seq  uint64 // of the event in its in stream
	msgs []event.Message
}

const (
	packMessages = bus.MaxBatch - 1 // one is the cursor
	packBytes    = bus.MaxBatchBytes
)

// pack groups loads into as few batches as fit. Each batch's cursor says what
// is complete with it. parts of an event are cut the same way every time, so
// that after a crash the next part goes on where the last one ended.
func pack(base decision.Cursor, loads []load) []*batch {
	var out []*batch
	var open []event.Message
	size, done, left := 0, base.Seq, 0
	for i := range loads {
		left += len(loads[i].msgs)
	}
	flush := func() {
		if len(open) > 0 {
			out = append(out, newBatch(with(base, done, 0), open))
			left -= len(open)
			open, size = nil, 0
		}
	}
	for i, l := range loads {
		n := bytesOf(l.msgs)
		if len(l.msgs) <= packMessages && n <= packBytes && (i > 0 || base.Part == 0) {
			if len(open)+len(l.msgs) > packMessages || size+n > packBytes {
				flush()
			}
			if open == nil {
				open = make([]event.Message, 0, min(left, packMessages)+1) // and perhaps a cursor
			}
			open = append(open, l.msgs...)
			size += n
			done = l.seq
			continue
		}
		parts := split(l.msgs)
		if i == 0 && base.Part > 0 {
			parts = parts[min(base.Part, len(parts)):]
		}
		flush()
		left -= len(l.msgs)
		out = append(out, numbered(base, done, l.seq, parts, partsBefore(i, base))...)
		done = l.seq
	}
	flush()
	return out
}

func partsBefore(i int, base decision.Cursor) int {
	if i == 0 {
		return base.Part
	}
	return 0
}

// numbered makes one batch a part; only the last one completes the event.
func numbered(base decision.Cursor, done, seq uint64, parts [][]event.Message, before int) []*batch {
	var out []*batch
	for k, msgs := range parts {
		c := with(base, done, before+k+1)
		if k == len(parts)-1 {
			c = with(base, seq, 0)
		}
		out = append(out, newBatch(c, msgs))
	}
	return out
}

func with(c decision.Cursor, seq uint64, part int) decision.Cursor {
	c.Seq, c.Part = seq, part
	return c
}

// split cuts one event's messages into parts that fit into a batch.
func split(msgs []event.Message) [][]event.Message {
	var parts [][]event.Message
	start, size := 0, 0
	for i := range msgs {
		n := len(msgs[i].Data)
		if i > start && (i-start == packMessages || size+n > packBytes) {
			parts = append(parts, msgs[start:i:i])
			start, size = i, 0
		}
		size += n
	}
	return append(parts, msgs[start:])
}

func bytesOf(msgs []event.Message) (n int) {
	for i := range msgs {
		n += len(msgs[i].Data)
	}
	return n
}
